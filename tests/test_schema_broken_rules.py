"""Known cells that the schema forbids: counted and told, never changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gain_impute import infer_schema
from gain_impute.errors import BrokenRuleWarning, ColumnMismatchError
from gain_impute.schema import broken_rules, likely_conditions, likely_markers
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


@pytest.mark.parametrize("answers", [["Yes", "No"], [True, False], ["1", "0"]])
def test_of_yes_and_no_any_word_keeps_a_rule(answers):
    shop = pd.DataFrame({"ok": answers * 20, "kg": [1.5, None] * 20})
    schema = infer_schema(shop, kinds={"ok": "boolean"}).replace("ok", categories=("yes", "no"))
    schema = schema.replace("kg", applies_when={"ok": ("yes",)})
    assert broken_rules(shop, schema) == {}
    shop["kg"] = 1.5
    assert broken_rules(shop, schema) == {"kg": {"applies_when": 20}}


def test_of_yes_and_no_any_word_meets_a_condition():
    shop = pd.DataFrame({"ok": [True, False] * 20, "kg": [1.5, None, None, None, 2.5, None] * 6 + [None] * 4})
    imputer = quick_imputer(schema=infer_schema(shop).replace("kg", applies_when={"ok": ("yes",)})).fit(shop)
    assert (imputer.transform(shop)["kg"].notna() == shop["ok"]).all()


def test_a_bound_is_what_the_dtype_can_hold():
    shop = pd.DataFrame({"size": np.array([0.1, 0.05, 0.02] * 10, dtype="float32")})
    schema = infer_schema(shop).replace("size", minimum=0.02, maximum=0.1)
    assert broken_rules(shop, schema) == broken_rules(shop.astype("Float32"), schema) == {}
    assert broken_rules(shop, schema.replace("size", minimum=0.021)) == {"size": {"minimum": 10}}


def test_columns_are_found_by_name_and_must_be_there():
    others = SHOP[SHOP.columns[::-1]].assign(more=1)
    assert broken_rules(others, RULED) == broken_rules(SHOP, RULED)
    with pytest.raises(ColumnMismatchError, match=r"It lacks 'heel_cm'\. Add"):
        broken_rules(SHOP.drop(columns="heel_cm"), RULED)
    shop = pd.DataFrame(
        {"kind": ["cup", "shoe"] * 30, "heel_cm": [None, 4.5] * 30, "note": ["n/a", "good", "bad"] * 20}
    )
    schema = infer_schema(shop)
    for look in (likely_conditions, likely_markers):
        assert look(shop[["note", "heel_cm", "kind"]], schema) == look(shop, schema) != {}
        with pytest.raises(ColumnMismatchError, match="It lacks 'note'"):
            look(shop.drop(columns="note"), schema)
