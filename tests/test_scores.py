"""Scores are what their definitions say, at the edges too."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from gain_impute.errors import TableError
from gain_impute.scores import (
    calibration_error,
    log_loss,
    paper_rmse,
    score_categories,
    score_intervals,
    score_numbers,
)

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)
labels = st.lists(st.sampled_from(["red", "green", "blue"]), min_size=1, max_size=30)


@given(numbers)
def test_the_truth_scores_perfectly(truth):
    scores = score_numbers(truth, truth, std=2.0)
    assert scores["error"] == scores["rmse"] == scores["mae"] == 0
    assert math.isnan(scores["r2"]) or scores["r2"] == 1


@given(labels)
def test_the_true_category_scores_perfectly(truth):
    assert set(score_categories(truth, truth).values()) == {1.0}


def test_the_mean_of_the_cells_has_an_error_of_about_one():
    truth = np.random.default_rng(0).normal(5, 3, 10_000)
    assert score_numbers(truth, np.full(10_000, truth.mean()), std=truth.std())["error"] == pytest.approx(1)


@given(numbers, st.floats(0.1, 100))
def test_the_error_does_not_depend_on_the_unit(truth, unit):
    truth, filled = np.array(truth), np.array(truth)[::-1]
    here = score_numbers(truth, filled, std=3.0)["error"]
    assert score_numbers(truth * unit, filled * unit, std=3.0 * unit)["error"] == pytest.approx(here)


def test_without_a_standard_deviation_there_is_no_relative_error():
    for std in (math.nan, 0.0):
        scores = score_numbers([1.0, 2.0], [1.0, 3.0], std=std)
        assert math.isnan(scores["error"])
        assert scores["mae"] == 0.5


def test_no_cells_have_no_score():
    empty = np.array([])
    scores = [score_numbers(empty, empty), score_categories(empty, empty), score_intervals(empty, empty, empty)]
    scores.append({"calibration": calibration_error(empty, empty), "loss": log_loss(empty, pd.DataFrame({"a": []}))})
    assert all(math.isnan(value) for figures in scores for value in figures.values())


def test_the_paper_error_is_a_root_mean_square_over_all_hidden_cells_scaled_by_range():
    complete = np.array([[0.0, 100.0, 7.0], [1.0, 300.0, 7.0], [4.0, 200.0, 7.0]])
    filled = np.array([[2.0, 100.0, 9.0], [1.0, 250.0, 7.0], [4.0, 200.0, 7.0]])
    hidden = filled != complete
    expected = math.sqrt(((2 / 4) ** 2 + (50 / 200) ** 2 + 2**2) / 3)  # a constant column has no range to scale by
    assert paper_rmse(complete, filled, hidden) == pytest.approx(expected)


def test_macro_f1_is_over_the_categories_that_occur():
    truth, filled = ["red", "red", "blue", "blue"], ["red", "green", "blue", "blue"]
    expected = metrics.f1_score(truth, filled, labels=["blue", "red"], average="macro")
    assert score_categories(truth, filled)["macro_f1"] == pytest.approx(expected)


def test_many_categories_are_no_warning():
    truth = [f"brand {i}" for i in range(50)]
    assert set(score_categories(truth, truth[::-1]).values()) == {0.0}


def test_log_loss_is_that_of_scikit_learn():
    probabilities = pd.DataFrame(np.random.default_rng(0).dirichlet([1, 1, 1], 40), columns=["blue", "green", "red"])
    truth = np.random.default_rng(1).choice(probabilities.columns, 40)
    assert log_loss(truth, probabilities) == pytest.approx(metrics.log_loss(truth, probabilities))


def test_a_category_that_was_given_nothing_costs_much_but_not_infinitely():
    probabilities = pd.DataFrame({"red": [1.0, 1.0]})
    assert log_loss(["red", "blue"], probabilities) == pytest.approx(-math.log(1e-15) / 2)


def test_probabilities_add_loss_and_calibration():
    probabilities = pd.DataFrame({"blue": [0.25, 0.75], "red": [0.75, 0.25]})
    scores = score_categories(["red", "red"], ["red", "blue"], probabilities=probabilities)
    assert scores["log_loss"] == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)
    assert scores["calibration_error"] == pytest.approx(0.25)


def test_honest_confidence_has_no_calibration_error_and_bragging_has():
    rng = np.random.default_rng(0)
    confidence = rng.random(100_000)
    is_right = rng.random(100_000) < confidence
    assert calibration_error(confidence, is_right) < 0.01
    assert calibration_error(np.ones(100_000), is_right) == pytest.approx(0.5, abs=0.01)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_the_calibration_error_is_between_zero_and_one(pairs):
    confidence, is_right = zip(*pairs, strict=True)
    assert 0 <= calibration_error(confidence, is_right) <= 1


@given(numbers)
def test_an_interval_holds_its_ends(truth):
    truth = np.array(truth)
    assert score_intervals(truth, truth, truth, std=1.0) == {"coverage": 1.0, "width": 0.0}
    assert score_intervals(truth, truth + 1, truth + 2, std=2.0)["coverage"] == 0.0


def test_cells_that_were_not_filled_are_refused():
    with pytest.raises(TableError, match=r"'filled' must hold a finite number for each hidden cell\. 1 of 2 are none"):
        score_numbers([1.0, 2.0], [1.0, np.nan])
    with pytest.raises(TableError, match=r"'lower' must hold a finite number for each hidden cell\. 2 of 2 are none"):
        score_intervals([1.0, 2.0], [-np.inf, np.nan], [3.0, 4.0])
    with pytest.raises(TableError, match="'filled' must hold a finite number"):
        paper_rmse([[1.0]], [[np.nan]], [[True]])


def test_arrays_of_different_cells_are_refused():
    message = "must have one entry per hidden cell. Got 2 and 1. Give the same cells to both"
    with pytest.raises(TableError, match=message):
        score_numbers([1.0, 2.0], [1.0])
    with pytest.raises(TableError, match=message):
        score_categories(["a", "b"], ["a"])
    with pytest.raises(TableError, match=message):
        log_loss(["a", "b"], pd.DataFrame({"a": [1.0]}))
    with pytest.raises(TableError, match=r"must have one shape. Got \(1, 1\), \(1, 2\) and \(1, 1\)"):
        paper_rmse([[1.0]], [[1.0, 2.0]], [[True]])
