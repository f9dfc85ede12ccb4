"""What a column's cells and name say about its kind, gathered once per column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from gain_impute.schema.reading import (
    LEAST_INEXACT,
    canonical_text,
    is_number_dtype,
    number_of,
    read_distinct,
    read_numbers,
)
from gain_impute.schema.units import has_common_unit, is_grouped, is_quantity

__all__ = [
    "LEAST_READABLE",
    "Evidence",
    "evidence_of",
    "is_code",
    "is_url",
    "words_of_name",
]

MOST_ROWS_READ = 50_000
"""Rows of a column of numbers that are looked at, evenly spaced; where the count of its values decides, all are."""
MOST_TEXTS_READ = 10_000
"""Distinct values of a column that are looked at, evenly spaced."""
LEAST_NUMBERS_BESIDE_FILLER = 20
"""Distinct matching values from which one other text beside them is a filler ("on request") and not a category."""
LEAST_READABLE = 0.5
"""Share of the known cells that a kind must be able to read; below it the imputer would refuse the column."""

WIDE_CHARACTERS_A_WORD = 4

_NULL_WORDS = frozenset(
    {
        "null",
        "none",
        "nil",
        "nan",
        "na",
        "n/a",
        "#n/a",
        "<na>",
        "n.a.",
        "n.v.",
        "k.a.",
        "-",
        "--",
        "?",
        "unknown",
        "tbd",
        "未知",
        "无",
    }
)
_URL = re.compile(r"[\s\[\]\"'(<]*(?:https?://|ftp://|www\.)[^\s]+.*", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"(?=.*\d)\S+")
_FIRST_WIDE_CHARACTER = "\u2e80"  # from here on (Chinese, Japanese, Korean) one character says about as much as two


@dataclass(frozen=True)
class Evidence:
    """What the cells of a column say.

    Attributes
    ----------
    name_words : tuple of str
        Words of the column's name, lower-case.
    n_cells, n_distinct : int
        Known cells, and distinct values among them.
    repeated_share : float
        Share of the known cells whose value stands in another cell too.
    null_share : float
        Share of the known cells that hold a word for "nothing" ("NULL", "n/a"). The arrays below leave them out.
    texts : ndarray of shape (n_read,), object
        Canonical texts of the distinct values, a sample of them where they are many.
    counts : ndarray of shape (n_read,), int64
        Cells that hold each.
    numbers : ndarray of shape (n_read,), float64
        Their numbers, NaN where the text is none.
    """

    name_words: tuple[str, ...]
    n_cells: int
    n_distinct: int
    repeated_share: float
    null_share: float
    texts: np.ndarray
    counts: np.ndarray
    numbers: np.ndarray

    @property
    def distinct_share(self) -> float:
        """Distinct values per known cell; 1 where no value repeats."""
        return self.n_distinct / max(self.n_cells, 1)

    @property
    def n_words(self) -> float:
        """Words of a text, on average over the distinct texts; four wide characters count as a word more."""
        words = [len(text.split()) + _n_wide(text) / WIDE_CHARACTERS_A_WORD for text in self.texts]
        return float(np.mean(words)) if words else 0.0

    @property
    def width(self) -> float:
        """Characters of a text, wide ones counted twice, on average over the distinct texts."""
        widths = [len(text) + _n_wide(text) for text in self.texts]
        return float(np.mean(widths)) if widths else 0.0

    @cached_property
    def has_unit(self) -> np.ndarray:
        """Which texts are numbers with a unit, or in a format; ndarray of shape (n_read,), bool."""
        is_known = np.array([is_quantity(text) for text in self.texts], dtype=bool)
        return np.asarray(is_known | has_common_unit(self.texts))

    @cached_property
    def is_grouped(self) -> np.ndarray:
        """Which texts are numbers whose thousands are parted; ndarray of shape (n_read,), bool."""
        return np.array([is_grouped(text) for text in self.texts], dtype=bool)

    def share(self, matches: np.ndarray, *, must_be_readable: bool = True) -> float:
        """Share of the cells whose text matches a kind; ndarray of bool, one per text, to float.

        Words for "nothing" do not count, nor does the one most frequent other text beside many matching ones.
        Where `must_be_readable`, it is 0 if those left out are more than the imputer accepts.
        """
        n_matching, n_read = self.counts[matches].sum(), self.counts.sum()
        if n_matching == 0:
            return 0.0
        if must_be_readable and n_matching / n_read * (1 - self.null_share) < LEAST_READABLE:
            return 0.0
        others = self.counts[~matches]
        is_filler_likely = matches.sum() >= LEAST_NUMBERS_BESIDE_FILLER and n_matching >= LEAST_READABLE * n_read
        n_filler = others.max() if len(others) and is_filler_likely else 0
        return float(n_matching / (n_read - n_filler))


def evidence_of(name: str, cells: pd.Series, missing_values: Iterable[object] = ()) -> Evidence:
    """Gather what a column's cells and name say.

    Parameters
    ----------
    name : str
        The column's name.
    cells : Series of shape (n_rows,)
        Its cells, of any dtype.
    missing_values : iterable of str or number, default=()
        Markers that mean "empty".

    Returns
    -------
    Evidence
        Counts, shares, and a sample of the distinct values.

    Examples
    --------
    >>> found = evidence_of("unitPrice", pd.Series(["1.5", "NULL", "", "1.5"]))
    >>> found.name_words, found.n_cells, found.n_distinct, found.numbers.tolist()
    (('unit', 'price'), 3, 2, [1.5])
    """
    if is_number_dtype(cells.dtype):
        return _evidence_of_numbers(name, cells, missing_values)
    found = read_distinct(cells, missing_values)
    counts = np.bincount(found.codes[found.codes >= 0], minlength=len(found.texts))
    groups, texts = pd.factorize(found.texts[counts > 0])  # 1 and "1" are one text
    counts = np.bincount(groups, weights=counts[counts > 0], minlength=len(texts)).astype(np.int64)
    n_cells = int(counts.sum())
    is_null = np.array([text.strip().casefold() in _NULL_WORDS for text in texts], dtype=bool)
    read = _evenly_spaced(np.flatnonzero(~is_null), MOST_TEXTS_READ)
    return Evidence(
        name_words=words_of_name(name),
        n_cells=n_cells,
        n_distinct=len(texts),
        repeated_share=float(counts[counts > 1].sum() / max(n_cells, 1)),
        null_share=float(counts[is_null].sum() / max(n_cells, 1)),
        texts=np.asarray(texts, dtype=object)[read],
        counts=counts[read],
        numbers=np.array([number_of(text) for text in texts[read]], dtype=np.float64),
    )


def is_url(text: str) -> bool:
    """Whether a text is a web address, or a list that begins with one.

    Examples
    --------
    >>> is_url("https://example.org/a"), is_url('["http://example.org/a.jpg"]'), is_url("see example.org")
    (True, True, False)
    """
    return _URL.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Whether a text is one word with a digit in it.

    Examples
    --------
    >>> is_code("RNGDTB5ME"), is_code("Galaxy S9"), is_code("Nike")
    (True, False, False)
    """
    return _CODE.fullmatch(text) is not None


