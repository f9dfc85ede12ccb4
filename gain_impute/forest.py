"""Extremely randomised trees of one column, as arrays that a file can hold.

References
----------
.. [1] Geurts, Ernst & Wehenkel (2006), "Extremely randomized trees".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor
from sklearn.tree._tree import Tree  # the only way to a tree from its arrays, without pickle

__all__ = ["Forest"]

SHARE_OF_FEATURES, LEAST_FEATURES, MOST_FEATURES = 0.5, 16, 64  # that a split chooses from; all, where there are fewer
FEW_ROWS = 2_000  # learned from: of so many, leaves of a number may hold a single row: more would cost memory and time
FEW_ROWS_ASKED = 32  # up to so many are asked of all trees at once: each call of a tree takes as long as several walks


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
        parts, n_features = [], features.shape[1]
        n_tried = min(n_features, MOST_FEATURES, max(LEAST_FEATURES, int(SHARE_OF_FEATURES * n_features)))
        seen = np.ascontiguousarray(features, np.float32)
        kind = ExtraTreeRegressor if is_number else ExtraTreeClassifier
        leaf = 2 if is_number and len(target) > FEW_ROWS else 1
        with config_context(skip_parameter_validation=True):  # as often as there are trees, it would take long
            for tree_seed in np.random.SeedSequence(seed).generate_state(n_trees):
                grown = kind(min_samples_leaf=leaf, max_features=n_tried, random_state=int(tree_seed))
                tree = grown.fit(seen, target, check_input=False).tree_
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
        return cls(starts, feature, value, right, n_features)

    def says_codes_up_to(self, n_classes: int) -> bool:
        """Whether every leaf holds a code from 1 to the number of categories."""
        said = self.value[self.feature < 0]
        return bool(((said >= 1) & (said <= n_classes) & (said % 1 == 0)).all())

    @cached_property
    def _trees(self) -> list[Tree]:
        """Each tree as scikit-learn walks it: many rows go through one, which the cache holds, then another."""
        nodes = self._nodes()
        return [_tree_of(nodes[at:end], self.n_features) for at, end in zip(self.starts, self.starts[1:], strict=False)]

    @cached_property
    def _all_as_one(self) -> Tree:
        """All trees as one, which few rows go through at once: the feature after the last says which of them is asked.

        The first nodes split on that, in halves, and lead to the roots; all other nodes follow.
        """
        threshold, left, right = self._splits()
        splits, nodes = np.zeros(len(threshold), _blank()["nodes"].dtype), self._nodes()
        splits["feature"], splits["threshold"] = self.n_features, threshold
        splits["left_child"], splits["right_child"] = left, right
        inner, roots = nodes["feature"] >= 0, len(splits) + np.repeat(self.starts[:-1], np.diff(self.starts))
        for side in ("left_child", "right_child"):
            nodes[side] += inner * roots
        return _tree_of(np.concatenate([splits, nodes]), self.n_features + 1)

    def _nodes(self) -> NDArray[np.void]:
        """The nodes of all trees as scikit-learn keeps them, children counted within their tree."""
        inner, nodes = self.feature >= 0, np.zeros(len(self.feature), _blank()["nodes"].dtype)
        within = np.arange(len(nodes)) - np.repeat(self.starts[:-1], np.diff(self.starts))
        nodes["feature"], nodes["threshold"] = np.where(inner, self.feature, -2), np.where(inner, self.value, -2)
        nodes["left_child"], nodes["right_child"] = np.where(inner, (within + 1, self.right), -1)
        return nodes

    def _splits(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Threshold, left and right child of the nodes that lead to the roots of all as one."""
        spans = [(0, len(self.starts) - 1)]
        for first, end in spans:  # grows meanwhile: each span but those of one tree adds its halves
            if end - first > 1:
                middle = (first + end) // 2
                spans += [(first, middle), (middle, end)]
        firsts, ends = np.array(spans).T
        is_split = ends - firsts > 1
        node = np.where(is_split, np.cumsum(is_split) - 1, is_split.sum() + self.starts[firsts])
        return firsts[2::2] - 0.5, node[1::2], node[2::2]

    def means(self, features: NDArray[np.float32], *, share: float = 1.0) -> NDArray[np.float32]:
        """Mean z-score (n_rows,) that the trees give; that of a share of them is sooner there."""
        means: NDArray[np.float64] = self._said(features, share).mean(axis=0, dtype=np.float64)  # alike for one row
        return means.astype(np.float32)

    def means_and_scatter(
        self, features: NDArray[np.float32], *, picked: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean z-score (n_rows,) that the trees give, and the standard deviation of what single ones give.

        With `picked` (n_rows,), from 0 to 1, not that, but how far from the mean one of them is, another in each row.
        """
        said = self._said(features, 1.0)
        means = said.mean(axis=0, dtype=np.float64).astype(np.float32)
        if picked is not None:
            which = np.minimum(picked * len(said), len(said) - 1).astype(np.intp)
            return means, said[which, np.arange(len(which))] - means
        said -= means
        return means, np.sqrt(np.einsum("tr,tr->r", said, said) / np.float32(len(said)))

    def shares(self, features: NDArray[np.float32], n_classes: int, *, share: float = 1.0) -> NDArray[np.float32]:
        """Share of the trees (n_rows, n_classes) that say each category."""
        said = self._said(features, share).astype(np.intp) - 1
        votes = np.bincount((said + np.arange(len(features)) * n_classes).ravel(), minlength=len(features) * n_classes)
        return (votes.reshape(-1, n_classes) / len(said)).astype(np.float32)

    def _said(self, features: NDArray[np.float32], share: float) -> NDArray[np.float32]:
        """What each of the trees says, or each of a share of them; (n_trees, n_rows)."""
        n_rows, n_trees = len(features), max(1, round(share * (len(self.starts) - 1)))
        if n_rows > FEW_ROWS_ASKED:
            leaves = np.stack([tree.apply(features) for tree in self._trees[:n_trees]])
            return np.asarray(self.value[leaves + self.starts[:n_trees, None]])
        asked = np.empty((n_trees, n_rows, self.n_features + 1), np.float32)
        asked[:, :, :-1], asked[:, :, -1] = features, np.arange(n_trees)[:, None]
        nodes = self._all_as_one.apply(asked.reshape(-1, self.n_features + 1)) - (len(self.starts) - 2)
        return np.asarray(self.value[nodes].reshape(n_trees, n_rows))


@cache
def _blank() -> dict[str, Any]:
    """The state of a tree that says nothing."""
    state: dict[str, Any] = ExtraTreeRegressor(random_state=0).fit(np.zeros((1, 1)), np.zeros(1)).tree_.__getstate__()
    return state


def _tree_of(nodes: NDArray[np.void], n_features: int) -> Tree:
    """A tree of these nodes, of which only the leaf that a row comes to is asked."""
    tree = Tree(n_features, np.ones(1, np.intp), 1)
    content = {"max_depth": 0, "node_count": len(nodes), "nodes": nodes, "values": np.zeros((len(nodes), 1, 1))}
    tree.__setstate__(_blank() | content)
    return tree


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The greatest single-precision numbers that are no greater: they part single-precision features alike."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
