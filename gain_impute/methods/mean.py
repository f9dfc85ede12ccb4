"""Mean or median of numbers, the commonest of categories: what any method must beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gain_impute.methods.matrix import Matrix

__all__ = ["MeanFiller"]


@dataclass(kw_only=True)
class MeanFiller:
    """Fill numbers and dates with one value, all else with the most frequent category.

    Attributes
    ----------
    statistic : {"mean", "median"}, default="mean"
        Which value of the known numbers.
    """

    statistic: Literal["mean", "median"] = "mean"
    reads_text: bool = field(default=False, init=False)
    _values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), init=False, repr=False)

    def fit_fill(self, matrix: Matrix) -> NDArray[np.float64]:
        """Learn one value a column, and fill with it."""
        statistic = np.nanmean if self.statistic == "mean" else np.nanmedian
        self._values = np.where(matrix.is_number, statistic(matrix.values, axis=0), 0.0)  # 0: the commonest category
        return self.fill(matrix)

    def fill(self, matrix: Matrix) -> NDArray[np.float64]:
        """Fill other rows with the same values."""
        return np.where(np.isnan(matrix.values), self._values, matrix.values)
