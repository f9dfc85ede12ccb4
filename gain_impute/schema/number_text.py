"""How numbers are written, and how many decimals the numbers of a column are written with."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

__all__ = ["fewest_decimals", "find_written_decimals", "format_numbers"]

LEAST_WRITTEN_SO = 0.99
"""Share of a column's numbers that must be written alike for its style to be known."""
MOST_DECIMALS = 6
MOST_WRITTEN_DECIMALS = 15
"""Beyond them a float64 has no digits."""
LEAST_ON_GRID = 0.99
"""Share of the cells that a decimal grid must hold."""
LEAST_DISTINCT_ON_GRID = 0.95
"""Share of the distinct numbers that it must hold: where most cells are 0, the others set the grid."""

_DECIMALS = re.compile(r"[+-]?\d*\.?(\d*)")


def format_numbers(numbers: NDArray[np.float64], decimals: int | None, written: int | None) -> list[str]:
    """Write numbers; "" for NaN, and no minus before zero on a grid.

    Parameters
    ----------
    numbers : ndarray of shape (n_numbers,), float64
        The numbers.
    decimals : int or None
        Their grid; None writes as many decimals as a number needs.
    written : int or None
        Decimals that are written at least, with zeros.

    Returns
    -------
    list of str
        A text each.

    Examples
    --------
    >>> format_numbers(np.array([9.0, -0.001, np.nan]), 2, None), format_numbers(np.array([9.0, 1e-05]), None, 3)
    (['9.00', '0.00', ''], ['9.000', '1e-05'])
    """
    places = decimals if written is None or decimals is None else max(decimals, written)
    if places is None or not np.isfinite(numbers).all():
        return [_format_number(number, places, written) for number in numbers.tolist()]
    words = list(map(f"%.{places}f".__mod__, numbers.tolist()))
    for at in np.flatnonzero((numbers <= 0) & (numbers > -1)).tolist():  # those that may be "-0.00"
        words[at] = _format_number(float(numbers[at]), places, written)
    return words


def fewest_decimals(
    numbers: NDArray[np.float64], counts: NDArray[np.int64], *, precision: float = float(np.finfo(np.float64).eps)
) -> int | None:
    """Find the fewest decimals that write nearly all numbers of a column, also of the rare ones.

    Parameters
    ----------
    numbers : ndarray of shape (n_numbers,), float64
        Distinct numbers.
    counts : ndarray of shape (n_numbers,), int64
        How often each stands there.
    precision : float, default=2.2e-16
        Of the type that the numbers were kept in: its relative step.

    Returns
    -------
    int or None
        None where they take more than six, and where there are no numbers.

    Examples
    --------
    >>> fewest_decimals(np.array([9.5, 12.25]), np.array([3, 1])), fewest_decimals(np.array([np.pi]), np.array([1]))
    (2, None)
    """
    if not len(numbers):
        return None
    for decimals in range(MOST_DECIMALS + 1):
        with np.errstate(over="ignore"):  # what overflows is not on this grid
            is_on_grid = np.abs(np.round(numbers, decimals) - numbers) <= 4 * precision * np.abs(numbers)
        n_on_grid = counts[is_on_grid].sum()
        if n_on_grid >= LEAST_ON_GRID * counts.sum() and is_on_grid.mean() >= LEAST_DISTINCT_ON_GRID:
            return decimals
    return None


def find_written_decimals(texts: NDArray[np.object_], counts: NDArray[np.int64]) -> int | None:
    """Find the number of decimals with which nearly all numbers of a column are written.

    Parameters
    ----------
    texts : ndarray of shape (n_texts,), object
        Numbers as they are written.
    counts : ndarray of shape (n_texts,), int64
        How often each stands there.

    Returns
    -------
    int or None
        At least 1; None where numbers are written without decimals, with very many, or with different numbers of them.

    Examples
    --------
    >>> find_written_decimals(np.array(["999.0", "5.0"], dtype=object), np.array([3, 1]))
    1
    >>> find_written_decimals(np.array(["9.3", "9.25"], dtype=object), np.array([3, 1])) is None
    True
    """
    found = [_DECIMALS.fullmatch(str(text)) for text in texts]
    n_decimals = np.array([-1 if match is None else len(match[1]) for match in found])
    if not len(n_decimals):
        return None
    totals = np.bincount(np.maximum(n_decimals, 0), weights=counts * (n_decimals >= 0))
    best = int(totals.argmax())
    is_written_so = 0 < best <= MOST_WRITTEN_DECIMALS and totals[best] >= LEAST_WRITTEN_SO * counts.sum()
    return best if is_written_so else None


def _format_number(number: float, decimals: int | None, written: int | None) -> str:
    if math.isnan(number):
        return ""
    if decimals is not None and not math.isinf(number):
        text = f"{number:.{decimals}f}"
        return text.lstrip("-") if float(text) == 0 else text
    text = repr(number)
    match = _DECIMALS.fullmatch(text)
    n_missing = 0 if match is None or written is None else written - len(match[1])
    return text + "0" * n_missing
