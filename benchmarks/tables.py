"""The real tables of the goals: how each is prepared, how its cells are hidden, how what was filled is scored.

The tables are looked for in the folder that the environment variable GAIN_IMPUTE_DATA names, by default
``../shared/data``. Numeric error: RMSE over hidden cells / standard deviation of the complete column. Accuracy: share
of right answers over hidden cells. A table's figure is the mean over its columns.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gain_impute.scores import score_categories, score_numbers

__all__ = ["MIXED", "PAPER", "Task", "data_folder", "read_task", "score"]

LEAST_SCORED = 5
LEAST_BRAND, LEAST_CATEGORY, LEAST_SUBCATEGORY = 10, 10, 20
"""Rarer values are emptied before hiding: nobody could know them."""
MOST_FASHION_ROWS = 10_000
PRICES = ("retail_price", "discounted_price")


@dataclass(frozen=True, kw_only=True)
class Task:
    """A table with cells hidden.

    Attributes
    ----------
    table, visible : DataFrame of shape (n_rows, n_columns)
        As it is, and with the hidden cells emptied.
    hidden : DataFrame of shape (n_rows, n_numeric + n_categorical), bool
        True where a known cell was hidden.
    numeric, categorical : list of str
        Columns with more than two different numbers, and all others that are not text.
    """

    table: pd.DataFrame
    visible: pd.DataFrame
    hidden: pd.DataFrame
    numeric: list[str]
    categorical: list[str]


def data_folder() -> Path:
    """Where the tables are."""
    return Path(os.environ.get("GAIN_IMPUTE_DATA", "../shared/data"))


def read_task(name: str, *, rate: float = 0.2, seed: int = 0) -> Task:
    """Read a table and hide a share of the known cells of each column by chance.

    Parameters
    ----------
    name : str
        One of `PAPER` and `MIXED`.
    rate : float, default=0.2
        Probability of a known cell to be hidden.
    seed : int, default=0
        Each column draws from its own child of this seed.

    Returns
    -------
    Task
        The table, what is visible of it, and where cells are hidden.
    """
    table, text_columns = _READERS[name](data_folder())
    read = [str(column) for column in table if column not in text_columns]
    numeric = [column for column in read if _is_numeric(table[column])]
    categorical = [column for column in read if column not in numeric]
    columns = numeric + categorical
    visible, hidden = table.copy(), pd.DataFrame(data=False, index=table.index, columns=columns)
    for column, child in zip(columns, np.random.SeedSequence(seed).spawn(len(columns)), strict=True):
        chosen = (np.random.default_rng(child).random(len(table)) < rate) & table[column].notna().to_numpy()
        hidden[column] = chosen
        if pd.api.types.is_bool_dtype(visible[column]):
            visible[column] = visible[column].astype(object)
        elif pd.api.types.is_integer_dtype(visible[column]):
            visible[column] = visible[column].astype(float)
        visible.loc[chosen, column] = np.nan
    return Task(table=table, visible=visible, hidden=hidden, numeric=numeric, categorical=categorical)


def score(task: Task, filled: pd.DataFrame) -> tuple[dict[str, float], dict[str, float]]:
    """Score a filled table; columns with fewer than five hidden cells are left out.

    Parameters
    ----------
    task : Task
        What was hidden.
    filled : DataFrame of shape (n_rows, n_columns)
        The visible table, filled.

    Returns
    -------
    errors : dict of str to float
        RMSE / standard deviation of each numeric column.
    accuracies : dict of str to float
        Share of right answers of each categorical column.

    Raises
    ------
    ValueError
        If a hidden cell is still empty.
    """
    errors, accuracies = {}, {}
    for column in task.numeric + task.categorical:
        at = task.hidden[column]
        truth, guess = task.table.loc[at, column], filled.loc[at, column]
        if at.sum() < LEAST_SCORED:
            continue
        if guess.isna().any():
            raise ValueError(
                f"Every hidden cell must be filled. {guess.isna().sum():,} of {len(guess):,} are empty in {column!r}. "
                "Look at the kind that was inferred for it."
            )
        if column in task.numeric:
            std = task.table[column].std()
            errors[column] = score_numbers(truth.astype(float), guess.astype(float), std=std)["error"]
        else:
            as_number = pd.api.types.is_numeric_dtype(truth)
            pair = [cells.astype(float).round(9) if as_number else cells.astype(str) for cells in (truth, guess)]
            accuracies[column] = score_categories(*pair)["accuracy"]
    return errors, accuracies


def _is_numeric(cells: pd.Series) -> bool:
    types = pd.api.types
    return types.is_numeric_dtype(cells) and not types.is_bool_dtype(cells) and cells.nunique() > 2


def _without_rare(cells: pd.Series, at_least: int) -> pd.Series:
    """Empty the cells whose value occurs fewer than `at_least` times."""
    counts = cells.value_counts()
    return cells.where(cells.isin(counts.index[counts >= at_least]))


# ------------------------------------------------------------------------------------- the tables, each as a reader


Reader = Callable[[Path], tuple[pd.DataFrame, list[str]]]  # the table, and its columns of free text


def _letter(data: Path) -> tuple[pd.DataFrame, list[str]]:
    return pd.read_csv(data / "gain_paper/letter.csv"), []


def _spam(data: Path) -> tuple[pd.DataFrame, list[str]]:
    return pd.read_csv(data / "gain_paper/spam.csv"), []


def _breast(data: Path) -> tuple[pd.DataFrame, list[str]]:
    table = pd.read_csv(data / "breast/wdbc.data", header=None).iloc[:, 2:]
    return table.set_axis([f"f{i}" for i in range(table.shape[1])], axis=1), []


def _laptops(data: Path) -> tuple[pd.DataFrame, list[str]]:
    table = pd.read_csv(data / "laptops/laptops.csv").iloc[:, 1:]
    return table.assign(Weight=table["Weight"].str.replace("kg", "").astype(float)), ["Product"]


def _gsmarena(data: Path) -> tuple[pd.DataFrame, list[str]]:
    return pd.read_csv(data / "gsmarena/devices_v3.csv").drop(columns=["id", "url"]), ["name", "sensors_types"]


def _fashion(data: Path) -> tuple[pd.DataFrame, list[str]]:
    table = pd.read_csv(data / "fashion_styles/styles_part1.csv").drop(columns=["id"])
    return table.head(MOST_FASHION_ROWS), ["productDisplayName"]


def _bigmart(data: Path) -> tuple[pd.DataFrame, list[str]]:
    return pd.read_csv(data / "bigmart/bigmart.csv").drop(columns=["Item_Identifier"]), []


def _flipkart(data: Path) -> tuple[pd.DataFrame, list[str]]:
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


_READERS: dict[str, Reader] = {
    "letter": _letter,
    "spam": _spam,
    "breast": _breast,
    "laptops": _laptops,
    "gsmarena": _gsmarena,
    "fashion": _fashion,
    "bigmart": _bigmart,
    "flipkart": _flipkart,
}
PAPER = ("letter", "spam", "breast")
"""Tables of numbers, as in the GAIN paper."""
MIXED = ("laptops", "gsmarena", "fashion", "bigmart", "flipkart")
"""Tables of products."""
