"""``gain-impute schema``: infer what the columns of a table are, to be read and corrected."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for pandas

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gain_impute.cli.imputers import note_markers, open_source, read_rows
from gain_impute.cli.options import ReadingOptions, Source, takes_options

__all__ = ["schema"]


@takes_options
def schema(
    source: Source,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="S.toml", help="The schema; - is stdout.")] = Path(
        "-"
    ),
    options: ReadingOptions,
) -> None:
    """Infer what each column of a table is, and write it down to be read and corrected."""
    from gain_impute.files import check_output, open_output
    from gain_impute.schema import annotated_toml, infer_schema

    check_output(output, apart_from=[source])
    file = open_source(source, options)
    frame, _ = read_rows(file)
    found = infer_schema(frame, missing_values=options.missing or ())
    note_markers(frame, found)
    with open_output(output) as stream:
        stream.write(annotated_toml(found, frame).encode())
