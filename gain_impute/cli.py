"""The command line: parse, call, print.

Results go to files or standard output; progress, warnings and summaries to standard error.
"""
# ruff: noqa: PLC0415  each verb imports what it needs, so that --help does not wait for torch

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gain_impute.errors import ConfigError, GainImputeError, GainImputeWarning

if TYPE_CHECKING:
    import pandas as pd

    from gain_impute.cells import Imputation
    from gain_impute.imputer import GAINImputer

__all__ = ["app", "main", "run"]

READER_GONE, BAD_INPUT = 1, 2
MOST_NAMES = 5

app = typer.Typer(
    name="gain-impute",
    help="Fill the missing cells of product tables, and say how sure each is.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(f"gain-impute {version('gain-impute')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")]
Source = Annotated[Path, typer.Argument(metavar="INPUT", help="The table: .csv, .tsv, either with .gz, or .parquet.")]
Model = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="A model that `fit` wrote, used instead of fitting one.")
]
SchemaFile = Annotated[
    Path | None, typer.Option("--schema", metavar="S.toml", help="What the columns are; inferred if not given.")
]
Missing = Annotated[
    list[str] | None,
    typer.Option("--missing", metavar="TOKEN", help="A text that means 'empty', as an empty field does. Repeatable."),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter", metavar="CHAR", help=r"What stands between fields; \t is a tab. (default: comma, tab in .tsv)"
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="What all randomness follows from. (default: 0)")]
Threads = Annotated[int, typer.Option("--threads", metavar="N", help="No more than there are idle cores.")]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="Where networks run: auto, cpu, cuda, ...")]
MaxTime = Annotated[float | None, typer.Option("--max-time", metavar="SECONDS", help="Seconds of training at most.")]
MaxSteps = Annotated[
    int | None,
    typer.Option("--max-steps", metavar="N", help="Training steps at most. (default: by the number of rows)"),
]


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
        warnings.showwarning = _show_warning
        try:
            code = app(list(arguments), prog_name="gain-impute", standalone_mode=False)
            sys.stdout.flush()
        except typer.TyperException as error:
            _say("error", f"{error.format_message()} See 'gain-impute --help'.")
            return BAD_INPUT
        except GainImputeError as error:
            _say("error", str(error))
            return BAD_INPUT
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return READER_GONE
    return code if isinstance(code, int) else 0


@app.callback()
def _gain_impute(show_version: Version = False) -> None:
    """Fill the missing cells of product tables, and say how sure each is."""


@app.command(name="impute")
def _impute(
    source: Source,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The filled table; - is stdout.")],
    model: Model = None,
    schema: SchemaFile = None,
    cells: Annotated[
        Path | None,
        typer.Option("--cells", metavar="FILE", help="Also write what is known of each cell that was empty."),
    ] = None,
    missing: Missing = None,
    delimiter: Delimiter = None,
    seed: Seed = None,
    threads: Threads = 1,
    device: Device = "auto",
    max_time: MaxTime = None,
    max_steps: MaxSteps = None,
) -> None:
    """Fill the missing cells of a table; without --model, a model is fitted to the table first.

    Nothing but the filled fields is changed: every other byte of a CSV file comes out as it came in.
    """
    from gain_impute.files import check_format, check_output, open_output, read_table, write_frame

    started = time.perf_counter()
    check_format(output, source)
    check_output(output, apart_from=[source])
    if cells is not None:
        check_format(cells)
        check_output(cells, apart_from=[source, output])
    fitting = _given(schema=schema, missing_values=missing, random_state=seed, max_time_s=max_time, max_steps=max_steps)
    imputer = _imputer(model, fitting, n_threads=threads, device=device)
    file = read_table(source, delimiter=_character(delimiter))
    if model is None:
        imputer.fit(file.frame)
    result = imputer.impute(_known_columns(file.frame, imputer))
    if cells is not None:
        write_frame(result.cells, cells)
    with open_output(output) as stream:
        file.write(stream, result.table, result.cells[result.cells["state"] == "imputed"])
    _print_summary(result, imputer, time.perf_counter() - started)


@app.command(name="fit")
def _fit(
    source: Source,
    *,
    model: Annotated[
        Path, typer.Option("--model", "-m", metavar="DIR", help="The model folder; a model that is there is replaced.")
    ],
    schema: SchemaFile = None,
    missing: Missing = None,
    delimiter: Delimiter = None,
    seed: Seed = None,
    threads: Threads = 1,
    device: Device = "auto",
    max_time: MaxTime = None,
    max_steps: MaxSteps = None,
) -> None:
    """Fit a model to a table, for use on others with `impute --model`."""
    from gain_impute.files import check_output_folder, read_table
    from gain_impute.persistence import MODEL_FILES

    started = time.perf_counter()
    check_output_folder(model, contents=MODEL_FILES)
    fitting = _given(schema=schema, missing_values=missing, random_state=seed, max_time_s=max_time, max_steps=max_steps)
    imputer = _imputer(None, fitting, n_threads=threads, device=device)
    frame = read_table(source, delimiter=_character(delimiter)).frame
    imputer.fit(frame)
    imputer.save(model)
    elapsed_s = time.perf_counter() - started
    _print(
        f"{len(frame):,} rows x {frame.shape[1]} columns fitted in {elapsed_s:.1f} s. The model is in {str(model)!r}."
    )


