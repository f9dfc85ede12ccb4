"""Values that often mean "empty", and stand in a table as if they were values."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from gain_impute.schema.kinds import Kind
from gain_impute.schema.reading import canonical_text
from gain_impute.schema.schema import Schema

__all__ = ["likely_markers", "looks_empty"]

_LOOKS_EMPTY = re.compile(
    r"#?n/?a|n\.a\.|nan|null|none|nil|-{1,3}|\?|unknown|missing|tbd|tba|not (available|applicable|specified)"
    r"|unspecified|keine angabe|k\.a\.|unbekannt|无|未知|暂无|不详|未填写",
    re.IGNORECASE,
)


LEAST_REPEATED = 3  # cells that hold a number which may mean "empty"; and distinct numbers beside it
LEAST_NINES, FAR_ABOVE = 99, 1.5  # such numbers above, and how many times as great as the next


def looks_empty(text: str) -> bool:
    """Whether a text often means "empty" where others stand for values.

    Examples
    --------
    >>> looks_empty(" N/A "), looks_empty("未知"), looks_empty("Nano")
    (True, True, False)
    """
    return _LOOKS_EMPTY.fullmatch(text.strip()) is not None


def likely_markers(table: pd.DataFrame, schema: Schema) -> dict[str, dict[str, int]]:
    """Find values that often mean "empty", though the schema does not say so, in columns that can be filled.

    Of numbers only those beyond all others that stand there again and again, such as 99999 above prices.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        With the columns of the schema, in any order.
    schema : Schema
        What the columns are.

    Returns
    -------
    dict of str to dict of str to int
        Of each column that has some, the texts and how many cells hold them.

    Raises
    ------
    ColumnMismatchError
        If the table lacks a column of the schema.

    Examples
    --------
    >>> from gain_impute import infer_schema
    >>> shop = pd.DataFrame({"brand": ["Acme", "Zeta", "N/A"] * 10})
    >>> likely_markers(shop, infer_schema(shop)), likely_markers(shop, infer_schema(shop, missing_values="N/A"))
    ({'brand': {'N/A': 10}}, {})
    """
    places, found = schema.find_columns(table), {}
    for name, column in schema.items():
        cells = table.iloc[:, places[name]]
        if not column.is_fillable or is_datetime64_any_dtype(cells):
            continue
        told: dict[str, int] = {}
        if not is_numeric_dtype(cells):
            counts = cells[schema.find_observed(name, cells)].astype(str).value_counts()
            likely = counts[[looks_empty(text) for text in counts.index]]
            told = {str(text): int(count) for text, count in likely.items() if text not in (column.categories or ())}
        if column.kind is Kind.NUMERIC or column.number_formats is not None:
            told |= _placeholders(cells, schema.parse(name, cells).values)
        if told:
            found[name] = told
    return found


def _placeholders(cells: pd.Series, numbers: NDArray[np.float64]) -> dict[str, int]:
    """Numbers at the end of a column that stand there again and again: -1 below numbers that count, 9999 above all."""
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    if len(values) <= LEAST_REPEATED:
        return {}
    ends = []
    if values[0] < 0 <= values[1] and _is_of_one_digit(-values[0], "19"):
        ends.append(0)
    if values[-1] > FAR_ABOVE * values[-2] >= 0 and values[-1] >= LEAST_NINES and _is_of_one_digit(values[-1], "9"):
        ends.append(-1)
    return {
        canonical_text(cells.iloc[int(np.flatnonzero(numbers == values[end])[0])]): int(counts[end])
        for end in ends
        if counts[end] >= LEAST_REPEATED
    }


def _is_of_one_digit(number: float, digits: str) -> bool:
    """Whether a number is written with one digit alone, which is one of these."""
    written = f"{number:.0f}"
    return number == float(written) and len(set(written)) == 1 and written[0] in digits
