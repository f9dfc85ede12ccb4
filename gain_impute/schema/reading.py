"""Read cells of any dtype: which are missing, their canonical text, their number.

A table held in memory and the same table read back from a file as text must be read alike, so every value
has one *canonical text*, and everything that asks what a cell says asks it here. Work that needs Python per value is
done once per distinct value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gain_impute.errors import ConfigError

__all__ = [
    "LEAST_INEXACT",
    "DistinctCells",
    "canonical_text",
    "clean_missing_values",
    "find_observed",
    "is_number_dtype",
    "number_of",
    "read_distinct",
    "read_numbers",
]

LEAST_INEXACT = 2**53
"""Integers from which on several are one float: there they are told apart as they are."""

_PLAIN_NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_FEW_TEXTS = 100
_LARGEST_INTEGER = 2.0**63  # a float at or above it is written in scientific notation, not digit by digit


@dataclass(frozen=True, slots=True)
class DistinctCells:
    """A column as its distinct values and, per row, which of them it holds.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,), int64
        Position in `values` and `texts`; -1 where the cell is missing.
    values : ndarray of shape (n_distinct,), object
        The distinct values as the table holds them. A value that means "empty" may still stand here, with no code.
    texts : ndarray of shape (n_distinct,), object
        Their canonical texts.
    """

    codes: np.ndarray
    values: np.ndarray
    texts: np.ndarray

    def spread(self, of_distinct: np.ndarray, missing: object) -> np.ndarray:
        """Give each row what its distinct value has; `missing` to rows without a value."""
        with_missing: np.ndarray = np.append(of_distinct, np.array([missing], dtype=of_distinct.dtype))
        spread: np.ndarray = with_missing[self.codes]  # code -1 reads the last
        return spread

    def take(self, rows: np.ndarray) -> DistinctCells:
        """Some of the rows; values that none of them holds stay."""
        return replace(self, codes=self.codes[rows])


def canonical_text(value: object) -> str:
    """Write a value as the text by which it is known in every reading of a table.

    A text is kept as it is, an integer-valued float loses its ".0" (pandas turns integers into floats when
    a column has holes), other floats are written as short as they can be read back, dates in ISO form.

    Parameters
    ----------
    value : object
        A cell that is not missing.

    Returns
    -------
    str
        The canonical text.

    Examples
    --------
    >>> [canonical_text(value) for value in (" a ", True, 3, 3.0, 2.5, np.float32(0.1))]
    [' a ', 'True', '3', '3', '2.5', '0.1']
    >>> canonical_text(pd.Timestamp("2016-11-14 08:30"))
    '2016-11-14T08:30:00'
    """
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return _digits(int(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < _LARGEST_INTEGER else str(value)
    if isinstance(value, pd.Timestamp) and not dt.MINYEAR <= value.year <= dt.MAXYEAR:
        value = value.tz_convert("UTC")  # only the clock of its time zone is outside these
    if isinstance(value, dt.date | dt.time):  # Timestamp and datetime are dates
        return value.isoformat()
    return str(value)


def _digits(value: int) -> str:
    """Write an integer; one of thousands of digits, which Python does not write, in hexadecimal."""
    try:
        return str(value)
    except ValueError:
        return hex(value)


def number_of(value: object) -> float:
    """Read one value as a number; NaN where it is none, or is infinite.

    Parameters
    ----------
    value : object
        A number, a bool, a text in plain float syntax, blanks around it tolerated, or what has such a canonical text.

    Returns
    -------
    float
        The number. "nan", "inf" and "1_000" are no numbers.

    Examples
    --------
    >>> [number_of(value) for value in (" 1500", "1e-05", ".5", "1_000", "inf", "n.v.", True)]
    [1500.0, 1e-05, 0.5, nan, nan, nan, 1.0]
    """
    if not isinstance(value, int | float | np.integer | np.floating | np.bool_ | Decimal):
        value = canonical_text(value)
        if not _PLAIN_NUMBER.fullmatch(value):
            return np.nan
    try:
        number = float(value)
    except OverflowError:  # an int beyond 1e308
        return np.nan
    return number if np.isfinite(number) else np.nan


def clean_missing_values(missing_values: object) -> tuple[str | float, ...]:
    """Bring a marker, or several, that mean "empty" into one form.

    Parameters
    ----------
    missing_values : scalar or sequence of scalars
        Texts and numbers; NaN, None and NA add nothing, since they always mean "empty".

    Returns
    -------
    tuple of str, bool, int or float
        Each marker once, in order.

    Raises
    ------
    ConfigError
        If a marker is neither a text nor a number.

    Examples
    --------
    >>> clean_missing_values(["?", -1, np.nan, "?"]), clean_missing_values("n/a"), clean_missing_values(np.nan)
    (('?', -1), ('n/a',), ())
    """
    is_list = isinstance(missing_values, Iterable) and not isinstance(missing_values, str)
    given: Iterable[object] = missing_values if is_list else [missing_values]  # type: ignore[assignment]
    markers: list[str | float] = []
    for marker in given:
        plain = marker.item() if isinstance(marker, np.generic) else marker
        if plain is None or plain is pd.NA or plain is pd.NaT or plain != plain:  # noqa: PLR0124  NaN differs from itself
            continue
        if not isinstance(plain, str | int | float):
            raise ConfigError(
                "The 'missing_values' must be texts or numbers. "
                f"Got {plain!r} of type {type(plain).__name__}. Give its text instead."
            )
        if not any(plain == known and type(plain) is type(known) for known in markers):
            markers.append(plain)
    return tuple(markers)


def read_distinct(cells: pd.Series, missing_values: Iterable[object] = ()) -> DistinctCells:
    """Read a column of any dtype as its distinct values with their canonical texts.

    Missing are None, NaN, NaT, NA, the empty text, and whatever has the canonical text of a marker.

    Parameters
    ----------
    cells : Series of shape (n_rows,)
        The column.
    missing_values : iterable of str or number, default=()
        Markers that mean "empty" as well.

    Returns
    -------
    DistinctCells
        Codes of every row, distinct values and texts.

    Examples
    --------
    >>> column = pd.Series(["a", None, 1, True, "", "a"], dtype=object)
    >>> found = read_distinct(column, [1])
    >>> found.codes.tolist(), found.texts.tolist()
    ([0, -1, -1, 3, -1, 0], ['a', '', '1', 'True'])
    """
    codes, values = _factorize_objects(cells) if cells.dtype == object else _factorize_typed(cells)
    if isinstance(cells.dtype, pd.StringDtype):  # a text is its own canonical text
        texts = values
    else:
        texts = np.empty(len(values), dtype=object)
        texts[:] = [canonical_text(value) for value in values]
    empty = {"", *map(canonical_text, missing_values)}
    is_empty = np.array([text in empty for text in texts], dtype=bool)
    if is_empty.any():
        codes = np.where(np.append(is_empty, True)[codes], -1, codes)
    return DistinctCells(codes, values, texts)


def is_number_dtype(dtype: object) -> bool:
    """Whether a pandas or numpy dtype holds real numbers (bool is no number)."""
    types = pd.api.types
    is_real = types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype)  # type: ignore[arg-type]
    return is_real and not types.is_bool_dtype(dtype)  # type: ignore[arg-type]


def read_numbers(cells: pd.Series, missing_values: Iterable[object] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Read a column of any dtype as numbers.

    Parameters
    ----------
    cells : Series of shape (n_rows,)
        The column.
    missing_values : iterable of str or number, default=()
        Markers that mean "empty" as well.

    Returns
    -------
    values : ndarray of shape (n_rows,), float64
        The numbers; NaN where the cell is missing, infinite or no number.
    observed : ndarray of shape (n_rows,), bool
        True where the cell is not missing.

    Examples
    --------
    >>> values, observed = read_numbers(pd.Series(["1.5", "n.v.", "", "-1"]), [-1])
    >>> values.tolist(), observed.tolist()
    ([1.5, nan, nan, nan], [True, True, False, False])
    """
    if not is_number_dtype(cells.dtype):
        plain = _plain_numbers(cells, missing_values)
        if plain is not None:
            return plain
        found = read_distinct(cells, missing_values)
        numbers = np.array([number_of(value) for value in found.values], dtype=np.float64)
        return found.spread(numbers, np.nan), found.codes >= 0
    values = np.array(cells.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)  # a copy: ours to change
    observed = ~np.isnan(values)
    numpy_dtype = getattr(cells.dtype, "numpy_dtype", cells.dtype)
    for marker in missing_values:
        number = number_of(marker)
        if not np.isnan(number) and canonical_text(marker) == canonical_text(number):
            if isinstance(numpy_dtype, np.dtype) and numpy_dtype.kind == "f":  # as 0.1 is in float32
                number = float(numpy_dtype.type(number))
            observed &= values != number
    values[~observed | np.isinf(values)] = np.nan
    return values, observed


