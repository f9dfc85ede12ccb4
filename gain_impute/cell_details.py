"""How sure the filled cells of a column are, within what bounds, and who was heard."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gain_impute.confidence import confidence_of_interval
from gain_impute.encoding.numeric import NumericEncoder
from gain_impute.experts import HEARD
from gain_impute.filled_frames import FilledColumn
from gain_impute.persistence import FittedState
from gain_impute.prediction import Prediction
from gain_impute.schema import Kind

__all__ = ["details_of", "sources_of", "written_intervals"]

WIDTHS_ROUNDED = (1e-12, 1e12)
"""Of intervals of numbers on no grid; others are written as they are."""
DIGITS_OF_A_FLOAT = 1e12
"""A number so many times as great as its interval has no digits left to tell the ends apart."""


def details_of(
    state: FittedState, name: str, column: FilledColumn, rows: NDArray[np.int64], prediction: Prediction
) -> dict[str, NDArray[np.float64]]:
    """Confidence, and of numbers value and interval, of the filled cells of a column, each (n_filled,).

    `rows` are those of the prediction. Where the spread of a number was not measured, they are NaN.
    """
    layout, encoder, at = state.encoder.layout, state.encoder, np.searchsorted(rows, column.rows)
    if name not in encoder.numbers:
        sure = prediction.probabilities[at, layout.classes.index(name)].astype(np.float64)
        return {"confidence": np.minimum(sure, encoder.classes[name].most_sure)}
    number = encoder.numbers[name]
    lower, upper = (
        number.decode(scores[at], round_to_grid=False)
        for scores in state.calibration.interval(prediction, layout.numbers.index(name))
    )
    confidence = confidence_of_interval(lower, upper, number)
    around = {"lower": np.minimum(lower, column.values), "upper": np.maximum(upper, column.values)}  # which are rounded
    return {"value_number": column.values, "confidence": confidence} | around


def written_intervals(state: FittedState, name: str, details: dict[str, Any]) -> NDArray[np.object_]:
    """Intervals of a column of numbers or dates as a file would say them, such as "340 g to 1.1 kg"; (n_filled,).

    Those that were not measured are "". Of numbers that are on no grid they have no more digits than tell them apart.
    """
    number, column, is_known = state.encoder.numbers[name], state.encoder.schema[name], np.isfinite(details["lower"])
    lower, upper = details["lower"][is_known], details["upper"][is_known]
    if column.kind is Kind.NUMERIC and number.grid == 0:
        ends = [_rounded_outwards(*each, number) for each in zip(lower.tolist(), upper.tolist(), strict=True)]
    else:
        snapped = (
            column.as_written(number.snap(end), least=number.minimum, most=number.maximum) for end in (lower, upper)
        )
        ends = [*zip(*map(column.format, snapped), strict=True)]
    texts = np.full(len(is_known), "", dtype=object)
    texts[is_known] = [low if low == high else f"{low} to {high}" for low, high in ends]
    return texts


def _rounded_outwards(lower: float, upper: float, number: NumericEncoder) -> tuple[str, str]:
    """Write an interval with two digits of its width, no narrower than it is, but within the bounds."""
    width, size = upper - lower, max(abs(lower), abs(upper))
    least, most = WIDTHS_ROUNDED
    if not max(least, size / DIGITS_OF_A_FLOAT) < width < most:
        return repr(lower), repr(upper)
    exponent = math.floor(math.log10(width)) - 1
    step, n_decimals = 10.0**exponent, max(0, -exponent)
    low, high = math.floor(lower / step) * step, math.ceil(upper / step) * step
    return (
        f"{low:.{n_decimals}f}" if low >= number.minimum else repr(number.minimum),
        f"{high:.{n_decimals}f}" if high <= number.maximum else repr(number.maximum),
    )


def sources_of(
    state: FittedState, name: str, column: FilledColumn, rows: NDArray[np.int64], prediction: Prediction
) -> NDArray[np.object_]:
    """What fills each cell of a column (n_filled,); neighbours are named where they say more than all others.

    What a dependency decides, it decides alone.
    """
    cell = [*state.encoder.layout.numbers, *state.encoder.layout.classes].index(name)
    heard = prediction.heard[np.searchsorted(rows, column.rows), cell]
    sources = np.empty(len(heard), object)
    for whom in np.unique(heard):
        all_heard = [who for who, bit in HEARD.items() if whom & bit]
        sources[heard == whom] = _listed(all_heard if all_heard == ["dependency"] else ["generator", *all_heard])
    return sources


def _listed(words: list[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
