"""Tables of pandas, polars and numpy: read as pandas, and written back with nothing but the holes changed."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.schema import ColumnSchema

__all__ = [
    "FilledColumn",
    "append_columns",
    "cell_types",
    "drop_columns",
    "fill_frame",
    "is_frame",
    "is_polars",
    "row_labels",
    "to_pandas",
]

CellTypes = Mapping[str, str]  # text of a value -> name of its Python type; "" -> that of most cells

FROM_TEXT: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda text: text == "True",
    "Decimal": decimal.Decimal,
    "date": lambda text: pd.Timestamp(text).date(),
    "datetime": lambda text: pd.Timestamp(text).to_pydatetime(),
    "Timestamp": pd.Timestamp,
}
"""How an object column's values are made from their text; a type that is not here comes back as text."""


@dataclass(frozen=True)
class FilledColumn:
    """What goes into the holes of one column.

    Attributes
    ----------
    rows : ndarray of shape (n_filled,), int64
        Row numbers.
    values : ndarray of shape (n_filled,)
        float64 numbers (dates as seconds since 1970), or categories as texts.
    """

    rows: NDArray[np.int64]
    values: NDArray[Any]


def is_polars(table: object) -> bool:
    """Whether the table is a polars DataFrame; polars is not imported to find out."""
    return type(table).__module__.partition(".")[0] == "polars"


def is_frame(table: object) -> bool:
    """Whether the table is a DataFrame of pandas or polars."""
    return isinstance(table, pd.DataFrame) or is_polars(table)


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


def to_pandas(table: Any) -> pd.DataFrame:  # noqa: ANN401 - any of three kinds of table
    """Show a table as a pandas DataFrame for reading; column names become texts."""
    if isinstance(table, np.ndarray):
        return pd.DataFrame(table, columns=[f"x{i}" for i in range(table.shape[1])], copy=False)
    frame = table.to_pandas() if is_polars(table) else table.copy(deep=False)
    frame.columns = [str(name) for name in frame.columns]
    return frame


def cell_types(cells: pd.Series, texts: NDArray[Any]) -> dict[str, str]:
    """Learn the Python types of an object column, so that a filled cell is of the type that its neighbours have.

    Parameters
    ----------
    cells : Series of shape (n_rows,)
    texts : ndarray of shape (n_rows,)
        Their parsed values: texts of a categorical column, numbers of a numeric one.

    Returns
    -------
    dict
        Name of the type of each text that is not a str, and under "" that of most known cells. Empty for other dtypes.
    """
    if cells.dtype != object:
        return {}
    known = cells.notna().to_numpy()
    names = cells[known].map(lambda value: type(value).__name__)
    if names.empty:
        return {}
    types = {"": str(names.mode().iloc[0])}
    if texts.dtype == object:
        pairs = pd.DataFrame({"text": texts[known], "type": names.to_numpy()}).dropna().drop_duplicates("text")
        types |= {text: name for text, name in zip(pairs["text"], pairs["type"], strict=True) if name != "str"}
    return types


def fill_frame(
    table: Any,  # noqa: ANN401 - any of three kinds of table
    filled: Mapping[str, FilledColumn],
    schema: Mapping[str, ColumnSchema],
    types: Mapping[str, CellTypes],
) -> Any:  # noqa: ANN401
    """Return a table like `table` with the given cells filled; dtypes, index, order and all other cells are kept."""
    names = list(schema)
    if isinstance(table, np.ndarray):
        completed = table.copy()
        for name, column in filled.items():
            values = column.values if completed.dtype.kind == "f" else np.rint(column.values)
            completed[column.rows, names.index(name)] = values.astype(completed.dtype)
        return completed
    fill = _fill_polars if is_polars(table) else _fill_pandas
    return fill(table, filled, schema, types)


def _fill_pandas(
    table: pd.DataFrame,
    filled: Mapping[str, FilledColumn],
    schema: Mapping[str, ColumnSchema],
    types: Mapping[str, CellTypes],
) -> pd.DataFrame:
    completed, names = table.copy(), list(schema)
    for name, column in filled.items():
        if len(column.rows) == 0:
            continue
        position = names.index(name)
        cells = completed.iloc[:, position].copy()
        values = _for_dtype(cells.dtype, column.values, schema[name], types.get(name, {}))
        if isinstance(cells.dtype, pd.CategoricalDtype):
            cells = cells.cat.add_categories([v for v in dict.fromkeys(values) if v not in set(cells.cat.categories)])
        cells.iloc[column.rows] = values
        completed.isetitem(position, cells)
    return completed


