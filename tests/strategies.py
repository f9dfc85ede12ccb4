"""Tables as users have them, for Hypothesis: every dtype, holes of every kind, odd names and indexes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st

from gain_impute import GAINImputer

__all__ = [
    "COLUMNS",
    "POLARS_COLUMNS",
    "cells_of",
    "holes_of",
    "is_hole",
    "polars_tables",
    "quick_imputer",
    "shop_table",
    "tables",
    "texts",
]

ZONE = "Europe/Berlin"
WORDS = (
    "Acme",
    "Zeta",
    "acme",
    " Acme",
    "Café",
    "是",
    "n.v.",
    "NULL",
    "1",
    "1.0",
    "🎈 balloon",
    "a,b",
    'quo"te',
    "a\nb",
    "-",
)
SENTENCES = ("a cup of tea for two", "blue pot with a lid and a spout", "wireless mouse, 2.4 GHz, black, with receiver")
NAMES = ("price", "产品", "a b", "id", "title", "", "x0", "Weight_g", "date", "line\nbreak", "nr", "self", "🎈")


def quick_imputer(**params: Any) -> GAINImputer:
    """Make an imputer that fits in a blink: what it promises does not hang on how much it has learned."""
    return GAINImputer(**{"max_steps": 5, "d_hidden": 16, "n_blocks": 1, "random_state": 0, **params})


def is_hole(cell: object) -> bool:
    """Whether a cell is empty, in the sense of the design: None, NaN, NaT, NA or the empty text."""
    return cell is None or cell is pd.NA or cell is pd.NaT or cell == "" or cell != cell  # noqa: PLR0124 - NaN


def cells_of(column: pd.Series | pl.Series) -> list[Any]:
    """List the cells of a column as Python sees them one by one."""
    return column.to_list() if isinstance(column, pl.Series) else list(column.astype(object))


def holes_of(column: pd.Series | pl.Series) -> list[bool]:
    """Say of each cell whether it is empty."""
    return [is_hole(cell) for cell in cells_of(column)]


def shop_table(n_rows: int = 80, *, seed: int = 0) -> pd.DataFrame:
    """Make a table of products with every kind of column and holes in all of them; what its columns say is related."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["cup", "pot", "pan", "lid"], n_rows)
    weight = np.round(rng.lognormal(5, 0.4, n_rows) + 100 * (kind == "pan"), 1)
    table = pd.DataFrame(
        {
            "kind": pd.Series(kind, dtype="str"),
            "weight": weight,
            "price": np.round(weight / 10 + rng.normal(0, 1, n_rows), 2),
            "stock": pd.array(rng.integers(0, 50, n_rows), dtype="Int64"),
            "colour": pd.Categorical(rng.choice(["red", "blue", "grey"], n_rows)),
            "size": pd.Categorical(rng.choice(["S", "M", "L"], n_rows), categories=["S", "M", "L"], ordered=True),
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, n_rows), unit="D"),
            "sold_online": pd.array(rng.random(n_rows) < 0.5, dtype="boolean"),
            "model": [f"model {number}" for number in rng.integers(0, 25, n_rows)],
            "title": [f"{word} number {i}, a thing to cook and eat with at home" for i, word in enumerate(kind)],
        }
    )
    for name in table:
        table.loc[rng.random(n_rows) < 0.15, name] = None
    return table


@dataclass(frozen=True)
class ColumnMaker:
    """A kind of column: its known cells, and what makes a column of cells of which None is a hole."""

    known: st.SearchStrategy[Any]
    make: Callable[[list[Any]], Any]
    may_have_holes: bool = True

    def cells(self, n_rows: int) -> st.SearchStrategy[list[Any]]:
        """Cells of a column, holes in a place of their own so that they shrink to none."""
        cell = st.one_of(self.known, st.none()) if self.may_have_holes else self.known
        return st.lists(cell, min_size=n_rows, max_size=n_rows)


