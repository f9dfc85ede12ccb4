"""Compare methods on the same cells: differences with intervals, wins and losses, ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from gain_impute.errors import TableError

__all__ = ["compare", "losses_frame", "ranking", "scores_frame"]

LEVEL = 0.95
LEAST_UNITS = 6  # for a verdict: of five that all speak for one side, chance alone makes as many in one case of 16
KEY = ["suite", "table", "mechanism", "rate"]


def scores_frame(results: Iterable[dict[str, Any]], *, where: str = "in_sample") -> pd.DataFrame:
    """Put the overall figures of all runs that were done into one table.

    Parameters
    ----------
    results : iterable of dict
        Of `read_results`.
    where : {"in_sample", "out_of_sample"}, default="in_sample"
        Which rows are scored.

    Returns
    -------
    DataFrame
        One row per run: `suite`, `table`, `mechanism`, `rate`, `method`, `seed`, seconds `fit`, `transform`, `one_row`,
        `peak_mib`, and the figures.
    """
    rows = [
        {name: run[name] for name in (*KEY, "method", "seed", "peak_mib")}
        | run["seconds"]
        | {name: value for name, value in run[where]["overall"].items() if not isinstance(value, dict)}
        for run in _done(results, where)
    ]
    frame = pd.DataFrame(rows)
    figures = [name for name in frame.columns if name not in {*KEY, "method", "seed"}]
    return frame.astype(dict.fromkeys(figures, "float64"))


def losses_frame(results: Iterable[dict[str, Any]], *, where: str = "in_sample") -> pd.DataFrame:
    """Spread the summed losses of all runs over one long table.

    Parameters
    ----------
    results : iterable of dict
        Of `read_results`.
    where : {"in_sample", "out_of_sample"}, default="in_sample"
        Which rows are scored.

    Returns
    -------
    DataFrame
        One row per run, column and group of rows: `suite`, `table`, `mechanism`, `rate`, `method`, `seed`, `column`,
        `kind` ("numeric" or "categorical"), `group`, `n` cells and the mean `loss` of them; groups without cells are
        left out.
    """
    about: list[tuple[Any, ...]] = []
    parts: list[NDArray[np.float64]] = []
    for run in _done(results, where):
        for column in run[where]["columns"]:
            n = np.array(column["groups"]["n"], dtype=np.float64)
            loss = np.array(column["groups"]["loss"], dtype=np.float64)
            groups = np.flatnonzero((n > 0) & np.isfinite(loss))
            kind = "numeric" if "rmse" in column else "categorical"
            about.append((*(run[name] for name in (*KEY, "method", "seed")), column["column"], kind))
            parts.append(np.column_stack([groups, n[groups], loss[groups] / n[groups]]))
    if not parts:
        raise TableError("There must be results to compare. Found none that was done. Run the suite first.")
    frame = pd.DataFrame(about, columns=[*KEY, "method", "seed", "column", "kind"])
    frame = frame.loc[np.repeat(frame.index, [len(part) for part in parts])].reset_index(drop=True)
    figures = np.concatenate(parts)
    return frame.assign(group=figures[:, 0].astype(np.int64), n=figures[:, 1].astype(np.int64), loss=figures[:, 2])


def compare(
    results: Iterable[dict[str, Any]], first: str, second: str, *, where: str = "in_sample", level: float = LEVEL
) -> pd.DataFrame:
    """Compare two methods column by column, on the same cells.

    The loss of a number is its squared error / variance, that of a category 1 where it is wrong. The units of the
    paired difference are 20 groups of rows, each averaged over seeds, which hide other cells of the same rows; so what
    is noisy looks noisy. Of fewer than six groups with hidden cells nothing is said: even equal signs may be chance.

    Parameters
    ----------
    results : iterable of dict
        Of `read_results`.
    first, second : str
        Names of methods.
    where : {"in_sample", "out_of_sample"}, default="in_sample"
        Which rows are scored.
    level : float, default=0.95
        Of the intervals.

    Returns
    -------
    DataFrame
        One row per column of each table, mechanism and rate: `suite`, `table`, `mechanism`, `rate`, `column`, `kind`,
        `difference` (loss of the first less that of the second; below 0 the first is better), `lower`, `upper`,
        `verdict` ("win", "tie" or "loss" of the first).

    Raises
    ------
    TableError
        If they have no cell in common.
    """
    by = [*KEY, "column", "kind"]
    return _paired(losses_frame(results, where=where), first, second, by, level)


def ranking(
    results: Iterable[dict[str, Any]],
    *,
    score: str = "error",
    where: str = "in_sample",
    methods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rank methods by their mean rank over tasks.

    A task is a table, mechanism and rate; its score is the mean over seeds. Only tasks, and seeds, that all methods
    have done count, so that all filled the same cells, and nobody gains by failing at hard ones.

    Parameters
    ----------
    results : iterable of dict
        Of `read_results`.
    score : str, default="error"
        A figure of `scores_frame`; of "accuracy", "r2" and "macro_f1" more is better, of others less.
    where : {"in_sample", "out_of_sample"}, default="in_sample"
        Which rows are scored.
    methods : sequence of str or None, default=None
        The methods to rank. None: all that were done somewhere.

    Returns
    -------
    DataFrame
        `method`, `mean_rank`, `lower` and `upper` (95 %, over tasks), `n_tasks`; best first.

    Raises
    ------
    TableError
        If there is no run that all of them have done.
    """
    scores = scores_frame(results, where=where)
    scores = scores if methods is None else scores[scores["method"].isin(methods)]
    runs = scores.pivot_table(index=[*KEY, "seed"], columns="method", values=score).dropna()
    if not len(runs):
        raise TableError(
            "The methods to rank must have done a run of the same table and seed. They have none in common."
        )
    wide = runs.groupby(level=KEY).mean()
    ranks = wide.rank(axis=1, ascending=score not in {"accuracy", "r2", "macro_f1"})
    rows = [(method, *_interval(ranks[method].to_numpy(), LEVEL), len(ranks)) for method in ranks.columns]
    frame = pd.DataFrame(rows, columns=["method", "mean_rank", "lower", "upper", "n_tasks"])
    return frame.sort_values("mean_rank", ignore_index=True)


