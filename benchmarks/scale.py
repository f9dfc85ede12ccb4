"""Tables of many sizes, to see what methods cost; importing this module makes them known to the harness.

``scale_1000x8`` has a thousand rows and eight columns. A smaller table is a part of each larger one: its first rows
and first columns, so that size is all that differs.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from gain_impute import Kind, Schema, infer_schema
from gain_impute.benchmark import BenchmarkTable, register_table

__all__ = ["N_COLUMNS", "N_ROWS", "TABLES", "make_table"]

N_ROWS = (1_000, 10_000, 100_000, 1_000_000)
N_COLUMNS = (8, 32, 256)
TABLES = {f"scale_{n_rows}x{n_columns}": (n_rows, n_columns) for n_rows in N_ROWS for n_columns in N_COLUMNS}
"""Names of all tables, and their numbers of rows and columns."""

N_FACTORS = 3  # what all columns hang on
N_USED = 2  # of them by each column
NOISE = 0.3  # standard deviation beside that of 1 which the factors give
MOST_CATEGORIES = 12
N_INSPECTED = 1_000  # rows from which kinds are read: the same for all sizes
SHAPES = (lambda x: x, np.tanh, np.exp, np.abs)  # how a number hangs on its factors

Floats = NDArray[np.float32]


def make_table(n_rows: int, n_columns: int, *, seed: int = 0) -> pd.DataFrame:
    """Make a table whose columns depend on each other: numbers and categories by turns, without holes.

    Parameters
    ----------
    n_rows, n_columns : int
        Its size.
    seed : int, default=0
        What all chance follows from.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        Every row has three hidden factors. A number is a mixture of two of them, bent or not, with noise; a category
        says in which of 2 to 12 ranges such a mixture lies.

    Examples
    --------
    >>> make_table(2, 4).dtypes.astype(str).to_dict()
    {'number_0': 'float32', 'category_1': 'category', 'number_2': 'float32', 'category_3': 'category'}
    """
    first, *children = np.random.SeedSequence(seed).spawn(1 + n_columns)
    factors = np.random.default_rng(first).standard_normal((n_rows, N_FACTORS), dtype=np.float32)
    columns: dict[str, Floats | pd.Categorical] = {}
    for number, child in enumerate(children):
        rng = np.random.default_rng(child)
        if number % 2:
            columns[f"category_{number}"] = _categories(factors, rng)
        else:
            columns[f"number_{number}"] = SHAPES[number // 2 % len(SHAPES)](_mixture(factors, rng))
    return pd.DataFrame(columns)


def _mixture(factors: Floats, rng: np.random.Generator) -> Floats:
    """Of each row a mixture of some factors, with noise: mean 0, variance 1. Returns (n_rows,)."""
    used = rng.choice(N_FACTORS, N_USED, replace=False)
    weights = rng.normal(size=N_USED).astype(np.float32)
    noise = rng.standard_normal(len(factors), dtype=np.float32)
    mixed: Floats = factors[:, used] @ (weights / np.linalg.norm(weights)) + np.float32(NOISE) * noise
    return mixed / np.float32(np.hypot(1, NOISE))


def _categories(factors: Floats, rng: np.random.Generator) -> pd.Categorical:
    """In which range such a mixture lies; names in no order, ranges of unlike size. Returns (n_rows,)."""
    n_categories = int(rng.integers(2, MOST_CATEGORIES + 1))
    shares = rng.dirichlet(np.full(n_categories, 3.0))
    names = rng.permutation([f"c{i}" for i in range(n_categories)])
    edges = norm.ppf(np.cumsum(shares)[:-1])
    codes = np.searchsorted(edges, _mixture(factors, rng)).astype(np.int8)  # the noise of rows is drawn last
    return pd.Categorical.from_codes(codes, categories=names.tolist())


def _schema(frame: pd.DataFrame) -> Schema:
    """What the columns are: numbers and categories, whatever else inference might see in the first rows."""
    kinds = {name: Kind.NUMERIC if name.startswith("number") else Kind.CATEGORICAL for name in map(str, frame)}
    return infer_schema(frame.head(N_INSPECTED), kinds=kinds)


def _benchmark_table(name: str) -> BenchmarkTable:
    frame = make_table(*TABLES[name])
    return BenchmarkTable(frame=frame, schema=_schema(frame))


for _name in TABLES:
    register_table(_name, partial(_benchmark_table, _name))
