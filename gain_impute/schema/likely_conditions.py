"""Attributes that may exist for some articles only: known nowhere else."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.schema.schema import Schema

__all__ = ["likely_conditions"]

MOST_CATEGORIES, MOST_VALUES = 50, 12  # of a column on which others may hang, and of a condition
LEAST_KNOWN = 0.5  # share of the cells of such a column
LEAST_FILLED = 0.5  # share of the rows in which an attribute may exist that have it
LEAST_ROWS = 20  # in which it is never known
CHANCE = 1e-6  # with which it might be known in none of them all the same


def likely_conditions(table: pd.DataFrame, schema: Schema) -> dict[str, dict[str, list[str]]]:
    """Find columns that are known in rows of some categories only, though the schema does not say so.

    A heel height that only shoes have does not exist elsewhere, and must not be filled there (`applies_when`). But
    where the category is a supplier who tells no weights, articles have some: only who knows the table can say.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        With the columns of the schema, in its order.
    schema : Schema
        What the columns are.

    Returns
    -------
    dict of str to dict of str to list of str
        Of each column that has one, the condition under which it is known: another column, and its values.

    Raises
    ------
    ColumnMismatchError
        If the table lacks a column of the schema.

    Examples
    --------
    >>> from gain_impute import infer_schema
    >>> shop = pd.DataFrame({"kind": ["cup", "shoe"] * 30, "heel_cm": [None, 4.5] * 30})
    >>> likely_conditions(shop, infer_schema(shop))
    {'heel_cm': {'kind': ['shoe']}}
    """
    if table.empty:
        return {}
    places = schema.find_columns(table)
    known = {name: schema.find_observed(name, table.iloc[:, at]) for name, at in places.items()}
    groups = {}
    for name, column in schema.items():
        if column.is_class and known[name].mean() >= LEAST_KNOWN:
            which, texts = pd.factorize(schema.parse(name, table.iloc[:, places[name]]).values)
            if 1 < len(texts) <= MOST_CATEGORIES:
                groups[name] = which, texts
    found: dict[str, dict[str, list[str]]] = {}
    for name, column in schema.items():
        if not column.is_fillable or column.applies_when or known[name].all():
            continue
        tried = [(_share_filled(known[name], which), other) for other, (which, _) in groups.items() if other != name]
        share, other = max(tried, default=(0.0, ""))
        if share >= LEAST_FILLED:
            which, texts = groups[other]
            found[name] = {other: [str(texts[code]) for code in np.unique(which[known[name] & (which >= 0)])]}
    return found


def _share_filled(known: NDArray[np.bool_], which: NDArray[np.intp]) -> float:
    """Share of the rows of those categories in which a column is known at all that have it.

    0 if that may be chance, or they are too many to be named.
    """
    known, which = known[which >= 0], which[which >= 0]
    n_rows, n_known = np.bincount(which), np.bincount(which, weights=known)
    n_without = int(n_rows[n_known == 0].sum())
    if n_without < LEAST_ROWS or not 0 < (n_known > 0).sum() <= MOST_VALUES:
        return 0.0
    if n_without * math.log1p(-known.mean()) > math.log(CHANCE):
        return 0.0
    return float(known.sum() / n_rows[n_known > 0].sum())
