"""The real tables, as benchmarks prepare them; importing this module makes them known to the harness.

They are looked for in the folder that the environment variable GAIN_IMPUTE_DATA names, by default ``../shared/data``.
A column of numbers with more than two different values is numeric; one that is named as text is read and not filled;
what else it is, inference says, or it is categorical.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from gain_impute import Kind, Schema, infer_schema
from gain_impute.benchmark import BenchmarkTable, register_table
from gain_impute.evaluation import Task

__all__ = ["CATALOGUES", "NUMBERS", "PROTOCOL", "data_folder", "plain_kinds", "protocol_task"]

LEAST_BRAND, LEAST_CATEGORY, LEAST_SUBCATEGORY = 10, 10, 20
"""Rarer values are emptied before hiding: nobody could know them."""
MOST_FASHION_ROWS = 10_000
PRICES = ("retail_price", "discounted_price")

Frame = pd.DataFrame


def data_folder() -> Path:
    """Where the tables are."""
    return Path(os.environ.get("GAIN_IMPUTE_DATA", "../shared/data"))


def plain_kinds(table: Frame, texts: Sequence[str]) -> dict[str, Kind]:
    """Kinds of columns by their dtype alone: text where named so, numeric with more than two numbers, else categorical.

    Parameters
    ----------
    table : DataFrame
        The table.
    texts : sequence of str
        Its columns of free text.

    Returns
    -------
    dict of str to Kind
        Of each column.
    """

    def kind(name: str) -> Kind:
        cells = table[name]
        if name in texts:
            return Kind.TEXT
        is_number = pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)
        return Kind.NUMERIC if is_number and cells.nunique() > 2 else Kind.CATEGORICAL

    return {str(name): kind(name) for name in table.columns}


def protocol_task(name: str, *, rate: float = 0.2, seed: int = 0) -> Task:
    """Hide each known cell of a table with one probability, each column with its own child of a seed.

    Parameters
    ----------
    name : str
        One of `PROTOCOL`.
    rate : float, default=0.2
        Probability of a known cell to be hidden.
    seed : int, default=0
        Of the hiding.

    Returns
    -------
    Task
        Its schema has the kinds of `plain_kinds` and nothing else.
    """
    table, texts = _READERS[name](data_folder())
    kinds = plain_kinds(table, texts)
    columns = [name for kind in (Kind.NUMERIC, Kind.CATEGORICAL) for name in kinds if kinds[name] is kind]
    visible, hidden = table.copy(), pd.DataFrame(data=False, index=table.index, columns=columns)
    for column, child in zip(columns, np.random.SeedSequence(seed).spawn(len(columns)), strict=True):
        chosen = (np.random.default_rng(child).random(len(table)) < rate) & table[column].notna().to_numpy()
        hidden[column] = chosen
        if pd.api.types.is_bool_dtype(visible[column]):
            visible[column] = visible[column].astype(object)
        elif pd.api.types.is_integer_dtype(visible[column]):
            visible[column] = visible[column].astype(float)
        visible.loc[chosen, column] = np.nan
    schema = Schema([infer_schema(table[[name]], kinds={name: kind})[name] for name, kind in kinds.items()])
    return Task.of(table, visible, hidden, schema)


# ------------------------------------------------------------------------- readers: the table, and its texts


def _numbers(path: str, data: Path, *, index: bool = False) -> tuple[Frame, list[str]]:
    """A table of numbers, its first column an index or not."""
    table = pd.read_csv(data / path)
    return (table.iloc[:, 1:] if index else table), []


def _breast(data: Path) -> tuple[Frame, list[str]]:
    table = pd.read_csv(data / "breast/wdbc.data", header=None).iloc[:, 2:]
    return table.set_axis([f"f{i}" for i in range(table.shape[1])], axis=1), []


def _default_credit(data: Path) -> tuple[Frame, list[str]]:
    return pd.read_csv(data / "default_credit/UCI_Credit_Card.csv").drop(columns=["ID"]), []


def _laptops(data: Path) -> tuple[Frame, list[str]]:
    table = pd.read_csv(data / "laptops/laptops.csv").iloc[:, 1:]
    return table.assign(Weight=table["Weight"].str.replace("kg", "").astype(float)), ["Product"]


def _gsmarena(data: Path) -> tuple[Frame, list[str]]:
    return pd.read_csv(data / "gsmarena/devices_v3.csv").drop(columns=["id", "url"]), ["name", "sensors_types"]


def _fashion(data: Path) -> tuple[Frame, list[str]]:
    table = pd.read_csv(data / "fashion_styles/styles_part1.csv").drop(columns=["id"])
    return table.head(MOST_FASHION_ROWS), ["productDisplayName"]


def _bigmart(data: Path) -> tuple[Frame, list[str]]:
    return pd.read_csv(data / "bigmart/bigmart.csv").drop(columns=["Item_Identifier"]), []


def _flipkart(data: Path) -> tuple[Frame, list[str]]:
    parts = [pd.read_csv(data / f"flipkart/flipkart_20k_part{i}.csv") for i in (1, 2)]
    table = pd.concat(parts, ignore_index=True)
    tree = table["product_category_tree"]
    categories = {
        "category": _without_rare(tree.str.extract(r'\["([^>"]+?)\s*(?:>>|")')[0], LEAST_CATEGORY),
        "subcategory": _without_rare(tree.str.extract(r'>>\s*([^>"]+?)\s*(?:>>|")')[0], LEAST_SUBCATEGORY),
        "brand": _without_rare(table["brand"], LEAST_BRAND),
    }
    table = table.assign(**categories, **{price: np.log1p(table[price]) for price in PRICES})
    return table[["product_name", *PRICES, "brand", "category", "subcategory"]], ["product_name"]


def _googleplay(data: Path) -> tuple[Frame, list[str]]:
    """Apps: duplicates dropped, sizes in megabytes, counts and prices as numbers."""
    table = pd.read_csv(data / "googleplay/googleplaystore.csv").drop_duplicates()
    size = table["Size"].str.extract(r"^([\d.]+)([Mk])$")
    megabytes = size[0].astype(float) * size[1].map({"M": 1.0, "k": 1 / 1024})
    numbers = {
        "Size": megabytes,
        "Installs": pd.to_numeric(table["Installs"].str.replace(r"[+,]", "", regex=True), errors="coerce"),
        "Price": pd.to_numeric(table["Price"].str.replace("$", ""), errors="coerce"),
        "Reviews": pd.to_numeric(table["Reviews"], errors="coerce"),
    }
    table = table.assign(**numbers).drop(columns=["Last Updated", "Current Ver"])
    return table[table["Rating"].isna() | (table["Rating"] <= 5)].reset_index(drop=True), ["App"]


def _goodbooks(data: Path) -> tuple[Frame, list[str]]:
    keys = ["book_id", "goodreads_book_id", "best_book_id", "work_id", "isbn", "isbn13"]
    table = pd.read_csv(data / "goodbooks10k/books.csv").drop(columns=[*keys, "image_url", "small_image_url"])
    return table, ["authors", "original_title", "title"]


def _olist(data: Path) -> tuple[Frame, list[str]]:
    return pd.read_csv(data / "olist/olist_products_dataset.csv").drop(columns=["product_id"]), []


def _abt_buy(data: Path) -> tuple[Frame, list[str]]:
    shops = {shop: pd.read_csv(data / f"abt_buy/{shop}.csv", sep="|") for shop in ("abt", "buy")}
    table = pd.concat([rows.assign(shop=shop) for shop, rows in shops.items()], ignore_index=True)
    return table.drop(columns=["id"]), ["name", "description"]


def _amazon_google(data: Path) -> tuple[Frame, list[str]]:
    shops = {shop: pd.read_csv(data / f"amazon_google/{shop}.csv", sep="#") for shop in ("amazon", "google")}
    table = pd.concat([rows.assign(shop=shop) for shop, rows in shops.items()], ignore_index=True)
    return table.drop(columns=["id"]), ["title", "description"]


def _tmall(data: Path) -> tuple[Frame, list[str]]:
    return pd.read_csv(data / "tmall_beauty_zh/tmall_beauty.csv").drop(columns=["id"]), ["title"]


def _adult(data: Path) -> tuple[Frame, list[str]]:
    return pd.read_csv(data / "adult/adult.csv", skipinitialspace=True, na_values=["?"]), []


def _without_rare(cells: pd.Series, at_least: int) -> pd.Series:
    """Empty the cells whose value occurs fewer than `at_least` times."""
    counts = cells.value_counts()
    return cells.where(cells.isin(counts.index[counts >= at_least]))


def _repeated_items(name: str, table: Frame, texts: Sequence[str], data: Path) -> np.ndarray | None:
    """Rows of one item: those that share an item's key, or else the first text."""
    if name == "bigmart":
        return pd.factorize(pd.read_csv(data / "bigmart/bigmart.csv")["Item_Identifier"])[0]
    if name == "tmall_beauty_zh":
        return pd.factorize(pd.read_csv(data / "tmall_beauty_zh/tmall_beauty.csv")["id"])[0]
    return pd.factorize(table[texts[0]].fillna(""))[0] if texts else None


