"""What the imputer does with every kind of table, and what it says where it cannot."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import decimal
import io
import math
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch

from gain_impute import CellState, ColumnSchema, GAINImputer, Kind, Schema, infer_schema
from gain_impute.cells import CELL_DTYPES
from gain_impute.errors import (
    BrokenRuleWarning,
    ColumnMismatchError,
    ConfigError,
    FarOutWarning,
    FileError,
    GainImputeWarning,
    LikelyMarkerWarning,
    SchemaError,
    TableError,
    UnfillableWarning,
    UnmetRuleWarning,
    UnreadableWarning,
)
from gain_impute.masking import apply_hidden
from gain_impute.mlflow_flavor import filled_with_confidence
from gain_impute.schema import schema_to_toml
from gain_impute.state import EpochLog
from gain_impute.training import HeldOut, NullTracker
from tests.strategies import is_hole, quick_imputer, shop_table


def fit(table, **params) -> GAINImputer:
    """Fit without the package's own warnings, which other tests look at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GainImputeWarning)
        return quick_imputer(**params).fit(table)


def completed(table, **params):
    return fit(table, **params).transform(table)


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return shop_table()


@pytest.fixture(scope="module")
def imputer(shop) -> GAINImputer:
    return fit(shop)


def numbers(n_rows: int = 20, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(n_rows, 3))
    table[rng.random(table.shape) < 0.2] = np.nan
    table[0] = 0.0
    return table


# ------------------------------------------------------------------------------------------------- arrays, lists


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_array_of_floats_keeps_its_dtype(dtype):
    table = numbers().astype(dtype)
    filled = completed(table)
    assert isinstance(filled, np.ndarray)
    assert filled.dtype == dtype
    assert not np.isnan(filled).any()
    np.testing.assert_array_equal(filled[~np.isnan(table)], table[~np.isnan(table)])


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_an_array_of_integers_is_filled_with_integers_where_its_marker_stood(dtype):
    table = np.array([[1, 2], [99, 3], [4, 99], [5, 6]], dtype=dtype)
    filled = completed(table, missing_values=99)
    assert filled.dtype == dtype
    assert filled[0].tolist() == [1, 2]
    assert 1 <= filled[1, 0] <= 5
    assert 2 <= filled[2, 1] <= 6


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_a_column_of_an_array_may_be_said_to_hold_categories(dtype):
    table = np.array([[1, 2], [3, 4], [-1, 5], [1, 6]] * 10, dtype=dtype)
    filled = completed(table, schema={"x0": "categorical"}, missing_values=-1)
    assert filled.dtype == dtype
    assert set(filled[:, 0]) == {1, 3}


@pytest.mark.parametrize(("dtype", "filled_dtype"), [(np.float32, np.float32), (np.int64, np.float64)])
def test_masked_cells_of_an_array_are_missing_whatever_stands_under_the_mask(dtype, filled_dtype):
    holes = numbers()
    is_hole = np.isnan(holes)
    masked = np.ma.MaskedArray(np.where(is_hole, 10**6, 100 * holes).astype(dtype), is_hole)
    filled = completed(masked)
    assert type(filled) is np.ndarray
    assert filled.dtype == filled_dtype
    np.testing.assert_array_equal(filled, completed(masked.astype(filled_dtype).filled(np.nan)))
    assert np.abs(filled).max() < 10**4


def test_the_columns_of_an_array_are_numbers_whatever_they_hold():
    imputer = fit(np.array([[0, 1.0], [1, np.nan], [0, 1.0], [1, 1.0]]))
    assert [imputer.schema_[name].kind for name in ("x0", "x1")] == ["numeric", "numeric"]


def test_lists_and_arrays_of_objects_are_read_as_numbers():
    assert completed([[1, None], [2, 3], [3, 4]]).dtype == float
    filled = completed(np.array([[1, None], [2, 3.5], ["3", 4]], dtype=object))
    assert not np.isnan(filled).any()


def test_a_row_of_nothing_but_none_is_filled():
    imputer = fit(np.array([[1.0, 2.0], [3.0, 4.0]]))
    filled = imputer.transform(np.array([[None, None]], dtype=object))
    assert np.isfinite(filled).all()


def test_infinity_in_an_array_is_an_error():
    with pytest.raises(ValueError, match="Input X contains infinity"):
        quick_imputer().fit(np.array([[1.0, np.inf], [2.0, 3.0]]))


def test_texts_in_an_array_are_an_error():
    for dtype in (str, object):
        with pytest.raises(ValueError, match=r"could not convert string to float|Convert your data to numeric values"):
            quick_imputer().fit(np.array([["red", "1"], ["blue", "2"]], dtype=dtype))


@pytest.mark.parametrize(
    "table", [np.array([1.0, 2.0]), 5, "abc", {"a": [1]}, pd.Series([1.0])], ids=lambda t: type(t).__name__
)
def test_what_is_no_table_is_an_error(table):
    with pytest.raises(ValueError, match=r"Expected|could not convert"):
        quick_imputer().fit(table)


# -------------------------------------------------------------------------------------------------------- polars


def test_a_table_of_polars_is_filled_as_the_same_table_of_pandas_is(shop):
    plain = shop.drop(columns=["colour", "size", "title"])
    table = pl.from_pandas(plain)
    ours, theirs = completed(table), completed(plain)
    assert ours.schema == table.schema
    assert ours.null_count().sum_horizontal().item() == 0
    for name in plain:
        assert ours[name].to_list() == theirs[name].tolist()


def test_nan_is_as_missing_as_null_in_polars():
    table = pl.DataFrame({"a": [1.5, None, float("nan"), 2.5] * 5, "b": list(range(20))})
    filled = completed(table)["a"]
    assert filled.null_count() == 0
    assert not filled.is_nan().any()


def test_a_model_fitted_on_pandas_fills_polars(imputer, shop):
    table = pl.from_pandas(shop)
    filled = imputer.transform(table)
    assert filled.schema == table.schema
    assert filled.drop("title").null_count().sum_horizontal().item() == 0


# ------------------------------------------------------------------------------------------------ names and rows


@pytest.mark.parametrize("name", ["LazyFrame", "Series"])
def test_what_is_of_polars_but_no_frame_is_an_error_that_says_what_to_do(name):
    frame = pl.DataFrame({"a": [1.0, None]})
    with pytest.raises(TableError, match=rf"must be a DataFrame\. Got a {name}\. Call collect\(\) or to_frame\(\)"):
        quick_imputer().fit({"LazyFrame": frame.lazy(), "Series": frame["a"]}[name])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_no_indicator_takes_the_name_of_a_column(make):
    table = make({"a": [1.5, None], "missingindicator_a": [0.0, 1.0], "missingindicator_b": [1.0, 2.0]})
    with pytest.raises(TableError, match=r"named as the indicator of another\. Got 'missingindicator_a'"):
        quick_imputer(add_indicator=True).fit(table)
    assert list(completed(table).columns) == list(table.columns)


def test_columns_of_one_name_are_an_error():
    with pytest.raises(TableError, match=r"names of columns must differ\. Got 'a' more than once\. Rename them"):
        quick_imputer().fit(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]))


def test_names_that_are_the_same_as_texts_are_an_error():
    with pytest.raises(TableError, match=r"Got '1' more than once"):
        quick_imputer().fit(pd.DataFrame([[1, 2], [3, 4]], columns=["1", 1]))


def test_columns_that_pandas_cannot_read_are_named():
    runs = pa.RunEndEncodedArray.from_arrays([20, 40], pa.array(["red", "blue"]))
    table = pd.DataFrame({"weight": np.arange(40.0), "colour": pd.array(runs, dtype=pd.ArrowDtype(runs.type))})
    with pytest.raises(TableError, match=r"Got {'colour': 'run_end_encoded<.*run_end_decode"):
        quick_imputer().fit(table)
    decoded = pc.run_end_decode(runs)
    quick_imputer().fit(table.assign(colour=pd.array(decoded, dtype=pd.ArrowDtype(decoded.type))))


def test_rows_of_one_label_stay_apart():
    table = pd.DataFrame({"a": [1.0, np.nan, 3.0, np.nan], "b": [1.0, 2.0, 3.0, 4.0]}, index=[7, 7, 7, 8])
    filled = completed(table, round_to_grid=False)
    assert filled.index.tolist() == [7, 7, 7, 8]
    assert filled["a"].notna().all()
    assert filled["a"].tolist()[::2] == [1.0, 3.0]


def test_names_may_be_integers_and_must_then_keep_their_order():
    table = pd.DataFrame(numbers(), columns=[2020, 2021, 2022])
    imputer = fit(table)
    assert imputer.transform(table).columns.tolist() == [2020, 2021, 2022]
    with pytest.raises(ColumnMismatchError, match="order"):
        imputer.transform(table[[2022, 2021, 2020]])


def test_names_of_two_levels_stay_so():
    columns = pd.MultiIndex.from_tuples([("size", "width"), ("size", "height"), ("price", "net")])
    table = pd.DataFrame(numbers(), columns=columns)
    pd.testing.assert_index_equal(completed(table).columns, columns)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.drop(columns="price"), r"now missing:\n- price"),
        (lambda t: t.assign(extra=1), r"unseen at fit time:\n- extra"),
        (
            lambda t: t.rename(columns={"weight": "weight_g"}),
            r"unseen at fit time:\n- weight_g\n.*now missing:\n- weight\n",
        ),
        (lambda t: t[t.columns[::-1]], "must be in the same order"),
    ],
    ids=["missing", "extra", "renamed", "reordered"],
)
@pytest.mark.parametrize("method", ["transform", "impute", "sample", "partial_fit"])
def test_columns_that_differ_from_those_of_fit_are_named(imputer, shop, method, change, told):
    with pytest.raises(ColumnMismatchError, match=f"(?s){told}.*(Rename or reorder the columns, or fit again|Reorder)"):
        getattr(imputer, method)(change(shop))


