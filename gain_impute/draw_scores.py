"""Score draws of multiple imputation: how near they are, whether their spread is that of the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from gain_impute.errors import TableError

__all__ = ["LEVELS", "crps", "energy_distance", "score_draw_intervals", "share_within"]

LEVELS = (50, 80, 90, 95)
"""Central intervals, in per cent."""
LEAST_DRAWS = 2
MOST_ROWS = 2_000
"""Rows of a table that are compared with each other, at most."""


def crps(truth: ArrayLike, draws: ArrayLike) -> NDArray[np.float64]:
    """Continuous ranked probability score of each cell: the distance of draws from the truth less their own spread.

    The unbiased form, so that few draws are not worse than many for being few.

    Parameters
    ----------
    truth : array-like of shape (n_cells,), float
        The hidden values.
    draws : array-like of shape (n_draws, n_cells), float
        At least two draws of each.

    Returns
    -------
    ndarray of shape (n_cells,), float64
        In the unit of the values; 0 is perfect. Its mean is the score; single cells may be below 0.

    Raises
    ------
    TableError
        If there are fewer than two draws, or their shape is another than that of the truth.

    References
    ----------
    .. [1] Gneiting & Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".
    .. [2] Ferro (2014), "Fair scores for ensemble forecasts".

    Examples
    --------
    >>> crps([1.0, 1.0], [[1.0, 0.0], [1.0, 2.0]]).tolist()
    [0.0, 0.0]
    """
    known, drawn = _checked(truth, draws)
    n_draws = len(drawn)
    distance = np.abs(drawn - known).mean(axis=0)
    ordered = np.sort(drawn, axis=0)
    ranks = 2 * np.arange(1, n_draws + 1) - n_draws - 1  # sum of all |a - b| from the sorted values
    spread = (ranks[:, None] * ordered).sum(axis=0) / (n_draws * (n_draws - 1))
    scores: NDArray[np.float64] = distance - spread
    return scores


def score_draw_intervals(truth: ArrayLike, draws: ArrayLike) -> dict[str, dict[str, float]]:
    """Share of the truth within central intervals of the draws, and the width of these.

    Parameters
    ----------
    truth : array-like of shape (n_cells,), float
        The hidden values.
    draws : array-like of shape (n_draws, n_cells), float
        Draws of each. The widest interval they have is that from the least to the greatest, which holds `share_within`
        of what is drawn: 90 % of 20, 95 % of 39.

    Returns
    -------
    dict of str to dict of str to float
        `coverage` and mean `width` (in the unit of the values) by level in per cent, as text.

    Raises
    ------
    TableError
        If there are fewer than two draws, or their shape is another than that of the truth.

    Examples
    --------
    >>> score_draw_intervals([0.5, 9.0], [[0.0, 0.0], [1.0, 1.0]])["coverage"]["90"]
    0.5
    """
    known, drawn = _checked(truth, draws)
    coverage, width = {}, {}
    for level in LEVELS:
        low, high = np.quantile(drawn, [0.5 - level / 200, 0.5 + level / 200], axis=0, method="weibull")
        coverage[str(level)] = float(((low <= known) & (known <= high)).mean())
        width[str(level)] = float((high - low).mean())
    return {"coverage": coverage, "width": width}


def share_within(n_draws: int) -> float:
    """Share of further draws that lies between the least and the greatest of so many, and in no wider interval.

    What `score_draw_intervals` says of a higher level is said of this one.

    Parameters
    ----------
    n_draws : int
        Two or more.

    Returns
    -------
    float
        From 1/3 towards 1.

    References
    ----------
    .. [1] Wilks (1941), "Determination of sample sizes for setting tolerance limits".

    Examples
    --------
    >>> share_within(39)
    0.95
    """
    return (n_draws - 1) / (n_draws + 1)


def energy_distance(first: ArrayLike, second: ArrayLike, *, rng: np.random.Generator | int = 0) -> float:
    """Energy distance of two tables of numbers: 0 where their rows come from one distribution.

    Parameters
    ----------
    first, second : array-like of shape (n_rows, n_columns), float
        The tables, columns scaled alike; of more than 2,000 rows a sample is taken, of two of one length the same rows.
    rng : Generator or int, default=0
        Where the sample comes from.

    Returns
    -------
    float
        Twice the mean distance between rows of the two, less the mean distances within each.

    References
    ----------
    .. [1] Székely & Rizzo (2013), "Energy statistics: a class of statistics based on distances".

    Examples
    --------
    >>> energy_distance([[0.0], [0.0]], [[3.0], [3.0]])
    6.0
    """
    generator = np.random.default_rng(rng)
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    rows = _sampled(len(one), generator)
    one, two = one[rows], two[rows if len(two) == len(one) else _sampled(len(two), generator)]
    return float(2 * cdist(one, two).mean() - cdist(one, one).mean() - cdist(two, two).mean())


def _sampled(n_rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.arange(n_rows) if n_rows <= MOST_ROWS else rng.choice(n_rows, MOST_ROWS, replace=False)


def _checked(truth: ArrayLike, draws: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known, drawn = np.asarray(truth, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    if drawn.ndim != known.ndim + 1 or len(drawn) < LEAST_DRAWS or drawn.shape[1:] != known.shape:
        raise TableError(
            f"'draws' must have two rows or more, with a value for each of the {len(known):,} cells. "
            f"Got the shape {drawn.shape}. Draw more often, for the same cells."
        )
    return known, drawn
