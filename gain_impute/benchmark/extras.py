"""Scores of methods that say more than one value a cell: draws and probabilities; and examples for plots."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.draw_scores import LEVELS, crps, energy_distance, score_draw_intervals
from gain_impute.evaluation.task import Task
from gain_impute.methods import Draws, GivesProbabilities, Method
from gain_impute.scores import score_categories

__all__ = ["DrawScores", "calibration_bins", "examples", "score_draws", "score_probabilities"]

Floats = NDArray[np.float64]

N_BINS = 10
LEAST_COMPLETE_ROWS = 50
N_ENERGY_DRAWS = 5
N_EXAMPLE_COLUMNS, N_EXAMPLES, N_EXAMPLE_CATEGORIES = 6, 100, 12


@dataclass(frozen=True)
class DrawScores:
    """How good draws are.

    Attributes
    ----------
    columns : dict of str to dict
        Of each column of numbers `crps` and interval `width` by level in standard deviations, `coverage` by level.
    coverage, width : dict of str to float
        Means over columns, by level in per cent.
    energy_distance : float
        Of the completed table to the complete one, columns in standard deviations; of draws where there are some, else
        of the best values. NaN where fewer than 50 rows are complete.
    """

    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    coverage: dict[str, float] = field(default_factory=dict)
    width: dict[str, float] = field(default_factory=dict)
    energy_distance: float = float("nan")


def score_draws(method: Method, task: Task, completed: pd.DataFrame, *, n_draws: int) -> DrawScores:
    """Draw each hidden number several times, and compare the draws with the truth.

    Parameters
    ----------
    method : Method
        Fitted; one that does not draw gets only an energy distance.
    task : Task
        What was hidden.
    completed : DataFrame of shape (n_rows, n_columns)
        Its best values.
    n_draws : int
        How many draws; below 2 none.

    Returns
    -------
    DrawScores
        Empty but for the distance where the method does not draw.
    """
    names = [name for name, std in task.stds.items() if std > 0]
    if not names:
        return DrawScores()
    tables = method.sample(task.visible, n_draws) if isinstance(method, Draws) and n_draws > 1 else []
    distance = _distance_to_truth(task, names, tables[:N_ENERGY_DRAWS] or [completed])
    if not tables:
        return DrawScores(energy_distance=distance)
    columns: dict[str, dict[str, Any]] = {}
    for name in names:
        hidden, std = task.hidden[name].to_numpy(), task.stds[name]
        truth = task.truth[name].values[hidden] / std
        draws = np.stack([task.schema.parse(name, table[name]).values[hidden] for table in tables]) / std
        if len(truth):
            columns[name] = {"crps": float(crps(truth, draws).mean()), **score_draw_intervals(truth, draws)}
    means = {
        figure: {str(level): float(np.mean([c[figure][str(level)] for c in columns.values()])) for level in LEVELS}
        for figure in (("coverage", "width") if columns else ())
    }
    return DrawScores(columns, means.get("coverage", {}), means.get("width", {}), distance)


def _distance_to_truth(task: Task, names: list[str], tables: list[pd.DataFrame]) -> float:
    """Mean energy distance of completed tables to the complete one, over rows without holes of their own."""
    truth = _scaled(task, names, task.complete)
    rows = ~np.isnan(truth).any(axis=1)
    if rows.sum() < LEAST_COMPLETE_ROWS:
        return float("nan")
    return float(np.mean([energy_distance(_scaled(task, names, table)[rows], truth[rows]) for table in tables]))


def _scaled(task: Task, names: list[str], table: pd.DataFrame) -> Floats:
    """Numbers of a table (n_rows, n_names) in standard deviations."""
    return np.column_stack([task.schema.parse(name, table[name]).values / task.stds[name] for name in names])


def score_probabilities(
    method: Method, task: Task
) -> tuple[dict[str, dict[str, float]], tuple[Floats, NDArray[np.bool_]]]:
    """Score the probabilities of hidden categories.

    Parameters
    ----------
    method : Method
        Fitted; one that gives no probabilities gets no scores.
    task : Task
        What was hidden.

    Returns
    -------
    columns : dict of str to dict
        Of each categorical column `log_loss`, `brier` and `calibration_error`.
    pooled : tuple of ndarray (n_cells,), float and bool
        Of all hidden categories, the probability of the best one, and whether it was right.
    """
    columns: dict[str, dict[str, float]] = {}
    confidence, is_right = [np.zeros(0)], [np.zeros(0, bool)]
    for name in task.truth:
        hidden = task.hidden[name].to_numpy()
        if task.schema[name].is_number or not hidden.any() or not isinstance(method, GivesProbabilities):
            continue
        rows = task.visible[hidden]
        given = method.category_probabilities(rows, name).reset_index(drop=True)
        truth = task.truth[name].values[hidden].astype(str)
        best = given.columns.astype(str).to_numpy()[given.to_numpy().argmax(axis=1)]
        scores = score_categories(truth, best, probabilities=given)
        columns[name] = {figure: scores[figure] for figure in ("log_loss", "brier", "calibration_error")}
        confidence.append(given.max(axis=1).to_numpy(dtype=np.float64))
        is_right.append(best == truth)
    return columns, (np.concatenate(confidence), np.concatenate(is_right))


def calibration_bins(pooled: tuple[Floats, NDArray[np.bool_]]) -> list[dict[str, float]]:
    """Mean confidence and share right in ten bins of equally many cells.

    Parameters
    ----------
    pooled : tuple of ndarray (n_cells,), float and bool
        Confidence of each cell, and whether it was right.

    Returns
    -------
    list of dict
        `confidence`, `right` and `n` of each bin, from the least confident up; none where there are fewer than ten
        cells.
    """
    confidence, is_right = pooled
    if len(confidence) < N_BINS:
        return []
    parts = np.array_split(np.argsort(confidence, kind="stable"), N_BINS)
    return [
        {"confidence": float(confidence[part].mean()), "right": float(is_right[part].mean()), "n": len(part)}
        for part in parts
    ]


def examples(task: Task, completed: pd.DataFrame, *, as_they_are: bool = True) -> dict[str, dict[str, Any]]:
    """Hidden cells and what was filled there, for plots.

    Parameters
    ----------
    task : Task
        What was hidden.
    completed : DataFrame of shape (n_rows, n_columns)
        The visible table, filled.
    as_they_are : bool, default=True
        False gives numbers in standard deviations from their mean, and ranks instead of the names of categories: for
        results that go where the table itself must not.

    Returns
    -------
    dict of str to dict
        Of the first six columns of either kind `truth` and `filled`: up to 100 numbers, or counts of the 12 commonest
        categories.
    """
    told: dict[str, dict[str, Any]] = {}
    for is_number in (True, False):
        names = [name for name in task.truth if task.schema[name].is_number is is_number]
        for name in names[:N_EXAMPLE_COLUMNS]:
            hidden = task.hidden[name].to_numpy()
            truth = task.truth[name].values[hidden]
            guess = task.schema.parse(name, completed[name]).values[hidden]
            if is_number:
                shift, unit = (0.0, 1.0) if as_they_are else (float(np.mean(truth)), task.stds[name] or 1.0)
                shown = {"truth": truth[:N_EXAMPLES], "filled": guess[:N_EXAMPLES]}
                told[name] = {side: (np.asarray(values, float) - shift) / unit for side, values in shown.items()}
            else:
                common = [text for text, _ in Counter(truth).most_common(N_EXAMPLE_CATEGORIES)]
                labels = common if as_they_are else [f"no. {rank}" for rank in range(1, len(common) + 1)]
                told[name] = {
                    side: {label: int((values == text).sum()) for label, text in zip(labels, common, strict=True)}
                    for side, values in (("truth", truth), ("filled", guess))
                }
    return told
