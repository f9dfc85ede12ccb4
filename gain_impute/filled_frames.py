"""Filled cells put into tables of pandas, polars and numpy, of whatever dtype, and nothing else changed."""

from __future__ import annotations

import datetime as dt
import decimal
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gain_impute.frames import is_polars
from gain_impute.schema import ColumnSchema, Kind
from gain_impute.schema.yes_no import says_yes

__all__ = [
    "FilledColumn",
    "cell_types",
    "fill_frame",
    "has_foreign_values",
]

CellTypes = Mapping[str, str]  # text of a value -> name of its Python type; "" -> that of most cells


def _flag(text: str) -> bool:
    """True or False, from a word that says yes or no."""
    flag = says_yes(text)
    if flag is None:
        raise ValueError(text)
    return flag


COPIES_ON_WRITE = int(pd.__version__.partition(".")[0]) >= 3  # noqa: PLR2004 - then a shallow copy is as good as a deep one
FROM_TEXT: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": _flag,
    "Decimal": decimal.Decimal,
    "date": lambda text: pd.Timestamp(text).date(),
    "datetime": lambda text: pd.Timestamp(text).to_pydatetime(),
    "Timestamp": pd.Timestamp,
}
"""How an object column's values are made from their text; a type that is not here comes back as text, and so does what
is none of its type, as a category that was learned later may be."""

INFERRED_TYPES = {
    "string": "str",
    "integer": "int",
    "floating": "float",
    "boolean": "bool",
    "decimal": "Decimal",
    "date": "date",
    "empty": "str",
}
"""What pandas' `infer_dtype` calls object columns of one type, and the name of that type in `FROM_TEXT`."""


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


def cell_types(cells: pd.Series, texts: NDArray[Any]) -> dict[str, str]:
    """Learn the Python types of a column's values, so that a filled cell is of the type that its neighbours have.

    Parameters
    ----------
    cells : Series of shape (n_rows,)
    texts : ndarray of shape (n_rows,)
        Their parsed values: texts of a categorical column, numbers of a numeric one.

    Returns
    -------
    dict
        Under "" the name of the type of most known cells; under a text the name of its own type, where that is another.
    """
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        cells = cells.astype(object)
    elif not pd.api.types.is_object_dtype(dtype):
        return {"": _type_of_dtype(dtype)}
    common = INFERRED_TYPES.get(pd.api.types.infer_dtype(cells, skipna=True))
    if common is not None:
        return {"": common}
    known = cells.notna().to_numpy()
    names = cells[known].map(_type_name)
    if names.empty:
        return {"": "str"}
    types = {"": str(names.mode().iloc[0])}
    if texts.dtype == object:
        pairs = pd.DataFrame({"text": pd.Series(texts[known], dtype=object), "type": names.to_numpy()})
        pairs = pairs.dropna().drop_duplicates("text")
        types |= {text: name for text, name in zip(pairs["text"], pairs["type"], strict=True) if name != types[""]}
    return types


def has_foreign_values(cells: pd.Series) -> bool:
    """Whether a column holds values that cannot be made from text: lists, intervals, durations, complex numbers, ..."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = pd.Series(cells.dtype.categories)
    dtype = cells.dtype
    if pd.api.types.is_object_dtype(dtype):
        if pd.api.types.infer_dtype(cells, skipna=True) in INFERRED_TYPES:
            return False
        known = cells[cells.notna().to_numpy()]
        return bool((~known.map(_type_name).isin(FROM_TEXT)).any())
    if isinstance(dtype, pd.SparseDtype):
        return True
    plain = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)
    is_text = pd.api.types.is_string_dtype(dtype) or _is_dictionary(dtype)
    return not (plain or is_text or pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype))


def _is_dictionary(dtype: Any) -> bool:
    """Whether this is Arrow's own dtype of texts that repeat."""
    arrow = getattr(dtype, "pyarrow_dtype", None)
    return isinstance(arrow, pa.DictionaryType) and arrow.value_type in (pa.string(), pa.large_string())


def _type_of_dtype(dtype: Any) -> str:
    if pd.api.types.is_bool_dtype(dtype):
        return "bool"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "str" if getattr(getattr(dtype, "pyarrow_dtype", dtype), "tz", None) else "Timestamp"
    if pd.api.types.is_integer_dtype(dtype):
        return "int"
    return "float" if pd.api.types.is_numeric_dtype(dtype) else "str"


def _type_name(value: object) -> str:
    """Name the type of a value as `FROM_TEXT` knows it; numpy's scalars count as Python's."""
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, numbers.Integral):
        return "int"
    if isinstance(value, numbers.Real):
        return "float"
    if isinstance(value, str):
        return "str"
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return "datetime with a time zone"
    return type(value).__name__