def _for_dtype(dtype: Any, values: NDArray[Any], column: ColumnSchema, types: CellTypes) -> Any:  # noqa: ANN401 - a dtype and its values
    """Turn canonical values into what a pandas column of this dtype holds."""
    is_number = values.dtype != object
    if pd.api.types.is_datetime64_any_dtype(dtype):
        stamps = _timestamps(values) if is_number else pd.to_datetime(pd.Series(values), utc=True)
        zone = getattr(dtype, "tz", None)
        return pd.Series(stamps.dt.tz_convert(zone) if zone else stamps.dt.tz_localize(None)).astype(dtype).array
    if pd.api.types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        return pd.array(values == "True", dtype=dtype)
    if pd.api.types.is_numeric_dtype(dtype):
        numbers = values if is_number else values.astype(np.float64)
        return pd.array(np.rint(numbers) if pd.api.types.is_integer_dtype(dtype) else numbers, dtype=dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        texts = column.format(values) if is_number else values
        known = {text: value for text, value in zip(_texts_of(dtype.categories, column), dtype.categories, strict=True)}
        return [known[text] if text in known else _of_type(text, types) for text in texts]
    if dtype == object:
        return _objects(values, column, types)
    return column.format(values) if is_number else values  # str, string and pyarrow's own string


def _timestamps(seconds: NDArray[np.float64]) -> pd.Series:
    """Seconds since 1970 as UTC time stamps, to the microsecond."""
    return pd.Series(pd.to_datetime(np.rint(seconds * 1e6).astype(np.int64), unit="us", utc=True))


def _texts_of(categories: pd.Index, column: ColumnSchema) -> NDArray[Any]:
    """Canonical texts of a category dtype's values."""
    parsed = column.parse(pd.Series(categories))
    return parsed.values if parsed.values.dtype == object else column.format(parsed.values)


def _of_type(text: str, types: CellTypes) -> object:
    return FROM_TEXT.get(types.get(text, "str"), str)(text)


def _objects(values: NDArray[Any], column: ColumnSchema, types: CellTypes) -> NDArray[np.object_]:
    """Values of an object column, each of the Python type that fit saw; texts where it saw no such cell."""
    if values.dtype == object:
        made = [_of_type(text, types) for text in values]
    elif column.kind == "datetime" and types.get("") in {"date", "datetime", "Timestamp"}:
        texts = _timestamps(values).dt.tz_localize(None)
        made = [FROM_TEXT[types[""]](text) for text in texts.astype(str)]
    elif types.get("") in {"int", "float"}:
        made = [int(v) if v.is_integer() and types[""] == "int" else float(v) for v in values]
    else:
        made = [FROM_TEXT.get(types.get("", "str"), str)(text) for text in column.format(values)]
    objects = np.empty(len(made), dtype=object)
    objects[:] = made
    return objects


def _fill_polars(
    table: Any,  # noqa: ANN401 - a polars DataFrame
    filled: Mapping[str, FilledColumn],
    schema: Mapping[str, ColumnSchema],
    types: Mapping[str, CellTypes],  # noqa: ARG001 - polars columns hold one type
) -> Any:  # noqa: ANN401
    import polars as pl  # noqa: PLC0415 - an extra; whoever passes a polars frame has it

    completed = []
    for name, column in filled.items():
        if len(column.rows) == 0:
            continue
        cells = table[name]
        dtype = cells.dtype
        is_number = column.values.dtype != object
        if is_number and dtype.is_temporal():
            micros = pl.Series(name, np.rint(column.values * 1e6).astype(np.int64)).cast(pl.Datetime("us", "UTC"))
            zone = getattr(dtype, "time_zone", None)
            values = (micros.dt.convert_time_zone(zone) if zone else micros.dt.replace_time_zone(None)).cast(dtype)
        elif dtype.is_numeric():
            numbers = column.values.astype(np.float64)
            values = pl.Series(name, np.rint(numbers) if dtype.is_integer() else numbers).cast(dtype)
        elif dtype == pl.Boolean:
            values = pl.Series(name, column.values == "True")
        else:
            texts = schema[name].format(column.values) if is_number else column.values
            values = pl.Series(name, list(texts), dtype=pl.String).cast(dtype)
        completed.append(cells.scatter(column.rows, values).alias(name))
    return table.with_columns(completed)
