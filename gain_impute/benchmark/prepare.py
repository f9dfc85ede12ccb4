"""From a table to what a method learns and what it is asked: rows drawn, cells hidden, some rows put aside."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit

from gain_impute.benchmark.suite import TRUTH, Job, Suite
from gain_impute.benchmark.tables import BenchmarkTable
from gain_impute.errors import TableError
from gain_impute.evaluation.task import Task, hide_task

__all__ = ["prepare"]


def prepare(table: BenchmarkTable, job: Job, suite: Suite) -> tuple[Task, Task | None]:
    """Draw rows, hide cells, and put some rows aside.

    Parameters
    ----------
    table : BenchmarkTable
        The table.
    job : Job
        Mechanism, rate and seed.
    suite : Suite
        Rows at most and the share of test rows.

    Returns
    -------
    train : Task
        What a method learns.
    test : Task or None
        Rows that it does not learn; None where the suite has no `test_share`. Of a column that is nowhere known in
        `train` no cell is asked for.
    """
    n_rows, group = len(table.frame), table.group
    chosen = np.arange(n_rows)
    if n_rows > suite.max_rows:
        chosen = np.sort(np.random.default_rng(0).choice(n_rows, suite.max_rows, replace=False))
    frame = table.frame.iloc[chosen].reset_index(drop=True)
    if job.mechanism == TRUTH:
        return _truth_task(table, frame, chosen), None
    task = hide_task(frame, table.schema, rate=job.rate, mechanism=job.mechanism, random_state=job.seed)
    if suite.test_share is None:
        return task, None
    groups = np.arange(len(frame)) if group is None else group[chosen]
    split = GroupShuffleSplit(1, test_size=suite.test_share, random_state=job.seed)
    train, test = (task.rows(np.sort(at)) for at in next(split.split(frame, groups=groups)))
    taught = [name for name in task.truth if task.schema.parse(name, train.visible[name]).readable.any()]
    return train.asking(taught), test.asking(taught)


def _truth_task(table: BenchmarkTable, frame: pd.DataFrame, chosen: NDArray[np.integer]) -> Task:
    """Ask for cells that are truly empty, and whose answers are known from elsewhere."""
    if table.answers is None:
        raise TableError(
            f"The mechanism {TRUTH!r} must have a table with answers. Got one without. Take another mechanism."
        )
    answers = table.answers.iloc[chosen].reset_index(drop=True)
    asked = answers.notna() & frame[answers.columns].isna()
    complete = frame.copy()
    for name in answers.columns:
        complete[name] = complete[name].astype(object).where(~asked[name], answers[name]).astype(answers[name].dtype)
    return Task.of(complete, frame, asked, table.schema)
