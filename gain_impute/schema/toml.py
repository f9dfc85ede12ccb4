"""A schema as a TOML file that a person can read and correct, and back.

::

    version = 1
    missing_values = ["?", -1]        # mean "empty" in every column
    record_key = "shop"               # in a table of series: whose rows belong together ...
    time = "day"                      # ... and what orders them

    [columns.price]
    kind = "numeric"
    minimum = 0.0
    decimals = 2

    [columns.memory]
    kind = "categorical"
    applies_when = { type = ["phone", "tablet"] }
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from gain_impute.errors import ConfigError, FileError, SchemaError, nearest_spelling
from gain_impute.schema.kinds import Kind
from gain_impute.schema.rules import ColumnSchema
from gain_impute.schema.schema import Schema

__all__ = [
    "column_document",
    "read_schema",
    "schema_document",
    "schema_from_toml",
    "schema_to_toml",
]

VERSION = 1
_KEYS = ("version", "missing_values", "record_key", "time", "columns")
_COLUMN_KEYS = tuple(rule.name for rule in dataclasses.fields(ColumnSchema) if rule.name != "name")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_schema(path: str | os.PathLike[str]) -> Schema:
    """Read a schema file.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Schema
        The schema.

    Raises
    ------
    FileError
        If the file cannot be opened.
    SchemaError
        If it is no schema; the message names the file, the column and the key.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "schema.toml"
    ...     _ = file.write_text(schema_to_toml(Schema([ColumnSchema(name="price", kind=Kind.NUMERIC)])))
    ...     read_schema(file)["price"].kind
    <Kind.NUMERIC: 'numeric'>
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")  # some editors begin with a mark
    except UnicodeDecodeError as error:
        raise SchemaError(f"{str(file)!r} must be UTF-8 text. Byte {error.start} is none. Save it as UTF-8.") from None
    except OSError as error:
        raise FileError(f"The schema file {str(file)!r} cannot be read: {error.strerror}. Check the path.") from error
    return _schema_of(text, f"{str(file)!r}")


def schema_to_toml(schema: Schema) -> str:
    """Write a schema as TOML text.

    Parameters
    ----------
    schema : Schema
        The schema.

    Returns
    -------
    str
        The text; rules at their default are left out. Bounds of dates are TOML dates, UTC.

    Examples
    --------
    >>> print(schema_to_toml(Schema([ColumnSchema(name="price", kind=Kind.NUMERIC, minimum=0, decimals=2)])))
    version = 1
    <BLANKLINE>
    [columns.price]
    kind = "numeric"
    minimum = 0.0
    decimals = 2
    <BLANKLINE>
    """
    return tomli_w.dumps(schema_document(schema))


def schema_document(schema: Schema) -> dict[str, object]:
    """Turn a schema into what TOML can write; rules at their default are left out.

    Parameters
    ----------
    schema : Schema
        The schema.

    Returns
    -------
    dict
        Its keys and values; under "columns" one dict per column.
    """
    document: dict[str, object] = {"version": VERSION}
    if schema.missing_values:
        document["missing_values"] = list(schema.missing_values)
    series = {"record_key": schema.record_key, "time": schema.time}
    document |= {key: name for key, name in series.items() if name is not None}
    document["columns"] = {name: column_document(column) for name, column in schema.items()}
    return document


def schema_from_toml(text: str) -> Schema:
    r"""Read a schema from TOML text.

    Parameters
    ----------
    text : str
        The text, as `schema_to_toml` writes it.

    Returns
    -------
    Schema
        The schema.

    Raises
    ------
    SchemaError
        If the text is no TOML, has unknown keys or kinds, contradicts itself, or is of a newer version.

    Examples
    --------
    >>> schema_from_toml('version = 1\n[columns.since]\nkind = "datetime"\nminimum = 1970-01-02')["since"].minimum
    86400.0
    """
    return _schema_of(text, "The schema")


