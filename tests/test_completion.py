"""What goes into a table, and of how many of its cells the confidence is measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gain_impute import GAINImputer
from gain_impute.completion import Completion, complete, fill
from gain_impute.sessions import torch_session
from tests.strategies import quick_imputer, shop_table

pytestmark = pytest.mark.filterwarnings("ignore:Empty cells of these columns")
NUMBERS = ["weight", "price", "stock", "since"]


@pytest.fixture(scope="module")
def imputer() -> GAINImputer:
    return quick_imputer(max_steps=20).fit(shop_table(200))


def completed(imputer: GAINImputer, most_spread: int | None) -> Completion:
    with torch_session(1, 0, imputer.state_.device):
        return complete(imputer.state_, shop_table(200, seed=1), round_to_grid=True, most_spread=most_spread)


def test_a_sample_of_the_confidence_is_a_part_of_all_of_it(imputer):
    whole, some = completed(imputer, None), completed(imputer, 20)
    for name in NUMBERS:
        every, measured = whole.confidence(name), some.confidence(name)
        assert not np.isnan(every).any()
        known = ~np.isnan(measured)
        np.testing.assert_allclose(measured[known], every[known], rtol=1e-3, atol=1e-4)
    n_measured = sum(np.count_nonzero(~np.isnan(some.confidence(name))) for name in NUMBERS)
    assert 20 <= n_measured < sum(len(whole.filled[name].rows) for name in NUMBERS)


def test_the_values_do_not_hang_on_it(imputer):
    whole, none = completed(imputer, None), completed(imputer, 0)
    assert np.isnan(none.confidence("price")).all()
    np.testing.assert_array_equal(none.confidence("kind"), whole.confidence("kind"))
    for name, column in whole.filled.items():
        np.testing.assert_array_equal(none.filled[name].values, column.values)


def test_a_table_of_texts_is_left_as_it_is():
    titles = shop_table(60)[["title"]]
    fitted = quick_imputer().fit(titles)
    with torch_session(1, 0, fitted.state_.device):
        completion = complete(fitted.state_, titles, round_to_grid=True)
    assert completion.filled == {}
    assert completion.prediction is None


def test_a_table_is_filled_part_by_part_as_at_once(imputer, monkeypatch):
    table = shop_table(200, seed=1)
    whole = imputer.transform(table)
    monkeypatch.setattr("gain_impute.completion.ROWS_AT_ONCE", 33)
    pd.testing.assert_frame_equal(imputer.transform(table), whole)


def test_parts_count_their_unreadable_cells_together(imputer, monkeypatch):
    table = shop_table(200, seed=1).astype({"price": object})
    table.loc[[3, 40, 150, 199], "price"] = "on request"
    monkeypatch.setattr("gain_impute.completion.ROWS_AT_ONCE", 33)
    with torch_session(1, 0, imputer.state_.device):
        cells = fill(imputer.state_, table, round_to_grid=True)
    assert cells.unreadable == {"price": 4}
    np.testing.assert_array_equal(cells.empty, table.isna() | table.eq(""))


def test_draws_of_parts_keep_what_is_known_and_repeat(imputer, monkeypatch):
    table = shop_table(200, seed=1)
    monkeypatch.setattr("gain_impute.completion.ROWS_AT_ONCE", 33)
    (first, second), (again, _) = imputer.sample(table, 2), imputer.sample(table, 2)
    pd.testing.assert_frame_equal(first, again)
    assert not first["weight"].equals(second["weight"])
    pd.testing.assert_frame_equal(first.where(table.notna()), table.where(table.notna()))


def test_a_filled_table_and_its_source_go_apart(imputer):
    table = shop_table(200, seed=1)
    filled, before = imputer.transform(table), table.copy()
    filled.iloc[:, :] = filled.iloc[::-1].to_numpy()
    pd.testing.assert_frame_equal(table, before)
    filled = imputer.transform(table)
    kept = filled.copy()
    table.iloc[:, :] = table.iloc[::-1].to_numpy()
    pd.testing.assert_frame_equal(filled, kept)
