"""Experts that learn one column each from the completed table, and how far they are to be believed.

The generator learns all columns at once. Trees see what it smooths over, and a line what it only nearly reaches. What
they say is blended, column by column, with the weights that fill held-out cells best, and then moved towards what
stands in rows with nearly the same text.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gain_impute.completed import CompletedRows, HeldOutRows, Told
from gain_impute.dependencies import Dependencies, HeldOut
from gain_impute.dependency import side_by_side
from gain_impute.forest import Forest
from gain_impute.line import Line
from gain_impute.marginal import marginal_of, say_marginal
from gain_impute.neighbours import Neighbours, Trust
from gain_impute.ranks import Ranks
from gain_impute.support import Support
from gain_impute.text_axes import TextAxes
from gain_impute.weighing import (
    LEAST_OF_NUMBERS,
    NOT_AT_ALL,
    Opinion,
    Weights,
    believed_weights,
    blended,
    disagreement,
    losses_of_weights,
    without_support,
)

__all__ = ["HEARD", "Experts"]


HEARD = {"trees": 1, "line": 2, "neighbours": 4, "dependency": 8}
"""Who is heard of a cell beside the generator, as bits."""

LEAST_ROWS = 30  # known cells of a column with fewer teach no expert
N_TREE_AXES = 60  # of all texts together, that trees read: more take them long, where there are many texts
N_LINE_CATEGORIES = 20  # most frequent ones of a column, each a feature of lines
MOST_LINE_CLASSES = 1_000  # categories of which a line says the shares: of more it would take long, and much memory
SHARE_OF_FIRST_TREES = 0.5  # that complete rows for all trees to read: the rest would cost time and help little


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
        By cell; of numbers and categories.
    marginals : dict of int to ndarray of shape (1,) or (n_categories,), float32
        Mean of the known numbers, or shares of the known categories, by cell.
    weights : dict of int to Weights
        How far they are believed, of each cell that has one.
    n_rows : int
        Rows that they learned from.
    neighbours : Neighbours
        Towards which what all of them say is moved.
    support : Support
        Cells without it are blended `without_support`: held-out cells do not tell of them.
    dependencies : Dependencies
        By which some of the cells are decided, whatever all of them say.
    ranks : Ranks
        Of the skewed columns, which trees read too.
    """

    axes: tuple[TextAxes, ...]
    text_cells: tuple[int, ...]
    n_numbers: int
    class_sizes: tuple[int, ...]
    forests: dict[int, Forest]
    lines: dict[int, Line]
    marginals: dict[int, NDArray[np.float32]]
    weights: dict[int, Weights]
    n_rows: int
    neighbours: Neighbours
    support: Support
    dependencies: Dependencies
    ranks: Ranks

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
        dependencies: Dependencies,
        n_trees: int,
        seed: int,
        deadline: float = math.inf,
    ) -> Experts:
        """Teach the experts that have a weight, or are heard without support, from the rows where their cell is known.

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
        dependencies : Dependencies
        n_trees : int
            Trees of a forest.
        seed : int
        deadline : float, default=inf
            Reading of `time.perf_counter` from which no further expert is begun.
        """
        n, support = completed.numbers.shape[1], Support.measure(completed.codes, known, class_sizes)
        ranks = Ranks.measure(completed.numbers, known)
        taught = cls(
            axes, text_cells, n, class_sizes, {}, {}, {}, {}, len(known), neighbours, support, dependencies, ranks
        )
        features, line_features = taught.features(completed), taught.line_features(completed)
        for cell in sorted({*weights, *support.cells}):
            rows, is_number, is_in_doubt = np.flatnonzero(known[:, cell]), cell < n, cell in support.cells
            weight = weights.get(cell, NOT_AT_ALL)
            is_too_rare = not is_number and 2 * len(np.unique(completed.codes[rows, cell - n])) > len(rows)
            if len(rows) < LEAST_ROWS or is_too_rare or time.perf_counter() >= deadline:
                continue
            target = completed.numbers[rows, cell] if is_number else completed.codes[rows, cell - n]
            if weight.trees > 0 or is_in_doubt:
                seen = features[rows]
                seen[:, taught.told_by_features == cell] = 0  # no tree splits on what never varies
                own_seed = int(np.random.SeedSequence([seed, cell]).generate_state(1)[0])
                taught.forests[cell] = Forest.fit(seen, target, is_number=is_number, n_trees=n_trees, seed=own_seed)
            others = taught.told_by_line_features != cell
            has_line = others.any() and (is_in_doubt or (is_number and weight.line > 0))
            if has_line and is_number:
                taught.lines[cell] = Line.fit(line_features[rows], target, others)
            elif has_line and class_sizes[cell - n] <= MOST_LINE_CLASSES:
                taught.lines[cell] = Line.fit_classes(line_features[rows], target, others, class_sizes[cell - n])
            if cell in weights:
                taught.weights[cell] = weight
                taught.marginals[cell] = marginal_of(target, None if is_number else class_sizes[cell - n])
        return taught

    def features(self, completed: CompletedRows) -> NDArray[np.float32]:
        """What trees read: numbers, codes, where each text lies, and ranks of skewed numbers; (n_rows, n_features)."""
        texts = [text[:, :n_axes] for text, n_axes in zip(completed.texts, self._tree_axes, strict=True)]
        ranks = self.ranks.of(completed.numbers)
        return np.concatenate([completed.numbers, completed.codes.astype(np.float32), *texts, ranks], axis=1)

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
        return np.concatenate([cells, self._told_by_texts(self._tree_axes), self.ranks.columns])

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
        numbers: NDArray[np.float64],
        probabilities: Sequence[NDArray[np.float32]],
        *,
        picked: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        """Move what the generator says of the unknown cells of rows towards what experts and neighbours say, in place.

        Where several cells of a row are unknown, some of the trees complete it first: then all experts read that.

        Parameters
        ----------
        completed : CompletedRows
            Of n_rows rows, by the generator.
        known : ndarray of shape (n_rows, P), bool
        numbers : ndarray of shape (n_rows, N), float64
            The generator's z-scores.
        probabilities : sequence of ndarray of shape (n_unknown, n_categories), float32
            Of each categorical column, the generator's, for the rows in which it is unknown.
        picked : ndarray of shape (n_rows,), float32, optional
            For a draw: which of the trees is picked in each row, from 0 to 1.

        Returns
        -------
        whom : ndarray of shape (n_rows, P), uint8
            Who is heard of each unknown cell, the sum of `HEARD`; neighbours, where they say more than all others.
        scatter : ndarray of shape (n_rows, N), float32
            Standard deviation of what single trees say of a number, or how far the picked one is from their mean; 0
            where trees are not heard.
        apart : ndarray of shape (n_rows, N), float32
            How far apart they are about a number without support; 0 of all others, for held-out cells tell of these,
            and where neighbours say more.
        """
        n, n_unknown = numbers.shape[1], (~known[:, self.cells]).sum(axis=1)
        whom, (scatter, apart) = np.zeros(known.shape, np.uint8), np.zeros((2, *numbers.shape), np.float32)
        several = np.flatnonzero(n_unknown > 1)
        if len(several) > 0:
            told = self._together(completed, several, known, numbers, probabilities, share=SHARE_OF_FIRST_TREES)
            completed = replace(completed, numbers=completed.numbers.copy(), codes=completed.codes.copy())
            for of in told:
                if of.cell < n:
                    completed.numbers[of.rows, of.cell] = of.said  # as float32
                else:
                    completed.codes[of.rows, of.cell - n] = of.said.argmax(axis=1) + 1
        asked = np.flatnonzero(n_unknown > 0)
        if len(asked) > 0:
            told = self._together(completed, asked, known, numbers, probabilities, picked=picked)
            for of in told:
                whom[of.rows, of.cell] = of.whom
                if of.cell < n:
                    numbers[of.rows, of.cell] = of.said
                    scatter[of.rows, of.cell], apart[of.rows, of.cell] = of.scatter, of.apart
                else:
                    probabilities[of.cell - n][of.at] = of.said
        return whom, scatter, apart

    def _together(
        self,
        completed: CompletedRows,
        rows: NDArray[np.int64],
        known: NDArray[np.bool_],
        numbers: NDArray[np.float64],
        probabilities: Sequence[NDArray[np.float32]],
        *,
        share: float = 1.0,
        picked: NDArray[np.float32] | None = None,
    ) -> Iterator[Told]:
        """What all say together of unknown cells, for each cell of which not the generator alone says something."""
        of_rows = completed.take(rows)
        n, heard = numbers.shape[1], self._heard(of_rows, share, None if picked is None else picked[rows])
        is_lacking = self.support.is_lacking(of_rows.codes, known[rows])
        shown = side_by_side(of_rows.numbers, of_rows.residues, of_rows.codes, known[rows], of_rows.identifiers)
        for cell in self.cells:
            here = np.flatnonzero(~known[rows, cell])
            if len(here) == 0:  # most columns of one row
                continue
            at = rows[here] if cell < n else np.searchsorted(np.flatnonzero(~known[:, cell]), rows[here])
            ours = numbers[at, cell] if cell < n else probabilities[cell - n][at]
            said, whom, lacks = ours.copy(), np.zeros(len(here), np.uint8), is_lacking[here, cell]
            scatter, apart = np.zeros(len(here), np.float32), np.zeros(len(here), np.float32)
            learned = self.weights.get(cell, NOT_AT_ALL)
            for weights, of in ((learned, ~lacks), (without_support(learned), lacks)):
                if any(weights) and of.any():
                    opinions, scatter[of] = heard(cell, here[of], ours.shape[1:], weights)
                    said[of] = blended(ours[of], opinions, weights)
                    *experts, _ = opinions
                    whom[of] = sum(bit for bit, says in zip(HEARD.values(), experts, strict=False) if says is not None)
                    if of is lacks and cell < n:
                        apart[of] = disagreement(ours[of], experts)
            if cell in self.neighbours.trust:
                theirs = completed.nearest[self.neighbours.trust[cell].text].take(rows[here])
                said, prevail = self.neighbours.moved(cell, theirs, said)
                whom += np.uint8(HEARD["neighbours"]) * prevail
                apart[prevail] = 0
            if cell in self.dependencies.of_cells:
                said, is_decided = self.dependencies.follow(cell, shown[here], said)
                whom[is_decided], scatter[is_decided], apart[is_decided] = HEARD["dependency"], 0, 0
            yield Told(cell, rows[here], at, said, whom, scatter, apart)

    @property
    def cells(self) -> list[int]:
        """Those of which experts, neighbours or dependencies tell."""
        return sorted({*self.weights, *self.neighbours.trust, *self.support.cells, *self.dependencies.of_cells})

    def _heard(self, completed: CompletedRows, share: float = 1.0, picked: NDArray[np.float32] | None = None) -> _Heard:
        """Of completed rows, a function that asks a share of the trees, and the line, of a cell about some of them.

        It takes the shape of what is said of one of them, for there may be more categories than when trees learned; and
        weights: who has none is not asked. With all trees it also says how far apart these are about a number.
        """
        features = self.features(completed) if self.forests else None
        line_features = self.line_features(completed) if self.lines else None

        def asked(
            cell: int, at: NDArray[np.int64], shape: tuple[int, ...], weights: Weights
        ) -> tuple[tuple[Opinion, ...], NDArray[np.float32]]:
            trees: Opinion = None
            line: Opinion = None
            marginal: Opinion = None
            scatter = np.zeros(len(at), np.float32)
            if features is not None and cell in self.forests and weights.trees > 0:
                forest, seen = self.forests[cell], features[at]
                if shape:
                    trees = forest.shares(seen, *shape, share=share)
                elif share < 1:
                    trees = forest.means(seen, share=share)
                else:
                    of_rows = None if picked is None else picked[at]
                    trees, scatter = forest.means_and_scatter(seen, picked=of_rows)
            if line_features is not None and cell in self.lines and weights.line > 0:
                straight, seen = self.lines[cell], line_features[at]
                line = straight.shares(seen, *shape) if shape else straight.means(seen)
            if cell in self.marginals and weights.marginal > 0:
                marginal = say_marginal(self.marginals[cell], len(at), shape)
            return (trees, line, marginal), scatter

        return asked

    def weighed(self, shown: HeldOutRows) -> Experts:
        """Believe each expert as far as held-out cells show that it helps.

        Numbers and categories are weighed apart.
        """
        heard, n = self._heard(shown.completed), shown.numbers.shape[1]
        told = sorted({*self.weights, *self.dependencies.of_cells})
        said: dict[int, tuple[NDArray[np.float32], Sequence[Opinion], NDArray[np.float32]]] = {}
        for cell in range(n + len(self.class_sizes)) if shown.completed.nearest else told:
            at, ours, true = shown.cells(cell)
            all_say, _ = heard(cell, at, ours.shape[1:], Weights(1, float(cell < n), 1))
            said[cell] = ours, all_say, true
        losses = {cell: losses_of_weights(*said[cell]) for cell in self.weights}
        has = {cell: np.array([opinion is not None for opinion in said[cell][1]]) for cell in self.weights}
        weights = believed_weights({cell: losses[cell] for cell in losses if cell < n}, has, LEAST_OF_NUMBERS)
        weights |= believed_weights({cell: losses[cell] for cell in losses if cell >= n}, has)
        believed = {cell: weight for cell, weight in weights.items() if any(weight)}
        of_trees = self.support.cells.union(cell for cell, weight in believed.items() if weight.trees > 0)
        of_lines = self.support.cells.union(cell for cell, weight in believed.items() if weight.line > 0)
        forests = {cell: forest for cell, forest in self.forests.items() if cell in of_trees}
        lines = {cell: line for cell, line in self.lines.items() if cell in of_lines}
        trust: dict[int, Trust] = {}
        theirs = shown.completed
        visible = side_by_side(shown.numbers, theirs.residues, shown.codes, shown.visible, theirs.identifiers)
        held_out: dict[int, HeldOut] = {}
        for cell, (ours, opinions, true) in said.items():
            at = np.flatnonzero(shown.held_out[:, cell])
            nearest = {text: found.take(at) for text, found in theirs.nearest.items()}
            together = blended(ours, opinions, believed.get(cell, NOT_AT_ALL))
            trusted = self.neighbours.trusted(cell, nearest, together, true)
            if trusted:
                together, _ = self.neighbours.believed(trusted).moved(cell, nearest[trusted[cell].text], together)
            trust |= trusted
            held_out[cell] = HeldOut(visible[at], together, true)
        return replace(
            self,
            forests=forests,
            lines=lines,
            weights=believed,
            neighbours=self.neighbours.believed(trust),
            dependencies=self.dependencies.believed(held_out),
        )


_Heard = Callable[[int, NDArray[np.int64], tuple[int, ...], Weights], tuple[tuple[Opinion, ...], NDArray[np.float32]]]