def _as(dtype: Any) -> Callable[[list[Any]], pd.Series]:
    return lambda cells: pd.Series(cells, dtype=dtype)


def _floats(dtype: str) -> Callable[[list[Any]], pd.Series]:
    return lambda cells: pd.Series([np.nan if cell is None else cell for cell in cells], dtype=dtype)


def _categories(values: list[Any], *, ordered: bool = False) -> Callable[[list[Any]], pd.Series]:
    return lambda cells: pd.Series(pd.Categorical(cells, categories=values, ordered=ordered))


def _zoned(cells: list[Any]) -> pd.Series:
    return pd.to_datetime(pd.Series(cells, dtype="datetime64[us]")).dt.tz_localize("UTC").dt.tz_convert(ZONE)


integers = st.integers(-(2**31), 2**31) | st.integers(0, 5)
cents = st.integers(-(10**6), 10**6).map(lambda n: n / 100)
floats = st.floats(-1e9, 1e9, width=32) | cents | st.sampled_from([0.0, -0.0, 1e-9])
labels = st.sampled_from(WORDS)
instants = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)).map(lambda t: t.replace(microsecond=0))
days = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))
number_texts = cents.map(str) | integers.map(str) | st.sampled_from(["007", "1e3", " 12 ", "1,5", "n.v."])
mixed = st.one_of(st.integers(0, 3), st.booleans(), labels, st.floats(-1, 1, width=16))
texts = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(WORDS + SENTENCES)
"""Any text that Python can hold, lone surrogates and NUL among them."""

COLUMNS: dict[str, ColumnMaker] = {
    "float64": ColumnMaker(floats, _floats("float64")),
    "float32": ColumnMaker(floats, _floats("float32")),
    "Float64": ColumnMaker(floats, _as("Float64")),
    "int64": ColumnMaker(integers, _as("int64"), may_have_holes=False),
    "Int64": ColumnMaker(integers, _as("Int64")),
    "Int8": ColumnMaker(st.integers(-128, 127), _as("Int8")),
    "bool": ColumnMaker(st.booleans(), _as("bool"), may_have_holes=False),
    "boolean": ColumnMaker(st.booleans(), _as("boolean")),
    "str": ColumnMaker(labels | st.just(""), _as("str")),
    "string": ColumnMaker(labels | st.just(""), _as("string")),
    "object of texts": ColumnMaker(labels | st.just(""), _as(object)),
    "object of many types": ColumnMaker(mixed, _as(object)),
    "object of integers": ColumnMaker(st.integers(-9, 99), _as(object)),
    "object of booleans": ColumnMaker(st.booleans(), _as(object)),
    "object of dates": ColumnMaker(days, _as(object)),
    "category": ColumnMaker(labels, _categories(list(WORDS))),
    "category, ordered": ColumnMaker(st.sampled_from("SML"), _categories(list("SMLX"), ordered=True)),
    "category of integers": ColumnMaker(st.integers(0, 4), _categories([3, 1, 0, 2, 4])),
    "datetime": ColumnMaker(instants, _as("datetime64[us]")),
    "day": ColumnMaker(days, _as("datetime64[s]")),
    "datetime with zone": ColumnMaker(instants, _zoned),
    "numbers as text": ColumnMaker(number_texts, _as("str")),
    "counts in a format": ColumnMaker(integers.map("{:,}".format) | st.just("n.v."), _as("str")),
    "constant": ColumnMaker(st.just("only"), _as("str")),
    "constant number": ColumnMaker(st.just(3.25), _floats("float64")),
    "all missing": ColumnMaker(st.none(), _floats("float64")),
    "all missing objects": ColumnMaker(st.sampled_from([None, np.nan, pd.NaT, pd.NA]), _as(object)),
    "free text": ColumnMaker(st.sampled_from(SENTENCES) | st.text("abcdefg 是", min_size=20, max_size=60), _as("str")),
    "arrow integers": ColumnMaker(integers, _as("int64[pyarrow]")),
    "arrow booleans": ColumnMaker(st.booleans(), _as("bool[pyarrow]")),
    "arrow texts": ColumnMaker(labels, _as("string[pyarrow]")),
}

