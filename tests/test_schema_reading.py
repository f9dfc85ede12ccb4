"""Cells read fast are read as cells read one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.schema.dates import parse_dates
from gain_impute.schema.reading import find_observed, read_distinct, read_numbers
from tests.strategies import tables

LAW = settings(deadline=None, max_examples=100)
NUMBER_LIKE = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.text("0123456789+-.eE _naninfx,\t", max_size=8),
    st.sampled_from(
        ["", "nan", "inf", "-Infinity", "1e999", "1_0", "+1", ".5", "1.", " 2", "0x1p3", "007", "-0", "１"]
    ),
)
MARKERS = st.lists(st.sampled_from(["n/a", "-1", -1, 0.5, "nan"]), max_size=2)


@LAW
@given(texts=st.lists(st.one_of(NUMBER_LIKE, st.none()), max_size=20), markers=MARKERS)
def test_texts_are_the_same_numbers_in_a_column_of_texts_and_of_objects(texts, markers):
    fast = read_numbers(pd.Series(texts, dtype="str"), markers)
    slow = read_numbers(pd.Series(texts, dtype=object), markers)
    for found, expected in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(found, expected)


@LAW
@given(table=tables(), markers=MARKERS)
def test_what_is_observed_is_found_without_reading(table, markers):
    for position in range(table.shape[1]):
        cells = table.iloc[:, position]
        expected = read_distinct(cells, markers).codes >= 0
        assert find_observed(cells, markers).tolist() == expected.tolist()


def test_a_date_to_the_nanosecond_changes_the_reading_of_no_other():
    far, fine = "9999-12-31", "2020-01-01T00:00:00.123456789"
    assert not np.isnan(parse_dates([far, fine, "9999-12-31T00:00:00.123456789"], None)).any()
    assert parse_dates([fine], None).tolist() == parse_dates(["2020-01-01T00:00:00.123456"], None).tolist()
