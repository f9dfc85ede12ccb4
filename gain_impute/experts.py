"""Trees that learn each column from the completed table, and how far they are to be believed beside the generator.

The generator learns all columns at once; extremely randomised trees [1]_ learn one, and see what it smooths over. What
the two say is blended, column by column, by the weight that fills held-out cells best.

References
----------
.. [1] Geurts, Ernst & Wehenkel (2006), "Extremely randomized trees".
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor
from sklearn.tree._tree import Tree  # the only way to a tree from its arrays, without pickle

__all__ = ["CompletedRows", "Experts", "Forest", "HeldOutRows", "expert_rows"]

MOST_ROWS = 20_000  # that trees learn from
MOST_WORK = 30_000_000  # rows x columns x features: wide tables learn from fewer rows
LEAST_ROWS = 30  # known cells of a column with fewer teach no trees
N_TEXT_AXES = 4  # principal components of each text's embedding that trees read: with more they look at little else
SHARE_OF_FEATURES = 0.5  # that a split chooses from
FEW_ROWS = 2_000  # up to so many, leaves of a number may hold a single row: more would cost memory and time
WEIGHT_SPREAD = 0.2  # standard deviation of a column's weight around that of all columns, before its cells are seen
WEIGHTS = np.linspace(0, 1, 21)  # that are tried
LEAST_GAIN = 0.02  # share of the loss on held-out cells: trees that take less off it are not worth their time


@dataclass(frozen=True)
class Forest:
    """The trees of one column; the nodes of all of them one after the other, each tree's in depth-first order.

    The left child of an inner node is the node after it.

    Attributes
    ----------
    starts : ndarray of shape (n_trees + 1,), int64
        Where the nodes of each tree begin.
    feature : ndarray of shape (n_nodes,), int32
        What an inner node looks at; -1 of a leaf.
    value : ndarray of shape (n_nodes,), float32
        Threshold of an inner node: rows with no more go left. Of a leaf the z-score, or the 1-based code of a category.
    right : ndarray of shape (n_nodes,), int32
        Right child of an inner node, counted within the tree; 0 of a leaf.
    n_features : int
    """

    starts: NDArray[np.int64]
    feature: NDArray[np.int32]
    value: NDArray[np.float32]
    right: NDArray[np.int32]
    n_features: int

    def __post_init__(self) -> None:
        """Check that every path through every tree ends: what is walked through may come from a file."""
        n_nodes, sizes = len(self.feature), np.diff(self.starts)
        if self.starts[0] != 0 or self.starts[-1] != n_nodes or (sizes <= 0).any():
            raise ValueError("forest")
        at, end = np.arange(n_nodes) - np.repeat(self.starts[:-1], sizes), np.repeat(sizes, sizes)
        inner = self.feature >= 0
        if not (
            len(self.value) == len(self.right) == n_nodes
            and (self.feature < self.n_features).all()
            and (self.right[inner] > at[inner] + 1).all()
            and (self.right[inner] < end[inner]).all()
        ):
            raise ValueError("forest")

    @classmethod
    def fit(
        cls, features: NDArray[np.float32], target: NDArray[np.generic], *, is_number: bool, n_trees: int, seed: int
    ) -> Forest:
        """Grow trees.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features)
        target : ndarray of shape (n_rows,)
            Z-scores, or 1-based codes.
        is_number : bool
        n_trees : int
        seed : int
        """
        parts = []
        for tree_seed in np.random.SeedSequence(seed).generate_state(n_trees):
            kind = ExtraTreeRegressor if is_number else ExtraTreeClassifier
            leaf = 2 if is_number and len(target) > FEW_ROWS else 1
            grown = kind(min_samples_leaf=leaf, max_features=SHARE_OF_FEATURES, random_state=int(tree_seed))
            tree = grown.fit(features, target).tree_
            is_leaf = tree.children_left < 0
            said = tree.value[:, 0, 0] if is_number else grown.classes_[tree.value[:, 0].argmax(axis=1)]
            parts.append(
                (
                    np.where(is_leaf, -1, tree.feature).astype(np.int32),
                    np.where(is_leaf, said.astype(np.float32), _rounded_down(tree.threshold)),
                    np.where(is_leaf, 0, tree.children_right).astype(np.int32),
                )
            )
        feature, value, right = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        starts = np.cumsum([0, *(len(part[0]) for part in parts)], dtype=np.int64)
        return cls(starts, feature, value, right, features.shape[1])

    def says_codes_up_to(self, n_classes: int) -> bool:
        """Whether every leaf holds a code from 1 to the number of categories."""
        said = self.value[self.feature < 0]
        return bool(((said >= 1) & (said <= n_classes) & (said % 1 == 0)).all())

    @cached_property
    def _trees(self) -> list[tuple[Tree, NDArray[np.float32]]]:
        """Each tree as scikit-learn walks through it, with the values of its nodes."""
        return list(self._make_trees())

    def _make_trees(self) -> Iterator[tuple[Tree, NDArray[np.float32]]]:
        blank = ExtraTreeRegressor(random_state=0).fit(np.zeros((1, 1)), np.zeros(1)).tree_.__getstate__()
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            feature, value, right = self.feature[start:end], self.value[start:end], self.right[start:end]
            nodes, inner = np.zeros(end - start, blank["nodes"].dtype), feature >= 0
            nodes["feature"], nodes["threshold"] = np.where(inner, feature, -2), np.where(inner, value, -2)
            nodes["left_child"] = np.where(inner, np.arange(1, len(nodes) + 1), -1)
            nodes["right_child"] = np.where(inner, right, -1)
            tree = Tree(self.n_features, np.ones(1, np.intp), 1)
            content = {"max_depth": 0, "node_count": len(nodes), "nodes": nodes, "values": np.zeros((len(nodes), 1, 1))}
            tree.__setstate__(blank | content)
            yield tree, value

    def means(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean z-score (n_rows,) that the trees give."""
        total = np.zeros(len(features), np.float32)
        for tree, value in self._trees:
            total += value[tree.apply(features)]
        return total / np.float32(len(self._trees))

    def shares(self, features: NDArray[np.float32], n_classes: int) -> NDArray[np.float32]:
        """Share of the trees (n_rows, n_classes) that say each category."""
        votes, rows = np.zeros((len(features), n_classes), np.float32), np.arange(len(features))
        for tree, value in self._trees:
            votes[rows, value[tree.apply(features)].astype(np.intp) - 1] += 1
        return votes / np.float32(len(self._trees))


