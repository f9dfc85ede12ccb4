"""Fill the sample catalogue, show what was filled and how sure that is, and measure how right it is.

Run as ``python examples/demo.py``; it takes a few minutes on one core, and writes its figures to ``demo.json``.
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gain_impute import GAINImputer, Imputation, Schema, infer_schema
from gain_impute.errors import UnfillableWarning
from gain_impute.evaluation import evaluate
from gain_impute.scores import score_categories, score_numbers

__all__ = ["catalogue_schema", "compare_with_truth", "main", "read_catalogue"]

DATA = Path(__file__).parent / "data"
FIGURES = Path("demo.json")
SEED = 0
MAX_STEPS = 1500
"""A bound, should the default grow; by itself a table of this size gets a little less."""

APPLIES_WHEN = {
    "heel_height_cm": {"category": ("Shoes",)},
    "dishwasher_safe": {"category": ("Kitchen",)},
    "capacity_l": {
        "subcategory": (
            "Saucepans", "Mugs", "Storage jars", "Kettles", "Plant pots", "Watering cans", "Backpacks", "Suitcases",
        ),
    },
    "wattage": {
        "subcategory": (
            "Kettles", "Table lamps", "Floor lamps", "Pendant lamps", "Chargers", "Power banks", "Speakers",
        ),
    },
}  # fmt: skip
"""Attributes that only some articles have: a frying pan has no heel, so none is to be invented."""

SHOWN = ("brand", "category", "colour", "material", "price", "capacity_l", "launch_date")
PICKED = ("brand", "category", "colour", "size", "length_cm", "price", "dishwasher_safe", "launch_date")


def read_catalogue(path: Path) -> pd.DataFrame:
    """Read a catalogue; only the empty field is a hole."""
    return pd.read_csv(path, dtype={"gtin": str}, keep_default_na=False, na_values=[""])


def catalogue_schema(table: pd.DataFrame) -> Schema:
    """Infer what the columns are, and add which articles have which attribute."""
    schema = infer_schema(table)
    for name, condition in APPLIES_WHEN.items():
        schema = schema.replace(name, applies_when=condition)
    return schema


def compare_with_truth(imputation: Imputation, truth: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Compare what was filled with what the catalogue truly holds.

    Parameters
    ----------
    imputation : Imputation
        What was filled.
    truth : DataFrame
        The catalogue with nothing left out; empty only where an attribute does not exist.
    schema : Schema
        What the columns are.

    Returns
    -------
    DataFrame
        Indexed by column: `right`, share of the categories that are right; `error`, RMSE / standard deviation of the
        numbers and dates; `invented`, cells filled though the attribute does not exist; `withheld`, cells left empty
        as not applicable though it does.
    """
    rows = {}
    for name, cells in imputation.cells.groupby("column", sort=False):
        known = schema.parse(name, truth[name])
        at, exists = cells["position"].to_numpy(), known.observed[cells["position"]]
        is_filled = (cells["state"] == "imputed").to_numpy(dtype=bool)
        scored = is_filled & exists
        row = {"right": np.nan, "error": np.nan, "invented": int((is_filled & ~exists).sum())}
        row["withheld"] = int(((cells["state"] == "not_applicable").to_numpy(dtype=bool) & exists).sum())
        if schema[name].is_number:
            found, std = cells["value_number"].to_numpy()[scored], float(np.nanstd(known.values, ddof=1))
            row["error"] = score_numbers(known.values[at[scored]], found, std=std)["error"]
        elif schema[name].is_fillable:
            row["right"] = score_categories(known.values[at[scored]], cells["value"].to_numpy()[scored])["accuracy"]
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def pick_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """Pick a cell of each of several columns, of more than middling confidence, and the two least sure ones."""
    filled = cells[cells["state"] == "imputed"].sort_values("confidence", kind="stable")
    groups = [filled[filled["column"] == name] for name in PICKED]
    typical = [group.iloc[[int(0.75 * len(group))]] for group in groups if len(group)]
    is_category = filled["column"].isin(PICKED) & filled["value_number"].isna()
    least_sure = filled[is_category].drop_duplicates("column").head(2)
    return pd.concat([*typical, least_sure])


