"""Small drawings as SVG that take their colours and letters from the page they stand in."""

from __future__ import annotations

import functools
import io
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = [
    "INK",
    "MUTED",
    "OURS",
    "PAPER",
    "PLAIN",
    "RULE",
    "WIDTH",
    "Drawing",
    "Pen",
    "add_legend",
    "drawn_later",
    "new_drawing",
    "pens",
    "to_file",
    "to_svg",
]

Arguments = ParamSpec("Arguments")

Drawing = Callable[[], Markup]
"""A drawing that is drawn when it is first called; it gives an SVG element."""

WIDTH = 340
"""Width of a drawing in pixels: that of a phone, so that letters keep their size there."""

# Colours that stand for those of the page; `to_svg` puts the page's in their place.
INK, MUTED, RULE, OURS, PAPER, PLAIN = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
_DPI = 72  # a point is a pixel
_NAMES = {INK: "ink", MUTED: "quiet", RULE: "line", OURS: "accent", PAPER: "paper", PLAIN: "plain"}
_COLOURS_OF_FILES = {"ink": "#111", "quiet": "#555", "line": "#bbb", "accent": "#06c", "paper": "#fff", "plain": "#333"}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # letters stay letters: small, searchable, in the font of the page
    "svg.hashsalt": "gain_impute",  # the same figures give the same file
    "font.size": 10,
    "axes.edgecolor": RULE,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10,
    "axes.linewidth": 1,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "figure.dpi": _DPI,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in the name of a column is a "$"
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 10,
    "xtick.major.size": 0,  # the grid says where the ticks are
    "xtick.minor.size": 0,
    "ytick.color": RULE,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 10,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "legend.borderaxespad": 0.2,
    "legend.borderpad": 0,
    "legend.columnspacing": 1.2,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "legend.fontsize": 10,
    "legend.labelcolor": INK,
}


@dataclass(frozen=True, kw_only=True)
class Pen:
    """How one method is drawn: told from the others by shape and dash, not by colour alone."""

    color: str
    marker: str
    dash: Any
    is_filled: bool

    @property
    def point(self) -> dict[str, Any]:
        """Arguments of a marker."""
        face = self.color if self.is_filled else PAPER
        return {"marker": self.marker, "markersize": 6, "markerfacecolor": face, "markeredgecolor": self.color}

    @property
    def line(self) -> dict[str, Any]:
        """Arguments of a line with markers."""
        return {"color": self.color, "linestyle": self.dash, "linewidth": 1.3, **self.point}


_OURS = Pen(color=OURS, marker="o", dash="-", is_filled=True)
_REFERENCES = {
    "mean": Pen(color=PLAIN, marker="s", dash=(0, (1, 2)), is_filled=False),
    "knn": Pen(color=PLAIN, marker="^", dash=(0, (4, 2)), is_filled=False),
}
_OTHERS = [
    Pen(color=PLAIN, marker=marker, dash=dash, is_filled=is_filled)
    for is_filled in (False, True)
    for marker, dash in zip(
        "DvP<>Xhp*d", [(0, (6, 2)), (0, (4, 1, 1, 1)), (0, (2, 1)), (0, (8, 2, 2, 2)), (0, (1, 1))] * 2, strict=True
    )
]


def pens(methods: list[str], ours: str) -> dict[str, Pen]:
    """Give each method a pen of its own; ours, mean and KNN always have the same."""
    others = [name for name in methods if name != ours and name not in _REFERENCES]
    given = {name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(others)}
    return {**given, **_REFERENCES, ours: _OURS}


def drawn_later(draw: Callable[Arguments, Markup]) -> Callable[Arguments, Drawing]:
    """Let a function draw when it is asked to, in the style of the report, whatever the style of the process."""

    @functools.wraps(draw)
    def prepare(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Drawing:
        @functools.cache
        def drawing() -> Markup:
            with mpl.rc_context(dict(mpl.rcParamsDefault) | _STYLE), warnings.catch_warnings():
                # It is the page's font that must have the letters, not the one that the drawing is measured with.
                warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
                return draw(*args, **kwargs)

        return drawing

    return prepare


def new_drawing(height: float, *, n_panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Make an empty drawing of one or more panels side by side, `height` pixels high."""
    figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), layout="constrained")
    return figure, list(figure.subplots(1, n_panels, squeeze=False)[0])


def add_legend(axes: Axes, *, n_columns: int = 2) -> None:
    """Put what the marks mean above a panel."""
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=n_columns)


def to_svg(figure: Figure, label: str) -> Markup:
    """Write a drawing as an SVG element; `label` says what it shows to those who do not see it."""
    stream = io.StringIO()
    # `savefig` would draw twice
    FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})  # type: ignore[no-untyped-call]
    written = stream.getvalue()
    content = written[written.index(">", written.index("<svg")) + 1 :]
    width, height = (round(float(size) * _DPI) for size in figure.get_size_inches())
    opening = f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(label)}">'
    return Markup(opening + _shorten(content))  # noqa: S704 - matplotlib escapes the texts of a drawing


def to_file(drawing: Drawing) -> bytes:
    """Write a drawing as an SVG file, which has no page to take letters and colours from."""
    given = "; ".join(f"--{name}: {colour}" for name, colour in _COLOURS_OF_FILES.items())
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" style="{given}; background: #fff; font-family: sans-serif" '
    return str(drawing()).replace("<svg ", opening, 1).encode()


def _shorten(svg: str) -> str:
    """Leave out what a page does not need: about two thirds."""
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    prefix = f"d{zlib.crc32(svg.encode()):x}"
    svg = re.sub(r"<[^>]*>", lambda tag: _shorten_tag(tag[0], prefix), svg)
    svg = re.sub(r'<path [^>]*style="fill:none"/>', "", svg)  # backgrounds that are not there
    svg = re.sub(r">\s+<", "><", svg)
    return re.sub(r"(<g></g>)+", "", svg).replace("<defs></defs>", "").strip()


def _shorten_tag(tag: str, prefix: str) -> str:
    """Drop names that nothing refers to, fonts, and all but a tenth of a pixel; the texts between tags stay."""
    tag = re.sub(r' id="[A-Za-z0-9.]+_\d+"| transform="rotate\(-0 [^"]*"|font-family: [^;"]*; ?', "", tag)
    tag = re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), tag)
    tag = re.sub(r"M (\S+ \S+)\s+L \1(?=[\s\"])", r"M\1h0", tag)  # a dot
    tag = re.sub(r"\s*\n\s*", " ", tag).replace("xlink:href", "href").replace(' "', '"')
    tag = re.sub(r"(?<=[a-z]): |; (?=[a-z])", lambda gap: gap[0].strip(), tag)
    # The marks and clips of two drawings on one page must not bear the same name.
    tag = re.sub(r'(id="|href="#|url\(#)([mp][0-9a-f]{10})', rf"\g<1>{prefix}\g<2>", tag)
    return re.sub("|".join(_NAMES), lambda color: f"var(--{_NAMES[color[0]]})", tag)
