"""Cells hidden once, and the scores of whoever fills them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute import infer_schema
from gain_impute.errors import TableError
from gain_impute.evaluation.exam import Exam, column_scores, overall_score, paired_lead
from gain_impute.masking import apply_hidden
from gain_impute.methods import Setting, make_method
from gain_impute.scores import score_categories, score_numbers
from tests.strategies import holes_of, shop_table


def exam_of(table: pd.DataFrame, **options) -> Exam:
    return Exam.set(table, infer_schema(table), **options)


def test_the_truth_scores_zero():
    table = shop_table()
    assert overall_score(exam_of(table).losses(table)) == 0


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 50), rate=st.floats(0.1, 0.9))
def test_hidden_cells_were_known_and_are_empty_and_all_others_are_as_they_were(seed, rate):
    table = shop_table(30, seed=seed)
    exam = exam_of(table, rate=rate, random_state=seed)
    for name in table:
        hidden = exam.hidden[name].to_numpy() if name in exam.hidden else np.zeros(30, dtype=bool)
        assert list(np.array(holes_of(table[name])) | hidden) == holes_of(exam.visible[name])
        assert not (np.array(holes_of(table[name])) & hidden).any()


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 50))
def test_a_column_s_score_is_what_the_scores_module_says(seed):
    table = shop_table(60, seed=seed)
    exam = exam_of(table, random_state=seed)
    filled = make_method("mean", Setting(schema=exam.schema)).fit_transform(exam.visible)
    scores = column_scores(exam.losses(filled))
    assert list(scores.index) == list(exam.truth)
    for name, truth in exam.truth.items():
        at, guess = exam.hidden[name].to_numpy(), exam.schema.parse(name, filled[name]).values
        if exam.schema[name].is_number:
            expected = score_numbers(truth.values[at], guess[at], std=pd.Series(truth.values).std())["error"]
        else:
            expected = 1 - score_categories(truth.values[at], guess[at])["accuracy"]
        assert scores[name] == pytest.approx(expected)


def test_a_cell_that_is_left_empty_is_as_bad_as_a_wrong_one():
    exam = exam_of(shop_table())
    assert (exam.losses(exam.visible)["loss"] == 1).all()


def test_the_same_seed_hides_the_same_cells_and_another_one_others():
    table = shop_table()
    assert exam_of(table).hidden.equals(exam_of(table).hidden)
    assert not exam_of(table).hidden.equals(exam_of(table, random_state=1).hidden)


def test_an_exam_on_given_cells_hides_those():
    table = shop_table()
    hidden = pd.DataFrame({"kind": table["kind"].notna()}).reset_index(drop=True)
    exam = Exam.on(table, infer_schema(table), hidden)
    pd.testing.assert_frame_equal(exam.visible, apply_hidden(table, hidden))
    assert list(exam.truth) == ["kind"]


def test_an_exam_on_some_rows_has_those_rows_and_the_variances_of_all():
    table = shop_table()
    hidden = exam_of(table).hidden
    some = Exam.on(table, infer_schema(table), hidden, max_rows=10)
    rows = np.flatnonzero(hidden.to_numpy().any(axis=1))[:10]
    pd.testing.assert_frame_equal(some.visible, exam_of(table).visible.iloc[rows])
    assert some.stds == exam_of(table).stds
    assert len(some.losses(some.visible)) == some.hidden.to_numpy().sum() > 0


def test_a_table_without_a_cell_to_hide_is_refused():
    with pytest.raises(TableError, match=r"must have a column in which 20% of .* can be hidden.*Found none among 1"):
        exam_of(pd.DataFrame({"n": [1.0, np.nan, np.nan]}))


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 50))
def test_the_lead_of_one_filling_over_another_is_the_difference_of_their_scores(seed):
    table = shop_table(60, seed=seed)
    exam = exam_of(table, random_state=seed)
    first, second = (
        exam.losses(make_method("mean", Setting(schema=exam.schema)).fit_transform(exam.visible)),
        exam.losses(table),
    )
    lead = paired_lead(first, second, n_resamples=50)
    assert lead.lead == pytest.approx(overall_score(first) - overall_score(second))
    assert lead.lower <= lead.lead * 1.5
    assert lead.is_beyond_noise
    back = paired_lead(second, first, n_resamples=50)
    assert (back.lead, back.lower, back.upper) == pytest.approx((-lead.lead, -lead.upper, -lead.lower))
    assert not back.is_beyond_noise


def test_two_fillings_that_differ_by_chance_have_no_lead_beyond_noise():
    rng = np.random.default_rng(0)
    cells = pd.DataFrame({"position": range(400), "column": "kind", "is_number": False})
    leads = []
    for seed in range(40):
        first, second = (cells.assign(loss=rng.integers(0, 2, 400).astype(float)) for _ in range(2))
        leads.append(paired_lead(first, second, n_resamples=200, random_state=seed).is_beyond_noise)
    assert 0 <= sum(leads) <= 8  # one in twenty is expected