def find_observed(cells: pd.Series, missing_values: Iterable[object] = ()) -> np.ndarray:
    """Tell which cells of a column of any dtype are not missing.

    Parameters
    ----------
    cells : Series of shape (n_rows,)
        The column.
    missing_values : iterable of str or number, default=()
        Markers that mean "empty" as well.

    Returns
    -------
    ndarray of shape (n_rows,), bool
        True where the cell is not missing, as `read_distinct` has it.

    Examples
    --------
    >>> find_observed(pd.Series(["a", "", None, "n/a"]), ["n/a"]).tolist()
    [True, False, False, False]
    """
    if isinstance(cells.dtype, pd.StringDtype):
        texts, markers = _as_arrow(cells), [canonical_text(marker) for marker in missing_values]
        observed = pc.greater(pc.binary_length(texts), 0)
        if markers:
            observed = pc.and_not(observed, pc.is_in(texts, pa.array(markers, texts.type)))
        return np.asarray(pc.fill_null(observed, False).to_numpy(zero_copy_only=False), dtype=bool)  # noqa: FBT003  Arrow's own
    return read_distinct(cells, missing_values).codes >= 0


def _plain_numbers(cells: pd.Series, missing_values: Iterable[object]) -> tuple[np.ndarray, np.ndarray] | None:
    """What `read_numbers` finds, for texts that Arrow reads as numbers, each of them; else None."""
    if not isinstance(cells.dtype, pd.StringDtype):
        return None
    observed = find_observed(cells, missing_values)
    texts = _as_arrow(cells)
    try:
        numbers = pc.cast(pc.if_else(pa.array(observed), texts, None), pa.float64())
    except pa.ArrowInvalid:
        return None
    values = np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
    if np.isfinite(values).sum() < observed.sum():  # "nan", "inf" and 1e999 are no numbers here
        values[np.isinf(values)] = np.nan
    return values, observed


