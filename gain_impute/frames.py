"""Tables of pandas, polars and numpy, and how they are read: as pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.errors import TableError
from gain_impute.schema.reading import LEAST_INEXACT

__all__ = ["append_columns", "drop_columns", "is_frame", "is_polars", "row_labels", "to_pandas"]


def is_polars(table: object) -> bool:
    """Whether an object is of polars, a DataFrame or another; polars is not imported to find out."""
    return type(table).__module__.partition(".")[0] == "polars"


def is_frame(table: object) -> bool:
    """Whether the table is a DataFrame of pandas or polars."""
    return isinstance(table, pd.DataFrame) or (is_polars(table) and type(table).__name__ == "DataFrame")


def row_labels(table: Any) -> NDArray[np.object_]:
    """Index labels of the rows as texts; row numbers where there is no index."""
    index = table.index if isinstance(table, pd.DataFrame) else pd.RangeIndex(len(table))
    return index.map(str).to_numpy(dtype=object)


def drop_columns(table: Any, positions: list[int]) -> Any:
    """Leave out columns."""
    if isinstance(table, np.ndarray):
        return np.delete(table, positions, axis=1)
    if is_polars(table):
        return table.drop([table.columns[i] for i in positions])
    return table.iloc[:, [i for i in range(table.shape[1]) if i not in positions]]


def append_columns(table: Any, columns: NDArray[np.bool_], names: list[str]) -> Any:
    """Append columns (n_rows, n_new); to an array as numbers, to a frame as booleans."""
    if isinstance(table, np.ndarray):
        return np.hstack([table, columns.astype(table.dtype)])
    if is_polars(table):
        import polars as pl  # noqa: PLC0415 - an extra; whoever passes a polars frame has it

        return table.with_columns([pl.Series(name, columns[:, i]) for i, name in enumerate(names)])
    return pd.concat([table, pd.DataFrame(columns, index=table.index, columns=names)], axis=1)


def to_pandas(table: Any) -> pd.DataFrame:
    """Show a table as a pandas DataFrame for reading; column names become texts.

    Raises
    ------
    TableError
        If pandas cannot read a column of polars.
    """
    if isinstance(table, np.ndarray):
        return pd.DataFrame(table, columns=[f"x{i}" for i in range(table.shape[1])], copy=False)
    frame: pd.DataFrame = _polars_to_pandas(table) if is_polars(table) else table.copy(deep=False)
    frame.columns = [str(name) for name in frame.columns]
    return frame


def _polars_to_pandas(table: Any) -> pd.DataFrame:
    """The same, where integers that no float tells apart stay integers though some are missing."""
    try:
        frame: pd.DataFrame = table.to_pandas()
    except ValueError as error:  # of Arrow, which does not know some type
        unread = {column.name: str(column.dtype) for column in table if not _is_read(column)}
        raise TableError(
            f"The types of columns must be ones that pandas reads. Got {unread}. Cast them, or leave the columns out."
        ) from error
    for name, column in zip(table.columns, table, strict=True):
        if column.dtype.is_integer() and column.null_count() and (column.abs().max() or 0) >= LEAST_INEXACT:
            frame[name] = pd.array(column.to_list(), dtype=str(column.dtype))
    return frame


def _is_read(column: Any) -> bool:
    """Whether pandas reads a Series of polars."""
    try:
        column.to_pandas()
    except ValueError:
        return False
    return True
