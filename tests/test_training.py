"""The loop learns what can be learned, sees only what it may see, and stops when it should."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time

import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_info

from gain_impute.batches import TensorTable
from gain_impute.config import GAINConfig
from gain_impute.encoding.table import TableEncoder
from gain_impute.errors import UnfillableWarning
from gain_impute.member import Member
from gain_impute.prediction import predict
from gain_impute.schema import infer_schema
from gain_impute.sessions import torch_session
from gain_impute.state import EpochLog, TrainingState
from gain_impute.training import HeldOut, NullTracker, held_out_cells, nothing_held_out, train
from tests.strategies import quick_imputer, shop_table

CPU = torch.device("cpu")
SMALL = GAINConfig(d_hidden=32, n_blocks=1, d_noise=4, n_bins=8, batch_size=64, learning_rate=0.01, dropout=0.0)


def learnable(n_rows: int = 400, *, noise: float = 0.05) -> pd.DataFrame:
    """Make a table of which each column follows from the others."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=n_rows)
    return pd.DataFrame(
        {
            "size": size,
            "price": 3 * size + noise * rng.normal(size=n_rows),
            "kind": np.where(size > 0, "big", "small"),
        }
    )


def prepared(frame: pd.DataFrame, config: GAINConfig = SMALL) -> tuple[TrainingState, TensorTable]:
    encoder = TableEncoder.fit(frame, infer_schema(frame), n_bins=config.n_bins, n_buckets=config.n_buckets)
    encoded, _, _ = encoder.encode(frame)
    edges = np.array([column.edges for column in encoder.numbers.values()], np.float32).reshape(-1, config.n_bins + 1)
    return TrainingState.new(encoder.layout, edges, config, CPU), TensorTable.from_encoded(encoded, encoder.layout, CPU)


def trained(
    frame: pd.DataFrame, config: GAINConfig = SMALL, *, n_steps: int, share: float = 0.0, **options
) -> TrainingState:
    with torch_session(1, 0, CPU):
        state, table = prepared(frame, config)
        held_out = held_out_cells(table.known, share) if share else nothing_held_out(table.known)
        train(state, table, held_out, config, n_steps=n_steps, **options)
    return state


def history_of(frame: pd.DataFrame, config: GAINConfig = SMALL, **options) -> list[EpochLog]:
    told: list[EpochLog] = []
    trained(frame, config, on_epoch=told.append, **options)
    return told


# ------------------------------------------------------------------------------------------------- it learns


def test_losses_fall_on_a_table_that_can_be_learned():
    history = history_of(learnable(), n_steps=250, share=0.1)
    first, last = history[0], history[-1]
    assert last.imputation_loss < first.imputation_loss / 2
    assert last.validation_loss < first.validation_loss / 2
    assert last.draw_loss < first.draw_loss


def test_what_was_learned_fills_hidden_cells_better_than_the_mean():
    frame = learnable()
    state = trained(frame, n_steps=250)
    _, table = prepared(frame)
    known = table.known.clone()
    known[:, 1] = False  # hide every price
    with torch_session(1, 0, CPU):
        prediction = predict([Member(state)], table, np.arange(len(frame)), known=known)
    error = prediction.numbers[:, 1] - table.numbers[:, 1].numpy()
    assert np.sqrt((error**2).mean()) < 0.5  # the mean's is 1


def test_a_category_that_follows_from_a_number_is_found():
    frame = learnable()
    state = trained(frame, n_steps=250)
    _, table = prepared(frame)
    known = table.known.clone()
    known[:, 2] = False
    with torch_session(1, 0, CPU):
        prediction = predict([Member(state)], table, np.arange(len(frame)), known=known)
    assert (prediction.codes[:, 0] == table.codes[:, 0].numpy()).mean() > 0.9


def test_only_cells_that_may_not_be_read_are_given_categories():
    frame = learnable()
    state = trained(frame, n_steps=10)
    _, table = prepared(frame)
    known = table.known.clone()
    known[::3, 2] = False
    with torch_session(1, 0, CPU):
        some = predict([Member(state)], table, np.arange(len(frame)), known=known)
    np.testing.assert_array_equal(some.codes[:, 0] > 0, ~known[:, 2].numpy())
    np.testing.assert_array_equal(some.probabilities[:, 0] > 0, ~known[:, 2].numpy())


