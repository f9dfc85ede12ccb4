"""Tables are read as they are, and written back with nothing but the holes changed."""

from __future__ import annotations

import datetime as dt
import decimal
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.errors import TableError
from gain_impute.filled_frames import FilledColumn, cell_types, fill_frame
from gain_impute.frames import append_columns, drop_columns, is_frame, is_polars, row_labels, to_pandas
from gain_impute.schema import ColumnSchema, Kind
from tests.strategies import cells_of, is_hole, polars_tables, quick_imputer, tables

LAW = settings(deadline=None, max_examples=50)


def filled_at(table, name: str, rows: list[int], values: list, kind: Kind, *, like=None, **rules):
    """Fill cells of one column with given values, as a model would that was fitted on `like`."""
    column = ColumnSchema(name=name, kind=kind, **rules)
    like = to_pandas(table if like is None else like)[name]
    types = {name: cell_types(like, column.parse(like).values)}
    values = np.array(values, dtype=float if column.is_number else object)
    return fill_frame(table, {name: FilledColumn(np.array(rows), values)}, {name: column}, types)


@LAW
@given(table=tables() | polars_tables())
def test_filling_nothing_changes_nothing_and_returns_another_table(table):
    schema = {str(name): ColumnSchema(name=str(name), kind=Kind.TEXT) for name in table.columns}
    nothing = {name: FilledColumn(np.zeros(0, np.int64), np.zeros(0)) for name in schema}
    same = fill_frame(table, nothing, schema, {})
    assert same is not table
    assert same.equals(table)


@LAW
@given(table=tables())
def test_a_table_is_read_in_place_under_names_that_are_texts(table):
    numbered = table.set_axis(range(table.shape[1]), axis=1)
    frame = to_pandas(numbered)
    assert list(frame.columns) == [str(i) for i in range(table.shape[1])]
    assert list(numbered.columns) == list(range(table.shape[1]))
    for i in range(table.shape[1]):
        pd.testing.assert_series_equal(frame.iloc[:, i], table.iloc[:, i], check_names=False)


@LAW
@given(table=tables())
def test_every_row_has_its_index_label_as_its_text(table):
    assert row_labels(table).tolist() == [str(label) for label in table.index]


def test_rows_of_tables_without_an_index_are_numbered():
    assert row_labels(pl.DataFrame({"a": [1, 2]})).tolist() == row_labels(np.zeros((2, 1))).tolist() == ["0", "1"]
    assert len(row_labels(pd.DataFrame({"a": []}))) == 0


def test_tables_of_polars_are_known_without_importing_it():
    assert is_polars(pl.DataFrame())
    assert not is_polars(pd.DataFrame())
    assert is_frame(pl.DataFrame())
    assert is_frame(pd.DataFrame())
    assert not is_frame(np.zeros((1, 1)))
    assert "polars" not in {module.partition(".")[0] for module in vars(sys.modules["gain_impute.frames"])}


