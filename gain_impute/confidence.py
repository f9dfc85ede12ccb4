"""How sure the imputer is of a filled cell, measured on cells that were held out of training."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from gain_impute.encoding.numeric import NumericEncoder
from gain_impute.encoding.table import EncodedTable
from gain_impute.prediction import Prediction, are_neighbours

__all__ = ["COVERAGE", "NumberCalibration", "calibrate_numbers", "confidence_of_interval"]

COVERAGE = 0.9  # of the interval of a number
LEAST_NEAR_SCALE = 1e-3  # whatever neighbours say, nothing is certain
MIN_CELLS = 20  # held-out cells of a column below which all columns are taken together
SCALES = (0.1, 100)  # by which the spread of draws may be multiplied
NORMAL_QUANTILE = 1.645  # half-width of a 90 % interval in standard deviations, for want of anything better


@dataclass(frozen=True)
class NumberCalibration:
    """What turns the spread of draws into an interval that covers.

    The interval of a cell is ``best ± reach * sqrt(spread² + floor²)`` in z-scores, with `reach` the quantile that
    covers 90 % of the held-out cells (split conformal prediction [1]_); `floor` keeps a collapsed spread from
    promising certainty. Neighbours are left out for that: else a row that has none would be as sure as those that have
    one. Cells of which neighbours say most have an interval `near_scale` times as wide, by the same rule.

    Attributes
    ----------
    reach, floor, near_scale : ndarray of shape (N,), float32
    spread_scale : ndarray of shape (N,), float32
        What the spread of draws is multiplied by, so that draws suit the held-out cells best.

    References
    ----------
    .. [1] Lei, G'Sell, Rinaldo, Tibshirani & Wasserman (2018), "Distribution-free predictive inference for
       regression".
    """

    reach: NDArray[np.float32]
    floor: NDArray[np.float32]
    spread_scale: NDArray[np.float32]
    near_scale: NDArray[np.float32]

    @classmethod
    def unknown(cls, n_numbers: int) -> NumberCalibration:
        """Claim nothing: intervals as wide as the column itself."""
        ones = np.ones(n_numbers, np.float32)
        return cls(NORMAL_QUANTILE * ones, floor=ones, spread_scale=ones.copy(), near_scale=ones.copy())

    def interval(self, prediction: Prediction, column: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lower and upper z-scores (n_chosen,) of a numeric column."""
        half = self.reach[column] * np.hypot(prediction.spread[:, column], self.floor[column])
        half = np.where(are_neighbours(prediction.heard[:, column]), self.near_scale[column] * half, half)
        best = prediction.numbers[:, column]
        return best - half, best + half

    def no_narrower_than(self, before: NumberCalibration, spread: NDArray[np.float32]) -> NumberCalibration:
        """The same, but of an earlier one the columns where its intervals are wider on average.

        `spread` (n_chosen, N) is that of a prediction.
        """
        now, then = (each.reach * np.hypot(spread, each.floor).mean(axis=0) for each in (self, before))
        both = [(getattr(self, field.name), getattr(before, field.name)) for field in fields(self)]
        return NumberCalibration(*(np.where(then > now, older, newer) for newer, older in both))


def calibrate_numbers(
    encoded: EncodedTable,
    rows: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    prediction: Prediction,
    without: Prediction | None = None,
) -> NumberCalibration:
    """Compare predictions of held-out numbers with the truth.

    Parameters
    ----------
    encoded : EncodedTable
        The table, with the truth.
    rows : ndarray of shape (n_chosen,), int64
        Rows with held-out cells.
    held_out : ndarray of shape (n_chosen, P), bool
        Which of their cells were held out.
    prediction : Prediction
        Of these rows, made without their held-out cells, with spread.
    without : Prediction, optional
        The same without neighbours, where there are some.
    """
    n_numbers, without = encoded.numbers.shape[1], prediction if without is None else without
    errors = np.where(held_out[:, :n_numbers], without.numbers - encoded.numbers[rows], np.nan)
    calibration = NumberCalibration.unknown(n_numbers)
    reach, floor, scale = calibration.reach, calibration.floor, calibration.spread_scale
    for column in range(n_numbers):
        here = ~np.isnan(errors[:, column])
        at = (here, column) if here.sum() >= MIN_CELLS else ~np.isnan(errors)
        error, spread = errors[at].astype(np.float64), without.spread[at].astype(np.float64)
        if len(error) < MIN_CELLS:
            continue
        floor[column] = max(0.1 * np.sqrt((error**2).mean()), 1e-6)
        reach[column] = _reach(error, spread, floor[column])
        scale[column] = _best_scale(error, spread)
        near = held_out[:, column] & are_neighbours(prediction.heard[:, column])
        if near.sum() >= MIN_CELLS and reach[column] > 0:
            error = (prediction.numbers[near, column] - encoded.numbers[rows[near], column]).astype(np.float64)
            near_reach = _reach(error, prediction.spread[near, column].astype(np.float64), floor[column])
            calibration.near_scale[column] = max(near_reach / reach[column], LEAST_NEAR_SCALE)
    return calibration


def _reach(error: NDArray[np.float64], spread: NDArray[np.float64], floor: np.float32) -> float:
    """How many times its spread a cell's error is at most, of as many cells as an interval must cover."""
    rank = min(1.0, np.ceil((len(error) + 1) * COVERAGE) / len(error))
    return float(np.quantile(np.abs(error) / np.hypot(spread, floor), rank, method="inverted_cdf"))


def _best_scale(error: NDArray[np.float64], spread: NDArray[np.float64]) -> float:
    """What spreads are multiplied by so that normal draws of these spreads have the least mean CRPS [1]_.

    The spread that errors have by their mean square would do for normal ones, and is too wide for those of heavy tails.

    References
    ----------
    .. [1] Gneiting & Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".
    """

    def mean_crps(log_scale: float) -> float:
        deviation = np.exp(log_scale) * spread.clip(1e-6)
        z = error / deviation
        return float((deviation * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))).mean())

    return float(np.exp(minimize_scalar(mean_crps, bounds=np.log(SCALES), method="bounded").x))


def confidence_of_interval(
    lower: NDArray[np.float64], upper: NDArray[np.float64], encoder: NumericEncoder
) -> NDArray[np.float64]:
    """Share (n_cells,) of the column's own central 90 % range that the interval rules out."""
    n_edges = len(encoder.edges)
    low, high = np.interp([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2], np.linspace(0, 1, n_edges), encoder.edges)
    width = float(high - low) * encoder.std
    if width <= 0:
        return np.ones(len(lower))
    return 1 - np.clip((upper - lower) / width, 0, 1)
