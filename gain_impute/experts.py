"""Experts that learn one column each from the completed table, and how far they are to be believed.

The generator learns all columns at once. Trees see what it smooths over, and a line what it only nearly reaches. What
they say is blended, column by column, with the weights that fill held-out cells best, and then moved towards what
stands in rows with nearly the same text.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gain_impute.forest import Forest
from gain_impute.line import Line
from gain_impute.neighbours import Nearest, Neighbours, Trust
from gain_impute.text_axes import N_AXES, TextAxes
from gain_impute.weighing import NOT_AT_ALL, Opinion, Weights, blended, losses_of_weights, most_probable_weights

__all__ = ["CompletedRows", "Experts", "HeldOutRows", "expert_rows"]

MOST_ROWS = 20_000  # that trees learn from
MOST_WORK = 30_000_000  # rows x columns x features: wide tables learn from fewer rows
LEAST_ROWS = 30  # known cells of a column with fewer teach no expert
N_TREE_AXES = 60  # of all texts together, that trees read: more take them long, where there are many texts
N_LINE_CATEGORIES = 20  # most frequent ones of a column, each a feature of lines
SHARE_OF_FIRST_TREES = 0.5  # that complete rows for all trees to read: the rest would cost time and help little


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
    """

    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]
    texts: tuple[NDArray[np.float32], ...]
    nearest: dict[int, Nearest] = field(default_factory=dict)

    @classmethod
    def together(cls, parts: Sequence[CompletedRows]) -> CompletedRows:
        """The rows of all parts, in their order."""
        texts = zip(*(part.texts for part in parts), strict=True)
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.codes for part in parts]),
            tuple(np.concatenate(text) for text in texts),
            {text: Nearest.together([part.nearest[text] for part in parts]) for text in parts[0].nearest},
        )

    def take(self, rows: NDArray[np.int64]) -> CompletedRows:
        """Some of the rows."""
        texts, nearest = tuple(text[rows] for text in self.texts), self.nearest.items()
        return CompletedRows(self.numbers[rows], self.codes[rows], texts, {i: of.take(rows) for i, of in nearest})

    def filled(
        self, known: NDArray[np.bool_], numbers: NDArray[np.float32], probabilities: Sequence[NDArray[np.float32]]
    ) -> CompletedRows:
        """The rows with other values in their unknown cells; arguments are those of `Experts.blend`."""
        codes, n = self.codes.copy(), numbers.shape[1]
        for column, shares in enumerate(probabilities):
            codes[~known[:, n + column], column] = shares.argmax(axis=1) + 1
        return replace(self, numbers=np.where(known[:, :n], self.numbers, numbers), codes=codes)