def describe_cell(cell: pd.Series, table: pd.DataFrame, truth: pd.DataFrame, schema: Schema) -> str:
    """One line: the article, what was empty, what fills it and how sure that is, and what it truly is."""
    name, row = cell["column"], cell["position"]
    said = f"{cell['value']} ({cell['interval'] or format(cell['confidence'], '.0%')})"
    known = truth[name].iloc[row : row + 1]
    true_text = schema.format(name, schema.parse(name, known).values)[0] or "does not exist"
    return f"  {table['title'].iloc[row][:42]:42}  {name:15}  empty -> {said:42}  truly {true_text}"


def show_holes(table: pd.DataFrame) -> None:
    """Print a few rows as they came."""
    n_holes = table[list(SHOWN)].isna().sum(axis=1)
    rows = table[n_holes >= 3].head(6)
    texts = rows[list(SHOWN)].astype(object).where(rows[list(SHOWN)].notna(), "·")
    print(texts.assign(title=rows["title"].str.slice(0, 36))[["title", *SHOWN]].to_string(index=False))


def show_summary(imputation: Imputation, compared: pd.DataFrame) -> None:
    """Print what became of the empty cells of each column, and how right that is."""
    summary = imputation.summary().join(compared).reindex([name for name in imputation.table if name in compared.index])
    shown = summary[["empty", "imputed", "not_applicable", "unfillable", "confidence", "right", "error"]]
    print(shown.to_string(float_format="{:.3f}".format, na_rep=""))
    print(
        "right: share of categories; error: RMSE / standard deviation of numbers and dates.\n"
        f"{compared['invented'].sum()} cells were filled where no such attribute exists, "
        f"{compared['withheld'].sum()} left empty where one does."
    )


def main() -> None:
    """Run the demo."""
    started = time.perf_counter()
    table, truth = read_catalogue(DATA / "catalogue.csv"), read_catalogue(DATA / "catalogue_truth.csv")
    schema = catalogue_schema(table)
    n_holes = table.isna().sum().sum()
    print(f"A catalogue of {len(table):,} articles and {table.shape[1]} columns, {n_holes:,} cells empty:\n")
    show_holes(table)

    print("\nFitting and filling ...", flush=True)
    imputer = GAINImputer(schema=schema, random_state=SEED, max_steps=MAX_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnfillableWarning)  # said below, column by column
        imputation = imputer.fit(table).impute(table)
    fill_seconds = time.perf_counter() - started
    print(f"done in {fill_seconds:.0f} s. Some cells, numbers with their 90 % interval, categories with confidence:\n")
    for _, cell in pick_cells(imputation.cells).iterrows():
        print(describe_cell(cell, table, truth, schema))

    print("\nEach column, and how it compares with the truth, which the imputer never saw:\n")
    compared = compare_with_truth(imputation, truth, schema)
    show_summary(imputation, compared)

    print(
        "\nFitting again with a fifth of the known cells hidden, beside mean/mode and the 5 nearest rows ...\n",
        flush=True,
    )
    evaluation = evaluate(imputer, table, rate=0.2, random_state=SEED, refit=True)
    print(evaluation)

    figures = _figures(imputation, compared) | {"fill_seconds": fill_seconds, "evaluation": evaluation.to_dict()}
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"\nAll in {time.perf_counter() - started:.0f} s; the figures are in {FIGURES}.")


def _figures(imputation: Imputation, compared: pd.DataFrame) -> dict[str, Any]:
    """What was filled and how right it is, as plain types."""
    summary = imputation.summary().join(compared)
    rows = summary.reset_index(names="column").astype(object)
    columns = rows.where(rows.notna(), None).to_dict("records")
    means = {"right": float(compared["right"].mean()), "error": float(compared["error"].mean())}
    counts = {state: int(n) for state, n in imputation.cells["state"].value_counts().items()}
    return {"n_rows": imputation.n_rows, "cells": counts, "against_truth": means, "columns": columns}


if __name__ == "__main__":
    main()