@pytest.mark.parametrize(
    "table", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame(index=[1, 2]), pl.DataFrame()], ids=str
)
def test_a_table_without_rows_or_columns_cannot_be_learned(table):
    with pytest.raises(TableError, match=r"must have at least one row and one column\. Got \d x \d"):
        quick_imputer().fit(table)


# -------------------------------------------------------------------------------------------------- small tables


def test_a_table_of_one_column_is_filled():
    assert completed(pd.DataFrame({"a": [1.5, np.nan, 2.5]}))["a"].between(1.5, 2.5).all()
    assert set(completed(pd.DataFrame({"a": ["x", None, "x", "y"]}))["a"]) <= {"x", "y"}


def test_a_constant_column_is_filled_with_its_constant():
    table = pd.DataFrame({"text": ["only", None, "only"], "number": [7.5, np.nan, 7.5], "other": [1, 2, 3]})
    filled = completed(table)
    assert filled["text"].tolist() == ["only"] * 3
    assert filled["number"].tolist() == [7.5] * 3


@pytest.mark.parametrize("n_rows", [1, 2])
def test_a_table_of_one_or_two_rows_can_be_learned(shop, n_rows):
    goods = shop.drop(columns="title")
    filled = fit(goods.dropna().head(n_rows)).transform(goods)
    assert not filled.isna().any(axis=None)
    assert set(filled["kind"]) <= set(shop["kind"].dropna())


def test_values_may_be_missing_only_at_transform(shop):
    goods = shop.drop(columns="title")
    assert not fit(goods.dropna()).transform(goods).isna().any(axis=None)


def test_one_row_as_a_web_service_gets_it_is_filled_with_values_of_the_right_types(imputer, shop):
    row = pd.DataFrame([dict.fromkeys(shop.columns)], dtype=object)
    filled = imputer.transform(row).iloc[0]
    assert isinstance(filled["price"], float)
    assert isinstance(filled["stock"], int)
    assert isinstance(filled["sold_online"], bool)
    assert isinstance(filled["since"], pd.Timestamp)
    assert isinstance(filled["kind"], str)
    assert filled["title"] is None


def test_columns_that_a_reader_of_files_took_for_floats_since_they_are_empty_are_filled_as_in_fit(imputer, shop):
    rows = pd.read_csv(io.StringIO(shop.iloc[:3].assign(**dict.fromkeys(shop.columns, np.nan)).to_csv(index=False)))
    assert (rows.dtypes == "float64").all()
    filled = imputer.transform(rows)
    assert filled["kind"].isin(shop["kind"]).all()
    assert filled["colour"].isin(shop["colour"]).all()
    assert filled["sold_online"].dtype == bool
    assert filled["since"].between(shop["since"].min(), shop["since"].max()).all()
    assert filled["price"].between(shop["price"].min(), shop["price"].max()).all()
    assert filled["title"].isna().all()


def test_dates_that_are_integers_are_filled_with_integers_that_are_dates():
    days = pd.date_range("2016-11-14", periods=40).strftime("%Y%m%d").astype(int)
    table = pd.DataFrame({"order_date": pd.array(days, dtype="Int64"), "other": range(40)})
    table.loc[::4, "order_date"] = pd.NA
    for dtype in ("Int64", "float64"):
        result = fit(table).impute(table.astype({"order_date": dtype}))
        put = result.table["order_date"].iloc[::4]
        assert put.dtype == dtype
        assert put.between(20161114, 20161223).all()
        assert put.astype(int).astype(str).tolist() == result.cells["value"].tolist()


@pytest.mark.parametrize("params", [{}, {"add_indicator": True}], ids=str)
def test_no_rows_in_no_rows_out(shop, params):
    imputer = fit(shop, **params)
    none = shop.iloc[:0]
    filled = imputer.transform(none)
    assert len(filled) == 0
    assert list(filled.columns) == list(imputer.get_feature_names_out())
    assert (filled[shop.columns].dtypes == shop.dtypes).all()
    assert [len(draw) for draw in imputer.sample(none, n_draws=2)] == [0, 0]
    assert imputer.category_probabilities(none, "kind").shape == (0, 4)
    result = imputer.impute(none)
    assert len(result.table) == result.n_rows == 0
    assert {name: str(dtype) for name, dtype in result.cells.dtypes.items()} == CELL_DTYPES
    assert len(result.summary()) == 0
    assert imputer.transform(pl.from_pandas(shop).head(0)).height == 0


def test_no_rows_of_an_array_give_none():
    imputer = fit(numbers(), add_indicator=True)
    assert imputer.transform(np.zeros((0, 3))).shape == (0, 6)


# -------------------------------------------------------------------------------------------- what cells may hold


def test_integers_booleans_and_texts_of_one_column_stay_what_they_are():
    table = pd.DataFrame({"mixed": [1, True, "one", 2, None] * 6, "other": range(30)})
    filled = completed(table)["mixed"]
    assert {type(cell) for cell in filled} <= {int, bool, str}
    assert all(any(cell == seen and type(cell) is type(seen) for seen in (1, True, "one", 2)) for cell in filled)


def some(values: list, n_rows: int = 28) -> pd.DataFrame:
    """Make a column of objects out of some values and holes."""
    cells = [values[i % len(values)] if i % 4 else None for i in range(n_rows)]
    return pd.DataFrame({"c": pd.Series(cells, dtype=object), "other": np.arange(n_rows) % 5 * 1.5})


KNOWN_TYPES = {
    "dates": [dt.date(2024, 1, day) for day in range(1, 9)],
    "date and times": [dt.datetime(2024, 1, day, 10) for day in range(1, 9)],
    "time stamps": [pd.Timestamp(2024, 1, day) for day in range(1, 9)],
    "one date": [dt.date(2024, 1, 1)],
    "decimals": [decimal.Decimal(n) / 4 for n in range(1, 9)],
    "numpy integers": [np.int64(n) for n in range(1, 9)],
    "two numpy integers": [np.int64(0), np.int64(1)],
    "numpy floats": [np.float64(n) / 4 for n in range(1, 9)],
    "numpy booleans": [np.bool_(True), np.bool_(False)],
    "long integers": [10**17 + n for n in range(8)],
}


@pytest.mark.parametrize("values", KNOWN_TYPES.values(), ids=KNOWN_TYPES)
def test_objects_are_filled_with_values_of_their_kind_between_those_seen(values):
    table = some(values)
    filled = completed(table)["c"]
    plain = {np.int64: int, np.float64: float, np.bool_: bool}
    put = filled[table["c"].isna()]
    assert {plain.get(type(cell), type(cell)) for cell in put} == {plain.get(type(values[0]), type(values[0]))}
    assert min(values) <= min(put)
    assert max(put) <= max(values)


FOREIGN_TYPES = {
    "times": [dt.time(hour) for hour in range(5)],
    "durations": [dt.timedelta(days=day) for day in range(5)],
    "lists": [[1, 2], [3], []],
    "dicts": [{"a": 1}, {"b": 2}],
    "bytes": [b"a", b"b"],
    "instants of a zone": [dt.datetime(2024, 1, day, tzinfo=dt.timezone(dt.timedelta(hours=2))) for day in range(1, 9)],
    "sets": [frozenset({1}), frozenset({2})],
    "years": [pd.Period(str(year), "Y") for year in range(2001, 2009)],
}


@pytest.mark.parametrize("values", FOREIGN_TYPES.values(), ids=FOREIGN_TYPES)
def test_objects_that_cannot_be_made_are_left_empty_and_listed_or_are_one_of_those_seen(values):
    table = some(values)
    imputer = fit(table)
    filled = imputer.transform(table)["c"]
    put = filled[table["c"].isna()]
    if "c" in imputer.unfillable_:
        assert put.isna().all()
    else:
        assert all(cell in values and type(cell) is type(values[0]) for cell in put)
    assert filled[table["c"].notna()].tolist() == table["c"].dropna().tolist()


