"""How sure the imputer is of a filled cell, measured on cells that were held out of training."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from gain_impute.encoding.numeric import NumericEncoder
from gain_impute.encoding.table import EncodedTable
from gain_impute.misses import COVERAGE, Misses
from gain_impute.prediction import Prediction, are_copied

__all__ = ["COVERAGE", "NumberCalibration", "calibrate_numbers", "confidence_of_interval"]

NEAR_SCALES = (1e-3, 10)  # whatever neighbours say, nothing is certain
LEAST_HALF_WIDTH = 1e-6
MIN_CELLS = 20  # held-out cells of a column below which all columns are taken together
SCALES = (0.1, 100)  # by which the spread of draws may be multiplied
WIDE_SHARE = 0.2  # of draws, which are wider than the others
WIDENINGS = (1, 20)  # by how much
MISSED_SHARE = 0.5  # of draws, which miss as held-out cells were missed


@dataclass(frozen=True)
class NumberCalibration:
    """What turns the spread of draws into an interval that covers, and best values into draws.

    The interval of a cell reaches from its best value as many times ``sqrt(spread² + floor²)`` down and up, in
    z-scores, as covers 90 % of the held-out cells whose best values are nearest (split conformal prediction [1]_,
    localised); `floor` keeps a collapsed spread from promising certainty. Neighbours are left out for that: else a row
    that has none would be as sure as those that have one. Cells of which neighbours say most reach `near_scale` times
    the greater of the two down and up, as covers 90 % of such held-out cells.

    Attributes
    ----------
    floor, near_scale : ndarray of shape (N,), float32
    spread_scale, wide_scale : ndarray of shape (N,), float32
        What the deviation of draws is multiplied by, mostly and in WIDE_SHARE of them, so that they suit the held-out
        cells best.
    misses : tuple of Misses
        Of each column; MISSED_SHARE of its draws repeat one.

    References
    ----------
    .. [1] Lei, G'Sell, Rinaldo, Tibshirani & Wasserman (2018), "Distribution-free predictive inference for
       regression".
    """

    floor: NDArray[np.float32]
    spread_scale: NDArray[np.float32]
    wide_scale: NDArray[np.float32]
    near_scale: NDArray[np.float32]
    misses: tuple[Misses, ...]

    @classmethod
    def unknown(cls, n_numbers: int) -> NumberCalibration:
        """Claim nothing: intervals as wide as the column itself."""
        floor, spread_scale, wide_scale, near_scale = np.ones((4, n_numbers), np.float32)
        return cls(floor, spread_scale, wide_scale, near_scale, (Misses.none(),) * n_numbers)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The same as arrays by name, the misses of all columns one after another."""
        of_columns = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "misses"}
        of_misses = {
            field.name: np.concatenate([getattr(each, field.name) for each in (Misses.none(), *self.misses)])
            for field in fields(Misses)
        }
        return of_columns | of_misses | {"n_misses": np.array([len(each.best) for each in self.misses], np.int64)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], n_numbers: int) -> NumberCalibration:
        """Undo `arrays`, of so many columns.

        Raises
        ------
        ValueError
            If they do not fit together.
        """
        left = dict(arrays)
        counts, *of_misses = (left.pop(name) for name in ("n_misses", *(field.name for field in fields(Misses))))
        fit_together = all(array.shape == (n_numbers,) for array in (counts, *left.values()))
        if not fit_together or any(array.shape != (counts.sum(),) for array in of_misses):
            raise ValueError("calibration")
        of_columns = (np.split(array, counts.cumsum())[:n_numbers] for array in of_misses)
        return cls(**left, misses=tuple(Misses(*arrays) for arrays in zip(*of_columns, strict=True)))

    def interval(self, prediction: Prediction, column: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper z-scores (n_chosen,) of a numeric column."""
        best, near = prediction.numbers[:, column], are_copied(prediction.heard[:, column])
        lower, upper = self.misses[column].reach(best)
        half = self.near_scale[column] * np.maximum(-lower, upper)
        unit = np.hypot(prediction.spread[:, column], self.floor[column])
        return best + unit * np.where(near, -half, lower), best + unit * np.where(near, half, upper)

    def drawn(
        self,
        best: NDArray[np.float64],
        shift: NDArray[np.float32],
        heard: NDArray[np.uint8],
        *,
        wide: NDArray[np.float32],
        alike: NDArray[np.float32],
        doubt: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        """One draw of each row, z-scores (n_rows, N).

        Parameters
        ----------
        best : ndarray of shape (n_rows, N), float64
            The best z-scores,
        shift : ndarray of shape (n_rows, N), float32
            and how far from them the networks and trees draw.
        heard : ndarray of shape (n_rows, P), uint8
            Whose word the cells are.
        wide : ndarray of shape (n_rows,), float32
            Chance between 0 and 1: of a row below WIDE_SHARE the shifts are scaled as wide ones.
        alike : ndarray of shape (n_rows, N), float32
            Likewise: a cell below MISSED_SHARE misses as a held-out cell was missed, which also follows from it.
        doubt : ndarray of shape (n_rows, N), float32
            How much farther it misses, for want of held-out cells like it.
        """
        moved = shift * np.where(wide[:, None] < WIDE_SHARE, self.wide_scale, self.spread_scale)
        for column, misses in enumerate(self.misses):
            if len(misses.best) > 0:
                of = alike[:, column] < MISSED_SHARE
                missed = misses.draw(best[of, column], alike[of, column] / MISSED_SHARE)
                moved[of, column] = missed + doubt[of, column]
        near = are_copied(heard[:, : len(self.misses)])
        moved *= np.where(near, self.near_scale, np.float32(1))
        drawn: NDArray[np.float64] = best + moved
        return drawn

    def no_narrower_than(self, before: NumberCalibration, prediction: Prediction) -> NumberCalibration:
        """The same, but of an earlier one the columns where its intervals are wider on average."""
        columns = range(len(self.misses))
        widths = [
            [-np.subtract(*each.interval(prediction, column)).mean() for column in columns] for each in (self, before)
        ]
        chosen = [before if then > now else self for now, then in zip(*widths, strict=True)]
        kept = {
            field.name: [getattr(each, field.name)[column] for column, each in enumerate(chosen)]
            for field in fields(self)
        }
        misses = tuple(kept.pop("misses"))
        return NumberCalibration(**{name: np.array(values, np.float32) for name, values in kept.items()}, misses=misses)


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
    truth = encoded.numbers[rows].astype(np.float64)
    errors = np.where(held_out[:, :n_numbers], without.numbers - truth, np.nan)
    calibration = NumberCalibration.unknown(n_numbers)
    floor, misses = calibration.floor, list(calibration.misses)
    for column in range(n_numbers):
        here = ~np.isnan(errors[:, column])
        at = (here, column) if here.sum() >= MIN_CELLS else ~np.isnan(errors)
        error, spread = errors[at], without.spread[at].astype(np.float64)
        if len(error) < MIN_CELLS:
            continue
        floor[column] = max(0.1 * np.sqrt((error**2).mean()), 1e-6)
        unit = np.hypot(spread, floor[column])
        misses[column] = Misses.of(without.numbers[at], truth[at], unit)
        deviation = without.deviation[at].astype(np.float64)
        calibration.spread_scale[column], calibration.wide_scale[column] = _best_scales(error, deviation)
        near = held_out[:, column] & are_copied(prediction.heard[:, column])
        if near.sum() >= MIN_CELLS:
            error = prediction.numbers[near, column] - truth[near, column]
            half = np.abs(misses[column].reach(prediction.numbers[near, column])).max(axis=0)
            half *= np.hypot(prediction.spread[near, column], floor[column])
            scale = _conformal_quantile(np.abs(error) / half.clip(LEAST_HALF_WIDTH))
            calibration.near_scale[column] = np.clip(scale, *NEAR_SCALES)
    return replace(calibration, misses=tuple(misses))


def _conformal_quantile(scores: NDArray[np.float64]) -> float:
    """What the scores (n_cells,) of as many cells are at most as an interval must cover."""
    rank = min(len(scores), math.ceil((len(scores) + 1) * COVERAGE))
    return float(np.partition(scores, rank - 1)[rank - 1])


def _best_scales(error: NDArray[np.float64], spread: NDArray[np.float64]) -> tuple[float, float]:
    """What spreads are multiplied by, mostly and in WIDE_SHARE of the draws, so that draws have the least CRPS [1]_.

    Errors have heavier tails than one normal distribution, and two have a mean CRPS in closed form [2]_.

    References
    ----------
    .. [1] Gneiting & Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".
    .. [2] Grimit, Gneiting, Berrocal & Johnson (2006), "The continuous ranked probability score for circular variables
       and its application to mesoscale forecast ensemble verification".
    """
    shares, unit = np.array([1 - WIDE_SHARE, WIDE_SHARE]), max(np.abs(error).mean(), 1e-12)
    error, spread = error / unit, spread.clip(1e-6) / unit

    def mean_crps(logs: NDArray[np.float64]) -> float:
        deviations = [np.exp(log) * spread for log in np.cumsum(logs)]
        to_truth = [_mean_distance(error, deviation) for deviation in deviations]
        to_another = [[_mean_distance(0, np.hypot(one, other)) for one in deviations] for other in deviations]
        return float((shares @ to_truth - np.einsum("i,j,ijn->n", shares, shares, to_another) / 2).mean())

    first = np.log(np.clip(np.median(np.abs(error) / spread), *SCALES))
    found = minimize(mean_crps, [first, np.log(2)], bounds=[np.log(SCALES), np.log(WIDENINGS)]).x
    narrow, wide = np.exp(np.cumsum(found))
    return float(narrow), float(wide)


def _mean_distance(offset: NDArray[np.float64] | float, deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean absolute value of a normal variable around `offset`."""
    z = offset / deviation
    distance: NDArray[np.float64] = deviation * (np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + z * (2 * ndtr(z) - 1))
    return distance


def confidence_of_interval(
    lower: NDArray[np.float64], upper: NDArray[np.float64], encoder: NumericEncoder
) -> NDArray[np.float64]:
    """Share (n_cells,) of the column's own central 90 % range that the interval rules out.

    Where nine tenths of the column are one value, that of its whole range.
    """
    n_edges = len(encoder.edges)
    low, high = np.interp([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2], np.linspace(0, 1, n_edges), encoder.edges)
    if low == high:
        low, high = encoder.edges[[0, -1]]
    width = float(high - low) * encoder.std
    if width <= 0:
        return np.ones(len(lower))
    return 1 - np.clip((upper - lower) / width, 0, 1)
