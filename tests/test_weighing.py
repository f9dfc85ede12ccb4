"""Laws of the weights: what held-out cells tell of a column, and what they leave to the columns beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.marginal import marginal_of, say_marginal
from gain_impute.weighing import (
    LEAST,
    LEAST_OF_NUMBERS,
    NOT_AT_ALL,
    Opinion,
    Weights,
    believed_weights,
    blended,
    losses_of_weights,
)
from tests.strategies import quick_imputer

ALL = np.ones(3, dtype=bool)
Said = tuple[np.ndarray, list[Opinion], np.ndarray]


def numbers(n_cells: int, noise: tuple[float, float, float], *, seed: int = 0) -> Said:
    """What generator, trees and line say of held-out z-scores, each with errors of its own; the column's mean is 0."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n_cells).astype(np.float32)
    generator, trees, line = (true + np.float32(sd) * rng.normal(size=n_cells).astype(np.float32) for sd in noise)
    return generator, [trees, line, np.zeros_like(true)], true


def weighed(columns: list[Said], has: np.ndarray = ALL, floor: Weights = LEAST) -> list[Weights]:
    losses = {cell: losses_of_weights(*said) for cell, said in enumerate(columns)}
    return list(believed_weights(losses, dict.fromkeys(losses, has), floor).values())


@settings(deadline=None, max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    noise=st.tuples(*[st.sampled_from([0, 0.01, 0.5, 3])] * 3),
    has=st.tuples(st.booleans(), st.booleans()),
    floor=st.sampled_from([LEAST, LEAST_OF_NUMBERS]),
    seed=st.integers(0, 99),
)
def test_weights_are_shares_and_who_says_nothing_or_hardly_anything_has_none(sizes, noise, has, floor, seed):
    columns = [numbers(n_cells, noise, seed=seed + i) for i, n_cells in enumerate(sizes)]
    for _, opinions, _ in columns:
        opinions[:2] = [said if is_there else None for said, is_there in zip(opinions[:2], has, strict=True)]
    for weights in weighed(columns, np.array([*has, True]), floor):
        assert all(0 <= weight <= 1 for weight in weights)
        assert sum(weights) <= 1 + 1e-9
        assert (weights.trees == 0) or has[0]
        assert (weights.line == 0) or has[1]
        assert all(weight == 0 or weight >= least for weight, least in zip(weights, floor, strict=True))


@settings(deadline=None, max_examples=50)
@given(parts=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any), seed=st.integers(0, 99))
def test_what_is_said_of_categories_together_is_a_distribution(parts, seed):
    rng = np.random.default_rng(seed)
    known = [rng.dirichlet(np.full(5, 0.2), 40).astype(np.float32) for _ in parts]
    shares = [np.column_stack([each, np.zeros(40, np.float32)]) for each in known]  # the last category is newer
    weights = Weights(*(np.array(parts[1:]) / sum(parts)))
    said = blended(shares[0], shares[1:], weights)
    assert said.min() >= 0
    assert said[:, 5].max() == 0
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)


def test_no_columns_have_no_weights():
    assert believed_weights({}, {}) == {}


@pytest.mark.parametrize("who", ["trees", "line"])
def test_the_expert_that_is_right_is_believed_alone(who):
    noise = (1, 0.01, 1) if who == "trees" else (1, 1, 0.01)
    for weights in weighed([numbers(200, noise, seed=seed) for seed in range(3)]):
        assert getattr(weights, who) > 0.95
        assert sum(weight > 0 for weight in weights[:2]) == 1  # the other is not worth its time


def test_where_the_generator_is_right_nobody_else_is_believed():
    assert weighed([numbers(200, (0, 1, 1), seed=seed) for seed in range(3)]) == [NOT_AT_ALL] * 3


def test_columns_that_nothing_tells_are_filled_with_their_mean():
    rng = np.random.default_rng(100)
    columns = []
    for seed in range(6):
        *_, true = numbers(40, (0, 0, 0), seed=seed)
        generator, trees, line = (0.5 * rng.normal(size=(3, 40))).astype(np.float32)
        columns.append((generator, [trees, line, np.zeros_like(true)], true))
    for weights, (generator, opinions, _) in zip(weighed(columns), columns, strict=True):
        assert weights.marginal > 0.6
        assert np.abs(blended(generator, opinions, weights)).mean() < 0.35 * np.abs(generator).mean()


def test_a_column_with_few_cells_follows_the_others_and_one_with_many_its_own():
    others = [numbers(300, (1, 0.1, 1), seed=seed) for seed in range(1, 6)]
    few, many = (numbers(n_cells, (1, 1, 0.1), seed=9) for n_cells in (3, 300))
    *_, follower = weighed([*others, few])
    *_, own = weighed([*others, many])
    assert follower.trees > own.trees
    assert own.line > 0.8 > follower.line


def test_shares_of_categories_are_weighed_by_their_brier_score():
    rng = np.random.default_rng(0)
    true = np.eye(3, dtype=np.float32)[rng.integers(3, size=300)]
    said: Said = (np.full_like(true, 1 / 3), [0.9 * true + np.float32(0.1 / 3), None, np.full_like(true, 1 / 3)], true)
    (weights,) = weighed([said], np.array([True, False, True]))
    assert weights.trees > 0.9


@pytest.mark.parametrize("n_categories", [3, 5])
def test_the_marginal_says_the_same_of_each_row_and_nothing_impossible(n_categories):
    shares = say_marginal(marginal_of(np.array([1, 1, 3]), 3), 4, (n_categories,))
    np.testing.assert_allclose(shares, np.tile([7 / 12, 1 / 12, 4 / 12, 0, 0][:n_categories], (4, 1)), rtol=1e-6)
    means = say_marginal(marginal_of(np.array([1.0, 2.0, 6.0], np.float32)), 4, ())
    np.testing.assert_array_equal(means, np.full(4, 3, np.float32))


def test_columns_that_have_nothing_to_do_with_each_other_are_filled_nearly_as_with_their_means():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(400, 8)), columns=list("abcdefgh"))
    hidden = rng.random(table.shape) < 0.2
    filled = quick_imputer(n_trees=20, max_steps=300, round_to_grid=False).fit_transform(table.mask(hidden))
    ours, means = (np.square((table - of).to_numpy()[hidden]).mean() for of in (filled, table.mask(hidden).mean()))
    assert ours < 1.03 * means
