"""Ridge regression of one column on all others.

References
----------
.. [1] MacKay (1992), "Bayesian interpolation"; here as scikit-learn fits it.
.. [2] Golub, Heath & Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge parameter".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import BayesianRidge, RidgeCV

__all__ = ["Line"]

PENALTIES = np.geomspace(0.1, 1e5, 13)
MOST_CLASS_ROWS = 4_000  # that shares of categories are fitted to: more would take long and change little


@dataclass(frozen=True)
class Line:
    """A linear function of the features: of a number its z-score, of categories the share of each.

    Attributes
    ----------
    coefficients : ndarray of shape (n_features, n_outputs), float32
    limits : ndarray of shape (3, n_outputs), float32
        Intercept, and the least and greatest value that it may give: those that it learned from.
    """

    coefficients: NDArray[np.float32]
    limits: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check what may come from a file."""
        n_outputs = self.coefficients.shape[1]
        is_finite = np.isfinite(self.coefficients).all() and np.isfinite(self.limits).all()
        if self.limits.shape != (3, n_outputs) or n_outputs == 0 or not is_finite:
            raise ValueError("line")

    @classmethod
    def fit(cls, features: NDArray[np.float32], target: NDArray[np.float32], read: NDArray[np.bool_]) -> Line:
        """Fit z-scores (n_rows,) to those of the features (n_rows, n_features) that may be read."""
        fitted = BayesianRidge().fit(features[:, read].astype(np.float64), target.astype(np.float64))
        limits = np.array([[fitted.intercept_], [target.min()], [target.max()]], dtype=np.float32)
        return cls(_spread_out(fitted.coef_[:, None], read), limits)

    @classmethod
    def fit_classes(
        cls, features: NDArray[np.float32], codes: NDArray[np.int64], read: NDArray[np.bool_], n_classes: int
    ) -> Line:
        """Fit the share of each category, from 1-based codes (n_rows,), to the features that may be read.

        The penalty, one for all categories, is chosen by generalised cross-validation [2]_.
        """
        some = np.linspace(0, len(codes) - 1, min(len(codes), MOST_CLASS_ROWS)).astype(np.int64)
        is_class = np.eye(n_classes)[codes[some] - 1]
        fitted = RidgeCV(alphas=PENALTIES).fit(features[some][:, read].astype(np.float64), is_class)
        limits = np.stack([np.reshape(fitted.intercept_, n_classes), np.zeros(n_classes), is_class.max(axis=0)]).astype(
            np.float32
        )
        return cls(_spread_out(fitted.coef_.reshape(n_classes, -1).T, read), limits)

    def means(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Z-scores (n_rows,)."""
        return self._said(features)[:, 0]

    def shares(self, features: NDArray[np.float32], n_classes: int) -> NDArray[np.float32]:
        """Shares of the categories (n_rows, n_classes), of which there may be more than when it was fitted."""
        said = self._said(features) + np.float32(1e-6)  # so that there is a sum
        shares = np.zeros((len(said), n_classes), np.float32)
        shares[:, : said.shape[1]] = said / said.sum(axis=1, keepdims=True)
        return shares

    def _said(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        intercept, lowest, highest = self.limits
        said: NDArray[np.float32] = np.clip(features @ self.coefficients + intercept, lowest, highest)
        return said


def _spread_out(coefficients: NDArray[np.float64], read: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Coefficients (n_read, n_outputs) of the features that were read, as those of all; of the others 0."""
    of_all = np.zeros((len(read), coefficients.shape[1]), np.float32)
    of_all[read] = coefficients
    return of_all
