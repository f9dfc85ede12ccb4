"""Tables in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gain_impute.cli.messages import display_width

__all__ = ["align_rows"]

GAP = "  "


def align_rows(rows: Iterable[Sequence[str]], sides: str) -> list[str]:
    """Bring columns into line, as wide as a terminal shows them.

    Parameters
    ----------
    rows : iterable of sequence of str
        As many cells in each, the head first.
    sides : str
        Of each column "<" if it stands to the left, as texts do, or ">" if to the right, as figures do.

    Returns
    -------
    list of str
        One line for each row.

    Examples
    --------
    >>> align_rows([("name", "n"), ("pot", "10"), ("茶壶", "9")], "<>")
    ['name   n', 'pot   10', '茶壶   9']
    """
    rows = list(rows)
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for cell, width, side in zip(row, widths, sides, strict=True):
            padding = " " * (width - display_width(cell))
            cells.append(cell + padding if side == "<" else padding + cell)
        lines.append(GAP.join(cells).rstrip())
    return lines
