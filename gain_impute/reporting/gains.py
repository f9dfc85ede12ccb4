"""What our method gains on another one, averaged over the tables that both have scores on."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from gain_impute.reporting.scoreboard import Score, Scoreboard
from gain_impute.reporting.writing import write_number, write_percent

__all__ = ["REFERENCES", "Gain", "common_methods", "gain_over", "over_tables", "write_gain"]

REFERENCES = ("mean", "knn")
"""What everybody compares an imputer with."""
LEAST_TABLES = 3  # for an interval over tables


class Gain(NamedTuple):
    """What our method gains on another, over tables.

    Attributes
    ----------
    mean, lower, upper : float
        The share of the other's error that ours saves, or the difference of the accuracies, with the 95 % interval of
        its mean over tables (NaN for fewer than three tables).
    n_tables : int
        Tables that both have scores on.
    behind : list of str
        Those on which the other is ahead.
    """

    mean: float
    lower: float
    upper: float
    n_tables: int
    behind: list[str]


def gain_over(board: Scoreboard, other: str, score: Score, where: str = "in_sample") -> Gain:
    """Average over tables what ours gains on another method.

    Parameters
    ----------
    board : Scoreboard
        The results.
    other : str
        The other method.
    score : Score
        By what they are compared.
    where : {"in_sample", "out_of_sample"}, default="in_sample"
        Which cells.

    Returns
    -------
    Gain
        Over the cases, and the seeds of each, with which both have scores; the cases of one table count together as
        one.
    """
    ours = board.ours
    both = board.by_case(score.key, where, alike=(ours, other)).reindex(columns=[ours, other]).dropna()
    gains = _less(both[ours], both[other]) if score.is_error else both[ours] - both[other]
    per_table = over_tables(gains.to_frame("gain").dropna())["gain"]
    n, mean = len(per_table), float(per_table.mean()) if len(per_table) else math.nan
    half = math.nan
    if n >= LEAST_TABLES:
        half = float(stats.t.ppf(0.975, n - 1) * per_table.std(ddof=1) / math.sqrt(n))
    return Gain(mean, mean - half, mean + half, n, [str(name) for name in per_table.index[per_table < 0]])


def _less(ours: pd.Series, other: pd.Series) -> pd.Series:
    """Share by which errors are less than others; where the other has none at all, ours counts as twice as great."""
    return (1 - ours / other.where(other > 0)).fillna(-1.0).where((other > 0) | (ours > 0), 0.0)


def write_gain(gain: float, score: Score) -> str:
    """Write a gain with its sign as a change of the score: of errors in per cent, of others in hundredths."""
    change = -gain if score.is_error else gain
    text = write_percent(change) if score.is_error else write_number(100 * change, 1)
    return f"+{text}" if change > 0 else text


def over_tables(frame: pd.DataFrame) -> pd.DataFrame:
    """Average the rows of cases into rows of tables, named with their suite where two of them share a name."""
    if not len(frame):
        return frame
    suites: dict[str, set[str]] = {}
    for case in frame.index:
        suites.setdefault(case.table, set()).add(case.suite)
    names = [case.table if len(suites[case.table]) == 1 else f"{case.table} ({case.suite})" for case in frame.index]
    return frame.groupby(np.array(names, dtype=object), sort=False).mean()


def common_methods(frame: pd.DataFrame) -> list[str]:
    """List the methods with scores in at least half of the cases; one with fewer would leave few cases to all."""
    counts = frame.notna().sum()
    return [str(name) for name in frame.columns if counts[name] and 2 * counts[name] >= len(frame)]
