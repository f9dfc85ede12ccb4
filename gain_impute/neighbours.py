"""Rows whose texts are nearly alike, and what stands in their cells.

The same article in another shop, or a variant of it, tells of a cell what no law of all rows does. Texts are compared
by the cosine of their TF-IDF vectors [1]_, of n-grams that few texts share: the rarer one is, the more it tells which
article it is.

References
----------
.. [1] Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from gain_impute.encoding.text import HashedText, count_ngrams
from gain_impute.networks import TextBatch
from gain_impute.weighing import is_better, least, losses

__all__ = ["Nearest", "Neighbours", "TextIndex", "Trust"]

N_NEAREST = 16  # rows that are found of each; of these only those that know a cell tell of it
RARE_SHARE = 0.03  # of the texts: an n-gram in more of them is not looked at
IDF_POWER = 2  # of the inverse document frequency in a text's vector
ALWAYS_RARE = 10  # texts, however few there are
PRODUCTS_A_BLOCK = 4_000_000  # similarities that are in memory at once
LEAST_CELLS = 20  # held-out ones of a column: fewer say nothing
MOST_IDF = 1e4  # more than any number of texts gives
SLACK = 1e-4  # by which a share of a vector of length 1 may exceed it, rounded
SHARPNESSES = (4, 8, 16)
LIKENESSES = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2)  # rows less alike misled more than they helped
N_ERRORS = 2.5  # standard errors that are noise, where so many ways are tried in so many columns


class Nearest(NamedTuple):
    """The most similar rows of an index, for each of n texts.

    Attributes
    ----------
    rows : ndarray of shape (n, k), int64
        Their numbers.
    similarity : ndarray of shape (n, k), float32
        Cosines, from 0 to 1; 0 also where fewer are similar at all.
    """

    rows: NDArray[np.int64]
    similarity: NDArray[np.float32]

    def take(self, at: NDArray[np.int64]) -> Nearest:
        """Those of some of the texts."""
        return Nearest(self.rows[at], self.similarity[at])

    @classmethod
    def together(cls, parts: Sequence[Nearest]) -> Nearest:
        """Those of the texts of all parts, in their order."""
        return cls(np.concatenate([part.rows for part in parts]), np.concatenate([part.similarity for part in parts]))


class Trust(NamedTuple):
    """How far the neighbours of a cell are believed.

    Attributes
    ----------
    text : int
        By which of the texts they are neighbours.
    sharpness : int
        A neighbour counts as the power of its similarity.
    likeness : float
        What is said without them counts as one more neighbour of this similarity.
    """

    text: int
    sharpness: int
    likeness: float

    def is_possible(self) -> bool:
        """Whether it is one of those that are tried."""
        return self.sharpness in SHARPNESSES and self.likeness in LIKENESSES


@dataclass(frozen=True)
class TextIndex:
    """The texts of a column, to be found by their n-grams: an inverted file.

    Attributes
    ----------
    idf : ndarray of shape (n_buckets,), float32
        Weight of each n-gram by its inverse document frequency among distinct texts; 0 of those that are not looked at.
    starts : ndarray of shape (n_buckets + 1,), int64
        The rows with an n-gram are ``rows[starts[i]:starts[i + 1]]``.
    rows : ndarray of shape (n_entries,), int32
    values : ndarray of shape (n_entries,), float32
        Share of the n-gram in the row's vector, whose length is 1.
    n_rows : int
        Rows of the index.
    """

    idf: NDArray[np.float32]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    values: NDArray[np.float32]
    n_rows: int

    def __post_init__(self) -> None:
        """Check what may come from a file."""
        is_sound = (
            len(self.starts) == len(self.idf) + 1
            and self.starts[0] == 0
            and self.starts[-1] == len(self.rows) == len(self.values)
            and (np.diff(self.starts) >= 0).all()
            and ((self.rows >= 0) & (self.rows < self.n_rows)).all()
            and ((self.idf >= 0) & (self.idf < MOST_IDF)).all()  # NaN is neither
            and ((self.values >= 0) & (self.values < 1 + SLACK)).all()
        )
        if not is_sound:
            raise ValueError("text index")

    @classmethod
    def fit(cls, texts: HashedText, n_buckets: int) -> TextIndex:
        """Index the texts of all rows."""
        counts = texts.counts(n_buckets)[texts.distinct]
        _, firsts = np.unique(texts.distinct, return_index=True)  # a text that stands in many rows is but one
        n_rows, occurrences = counts.shape[0], np.bincount(counts[firsts].indices, minlength=n_buckets)
        is_rare = occurrences <= max(ALWAYS_RARE, RARE_SHARE * len(firsts))
        idf = np.where(is_rare, np.log((1 + len(firsts)) / (1 + occurrences)) + 1, 0).astype(np.float32) ** IDF_POWER
        inverted = _vectors(counts, idf).T.tocsr()
        return cls(idf, inverted.indptr.astype(np.int64), inverted.indices.astype(np.int32), inverted.data, n_rows)

    @cached_property
    def _inverted(self) -> sparse.csr_array:
        """The file as a matrix (n_buckets, n_rows); to make it takes longer than to look for one text."""
        return sparse.csr_array((self.values, self.rows, self.starts), shape=(len(self.idf), self.n_rows))

    def nearest(self, texts: TextBatch, wanted: NDArray[np.bool_]) -> Nearest:
        """Find the rows with the most similar texts, of the wanted ones (B,) of a batch; the others have none."""
        k, n = min(N_NEAREST, self.n_rows), len(wanted)
        found = Nearest(np.zeros((n, k), np.int64), np.zeros((n, k), np.float32))
        at = np.flatnonzero(wanted)
        ids, offsets = texts.ids.cpu().numpy(), texts.offsets.cpu().numpy()
        counts = count_ngrams(ids, np.append(offsets, len(ids)), len(self.idf))
        vectors = _vectors(counts[at], self.idf)
        size = max(1, PRODUCTS_A_BLOCK // self.n_rows)
        for first in range(0, len(at), size):
            similarity = torch.from_numpy((vectors[first : first + size] @ self._inverted).toarray())
            most = similarity.topk(k, dim=1)
            found.rows[at[first : first + size]] = most.indices.numpy()
            found.similarity[at[first : first + size]] = most.values.numpy()
        return found


@dataclass(frozen=True)
class Neighbours:
    """Rows that are found by their texts, and how far what stands in them is believed.

    Attributes
    ----------
    indices : dict of int to TextIndex
        Of the texts by which rows are found.
    numbers : ndarray of shape (n_rows, N), float32
        Z-scores of the rows; NaN where they are unknown.
    codes : ndarray of shape (n_rows, C), int64
        1-based codes; 0 where they are unknown.
    trust : dict of int to Trust
        Of each cell whose neighbours are believed.
    """

    indices: dict[int, TextIndex]
    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]
    trust: dict[int, Trust]

    @classmethod
    def none(cls) -> Neighbours:
        """No neighbours, for tables without texts."""
        return cls({}, np.zeros((0, 0), np.float32), np.zeros((0, 0), np.int64), {})

    @classmethod
    def fit(
        cls,
        texts: Mapping[int, HashedText],
        n_buckets: Sequence[int],
        numbers: NDArray[np.float32],
        codes: NDArray[np.int64],
        known: NDArray[np.bool_],
        *,
        trust: dict[int, Trust],
    ) -> Neighbours:
        """Remember what is known of rows.

        Parameters
        ----------
        texts : dict of int to HashedText
            By which of all texts they may be found.
        n_buckets : sequence of int
            Of all texts.
        numbers : ndarray of shape (n_rows, N), float32
        codes : ndarray of shape (n_rows, C), int64
        known : ndarray of shape (n_rows, N + C), bool
        trust : dict of int to Trust
        """
        n = numbers.shape[1]
        if not texts:
            return cls.none()
        indices = {i: TextIndex.fit(text, n_buckets[i]) for i, text in texts.items()}
        return cls(indices, np.where(known[:, :n], numbers, np.float32(np.nan)), codes * known[:, n:], trust)

    def nearest(self, texts: Sequence[TextBatch], unknown: NDArray[np.bool_]) -> dict[int, Nearest]:
        """Find neighbours of the rows of a batch with an unknown cell (B, P) of which neighbours may tell, by text."""
        wanted = np.any(unknown[:, list(self.trust)], axis=1) if self.trust else np.ones(len(unknown), bool)
        return {i: index.nearest(texts[i], wanted) for i, index in self.indices.items()}

    def moved(
        self, cell: int, nearest: Nearest, ours: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Move what is said of a cell of n rows towards what neighbours have.

        Parameters
        ----------
        cell : int
            One whose neighbours are believed.
        nearest : Nearest
            By the text of its trust, of these rows.
        ours : ndarray of shape (n,) or (n, n_categories), float32
            What is said: numbers or distributions.

        Returns
        -------
        said : ndarray of the shape of `ours`
        prevail : ndarray of shape (n,), bool
            Where neighbours make more of it than what was said before.
        """
        _, sharpness, likeness = self.trust[cell]
        own_weight = likeness**sharpness
        weight, sums = self._votes(cell, nearest, sharpness, ours.shape[1:])
        return _mixed(ours, weight, sums, own_weight), weight > own_weight

    def trusted(
        self, cell: int, nearest: Mapping[int, Nearest], ours: NDArray[np.float32], true: NDArray[np.float32]
    ) -> dict[int, Trust]:
        """How far to believe them, by what is said of held-out cells and the truth; empty where they do not help.

        They must take LEAST_GAIN_OF_ROWS off the squared error (of categories: the Brier score), and bring what is
        said nearer to the truth beyond noise.
        """
        if len(true) < LEAST_CELLS or not nearest:
            return {}
        without = losses(ours, true)
        tried: list[Trust] = []
        with_them: list[NDArray[np.float64]] = []
        for text, sharpness in product(nearest, SHARPNESSES):
            votes = self._votes(cell, nearest[text], sharpness, ours.shape[1:])
            tried += [Trust(text, sharpness, likeness) for likeness in LIKENESSES]
            with_them += [losses(_mixed(ours, *votes, likeness**sharpness), true) for likeness in LIKENESSES]
        is_category = cell >= self.numbers.shape[1]
        helps = is_better(np.stack(with_them), without, is_bounded=is_category, n_errors=N_ERRORS)
        return {cell: tried[least(np.stack(with_them))]} if helps else {}

    def believed(self, trust: dict[int, Trust]) -> Neighbours:
        """The same rows, believed so far; texts that nothing hangs on are forgotten."""
        if not trust:
            return Neighbours.none()
        wanted = {each.text for each in trust.values()}
        return replace(self, indices={i: index for i, index in self.indices.items() if i in wanted}, trust=trust)

    def _votes(
        self, cell: int, nearest: Nearest, sharpness: int, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight of the neighbours that know a cell (n,), and the weighed sum of their values (n, ...)."""
        n = self.numbers.shape[1]
        if cell < n:
            values = self.numbers[nearest.rows, cell]
            weights = np.where(np.isnan(values), 0, nearest.similarity**sharpness)
            return weights.sum(axis=1), (weights * np.nan_to_num(values)).sum(axis=1)
        codes = self.codes[nearest.rows, cell - n]
        weights = np.where(codes > 0, nearest.similarity**sharpness, 0)
        sums = np.zeros((len(codes), *shape), np.float32)
        np.add.at(sums, (np.arange(len(codes))[:, None], np.maximum(codes - 1, 0)), weights)
        return weights.sum(axis=1), sums


def _mixed(
    ours: NDArray[np.float32], weight: NDArray[np.float32], sums: NDArray[np.float32], own_weight: float
) -> NDArray[np.float32]:
    """The mean of what is said, which has a weight of its own, and of neighbours."""
    weight, own = weight.reshape(-1, *[1] * (ours.ndim - 1)), np.float32(own_weight)
    return ((own * ours + sums) / (own + weight)).astype(np.float32)


def _vectors(counts: sparse.csr_array, idf: NDArray[np.float32]) -> sparse.csr_array:
    """TF-IDF of each text, with the logarithm of its counts, at length 1; empty where no n-gram is looked at."""
    weighed = sparse.csr_array(
        ((1 + np.log(counts.data)) * idf[counts.indices], counts.indices, counts.indptr), shape=counts.shape
    )
    weighed.eliminate_zeros()
    lengths = np.sqrt(weighed.multiply(weighed).sum(axis=1))
    weighed.data /= np.repeat(lengths, np.diff(weighed.indptr)).astype(np.float32)
    return weighed
