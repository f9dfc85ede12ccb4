"""Kinds, and how each is read from cells and written back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gain_impute.errors import ConfigError
from gain_impute.schema import ColumnSchema, Kind
from gain_impute.schema.dates import find_date_format, format_dates, parse_dates
from gain_impute.schema.reading import canonical_text, clean_missing_values, number_of, read_distinct

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SECONDS_TO_2200 = st.integers(min_value=0, max_value=7_258_118_400)
WRITTEN_FORMATS = [
    "%Y-%m-%d",
    "%Y/%-m/%-d",
    "%d.%m.%Y",
    "%B %-d, %Y",
    "%d %b %Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%dT%H:%M:%S.%3f",
    "%Y-%m-%d %H:%M:%S.%f%:z",
    "%-m/%-d/%Y %-I:%M %p",
    "%Y%m%d",
    "%Y年%m月%d日",
]


def column(kind, **rules):
    return ColumnSchema(name="column", kind=kind, **rules)


def test_a_kind_is_written_as_its_word():
    assert str(Kind.NUMERIC) == "numeric"
    assert [kind.value for kind in Kind] == [kind.name.lower() for kind in Kind]


def test_no_kind_is_filled_both_as_a_number_and_as_a_class():
    assert {kind for kind in Kind if column(kind).is_number} == {Kind.NUMERIC, Kind.DATETIME}
    classes = {Kind.CATEGORICAL, Kind.BOOLEAN, Kind.CONSTANT, Kind.QUANTITY}
    assert {kind for kind in Kind if column(kind).is_class} == classes


@given(FLOATS)
@example(-0.0)
@example(1e-05)
@example(2.0**63)
def test_a_number_without_grid_reads_back_exactly(number):
    numeric = column("numeric")
    text = numeric.format(np.array([number]))
    assert numeric.parse(pd.Series(text)).values[0] == number


@given(st.integers(-(10**9), 10**9), st.integers(0, 4))
def test_a_number_on_its_grid_reads_back_exactly_and_is_written_alike_again(count, decimals):
    numeric = column("numeric", decimals=decimals)
    number = round(count / 10**decimals, decimals)
    text = numeric.format(np.array([number]))
    read = numeric.parse(pd.Series(text)).values
    assert read[0] == number
    assert numeric.format(read)[0] == text[0]


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.NUMERIC, Kind.DATETIME, Kind.BOOLEAN}))
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_a_text_of_every_kind_that_is_no_number_comes_back_letter_by_letter(kind, texts):
    parsed = column(kind).parse(pd.Series(texts, dtype=object))
    assert parsed.observed.all()
    assert parsed.readable.all()
    assert column(kind).format(parsed.values).tolist() == texts


@given(st.lists(st.sampled_from(["Yes", "no", "TRUE", "f", "1", "是"]), min_size=1))
def test_yes_and_no_come_back_letter_by_letter(texts):
    parsed = column("boolean").parse(pd.Series(texts, dtype=object))
    assert column("boolean").format(parsed.values).tolist() == texts


@pytest.mark.parametrize("date_format", WRITTEN_FORMATS)
@given(seconds=st.lists(SECONDS_TO_2200, min_size=1, max_size=4))
def test_a_date_comes_back_letter_by_letter_in_every_format(date_format, seconds):
    date = column("datetime", date_format=date_format)
    texts = date.format(np.array(seconds, dtype=float))
    parsed = date.parse(pd.Series(texts))
    assert parsed.readable.all()
    assert date.format(parsed.values).tolist() == texts.tolist()


@given(st.lists(SECONDS_TO_2200, min_size=1, max_size=4))
def test_a_date_without_a_format_is_iso_and_exact(seconds):
    date = column("datetime")
    assert date.parse(pd.Series(date.format(np.array(seconds, dtype=float)))).values.tolist() == seconds


@pytest.mark.parametrize("date_format", WRITTEN_FORMATS[:-2])
def test_the_format_in_which_dates_are_written_is_found(date_format):
    seconds = np.linspace(1.4e9, 1.6e9, 60).round(3)
    texts = list(dict.fromkeys(format_dates(seconds, date_format)))
    found = find_date_format(texts, np.ones(len(texts)), least_share=0.95)
    assert found == date_format


@pytest.mark.parametrize(
    "texts", [["2016", "2017"], ["20161114", "20161115"], ["4.4.2", "5.0.1"], ["16:9", "4:3"], ["May", "June"]]
)
def test_years_integers_versions_and_ratios_are_no_dates(texts):
    assert find_date_format(texts, np.ones(len(texts)), least_share=0.95) is None


def test_a_date_is_rounded_to_the_finest_unit_that_its_format_shows():
    nearly_noon, nearly_midnight = 86400.0 + 43199.6, 86399.9
    assert format_dates(np.array([nearly_noon]), "%H:%M:%S").tolist() == ["12:00:00"]
    assert format_dates(np.array([nearly_midnight]), "%Y-%m-%d").tolist() == ["1970-01-02"]


def test_a_date_beyond_the_calendar_is_written_as_its_last_day():
    assert format_dates(np.array([1e15, -1e15]), "%Y-%m-%d").tolist() == ["9999-12-31", "0001-01-01"]


def test_iso_forms_are_read_whichever_of_them_the_format_names():
    texts = ["1970-01-02", "1970-01-02 00:00:00", "1970-01-02T00:00:00Z", "1970-01-02T02:00:00+02:00"]
    assert parse_dates(texts, "%Y-%m-%d").tolist() == [86400.0] * 4


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata"])
def test_instants_are_read_alike_at_every_resolution_and_zone(unit, zone):
    utc = pd.Series(pd.to_datetime(["1970-01-01 00:00:01", None, "2016-11-14 08:30:00"])).astype(f"datetime64[{unit}]")
    cells = utc if zone is None else utc.dt.tz_localize("UTC").dt.tz_convert(zone)
    expected = [1.0, np.nan, 1479112200.0]
    for markers in ([], ["?"]):
        parsed = column("datetime").parse(cells, markers)
        np.testing.assert_array_equal(parsed.values, expected)
        assert parsed.observed.tolist() == parsed.readable.tolist() == [True, False, True]


def test_dates_of_python_are_read_beside_dates_of_text():
    cells = pd.Series([dt.date(1970, 1, 2), dt.datetime(1970, 1, 2, 1), "January 3, 1970", "soon", None], dtype=object)
    parsed = column("datetime", date_format="%B %-d, %Y").parse(cells)
    np.testing.assert_array_equal(parsed.values, [86400.0, 90000.0, 172800.0, np.nan, np.nan])
    assert parsed.observed.tolist() == [True, True, True, True, False]


NUMBER_DTYPES = [
    "int8",
    "int64",
    "float32",
    "float64",
    "Int64",
    "Float64",
    "int64[pyarrow]",
    "double[pyarrow]",
    "object",
]


@pytest.mark.parametrize("dtype", NUMBER_DTYPES)
def test_numbers_are_read_alike_from_every_dtype(dtype):
    cells = pd.Series([3, -1, 7]).astype(dtype)
    parsed = column("numeric").parse(cells, [-1])
    np.testing.assert_array_equal(parsed.values, [3.0, np.nan, 7.0])
    assert parsed.observed.tolist() == [True, False, True]
    assert column("categorical").parse(cells, [-1]).values.tolist() == ["3", None, "7"]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "int64[pyarrow]", "double[pyarrow]", "object", "float64"])
def test_holes_are_read_alike_from_every_dtype(dtype):
    cells = pd.Series([3, None, 7]).astype(dtype)
    np.testing.assert_array_equal(column("numeric").parse(cells).values, [3.0, np.nan, 7.0])
    assert column("categorical").parse(cells).values.tolist() == ["3", None, "7"]


@pytest.mark.parametrize("dtype", ["object", "str", "string", "category", "string[pyarrow]"])
def test_texts_are_read_alike_from_every_dtype(dtype):
    cells = pd.Series(["a", None, " b ", "", "NA"], dtype=object).astype(dtype if dtype != "str" else pd.StringDtype())
    parsed = column("categorical").parse(cells)
    assert parsed.values.tolist() == ["a", None, " b ", None, "NA"]
    assert parsed.observed.tolist() == [True, False, True, False, True]


@pytest.mark.parametrize("dtype", ["object", "boolean", "bool[pyarrow]"])
def test_truth_is_read_alike_from_every_dtype(dtype):
    cells = pd.Series([True, None, False], dtype=object).astype(dtype)
    assert column("boolean").parse(cells).values.tolist() == ["True", None, "False"]
    np.testing.assert_array_equal(column("numeric").parse(cells).values, [1.0, np.nan, 0.0])


def test_a_category_of_numbers_is_read_as_its_numbers():
    cells = pd.Series([3.0, None, 2.5]).astype("category")
    assert column("categorical").parse(cells).values.tolist() == ["3", None, "2.5"]


def test_an_object_column_may_mix_anything():
    cells = pd.Series(
        [1, 1.0, True, "1", "a", 2.5, np.float32(0.1), Decimal("1.50"), ["x"], pd.NA, pd.NaT, np.nan, None]
    )
    values = column("categorical").parse(cells).values.tolist()
    assert values == ["1", "1", "True", "1", "a", "2.5", "0.1", "1.50", "['x']", None, None, None, None]


def test_text_that_is_no_plain_number_is_observed_but_not_readable():
    cells = pd.Series([" 1500", "nan", "inf", "1_000", "0x10", "n.v.", "1e3", "\uff11", ""])
    parsed = column("numeric").parse(cells)
    np.testing.assert_array_equal(parsed.values, [1500, *[np.nan] * 5, 1000, np.nan, np.nan])
    assert parsed.observed.tolist() == [True] * 8 + [False]
    assert parsed.readable.tolist() == [True, *[False] * 5, True, False, False]


def test_an_infinite_number_is_observed_but_not_readable():
    parsed = column("numeric").parse(pd.Series([np.inf, -np.inf, 1.0]))
    assert parsed.observed.tolist() == [True, True, True]
    assert parsed.readable.tolist() == [False, False, True]


def test_reading_leaves_the_table_as_it_was_and_shares_nothing_with_it():
    cells = pd.Series([1.0, np.inf, -1.0])
    before = cells.copy()
    parsed = column("numeric").parse(cells, [-1])
    parsed.values[:] = 9.0
    pd.testing.assert_series_equal(cells, before)


def test_a_marker_means_empty_in_numbers_and_in_text_alike():
    for cells in (
        pd.Series([-1, 5]),
        pd.Series([-1.0, 5.0]),
        pd.Series(["-1", "5"]),
        pd.Series([-1, "5"], dtype=object),
    ):
        for marker in (-1, -1.0, "-1"):
            assert column("numeric").parse(cells, [marker]).observed.tolist() == [False, True]
            assert column("categorical").parse(cells, [marker]).observed.tolist() == [False, True]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "Float32", pd.ArrowDtype(pa.float32())])
def test_a_marker_with_decimals_is_found_as_the_columns_own_numbers_are(dtype):
    cells = pd.Series([1.5, -9.99, 3.0], dtype="float64").astype(dtype)
    assert column("numeric").parse(cells, [-9.99]).observed.tolist() == [True, False, True]
    assert column("numeric").parse(cells, ["-9.99"]).observed.tolist() == [True, False, True]


def test_a_marker_of_one_column_adds_to_those_of_the_schema():
    numeric = column("numeric", missing_values=("n.v.",))
    assert numeric.parse(pd.Series(["n.v.", "?", "1"]), ["?"]).observed.tolist() == [False, False, True]


def test_words_for_nothing_are_values_unless_they_are_named():
    cells = pd.Series(["NA", "None", "null", "n/a"])
    assert column("categorical").parse(cells).observed.all()
    assert not column("categorical").parse(cells, ["NA", "None", "null", "n/a"]).observed.any()


def test_a_boolean_column_reads_its_own_categories_too():
    cells = pd.Series(["m", "f", "x"])
    assert column("boolean", categories=("m", "f")).parse(cells).readable.tolist() == [True, True, False]


def test_nan_none_and_na_add_no_marker():
    assert clean_missing_values(np.nan) == clean_missing_values([None, pd.NA, pd.NaT, np.float32("nan")]) == ()
    assert clean_missing_values([np.int64(-1), "?", 0, False]) == (-1, "?", 0, False)


def test_a_marker_that_is_neither_text_nor_number_is_refused():
    with pytest.raises(
        ConfigError, match=r"'missing_values' must be texts or numbers\. Got \('a', 'b'\) of type tuple"
    ):
        clean_missing_values([("a", "b")])


def test_no_cells_give_no_values():
    for kind in Kind:
        for cells in (pd.Series([], dtype=object), pd.Series([], dtype=float), pd.Series([None, None], dtype=object)):
            parsed = column(kind).parse(cells)
            assert len(parsed.values) == len(parsed.observed) == len(parsed.readable) == len(cells)
            assert not parsed.observed.any()
            assert column(kind).format(parsed.values).tolist() == [""] * len(cells)


@given(st.one_of(st.integers(-(2**60), 2**60), FLOATS, st.booleans()))
def test_the_canonical_text_of_a_number_is_that_number(value):
    if not isinstance(value, bool):
        assert number_of(canonical_text(value)) == float(value)
    assert canonical_text(np.asarray(value).item()) == canonical_text(value)


@given(st.lists(st.one_of(st.none(), st.integers(-3, 3), TEXTS, st.booleans(), FLOATS), max_size=12))
def test_codes_lead_each_row_to_its_own_text(values):
    cells = pd.Series(values, dtype=object)
    found = read_distinct(cells)
    expected = [None if value is None else canonical_text(value) for value in values]
    assert found.spread(found.texts, None).tolist() == expected