FULL = [
    # dtype, cells (None is the hole), kind, canonical value that goes in, cell that comes out
    ("float64", [1.5, None], "numeric", 2.5, 2.5),
    ("float32", [1.5, None], "numeric", 0.1, np.float32(0.1)),
    ("Float64", [1.5, None], "numeric", 2.5, 2.5),
    ("Int64", [1, None], "numeric", 2.0, 2),
    ("Int8", [127, None], "numeric", 127.0, 127),
    ("Int8", [-128, None], "numeric", -128.0, -128),
    ("UInt8", [255, None], "numeric", 255.0, 255),
    ("int64[pyarrow]", [1, None], "numeric", 2.0, 2),
    ("Int64", [1, None], "categorical", "2", 2),
    ("float64", [1.5, None], "categorical", "2.5", 2.5),
    ("boolean", [True, None], "boolean", "False", False),
    ("boolean", [True, None], "boolean", "True", True),
    ("boolean", [True, None], "numeric", 1.0, True),
    ("boolean", [True, None], "categorical", "True", True),
    ("bool[pyarrow]", [True, None], "boolean", "True", True),
    ("dictionary", ["a", None], "categorical", "b", "b"),
    ("decimal", [decimal.Decimal("1.50"), None], "categorical", "2.50", decimal.Decimal("2.50")),
    ("float32", [0.1, None], "categorical", "0.1", np.float32(0.1)),
    ("Int64", [2**62 + 1, None], "categorical", str(2**62 + 3), 2**62 + 3),
    ("UInt64", [2**64 - 1, None], "categorical", str(2**64 - 3), 2**64 - 3),
    ("Int64", [20161114, None], "datetime", 1479168000.0, 20161115),
    ("float64", [20161114, None], "datetime", 1479168000.0, 20161115.0),
    ("category", [20161114, None], "datetime", 1479168000.0, 20161115),
    (object, [20161114, None], "datetime", 1479168000.0, 20161115),
    ("str", ["a", None], "categorical", "b", "b"),
    ("string", ["a", None], "categorical", "b", "b"),
    ("string[pyarrow]", ["a", None], "categorical", "b", "b"),
    (object, ["a", None], "categorical", "b", "b"),
    ("str", ["1.50", None], "numeric", 2.5, "2.50"),
    ("category", ["a", None], "categorical", "b", "b"),
    ("category", ["1.50", "2.50", None], "numeric", 2.5, "2.50"),
    ("datetime64[s]", ["2024-01-05", None], "datetime", 86400.0, pd.Timestamp("1970-01-02")),
    (
        "datetime64[ns, Europe/Berlin]",
        ["2024-01-05", None],
        "datetime",
        0.0,
        pd.Timestamp("1970-01-01 01:00", tz="Europe/Berlin"),
    ),
    ("datetime64[us]", ["2024-01-05", None], "constant", "2024-01-05T00:00:00", pd.Timestamp("2024-01-05")),
    (object, [1, None], "numeric", 2.0, 2),
    (object, [1.5, None], "numeric", 2.0, 2.0),
    (object, [np.int64(1), None], "numeric", 2.0, 2),
    (object, [np.float32(1), None], "numeric", 2.5, 2.5),
    (object, [np.int64(1), np.int64(0), None], "categorical", "1", 1),
    (object, [np.bool_(True), None], "boolean", "True", True),
    (object, [True, None], "boolean", "False", False),
    (object, [1, True, "1.0", 2.5, None], "categorical", "True", True),
    (object, [1, True, "1.0", 2.5, None], "categorical", "1", 1),
    (object, [1, True, "1.0", 2.5, None], "categorical", "1.0", "1.0"),
    (object, [1, True, "1.0", 2.5, None], "categorical", "2.5", 2.5),
    (object, ["1", None], "numeric", 2.0, "2"),
    (object, [decimal.Decimal("1.50"), None], "numeric", 2.5, decimal.Decimal("2.50")),
    (object, [dt.date(2024, 1, 5), None], "datetime", 86400.0, dt.date(1970, 1, 2)),
    (object, [dt.datetime(2024, 1, 5), None], "datetime", 0.0, dt.datetime(1970, 1, 1)),
    (object, [pd.Timestamp("2024-01-05"), None], "datetime", 0.0, pd.Timestamp("1970-01-01")),
    (object, [dt.date(2024, 1, 5), None], "constant", "2024-01-05", dt.date(2024, 1, 5)),
]