@app.command(name="schema")
def _schema(
    source: Source,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="S.toml", help="The schema; - is stdout.")] = Path(
        "-"
    ),
    missing: Missing = None,
    delimiter: Delimiter = None,
) -> None:
    """Infer what each column of a table is, and write it down to be read and corrected."""
    from gain_impute.files import check_output, open_output, read_table
    from gain_impute.schema import infer_schema, schema_to_toml

    check_output(output, apart_from=[source])
    found = infer_schema(read_table(source, delimiter=_character(delimiter)).frame, missing_values=missing or ())
    with open_output(output) as stream:
        stream.write(schema_to_toml(found).encode())


@app.command(name="evaluate")
def _evaluate(
    source: Source,
    *,
    model: Model = None,
    schema: SchemaFile = None,
    hide: Annotated[float, typer.Option("--hide", metavar="RATE", help="Share of the known cells to hide.")] = 0.2,
    mechanism: Annotated[
        str, typer.Option("--mechanism", metavar="NAME", help="Why cells are hidden: mcar, mar, mnar or block.")
    ] = "mcar",
    missing: Missing = None,
    delimiter: Delimiter = None,
    seed: Seed = None,
    threads: Threads = 1,
    device: Device = "auto",
    max_time: MaxTime = None,
    max_steps: MaxSteps = None,
) -> None:
    """Hide known cells of a table, fill them, and compare with what stood there, beside mean and KNN imputation.

    Without --model, a model is fitted to what is left. With it, the figures are honest only for rows it has not seen.
    """
    from gain_impute.evaluation import evaluate
    from gain_impute.files import read_table

    fitting = _given(schema=schema, missing_values=missing, max_time_s=max_time, max_steps=max_steps)
    imputer = _imputer(model, fitting, n_threads=threads, device=device)
    frame = read_table(source, delimiter=_character(delimiter)).frame
    if model is None:
        imputer.set_params(random_state=seed or 0)
    else:
        frame = _known_columns(frame, imputer)
    typer.echo(str(evaluate(imputer, frame, rate=hide, mechanism=mechanism, random_state=seed or 0)))


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _imputer(model: Path | None, fitting: dict[str, Any], *, n_threads: int, device: str) -> GAINImputer:
    """The imputer in a model folder, or one to be fitted."""
    from gain_impute.imputer import GAINImputer

    if model is None:
        return GAINImputer(**({"random_state": 0} | fitting), n_threads=n_threads, device=device, verbose=1)
    if fitting:
        options = {"missing_values": "--missing", "random_state": "--seed", "max_time_s": "--max-time"}
        named = ", ".join(options.get(name, f"--{name.replace('_', '-')}") for name in fitting)
        raise ConfigError(f"A model is fitted already: --model must stand without {named}. Leave out one or the other.")
    imputer = GAINImputer.load(model, device=device)
    imputer.set_params(n_threads=n_threads)
    return imputer


def _character(delimiter: str | None) -> str | None:
    """The delimiter; a shell passes on a tab more easily as two characters."""
    return "\t" if delimiter == "\\t" else delimiter


def _known_columns(frame: pd.DataFrame, imputer: GAINImputer) -> pd.DataFrame:
    """The columns of a table that the imputer knows, in its order; a warning names the others."""
    from gain_impute.files import select_columns

    known, extra = select_columns(frame, list(imputer.schema_))
    if extra:
        more = f" and {len(extra) - MOST_NAMES} more" if len(extra) > MOST_NAMES else ""
        _say("warning", f"The model does not know the columns {extra[:MOST_NAMES]}{more}. They stay as they are.")
    return known


def _print_summary(result: Imputation, imputer: GAINImputer, elapsed_s: float) -> None:
    """Say of each column with empty cells what became of them, and of all how long it took."""
    lines = [("column", "empty", "filled", "confidence", "left empty")]
    summary = result.summary()
    for name, counts in summary.loc[[name for name in imputer.schema_ if name in summary.index]].iterrows():
        left = [f"{counts[state]:,.0f} {why}" for state, why in _reasons(imputer, str(name)).items() if counts[state]]
        confidence = f"{counts['confidence']:.2f}" if counts["imputed"] else ""
        lines.append((str(name), f"{counts['empty']:,.0f}", f"{counts['imputed']:,.0f}", confidence, ", ".join(left)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *figures, left_empty in lines if len(lines) > 1 else []:
        numbers = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=False)]
        _print("  ".join([name.ljust(widths[0]), *numbers, left_empty]).rstrip())
    for name, count in result.unreadable.items():
        kind = imputer.schema_[name].kind
        _print(f"{count:,} cells of {name!r} cannot be read as {kind}; they stay as they are.")
    n_filled, n_empty = int((result.cells["state"] == "imputed").sum()), len(result.cells)
    speed = f"{elapsed_s:.1f} s ({result.n_rows / elapsed_s:,.0f} rows/s)"
    _print(f"{n_filled:,} of {n_empty:,} empty cells filled in {result.n_rows:,} rows, in {speed}.")


def _reasons(imputer: GAINImputer, name: str) -> dict[str, str]:
    """Why cells of a column are left empty, by state."""
    why = imputer.unfillable_.get(name)
    return {
        "abstained": "under the column's least confidence",
        "not_applicable": "not applicable",
        "unfillable": "unfillable" if why is None else f"unfillable ({why})",
    }


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Show a warning as one line, without the line of code that raised it."""
    _say("warning", str(message))


def _say(label: str, message: str) -> None:
    """Print a labelled message as one line."""
    _print(f"{label}: {' '.join(message.splitlines())}")


def _print(line: str) -> None:
    """Print a line to standard error."""
    typer.echo(line, err=True)


def _terminate(number: int, _: object) -> NoReturn:
    """End with the exit code that shells expect after a signal; unfinished files are removed on the way out.

    An exit, for a KeyboardInterrupt is caught by libraries that we call.
    """
    sys.exit(128 + number)
