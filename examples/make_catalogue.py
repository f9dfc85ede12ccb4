"""Make a product catalogue of any size, with its holes, and the truth beside it.

The shop and its brands are invented. What matters is that the columns depend on each other as they do in a real shop::

    subcategory ──► brand ──► collection ──► launch date
        │             ├─────► supplier ────► title style, units, which cells are empty
        ├──► size     └─► material ──► colour
        └──► length, capacity, weight, wattage, heel, price   (from size, material and brand together)

A product is drawn first and its variants (other colours, other sizes) after it, so rows come in small families.
Holes depend on the supplier (one never sends weights, one leaves out the brand that its title names), on the value
(expensive goods come without price, new ones without rating) and on chance.

Everything is computed from the raw bits of PCG64, the part of numpy's random module that is promised never to change::

    python examples/make_catalogue.py --rows 3000 --seed 0 -o catalogue.csv --truth catalogue_truth.csv
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sample_goods import Draws, Floats, Goods, Ints, as_table, draw_goods, measure, read_shares, released, take
from sample_shop import (
    ABBREVIATIONS,
    BRANDS,
    COLOURS,
    DECIMALS,
    FORGOTTEN,
    GTIN_PREFIXES,
    MATERIALS,
    N_COLLECTIONS,
    SLIPS,
    SUBCATEGORIES,
    SUPPLIERS,
    SYLLABLES,
)

__all__ = ["make_catalogue", "number_articles", "write_catalogue"]

Texts = NDArray[np.object_]

# --------------------------------------------------------------------------------------------- as written


def _written(values: NDArray[Any], write: Callable[[Any], str]) -> Texts:
    """Write each distinct value once."""
    distinct, where = np.unique(values, return_inverse=True)
    return np.array([write(value) for value in distinct.tolist()], dtype=object)[where]


def write_quantities(goods: Goods, grams: Floats) -> tuple[Texts, Texts]:
    """Write sizes and weights with their units, weights in the way of the supplier."""
    size = _written(goods.size, "{:g}".format)
    unit = take(SUBCATEGORIES, "unit", goods.subcategory)
    size = np.where(unit == "EU", "EU " + size, size + " " + unit)
    style = take(SUPPLIERS, "weight", goods.supplier)
    in_grams = (style == "g") | ((style == "auto") & (grams < 1000))
    weight = np.where(in_grams, _written(grams, "{:.0f} g".format), _written(grams / 1000, "{:.3g} kg".format))
    return size, weight


def write_titles(draws: Draws, goods: Goods, parts: dict[str, Texts]) -> tuple[Texts, NDArray[np.bool_]]:
    """Write each title in its supplier's style; beside it, whether it names the brand.

    A title always says what the thing is; of the rest it leaves out some. A few have a slip of the keyboard.
    """
    n_rows = len(goods.brand)
    keeps = take(SUPPLIERS, "keeps", goods.supplier)
    kept = {name: draws.uniform(n_rows) < (0.95 if name == "brand" else keeps) for name in parts}
    kept["word"][:] = True
    titles = np.empty(n_rows, dtype=object)
    named = np.zeros(n_rows, dtype=bool)
    for position, supplier in enumerate(SUPPLIERS):
        rows = np.flatnonzero(goods.supplier == position)
        pieces = []
        for before, name, after in re.findall(r"([^{ ]*){(\w+)}([^ ]*)", supplier.title):
            text = _shout(parts[name.lower()][rows]) if name.isupper() else parts[name][rows]
            pieces.append(np.where(kept[name.lower()][rows], before.replace("_", " ") + text + after, ""))
            if name.lower() == "brand":
                named[rows] = kept["brand"][rows]
        lines = (" ".join(filter(None, piece)) for piece in zip(*pieces, strict=True))
        titles[rows] = [line[0].upper() + line[1:].rstrip(",") for line in lines]
    for row in np.flatnonzero(draws.uniform(n_rows) < SLIPS):
        titles[row] = _slip(titles[row])
    return titles, named


def _shout(texts: Texts) -> Texts:
    """Write in capitals, abbreviated, sizes without a blank."""
    return _written(texts, lambda text: ABBREVIATIONS.get(text.upper(), text.upper().replace(" CM", "CM")))


def _slip(title: str) -> str:
    """Swap two neighbouring letters in the middle of the longest word."""
    word = max(title.split(), key=len)
    middle = len(word) // 2
    return title.replace(word, word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :], 1)


def number_articles(brand: Ints) -> Texts:
    """Give each row a GTIN-13 of its own: prefix of the brand, item number, check digit.

    Parameters
    ----------
    brand : array of shape (n_rows,), int64
        Which prefix to use.

    Returns
    -------
    array of shape (n_rows,), object
        Thirteen digits as text, leading zeros included.

    Examples
    --------
    >>> number_articles(np.array([0, 0, 20]))
    array(['0200000000004', '0203874204899', '2007748409780'], dtype=object)
    """
    item = np.arange(len(brand), dtype=np.int64) * 387_420_489 % 10**9  # 3**18 and 10**9 share no factor: all differ
    twelve = np.array(GTIN_PREFIXES, dtype=np.int64)[brand] * 10**9 + item
    total = sum(twelve // 10**place % 10 * (3 if place % 2 == 0 else 1) for place in range(12))
    return np.array([f"{number:013d}" for number in (twelve * 10 + -total % 10).tolist()], dtype=object)


# --------------------------------------------------------------------------------------------- the catalogue


def make_catalogue(n_rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a catalogue as a shop receives it, and the same one with nothing left out.

    Parameters
    ----------
    n_rows : int
        Number of articles, at least one. A million take well under a minute.
    seed : int
        The same seed and size give the same catalogue; zero or more.

    Returns
    -------
    visible : DataFrame of shape (n_rows, 18)
        With holes. Numbers are float64, the rest is text; `gtin` and `title` are always there.
    truth : DataFrame of shape (n_rows, 18)
        The same rows. Empty only where an attribute does not exist, as the heel of a frying pan.

    Raises
    ------
    ValueError
        If `n_rows` is below 1.

    Examples
    --------
    >>> visible, truth = make_catalogue(n_rows=200, seed=0)
    >>> visible.shape
    (200, 18)
    >>> bool(truth["heel_height_cm"].notna().eq(truth["category"] == "Shoes").all())
    True
    """
    if n_rows < 1:
        raise ValueError(f"The number of rows must be at least 1. Got {n_rows} instead.")
    draws = Draws(seed)
    goods = draw_goods(draws, n_rows)
    columns, named = _describe(draws, goods)
    truth = pd.DataFrame(columns)
    visible = truth.copy()
    for name, hidden in _holes(draws, goods, truth, named).items():
        visible.loc[hidden, name] = np.nan
    return visible, truth


