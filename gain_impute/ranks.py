"""Where the numbers of a skewed column stand among all of them.

Extremely randomised trees split anywhere between the least and the greatest value. Of counts and prices most lie near
one end, so hardly any split falls among them; among their ranks every second one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranks"]

SHARE_OF_RANGE = 0.1  # within which the middle half of a column's values lies, where it is skewed
N_QUANTILES = 129  # that are kept of a column


@dataclass(frozen=True)
class Ranks:
    """Quantiles of the columns that are skewed.

    Attributes
    ----------
    columns : ndarray of shape (n_skewed,), int64
        Which numbers these are, ascending.
    quantiles : ndarray of shape (n_skewed, N_QUANTILES), float32
        Z-scores, ascending, at equal distances between the least and the greatest.
    """

    columns: NDArray[np.int64]
    quantiles: NDArray[np.float32]

    @classmethod
    def none(cls) -> Ranks:
        """No column is skewed."""
        return cls(np.zeros(0, np.int64), np.zeros((0, N_QUANTILES), np.float32))

    @classmethod
    def measure(cls, numbers: NDArray[np.float32], known: NDArray[np.bool_]) -> Ranks:
        """Find skewed columns by the known ones of numbers (n_rows, N); `known` is (n_rows, N or more)."""
        found: dict[int, NDArray[Any]] = {}
        for column, values in enumerate(numbers.T):
            if known[:, column].any():
                quantiles = np.quantile(values[known[:, column]], np.linspace(0, 1, N_QUANTILES))
                least, lower, upper, greatest = quantiles[[0, N_QUANTILES // 4, -1 - N_QUANTILES // 4, -1]]
                if upper - lower < SHARE_OF_RANGE * (greatest - least):
                    found[column] = np.maximum.accumulate(quantiles.astype(np.float32))  # whatever rounding does
        return cls(np.array([*found], np.int64), np.array([*found.values()], np.float32)) if found else cls.none()

    @classmethod
    def read(cls, columns: NDArray[Any], quantiles: NDArray[Any], n_numbers: int) -> Ranks:
        """Take them from a file; what cannot be is an error."""
        is_sound = (
            columns.dtype == np.int64
            and quantiles.dtype == np.float32
            and quantiles.shape == (len(columns), N_QUANTILES)
            and (np.diff(columns, prepend=-1) > 0).all()
            and (columns < n_numbers).all()
            and (quantiles[:, 1:] >= quantiles[:, :-1]).all()
        )
        if not is_sound:
            raise ValueError("experts.ranks")
        return cls(columns, quantiles)

    @cached_property
    def _curves(self) -> list[tuple[int, NDArray[np.float32], NDArray[np.float64]]]:
        """Of each column its different quantiles, and the shares of the values up to the middle of each."""
        curves = []
        for column, quantiles in zip(self.columns.tolist(), self.quantiles, strict=True):
            distinct, first, counts = np.unique(quantiles, return_index=True, return_counts=True)
            curves.append((column, distinct, (first + (counts - 1) / 2) / (N_QUANTILES - 1)))
        return curves

    def of(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Share of the column's values up to each of numbers (n_rows, N); (n_rows, n_skewed)."""
        ranks = np.empty((len(numbers), len(self.columns)), np.float32)
        for at, (column, quantiles, shares) in enumerate(self._curves):
            ranks[:, at] = np.interp(numbers[:, column], quantiles, shares)
        return ranks
