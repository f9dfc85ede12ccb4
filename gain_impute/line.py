"""Bayesian ridge regression of one numeric column on all others.

References
----------
.. [1] MacKay (1992), "Bayesian interpolation"; here as scikit-learn fits it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import BayesianRidge

__all__ = ["Line"]


@dataclass(frozen=True)
class Line:
    """A linear function of the features.

    Attributes
    ----------
    coefficients : ndarray of shape (n_features,), float32
    limits : ndarray of shape (3,), float32
        Intercept, and the least and greatest value that it may give: those that it learned from.
    """

    coefficients: NDArray[np.float32]
    limits: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check what may come from a file."""
        if self.limits.shape != (3,) or not np.isfinite([*self.coefficients, *self.limits]).all():
            raise ValueError("line")

    @classmethod
    def fit(cls, features: NDArray[np.float32], target: NDArray[np.float32], read: NDArray[np.bool_]) -> Line:
        """Fit z-scores (n_rows,) to those of the features (n_rows, n_features) that may be read."""
        fitted = BayesianRidge().fit(features[:, read].astype(np.float64), target.astype(np.float64))
        coefficients = np.zeros(features.shape[1], np.float32)
        coefficients[read] = fitted.coef_
        return cls(coefficients, np.array([fitted.intercept_, target.min(), target.max()], dtype=np.float32))

    def means(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Z-scores (n_rows,)."""
        intercept, lowest, highest = self.limits
        means: NDArray[np.float32] = np.clip(features @ self.coefficients + intercept, lowest, highest)
        return means
