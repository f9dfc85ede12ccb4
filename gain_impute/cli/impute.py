"""``gain-impute impute``: fill a table."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for torch

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from gain_impute.cli.aligned import align_rows
from gain_impute.cli.imputers import make_imputer, note_conditions, note_markers, open_source, read_rows, warn_of_extra
from gain_impute.cli.messages import print_line
from gain_impute.cli.options import FittingOptions, MinConfidence, Model, Source, bars, takes_options

if TYPE_CHECKING:
    from gain_impute.batch import FileImputation
    from gain_impute.imputer import GAINImputer

__all__ = ["impute"]


@takes_options
def impute(
    source: Source,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The filled table; - is stdout.")],
    model: Model = None,
    cells: Annotated[
        Path | None,
        typer.Option("--cells", metavar="FILE", help="Also write what is known of each cell that was empty."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Also write a page (.html) for people about what was filled."),
    ] = None,
    min_confidence: MinConfidence = None,
    options: FittingOptions,
) -> None:
    """Fill the missing cells of a table; without --model, a model is fitted to the table first.

    Nothing but the filled fields is changed: every other byte of a CSV file comes out as it came in.
    """
    from gain_impute.batch import impute_file
    from gain_impute.files import open_output

    started = time.perf_counter()
    _check_outputs(source, output, cells, report, options.delimiter)
    imputer = make_imputer(model, options, seed=options.seed)
    if min_confidence is not None:
        imputer.set_params(min_confidence=bars(min_confidence))
    file = open_source(source, options)
    n_rows = None
    if model is None:
        frame, n_rows = read_rows(file)
        imputer.fit(frame)
        note_markers(frame, imputer.schema_)
        note_conditions(frame, imputer.schema_)
        del frame
    else:
        warn_of_extra(file.names, imputer)
    with tqdm(total=n_rows, unit=" rows", desc="fill", leave=False, disable=None) as bar:
        done = impute_file(imputer, file, output, cells=cells, on_rows=lambda n_done: bar.update(n_done - bar.n))
    elapsed_s = time.perf_counter() - started
    if report is not None:
        from gain_impute.reporting.impute_page import impute_page

        page = impute_page(imputer, done, source=source, output=output, elapsed_s=elapsed_s)
        with open_output(report) as stream:
            stream.write(page.encode())
    _print_summary(done, imputer, elapsed_s)


def _check_outputs(source: Path, output: Path, cells: Path | None, report: Path | None, delimiter: str | None) -> None:
    """Refuse what cannot be written before any work is done."""
    from gain_impute.files import check_format, check_output

    check_format(output, source, delimiter=delimiter)
    written = [source]
    for path in (output, cells, report):
        if path is not None:
            check_output(path, apart_from=written)
            written.append(path)
    if cells is not None:
        check_format(cells)


def _print_summary(done: FileImputation, imputer: GAINImputer, elapsed_s: float) -> None:
    """Say of each column with empty cells what became of them, and of all how long it took."""
    from gain_impute.batch import why_left

    lines = [("column", "empty", "filled", "confidence", "left empty")]
    for name, counts in done.columns.iterrows():
        confidence = f"{counts['confidence']:.2f}" if counts["imputed"] else ""
        lines.append(
            (
                str(name),
                f"{counts['empty']:,}",
                f"{counts['imputed']:,}",
                confidence,
                why_left(imputer, str(name), counts),
            )
        )
    for line in align_rows(lines, "<>>><") if len(lines) > 1 else []:
        print_line(line)
    for name, count in done.unreadable.items():
        kind = imputer.schema_[name].kind
        print_line(f"{count:,} cells of {name!r} cannot be read as {kind}; they stay as they are.")
    n_filled, n_empty = int(done.columns["imputed"].sum()), int(done.columns["empty"].sum())
    speed = f"{elapsed_s:.1f} s ({done.n_rows / elapsed_s:,.0f} rows/s)"
    print_line(f"{n_filled:,} of {n_empty:,} empty cells filled in {done.n_rows:,} rows, in {speed}.")
