"""Tables in files, whatever the format: read as a DataFrame, and written with nothing but the filled cells changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pandas as pd

from gain_impute.errors import ColumnMismatchError, FileError, named
from gain_impute.files.delimited import DelimitedReader, check_delimiter
from gain_impute.files.encodings import UTF8, known_encoding
from gain_impute.files.filling import Fillings
from gain_impute.files.formats import DELIMITERS, format_of
from gain_impute.files.output import PathLike
from gain_impute.files.parquet import ParquetTable
from gain_impute.files.sniff import sniff_delimiter, sniff_encoding
from gain_impute.files.text_table import DelimitedTable

__all__ = ["TableFile", "extra_columns", "open_table", "read_table", "select_columns"]


class TableFile(Protocol):
    """A table in a file, read part by part, and written as it came in but for its filled cells.

    Attributes
    ----------
    path : Path
        The file.
    names : list of str
        Its columns.
    notes : tuple of str
        What was guessed of the file, each a sentence.
    is_typed : bool
        Whether its cells are typed values; if not they are texts.
    """

    path: Path
    names: list[str]
    notes: tuple[str, ...]
    is_typed: bool

    def parts(self) -> Iterator[Any]:
        """Read the rows, some at a time; at least one part, if only of no rows."""

    def writer(self, stream: BinaryIO) -> AbstractContextManager[Callable[[Any, Fillings], None]]:
        """Begin to write the file: gives a function that takes the parts, in their order, each with its fillings."""


def open_table(
    path: PathLike, *, delimiter: str | None = None, encoding: str | None = None, has_header: bool = True
) -> TableFile:
    """Open a file that holds a table.

    Parameters
    ----------
    path : str or path
        The file. Its name says what it is: ``.csv``, ``.tsv``, ``.csv.gz``, ``.tsv.gz`` or ``.parquet``; with
        `delimiter`, any other name is that of delimited text.
    delimiter : str or None, default=None
        The character between two fields. None: what the name says, or what is plain from the first records.
    encoding : str or None, default=None
        How the text is encoded. None: UTF-8 if it is, else the likeliest.
    has_header : bool, default=True
        Whether the first record of delimited text holds the names of the columns.

    Returns
    -------
    TableFile
        The table.

    Raises
    ------
    FileError
        If the file cannot be read, or is not what its name says.
    ConfigError
        If no field can end with `delimiter`, or there is no such encoding.
    """
    kind = format_of(path, delimiter)
    if Path(path).is_fifo() or Path(path).is_char_device():
        raise FileError(f"The input must be a file: it is read more than once. {str(path)!r} is none. Save it first.")
    if kind == ".parquet":
        return ParquetTable(path)
    if delimiter is not None:
        check_delimiter(delimiter)
    file, notes = Path(path), []
    if encoding is None:
        likely = sniff_encoding(file)
        encoding = likely.name
        if encoding != UTF8:
            notes.append(f"{str(path)!r} is read as {likely}. Name another encoding with --encoding.")
    encoding = known_encoding(encoding)
    if delimiter is None:
        delimiter = sniff_delimiter(file, encoding, DELIMITERS[kind])
        if delimiter != DELIMITERS[kind]:
            notes.append(f"{str(path)!r} has {delimiter!r} between its fields. Name another with --delimiter.")
    reader = DelimitedReader(file, delimiter, encoding=encoding, has_header=has_header)
    return DelimitedTable(reader, tuple(notes))


def read_table(file: TableFile, *, most_cells: int | None = None) -> tuple[pd.DataFrame, int]:
    """Read a table into memory, or an even sample of its rows where it is too large for that.

    Parameters
    ----------
    file : TableFile
        The table.
    most_cells : int or None, default=None
        Cells that may be read. Of a larger table every second row is kept, or every fourth, ... None: all rows.

    Returns
    -------
    frame : DataFrame of shape (n_kept, n_columns)
        The rows.
    n_rows : int
        Rows of the table.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    most_rows = None if most_cells is None else max(most_cells // max(len(file.names), 1), 1)
    kept: list[pd.DataFrame] = []
    n_rows, n_kept, step = 0, 0, 1
    for part in file.parts():
        rows = np.arange(n_rows, n_rows + part.n_rows) % step == 0
        frame = part.frame()
        kept.append(frame if rows.all() else frame.loc[rows])
        n_rows, n_kept = n_rows + part.n_rows, n_kept + int(rows.sum())
        while most_rows is not None and n_kept > most_rows:
            step *= 2
            kept = [_together(kept).iloc[::2]]
            n_kept = len(kept[0])
    return _together(kept), n_rows


def _together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """One frame of several; a column of categories stays one, though no frame has all of them."""
    if len(frames) == 1:
        return frames[0]
    frame = pd.concat(frames)
    coded = [name for name, dtype in frames[0].dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(coded, "category")) if coded else frame


def select_columns(table: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Bring the columns of a table into the order in which a model knows them.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The table.
    names : sequence of str
        The columns that the model was fitted on.

    Returns
    -------
    selected : DataFrame of shape (n_rows, n_names)
        These columns.
    extra : list of str
        The columns that the model does not know.

    Raises
    ------
    ColumnMismatchError
        If a column is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"brand": ["Acme"], "stock": [3], "price": [9.99]})
    >>> selected, extra = select_columns(table, ["price", "brand"])
    >>> list(selected), extra
    (['price', 'brand'], ['stock'])
    """
    extra = extra_columns([str(name) for name in table.columns], names)
    return table[list(names)], extra


def extra_columns(found: Sequence[str], names: Sequence[str]) -> list[str]:
    """Name the columns of a table that a model does not know.

    Parameters
    ----------
    found : sequence of str
        The columns of the table.
    names : sequence of str
        The columns that the model was fitted on.

    Returns
    -------
    list of str
        Those found that are not among them.

    Raises
    ------
    ColumnMismatchError
        If one that the model was fitted on is missing.

    Examples
    --------
    >>> extra_columns(["brand", "stock", "price"], ["price", "brand"])
    ['stock']
    """
    there, known = set(found), set(names)
    missing = [name for name in names if name not in there]
    extra = [name for name in found if name not in known]
    if missing:
        unexpected = f", unexpected {named(extra)}" if extra else ""
        msg = f"Columns differ from those seen in fit: missing {named(missing)}{unexpected}."
        raise ColumnMismatchError(f"{msg} Rename them or fit again.")
    return extra