def _as_arrow(cells: pd.Series) -> pa.Array | pa.ChunkedArray:
    """The texts of a column of pandas' own text dtype."""
    is_arrow = isinstance(cells.dtype, pd.StringDtype) and cells.dtype.storage == "pyarrow"
    return pa.array(cells.array if is_arrow else cells.to_numpy(dtype=object), pa.large_string(), from_pandas=True)


def _factorize_typed(cells: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n_rows,) and distinct values (n_distinct,) of a column that is not of objects."""
    is_text = isinstance(cells.dtype, pd.StringDtype)
    try:  # to set Arrow to work on a few texts takes longer than they do
        codes, distinct = pd.factorize(cells.to_numpy(dtype=object) if is_text and len(cells) <= _FEW_TEXTS else cells)
    except pa.ArrowNotImplementedError:  # lists, structures, half floats
        return _factorize_objects(cells.astype(object))
    if is_text:
        return np.asarray(codes, dtype=np.int64), np.asarray(distinct, dtype=object)
    numpy_dtype = getattr(cells.dtype, "numpy_dtype", cells.dtype)
    values = np.empty(len(distinct), dtype=object)
    if isinstance(numpy_dtype, np.dtype) and numpy_dtype.kind == "f":  # keeps float32, whose 0.1 is not float64's
        values[:] = list(pd.Series(distinct).to_numpy(dtype=numpy_dtype, na_value=np.nan))
        codes = np.where(np.append(pd.isna(values), True)[codes], -1, codes)
    else:
        values[:] = list(pd.Series(distinct).astype(object))
    return np.asarray(codes, dtype=np.int64), values


def _factorize_objects(cells: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Codes and distinct values of an object column, type by type, so that 1, 1.0 and True stay apart."""
    cell_values = cells.to_numpy(dtype=object)
    codes = np.full(len(cell_values), -1, dtype=np.int64)
    if pd.api.types.infer_dtype(cell_values, skipna=True) in {"string", "empty"}:
        text_codes, distinct = pd.factorize(cell_values)
        return np.asarray(text_codes, dtype=np.int64), np.asarray(distinct, dtype=object)
    types = np.empty(len(cell_values), dtype=object)
    types[:] = list(map(type, cell_values))
    type_codes, known_types = pd.factorize(types)
    values: list[object] = []
    for i_type in range(len(known_types)):
        at = np.flatnonzero(type_codes == i_type)
        try:
            codes_here, distinct = pd.factorize(cell_values[at])
        except TypeError:  # not hashable, such as a list: each cell its own value
            codes_here, distinct = np.arange(len(at)), cell_values[at]
        codes[at] = np.where(codes_here >= 0, codes_here + len(values), -1)
        values.extend(distinct)
    distinct_values = np.empty(len(values), dtype=object)
    for i_value, value in enumerate(values):
        distinct_values[i_value] = value  # one by one: numpy would unpack lists
    return codes, distinct_values
