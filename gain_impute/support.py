"""Which values of a row have ever stood beside a known value of a cell.

A supplier who never tells the colour, a category for which nobody gives a weight: what such a row shows has been
learned only where that cell is empty, so held-out cells, which are of other rows, do not tell how well it is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Support"]

CHANCE = 1e-3  # with which the cells might all be unknown by chance: below it is no chance


@dataclass(frozen=True)
class Support:
    """What was never seen beside a known value of each cell.

    A cell of a row is in one of some states: unknown, or known (a number), or of a known category.

    Attributes
    ----------
    starts : ndarray of shape (P + 1,), int64
        Number of the first state of each cell, unknown.
    lacking : ndarray of shape (n_states, P), bool
        True where every row in a state has the cell unknown, though so many that this is no chance.
    """

    starts: NDArray[np.int64]
    lacking: NDArray[np.bool_]

    @classmethod
    def of_sizes(cls, n_numbers: int, class_sizes: Sequence[int], lacking: NDArray[np.bool_] | None = None) -> Support:
        """Nothing lacks support, or what is said to; `lacking` is checked, for it may come from a file."""
        starts = np.cumsum([0, *[2] * n_numbers, *(1 + size for size in class_sizes)], dtype=np.int64)
        shape = (int(starts[-1]), len(starts) - 1)
        if lacking is not None and (lacking.shape != shape or lacking.dtype != np.bool_):
            raise ValueError("experts.support")
        return cls(starts, np.zeros(shape, bool) if lacking is None else lacking)

    @classmethod
    def measure(cls, codes: NDArray[np.int64], known: NDArray[np.bool_], class_sizes: Sequence[int]) -> Support:
        """Look which states never stand beside a known value.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, C), int64
            1-based; of unknown cells any.
        known : ndarray of shape (n_rows, P), bool
        class_sizes : sequence of int
            Number of categories of each categorical column.
        """
        n_cells = known.shape[1]
        starts = cls.of_sizes(n_cells - len(class_sizes), class_sizes).starts
        states = (_values(codes, known) + starts[:-1]).ravel()
        rows = np.repeat(np.arange(len(known)), n_cells)
        shown = sparse.csr_array((np.ones(len(rows), np.float32), (rows, states)), shape=(len(known), starts[-1]))
        n_known, n_rows = shown.T @ known.astype(np.float32), np.bincount(states, minlength=starts[-1])
        share_unknown = (~known).sum(axis=0) / max(len(known), 1)
        is_no_chance = np.power(share_unknown, n_rows[:, None]) < CHANCE
        is_own = np.repeat(np.arange(n_cells), np.diff(starts))[:, None] == np.arange(n_cells)
        return cls(starts, (n_known == 0) & is_no_chance & ~is_own)

    def is_lacking(self, codes: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where an unknown cell has no support by what its row shows, (n_rows, P); arguments are those of `measure`."""
        found = np.zeros_like(known)
        if not self.cells:
            return found
        values = _values(codes, known)
        for cell in self._telling:
            start, end = self.starts[cell : cell + 2]
            is_told = values[:, cell] < end - start  # else a category that is newer than this
            found |= self.lacking[start + np.where(is_told, values[:, cell], 0)] & is_told[:, None]
        return found & ~known

    @cached_property
    def cells(self) -> frozenset[int]:
        """Cells that some state leaves without support."""
        return frozenset(np.flatnonzero(self.lacking.any(axis=0)).tolist())

    @cached_property
    def _telling(self) -> list[int]:
        """Cells of which some state leaves others without support."""
        states = np.flatnonzero(self.lacking.any(axis=1))
        return [int(cell) for cell in np.unique(np.searchsorted(self.starts, states, side="right") - 1)]


def _values(codes: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """State of each cell, counted from its first, (n_rows, P)."""
    n_numbers = known.shape[1] - codes.shape[1]
    return np.concatenate([known[:, :n_numbers].astype(np.int64), codes * known[:, n_numbers:]], axis=1)
