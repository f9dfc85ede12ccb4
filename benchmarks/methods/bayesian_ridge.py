"""Iterated Bayesian ridge regressions, as scikit-learn's `IterativeImputer` does them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  makes the next import possible
from sklearn.impute import IterativeImputer
from sklearn.linear_model import BayesianRidge

from gain_impute.methods import Matrix, MatrixMethod, MethodEntry

__all__ = ["BAYESIAN_RIDGE", "BayesianRidgeFiller"]

Floats = NDArray[np.float64]

N_ROUNDS = 10
MOST_ONE_HOT = 200
MOST_NEAREST = 100


@dataclass(kw_only=True)
class BayesianRidgeFiller:
    """Regress each number and each one-hot category on all others, round after round; the largest category wins.

    A table has at most 200 one-hot columns: of columns of more categories the most frequent are taken, and the others
    are never filled in. Each regression has the 100 features at most that scikit-learn draws by their correlation.

    Attributes
    ----------
    most_one_hot : int, default=200
        One-hot columns at most.
    random_state : int, default=0
        Seed of that draw.
    note : str
        How many categories have a column, where not all have one.
    """

    most_one_hot: int = MOST_ONE_HOT
    random_state: int = 0
    reads_text: bool = field(default=True, init=False)
    note: str = field(default="", init=False, repr=False)
    _imputer: IterativeImputer | None = field(default=None, init=False, repr=False)
    _n_one_hot: tuple[int, ...] = field(default=(), init=False, repr=False)

    def fit_fill(self, matrix: Matrix) -> Floats:
        """Learn the regressions, and fill."""
        self._n_one_hot = _share_out(self.most_one_hot, matrix.n_categories)
        left_out = sum(matrix.n_categories) - sum(self._n_one_hot)
        self.note = f"the {left_out:,} rarest categories are never filled in" if left_out else ""
        features = self._one_hot(matrix)
        self._imputer = IterativeImputer(
            BayesianRidge(),
            max_iter=N_ROUNDS,
            n_nearest_features=MOST_NEAREST if features.shape[1] > MOST_NEAREST + 1 else None,
            keep_empty_features=True,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # ten rounds are what is asked for
            return self._chosen(matrix, self._imputer.fit_transform(features))

    def fill(self, matrix: Matrix) -> Floats:
        """Fill other rows with the regressions."""
        assert self._imputer is not None, "fit_fill comes first"
        return self._chosen(matrix, self._imputer.transform(self._one_hot(matrix)))

    def _one_hot(self, matrix: Matrix) -> Floats:
        """Numbers, one column for each category, texts: (n_rows, n_features); NaN where unknown."""
        blocks = []
        for values, n_one_hot in zip(matrix.values.T, self._n_one_hot, strict=True):
            if not n_one_hot:
                blocks.append(values[:, None])
                continue
            block = (values[:, None] == np.arange(n_one_hot)).astype(np.float64)
            block[np.isnan(values)] = np.nan
            blocks.append(block)
        return np.hstack([*blocks, matrix.texts])

    def _chosen(self, matrix: Matrix, features: Floats) -> Floats:
        """The completed matrix (n_rows, n_columns) of completed features."""
        filled, start = np.empty_like(matrix.values), 0
        for i, n_one_hot in enumerate(self._n_one_hot):
            stop = start + max(n_one_hot, 1)
            filled[:, i] = features[:, start:stop].argmax(axis=1) if n_one_hot else features[:, start]
            start = stop
        return filled


def _share_out(n_wanted: int, n_categories: tuple[int, ...]) -> tuple[int, ...]:
    """One-hot columns of each column: as many as it has categories, the same limit for all where that is too many."""
    limit = max(n_categories, default=0)
    while limit > 2 and sum(min(n, limit) for n in n_categories) > n_wanted:
        limit -= 1
    return tuple(min(n, limit) for n in n_categories)


BAYESIAN_RIDGE = MethodEntry(
    name="bayesian_ridge",
    title="iterated BayesianRidge",
    make=lambda setting: MatrixMethod(BayesianRidgeFiller(random_state=setting.seed), setting),
    settings={
        "rounds": f"until converged, at most {N_ROUNDS}",
        "categories": f"one-hot, at most {MOST_ONE_HOT} in all",
        "features per regression": f"at most {MOST_NEAREST}",
        "text": "50 TF-IDF + SVD features",
    },
    reference="van Buuren & Groothuis-Oudshoorn (2011), mice, Journal of Statistical Software 45(3)",
)
