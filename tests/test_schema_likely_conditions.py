"""Attributes that are known in rows of some categories only: found, proposed, and nothing more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gain_impute import infer_schema
from gain_impute.schema import annotated_toml, likely_conditions, schema_from_toml


def shop(n_rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind, shop = rng.choice(["cup", "shoe", "boot"], n_rows), rng.choice(["north", "south"], n_rows)
    heel = np.where(kind == "cup", np.nan, rng.integers(1, 90, n_rows) / 10)
    heel[rng.random(n_rows) < 0.2] = np.nan
    return pd.DataFrame({"kind": kind, "shop": shop, "heel_cm": heel, "price": rng.integers(1, 900, n_rows) / 10})


def found(table: pd.DataFrame, **kinds: str) -> dict[str, dict[str, list[str]]]:
    return {
        name: {other: sorted(values) for other, values in condition.items()}
        for name, condition in likely_conditions(table, infer_schema(table, kinds=kinds)).items()
    }


def test_a_column_that_some_categories_alone_have_is_found_with_them():
    assert found(shop()) == {"heel_cm": {"kind": ["boot", "shoe"]}}


def test_rows_without_a_category_tell_nothing():
    table = shop()
    table.loc[np.arange(300) % 4 == 0, "kind"] = None
    assert found(table) == {"heel_cm": {"kind": ["boot", "shoe"]}}


def test_what_the_schema_says_is_not_proposed_again():
    table = shop()
    schema = infer_schema(table).replace("heel_cm", applies_when={"kind": ["shoe", "boot"]})
    assert likely_conditions(table, schema) == {}
    assert likely_conditions(table, infer_schema(table).replace("heel_cm", fill=False)) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.assign(heel_cm=table["heel_cm"].fillna(1.0)),
        lambda table: table.assign(heel_cm=table["heel_cm"].where(np.arange(300) % 40 == 0)),
        lambda table: table.assign(heel_cm=np.nan),
        lambda table: table.assign(heel_cm=table["heel_cm"].where(table.index != 0, 3.0)).assign(kind="cup"),
        lambda table: table.head(15),
        lambda table: table.head(0),
        lambda table: table.assign(kind=[f"kind {i % 60}" for i in range(300)]),
    ],
    ids=["everywhere", "rare", "never", "one category", "few rows", "no row", "too many categories"],
)
def test_where_it_may_be_chance_or_there_is_no_telling_nothing_is_found(change):
    assert found(change(shop())) == {}


def test_the_schema_file_proposes_it_in_a_comment_that_can_be_used():
    table = shop().rename(columns={"kind": 'kind "of" it'})
    written = annotated_toml(infer_schema(table), table)
    proposed = next(line for line in written.splitlines() if "if it exists only there: " in line)
    rule = proposed.partition("there: ")[2]
    assert schema_from_toml(written) == infer_schema(table)
    used = schema_from_toml(written.replace(proposed, rule))
    assert {name: set(texts) for name, texts in used["heel_cm"].applies_when.items()} == {
        'kind "of" it': {"boot", "shoe"}
    }
