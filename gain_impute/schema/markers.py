"""Values that often mean "empty", and stand in a table as if they were values."""

from __future__ import annotations

import re

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from gain_impute.schema.schema import Schema

__all__ = ["likely_markers", "looks_empty"]

_LOOKS_EMPTY = re.compile(
    r"#?n/?a|n\.a\.|nan|null|none|nil|-{1,3}|\?|unknown|missing|tbd|tba|not (available|applicable|specified)"
    r"|unspecified|keine angabe|k\.a\.|unbekannt|无|未知|暂无|不详|未填写",
    re.IGNORECASE,
)


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

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        With the columns of the schema.
    schema : Schema
        What the columns are.

    Returns
    -------
    dict of str to dict of str to int
        Of each column that has some, the texts and how many cells hold them.

    Examples
    --------
    >>> from gain_impute import infer_schema
    >>> shop = pd.DataFrame({"brand": ["Acme", "Zeta", "N/A"] * 10})
    >>> likely_markers(shop, infer_schema(shop)), likely_markers(shop, infer_schema(shop, missing_values="N/A"))
    ({'brand': {'N/A': 10}}, {})
    """
    found = {}
    for name, column in schema.items():
        cells = table[name]
        if not column.is_fillable or is_numeric_dtype(cells) or is_datetime64_any_dtype(cells):
            continue
        counts = cells[schema.find_observed(name, cells)].astype(str).value_counts()
        likely = counts[[looks_empty(text) for text in counts.index]]
        allowed = column.categories or ()
        if told := {str(text): int(count) for text, count in likely.items() if text not in allowed}:
            found[name] = told
    return found