Reader = Callable[[Path], tuple[Frame, list[str]]]

_READERS: dict[str, Reader] = {
    "letter": partial(_numbers, "gain_paper/letter.csv"),
    "spam": partial(_numbers, "gain_paper/spam.csv"),
    "breast": _breast,
    "default_credit": _default_credit,
    "california": partial(_numbers, "california/california.csv"),
    "online_shoppers": partial(_numbers, "online_shoppers/online_shoppers_intention.csv"),
    **{
        name: partial(_numbers, f"remasker_uci/{name}.csv", index=True)
        for name in (
            "airfoil", "climate", "compression", "credit", "parkinsons", "raisin", "sonar", "wine", "wine_white",
        )
    },
    "laptops": _laptops,
    "gsmarena": _gsmarena,
    "fashion": _fashion,
    "flipkart": _flipkart,
    "googleplay": _googleplay,
    "bigmart": _bigmart,
    "goodbooks10k": _goodbooks,
    "olist": _olist,
    "abt_buy": _abt_buy,
    "amazon_google": _amazon_google,
    "tmall_beauty_zh": _tmall,
    "diamonds": partial(_numbers, "diamonds/diamonds.csv"),
    "adult": _adult,
}  # fmt: skip
TARGETS = {
    "laptops": ("Price_euros", "TypeName"), "gsmarena": ("price", "brand"), "fashion": ("masterCategory",),
    "flipkart": ("retail_price", "category"), "googleplay": ("Rating",), "bigmart": ("Item_Outlet_Sales",),
    "goodbooks10k": ("average_rating",), "olist": ("product_weight_g",), "diamonds": ("price", "cut"),
    "adult": ("income",), "california": ("median_house_value",), "online_shoppers": ("Revenue",),
    "default_credit": ("default.payment.next.month",), "wine": ("quality",), "wine_white": ("quality",),
    "letter": ("letter",), "credit": ("15",), "parkinsons": ("status",),
}  # fmt: skip
"""Columns that a model is trained to predict, to see what filling is worth."""

CATALOGUES = (
    "laptops", "gsmarena", "fashion", "flipkart", "googleplay", "bigmart", "goodbooks10k", "olist", "abt_buy",
    "amazon_google", "tmall_beauty_zh", "diamonds", "adult",
)  # fmt: skip
NUMBERS = tuple(name for name in _READERS if name not in CATALOGUES)
PROTOCOL = ("letter", "spam", "breast", "laptops", "gsmarena", "fashion", "bigmart", "flipkart")
"""Tables of the first goals."""


def _benchmark_table(name: str) -> BenchmarkTable:
    data = data_folder()
    table, texts = _READERS[name](data)
    schema = infer_schema(table, kinds=plain_kinds(table, texts))
    targets = tuple(target for target in TARGETS.get(name, ()) if target in schema)
    return BenchmarkTable(frame=table, schema=schema, group=_repeated_items(name, table, texts, data), targets=targets)


for _name in _READERS:
    register_table(_name, partial(_benchmark_table, _name))
