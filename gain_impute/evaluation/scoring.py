"""Score a completed table against what was hidden in it; refuse one that has holes, or that changed what was there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.errors import TableError
from gain_impute.evaluation.task import Task
from gain_impute.scores import score_categories, score_numbers

__all__ = ["LEAST_SCORED", "N_GROUPS", "check_completed", "group_losses", "mean_over_columns", "score_table"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

LEAST_SCORED = 5
"""Hidden cells from which a column counts in the means."""
N_GROUPS = 20
"""Groups of rows over which losses are also summed, so that two methods can be compared without their cells."""


def check_completed(task: Task, completed: pd.DataFrame, method: str) -> None:
    """Refuse a table with a hidden cell left empty, or an observed one changed.

    Parameters
    ----------
    task : Task
        What the method was given.
    completed : DataFrame of shape (n_rows, n_columns)
        What it made of it.
    method : str
        Its name, for the message.

    Raises
    ------
    TableError
        If it did either.
    """
    for name, cells in task.visible.items():
        before = cells.to_numpy(dtype=object)
        known = task.schema.parse(str(name), cells).observed
        n_changed = int((completed[name].to_numpy(dtype=object)[known] != before[known]).sum())
        if n_changed:
            raise TableError(
                f"A method must leave observed cells as they are. {method!r} changed {n_changed:,} of column {name!r}. "
                "This is a defect of the method: report it."
            )


def _read_guesses(task: Task, completed: pd.DataFrame, name: str, scored: Bools, method: str) -> NDArray[Any]:
    """Values (n_rows,) of a completed column; those of `scored` cells must be there."""
    guess = task.schema.parse(name, completed[name])
    n_empty = int((scored & ~guess.readable).sum())
    if n_empty:
        raise TableError(
            f"A method must fill every hidden cell. {method!r} left {n_empty:,} cells of column {name!r} empty. "
            "Set fill = false for the column in the schema, or leave the method out."
        )
    return guess.values


def score_table(
    task: Task, completed: pd.DataFrame, *, method: str, left: Mapping[str, Bools] | None = None
) -> list[dict[str, Any]]:
    """Score every column in which cells were hidden.

    Parameters
    ----------
    task : Task
        What was hidden.
    completed : DataFrame of shape (n_rows, n_columns)
        The visible table, filled.
    method : str
        The method's name, for messages.
    left : mapping of str to ndarray of shape (n_rows,), bool, or None, default=None
        Hidden cells that are not scored: left empty on purpose.

    Returns
    -------
    list of dict
        Of each column `column`, `kind`, `n_hidden` and the figures of `score_numbers`, or of `score_categories`; the
        others are NaN. `groups` has the number of cells and the sum of their losses in each of 20 groups of rows; a
        loss is the squared error / std² of a number, 1 for a wrong category and 0 for a right one.

    Raises
    ------
    TableError
        If a scored cell is empty, or an observed one was changed.
    """
    check_completed(task, completed, method)
    rows = []
    for name, column in task.truth.items():
        scored = task.hidden[name].to_numpy()
        if left is not None and name in left:
            scored = scored & ~left[name]
        guess = _read_guesses(task, completed, name, scored, method)
        spec, truth = task.schema[name], column.values
        figures: dict[str, Any] = {"column": name, "kind": str(spec.kind), "n_hidden": int(scored.sum())}
        if spec.is_number:
            std = task.stds[name]
            figures |= score_numbers(truth[scored], guess[scored], std=std)
            losses = (truth[scored] - guess[scored]) ** 2 / std**2 if std > 0 else np.full(scored.sum(), np.nan)
        else:
            figures |= score_categories(truth[scored], guess[scored])
            losses = (truth[scored] != guess[scored]).astype(np.float64)
        figures["groups"] = group_losses(np.flatnonzero(scored), losses.astype(np.float64), len(scored))
        rows.append(figures)
    return rows


def group_losses(rows: NDArray[np.integer], losses: Floats, n_rows: int) -> dict[str, list[Any]]:
    """Count cells and add up their losses in groups of rows that are the same for every method."""
    group_of = np.random.default_rng(0).permutation(n_rows) % N_GROUPS
    groups = group_of[rows]
    return {
        "n": np.bincount(groups, minlength=N_GROUPS).tolist(),
        "loss": [float(total) for total in np.bincount(groups, weights=losses, minlength=N_GROUPS)],
    }


def mean_over_columns(columns: Iterable[Mapping[str, Any]], figure: str) -> float:
    """Mean of a figure over the columns that have it and at least 5 scored cells; NaN where none has."""
    found = [
        column[figure]
        for column in columns
        if column["n_hidden"] >= LEAST_SCORED and not math.isnan(column.get(figure, math.nan))
    ]
    return float(np.mean(found)) if found else math.nan
