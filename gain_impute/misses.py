"""How held-out numbers were missed, and what that says of other cells whose best values are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["COVERAGE", "Misses"]

COVERAGE = 0.9  # of the interval of a number
OUTER_SHARES = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
N_ALIKE_OF_DRAW = 15  # held-out cells whose best values are nearest, one of whose misses a draw repeats
N_ALIKE_OF_INTERVAL = 40  # likewise, whose misses make an interval
NORMAL_REACH = 1.645  # of a 90 % interval in standard deviations, for want of anything better


@dataclass(frozen=True)
class Misses:
    """How held-out cells of a column were missed.

    Attributes
    ----------
    best : ndarray of shape (n_held_out,), float32
        Their best z-scores, ascending.
    missed : ndarray of shape (n_held_out,), float32
        How far the truth was from them.
    unit : ndarray of shape (n_held_out,), float32
        What it is measured in for an interval: greater, where less was certain.
    """

    best: NDArray[np.float32]
    missed: NDArray[np.float32]
    unit: NDArray[np.float32]

    @classmethod
    def of(cls, best: NDArray[np.float64], truth: NDArray[np.float64], unit: NDArray[np.float64]) -> Misses:
        """Put held-out cells (n_held_out,) in order."""
        order = np.argsort(best, kind="stable")
        return cls(*(each[order].astype(np.float32) for each in (best, truth - best, unit)))

    @classmethod
    def none(cls) -> Misses:
        """Know of no cell."""
        return cls(*np.zeros((3, 0), np.float32))

    def draw(self, best: NDArray[np.float64], chance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each cell (n_cells,) one miss of those whose best values are nearest its own.

        `chance` (n_cells,), from 0 to below 1, says which.
        """
        first, end = self._alike(best, N_ALIKE_OF_DRAW)
        taken = np.minimum(first + chance * (end - first), end - 1).astype(np.int64)
        missed: NDArray[np.float32] = self.missed[taken]
        return missed

    def reach(self, best: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each cell the ends of its interval (2, n_cells), in units from its best value: one below it, one above.

        They are the quantiles between which COVERAGE of the misses alike lie, of a further cell too, moved half-way
        towards an interval that reaches as far down as up: of few cells, each tail tells little.
        """
        if len(self.best) == 0:
            return np.outer([-NORMAL_REACH, NORMAL_REACH], np.ones(len(best)))
        reach = np.zeros((2, len(best)))
        first, end = self._alike(best, N_ALIKE_OF_INTERVAL)
        for length in np.unique(end - first):
            these = end - first == length
            starts, of = np.unique(first[these], return_inverse=True)
            alike = starts[:, None] + np.arange(length)
            in_units = self.missed[alike] / self.unit[alike]
            lower, upper = np.quantile(in_units, OUTER_SHARES, axis=1, method="weibull")
            either = np.quantile(np.abs(in_units), COVERAGE, axis=1, method="weibull")
            reach[:, these] = np.stack([lower.clip(max=0) - either, upper.clip(min=0) + either])[:, of] / 2
        return reach

    def _alike(self, best: NDArray[np.float64], n_alike: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and end of the cells whose best values are nearest: as many as asked for, and all that are the same."""
        n, least = len(self.best), min(n_alike, len(self.best))
        left, right = (np.searchsorted(self.best, best.astype(np.float32), side) for side in ("left", "right"))
        first = ((left + right - least) // 2).clip(0, n - least)
        return np.minimum(first, left), np.maximum(first + least, right)
