"""The page on a fit: it says what it was given, and stands alone."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from gain_impute.reporting.fit_page import FitRecord, fit_page
from gain_impute.state import EpochLog

NAME = "<b>price</b>"


def record_of(**changes) -> FitRecord:
    """A fit with a column of either kind, better than the mean and worse than the neighbours."""
    rng = np.random.default_rng(0)
    truth, names = rng.normal(size=300), rng.choice(["cup", "pot", "<i>"], 300)
    scores = {"gain": [0.4, 0.25], "mean": [1.0, 0.5], "knn": [0.3, 0.25]}
    columns = pd.DataFrame(scores | {"kind": ["numeric", "categorical"], "n_cells": [1234, 300]}, index=[NAME, "sort"])
    means = {"score": [0.325, 0.75, 0.275], "numeric_error": [0.4, 1.0, 0.3], "accuracy": [0.75, 0.5, 0.75]}
    given = {
        "ours": "gain",
        "n_rows": 5000,
        "n_columns": 2,
        "epochs": [EpochLog(10, 0.5, 1.0, 0.1, 0.1, 0.1, 0.9), EpochLog(20, 1.0, 0.8, 0.1, 0.1, 0.1, 0.7, "budget")],
        "params": {"hint_rate": 0.9},
        "versions": {"torch": "2.13"},
        "elapsed_s": 12.0,
        "peak_mib": 700.0,
        "scores": columns,
        "means": pd.DataFrame(means, index=["gain", "mean", "knn"]),
        "numbers": {NAME: (truth, truth + 0.1)},
        "categories": {"sort": (names, names[::-1])},
        "confidence": rng.random(300),
        "is_right": rng.random(300) < 0.5,
    }
    return FitRecord(**(given | changes))


def row_of(page: str, head: str) -> list[str]:
    """The cells of the first row with this head."""
    cells = page.partition(f">{head}</th>")[2].partition("</tr>")[0]
    return [re.sub(r"\s+", " ", cell) for cell in re.findall(r">([^<]+)<", cells) if cell.strip()]


def test_it_has_the_scores_of_all_methods_and_says_who_is_better():
    page = fit_page(record_of())
    assert "held-out cells is 0.325, worse than that of 5 nearest neighbours, but better than that of mean" in page
    assert row_of(page, "mean / mode") == ["0.750", "1.000", "50.0 %"]
    assert row_of(page, "sort") == ["categorical", "300", "0.250", "0.500", "0.250"]
    assert "1,534 known cells held out" in page
    assert "its steps were used up" in page


@pytest.mark.parametrize(
    ("mean", "knn", "said"),
    [
        (0.668, 0.545, "is 0.425, better than that of mean / mode and 5 nearest neighbours on the same cells"),
        (0.425, 0.545, "is 0.425, as good as that of mean / mode, better than that of 5 nearest neighbours on"),
        (0.42504, 0.3, "is 0.425, worse than that of 5 nearest neighbours, but as good as that of mean / mode on"),
        (0.2, 0.3, "is 0.425, worse than that of mean / mode and 5 nearest neighbours on the same cells"),
        (np.nan, np.nan, "is 0.425; 0 is perfect"),
    ],
)
def test_it_says_who_scores_better_as_well_or_worse(mean, knn, said):
    means = record_of().means.assign(score=[0.425, mean, knn])
    assert said in fit_page(record_of(means=means))


def test_it_needs_nothing_from_elsewhere_and_names_do_not_break_it():
    page = fit_page(record_of())
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", page)
    assert "<b>price" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;price&lt;/b&gt;" in page


@pytest.mark.parametrize("stopped", ["no improvement", "time"])
def test_it_says_why_training_ended(stopped):
    last = EpochLog(20, 1.0, 0.8, 0.1, 0.1, 0.1, 0.7, stopped)
    assert "Training ended since" in fit_page(record_of(epochs=[last]))


def test_it_says_why_losses_rise_where_another_member_begins():
    first, second = (EpochLog(20, 1.0, 0.8, 0.1, 0.1, 0.1, 0.7, "budget", member) for member in (0, 1))
    assert "Members learn one after the other" in fit_page(record_of(epochs=[first, second]))
    assert "Members learn" not in fit_page(record_of(epochs=[first]))


def test_a_fit_that_held_nothing_out_has_a_page_too():
    nothing = {"scores": pd.DataFrame(), "means": pd.DataFrame(), "numbers": {}, "categories": {}}
    page = fit_page(record_of(**nothing, epochs=[], confidence=np.zeros(0), is_right=np.zeros(0, bool)))
    assert "none was scored" in page
    assert "hint_rate" in page
    assert "<svg" not in page
