"""Tables in files, whatever the format: read as a DataFrame, and written with nothing but the filled cells changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from gain_impute.errors import ColumnMismatchError, FileError
from gain_impute.files.delimited import DelimitedReader
from gain_impute.files.output import STANDARD_OUTPUT, PathLike, open_output
from gain_impute.files.parquet import ParquetTable

__all__ = ["DelimitedTable", "TableFile", "check_format", "read_table", "select_columns", "write_frame"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_MOST_NAMES = 5


class TableFile(Protocol):
    """A table that was read from a file and can be written as it came in, but for its filled cells.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The table. Missing cells are NaN or None.
    """

    frame: pd.DataFrame

    def write(self, stream: BinaryIO, filled: pd.DataFrame, cells: pd.DataFrame) -> None:
        """Write the file with its filled cells.

        Parameters
        ----------
        stream : binary file
            Where to.
        filled : DataFrame of shape (n_rows, n_filled_columns)
            The filled table; of a typed format the values are taken from here.
        cells : DataFrame
            The filled cells: their `position`, `column` and `value`, a text that is written as it is into text formats.
        """


class DelimitedTable:
    """A table in a CSV or TSV file; all its cells are texts.

    Parameters
    ----------
    path : str or path
        The file.
    delimiter : str, default=","
        The character between two fields.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns), str
        The table; empty fields are missing.

    Raises
    ------
    FileError
        If the file cannot be read, or is not a table in UTF-8.
    """

    def __init__(self, path: PathLike, delimiter: str = ",") -> None:
        reader = DelimitedReader(path, delimiter)
        self._chunks = list(reader)
        columns = [
            pa.chunked_array([chunk.values(number) for chunk in self._chunks], type=pa.large_string())
            for number in range(len(reader.names))
        ]
        self.frame: pd.DataFrame = pa.table(columns, names=reader.names).to_pandas()

    def write(self, stream: BinaryIO, filled: pd.DataFrame, cells: pd.DataFrame) -> None:  # noqa: ARG002 - cells has the texts
        """Write the file with its filled cells.

        Parameters
        ----------
        stream : binary file
            Where to.
        filled : DataFrame
            Not looked at.
        cells : DataFrame
            The filled cells: their `position`, `column` and `value`.
        """
        cells = cells.sort_values("position", kind="stable")
        rows = cells["position"].to_numpy()
        columns = self.frame.columns.get_indexer(pd.Index(cells["column"]))
        texts = pa.array(cells["value"].astype(object), type=pa.large_string())
        first_row = 0
        for chunk in self._chunks:
            low, high = np.searchsorted(rows, [first_row, first_row + chunk.n_rows])
            stream.write(chunk.filled(rows[low:high] - first_row, columns[low:high], texts[low:high]))
            first_row += chunk.n_rows


def read_table(path: PathLike, *, delimiter: str | None = None) -> TableFile:
    """Read a table from a file.

    Parameters
    ----------
    path : str or path
        The file. Its name says what it is: ``.csv``, ``.tsv``, ``.csv.gz``, ``.tsv.gz`` or ``.parquet``.
    delimiter : str or None, default=None
        The character between two fields; None is a comma for ``.csv`` and a tab for ``.tsv``.

    Returns
    -------
    TableFile
        The table.

    Raises
    ------
    FileError
        If the file cannot be read.
    ConfigError
        If no field can end with `delimiter`.
    """
    kind = _format_of(path)
    if kind == ".parquet":
        return ParquetTable(path)
    return DelimitedTable(path, _DELIMITERS[kind] if delimiter is None else delimiter)


def check_format(path: PathLike, source: PathLike | None = None) -> None:
    """Check that a table can be written in the format that a name asks for.

    Parameters
    ----------
    path : str or path
        The file to be written.
    source : str, path or None, default=None
        The file that it is a filled version of: the formats must be the same, and standard output takes each. Whether
        they are gzipped is free.

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
        _format_of(path)
        return
    kind = _format_of(source)
    if str(path) != STANDARD_OUTPUT and _format_of(path) != kind:
        raise FileError(f"{str(path)!r} must be in the format of its input, {kind}. Change its ending.")


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
    missing = [name for name in names if name not in table.columns]
    extra = [str(name) for name in table.columns if name not in set(names)]
    if missing:
        unexpected = f", unexpected {_listed(extra)}" if extra else ""
        msg = f"Columns differ from those seen in fit: missing {_listed(missing)}{unexpected}."
        raise ColumnMismatchError(f"{msg} Rename them or fit again.")
    return table[list(names)], extra


def write_frame(frame: pd.DataFrame, path: PathLike) -> None:
    """Write a DataFrame, without its index, as CSV or Parquet; the file appears whole or not at all.

    Parameters
    ----------
    frame : DataFrame
        What to write.
    path : str or path
        The file: ``.csv``, ``.tsv``, either with ``.gz``, or ``.parquet``.

    Raises
    ------
    FileError
        If the file cannot be written, or its format is not known.
    """
    kind = _format_of(path)
    with open_output(path) as stream:
        if kind == ".parquet":
            frame.to_parquet(stream, index=False)
        else:
            stream.write(frame.to_csv(index=False, sep=_DELIMITERS[kind], lineterminator="\n").encode())


def _format_of(path: PathLike) -> str:
    """The ending that says what a file is."""
    file = Path(path)
    kind = Path(file.stem).suffix if file.suffix.lower() == ".gz" else file.suffix
    if kind.lower() in _DELIMITERS or (kind.lower() == ".parquet" == file.suffix.lower()):
        return kind.lower()
    msg = f"The name of a table's file must end in .csv, .tsv, .csv.gz, .tsv.gz or .parquet. Got {str(path)!r} instead."
    raise FileError(f"{msg} Rename it.")


def _listed(names: Sequence[str]) -> str:
    """Five names at most."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{list(names[:_MOST_NAMES])}{more}"