def fill_frame(
    table: Any,
    filled: Mapping[str, FilledColumn],
    schema: Mapping[str, ColumnSchema],
    types: Mapping[str, CellTypes],
) -> Any:
    """Return a table like `table` with the given cells filled; dtypes, index, order and all other cells are kept.

    Where a dtype cannot hold what goes in (texts, in an empty column read as floats), another takes its place.
    """
    names = list(schema)
    if isinstance(table, np.ndarray):
        completed = table.copy()
        for name, column in filled.items():
            floats = column.values.astype(np.float64)
            values = floats if completed.dtype.kind == "f" else _whole(floats, completed.dtype)
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
    completed, names = table.copy(deep=not COPIES_ON_WRITE), list(schema)
    for name, column in filled.items():
        if len(column.rows) == 0:
            continue
        position, held = names.index(name), types.get(name, {})
        cells = completed.iloc[:, position]
        if schema[name].is_class and _is_of_flags(cells):  # whatever fit saw, such as words that say yes or no
            held = {"": "bool"}
        values = _for_dtype(cells.dtype, column.values, schema[name], held)
        if values is None:  # texts in a column without a value, which pandas reads as floats
            filled_in = _put(cells.astype(object), column.rows, _objects(column.values, schema[name], held))
            completed.isetitem(position, filled_in.infer_objects())  # type: ignore[arg-type]  # as below
            continue
        if isinstance(cells.dtype, pd.CategoricalDtype):
            known = set(cells.cat.categories)
            new = [value for value in dict.fromkeys(values) if value not in known]
            cells = cells.cat.add_categories(new) if new else cells  # of none it would infer the categories' type anew
        completed.isetitem(position, _put(cells, column.rows, values))  # type: ignore[arg-type]  # an array would be inferred anew
    return completed


def _put(cells: pd.Series, rows: NDArray[np.int64], values: Any) -> pd.Series:
    """Cells of which some rows are others; by the array below them, in half the time of `iloc`."""
    array = cells.array.copy()
    array[rows] = values
    return pd.Series(array, index=cells.index, dtype=cells.dtype, name=cells.name, copy=False)


def _is_of_flags(cells: pd.Series) -> bool:
    """Whether objects, or the categories of a column, are True and False."""
    values = cells.cat.categories if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    return values.dtype in (object, bool) and pd.api.types.infer_dtype(values, skipna=True) == "boolean"


def _for_dtype(dtype: Any, values: NDArray[Any], column: ColumnSchema, types: CellTypes) -> Any:
    """Turn canonical values into what a pandas column of this dtype holds; None where it cannot hold them."""
    if pd.api.types.is_datetime64_any_dtype(dtype):
        stamps, zone = _stamps_of(values, column), getattr(dtype, "tz", None)
        if stamps is None:
            return None
        shown = stamps.dt.tz_convert(zone) if zone else stamps.dt.tz_localize(None)
        try:
            return shown.astype(dtype).array
        except ValueError:  # nanoseconds, which count from 1677 to 2262
            return None
    if isinstance(dtype, pd.CategoricalDtype):
        texts = column.format(values) if values.dtype != object else values
        known = dict(zip(_texts_of(dtype.categories, column), dtype.categories, strict=True))
        return _each_distinct(texts, lambda text: known[text] if text in known else _of_type(text, types))
    if pd.api.types.is_object_dtype(dtype):
        return _objects(values, column, types)
    if pd.api.types.is_bool_dtype(dtype):
        flags = _flags_of(values, column, types)
        return None if flags is None else pd.array(flags, dtype=dtype)
    if pd.api.types.is_numeric_dtype(dtype):
        found = _numbers_of(values, column)
        if found is None:
            return None
        made = pd.array(_whole(found, dtype) if pd.api.types.is_integer_dtype(dtype) else found, dtype=dtype)
        return made if _reads_back(pd.Series(made), values, column) else None
    if pd.api.types.is_string_dtype(dtype) or _is_dictionary(dtype):
        return column.format(values) if values.dtype != object else values
    return None


def _numbers_of(values: NDArray[Any], column: ColumnSchema) -> NDArray[Any] | None:
    """What stands for canonical values in a column of numbers; None where they are none."""
    if values.dtype != object and column.kind is not Kind.DATETIME:
        return values
    texts = values if values.dtype == object else column.format(values)  # a date such as 20161114
    found = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy()
    return None if pd.isna(found).any() else found


def _reads_back(cells: pd.Series, values: NDArray[Any], column: ColumnSchema) -> bool:
    """Whether cells made of categories are read as these again: the number 1 is not "01"."""
    return values.dtype != object or np.array_equal(column.parse(cells).values, values)


def _flags_of(values: NDArray[Any], column: ColumnSchema, types: CellTypes) -> NDArray[np.bool_] | None:
    """What stands for canonical values in a column of booleans; None where they are none."""
    if values.dtype == object:
        flags = _each_distinct(values, says_yes)
        return None if pd.isna(flags).any() else flags.astype(bool)
    was_flag = column.kind is Kind.NUMERIC and types.get("") == "bool"
    return np.asarray(values >= 0.5) if was_flag else None  # noqa: PLR2004 - nearer to True


