"""One run: hide, split, fit, fill, score; refuse what cannot be a fair result."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Memory
from numpy.typing import NDArray

from gain_impute.benchmark.downstream import score_downstream
from gain_impute.benchmark.extras import calibration_bins, examples, score_draws, score_probabilities
from gain_impute.benchmark.memory import MemoryWatch
from gain_impute.benchmark.prepare import prepare
from gain_impute.benchmark.result import FORMAT, NOT_MADE, circumstances
from gain_impute.benchmark.suite import Job, Suite
from gain_impute.benchmark.tables import BenchmarkTable, find_table
from gain_impute.errors import MethodUnavailableError, TableError, UnfillableWarning
from gain_impute.evaluation.scoring import mean_over_columns, score_table
from gain_impute.evaluation.task import Task
from gain_impute.methods import Method, Setting, find_method, make_method, note_of
from gain_impute.scores import paper_rmse

__all__ = ["blank_result", "run_job", "run_method", "unit_rmse", "unmade_result"]

CENTRAL = ("mean", "median")
"""Methods that may fill with one value a column."""
LEAST_GUARDED = 20
FINE_GRID = 0.1  # steps between a column's values, at most, in standard deviations
OF_SUITE = ("max_rows", "test_share", "max_time_s", "max_memory_mib", "costs_only", "n_draws", "show_values")
COST_MEANS = ("error", "mae", "r2", "accuracy", "macro_f1")
SCORE_MEANS = ("error", "mae", "r2", "accuracy", "macro_f1", "log_loss", "brier", "calibration_error", "crps")


def blank_result(job: Job, suite: Suite) -> dict[str, Any]:
    """Say of a run all that is known before it is made.

    Parameters
    ----------
    job : Job
        The run.
    suite : Suite
        Its suite.

    Returns
    -------
    dict
        A result without figures.
    """
    entry = find_method(job.method)
    of_suite = {name: getattr(suite, name) for name in OF_SUITE}
    return {
        "format": FORMAT,
        "suite": job.suite,
        "table": job.table,
        "mechanism": job.mechanism,
        "rate": job.rate,
        "method": job.method,
        "title": entry.title,
        "seed": job.seed,
        "status": "failed",
        "reason": "",
        "note": "",
        "settings": dict(entry.settings),
        "suite_settings": of_suite,
        **circumstances(),
    }


def unmade_result(job: Job, suite: Suite) -> dict[str, Any]:
    """Say of a run that nobody has made it, so that a report does not hide what a suite lacks.

    Parameters
    ----------
    job : Job
        The run.
    suite : Suite
        Its suite.

    Returns
    -------
    dict
        A result with the status `NOT_MADE`, to be shown and not to be kept.
    """
    return blank_result(job, suite) | {"status": NOT_MADE, "reason": "it has not been run"}


def run_job(job: Job, suite: Suite, *, kept: Memory | None = None) -> dict[str, Any]:
    """Make one run, in this process.

    Parameters
    ----------
    job : Job
        The run.
    suite : Suite
        Its suite.
    kept : Memory, optional
        As of `score_downstream`.

    Returns
    -------
    dict
        Its result, with the status "done", or "cannot run" where the method is not available.

    Raises
    ------
    TableError
        If the method leaves a hole, changes an observed cell, or fills with the mean or median without saying so.
    """
    result = blank_result(job, suite)
    table = find_table(job.table)
    train, test = prepare(table, job, suite)
    setting = Setting(schema=train.schema, seed=job.seed, n_threads=1, max_time_s=suite.max_time_s)
    counts = {
        "n_rows": len(train.visible) + (0 if test is None else len(test.visible)),
        "n_rows_in_file": len(table.frame),
        "n_columns": table.frame.shape[1],
        "n_hidden": int(train.hidden.to_numpy().sum()),
        "n_test_rows": 0 if test is None else len(test.visible),
    }
    result |= counts
    try:
        method = make_method(job.method, setting)
        found = run_method(method, train, test, name=job.method, suite=suite, table=table, kept=kept)
        return result | {"status": "done"} | found
    except MethodUnavailableError as error:
        return result | {"status": "cannot run", "reason": str(error)}


def run_method(
    method: Method,
    train: Task,
    test: Task | None,
    *,
    name: str,
    suite: Suite,
    table: BenchmarkTable,
    kept: Memory | None = None,
) -> dict[str, Any]:
    """Fit a method, fill with it, and score what it filled.

    Parameters
    ----------
    method : Method
        Unfitted.
    train : Task
        What it learns and fills.
    test : Task or None
        Other rows that it fills.
    name : str
        The method's name.
    suite : Suite
        How many draws are made.
    table : BenchmarkTable
        Its targets for models that are trained on filled tables.
    kept : Memory, optional
        As of `score_downstream`.

    Returns
    -------
    dict
        `seconds`, `peak_mib`, `model_mib`, `note`, `in_sample`, `out_of_sample` and `downstream` of a result.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnfillableWarning)  # only columns that can be filled are scored
        given = train.visible.copy()  # what a method does to a table of its own is not done to what it is scored by
        with MemoryWatch() as memory:
            completed, fit_s = _timed(lambda: method.fit_transform(given))
        other = train if test is None else test
        given = other.visible.copy()
        filled_other, transform_s = _timed(lambda: method.transform(given))
        one_row = other.visible.iloc[:1].copy()
        _, one_row_s = _timed(lambda: method.transform(one_row), repeats=3)
        _check_is_no_mean(train, completed, name)
        in_sample = _scores(method, train, completed, name=name, suite=suite)
        _add_normalised(in_sample["columns"], train, completed, table)
        out_of_sample = None if test is None else _scores(method, test, filled_other, name=name, suite=suite)
        return {
            "note": note_of(method),
            "seconds": {"fit": fit_s, "transform": transform_s, "one_row": one_row_s},
            "peak_mib": memory.peak_mib,
            "model_mib": _model_mib(method),
            "in_sample": in_sample,
            "out_of_sample": out_of_sample,
            "downstream": [] if test is None else score_downstream(train, test, completed, table.targets, kept=kept),
        }


