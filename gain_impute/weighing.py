"""How far others are believed beside the generator, by what they make of held-out cells."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

__all__ = [
    "LEAST_OF_NUMBERS",
    "NOT_AT_ALL",
    "USUAL",
    "Opinion",
    "Weights",
    "believed_weights",
    "blended",
    "disagreement",
    "is_better",
    "least",
    "losses",
    "losses_of_weights",
    "without_support",
]

LEAST_GAIN_OF_ROWS = 0.05  # share of the loss on held-out cells that the word of single rows must take off
N_FOLDS = 4  # of held-out cells
MIDDLE_SPREAD = 0.5  # standard deviation of a table's common weights around the usual ones
WEIGHT_SPREADS = (0.05, 0.1, 0.2, 0.4)  # standard deviations that columns' weights may have around those of all


class Weights(NamedTuple):
    """How far others are believed of a column beside the generator; each from 0 to 1, and no more together.

    `marginal` is what the column says without its row, the mean or how frequent categories are: where a column cannot
    be told from the others, the generator and the experts are the farther from the truth the more they say.
    """

    trees: float
    line: float
    marginal: float


USUAL = Weights(0.5, 0.2, 0)  # where nothing is known yet
NOT_AT_ALL = Weights(0, 0, 0)
LEAST = Weights(0.1, 0.1, 0)  # less is none: experts take time
LEAST_OF_NUMBERS = LEAST._replace(marginal=0.2)  # for their mean is that of what happens to be visible
_NEARLY_0 = 1e-300  # probability, so that it has a logarithm
_STEPS = np.linspace(0, 1, 11)
_TRIED = np.array([tried for tried in itertools.product(_STEPS, repeat=3) if sum(tried) <= 1 + 1e-9])  # (n_tried, 3)

Opinion = NDArray[np.float32] | None


def blended(ours: NDArray[np.float32], opinions: Sequence[Opinion], weights: Weights) -> NDArray[np.float32]:
    """What the generator and the experts of a cell say together; of shares none is below 0, not even by rounding."""
    heard = [(weight, opinion) for weight, opinion in zip(weights, opinions, strict=True) if opinion is not None]
    said = np.float32(max(0.0, 1 - sum(weight for weight, _ in heard))) * ours
    for weight, opinion in heard:
        said += np.float32(weight) * opinion
    return said


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


def is_better(
    losses: NDArray[np.float64], without: NDArray[np.float64], *, is_bounded: bool, n_errors: float = 2.0
) -> bool:
    """Whether what is chosen of the tried (n_tried, n_cells) beats going without (n_cells,) by so many standard errors.

    Of many that are tried the best looks better than it is: so it is chosen without the fold that it is tested on. The
    roots of the losses must say so, of which no cell makes most; and of numbers, whose errors have no bound, the losses
    themselves too: for many small errors less, there may be a few great ones more.
    """
    fold, chosen = np.arange(len(without)) % N_FOLDS, np.empty_like(without)
    for each in range(N_FOLDS):
        chosen[fold == each] = losses[least(losses[:, fold != each]), fold == each]
    gains = np.stack([np.sqrt(without) - np.sqrt(chosen), without - chosen])
    are_beyond_noise = gains.mean(axis=1) > n_errors * gains.std(axis=1, ddof=1) / np.sqrt(len(without))
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


def believed_weights(
    losses: dict[int, NDArray[np.float64]], has: dict[int, NDArray[np.bool_]], floor: Weights = LEAST
) -> dict[int, Weights]:
    """Weights of each of some columns of one kind, of which most have few cells to tell them.

    Each column's are the mean of those that are probable, given its own cells and a normal prior; where the prior's
    middle lies, and how far columns lie from it, the cells of the other columns tell (a hierarchical model [1]_, summed
    over what is tried). So columns that are alike have weights alike, and one that differs has its own, as far as its
    cells tell.

    Parameters
    ----------
    losses : dict of int to ndarray of shape (n_tried,), float64
        `losses_of_weights` of each cell.
    has : dict of int to ndarray of shape (3,), bool
        Who of those that may be believed says something of it.
    floor : Weights, default=LEAST
        Who would have less has none.

    References
    ----------
    .. [1] Gelman, Carlin, Stern, Dunson, Vehtari & Rubin (2013), "Bayesian data analysis", chapter 5.
    """
    if not losses:
        return {}
    possible = {cell: (_TRIED[:, ~has[cell]] == 0).all(axis=1) for cell in losses}
    likely = np.column_stack([possible[cell] * np.exp(losses[cell].min() - losses[cell]) for cell in losses])
    of_columns = np.log(_priors() @ likely + _NEARLY_0)  # (n_spreads, n_tried as middles, n_columns)
    of_all = of_columns.sum(axis=2) - ((_TRIED - USUAL) ** 2).sum(axis=1) / (2 * MIDDLE_SPREAD**2)
    found = {}
    for column, cell in enumerate(losses):
        middles = softmax(of_all - of_columns[:, :, column])
        prior = np.tensordot(middles, _priors(), axes=2)
        found[cell] = _without_slight(np.log(prior + _NEARLY_0) - losses[cell], possible[cell], floor)
    return found


@cache
def _priors() -> NDArray[np.float64]:
    """Probabilities of the tried weights, by how far columns lie from the middle, and by the middle; each sums to 1."""
    apart = ((_TRIED[:, None] - _TRIED) ** 2).sum(axis=2)
    densities = np.stack([np.exp(-apart / (2 * spread**2)) for spread in WEIGHT_SPREADS])
    return np.asarray(densities / densities.sum(axis=2, keepdims=True))


def _without_slight(log_probable: NDArray[np.float64], possible: NDArray[np.bool_], floor: Weights) -> Weights:
    """Mean of the possible weights, without those below the floor."""
    mean = _mean(log_probable, possible)
    while (slight := np.flatnonzero((mean > 0) & (mean < floor))).size:  # who is left may have less than before
        possible = possible & (_TRIED[:, slight[0]] == 0)
        mean = _mean(log_probable, possible)
    return Weights(*mean.tolist())


def _mean(log_probable: NDArray[np.float64], possible: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.asarray(softmax(np.where(possible, log_probable, -np.inf)) @ _TRIED)
