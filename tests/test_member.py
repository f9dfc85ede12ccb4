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
from gain_impute.config import SHARED, GAINConfig
from gain_impute.errors import ConfigError
from gain_impute.masking import apply_hidden, hide_cells
from gain_impute.member import Member
from gain_impute.prediction import Prediction, predict, unknown_shares
from gain_impute.sessions import torch_session
from gain_impute.state import EpochLog
from gain_impute.training import NullTracker
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


# --------------------------------------------------------------------------------------- members that are not alike


VARIANTS = [{"d_hidden": 24, "n_bins": 7, "max_steps": 20}, {"n_trees": 0, "dropout": 0.3, "n_blocks": 0}]


@pytest.fixture(scope="module")
def mixed(table) -> GAINImputer:
    return quick_imputer(variants=VARIANTS, max_steps=N_STEPS, n_trees=5).fit(table)


def test_members_have_sizes_steps_and_experts_of_their_own(mixed):
    own, small, alone = mixed.state_.members
    assert [member.training.n_steps for member in mixed.state_.members] == [N_STEPS, 20, N_STEPS]
    assert [len(member.training.generator.read.bias) for member in (own, small, alone)] == [16, 24, 16]
    assert [config.n_bins for config in mixed.state_.configs] == [24, 7, 24]
    assert (own.experts is None, small.experts is None, alone.experts is None) == (False, False, True)
    assert mixed.history_["step"].iloc[-1] == mixed.state_.n_steps == 2 * N_STEPS + 20


def test_a_variant_that_differs_in_nothing_is_one_more_member(table):
    two = quick_imputer(n_members=2).fit(table)
    same = quick_imputer(variants=[{"effort": 1.0}]).fit(table)
    assert same.state_.model_id() == two.state_.model_id()


def test_knots_of_another_number_are_quantiles_of_the_same_values(mixed, table):
    state = mixed.state_
    for config, member in zip(state.configs, state.members, strict=True):
        edges = state.edges(config)
        np.testing.assert_array_equal(edges, member.training.averaged.pieces.edges.numpy())
        assert edges.shape == (len(NUMBERS), config.n_bins + 1)
        encoder = state.encoder.numbers["weight"]
        scores = encoder.encode(table["weight"].dropna().to_numpy())
        at = list(state.encoder.numbers).index("weight")
        np.testing.assert_allclose(edges[at], np.quantile(scores, np.linspace(0, 1, config.n_bins + 1)), atol=0.1)
        assert (np.diff(edges, axis=1) >= 0).all()


def test_members_that_are_not_alike_are_saved_and_go_on_learning(mixed, table, tmp_path: Path):
    mixed.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert loaded.variants == VARIANTS
    assert loaded.state_.model_id() == mixed.state_.model_id()
    pd.testing.assert_frame_equal(loaded.transform(table), mixed.transform(table))
    loaded.partial_fit(shop_table(100, seed=5))
    assert [member.training.n_steps for member in loaded.state_.members] == [2 * N_STEPS, 40, 2 * N_STEPS]
    with pytest.raises(ConfigError, match=r"as many 'variants' as in the first fit, 2, in a partial fit. Got 1"):
        loaded.set_params(variants=VARIANTS[:1]).partial_fit(table)
    with pytest.raises(ConfigError, match=r"'d_hidden' parameter .* must be that of the first fit, 24"):
        loaded.set_params(variants=[{**VARIANTS[0], "d_hidden": 16}, VARIANTS[1]]).partial_fit(table)


def test_numbers_of_numpy_are_saved_as_numbers(table, tmp_path: Path):
    quick_imputer(variants=[{"d_hidden": np.int64(24), "dropout": np.float64(0.2)}]).fit(table).save(tmp_path / "m")
    assert GAINImputer.load(tmp_path / "m").variants == [{"d_hidden": 24, "dropout": 0.2}]


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ("d_hidden", "must be a list of dicts or None. Got 'd_hidden'"),
        ({"d_hidden": 24}, "must be a list of dicts or None"),
        ([{}], "must be a dict of hyper-parameters that members need not share"),
        ([{"dhidden": 24}], r"Got \{'dhidden': 24\} instead"),
        ([None], "Got None instead"),
        *(([{name: 3}], f"They share .*{name}") for name in SHARED),
        ([{"d_hidden": 0}], "'d_hidden' parameter .* must be an int in the range"),
        ([{"rehide_min": 0.9}], "'rehide_min' parameter must not exceed 'rehide_max'"),
    ],
)
def test_variants_that_cannot_be_are_refused_before_any_work(table, variants, message):
    with pytest.raises(ConfigError, match=message):
        quick_imputer(variants=variants).fit(table)
