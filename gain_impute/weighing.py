"""How far experts of a column are believed beside the generator: weights that fill held-out cells best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "NOT_AT_ALL",
    "TREES_ALONE",
    "USUAL",
    "Opinion",
    "Weights",
    "blended",
    "disagreement",
    "losses_of_weights",
    "most_probable_weights",
    "without_support",
]

LEAST_GAIN = 0.02  # share of the loss on held-out cells: an expert that takes less off it is not worth its time
WEIGHT_SPREAD = 0.2  # standard deviation of a column's weights around those of all columns, before its cells are seen


class Weights(NamedTuple):
    """How far the experts of a column are believed beside the generator; each from 0 to 1, and no more together."""

    trees: float
    line: float


USUAL = Weights(0.5, 0.2)  # where nothing is known yet
NOT_AT_ALL = Weights(0, 0)
TREES_ALONE = Weights(1, 0)
_STEPS = np.linspace(0, 1, 21)
_TRIED = np.array([(trees, line) for trees in _STEPS for line in _STEPS if trees + line <= 1 + 1e-9])  # (n_tried, 2)

Opinion = NDArray[np.float32] | None


def blended(ours: NDArray[np.float32], opinions: Sequence[Opinion], weights: Weights) -> NDArray[np.float32]:
    """What the generator and the experts of a cell say together."""
    shift = np.zeros_like(ours)
    for weight, opinion in zip(weights, opinions, strict=True):
        if opinion is not None:
            shift += np.float32(weight) * (opinion - ours)
    return ours + shift


def disagreement(ours: NDArray[np.float32], opinions: Sequence[Opinion]) -> NDArray[np.float32]:
    """Standard deviation (n_cells,) among what generator and experts say of numbers; 0 where no expert is heard."""
    all_say = [ours, *(opinion for opinion in opinions if opinion is not None)]
    return np.std(all_say, axis=0, ddof=1) if len(all_say) > 1 else np.zeros_like(ours)


def without_support(learned: Weights) -> Weights:
    """Weights where held-out cells do not tell: each expert's is the usual one at least, and all are 1 at most."""
    least = np.maximum(learned, USUAL)
    return Weights(*(least / max(1.0, least.sum())).tolist())


def losses_of_weights(
    ours: NDArray[np.float32], opinions: Sequence[Opinion], true: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Squared error of the blend with each of the tried weights, in units that make it a negative log-likelihood.

    The unit is twice the mean squared error of a cell with the best weights. Where few cells make most of that error,
    as in columns with a heavy tail, all count as no more than as many normal errors of the same fourth moment would.
    Numbers (n_cells,), or distributions (n_cells, n_categories) with the truth one-hot, whose squared error is the
    Brier score.
    """
    ahead = [np.zeros_like(ours) if opinion is None else opinion - ours for opinion in opinions]
    differences = np.stack([ours - true, *ahead]).astype(np.float64)
    parts, shares = differences.reshape(len(differences), -1), np.column_stack([np.ones(len(_TRIED)), _TRIED])
    errors = np.einsum("wi,ij,wj->w", shares, parts @ parts.T, shares).clip(0)
    left = np.tensordot(shares[errors.argmin()], differences, axes=1) ** 2
    of_cells = left.sum(axis=tuple(range(1, left.ndim)))
    fourth = (of_cells**2).sum()
    n_telling = min(len(true), 3 * of_cells.sum() ** 2 / fourth) if fourth > 0 else len(true)  # normal: 3 (E e^2)^2
    return np.asarray(n_telling * errors / max(2 * errors.min(), 1e-12))


def most_probable_weights(
    losses: dict[int, NDArray[np.float64]], has: dict[int, NDArray[np.bool_]]
) -> dict[int, Weights]:
    """Weights of each of some columns of one kind.

    They are the most probable ones, given the column's own cells and a normal prior around the weights that suit all of
    these columns together, so that a column with few cells follows the others.

    Parameters
    ----------
    losses : dict of int to ndarray of shape (n_tried,), float64
        `losses_of_weights` of each cell.
    has : dict of int to ndarray of shape (2,), bool
        Which experts it has.
    """
    if not losses:
        return {}
    common = _best(np.sum(list(losses.values()), axis=0), np.array(USUAL), np.array([True, True]))
    return {cell: _worth_it(losses[cell], _TRIED[common], has[cell]) for cell in losses}


def _worth_it(losses: NDArray[np.float64], middle: NDArray[np.float64], has: NDArray[np.bool_]) -> Weights:
    """The most probable weights, without an expert that takes less than LEAST_GAIN off the loss."""
    best = _best(losses, middle, has)
    for expert in range(len(has)):
        others = has & (np.arange(len(has)) != expert)
        without = _best(losses, middle, others)
        if losses[best] > (1 - LEAST_GAIN) * losses[without]:
            best, has = without, others
    return Weights(*_TRIED[best].tolist())


def _best(losses: NDArray[np.float64], middle: NDArray[np.float64], has: NDArray[np.bool_]) -> int:
    """Which of the tried weights are most probable, with a normal prior around `middle`; 0 of experts not there."""
    prior = (((_TRIED - middle) / WEIGHT_SPREAD) ** 2)[:, has].sum(axis=1) / 2
    possible = (_TRIED[:, ~has] == 0).all(axis=1)
    return int(np.argmin(np.where(possible, losses + prior, np.inf)))
