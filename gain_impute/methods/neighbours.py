"""The nearest neighbours, as scikit-learn's `KNNImputer` finds them, on tables of mixed columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import nan_euclidean_distances

from gain_impute.errors import ConfigError
from gain_impute.methods.matrix import Matrix

__all__ = ["NeighboursFiller"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS_AT_ONCE = 4_000_000
"""Distances held in memory at a time."""


@dataclass(kw_only=True)
class NeighboursFiller:
    """Fill each hole from the rows that look most alike: the mean of their numbers, the commonest of their categories.

    Does what scikit-learn's `KNNImputer` does with numbers and dates scaled to standard deviation 1 and categories
    one-hot, the largest mean winning and the more frequent category at ties; but the neighbours of a column of many
    categories are looked up once and not once per category. Free text is not read.

    Attributes
    ----------
    n_neighbors : int, default=5
        Donors per hole.
    max_donors : int or None, default=5000
        Rows that may be donors; of more, so many are drawn, and `note` says so. None: all, whatever it takes.
    random_state : int, default=0
        Seed of that draw.
    note : str
        How many rows were donors, where not all were.

    Raises
    ------
    ConfigError
        If `n_neighbors` or `max_donors` is below 1.

    References
    ----------
    .. [1] Troyanskaya et al. (2001), "Missing value estimation methods for DNA microarrays", Bioinformatics 17(6).
    """

    n_neighbors: int = 5
    max_donors: int | None = 5000
    random_state: int = 0
    reads_text: bool = field(default=False, init=False)
    note: str = field(default="", init=False, repr=False)
    _donors: Matrix | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the counts."""
        for name, count in (("n_neighbors", self.n_neighbors), ("max_donors", self.max_donors)):
            if count is not None and count < 1:
                raise ConfigError(
                    f"The {name!r} parameter of NeighboursFiller must be at least 1. Got {count!r} instead."
                )

    def fit_fill(self, matrix: Matrix) -> Floats:
        """Keep the donors, and fill the rows that they are among."""
        n_rows, self.note, self._donors = len(matrix.values), "", matrix
        if self.max_donors is not None and n_rows > self.max_donors:
            drawn = np.sort(np.random.default_rng(self.random_state).choice(n_rows, self.max_donors, replace=False))
            self._donors = Matrix(matrix.values[drawn], matrix.n_categories, matrix.texts[drawn])
            self.note = f"neighbours are sought among {self.max_donors:,} of the {n_rows:,} rows"
        return self.fill(matrix)

    def fill(self, matrix: Matrix) -> Floats:
        """Fill rows from the donors; the mean and the commonest category where a row has nothing to compare by."""
        assert self._donors is not None, "fit_fill comes first"
        filled = np.where(np.isnan(matrix.values), 0.0, matrix.values)
        rows = np.flatnonzero(np.isnan(matrix.values).any(axis=1))
        for part, distances in _distances(matrix, self._donors, rows):
            for i, n_categories in enumerate(matrix.n_categories):
                here = np.flatnonzero(np.isnan(matrix.values[part, i]))
                if len(here):
                    donated = self._donors.values[:, i]
                    filled[part[here], i] = self._fill_holes(donated, n_categories, distances[here])
        return filled

    def _fill_holes(self, donated: Floats, n_categories: int, distances: Floats) -> Floats:
        """Values for some holes of one column from their distances to the donors, (n_holes, n_donors)."""
        able: NDArray[np.bool_] = ~np.isnan(donated)
        values, distances = donated[able], distances[:, able]
        if not len(values):
            return np.zeros(len(distances))
        n_neighbors = min(self.n_neighbors, len(values))
        nearest = np.argpartition(distances, n_neighbors - 1, axis=1)[:, :n_neighbors]
        is_near = np.isfinite(np.take_along_axis(distances, nearest, axis=1))  # infinite: nothing to compare by
        votes = values[nearest]  # (n_holes, n_neighbors)
        if n_categories:
            flat = np.arange(len(votes))[:, None] * n_categories + votes.astype(int)
            counts = np.bincount(flat.ravel(), weights=is_near.ravel(), minlength=len(votes) * n_categories)
            commonest: Floats = counts.reshape(len(votes), -1).argmax(axis=1).astype(np.float64)
            return commonest
        means: Floats = (votes * is_near).sum(axis=1) / np.maximum(is_near.sum(axis=1), 1)
        return means


def _distances(matrix: Matrix, donors: Matrix, rows: Ints) -> Iterator[tuple[Ints, Floats]]:
    """Squared distances of some rows at a time to the donors, (n_rows_here, n_donors); infinite where unknown.

    That of scikit-learn's `nan_euclidean_distances` on a matrix of numbers and one-hot categories, without making it.
    """
    is_number = matrix.is_number
    n_features = int(is_number.sum()) + sum(matrix.n_categories)
    step = max(1, CELLS_AT_ONCE // max(len(donors.values), 1))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        total, shared = np.zeros((2, len(part), len(donors.values)))
        if is_number.any():
            here, there = matrix.values[part][:, is_number], donors.values[:, is_number]
            shared += (~np.isnan(here)).astype(np.float64) @ (~np.isnan(there)).astype(np.float64).T
            scaled = nan_euclidean_distances(here, there, squared=True)  # NaN where no number is shared
            total += np.nan_to_num(scaled, nan=0.0) * shared / is_number.sum()
        for i in np.flatnonzero(~is_number):
            mine, theirs = matrix.values[part, i][:, None], donors.values[:, i][None, :]
            known = ~np.isnan(mine) & ~np.isnan(theirs)
            total += 2.0 * (known & (mine != theirs))
            shared += matrix.n_categories[i] * known
        yield part, np.divide(total * n_features, shared, out=np.full_like(total, np.inf), where=shared > 0)
