"""One page on a fit: how well it fills the cells that it held out, beside others; how it learned, and with what."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.methods import find_method
from gain_impute.reporting.document import Cell, Figure, Heading, Section, Table
from gain_impute.reporting.drawing import Drawing, pens
from gain_impute.reporting.page import render_page
from gain_impute.reporting.plots import draw_categories, draw_lines, draw_numbers, draw_reliability
from gain_impute.reporting.writing import join_names, plural, write_number, write_percent, write_seconds, write_size
from gain_impute.state import EpochLog

__all__ = ["FitRecord", "fit_page"]

MOST_DRAWN = 3  # columns of either kind: more take seconds
MOST_DOTS = 200
N_BINS = 10
CURVES = {"imputation_loss": "cells hidden again", "validation_loss": "held-out cells"}
STOPS = {
    "budget": "its steps were used up",
    "no improvement": "the held-out cells got no better",
    "time": "its time was up",
}

Pairs = dict[str, tuple[NDArray[Any], NDArray[Any]]]


@dataclass(frozen=True, kw_only=True)
class FitRecord:
    """What a page says of a fit.

    Attributes
    ----------
    ours : str
        The method's name among those of `scores`.
    n_rows, n_columns : int
        Of the table.
    epochs : sequence of EpochLog
        How it learned.
    params, versions : mapping
        With what: parameters of the imputer, packages.
    elapsed_s, peak_mib : float
        Seconds of the fit, and the most memory that the process held.
    scores : DataFrame of shape (n_scored_columns, 2 + n_methods), default=empty
        Of each column `kind`, `n_cells` that were held out, and the score of each method: RMSE / standard deviation of
        numbers, share of wrong answers of categories.
    means : DataFrame of shape (n_methods, 3), default=empty
        Of each method `score`, `numeric_error` and `accuracy`, means over columns.
    numbers, categories : dict of str to (truth, filled), default={}
        Of each column, arrays of shape (n_cells,): floats, texts.
    confidence, is_right : ndarray of shape (n_filled_categories,), default=empty
        How sure each filled category was, and whether it was right.
    """

    ours: str
    n_rows: int
    n_columns: int
    epochs: Sequence[EpochLog]
    params: Mapping[str, Any]
    versions: Mapping[str, str]
    elapsed_s: float
    peak_mib: float
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    means: pd.DataFrame = field(default_factory=pd.DataFrame)
    numbers: Pairs = field(default_factory=dict)
    categories: Pairs = field(default_factory=dict)
    confidence: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    is_right: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    @cached_property
    def drawings(self) -> dict[str, Drawing]:
        """What the page draws: ``training``, ``calibration``, of columns ``number_1`` or ``category_1`` and so on."""
        drawn = {"training": _draw_training(self), "calibration": _draw_calibration(self)}
        return {name: drawing for name, drawing in drawn.items() if drawing is not None} | self.of_columns

    @cached_property
    def of_columns(self) -> dict[str, Drawing]:
        """Those of the first columns of either kind: what was filled beside what stood there."""
        numbers = {
            f"number_{i}": draw_numbers(name, truth[:MOST_DOTS].tolist(), filled[:MOST_DOTS].tolist())
            for i, (name, (truth, filled)) in enumerate(list(self.numbers.items())[:MOST_DRAWN], start=1)
        }
        categories = {
            f"category_{i}": draw_categories(name, Counter(truth.tolist()), Counter(filled.tolist()))
            for i, (name, (truth, filled)) in enumerate(list(self.categories.items())[:MOST_DRAWN], start=1)
        }
        return numbers | categories


def fit_page(record: FitRecord) -> str:
    """Make a page on a fit.

    Parameters
    ----------
    record : FitRecord
        What there is to say.

    Returns
    -------
    str
        HTML that needs nothing but itself.
    """
    sections = [_summary(record)]
    if len(record.scores):
        sections += [_columns(record), _filled(record)]
    sections += [_training(record), _settings(record)]
    title = f"A fit to {plural(record.n_rows, 'row')} and {plural(record.n_columns, 'column')}"
    subtitle = "" if not len(record.scores) else f"{plural(_n_cells(record), 'known cell')} held out, filled and scored"
    shown = [section for section in sections if section.sentences or section.blocks]
    return render_page("sections.html", title=title, subtitle=subtitle, sections=shown)


def _n_cells(record: FitRecord) -> int:
    return int(record.scores["n_cells"].sum())


def _title(method: str) -> str:
    return find_method(method).title


def _summary(record: FitRecord) -> Section:
    """How long it took, and how it fills beside others."""
    last = record.epochs[-1] if record.epochs else None
    steps = "" if last is None else f" and {plural(last.step, 'step')}"
    why = "" if last is None or last.stopped not in STOPS else f" Training ended since {STOPS[last.stopped]}."
    took = f"It took {write_seconds(record.elapsed_s)} s{steps}, and {write_size(record.peak_mib)} MiB at most.{why}"
    if not len(record.means):
        return Section(key="summary", title="In short", sentences=[took, "No cell was held out, so none was scored."])
    ours = record.means["score"][record.ours]
    said = f"Its score on the held-out cells is {write_number(ours)}{_standing(record)}; 0 is perfect."
    note = "Training also stopped by these cells, which flatters it a little."
    rows = [
        [
            Cell(text=_title(str(name))),
            Cell(text=write_number(found["score"])),
            Cell(text=write_number(found["numeric_error"])),
            Cell(text=write_percent(found["accuracy"], 1)),
        ]
        for name, found in record.means.iterrows()
    ]
    head = [Heading(text="method", is_number=False)]
    head += [Heading(text=text) for text in ("score", "error of numbers, RMSE / std", "accuracy of categories")]
    caption = "Means over columns. The score is that of errors of numbers and shares of wrong categories."
    ours_at = list(record.means.index).index(record.ours)
    table = Table(caption=caption, head=head, rows=rows, ours=ours_at)
    return Section(key="summary", title="In short", sentences=[took, said, note], blocks=[table])


def _standing(record: FitRecord) -> str:
    """Who scores better, as well and worse, as far as the figures show it."""
    ours, others = record.means["score"][record.ours], record.means["score"].drop(record.ours)
    is_equal = others.notna() & (others.map(write_number) == write_number(ours))
    groups = {
        "worse than": others.index[(others < ours) & ~is_equal],
        "as good as": others.index[is_equal],
        "better than": others.index[(others > ours) & ~is_equal],
    }
    told = [
        f"{how} that of {join_names([_title(str(name)) for name in names])}"
        for how, names in groups.items()
        if len(names)
    ]
    is_mixed = len(groups["worse than"]) > 0 and len(told) > 1
    if is_mixed:
        told[-1] = f"but {told[-1]}"
    return f", {', '.join(told)} on the same cells" if told else ""


def _columns(record: FitRecord) -> Section:
    """The score of every column, the best of each bold."""
    methods = [str(name) for name in record.means.index]
    rows = []
    for name, found in record.scores.iterrows():
        best = min(found[method] for method in methods)
        cells = [
            Cell(text=write_number(found[method]), mark="best" if found[method] == best and len(methods) > 1 else "")
            for method in methods
        ]
        rows.append([Cell(text=str(name)), Cell(text=str(found["kind"])), Cell(text=f"{found['n_cells']:,}"), *cells])
    head = [Heading(text=text, is_number=False) for text in ("column", "kind")]
    head += [Heading(text="held-out cells")]
    head += [Heading(text=_title(name), is_ours=name == record.ours) for name in methods]
    caption = "RMSE / standard deviation of numbers and dates, share of wrong answers of categories; lower is better."
    return Section(key="columns", title="Columns", blocks=[Table(caption=caption, head=head, rows=rows)])


def _filled(record: FitRecord) -> Section:
    """What was filled beside what stood there, and whether confidence can be believed."""
    caption = (
        "The first columns of either kind. Numbers: dots on the line are right. Categories: a dot to the right of its "
        "square means that the category is guessed too often."
    )
    blocks: list[Table | Figure] = []
    if record.of_columns:
        blocks.append(Figure(caption=caption, drawings=list(record.of_columns.values())))
    if "calibration" in record.drawings:
        caption = "Filled categories in ten bins of equally many: a point below the line was too sure of itself."
        blocks.append(Figure(caption=caption, drawings=[record.drawings["calibration"]]))
    return Section(key="filled", title="What was filled", blocks=blocks)


def _training(record: FitRecord) -> Section:
    """The losses by step."""
    if "training" not in record.drawings:
        return Section(key="training", title="Training")
    caption = "What the network is taught by, and what it has not seen; where only the first falls, it learns by heart."
    if any(epoch.member for epoch in record.epochs):
        caption += " Members learn one after the other: each begins where the losses rise."
    figure = Figure(caption=caption, drawings=[record.drawings["training"]])
    return Section(key="training", title="Training", blocks=[figure])


def _draw_calibration(record: FitRecord) -> Drawing | None:
    """Confidence against the share of right categories, where there are enough of them."""
    if len(record.confidence) < N_BINS:
        return None
    parts = np.array_split(np.argsort(record.confidence, kind="stable"), N_BINS)
    claimed = [float(record.confidence[part].mean()) for part in parts]
    right = [float(record.is_right[part].mean()) for part in parts]
    lines = {record.ours: (_title(record.ours), pens([record.ours], record.ours)[record.ours], claimed, right)}
    label = "Share of right categories against confidence"
    return draw_reliability(lines, axes_names=("mean confidence", "share right"), label=label)


def _draw_training(record: FitRecord) -> Drawing | None:
    """Losses against steps, where there are any."""
    pen = pens(list(CURVES), "validation_loss")
    lines = {}
    for key, name in CURVES.items():
        known = [(e.step, loss) for e in record.epochs if math.isfinite(loss := getattr(e, key))]
        if known:
            lines[key] = (name, pen[key], [step for step, _ in known], [loss for _, loss in known])
    if not lines:
        return None
    return draw_lines(lines, title="Loss", axes_names=("step", "loss"), label="Losses against steps of training")


def _settings(record: FitRecord) -> Section:
    """Parameters and versions."""
    blocks: list[Table | Figure] = []
    for caption, what, found in (
        ("Parameters of the imputer.", "parameter", record.params),
        ("Versions of packages.", "package", record.versions),
    ):
        rows = [[Cell(text=str(name)), Cell(text=str(value))] for name, value in found.items()]
        head = [Heading(text=text, is_number=False) for text in (what, "value")]
        blocks.append(Table(caption=caption, head=head, rows=rows))
    return Section(key="settings", title="Settings and versions", blocks=blocks)