FOREIGN_COLUMNS = {
    "durations": pd.Series(pd.to_timedelta([1, 2, None, 4, 5] * 5, unit="D")),
    "periods": pd.Series(pd.PeriodIndex(["2024-01", "2024-02", None, "2024-04", "2024-05"] * 5, freq="M")),
    "years": pd.Series(pd.PeriodIndex(["2021", "2022", None, "2024", "2025"] * 5, freq="Y")),
    "lists of Arrow": pd.Series([[1], [2, 3], None, [], [1]] * 5, dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "structures of Arrow": pd.Series([{"a": 1}, None] * 12 + [None], dtype=pd.ArrowDtype(pa.struct({"a": pa.int8()}))),
    "intervals": pd.Series(pd.cut(pd.Series([1, 2, None, 4, 5] * 5), 3).array.astype("interval")),
    "bins": pd.Series(pd.cut(pd.Series([1, 2, None, 4, 5] * 5), 3)),
    "complex numbers": pd.Series([1j, 2j, None, 4j, 5j] * 5, dtype=complex),
    "sparse numbers": pd.Series(pd.arrays.SparseArray([1.0, 2.0, np.nan, 4.0, 5.0] * 5)),
}


@pytest.mark.parametrize("column", FOREIGN_COLUMNS.values(), ids=FOREIGN_COLUMNS)
def test_dtypes_that_cannot_be_made_are_left_empty_and_listed_or_filled_with_one_of_those_seen(column):
    table = pd.DataFrame({"c": column, "other": np.arange(25) % 4 * 1.5})
    imputer = fit(table)
    filled = imputer.transform(table)["c"]
    assert filled.dtype == column.dtype
    assert filled[column.notna()].tolist() == column[column.notna()].tolist()
    if "c" in imputer.unfillable_:
        assert filled.isna().tolist() == column.isna().tolist()
    else:
        assert set(filled) <= set(column.dropna())


@pytest.mark.parametrize(
    "values",
    [[dt.time(3), dt.time(4)], [dt.timedelta(3), dt.timedelta(4)], [[1], [2]], [b"a", b"b"], [{"a": 1}, {"a": 2}]],
    ids=["times", "durations", "lists", "bytes", "structs"],
)
def test_types_of_polars_that_cannot_be_made_are_left_empty_and_listed(values):
    table = pl.DataFrame({"c": [values[0], None, values[1], None] * 6, "other": range(24)})
    imputer = fit(table)
    assert "c" in imputer.unfillable_
    assert imputer.transform(table)["c"].equals(table["c"])


def test_infinity_in_a_frame_is_kept_and_counted_as_unreadable():
    table = pd.DataFrame({"a": [1.0, np.inf, np.nan, 4.0, -np.inf, 6.0, 7.0, 8.0], "b": range(8)})
    with pytest.warns(UnreadableWarning, match=r"cannot be read .* stay as they are: 'a' \(2\)"):
        imputer = quick_imputer().fit(table)
    assert imputer.unreadable_ == {"a": 2}
    filled = imputer.transform(table)["a"]
    assert filled.tolist()[:2] == [1.0, np.inf]
    assert 1 <= filled[2] <= 8
    assert imputer.impute(table).unreadable == {"a": 2}


def test_text_in_a_column_of_numbers_is_kept_and_counted_as_unreadable():
    table = pd.DataFrame({"a": ["1", "2", "n.v.", None, *map(str, range(30))], "b": range(34)})
    with pytest.warns(UnreadableWarning, match=r"'a' \(1\)"):
        imputer = quick_imputer(schema={"a": "numeric"}).fit(table)
    filled = imputer.transform(table)["a"]
    assert filled[2] == "n.v."
    assert filled[3].isdigit()


def test_a_column_that_is_mostly_unreadable_is_an_error_that_says_what_to_do():
    table = pd.DataFrame({"size": ["S", "M", "L", "3"], "b": range(4)})
    told = r"half of the known cells of column 'size' must be readable as numeric\. 3 of 4 are not\. .* missing_values"
    with pytest.raises(TableError, match=told):
        quick_imputer(schema={"size": "numeric"}).fit(table)


@pytest.mark.parametrize("method", ["transform", "impute", "sample"])
def test_a_column_that_is_mostly_unreadable_in_new_rows_is_an_error_too(imputer, shop, method):
    rows = shop.assign(price="n.v.")
    with pytest.raises(TableError, match=r"column 'price' must be readable as numeric\. 80 of 80 are not"):
        getattr(imputer, method)(rows)
    few = rows.iloc[:19]  # too few to say what the column is
    assert imputer.transform(few)["price"].tolist() == few["price"].tolist()


def test_holes_that_stay_are_warned_of_where_fit_did_not_know_of_them(shop, tmp_path):
    full = shop.assign(title=[f"a rather long title of thing number {i}" for i in range(len(shop))])
    imputer = quick_imputer().fit(full)
    imputer.save(tmp_path / "model")
    for fitted in (imputer, GAINImputer.load(tmp_path / "model")):
        for method in (fitted.transform, fitted.impute, fitted.sample):
            with pytest.warns(UnfillableWarning, match=r"stay empty: 'title' \(text is not filled\)") as caught:
                method(shop)
            assert len(caught) == 1
            assert caught[0].filename == __file__
    go_on(imputer, shop)
    assert imputer.transform(shop)["title"].isna().any()  # warned of already: no warning, which would be an error here


def test_an_unseen_category_is_kept_and_read_as_unknown(imputer, shop):
    row = shop.dropna().head(1)
    unknown, hidden = row.assign(kind="kettle", price=np.nan), row.assign(kind=None, price=np.nan)
    filled = imputer.transform(unknown)
    assert filled["kind"].item() == "kettle"
    assert filled["price"].item() == imputer.transform(hidden)["price"].item()
    assert imputer.impute(unknown).cells["column"].tolist() == ["price"]


# ------------------------------------------------------------------------------------------------- empty columns


@pytest.fixture
def with_empty() -> pd.DataFrame:
    return pd.DataFrame({"a": [1.5, np.nan, 2.5], "gone": [None, None, None], "b": ["x", "y", None]})


def test_a_column_never_observed_is_kept_empty_listed_and_warned_of(with_empty):
    with pytest.warns(UnfillableWarning, match=r"stay empty: 'gone' \(never observed in fit\)\."):
        imputer = quick_imputer().fit(with_empty)
    assert imputer.unfillable_ == {"gone": "never observed in fit"}
    filled = imputer.transform(with_empty)
    assert filled["gone"].isna().all()
    assert filled["gone"].dtype == with_empty["gone"].dtype
    kept = imputer.transform(with_empty.assign(gone=["now", None, "here"]))
    assert kept["gone"].fillna("still gone").tolist() == ["now", "still gone", "here"]


def test_a_column_never_observed_is_dropped_if_asked_for(with_empty):
    imputer = fit(with_empty, keep_empty_features=False)
    assert imputer.transform(with_empty).columns.tolist() == ["a", "b"]
    assert imputer.transform(pl.from_pandas(with_empty)).columns == ["a", "b"]
    assert fit(np.array([[np.nan, 1.0], [np.nan, 2.0]]), keep_empty_features=False).transform(
        [[5.0, np.nan]]
    ).shape == (1, 1)


def test_the_warning_names_five_columns_and_counts_the_rest():
    table = pd.DataFrame({f"gone {i}": [None, None] for i in range(8)} | {"a": [1.0, 2.0]})
    with pytest.warns(UnfillableWarning, match=r"'gone 4' \(never observed in fit\) and 3 more\."):
        quick_imputer().fit(table)


def test_warnings_point_at_the_line_that_called(with_empty):
    for method in ("fit", "fit_transform", "partial_fit"):
        with pytest.warns(UnfillableWarning) as caught:
            getattr(quick_imputer(), method)(with_empty)
        assert [told.filename for told in caught] == [__file__]


def test_a_table_of_nothing_but_texts_has_nothing_to_fill():
    table = pd.DataFrame({"note": [f"a rather long text number {i} to read" if i % 3 else None for i in range(15)]})
    with pytest.warns(UnfillableWarning, match=r"'note' \(text is not filled\)"):
        imputer = quick_imputer().fit(table)
    assert imputer.transform(table).equals(table)
    result = imputer.impute(table)
    assert result.cells["state"].tolist() == ["unfillable"] * 5
    assert result.summary().loc["note", "unfillable"] == 5
    assert len(imputer.history_) == 0
    assert all(draw.equals(table) for draw in imputer.sample(table, n_draws=2))
    with pytest.warns(UnfillableWarning):
        imputer.partial_fit(table)
    with pytest.raises(ConfigError, match=r"filled with categories: none is\. Got 'note' instead"):
        imputer.category_probabilities(table, "note")


# --------------------------------------------------------------------------------------------------------- schema

SMALL = pd.DataFrame({"kind": ["cup", "pot", None, "cup"] * 5, "size": [1, 2, 3, None] * 5, "code": [7, 8, 7, 8] * 5})


def test_a_mapping_overrides_the_kinds_of_single_columns():
    imputer = fit(SMALL, schema={"code": "categorical"})
    assert imputer.schema_["code"].kind is Kind.CATEGORICAL
    assert imputer.schema_["size"].kind is Kind.NUMERIC
    assert imputer.schema == {"code": "categorical"}  # as it was given


def test_a_schema_and_its_file_say_the_same(tmp_path):
    schema = fit(SMALL).schema_.replace("size", minimum=0, maximum=9).replace("kind", categories=("cup", "pot", "pan"))
    path = tmp_path / "schema.toml"
    path.write_text(schema_to_toml(schema), "utf-8")
    by_object, by_path, by_text = (fit(SMALL, schema=given) for given in (schema, path, str(path)))
    assert by_object.schema_ == by_path.schema_ == by_text.schema_ == schema
    assert by_object.state_.model_id() == by_path.state_.model_id()
    assert "pan" in by_object.category_probabilities(SMALL, "kind").columns


def test_the_columns_of_a_schema_may_stand_in_another_order():
    schema = fit(SMALL).schema_
    turned = Schema([schema[name] for name in list(schema)[::-1]])
    assert list(fit(SMALL, schema=turned).schema_) == list(SMALL.columns)


def test_a_schema_of_other_columns_is_an_error_that_names_them():
    schema = Schema([ColumnSchema(name="kind", kind=Kind.CATEGORICAL), ColumnSchema(name="sizes", kind=Kind.NUMERIC)])
    with pytest.raises(SchemaError, match=r"The table lacks 'sizes'\. Did you mean 'size'\?"):
        quick_imputer(schema=schema).fit(SMALL)


def test_columns_that_a_schema_leaves_out_are_inferred():
    inferred = fit(SMALL).schema_
    one = Schema([dataclasses.replace(inferred["size"], maximum=99.0)], missing_values=("?",))
    found = fit(SMALL, schema=one).schema_
    assert list(found) == list(SMALL.columns)
    assert found["size"].maximum == 99.0
    assert found["kind"] == inferred["kind"]
    assert found.missing_values == one.missing_values


@pytest.mark.parametrize(
    ("schema", "error", "told"),
    [
        (5, ConfigError, r"'schema' parameter of GAINImputer must be a Schema, a mapping .* Got int instead"),
        (["numeric"], ConfigError, r"Got list instead"),
        ({"price": "numeric"}, ConfigError, r"must name columns of the table\. Got 'price' instead"),
        ({"size": "number"}, ConfigError, r"kind of column 'size' must be one of .*Got 'number' instead.*'numeric'\?"),
        ("nowhere.toml", FileError, r"'nowhere.toml' cannot be read"),
    ],
    ids=str,
)
def test_what_is_no_schema_is_an_error(schema, error, told):
    with pytest.raises(error, match=told):
        quick_imputer(schema=schema).fit(SMALL)


def test_bounds_and_categories_of_the_schema_hold_for_what_is_filled():
    schema = fit(SMALL).schema_.replace("size", minimum=2, maximum=2).replace("kind", categories=("pan",))
    filled = completed(SMALL, schema=schema)
    assert set(filled["size"][SMALL["size"].isna()]) == {2}
    assert set(filled["kind"][SMALL["kind"].isna()]) == {"pan"}


def test_a_column_that_is_not_to_be_filled_is_read_and_left():
    schema = fit(SMALL).schema_.replace("kind", fill=False)
    imputer = fit(SMALL, schema=schema)
    assert imputer.transform(SMALL)["kind"].equals(SMALL["kind"])
    assert list(imputer.unfillable_) == ["kind"]
    assert "kind" in imputer.state_.encoder.classes


# ------------------------------------------------------------------------------------------------- missing values


@pytest.mark.parametrize(
    "markers",
    ["n/a", ["n/a", "?"], ["?", "n/a", -1], ("n/a", "?"), {"n/a", "?"}],
    ids=["one", "list", "mixed list", "tuple", "set"],
)
def test_tokens_mean_empty_in_texts(markers):
    table = pd.DataFrame({"kind": ["cup", "n/a", "pot", "cup", None, "pot"] * 4, "n": range(24)})
    imputer = fit(table, missing_values=markers)
    filled = imputer.transform(table)["kind"]
    assert set(filled) == {"cup", "pot"}
    assert imputer.state_.encoder.classes["kind"].vocabulary == ("cup", "pot")


@pytest.mark.parametrize(
    "column", [[1, -1, 3, 4], [1.0, -1.0, 3.0, np.nan], ["1", "-1", "3", "4"], [1, -1, "3", None]], ids=str
)
def test_a_number_means_empty_in_numbers_however_they_are_written(column):
    table = pd.DataFrame({"a": pd.Series(column * 5), "b": range(20)})
    filled = completed(table, missing_values=-1, schema={"a": "numeric"})["a"]
    assert not any(str(cell).startswith("-1") for cell in filled)
    assert all(1 <= float(cell) <= 4 for cell in filled)
    assert filled.dtype == table["a"].dtype


def test_a_token_is_empty_in_category_and_in_polars_too():
    table = pd.DataFrame({"kind": pd.Categorical(["cup", "?", "pot", "cup"] * 5), "n": range(20)})
    filled = completed(table, missing_values="?")["kind"]
    assert set(filled) == {"cup", "pot"}
    assert filled.dtype == table["kind"].dtype
    frame = pl.DataFrame({"kind": ["cup", "?", "pot", None] * 5, "n": range(20)})
    assert set(completed(frame, missing_values=["?"])["kind"]) == {"cup", "pot"}


def test_what_is_not_named_is_a_value():
    table = pd.DataFrame({"kind": ["NULL", "NA", "cup", None] * 10})
    assert set(completed(table, schema={"kind": "categorical"})["kind"]) == {"NULL", "NA", "cup"}


def test_a_marker_that_is_neither_text_nor_number_is_an_error():
    with pytest.raises(
        ConfigError, match=r"'missing_values' must be texts or numbers\. Got .*object.* Give its text instead"
    ):
        quick_imputer(missing_values=object()).fit(SMALL)


# ----------------------------------------------------------------------------------------------------- indicators


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_indicators_say_where_cells_were_empty(make):
    table = make({"a": [1.0, None, 3.0] * 5, "b": [1, 2, 3] * 5, "c": ["x", None, None] * 5})
    imputer = fit(table, add_indicator=True)
    filled = imputer.transform(table)
    assert list(filled.columns) == ["a", "b", "c", "missingindicator_a", "missingindicator_c"]
    assert list(filled["missingindicator_a"]) == [False, True, False] * 5
    assert list(filled["missingindicator_c"]) == [False, True, True] * 5
    assert list(imputer.get_feature_names_out()) == list(filled.columns)


def test_indicators_stay_those_of_fit_whatever_is_missing_later():
    imputer = fit(pd.DataFrame({"a": [1.0, None, 3.0], "b": [1.0, 2.0, 3.0]}), add_indicator=True)
    filled = imputer.transform(pd.DataFrame({"a": [1.0], "b": [np.nan]}))
    assert filled.columns.tolist() == ["a", "b", "missingindicator_a"]
    assert filled["missingindicator_a"].tolist() == [False]
    imputer.partial_fit(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]}))
    assert {"missingindicator_a"} <= set(imputer.get_feature_names_out())