def _done(results: Iterable[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    return [run for run in results if run["status"] == "done" and run[where] is not None]


def _paired(losses: pd.DataFrame, first: str, second: str, by: list[str], level: float) -> pd.DataFrame:
    """Mean paired difference of two methods with its interval, of each combination of `by`."""
    keys = [*by, "seed", "group"]
    sides = [losses[losses["method"] == method].set_index(keys)["loss"] for method in (first, second)]
    differences = (sides[0] - sides[1]).dropna()
    if differences.empty:
        raise TableError(f"{first!r} and {second!r} must have done the same runs. They have no cell in common.")
    units = differences.groupby([*by, "group"], sort=False).mean()
    rows = []
    for key, units_of in units.groupby(by, sort=False):
        mean, lower, upper = _interval(units_of.to_numpy(), level)
        if len(units_of) < LEAST_UNITS:
            lower, upper = -np.inf, np.inf
        verdict = "win" if upper < 0 else "loss" if lower > 0 else "tie"
        rows.append((*key, mean, lower, upper, verdict))
    return pd.DataFrame(rows, columns=[*by, "difference", "lower", "upper", "verdict"])


def _interval(values: NDArray[np.float64], level: float) -> tuple[float, float, float]:
    """Mean and its t interval; of a single value it is infinite, of equal ones a point."""
    mean, n = float(np.mean(values)), len(values)
    if n == 1:
        return mean, -np.inf, np.inf
    half = float(stats.t.ppf(0.5 + level / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half
