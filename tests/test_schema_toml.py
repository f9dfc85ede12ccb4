"""Schema files: written, read by a person, read back, refused with reasons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gain_impute.errors import FileError, SchemaError
from gain_impute.schema import (
    ColumnSchema,
    Kind,
    Schema,
    read_schema,
    schema_from_toml,
    schema_to_toml,
)

NAMES = st.text(st.characters(codec="utf-8"), max_size=8)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
BOUNDS = st.floats(allow_nan=False, allow_infinity=False)
MICROSECONDS = st.integers(-62135596800 * 10**6, 253402300799 * 10**6).map(lambda count: count / 1e6)
FORMATS = st.sampled_from(["%Y-%m-%d", "%B %-d, %Y", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S.%3f%:z"])


@st.composite
def columns_of(draw, name, others):
    kind = draw(st.sampled_from(list(Kind)))
    rules = {"fill": draw(st.booleans()), "missing_values": tuple(draw(st.lists(TEXTS, max_size=2)))}
    if kind in {Kind.NUMERIC, Kind.DATETIME}:
        bounds = sorted(draw(st.lists(BOUNDS if kind is Kind.NUMERIC else MICROSECONDS, min_size=2, max_size=2)))
        rules |= {"minimum": bounds[0], "maximum": draw(st.sampled_from([None, bounds[1]]))}
    if kind is Kind.NUMERIC:
        rules["decimals"] = draw(st.one_of(st.none(), st.integers(0, 15)))
    if kind is Kind.DATETIME:
        rules["date_format"] = draw(st.one_of(st.none(), FORMATS))
    if ColumnSchema(name=name, kind=kind).is_class:
        allowed = draw(
            st.lists(TEXTS.filter(lambda text: text not in rules["missing_values"]), unique=True, max_size=3)
        )
        rules["categories"] = tuple(allowed) or None
    plain = [other for other in others if not other.is_number and other.categories is None]
    if plain and draw(st.booleans()):
        rules["applies_when"] = {
            other.name: tuple(draw(st.lists(TEXTS, min_size=1, max_size=2))) for other in plain[:2]
        }
    return ColumnSchema(name=name, kind=kind, **rules)


@st.composite
def schemas(draw):
    columns = []
    for name in draw(st.lists(NAMES, unique=True, max_size=5)):
        columns.append(draw(columns_of(name, columns)))
    markers = draw(st.lists(st.one_of(TEXTS, st.integers(-9, 9), st.booleans(), BOUNDS), max_size=3))
    key = draw(st.sampled_from([None, *(column.name for column in columns)]))
    times = [column.name for column in columns if column.is_number and column.name != key]
    return Schema(columns, missing_values=markers, record_key=key, time=draw(st.sampled_from([None, *times])))


@given(schemas())
def test_a_schema_comes_back_equal_from_its_toml(schema):
    assert schema_from_toml(schema_to_toml(schema)) == schema


def test_a_schema_file_reads_as_a_person_would_write_it():
    schema = Schema(
        [
            ColumnSchema(name="type", kind="categorical", categories=("phone", "watch")),
            ColumnSchema(name="screen size", kind="numeric", minimum=0, decimals=1, missing_values=("n.v.",)),
            ColumnSchema(name="memory", kind="quantity", applies_when={"type": ("phone",)}, fill=False),
            ColumnSchema(name="since", kind="datetime", minimum=86400, maximum=86400.5, date_format="%d.%m.%Y"),
        ],
        missing_values=["?", -1],
        record_key="type",
        time="since",
    )
    assert (
        schema_to_toml(schema)
        == """\
version = 1
missing_values = [
    "?",
    -1,
]
record_key = "type"
time = "since"

[columns.type]
kind = "categorical"
categories = [
    "phone",
    "watch",
]

[columns."screen size"]
kind = "numeric"
minimum = 0.0
decimals = 1
missing_values = [
    "n.v.",
]

[columns.memory]
kind = "quantity"
fill = false

[columns.memory.applies_when]
type = [
    "phone",
]

