"""Inference: tables that a person would judge at a glance, typed and as text."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gain_impute.errors import ConfigError, SchemaError
from gain_impute.schema import ColumnSchema, Kind, infer_schema
from gain_impute.schema.infer import MOST_QUANTITIES_FILLED
from tests.strategies import quick_imputer

N_ROWS = 600
NOUNS = ("Lamp", "Chair", "Table", "Shelf", "Rug", "Clock", "Vase", "Mirror")
WORDS = ("oak", "blue", "large", "round", "modern", "steel", "soft", "folding", "garden", "kids")


def made_column(words):
    """Words picked at random, but always the same."""
    return np.random.default_rng(len(words)).choice(words, N_ROWS)


def made_table():
    """A catalogue with a column of every sort, and the kind and date format that each should get."""
    rng = np.random.default_rng(7)
    days = pd.Series(pd.date_range("2016-01-01", periods=N_ROWS, freq="31h"))
    brands = [f"{a}{b}" for a in ("Nor", "Sol", "Vik", "Tan") for b in ("da", "vik", "berg", "mo", "line", "ra")]
    titles = [f"{' '.join(rng.choice(WORDS, 4))} {rng.choice(NOUNS)} no. {i}" for i in range(N_ROWS)]
    return {
        "product_id": (np.arange(100, 100 + N_ROWS), "identifier"),
        "gtin": (4006381000000 + 7 * np.arange(N_ROWS), "identifier"),
        "uuid": ([f"{i * 7919:08x}b" for i in range(N_ROWS)], "identifier"),
        "title": (titles, "text"),
        "page": ([f"https://shop.example/item/{i}" for i in range(N_ROWS)], "url"),
        "brand": (rng.choice(brands, N_ROWS, p=rng.dirichlet(np.full(len(brands), 0.4))), "categorical"),
        "size": (made_column(["S", "M", "L", "XL"]), "categorical"),
        "network": (made_column(["2G", "3G", "4G", "5G"]), "categorical"),
        "version": (made_column(["4.4.2", "5.0", "5.1.1", "10"]), "categorical"),
        "sex": (made_column([1, 2]), "categorical"),
        "in_stock": (made_column(["yes", "no"]), "boolean"),
        "is_new": (made_column([True, False]), "boolean"),
        "on_sale": (made_column([0, 1]), "boolean"),
        "price": (rng.lognormal(3, 1, N_ROWS).round(2), "numeric"),
        "weight_g": (rng.integers(10, 5000, N_ROWS), "numeric"),
        "score": (rng.normal(size=N_ROWS), "numeric"),
        "stars": (made_column([1, 2, 3, 4, 5]), "numeric"),
        "year": (rng.integers(1990, 2020, N_ROWS), "numeric"),
        "ram": (made_column(["4GB", "8GB", "16GB"]), "quantity"),
        "shipping": ([f"${x:.2f}" for x in rng.random(N_ROWS) * 90], "quantity"),
        "engine": ([f"{x} foops" for x in rng.integers(900, 3000, N_ROWS)], "quantity"),
        "added": (days.dt.strftime("%Y-%m-%d"), "datetime", "%Y-%m-%d"),
        "updated": ([f"{d:%B} {d.day}, {d.year}" for d in days], "datetime", "%B %-d, %Y"),
        "seen": ([f"{d.month}/{d.day}/{d.year} {d:%H:%M}" for d in days], "datetime", "%-m/%-d/%Y %H:%M"),
        "date": (days.dt.strftime("%Y%m%d").astype(int), "datetime", "%Y%m%d"),
        "sort": (["home"] * N_ROWS, "constant"),
        "colour": ([None] * N_ROWS, "constant"),
    }


def frame(columns, *, hidden_share=0.0, n_rows=N_ROWS):
    table = pd.DataFrame({name: list(made[0]) for name, made in columns.items()}).head(n_rows)
    return table.mask(np.random.default_rng(1).random(table.shape) < hidden_share)


def read_back(table, **how):
    return pd.read_csv(io.StringIO(table.to_csv(index=False)), **how)


def kinds_of(schema):
    return {name: column.kind.value for name, column in schema.items()}


@pytest.mark.parametrize("hidden_share", [0.0, 0.2])
@pytest.mark.parametrize("n_rows", [N_ROWS, 200])
@pytest.mark.parametrize("reading", ["frame", "csv", "text"])
def test_each_column_is_what_a_person_would_say_in_every_reading(reading, n_rows, hidden_share):
    columns = made_table()
    table = frame(columns, hidden_share=hidden_share, n_rows=n_rows)
    if reading != "frame":
        table = read_back(table, **({"dtype": str, "keep_default_na": False} if reading == "text" else {}))
    schema = infer_schema(table)
    assert kinds_of(schema) == {name: made[1] for name, made in columns.items()}
    formats = {name: made[2] for name, made in columns.items() if made[1] == "datetime"}
    if reading == "text" and hidden_share:
        formats["date"] += ".0"  # so pandas writes whole numbers beside holes
    assert {name: schema[name].date_format for name in formats} == formats


@pytest.mark.parametrize("hidden_share", [0.0, 0.2])
def test_a_typed_table_and_its_text_give_the_same_schema(hidden_share):
    table = frame(made_table(), hidden_share=hidden_share)
    of_text = infer_schema(read_back(table, dtype=str, keep_default_na=False))
    for name, column in of_text.items():  # how numbers are written only text can tell
        of_text = of_text.replace(name, written_decimals=None) if column.written_decimals else of_text
    of_text = of_text.replace("date", date_format=of_text["date"].date_format.removesuffix(".0"))
    assert infer_schema(read_back(table)) == of_text


@pytest.mark.parametrize(
    ("texts", "written", "filled"),
    [
        (["999.0", "5.0", "12.0"], 1, "7.0"),  # whole numbers as pandas writes them beside holes
        (["9.300", "8.250", "1.000"], 3, "7.000"),
        (["9.30", "8.25", "1.00"], None, "7.00"),  # as the grid says anyway
        (["9.3", "8.25", "1"], None, "7.00"),  # in no one way: as the grid says
        (["9", "8", "12"], None, "7"),
        (["1e3", "2.0", "3.0"], None, "7"),
        (["0.19907433955306175", "0.21251811644232066", "0.5"], None, "7.0"),
    ],
)
def test_numbers_are_written_as_those_that_are_there(texts, written, filled):
    column = infer_schema(pd.DataFrame({"x": texts * 5}))["x"]
    assert (column.kind, column.written_decimals) == (Kind.NUMERIC, written)
    assert column.format(np.array([7.0])).tolist() == [filled]


def test_rules_that_fit_learns_are_left_open():
    schema = infer_schema(frame(made_table()))
    for column in schema.values():
        assert (column.minimum, column.maximum, column.categories, column.applies_when) == (None,) * 4


@pytest.mark.parametrize(
    ("numbers", "decimals"),
    [
        ([1, 2, 3, 5], 0),
        ([1.0, 2.0, np.nan, 4.0], 0),
        ([1.25, 2.5, 3.99], 2),
        ([0.1, 0.2, 0.3], 1),
        ([1.5, 0.001234, 3.0], 6),
        ([np.pi, np.e, 0.1], None),
        ([1 / 3, 2.0, 3.0], None),
        ([0.0] * 500 + [0.25, 0.5, 0.73], 2),
        ([1e-9, 2e-9, 3e-9], None),
        ([1e15, 2e15, 3e15], 0),
    ],
)
def test_the_decimal_grid_is_found_in_the_numbers(numbers, decimals):
    for cells in (
        pd.Series(numbers),
        pd.Series(numbers).astype(object),
        pd.Series(numbers).map(repr).replace("nan", ""),
    ):
        column = infer_schema(pd.DataFrame({"x": cells}))["x"]
        assert (column.kind, column.decimals) == (Kind.NUMERIC, decimals)


def test_the_grid_of_short_floats_is_found_too():
    numbers = pd.Series([0.1, 0.2, 12.3, 4.5], dtype="float32")
    assert infer_schema(numbers.to_frame("x"))["x"].decimals == 1


def test_one_dirty_number_in_a_long_column_does_not_hide_the_grid():
    numbers = [*np.arange(1000) / 100, 1 / 3]
    assert infer_schema(pd.DataFrame({"x": numbers}))["x"].decimals == 2


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 1, 0, 1], "boolean"),
        ([0.0, 1.0, np.nan, 1.0], "boolean"),
        (["Y", "n", "y", ""], "boolean"),
        (["TRUE", "FALSE", "true", ""], "boolean"),
        (["on", "off", "NULL", "on"], "boolean"),
        ([1, 2, 1, 2], "categorical"),
        ([1.5, 2.5, 1.5, 2.5], "categorical"),
        (["m", "f", "m", "f"], "categorical"),
        ([9.99, 12.5, np.nan, np.nan], "numeric"),
        ([0, 1, 2, 1], "numeric"),
        (["0", "a", "0", "0", "b"], "categorical"),
        ([5, 5, 5, 5], "constant"),
        (["", "", None, ""], "constant"),
        ([np.nan, np.nan, np.nan, 1.0], "constant"),
    ],
)
def test_two_values_are_a_pair_and_one_is_a_constant(values, kind):
    assert kinds_of(infer_schema(pd.DataFrame({"x": values}))) == {"x": kind}


def test_a_number_is_an_identifier_only_by_name_and_uniqueness_together():
    unique, repeated = np.arange(1000, 1300), np.arange(1000, 1300) // 2
    table = pd.DataFrame({"item_id": unique, "height": unique, "customer_id": repeated, "ratioId": unique + 0.5})
    assert list(kinds_of(infer_schema(table)).values()) == ["identifier", "numeric", "numeric", "numeric"]


def test_a_running_number_is_an_identifier_where_it_has_no_name_of_its_own():
    runs = pd.DataFrame({"Unnamed: 0": range(50), "index": range(50), "no": range(1, 51), "height": range(50)})
    assert list(kinds_of(infer_schema(runs)).values()) == ["identifier"] * 3 + ["numeric"]


def test_digits_of_one_width_with_zeros_in_front_are_codes():
    table = pd.DataFrame({"x": [f"{i:05d}" for i in range(300)], "zip": [f"{i % 9:05d}" for i in range(300)]})
    assert kinds_of(infer_schema(table)) == {"x": "identifier", "zip": "categorical"}


def test_codes_with_a_letter_here_and_there_are_no_numbers():
    invoices = [f"{'C' if i % 40 == 0 else ''}{500000 + i}" for i in range(400)]
    assert kinds_of(infer_schema(pd.DataFrame({"invoice_no": invoices}))) == {"invoice_no": "identifier"}


def test_words_for_nothing_do_not_hide_what_a_column_is_but_stay_values():
    numbers = pd.DataFrame({"x": ["1", "2", "3", "8", "NULL", "n/a"] * 10})
    schema = infer_schema(numbers)
    assert schema["x"].kind is Kind.NUMERIC
    parsed = schema.parse("x", numbers["x"])
    assert parsed.observed.all()
    assert parsed.readable.mean() == pytest.approx(4 / 6)
    assert kinds_of(infer_schema(pd.DataFrame({"x": ["1", "2", "3", *["NULL"] * 4]}))) == {"x": "categorical"}


def test_one_phrase_beside_many_numbers_is_no_category():
    prices = [str(i) for i in range(50)] + ["on request"] * 10
    assert kinds_of(infer_schema(pd.DataFrame({"price": prices}))) == {"price": "numeric"}
    sizes = [str(i) for i in range(36, 44)] * 3 + ["one size"] * 10
    assert kinds_of(infer_schema(pd.DataFrame({"size": sizes}))) == {"size": "categorical"}


def test_markers_are_left_out_of_what_decides_and_kept_in_the_schema():
    table = pd.DataFrame({"x": [1, 2, 3, -1, -1], "y": ["a", "?", "a", "b", "?"]})
    schema = infer_schema(table, missing_values=[-1, "?"])
    assert schema.missing_values == (-1, "?")
    assert schema.parse("y", table["y"]).observed.tolist() == [True, False, True, True, False]
    assert infer_schema(table, missing_values=np.nan).missing_values == ()
    assert infer_schema(table, missing_values="?").missing_values == ("?",)


@pytest.mark.parametrize(
    ("n_distinct", "n_each", "is_class"),
    [
        (3, 2, True),
        (50, 5, True),
        (50, 4, False),
        (MOST_QUANTITIES_FILLED, 5, True),
        (MOST_QUANTITIES_FILLED + 1, 9, False),
    ],
)
def test_a_quantity_is_filled_with_its_texts_where_these_are_few_and_else_with_numbers(n_distinct, n_each, is_class):
    column = infer_schema(pd.DataFrame({"x": [f"{i} kg" for i in range(n_distinct)] * n_each}))["x"]
    assert (column.kind, column.is_class, column.is_number) == (Kind.QUANTITY, is_class, not is_class)
    assert column.is_fillable


def test_a_title_is_text_even_where_items_return_every_day():
    rng = np.random.default_rng(0)
    titles = [f"{' '.join(rng.choice(WORDS, 3))} {rng.choice(NOUNS)} {i}" for i in range(150)] * 4
    wide = [f"悦诗风吟绿茶精萃平衡柔肤水补水保湿舒缓紧致温和爽肤水{i}" for i in range(150)] * 4
    assert kinds_of(infer_schema(pd.DataFrame({"title": titles, "a": wide}))) == {"title": "text", "a": "text"}


def test_labels_with_a_long_tail_are_categories_and_titles_that_return_now_and_then_are_not():
    rng = np.random.default_rng(0)
    brands = [f"Brand{chr(65 + i % 26)}{chr(97 + i // 26)}" for i in np.minimum(rng.zipf(1.5, 500), 300)]
    titles = [f"{' '.join(rng.choice(WORDS, 4))} {rng.choice(NOUNS)}" for _ in range(300)]
    some_twice = rng.choice(titles, 500)
    models = [f"{brand} {i % 7}00" for i, brand in enumerate(brands)]
    table = pd.DataFrame({"maker": brands, "x": some_twice, "model": models})
    assert kinds_of(infer_schema(table)) == {"maker": "categorical", "x": "text", "model": "text"}


def test_a_few_rows_are_judged_by_the_shape_of_their_texts():
    table = pd.DataFrame(
        {
            "brand": ["Acme", "Zeta", None],
            "title": ["Desk lamp", "Oak chair", None],
            "note": ["a lamp for every desk there is", "comes with two chairs and a rug", None],
            "price": [9.5, None, 12.0],
        }
    )
    assert list(kinds_of(infer_schema(table)).values()) == ["categorical", "text", "text", "numeric"]


def test_day_and_month_are_told_apart_by_the_data_and_else_read_day_first():
    for texts, date_format in (
        (["14/11/2016", "01/02/2016"], "%d/%m/%Y"),
        (["11/14/2016", "01/02/2016"], "%m/%d/%Y"),
        (["01/02/2016", "03/04/2016"], "%d/%m/%Y"),
    ):
        assert infer_schema(pd.DataFrame({"x": texts}))["x"].date_format == date_format


@pytest.mark.parametrize(
    ("instants", "date_format"),
    [
        (pd.to_datetime(["2016-01-01", "2016-01-03"]), "%Y-%m-%d"),
        (pd.to_datetime(["2016-01-01 08:00", None]).append(pd.to_datetime(["2016-01-03"])), "%Y-%m-%d %H:%M:%S"),
        (pd.to_datetime(["2016-01-01 08:00:00.5", "2016-01-03"], format="ISO8601"), "%Y-%m-%d %H:%M:%S.%f"),
        (pd.to_datetime(["2016-01-01 08:00", "2016-01-03 09:00"]).tz_localize("UTC"), "%Y-%m-%d %H:%M:%S%:z"),
    ],
)
def test_instants_get_the_format_in_which_pandas_writes_them(instants, date_format):
    table = pd.DataFrame({"x": instants, "y": range(len(instants))})
    schema = infer_schema(table)
    assert (schema["x"].kind, schema["x"].date_format) == (Kind.DATETIME, date_format)
    written = read_back(table, dtype=str, keep_default_na=False)["x"]
    np.testing.assert_array_equal(schema.parse("x", written).values, schema.parse("x", table["x"]).values)


def test_dates_of_python_are_dates():
    days = pd.Series([dt.date(2016, 1, 1), dt.date(2016, 1, 3), None], dtype=object)
    column = infer_schema(days.to_frame("x"))["x"]
    assert (column.kind, column.date_format) == (Kind.DATETIME, "%Y-%m-%d")


@pytest.mark.parametrize("dtype", ["category", "string", "string[pyarrow]", "object"])
def test_texts_of_every_dtype_get_the_same_kind(dtype):
    cells = pd.Series(["red", "blue", None] * 20).astype(dtype)
    assert kinds_of(infer_schema(cells.to_frame("x"))) == {"x": "categorical"}


def test_a_category_dtype_of_numbers_says_that_they_are_classes():
    assert kinds_of(infer_schema(pd.DataFrame({"x": pd.Categorical([3, 5, 8, 9])}))) == {"x": "categorical"}


@pytest.mark.parametrize("dtype", ["Int64", "float32", "int64[pyarrow]", "double[pyarrow]", "object", "string"])
def test_numbers_of_every_dtype_are_numbers(dtype):
    cells = pd.Series([3, 5, 8, 9]).astype(dtype)
    assert kinds_of(infer_schema(cells.to_frame("x"))) == {"x": "numeric"}


def test_the_caller_decides_where_they_name_a_kind():
    table = pd.DataFrame({"a": ["8 kg", "9 kg"] * 99, "b": range(198), 3: ["2016", "2017"] * 99})
    schema = infer_schema(table, kinds={"a": "text", "b": Kind.CATEGORICAL, 3: "datetime"})
    assert [column.kind for column in schema.values()] == [Kind.TEXT, Kind.CATEGORICAL, Kind.DATETIME]
    assert schema.parse("3", table[3]).readable.all()


def test_a_kind_for_an_unknown_column_or_an_unknown_kind_is_refused():
    table = pd.DataFrame({"price": [1, 2]})
    with pytest.raises(
        ConfigError, match=r"'kinds' must name columns of the table\. Got 'prize' .*Did you mean 'price'\?"
    ):
        infer_schema(table, kinds={"prize": "text"})
    with pytest.raises(
        ConfigError, match=r"column 'price' must be one of .* Got 'txt' instead\. Did you mean 'text'\?"
    ):
        infer_schema(table, kinds={"price": "txt"})


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(SchemaError, match=r"names of a table's columns must differ\. 'a' stands there twice"):
        infer_schema(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_tables_without_rows_or_columns_have_schemas():
    assert kinds_of(infer_schema(pd.DataFrame({"a": [], "b": pd.Series([], dtype=str)}))) == dict.fromkeys(
        "ab", "constant"
    )
    assert len(infer_schema(pd.DataFrame(index=range(3)))) == 0


def test_inference_leaves_the_table_as_it_was():
    table = frame(made_table(), hidden_share=0.2)
    before = table.copy(deep=True)
    infer_schema(table, missing_values=["?", -1])
    pd.testing.assert_frame_equal(table, before)


def test_a_rare_third_value_in_a_long_column_is_seen():
    flags = np.zeros(200_001)
    flags[::2] = 1
    flags[77_777] = 2
    assert kinds_of(infer_schema(pd.DataFrame({"x": flags}))) == {"x": "numeric"}


def test_uniqueness_of_a_long_column_is_judged_over_all_its_rows():
    n_rows = 400_000
    table = pd.DataFrame({"order_id": np.arange(n_rows) // 8, "line_id": np.arange(n_rows)})
    assert kinds_of(infer_schema(table)) == {"order_id": "numeric", "line_id": "identifier"}


def test_integers_that_are_one_float_are_counted_as_they_are():
    ids, few = 2**60 + np.arange(200), 2**60 + np.arange(200) % 3
    table = pd.DataFrame({"sku": ids, "maker": few, "price": 1e20 * np.linspace(1, 2, 200), "flat": 1e20})
    kinds = {"sku": "identifier", "maker": "categorical", "price": "numeric", "flat": "constant"}
    assert kinds_of(infer_schema(table)) == kinds
    visible = table.astype({"maker": "Int64"}).mask(np.arange(200)[:, None] % 7 == [7, 0, 7, 7])
    visible["word"] = np.array(["a", "b", "c"])[np.arange(200) % 3]
    filled = quick_imputer(max_steps=60).fit_transform(visible)
    assert set(filled["maker"]) == set(few.tolist())


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(),
    st.sampled_from(["", "a", "1", "yes", "2016-01-01", "3 kg", "NULL"]),
    st.text(max_size=9),
)


@given(st.lists(CELLS, max_size=30))
def test_any_column_gets_a_kind_that_can_read_it_and_write_back_what_it_read(values):
    cells = pd.Series(values, dtype=object)
    schema = infer_schema(cells.to_frame("x"))
    parsed = schema.parse("x", cells)
    assert (parsed.readable <= parsed.observed).all()
    assert parsed.readable.sum() >= 0.5 * parsed.observed.sum() or np.isinf(pd.to_numeric(cells, errors="coerce")).any()
    texts = schema.format("x", parsed.values)
    assert ((texts == "") == ~parsed.readable).all()


@pytest.mark.parametrize("name", ["delivered", "delivery_date"])
@pytest.mark.parametrize("dtype", ["int64", "float64", "str"])
def test_compact_dates_have_a_format_wherever_somebody_says_that_they_are_dates(name, dtype):
    table = pd.DataFrame({name: pd.Series([20200317, 20200401, 20191224] * 10).astype(dtype)})
    assert infer_schema(table, kinds={name: "datetime"})[name].date_format == "%Y%m%d"


@pytest.mark.parametrize(("n_known", "fill"), [(1, False), (49, False), (50, True), (100, True)])
def test_a_columns_only_value_is_filled_where_most_rows_have_it(n_known, fill):
    table = pd.DataFrame({"recalled": ["yes"] * n_known + [None] * (100 - n_known), "n": range(100)})
    assert infer_schema(table)["recalled"] == ColumnSchema(name="recalled", kind="constant", fill=fill)
    assert infer_schema(table, kinds={"recalled": "constant"})["recalled"].fill  # whoever says so wants it


@pytest.mark.parametrize("written", ["20160{}01", "20160{}01.0", " 20160{}01"])
def test_compact_dates_are_read_in_every_writing_and_filled_in_theirs(written):
    texts = pd.Series([written.format(1 + i % 9) for i in range(60)])
    column = infer_schema(pd.DataFrame({"date": texts}))["date"]
    found = column.parse(texts)
    assert (column.kind, found.readable.all()) == ("datetime", True)
    assert set(column.format(found.values)) == set(texts.str.strip())
    assert np.isnan(column.parse(pd.Series(["20161301.0", "2016"])).values).all()


@pytest.mark.parametrize("null", ["n.v.", "NULL"])
def test_a_column_is_one_of_dates_only_where_half_of_it_can_be_read(null):
    dates = pd.Series(pd.date_range("2016-01-01", periods=28).strftime("%Y-%m-%d"))
    for n_nulls in (26, 28):
        table = pd.DataFrame({"seen": [*dates, *[null] * n_nulls, "soon"]})
        assert (infer_schema(table)["seen"].kind == "datetime") == (n_nulls < 27)


def test_numbers_in_several_formats_are_no_error():
    texts = ["173.9", *["92.817.688,00"] * 2, "7,362,536", "12,34", "39386093", "0", "41,797,820.00"]
    assert infer_schema(pd.DataFrame({"date": texts}))["date"].kind == "quantity"
