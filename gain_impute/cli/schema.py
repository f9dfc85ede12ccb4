"""``gain-impute schema``: infer what the columns of a table are, to be read and corrected."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for pandas

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gain_impute.cli.options import Delimiter, Missing, Source, character

__all__ = ["schema"]


def schema(
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
    found = infer_schema(read_table(source, delimiter=character(delimiter)).frame, missing_values=missing or ())
    with open_output(output) as stream:
        stream.write(schema_to_toml(found).encode())
