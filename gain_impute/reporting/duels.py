"""Our method against each other one, column by column, on the same cells."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any, NamedTuple

from gain_impute.benchmark.compare import compare
from gain_impute.reporting.document import Cell, Heading, Table
from gain_impute.reporting.gains import Gain, gain_over, write_gain
from gain_impute.reporting.scoreboard import CATEGORIES, NUMBERS, Case, Result, Score, Scoreboard, case_of, has_scores
from gain_impute.reporting.writing import NOTHING

__all__ = ["Duel", "fight_duels", "tabulate_duels"]


class Duel(NamedTuple):
    """How our method did against another one in one column; a negative difference of losses speaks for ours."""

    case: Case
    column: str
    method: str
    difference: float
    lower: float
    upper: float
    verdict: str


def fight_duels(board: Scoreboard, where: str = "in_sample") -> list[Duel]:
    """Compare our method with each other one wherever both have scores.

    Parameters
    ----------
    board : Scoreboard
        The results.
    where : {"in_sample", "out_of_sample"}, default="in_sample"
        Which cells.

    Returns
    -------
    list of Duel
        One per case, column and other method; a `verdict` is "win" or "loss" where the 95 % interval of the difference
        leaves out zero, else "tie".
    """
    duels = []
    scored = {
        method: [found for found in board.results if found["method"] == method and has_scores(found, where)]
        for method in board.scored_methods
    }
    ours = scored.get(board.ours, [])
    our_cells = _scored_cells(ours, where)
    for method in board.scored_methods[1:]:
        if our_cells & _scored_cells(scored[method], where):
            rows = compare([*ours, *scored[method]], board.ours, method, where=where)
            duels += [_duel(row, method) for row in rows.to_dict("records")]
    return duels


def _scored_cells(results: list[Result], where: str) -> set[tuple[Case, int, str, int]]:
    """What two methods must share to be compared: groups of cells of a column in one run."""
    return {
        (case_of(result), result["seed"], column["column"], group)
        for result in results
        for column in result[where]["columns"]
        for group, (n, loss) in enumerate(zip(column["groups"]["n"], column["groups"]["loss"], strict=True))
        if n and loss is not None
    }


def _duel(row: dict[Hashable, Any], method: str) -> Duel:
    """A row of the comparison, with the case it belongs to."""
    case = Case(row["suite"], row["table"], row["mechanism"], float(row["rate"]))
    return Duel(case, row["column"], method, row["difference"], row["lower"], row["upper"], row["verdict"])


def tabulate_duels(board: Scoreboard, duels: list[Duel]) -> Table:
    """Put ours against each other method into a table.

    Parameters
    ----------
    board : Scoreboard
        The results.
    duels : list of Duel
        As `fight_duels` gives them, in sample.

    Returns
    -------
    Table
        One row per method: mean differences over tables, on how many tables ours is ahead, columns won and lost.
    """
    scores = [score for score in (NUMBERS, CATEGORIES) if len(board.by_case(score.key, "in_sample"))]
    rows = []
    for method in board.scored_methods[1:]:
        cells = [cell for score in scores for cell in _gain_cells(gain_over(board, method, score), score)]
        counts = [
            sum(duel.method == method and duel.verdict == verdict for duel in duels)
            for verdict in ("win", "tie", "loss")
        ]
        rows.append([Cell(text=board.title(method)), *cells, *(Cell(text=f"{n:,}") for n in counts)])
    heads = [text for score in scores for text in ("error" if score.is_error else "accuracy, points", "tables ahead")]
    head = [Heading(text=f"{board.title(board.ours)} against", is_number=False)]
    head += [Heading(text=text) for text in (*heads, "columns won", "tied", "lost")]
    caption = (
        "On the same hidden cells, in sample. Error of numbers (less is better) and accuracy of categories (more is "
        "better): mean difference over tables, then its 95 % interval. A column is won or lost where the 95 % "
        "interval of its paired difference leaves out zero."
    )
    return Table(caption=caption, head=head, rows=rows)


def _gain_cells(gain: Gain, score: Score) -> list[Cell]:
    """The mean difference to another method with its interval, and on how many tables ours is ahead."""
    if not gain.n_tables:
        return [Cell(text=NOTHING), Cell(text=NOTHING)]
    low, high = (gain.upper, gain.lower) if score.is_error else (gain.lower, gain.upper)
    second = f"{write_gain(low, score)} to {write_gain(high, score)}" if math.isfinite(low) else ""
    n_ahead = gain.n_tables - len(gain.behind)
    return [
        Cell(text=write_gain(gain.mean, score), second=second),
        Cell(text=f"{n_ahead:,} of {gain.n_tables:,}"),
    ]