def words_of_name(name: str) -> tuple[str, ...]:
    """Words of a column's name, lower-case and without digits.

    Examples
    --------
    >>> words_of_name("productId"), words_of_name("isbn13"), words_of_name("Item_Identifier")
    (('product', 'id'), ('isbn',), ('item', 'identifier'))
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(word.lower() for word in re.findall(r"[^\W\d_]+", parted))


def _evidence_of_numbers(name: str, cells: pd.Series, missing_values: Iterable[object]) -> Evidence:
    """Evidence of a column whose dtype is a number's: a sample of rows, and all rows where the count decides."""
    numbers, _ = read_numbers(cells, missing_values)
    known = np.flatnonzero(~np.isnan(numbers))
    values, counts = np.unique(numbers[_evenly_spaced(known, MOST_ROWS_READ)], return_counts=True)
    n_sampled = int(counts.sum())
    n_distinct, repeated_share = len(values), float(counts[counts > 1].sum() / max(n_sampled, 1))
    n_cells = len(known)
    is_keylike = len(values) > n_sampled / 2 and bool(np.all(values == np.round(values)))
    count_decides = len(values) <= 2 or is_keylike  # noqa: PLR2004  a pair, or perhaps a key
    is_inexact = len(values) > 0 and np.abs(values).max() >= LEAST_INEXACT
    if is_inexact or (n_cells > n_sampled and count_decides):
        every_count = np.bincount(pd.factorize(cells.iloc[known])[0])
        n_distinct, repeated_share = len(every_count), float(every_count[every_count > 1].sum() / n_cells)
        if len(values) <= 2 < n_distinct:  # noqa: PLR2004  the sample missed the rare values
            values, counts = np.unique(numbers[known], return_counts=True)
    read = _evenly_spaced(np.arange(len(values)), MOST_TEXTS_READ)
    texts = np.empty(len(read), dtype=object)
    texts[:] = [canonical_text(value) for value in values[read].tolist()]
    return Evidence(words_of_name(name), n_cells, n_distinct, repeated_share, 0.0, texts, counts[read], values[read])


def _n_wide(text: str) -> int:
    """Wide characters of a text."""
    return 0 if text.isascii() else sum(character >= _FIRST_WIDE_CHARACTER for character in text)


def _evenly_spaced(positions: np.ndarray, at_most: int) -> np.ndarray:
    """All positions, or `at_most` of them, evenly spaced."""
    if len(positions) <= at_most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, at_most).astype(np.int64)]