def _describe(draws: Draws, goods: Goods) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
    """Compute every column as it truly is; beside them, which titles name the brand."""
    numbers = measure(goods)
    size, weight = write_quantities(goods, numbers.pop("weight_g"))
    first, last = (np.array(part.split(), dtype=object) for part in SYLLABLES)
    scattered = (goods.brand * N_COLLECTIONS + goods.collection) * 37 % (len(first) * len(last))
    words = [entry.words.split("|") for entry in SUBCATEGORIES]
    said = draws.among(as_table([{str(i): 3.0 - i for i in range(len(w))} for w in words], "012"), goods.subcategory)
    parts = {
        "brand": take(BRANDS, "name", goods.brand),
        "collection": first[scattered % len(first)] + last[scattered // len(first)],
        "word": np.array([w + [""] * (3 - len(w)) for w in words], dtype=object)[goods.subcategory, said],
        "colour": np.array(COLOURS, dtype=object)[goods.colour],
        "material": take(MATERIALS, "name", goods.material),
        "size": size,
    }
    title, named = write_titles(draws, goods, parts)
    in_kitchen = take(SUBCATEGORIES, "category", goods.subcategory) == "Kitchen"
    electric = np.isfinite(numbers["wattage"])
    safe = np.where(goods.safe & ~electric, "yes", "no").astype(object)
    columns = {
        "gtin": number_articles(goods.brand),
        "title": title,
        "supplier": take(SUPPLIERS, "name", goods.supplier),
        "brand": parts["brand"],
        "category": take(SUBCATEGORIES, "category", goods.subcategory),
        "subcategory": take(SUBCATEGORIES, "name", goods.subcategory),
        "colour": parts["colour"],
        "material": parts["material"],
        "size": size,
        "length_cm": numbers["length_cm"],
        "capacity_l": numbers["capacity_l"],
        "heel_height_cm": numbers["heel_height_cm"],
        "wattage": numbers["wattage"],
        "weight": weight,
        "dishwasher_safe": np.where(in_kitchen, safe, np.nan),
        "price": numbers["price"],
        "rating": numbers["rating"],
        "launch_date": _written(released(goods), lambda day: str(np.datetime64(day, "D"))),
    }
    return columns, named


def _holes(draws: Draws, goods: Goods, truth: pd.DataFrame, named: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    """Choose the cells to leave out: by supplier, by value, by chance."""
    n_rows = len(truth)
    price = truth["price"].to_numpy()
    also = {
        "price": np.where(price > 200, 0.3, 0.0),  # on request
        "rating": np.where(goods.collection == N_COLLECTIONS - 1, 0.3, 0.0),  # too new to have one
    }
    omits = [read_shares(entry.omits) for entry in SUPPLIERS]
    holes = {}
    for name, forgotten in FORGOTTEN.items():
        kept = 1 - np.array([entry.get(name, 0.0) for entry in omits])[goods.supplier]
        kept *= 1 - np.array([entry.get(name + "*", 0.0) for entry in omits])[goods.supplier] * named
        kept *= (1 - forgotten) * (1 - also.get(name, 0.0))
        holes[name] = draws.uniform(n_rows) >= kept
    return holes


def write_catalogue(table: pd.DataFrame, path: Path) -> None:
    """Write a catalogue as CSV in UTF-8, an empty field where nothing is known, numbers with their usual decimals.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, 18)
        One of the two that `make_catalogue` returns.
    path : Path
        Where to; an existing file is replaced.
    """
    fields = []
    for name in table.columns:
        column = table[name]
        texts = column.tolist() if name not in DECIMALS else [f"{value:.{DECIMALS[name]}f}" for value in column]
        fields.append([text if known else "" for text, known in zip(texts, column.notna(), strict=True)])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(zip(*fields, strict=True))


def main() -> None:
    """Read the options, make the catalogue, write both files."""
    parser = argparse.ArgumentParser(description="Make a product catalogue with holes, and the truth beside it.")
    parser.add_argument("--rows", type=int, default=3000, help="number of articles (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same catalogue (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file for the catalogue as it was sent")
    parser.add_argument("--truth", type=Path, required=True, help="file for the catalogue with nothing left out")
    options = parser.parse_args()
    visible, truth = make_catalogue(options.rows, options.seed)
    write_catalogue(visible, options.output)
    write_catalogue(truth, options.truth)


if __name__ == "__main__":
    main()
