"""The program: its verbs, and what becomes of errors and signals."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from gain_impute.cli.benchmark import benchmark
from gain_impute.cli.evaluate import evaluate
from gain_impute.cli.fit import fit
from gain_impute.cli.impute import impute
from gain_impute.cli.messages import say, show_warning
from gain_impute.cli.runs import runs
from gain_impute.cli.schema import schema
from gain_impute.cli.tune import tune
from gain_impute.errors import GainImputeError, GainImputeWarning

__all__ = ["app", "main", "run"]

READER_GONE, BAD_INPUT = 1, 2

app = typer.Typer(
    name="gain-impute",
    help="Fill the missing cells of product tables, and say how sure each is.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (impute, fit, schema, evaluate, benchmark, tune, runs):
    app.command()(verb)


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _terminate)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; what goes wrong with its input is one line on standard error.

    Parameters
    ----------
    arguments : sequence of str
        What stands behind the program's name.

    Returns
    -------
    int
        The exit code: 0, 2 on bad usage or bad input, 130 after an interrupt, 1 if nobody reads the output.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("always", GainImputeWarning)
        warnings.showwarning = show_warning
        try:
            code = app(list(arguments), prog_name="gain-impute", standalone_mode=False)
            sys.stdout.flush()
        except typer.TyperException as error:
            say("error", f"{error.format_message()} See 'gain-impute --help'.")
            return BAD_INPUT
        except GainImputeError as error:
            say("error", str(error))
            return BAD_INPUT
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return READER_GONE
    return code if isinstance(code, int) else 0


def _show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(f"gain-impute {version('gain-impute')}")
        raise typer.Exit


@app.callback()
def _gain_impute(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Fill the missing cells of product tables, and say how sure each is."""


def _terminate(number: int, _: object) -> NoReturn:
    """End with the exit code that shells expect after a signal; unfinished files are removed on the way out.

    An exit, for a KeyboardInterrupt is caught by libraries that we call.
    """
    sys.exit(128 + number)
