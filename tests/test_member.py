"""Several whole fits whose word is averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gain_impute import PRESETS, GAINImputer
from gain_impute.batches import TensorTable
from gain_impute.completion import Completion, complete
from gain_impute.config import GAINConfig
from gain_impute.errors import ConfigError
from gain_impute.masking import apply_hidden, hide_cells
from gain_impute.member import Member
from gain_impute.prediction import Prediction, predict, unknown_shares
from gain_impute.state import EpochLog
from gain_impute.training import NullTracker, torch_session
from tests.strategies import quick_imputer, shop_table

pytestmark = pytest.mark.filterwarnings("ignore:Empty cells of these columns")

N_MEMBERS, N_STEPS = 3, 40
NUMBERS = ["weight", "price", "stock", "since"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return shop_table(200)


@pytest.fixture(scope="module")
def imputer(table) -> GAINImputer:
    return quick_imputer(n_members=N_MEMBERS, max_steps=N_STEPS, n_trees=5, round_to_grid=False).fit(table)


def said_by(imputer: GAINImputer, members: Sequence[Member], table: pd.DataFrame) -> Prediction:
    encoded, _, _ = imputer.state_.encoder.encode(table)
    with torch_session(1, 0, imputer.state_.device):
        tensors = TensorTable.from_encoded(encoded, imputer.state_.encoder.layout, imputer.state_.device)
        return predict(members, tensors, np.arange(len(table)), spread=True)


def completed_by(imputer: GAINImputer, members: Sequence[Member], table: pd.DataFrame) -> Completion:
    with torch_session(1, 0, imputer.state_.device):
        return complete(replace(imputer.state_, members=tuple(members)), table, round_to_grid=False)


def test_a_number_is_the_mean_of_what_the_members_say(imputer, table):
    alone = [completed_by(imputer, [member], table).filled for member in imputer.state_.members]
    together = completed_by(imputer, imputer.state_.members, table).filled
    for name in ("weight", "price"):
        said = np.stack([filled[name].values for filled in alone])
        assert (said.std(axis=0) > 0).any()  # they are not of one mind
        np.testing.assert_allclose(together[name].values, said.mean(axis=0), rtol=1e-4)


def test_the_probabilities_of_categories_are_the_means_of_theirs(imputer, table):
    encoded, _, _ = imputer.state_.encoder.encode(table)
    rows = np.arange(len(table))
    with torch_session(1, 0, imputer.state_.device):
        tensors = TensorTable.from_encoded(encoded, imputer.state_.encoder.layout, imputer.state_.device)
        alone = [unknown_shares([member], tensors, rows) for member in imputer.state_.members]
        together = unknown_shares(imputer.state_.members, tensors, rows)
    for column, shares in enumerate(together):
        np.testing.assert_allclose(shares, np.mean([each[column] for each in alone], axis=0), atol=1e-6)
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    shares = imputer.category_probabilities(table, "kind")
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)


def test_members_who_are_of_one_mind_say_what_one_of_them_says(imputer, table):
    one = imputer.state_.members[1]
    alone, together = said_by(imputer, [one], table), said_by(imputer, [one] * 4, table)
    np.testing.assert_allclose(together.numbers, alone.numbers, atol=1e-6)
    np.testing.assert_allclose(together.spread, alone.spread, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(together.codes, alone.codes)
    np.testing.assert_array_equal(together.heard, alone.heard)


def test_a_number_is_as_unsure_as_members_are_and_as_they_are_apart(imputer, table):
    alone = [said_by(imputer, [member], table) for member in imputer.state_.members]
    apart = np.var([said.numbers for said in alone], axis=0)
    expected = np.sqrt(np.mean([said.spread**2 for said in alone], axis=0) + apart)
    np.testing.assert_allclose(said_by(imputer, imputer.state_.members, table).spread, expected, rtol=1e-3, atol=1e-5)


def test_who_is_heard_by_most_members_is_heard(imputer, table):
    with_experts, without = imputer.state_.members[0], Member(imputer.state_.members[1].training)
    assert said_by(imputer, [with_experts], table).heard.any()
    many = said_by(imputer, [with_experts, with_experts, without], table)
    np.testing.assert_array_equal(many.heard, said_by(imputer, [with_experts], table).heard)
    assert not said_by(imputer, [with_experts, without, without], table).heard.any()
    assert not said_by(imputer, [with_experts, without], table).heard.any()  # half is not most


def test_intervals_cover_and_draws_differ(table):
    truth = shop_table(600, seed=3)
    hidden = hide_cells(truth, 0.2, rng=0)
    visible = apply_hidden(truth, hidden)
    imputer = quick_imputer(n_members=2, max_steps=150, round_to_grid=False).fit(visible)
    cells = imputer.impute(visible).cells
    cells = cells[(cells["column"] == "weight") & hidden["weight"].to_numpy()[cells["position"]]]
    known = truth["weight"].to_numpy()[cells["position"]]
    covered = ((cells["lower"] <= known) & (known <= cells["upper"])).mean()
    assert covered >= 0.75
    first, second = imputer.sample(visible, n_draws=2)
    assert not first["weight"].equals(second["weight"])
    pd.testing.assert_frame_equal(imputer.sample(visible, n_draws=2)[1], second)


def test_every_member_learns_as_long_as_one_alone_and_each_something_else(imputer):
    members = imputer.state_.members
    assert [member.training.n_steps for member in members] == [N_STEPS] * N_MEMBERS
    first, second, third = (member.training.averaged.head.weight for member in members)
    assert not any(a.equal(b) for a, b in ((first, second), (second, third), (first, third)))
    forests = [next(iter(member.experts.forests.values())) for member in members]
    assert len({forest.value.tobytes() for forest in forests}) == N_MEMBERS


def test_the_history_counts_the_steps_of_all(table):
    told: list[EpochLog] = []

    class Ear(NullTracker):
        def on_epoch(self, epoch: EpochLog) -> None:
            told.append(epoch)

    imputer = quick_imputer(n_members=N_MEMBERS, max_steps=N_STEPS).fit(table, tracker=Ear())
    history = imputer.history_
    assert [log.as_dict() for log in told] == [log.as_dict() for log in imputer.state_.history]
    assert history["step"].is_monotonic_increasing
    assert history["step"].is_unique
    assert history["step"].iloc[-1] == imputer.state_.n_steps == N_MEMBERS * N_STEPS
    assert history["elapsed_s"].is_monotonic_increasing
    assert set(history["member"]) == set(range(N_MEMBERS))


def test_a_saved_committee_fills_alike_and_goes_on_learning(imputer, table, tmp_path: Path):
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert loaded.n_members == N_MEMBERS
    assert loaded.state_.model_id() == imputer.state_.model_id()
    pd.testing.assert_frame_equal(loaded.transform(table), imputer.transform(table))
    pd.testing.assert_frame_equal(loaded.history_, imputer.history_)
    before = loaded.state_.model_id()
    loaded.partial_fit(shop_table(100, seed=5))
    assert [member.training.n_steps for member in loaded.state_.members] == [2 * N_STEPS] * N_MEMBERS
    assert loaded.state_.model_id() != before


def test_their_number_stays_in_a_partial_fit(imputer, table):
    more = quick_imputer(n_members=2, max_steps=3).fit(table).set_params(n_members=3)
    with pytest.raises(ConfigError, match=r"'n_members' parameter .* must be that of the first fit, 2"):
        more.partial_fit(table)


def test_a_bounded_time_is_shared_by_all(table):
    imputer = quick_imputer(n_members=2, max_steps=100_000, max_time_s=2.0).fit(table)
    n_steps = [member.training.n_steps for member in imputer.state_.members]
    assert min(n_steps) > 1
    assert set(imputer.history_.query("stopped != ''")["stopped"]) <= {"time", "no improvement"}


def test_a_table_that_cannot_be_filled_has_no_members():
    titles = shop_table(60)[["title"]]
    fitted = quick_imputer(n_members=2).fit(titles)
    assert fitted.state_.members == ()
    pd.testing.assert_frame_equal(fitted.transform(titles), titles)


def test_presets_are_parameters():
    for params in PRESETS.values():
        assert GAINConfig(**params) != GAINConfig()
        assert set(params) <= set(GAINImputer().get_params())
