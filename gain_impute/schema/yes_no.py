"""Words that say yes and no."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["BOOLEAN_PAIRS", "says_yes", "yes_no_words"]

_YES_AND_NO = (
    ("true", "false"),
    ("yes", "no"),
    ("y", "n"),
    ("t", "f"),
    ("on", "off"),
    ("1", "0"),
    ("1.0", "0.0"),
    ("是", "否"),
)
BOOLEAN_PAIRS: tuple[frozenset[str], ...] = tuple(frozenset(pair) for pair in _YES_AND_NO)
"""Pairs of case-folded texts that say yes and no."""

_MEANING = {word: is_yes for pair in _YES_AND_NO for word, is_yes in zip(pair, (True, False), strict=True)}


def says_yes(text: str) -> bool | None:
    """Tell what a text says: yes, no, or (None) neither.

    Parameters
    ----------
    text : str
        In any case.

    Returns
    -------
    bool or None
        What it says.

    Examples
    --------
    >>> [says_yes(text) for text in ("True", "no", "是", "maybe")]
    [True, False, True, None]
    """
    return _MEANING.get(text.casefold())


def yes_no_words(texts: Iterable[str]) -> np.ndarray:
    """Tell which texts say yes or no, whatever their case; ndarray of bool, one per text."""
    return np.array([says_yes(text) is not None for text in texts], dtype=bool)
