"""How far others are believed beside the generator, by what they make of held-out cells."""

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
    "is_better",
    "least",
    "losses",
    "losses_of_weights",
    "most_probable_weights",
    "without_support",
]

LEAST_GAIN = 0.02  # share of the loss on held-out cells: an expert that takes less off it is not worth its time
LEAST_GAIN_OF_ROWS = 0.05  # likewise, that the word of single rows must take off it, beyond noise
N_ERRORS = 2  # standard errors that are noise
N_FOLDS = 4  # of held-out cells
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


def losses(said: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """Squared error of each number, or Brier score of each distribution; (n,)."""
    return np.asarray(((said - true).astype(np.float64) ** 2).reshape(len(true), -1).sum(axis=1))


def least(losses: NDArray[np.float64]) -> int:
    """Which of the tried has the least mean loss; (n_tried, n_cells)."""
    return int(losses.mean(axis=1).argmin())


def is_better(losses: NDArray[np.float64], without: NDArray[np.float64], *, is_bounded: bool) -> bool:
    """Whether what is chosen of the tried (n_tried, n_cells) beats going without (n_cells,) beyond noise.

    Of many that are tried the best looks better than it is: so it is chosen without the fold that it is tested on. The
    roots of the losses must say so, of which no cell makes most; and of numbers, whose errors have no bound, the losses
    themselves too: for many small errors less, there may be a few great ones more.
    """
    fold, chosen = np.arange(len(without)) % N_FOLDS, np.empty_like(without)
    for each in range(N_FOLDS):
        chosen[fold == each] = losses[least(losses[:, fold != each]), fold == each]
    gains = np.stack([np.sqrt(without) - np.sqrt(chosen), without - chosen])
    are_beyond_noise = gains.mean(axis=1) > N_ERRORS * gains.std(axis=1, ddof=1) / np.sqrt(len(without))
    is_enough = chosen.mean() < (1 - LEAST_GAIN_OF_ROWS) * without.mean()
    return bool(is_enough and are_beyond_noise[0] and (is_bounded or are_beyond_noise[1]))


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
