"""How sure the filled cells of a column are, within what bounds, and who was heard."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gain_impute.confidence import confidence_of_interval
from gain_impute.experts import HEARD
from gain_impute.filled_frames import FilledColumn
from gain_impute.persistence import FittedState
from gain_impute.prediction import Prediction

__all__ = ["details_of", "sources_of", "written_intervals"]

SIGNIFICANT_DIGITS = 6  # of the ends of an interval of numbers that are on no grid


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

    Those that were not measured are "".
    """
    encoder, is_known = state.encoder, np.isfinite(details["lower"])
    written = np.full(len(is_known), "", dtype=object)
    ends = []
    for end in ("lower", "upper"):
        values = encoder.round_number(name, details[end][is_known])
        if encoder.numbers[name].grid == 0:
            values = np.array([float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values.tolist()])
        ends.append(encoder.schema.format(name, values))
    written[is_known] = [least if least == most else f"{least} to {most}" for least, most in zip(*ends, strict=True)]
    return written


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
