"""Quantities: how a column writes them is found, and what is read is written again as it stood there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gain_impute import GAINImputer
from gain_impute.errors import SchemaError, TableError
from gain_impute.evaluation import evaluate
from gain_impute.schema import ColumnSchema, Kind, infer_schema, likely_markers, schema_from_toml, schema_to_toml
from gain_impute.schema.quantities import NumberFormat, QuantityFormat
from gain_impute.schema.units import scale_of
from tests.strategies import quick_imputer

NUMBERS = np.random.default_rng(0).lognormal(5.5, 1.2, 800)


def european(number, decimals=2):
    return f"{number:,.{decimals}f}".translate({ord(","): ".", ord("."): ","})


def quantity(*formats, **rules):
    return ColumnSchema(name="x", kind="quantity", number_formats=formats, **rules)


def infer(texts):
    return infer_schema(pd.DataFrame({"x": list(texts)}))["x"]


@pytest.mark.parametrize(
    ("write", "formats", "value"),
    [
        (lambda x: f"{x:.2f} kg", ("1234.00 kg",), lambda x: x),
        (lambda x: f"{x / 100:.3g}kg", ("1234.567kg",), lambda x: x / 100),
        (lambda x: f"${x:,.2f}", ("$1,234.00",), lambda x: x),
        (lambda x: f"{european(20 * x)} €", ("1.234,00 €",), lambda x: 20 * x),
        (lambda x: f"{x:.2f}".replace(".", ","), ("1234,00",), lambda x: x),
        (lambda x: f"Rs. {1000 * x:,.0f}", ("Rs. 1,234",), lambda x: 1000 * x),
        (lambda x: f"{1000 * x:,.2f}".replace(",", " "), ("1 234.00",), lambda x: 1000 * x),
        (lambda x: f"CHF {1000 * x:,.2f}".replace(",", "’"), ("CHF 1’234.00",), lambda x: 1000 * x),
        (
            lambda x: f"{european(10 * x, 0)} €",
            ("1.234 €",),
            lambda x: 10 * x,
        ),  # "3.987 €" beside "381 €" are no decimals
        (lambda x: f"{x / 100:.3f} kg", ("1234.000 kg",), lambda x: x / 100),
        (lambda x: f"{x - 300:,.2f} €".replace("-", "−"), ("1,234.00 €",), lambda x: x - 300),
        (lambda x: f"-${x:.2f}" if x < 150 else f"${x:.2f}", ("$1234.00",), lambda x: -x if x < 150 else x),
        (lambda x: f"Rs.{x:.0f}/-", ("Rs.1234/-",), lambda x: x),
        (lambda x: f"{x:.0f} Mbps" if x < 1000 else f"{x / 1000:.3g} Gbps", ("1234 Mbps", "1234.56 Gbps"), lambda x: x),
        (
            lambda x: f"{x / 16:.4g} pounds" if x >= 1000 else f"{x:.0f} ounces",
            ("1234 ounces", "1234.56 pounds"),
            lambda x: x,
        ),
        (lambda x: f"-{x:.1f} °C", ("1234.0 °C",), lambda x: -x),
        (lambda x: f"{x:.1f} m2", ("1234.0 m2",), lambda x: x),
        (lambda x: f"{x:.0f}克", ("1234克",), lambda x: x),
        (lambda x: f"{x:,.0f}", ("1,234",), lambda x: x),  # of which most are plain numbers
        (lambda x: f"{x:.0f} g" if x < 1000 else f"{x / 1000:.3f} kg", ("1234 g", "1234.000 kg"), lambda x: x),
        (lambda x: f"{x:.0f} mm" if x < 1000 else f"{x / 1000:.3f} m", ("1234 mm", "1234.000 m"), lambda x: x),
        (lambda x: f"{x:.0f} g" if x < 1000 else f"{x / 1000:.3g} kg", ("1234 g", "1234.56 kg"), lambda x: x),
        (lambda x: f"{x / 1e3:.2f}万" if x > 1000 else f"{10 * x:.0f}", ("1234", "1234.00万"), lambda x: 10 * x),
        (lambda x: f"{x:.0f} min" if x < 1000 else f"{x / 60:.1f} h", ("1234 min", "1234.0 h"), lambda x: x),
        (lambda x: f"US ${x:,.2f}", ("US $1,234.00",), lambda x: x),
        (lambda x: f"${x:.2f} USD", ("$1234.00 USD",), lambda x: x),
        (lambda x: f"THB {x:,.2f}", ("THB 1,234.00",), lambda x: x),
        (lambda x: f"{x:.2f} TL", ("1234.00 TL",), lambda x: x),
        (lambda x: f"{x:.1f} руб.", ("1234.0 руб.",), lambda x: x),
        (lambda x: f"EUR {x - 300:.2f}", ("EUR 1234.00",), lambda x: x - 300),
        (lambda x: f"{x:.0f} EUR" if int(x) % 2 else f"{x:.0f} USD", None, lambda x: x),  # which cannot be compared
    ],
)
def test_how_a_column_writes_its_quantities_is_found(write, formats, value):
    texts = [write(x) for x in NUMBERS]
    column = infer(texts)
    assert (column.kind, column.number_formats, column.fill) == (Kind.QUANTITY, formats, formats is not None)
    if formats is not None:
        parsed = column.parse(pd.Series(texts))
        assert parsed.readable.all()
        true = np.array([value(x) for x in NUMBERS])
        assert np.all(np.abs(parsed.values - true) <= np.maximum(column.grid or 1, 0.01 * np.abs(true)))
        again = column.format(parsed.values)
        written = np.array([text.replace("−", "-") for text in texts], dtype=object)
        assert np.mean(again == written) >= 0.95  # "0.34 h" comes back as "20 min"
        assert np.allclose(column.parse(pd.Series(again)).values, parsed.values, rtol=0.01, atol=0.001)


UNIQUE = [str(n) for n in np.random.default_rng(0).permutation(np.arange(10_000, 11_000))]


@pytest.mark.parametrize(
    ("name", "texts", "slip"),
    [
        ("id", UNIQUE, "11,500"),
        ("id", UNIQUE, "123B"),
        ("product_id", UNIQUE, "1200M"),
        ("zip", [f"{int(n) - 9_990:05d}" for n in UNIQUE], "1,234"),
        ("flag", ["0", "1"] * 500, "1,5"),
        ("sex", ["1", "2"] * 500, "12B"),
        ("date", ["20161114", "20170305", "20180708"] * 300, "2016,11"),
        ("house", [str(i % 90) for i in range(1000)], "12B"),
        ("year", [str(2000 + i % 20) for i in range(1000)], "2,019"),
        ("x", [f"{x:.3e}" for x in NUMBERS], "1,234"),
        ("price", [f"{20 * x:.2f}" for x in NUMBERS], "1,234.50"),
    ],
)
def test_one_slip_does_not_make_a_column_one_of_quantities(name, texts, slip):
    with_slip = infer_schema(pd.DataFrame({name: [*texts, slip]}))[name]
    assert with_slip.kind is not Kind.QUANTITY
    assert with_slip.fill == infer_schema(pd.DataFrame({name: texts}))[name].fill


@pytest.mark.parametrize(
    "texts",
    [
        [f"{a:03d} {b:03d} {c:03d}" for a, b, c in np.random.default_rng(0).integers(100, 999, (400, 3))],
        [f"{a} {b}" for a, b in np.random.default_rng(0).integers(100, 999, (400, 2))],
        [f"{int(n)}{'ABCM'[int(n) % 4]}" for n in UNIQUE],
        [f"TRY-{1000 + int(n) // 3:05d}" for n in UNIQUE],
        *([f"{code}{int(n)}" for n in UNIQUE] for code in ("TRY-", "THB", "PHP ", "SR-", "CAD", "COP ")),
        *([f"{number:.2f} {word}" for number in np.arange(10, 30, 0.01)] for word in ("Uhr", "BK", "beta", "pm")),
        [f"{int(n) % 90} {'ABM'[int(n) % 3]}" if int(n) % 9 == 0 else str(int(n) % 90) for n in UNIQUE],
    ],
)
def test_codes_are_no_quantities(texts):
    assert infer(texts).number_formats is None


@pytest.mark.parametrize(
    ("name", "write"),
    [("retail_price", "THB {}"), ("priceINR", "INR {}"), ("x", "Rs {}"), ("MRP", "SR{}"), ("x", "${}")],
)
def test_whole_prices_are_money_where_the_name_or_the_sign_says_so(name, write):
    texts = [write.format(int(n)) for n in UNIQUE]
    assert infer_schema(pd.DataFrame({name: texts}))[name].number_formats == (write.format(1234),)


@pytest.mark.parametrize(
    ("texts", "slip", "text", "number"),
    [
        ([f"{10 * x:,.0f} kg" for x in NUMBERS], "1 500 kg", "3,987 kg", 3987),
        ([f"${10 * x:,.0f}" for x in NUMBERS], "$1\xa0234", "$1,234", 1234),
        ([f"${10 * x:,.2f}" for x in NUMBERS], "$1\xa0234.50", "$1,234.50", 1234.5),
        ([f"{european(10 * x, 0)} €" for x in NUMBERS], "1 234 €", "3.987 €", 3987),
        ([f"${3 + x / 1e4:.3f}" for x in NUMBERS], "$45", "$3.459", 3.459),
        ([f"${3 + x / 1e4:.3f}" for x in NUMBERS], "$945", "$3.459", 3.459),
        ([f"{1 + x / 1e4:.3f} kg" for x in NUMBERS] + ["25 kg"] * 400, "2.5 kg", "1.345 kg", 1.345),
    ],
)
def test_one_slip_does_not_change_how_a_column_is_read(texts, slip, text, number):
    for cells in (texts, [*texts, slip]):
        assert infer(cells).parse(pd.Series([text])).values[0] == pytest.approx(number)
    assert infer([*texts, slip]).number_formats == infer(texts).number_formats


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("ip", [f"192.168.{a}.{b}" for a, b in np.random.default_rng(0).integers(100, 255, (400, 2))]),
        ("phone", [f"{a}.{b}.{c}" for a, b, c in np.random.default_rng(0).integers(100, 999, (400, 3))]),
        ("invoice number", [f"{int(n):,}" for n in UNIQUE]),
        ("model_no", [f"{n}W" for n in UNIQUE]),
        ("plate", [f"{n} AB" for n in UNIQUE]),
    ],
)
def test_what_names_a_row_is_not_made_up(name, texts):
    assert not infer_schema(pd.DataFrame({name: texts}))[name].is_number


def test_numbers_that_may_mean_empty_are_asked_about_in_quantities_too():
    table = pd.DataFrame({"price": [f"${x:,.2f}" for x in NUMBERS] + ["$99,999.00"] * 20})
    assert likely_markers(table, infer_schema(table)) == {"price": {"$99,999.00": 20}}


@pytest.mark.parametrize(
    ("formats", "text", "number"),
    [
        (["1234 inch"], "5 inches", 5),
        (["1234 inches"], "5 inch", 5),
        (["1234 in", "1234 cm"], "5 inches", 5),
        (["1234 Straße"], "5 Strasse", 5),
        (["1234 kg"], "5.", 5),
        (["1234 kg"], "11 pounds", np.nan),
        (["1234 ms"], "5 m", np.nan),
        (["Rs.1234/-"], "Rs.5/-", 5),
        (["$1234.00"], "$.99", 0.99),
    ],
)
def test_a_unit_is_read_in_each_of_its_spellings(formats, text, number):
    assert quantity(*formats).parse(pd.Series([text])).values[0] == pytest.approx(number, nan_ok=True)


@given(
    formats=st.permutations(["1234 g", "1234.5 kg", "1234.56 lb", "1234 t"]).map(lambda formats: formats[:3]),
    number=st.integers(1, 10**7).map(float),
)
def test_a_number_that_some_unit_can_say_is_written_so_that_it_comes_back(formats, number):
    column = quantity(*formats)
    settled = column.as_written(np.array([number]), least=0, most=np.inf)
    assert column.parse(pd.Series(column.format(settled))).values == pytest.approx(settled, rel=1e-6)
    finest = min(
        abs(column.parse(pd.Series([way.write(number / scale)])).values[0] - number) for way, scale in ways(column)
    )
    assert abs(settled[0] - number) <= max(0.01 * number, finest) + 1e-6


def ways(column):
    """The formats of a column, and how many of its numbers one of each is."""
    found = [NumberFormat.of(example) for example in column.number_formats]
    return [(way, scale_of(way.unit, found[0].unit)) for way in found]


def test_filled_quantities_stay_within_what_was_seen():
    rng = np.random.default_rng(0)
    grams = np.where(rng.random(400) < 0.5, rng.integers(1985, 1996, 400), rng.integers(100, 300, 400))
    texts = [f"{x} g" for x in grams[:-20]] + ["1.9 kg"] * 20
    table = pd.DataFrame({"weight": texts, "kind": np.where(grams > 1000, "big", "small")})
    table["weight"] = table["weight"].mask(rng.random(400) < 0.2)
    imputer = quick_imputer(max_steps=100).fit(table)
    column = imputer.schema_["weight"]
    assert column.number_formats == ("1234 g", "1234.0 kg")
    assert np.max(column.parse(imputer.transform(table)["weight"]).values) <= 1995


def test_a_column_in_other_units_than_its_formats_say_is_an_error_that_names_them():
    table = pd.DataFrame({"x": ["1 l", "2 l", "3 l"] * 20, "y": range(60)})
    schema = infer_schema(table).replace("x", number_formats=["1234 kg"])
    with pytest.raises(
        TableError, match=r"readable as quantity\. 60 of 60 are not\. Correct its number_formats, give the"
    ):
        quick_imputer(schema=schema).fit(table)


@given(
    texts=st.dictionaries(
        st.sampled_from(["1,000 g", "2,500 g", "-1,000", "1,200", "1.5 kg", "380 g", "95", "n.v.", "NULL", "soon"]),
        st.integers(1, 40),
        min_size=1,
    )
)
@example(texts={"-1,000": 1, "1,000": 1, "0": 4, "n.v.": 9})
@example(texts={"1,000 g": 2, "380 g": 2, "NULL": 4})
def test_formats_are_found_only_where_they_read_at_least_half_of_the_known_cells(texts):
    cells = [text for text, n in texts.items() for _ in range(n)]
    formats = infer_schema(pd.DataFrame({"weight": cells}))["weight"].number_formats
    is_read = ~np.isnan(QuantityFormat.of(formats).read(np.array(cells, dtype=object))) if formats else np.ones(1)
    assert is_read.mean() >= 0.5


@pytest.mark.parametrize(("n_null", "found"), [(6, ("1,234",)), (7, None)])
def test_half_of_the_known_cells_is_enough(n_null, found):
    cells = ["-1,000", "1,000", *["0"] * 4, *["n.v."] * n_null]
    assert infer_schema(pd.DataFrame({"weight": cells}))["weight"].number_formats == found


def test_keys_of_grouped_digits_stay_empty_and_letters_for_thousands_in_few_texts_are_categories():
    order = infer_schema(pd.DataFrame({"order_id": [f"{int(n):,}" for n in UNIQUE]}))["order_id"]
    assert not order.is_fillable
    for texts in (["2K", "4K", "5K", "8K"], ["9K", "14K", "18K", "24K"], ["38,45", "37,43", "36,41"]):
        assert infer(texts * 50).is_class
    tiny = infer([f"{int(n) * 1e-7:.11f} mm" if int(n) % 2 else f"{int(n) * 1e-7:.9f} mm" for n in UNIQUE])
    assert tiny.number_formats is None  # no format could tell these apart


def test_a_number_is_one_and_the_same_in_every_dtype():
    column = quantity("1234.0K", "1234")
    assert column.parse(pd.Series(["381", 381, "4.0K", 4000.0], dtype=object)).values.tolist() == [381, 381, 4000, 4000]
    assert column.parse(pd.Series([910.0, np.nan])).values[0] == column.parse(pd.Series(["910", ""])).values[0] == 910
    assert column.format(np.array([930.0, 2400.0])).tolist() == ["930", "2.4K"]


def test_a_greater_unit_without_decimals_is_not_taken_where_it_would_lose_much():
    coarse = quantity("1234 g", "1234 kg")
    assert coarse.format(np.array([1490.0, 2001.0, 3000.0])).tolist() == ["1490 g", "2001 g", "3 kg"]
    assert coarse.as_written(np.array([1490.0, 2001.0]), least=0, most=3000).tolist() == [1490, 2000]
    assert coarse.as_written(np.array([1990.0]), least=0, most=1995).tolist() == [1990]  # within what was seen


@pytest.mark.parametrize(
    ("spellings", "found"),
    [
        (("${:.2f}", "US ${:.2f}", "USD {:.2f}"), "$1234.00"),
        (("{:.2f} Euro", "{:.2f} €", "{:.2f} EUR"), "1234.00 Euro"),
        (("Rs. {:.0f}", "₹{:.0f}", "INR {:.0f}"), "Rs. 1234"),
        (('{:.1f}"', "{:.1f} inch", "{:.1f} in"), '1234.0"'),
    ],
)
def test_of_several_spellings_of_a_unit_the_commonest_is_written(spellings, found):
    texts = [spellings[(i % 10 > 5) + (i % 10 > 8)].format(x) for i, x in enumerate(NUMBERS)]
    column = infer(texts)
    assert column.number_formats == (found,)
    assert column.parse(pd.Series(texts)).values == pytest.approx(NUMBERS, abs=0.51)


def test_one_unit_in_several_spellings_is_one():
    column = infer([f"{n} {('kg', 'Kgs.', 'KG')[int(n) % 3]}" for n in UNIQUE] + [f"{n} kg" for n in UNIQUE])
    assert column.number_formats == ("1234 kg",)
    assert column.parse(pd.Series(["5 Kgs.", "5KG", "5 kg"])).values.tolist() == [5, 5, 5]
    assert quantity("1234 €").parse(pd.Series(["€5", "5 €", "€ 5 €"])).values.tolist() == pytest.approx(
        [5, 5, np.nan], nan_ok=True
    )


def test_few_texts_with_a_unit_are_categories_and_few_counts_are_numbers():
    assert infer(["4 GB", "8 GB", "16 GB"] * 30).number_formats is None
    assert infer(["4 GB", "8 GB", "16 GB"] * 30).is_class
    assert infer(["900", "1,200", "1,400"] * 30).number_formats == ("1,234",)


def test_what_is_no_quantity_of_the_column_is_not_read():
    texts = [f"{x:.1f}M" for x in NUMBERS] + ["varies", "3 kg", "5", "<4M", "1-2M", "inf", "9" * 400]
    column = infer(texts)
    assert column.number_formats == ("1234.0M",)
    parsed = column.parse(pd.Series(texts))
    assert parsed.observed.all()
    assert parsed.values[-7:].tolist() == pytest.approx([np.nan, np.nan, 5, *[np.nan] * 4], nan_ok=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5 kg", 1500),
        ("1.5KG", 1500),
        (" 1.5  kg ", 1500),
        ("2 lbs", 907.18474),
        ("340", 340),  # of the first unit, where no unit stands
        (340, 340),
        (340.5, 340.5),
        ("-3 g", -3),
        ("+3g", 3),
        ("0.5g", 0.5),
        (".5 g", 0.5),
        ("1,5 kg", np.nan),
        ("kg", np.nan),
        ("1 g 2", np.nan),
        ("--5 g", np.nan),
        ("-+5 g", np.nan),
        ("1e3", 1000),
        ("1,234 g", 1234),
        ("1,23,456 g", 123456),
        ("−5 g", -5),
        ("g 5", 5),
        (20_000 * " " + "5 g", 5),
        (5_000 * " " + "n/a", np.nan),
        ("5" + 20_000 * " " + "g", 5),
        ("٣ g", 3),
    ],
)
def test_a_quantity_is_read_with_blanks_in_any_case_and_in_any_of_the_units(text, number):
    column = quantity("1234 g", "1234.56 kg", "1234 lb")
    cells = pd.Series([text, None], dtype=object)
    parsed = column.parse(cells)
    assert parsed.values[0] == pytest.approx(number, nan_ok=True)
    assert parsed.observed.tolist() == [True, False]


def test_numbers_of_a_typed_column_are_of_the_first_unit():
    parsed = quantity("1234 g", "1234.56 kg").parse(pd.Series([340.0, np.nan]))
    assert parsed.values.tolist() == pytest.approx([340, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("number", "text"),
    [(340, "340 g"), (999, "999 g"), (1370, "1.37 kg"), (0.5, "500 mg"), (1e6, "1000 kg"), (0, "0 g"), (-2, "-2 g")],
)
def test_a_number_is_written_in_the_unit_that_suits_it(number, text):
    assert quantity("1234.5 g", "1234.56 kg", "1234 mg").format(np.array([number])).tolist() == [text]


@st.composite
def number_formats(draw):
    before = draw(st.sampled_from(["", "$", "Rs. ", "约"]))
    after = draw(st.sampled_from(["", " kg", "″", "/m²", " m2", "."]))
    thousands = draw(st.sampled_from(["", ",", ".", "'", " ", "\u202f"]))
    mark = "," if thousands in {".", " ", "\u202f"} else "."
    decimals = draw(st.integers(0, 5))
    return NumberFormat(before, after, thousands, mark, decimals, decimals > 0 and draw(st.booleans()))


@given(way=number_formats(), count=st.integers(-(10**9), 10**9))
def test_a_number_on_its_grid_comes_back_from_every_format(way, count):
    decimals = way.decimals
    assert NumberFormat.of(str(way)) == way
    column, number = quantity(str(way)), round(count / 10**decimals, decimals)
    text = column.format(np.array([number]))
    read = column.parse(pd.Series(text)).values
    assert read[0] == number
    assert column.format(read)[0] == text[0]
    assert column.grid == pytest.approx(10.0**-decimals)
    schema = infer_schema(pd.DataFrame({"x": ["a"]})).replace("x", kind="quantity", number_formats=[str(way)])
    assert schema_from_toml(schema_to_toml(schema)) == schema


@given(
    numbers=st.lists(st.floats(0.001, 1e7), min_size=1, max_size=5),
    low=st.floats(0, 1e4),
    width=st.floats(0, 1e4),
)
def test_what_is_written_of_a_number_within_its_bounds_reads_as_within_them(numbers, low, width):
    column = quantity("1234 g", "1234.5 kg", minimum=low, maximum=low + width)
    held = np.clip(numbers, low, low + width)
    again = column.parse(pd.Series(column.format(held))).values
    assert np.all(again >= low - 1e-6)
    assert np.all(again <= low + width + 1e-6)


def test_numbers_of_one_unit_keep_all_their_digits():
    column, large = quantity("¥1,234.00"), 1_234_567_890_123.45
    assert column.as_written(np.array([large]), least=0, most=1e15).tolist() == [large]
    assert column.parse(pd.Series(column.format(np.array([large])))).values.tolist() == [large]


def test_units_are_compared_where_they_are_of_one_dimension():
    assert scale_of("MB", "GB") == 1 / 1024
    assert scale_of("Mins.", "h") == pytest.approx(1 / 60)
    assert scale_of("Mbps", "Gbps") == 0.001
    assert (scale_of("m", "M"), scale_of("M", "k"), scale_of("foops", "foop")) == (None, 1000, 1)


@pytest.mark.parametrize(
    ("formats", "rules", "message"),
    [
        (["12 kg"], {}, r"'number_formats' must be examples of the number 1234, such .* Got \['12 kg'\] instead"),
        ([], {}, "must be examples"),
        (["1,234,5"], {}, "must be examples"),
        (["1234 12"], {}, "must be examples"),
        (["-1234 kg"], {}, "must be examples"),
        (["1 234 567"], {}, "must be examples"),
        (["1234 kg", "1234.5 KGs"], {}, "must be of different units of one dimension"),
        (["1234.65"], {}, "must be examples"),
        (["1234 kg", "1234 ml"], {}, r"must be of different units of one dimension"),
        (["1234 kg"], {"kind": "numeric"}, r"'number_formats' is a rule of quantity columns\. The kind is 'numeric'"),
        (["1234 kg"], {"categories": ["1 kg"]}, r"must be left out where 'categories' are given"),
        (["1234 kg"], {"decimals": 2}, r"'decimals' is a rule of numeric columns"),
        ("1234 kg", {}, r"'number_formats' must be a list of texts"),
    ],
)
def test_formats_that_cannot_be_are_refused(formats, rules, message):
    with pytest.raises(SchemaError, match=message):
        ColumnSchema(**{"name": "x", "kind": "quantity", "number_formats": formats, **rules})


def test_a_column_may_be_told_to_hold_texts_again():
    schema = infer_schema(pd.DataFrame({"x": [f"{x:.2f} kg" for x in NUMBERS]}))
    assert schema.replace("x", number_formats=None)["x"].is_class
    assert schema.replace("x", kind="text")["x"].number_formats is None


def test_the_grid_of_several_units_is_the_finest_that_holds_them_all():
    assert QuantityFormat.of(("1234.5M", "1234k")).grid == 1000
    assert QuantityFormat.of(("1234 min", "1234.5 h")).grid == 1
    assert QuantityFormat.of(("1234.5 cm", "1234.5 in")).grid == 0


def goods(n_rows=300, seed=0):
    """Goods whose weight hangs on what they are, written in grams or in kilograms, a fifth of them unknown."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["cup", "pan", "lid"], n_rows)
    grams = np.round(pd.Series(kinds).map({"cup": 280, "pan": 1600, "lid": 90}) * rng.lognormal(0, 0.1, n_rows))
    written = [f"{x:.0f} g" if x < 1000 else f"{x / 1000:.2f} kg" for x in grams]
    table = pd.DataFrame({"kind": kinds, "weight": written, "price": np.round(grams / 20, 2)})
    return table.assign(weight=table["weight"].mask(rng.random(n_rows) < 0.2)), grams


