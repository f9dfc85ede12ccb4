"""How numbers, lists and names are written in a report."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

__all__ = [
    "NOTHING",
    "join_names",
    "plural",
    "slug",
    "write_number",
    "write_percent",
    "write_rank",
    "write_seconds",
    "write_size",
]

NOTHING = "\N{EN DASH}"
MOST_NAMES = 6


def write_number(value: float, digits: int = 3) -> str:
    """Write a score.

    Parameters
    ----------
    value : float
        The score; NaN where there is none.
    digits : int, default=3
        Digits after the point.

    Returns
    -------
    str
        With the same number of digits for all scores, so that they can be compared down a column.

    Examples
    --------
    >>> write_number(0.38444), write_number(-0.02), write_number(12345.678), write_number(float("nan"))
    ('0.384', '−0.020', '12,346', '–')
    """
    if not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{0 if abs(value) >= 1000 else digits}f}"  # noqa: PLR2004 - four figures say enough
    return text.replace("-", "\N{MINUS SIGN}")


def write_percent(share: float, digits: int = 0) -> str:
    r"""Write a share as a percentage.

    Parameters
    ----------
    share : float
        In [0, 1]; NaN where there is none.
    digits : int, default=0
        Digits after the point.

    Returns
    -------
    str
        With a no-break space before the sign.

    Examples
    --------
    >>> write_percent(0.856, 1)
    '85.6\xa0%'
    """
    return f"{write_number(100 * share, digits)}\N{NO-BREAK SPACE}%" if math.isfinite(share) else NOTHING


def write_rank(rank: float) -> str:
    """Write a mean rank: two digits are more than it can bear, one hides ties."""
    return write_number(rank, 2)


def write_seconds(elapsed_s: float) -> str:
    """Write a time in seconds with about two figures.

    Parameters
    ----------
    elapsed_s : float
        Seconds; NaN where it was not measured.

    Returns
    -------
    str
        Without the unit, which stands in the head of the column.

    Examples
    --------
    >>> write_seconds(0.00412), write_seconds(3.26), write_seconds(91.4)
    ('0.0041', '3.3', '91')
    """
    if not math.isfinite(elapsed_s):
        return NOTHING
    return write_number(elapsed_s, 0 if elapsed_s >= 10 else 1) if elapsed_s >= 1 else f"{elapsed_s:.2g}"  # noqa: PLR2004


def write_size(size_mib: float) -> str:
    """Write a size in MiB: whole ones from ten on."""
    return write_number(size_mib, 0 if size_mib >= 10 else 1)  # noqa: PLR2004 - as the line above says


def plural(number: int, noun: str) -> str:
    """Write a number with its noun.

    Parameters
    ----------
    number : int
        How many.
    noun : str
        In the singular; its plural ends in s.

    Returns
    -------
    str
        Both.

    Examples
    --------
    >>> plural(1, "table"), plural(2000, "cell")
    ('1 table', '2,000 cells')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def join_names(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Write names as a list within a sentence.

    Parameters
    ----------
    names : sequence of str
        The names.
    most : int, default=6
        From how many on the rest is only counted.

    Returns
    -------
    str
        The list.

    Examples
    --------
    >>> join_names(["a", "b", "c"]), join_names(["a", "b", "c"], most=2)
    ('a, b and c', 'a, b and 1 more')
    """
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def slug(*names: object) -> str:
    """Make an anchor of names.

    Parameters
    ----------
    *names : object
        What the anchor leads to.

    Returns
    -------
    str
        Of letters, digits and hyphens, in any script.

    Examples
    --------
    >>> slug("catalogue", "Laptops & more", 0.2)
    'catalogue-laptops-more-0-2'
    """
    return re.sub(r"[\W_]+", "-", " ".join(map(str, names)).lower()).strip("-") or "part"
