"""The summary: how much better than mean and KNN, where not, at what cost."""

from __future__ import annotations

import pandas as pd

from gain_impute.reporting.document import Figure, Section, Table
from gain_impute.reporting.drawing import Drawing, Pen, pens
from gain_impute.reporting.duels import Duel, tabulate_duels
from gain_impute.reporting.gains import REFERENCES, Gain, gain_over, over_tables
from gain_impute.reporting.plots import draw_dots
from gain_impute.reporting.scoreboard import CATEGORIES, NUMBERS, PLACES, Score, Scoreboard
from gain_impute.reporting.writing import join_names, plural, write_number, write_percent, write_seconds

__all__ = ["summarise"]

BEST_OTHER = "best other"


def summarise(board: Scoreboard, duels: list[Duel]) -> Section:
    """Say in words, one picture and one table what the results mean.

    Parameters
    ----------
    board : Scoreboard
        The results.
    duels : list of Duel
        Our method against each other one, in sample.

    Returns
    -------
    Section
        Numbers and categories, where others are ahead, new rows, cost and what is missing.
    """
    said = {
        "Numbers": _numbers(board),
        "Categories": _categories(board),
        "Where not": _where_not(board),
        "New rows": _new_rows(board),
        "Cost": _cost(board),
        "Missing": _missing(board),
    }
    drawings = [drawing for score in (NUMBERS, CATEGORIES) if (drawing := _picture(board, score))]
    caption = (
        "Each row is a table, averaged over seeds and ways of hiding. Errors are better to the left, accuracies to the "
        "right; an error of 1 is what filling in the mean would give. The best of the others is chosen on each table."
    )
    blocks: list[Table | Figure] = [Figure(caption=caption, drawings=drawings)] if drawings else []
    if len(board.scored_methods) > 1:
        blocks.append(tabulate_duels(board, duels))
    points = [(label, text) for label, text in said.items() if text]
    return Section(key="summary", title="In short", points=points, blocks=blocks)


def _numbers(board: Scoreboard) -> str:
    """The error of numbers beside that of mean and KNN."""
    level, gains = _standing(board, NUMBERS)
    if not level:
        return ""
    claims = [
        f"{write_percent(abs(gain.mean))} {'less' if gain.mean >= 0 else 'more'} than {board.title(name)} "
        f"({write_number(level[name])})"
        for name, gain in gains.items()
    ]
    start = f"{board.title(board.ours)} is off by {write_number(level[board.ours])} standard deviations"
    return f"{start}{', ' if claims else ''}{join_names(claims)}."


def _categories(board: Scoreboard) -> str:
    """The accuracy of categories beside that of mean and KNN."""
    level, gains = _standing(board, CATEGORIES)
    if not level:
        return ""
    claims = [f"{board.title(name)} {write_percent(level[name])}" for name in gains]
    start = f"{board.title(board.ours)} fills {write_percent(level[board.ours])} of the hidden cells right"
    return f"{start}{', ' if claims else ''}{join_names(claims)}."


def _standing(board: Scoreboard, score: Score) -> tuple[dict[str, float], dict[str, Gain]]:
    """Means over tables in sample of ours, mean and KNN, where all have scores, and what ours gains on these two."""
    frame = board.by_case(score.key, "in_sample")
    if board.ours not in frame or not frame[board.ours].notna().any():
        return {}, {}
    gains = {name: gain_over(board, name, score) for name in REFERENCES if name != board.ours}
    gains = {name: gain for name, gain in gains.items() if gain.n_tables}
    shown = [board.ours, *gains]
    level = over_tables(board.by_case(score.key, "in_sample", alike=shown)[shown].dropna()).mean()
    return {str(name): float(value) for name, value in level.items()}, gains


