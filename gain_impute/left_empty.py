"""Which cells stay empty though they could be filled: those that do not exist, and those of which we are not sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.filled_frames import FilledColumn
from gain_impute.schema import Schema
from gain_impute.schema.condition import is_among

__all__ = ["where_applicable", "where_sure"]


def where_applicable(
    schema: Schema, frame: pd.DataFrame, filled: dict[str, FilledColumn], of: dict[str, FilledColumn] | None = None
) -> dict[str, FilledColumn]:
    """Take back what was filled where the schema says that the attribute does not exist.

    A condition looks at the completed table: a category that was itself filled decides like a known one.

    Parameters
    ----------
    schema : Schema
    frame : DataFrame of shape (n_rows, n_columns)
        With the columns of the schema, in its order.
    filled : dict of str to FilledColumn
        What would fill it.
    of : dict of str to FilledColumn, optional
        What else would have been filled, to be returned instead.
    """
    names = list(schema)
    completed: dict[str, NDArray[np.object_]] = {}

    def texts(name: str) -> NDArray[np.object_]:
        if name not in completed:
            values = schema.parse(name, frame.iloc[:, names.index(name)]).values
            column = (schema.format(name, values) if values.dtype != object else values).astype(object)
            if name in filled:
                kept = settle(name, filled[name])
                column[kept.rows] = schema.format(name, kept.values)
            completed[name] = column
        return completed[name]

    def settle(name: str, column: FilledColumn) -> FilledColumn:
        condition = schema[name].applies_when
        if condition:
            exists = np.ones(len(column.rows), bool)
            for other, allowed in condition.items():
                exists &= is_among(texts(other)[column.rows], allowed, schema[other].kind)
            column = FilledColumn(column.rows[exists], column.values[exists])
        return column

    return {name: settle(name, column) for name, column in (filled if of is None else of).items()}


def where_sure(
    filled: dict[str, FilledColumn],
    bars: Mapping[str, float],
    confidence: Callable[[str, FilledColumn], NDArray[np.float64]],
) -> tuple[dict[str, FilledColumn], dict[str, FilledColumn]]:
    """Take back what is less sure than the bar of its column.

    Parameters
    ----------
    filled : dict of str to FilledColumn
    bars : mapping of str to float
        Least confidence of a column.
    confidence : callable
        How sure the filled cells of a column are, (n_filled,).

    Returns
    -------
    kept, taken_back : dict of str to FilledColumn
        The second of columns with a bar alone.
    """
    kept, taken_back = dict(filled), {}
    for name in bars.keys() & filled.keys():
        is_sure = confidence(name, filled[name]) >= bars[name]
        kept[name], taken_back[name] = (
            FilledColumn(filled[name].rows[these], filled[name].values[these]) for these in (is_sure, ~is_sure)
        )
    return kept, taken_back
