"""The goods of the invented shop: which article is what, and its numbers, drawn by chance from `sample_shop.py`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sample_shop import BRANDS, COLOURS, FAMILY_SHARES, MATERIALS, SUBCATEGORIES, SUPPLIERS, WATTS

__all__ = ["Draws", "Floats", "Goods", "Ints", "as_table", "draw_goods", "measure", "read_shares", "released", "take"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# ------------------------------------------------------------------------------------------------- chance


class Draws:
    """Random numbers from raw bits, so that they stay the same for as long as PCG64 does.

    Parameters
    ----------
    seed : int
        Where the stream begins; zero or more.

    Examples
    --------
    >>> draws = Draws(seed=0)
    >>> draws.uniform(3).round(3)
    array([0.637, 0.27 , 0.041])
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, n: int) -> Floats:
        """Return `n` numbers in [0, 1)."""
        bits: NDArray[np.uint64] = self._bits.random_raw(n)
        fractions: Floats = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return fractions

    def normal(self, n: int) -> Floats:
        """Return `n` numbers of mean 0 and deviation 1, close to normal and never beyond 3.5: four uniforms summed."""
        total: Floats = self.uniform(4 * n).reshape(4, n).sum(axis=0)
        return (total - 2.0) * math.sqrt(3)

    def among(self, shares: Floats, group: Ints) -> Ints:
        """Return a column of `shares` (n_groups, n_choices) for each entry of `group`, as often as its row says."""
        upper = shares.cumsum(axis=1) / shares.sum(axis=1, keepdims=True)
        upper[:, -1] = 1.0
        stacked = (upper + np.arange(len(shares))[:, None]).ravel()
        chosen: Ints = np.searchsorted(stacked, group + self.uniform(len(group)), side="right") % shares.shape[1]
        return chosen


def read_shares(text: str) -> dict[str, float]:
    """Read "cast-iron 2 steel 1"."""
    words = text.split()
    return {name.replace("-", " "): float(share) for name, share in zip(words[::2], words[1::2], strict=True)}


def as_table(rows: Sequence[dict[str, float]], names: Sequence[str]) -> Floats:
    """Lay shares out as an array (n_rows, n_names)."""
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])


def take(records: Sequence[Any], name: str, index: Ints) -> NDArray[Any]:
    """Take one field of the record that each row points to."""
    values = [getattr(record, name) for record in records]
    return np.array(values, dtype=object if isinstance(values[0], str) else None)[index]


# ------------------------------------------------------------------------------------------------ products


@dataclass(frozen=True)
class Goods:
    """What is for sale: for each row, which entries of the shop's tables apply, and what its family has in common."""

    subcategory: Ints
    brand: Ints
    collection: Ints  # of its brand, the newest last
    supplier: Ints
    material: Ints
    colour: Ints
    size: Floats  # in the unit of the subcategory
    relative_size: Floats  # 1 for the middle size
    safe: NDArray[np.bool_]  # in a dishwasher
    week: Ints  # of the collection's release
    twist: dict[str, Floats]  # of the family: deviations of its numbers, standard normal


def draw_goods(draws: Draws, n_rows: int) -> Goods:
    """Draw families of products and their variants, in random order."""
    one = np.zeros(n_rows, dtype=np.int64)
    family = np.repeat(np.arange(n_rows), draws.among(np.array([FAMILY_SHARES]), one) + 1)[:n_rows]
    n = int(family[-1]) + 1
    family = family[np.argsort(draws.uniform(n_rows), kind="stable")]
    one = one[:n]

    names = [entry.name for entry in SUBCATEGORIES]
    subcategory = draws.among(np.array([[entry.share for entry in SUBCATEGORIES]]), one)
    sells = [{name: b.sales / (i + 1) for i, name in enumerate(b.sells.split("|"))} for b in BRANDS]
    brand = draws.among(as_table(sells, names).T, subcategory)
    collection = draws.among(np.array([[1.0, 1.5, 2.0, 2.5, 3.0]]), one)
    sends = [dict(zip(b.suppliers.split(), (0.75, 0.25), strict=False)) for b in BRANDS]
    supplier = draws.among(as_table(sends, [entry.name.split()[0] for entry in SUPPLIERS]), brand)

    made = as_table([read_shares(entry.materials) for entry in SUBCATEGORIES], [m.name for m in MATERIALS])
    liked = np.array([[b.level**m.tilt for m in MATERIALS] for b in BRANDS])
    pairs = (made[:, None, :] * liked).reshape(-1, len(MATERIALS))
    material = draws.among(pairs, subcategory * len(BRANDS) + brand)
    safe = draws.uniform(n) < take(MATERIALS, "dishwasher_share", material)
    week = (draws.uniform(n) ** 2 * 6).astype(np.int64)
    twist = {name: draws.normal(n)[family] for name in ("price", "length_cm", "weight", "wattage", "heel", "rating")}

    subcategory, brand, material = subcategory[family], brand[family], material[family]
    comes_in = as_table([read_shares(m.colours) for m in MATERIALS], COLOURS)
    own = np.array([[4.0 if name in b.colours.split() else 1.0 for name in COLOURS] for b in BRANDS])
    pairs = (comes_in[:, None, :] * own).reshape(-1, len(COLOURS))
    colour = draws.among(pairs, material * len(BRANDS) + brand)
    size, relative_size = _draw_sizes(draws, subcategory)
    return Goods(
        subcategory, brand, collection[family], supplier[family], material, colour,
        size, relative_size, safe[family], week[family], twist,
    )  # fmt: skip