def test_indicators_follow_from_markers_and_not_from_what_was_filled():
    filled = completed(np.array([[1.0, -1.0], [-1.0, 2.0], [3.0, 4.0]]), missing_values=-1, add_indicator=True)
    assert filled[:, 2:].tolist() == [[0, 1], [1, 0], [0, 0]]


# ---------------------------------------------------------------------------------------------------- the report


def test_the_report_has_one_row_for_each_cell_that_was_empty_in_order(imputer, shop):
    cells = imputer.impute(shop).cells
    expected = [(row, name) for row in range(len(shop)) for name in shop if pd.isna(shop[name].iloc[row])]
    assert list(zip(cells["position"], cells["column"], strict=True)) == expected
    assert {name: str(dtype) for name, dtype in cells.dtypes.items()} == CELL_DTYPES


@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 1), slice(None)], ids=["no rows", "one row", "all rows"])
def test_the_report_has_the_same_dtypes_always(imputer, shop, rows):
    cells = imputer.impute(shop.iloc[rows]).cells
    assert {name: str(dtype) for name, dtype in cells.dtypes.items()} == CELL_DTYPES


def test_the_report_says_what_stands_in_the_table(imputer, shop):
    result = imputer.impute(shop)
    pd.testing.assert_frame_equal(result.table, imputer.transform(shop))
    for cell in result.cells.itertuples():
        put = result.table[cell.column].iloc[cell.position]
        if cell.state == CellState.UNFILLABLE:
            assert pd.isna(put)
            assert (cell.value, cell.source, cell.model_id) == ("", "", "")
            assert math.isnan(cell.confidence)
            continue
        kind = imputer.schema_[cell.column].kind
        assert (
            cell.value
            == imputer.schema_.format(cell.column, imputer.schema_.parse(cell.column, pd.Series([put])).values)[0]
        )
        assert cell.source != ""
        assert cell.model_id == imputer.state_.model_id()
        assert math.isnan(cell.value_number) == (not imputer.schema_[cell.column].is_number)
        if kind is Kind.DATETIME:
            assert pd.Timestamp(cell.value_number, unit="s") == put
        elif kind is Kind.NUMERIC:
            assert cell.value_number == put


@pytest.mark.parametrize("round_to_grid", [True, False])
def test_confidence_is_a_share_and_intervals_hold_their_value_and_keep_to_the_bounds(shop, round_to_grid):
    imputer = fit(shop, round_to_grid=round_to_grid)
    cells = imputer.impute(shop).cells
    filled = cells[cells["state"] == CellState.IMPUTED]
    assert filled["confidence"].between(0, 1).all()
    of_numbers = filled[filled["value_number"].notna()]
    assert len(of_numbers) > 20
    assert (of_numbers["lower"] <= of_numbers["value_number"]).all()
    assert (of_numbers["value_number"] <= of_numbers["upper"]).all()
    for name, encoder in imputer.state_.encoder.numbers.items():
        here = of_numbers[of_numbers["column"] == name]
        assert here["lower"].ge(encoder.minimum).all()
        assert here["upper"].le(encoder.maximum).all()
    of_classes = filled[filled["value_number"].isna()]
    assert of_classes[["lower", "upper"]].isna().all(axis=None)
    assert (of_classes["interval"] == "").all()


def test_intervals_are_told_as_the_file_would_say_them(shop, imputer):
    cells = imputer.impute(shop).cells
    told = cells[cells["lower"].notna()]
    assert set(told["column"]) == set(imputer.state_.encoder.numbers)
    for name, of_column in told.groupby("column"):
        ends = of_column["interval"].str.partition(" to ")
        least, most = ends[0], ends[2].mask(ends[2] == "", ends[0])
        column = imputer.schema_[name]
        lower, upper, value = (column.parse(texts).values for texts in (least, most, of_column["value"]))
        assert ((lower <= value) & (value <= upper)).all()
        step = np.ptp(of_column["upper"]) / 1000 + imputer.state_.encoder.numbers[name].grid
        assert np.abs(lower - of_column["lower"]).max() <= step
        assert np.abs(upper - of_column["upper"]).max() <= step


@pytest.mark.parametrize(("middle", "spread"), [(48.137, 1e-5), (1e6, 3.0), (5_334_567, 4.0), (0.0, 1e-9), (-3e8, 1e5)])
def test_intervals_of_numbers_on_no_grid_have_the_digits_that_tell_their_ends_apart(middle, spread):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": middle + spread * rng.normal(size=200), "y": rng.normal(size=200)})
    table.loc[::5, "x"] = np.nan
    cells = fit(table, round_to_grid=False).impute(table).cells
    ends = cells["interval"].str.partition(" to ")
    lower, upper = ends[0].astype(float), ends[2].astype(float)
    assert ((lower <= cells["value_number"]) & (cells["value_number"] <= upper)).all()
    width = cells["upper"] - cells["lower"]
    assert (upper - lower <= 1.3 * width).all()
    assert (table["x"].min() <= lower).all()
    assert (upper <= table["x"].max()).all()
    assert ends.map(len).max(axis=None) < 24