def _scores(method: Method, task: Task, completed: pd.DataFrame, *, name: str, suite: Suite) -> dict[str, Any]:
    """All figures of one completed table."""
    columns = score_table(task, completed, method=name)
    overall: dict[str, Any]
    for column in columns:
        std = task.stds.get(column["column"], np.nan)
        if column["kind"] in {"numeric", "datetime"} and std > 0:
            column["mae"] /= std
    if suite.costs_only:
        overall = {figure: mean_over_columns(columns, figure) for figure in COST_MEANS}
        return {"overall": overall, "columns": columns, "calibration": [], "examples": {}}
    draws = score_draws(method, task, completed, n_draws=suite.n_draws)
    known, bins = score_probabilities(method, task)
    for column in columns:
        column.update(draws.columns.get(column["column"], {}), **known.get(column["column"], {}))
    overall = {figure: mean_over_columns(columns, figure) for figure in SCORE_MEANS}
    overall |= {"unit_rmse": unit_rmse(task, completed), "energy_distance": draws.energy_distance}
    overall |= {"coverage": draws.coverage, "width": draws.width}
    return {
        "overall": overall,
        "columns": columns,
        "calibration": calibration_bins(bins),
        "examples": examples(task, completed, as_they_are=suite.show_values),
    }


def _add_normalised(columns: list[dict[str, Any]], task: Task, completed: pd.DataFrame, table: BenchmarkTable) -> None:
    """Of columns whose spellings differ, also the share right by normalised names, and the most that can be reached."""

    def texts(frame: pd.DataFrame, name: str, rows: NDArray[np.bool_]) -> list[str]:
        return [str(text) for text in task.schema.parse(name, frame[name]).values[rows]]

    for figures in columns:
        name = figures["column"]
        if name not in table.normalise:
            continue
        hidden, like = task.hidden[name].to_numpy(), table.normalise[name]
        truth, guess = texts(task.complete, name, hidden), texts(completed, name, hidden)
        spelled = set(texts(task.visible, name, task.schema.parse(name, task.visible[name]).readable))
        alike = {like(text) for text in spelled}
        figures |= {
            "normalised_accuracy": float(np.mean([like(a) == like(b) for a, b in zip(truth, guess, strict=True)])),
            "ceiling": float(np.mean([text in spelled for text in truth])),
            "normalised_ceiling": float(np.mean([like(text) in alike for text in truth])),
        }


