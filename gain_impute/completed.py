"""Rows of a table as experts read them, completed, with texts placed and neighbours found; and what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gain_impute.neighbours import Nearest

__all__ = ["CompletedRows", "HeldOutRows", "Told"]


@dataclass(frozen=True)
class CompletedRows:
    """Rows in which every cell has a value: its own where it is known, else what is filled in.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, N), float32
        Z-scores.
    codes : ndarray of shape (n_rows, C), int64
        1-based codes.
    texts : tuple of ndarray of shape (n_rows, n_axes), float32
        Where each text lies along its axes.
    nearest : dict of int to Nearest
        By a text, the rows that are nearest to each.
    residues : ndarray of shape (n_rows, N), float32, optional
    identifiers : ndarray of shape (n_rows, n_identifiers), float32, optional
        As in `EncodedTable`, the residues of known numbers; by default there are none.
    """

    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]
    texts: tuple[NDArray[np.float32], ...]
    nearest: dict[int, Nearest] = field(default_factory=dict)
    residues: NDArray[np.float32] | None = None
    identifiers: NDArray[np.float32] | None = None

    @classmethod
    def together(cls, parts: Sequence[CompletedRows]) -> CompletedRows:
        """The rows of all parts, in their order."""
        texts = zip(*(part.texts for part in parts), strict=True)
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.codes for part in parts]),
            tuple(np.concatenate(text) for text in texts),
            {text: Nearest.together([part.nearest[text] for part in parts]) for text in parts[0].nearest},
            _joined([part.residues for part in parts]),
            _joined([part.identifiers for part in parts]),
        )

    def take(self, rows: NDArray[np.int64]) -> CompletedRows:
        """Some of the rows."""
        texts, nearest = tuple(text[rows] for text in self.texts), self.nearest.items()
        return CompletedRows(
            self.numbers[rows],
            self.codes[rows],
            texts,
            {i: of.take(rows) for i, of in nearest},
            None if self.residues is None else self.residues[rows],
            None if self.identifiers is None else self.identifiers[rows],
        )

    def filled(
        self, known: NDArray[np.bool_], numbers: NDArray[np.floating], probabilities: Sequence[NDArray[np.float32]]
    ) -> CompletedRows:
        """The rows with other values in their unknown cells; arguments are those of `Experts.blend`."""
        codes, n = self.codes.copy(), numbers.shape[1]
        for column, shares in enumerate(probabilities):
            codes[~known[:, n + column], column] = shares.argmax(axis=1) + 1
        return replace(self, numbers=np.where(known[:, :n], self.numbers, numbers.astype(np.float32)), codes=codes)


@dataclass(frozen=True)
class HeldOutRows:
    """Rows with held-out cells, as they stand without them, and what stood there.

    Attributes
    ----------
    completed : CompletedRows
        Completed without the held-out cells.
    held_out : ndarray of shape (n_rows, P), bool
    visible : ndarray of shape (n_rows, P), bool
        Known cells that are not held out.
    numbers : ndarray of shape (n_rows, N), float32
        True z-scores.
    codes : ndarray of shape (n_rows, C), int64
        True codes.
    asked : sequence of ndarray of shape (n_asked,), int64
        Of each categorical column, the rows where it is unknown or held out.
    probabilities : sequence of ndarray of shape (n_asked, n_categories), float32
        What the generator says of it there.
    """

    completed: CompletedRows
    held_out: NDArray[np.bool_]
    visible: NDArray[np.bool_]
    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]
    asked: Sequence[NDArray[np.int64]]
    probabilities: Sequence[NDArray[np.float32]]

    def cells(self, cell: int) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """Rows (n_cells,) in which a cell is held out, what the generator says of it there, and the truth.

        Numbers (n_cells,), or distributions (n_cells, n_categories).
        """
        at, n = np.flatnonzero(self.held_out[:, cell]), self.numbers.shape[1]
        if cell < n:
            return at, self.completed.numbers[at, cell], self.numbers[at, cell]
        said = self.probabilities[cell - n][np.searchsorted(self.asked[cell - n], at)]
        return at, said, np.eye(said.shape[1], dtype=np.float32)[self.codes[at, cell - n] - 1]


class Told(NamedTuple):
    """What is said of one cell, in the rows (n_here,) of some in which it is unknown."""

    cell: int
    rows: NDArray[np.int64]
    at: NDArray[np.int64]  # where these rows stand in what the generator says of the cell
    said: NDArray[np.floating]  # values (n_here,), float64, or distributions (n_here, n_categories), float32
    whom: NDArray[np.uint8]
    scatter: NDArray[np.float32]
    apart: NDArray[np.float32]


def _joined(parts: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    """Arrays one after another; None where there are none."""
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if there else None
