"""In which rows an attribute exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.schema.kinds import Kind
from gain_impute.schema.yes_no import says_yes

__all__ = ["Condition", "is_among"]


class Condition(Mapping[str, tuple[str, ...]]):
    """The rows in which an attribute exists: those where each named column has one of its values.

    Immutable, and hashable as columns of a schema are.

    Parameters
    ----------
    values : mapping of str to iterable of str
        For each other column the texts of which one must stand there.

    Examples
    --------
    >>> Condition({"type": ["phone", "tablet"]})
    {'type': ('phone', 'tablet')}
    """

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, Iterable[str]]) -> None:
        self._items = tuple((name, tuple(texts)) for name, texts in values.items())

    def __getitem__(self, name: str) -> tuple[str, ...]:
        """The values of one column."""
        return dict(self._items)[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the columns."""
        return (name for name, _ in self._items)

    def __len__(self) -> int:
        """The number of columns named."""
        return len(self._items)

    def __hash__(self) -> int:
        """Equal conditions have equal hashes, in whatever order they were written."""
        return hash(frozenset(self._items))

    def __repr__(self) -> str:
        """Write the condition as a dict."""
        return repr(dict(self._items))


def is_among(values: NDArray[Any], allowed: Iterable[str], kind: Kind) -> NDArray[np.bool_]:
    """Tell which values of a column (n_rows,) are allowed; of a boolean one any word will do that says the same.

    Examples
    --------
    >>> is_among(np.array(["True", "no", None], dtype=object), ["yes"], Kind.BOOLEAN).tolist()
    [True, False, False]
    """
    allowed = frozenset(allowed)
    meanings = {says_yes(text) for text in allowed} - {None} if kind is Kind.BOOLEAN else frozenset()
    which, distinct = pd.factorize(np.asarray(values, dtype=object))
    is_allowed = [text in allowed or (bool(meanings) and says_yes(text) in meanings) for text in map(str, distinct)]
    return np.array([*is_allowed, False], dtype=bool)[which]  # which is -1 for a missing value
