"""Known cells that a rule of the schema forbids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.schema.condition import is_among
from gain_impute.schema.schema import Schema

__all__ = ["broken_rules"]


def broken_rules(table: pd.DataFrame, schema: Schema) -> dict[str, dict[str, int]]:
    """Count known cells that a rule of the schema forbids: they are kept, but one of the two is likely wrong.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        With the columns of the schema, in any order.
    schema : Schema
        What the columns may contain.

    Returns
    -------
    dict of str to dict of str to int
        Of each column that has some, the rules ("minimum", "maximum", "categories", "applies_when") and how many known
        cells break them. Where a condition asks for a cell that is empty, nothing is broken.

    Raises
    ------
    ColumnMismatchError
        If the table lacks a column of the schema.

    Examples
    --------
    >>> from gain_impute import infer_schema
    >>> shop = pd.DataFrame({"kind": ["cup", "shoe", "hat"], "heel_cm": [7, -1, None]})
    >>> rules = infer_schema(shop).replace("heel_cm", minimum=0, applies_when={"kind": ["shoe"]})
    >>> broken_rules(shop, rules)
    {'heel_cm': {'minimum': 1, 'applies_when': 1}}
    """
    places = schema.find_columns(table)
    parsed: dict[str, NDArray[Any]] = {}

    def values(name: str) -> NDArray[Any]:
        if name not in parsed:
            parsed[name] = schema.parse(name, table.iloc[:, places[name]]).values
        return parsed[name]

    found = {}
    for name, column in schema.items():
        broken = {}
        dtype = table.dtypes.iloc[places[name]]
        if column.minimum is not None:
            broken["minimum"] = int((values(name) < _as_held(column.minimum, dtype)).sum())
        if column.maximum is not None:
            broken["maximum"] = int((values(name) > _as_held(column.maximum, dtype)).sum())
        if column.categories is not None:
            known = values(name)[pd.notna(values(name))]
            broken["categories"] = int((~is_among(known, column.categories, column.kind)).sum())
        if column.applies_when:
            is_broken = np.zeros(len(table), dtype=bool)
            for other, allowed in column.applies_when.items():
                is_broken |= pd.notna(values(other)) & ~is_among(values(other), allowed, schema[other].kind)
            broken["applies_when"] = int((is_broken & pd.notna(values(name))).sum())
        if any(broken.values()):
            found[name] = {rule: count for rule, count in broken.items() if count}
    return found


def _as_held(bound: float, dtype: object) -> float:
    """A bound as a column of this dtype can hold it: .1 is a little more in float32."""
    numpy_dtype = getattr(dtype, "numpy_dtype", dtype)
    if not isinstance(numpy_dtype, np.dtype) or numpy_dtype.kind != "f":
        return bound
    return float(numpy_dtype.type(bound))
