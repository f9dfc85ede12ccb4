"""Texts are placed where latent semantic analysis places them, in any batch; what is unknown lies at 0."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer

from gain_impute.encoding.text import HashedText
from gain_impute.networks import TextBatch
from gain_impute.text_axes import MOST_ROWS, N_AXES, TextAxes

N_BUCKETS = 40


def ngrams(texts: list[list[int]]) -> np.ndarray:
    """Those of all texts, one after the other."""
    return np.fromiter(chain.from_iterable(texts), np.int32)


def hashed(texts: list[list[int]]) -> HashedText:
    """One row for each text, which is a list of its n-grams; an empty list is the empty text."""
    starts = np.cumsum([0, 0, *map(len, texts)])
    return HashedText(np.arange(1, len(texts) + 1), starts, ngrams(texts))


def batch(texts: list[list[int]]) -> TextBatch:
    offsets = np.cumsum([0, *map(len, texts)])[:-1]
    return TextBatch(torch.from_numpy(ngrams(texts)), torch.from_numpy(offsets))


def made_texts(n: int, *, most: int = 12, seed: int = 0) -> list[list[int]]:
    """Texts without a repeated n-gram."""
    rng = np.random.default_rng(seed)
    return [rng.choice(N_BUCKETS - 5, rng.integers(1, most), replace=False).tolist() for _ in range(n)]


def test_texts_lie_where_scikit_learns_tf_idf_and_svd_place_them():
    texts = made_texts(300)
    axes = TextAxes.fit(hashed(texts), N_BUCKETS, seed=0)
    ids, ends = ngrams(texts), np.cumsum([0, *map(len, texts)])
    content = sparse.csr_array((np.ones(len(ids)), ids, ends), shape=(len(texts), N_BUCKETS))
    wanted = TruncatedSVD(N_AXES, n_iter=3, random_state=0).fit_transform(TfidfTransformer().fit_transform(content))
    places = axes.read(batch(texts))
    scale = 1 / np.sqrt((wanted[:, 0] ** 2).mean())
    assert places.shape == (300, N_AXES)
    few = slice(0, 10)  # of the smallest ones a randomised decomposition finds no more than about the place
    np.testing.assert_allclose(np.abs(places[:, few]), np.abs(wanted[:, few]) * scale, atol=0.02)
    assert (places[:, 0] ** 2).mean() == pytest.approx(1, rel=1e-3)


@settings(deadline=None, max_examples=30)
@given(texts=st.lists(st.lists(st.integers(0, N_BUCKETS - 1), max_size=15), max_size=30), seed=st.integers(0, 3))
def test_a_text_lies_where_it_lies_whatever_is_beside_it(texts, seed):
    axes = TextAxes.fit(hashed(made_texts(50, seed=seed)), N_BUCKETS, seed=seed)
    together = axes.read(batch(texts)) if texts else np.zeros((0, axes.n_axes))
    assert together.shape == (len(texts), axes.n_axes)
    assert np.isfinite(together).all()
    for text, place in zip(texts, together, strict=True):
        np.testing.assert_allclose(axes.read(batch([text]))[0], place, atol=1e-5)


def test_an_empty_text_and_one_of_new_ngrams_alone_lie_at_0():
    axes = TextAxes.fit(hashed(made_texts(50)), N_BUCKETS, seed=0)
    np.testing.assert_array_equal(axes.read(batch([[], [N_BUCKETS - 1, N_BUCKETS - 2]])), 0)


@pytest.mark.parametrize("texts", [[], [[]], [[1, 2]], [[3], [3], [3]], [[], [4, 5], []]])
def test_where_texts_do_not_differ_there_are_no_directions_or_finite_ones(texts):
    axes = TextAxes.fit(hashed(texts), N_BUCKETS, seed=0)
    places = axes.read(batch([[1], [3, 4]]))
    assert places.shape == (2, axes.n_axes)
    assert axes.n_axes <= 1
    assert np.isfinite(places).all()


def test_of_a_long_column_some_texts_are_looked_at():
    texts = made_texts(40) * (1 + MOST_ROWS // 40)
    axes, again = (TextAxes.fit(hashed(texts), N_BUCKETS, seed=seed) for seed in (0, 0))
    assert 1 < axes.n_axes <= N_AXES
    np.testing.assert_array_equal(axes.table, again.table)


@pytest.mark.parametrize("table", [np.zeros(4), np.zeros((4, 0)), np.full((4, 2), np.nan)])
def test_what_is_no_table_of_axes_is_refused(table):
    with pytest.raises(ValueError, match="text axes"):
        TextAxes(table.astype(np.float32))