def unit_rmse(task: Task, completed: pd.DataFrame) -> float:
    """Score a completed table as the GAIN paper does, over all hidden numbers, each column scaled by its range.

    Parameters
    ----------
    task : Task
        What was hidden.
    completed : DataFrame of shape (n_rows, n_columns)
        The visible table, filled.

    Returns
    -------
    float
        RMSE of columns scaled to [0, 1]; NaN where no number was hidden.
    """
    names = [name for name in task.truth if name in task.stds and task.hidden[name].any()]
    if not names:
        return float("nan")
    truth = np.column_stack([task.truth[name].values for name in names])
    guess = np.column_stack([task.schema.parse(name, completed[name]).values for name in names])
    hidden = task.hidden[names].to_numpy()
    known = np.where(
        np.isnan(truth), np.nanmin(truth, axis=0), truth
    )  # holes of its own neither widen a range nor count
    return paper_rmse(known, np.where(hidden, guess, known), hidden)


def _check_is_no_mean(task: Task, completed: pd.DataFrame, name: str) -> None:
    """Refuse a method that fills every hidden number with its column's mean: it has failed without saying so.

    So it is with the median, and with a mean on the column's grid where that is fine: on a coarse one, such as marks
    from 1 to 5, the same number everywhere may be the best that can be said.
    """
    if name in CENTRAL:
        return
    cells: list[NDArray[np.bool_]] = []
    for column, std in task.stds.items():
        known = task.schema.parse(column, task.visible[column]).values
        known = known[~np.isnan(known)]
        guess = task.schema.parse(column, completed[column]).values[task.hidden[column].to_numpy()]
        step = np.diff(np.unique(known)).min(initial=np.inf)
        is_fine, is_one = step <= FINE_GRID * std, len(np.unique(guess)) == 1
        middles = (known.mean(), np.median(known)) if is_fine and is_one else (known.mean(),)
        within = 1e-9 * max(std, 1e-9) + (0.5 * step if is_fine and is_one else 0.0)
        cells.append(np.any([np.isclose(guess, middle, rtol=1e-6, atol=within) for middle in middles], axis=0))
    is_mean = np.concatenate([np.zeros(0, bool), *cells])
    if len(is_mean) >= LEAST_GUARDED and is_mean.all():
        raise TableError(
            f"No method but the mean may fill with the mean, or the median. {name!r} did so in all {len(is_mean):,} "
            "hidden numbers. It has failed without saying so: look at its versions."
        )


def _timed(call: Callable[[], pd.DataFrame], *, repeats: int = 1) -> tuple[pd.DataFrame, float]:
    """What a call returns, and the seconds of its fastest repeat; a slow call is not repeated."""
    best = np.inf
    for _ in range(repeats):
        started = time.perf_counter()
        returned = call()
        best = min(best, time.perf_counter() - started)
        if best > 1:
            break
    return returned, float(best)


def _model_mib(method: Method) -> float | None:
    """Size of the model on disk, of methods that can be saved."""
    save = getattr(method, "save", None)
    if save is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model"
        save(target)
        return sum(path.stat().st_size for path in target.rglob("*")) / 2**20