def _schema_of(text: str, source: str) -> Schema:
    """Read a schema; errors begin with its source."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(f"{source} must be TOML. {error}. Correct that line.") from None
    except RecursionError:
        raise SchemaError(f"{source} must be a schema. Its lists are in each other too deeply. Correct it.") from None
    _check_version(document.get("version"), source)
    _check_keys(document, _KEYS, source)
    columns = document.get("columns", {})
    if not isinstance(columns, dict):
        raise SchemaError(
            f"{source}: 'columns' must hold one table per column, such as [columns.price]. Got {columns!r} instead."
        )
    markers = document.get("missing_values", [])
    for key in ("record_key", "time"):
        if not isinstance(document.get(key, ""), str):
            raise SchemaError(
                f"{source}: {key!r} must be the name of a column. Got {document[key]!r} instead. "
                "Correct it, or leave it out."
            )
    try:
        found = [_column_of(name, rules, source) for name, rules in columns.items()]
        return Schema(found, missing_values=markers, record_key=document.get("record_key"), time=document.get("time"))
    except (SchemaError, ConfigError) as error:
        msg = str(error) if str(error).startswith(source) else f"{source}: {error}"
        raise SchemaError(msg) from None


def _check_version(version: object, source: str) -> None:
    """Refuse a file without a version, or of one that is not known yet."""
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SchemaError(f"{source} must begin with 'version = {VERSION}'. Got {version!r} instead. Add that line.")
    if version > VERSION:
        raise SchemaError(
            f"{source} has version {version}; this gain_impute reads versions up to {VERSION}. "
            "Install a newer gain_impute."
        )


def _check_keys(found: Mapping[str, object], known: tuple[str, ...], source: str) -> None:
    """Refuse keys that are not known."""
    for key in found:
        if key not in known:
            hint = nearest_spelling(key, known) or f" Known are {', '.join(known)}."
            raise SchemaError(f"{source} has an unknown key {key!r}.{hint}")


def _column_of(name: str, rules: object, source: str) -> ColumnSchema:
    """One column from its table; bounds of dates become seconds."""
    where = f"{source}, column {name!r}"
    if not isinstance(rules, dict):
        raise SchemaError(f"{where} must be a table with a 'kind', such as [columns.price]. Got {rules!r} instead.")
    _check_keys(rules, _COLUMN_KEYS, where)
    if "kind" not in rules:
        raise SchemaError(f"{where} must have a 'kind', one of {', '.join(Kind)}. Got none. Add it.")
    values = dict(rules)
    for rule in ("minimum", "maximum"):
        bound = values.get(rule)
        if bound is None:
            continue
        is_date = isinstance(bound, dt.date)
        if is_date != (values["kind"] == Kind.DATETIME):
            must = "a TOML date such as 2016-11-14" if values["kind"] == Kind.DATETIME else "a number"
            raise SchemaError(
                f"{where}: {rule!r} must be {must}. Got {str(bound)!r} instead. Correct it, or leave it out."
            )
        values[rule] = _seconds_of(bound) if isinstance(bound, dt.date) else bound
    return ColumnSchema(name=name, **values)


def column_document(column: ColumnSchema) -> dict[str, object]:
    """Turn one column of a schema into what TOML can write; rules at their default are left out.

    Parameters
    ----------
    column : ColumnSchema
        The column.

    Returns
    -------
    dict
        Its rules; its name is not among them.
    """
    document: dict[str, object] = {}
    for rule in dataclasses.fields(ColumnSchema):
        value = getattr(column, rule.name)
        if rule.name == "name" or value == rule.default:
            continue
        if rule.name in {"minimum", "maximum"} and column.kind is Kind.DATETIME:
            value = _date_of(value)
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, Mapping):
            value = {name: list(texts) for name, texts in value.items()}
        elif isinstance(value, Kind):
            value = value.value
        document[rule.name] = value
    return document


def _seconds_of(date: dt.date) -> float:
    """Seconds since 1970 UTC; a date without an offset is UTC."""
    if not isinstance(date, dt.datetime):
        date = dt.datetime(date.year, date.month, date.day)
    at = date if date.tzinfo is not None else date.replace(tzinfo=dt.UTC)
    return (at - _EPOCH).total_seconds()


def _date_of(seconds: float) -> dt.date:
    """The date, or the instant in UTC where it is not midnight."""
    at = _EPOCH + dt.timedelta(microseconds=round(seconds * 1e6))
    return at.date() if at.timetz() == dt.time(tzinfo=dt.UTC) else at
