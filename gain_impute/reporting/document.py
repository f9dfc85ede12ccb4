"""What a report is made of, before it is HTML or Markdown: sections of sentences, tables and figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gain_impute.reporting.drawing import Drawing

__all__ = ["Cell", "Figure", "Heading", "Mark", "Section", "Table"]

Mark = Literal["", "best"]
"""What a cell can stand out for."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text : str
        What a reader sees, and what the cell is sorted by; of a number the first one in it.
    second : str, default=""
        A second, quieter figure below the first.
    mark : {"", "best"}, default=""
        Whether the cell stands out.
    """

    text: str
    second: str = ""
    mark: Mark = ""


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The head of a column of a table.

    Attributes
    ----------
    text : str
        Name of the column, with its unit.
    is_number : bool, default=True
        Whether its cells are aligned, and sorted, as numbers.
    is_ours : bool, default=False
        Whether it is the column of the method that the report is about.
    """

    text: str
    is_number: bool = True
    is_ours: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Figures in rows and columns, the first column naming the row.

    Attributes
    ----------
    caption : str
        One sentence that says how to read it.
    head : list of Heading
        Its columns.
    rows : list of list of Cell
        As many cells in each row as there are columns.
    ours : int or None, default=None
        The row of the method that the report is about.
    """

    caption: str
    head: list[Heading]
    rows: list[list[Cell]]
    ours: int | None = None
    shape: Literal["table"] = field(default="table", init=False)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One or more small drawings, side by side where there is room.

    Attributes
    ----------
    caption : str
        One sentence that says what is to be seen.
    drawings : list of Drawing
        Each gives an SVG element when a page asks for it; Markdown never does.
    """

    caption: str
    drawings: list[Drawing]
    shape: Literal["figure"] = field(default="figure", init=False)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a report with a title of its own.

    Attributes
    ----------
    key : str
        Its anchor within the page.
    title : str
        Its title.
    sentences : list of str, default=[]
        What is to be known before the figures.
    points : list of (str, str), default=[]
        Statements, each under a word that says what it is about.
    blocks : list of Table or Figure, default=[]
        The figures.
    parts : list of Section, default=[]
        What a reader opens only when looking for it.
    aside : str, default=""
        What stands beside the title of a part that is not yet opened.
    """

    key: str
    title: str
    sentences: list[str] = field(default_factory=list)
    points: list[tuple[str, str]] = field(default_factory=list)
    blocks: list[Table | Figure] = field(default_factory=list)
    parts: list[Section] = field(default_factory=list)
    aside: str = ""
