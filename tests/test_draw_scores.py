"""Scores of draws: what theory says they are, on distributions whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from gain_impute.draw_scores import crps, energy_distance, score_draw_intervals, share_within
from gain_impute.errors import TableError


def test_the_score_of_draws_of_a_normal_distribution_is_the_known_one():
    rng = np.random.default_rng(0)
    truth, draws = rng.normal(size=20_000), rng.normal(size=(20, 20_000))
    assert crps(truth, draws).mean() == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)


def test_few_draws_score_as_many_do():
    rng = np.random.default_rng(0)
    truth, draws = rng.normal(size=50_000), rng.normal(size=(40, 50_000))
    assert crps(truth, draws[:2]).mean() == pytest.approx(crps(truth, draws).mean(), abs=0.01)


@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_draws_that_are_too_sure_or_too_vague_score_worse(spread):
    rng = np.random.default_rng(0)
    truth, draws = rng.normal(size=5_000), rng.normal(size=(20, 5_000))
    assert crps(truth, spread * draws).mean() > crps(truth, draws).mean() + 0.05


def test_intervals_of_right_draws_cover_what_they_say():
    rng = np.random.default_rng(0)
    truth, draws = rng.normal(size=20_000), rng.normal(size=(99, 20_000))
    found = score_draw_intervals(truth, draws)
    assert {level: round(share, 2) for level, share in found["coverage"].items()} == pytest.approx(
        {"50": 0.5, "80": 0.8, "90": 0.9, "95": 0.95}, abs=0.011
    )
    widths = list(found["width"].values())
    assert widths == sorted(widths)


def test_tables_of_one_distribution_are_near_and_a_shifted_one_is_far():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 1_500, 3))
    assert abs(energy_distance(one, two)) < 0.01
    assert energy_distance(one, two + 1.0) > 0.3
    assert energy_distance(one, 0.1 * two) > 0.3


def test_a_long_table_is_no_distance_from_itself_and_its_sample_is_that_of_the_other():
    rows = np.random.default_rng(0).normal(size=(5_000, 2))
    assert energy_distance(rows, rows) == 0
    shifts = [energy_distance(rows, rows + 0.01, rng=seed) for seed in range(5)]
    assert max(shifts) < 1e-3  # two samples would differ by more than a hundredth
    assert abs(energy_distance(rows, rows[:4_000])) < 0.01


def test_long_tables_are_sampled_by_seed():
    rows = np.random.default_rng(0).normal(size=(5_000, 2))
    assert energy_distance(rows, rows + 1, rng=3) == energy_distance(rows, rows + 1, rng=3)
    assert energy_distance(rows, rows + 1, rng=3) != energy_distance(rows, rows + 1, rng=4)


@pytest.mark.parametrize("draws", [[[1.0, 2.0]], [[1.0], [2.0]], [1.0, 2.0]])
def test_one_draw_or_draws_of_other_cells_are_refused(draws):
    with pytest.raises(TableError, match="'draws' must have two rows or more"):
        crps([1.0, 2.0], draws)


@pytest.mark.parametrize("n_draws", [2, 5, 20])
def test_the_widest_interval_of_draws_holds_what_is_said_of_it(n_draws):
    rng = np.random.default_rng(0)
    found = score_draw_intervals(rng.normal(size=100_000), rng.normal(size=(n_draws, 100_000)))
    assert found["coverage"]["95"] == pytest.approx(share_within(n_draws), abs=0.006)