@pytest.mark.parametrize(("dtype", "cells", "kind", "value", "expected"), FULL, ids=str)
def test_a_filled_cell_is_of_the_type_of_its_column(dtype, cells, kind, value, expected):
    arrow = {"dictionary": pa.dictionary(pa.int32(), pa.string()), "decimal": pa.decimal128(10, 2)}
    dtype = pd.ArrowDtype(arrow[dtype]) if dtype in arrow else dtype
    table = pd.DataFrame({"c": pd.Series(cells, dtype=dtype)}).set_axis([3] * len(cells))
    kind = Kind(kind)
    two_decimals = kind is Kind.NUMERIC and any(isinstance(cell, decimal.Decimal) or cell == "1.50" for cell in cells)
    whole = kind is Kind.NUMERIC and cells[0] == "1"
    rules = {"decimals": 2} if two_decimals else {"decimals": 0} if whole else {}
    rules |= {"date_format": "%Y%m%d"} if cells[0] == 20161114 else {}
    filled = filled_at(table, "c", [len(cells) - 1], [value], kind, **rules)
    put = cells_of(filled["c"])[-1]
    assert put == expected
    assert isinstance(put, type(expected)) or np.isscalar(expected)
    assert isinstance(put, str) == isinstance(expected, str)
    assert isinstance(put, bool | np.bool_) == isinstance(expected, bool)
    if dtype != "category":
        assert filled["c"].dtype == table["c"].dtype
    assert cells_of(filled["c"])[:-1] == cells_of(table["c"])[:-1]
    assert filled.index.equals(table.index)


@pytest.mark.parametrize(
    ("like", "kind", "value", "expected"),
    [
        (pd.Series([1.5, 2.5]), "numeric", 2.5, 2.5),
        (pd.Series([1, 2]), "numeric", 2.0, 2),
        (pd.Series([True, False]), "boolean", "False", False),
        (pd.Series(pd.to_datetime(["2024-01-05"])), "datetime", 86400.0, pd.Timestamp("1970-01-02")),
        (pd.Series([3, 1]).astype("category"), "categorical", "3", 3),
        (pd.Series(["a", "b"]), "categorical", "b", "b"),
    ],
    ids=str,
)
def test_a_cell_without_a_dtype_gets_the_type_that_the_column_had_in_fit(like, kind, value, expected):
    # a row made of a dict is of dtype object where its values are None
    row = pd.DataFrame([{"c": None}], dtype=object)
    put = filled_at(row, "c", [0], [value], Kind(kind), like=like.to_frame("c"))["c"].iloc[0]
    assert type(put) is type(expected)
    assert put == expected


@pytest.mark.parametrize("empty", ["float64", "Float64", "datetime64[us]", "boolean", "timedelta64[ns]"])
@pytest.mark.parametrize(
    ("like", "kind", "value", "expected"),
    [
        (["a", "b"], "categorical", "b", "b"),
        (["01", "02"], "categorical", "01", "01"),
        ([True, False], "boolean", "True", True),
        (["yes", "no"], "boolean", "yes", "yes"),
        ([7.25, 2.5], "numeric", 2.5, 2.5),
        ([pd.Timestamp("2024-01-05")], "datetime", 86400.0, pd.Timestamp("1970-01-02")),
        ([dt.date(2024, 1, 5)], "datetime", 86400.0, dt.date(1970, 1, 2)),
        ([pd.Timestamp("2024-01-05", tz="UTC")], "datetime", 86400.0, "1970-01-02"),
    ],
    ids=str,
)
def test_a_column_without_a_value_takes_a_dtype_that_holds_what_fills_it(empty, like, kind, value, expected):
    # read_csv makes floats of a column without a value
    rows = pd.DataFrame({"c": pd.Series([None, None], dtype=empty)})
    filled = filled_at(rows, "c", [1], [value], Kind(kind), like=pd.DataFrame({"c": like}))["c"]
    if kind == "datetime" and filled.dtype == empty:
        expected = pd.Timestamp(expected)
    if kind == "boolean" and filled.dtype == empty:
        expected = True
    assert is_hole(filled[0])
    assert filled[1] == expected
    assert isinstance(filled.tolist()[1], type(expected))


