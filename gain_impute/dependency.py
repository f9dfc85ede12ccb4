"""One dependency: what stands beside the values of a column, or of two together, and how often it is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Beside", "Dependency", "Keys", "followed", "side_by_side"]

MOST_KEYS = 5_000  # of a dependency: those that stand in most rows
LEAST_AGREED = 0.9  # of the rows with a key: else it decides nothing
MOST_WRONG_OF_KEY = 0.03  # of the rows that others decide, whose keys stand in about as many rows
PRIOR_ROWS = 10  # that a share of these counts as having seen before, of which PRIOR_WRONG or more were wrong
PRIOR_WRONG = 0.05
LEAST_ROWS_OF_PAIR = 2  # with two values together: else these decide nothing
MIXER = np.uint64(0x9E3779B97F4A7C15)  # odd, with bits as if by chance: what it multiplies keeps apart


@dataclass(frozen=True)
class Dependency:
    """What stands beside the values of one column, or of two together.

    Attributes
    ----------
    cell : int
        What is decided.
    by : tuple of int
        The one or two cells or identifiers, these counted after all cells, that decide it.
    keys : ndarray of shape (n_keys,), int64
        Their values that do, as bits (of two values a hash of these), ascending.
    values : ndarray of shape (n_keys,), float64
        What stands beside them: z-scores or codes.
    wrong : ndarray of shape (n_keys,), float32
        Share of the rows with such keys that would be wrong, were they decided by the others.
    squared_error : float
        Mean over those rows of how far they would be off, squared; 0 where none is wrong.
    """

    cell: int
    by: tuple[int, ...]
    keys: NDArray[np.int64]
    values: NDArray[np.float64]
    wrong: NDArray[np.float32]
    squared_error: float

    @property
    def is_never_wrong(self) -> bool:
        """Whether no row that it learned from would be wrong."""
        return self.squared_error == 0

    def decided(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """What it decides in rows of `side_by_side`, NaN where nothing; and the shares wrong, (n_rows,)."""
        if len(self.keys) == 0:
            return np.full(len(rows), np.nan), np.ones(len(rows), np.float32)
        keys, is_known = _packed(rows[:, self.by])
        at = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return np.where(is_known & (self.keys[at] == keys), self.values[at], np.nan), self.wrong[at]


def side_by_side(
    numbers: NDArray[np.float32],
    residues: NDArray[np.float32] | None,
    codes: NDArray[np.int64],
    known: NDArray[np.bool_],
    identifiers: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Numbers (n_rows, N), codes (n_rows, C) and identifiers (n_rows, I) of rows in one array (n_rows, P + I).

    Numbers are z-scores with their residues, so that none is taken for another. Cells (n_rows, P) that are not known
    are NaN, as are missing identifiers.
    """
    exact = numbers.astype(np.float64) if residues is None else numbers.astype(np.float64) + residues
    cells = np.where(known, np.concatenate([exact, codes], axis=1), np.nan)
    return cells if identifiers is None else np.concatenate([cells, identifiers], axis=1)


def followed(
    said: NDArray[np.floating], decided: NDArray[np.float64], wrong: NDArray[np.float32]
) -> NDArray[np.floating]:
    """What is said of n decided cells, numbers (n,) or distributions (n, n_categories), once they are decided."""
    if said.ndim == 1:
        return decided
    mixed: NDArray[np.floating] = wrong[:, None] * said
    mixed[np.arange(len(said)), decided.astype(np.int64) - 1] += 1 - wrong
    return mixed


