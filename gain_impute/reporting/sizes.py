"""What methods cost on tables that differ in size: seconds and memory against rows and columns."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd

from gain_impute.reporting.document import Cell, Figure, Heading, Section, Table
from gain_impute.reporting.drawing import Drawing, pens
from gain_impute.reporting.plots import draw_growth
from gain_impute.reporting.scoreboard import Case, Scoreboard
from gain_impute.reporting.writing import NOTHING, write_seconds, write_size

__all__ = ["asks_for_costs", "show_sizes"]


class _Cost(NamedTuple):
    """A column of the runs that is drawn: its name, that of its axis, and how its values are written."""

    key: str
    title: str
    axis: str


COSTS = (
    _Cost("fit_s", "Time", "seconds to fit and fill"),
    _Cost("peak_mib", "Memory", "peak, MiB"),
)


def asks_for_costs(result: dict[str, Any]) -> bool:
    """Whether a result is of a suite that asks what methods cost, and is no part of any score."""
    return bool((result.get("suite_settings") or {}).get("costs_only"))


def show_sizes(board: Scoreboard) -> Section | None:
    """Show cost against size.

    Parameters
    ----------
    board : Scoreboard
        The results; those of suites that ask for nothing but costs are shown.

    Returns
    -------
    Section or None
        One row per table with the time and memory of each method, or what ended it; then the same as lines over rows
        and over columns. None where no suite asks.
    """
    asked = Scoreboard([result for result in board.results if asks_for_costs(result)], board.ours)
    if not asked.results:
        return None
    said = (
        "Seconds to learn a table and fill it, on one thread; below them MiB: how much more the process held at its "
        "peak than with the table alone."
    )
    runs = asked.runs
    sizes = runs[["case", "n_rows", "n_columns"]].dropna().drop_duplicates("case").set_index("case")
    blocks: list[Table | Figure] = [_table(asked, sizes)]
    done = runs[runs["status"] == "done"].drop(columns=["n_rows", "n_columns"])
    done = done.groupby(["case", "method"], as_index=False)[[cost.key for cost in COSTS]].mean()
    done = done.join(sizes.astype(float), on="case")
    drawings = [*_drawings(asked, done, "n_rows", "n_columns"), *_drawings(asked, done, "n_columns", "n_rows")]
    if drawings:
        caption = (
            "Both axes are logarithmic: what grows in proportion rises by one decade per decade. A line ends where a "
            "method met a limit."
        )
        blocks.append(Figure(caption=caption, drawings=drawings))
    return Section(key="sizes", title="Cost by size", sentences=[said], blocks=blocks)


def _table(board: Scoreboard, sizes: pd.DataFrame) -> Table:
    """Tables down, the smallest first, methods across."""
    names = [name for name in board.methods if (board.runs["method"] == name).any()]

    def order(case: Case) -> tuple[float, float]:
        if case not in sizes.index:
            return math.inf, math.inf
        n_rows, n_columns = sizes.loc[[case]].iloc[0]
        return n_rows * n_columns, n_rows

    rows = []
    for case in sorted(board.cases, key=order):
        known = sizes.loc[[case]].iloc[0] if case in sizes.index else None
        counts = [
            Cell(text=NOTHING if known is None else f"{int(count):,}")
            for count in (known if known is not None else (0, 0))
        ]
        rows.append([Cell(text=str(case)), *counts, *(_cell(board, case, name) for name in names)])
    head = [Heading(text="table", is_number=False), Heading(text="rows"), Heading(text="columns")]
    head += [Heading(text=board.title(name), is_ours=name == board.ours) for name in names]
    return Table(caption="Seconds, then MiB; or what ended the run.", head=head, rows=rows)


def _cell(board: Scoreboard, case: Case, method: str) -> Cell:
    """What a method took, or why it is not known."""
    found = board.runs[[found == case for found in board.runs["case"]]]
    found = found[found["method"] == method]
    done = found[found["status"] == "done"]
    if len(done):
        return Cell(text=write_seconds(float(done["fit_s"].mean())), second=write_size(float(done["peak_mib"].mean())))
    return Cell(text=NOTHING if found.empty else str(found["status"].iloc[0]))


def _drawings(board: Scoreboard, done: pd.DataFrame, along: str, fixed: str) -> list[Drawing]:
    """Lines of time and of memory along one size, for each value of the other one."""
    words = {"n_rows": "rows", "n_columns": "columns"}
    pen = pens(board.methods, board.ours)
    drawings = []
    for count in sorted(done[fixed].dropna().unique()):
        here = done[done[fixed] == count].sort_values(along)
        if here[along].nunique() < 2:  # noqa: PLR2004 - a line has two ends
            continue
        for cost in COSTS:
            lines = {}
            for name in board.methods:
                mine = here[(here["method"] == name) & (here[cost.key] > 0)]
                if len(mine):
                    x, y = mine[along].tolist(), mine[cost.key].tolist()
                    lines[name] = (board.title(name), pen[name], x, y)
            if lines:
                title = f"{cost.title}, {count:,.0f} {words[fixed]}"
                axes_names = words[along], cost.axis
                label = f"{title}: {cost.axis} against {words[along]}"
                drawings.append(draw_growth(lines, title=title, axes_names=axes_names, label=label))
    return drawings
