"""Score filled cells against the truth: errors of numbers, accuracies of categories, how honest confidence is."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)

from gain_impute.errors import TableError

__all__ = [
    "brier_score",
    "calibration_error",
    "log_loss",
    "paper_rmse",
    "score_categories",
    "score_intervals",
    "score_numbers",
]

Floats = NDArray[np.float64]


def score_numbers(truth: ArrayLike, filled: ArrayLike, *, std: float = float("nan")) -> dict[str, float]:
    """Score the filled cells of a numeric column.

    Parameters
    ----------
    truth, filled : array-like of shape (n_cells,), float
        The hidden values, and what was filled in for them.
    std : float, default=nan
        Standard deviation of the complete column, in its unit; without it there is no `error`.

    Returns
    -------
    dict of str to float
        `error`: RMSE / std, 0 is perfect and 1 is as bad as the mean of a large column; `rmse` and `mae` in the
        column's unit; `r2`, NaN where the truth is less than two different numbers. An error is NaN where there is no
        cell.

    Raises
    ------
    TableError
        If the lengths differ, or a value is not finite.

    Examples
    --------
    >>> score_numbers([1.0, 3.0], [2.0, 3.0], std=2.0)
    {'error': 0.3535..., 'rmse': 0.7071..., 'mae': 0.5, 'r2': 0.5}
    """
    known, guess = _pair(truth, filled, "truth", "filled")
    if not len(known):
        return dict.fromkeys(("error", "rmse", "mae", "r2"), float("nan"))
    rmse = float(root_mean_squared_error(known, guess))
    return {
        "error": rmse / std if std > 0 else float("nan"),
        "rmse": rmse,
        "mae": float(mean_absolute_error(known, guess)),
        "r2": float(r2_score(known, guess)) if np.ptp(known) > 0 else float("nan"),
    }


def paper_rmse(complete: ArrayLike, filled: ArrayLike, hidden: ArrayLike) -> float:
    """Score a numeric table as the GAIN paper does: RMSE over all hidden cells, each column scaled to [0, 1].

    Parameters
    ----------
    complete, filled : array-like of shape (n_rows, n_columns), float
        The table without holes, and the one that was filled.
    hidden : array-like of shape (n_rows, n_columns), bool
        Which cells count.

    Returns
    -------
    float
        The error; a column's range is that of the complete column.

    Raises
    ------
    TableError
        If the shapes differ, or a hidden cell is still empty.

    References
    ----------
    .. [1] Yoon, Jordon & van der Schaar (2018), "GAIN: Missing Data Imputation using Generative Adversarial Nets",
       ICML.

    Examples
    --------
    >>> paper_rmse([[0.0, 5.0], [10.0, 7.0]], [[1.0, 5.0], [10.0, 7.0]], [[True, False], [False, False]])
    0.1
    """
    known, guess = np.asarray(complete, dtype=np.float64), np.asarray(filled, dtype=np.float64)
    where = np.asarray(hidden, dtype=bool)
    if known.shape != guess.shape or known.shape != where.shape:
        raise TableError(
            "'complete', 'filled' and 'hidden' must have one shape. "
            f"Got {known.shape}, {guess.shape} and {where.shape}. Give the same rows and columns in each."
        )
    width = np.ptp(known, axis=0)
    scale = np.broadcast_to(np.where(width > 0, width, 1), known.shape)[where]
    return score_numbers(known[where] / scale, guess[where] / scale)["rmse"]


def score_categories(
    truth: ArrayLike, filled: ArrayLike, *, probabilities: pd.DataFrame | None = None
) -> dict[str, float]:
    """Score the filled cells of a categorical column.

    Parameters
    ----------
    truth, filled : array-like of shape (n_cells,), str
        The hidden categories, and what was filled in for them.
    probabilities : DataFrame of shape (n_cells, n_categories) or None, default=None
        What each category was given, one column a category.

    Returns
    -------
    dict of str to float
        `accuracy`; `precision`, `recall` and `macro_f1`, means over the categories that occur in the truth; with
        probabilities also `log_loss` (in nats), `brier` (0 is perfect, 2 the worst) and `calibration_error`. All NaN
        where there is no cell.

    Raises
    ------
    TableError
        If the lengths differ.

    Examples
    --------
    >>> score_categories(["red", "red", "blue"], ["red", "blue", "blue"])
    {'accuracy': 0.666..., 'precision': 0.75, 'recall': 0.75, 'macro_f1': 0.666...}
    """
    known, guess = np.asarray(truth, dtype=object).astype(str), np.asarray(filled, dtype=object).astype(str)
    _check_lengths(known, guess, "truth", "filled")
    names = ("accuracy", "precision", "recall", "macro_f1")
    if not len(known):
        more = () if probabilities is None else ("log_loss", "brier", "calibration_error")
        return dict.fromkeys((*names, *more), float("nan"))
    with warnings.catch_warnings():
        # scikit-learn wonders whether a column of many categories is one of numbers; here it never is
        warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
        means = precision_recall_fscore_support(
            known, guess, labels=np.unique(known), average="macro", zero_division=0.0
        )[:3]
    scores = dict(zip(names, (accuracy_score(known, guess), *means), strict=True))
    scores = {name: float(score) for name, score in scores.items()}
    if probabilities is not None:
        scores["log_loss"] = log_loss(known, probabilities)
        scores["brier"] = brier_score(known, probabilities)
        best = probabilities.columns.astype(str).to_numpy()[probabilities.to_numpy().argmax(axis=1)]
        scores["calibration_error"] = calibration_error(probabilities.max(axis=1), best == known)
    return scores


def log_loss(truth: ArrayLike, probabilities: pd.DataFrame) -> float:
    """Take the mean of minus the log of what the true category was given, in nats.

    Unlike scikit-learn's it also takes columns of one category, and categories that were given nothing, which count
    as if they had been given 1e-15.

    Parameters
    ----------
    truth : array-like of shape (n_cells,), str
        The true categories.
    probabilities : DataFrame of shape (n_cells, n_categories)
        What each category was given, one column a category.

    Returns
    -------
    float
        0 is perfect; NaN where there is no cell.

    Raises
    ------
    TableError
        If the lengths differ.

    Examples
    --------
    >>> log_loss(["red", "blue"], pd.DataFrame({"blue": [0.5, 0.0], "red": [0.5, 1.0]}))
    17.615...
    """
    known = np.asarray(truth, dtype=object).astype(str)
    _check_lengths(known, probabilities, "truth", "probabilities")
    if not len(known):
        return float("nan")
    given = np.column_stack([probabilities.to_numpy(dtype=np.float64), np.zeros(len(known))])
    codes = pd.Index(probabilities.columns.astype(str)).get_indexer(pd.Index(known))  # -1, the zeros, where not given
    return float(-np.log(np.clip(given[np.arange(len(known)), codes], 1e-15, 1.0)).mean())


def brier_score(truth: ArrayLike, probabilities: pd.DataFrame) -> float:
    """Take the mean squared distance of the probabilities from 1 for the true category and 0 for the others.

    Parameters
    ----------
    truth : array-like of shape (n_cells,), str
        The true categories.
    probabilities : DataFrame of shape (n_cells, n_categories)
        What each category was given, one column a category.

    Returns
    -------
    float
        0 is perfect, 2 the worst; NaN where there is no cell. A true category without a column was given 0.

    Raises
    ------
    TableError
        If the lengths differ.

    References
    ----------
    .. [1] Brier (1950), "Verification of forecasts expressed in terms of probability".

    Examples
    --------
    >>> brier_score(["red", "blue"], pd.DataFrame({"blue": [0.5, 0.0], "red": [0.5, 1.0]}))
    1.25
    """
    known = np.asarray(truth, dtype=object).astype(str)
    _check_lengths(known, probabilities, "truth", "probabilities")
    if not len(known):
        return float("nan")
    given = probabilities.to_numpy(dtype=np.float64)
    codes = pd.Index(probabilities.columns.astype(str)).get_indexer(pd.Index(known))
    of_truth = np.where(codes < 0, 0.0, given[np.arange(len(known)), codes])
    return float(((given**2).sum(axis=1) - 2 * of_truth + 1).mean())


def calibration_error(confidence: ArrayLike, is_right: ArrayLike, *, n_bins: int = 10) -> float:
    """Measure how far confidence is from the share of right answers (ECE).

    Parameters
    ----------
    confidence : array-like of shape (n_cells,), float in [0, 1]
        Confidence of each answer.
    is_right : array-like of shape (n_cells,), bool
        Whether it was right.
    n_bins : int, default=10
        Bins of equal width.

    Returns
    -------
    float
        Mean over the bins, weighted by their cells, of the distance between mean confidence and share right; 0 is
        perfect, NaN where there is no cell.

    Raises
    ------
    TableError
        If the lengths differ, or a confidence is not finite.

    References
    ----------
    .. [1] Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks", ICML.

    Examples
    --------
    >>> calibration_error([1.0, 1.0, 0.75, 0.75], [True, True, False, True])
    0.125
    """
    claimed, right = _pair(confidence, is_right, "confidence", "is_right")
    if not len(claimed):
        return float("nan")
    bins = np.minimum((claimed * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=claimed - right, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(claimed))


def score_intervals(
    truth: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, std: float = float("nan")
) -> dict[str, float]:
    """Score intervals: how many of the hidden values they hold, and how wide they are.

    Parameters
    ----------
    truth, lower, upper : array-like of shape (n_cells,), float
        The hidden values, and the ends of their intervals, both included.
    std : float, default=nan
        Standard deviation of the complete column, in its unit; without it there is no `width`.

    Returns
    -------
    dict of str to float
        `coverage` in [0, 1], and the mean `width` / std; both NaN where there is no cell.

    Raises
    ------
    TableError
        If the lengths differ, or an end is not finite.

    Examples
    --------
    >>> score_intervals([1.0, 5.0], [0.0, 0.0], [2.0, 2.0], std=4.0)
    {'coverage': 0.5, 'width': 0.5}
    """
    known, low = _pair(truth, lower, "truth", "lower")
    known, high = _pair(truth, upper, "truth", "upper")
    if not len(known):
        return {"coverage": float("nan"), "width": float("nan")}
    width = float((high - low).mean()) / std if std > 0 else float("nan")
    return {"coverage": float(((low <= known) & (known <= high)).mean()), "width": width}


def _pair(first: ArrayLike, second: ArrayLike, first_name: str, second_name: str) -> tuple[Floats, Floats]:
    """Two arrays of numbers of one length, all finite."""
    arrays = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    _check_lengths(*arrays, first_name, second_name)
    for array, name in zip(arrays, (first_name, second_name), strict=True):
        n_wrong = int((~np.isfinite(array)).sum())
        if n_wrong:
            raise TableError(
                f"{name!r} must hold a finite number for each hidden cell. {n_wrong:,} of {len(array):,} are none. "
                "Score only cells that were filled."
            )
    return arrays


def _check_lengths(
    first: NDArray[np.generic], second: NDArray[np.generic] | pd.DataFrame, first_name: str, second_name: str
) -> None:
    """Refuse two arrays that do not speak of the same cells."""
    if len(first) != len(second):
        raise TableError(
            f"{first_name!r} and {second_name!r} must have one entry per hidden cell. "
            f"Got {len(first):,} and {len(second):,}. Give the same cells to both."
        )
