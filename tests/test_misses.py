"""How held-out cells were missed tells how cells alike may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.misses import COVERAGE, N_ALIKE_OF_DRAW, N_ALIKE_OF_INTERVAL, NORMAL_REACH, Misses


def misses_of(best: np.ndarray, missed: np.ndarray, unit: np.ndarray | float = 1.0) -> Misses:
    best, missed, unit = (values.astype(np.float32) for values in np.broadcast_arrays(best, missed, unit))
    return Misses.of(best, best + missed, unit)


def chances(n: int) -> np.ndarray:
    return np.linspace(0, 1, n, endpoint=False, dtype=np.float32)


@settings(deadline=None)
@given(
    best=st.lists(st.integers(-5, 5), min_size=1, max_size=80),
    asked=st.lists(st.floats(-7, 7, width=32), min_size=1, max_size=20),
    chance=st.floats(0, 1, exclude_max=True, width=32),
)
def test_a_draw_repeats_the_miss_of_a_cell_whose_best_value_is_among_the_nearest(best, asked, chance):
    values = np.array(best)
    misses = misses_of(values, np.arange(len(values)))
    taken = misses.draw(np.array(asked, np.float32), np.full(len(asked), chance, np.float32)).round().astype(int)
    for cell, place in zip(asked, taken, strict=True):
        below, up_to = (values < values[place]).sum(), (values <= values[place]).sum()
        assert (values < cell).sum() - N_ALIKE_OF_DRAW < up_to
        assert below < (values <= cell).sum() + N_ALIKE_OF_DRAW


@pytest.mark.parametrize(("asked", "first"), [(-9, 0), (500, 500 - N_ALIKE_OF_DRAW // 2), (5_000, -N_ALIKE_OF_DRAW)])
def test_each_of_the_cells_alike_is_drawn_equally_often(asked, first):
    values = np.arange(1_000)
    misses = misses_of(values, values)
    n = 60 * N_ALIKE_OF_DRAW
    taken, counts = np.unique(misses.draw(np.full(n, asked, np.float32), chances(n)), return_counts=True)
    assert taken.tolist() == list(values[first:][:N_ALIKE_OF_DRAW])
    assert counts == pytest.approx(np.full(N_ALIKE_OF_DRAW, 60), abs=1)


def test_cells_with_the_same_best_value_are_all_alike():
    misses = misses_of(np.zeros(500), np.arange(500))
    assert len(np.unique(misses.draw(np.zeros(1_000, np.float32), chances(1_000)))) == 500
    lower, upper = misses_of(np.zeros(499), np.arange(-249, 250)).reach(np.zeros(1, np.float32))
    assert (lower[0], upper[0]) == pytest.approx((-225, 225))  # the 25th of 499 from below and from above


def test_an_interval_reaches_as_far_as_cells_alike_were_missed_and_farther_where_less_is_certain():
    rng = np.random.default_rng(0)
    best = rng.uniform(-1, 1, 20_000)
    unit = np.where(rng.random(20_000) < 0.5, 1, 5)
    misses = misses_of(best, unit * np.where(best > 0, 2, 1) * rng.normal(size=20_000), unit)
    asked = np.array([-0.5] * 200 + [0.5] * 200) + np.linspace(-0.3, 0.3, 400)
    lower, upper = misses.reach(asked.astype(np.float32))
    for these, factor in ((asked < 0, 1), (asked > 0, 2)):
        assert lower[these].mean() == pytest.approx(-factor * NORMAL_REACH, rel=0.1)
        assert upper[these].mean() == pytest.approx(factor * NORMAL_REACH, rel=0.1)


@settings(deadline=None, max_examples=20)
@given(n_cells=st.integers(20, 200), seed=st.integers(0, 999))
def test_a_further_cell_lies_within_reach_as_often_as_promised(n_cells, seed):
    rng = np.random.default_rng(seed)
    covered = []
    for _ in range(400):
        best, missed = rng.normal(size=(2, n_cells + 1))
        lower, upper = misses_of(best[:-1], missed[:-1]).reach(best[-1:].astype(np.float32))
        covered.append(lower[0] <= missed[-1] <= upper[0])
    assert np.mean(covered) == pytest.approx(COVERAGE, abs=4 * np.sqrt(COVERAGE * (1 - COVERAGE) / 400))


def test_where_all_were_missed_on_one_side_an_interval_reaches_twice_as_far_there():
    misses = misses_of(np.arange(100), np.ones(100))
    lower, upper = misses.reach(np.arange(100, dtype=np.float32))
    assert (lower == -0.5).all()
    assert (upper == 1).all()


def test_without_cells_an_interval_is_a_normal_one_and_without_questions_there_is_none():
    lower, upper = Misses.none().reach(np.zeros(3, np.float32))
    assert (lower.tolist(), upper.tolist()) == ([-NORMAL_REACH] * 3, [NORMAL_REACH] * 3)
    nobody = np.zeros(0, np.float32)
    misses = misses_of(np.zeros(N_ALIKE_OF_INTERVAL), np.ones(N_ALIKE_OF_INTERVAL))
    assert misses.reach(nobody).shape == (2, 0)
    assert misses.draw(nobody, nobody).shape == (0,)
