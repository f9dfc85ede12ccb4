"""Values that look as if they meant "empty" are found in columns that are filled, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gain_impute.schema import ColumnSchema, Kind, Schema, likely_markers


def found_in(cells: list[object], **rules: object) -> dict[str, dict[str, int]]:
    schema = Schema([ColumnSchema(**{"name": "brand", "kind": Kind.CATEGORICAL} | rules)])
    return likely_markers(pd.DataFrame({"brand": pd.Series(cells, dtype=object)}), schema)


@pytest.mark.parametrize(
    "text", ["N/A", "n.a.", "#N/A", "NULL", "None", "-", "---", "?", " ? ", "Not available", "未知"]
)
def test_words_for_nothing_are_found_with_their_number(text):
    assert found_in(["Acme", text, text, "", None]) == {"brand": {text: 2}}


@pytest.mark.parametrize("text", ["Acme", "Nanette", "a-b", "0", "Unknown Mortal Orchestra", "none of these", "----"])
def test_other_words_are_not(text):
    assert found_in([text] * 5) == {}


@pytest.mark.parametrize(
    "rules",
    [{"missing_values": ("N/A",)}, {"categories": ("Acme", "N/A")}, {"fill": False}, {"kind": Kind.TEXT}],
    ids=str,
)
def test_what_the_schema_speaks_of_and_what_is_not_filled_is_not_asked_about(rules):
    assert found_in(["Acme", "N/A"], **rules) == {}


def test_columns_of_numbers_hold_none_but_as_texts():
    schema = Schema([ColumnSchema(name="price", kind=Kind.NUMERIC)])
    assert likely_markers(pd.DataFrame({"price": [1.5, np.nan]}), schema) == {}
    assert likely_markers(pd.DataFrame({"price": ["1.5", "n/a"]}), schema) == {"price": {"n/a": 1}}
    assert likely_markers(pd.DataFrame({"price": []}), schema) == {}
    flag = Schema([ColumnSchema(name="flag", kind=Kind.BOOLEAN)])
    assert likely_markers(pd.DataFrame({"flag": [True, False]}), flag) == {}
