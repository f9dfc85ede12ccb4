"""Numbers of skewed columns are ranked, and others are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gain_impute import GAINImputer
from gain_impute.completed import CompletedRows
from gain_impute.dependencies import Dependencies
from gain_impute.errors import ModelFormatError
from gain_impute.experts import Experts
from gain_impute.neighbours import Neighbours
from gain_impute.ranks import N_QUANTILES, Ranks
from gain_impute.weighing import Weights
from tests.strategies import quick_imputer
from tests.test_experts import damage_model


def numbers(n_rows: int = 1_000, *, seed: int = 0) -> np.ndarray:
    """An even column, a skewed one, one of nearly all zeros, one that never varies."""
    rng = np.random.default_rng(seed)
    rare = np.where(rng.random(n_rows) < 0.1, rng.random(n_rows), 0)
    return np.column_stack(
        [rng.normal(size=n_rows), rng.lognormal(0, 2, n_rows), rare, np.ones(n_rows)],
    ).astype(np.float32)


def test_columns_whose_middle_half_lies_within_a_tenth_of_their_range_are_ranked():
    rows = numbers()
    assert Ranks.measure(rows, np.ones(rows.shape, bool)).columns.tolist() == [1, 2]


def test_a_rank_is_the_share_of_the_values_up_to_a_number():
    rows = numbers()
    ranks = Ranks.measure(rows, np.ones(rows.shape, bool)).of(rows)
    assert ranks.shape == (1_000, 2)
    order = np.argsort(np.argsort(rows[:, 1])) / 999
    np.testing.assert_allclose(ranks[:, 0], order, atol=0.01)
    assert ranks[rows[:, 2] == 0, 1] == pytest.approx(0.45, abs=0.02)  # the middle of the zeros
    beyond = np.array([[0, -9, -9, 0], [0, 1e9, 9, 0]], np.float32)
    np.testing.assert_allclose(Ranks.measure(rows, np.ones(rows.shape, bool)).of(beyond)[:, 0], [0, 1], atol=1e-6)


@given(
    rows=hnp.arrays(np.float32, st.tuples(st.integers(0, 50), st.just(3)), elements=st.floats(-100, 100, width=32)),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=100)
def test_ranks_keep_the_order_of_numbers_and_lie_between_0_and_1(rows, seed):
    known = np.random.default_rng(seed).random(rows.shape) < 0.7
    found = Ranks.measure(rows, known)
    ranks = found.of(rows)
    assert ((ranks >= 0) & (ranks <= 1)).all()
    for column, of_column in zip(found.columns, ranks.T, strict=True):
        assert known[:, column].any()
        order = np.argsort(rows[:, column], kind="stable")
        assert (np.diff(of_column[order]) >= 0).all()
    np.testing.assert_array_equal(ranks, np.array([found.of(row[None])[0] for row in rows]).reshape(ranks.shape))


def test_unknown_numbers_do_not_make_a_column_skewed():
    rows = numbers()
    known = np.ones(rows.shape, bool)
    rows[0, 0], known[0, 0] = 1e6, False
    assert 0 not in Ranks.measure(rows, known).columns


# ------------------------------------------------------------------------------------------- in the imputer


def sales(n_rows: int = 900, *, seed: int = 0) -> pd.DataFrame:
    """Articles whose views and sales are about proportional, over five powers of ten."""
    rng = np.random.default_rng(seed)
    views = rng.lognormal(6, 2.5, n_rows)
    frame = pd.DataFrame({"views": views, "sold": views * rng.lognormal(-3, 0.1, n_rows), "noise": rng.random(n_rows)})
    return frame.mask(rng.random(frame.shape) < [0.1, 0.25, 0])


@pytest.fixture(scope="module")
def fitted() -> GAINImputer:
    return quick_imputer(max_steps=60, round_to_grid=False).fit(sales())


def test_trees_tell_small_numbers_of_a_skewed_column_apart(monkeypatch):
    """Most of the numbers lie in a hundredth of the range, where trees hardly split but by their ranks."""
    rng = np.random.default_rng(0)
    views, noise = rng.lognormal(0, 2.5, 2_000), rng.normal(size=(2_000, 3))
    truth = np.sin(4 * np.log(views))
    rows = CompletedRows(np.column_stack([views, noise, truth]).astype(np.float32), np.zeros((2_000, 0), np.int64), ())

    def error_of_new_rows() -> float:
        experts = Experts.fit(
            rows.take(np.arange(1_000)),
            np.ones((1_000, 5), bool),
            (),
            (),
            (),
            weights={4: Weights(1, 0, 0)},
            neighbours=Neighbours.none(),
            dependencies=Dependencies.none(),
            n_trees=20,
            seed=0,
        )
        said = experts.forests[4].means(experts.features(rows.take(np.arange(1_000, 2_000))))
        return float(((said - truth[1_000:]) ** 2).mean())

    with_ranks = error_of_new_rows()
    monkeypatch.setattr(Ranks, "measure", lambda *_: Ranks.none())
    assert with_ranks < 0.7 * error_of_new_rows()


def test_a_loaded_model_ranks_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert loaded.state_.members[0].experts.ranks.columns.tolist() == [0, 1]
    pd.testing.assert_frame_equal(loaded.impute(sales(seed=1)).cells, fitted.impute(sales(seed=1)).cells)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("columns", lambda array: array + 7),
        ("columns", lambda array: array[::-1].copy()),
        ("columns", lambda array: array.astype(np.int32)),
        ("quantiles", lambda array: array[:, ::-1].copy()),
        ("quantiles", lambda array: array[:, : N_QUANTILES - 1].copy()),
        ("quantiles", lambda array: array * np.float32(np.nan)),
    ],
)
def test_a_model_whose_ranks_do_not_fit_it_is_refused_in_loading(fitted, tmp_path, name, damage):
    fitted.save(tmp_path / "model")
    damage_model(tmp_path / "model", f"experts.ranks.{name}", damage)
    with pytest.raises(ModelFormatError, match="damaged"):
        GAINImputer.load(tmp_path / "model")
