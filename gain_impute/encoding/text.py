"""Free text to hashed word and character n-grams: context, read and never filled.

Hashes are polynomials over the text's code points, all n-grams of a whole column at once. A prefix sum of
``c_i B^i`` gives the hash of any window by one subtraction and one product with ``B^-i`` (arithmetic modulo 2^64,
where an odd B has an inverse). Nothing depends on the process, as Python's ``hash()`` would.
"""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from gain_impute.schema.reading import DistinctCells

__all__ = ["HashedText", "TextEncoder", "count_ngrams", "hash_texts"]

BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, hence invertible modulo 2^64
BASE_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
BREAK = "\n"  # between texts; no n-gram spans it
CHARACTER_NGRAMS = (3, 4)  # of alphabetic scripts
IDEOGRAPH_NGRAMS = (1, 2)  # of scripts whose characters are words or nearly so
IDEOGRAPHS = ((0x2E80, 0xFAFF), (0x20000, 0x3FFFF))  # code points: Chinese, kana, hangul, and their extensions
MAX_NGRAMS = 256  # of one text; a longer one is thinned evenly
N_HASHES = 1 << 31
TEXTS_A_CHUNK = 1_024  # so that the arrays below stay in the cache: of larger ones the system zeroes every page anew
_UNSEEN, _OTHER, _LETTER, _IDEOGRAPH = range(4)  # what a code point is


@dataclass(frozen=True)
class HashedText:
    """The n-grams of one text column: those of row i are ``ids[starts[d]:starts[d + 1]]`` with ``d = distinct[i]``.

    Attributes
    ----------
    distinct : ndarray of shape (n_rows,), int64
        Which distinct text each row holds; 0 is the empty text.
    starts : ndarray of shape (n_distinct + 1,), int64
    ids : ndarray of shape (n_ngrams,), int32
        Hashes, or buckets of a column.
    """

    distinct: NDArray[np.int64]
    starts: NDArray[np.int64]
    ids: NDArray[np.int32]

    def counts(self, n_buckets: int) -> sparse.csr_array:
        """How often each distinct text has each n-gram, (n_distinct, n_buckets)."""
        return count_ngrams(self.ids, self.starts, n_buckets)


def count_ngrams(ids: NDArray[np.int32], starts: NDArray[np.int64], n_buckets: int) -> sparse.csr_array:
    """How often each text has each n-gram, (n_texts, n_buckets); those of text i begin at ``starts[i]``."""
    ends = starts.copy()  # scipy writes into what it is given
    counts = sparse.csr_array((np.ones(len(ids), np.float32), ids, ends), shape=(len(starts) - 1, n_buckets))
    counts.sum_duplicates()
    return counts


@dataclass(frozen=True, kw_only=True)
class TextEncoder:
    """One text column as the network sees it: bags of hashed n-grams.

    Attributes
    ----------
    name : str
        The column.
    n_buckets : int
        Number of hash buckets.
    """

    name: str
    n_buckets: int

    @classmethod
    def fit(cls, name: str, hashed: HashedText, *, n_buckets: int) -> TextEncoder:
        """Take two to four times as many buckets as there are distinct n-grams, so that few collide, up to a limit."""
        n_distinct = len(np.unique(hashed.ids))
        return cls(name=name, n_buckets=min(n_buckets, 2 << max(n_distinct - 1, 1).bit_length()))

    def encode(self, hashed: HashedText) -> HashedText:
        """Fold the hashes of `hash_texts` into this column's buckets."""
        return replace(hashed, ids=hashed.ids % np.int32(self.n_buckets))


def hash_texts(cells: DistinctCells) -> HashedText:
    """Hash the n-grams of each distinct text once, into buckets in [0, 2^31); a missing one is the empty text."""
    is_there = (np.bincount(cells.codes + 1, minlength=len(cells.texts) + 1)[1:] > 0) & ~pd.isna(cells.texts)
    distinct = cells.texts[is_there]
    counts, ids = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)]
    for first in range(0, len(distinct), TEXTS_A_CHUNK):
        chunk_counts, chunk_ids = _hash(list(distinct[first : first + TEXTS_A_CHUNK]))
        counts.append(chunk_counts)
        ids.append(chunk_ids)
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    return HashedText(distinct=cells.spread(is_there.cumsum() * is_there, 0), starts=starts, ids=np.concatenate(ids))