# --------------------------------------------------------------------------------- re-hiding: what it may see


def test_with_every_cell_hidden_again_nothing_can_be_learned_from_other_columns():
    # the loss is then that of the mean: 1 for each z-score, log 2 for the even category
    everything = dataclasses.replace(SMALL, rehide_min=1.0, rehide_max=1.0)
    some = dataclasses.replace(SMALL, rehide_min=0.3, rehide_max=0.3)
    blind, seeing = (history_of(learnable(), config, n_steps=200)[-1] for config in (everything, some))
    of_the_mean = (1 + 1 + math.log(2)) / 3
    assert blind.imputation_loss > 0.9 * of_the_mean
    assert seeing.imputation_loss < 0.5 * of_the_mean


def test_with_nothing_hidden_again_and_no_weight_on_visible_cells_there_is_nothing_to_learn():
    idle = dataclasses.replace(SMALL, rehide_min=0.0, rehide_max=0.0, visible_weight=0.0, adversary_weight=0.0)
    history = history_of(learnable(100), idle, n_steps=10)
    assert all(log.imputation_loss == log.draw_loss == log.adversarial_loss == 0 for log in history)


def test_the_generator_is_judged_on_what_was_hidden_and_not_on_what_is_empty():
    frame = learnable(100)
    frame.loc[frame.index % 3 == 0, frame.columns[1]] = np.nan
    unhidden = dataclasses.replace(SMALL, rehide_min=0.0, rehide_max=0.0)
    history = history_of(frame, unhidden, n_steps=30)
    assert all(log.adversarial_loss == 0 for log in history)
    assert history[-1].discriminator_loss > 0
    assert history_of(frame, n_steps=30)[-1].adversarial_loss > 0


def weights_of(state: TrainingState) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in state.averaged.state_dict().items()}


def test_held_out_cells_are_neither_read_nor_asked_for():
    frame, outcomes = learnable(120), []
    for spoiled in (False, True):
        with torch_session(1, 0, CPU):
            state, table = prepared(frame)
            rows, cells = held_out_cells(table.known, 0.2)
            assert int(cells.sum()) >= 30
            if spoiled:  # whatever stands in the held-out cells
                where = torch.zeros_like(table.known)
                where[rows] = cells
                table = dataclasses.replace(
                    table,
                    numbers=torch.where(where[:, :2], torch.full_like(table.numbers, 99.0), table.numbers),
                    codes=torch.where(where[:, 2:], 3 - table.codes, table.codes),
                )
            train(state, table, (rows, cells), SMALL, n_steps=4)  # too few epochs to stop early
            outcomes.append(state.generator.state_dict())
    assert all(torch.equal(outcomes[0][name], outcomes[1][name]) for name in outcomes[0])


def test_unknown_cells_are_neither_read_nor_asked_for():
    frame, outcomes = learnable(120), []
    for value in (0.0, 1234.0):
        with torch_session(1, 0, CPU):
            state, table = prepared(frame)
            table.known[::3, 0] = False
            table = dataclasses.replace(table, numbers=torch.where(table.known[:, :2], table.numbers, value))
            train(state, table, nothing_held_out(table.known), SMALL, n_steps=12)
            outcomes.append(weights_of(state))
    assert all(torch.equal(outcomes[0][name], outcomes[1][name]) for name in outcomes[0])


# ---------------------------------------------------------------------------------------- holding out cells


def test_known_cells_are_held_out_at_their_share_and_rows_ascend():
    with torch_session(1, 0, CPU):
        known = torch.ones(2000, 5, dtype=torch.bool)
        rows, cells = held_out_cells(known, 0.2)
        with_holes = torch.rand(2000, 5) < 0.7
        rows_with_holes, cells_with_holes = held_out_cells(with_holes, 0.2)
    assert bool((rows.diff() > 0).all())
    assert int(cells.sum()) == pytest.approx(0.2 * known.numel(), abs=4 * math.sqrt(0.16 * known.numel()))
    assert not bool((cells_with_holes & ~with_holes[rows_with_holes]).any())