def _draw_sizes(draws: Draws, subcategory: Ints) -> tuple[Floats, Floats]:
    """Draw a size of each row's subcategory, middle ones more often; beside it the size over the middle one."""
    sizes = [[float(size) for size in entry.sizes.split()] for entry in SUBCATEGORIES]
    most = max(map(len, sizes))
    grid = np.array([row + [np.nan] * (most - len(row)) for row in sizes])
    shares = np.array([[min(i + 1, len(row) - i) if i < len(row) else 0 for i in range(most)] for row in sizes])
    size = grid[subcategory, draws.among(shares.astype(float), subcategory)]
    return size, size / np.nanmedian(grid, axis=1)[subcategory]


def released(goods: Goods) -> Ints:
    """Return the launch day of each row, in days since 1970: a brand releases one collection a year, over weeks."""
    year = 2019 + goods.collection + goods.brand % 2
    season = np.where((goods.brand + goods.collection) % 2 == 0, 60, 244) + goods.brand * 5 % 25
    return (year - 1970) * 365 + (year - 1969) // 4 + season + 7 * goods.week


def measure(goods: Goods) -> dict[str, Floats]:
    """Compute the numeric columns, and the weight in grams; NaN where a subcategory has no such thing."""
    sub = {
        name: take(SUBCATEGORIES, name, goods.subcategory)
        for name in ("unit", "price", "length_cm", "weight_g", "growth", "capacity_l", "wattage", "heel_cm")
    }
    level = take(BRANDS, "level", goods.brand)
    tilt = take(MATERIALS, "tilt", goods.material)
    grown = goods.relative_size[:, None] ** sub["growth"]

    amount = sub["price"] * level * take(MATERIALS, "price", goods.material) * grown[:, 0]
    amount *= np.exp(0.07 * goods.twist["price"]) * (0.88 + 0.03 * goods.collection)
    grams = sub["weight_g"] * take(MATERIALS, "weight", goods.material) * grown[:, 2]
    grams *= np.exp(0.08 * goods.twist["weight"])
    length = sub["length_cm"] * grown[:, 1] * (1 + 0.03 * goods.twist["length_cm"])

    litres = np.select(
        [sub["unit"] == "L", sub["unit"] == "ml"],
        [goods.size, goods.size / 1000],
        sub["capacity_l"] * goods.relative_size**2.6 * (1 + 0.02 * goods.twist["length_cm"]),
    )
    watts = sub["wattage"] * goods.relative_size**0.4 * np.exp(0.12 * goods.twist["wattage"])
    steps = np.array(WATTS, dtype=float)
    watts = np.where(sub["unit"] == "W", goods.size, steps[np.searchsorted((steps[1:] * steps[:-1]) ** 0.5, watts)])
    heel = np.clip(sub["heel_cm"] * level**0.3 * (1 + 0.1 * tilt) + 0.6 * goods.twist["heel"], 1, 12)
    quality = 3.9 + 0.9 * np.log(level) + (goods.brand * 7 % 11 - 5) / 16 + 0.1 * tilt
    return {
        "length_cm": length.round(1),
        "capacity_l": np.where(sub["capacity_l"] > 0, litres.round(2), np.nan),
        "heel_height_cm": np.where(sub["heel_cm"] > 0, (heel * 2).round() / 2, np.nan),
        "wattage": np.where(sub["wattage"] > 0, watts, np.nan),
        "weight_g": np.where(grams < 1000, (grams / 5).round() * 5, (grams / 10).round() * 10).clip(min=5),
        "price": _priced(amount, goods.supplier),
        "rating": np.clip(quality + 0.22 * goods.twist["rating"], 1, 5).round(1),
    }


def _priced(amount: Floats, supplier: Ints) -> Floats:
    """Move each amount to the nearest price that ends as its supplier's prices do."""
    endings = [entry.endings for entry in SUPPLIERS]
    first, last = np.array([[e[0], e[-1]] for e in endings])[supplier].T
    prices = [np.maximum((amount - ending).round(), 1) + ending for ending in (first, last)]
    nearest: Floats = np.where(abs(prices[0] - amount) <= abs(prices[1] - amount), *prices)
    return nearest.round(2)
