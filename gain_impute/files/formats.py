"""Which format a file's name stands for, and writing frames in it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gain_impute.errors import FileError
from gain_impute.files.output import STANDARD_OUTPUT, PathLike, open_output

__all__ = ["DELIMITERS", "check_format", "format_of", "frame_writer"]

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""What stands between fields, by the ending of a file's name."""
_SPREADSHEETS = {".xlsx", ".xlsm", ".xls", ".ods", ".numbers"}


def format_of(path: PathLike, delimiter: str | None = None) -> str:
    """Tell the format of a file by its name.

    Parameters
    ----------
    path : str or path
        The file.
    delimiter : str or None, default=None
        The delimiter that was named for it, if any: then another ending is that of a CSV file.

    Returns
    -------
    str
        ``.csv``, ``.tsv`` or ``.parquet``; whether it is gzipped is another matter.

    Raises
    ------
    FileError
        If the name ends in none of these.
    """
    file = Path(path)
    kind = Path(file.stem).suffix if file.suffix.lower() == ".gz" else file.suffix
    if kind.lower() in DELIMITERS or (kind.lower() == ".parquet" == file.suffix.lower()):
        return kind.lower()
    if delimiter is not None and kind.lower() != ".parquet":
        return ".csv"
    if kind.lower() in _SPREADSHEETS:
        raise FileError(f"The input must be text or Parquet. {str(path)!r} is a spreadsheet. Export it as CSV.")
    msg = f"The name of a table's file must end in .csv, .tsv, .csv.gz, .tsv.gz or .parquet. Got {str(path)!r} instead."
    raise FileError(f"{msg} Rename it, or name the delimiter of a text file with --delimiter.")


def check_format(path: PathLike, source: PathLike | None = None, *, delimiter: str | None = None) -> None:
    """Check that a table can be written in the format that a name asks for.

    Parameters
    ----------
    path : str or path
        The file to be written.
    source : str, path or None, default=None
        The file that it is a filled version of: the formats must be the same, and standard output takes each. Whether
        they are gzipped is free.
    delimiter : str or None, default=None
        The delimiter that was named for `source`, if any: then it is delimited text whatever its ending.

    Raises
    ------
    FileError
        If the formats differ, or one is not known.

    Examples
    --------
    >>> check_format("filled.csv.gz", "dump.csv")
    >>> check_format("filled.parquet", "dump.csv")
    Traceback (most recent call last):
        ...
    gain_impute.errors.FileError: 'filled.parquet' must be in the format of its input, .csv. Change its ending.
    """
    if source is None:
        format_of(path)
        return
    kind = format_of(source, delimiter)
    if str(path) != STANDARD_OUTPUT and format_of(path, delimiter) != kind:
        raise FileError(f"{str(path)!r} must be in the format of its input, {kind}. Change its ending.")


@contextmanager
def frame_writer(path: PathLike) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Write a long DataFrame piece by piece; the file appears whole or not at all.

    Parameters
    ----------
    path : str or path
        The file: ``.csv``, ``.tsv``, either with ``.gz``, or ``.parquet``.

    Yields
    ------
    callable
        Takes the pieces, in their order, all of the same columns; at least one, if only of no rows.

    Raises
    ------
    FileError
        If the file cannot be written, or its format is not known.
    """
    kind = format_of(path)
    with open_output(path) as stream, ExitStack() as opened_later:
        writer: pq.ParquetWriter | None = None
        is_first = True

        def write(frame: pd.DataFrame) -> None:
            nonlocal writer, is_first
            if kind == ".parquet":
                table = pa.Table.from_pandas(frame, preserve_index=False)
                if writer is None:
                    writer = opened_later.enter_context(pq.ParquetWriter(stream, table.schema))
                writer.write_table(table)
            else:
                text = _as_text(frame, kind, has_names=is_first)
                if "\r" in text:  # within a cell: where it is not quoted, it ends a line
                    text = _as_text(frame, kind, has_names=is_first, quoting=csv.QUOTE_ALL)
                stream.write(text.encode())
            is_first = False

        yield write


def _as_text(frame: pd.DataFrame, kind: str, *, has_names: bool, quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> str:
    """The lines of a table."""
    return frame.to_csv(index=False, header=has_names, sep=DELIMITERS[kind], lineterminator="\n", quoting=quoting)
