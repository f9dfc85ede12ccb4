"""Chained equations: each column is predicted from all others, round after round. What is predicted with is free."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyRegressor

from gain_impute.methods import Matrix, MatrixMethod, Method, Setting

__all__ = ["ChainFiller", "Model", "Part", "chain_method"]

Floats = NDArray[np.float64]

SHARE_OF_TIME = 0.7
"""Of the time allowed, what the fit may take: other rows are to be filled in the rest."""


class Model(Protocol):
    """What scikit-learn calls an estimator."""

    def fit(self, X: Floats, y: NDArray[np.generic]) -> object:
        """Learn (n_rows, n_features) and (n_rows,)."""

    def predict(self, X: Floats) -> NDArray[np.generic]:
        """Predict (n_rows,)."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a model is wanted for.

    Attributes
    ----------
    n_rows, n_features : int
        Size of what it learns from.
    n_categories : int
        Of its column; 0 for a number.
    seed : int
        What its randomness follows from.
    """

    n_rows: int
    n_features: int
    n_categories: int
    seed: int


@dataclass(kw_only=True)
class ChainFiller:
    """Fill with mean and mode, then predict each column from all others and the text features, a few rounds long.

    The columns are taken by rising number of holes. Categories are codes, the most frequent first. Other rows are
    filled with the models of the last round, in as many rounds.

    Attributes
    ----------
    make : callable
        Makes a regressor, or a classifier where `n_categories` is not 0, from a `Part`.
    n_rounds : int
        Rounds at most.
    stops_when_worse : bool, default=False
        Whether to stop, as missForest does, when the change from round to round grows for numbers and for categories,
        and to go back to the round before.
    max_time_s : float or None, default=None
        Seconds that fit and filling may take together; looked at between columns.
    random_state : int, default=0
        Seed of the models.
    note : str
        Rounds that were made, where they are not all.
    """

    make: Callable[[Part], Model]
    n_rounds: int
    stops_when_worse: bool = False
    max_time_s: float | None = None
    random_state: int = 0
    reads_text: bool = field(default=True, init=False)
    note: str = field(default="", init=False, repr=False)
    _models: dict[int, Model] = field(default_factory=dict, init=False, repr=False)
    _order: list[int] = field(default_factory=list, init=False, repr=False)
    _n_done: int = field(default=0, init=False, repr=False)

    def fit_fill(self, matrix: Matrix) -> Floats:
        """Learn the columns in rounds, and fill them."""
        clock = _Clock(self.max_time_s)
        holes = np.isnan(matrix.values)
        self._order = [int(i) for i in np.argsort(holes.sum(axis=0), kind="stable")]
        self._models, self._n_done, self.note = {}, 0, ""
        filled = np.where(holes, 0.0, matrix.values)  # 0: the mean of a number, the commonest category
        changes = _Changes()
        for i_round in range(self.n_rounds):
            before = filled.copy(), dict(self._models)
            n_columns = self._learn_round(matrix, filled, i_round, clock)
            self._n_done = i_round + 1
            if n_columns < len(self._order):
                self.note = (
                    f"stopped by time in round {i_round + 1} of at most {self.n_rounds}, "
                    f"after {n_columns} of {len(self._order)} columns"
                )
                break
            if not holes.any():
                break
            if self.stops_when_worse and changes.grow(before[0], filled, holes, matrix.is_number):
                filled, self._models = before
                self._n_done = i_round
                self.note = f"stopped after round {i_round + 1} of at most {self.n_rounds}, and kept the one before"
                break
        return filled

    def fill(self, matrix: Matrix) -> Floats:
        """Fill other rows with the models of the last round."""
        holes = np.isnan(matrix.values)
        filled = np.where(holes, 0.0, matrix.values)
        for _ in range(self._n_done):
            for i in self._order:
                if holes[:, i].any() and i in self._models:
                    filled[holes[:, i], i] = self._models[i].predict(_others(filled, matrix.texts, i)[holes[:, i]])
        return filled

    def _learn_round(self, matrix: Matrix, filled: Floats, i_round: int, clock: _Clock) -> int:
        """Learn each column once, and fill it in place; returns how many were done before time was over."""
        for n_columns, i in enumerate(self._order):
            if not clock.has_time_for(i):
                return n_columns
            hidden = np.isnan(matrix.values[:, i])
            features = _others(filled, matrix.texts, i)
            with clock.timing(i):
                self._models[i] = self._learned(matrix, features, i, i_round)
                if hidden.any():
                    filled[hidden, i] = self._models[i].predict(features[hidden])
        return len(self._order)

    def _learned(self, matrix: Matrix, features: Floats, i: int, i_round: int) -> Model:
        """A model of one column."""
        known = ~np.isnan(matrix.values[:, i])
        target = matrix.values[known, i]
        if len(np.unique(target)) < 2 or not features.shape[1]:
            median: Model = DummyRegressor(strategy="median").fit(target[:, None], target)
            return median
        seed = int(np.random.SeedSequence((self.random_state, i_round, i)).generate_state(1)[0] >> 1)
        n_categories = matrix.n_categories[i]
        part = Part(n_rows=len(target), n_features=features.shape[1], n_categories=n_categories, seed=seed)
        model = self.make(part)
        model.fit(features[known], target.astype(np.int64) if n_categories else target)
        return model


def chain_method(
    setting: Setting, make: Callable[..., Model], *, n_rounds: int, stops_when_worse: bool = False
) -> Method:
    """Make a chain with the face of all methods; `make` takes a `Part` and `n_threads`."""
    filler = ChainFiller(
        make=partial(make, n_threads=setting.n_threads),
        n_rounds=n_rounds,
        stops_when_worse=stops_when_worse,
        max_time_s=setting.max_time_s,
        random_state=setting.seed,
    )
    return MatrixMethod(filler, setting)


@dataclass
class _Changes:
    """How much a round changed, for numbers and for categories."""

    last: tuple[float, float] = (np.inf, np.inf)

    def grow(self, before: Floats, after: Floats, holes: NDArray[np.bool_], is_number: NDArray[np.bool_]) -> bool:
        """Whether the change is greater than the last one, for both kinds where both are there."""
        numbers, categories = holes & is_number, holes & ~is_number
        moved = float(((after - before)[numbers] ** 2).sum() / max((after[numbers] ** 2).sum(), 1e-12))
        turned = float((after != before)[categories].mean()) if categories.any() else 0.0
        now, last = (moved, turned), self.last
        self.last = now
        here = (numbers.any(), categories.any())
        return all(a > b for a, b, is_there in zip(now, last, here, strict=True) if is_there)


class _Clock:
    """Says whether there is time for one more column."""

    def __init__(self, max_time_s: float | None) -> None:
        """Start."""
        self._until = None if max_time_s is None else time.monotonic() + SHARE_OF_TIME * max_time_s
        self._took: dict[int, float] = {}

    def has_time_for(self, i: int) -> bool:
        """Whether a column, as long as it took last time, ends in time."""
        return self._until is None or time.monotonic() + self._took.get(i, 0.0) <= self._until

    def timing(self, i: int) -> _Timing:
        """Note how long a column takes."""
        return _Timing(self._took, i)


@dataclass
class _Timing:
    """Notes how long a block takes."""

    took: dict[int, float]
    i: int
    start: float = 0.0

    def __enter__(self) -> None:
        self.start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.took[self.i] = time.monotonic() - self.start


def _others(filled: Floats, texts: Floats, i: int) -> Floats:
    """All columns but one, and the texts, (n_rows, n_features)."""
    return np.hstack([np.delete(filled, i, axis=1), texts])
