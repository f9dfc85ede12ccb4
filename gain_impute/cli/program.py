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
from gain_impute.errors import GainImputeError, GainImputeWarning, LikelyMarkerWarning

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
    try:
        code = run(sys.argv[1:])
    except _StoppedError as stopped:  # all that was unfinished is removed: nothing is left that is worth seconds
        os._exit(stopped.exit_code)
    sys.exit(code)


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
        warnings.simplefilter("ignore", LikelyMarkerWarning)  # `note_markers` says it, with counts and options
        warnings.showwarning = show_warning
        try:
            code = app(list(arguments), prog_name="gain-impute", standalone_mode=False)
            sys.stdout.flush()
        except typer.TyperException as error:
            context: typer.Context | None = getattr(error, "ctx", None)  # of usage errors: whose help tells more
            verb = "gain-impute" if context is None else context.command_path
            say("error", f"{error.format_message().rstrip('.')}. See '{verb} --help'.")
            return BAD_INPUT
        except GainImputeError as error:
            say("error", str(error))
            try:
                sys.stdout.flush()
            except OSError:  # that was the error: it is told
                _drop_output()
            return BAD_INPUT
        except BrokenPipeError:  # whoever read our output has seen enough
            _drop_output()
            return READER_GONE
        except OSError as error:
            _drop_output()
            if error.filename is None:  # the help, or the version, on a disk that is full
                say("error", f"The standard output cannot be written: {error.strerror or error}. Make room.")
            else:
                say("error", f"{str(error.filename)!r} cannot be read or written: {error.strerror}. Name another.")
            return BAD_INPUT
    return code if isinstance(code, int) else 0


def _drop_output() -> None:
    """Let what standard output still holds go nowhere, so that the interpreter does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


class _StoppedError(SystemExit):
    """A signal has come. An exit, for a KeyboardInterrupt is caught by libraries that we call."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(self.exit_code)


def _terminate(number: int, _: object) -> NoReturn:
    """End with the exit code that shells expect after a signal; unfinished files are removed on the way out."""
    raise _StoppedError(number)