def _stamps_of(values: NDArray[Any], column: ColumnSchema) -> pd.Series | None:
    """What stands for canonical values in a column of dates, UTC; None where they are none."""
    if values.dtype != object:
        return _timestamps(values) if column.kind is Kind.DATETIME else None
    stamps = pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601", errors="coerce"))
    return None if stamps.isna().any() else stamps


def _whole(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Round to integers that the dtype can hold; integers that it holds stay exact."""
    limits = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
    if values.dtype.kind in "iu" and limits.min <= values.min() and values.max() <= limits.max:
        return values
    highest = float(limits.max)
    if int(highest) > limits.max:  # the greatest int64 is no float64; the float above it is no int64
        highest = float(np.nextafter(highest, 0))
    whole: NDArray[Any] = np.clip(np.rint(values), float(limits.min), highest)
    return whole


def _timestamps(seconds: NDArray[np.float64]) -> pd.Series:
    """Seconds since 1970 as UTC time stamps, to the microsecond."""
    return pd.Series(pd.to_datetime(np.rint(seconds * 1e6).astype(np.int64), unit="us", utc=True))


def _texts_of(categories: pd.Index, column: ColumnSchema) -> NDArray[Any]:
    """Canonical texts of a category dtype's values."""
    parsed = column.parse(pd.Series(categories))
    return parsed.values if parsed.values.dtype == object else column.format(parsed.values)


def _of_type(text: str, types: CellTypes) -> object:
    """Make a value from its text, of the type that fit saw for it."""
    try:
        return FROM_TEXT.get(types.get(text, types.get("", "str")), str)(text)
    except (ValueError, ArithmeticError):
        return text


def _objects(values: NDArray[Any], column: ColumnSchema, types: CellTypes) -> NDArray[np.object_]:
    """Values of an object column, each of the Python type that fit saw; texts where it saw no such cell."""
    if values.dtype == object:
        return _each_distinct(values, lambda text: _of_type(text, types))
    common = types.get("", "str")
    if column.kind == "datetime" and common in {"date", "datetime", "Timestamp"}:
        return _each_distinct(_timestamps(values).dt.tz_localize(None).astype(str), FROM_TEXT[common])
    found = _numbers_of(values, column) if common in {"int", "float"} else None
    if found is not None:
        is_whole = common == "int"
        return _each_distinct(found, lambda n: int(n) if is_whole and float(n).is_integer() else float(n))
    return _each_distinct(column.format(values), lambda text: _of_type(text, {"": common}))


def _each_distinct(values: Any, make: Callable[[Any], object]) -> NDArray[np.object_]:
    """Make an object of each value, once per distinct one."""
    which, distinct = pd.factorize(values)
    made = np.empty(len(distinct), dtype=object)
    made[:] = [make(value) for value in distinct]
    return made[which]


def _fill_polars(
    table: Any,
    filled: Mapping[str, FilledColumn],
    schema: Mapping[str, ColumnSchema],
    types: Mapping[str, CellTypes],
) -> Any:
    import polars as pl  # noqa: PLC0415 - an extra; whoever passes a polars frame has it

    completed = []
    for name, column in filled.items():
        if len(column.rows) == 0:
            continue
        cells, held = table[name], types.get(name, {})
        values = _for_polars(cells.dtype, column.values, schema[name], held)
        if values is None:  # as in pandas; a column without a value may also be of dtype Null
            values = pl.Series(list(_objects(column.values, schema[name], held)), strict=False)
            cells = cells.fill_nan(None) if cells.dtype.is_float() else cells
            dtype = values.dtype if cells.null_count() == len(cells) else pl.String
            cells, values = cells.cast(dtype), values.cast(dtype)
        completed.append(cells.scatter(column.rows, values).alias(name))
    return table.with_columns(completed)


def _for_polars(dtype: Any, values: NDArray[Any], column: ColumnSchema, types: CellTypes) -> Any:
    """Turn canonical values into a polars Series of this dtype; None where it cannot hold them."""
    import polars as pl  # noqa: PLC0415 - as above

    if dtype in (pl.Date, pl.Datetime):
        stamps = _stamps_of(values, column)
        if stamps is None:
            return None
        micros = pl.Series(stamps.dt.as_unit("us").astype(np.int64).to_numpy()).cast(pl.Datetime("us", "UTC"))
        zone = getattr(dtype, "time_zone", None)
        shown = micros.dt.convert_time_zone(zone) if zone else micros.dt.replace_time_zone(None)
        made = shown.cast(dtype, strict=False)
        return None if made.null_count() else made
    if dtype == pl.Boolean:
        flags = _flags_of(values, column, types)
        return None if flags is None else pl.Series(flags)
    if dtype.is_numeric():
        found = _numbers_of(values, column)
        if found is None:
            return None
        made = pl.Series(_whole(found, np.dtype(str(dtype).lower())) if dtype.is_integer() else found).cast(dtype)
        return made if _reads_back(made.to_pandas(), values, column) else None
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        texts = column.format(values) if values.dtype != object else values
        made = pl.Series(list(texts), dtype=pl.String).cast(dtype, strict=False)
        return None if made.null_count() else made
    return None