def test_a_value_that_its_dtype_cannot_hold_does_not_change_its_neighbours():
    rows = pd.DataFrame({"c": [1.5, None, 2.0]})
    filled = filled_at(rows, "c", [1], ["a"], Kind.CATEGORICAL, like=pd.DataFrame({"c": ["a", "b"]}))
    assert filled["c"].tolist() == [1.5, "a", 2.0]


def test_a_category_dtype_with_other_categories_gets_values_of_the_same_type():
    row = pd.DataFrame({"c": pd.Categorical([None, 1], categories=[1])})
    like = pd.DataFrame({"c": pd.Categorical([1, 2, 3])})
    filled = filled_at(row, "c", [0], ["2"], Kind.CATEGORICAL, like=like)["c"]
    assert filled.tolist() == [2, 1]
    assert filled.cat.categories.tolist() == [1, 2]


def test_an_ordered_category_stays_ordered():
    table = pd.DataFrame({"c": pd.Categorical(["S", None], categories=["S", "L"], ordered=True)})
    filled = filled_at(table, "c", [1], ["L"], Kind.CATEGORICAL)["c"]
    assert filled.dtype == table["c"].dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.int8, np.uint8])
def test_an_array_keeps_its_dtype(dtype):
    table = np.array([[1, 2], [3, 4]], dtype=dtype)
    schema = {name: ColumnSchema(name=name, kind=Kind.NUMERIC) for name in ("x0", "x1")}
    filled = fill_frame(table, {"x1": FilledColumn(np.array([0]), np.array([7.0]))}, schema, {})
    assert filled.dtype == dtype
    assert filled.tolist() == [[1, 7], [3, 4]]


@pytest.mark.parametrize(
    ("dtype", "cells", "kind", "value", "expected"),
    [
        (pl.Float64, [1.5, None], "numeric", 2.5, 2.5),
        (pl.Int64, [1, None], "numeric", 2.0, 2),
        (pl.UInt8, [1, None], "numeric", 255.0, 255),
        (pl.Int64, [2**63 - 1, None], "numeric", float(2**63 - 1), None),
        (pl.Int64, [1, None], "categorical", "1", 1),
        (pl.Int64, [20161114, None], "datetime", 1479168000.0, 20161115),
        (pl.Boolean, [True, None], "boolean", "False", False),
        (pl.Boolean, [True, None], "numeric", 1.0, True),
        (pl.String, ["a", None], "categorical", "b", "b"),
        (pl.Categorical, ["a", None], "categorical", "b", "b"),
        (pl.Enum(["a", "b"]), ["a", None], "categorical", "b", "b"),
        (pl.Date, [dt.date(2024, 1, 5), None], "datetime", 86400.0, dt.date(1970, 1, 2)),
        (pl.Date, [dt.date(2024, 1, 5), None], "constant", "2024-01-05", dt.date(2024, 1, 5)),
        (pl.Datetime("ms"), [dt.datetime(2024, 1, 5), None], "datetime", 0.0, dt.datetime(1970, 1, 1)),
        (
            pl.Datetime("us"),
            [dt.datetime(2024, 1, 5), None],
            "constant",
            "2024-01-05T00:00:00",
            dt.datetime(2024, 1, 5),
        ),
        (pl.Decimal(10, 2), [decimal.Decimal("1.50"), None], "numeric", 2.5, decimal.Decimal("2.50")),
        (pl.Decimal(10, 2), [decimal.Decimal("1.50"), None], "categorical", "2.50", decimal.Decimal("2.50")),
    ],
    ids=str,
)
def test_a_filled_cell_of_polars_is_of_the_type_of_its_column(dtype, cells, kind, value, expected):
    table = pl.DataFrame({"c": pl.Series(cells, dtype=dtype)})
    rules = {"date_format": "%Y%m%d"} if cells[0] == 20161114 else {}
    filled = filled_at(table, "c", [1], [value], Kind(kind), **rules)
    assert filled.schema == table.schema
    assert filled["c"][0] == table["c"][0]
    assert filled["c"][1] is not None
    if expected is not None:
        assert filled["c"][1] == expected


