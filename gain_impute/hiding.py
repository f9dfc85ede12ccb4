"""Why cells are missing, and which known cells of a table are hidden for that reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from gain_impute.errors import ConfigError
from gain_impute.schema.reading import is_number_dtype, read_distinct, read_numbers

__all__ = ["Bools", "Hiding", "Mechanism"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

STRENGTH = 3.0
"""Log odds of being hidden, from the middle of the order that a cell depends on to either end."""
NEVER = -50.0
"""Log odds of cells that are hidden only where there are no others."""
MOST_ROUNDS = 100
LEAST_GROUP_SIZE = 5
N_RANDOM_GROUPS = 20
BLOCK_WIDTH = 3
"""Columns that are hidden together."""


class Mechanism(StrEnum):
    """Why cells are missing.

    Examples
    --------
    >>> Mechanism("mnar") is Mechanism.MNAR
    True
    """

    MCAR = "mcar"
    """By chance alone."""
    MAR = "mar"
    """More often where another column, that is known, is high (or low)."""
    MNAR = "mnar"
    """More often where the value itself is high; of categories, some are missing more often than others."""
    MNAR_QUANTILE = "mnar_quantile"
    """Half of the cells above a quantile of their column, and none below it; so less than half of all. Of cells of one
    value chance says which are above."""
    BLOCK = "block"
    """Several columns together, for all rows of some groups: suppliers who never send some attributes."""
    COPIED = "copied"
    """What other rows of the table lack: the holes that are there already are copied into other rows."""


@dataclass(frozen=True, kw_only=True)
class Hiding:
    """A table while its cells are being hidden; columns go by their position.

    `known` and `hidden` are (n_rows, n_columns), bool; `hidden` is written into. `chances` has a generator for each
    column and one more for what they share.
    """

    table: pd.DataFrame
    rate: float
    known: Bools
    chances: list[np.random.Generator]
    hidden: Bools

    def hide_one(self, i: int, mechanism: Mechanism = Mechanism.MCAR) -> None:
        """Hide cells of one column by chance, or more often where its value is high."""
        tendency = np.zeros(len(self.table))
        if mechanism is not Mechanism.MCAR:
            order = _order(self.table.iloc[:, i], self.known[:, i], self.chances[i])
            tendency = STRENGTH * order
        if mechanism is Mechanism.MNAR_QUANTILE:
            rows = np.flatnonzero(self.known[:, i])
            ascending = rows[np.lexsort((self.chances[i].random(len(rows)), order[rows]))]
            tendency = np.full(len(self.table), NEVER)
            tendency[ascending[len(rows) - 2 * round(self.rate * len(rows)) :]] = 0.0
        self.hidden[:, i] = _choose(tendency, self.known[:, i], self.rate, self.chances[i])

    def hide_copied(self, chosen: list[int]) -> None:
        """Hide in each row what some other row lacks, and in more rounds what still other rows lack."""
        known, rng, n_rows = self.known[:, chosen], self.chances[-1], len(self.table)
        donors = np.flatnonzero(~known.all(axis=1))
        if not len(donors):
            raise ConfigError(
                "The mechanism 'copied' must have holes to copy. Found none in the columns to hide. Use 'mcar'."
            )
        left = np.round(self.rate * known.sum(axis=0)).astype(int) * ~known.all(axis=0)
        hidden = np.zeros_like(known)
        for _ in range(MOST_ROUNDS):
            order = rng.permutation(n_rows)
            copied = known[order] & ~hidden[order] & ~known[rng.choice(donors, n_rows)]
            copied &= np.cumsum(copied, axis=0) <= left
            hidden[order] |= copied
            left -= copied.sum(axis=0)
            if not left.any():
                break
        for i in np.flatnonzero(left):  # what hardly any row lacks: the rest by chance
            hidden[rng.permutation(np.flatnonzero(known[:, i] & ~hidden[:, i]))[: left[i]], i] = True
        self.hidden[:, chosen] = hidden

    def hide_mar(self, chosen: list[int], drivers: list[int]) -> None:
        """Hide drivers by chance, the other columns by what is still visible of the drivers."""
        for i in (i for i in chosen if i in drivers):
            self.hide_one(i)
        visible = self.known & ~self.hidden
        orders = np.column_stack([_order(self.table.iloc[:, d], visible[:, d], self.chances[-1]) for d in drivers])
        for i in (i for i in chosen if i not in drivers):
            signs = self.chances[i].choice([-1.0, 1.0], size=len(drivers)) / np.sqrt(len(drivers))
            self.hidden[:, i] = _choose(STRENGTH * orders @ signs, self.known[:, i], self.rate, self.chances[i])

    def hide_blocks(self, chosen: list[int], groups: list[int]) -> None:
        """Hide a few columns at a time for whole groups of rows; the last group in part, for the rate is exact."""
        n_rows, rng = len(self.table), self.chances[-1]
        codes = rng.permutation(n_rows) % N_RANDOM_GROUPS
        if groups:
            codes = read_distinct(self.table.iloc[:, groups[0]]).codes + 1  # 0: rows whose group is not known
        for i in (i for i in chosen if i in groups):
            self.hide_one(i)
        others = rng.permutation(np.array([i for i in chosen if i not in groups], dtype=np.intp))
        for start in range(0, len(others), BLOCK_WIDTH):
            turn = rng.permutation(codes.max(initial=0) + 1)
            order = np.lexsort((rng.random(n_rows), turn[codes]))
            for i in others[start : start + BLOCK_WIDTH]:
                rows = order[self.known[order, i]]
                self.hidden[rows[: round(self.rate * len(rows))], i] = True

    def fullest_driver(self) -> int:
        """Find the column with the most known cells among those that vary and are not all different texts."""
        best, most = -1, 0
        for i in range(self.table.shape[1]):
            n_known, n_distinct = self._counts(i)
            suits = n_distinct > 1 and (self._is_ordered(i) or 2 * n_distinct <= n_known)
            if suits and n_known > most:
                best, most = i, n_known
        if best < 0:
            raise ConfigError(
                "The mechanism 'mar' must have a column to depend on, with two values or more. "
                "Found none in the table. Use 'mcar', or name one in 'by'."
            )
        return best

    def fullest_groups(self) -> list[int]:
        """Find the column of labels with the most known cells, of equals the one with the most labels; or none."""
        best: list[int] = []
        most = (0, 0)
        for i in range(self.table.shape[1]):
            n_known, n_distinct = self._counts(i)
            suits = n_distinct > 1 and LEAST_GROUP_SIZE * n_distinct <= n_known and not self._is_ordered(i)
            if suits and (n_known, n_distinct) > most:
                best, most = [i], (n_known, n_distinct)
        return best

    def _counts(self, i: int) -> tuple[int, int]:
        """Known cells and distinct values of a column."""
        known = self.known[:, i]
        return int(known.sum()), len(np.unique(read_distinct(self.table.iloc[:, i]).codes[known]))

    def _is_ordered(self, i: int) -> bool:
        dtype = self.table.dtypes.iloc[i]
        return is_number_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)


def _choose(tendency: Floats, known: Bools, rate: float, rng: np.random.Generator) -> Bools:
    """Choose round(rate * n_known) known cells, each with a probability logistic in its tendency; (n_rows,)."""
    rows = rng.permutation(np.flatnonzero(known))
    n_hidden, chosen = round(rate * len(rows)), np.zeros(len(known), dtype=bool)
    if n_hidden in {0, len(rows)}:
        chosen[rows[:n_hidden]] = True
        return chosen
    inclined = tendency[rows]
    intercept = brentq(lambda shift: expit(shift + inclined).sum() - n_hidden, -100, 100)
    steps = np.cumsum(expit(intercept + inclined))
    marks = (rng.random() + np.arange(n_hidden)) * (steps[-1] / n_hidden)  # one in each stretch of probability 1
    chosen[rows[np.searchsorted(steps, marks, side="right")]] = True
    return chosen


def _order(cells: pd.Series, known: Bools, rng: np.random.Generator) -> Floats:
    """Where each cell stands in its column, from -1 to 1, shape (n_rows,); 0 where not known.

    Numbers and dates stand by value, categories in a random order of them.
    """
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        ranks = cells.where(known).rank()
    else:
        values, _ = read_numbers(cells)
        if np.isnan(values[known]).any():
            codes = read_distinct(cells).codes
            values = np.append(rng.permutation(codes.max(initial=-1) + 1), -1)[codes].astype(np.float64)
        ranks = pd.Series(np.where(known, values, np.nan)).rank()
    n_known = max(int(known.sum()), 1)
    return np.nan_to_num((2 * ranks.to_numpy(dtype=np.float64) - 1) / n_known - 1, nan=0.0)
