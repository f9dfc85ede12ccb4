"""What is known of each cell that was empty: its state, value, confidence, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

__all__ = ["CELL_DTYPES", "CellState", "Imputation", "cells_frame"]


class CellState(StrEnum):
    """What became of a cell that was empty.

    Examples
    --------
    >>> CellState.IMPUTED == "imputed"
    True
    """

    IMPUTED = "imputed"
    """Filled."""
    ABSTAINED = "abstained"
    """Left empty: what would fill it is less sure than `min_confidence`."""
    NOT_APPLICABLE = "not_applicable"
    """Left empty: the schema says that the attribute does not exist for this row."""
    UNFILLABLE = "unfillable"
    """Left empty: text, identifiers, and columns never observed in fit cannot be filled."""


CELL_DTYPES = {
    "position": "int64",
    "row": "string",
    "column": "string",
    "state": "string",
    "value": "string",
    "value_number": "float64",
    "confidence": "float64",
    "lower": "float64",
    "upper": "float64",
    "interval": "string",
    "source": "string",
    "model_id": "string",
}


def cells_frame(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the cells of single columns together, row by row, with the same dtypes even where there are none.

    Parameters
    ----------
    parts : list of DataFrame
        Of each column, the report of its cells.

    Returns
    -------
    DataFrame
        With the columns and dtypes of `CELL_DTYPES`.
    """
    empty = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in CELL_DTYPES.items()})
    parts = [part.astype(CELL_DTYPES) for part in parts if len(part)]
    if not parts:
        return empty
    cells = pd.concat(parts, ignore_index=True)
    return cells.sort_values("position", kind="stable", ignore_index=True)[list(CELL_DTYPES)]


@dataclass(frozen=True, repr=False)
class Imputation:
    """A filled table and the report of its cells.

    Attributes
    ----------
    table : DataFrame or ndarray
        A table like the one that came in, filled.
    cells : DataFrame
        One row per cell that was empty, ordered by row and column:

        - `position`: row number in the whole input, from 0; `row`: its index label, as text; `column`
        - `state`: see `CellState`
        - `value`: as it would be written in a file; empty text where the cell stays empty
        - `value_number`: the number (of a quantity in the unit in which its column counts), or seconds since 1970 of a
          date; NaN for categories, and where it stays empty
        - `confidence`: 0 to 1. Of a category, its probability; of a number, the share of the column's own 90 % range
          that the interval rules out
        - `lower`, `upper`: 90 % interval of a number or date; NaN for categories; `interval`: the same as it would be
          written in a file ("2016-03-01 to 2016-05-25"), of numbers on no grid with the digits that tell its ends
          apart; empty for categories
        - `source`: what filled it, such as "generator", "generator, trees and line" or "dependency"; `model_id`: which
          fitted model. Of an abstained cell these, confidence and interval tell of what would fill it
    n_rows : int
        Rows of the table.
    unreadable : dict of str to int
        Of each column that has some, the number of known cells that could not be read as its kind.
    """

    table: Any
    cells: pd.DataFrame
    n_rows: int
    unreadable: dict[str, int]

    def __repr__(self) -> str:
        """Say what became of the empty cells; table and cells are too long to be shown."""
        n_filled = int((self.cells["state"] == CellState.IMPUTED).sum())
        told = f"{n_filled:,} of {len(self.cells):,} empty cells filled in {self.n_rows:,} rows."
        return f"{self.summary()}\n{told}" if len(self.cells) else told

    def summary(self) -> pd.DataFrame:
        """Count the cells of each column by state.

        Returns
        -------
        DataFrame
            Indexed by column: `empty`, one column per state, and the mean `confidence` of the filled cells.
        """
        counts = pd.crosstab(self.cells["column"], self.cells["state"])
        order = list(dict.fromkeys(self.cells["column"]))
        counts = counts.reindex(index=order, columns=[str(state) for state in CellState], fill_value=0)
        counts.insert(0, "empty", counts.sum(axis=1))
        filled = self.cells[self.cells["state"] == CellState.IMPUTED]
        counts["confidence"] = filled.groupby("column")["confidence"].mean().reindex(order)
        counts.index.name, counts.columns.name = "column", None
        return counts
