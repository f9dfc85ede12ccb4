"""How sure the generator is of empty cells stays as it was where it goes on to learn the held-out ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gain_impute.batches import TensorTable
from gain_impute.drift import LEAST_CELLS, keep_sureness, measure_sureness
from gain_impute.prediction import predict
from gain_impute.state import TrainingState
from tests.strategies import quick_imputer, shop_table


@pytest.fixture
def learned() -> tuple[TrainingState, TensorTable]:
    """A trained state, and the table that it learned."""
    table = shop_table(300).fillna({"title": "a pot"})
    state = quick_imputer(max_steps=60).fit(table).state_
    encoded, _, _ = state.encoder.encode(table)
    assert state.training is not None
    return state.training, TensorTable.from_encoded(encoded, state.training.layout, state.training.device)


def grow_surer(training: TrainingState, table: TensorTable) -> None:
    """Of every column, and of no two columns alike."""
    layout = training.layout
    training.averaged.rescale(
        temperatures=[0.3 + 0.05 * column for column in range(len(layout.classes))],
        spreads=[0.4 + 0.1 * column for column in range(layout.n_numbers)],
    )
    training.weights_changed()


def means(columns: list[np.ndarray]) -> list[float]:
    return [float(cells.max(axis=1).mean() if cells.ndim > 1 else np.sqrt(cells.mean())) for cells in columns]


def test_the_empty_cells_of_each_column_are_filled_as_surely_as_before(learned):
    training, table = learned
    before = measure_sureness(training, table)
    assert min(map(len, [*before.shares, *before.squares])) >= LEAST_CELLS
    grow_surer(training, table)
    surer = measure_sureness(training, table)
    assert (np.array(means(surer.shares)) > np.array(means(before.shares)) + 0.02).all()
    assert (np.array(means(surer.squares)) < 0.9 * np.array(means(before.squares))).all()
    keep_sureness(training, table, before)
    kept = measure_sureness(training, table)
    assert means(kept.shares) == pytest.approx(means(before.shares), abs=2e-3)
    assert means(kept.squares) == pytest.approx(means(before.squares), rel=1e-3)


def test_best_values_stay_as_they_are(learned):
    training, table = learned
    rows = np.arange(len(table.known))
    said = predict(training, table, rows)
    grow_surer(training, table)
    surer = predict(training, table, rows)
    np.testing.assert_array_equal(surer.numbers, said.numbers)
    np.testing.assert_array_equal(surer.codes, said.codes)


def test_columns_with_few_empty_cells_follow_all_together(learned):
    training, table = learned
    n, layout = training.layout.n_numbers, training.layout
    table.known[:] = True
    table.known[:60, 0] = table.known[:60, n] = False  # one column of each sort has enough,
    table.known[60:65, 1:n] = table.known[60:65, n + 1 :] = False  # the others have not
    before = measure_sureness(training, table)
    training.averaged.rescale(temperatures=[0.6] * len(layout.classes), spreads=[0.5] * n)
    training.weights_changed()
    keep_sureness(training, table, before)
    kept = measure_sureness(training, table)
    assert means(kept.shares) == pytest.approx(means(before.shares), abs=0.01)
    assert means(kept.squares) == pytest.approx(means(before.squares), rel=0.01)


@pytest.mark.parametrize("is_empty", [False, True])
def test_where_there_is_no_empty_cell_or_no_difference_nothing_is_scaled(learned, is_empty):
    training, table = learned
    table.known[:] = not is_empty
    weights = {name: tensor.clone() for name, tensor in training.averaged.state_dict().items()}
    keep_sureness(training, table, measure_sureness(training, table))
    for name, tensor in training.averaged.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=2e-3, atol=1e-6)