def test_cells_that_are_empty_together_are_held_out_together():
    known = torch.ones(2_000, 4, dtype=torch.bool)
    known[::4, :2] = False
    with torch_session(1, 0, CPU):
        _, cells = held_out_cells(known, 0.1)
    together, alone = int((cells[:, 0] & cells[:, 1]).sum()), int((cells[:, 0] ^ cells[:, 1]).sum())
    assert together > 100  # by chance there would be 15
    assert alone > 100
    assert int((cells[:, 0] & cells[:, 2]).sum()) < 50


@pytest.mark.parametrize("share_empty", [0.0, 0.02, 0.3, 0.9])
@pytest.mark.parametrize("share", [0.05, 0.2])
def test_no_more_than_the_share_is_held_out_however_many_cells_are_empty(share, share_empty):
    with torch_session(1, 0, CPU):
        known = torch.rand(4_000, 5) > share_empty
        rows, cells = held_out_cells(known, share)
    n_known = int(known[rows].sum())
    assert int(cells.sum()) == pytest.approx(share * n_known, abs=4 * math.sqrt(share * n_known))


def test_too_few_cells_tell_nothing_and_are_not_held_out():
    with torch_session(1, 0, CPU):
        _, cells = held_out_cells(torch.ones(20, 3, dtype=torch.bool), 0.2)
        _, none = held_out_cells(torch.ones(500, 3, dtype=torch.bool), 0.0)
    assert not cells.any()
    assert not none.any()


def test_of_a_long_table_only_some_rows_are_held_out():
    with torch_session(1, 0, CPU):
        rows, _ = held_out_cells(torch.ones(50_000, 1, dtype=torch.bool), 0.1)
    assert len(rows) <= 4096
    rows, cells = nothing_held_out(torch.ones(7, 3, dtype=torch.bool))
    assert (len(rows), cells.shape) == (0, (0, 3))


# ------------------------------------------------------------------------------------------------- it stops


@pytest.mark.parametrize("n_steps", [1, 2, 24, 25, 26, 60])
def test_the_budget_of_steps_is_spent_to_the_last_and_each_epoch_is_told(n_steps):
    told: list[EpochLog] = []
    state = trained(learnable(60), n_steps=n_steps, on_epoch=told.append)
    assert state.n_steps == n_steps
    assert state.elapsed_s == told[-1].elapsed_s
    assert [log.stopped for log in told] == [""] * (len(told) - 1) + ["budget"]
    assert [log.step for log in told] == sorted({log.step for log in told})
    assert told[-1].step == n_steps
    assert len(told) <= 25
    assert all(math.isnan(log.validation_loss) for log in told)  # nothing is held out
    assert all(later.elapsed_s >= earlier.elapsed_s >= 0 for earlier, later in itertools.pairwise(told))


def test_the_means_of_an_epoch_are_finite_and_no_loss_is_negative():
    for log in history_of(learnable(100), n_steps=37, share=0.3):
        losses = [log.imputation_loss, log.draw_loss, log.adversarial_loss, log.discriminator_loss, log.validation_loss]
        assert np.isfinite(losses).all()
        assert min(losses) >= 0


def test_training_stops_when_held_out_cells_are_filled_clearly_worse():
    # noise, a wide network and a high rate: what it learns by heart is wrong elsewhere
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(150, 4)), columns=list("abcd"))
    config = GAINConfig(
        d_hidden=128, n_blocks=2, batch_size=64, learning_rate=0.01, dropout=0.0, adversary_weight=0.0, ema_decay=0.9
    )
    history = history_of(frame, config, n_steps=1500, share=0.15)
    losses = [log.validation_loss for log in history]
    assert history[-1].stopped == "no improvement"
    assert history[-1].step < 1500
    assert losses[-1] > min(losses)


