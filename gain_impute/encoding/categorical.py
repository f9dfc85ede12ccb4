"""Categories to codes and back: a filled cell is one of the categories known or allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.schema.reading import DistinctCells
from gain_impute.schema.yes_no import says_yes

__all__ = ["MAX_CATEGORIES", "UNKNOWN", "CategoricalEncoder"]

UNKNOWN = 0  # code of a cell that is empty, or holds a category that fit did not see
MAX_CATEGORIES = 4096  # a column with more keeps its most frequent ones; the others are unknown context


@dataclass(frozen=True, kw_only=True)
class CategoricalEncoder:
    """One categorical, boolean or constant column as the network sees it.

    Attributes
    ----------
    name : str
        The column.
    vocabulary : tuple of str
        The categories as texts; category `vocabulary[i]` has code `i + 1`, and code 0 is unknown.
    n_known : int
        Cells from which they were learned.
    """

    name: str
    vocabulary: tuple[str, ...]
    n_known: int

    @classmethod
    def fit(
        cls, name: str, texts: NDArray[np.object_], *, allowed: tuple[str, ...] | None = None
    ) -> CategoricalEncoder:
        """Take the categories that the schema allows, or else those that occur (None is an unknown one)."""
        return cls(name=name, vocabulary=_frequent(texts) if allowed is None else allowed, n_known=_count(texts))

    @property
    def most_sure(self) -> float:
        """How probable it is at most that a cell holds what all that are known hold: Laplace's rule of succession [1]_.

        References
        ----------
        .. [1] Laplace (1814), "Essai philosophique sur les probabilités".
        """
        return (self.n_known + 1) / (self.n_known + 2)

    def encode(self, cells: DistinctCells) -> NDArray[np.int64]:
        """Codes of shape (n_rows,); 0 where the category is not known. Of yes and no any word will do."""
        codes = np.array([self._code_of.get(text) or self._code_saying(text) for text in cells.texts], dtype=np.int64)
        return cells.spread(codes, 0)

    @cached_property
    def _code_of(self) -> dict[str, int]:
        return {text: code for code, text in enumerate(self.vocabulary, start=1)}

    def _code_saying(self, text: str | None) -> int:
        """Code of the word for yes, or for no, where these are the categories; else 0."""
        return UNKNOWN if text is None else self._code_of_yes_and_no.get(says_yes(text), UNKNOWN)

    @cached_property
    def _code_of_yes_and_no(self) -> dict[bool | None, int]:
        """By whether it says yes; empty where the categories are others."""
        codes = {says_yes(text): code for text, code in self._code_of.items()}
        return codes if set(codes) == {True, False} and len(self.vocabulary) == len(codes) else {}

    def decode(self, codes: NDArray[np.int64]) -> NDArray[np.object_]:
        """Texts of shape (n_rows,) for codes >= 1."""
        return np.array(self.vocabulary, dtype=object)[codes - 1]

    def extend(self, texts: NDArray[np.object_], *, may_be_new: bool = True) -> CategoricalEncoder:
        """Append categories not seen so far, the most frequent first, if there may be any; old ones keep their codes.

        To yes and no nothing is appended that says the same.
        """
        known, found = set(self.vocabulary), _frequent(texts) if may_be_new else ()
        new = [text for text in found if text not in known and not self._code_saying(text)]
        vocabulary = (*self.vocabulary, *new)[: max(MAX_CATEGORIES, len(known))]
        return replace(self, vocabulary=vocabulary, n_known=self.n_known + _count(texts))


def _count(texts: NDArray[np.object_]) -> int:
    """How many cells are known."""
    return int(pd.notna(texts).sum())


def _frequent(texts: NDArray[np.object_]) -> tuple[str, ...]:
    """Name the categories in order of frequency, ties by text, so that row order does not matter."""
    counts = pd.Series(texts, dtype=object).value_counts()
    ordered = sorted(zip(counts.index, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return tuple(text for text, _ in ordered[:MAX_CATEGORIES])