POLARS_COLUMNS: dict[str, ColumnMaker] = {
    "Float64": ColumnMaker(floats | st.just(float("nan")), lambda cells: pl.Series(cells, dtype=pl.Float64)),
    "Float32": ColumnMaker(floats, lambda cells: pl.Series(cells, dtype=pl.Float32)),
    "Int64": ColumnMaker(integers, lambda cells: pl.Series(cells, dtype=pl.Int64)),
    "UInt8": ColumnMaker(st.integers(0, 255), lambda cells: pl.Series(cells, dtype=pl.UInt8)),
    "Boolean": ColumnMaker(st.booleans(), lambda cells: pl.Series(cells, dtype=pl.Boolean)),
    "String": ColumnMaker(labels | st.just(""), lambda cells: pl.Series(cells, dtype=pl.String)),
    "Categorical": ColumnMaker(labels, lambda cells: pl.Series(cells, dtype=pl.Categorical)),
    "Enum": ColumnMaker(st.sampled_from("SML"), lambda cells: pl.Series(cells, dtype=pl.Enum(list("SMLX")))),
    "Date": ColumnMaker(days, lambda cells: pl.Series(cells, dtype=pl.Date)),
    "Datetime": ColumnMaker(instants, lambda cells: pl.Series(cells, dtype=pl.Datetime("us"))),
    "Datetime with zone": ColumnMaker(
        instants,
        lambda cells: pl.Series(cells, dtype=pl.Datetime("ms")).dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE),
    ),
    "Null": ColumnMaker(st.none(), lambda cells: pl.Series(cells, dtype=pl.Null)),
}


def _indexes(n_rows: int) -> st.SearchStrategy[pd.Index]:
    """Indexes of pandas tables: plain, of one label, of texts, of two levels, of dates, backwards."""
    return st.sampled_from(
        [
            pd.RangeIndex(n_rows),
            pd.Index([7] * n_rows, name="twice"),
            pd.Index([f"sku {i}" for i in range(n_rows)], name="sku"),
            pd.MultiIndex.from_arrays([["a"] * n_rows, range(n_rows)], names=["shop", None]),
            pd.date_range("2024-01-01", periods=n_rows),
            pd.RangeIndex(n_rows, 0, -1),
        ]
    )


@st.composite
def tables(
    draw: st.DrawFn,
    *,
    columns: tuple[str, ...] = tuple(COLUMNS),
    min_rows: int = 2,
    max_rows: int = 40,
    max_columns: int = 6,
) -> pd.DataFrame:
    """Tables of pandas with 1 to 6 columns of the kinds named."""
    n_rows = draw(st.integers(min_rows, max_rows))
    makers = [COLUMNS[kind] for kind in draw(st.lists(st.sampled_from(columns), min_size=1, max_size=max_columns))]
    names = draw(st.permutations(NAMES))[: len(makers)]
    drawn = {name: maker.make(draw(maker.cells(n_rows))) for name, maker in zip(names, makers, strict=True)}
    table = pd.DataFrame(drawn)
    table.index = draw(_indexes(n_rows))
    return table


@st.composite
def polars_tables(draw: st.DrawFn, *, min_rows: int = 2, max_rows: int = 40) -> pl.DataFrame:
    """Tables of polars with 1 to 6 columns."""
    n_rows = draw(st.integers(min_rows, max_rows))
    makers = draw(st.lists(st.sampled_from(list(POLARS_COLUMNS.values())), min_size=1, max_size=6))
    names = draw(st.permutations(NAMES))[: len(makers)]
    return pl.DataFrame(
        {name: maker.make(draw(maker.cells(n_rows))) for name, maker in zip(names, makers, strict=True)}
    )