@pytest.fixture(scope="module")
def two_reports(shop, imputer) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The report without a least confidence, and with the median one as such; a row per empty cell in both."""
    every = imputer.impute(shop).cells
    return every, copy_with(imputer, every["confidence"].median()).impute(shop).cells


def copy_with(imputer: GAINImputer, min_confidence: object) -> GAINImputer:
    return copy.copy(imputer).set_params(min_confidence=min_confidence)


def test_cells_of_which_we_are_less_sure_than_is_asked_stay_empty_and_nothing_else_changes(shop, imputer, two_reports):
    every, some = two_reports
    bar = every["confidence"].median()
    is_filled, is_sure = every["state"] == CellState.IMPUTED, every["confidence"] >= bar
    assert 0 < (is_filled & is_sure).sum() < is_filled.sum()
    assert (some.loc[is_filled & is_sure, "state"] == CellState.IMPUTED).all()
    assert (some.loc[is_filled & ~is_sure, "state"] == CellState.ABSTAINED).all()
    pd.testing.assert_frame_equal(some[~is_filled | is_sure], every[~is_filled | is_sure])
    left = some[some["state"] == CellState.ABSTAINED]
    assert (left["value"] == "").all()
    assert left["value_number"].isna().all()
    told = ["confidence", "lower", "upper", "interval", "source"]
    pd.testing.assert_frame_equal(left[told], every.loc[left.index, told])


def test_a_table_holds_what_is_sure_enough_alone(shop, imputer, two_reports):
    every, some = two_reports
    sure = copy_with(imputer, every["confidence"].median())
    table, complete = sure.transform(shop), imputer.transform(shop)
    pd.testing.assert_frame_equal(sure.impute(shop).table, table)
    for cell in some[some["column"].isin(imputer.state_.encoder.fillable)].itertuples():
        value, filled = table[cell.column].iloc[cell.position], complete[cell.column].iloc[cell.position]
        assert is_hole(value) if cell.state == CellState.ABSTAINED else value == filled
    summary = sure.impute(shop).summary()
    counted = some["state"].eq(CellState.ABSTAINED).groupby(some["column"]).sum()
    assert summary["abstained"].to_dict() == counted.to_dict()
    assert summary["confidence"].min() >= every["confidence"].median()
    for draw in sure.sample(shop, 2):  # a draw says how sure it is by differing from others
        assert not draw[list(imputer.state_.encoder.fillable)].isna().any(axis=None)


def test_a_least_confidence_may_be_of_some_columns_and_of_none(shop, imputer, two_reports):
    every, _ = two_reports
    of_one = copy_with(imputer, {"price": 1}).impute(shop).cells
    assert set(of_one.loc[of_one["state"] == CellState.ABSTAINED, "column"]) == {"price"}
    for nothing in (None, 0, {}):
        pd.testing.assert_frame_equal(copy_with(imputer, nothing).impute(shop).cells, every)
    with pytest.raises(ConfigError, match="must name columns of the table"):
        copy_with(imputer, {"prize": 0.5}).transform(shop)


def test_rows_of_the_report_carry_labels_of_the_index():
    table = pd.DataFrame({"a": [1.0, np.nan, np.nan], "b": [1, 2, 3]}, index=["x", "y", "y"])
    imputer = fit(table)
    assert imputer.impute(table).cells["row"].tolist() == ["y", "y"]
    levels = table.set_axis(pd.MultiIndex.from_tuples([("s", 1), ("s", 2), ("t", 1)]))
    assert imputer.impute(levels).cells["row"].tolist() == ["('s', 2)", "('t', 1)"]
    assert imputer.impute(pl.from_pandas(table)).cells["row"].tolist() == ["1", "2"]


def test_the_name_of_a_model_is_that_of_its_content(shop, imputer):
    ids = imputer.impute(shop).cells["model_id"]
    assert set(ids) == {"", imputer.state_.model_id()}
    assert len(imputer.state_.model_id()) == 12
    assert int(imputer.state_.model_id(), 16) >= 0
    assert fit(shop).state_.model_id() == imputer.state_.model_id()
    assert fit(shop, random_state=1).state_.model_id() != imputer.state_.model_id()


def test_an_imputation_is_shown_by_its_summary(imputer, shop):
    result = imputer.impute(shop)
    n_filled = result.cells["value"].ne("").sum()
    told = f"{n_filled} of {len(result.cells)} empty cells filled in 80 rows."
    assert str(result) == f"{result.summary()}\n{told}"
    assert str(imputer.impute(shop.head(0))) == "0 of 0 empty cells filled in 0 rows."


def test_the_summary_counts_the_cells_of_each_column(imputer, shop):
    result = imputer.impute(shop)
    summary = result.summary()
    assert summary["empty"].to_dict() == shop.isna().sum().loc[summary.index].to_dict()
    assert set(summary.index) == {name for name in shop if shop[name].isna().any()}
    states = summary[[str(state) for state in CellState]]
    assert (states.sum(axis=1) == summary["empty"]).all()
    assert summary.loc["title", "unfillable"] == summary.loc["title", "empty"]
    assert summary["confidence"].drop("title").between(0, 1).all()
    assert math.isnan(summary.loc["title", "confidence"])


def test_a_full_table_has_nothing_to_report(imputer, shop):
    result = imputer.impute(shop.dropna())
    assert len(result.cells) == len(result.summary()) == 0
    pd.testing.assert_frame_equal(result.table, shop.dropna())


# ----------------------------------------------------------------------------------- attributes that do not exist


@pytest.fixture(scope="module")
def goods() -> pd.DataFrame:
    """Make things of which only phones have a screen, and only screens that are tested have a grade."""
    n = 20
    return pd.DataFrame(
        {
            "type": ["phone", "cup", "phone", None] * n,
            "screen": ["oled", None, None, None] * n,
            "grade": [1.5, None, None, 2.5] * n,
        }
    )


@pytest.fixture(scope="module")
def chained(goods) -> GAINImputer:
    schema = Schema(
        [
            ColumnSchema(name="type", kind=Kind.CATEGORICAL),
            ColumnSchema(name="screen", kind=Kind.CATEGORICAL, categories=("oled",), applies_when={"type": ("phone",)}),
            ColumnSchema(name="grade", kind=Kind.NUMERIC, applies_when={"screen": ("oled",)}),
        ]
    )
    return fit(goods, schema=schema)


def test_what_does_not_exist_is_left_empty_and_said_to_be_not_applicable(chained, goods):
    result = chained.impute(goods)
    cups, phones = result.table[goods["type"] == "cup"], result.table[goods["type"] == "phone"]
    assert cups["screen"].isna().all()
    assert cups["grade"].isna().all()  # for it hangs on a screen that there is not
    assert not phones.isna().any(axis=None)
    cells = result.cells.set_index(["position", "column"])
    assert cells.loc[(1, "screen"), "state"] == cells.loc[(1, "grade"), "state"] == CellState.NOT_APPLICABLE
    assert (cells.loc[(1, "screen"), "value"], cells.loc[(1, "screen"), "source"]) == ("", "")
    assert math.isnan(cells.loc[(1, "grade"), "confidence"])
    assert cells.loc[(2, "screen"), "state"] == cells.loc[(2, "grade"), "state"] == CellState.IMPUTED
    assert result.summary().loc["screen", "not_applicable"] >= 20


def test_a_category_that_was_itself_filled_decides_as_a_known_one(chained, goods):
    filled = chained.transform(goods)
    was_open = goods["type"].isna()
    is_phone = filled["type"] == "phone"
    assert (filled["screen"].notna() == is_phone)[was_open].all()


def test_an_observed_value_stays_even_where_it_should_not_exist(chained):
    row = pd.DataFrame({"type": ["cup"], "screen": ["oled"], "grade": [None]})
    filled = chained.transform(row)
    assert filled["screen"].item() == "oled"
    assert pd.notna(filled["grade"].item())


def test_an_empty_condition_is_not_the_category_none():
    schema = Schema(
        [
            ColumnSchema(name="type", kind=Kind.CATEGORICAL, fill=False),
            ColumnSchema(name="grade", kind=Kind.NUMERIC, applies_when={"type": ("None", "nan")}),
        ]
    )
    table = pd.DataFrame({"type": ["None", "cup", None, "nan"] * 5, "grade": [1.0, 2.0, None, None] * 5})
    filled = completed(table, schema=schema)
    assert filled["grade"].isna().tolist() == [False, False, True, False] * 5


# --------------------------------------------------------------------------------------------------------- draws


def test_draws_are_tables_that_differ_only_where_cells_were_empty(imputer, shop):
    draws = imputer.sample(shop, n_draws=4)
    assert len(draws) == 4
    known = shop.notna().to_numpy()
    for draw in draws:
        assert (draw.dtypes == shop.dtypes).all()
        assert not draw.drop(columns="title").isna().any(axis=None)
        for name, column_known in zip(shop, known.T, strict=True):
            assert draw[name][column_known].equals(shop[name][column_known])
    assert not any(one.equals(two) for i, one in enumerate(draws) for two in draws[:i])


def test_the_same_call_gives_the_same_draws_and_more_of_them_begin_alike(imputer, shop):
    three, again, two = imputer.sample(shop, 3), imputer.sample(shop, 3), imputer.sample(shop, 2)
    assert all(one.equals(other) for one, other in zip(three, again, strict=True))
    assert all(one.equals(other) for one, other in zip(two, three, strict=False))


def test_draws_of_a_category_come_as_often_as_its_probabilities_say(imputer, shop):
    rows = pd.concat([shop.dropna().head(1).assign(kind=None)] * 2_000, ignore_index=True)
    drawn = imputer.sample(rows, n_draws=1)[0]["kind"].value_counts(normalize=True)
    said = imputer.category_probabilities(rows.head(1), "kind").iloc[0]
    assert drawn.reindex(said.index).fillna(0).to_numpy() == pytest.approx(said.to_numpy(), abs=0.12)


@pytest.mark.parametrize("n_draws", [0, -1, 2.5, "three", None, True], ids=repr)
def test_a_number_of_draws_that_is_none_is_an_error(imputer, shop, n_draws):
    with pytest.raises(ConfigError, match=r"'n_draws' parameter .* must be an int of at least 1\. Got .* instead"):
        imputer.sample(shop, n_draws)


# -------------------------------------------------------------------------------------------------- probabilities


@pytest.mark.parametrize("column", ["kind", "colour", "sold_online", "model"])
def test_probabilities_of_each_row_sum_to_one(imputer, shop, column):
    said = imputer.category_probabilities(shop, column)
    assert said.index.equals(shop.index)
    assert set(said.columns) == set(shop[column].dropna().astype(str))
    assert said.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(shop)), abs=1e-5)
    assert (said >= 0).all(axis=None)


@pytest.mark.parametrize("column", ["kind", "model"])  # of many categories the n-grams are read as well
def test_probabilities_do_not_hang_on_what_the_column_says(imputer, shop, column):
    usual = imputer.category_probabilities(shop, column)
    for other in (None, "never seen", shop[column].dropna().iloc[0]):
        said = imputer.category_probabilities(
            shop.assign(**{column: pd.Series([other] * len(shop), dtype="str")}), column
        )
        pd.testing.assert_frame_equal(said, usual)


def test_the_filled_category_is_the_most_probable_one(imputer, shop):
    was_open = shop["kind"].isna()
    most_probable = imputer.category_probabilities(shop, "kind").idxmax(axis=1)
    assert imputer.transform(shop)["kind"][was_open].tolist() == most_probable[was_open].tolist()


def test_a_title_of_which_no_part_was_seen_says_as_little_as_none(imputer, shop):
    state = imputer.state_
    at = state.encoder.layout.text_cells.index(-1)
    is_heard = state.members[0].training.averaged.texts[at].vectors.weight.any(dim=1).cpu().numpy()
    words = shop.assign(title=[chr(0x400 + i) * 6 for i in range(len(shop))])
    texts = state.encoder.encode(words)[0].texts[at]
    strange = [
        i for i, text in enumerate(texts.distinct) if not is_heard[texts.ids[slice(*texts.starts[text:][:2])]].any()
    ]
    assert len(strange) > 10  # the others share a bucket with a part of some title
    without = imputer.transform(words.iloc[strange].assign(title=None)).drop(columns="title")
    pd.testing.assert_frame_equal(imputer.transform(words.iloc[strange]).drop(columns="title"), without)


@pytest.mark.parametrize("column", ["price", "title", "nowhere", ["kind"], 0], ids=repr)
def test_probabilities_of_what_has_none_are_an_error(imputer, shop, column):
    with pytest.raises(ConfigError, match=r"must be one that is filled with categories: 'kind', .* Got .* instead"):
        imputer.category_probabilities(shop, column)


# ------------------------------------------------------------------------------------------------- partial_fit


def go_on(imputer: GAINImputer, table) -> GAINImputer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GainImputeWarning)
        return imputer.partial_fit(table)


def test_a_partial_fit_begins_as_a_fit_does(shop, imputer):
    begun = go_on(quick_imputer(), shop)
    assert begun.state_.model_id() == imputer.state_.model_id()


def test_a_partial_fit_goes_on_from_where_it_is(shop):
    imputer = fit(shop)
    before = imputer.state_.model_id()
    assert go_on(imputer, shop_table(40, seed=2)) is imputer
    assert imputer.history_["step"].iloc[-1] == 10
    assert imputer.history_["step"].is_monotonic_increasing
    assert imputer.state_.model_id() != before
    assert not imputer.transform(shop).drop(columns="title").isna().any(axis=None)


def test_a_new_category_is_appended_and_can_be_filled(shop):
    imputer = fit(shop)
    vocabulary = imputer.state_.encoder.classes["kind"].vocabulary
    probabilities = imputer.category_probabilities(shop, "kind")
    kettles = shop_table(120, seed=2).assign(kind="kettle", weight=900.0)
    imputer.set_params(max_steps=150)
    go_on(imputer, kettles)
    assert imputer.state_.encoder.classes["kind"].vocabulary == (*vocabulary, "kettle")
    assert list(probabilities.columns) == list(vocabulary)
    filled = imputer.transform(kettles.assign(kind=None))
    assert (filled["kind"] == "kettle").mean() > 0.9


def test_bounds_widen_with_new_numbers():
    imputer = fit(pd.DataFrame({"a": [1.5, 2.5, 3.5] * 5, "b": range(15)}))
    go_on(imputer, pd.DataFrame({"a": [-9.5, 99.5], "b": [1, 2]}))
    encoder = imputer.state_.encoder.numbers["a"]
    assert (encoder.minimum, encoder.maximum) == (-9.5, 99.5)


def test_a_model_that_was_saved_goes_on_exactly_as_one_that_was_not(shop, tmp_path):
    more = shop_table(60, seed=2).assign(kind="kettle")
    straight = fit(shop)
    straight.save(tmp_path / "model")
    round_trip = GAINImputer.load(tmp_path / "model")
    go_on(straight, more)
    go_on(round_trip, more)
    straight.save(tmp_path / "straight")
    round_trip.save(tmp_path / "round trip")
    one, other = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("straight", "round trip"))
    assert one == other
    pd.testing.assert_frame_equal(straight.transform(more), round_trip.transform(more), check_exact=True)


def test_a_model_that_went_on_can_be_saved_loaded_and_go_on_again(shop, tmp_path):
    imputer = go_on(fit(shop, add_indicator=True), shop.assign(kind="kettle"))
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert loaded.state_.model_id() == imputer.state_.model_id()
    assert list(loaded.get_feature_names_out()) == list(imputer.get_feature_names_out())
    assert go_on(loaded, shop).state_.model_id() == go_on(imputer, shop).state_.model_id()


def test_a_partial_fit_that_fails_leaves_the_model_as_it_was(shop):
    imputer = fit(shop)
    before = imputer.transform(shop)
    with pytest.raises(ColumnMismatchError, match="now missing"):
        imputer.partial_fit(shop.drop(columns="price"))
    pd.testing.assert_frame_equal(imputer.transform(shop), before)


def test_a_partial_fit_that_is_interrupted_leaves_the_model_as_it_was(shop):
    class Interrupting(NullTracker):
        def on_epoch(self, epoch: EpochLog) -> None:
            raise KeyboardInterrupt(epoch.step)

    imputer = fit(shop)
    before = imputer.state_.model_id()
    with pytest.raises(KeyboardInterrupt), pytest.warns(UnfillableWarning):
        imputer.partial_fit(shop, tracker=Interrupting())
    assert imputer.state_.model_id() == before


def test_a_partial_fit_hears_parameters_that_were_changed(shop):
    def gone_on(**params: float) -> str:
        return go_on(fit(shop).set_params(**params), shop).state_.model_id()

    assert gone_on(weight_decay=0.5) != gone_on(weight_decay=0.0)
    assert gone_on(dropout=0.5) != gone_on(dropout=0.0)


def test_nothing_is_learned_from_a_table_without_rows(shop, imputer):
    before = imputer.transform(shop)
    with pytest.raises(TableError, match=r"at least one row and one column\. Got 0 x 10"):
        imputer.partial_fit(shop.iloc[:0])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        fit(numbers()).partial_fit(np.zeros((0, 3)))
    pd.testing.assert_frame_equal(imputer.transform(shop), before)


@pytest.mark.parametrize(
    ("name", "size"), [("d_hidden", 9), ("n_blocks", 2), ("d_text", 3), ("n_bins", 5), ("d_noise", 9)]
)
def test_networks_that_have_learned_keep_their_size(shop, imputer, name, size):
    resized = copy.deepcopy(imputer).set_params(**{name: size})
    with pytest.raises(
        ConfigError, match=rf"'{name}' parameter .* must be that of the first fit, .* Got {size} instead"
    ):
        resized.partial_fit(shop)
    pd.testing.assert_frame_equal(resized.transform(shop), imputer.transform(shop))


# -------------------------------------------------------------------------------------------- history and budget


def test_the_history_has_one_row_an_epoch_and_says_why_training_ended(imputer):
    history = imputer.history_
    assert list(history.columns) == list(EpochLog.__dataclass_fields__)
    assert history["step"].iloc[-1] == 5
    assert history["stopped"].iloc[-1] == "budget"
    assert history["elapsed_s"].ge(0).all()


def test_a_stop_by_time_is_recorded(shop):
    history = fit(shop, max_steps=10_000, max_time_s=0.0).history_
    assert history["stopped"].iloc[-1] == "time"
    assert history["step"].iloc[-1] < 10


def told_table() -> pd.DataFrame:
    """A table of every kind of column whose titles have no hole that stays."""
    return shop_table().fillna({"title": "a pot"})


class Notes(NullTracker):
    """A tracker that notes what it is told."""

    def __init__(self) -> None:
        self.params: dict = {}
        self.table, self.schema = pd.DataFrame(), None
        self.epochs: list[EpochLog] = []
        self.held_out: list[HeldOut] = []
        self.filled: list[pd.DataFrame] = []
        self.ended: list[tuple] = []

    def on_fit_begin(self, params: dict, table: pd.DataFrame, schema: Schema) -> None:
        self.params, self.table, self.schema = params, table, schema

    def on_epoch(self, epoch: EpochLog) -> None:
        self.epochs.append(epoch)

    def on_held_out(self, held_out: HeldOut) -> None:
        self.held_out.append(held_out)
        self.filled.append(held_out.fill(apply_hidden(held_out.table, held_out.hidden))[0])

    def on_fit_end(self, summary: dict, error: BaseException | None) -> None:
        self.ended.append((summary, error))


def test_a_tracker_is_told_of_parameters_table_epochs_and_the_end():
    notes, table = Notes(), told_table()
    imputer = quick_imputer().fit(table, tracker=notes)
    assert notes.params["hint_rate"] == 0.9
    assert notes.table.equals(table)
    assert notes.schema == imputer.schema_
    assert [epoch.as_dict() for epoch in notes.epochs] == [log.as_dict() for log in imputer.state_.history]
    assert notes.ended == [(notes.epochs[-1].as_dict(), None)]


def test_a_tracker_can_fill_what_was_held_out_and_nothing_else_of_the_fit_changes():
    notes, table = Notes(), told_table()
    watched = quick_imputer().fit(table, tracker=notes).transform(table)
    pd.testing.assert_frame_equal(watched, quick_imputer().fit(table).transform(table))
    hidden = notes.held_out[0].hidden
    assert set(hidden.columns) == set(table.columns) - set(quick_imputer().fit(table).unfillable_)
    assert hidden.to_numpy().any()
    assert not (hidden & table[hidden.columns].isna()).to_numpy().any()
    assert not notes.filled[0][hidden.columns].isna().to_numpy().any()


def test_a_tracker_is_told_of_rows_that_are_learned_later_too():
    notes, table = Notes(), told_table()
    quick_imputer().fit(table).partial_fit(table.head(70), tracker=notes)
    assert len(notes.table) == len(notes.held_out[0].hidden) == 70


def test_a_tracker_is_told_what_a_fit_failed_with():
    notes = Notes()
    with pytest.raises(TableError, match="must be readable"):
        quick_imputer(schema={"n": "numeric"}).fit(pd.DataFrame({"n": ["a", "b", "1"] * 20}), tracker=notes)
    assert notes.ended[0][0] == {}
    assert isinstance(notes.ended[0][1], TableError)


def test_a_tracker_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"'tracker' of fit must be a Tracker, None or one of \['mlflow'\]. Got 'x'"):
        quick_imputer().fit(numbers(), tracker="x")


# --------------------------------------------------------------------------------------------- numbers far beyond


def test_a_placeholder_among_prices_stays_and_spoils_no_other_price(tmp_path):
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 5, 400)
    table = pd.DataFrame({"kind": [f"kind {i}" for i in kind], "price": np.round(np.exp(1 + kind / 2), 2)})
    table.loc[rng.random(400) < 0.2, "price"] = np.nan
    far = table["price"].notna() & (rng.random(400) < 0.02)
    spoilt = table.assign(price=table["price"].mask(far, 99_999.0))
    imputer = quick_imputer(max_steps=100)
    with pytest.warns(
        FarOutWarning, match=rf"100 times as far .* all others: 'price' \({far.sum()}\)\. .*missing_values"
    ):
        filled = imputer.fit_transform(spoilt)
    assert (filled.loc[far, "price"] == 99_999).all()
    assert filled.loc[spoilt["price"].isna(), "price"].max() <= table["price"].max()
    imputer.save(tmp_path / "model")
    pd.testing.assert_frame_equal(GAINImputer.load(tmp_path / "model").transform(spoilt), filled)
    row = pd.DataFrame({"kind": [None, None], "price": [99_999.0, np.nan]})
    first, second = imputer.transform(row)["kind"]
    assert first == second  # it says no more than an empty one


# ---------------------------------------------------------------------------------------------- before and after


class Stop(NullTracker):
    """Stops a fit."""

    def on_epoch(self, epoch):  # noqa: ARG002 - the protocol's
        raise KeyboardInterrupt


def test_a_fit_that_fails_leaves_an_earlier_one_as_it_was():
    table = pd.DataFrame(numbers(60), columns=["x", "y", "z"])
    imputer = quick_imputer().fit(table)
    before, filled = dict(vars(imputer)), imputer.transform(table)
    other = pd.DataFrame({"c": ["x", "y", None] * 20, "d": range(60)})
    with pytest.raises(TableError):
        imputer.set_params(schema={"c": "numeric", "d": "numeric"}).fit(other)
    imputer.set_params(schema=None)
    with pytest.raises(KeyboardInterrupt):
        imputer.fit(other, tracker=Stop())
    assert vars(imputer) == before
    pd.testing.assert_frame_equal(imputer.transform(table), filled)
    never = quick_imputer()
    with pytest.raises(TableError):
        never.fit(table.head(0))
    assert not hasattr(never, "n_features_in_")


def test_columns_whose_names_are_numbers_are_known_by_them():
    table = pd.DataFrame(numbers(60))
    table[9] = np.where(table[0] > table[0].median(), "pan", "pot")
    table.loc[:5, 9] = None
    imputer = quick_imputer(add_indicator=True).fit(table)
    filled = imputer.transform(table)
    assert [str(name) for name in filled.columns] == list(imputer.get_feature_names_out())
    assert set(imputer.category_probabilities(table, 9)) == {"pan", "pot"}
    assert imputer.set_params(min_confidence={9: 1.0}).transform(table)[9].isna().any()
    assert "9_confidence" in filled_with_confidence(imputer.set_params(min_confidence=None), table)
    with pytest.raises(ColumnMismatchError, match=r"must be those seen in fit, in the same order .* Got '1', '0'"):
        imputer.transform(table[[1, 0, *table.columns[2:]]])
    with pytest.raises(ColumnMismatchError, match="must be those seen in fit"):
        imputer.transform(table.rename(columns={9: 7}))


@pytest.mark.parametrize(
    ("bounds", "filled"), [({"minimum": 10}, 10), ({"maximum": -10}, -10), ({"minimum": 2, "maximum": 3}, None)]
)
def test_numbers_are_filled_within_bounds_beyond_all_that_is_known(bounds, filled):
    table = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, None] * 10, "b": [1.0, 2, 3, 4, 5, 6] * 10})
    schema = Schema([ColumnSchema(name="a", kind="numeric", **bounds), ColumnSchema(name="b", kind="numeric")])
    imputer = quick_imputer(schema=schema)
    for learn, rows in ((imputer.fit, table), (imputer.partial_fit, table + 1)):
        with pytest.warns(BrokenRuleWarning):
            fitted = learn(rows)
        found = fitted.transform(table)["a"][table["a"].isna()]
        assert found.between(*(bounds.get(end, filled) for end in ("minimum", "maximum"))).all()


def test_an_attribute_is_left_empty_where_the_category_it_hangs_on_is():
    rng = np.random.default_rng(0)
    kind = rng.choice(["phone", "cup"], 200)
    table = pd.DataFrame({"type": kind, "memory": np.where(kind == "phone", rng.choice(["16GB", "8GB"], 200), None)})
    table.loc[table.index < 20, ["type", "memory"]] = None
    schema = Schema(
        [
            ColumnSchema(name="type", kind="categorical"),
            ColumnSchema(name="memory", kind="categorical", applies_when={"type": ["phone"]}),
        ]
    )
    imputer = quick_imputer(schema=schema, max_steps=60).fit(table)
    for bars in ({"type": 1.0}, {"type": 1.0, "memory": 0.9}):
        result = imputer.set_params(min_confidence=bars).impute(table)
        assert result.table["type"].isna().any()
        assert result.table.loc[result.table["type"].isna(), "memory"].isna().all()
        states = result.cells.pivot_table(index="position", columns="column", values="state", aggfunc="first")
        assert (states.loc[states["type"] == "abstained", "memory"] == "not_applicable").all()


@pytest.mark.parametrize("dtype", [pd.CategoricalDtype([False, True]), pd.CategoricalDtype([2, 1])])
def test_categories_that_are_no_texts_keep_their_dtype(dtype):
    codes = np.arange(60) % 2
    dtype = pd.CategoricalDtype(pd.Index(dtype.categories, dtype=object))
    table = pd.DataFrame({"a": pd.Categorical.from_codes(codes, dtype=dtype), "b": codes * 1.5})
    table.loc[:5, "a"] = None
    filled = completed(table, schema={"a": "categorical"})["a"]
    assert filled.dtype == table["a"].dtype
    assert filled.notna().all()


def test_flags_learned_as_numbers_fill_categories_that_are_flags():
    table = pd.DataFrame({"flag": [0.0, 1.0, np.nan] * 20, "b": [1.0, 2.0, 1.0] * 20})
    imputer = fit(table, schema={"flag": "boolean"})
    flags = pd.Categorical([True, None, False, None], categories=[True, False])
    filled = imputer.transform(pd.DataFrame({"flag": flags, "b": [2.0, 2.0, 1.0, 1.0]}))["flag"]
    assert filled.dtype == flags.dtype
    assert filled.notna().all()


def test_arrow_dictionaries_of_large_texts_are_filled():
    texts = pa.array(["red", "blue", None] * 20, pa.large_string()).dictionary_encode()
    table = pd.DataFrame({"c": pd.Series(pd.arrays.ArrowExtensionArray(texts)), "b": [1.0, 2.0, 1.0] * 20})
    filled = completed(table)["c"]
    assert filled.dtype == table["c"].dtype
    assert filled.notna().all()


def test_a_second_fit_counts_its_steps_from_the_beginning(monkeypatch):
    counted = []
    monkeypatch.setattr("gain_impute.progress.tqdm.update", lambda _, n: counted.append(n))
    imputer = quick_imputer().fit(numbers())
    for learn in (imputer.fit, imputer.partial_fit):
        counted.clear()
        learn(numbers())
        assert 0 <= min(counted) <= max(counted) <= quick_imputer().max_steps


def test_nothing_is_surer_than_what_is_known_allows():
    table = pd.DataFrame({"made_in": ["EU"] * 6 + [None] * 4, "n": range(10)})
    imputer = fit(table)
    assert imputer.impute(table).cells["confidence"].tolist() == [7 / 8] * 4
    more = pd.DataFrame({"made_in": ["EU"] * 90, "n": range(90)})
    assert imputer.partial_fit(more).impute(table).cells["confidence"].tolist() == [97 / 98] * 4


def test_a_condition_that_no_row_can_meet_is_warned_of_before_the_fit():
    table = pd.DataFrame({"kind": ["shoe", "cup"] * 30, "heel": [4.5, None, 3.5, None] * 15})
    schema = infer_schema(table).replace("heel", applies_when={"kind": ["shoes", "boot"]})
    told = "stand in no row: 'shoes' of 'kind' .for 'heel'. Did you mean 'shoe'\\?, 'boot' of 'kind'"
    with pytest.warns(BrokenRuleWarning), pytest.warns(UnmetRuleWarning, match=told), pytest.raises(KeyboardInterrupt):
        quick_imputer(schema=schema).fit(table, tracker=Stop())


# ---------------------------------------------------------------------------------------- what may mean "empty"


def test_a_fit_warns_of_categories_that_may_mean_empty_until_somebody_says_what_they_mean():
    table = pd.DataFrame({"brand": ["Acme", "Zeta", "N/A", None] * 20, "price": [1.0, 2.0, 3.0, 4.0] * 20})
    brands = ColumnSchema(name="brand", kind="categorical", categories=("Acme", "Zeta", "N/A"))
    with pytest.warns(LikelyMarkerWarning, match="taken for values: 'N/A' in 'brand'. .* missing_values; if not, list"):
        quick_imputer().fit(table)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LikelyMarkerWarning)
        quick_imputer(missing_values="N/A").fit(table)
        quick_imputer(schema=Schema([brands, ColumnSchema(name="price", kind="numeric")])).fit(table)


# ------------------------------------------------------------------------------------------------- bad parameters


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"add_indicator": "yes"}, r"'add_indicator' parameter of GAINImputer must be a bool\. Got 'yes' instead"),
        ({"keep_empty_features": 1}, r"'keep_empty_features' parameter .* must be a bool\. Got 1 instead"),
        ({"round_to_grid": None}, r"'round_to_grid' parameter .* must be a bool\. Got None instead"),
        ({"min_confidence": 1.5}, r"'min_confidence' parameter .* must be a number from 0 to 1, .* Got 1\.5 instead"),
        ({"min_confidence": np.nan}, r"'min_confidence' parameter .*Got nan instead"),
        ({"min_confidence": True}, r"'min_confidence' parameter .*Got True instead"),
        ({"min_confidence": {"x0": "0.5"}}, r"'min_confidence' parameter .*Got '0\.5' instead"),
        ({"min_confidence": {"x9": 0.5}}, r"'min_confidence' parameter .* must name columns .*Got 'x9' instead"),
        ({"n_threads": 0}, r"'n_threads' parameter .* must be an int of at least 1\. Got 0 instead"),
        ({"n_threads": 1.5}, r"'n_threads' parameter .* must be an int of at least 1\. Got 1\.5 instead"),
        ({"n_threads": True}, r"'n_threads' parameter .* must be an int of at least 1\. Got True instead"),
        ({"verbose": -1}, r"'verbose' parameter .* must be an int of at least 0\. Got -1 instead"),
        ({"random_state": "x"}, r"'random_state' parameter .* must be an int from 0 to .*Got 'x' instead"),
        ({"random_state": -1}, r"'random_state' parameter .*Got -1 instead"),
        ({"random_state": 2**64}, r"'random_state' parameter .* must be an int from 0 to 2\*\*64 - 1, .*Got 18446744"),
        ({"random_state": 1.0}, r"'random_state' parameter .*Got 1\.0 instead"),
        (
            {"device": "quantum"},
            r"'device' parameter .* must be 'auto' or a device of torch that is there\. Got 'quantum'",
        ),
        ({"device": "meta"}, r"'device' parameter .*Got 'meta'"),
        ({"device": "cuda:99"}, r"'device' parameter .*Got 'cuda:99'"),
        ({"device": 7.5}, r"'device' parameter .*Got 7\.5"),
        (
            {"hint_rate": 1.5},
            r"'hint_rate' parameter of GAINImputer must be a float in the range \[0, 1\]\. Got 1\.5 instead",
        ),
        (
            {"max_steps": 0},
            r"'max_steps' parameter of GAINImputer must be an int in the range \[1, inf\] or None\. Got 0 instead",
        ),
        ({"rehide_min": 0.9}, r"'rehide_min' parameter must not exceed 'rehide_max'\. Got 0\.9 and 0\.4 instead"),
    ],
    ids=str,
)
def test_a_parameter_outside_what_it_may_be_is_named_before_anything_is_done(params, told):
    imputer = quick_imputer(**params)
    with pytest.raises(ConfigError, match=told):
        imputer.fit(numbers())
    assert not hasattr(imputer, "state_")
    assert imputer.get_params() == quick_imputer(**params).get_params()


@pytest.mark.parametrize("method", ["transform", "impute", "sample", "get_feature_names_out"])
def test_what_needs_a_fit_says_so(method):
    with pytest.raises(ValueError, match="not fitted yet"):
        getattr(quick_imputer(), method)(*([] if method == "get_feature_names_out" else [numbers()]))


def test_names_given_to_get_feature_names_out_must_be_those_of_fit(imputer, shop):
    assert list(imputer.get_feature_names_out(list(shop))) == list(shop)
    with pytest.raises(ColumnMismatchError, match=r"input_features is not equal to feature_names_in_\. Leave it out"):
        imputer.get_feature_names_out(list(shop)[::-1])
    of_array = fit(numbers())
    assert list(of_array.get_feature_names_out(["a", "b", "c"])) == ["a", "b", "c"]
    with pytest.raises(ColumnMismatchError, match=r"should have length equal to number of features \(3\), got 2"):
        of_array.get_feature_names_out(["a", "b"])


def test_numbers_of_numpy_are_taken_as_seeds_and_threads():
    imputer = fit(numbers(), random_state=np.int64(0), n_threads=np.int32(1), verbose=np.int64(0))
    assert imputer.state_.seed == 0
    assert torch.equal(*(i.state_.members[0].training.averaged.head.weight for i in (imputer, fit(numbers()))))


# ---------------------------------------------------------------------------------- what meets a model in other forms


def flags(words: list[object], dtype: str = "object") -> pd.DataFrame:
    """A flag that is True where the kind is a."""
    return pd.DataFrame({"kind": list("ab") * 40, "flag": pd.Series(words * 40, dtype=dtype)})


@pytest.mark.parametrize("words", [["yes", "no"], ["true", "false"], ["1", "0"], [True, False]])
def test_words_that_say_yes_and_no_are_learned_as_true_and_false(words):
    imputer = go_on(fit(flags([True, False], "boolean")), flags(words))
    assert imputer.state_.encoder.classes["flag"].vocabulary == ("False", "True")
    empty = flags([pd.NA, pd.NA], "boolean")
    result = imputer.impute(empty)
    assert result.table["flag"].dtype == "boolean"
    assert result.table["flag"].astype(str).tolist() == result.cells["value"].tolist()


def test_flags_are_known_and_filled_as_such_by_a_model_of_words():
    imputer = fit(flags(["true", "false"]))
    table = flags([True, None])
    encoded, _, _ = imputer.state_.encoder.encode(table)
    assert encoded.known[::2].all()
    assert imputer.transform(table)["flag"].map(type).eq(bool).all()


def test_categories_that_are_learned_later_are_filled_whatever_type_the_first_ones_had():
    schema = {"code": "categorical"}
    first = pd.DataFrame({"kind": list("abcd") * 20, "code": pd.Series([1, 2, 3, None] * 20, dtype=object)})
    imputer = fit(first, schema=schema)
    for _ in range(6):
        go_on(imputer, first.assign(code=["x1", "x2", "x3", "x4"] * 20))
    filled = imputer.transform(first)["code"]
    assert filled.notna().all()
    assert set(filled.map(str)) <= {"1", "2", "3", "x1", "x2", "x3", "x4"}
    assert filled[filled.map(str).isin(["1", "2", "3"])].map(type).eq(int).all()


@pytest.mark.parametrize(
    ("values", "marker"),
    [
        ([-3, -2, -1, 0, 1, 2, 3], 0),
        (["-3", "-2", "-1", "0", "1", "2", "3"], "0"),
        (["2020-01-01", "2020-01-02", "2020-01-03"], "2020-01-02"),
    ],
)
def test_no_hole_is_filled_with_what_means_that_it_is_one(values, marker):
    table = pd.DataFrame({"kind": "a", "value": values * 12})
    imputer = fit(table, missing_values=[marker])
    filled = imputer.transform(table)["value"]
    assert (table["value"] == marker).any()
    assert not (filled == marker).any()
    assert filled.isin(values).all()


@pytest.mark.parametrize("dtype", ["M8[ns]", "timestamp[ns][pyarrow]"])
def test_dates_that_a_dtype_cannot_hold_become_another_one(dtype):
    far = pd.DataFrame({"kind": list("ab") * 40, "day": pd.Series(["1500-05-05", "9000-01-01"] * 40, dtype="M8[s]")})
    imputer = fit(far)
    empty = far.assign(day=pd.Series([pd.NaT] * 80, dtype=dtype))
    assert imputer.transform(empty)["day"].between(pd.Timestamp("1500-05-05"), pd.Timestamp("9000-01-01")).all()
    filled = imputer.transform(
        pl.DataFrame({"kind": far["kind"].tolist(), "day": pl.Series([None] * 80, dtype=pl.Datetime("ns"))})
    )
    assert filled["day"].null_count() == 0


def test_dates_at_the_ends_of_the_calendar_are_read_in_any_time_zone():
    last = pd.Timestamp("9999-12-31T23:00", tz="UTC").tz_convert("Pacific/Kiritimati")
    table = pd.DataFrame(
        {"kind": list("ab") * 20, "day": pd.Series([last, last.replace(year=2020)] * 20, dtype=object)}
    )
    pd.testing.assert_frame_equal(fit(table).transform(table), table)


def test_an_integer_of_thousands_of_digits_stays_as_it_is():
    table = pd.DataFrame({"kind": list("ab") * 20, "size": pd.Series([1, 2, 3, 10**5000] * 10, dtype=object)})
    pd.testing.assert_frame_equal(completed(table), table)


def test_no_more_threads_are_taken_than_there_are_cores(shop, imputer):
    eager = copy.deepcopy(imputer).set_params(n_threads=10**9)
    pd.testing.assert_frame_equal(eager.transform(shop), imputer.transform(shop))
    with pytest.raises(ConfigError, match="'n_threads' parameter"):
        eager.set_params(n_threads=0).transform(shop)