@dataclass(frozen=True)
class CompletedRows:
    """Rows in which every cell has a value: its own where it is known, else what the generator fills in.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, N), float32
        Z-scores.
    codes : ndarray of shape (n_rows, C), int64
        1-based codes.
    bags : tuple of ndarray of shape (n_rows, d_text), float32
        What the generator reads of each text.
    """

    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]
    bags: tuple[NDArray[np.float32], ...]

    @classmethod
    def together(cls, parts: Sequence[CompletedRows]) -> CompletedRows:
        """The rows of all parts, in their order."""
        bags = zip(*(part.bags for part in parts), strict=True)
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.codes for part in parts]),
            tuple(np.concatenate(bag) for bag in bags),
        )

    def take(self, rows: NDArray[np.int64]) -> CompletedRows:
        """Some of the rows."""
        return CompletedRows(self.numbers[rows], self.codes[rows], tuple(bag[rows] for bag in self.bags))


def expert_rows(n_rows: int, n_cells: int, n_texts: int, *, always: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Choose rows (ascending) for trees to learn from, `always` among them."""
    n_features = n_cells + N_TEXT_AXES * n_texts
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
    """The forests of all columns that have one.

    Attributes
    ----------
    axes : tuple of (mean, components), ndarray of shape (d_text,) and (n_axes, d_text), float32
        Principal components of each text's embedding.
    text_cells : tuple of int
        As in `TableLayout`: trees of a column do not read its own text.
    forests : dict of int to Forest
        By cell.
    weights : dict of int to float
        How far each is believed beside the generator, from 0 to 1.
    n_rows : int
        Rows that they learned from.
    """

    axes: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]
    text_cells: tuple[int, ...]
    forests: dict[int, Forest]
    weights: dict[int, float]
    n_rows: int

    @classmethod
    def fit(
        cls,
        completed: CompletedRows,
        known: NDArray[np.bool_],
        text_cells: tuple[int, ...],
        *,
        weights: dict[int, float],
        n_trees: int,
        seed: int,
        deadline: float = math.inf,
    ) -> Experts:
        """Grow the forests of the cells that have a weight, each from the rows where it is known.

        Where there are few of these, or categories that mostly occur but once, trees have nothing to learn.

        Parameters
        ----------
        completed : CompletedRows
            Of n_rows rows.
        known : ndarray of shape (n_rows, P), bool
        text_cells : tuple of int
        weights : dict of int to float
        n_trees : int
            Trees of a forest.
        seed : int
        deadline : float, default=inf
            Reading of `time.perf_counter` from which no further forest is begun.
        """
        n = completed.numbers.shape[1]
        grown = cls(tuple(_axes(bag) for bag in completed.bags), text_cells, {}, {}, len(known))
        features = grown.features(completed)
        for cell, weight in weights.items():
            rows = np.flatnonzero(known[:, cell])
            is_too_rare = cell >= n and 2 * len(np.unique(completed.codes[rows, cell - n])) > len(rows)
            if len(rows) < LEAST_ROWS or is_too_rare or time.perf_counter() >= deadline:
                continue
            seen = features[rows]
            seen[:, grown._own_features(cell, known.shape[1])] = 0  # no tree splits on what never varies
            target = completed.numbers[rows, cell] if cell < n else completed.codes[rows, cell - n]
            own_seed = int(np.random.SeedSequence([seed, cell]).generate_state(1)[0])
            grown.forests[cell] = Forest.fit(seen, target, is_number=cell < n, n_trees=n_trees, seed=own_seed)
            grown.weights[cell] = weight
        return grown

    def features(self, completed: CompletedRows) -> NDArray[np.float32]:
        """What trees read: numbers, codes, and the main directions of each text; (n_rows, n_features)."""
        texts = [(bag - mean) @ axes.T for bag, (mean, axes) in zip(completed.bags, self.axes, strict=True)]
        return np.concatenate([completed.numbers, completed.codes.astype(np.float32), *texts], axis=1)

    def _own_features(self, cell: int, n_cells: int) -> list[int]:
        """Features that tell the cell itself."""
        ends = np.cumsum([n_cells, *(len(axes) for _, axes in self.axes)])
        own = [range(a, b) for a, b, of in zip(ends[:-1], ends[1:], self.text_cells, strict=True) if of == cell]
        return [cell, *(i for part in own for i in part)]

    def blend(
        self,
        completed: CompletedRows,
        known: NDArray[np.bool_],
        numbers: NDArray[np.float32],
        probabilities: Sequence[NDArray[np.float32]],
    ) -> None:
        """Move what the generator says of the unknown cells of rows towards what the trees say, in place.

        Parameters
        ----------
        completed : CompletedRows
            Of n_rows rows.
        known : ndarray of shape (n_rows, P), bool
        numbers : ndarray of shape (n_rows, N), float32
            The generator's z-scores.
        probabilities : sequence of ndarray of shape (n_unknown, n_categories), float32
            Of each categorical column, the generator's, for the rows in which it is unknown.
        """
        believed = list(self.weights)
        rows = np.flatnonzero(~known[:, believed].all(axis=1))
        if len(rows) == 0:
            return
        features, n = self.features(completed.take(rows)), numbers.shape[1]
        for cell in believed:
            here, forest, weight = ~known[rows, cell], self.forests[cell], np.float32(self.weights[cell])
            if cell < n:
                at = rows[here]
                numbers[at, cell] += weight * (forest.means(features[here]) - numbers[at, cell])
            else:
                said = probabilities[cell - n]
                said += weight * (forest.shares(features[here], said.shape[1]) - said)

    def weighed(self, shown: HeldOutRows) -> Experts:
        """Believe each forest as far as held-out cells show that it helps.

        Each column's weight is the most probable one, given its own cells and a normal prior around the weight that
        suits all columns together, so that a column with few cells follows the others.
        """
        features, n = self.features(shown.completed), shown.numbers.shape[1]
        losses = {}
        for cell, forest in self.forests.items():
            at = np.flatnonzero(shown.held_out[:, cell])
            if cell < n:
                ours, theirs = shown.completed.numbers[at, cell], forest.means(features[at])
                true = shown.numbers[at, cell]
            else:
                ours = shown.probabilities[cell - n][np.searchsorted(shown.asked[cell - n], at)]
                theirs = forest.shares(features[at], ours.shape[1])
                true = np.eye(ours.shape[1], dtype=np.float32)[shown.codes[at, cell - n] - 1]
            losses[cell] = _losses(ours, theirs, true)
        weights: dict[int, float] = {}
        for cells in ([c for c in losses if c < n], [c for c in losses if c >= n]):
            if cells:
                middle = _best(np.sum([losses[cell] for cell in cells], axis=0), 0.5)
                weights |= {cell: _best(losses[cell], middle) for cell in cells}
        believed = {cell: weight for cell, weight in weights.items() if _gain(losses[cell], weight) >= LEAST_GAIN}
        return replace(self, forests={cell: self.forests[cell] for cell in believed}, weights=believed)


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The greatest single-precision numbers that are no greater: they part single-precision features alike."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def _axes(bag: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and principal components of a text's embedding."""
    found = PCA(min(N_TEXT_AXES, *bag.shape), svd_solver="covariance_eigh").fit(bag)
    return found.mean_.astype(np.float32), found.components_.astype(np.float32)


def _losses(ours: NDArray[np.float32], theirs: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """Squared error of the blend at each of WEIGHTS, in units that make it a negative log-likelihood.

    The unit is twice the mean squared error of a cell at the best weight. Numbers (n_cells,), or distributions
    (n_cells, n_categories) with the truth one-hot, whose squared error is the Brier score.
    """
    ahead, behind = (theirs - ours).astype(np.float64), (ours - true).astype(np.float64)
    errors = (behind**2).sum() + 2 * WEIGHTS * (ahead * behind).sum() + WEIGHTS**2 * (ahead**2).sum()
    return np.asarray(errors / max(2 * errors.min() / max(len(true), 1), 1e-12))


def _gain(losses: NDArray[np.float64], weight: float) -> float:
    """Share of the loss that a weight takes off."""
    return float(1 - np.interp(weight, WEIGHTS, losses) / losses[0]) if losses[0] > 0 else 0.0


def _best(losses: NDArray[np.float64], middle: float) -> float:
    """The most probable of WEIGHTS, with a normal prior around `middle`."""
    return float(WEIGHTS[np.argmin(losses + ((WEIGHTS - middle) / WEIGHT_SPREAD) ** 2 / 2)])