def _packed(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The bits of one value of n rows (n, 1 or 2), or a hash of those of two (n,); and where all are known."""
    bits = (np.ascontiguousarray(values, np.float64) + 0.0).view(np.uint64)  # adding 0 makes -0 be 0
    packed = bits[:, 0]
    for other in bits.T[1:]:
        packed = packed * MIXER
        packed = (packed ^ (packed >> np.uint64(32)) ^ other) * MIXER
    return packed.view(np.int64), ~np.asarray(np.isnan(values).any(axis=1))


class Keys(NamedTuple):
    """The keys of n rows: values of one column, or of two together."""

    keys: NDArray[np.int64]  # that occur, ascending
    values: NDArray[np.float64]  # of the (first) column with each
    ids: NDArray[np.int64]  # which of these each row has (n,); -1 where it is not known

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Keys:
        """Those of one or two columns (n, 1 or 2); NaN is not known."""
        packed, known = _packed(values)
        ids = np.full(len(packed), -1)
        keys, first, ids[known] = np.unique(packed[known], return_index=True, return_inverse=True)
        return cls(keys, values[known, 0][first], ids)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows with each key."""
        return np.bincount(self.ids[self.ids >= 0], minlength=len(self.keys))

    @property
    def share_of_mode(self) -> float:
        """Share of the known rows with the most frequent key."""
        return float(self.counts.max(initial=0) / max(self.counts.sum(), 1))

    @property
    def surprise(self) -> float:
        """Minus the logarithm of the chance with which two rows have the same key; 0 where none is known."""
        counts = self.counts
        return -float(np.log((counts**2).sum() / counts.sum() ** 2)) if counts.any() else 0.0

    @property
    def share_repeated(self) -> float:
        """Share of the rows whose key stands in another row too."""
        return float(self.counts[self.counts > 1].sum() / max(len(self.ids), 1))


class Beside(NamedTuple):
    """What stands beside each key."""

    keys: NDArray[np.int64]
    values: NDArray[np.float64]  # the most frequent one beside each
    n_rows: NDArray[np.int64]  # with each key, (n_keys,)
    n_mode: NDArray[np.int64]  # of these with the most frequent value
    squares: NDArray[np.float64]  # of their distances from it, summed

    @classmethod
    def of(cls, by: Keys, cell: Keys) -> Beside:
        """Count what stands in a column beside the keys of the same rows."""
        there = (by.ids >= 0) & (cell.ids >= 0)
        n_distinct = max(len(cell.keys), 1)
        pairs, counts = np.unique(by.ids[there] * n_distinct + cell.ids[there], return_counts=True)
        if len(pairs) == 0:
            return cls(by.keys[:0], cell.values[:0], counts, counts, np.zeros(0))
        keys, values = np.divmod(pairs, n_distinct)
        begins = np.append(True, keys[1:] != keys[:-1])
        starts, at = np.flatnonzero(begins), np.cumsum(begins) - 1
        n_rows, n_mode = np.add.reduceat(counts, starts), np.maximum.reduceat(counts, starts)
        modes = np.flatnonzero(counts == n_mode[at])
        mode = modes[np.append(at[modes[1:]] != at[modes[:-1]], True)]  # of each key one, where several are as frequent
        distances = cell.values[values] - cell.values[values[mode]][at]
        squares = np.add.reduceat(counts * distances**2, starts)
        return cls(by.keys[keys[starts]], cell.values[values[mode]], n_rows, n_mode, squares)

    @property
    def n_right(self) -> NDArray[np.int64]:
        """Rows with each key that the others decide rightly."""
        decide = (self.n_rows > 1) & (self.n_mode - 1 >= LEAST_AGREED * (self.n_rows - 1))
        return np.where(decide, self.n_mode, 0)

    @property
    def n_wrong(self) -> NDArray[np.int64]:
        """Rows with each key that the others decide wrongly; of two rows that differ, both."""
        decide = (self.n_rows > 1) & (self.n_mode >= LEAST_AGREED * (self.n_rows - 1))
        n_wrong: NDArray[np.int64] = decide * self._n_sides * (self.n_rows - self.n_mode)
        return n_wrong

    @property
    def _n_sides(self) -> NDArray[np.int64]:
        """2 where both of two rows are wrong, for they differ; else 1."""
        n_sides: NDArray[np.int64] = np.where((self.n_rows == self.n_mode + 1) & (self.n_mode == 1), 2, 1)
        return n_sides

    @property
    def squared_error(self) -> float:
        """Mean over the decided rows of how far they are off, squared."""
        n_decided = self.n_wrong.sum() + self.n_right.sum()
        return float((self._n_sides * self.squares)[self.n_wrong > 0].sum() / max(n_decided, 1))

    @property
    def n_agreed(self) -> int:
        """How often a row agreed with an earlier one."""
        return int((self.n_right - 1).clip(min=0).sum())

    @property
    def wrong(self) -> float:
        """Share of the decided rows, by Jeffreys' prior: of few that are all right more than none."""
        n_wrong = self.n_wrong.sum()
        return float((n_wrong + 0.5) / (n_wrong + self.n_right.sum() + 1))

    def dependency(self, cell: int, by: tuple[int, ...]) -> Dependency:
        """What the keys decide, but those that are as rare as others that were often wrong."""
        n_wrong, n_right = (
            np.bincount(_rarity(self.n_rows - 1), weights=counts, minlength=64)
            for counts in (self.n_wrong, self.n_right)
        )
        wrong = (n_wrong + PRIOR_ROWS * max(self.wrong, PRIOR_WRONG)) / (n_wrong + n_right + PRIOR_ROWS)
        rarity = _rarity(self.n_rows)
        decide = (self.n_mode >= LEAST_AGREED * self.n_rows) & (wrong[rarity] <= MOST_WRONG_OF_KEY)
        if len(by) > 1:
            decide &= self.n_rows >= LEAST_ROWS_OF_PAIR
        chosen = np.flatnonzero(decide)
        if len(chosen) > MOST_KEYS:
            chosen = np.sort(chosen[np.argsort(-self.n_rows[chosen], kind="stable")[:MOST_KEYS]])
        keys, values, shares = self.keys[chosen], self.values[chosen], wrong[rarity[chosen]].astype(np.float32)
        return Dependency(cell, by, keys, values, shares, self.squared_error)


def _rarity(n_rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which keys stand in about as many rows: in one, in two or three, in four to seven, ..."""
    return np.asarray(np.log2(n_rows.clip(min=1)).astype(np.int64))