@pytest.mark.parametrize("empty", [pl.Null, pl.Float64, pl.Datetime, pl.Boolean, pl.Duration, pl.Enum(["z"])], ids=str)
@pytest.mark.parametrize(
    ("like", "kind", "value", "expected"),
    [
        (pl.Series(["a", "b"]), "categorical", "b", "b"),
        (pl.Series([True, False]), "boolean", "True", True),
        (pl.Series([7.25, 2.5]), "numeric", 2.5, 2.5),
        (pl.Series([dt.datetime(2024, 1, 5)]), "datetime", 86400.0, dt.datetime(1970, 1, 2)),
    ],
    ids=str,
)
def test_a_column_of_polars_without_a_value_takes_a_dtype_that_holds_what_fills_it(empty, like, kind, value, expected):
    rows = pl.DataFrame({"c": pl.Series([None, None], dtype=empty)})
    filled = filled_at(rows, "c", [1], [value], Kind(kind), like=like.to_frame("c"))["c"]
    assert filled[0] is None
    assert filled[1] == (str(expected) if filled.dtype in {pl.String, pl.Enum} else expected)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_columns_are_dropped_by_position_and_appended_as_booleans(make):
    table = make({"a": [1, 2], "b": [3, 4], "c": [5, 6]})
    kept = drop_columns(table, [0, 2])
    assert list(kept.columns) == ["b"]
    more = append_columns(kept, np.array([[True], [False]]), ["was empty"])
    assert list(more.columns) == ["b", "was empty"]
    assert list(more["was empty"]) == [True, False]
    assert list(kept.columns) == ["b"]


def test_columns_appended_to_an_array_are_numbers():
    table = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    more = append_columns(drop_columns(table, [0]), np.array([[True], [False]]), ["x"])
    assert more.dtype == np.float32
    assert more.tolist() == [[2.0, 1.0], [4.0, 0.0]]


def test_columns_appended_to_a_frame_keep_an_index_of_repeated_labels():
    table = pd.DataFrame({"a": [1, 2]}, index=[7, 7])
    more = append_columns(table, np.array([[True], [False]]), ["x"])
    assert more.index.tolist() == [7, 7]
    assert more["x"].tolist() == [True, False]


@LAW
@given(st.lists(st.sampled_from([1, True, "a", 2.5, None, dt.date(2024, 1, 5)]), min_size=1))
def test_types_are_told_of_each_text_that_is_not_of_the_usual_type(cells):
    column = pd.Series(cells, dtype=object)
    types = cell_types(column, ColumnSchema(name="c", kind=Kind.CATEGORICAL).parse(column).values)
    for cell in cells:
        if cell is not None:
            assert types.get(str(cell), types[""]) == type(cell).__name__


def test_integers_that_no_float_tells_apart_are_read_as_they_are_from_polars_too():
    values = [2**63 + i % 3 for i in range(60)]
    table = pl.DataFrame(
        {"id": [None if i % 5 == 0 else value for i, value in enumerate(values)]}, schema={"id": pl.UInt64}
    )
    read = to_pandas(table)["id"]
    assert str(read.dtype) == "UInt64"
    assert read.dropna().tolist() == table["id"].drop_nulls().to_list()
    filled = quick_imputer().fit_transform(table.with_columns(word=pl.Series(["a", "b", "c"] * 20)))
    assert filled["id"].dtype == pl.UInt64
    assert set(filled["id"]) == set(values)
    assert str(to_pandas(pl.DataFrame({"n": [1, None]}))["n"].dtype) == "float64"


def test_a_column_of_polars_that_pandas_cannot_read_is_named():
    table = pl.DataFrame({"price": [1.0, 2.0], "wide": pl.Series([1, 2]).cast(pl.Int128)})
    with pytest.raises(TableError, match=r"must be ones that pandas reads. Got \{'wide': 'Int128'\}. Cast them"):
        quick_imputer().fit(table)
