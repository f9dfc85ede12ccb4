"""Values that look as if they meant "empty" are found in columns that are filled, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gain_impute.schema import ColumnSchema, Kind, Schema, infer_schema, likely_markers


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


def numbers_with(*, repeated: float, n_times: int, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).integers(5, 5_000, 200).astype(float)
    values[:n_times] = repeated
    return pd.DataFrame({"price": values})


@pytest.mark.parametrize("dtype", ["float64", "Int64", "str"])
@pytest.mark.parametrize("repeated", [99_999, 999_999, -1, -999])
def test_numbers_beyond_all_others_that_stand_there_again_and_again_are_found(repeated, dtype):
    table = numbers_with(repeated=repeated, n_times=7).astype("Int64").astype(dtype)
    found = likely_markers(table, infer_schema(table))
    assert found == {"price": {str(repeated): 7}}
    named = infer_schema(table, missing_values=list(found["price"]))
    assert named.find_observed("price", table["price"]).sum() == 193


@pytest.mark.parametrize(
    ("repeated", "n_times"), [(99_999, 2), (12_345, 9), (5_999, 9), (-2, 9), (-1.5, 9), (0, 9), (4_000, 9)]
)
def test_other_numbers_are_numbers(repeated, n_times):
    table = numbers_with(repeated=repeated, n_times=n_times)
    assert likely_markers(table, infer_schema(table)) == {}


def test_few_different_numbers_and_negative_ones_are_numbers():
    for values in ([1, 2, 99] * 10, [-1, 0, 1] * 10, [-1, -2, 5, 7, 9] * 10, [-1] * 30, []):
        table = pd.DataFrame({"n": np.array(values, dtype=float)})
        assert likely_markers(table, infer_schema(table, kinds={"n": "numeric"})) == {}
