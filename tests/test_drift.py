"""How sure the generator is of empty cells stays as it was where it goes on to learn the held-out ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from gain_impute import GAINImputer
from gain_impute.batches import TensorTable
from gain_impute.drift import (
    LEAST_CELLS,
    MOST_KEPT,
    MOST_SCALE,
    WANTED_CELLS,
    _temperature,
    keep_some_back,
    keep_sureness,
    measure_sureness,
)
from gain_impute.member import Member
from gain_impute.prediction import predict
from tests.strategies import quick_imputer, shop_table


@pytest.fixture
def learned() -> tuple[Member, TensorTable]:
    """Trained networks, and the table that they learned."""
    table = shop_table(300).fillna({"title": "a pot"})
    state = quick_imputer(max_steps=60).fit(table).state_
    encoded, _, _ = state.encoder.encode(table)
    networks = Member(state.members[0].training)
    return networks, TensorTable.from_encoded(encoded, networks.layout, networks.device)


def grow_surer(member: Member, table: TensorTable) -> None:
    """Of every column, and of no two columns alike."""
    layout, training = member.layout, member.training
    training.averaged.temperatures *= 0.3 + 0.05 * torch.arange(len(layout.classes), device=training.device)
    training.averaged.scale_corrections([0.4 + 0.1 * column for column in range(layout.n_numbers)])


def means(columns: list[np.ndarray]) -> list[float]:
    return [float(cells.max(axis=1).mean() if cells.ndim > 1 else np.sqrt(cells.mean())) for cells in columns]


def test_the_empty_cells_of_each_column_are_filled_as_surely_as_before(learned):
    member, table = learned
    before = measure_sureness(member, table)
    assert min(map(len, [*before.shares, *before.squares])) >= LEAST_CELLS
    grow_surer(member, table)
    surer = measure_sureness(member, table)
    assert (np.array(means(surer.shares)) > np.array(means(before.shares)) + 0.02).all()
    assert (np.array(means(surer.squares)) < 0.9 * np.array(means(before.squares))).all()
    keep_sureness(member, table, before)
    kept = measure_sureness(member, table)
    assert means(kept.shares) == pytest.approx(means(before.shares), abs=2e-3)
    assert means(kept.squares) == pytest.approx(means(before.squares), rel=1e-3)


def test_best_values_stay_as_they_are(learned):
    member, table = learned
    rows = np.arange(len(table.known))
    said = predict([member], table, rows)
    grow_surer(member, table)
    surer = predict([member], table, rows)
    np.testing.assert_array_equal(surer.numbers, said.numbers)
    np.testing.assert_array_equal(surer.codes, said.codes)


def test_columns_with_few_empty_cells_follow_all_together(learned):
    member, table = learned
    training, n = member.training, member.layout.n_numbers
    table.known[:] = True
    table.known[:60, 0] = table.known[:60, n] = False  # one column of each sort has enough,
    table.known[60:65, 1:n] = table.known[60:65, n + 1 :] = False  # the others have not
    before = measure_sureness(member, table)
    training.averaged.temperatures *= 0.6
    training.averaged.scale_corrections([0.5] * n)
    keep_sureness(member, table, before)
    kept = measure_sureness(member, table)
    assert means(kept.shares) == pytest.approx(means(before.shares), abs=0.01)
    assert means(kept.squares) == pytest.approx(means(before.squares), rel=0.01)


@pytest.mark.parametrize("is_empty", [False, True])
def test_where_there_is_no_empty_cell_or_no_difference_nothing_is_scaled(learned, is_empty):
    member, table = learned
    table.known[:] = not is_empty
    averaged = member.training.averaged
    weights = {name: tensor.clone() for name, tensor in averaged.state_dict().items()}
    keep_sureness(member, table, measure_sureness(member, table))
    for name, tensor in averaged.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=2e-3, atol=1e-6)


def test_columns_with_few_empty_cells_keep_some_of_the_held_out_ones(learned):
    member, table = learned
    n, n_rows = member.layout.n_numbers, len(table.known)
    table.known[:] = True
    table.known[:WANTED_CELLS, 0] = False  # this column has enough,
    table.known[: WANTED_CELLS - 3, n] = False  # and this one nearly
    rows = torch.arange(n_rows, device=table.known.device)
    is_half = torch.rand(table.known.shape, generator=torch.manual_seed(0)) < 0.5
    held_out = table.known & is_half.to(table.known.device)
    kept = table.known & ~keep_some_back(table, (rows, held_out)).known
    assert not (kept & ~held_out).any()
    assert kept[:, 0].sum() == 0
    assert kept[:, n].sum() == 3
    others = [cell for cell in range(table.known.shape[1]) if cell not in {0, n}]
    assert (kept[:, others].sum(dim=0) == (MOST_KEPT * held_out[:, others].sum(dim=0)).long()).all()
    halves = [int(half.sum()) for half in kept[:, others].chunk(2)]
    assert halves[0] == pytest.approx(halves[1], rel=0.2)
    assert table.known[:, 1:n].all()  # the table itself stays as it was


def test_intervals_of_a_table_without_holes_cover_new_rows():
    rng = np.random.default_rng(0)

    def made(n_rows: int) -> pd.DataFrame:
        x = rng.normal(size=(n_rows, 3))
        titles = [" ".join(rng.choice(list("abcdefghijklmnop"), 5)) for _ in range(n_rows)]  # noise to be remembered
        return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 0] + x[:, 1] + 0.5 * x[:, 2], "title": titles})

    learned, new = made(1_000), made(400)
    imputer = GAINImputer(random_state=0, max_steps=600, n_trees=0, round_to_grid=False).fit(learned)
    for _ in range(2):
        cells = imputer.impute(new.assign(c=np.nan)).cells
        covered = ((cells["lower"].to_numpy() <= new["c"]) & (new["c"] <= cells["upper"].to_numpy())).mean()
        assert 0.84 <= covered <= 0.97
        imputer.partial_fit(learned)  # rows that it knows make it no surer


@pytest.mark.parametrize(
    ("was", "is_now", "temperature"),
    [(0.55, 0.9999, MOST_SCALE), (0.9999, 0.55, 1 / MOST_SCALE), (0.7, 0.7, 1.0), (0.6, 0.8, 3.42), (1.0, 1.0, 1.0)],
)
def test_surer_categories_are_made_as_sure_as_they_were_as_far_as_may_be(was, is_now, temperature):
    before, now = (np.tile([sure, 1 - sure], (40, 1)).astype(np.float32) for sure in (was, is_now))
    assert _temperature([before], [now]) == pytest.approx(temperature, rel=0.01)


def test_rows_that_are_learned_again_make_no_category_surer():
    table = shop_table(400).drop(columns="title")
    imputer = quick_imputer(max_steps=200, d_hidden=32, n_trees=5).fit(table)
    asked = shop_table(200, seed=1).drop(columns="title").assign(colour=None)
    before = imputer.category_probabilities(asked, "colour").max(axis=1).mean()
    weights = imputer.state_.members[0].experts.weights
    imputer.partial_fit(table)
    assert imputer.category_probabilities(asked, "colour").max(axis=1).mean() == pytest.approx(before, abs=0.02)
    assert imputer.state_.members[0].experts.weights == weights


def test_more_rows_without_held_out_cells_keep_what_was_found_before():
    imputer = quick_imputer(max_steps=60).fit(shop_table(300).drop(columns="title"))
    training = imputer.state_.members[0].training
    sizes, before = training.layout.class_sizes, training.averaged.temperatures.clone()
    assert len(before.unique()) > 1
    few = shop_table(6, seed=1).drop(columns="title").assign(colour="a colour never seen")
    imputer.partial_fit(few)
    assert imputer.state_.members[0].training.layout.class_sizes > sizes  # so the networks were made anew
    # so few empty cells are taken together: one scale for all columns
    scaled_by = imputer.state_.members[0].training.averaged.temperatures / before
    torch.testing.assert_close(scaled_by, scaled_by[:1].expand_as(scaled_by), rtol=1e-4, atol=0)
