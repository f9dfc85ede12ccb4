"""Pictures of a fit, as SVG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from gain_impute.state import EpochLog

__all__ = ["plot_calibration", "plot_distributions", "plot_training", "plot_truth", "to_svg"]

MOST_PANELS = 6
MOST_CATEGORIES = 8
N_BINS = 10
PANEL = 3.2  # inches


def plot_training(epochs: Sequence[EpochLog]) -> Figure:
    """Draw the losses of each epoch, and that of the held-out cells.

    Parameters
    ----------
    epochs : sequence of EpochLog
        The history of a fit.

    Returns
    -------
    Figure
        Two panels: what the generator learns from, and the adversary.
    """
    figure = Figure(figsize=(3 * PANEL, PANEL))
    figure.subplots_adjust(bottom=0.18)
    left, right = figure.subplots(1, 2)
    steps = [epoch.step for epoch in epochs]
    for axes, names in (
        (left, ("imputation_loss", "validation_loss", "draw_loss")),
        (right, ("adversarial_loss", "discriminator_loss")),
    ):
        for name in names:
            axes.plot(steps, [getattr(epoch, name) for epoch in epochs], label=name.replace("_", " "))
        axes.set_xlabel("step")
        axes.legend()
    return figure


def plot_truth(numbers: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure | None:
    """Draw what was filled against what stood there.

    Parameters
    ----------
    numbers : dict of str to (truth, filled)
        Of each numeric column, arrays of shape (n_cells,).

    Returns
    -------
    Figure or None
        One panel a column, 6 at most; None where there is no numeric column.
    """
    panels = _panels(list(numbers))
    if panels is None:
        return None
    figure, axes_of = panels
    for name, axes in axes_of.items():
        truth, filled = numbers[name]
        axes.scatter(truth, filled, s=6, alpha=0.5)
        axes.axline((float(np.mean(truth)),) * 2, slope=1, color="black", linewidth=0.8)
        axes.set_xlabel("true")
        axes.set_ylabel("filled")
    return figure


def plot_distributions(columns: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure | None:
    """Draw how often each value stood in the held-out cells, and how often it was filled in.

    Parameters
    ----------
    columns : dict of str to (truth, filled)
        Of each column, arrays of shape (n_cells,) of floats or texts.

    Returns
    -------
    Figure or None
        One panel a column, 6 at most; None where there is no column.
    """
    panels = _panels(list(columns))
    if panels is None:
        return None
    figure, axes_of = panels
    for name, axes in axes_of.items():
        truth, filled = columns[name]
        if truth.dtype.kind == "f":
            bins = np.histogram_bin_edges(truth, bins=20)
            axes.hist([truth, np.clip(filled, bins[0], bins[-1])], bins=bins.tolist(), label=["true", "filled"])
        else:
            counts = pd.DataFrame({"true": pd.Series(truth).value_counts(), "filled": pd.Series(filled).value_counts()})
            most = counts.fillna(0).sort_values("true", ascending=False).head(MOST_CATEGORIES)
            for side, label in ((-0.2, "true"), (0.2, "filled")):
                axes.bar(np.arange(len(most)) + side, most[label].to_numpy(), width=0.4, label=label)
            names = [_plain(str(category), 12) for category in most.index]
            axes.set_xticks(range(len(most)), labels=names, rotation=60, ha="right", parse_math=False)
        axes.legend()
    return figure


def plot_calibration(confidence: np.ndarray, is_right: np.ndarray) -> Figure:
    """Draw how often categories of about the same confidence are right.

    Parameters
    ----------
    confidence : ndarray of shape (n_cells,), float
        What the imputer said, 0 to 1.
    is_right : ndarray of shape (n_cells,), bool
        Whether the filled category is the true one.

    Returns
    -------
    Figure
        On the diagonal where the confidence is honest; the size of a dot tells how many cells it stands for.
    """
    figure = Figure(figsize=(PANEL, PANEL))
    figure.subplots_adjust(left=0.2, bottom=0.2)  # by hand: matplotlib's own layouts double the time
    axes = figure.subplots()
    group = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    cells = pd.DataFrame({"group": group, "confidence": confidence, "right": is_right}).groupby("group")
    size = cells.size().to_numpy()
    axes.scatter(cells["confidence"].mean(), cells["right"].mean(), s=5 + 195 * size / max(size.max(initial=1), 1))
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share of right answers")
    return figure


def to_svg(figure: Figure) -> bytes:
    """Write a figure as SVG.

    Parameters
    ----------
    figure : Figure
        What to write.

    Returns
    -------
    bytes
        The file.
    """
    with io.StringIO() as stream, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a script that the font lacks shows as boxes, no more
        # `savefig` would draw twice
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})  # type: ignore[no-untyped-call]
        return stream.getvalue().encode()


def _panels(names: list[str]) -> tuple[Figure, dict[str, Axes]] | None:
    """A figure with a titled panel for each of the first columns."""
    names = names[:MOST_PANELS]
    if not names:
        return None
    n_across = min(3, len(names))
    n_down = -(-len(names) // n_across)
    figure = Figure(figsize=(n_across * PANEL, n_down * PANEL))
    margins = {"left": 0.27 / n_across, "right": 0.98, "bottom": 0.24 / n_down, "top": 1 - 0.1 / n_down}
    figure.subplots_adjust(**margins, wspace=0.35, hspace=0.6)
    grid = figure.subplots(n_down, n_across, squeeze=False).ravel()
    for axes in grid[len(names) :]:
        axes.set_visible(False)
    for name, axes in zip(names, grid, strict=False):
        axes.set_title(_plain(name), parse_math=False)
    return figure, dict(zip(names, grid, strict=False))


def _plain(text: str, longest: int = 24) -> str:
    """A text short enough for a label."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