[columns.since]
kind = "datetime"
minimum = 1970-01-02
maximum = 1970-01-02 00:00:00.500000+00:00
date_format = "%d.%m.%Y"
"""
    )


def test_a_file_written_is_the_file_read(tmp_path):
    schema = Schema([ColumnSchema(name="价格", kind="numeric", decimals=2)])
    (tmp_path / "schema.toml").write_text(schema_to_toml(schema), encoding="utf-8")
    assert read_schema(tmp_path / "schema.toml") == schema
    assert read_schema(str(tmp_path / "schema.toml")) == schema


def test_a_file_that_cannot_be_opened_says_so(tmp_path):
    with pytest.raises(FileError, match=r"none\.toml' cannot be read: No such file or directory\. Check the path"):
        read_schema(tmp_path / "none.toml")


def test_a_file_that_is_no_utf8_says_where(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"version = 1 # \xe9")
    with pytest.raises(SchemaError, match=r"a\.toml' must be UTF-8 text\. Byte 14 is none\. Save it as UTF-8"):
        read_schema(tmp_path / "a.toml")


def test_bounds_may_be_integers_and_dates_of_any_form():
    text = 'version = 1\n[columns.a]\nkind = "numeric"\nmaximum = 3\n[columns.b]\nkind = "datetime"\n'
    for written in ("1970-01-02", "1970-01-02T00:00:00", "1970-01-02T00:00:00Z", "1970-01-02T02:00:00+02:00"):
        schema = schema_from_toml(text + f"minimum = {written}\n")
        assert (schema["a"].maximum, schema["b"].minimum) == (3.0, 86400.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version == 1", r"The schema must be TOML\. Invalid value \(at line 1, column 10\)\. Correct that line"),
        ("", r"must begin with 'version = 1'\. Got None instead\. Add that line"),
        ("version = true", r"must begin with 'version = 1'\. Got True instead"),
        ("version = 2", r"The schema has version 2; this gain_impute reads versions up to 1\. Install a newer"),
        ("version = 1\ncolumsn = 1", r"unknown key 'columsn'\. Did you mean 'columns'\?"),
        ("version = 1\nzzz = 1", r"unknown key 'zzz'\. Known are version, missing_values, record_key, time, columns"),
        ("version = 1\ncolumns = 3", r"'columns' must hold one table per column.* Got 3 instead"),
        ("version = 1\nrecord_key = 3", r"'record_key' must be the name of a column\. Got 3 instead"),
        (
            "version = 1\nmissing_values = [[1]]",
            r"The schema: The 'missing_values' must be texts or numbers\. Got \[1\]",
        ),
        ("version = 1\ntime = 'day'", r"The schema: The 'time' of the schema must be one of its columns\. Got 'day'"),
        ("version = 1\ncolumns.a = 3", r"column 'a' must be a table with a 'kind'.* Got 3 instead"),
        ("version = 1\n[columns.a]", r"column 'a' must have a 'kind', one of numeric, .*\. Got none\. Add it"),
        (
            "version = 1\n[columns.a]\nkind = 'txt'",
            r"The schema: Column 'a': 'kind' must be one of .*Did you mean 'text'\?",
        ),
        ("version = 1\n[columns.a]\nkind = 3", r"Column 'a': 'kind' must be one of .* Got 3 instead"),
        ("version = 1\n[columns.a]\nkind = ['text']", r"Column 'a': 'kind' must be one of .* Got \['text'\] instead"),
        (
            "version = 1\n[columns.a]\nkind = 'text'\nfil = true",
            r"column 'a' has an unknown key 'fil'\. Did you mean 'fill'\?",
        ),
        ("version = 1\n[columns.a]\nkind = 'text'\nname = 'b'", r"column 'a' has an unknown key 'name'"),
        (
            "version = 1\n[columns.a]\nkind = 'datetime'\nminimum = 3",
            r"'a': 'minimum' must be a TOML date .* Got '3' instead",
        ),
        (
            "version = 1\n[columns.a]\nkind = 'numeric'\nmaximum = 2016-01-01",
            r"'maximum' must be a number\. Got '2016-01-01'",
        ),
        (
            "version = 1\n[columns.a]\nkind = 'numeric'\nmaximum = 'x'",
            r"'maximum' must be a finite number\. Got 'x' instead",
        ),
        ("version = 1\n[columns.a]\nkind = 'text'\nmissing_values = '?'", r"'missing_values' must be a list of texts"),
        (
            "version = 1\n[columns.a]\nkind = 'text'\napplies_when = { b = ['x'] }",
            r"'applies_when' must name columns .* 'b'",
        ),
    ],
)
def test_a_file_that_is_no_schema_is_refused_by_column_and_key(text, message, tmp_path):
    with pytest.raises(SchemaError, match=message):
        schema_from_toml(text)
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SchemaError, match=r"s\.toml'"):
        read_schema(tmp_path / "s.toml")


def test_a_mark_at_the_beginning_is_no_part_of_a_schema(tmp_path):
    (tmp_path / "s.toml").write_text('version = 1\n[columns.a]\nkind = "text"\n', encoding="utf-8-sig")
    assert list(read_schema(tmp_path / "s.toml")) == ["a"]


def test_lists_in_lists_in_lists_are_no_schema():
    with pytest.raises(SchemaError, match="in each other too deeply"):
        schema_from_toml("a = " + "[" * 5_000)
