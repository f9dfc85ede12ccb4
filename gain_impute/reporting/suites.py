"""What ours gains on each method, suite by suite and by the way in which cells were hidden."""

from __future__ import annotations

import math

from gain_impute.reporting.document import Cell, Heading, Section, Table
from gain_impute.reporting.gains import gain_over, over_tables, write_gain
from gain_impute.reporting.scoreboard import CATEGORIES, COVERAGE, NUMBERS, PLACES, Score, Scoreboard
from gain_impute.reporting.writing import NOTHING, write_percent

__all__ = ["show_suites"]

EXPLAINED = Score("r2", "R² of numbers", is_error=False)
DRAWS = Score("crps", "CRPS of draws", is_error=True)
SCORES = (NUMBERS, CATEGORIES, EXPLAINED, DRAWS)


def show_suites(board: Scoreboard) -> Section | None:
    """Show what ours gains on each method in each suite, and under each mechanism.

    Parameters
    ----------
    board : Scoreboard
        The results.

    Returns
    -------
    Section or None
        One table a score, and one of the coverage of draws: methods down, suites and mechanisms across. None where
        there is but one of these.
    """
    parts = _parts(board)
    if len(parts) < 2:  # noqa: PLR2004 - of a single one the summary says all
        return None
    found = [*(_table(board, parts, score) for score in SCORES), _coverage_table(board, parts)]
    said = (
        "Mean over the tables of a suite that both methods have scores on, in the rows learned from; below it, "
        "quieter, in new rows. Bold: the other method is ahead."
    )
    return Section(
        key="suites", title="Suite by suite", sentences=[said], blocks=[table for table in found if table is not None]
    )


def _parts(board: Scoreboard) -> dict[str, Scoreboard]:
    """The results of each suite and mechanism in which ours has scores."""
    parts: dict[str, list[dict[str, object]]] = {}
    for result in board.results:
        suite, mechanism = result["suite"], result["mechanism"]
        parts.setdefault(suite if suite == mechanism else f"{suite}, {mechanism}", []).append(result)
    boards = {name: Scoreboard(results, board.ours) for name, results in parts.items()}
    return {name: part for name, part in boards.items() if board.ours in part.scored_methods}


def _table(board: Scoreboard, parts: dict[str, Scoreboard], score: Score) -> Table | None:
    """What ours gains by one score; None where no other method has it."""
    rows = []
    for method in board.scored_methods[1:]:
        cells = [_cell(part, method, score) for part in parts.values()]
        if any(cell.text != NOTHING for cell in cells):
            rows.append([Cell(text=board.title(method)), *cells])
    if not rows:
        return None
    unit = "change, less is better" if score.is_error else "hundredths, more is better"
    head = [Heading(text=f"{board.title(board.ours)} against", is_number=False)]
    head += [Heading(text=name) for name in parts]
    return Table(caption=f"{score.name[0].upper()}{score.name[1:]} ({unit}).", head=head, rows=rows)


def _coverage_table(board: Scoreboard, parts: dict[str, Scoreboard]) -> Table | None:
    """What the draws of each method hold; None where no method draws."""
    rows = []
    for method in board.scored_methods:
        cells = [_coverage_cell(part, method) for part in parts.values()]
        if any(cell.text != NOTHING for cell in cells):
            rows.append([Cell(text=board.title(method)), *cells])
    if not rows:
        return None
    caption = "Share of the hidden numbers that the central 90 % of draws hold: 90 % is right, more is too wide."
    head = [Heading(text="method", is_number=False), *(Heading(text=name) for name in parts)]
    return Table(caption=caption, head=head, rows=rows, ours=0 if rows[0][0].text == board.title(board.ours) else None)


def _coverage_cell(board: Scoreboard, method: str) -> Cell:
    """What is held in the rows learned from, and below it in new ones; means over tables."""
    frames = [board.by_case(COVERAGE, where) for where in PLACES]
    inside, outside = (float(over_tables(frame)[method].mean()) if method in frame else math.nan for frame in frames)
    return Cell(text=write_percent(inside), second=write_percent(outside) if math.isfinite(outside) else "")


def _cell(board: Scoreboard, method: str, score: Score) -> Cell:
    """What is gained in the rows learned from, and below it in new ones."""
    inside, outside = (gain_over(board, method, score, where) for where in PLACES)
    if not inside.n_tables:
        return Cell(text=NOTHING)
    text, second = write_gain(inside.mean, score), write_gain(outside.mean, score) if outside.n_tables else ""
    is_behind = inside.mean < 0 and any(digit in text for digit in "123456789")
    return Cell(text=text, second=second, mark="best" if is_behind else "")
