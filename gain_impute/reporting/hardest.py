"""The columns that our method fills worst, and what in the results says why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from gain_impute.benchmark.suite import TRUTH
from gain_impute.masking import Mechanism
from gain_impute.reporting.document import Cell, Heading, Section, Table
from gain_impute.reporting.duels import Duel
from gain_impute.reporting.scoreboard import CATEGORIES, NUMBERS, PLACES, Case, Score, Scoreboard, number
from gain_impute.reporting.writing import plural, write_number, write_percent

__all__ = ["show_hardest"]

MOST_ROWS = 12
LEAST_ROWS = 3
MUCH_LEFT = 0.5
# From where on a fact about a column is worth a word.
FEW_CELLS = 30
FEW_KNOWN = 0.3
MANY_CATEGORIES = 12  # as many as a result lists
LOPSIDED = 0.9
MANY_HIDDEN = 0.4
HEAVY_TAIL = 2.0
ONE_GROUP = 0.4
NOBODY = 0.9
FINDS_MORE = 0.9
WORSE_ON_NEW = 1.15


class Hard(NamedTuple):
    """A column of a case: what is left of the error that mean or mode makes, and how ours and the best other score."""

    case: Case
    column: str
    score: Score
    left: float
    ours: float
    best: str
    best_value: float


def show_hardest(board: Scoreboard, duels: list[Duel]) -> Section:
    """Show the columns filled worst, and those on which another method is better.

    Parameters
    ----------
    board : Scoreboard
        The results.
    duels : list of Duel
        Our method against each other one, in sample.

    Returns
    -------
    Section
        Two tables; the reasons are computed from the results, and none is given where none shows.
    """
    blocks = []
    hard = sorted(_all_columns(board), key=lambda found: -found.left)
    worst = {(found.case.suite, found.case.table, found.column): found for found in reversed(hard)}
    one_each = [found for found in hard if worst[found.case.suite, found.case.table, found.column] is found]
    shown = [found for found in one_each if found.left >= MUCH_LEFT][:MOST_ROWS] or one_each[:LEAST_ROWS]
    if shown:
        blocks.append(_hard_table(board, shown))
    losses = _losses(duels)
    if losses:
        blocks.append(_loss_table(board, losses))
    elif duels:
        lost = "On no column is another method better beyond chance."
        return Section(key="hardest", title="The worst columns, and why", sentences=[lost], blocks=list(blocks))
    return Section(key="hardest", title="The worst columns, and why", blocks=list(blocks))


def _all_columns(board: Scoreboard) -> Iterator[Hard]:
    """Every column that ours was scored on, in sample."""
    for case in board.cases:
        for score in (NUMBERS, CATEGORIES):
            frame = board.by_column(case, score.key, "in_sample")
            for column, row in zip(frame.index, frame.to_dict("records"), strict=True):
                ours = float(row[board.ours])
                others = {name: value for name, value in row.items() if name != board.ours and math.isfinite(value)}
                if math.isfinite(ours):
                    pick = min if score.is_error else max
                    best = str(pick(others, key=lambda name: others[name])) if others else ""
                    yield Hard(case, column, score, _left(ours, others, score), ours, best, others.get(best, math.nan))


def _left(ours: float, others: dict[Any, float], score: Score) -> float:
    """Share of the error of mean or mode that is left; of all there could be where that is not known."""
    if score.is_error:
        return ours / others["mean"] if others.get("mean", 0) > 0 else ours
    wrong = 1 - others.get("mean", 0.0)
    return (1 - ours) / wrong if wrong > 0 else 1 - ours


def _hard_table(board: Scoreboard, hard: list[Hard]) -> Table:
    """The worst columns with what the results say of them."""
    rows = []
    for found in hard:
        reasons = list(_reasons(board, found))
        best = _score_cell(found.best_value, found.score, second=board.title(found.best) if found.best else "")
        rows.append(
            [
                Cell(text=found.column, second=str(found.case)),
                Cell(text=write_percent(found.left)),
                _score_cell(found.ours, found.score),
                best,
                Cell(text="; ".join(reasons) or "nothing in the results says why"),
            ]
        )
    head = [
        Heading(text="column", is_number=False),
        Heading(text="error left"),
        Heading(text=board.title(board.ours)),
        Heading(text="best other"),
        Heading(text="why", is_number=False),
    ]
    caption = (
        "Where the filling helps least, each column in its worst case. Error left: what is left, as a share of the "
        "error that mean / mode makes. Scores are RMSE / std of numbers and accuracy of categories, in sample."
    )
    return Table(caption=caption, head=head, rows=rows)


def _score_cell(value: float, score: Score, second: str = "") -> Cell:
    """A score as its kind is written."""
    return Cell(text=write_number(value) if score.is_error else write_percent(value, 1), second=second)


def _reasons(board: Scoreboard, hard: Hard) -> Iterator[str]:
    """What the results say about a column that explains a poor score."""
    runs = [
        result for result in board.of_case(hard.case) if result["method"] == board.ours and result["status"] == "done"
    ]
    result = next((run for run in runs if run.get("in_sample")), None)
    if result is None:
        return
    column = next((found for found in result["in_sample"]["columns"] if found["column"] == hard.column), None)
    if column is None:
        return
    n_hidden = int(column["n_hidden"])
    n_rows = max(int(result["n_rows"]) - int(result.get("n_test_rows") or 0), 1)
    known = n_hidden / hard.case.rate / n_rows if hard.case.rate > 0 and hard.case.mechanism != TRUTH else math.nan
    if n_hidden < FEW_CELLS:
        yield f"only {plural(n_hidden, 'hidden cell')} to judge by"
    if hard.case.rate >= MANY_HIDDEN and hard.case.mechanism != TRUTH:
        yield f"{write_percent(hard.case.rate)} of the known cells were hidden"
    if hard.case.mechanism == Mechanism.BLOCK:
        yield "hidden together with the other attributes of its group"
    if known < FEW_KNOWN:
        yield f"few known cells (about {write_percent(known)} of the rows)"
    if hard.score.is_error:
        yield from _number_reasons(column)
    else:
        yield from _category_reasons(result["in_sample"].get("examples", {}).get(hard.column), n_hidden)
    yield from _method_reasons(board, hard)


def _number_reasons(column: dict[str, Any]) -> Iterator[str]:
    """Heavy tails, and errors that sit in a few rows."""
    error, mae = number(column.get("error")), number(column.get("mae"))  # both in standard deviations
    if mae > 0 and error / mae >= HEAVY_TAIL:
        yield f"heavy tail: RMSE is {write_number(error / mae, 1)} times the mean absolute error (1.25 in a bell curve)"
    losses = [number(loss) for loss in (column.get("groups") or {}).get("loss", [])]
    if losses and sum(losses) > 0 and max(losses) / sum(losses) >= ONE_GROUP:
        yield f"one in {len(losses)} groups of rows makes {write_percent(max(losses) / sum(losses))} of the loss"


def _category_reasons(example: dict[str, Any] | None, n_hidden: int) -> Iterator[str]:
    """Many categories, or one that is nearly always right."""
    counts = (example or {}).get("truth")
    if not isinstance(counts, dict) or not counts:
        return
    share = sum(counts.values()) / max(n_hidden, 1)
    if len(counts) >= MANY_CATEGORIES and share < 1:
        yield f"many categories: the {len(counts)} commonest make {write_percent(share)} of the cells"
    if max(counts.values()) / max(n_hidden, 1) >= LOPSIDED:
        commonest = write_percent(max(counts.values()) / n_hidden)
        yield f"lopsided: {commonest} of the cells hold one category, so mode is hard to beat"


def _method_reasons(board: Scoreboard, hard: Hard) -> Iterator[str]:
    """What other methods and other rows say."""
    outside = board.by_column(hard.case, hard.score.key, "out_of_sample")
    new = dict(zip(outside.index, outside[board.ours], strict=True)).get(hard.column, math.nan)
    wrong, wrong_new = (hard.ours, new) if hard.score.is_error else (1 - hard.ours, 1 - new)
    if wrong > 0 and wrong_new / wrong >= WORSE_ON_NEW:
        write = write_number if hard.score.is_error else write_percent
        yield f"worse on new rows ({write(new)})"
    means = board.by_column(hard.case, hard.score.key, "in_sample").to_dict("index").get(hard.column, {})
    if "mean" in means and hard.best:
        left = _left(hard.best_value, means, hard.score)
        if min(left, hard.left) >= NOBODY:
            yield "no method does much better than mean / mode: the other columns hardly tell"
        elif left <= FINDS_MORE * hard.left:
            yield f"{board.title(hard.best)} finds more"


def _losses(duels: list[Duel]) -> list[Duel]:
    """Of each column lost the method that beats ours by most, the largest difference first."""
    worst: dict[tuple[Case, str], Duel] = {}
    for duel in duels:
        held = worst.get((duel.case, duel.column))
        if duel.verdict == "loss" and (held is None or duel.difference > held.difference):
            worst[duel.case, duel.column] = duel
    return sorted(worst.values(), key=lambda duel: -duel.difference)


def _loss_table(board: Scoreboard, losses: list[Duel]) -> Table:
    """The columns on which another method is better beyond chance."""
    rows = []
    frames: dict[tuple[Case, str], pd.DataFrame] = {}
    for duel in losses[:MOST_ROWS]:
        cells = []
        for score in (NUMBERS, CATEGORIES):
            frame = frames.setdefault((duel.case, score.key), board.by_column(duel.case, score.key, next(iter(PLACES))))
            if duel.column in frame.index:
                scores = frame.to_dict("index")[duel.column]
                cells = [_score_cell(scores[board.ours], score), _score_cell(scores[duel.method], score)]
        ends = f"{write_number(duel.lower)} to {write_number(duel.upper)}"
        gap = Cell(text=write_number(duel.difference), second=ends)
        rows.append([Cell(text=duel.column, second=str(duel.case)), Cell(text=board.title(duel.method)), *cells, gap])
    head = [
        Heading(text="column", is_number=False),
        Heading(text="better method", is_number=False),
        Heading(text=board.title(board.ours)),
        Heading(text="its score"),
        Heading(text="loss more"),
    ]
    n_more = len(losses) - MOST_ROWS
    more = f" The {MOST_ROWS} widest gaps of {len(losses)}; the others are marked ▲ in Tables." if n_more > 0 else ""
    caption = (
        "Columns on which another method is better beyond chance (95 %, paired on the same cells). "
        f"Loss: squared error / variance of numbers, share wrong of categories.{more}"
    )
    return Table(caption=caption, head=head, rows=rows)
