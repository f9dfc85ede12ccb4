"""Error against missing rate, time against error, and whether confidence and intervals can be believed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from gain_impute.draw_scores import LEVELS, share_within
from gain_impute.reporting.document import Figure, Section
from gain_impute.reporting.drawing import Drawing, pens
from gain_impute.reporting.gains import REFERENCES, common_methods
from gain_impute.reporting.plots import draw_cost, draw_lines, draw_reliability
from gain_impute.reporting.scoreboard import CATEGORIES, NUMBERS, PLACES, Score, Scoreboard, number
from gain_impute.reporting.writing import join_names

__all__ = ["show_calibration", "show_cost", "show_rates"]

MOST_LINES = 5
MOST_DRAWINGS = 12
N_BINS = 10


def show_rates(board: Scoreboard) -> Section | None:
    """Show how scores fall as more cells are hidden, where a table was tried at several rates."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for case in board.cases:
        groups.setdefault(case[:3], []).append(case.rate)
    groups = {key: sorted(rates) for key, rates in groups.items() if len(rates) > 1}
    if not groups:
        return None
    drawings = []
    for score in (NUMBERS, CATEGORIES):
        frame = board.by_case(score.key, "in_sample")
        shown = _few(board, frame, score)
        for suite, table, mechanism in list(groups)[:MOST_DRAWINGS]:
            rows = frame[[case[:3] == (suite, table, mechanism) for case in frame.index]]
            if len(rows) > 1:
                drawings.append(_rate_drawing(board, rows, shown, score, f"{table}, {mechanism}"))
    left_out = f" {len(groups) - MOST_DRAWINGS} more are only in Tables." if len(groups) > MOST_DRAWINGS else ""
    caption = (
        f"The flatter a line, the less a method minds holes. Ours, mean, KNN and the best others, in sample.{left_out}"
    )
    return Section(key="rates", title="Error against missing rate", blocks=[Figure(caption=caption, drawings=drawings)])


def _few(board: Scoreboard, frame: pd.DataFrame, score: Score) -> list[str]:
    """Ours, mean, KNN and the best others: more lines could not be told apart."""
    fixed = [name for name in (board.ours, *REFERENCES) if name in board.scored_methods]
    others = frame.drop(columns=fixed, errors="ignore").mean().dropna().sort_values(ascending=score.is_error)
    return [*dict.fromkeys(fixed), *map(str, others.index[: MOST_LINES - len(fixed)])]


def _rate_drawing(board: Scoreboard, rows: pd.DataFrame, shown: list[str], score: Score, title: str) -> Drawing:
    """Lines over the rates of one table and mechanism."""
    pen, rates = pens(board.methods, board.ours), [100 * case.rate for case in rows.index]
    order = np.argsort(rates)
    lines = {
        name: (board.title(name), pen[name], [rates[i] for i in order], [float(rows[name].iloc[i]) for i in order])
        for name in shown
        if name in rows and rows[name].notna().any()
    }
    unit = "RMSE / std" if score.is_error else "share right"
    return draw_lines(
        lines, title=title, axes_names=("hidden cells, %", unit), label=f"{title}: {score.name} against missing rate"
    )


def show_cost(board: Scoreboard) -> Section | None:
    """Show what each method takes and gives, on the cases that they share."""
    drawings, left_out = [], set()
    times = board.by_time()
    pen = pens(board.methods, board.ours)
    for score in (NUMBERS, CATEGORIES):
        frame = board.by_case(score.key, "in_sample")
        shown = common_methods(frame)
        left_out |= set(frame.columns[frame.notna().any()]) - set(shown)
        common = frame[shown].dropna()
        rows = []
        for name in shown:
            seconds = [times[case, name] for case in common.index if math.isfinite(times.get((case, name), math.nan))]
            if seconds:
                mean_s = max(float(np.mean(seconds)), 1e-3)
                rows.append({"method": name, "seconds": mean_s, "score": float(common[name].mean())})
        if len(rows) > 1:
            marks = {name: (board.title(name), pen[name]) for name in shown}
            unit = "error of numbers, RMSE / std" if score.is_error else "accuracy of categories"
            drawings.append(draw_cost(pd.DataFrame(rows), marks, f"{score.name.capitalize()} against time", unit))
    if not drawings:
        return None
    names = join_names([board.title(name) for name in board.methods if name in left_out])
    note = f" Scored on less than half of the tables and so left out: {names}." if names else ""
    caption = (
        "Means over the tables on which all the methods shown have scores, in sample; better is down and to the left "
        f"for numbers, up and to the left for categories.{note}"
    )
    return Section(key="cost", title="Time against error", blocks=[Figure(caption=caption, drawings=drawings)])


