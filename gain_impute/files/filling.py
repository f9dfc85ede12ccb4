"""Some rows of a file: what they are called, and what goes into their empty cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Filling", "Fillings", "index_of"]


@dataclass(frozen=True)
class Filling:
    """What goes into the empty cells of one column.

    Attributes
    ----------
    rows : ndarray of shape (n_filled,), int64
        Rows, from 0, of a part of a file.
    values : array of shape (n_filled,)
        For a text format texts, which are written as they are; for a typed format values of the column's type.
    """

    rows: NDArray[np.int64]
    values: Any


Fillings = Mapping[str, Filling]
"""Fillings by column."""


def index_of(first_row: int, n_rows: int) -> pd.RangeIndex:
    """The index of rows that have no names: their positions in the file."""
    return pd.RangeIndex(first_row, first_row + n_rows)
