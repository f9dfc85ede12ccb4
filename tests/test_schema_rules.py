"""The rules of a column, and of a table: what is refused, what is kept, what changes."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from gain_impute.errors import SchemaError
from gain_impute.schema import ColumnSchema, Kind, Schema
from gain_impute.schema.rules import Condition


def column(name="price", kind="numeric", **rules):
    return ColumnSchema(name=name, kind=kind, **rules)


@pytest.fixture
def schema():
    return Schema(
        [
            column("shop", "categorical"),
            column("day", "datetime", date_format="%d.%m.%Y", minimum=0),
            column("type", "categorical", categories=("phone", "watch")),
            column("price", minimum=0, maximum=1000, decimals=2),
            column("memory", "quantity", applies_when={"type": ("phone",)}, fill=False),
            column("title", "text", missing_values=("-",)),
        ],
        missing_values=["?", -1],
        record_key="shop",
        time="day",
    )


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"kind": "numerical"},
            r"'price': 'kind' must be one of numeric, .* Got 'numerical' .*Did you mean 'numeric'\?",
        ),
        ({"kind": None}, r"'kind' must be one of .* Got None instead\. Correct it"),
        ({"name": 3}, r"Column 3: 'name' must be a text\. Got 3 instead"),
        ({"fill": "no"}, r"'price': 'fill' must be true or false\. Got 'no' instead"),
        ({"minimum": 2, "maximum": 1}, r"'price': 'minimum' must be at most its 'maximum' 1\.0\. Got 2\.0 instead"),
        ({"minimum": "0"}, r"'minimum' must be a finite number\. Got '0' instead"),
        ({"minimum": True}, r"'minimum' must be a finite number\. Got True instead"),
        ({"maximum": np.nan}, r"'maximum' must be a finite number\. Got nan instead"),
        ({"maximum": np.inf}, r"'maximum' must be a finite number\. Got inf instead"),
        ({"kind": "datetime", "maximum": 1e12}, r"'maximum' must be a date of the years 1 to 9999"),
        (
            {"kind": "text", "minimum": 0},
            r"'minimum' is a rule of numeric and datetime columns, and of quantities .* The kind is 'text'\. Leave",
        ),
        ({"decimals": -1}, r"'decimals' must be an integer from 0 to 15\. Got -1 instead"),
        ({"written_decimals": 0}, r"'written_decimals' must be an integer from 1 to 15\. Got 0 instead"),
        ({"decimals": 2.0}, r"'decimals' must be an integer from 0 to 15\. Got 2\.0 instead"),
        ({"kind": "datetime", "decimals": 1}, r"'decimals' is a rule of numeric columns\. The kind is 'datetime'"),
        ({"categories": ("a",)}, r"'categories' is a rule of categorical, .* columns\. The kind is 'numeric'"),
        ({"kind": "categorical", "categories": ()}, r"'categories' must be at least one text"),
        ({"kind": "categorical", "categories": "abc"}, r"'categories' must be a list of texts\. Got 'abc' instead"),
        ({"kind": "categorical", "categories": ("a", 1)}, r"'categories' must be a list of texts\. Got 1 instead"),
        ({"kind": "categorical", "categories": ("a", "a")}, r"'categories' must be texts that differ\. Got \['a'\]"),
        ({"kind": "categorical", "categories": ("",)}, r"'categories' must be texts that do not mean \"empty\""),
        ({"missing_values": "?"}, r"'missing_values' must be a list of texts\. Got '\?' instead"),
        ({"missing_values": (-1,)}, r"'missing_values' must be a list of texts\. Got -1 instead"),
        ({"date_format": "%Y"}, r"'date_format' is a rule of datetime columns\. The kind is 'numeric'"),
        ({"kind": "datetime", "date_format": "ISO"}, r"'date_format' must be a pattern such as '%Y-%m-%d'\. Got 'ISO'"),
        (
            {"kind": "datetime", "date_format": "%Q"},
            r"'date_format' must be a pattern of known directives.* Got \['%Q'\]",
        ),
        ({"applies_when": "type"}, r"'applies_when' must be a table of columns and their values\. Got 'type' instead"),
        ({"applies_when": {}}, r"'applies_when' must be a table of columns and their values\. Got {} instead"),
        ({"applies_when": {"type": ()}}, r"'applies_when' must be at least one value of 'type'\. Got \(\) instead"),
        ({"applies_when": {"type": "phone"}}, r"'applies_when' must be a list of texts\. Got 'phone' instead"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_by_name(rules, message):
    with pytest.raises(SchemaError, match=message):
        column(**rules)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (column("shop", "text"), r"names of columns must differ\. 'shop' stands there twice\. Rename"),
        (
            column("x", applies_when={"typ": ("phone",)}),
            r"'x': 'applies_when' must name columns .* Got 'typ' .*mean 'type'\?",
        ),
        (column("x", applies_when={"zzz": ("phone",)}), r"Got 'zzz' instead\. Correct it, or leave it out"),
        (
            column("x", applies_when={"x": ("phone",)}),
            r"'x': 'applies_when' must name other columns\. Got the column itself",
        ),
        (
            column("x", applies_when={"price": ("1",)}),
            r"whose values are texts\. The kind of 'price' is 'numeric'\. Make it",
        ),
        (
            column("x", applies_when={"type": ("fone",)}),
            r"values that 'type' may have\. Got 'fone' .*Did you mean 'phone'\?",
        ),
    ],
)
def test_a_rule_between_columns_that_cannot_hold_is_refused_by_name(schema, other, message):
    with pytest.raises(SchemaError, match=message):
        Schema([*schema.values(), other])


def test_conditions_may_not_lead_in_a_circle():
    columns = [column(name, "categorical", applies_when={to: ("yes",)}) for name, to in ("ab", "bc", "ca")]
    with pytest.raises(
        SchemaError, match=r"must not lead back to the column\. Got '(a|b|c)' -> .* -> '\1'\. Leave one"
    ):
        Schema(columns)


def test_conditions_may_meet_again():
    top = column("a", "categorical")
    left, right = (column(name, "categorical", applies_when={"a": ("yes",)}) for name in "bc")
    below = column("d", "categorical", applies_when={"b": ("1",), "c": ("2", "3")})
    assert dict(Schema([below, left, right, top])["d"].applies_when) == {"b": ("1",), "c": ("2", "3")}


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ({"record_key": "shp"}, r"'record_key' of the schema must be one of its columns\. Got 'shp' .*mean 'shop'\?"),
        ({"time": "week"}, r"'time' of the schema must be one of its columns\. Got 'week' instead\. Correct it"),
        ({"time": "day", "record_key": "day"}, r"must be two columns\. Both are 'day'\. Correct one"),
        (
            {"time": "type"},
            r"'type': the 'time' of a schema must be numeric, datetime, or a quantity .* Its kind is 'categorical'",
        ),
    ],
)
def test_the_columns_of_a_series_must_be_there_and_differ(schema, series, message):
    with pytest.raises(SchemaError, match=message):
        Schema(schema.values(), **series)


def test_only_numbers_and_classes_that_are_to_be_filled_are_fillable():
    fillable = {kind for kind in Kind if column(kind=kind).is_fillable}
    assert fillable == set(Kind) - {Kind.TEXT, Kind.URL, Kind.IDENTIFIER}
    assert not column(kind="numeric", fill=False).is_fillable


def test_a_schema_is_a_mapping_in_the_order_of_its_columns(schema):
    assert schema.names == tuple(schema) == ("shop", "day", "type", "price", "memory", "title")
    assert len(schema) == 6
    assert "price" in schema
    assert "cost" not in schema
    assert schema.missing_values == ("?", -1)
    assert (schema.record_key, schema.time) == ("shop", "day")


def test_a_schema_and_its_columns_cannot_be_changed(schema):
    with pytest.raises(AttributeError):
        schema.missing_values = ()
    with pytest.raises(AttributeError):
        schema["price"].minimum = 3
    with pytest.raises(TypeError):
        schema["price"] = column()
    with pytest.raises(TypeError):
        schema["memory"].applies_when["type"] = ("watch",)


def test_a_condition_is_not_changed_by_the_dict_it_was_made_from():
    given = {"type": ["phone"]}
    made = column(applies_when=given)
    given["type"].append("watch")
    assert made.applies_when == {"type": ("phone",)}


def test_equal_schemas_are_equal_hash_alike_and_survive_pickling(schema):
    again = pickle.loads(pickle.dumps(schema))  # noqa: S301  our own bytes
    assert again == schema
    assert hash(again) == hash(schema)
    assert repr(again) == repr(schema)


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema.replace("price", decimals=1),
        lambda schema: Schema(list(schema.values())[::-1], missing_values=["?", -1], record_key="shop", time="day"),
        lambda schema: Schema(schema.values(), missing_values=["?"], record_key="shop", time="day"),
        lambda schema: Schema(schema.values(), missing_values=["?", "-1"], record_key="shop", time="day"),
        lambda schema: Schema(schema.values(), missing_values=["?", -1], time="day"),
        lambda schema: Schema(schema.values(), missing_values=["?", -1], record_key="shop"),
    ],
)
def test_schemas_that_differ_in_anything_are_not_equal(schema, change):
    assert change(schema) != schema
    assert schema != dict(schema)


def test_conditions_are_equal_in_whatever_order_they_are_written():
    one, other = Condition({"a": ["1"], "b": ["2"]}), Condition({"b": ["2"], "a": ["1"]})
    assert one == other
    assert hash(one) == hash(other)


def test_replace_changes_one_column_and_leaves_the_schema_as_it_was(schema):
    changed = schema.replace("price", maximum=500)
    assert (changed["price"].maximum, schema["price"].maximum) == (500.0, 1000.0)
    assert [name for name in schema if changed[name] != schema[name]] == ["price"]
    assert (changed.missing_values, changed.record_key, changed.time) == (("?", -1), "shop", "day")


@pytest.mark.parametrize("kind", list(Kind))
def test_any_column_may_be_given_any_kind_and_drops_what_no_longer_makes_sense(schema, kind):
    lonely = Schema([schema["shop"], schema["price"], schema["title"], column("t", "categorical", categories=("a",))])
    for name in lonely:
        changed = lonely.replace(name, kind=kind)[name]
        assert changed.kind is kind
        assert changed.missing_values == lonely[name].missing_values


def test_a_change_of_kind_lets_a_quantity_be_filled_and_keeps_what_is_said_with_it(schema):
    assert schema.replace("memory", kind="categorical")["memory"].fill
    assert not schema.replace("memory", kind="categorical", fill=False)["memory"].fill
    assert not schema.replace("memory", missing_values=("x",))["memory"].fill
    assert schema.replace("price", kind="categorical", categories=("1", "2"))["price"].categories == ("1", "2")
    assert schema.replace("type", kind="boolean")["type"].categories == ("phone", "watch")


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("prize", {"decimals": 1}, r"no column 'prize'\. Did you mean 'price'\?"),
        ("zzz", {"decimals": 1}, r"no column 'zzz'\. Use a name of the schema"),
        ("price", {"minimun": 1}, r"Got 'minimun' instead\. Did you mean 'minimum'\?"),
        ("price", {"kind": "txt"}, r"'kind' must be one of .* Got 'txt' instead\. Did you mean 'text'\?"),
        ("type", {"kind": "numeric", "categories": None}, r"'memory': .* The kind of 'type' is 'numeric'"),
        ("day", {"kind": "text"}, r"'day': the 'time' of a schema must be numeric, datetime"),
    ],
)
def test_a_change_that_cannot_be_is_refused(schema, name, changes, message):
    with pytest.raises(SchemaError, match=message):
        schema.replace(name, **changes)


def test_a_schema_reads_and_writes_by_its_own_markers_and_rules(schema):
    parsed = schema.parse("price", pd.Series(["9.99", "?", "-1", "n.v."]))
    np.testing.assert_array_equal(parsed.values, [9.99, np.nan, np.nan, np.nan])
    assert parsed.observed.tolist() == [True, False, False, True]
    assert schema.parse("title", pd.Series(["-", "?", "x"])).values.tolist() == [None, None, "x"]
    assert schema.format("price", np.array([9.9, np.nan])).tolist() == ["9.90", ""]
    assert schema.format("day", np.array([86400.0])).tolist() == ["02.01.1970"]
    with pytest.raises(SchemaError, match="no column 'cost'"):
        schema.parse("cost", pd.Series(["1"]))
    with pytest.raises(SchemaError, match="no column 'cost'"):
        schema.format("cost", np.array([1.0]))


def test_a_number_on_a_grid_has_no_minus_before_zero():
    assert column(decimals=2).format(np.array([-0.001, -0.01])).tolist() == ["0.00", "-0.01"]
    assert column(decimals=0).format(np.array([12.0])).tolist() == ["12"]
    assert column(decimals=0, written_decimals=1).format(np.array([12.0, -0.0, np.nan])).tolist() == ["12.0", "0.0", ""]
    assert column(written_decimals=3).format(np.array([9.25, 1e-05, 0.12345])).tolist() == ["9.250", "1e-05", "0.12345"]


def test_a_schema_shows_itself_as_a_table(schema):
    lines = repr(schema).splitlines()
    assert lines[0].split() == ["column", "kind", "fill", "rules"]
    assert lines[4].split() == ["price", "numeric", "yes", "minimum=0.0", "maximum=1000.0", "decimals=2"]
    assert lines[5].split()[:3] == ["memory", "quantity", "no"]
    assert lines[7:] == ["missing_values = ('?', -1)", "record_key = 'shop'", "time = 'day'"]


def test_a_wide_schema_shows_its_first_columns_and_counts_the_others():
    wide = Schema(column(f"c{i}") for i in range(100))
    assert repr(wide).splitlines()[-1] == "and 40 more columns"


def test_columns_with_chinese_names_are_shown_in_line():
    schema = Schema([ColumnSchema(name="价格", kind="numeric"), ColumnSchema(name="kind", kind="text")])
    head, *rows = repr(schema).splitlines()
    assert head == "column  kind     fill  rules"
    assert rows == ["价格    numeric  yes", "kind    text     no"]


def test_an_empty_schema_is_a_schema():
    assert len(Schema([])) == 0
    assert Schema([]).names == ()
    assert repr(Schema([])).split() == ["column", "kind", "fill", "rules"]
