"""The drawings of a benchmark report; each says the same in black and white."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from gain_impute.reporting.drawing import (
    INK,
    MUTED,
    OURS,
    PAPER,
    PLAIN,
    RULE,
    WIDTH,
    Pen,
    add_legend,
    drawn_later,
    new_drawing,
    to_svg,
)

__all__ = [
    "draw_categories",
    "draw_cost",
    "draw_dots",
    "draw_growth",
    "draw_lines",
    "draw_numbers",
    "draw_ranks",
    "draw_reliability",
]

Lines = Mapping[str, tuple[str, Pen, Sequence[float], Sequence[float]]]
"""Of each method its title, its pen, x and y."""

ROW_HEIGHT = 19
LETTER_WIDTH = 5.2  # of the page's font at 10 pixels, on average
LONGEST_NAME = 22


@drawn_later
def draw_dots(frame: pd.DataFrame, marks: Mapping[str, tuple[str, Pen]], label: str, unit: str) -> Markup:
    """Draw one row of marks per row of `frame`, whose columns are the keys of `marks`: title and pen."""
    figure, (axes,) = new_drawing(64 + ROW_HEIGHT * len(frame))
    rows = np.arange(len(frame))
    axes.hlines(rows, frame.min(axis=1), frame.max(axis=1), color=RULE, linewidth=1)
    for name, (title, pen) in marks.items():
        axes.plot(frame[name], rows, linestyle="none", label=title, zorder=3 if pen.is_filled else 2, **pen.point)
    _name_rows(axes, [str(name) for name in frame.index])
    axes.set_xlabel(unit)
    axes.grid(axis="x")
    add_legend(axes, n_columns=2 if len(marks) > 1 else 1)
    return to_svg(figure, label)


@drawn_later
def draw_ranks(ranks: pd.DataFrame, titles: Mapping[str, str], ours: str, label: str, unit: str) -> Markup:
    """Draw mean ranks with their intervals; `ranks` has the columns method, mean_rank, lower, upper."""
    figure, (axes,) = new_drawing(44 + ROW_HEIGHT * len(ranks))
    for row, rank in enumerate(ranks.to_dict("records")):
        color = OURS if rank["method"] == ours else PLAIN
        face = color if rank["method"] == ours else PAPER
        ends = [end if np.isfinite(end) else rank["mean_rank"] for end in (rank["lower"], rank["upper"])]
        axes.plot(ends, [row, row], color=color, linewidth=1.3)
        axes.plot(rank["mean_rank"], row, marker="o", markersize=6, markeredgecolor=color, markerfacecolor=face)
    _name_rows(axes, [titles[name] for name in ranks["method"]])
    axes.set_xlabel(unit)
    axes.set_xlim(0.5, max(len(ranks), 2) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.grid(axis="x")
    return to_svg(figure, label)


@drawn_later
def draw_lines(
    lines: Lines,
    *,
    title: str,
    axes_names: tuple[str, str],
    label: str,
) -> Markup:
    """Draw one line per method: title, pen, x and y."""
    figure, axes = _with_lines(lines)
    axes.set_xlabel(axes_names[0])
    axes.set_ylabel(axes_names[1])
    axes.grid(axis="y")
    axes.set_title(title, y=1.0, pad=6 + 14 * math.ceil(len(lines) / 2))
    add_legend(axes)
    return to_svg(figure, label)


@drawn_later
def draw_growth(
    lines: Lines,
    *,
    title: str,
    axes_names: tuple[str, str],
    label: str,
) -> Markup:
    """Draw one line per method on two logarithmic axes: title, pen, x and y."""
    figure, axes = _with_lines(lines)
    axes.set(xscale="log", yscale="log", xlabel=axes_names[0], ylabel=axes_names[1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
    sizes = sorted({size for _, _, x, _ in lines.values() for size in x})
    axes.set_xticks(sizes)
    axes.grid()
    axes.set_title(title, y=1.0, pad=6 + 14 * math.ceil(len(lines) / 2))
    add_legend(axes)
    return to_svg(figure, label)


@drawn_later
def draw_reliability(
    lines: Mapping[str, tuple[str, Pen, Sequence[float], Sequence[float]]], *, axes_names: tuple[str, str], label: str
) -> Markup:
    """Draw what was claimed against what came true; on the diagonal the two agree."""
    figure, (axes,) = new_drawing(WIDTH - 40 + 14 * math.ceil(len(lines) / 2))
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1)
    for name, pen, claimed, right in lines.values():
        axes.plot(claimed, right, label=name, zorder=3 if pen.is_filled else 2, **pen.line)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel=axes_names[0], ylabel=axes_names[1])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.grid()
    add_legend(axes)
    return to_svg(figure, label)


@drawn_later
def draw_cost(points: pd.DataFrame, marks: Mapping[str, tuple[str, Pen]], label: str, unit: str) -> Markup:
    """Draw score against time: `points` has method, seconds, score; each point is named where it stands."""
    figure, (axes,) = new_drawing(250)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    for point in points.to_dict("records"):
        axes.plot(point["seconds"], point["score"], linestyle="none", **marks[point["method"]][1].point)
    low, high = float(points["seconds"].min()), float(points["seconds"].max())
    axes.set_xlim(low / 2, max(high, 2 * low) * (high / low + 1) ** 0.55)  # room for the names on the right
    axes.set_xlabel("seconds to fit and fill (log scale)")
    axes.set_ylabel(unit)
    axes.margins(y=0.12)
    axes.grid(axis="y")
    figure.draw_without_rendering()
    _name_points(axes, points, marks)
    return to_svg(figure, label)


@drawn_later
def draw_numbers(name: str, truth: Sequence[float], filled: Sequence[float]) -> Markup:
    """Draw filled against true numbers, and beside it the share of both below each value."""
    known, guess = np.asarray(truth, dtype=float), np.asarray(filled, dtype=float)
    is_known = np.isfinite(known) & np.isfinite(guess)
    known, guess = known[is_known], guess[is_known]
    figure, (left, right) = new_drawing(186, n_panels=2)
    figure.suptitle(_short(name, 44), x=0.01, ha="left", fontsize=11, color=INK)
    ends = [min(known.min(), guess.min()), max(known.max(), guess.max())] if len(known) else [0.0, 1.0]
    left.plot(ends, ends, color=MUTED, linewidth=1)
    left.add_patch(_dots(known, guess))
    left.autoscale_view()
    left.set(xlabel="true", ylabel="filled")
    share = (np.arange(len(known)) + 1) / max(len(known), 1)
    right.step(np.sort(known), share, where="post", color=PLAIN, linewidth=1.2, linestyle="-", label="true")
    right.step(np.sort(guess), share, where="post", color=OURS, linewidth=1.6, linestyle=(0, (4, 2)), label="filled")
    right.set(xlabel="value", ylabel="share below", ylim=(0, 1.02))
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.ticklabel_format(scilimits=(-3, 5), useOffset=False)
        axes.grid()
    right.legend(loc="lower right")
    return to_svg(figure, f"{name}: filled against true numbers, and the distribution of both")


@drawn_later
def draw_categories(name: str, truth: Mapping[str, int], filled: Mapping[str, int]) -> Markup:
    """Draw how often each of the commonest categories was hidden, and how often it was filled in."""
    names = sorted(set(truth) | set(filled), key=lambda found: (-truth.get(found, 0), -filled.get(found, 0), found))[
        :12
    ]
    figure, (axes,) = new_drawing(70 + 17 * len(names))
    rows = np.arange(len(names))
    known, guess = ([counts.get(found, 0) for found in names] for counts in (truth, filled))
    axes.hlines(rows, known, guess, color=RULE, linewidth=1)
    axes.plot(known, rows, "s", markersize=5, markerfacecolor="none", markeredgecolor=PLAIN, label="true")
    axes.plot(guess, rows, "o", markersize=5, markerfacecolor=OURS, markeredgecolor=OURS, label="filled")
    _name_rows(axes, names)
    axes.set_xlabel("cells")
    axes.set_xlim(left=0 - 0.03 * max([1, *known, *guess]))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(axis="x")
    axes.set_title(_short(name, 44), pad=18)
    add_legend(axes)
    return to_svg(figure, f"{name}: how often each category was true, and how often it was filled in")


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Write the names of rows on the left, the first one on top."""
    axes.set_yticks(range(len(names)), [_short(name, LONGEST_NAME) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)


def _name_points(axes: Axes, points: pd.DataFrame, marks: Mapping[str, tuple[str, Pen]]) -> None:
    """Write the name of each point to its right, a line lower where another name is in the way."""
    taken: list[tuple[float, float, float]] = []
    to_pixels, to_data = axes.transData.transform, axes.transData.inverted().transform
    for point in points.sort_values("score", ascending=False).to_dict("records"):
        x, y = to_pixels((point["seconds"], point["score"]))
        title = marks[point["method"]][0]
        left, right = x + 7, x + 7 + LETTER_WIDTH * len(title)
        while any(left < far and right > near and abs(y - height) < 11 for near, far, height in taken):  # noqa: PLR2004 - a line
            y -= 1
        taken.append((left, right, y))
        color = OURS if marks[point["method"]][1].color == OURS else INK
        x, y = to_data((left, y))
        axes.text(x, y, title, va="center_baseline", color=color)


def _dots(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> PathPatch:
    """Many round dots as one path, a tenth of the size of as many markers."""
    corners = np.repeat(np.column_stack([x, y]), 2, axis=0).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(x))
    path = Path(corners, codes) if len(x) else Path(np.zeros((0, 2)))
    path.should_simplify = False
    return PathPatch(path, edgecolor=OURS, linewidth=3.2, capstyle="round", alpha=0.55, fill=False)


def _short(name: str, longest: int) -> str:
    """A name on one line, cut where it is too long for a drawing."""
    name = " ".join(name.split()) or "(no name)"
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _with_lines(lines: Lines) -> tuple[Figure, Axes]:
    """Begin a drawing with one line per method, and room for their names."""
    figure, (axes,) = new_drawing(210 + 14 * math.ceil(len(lines) / 2))
    for name, pen, x, y in lines.values():
        axes.plot(x, y, label=name, zorder=3 if pen.is_filled else 2, **pen.line)
    return figure, axes