def _hash(texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """N-grams of each text: how many, and their buckets, text after text."""
    joined = unicodedata.normalize("NFKC", BREAK.join(text.replace(BREAK, " ") for text in texts)).lower()
    points = np.frombuffer(f"{BREAK}{joined}{BREAK}".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    text_of = np.cumsum(points == ord(BREAK)) - 1  # (n_points,)
    letters, ideographs = _classify(points)
    starts, lengths = [], []
    word_starts = np.flatnonzero(letters & ~np.r_[False, letters[:-1]])
    word_ends = np.flatnonzero(letters & ~np.r_[letters[1:], False]) + 1
    starts.append(word_starts)
    lengths.append(word_ends - word_starts)
    others = ~ideographs & (points != ord(BREAK))
    for size, wanted in [(n, others) for n in CHARACTER_NGRAMS] + [(n, ideographs) for n in IDEOGRAPH_NGRAMS]:
        if wanted.any():
            n_windows = max(len(points) - size, 0)
            within = wanted[:n_windows] & (text_of[:n_windows] == text_of[size - 1 :][:n_windows])
            starts.append(np.flatnonzero(within))
            lengths.append(np.full(len(starts[-1]), size))
    start, length = np.concatenate(starts), np.concatenate(lengths)
    buckets = (_window_hashes(points, start, length) & np.uint64(N_HASHES - 1)).astype(np.int32)
    return _keep_some(text_of[start], buckets, n_texts=len(texts))


def _classify(points: NDArray[np.uint32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which code points belong to words, and which are ideographs, kana or hangul."""
    table = _classes()
    distinct = np.flatnonzero(np.bincount(points))
    new = distinct[table[distinct] == _UNSEEN]
    for point in new.tolist():
        is_ideograph = any(first <= point <= last for first, last in IDEOGRAPHS)
        table[point] = (_IDEOGRAPH if is_ideograph else _LETTER) if chr(point).isalnum() else _OTHER
    found = table[points]
    return found == _LETTER, found == _IDEOGRAPH


@cache
def _classes() -> NDArray[np.uint8]:
    """What each code point is, as far as it was asked for."""
    return np.full(sys.maxunicode + 1, _UNSEEN, dtype=np.uint8)


def _window_hashes(
    points: NDArray[np.uint32], start: NDArray[np.int64], length: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Hash of each window points[start : start + length], mixed so that every bit counts (splitmix64)."""
    sums = np.zeros(len(points) + 1, np.uint64)
    np.cumsum((points + np.uint64(1)) * _powers(BASE, len(points)), out=sums[1:])
    mixed = sums[start + length]
    mixed -= sums[start]
    mixed *= _powers(BASE_INVERSE, len(points))[start]
    mixed += length.astype(np.uint64)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    hashes: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return hashes


def _powers(base: np.uint64, count: int) -> NDArray[np.uint64]:
    """The powers (count,) of a base, from its zeroth on."""
    powers = np.full(count, base)
    powers[0] = 1
    np.multiply.accumulate(powers, out=powers)
    return powers


def _keep_some(
    text: NDArray[np.int64], buckets: NDArray[np.int32], *, n_texts: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Sort by text, and thin the n-grams of long texts evenly to at most MAX_NGRAMS."""
    order = np.argsort(text, kind="stable")
    text, buckets = text[order], buckets[order]
    counts = np.bincount(text, minlength=n_texts)
    if counts.max(initial=0) > MAX_NGRAMS:
        rank = np.arange(len(text)) - np.repeat(np.cumsum(counts) - counts, counts)
        share = np.minimum(1.0, MAX_NGRAMS / np.maximum(counts, 1))[text]
        kept = np.floor((rank + 1) * share) > np.floor(rank * share)
        text, buckets = text[kept], buckets[kept]
        counts = np.bincount(text, minlength=n_texts)
    return counts.astype(np.int64), buckets