def show_calibration(board: Scoreboard) -> Section | None:
    """Show how often what was said with a confidence was right, and how many cells an interval holds."""
    pen = pens(board.methods, board.ours)
    claims, covers = {}, {}
    for name in board.scored_methods:
        claimed, right = _pool(board, name)
        if len(claimed):
            claims[name] = (board.title(name), pen[name], claimed, right)
        levels, held = _coverage(board, name)
        if len(levels):
            covers[name] = (board.title(name), pen[name], levels, held)
    drawings, captions = [], []
    if claims:
        axes_names = ("mean confidence", "share right")
        drawings.append(
            draw_reliability(claims, axes_names=axes_names, label="Share of right categories against confidence")
        )
        captions.append("categories: a point below the line was too sure of itself, one above it too modest")
    if covers:
        axes_names = ("interval promised", "hidden numbers inside")
        drawings.append(
            draw_reliability(covers, axes_names=axes_names, label="Coverage of intervals against what they promise")
        )
        captions.append(
            "numbers: on the line, an interval holds as many cells as it promises; "
            "of n draws that is (n - 1) / (n + 1) at most"
        )
    if not drawings:
        return None
    caption = f"All tables pooled, in sample; {'; '.join(captions)}."
    return Section(
        key="calibration", title="Can the confidence be believed?", blocks=[Figure(caption=caption, drawings=drawings)]
    )


def _done(board: Scoreboard, method: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The runs of a method, and the scores of each: in sample where it has them."""
    done = [result for result in board.results if result["method"] == method and result["status"] == "done"]
    return [
        (result, found)
        for result in done
        if (found := next((result[where] for where in PLACES if result.get(where)), None))
    ]


def _pool(board: Scoreboard, method: str) -> tuple[list[float], list[float]]:
    """Bins of about equal mass from the bins of all runs."""
    bins = [found for _, scores in _done(board, method) for found in scores.get("calibration") or []]
    table = pd.DataFrame(bins, columns=["confidence", "right", "n"]).astype(float).dropna().sort_values("confidence")
    table = table[table["n"] > 0]
    if table.empty:
        return [], []
    place = (table["n"].cumsum() - table["n"] / 2) / table["n"].sum()
    groups = np.minimum((place * N_BINS).astype(int), N_BINS - 1)
    pooled = [
        tuple(float(np.average(group[name], weights=group["n"])) for name in ("confidence", "right"))
        for _, group in table.groupby(groups)
    ]
    return [claimed for claimed, _ in pooled], [right for _, right in pooled]


def _coverage(board: Scoreboard, method: str) -> tuple[list[float], list[float]]:
    """Promised and found coverage, mean over runs; no more is promised than that many draws can hold."""
    levels, held = [], []
    for level in LEVELS:
        known = [
            (_promised(level / 100, result), found)
            for result, scores in _done(board, method)
            if math.isfinite(found := number((scores["overall"].get("coverage") or {}).get(str(level))))
        ]
        if known:
            promised, found = np.mean(known, axis=0)
            levels.append(float(promised))
            held.append(float(found))
    return levels, held


def _promised(share: float, result: dict[str, Any]) -> float:
    """What an interval for a share of the cells promises, where it is made of a run's draws."""
    n_draws = (result.get("suite_settings") or {}).get("n_draws")
    return share if n_draws is None else min(share, share_within(n_draws))