def expert_rows(n_rows: int, n_cells: int, n_texts: int, *, always: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Choose rows (ascending) for trees to learn from, `always` among them."""
    n_features = n_cells + min(N_TREE_AXES, N_AXES * n_texts)
    most = min(MOST_ROWS, max(LEAST_ROWS, MOST_WORK // max(1, n_cells * n_features)))
    if n_rows <= most:
        return np.arange(n_rows)
    others = np.setdiff1d(np.arange(n_rows), always, assume_unique=True)
    rng = np.random.default_rng(seed)
    return np.sort(np.concatenate([always, rng.choice(others, max(0, most - len(always)), replace=False)]))


@dataclass(frozen=True)
class HeldOutRows:
    """Rows with held-out cells, as they stand without them, and what stood there.

    Attributes
    ----------
    completed : CompletedRows
        Completed without the held-out cells.
    held_out : ndarray of shape (n_rows, P), bool
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
    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]
    asked: Sequence[NDArray[np.int64]]
    probabilities: Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class Experts:
    """The experts of all columns that have some.

    Attributes
    ----------
    axes : tuple of TextAxes
        Of each text.
    text_cells : tuple of int
        As in `TableLayout`: experts of a column do not read its own text.
    n_numbers : int
        Number of numeric columns.
    class_sizes : tuple of int
        Number of categories of each categorical column, when they learned.
    forests : dict of int to Forest
        By cell.
    lines : dict of int to Line
        By cell; of numbers.
    weights : dict of int to Weights
        How far they are believed, of each cell that has one.
    n_rows : int
        Rows that they learned from.
    neighbours : Neighbours
        Towards which what all of them say is moved.
    """

    axes: tuple[TextAxes, ...]
    text_cells: tuple[int, ...]
    n_numbers: int
    class_sizes: tuple[int, ...]
    forests: dict[int, Forest]
    lines: dict[int, Line]
    weights: dict[int, Weights]
    n_rows: int
    neighbours: Neighbours

    @classmethod
    def fit(
        cls,
        completed: CompletedRows,
        known: NDArray[np.bool_],
        axes: tuple[TextAxes, ...],
        text_cells: tuple[int, ...],
        class_sizes: tuple[int, ...],
        *,
        weights: dict[int, Weights],
        neighbours: Neighbours,
        n_trees: int,
        seed: int,
        deadline: float = math.inf,
    ) -> Experts:
        """Teach the experts that have a weight, each from the rows where its cell is known.

        Where there are few of these, or categories that mostly occur but once, there is nothing to learn.

        Parameters
        ----------
        completed : CompletedRows
            Of n_rows rows.
        known : ndarray of shape (n_rows, P), bool
        axes : tuple of TextAxes
            Along which the rows' texts are placed.
        text_cells, class_sizes
            Of the layout.
        weights : dict of int to Weights
        neighbours : Neighbours
        n_trees : int
            Trees of a forest.
        seed : int
        deadline : float, default=inf
            Reading of `time.perf_counter` from which no further expert is begun.
        """
        n = completed.numbers.shape[1]
        taught = cls(axes, text_cells, n, class_sizes, {}, {}, {}, len(known), neighbours)
        features, line_features = taught.features(completed), taught.line_features(completed)
        for cell, weight in weights.items():
            rows, is_number = np.flatnonzero(known[:, cell]), cell < n
            is_too_rare = not is_number and 2 * len(np.unique(completed.codes[rows, cell - n])) > len(rows)
            if len(rows) < LEAST_ROWS or is_too_rare or time.perf_counter() >= deadline:
                continue
            target = completed.numbers[rows, cell] if is_number else completed.codes[rows, cell - n]
            if weight.trees > 0:
                seen = features[rows]
                seen[:, taught.told_by_features == cell] = 0  # no tree splits on what never varies
                own_seed = int(np.random.SeedSequence([seed, cell]).generate_state(1)[0])
                taught.forests[cell] = Forest.fit(seen, target, is_number=is_number, n_trees=n_trees, seed=own_seed)
            if weight.line > 0 and is_number:
                others = taught.told_by_line_features != cell
                taught.lines[cell] = Line.fit(line_features[rows], target, others)
            taught.weights[cell] = weight
        return taught

    def features(self, completed: CompletedRows) -> NDArray[np.float32]:
        """What trees read: numbers, codes, and where each text lies; (n_rows, n_features)."""
        texts = [text[:, :n_axes] for text, n_axes in zip(completed.texts, self._tree_axes, strict=True)]
        return np.concatenate([completed.numbers, completed.codes.astype(np.float32), *texts], axis=1)

    def line_features(self, completed: CompletedRows) -> NDArray[np.float32]:
        """What lines read: numbers, which of its frequent categories a column has, and where each text lies."""
        codes = zip(completed.codes.T, self._line_categories, strict=True)
        which = [(column[:, None] == np.arange(1, n + 1)).astype(np.float32) for column, n in codes]
        return np.concatenate([completed.numbers, *which, *completed.texts], axis=1)

    @property
    def _line_categories(self) -> list[int]:
        """How many categories of each column lines tell apart."""
        return [min(size, N_LINE_CATEGORIES) for size in self.class_sizes]

    @property
    def _tree_axes(self) -> list[int]:
        """How many directions of each text trees read."""
        return [min(axes.n_axes, max(1, N_TREE_AXES // len(self.axes))) for axes in self.axes]

    def _told_by_texts(self, n_axes: list[int]) -> NDArray[np.int64]:
        return np.repeat(np.array(self.text_cells, np.int64), n_axes)

    @cached_property
    def told_by_features(self) -> NDArray[np.int64]:
        """Of which cell each feature of trees tells; (n_features,)."""
        cells = np.arange(self.n_numbers + len(self.class_sizes))
        return np.concatenate([cells, self._told_by_texts(self._tree_axes)])

    @cached_property
    def told_by_line_features(self) -> NDArray[np.int64]:
        """Of which cell each feature of lines tells; (n_line_features,)."""
        sizes = [1] * self.n_numbers + self._line_categories
        cells = np.repeat(np.arange(len(sizes)), sizes)
        return np.concatenate([cells, self._told_by_texts([axes.n_axes for axes in self.axes])])

    def blend(
        self,
        completed: CompletedRows,
        known: NDArray[np.bool_],
        numbers: NDArray[np.float32],
        probabilities: Sequence[NDArray[np.float32]],
    ) -> NDArray[np.bool_]:
        """Move what the generator says of the unknown cells of rows towards what experts and neighbours say, in place.

        Where several cells of a row are unknown, some of the trees complete it first: then all experts read that.

        Parameters
        ----------
        completed : CompletedRows
            Of n_rows rows, by the generator.
        known : ndarray of shape (n_rows, P), bool
        numbers : ndarray of shape (n_rows, N), float32
            The generator's z-scores.
        probabilities : sequence of ndarray of shape (n_unknown, n_categories), float32
            Of each categorical column, the generator's, for the rows in which it is unknown.

        Returns
        -------
        ndarray of shape (n_rows, P), bool
            The cells of which neighbours say more than all others.
        """
        n, n_unknown, prevail = numbers.shape[1], (~known[:, self.cells]).sum(axis=1), np.zeros_like(known)
        several, nearest = np.flatnonzero(n_unknown > 1), completed.nearest
        if len(several) > 0:
            heard = self._heard(completed.take(several), SHARE_OF_FIRST_TREES)
            completed = replace(completed, numbers=completed.numbers.copy(), codes=completed.codes.copy())
            told = self._together(heard, several, known, numbers, probabilities, nearest=nearest)
            for cell, rows, _, (said, _) in told:
                if cell < n:
                    completed.numbers[rows, cell] = said
                else:
                    completed.codes[rows, cell - n] = said.argmax(axis=1) + 1
        asked = np.flatnonzero(n_unknown > 0)
        if len(asked) > 0:
            heard = self._heard(completed.take(asked))
            told = self._together(heard, asked, known, numbers, probabilities, nearest=nearest)
            for cell, rows, at, (said, prevail[rows, cell]) in told:
                if cell < n:
                    numbers[rows, cell] = said
                else:
                    probabilities[cell - n][at] = said
        return prevail

    def _together(
        self,
        heard: _Heard,
        rows: NDArray[np.int64],
        known: NDArray[np.bool_],
        numbers: NDArray[np.float32],
        probabilities: Sequence[NDArray[np.float32]],
        *,
        nearest: dict[int, Nearest],
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64], _Told]]:
        """What all say together of unknown cells, for each cell of which not the generator alone says something.

        With the cell come those of the rows in which it is unknown, where these stand in what the generator says of it,
        and the values or distributions, with where neighbours say more of them than all others.
        """
        n = numbers.shape[1]
        for cell in self.cells:
            here = np.flatnonzero(~known[rows, cell])
            at = rows[here] if cell < n else np.searchsorted(np.flatnonzero(~known[:, cell]), rows[here])
            ours = numbers[at, cell] if cell < n else probabilities[cell - n][at]
            said = blended(ours, heard(cell, here, ours.shape[1:]), self.weights.get(cell, NOT_AT_ALL))
            prevail = np.zeros(len(here), bool)
            if cell in self.neighbours.trust:
                theirs = nearest[self.neighbours.trust[cell].text].take(rows[here])
                said, prevail = self.neighbours.moved(cell, theirs, said)
            yield cell, rows[here], at, (said, prevail)

    @property
    def cells(self) -> list[int]:
        """Those of which experts or neighbours tell."""
        return sorted({*self.weights, *self.neighbours.trust})

    def _heard(self, completed: CompletedRows, share: float = 1.0) -> _Heard:
        """Of completed rows, a function that asks a share of the trees, and the line, of a cell about some of them.

        It takes the shape of what is said of one of them: of categories, there may be more than when trees learned.
        """
        features = self.features(completed) if self.forests else None
        line_features = self.line_features(completed) if self.lines else None

        def asked(cell: int, at: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[Opinion, Opinion]:
            trees: Opinion = None
            line: Opinion = None
            if features is not None and cell in self.forests:
                forest, seen = self.forests[cell], features[at]
                trees = forest.shares(seen, *shape, share=share) if shape else forest.means(seen, share=share)
            if line_features is not None and cell in self.lines:
                line = self.lines[cell].means(line_features[at])
            return trees, line

        return asked

    def weighed(self, shown: HeldOutRows) -> Experts:
        """Believe each expert as far as held-out cells show that it helps.

        Numbers and categories are weighed apart.
        """
        heard, n = self._heard(shown.completed), shown.numbers.shape[1]
        said: dict[int, tuple[NDArray[np.float32], Sequence[Opinion], NDArray[np.float32]]] = {}
        for cell in range(n + len(self.class_sizes)) if shown.completed.nearest else self.weights:
            at = np.flatnonzero(shown.held_out[:, cell])
            if cell < n:
                ours, true = shown.completed.numbers[at, cell], shown.numbers[at, cell]
            else:
                ours = shown.probabilities[cell - n][np.searchsorted(shown.asked[cell - n], at)]
                true = np.eye(ours.shape[1], dtype=np.float32)[shown.codes[at, cell - n] - 1]
            said[cell] = ours, heard(cell, at, ours.shape[1:]), true
        losses = {cell: losses_of_weights(*said[cell]) for cell in self.weights}
        has = {cell: np.array([opinion is not None for opinion in said[cell][1]]) for cell in self.weights}
        weights = most_probable_weights({cell: losses[cell] for cell in losses if cell < n}, has)
        weights |= most_probable_weights({cell: losses[cell] for cell in losses if cell >= n}, has)
        believed = {cell: weight for cell, weight in weights.items() if any(weight)}
        forests = {cell: self.forests[cell] for cell, weight in believed.items() if weight.trees > 0}
        lines = {cell: self.lines[cell] for cell, weight in believed.items() if weight.line > 0}
        trust: dict[int, Trust] = {}
        for cell, (ours, opinions, true) in said.items():
            at = np.flatnonzero(shown.held_out[:, cell])
            nearest = {text: found.take(at) for text, found in shown.completed.nearest.items()}
            alone = blended(ours, opinions, believed.get(cell, NOT_AT_ALL))
            trust |= self.neighbours.trusted(cell, nearest, alone, true)
        return replace(self, forests=forests, lines=lines, weights=believed, neighbours=self.neighbours.believed(trust))


_Told = tuple[NDArray[np.float32], NDArray[np.bool_]]
_Heard = Callable[[int, NDArray[np.int64], tuple[int, ...]], tuple[Opinion, Opinion]]
