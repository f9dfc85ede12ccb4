"""What filling is worth: a model trained on the filled table against one trained on the complete one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Memory
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from gain_impute.evaluation.task import Task
from gain_impute.methods.matrix import MatrixEncoder

__all__ = ["score_downstream"]

LEAST_ROWS = 30
"""Rows with a known target, on either side, below which a model tells nothing."""


def score_downstream(
    train: Task, test: Task, completed: pd.DataFrame, targets: Sequence[str], *, kept: Memory | None = None
) -> list[dict[str, Any]]:
    """Train a forest on filled and on complete rows to predict a column from the others; test both on complete rows.

    Parameters
    ----------
    train : Task
        The rows to train on.
    test : Task
        The rows to test on, as they were before hiding.
    completed : DataFrame of shape (n_train_rows, n_columns)
        The visible training rows, filled by a method.
    targets : sequence of str
        The columns to predict; their own true values are used, filled ones never.
    kept : Memory, optional
        Where scores after training on the complete rows are kept, for these are the same with every method.

    Returns
    -------
    list of dict
        Of each target: `target`, `kind`, `score` ("r2" or "accuracy") and what it is after training on `complete` and
        on `filled` rows.
    """
    encoder = MatrixEncoder.fit(train.complete, train.schema, reads_text=False, seed=0)
    tables = {"complete": train.complete, "filled": completed, "test": test.complete}
    matrices = {name: encoder.encode(table)[0].values for name, table in tables.items()}
    scores = []
    for target in targets:
        if target not in encoder.names:
            continue
        at = encoder.names.index(target)
        truth = {name: matrices[name][:, at] for name in ("complete", "test")}
        known = {name: ~np.isnan(values) for name, values in truth.items()}
        if min(rows.sum() for rows in known.values()) < LEAST_ROWS:
            continue
        is_number = train.schema[target].is_number
        found: dict[str, Any] = {
            "target": target,
            "kind": str(train.schema[target].kind),
            "score": "r2" if is_number else "accuracy",
        }
        others = np.delete(matrices["test"], at, axis=1)[known["test"]]
        for name, score in (("complete", kept.cache(_score) if kept else _score), ("filled", _score)):
            rows = np.delete(matrices[name], at, axis=1)[known["complete"]]
            found[name] = score(
                rows, truth["complete"][known["complete"]], others, truth["test"][known["test"]], is_number=is_number
            )
        scores.append(found)
    return scores


def _score(
    rows: NDArray[np.float64],
    truth: NDArray[np.float64],
    other_rows: NDArray[np.float64],
    other_truth: NDArray[np.float64],
    *,
    is_number: bool,
) -> float:
    """R² or accuracy of a forest on other rows (n_others, n_features)."""
    model = (RandomForestRegressor if is_number else RandomForestClassifier)(random_state=0, n_jobs=1)
    return float(model.fit(rows, truth).score(other_rows, other_truth))
