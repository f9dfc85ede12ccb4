"""The tables of a benchmark: who can be asked for them, and those that ship with the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from gain_impute.errors import ConfigError, nearest_spelling
from gain_impute.schema import Schema, infer_schema

__all__ = ["BenchmarkTable", "find_table", "known_tables", "register_table"]


@dataclass(frozen=True, kw_only=True)
class BenchmarkTable:
    """A table and what a person knows of its columns.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The table, its own holes included.
    schema : Schema
        What the columns are. It should hold no bounds and no categories: these are for methods to learn.
    group : ndarray of shape (n_rows,) or None, default=None
        Rows of one group are of one item: a split puts them on one side.
    targets : tuple of str, default=()
        Columns that a model is trained to predict from the others, to see what filling is worth.
    answers : DataFrame of shape (n_rows, n_answered_columns) or None, default=None
        What truly belongs into holes of the table, known from elsewhere; empty where it is not known. The mechanism
        "truth" asks for these.
    normalise : mapping of str to callable, default={}
        Of a column whose spellings differ, what makes them alike: two categories are also compared by what it returns.
    """

    frame: pd.DataFrame
    schema: Schema
    group: np.ndarray | None = None
    targets: tuple[str, ...] = ()
    answers: pd.DataFrame | None = None
    normalise: Mapping[str, Callable[[str], str]] = field(default_factory=dict)


_READERS: dict[str, Callable[[], BenchmarkTable]] = {}


def register_table(name: str, read: Callable[[], BenchmarkTable]) -> None:
    """Make a table known under a name; one of the same name is replaced.

    Parameters
    ----------
    name : str
        What suites call it.
    read : callable
        Reads or makes it; the same table each time.
    """
    _READERS[name] = read


def known_tables() -> tuple[str, ...]:
    """Name all tables that are registered.

    Returns
    -------
    tuple of str
        In the order in which they were registered.
    """
    return tuple(_READERS)


def find_table(name: str) -> BenchmarkTable:
    """Read a table by its name.

    Parameters
    ----------
    name : str
        One of `known_tables`.

    Returns
    -------
    BenchmarkTable
        The table.

    Raises
    ------
    ConfigError
        If there is no table of that name.

    Examples
    --------
    >>> find_table("iris").frame.shape
    (150, 5)
    """
    if name not in _READERS:
        hint = nearest_spelling(name, _READERS)
        raise ConfigError(f"A table must be one of {', '.join(_READERS)}. Got {name!r} instead.{hint}")
    return _READERS[name]()


# ------------------------------------------------------------------------------ tables that ship with the package


def _of_scikit_learn(load: Callable[..., Any]) -> Callable[[], BenchmarkTable]:
    """A reader of a table that scikit-learn bundles, its target one of the columns."""

    def read() -> BenchmarkTable:
        bunch = load(as_frame=True)
        frame: pd.DataFrame = bunch.frame
        names = getattr(bunch, "target_names", None)
        if names is not None:
            frame = frame.assign(target=np.asarray(names, dtype=object)[frame["target"].to_numpy()])
        return BenchmarkTable(frame=frame, schema=infer_schema(frame), targets=("target",))

    return read


N_ARTICLES = 1_000
BRANDS = ("Alva", "Berkson", "Corvo", "Dunmore", "Elstree", "Fjordal")
KINDS = {"mug": (7.0, 0.35), "kettle": (39.0, 1.2), "pan": (28.0, 1.1), "lamp": (45.0, 1.8), "vase": (19.0, 0.9)}
FAVOURITE_SHARE = 0.6
COLOURS = ("white", "black", "red", "blue", "green")


def make_small_shop(n_rows: int = N_ARTICLES, *, seed: int = 0) -> pd.DataFrame:
    """Make a shop of articles whose titles name some of their attributes.

    Parameters
    ----------
    n_rows : int, default=1000
        Articles.
    seed : int, default=0
        What all chance follows from.

    Returns
    -------
    DataFrame of shape (n_rows, 8)
        Title, kind, brand, colour, price, weight_kg, in_stock and since, without holes. Brands have price levels and
        favourite colours; prices and weights follow from kind and brand.

    Examples
    --------
    >>> list(make_small_shop(3))
    ['title', 'kind', 'brand', 'colour', 'price', 'weight_kg', 'in_stock', 'since']
    """
    rng = np.random.default_rng(seed)
    kind = rng.choice(list(KINDS), n_rows, p=[0.35, 0.15, 0.2, 0.15, 0.15])
    brand_code = rng.choice(len(BRANDS), n_rows, p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05])
    favourite = rng.random(n_rows) < FAVOURITE_SHARE
    colour = np.where(favourite, brand_code % len(COLOURS), rng.integers(0, len(COLOURS), n_rows))
    level = np.linspace(0.7, 1.8, len(BRANDS))[brand_code]
    price = np.array([KINDS[k][0] for k in kind]) * level * rng.lognormal(0, 0.15, n_rows)
    weight = np.array([KINDS[k][1] for k in kind]) * rng.lognormal(0, 0.1, n_rows)
    brand, colour = np.array(BRANDS)[brand_code], np.array(COLOURS)[colour]
    says = rng.random((3, n_rows)) < np.array([[0.7], [0.8], [0.5]])
    parts = zip(brand, kind, colour, *says, range(n_rows), strict=True)
    return pd.DataFrame(
        {
            "title": [
                " ".join([*[b] * bool(sb), *[c] * bool(sc), k if sk else "article", f"no. {i}"])
                for b, k, c, sb, sk, sc, i in parts
            ],
            "kind": kind,
            "brand": brand,
            "colour": colour,
            "price": price.round(2),
            "weight_kg": weight.round(2),
            "in_stock": rng.random(n_rows) < 1 / level,
            "since": pd.Timestamp("2022-01-01") + pd.to_timedelta(300 * brand_code + rng.integers(0, 60, n_rows), "D"),
        }
    )


def _small_shop() -> BenchmarkTable:
    shop = make_small_shop()
    return BenchmarkTable(frame=shop, schema=infer_schema(shop), targets=("price", "kind"))


register_table("iris", _of_scikit_learn(load_iris))
register_table("wine_kinds", _of_scikit_learn(load_wine))
register_table("breast_cancer", _of_scikit_learn(load_breast_cancer))
register_table("diabetes", _of_scikit_learn(load_diabetes))
register_table("small_shop", _small_shop)
