"""Every table: all methods side by side, and behind a fold its columns and what the fillings look like."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from gain_impute.reporting.document import Cell, Figure, Heading, Section, Table
from gain_impute.reporting.duels import Duel
from gain_impute.reporting.plots import draw_categories, draw_numbers
from gain_impute.reporting.scoreboard import CATEGORIES, NUMBERS, PLACES, Case, Score, Scoreboard, number, rows_of
from gain_impute.reporting.writing import NOTHING, plural, slug, write_number, write_percent, write_seconds, write_size

__all__ = ["show_cases"]

BETTER, WORSE = "▲", "▽"
SCORES = {
    "error": "RMSE / std",
    "mae": "MAE / std",
    "r2": "R²",
    "unit_rmse": "RMSE in [0, 1]",
    "crps": "CRPS / std",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "log loss, nats",
    "brier": "Brier",
    "calibration_error": "calibration error",
    "energy_distance": "energy distance",
}
COSTS = {
    "fit_s": "fit, s",
    "transform_s": "transform, s",
    "one_row_s": "one row, s",
    "peak_mib": "peak, MiB",
    "model_mib": "model, MiB",
}
_HIGH_IS_GOOD = {"r2", "accuracy", "macro_f1"}


def show_cases(board: Scoreboard, duels: list[Duel]) -> Section:
    """Show every table.

    Parameters
    ----------
    board : Scoreboard
        The results.
    duels : list of Duel
        Our method against each other one, in sample.

    Returns
    -------
    Section
        One overview per score, and one part per case: its methods, its columns, and drawings of what was filled.
    """
    said = (
        "In each cell the first figure is in sample (the rows learned from), the second, quieter one out of sample "
        "(rows not seen before). The best of a row is bold. Drawings are in the first part of each table."
    )
    blocks: list[Table | Figure] = [table for score in (NUMBERS, CATEGORIES) if (table := _overview(board, score)).rows]
    verdicts: dict[Case, dict[tuple[str, str], str]] = {}
    for duel in duels:
        verdicts.setdefault(duel.case, {})[duel.column, duel.method] = duel.verdict
    drawn: set[tuple[str, str]] = set()
    parts = []
    for case in board.cases:
        is_first = (case.suite, case.table) not in drawn
        drawn.add((case.suite, case.table))
        parts.append(_part(board, case, verdicts.get(case, {}), is_drawn=is_first))
    return Section(key="tables", title="Tables", sentences=[said], blocks=blocks, parts=parts)


def _overview(board: Scoreboard, score: Score) -> Table:
    """Cases down, methods across."""
    inside, outside = (board.by_case(score.key, where) for where in PLACES)
    cases = [case for case in board.cases if case in set(inside.index) | set(outside.index)]
    is_unique = len({case.suite for case in cases}) == 1
    rows = [
        [
            Cell(text=str(case), second="" if is_unique else case.suite),
            *_method_cells(board, (inside, outside), case, score),
        ]
        for case in cases
    ]
    unit = (
        "RMSE / standard deviation; lower is better" if score.is_error else "share of right answers; higher is better"
    )
    caption = f"{score.name.capitalize()} ({unit}), mean over columns and seeds."
    return Table(caption=caption, head=[Heading(text="table", is_number=False), *_method_heads(board)], rows=rows)


def _method_heads(board: Scoreboard) -> list[Heading]:
    return [Heading(text=board.title(name), is_ours=name == board.ours) for name in board.scored_methods]


def _method_cells(
    board: Scoreboard,
    frames: tuple[pd.DataFrame, pd.DataFrame],
    key: Any,
    score: Score,
    signs: dict[str, str] | None = None,
) -> list[Cell]:
    """One cell per method: in sample,, then out of sample."""
    first, second = (_row(frame, key) for frame in frames)
    shown = [first.get(name, math.nan) for name in board.scored_methods]
    known = [value for value in shown if math.isfinite(value)]
    best = (min(known) if score.is_error else max(known)) if known and len(shown) > 1 else math.nan
    write = write_number if score.is_error else _percent
    cells = []
    for name, value in zip(board.scored_methods, shown, strict=True):
        below = second.get(name, math.nan)
        if not math.isfinite(value) and not math.isfinite(below):
            cells.append(Cell(text=NOTHING))
            continue
        sign = (signs or {}).get(name, "")
        text = f"{sign}\N{NO-BREAK SPACE}{write(value)}" if sign else write(value)
        quiet = write(below) if math.isfinite(below) else ""
        cells.append(Cell(text=text, second=quiet, mark="best" if value == best else ""))
    return cells


def _row(frame: pd.DataFrame, key: Any) -> dict[str, float]:
    """One row of scores by method; none where the key is not there."""
    for found, row in zip(frame.index, frame.to_numpy(), strict=True):
        if found == key:
            return dict(zip(map(str, frame.columns), map(float, row), strict=True))
    return {}


def _percent(share: float) -> str:
    return write_percent(share, 1)


def _part(board: Scoreboard, case: Case, verdicts: dict[tuple[str, str], str], *, is_drawn: bool) -> Section:
    """What there is to know of one case."""
    runs = rows_of(board.runs, case)
    methods = _methods_table(board, case, runs)
    blocks: list[Table | Figure] = [methods] if methods.rows else []
    for score, kind in ((NUMBERS, "Numeric"), (CATEGORIES, "Categorical")):
        table = _columns_table(board, case, score, kind, verdicts)
        if table.rows:
            blocks.append(table)
    downstream = _downstream_table(board, case)
    if downstream.rows:
        blocks.append(downstream)
    spellings = _spellings_table(board, case)
    if spellings.rows:
        blocks.append(spellings)
    if is_drawn:
        blocks += _figures(board, case)
    return Section(
        key=slug("table", *case),
        title=str(case),
        sentences=[_size(board, case)],
        blocks=blocks,
        aside=_aside(board, case),
    )


def _size(board: Scoreboard, case: Case) -> str:
    """How large the table is, and how much of it was hidden."""
    result = next((found for found in board.of_case(case) if found.get("n_rows")), None)
    if result is None:
        return f"Suite {case.suite}: no run got as far as reading the table."
    n_rows, n_in_file = int(result["n_rows"]), int(result.get("n_rows_in_file") or result["n_rows"])
    sampled = f" (a sample of {n_in_file:,})" if n_in_file > n_rows else ""
    n_test = int(result.get("n_test_rows") or 0)
    unseen = f", {n_test:,} of them kept from the methods for the scores out of sample" if n_test else ""
    sizes = f"{plural(int(result['n_columns']), 'column')}; {plural(int(result.get('n_hidden') or 0), 'cell')} hidden"
    return f"Suite {case.suite}: {plural(n_rows, 'row')}{sampled}{unseen}; {sizes}."


def _aside(board: Scoreboard, case: Case) -> str:
    """Where ours stands, in a few words."""
    words = []
    for score in (NUMBERS, CATEGORIES):
        row = {
            name: value
            for name, value in _row(board.by_case(score.key, "in_sample"), case).items()
            if math.isfinite(value)
        }
        if board.ours not in row:
            continue
        better = sum(
            (value < row[board.ours]) if score.is_error else (value > row[board.ours]) for value in row.values()
        )
        write = write_number if score.is_error else _percent
        words.append(
            f"{'error' if score.is_error else 'accuracy'} {write(row[board.ours])}, rank {better + 1} of {len(row)}"
        )
    return "; ".join(words)


def _methods_table(board: Scoreboard, case: Case, runs: pd.DataFrame) -> Table:
    """All scores of all methods, and what they cost."""
    of_case = rows_of(board.scores, case)
    keys = [key for key in SCORES if key in of_case and of_case[key].notna().any()]
    means = {where: of_case[of_case["where"] == where].groupby("method")[keys].mean() for where in PLACES}
    costs = runs[runs["status"] == "done"].groupby("method")[list(COSTS)].mean()
    order = [method for method in board.scored_methods if any(method in found.index for found in means.values())]
    rows = []
    for method in order:
        cells = [_score_cell(means, key, method, is_alone=len(order) == 1) for key in keys]
        for key in COSTS:
            value = float(costs[key][method])
            cells.append(Cell(text=write_seconds(value) if key.endswith("_s") else write_size(value)))
        n_seeds = int(of_case.loc[of_case["method"] == method, "seed"].nunique())
        rows.append([Cell(text=board.title(method)), *cells, Cell(text=str(n_seeds))])
    heads = [*(SCORES[key] for key in keys), *COSTS.values(), "seeds"]
    caption = "All methods: means over columns and seeds, in sample, then out of sample."
    head = [Heading(text="method", is_number=False), *(Heading(text=text) for text in heads)]
    return Table(caption=caption, head=head, rows=rows, ours=order.index(board.ours) if board.ours in order else None)


def _score_cell(means: dict[str, pd.DataFrame], key: str, method: str, *, is_alone: bool) -> Cell:
    """A score in both places, marked where it is the best of its column."""
    write = _percent if key == "accuracy" else write_number
    first, second = (float(found[key].get(method, math.nan)) for found in means.values())
    inside = means["in_sample"][key]
    best = inside.max() if key in _HIGH_IS_GOOD else inside.min()
    quiet = write(second) if math.isfinite(second) else ""
    return Cell(text=write(first), second=quiet, mark="best" if first == best and not is_alone else "")


def _columns_table(
    board: Scoreboard, case: Case, score: Score, kind: str, verdicts: dict[tuple[str, str], str]
) -> Table:
    """Columns down, methods across."""
    inside, outside = (board.by_column(case, score.key, where) for where in PLACES)
    counts = board.n_hidden(case)
    rows = []
    for column in dict.fromkeys([*inside.index, *outside.index]):
        signs = {
            method: BETTER if verdicts.get((column, method)) == "loss" else WORSE
            for method in board.scored_methods
            if verdicts.get((column, method)) in {"win", "loss"}
        }
        n_hidden = counts.get(column, 0)
        cells = _method_cells(board, (inside, outside), column, score, signs)
        rows.append([Cell(text=column), Cell(text=f"{n_hidden:,}"), *cells])
    ours = board.title(board.ours)
    caption = f"{kind} columns: {'RMSE / std' if score.is_error else 'accuracy'}, in sample, then out of sample."
    if len(board.scored_methods) > 1:
        caption += f" {BETTER} better, {WORSE} worse than {ours} beyond chance (95 %, paired on the same cells)."
    head = [Heading(text="column", is_number=False), Heading(text="hidden cells"), *_method_heads(board)]
    return Table(caption=caption, head=head, rows=rows)


def _downstream_table(board: Scoreboard, case: Case) -> Table:
    """What a model learns from a filled table, beside one that learns from the complete one."""
    sums: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    for result in board.of_case(case):
        for found in result.get("downstream") or []:
            pair = number(found["complete"]), number(found["filled"])
            sums.setdefault((found["target"], found["score"]), {}).setdefault(result["method"], []).append(pair)
    rows = []
    for (target, score), methods in sums.items():
        means = {
            method: tuple(sum(pair[i] for pair in pairs) / len(pairs) for i in (0, 1))
            for method, pairs in methods.items()
        }
        complete = next(iter(means.values()))[0]
        cells = [
            Cell(text=write_number(means[method][1]) if method in means else NOTHING) for method in board.scored_methods
        ]
        rows.append([Cell(text=target), Cell(text=score), Cell(text=write_number(complete)), *cells])
    head = [
        Heading(text="target", is_number=False),
        Heading(text="score", is_number=False),
        Heading(text="complete"),
        *_method_heads(board),
    ]
    caption = (
        "A model trained on the filled table, beside one trained on the complete one; both asked about complete rows."
    )
    return Table(caption=caption, head=head, rows=rows)


def _spellings_table(board: Scoreboard, case: Case) -> Table:
    """Of columns whose names are spelt in many ways: the share right once spellings are alike, and the ceilings."""
    right, exact, alike = (
        board.by_column(case, key, "in_sample") for key in ("normalised_accuracy", "ceiling", "normalised_ceiling")
    )
    rows = []
    for column in right.index:
        ceilings = [max(_row(frame, column).values(), default=math.nan) for frame in (exact, alike)]
        shares = [*ceilings, *(_row(right, column)[name] for name in board.scored_methods)]
        rows.append([Cell(text=column), *(Cell(text=_percent(share)) for share in shares)])
    head = [Heading(text="column", is_number=False), Heading(text="ceiling, as spelt"), Heading(text="ceiling")]
    caption = "Right once spellings are made alike, in sample. Ceiling: true names that occur among the known ones."
    return Table(caption=caption, head=[*head, *_method_heads(board)], rows=rows)


def _figures(board: Scoreboard, case: Case) -> list[Table | Figure]:
    """Filled against true cells of our method, of its first seed that has examples."""
    for result in board.of_case(case):
        for where, name in PLACES.items():
            examples = (
                (result.get(where) or {}).get("examples")
                if result["method"] == board.ours and result["status"] == "done"
                else None
            )
            if examples:
                return [_examples_figure(examples, f"{board.title(board.ours)}, {name}, seed {result['seed']}")]
    return []


def _examples_figure(examples: dict[str, dict[str, Any]], whose: str) -> Figure:
    """Numbers as dots and distributions, categories as counts."""
    drawings = [
        draw_categories(column, found["truth"], found["filled"])
        if isinstance(found["truth"], dict)
        else draw_numbers(column, found["truth"], found["filled"])
        for column, found in examples.items()
    ]
    caption = (
        f"{whose}. Numbers: dots on the line are right, and a filled curve steeper than the true one means that "
        "extremes are pulled to the middle. Categories: a dot to the right of its square means that the category is "
        "guessed too often."
    )
    return Figure(caption=caption, drawings=drawings)