@pytest.mark.parametrize("dtype", ["str", object, "string[pyarrow]"])
def test_an_imputer_fills_quantities_as_they_are_written_and_as_numbers(dtype):
    table, grams = goods()
    table["weight"] = table["weight"].astype(dtype)
    imputer = quick_imputer(max_steps=300).fit(table)
    column = imputer.schema_["weight"]
    assert column.number_formats == ("1234 g", "1234.00 kg")
    filled = imputer.transform(table)
    empty = table["weight"].isna().to_numpy()
    assert filled["weight"].dtype == table["weight"].dtype
    assert filled["weight"][~empty].tolist() == table["weight"][~empty].tolist()
    found = column.parse(filled["weight"])
    assert found.readable.all()
    error = found.values[empty] - grams[empty]
    assert np.sqrt(np.mean(error**2)) < 0.3 * np.std(grams[empty])
    cells = imputer.impute(table).cells
    weights = cells[cells["column"] == "weight"]
    assert weights["value_number"].between(weights["lower"], weights["upper"]).all()
    assert (column.parse(weights["value"]).values == weights["value_number"]).all()
    assert (weights["value"].to_numpy() == filled["weight"].to_numpy()[empty]).all()


def test_quantities_are_drawn_saved_scored_and_filled_in_other_tables_as_numbers(tmp_path):
    table, _ = goods()
    imputer = quick_imputer(max_steps=300).fit(table)
    column = imputer.schema_["weight"]
    drawn = [column.parse(draw["weight"]) for draw in imputer.sample(table, 3)]
    assert all(draw.readable.all() for draw in drawn)
    assert np.ptp([draw.values for draw in drawn], axis=0).any()
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert loaded.schema_ == imputer.schema_
    pd.testing.assert_frame_equal(loaded.transform(table), imputer.transform(table))
    assert loaded.transform(pl.from_pandas(table))["weight"].to_list() == imputer.transform(table)["weight"].tolist()
    scores = evaluate(imputer, table, rate=0.3).columns.set_index("column").loc["weight"]
    assert scores["error_gain"] < 0.5 < scores["error_mean"]
    imputer.partial_fit(goods(seed=1)[0])
    assert imputer.schema_["weight"] == column
