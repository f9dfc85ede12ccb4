"""Who is best: mean ranks with intervals."""

from __future__ import annotations

import math
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

import pandas as pd

from gain_impute.benchmark.compare import ranking
from gain_impute.errors import TableError
from gain_impute.reporting.document import Cell, Figure, Heading, Mark, Section, Table
from gain_impute.reporting.gains import common_methods
from gain_impute.reporting.plots import draw_ranks
from gain_impute.reporting.scoreboard import CATEGORIES, NUMBERS, PLACES, Scoreboard
from gain_impute.reporting.writing import NOTHING, join_names, write_rank

__all__ = ["rank_methods"]


def rank_methods(board: Scoreboard) -> Section:
    """Rank all methods.

    Parameters
    ----------
    board : Scoreboard
        The results.

    Returns
    -------
    Section
        A table of ranks, and a drawing of them.
    """
    ranks, left_out = {}, set()
    for score in (NUMBERS, CATEGORIES):
        for where in PLACES:
            frame = board.by_case(score.key, where)
            shown = common_methods(frame)
            left_out |= set(frame.columns[frame.notna().any()]) - set(shown)
            with suppress(TableError):  # they have no run in common
                if shown:
                    ranks[score.key, where] = ranking(board.results, score=score.key, where=where, methods=shown)
    blocks: list[Table | Figure] = []
    if ranks:
        blocks = [_rank_table(board, ranks), _rank_figure(board, ranks)]
    said = (
        "On each table, with cells hidden in one way, the methods are ranked by their mean over seeds; 1 is best. Only "
        "tables and seeds with which all the methods ranked have scores count. Where intervals overlap widely, the "
        "order is not settled."
    )
    sentences = [said]
    if left_out:
        names = join_names([board.title(name) for name in board.methods if name in left_out])
        sentences.append(
            f"Scored on less than half of the tables in one of the rankings, and not ranked there: {names}."
        )
    return Section(key="ranking", title="Ranking", sentences=sentences, blocks=blocks)


def _rank_table(board: Scoreboard, ranks: dict[tuple[str, str], pd.DataFrame]) -> Table:
    """Mean rank, interval below it, of each score and place."""
    names = {
        (score.key, where): f"{score.name}, {PLACES[where]}" for score in (NUMBERS, CATEGORIES) for where in PLACES
    }
    by_method = {key: {str(row["method"]): row for row in found.to_dict("records")} for key, found in ranks.items()}
    first = next(iter(by_method.values()))
    order = sorted(board.scored_methods, key=lambda name: first[name]["mean_rank"] if name in first else float("inf"))
    best = {key: found["mean_rank"].min() for key, found in ranks.items()}
    rows = [
        [
            Cell(text=board.title(method)),
            *(_rank_cell(found.get(method), best[key]) for key, found in by_method.items()),
            Cell(text=_n_tables(method, by_method)),
        ]
        for method in order
    ]
    head = [
        Heading(text="method", is_number=False),
        *(Heading(text=names[key]) for key in ranks),
        Heading(text="ranked on"),
    ]
    caption = (
        "Mean rank, then its 95 % interval over tables and ways of hiding; ranked on: how many of these, at least."
    )
    return Table(caption=caption, head=head, rows=rows, ours=order.index(board.ours) if board.ours in order else None)


def _n_tables(method: str, by_method: dict[tuple[str, str], dict[str, dict[Hashable, Any]]]) -> str:
    """On how many tables a method was ranked, at least."""
    n = min((int(found[method]["n_tasks"]) for found in by_method.values() if method in found), default=0)
    return f"{n:,}"


def _rank_cell(row: dict[Hashable, Any] | None, best: float) -> Cell:
    """A mean rank with its interval."""
    if row is None:
        return Cell(text=NOTHING)
    interval = "" if not math.isfinite(row["lower"]) else f"{write_rank(row['lower'])} to {write_rank(row['upper'])}"
    mark: Mark = "best" if row["mean_rank"] <= best else ""
    return Cell(text=write_rank(row["mean_rank"]), second=interval, mark=mark)


def _rank_figure(board: Scoreboard, ranks: dict[tuple[str, str], pd.DataFrame]) -> Figure:
    """One drawing per score, in sample where there is such a ranking."""
    drawings, titles = [], {name: board.title(name) for name in board.methods}
    for score in (NUMBERS, CATEGORIES):
        found = next((ranks[score.key, where] for where in PLACES if (score.key, where) in ranks), None)
        if found is not None:
            drawings.append(
                draw_ranks(found, titles, board.ours, f"Mean ranks by {score.name}", f"mean rank by {score.name}")
            )
    caption = "Mean rank and 95 % interval, in sample: left is better; where bars overlap, the order could be chance."
    return Figure(caption=caption, drawings=drawings)
