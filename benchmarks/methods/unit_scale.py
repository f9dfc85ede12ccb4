"""Numbers, codes of categories and texts scaled to [0, 1] by what is seen of them: what the older networks work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.methods import Matrix

__all__ = ["UnitScale"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class UnitScale:
    """Scales all columns of a matrix, then its texts, as a first matrix has them.

    Attributes
    ----------
    low, width : ndarray of shape (n_columns + d_text,), float64
        Smallest value seen, 0 where none was, and distance to the largest, 0 where nothing varies.
    n_columns : int
        Columns without the texts.
    """

    low: Floats
    width: Floats
    n_columns: int

    @classmethod
    def of(cls, matrix: Matrix) -> UnitScale:
        """Learn the scales from the known cells."""
        both = np.hstack([matrix.values, matrix.texts])
        seen = ~np.isnan(both)
        low = np.where(seen, both, np.inf).min(axis=0, initial=np.inf)
        high = np.where(seen, both, -np.inf).max(axis=0, initial=-np.inf)
        width = np.where(high > low, high - low, 0.0)
        return cls(np.where(np.isfinite(low), low, 0.0), width, matrix.values.shape[1])

    def scaled(self, matrix: Matrix) -> tuple[Tensor, Tensor]:
        """Scale; returns values, 0 where unknown, and `observed`, 1 or 0: both (n_rows, n_columns + d_text)."""
        both = (np.hstack([matrix.values, matrix.texts]) - self.low) / np.where(self.width > 0, self.width, 1.0)
        observed = ~np.isnan(both)
        values = np.where(observed, both, 0.0)
        return torch.from_numpy(values.astype(np.float32)), torch.from_numpy(observed.astype(np.float32))

    def unscaled(self, values: Tensor) -> Floats:
        """Scale the columns back, without the texts; (n_rows, n_columns)."""
        n = self.n_columns
        unscaled: Floats = values[:, :n].double().numpy() * self.width[:n] + self.low[:n]
        return unscaled