def test_a_deadline_stops_training_at_once_and_is_recorded():
    history = history_of(learnable(60), n_steps=500, deadline=time.perf_counter() - 1)
    assert [(log.step, log.stopped) for log in history] == [(1, "time")]


def test_training_goes_on_from_where_it_is():
    told: list[EpochLog] = []
    with torch_session(1, 0, CPU):
        state, table = prepared(learnable(60))
        for _ in range(2):
            train(state, table, nothing_held_out(table.known), SMALL, n_steps=10, on_epoch=told.append)
    assert state.n_steps == 20
    assert [log.stopped for log in told if log.stopped] == ["budget", "budget"]
    assert told[-1].step == 20
    assert all(later.elapsed_s >= earlier.elapsed_s for earlier, later in itertools.pairwise(told))


def test_one_row_and_a_batch_longer_than_the_table_will_do():
    for n_rows in (1, 2, 5):
        state = trained(learnable(60).head(n_rows).assign(other=np.arange(n_rows) * 1.5), n_steps=3)
        assert all(bool(torch.isfinite(tensor).all()) for tensor in weights_of(state).values())


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_so_many_texts_are_taken_away_whole(rate):
    _, table = prepared(
        pd.DataFrame({"size": np.arange(2000.0), "title": [f"a thing, the {i} th" for i in range(2000)]})
    )
    with torch_session(1, 0, CPU):
        whole, some = (table.text_batches(torch.arange(2000), table.known, rate=each)[0] for each in (0.0, rate))
    counts = [torch.diff(text.offsets, append=torch.tensor([len(text.ids)])) for text in (whole, some)]
    is_left = counts[1] > 0
    assert 1 - float(is_left.float().mean()) == pytest.approx(rate, abs=0.03)
    assert counts[1][is_left].tolist() == counts[0][is_left].tolist()


def test_texts_are_hidden_until_the_refinement(monkeypatch):
    rates, gather = [], TensorTable.text_batches

    def noting(self, rows, visible, **options):
        rates.extend(options.values())  # only a training step says how many to hide
        return gather(self, rows, visible, **options)

    monkeypatch.setattr(TensorTable, "text_batches", noting)
    with pytest.warns(UnfillableWarning):
        quick_imputer(max_steps=30, n_trees=0, rehide_texts=0.3).fit(shop_table())
    assert rates == [0.3] * 25 + [0.0] * 5


# ------------------------------------------------------------------------------------- seeds and settings


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_session_has_its_threads_for_matrix_products_of_numpy_too(n_threads):
    def n_each() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = n_each()
    assert before
    with torch_session(n_threads, 0, torch.device("cpu")):
        assert n_each() == [n_threads] * len(before)
    assert n_each() == before


def test_a_session_has_a_seed_and_threads_of_its_own_and_puts_them_back():
    n_threads, state = torch.get_num_threads(), torch.get_rng_state()
    with torch_session(n_threads + 1, 7, CPU):
        first = torch.rand(3)
        assert torch.get_num_threads() == n_threads + 1
    with torch_session(n_threads, 7, CPU):
        assert torch.equal(torch.rand(3), first)
    assert torch.get_num_threads() == n_threads
    assert torch.equal(torch.get_rng_state(), state)


def test_the_averaged_weights_lie_between_the_first_and_the_last():
    state = trained(learnable(60), dataclasses.replace(SMALL, ema_decay=0.0), n_steps=5)
    for name, tensor in state.generator.state_dict().items():
        torch.testing.assert_close(state.averaged.state_dict()[name], tensor)


def test_a_tracker_of_nothing_takes_everything():
    tracker, table = NullTracker(), pd.DataFrame({"n": [1.0]})
    schema = infer_schema(table)
    answers = [
        tracker.on_fit_begin({}, table, schema),
        tracker.on_epoch(history_of(learnable(60), n_steps=1)[0]),
        tracker.on_held_out(HeldOut(table, schema, table.notna(), lambda rows: (rows, rows))),
        tracker.on_fit_end({}, None),
    ]
    assert answers == [None, None, None, None]
