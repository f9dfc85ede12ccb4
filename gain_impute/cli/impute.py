"""``gain-impute impute``: fill a table."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for torch

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gain_impute.cli.imputers import given, known_columns, make_imputer
from gain_impute.cli.messages import print_line
from gain_impute.cli.options import (
    Delimiter,
    Device,
    MaxSteps,
    MaxTime,
    Missing,
    Model,
    SchemaFile,
    Seed,
    Source,
    Threads,
    character,
)

if TYPE_CHECKING:
    from gain_impute.cells import Imputation
    from gain_impute.imputer import GAINImputer

__all__ = ["impute"]


def impute(
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
    fitting = given(schema=schema, missing_values=missing, random_state=seed, max_time_s=max_time, max_steps=max_steps)
    imputer = make_imputer(model, fitting, n_threads=threads, device=device)
    file = read_table(source, delimiter=character(delimiter))
    if model is None:
        imputer.fit(file.frame)
    result = imputer.impute(known_columns(file.frame, imputer))
    if cells is not None:
        write_frame(result.cells, cells)
    with open_output(output) as stream:
        file.write(stream, result.table, result.cells[result.cells["state"] == "imputed"])
    _print_summary(result, imputer, time.perf_counter() - started)


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
        print_line("  ".join([name.ljust(widths[0]), *numbers, left_empty]).rstrip())
    for name, count in result.unreadable.items():
        kind = imputer.schema_[name].kind
        print_line(f"{count:,} cells of {name!r} cannot be read as {kind}; they stay as they are.")
    n_filled, n_empty = int((result.cells["state"] == "imputed").sum()), len(result.cells)
    speed = f"{elapsed_s:.1f} s ({result.n_rows / elapsed_s:,.0f} rows/s)"
    print_line(f"{n_filled:,} of {n_empty:,} empty cells filled in {result.n_rows:,} rows, in {speed}.")


def _reasons(imputer: GAINImputer, name: str) -> dict[str, str]:
    """Why cells of a column are left empty, by state."""
    why = imputer.unfillable_.get(name)
    return {
        "abstained": "under the column's least confidence",
        "not_applicable": "not applicable",
        "unfillable": "unfillable" if why is None else f"unfillable ({why})",
    }
