"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Delimiter",
    "Device",
    "Encoding",
    "MaxSteps",
    "MaxTime",
    "Missing",
    "Model",
    "NoHeader",
    "SchemaFile",
    "Seed",
    "Source",
    "Threads",
    "character",
]

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
        "--delimiter",
        metavar="CHAR",
        help=r"What stands between fields; \t is a tab. (default: comma, tab in .tsv, another where it is plain)",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="How the text is encoded: utf-8, gb18030, cp1252, utf-16, ... (default: utf-8, else the likeliest)",
    ),
]
NoHeader = Annotated[
    bool,
    typer.Option("--no-header", help="The first record is no header; the columns are x0, x1, ..."),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="What all randomness follows from. (default: 0)")]
Threads = Annotated[int, typer.Option("--threads", metavar="N", help="No more than there are idle cores.")]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="Where networks run: auto, cpu, cuda, ...")]
MaxTime = Annotated[float | None, typer.Option("--max-time", metavar="SECONDS", help="Seconds of training at most.")]
MaxSteps = Annotated[
    int | None,
    typer.Option("--max-steps", metavar="N", help="Training steps at most. (default: by the number of rows)"),
]


def character(delimiter: str | None) -> str | None:
    """The delimiter; a shell passes on a tab more easily as two characters."""
    return "\t" if delimiter == "\\t" else delimiter
