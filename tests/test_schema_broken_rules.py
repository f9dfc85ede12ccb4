"""Known cells that the schema forbids: counted and told, never changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gain_impute import infer_schema
from gain_impute.errors import BrokenRuleWarning
from gain_impute.schema import broken_rules
from tests.strategies import quick_imputer

SHOP = pd.DataFrame(
    {
        "kind": ["cup", "shoe", None, "boot", "shoe", "cup"] * 10,
        "heel_cm": [None, 4.5, 3.0, -1.0, 900.0, 7.0] * 10,
        "since": ["2016-01-02", "2017-03-04", None, "1970-01-01", "2018-05-06", "2016-07-08"] * 10,
        "waterproof": ["yes", "no", None, "yes", "no", "no"] * 10,
        "weight": [f"{grams} g" for grams in range(200, 320, 2)],
    }
)
RULED = (
    infer_schema(SHOP)
    .replace("kind", categories=("shoe", "boot"))
    .replace("heel_cm", minimum=0, maximum=30, applies_when={"kind": ["shoe", "boot"]})
    .replace("since", minimum=pd.Timestamp("2000-01-01").timestamp())
    .replace("waterproof", applies_when={"kind": ["shoe"]})
    .replace("weight", number_formats=("1234 g",), maximum=300)
)


def test_each_rule_counts_the_known_cells_that_break_it():
    assert broken_rules(SHOP, infer_schema(SHOP)) == {}
    assert broken_rules(SHOP, RULED) == {
        "kind": {"categories": 20},
        "heel_cm": {"minimum": 10, "maximum": 10, "applies_when": 10},
        "since": {"minimum": 10},
        "waterproof": {"applies_when": 30},
        "weight": {"maximum": 9},
    }
    assert broken_rules(SHOP.iloc[:0], RULED) == {}


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_the_counts_are_those_of_every_dtype(dtype):
    typed = SHOP.astype({"kind": dtype, "waterproof": dtype})
    typed["since"] = pd.to_datetime(typed["since"])
    assert broken_rules(typed, RULED) == broken_rules(SHOP, RULED)


def test_a_fit_tells_of_them_and_nothing_that_is_filled_in_adds_to_them():
    told = (
        r"rule of the schema, and stay as they are: 'kind' \(categories: 20\), 'heel_cm' \(minimum: 10, maximum: 10, "
    )
    with pytest.warns(BrokenRuleWarning, match=told):
        imputer = quick_imputer(schema=RULED).fit(SHOP)
    filled = imputer.transform(SHOP)
    known = SHOP.notna()
    assert known.to_numpy().sum() < filled.notna().to_numpy().sum()
    pd.testing.assert_frame_equal(filled.where(known), SHOP.where(known), check_dtype=False)
    before, after = broken_rules(SHOP, RULED), broken_rules(filled, RULED)
    assert {**after, "heel_cm": before["heel_cm"]} == before  # a kind that was filled in may say that no heel exists
    assert np.isin(filled["kind"][~known["kind"]], ["shoe", "boot"]).all()


def test_values_that_mean_empty_break_no_rule():
    shop = pd.DataFrame({"price": [9.99, -1, 12.5, 3.2] * 10, "brand": ["Acme", "n/a", "Zeta", "Acme"] * 10})
    rules = infer_schema(shop, missing_values=(-1, "n/a")).replace("price", minimum=0)
    assert broken_rules(shop, rules.replace("brand", categories=("Acme", "Zeta"))) == {}
