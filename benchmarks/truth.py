"""Cells that are truly missing in one table and known from another; importing this module makes these tables known.

- `truth_manufacturer`: software that two shops sell; the second leaves most manufacturers empty, the first knows them.
- `truth_abt_buy`: electronics that two shops sell, and prices that one of them leaves empty. The shops' prices differ,
  so even the right article gives no error of zero.
- `truth_gsmarena`: phones of which a second scrape of the same site knows memory, storage and price.
- `truth_bigmart`: weights of articles that other outlets know; the article's key is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.tables import data_folder, plain_kinds
from gain_impute import infer_schema
from gain_impute.benchmark import BenchmarkTable, register_table

__all__ = ["TRUTHS", "normal_name"]

LEGAL_FORMS = frozenset(
    ("inc", "incorporated", "corp", "corporation", "co", "company", "ltd", "limited", "llc", "gmbh", "software")
)


def normal_name(name: str) -> str:
    """Write a maker's name so that its spellings are alike.

    Lower case; what is neither letter nor digit becomes a blank; legal forms and the word "software" are left out,
    unless nothing else is left.

    Parameters
    ----------
    name : str
        As it stands in a catalogue.

    Returns
    -------
    str
        For comparing, not for showing.

    Examples
    --------
    >>> normal_name("Intuit Inc."), normal_name("adobe software"), normal_name("The Software Co.")
    ('intuit', 'adobe', 'the')
    """
    words = re.findall(r"[^\W_]+", name.lower())
    return " ".join([word for word in words if word not in LEGAL_FORMS] or words)


def _stacked(data: Path, folder: str, shops: tuple[str, str], separator: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two shops' articles, the first's above the second's, and pairs of row numbers that are the same article."""
    tables = [pd.read_csv(data / folder / f"{shop}.csv", sep=separator) for shop in shops]
    pairs = pd.read_csv(data / folder / "gt.csv", sep=separator)
    row_of = [pd.Series(np.arange(len(table)), index=table["id"]) for table in tables]
    first, second = row_of[0].loc[pairs["D1"]].to_numpy(), row_of[1].loc[pairs["D2"]].to_numpy() + len(tables[0])
    parts = [table.assign(shop=shop) for shop, table in zip(shops, tables, strict=True)]
    return pd.concat(parts, ignore_index=True).drop(columns="id"), pd.DataFrame({"first": first, "second": second})


def _manufacturer(data: Path) -> BenchmarkTable:
    table, pairs = _stacked(data, "amazon_google", ("amazon", "google"), "#")
    makers = table["manufacturer"]
    answers = pd.Series(np.nan, index=table.index, dtype=object)
    answers[pairs["second"]] = makers.to_numpy(dtype=object)[pairs["first"]]
    return _table(table, ["title", "description"], {"manufacturer": answers}, normalise={"manufacturer": normal_name})


def _abt_buy(data: Path) -> BenchmarkTable:
    table, pairs = _stacked(data, "abt_buy", ("abt", "buy"), "|")
    answers = pd.Series(np.nan, index=table.index)
    for here, there in (("first", "second"), ("second", "first")):
        answers[pairs[here]] = table["price"].to_numpy()[pairs[there]]
    return _table(table, ["name", "description"], {"price": answers})


def _gsmarena(data: Path) -> BenchmarkTable:
    table = pd.read_csv(data / "gsmarena/devices_v3.csv").drop(columns=["id", "url"])
    other = pd.read_csv(data / "gsmarena/melodiw82_final_data_2.csv")
    other.index = other["name"].str.strip().str.lower()
    other = other[~other.index.duplicated()].reindex(table["name"].str.strip().str.lower()).reset_index(drop=True)
    names = {"ram": "RAM", "internal_storage": "Storage", "price": "Price"}
    answers = {here: other[there] for here, there in names.items()}
    return _table(table, ["name", "sensors_types"], answers, normalise={"ram": str, "internal_storage": str})


def _bigmart(data: Path) -> BenchmarkTable:
    table = pd.read_csv(data / "bigmart/bigmart.csv")
    answers = table.groupby("Item_Identifier")["Item_Weight"].transform("first")
    return _table(table.drop(columns="Item_Identifier"), [], {"Item_Weight": answers})


def _table(
    table: pd.DataFrame,
    texts: list[str],
    answers: dict[str, pd.Series],
    *,
    normalise: dict[str, Callable[[str], str]] | None = None,
) -> BenchmarkTable:
    schema = infer_schema(table, kinds=plain_kinds(table, texts))
    return BenchmarkTable(frame=table, schema=schema, answers=pd.DataFrame(answers), normalise=normalise or {})


_READERS = {
    "truth_manufacturer": _manufacturer,
    "truth_abt_buy": _abt_buy,
    "truth_gsmarena": _gsmarena,
    "truth_bigmart": _bigmart,
}
TRUTHS = tuple(_READERS)


def _read(name: str) -> BenchmarkTable:
    return _READERS[name](data_folder())


for _name in TRUTHS:
    register_table(_name, partial(_read, _name))