def _where_not(board: Scoreboard) -> str:
    """Where another method is ahead, and which; as plain as the rest."""
    if not board.scored_methods:
        return "No method has scores here, so nothing is compared."
    if len(board.scored_methods) == 1:
        return f"Only {board.title(board.ours)} has scores here, so nothing is compared."
    sentences = []
    for score in (NUMBERS, CATEGORIES):
        gains = {name: gain_over(board, name, score) for name in board.scored_methods[1:]}
        lost = {name: gain for name, gain in gains.items() if gain.behind}
        order = sorted(lost, key=lambda name: -len(lost[name].behind) / lost[name].n_tables)
        names = [
            f"{board.title(name)} on {len(lost[name].behind)} of {plural(lost[name].n_tables, 'table')} "
            f"({join_names(lost[name].behind, 3)})"
            for name in order
        ]
        if names:
            sentences.append(
                f"{'The error of numbers is lower' if score.is_error else 'More categories are right'} with "
                f"{join_names(names)}."
            )
    return (
        " ".join(sentences) or "On no table does another method have a lower error of numbers or more categories right."
    )


def _new_rows(board: Scoreboard) -> str:
    """How the scores of rows that were not learned from differ."""
    parts = []
    for score in (NUMBERS, CATEGORIES):
        inside, outside = (board.by_case(score.key, where) for where in PLACES)
        if board.ours not in inside or board.ours not in outside:
            continue
        both = pd.concat([inside[board.ours], outside[board.ours]], axis=1, keys=list(PLACES)).dropna()
        if len(both):
            write = write_number if score.is_error else write_percent
            means = over_tables(both).mean()
            parts.append(
                f"{score.name.capitalize()} {write(means['out_of_sample'])} (in the rows learned from "
                f"{write(means['in_sample'])})."
            )
    return " ".join(parts)


def _cost(board: Scoreboard) -> str:
    """The median time of a fit, beside that of mean and KNN."""
    runs = board.runs[board.runs["status"] == "done"]
    medians = runs.groupby("method")["fit_s"].median().dropna()
    if board.ours not in medians.index:
        return ""
    others = [
        f"{board.title(name)} {write_seconds(medians[name])}\N{NO-BREAK SPACE}s"
        for name in REFERENCES
        if name in medians.index and name != board.ours
    ]
    beside = f" ({', '.join(others)})" if others else ""
    ours = f"{write_seconds(medians[board.ours])}\N{NO-BREAK SPACE}s"
    return f"A fit, with the filling of its rows, took {ours} at the median{beside}."


def _missing(board: Scoreboard) -> str:
    """How many runs have no scores."""
    is_done = board.runs["status"] == "done"
    if is_done.all():
        return ""
    names = [board.title(name) for name in dict.fromkeys(board.runs.loc[~is_done, "method"])]
    return (
        f"{int((~is_done).sum())} of {plural(len(is_done), 'run')} have no scores ({join_names(names)}); see Excluded."
    )


def _picture(board: Scoreboard, score: Score) -> Drawing | None:
    """Ours, mean, KNN and the best of the others on each table."""
    frame = board.by_case(score.key, "in_sample")
    frame = over_tables(frame[frame[board.ours].notna()]) if board.ours in frame else frame.iloc[:0]
    if not len(frame):
        return None
    shown: dict[str, tuple[str, Pen]] = {}
    pen = pens(board.methods, board.ours)
    for name in (board.ours, *REFERENCES):
        if name in frame and frame[name].notna().any():
            shown[name] = (board.title(name), pen[name])
    others = frame.drop(columns=[board.ours, *REFERENCES], errors="ignore")
    if others.notna().any(axis=None):
        frame[BEST_OTHER] = others.min(axis=1) if score.is_error else others.max(axis=1)
        shown[BEST_OTHER] = ("best of the others", pen[str(others.columns[0])])
    unit = "RMSE / standard deviation" if score.is_error else "share of right answers"
    return draw_dots(frame[list(shown)], shown, f"{score.name.capitalize()} of each table, by method", unit)
