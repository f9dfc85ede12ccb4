"""Known cells that a rule of the schema forbids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.schema.schema import Schema

__all__ = ["broken_rules"]


def broken_rules(table: pd.DataFrame, schema: Schema) -> dict[str, dict[str, int]]:
    """Count known cells that a rule of the schema forbids: they are kept, but one of the two is likely wrong.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        With the columns of the schema, in its order.
    schema : Schema
        What the columns may contain.

    Returns
    -------
    dict of str to dict of str to int
        Of each column that has some, the rules ("minimum", "maximum", "categories", "applies_when") and how many known
        cells break them. Where a condition asks for a cell that is empty, nothing is broken.

    Examples
    --------
    >>> from gain_impute import infer_schema
    >>> shop = pd.DataFrame({"kind": ["cup", "shoe", "hat"], "heel_cm": [7, -1, None]})
    >>> rules = infer_schema(shop).replace("heel_cm", minimum=0, applies_when={"kind": ["shoe"]})
    >>> broken_rules(shop, rules)
    {'heel_cm': {'minimum': 1, 'applies_when': 1}}
    """
    parsed: dict[str, NDArray[Any]] = {}
    names = list(schema)

    def values(name: str) -> NDArray[Any]:
        if name not in parsed:
            parsed[name] = schema.parse(name, table.iloc[:, names.index(name)]).values
        return parsed[name]

    found = {}
    for name, column in schema.items():
        broken = {}
        if column.minimum is not None:
            broken["minimum"] = int((values(name) < column.minimum).sum())
        if column.maximum is not None:
            broken["maximum"] = int((values(name) > column.maximum).sum())
        if column.categories is not None:
            known = values(name)[~pd.isna(values(name))]
            broken["categories"] = int((~np.isin(known.astype(str), column.categories)).sum())
        if column.applies_when:
            broken["applies_when"] = int((~_may_exist(schema, name, values) & ~pd.isna(values(name))).sum())
        if any(broken.values()):
            found[name] = {rule: count for rule, count in broken.items() if count}
    return found


def _may_exist(schema: Schema, name: str, values: Callable[[str], NDArray[Any]]) -> NDArray[np.bool_]:
    """In which rows (n_rows,) no known cell says that an attribute does not exist."""
    may_exist = np.ones(len(values(name)), dtype=bool)
    for other, allowed in (schema[name].applies_when or {}).items():
        may_exist &= np.isin(schema.format(other, values(other)).astype(str), ["", *allowed])
    return may_exist
