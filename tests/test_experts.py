"""Trees say what scikit-learn's would, touch unknown cells alone, and are believed where they help."""

from __future__ import annotations

import dataclasses
import hashlib
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor

from gain_impute import GAINImputer
from gain_impute.errors import ModelFormatError
from gain_impute.experts import (
    LEAST_ROWS,
    MOST_ROWS,
    MOST_WORK,
    N_TEXT_AXES,
    CompletedRows,
    Experts,
    Forest,
    HeldOutRows,
    expert_rows,
)
from tests.strategies import quick_imputer


def made(n_rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, a number and a category that hang on them."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_rows, 4)).astype(np.float32)
    number = np.where(features[:, 0] > 0, features[:, 1], -features[:, 2]).astype(np.float32)
    return features, number, 1 + (features[:, 3] > 0.5) + (features[:, 0] > 1)


def completed(n_rows: int, *, n_texts: int = 0, seed: int = 0) -> CompletedRows:
    """Three numbers of which the last is a step of the first, and one category of three that follows the second."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n_rows, 3)).astype(np.float32)
    numbers[:, 2] = np.sign(numbers[:, 0])
    codes = 1 + np.digitize(numbers[:, 1:2], [-0.5, 0.5])
    bags = tuple(rng.normal(size=(n_rows, 6)).astype(np.float32) for _ in range(n_texts))
    return CompletedRows(numbers, codes, bags)


def grown(rows: CompletedRows, *, text_cells: tuple[int, ...] = (), weight: float = 1.0) -> Experts:
    n_cells = rows.numbers.shape[1] + rows.codes.shape[1]
    known = np.ones((len(rows.numbers), n_cells), bool)
    return Experts.fit(rows, known, text_cells, weights=dict.fromkeys(range(n_cells), weight), n_trees=10, seed=0)


# ------------------------------------------------------------------------------------------------- a forest


@pytest.mark.parametrize("n_rows", [40, 400])
def test_a_forest_says_the_mean_of_scikit_learns_trees(n_rows):
    features, number, _ = made(n_rows)
    forest = Forest.fit(features, number, is_number=True, n_trees=5, seed=3)
    seeds = np.random.SeedSequence(3).generate_state(5)
    trees = [ExtraTreeRegressor(max_features=0.5, random_state=int(seed)).fit(features, number) for seed in seeds]
    unseen = made(100, seed=1)[0]
    wanted = np.mean([tree.predict(unseen) for tree in trees], axis=0)
    np.testing.assert_allclose(forest.means(unseen), wanted, atol=1e-5)


def test_a_forest_counts_the_votes_of_scikit_learns_trees():
    features, _, code = made(300)
    forest = Forest.fit(features, code, is_number=False, n_trees=7, seed=3)
    seeds = np.random.SeedSequence(3).generate_state(7)
    trees = [ExtraTreeClassifier(max_features=0.5, random_state=int(seed)).fit(features, code) for seed in seeds]
    unseen = made(100, seed=1)[0]
    votes = np.stack([tree.predict(unseen) for tree in trees])
    wanted = np.stack([(votes == category).mean(axis=0) for category in (1, 2, 3, 4)], axis=1)
    np.testing.assert_allclose(forest.shares(unseen, 4), wanted, atol=1e-6)


def test_thresholds_lose_nothing_in_single_precision():
    # a number stands on either side of its own threshold as it did when the tree was grown
    features, number, _ = made(2_000)
    forest = Forest.fit(features, number, is_number=True, n_trees=1, seed=0)
    np.testing.assert_array_equal(forest.means(features), number)


DAMAGES = {
    "a circle": ("right", 0, 0),
    "a child beyond the tree": ("right", 0, 10**6),
    "a feature that is not there": ("feature", 0, 99),
    "starts that do not begin": ("starts", 0, 1),
    "starts that do not end": ("starts", -1, 10**6),
    "starts that go back": ("starts", 1, -5),
}


@pytest.mark.parametrize(("field", "at", "value"), DAMAGES.values(), ids=DAMAGES)
def test_a_forest_that_cannot_be_walked_through_is_refused(field, at, value):
    features, number, _ = made(100)
    forest = Forest.fit(features, number, is_number=True, n_trees=2, seed=0)
    damaged = getattr(forest, field).copy()
    damaged[at] = value
    with pytest.raises(ValueError, match="forest"):
        dataclasses.replace(forest, **{field: damaged})


# ------------------------------------------------------------------------------------------------ the experts


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99), share=st.floats(0, 1), weight=st.floats(0.05, 1))
def test_a_blend_moves_unknown_cells_towards_the_trees_and_no_others(seed, share, weight):
    rows, rng = completed(60, seed=seed), np.random.default_rng(seed)
    experts = grown(rows, weight=weight)
    known = rng.random((60, 4)) >= share
    asked = np.flatnonzero(~known[:, 3])
    numbers, said = rng.normal(size=(60, 3)).astype(np.float32), np.full((len(asked), 3), 1 / 3, np.float32)
    before, features = numbers.copy(), experts.features(rows)
    experts.blend(rows, known, numbers, [said])
    np.testing.assert_array_equal(numbers[known[:, :3]], before[known[:, :3]])
    for cell in range(3):
        wanted = (1 - weight) * before[:, cell] + weight * experts.forests[cell].means(features)
        np.testing.assert_allclose(numbers[~known[:, cell], cell], wanted[~known[:, cell]], atol=1e-5)
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    wanted = (1 - weight) / 3 + weight * experts.forests[3].shares(features[asked], 3)
    np.testing.assert_allclose(said, wanted, atol=1e-5)


def test_no_tree_reads_its_own_column_or_the_text_of_it():
    rows = completed(200, n_texts=2)
    experts = grown(rows, text_cells=(-1, 3))
    first_text, own_text = range(4, 4 + N_TEXT_AXES), range(4 + N_TEXT_AXES, 4 + 2 * N_TEXT_AXES)
    for cell, forest in experts.forests.items():
        read = set(forest.feature.tolist()) - {-1}
        assert cell not in read
        assert read & set(first_text)
        assert bool(read & set(own_text)) == (cell != 3)


@pytest.mark.parametrize("trees_are_right", [True, False])
def test_trees_are_believed_as_far_as_held_out_cells_show_that_they_help(trees_are_right):
    rows, true, rng = completed(600), completed(600, seed=1), np.random.default_rng(0)
    noise = np.float32(0.0 if not trees_are_right else 1.0)
    guesses = true.numbers + noise * rng.normal(size=true.numbers.shape).astype(np.float32)
    right = np.eye(3, dtype=np.float32)[true.codes[:, 0] - 1]
    experts = grown(rows)
    held_out = np.zeros((600, 4), bool)
    held_out[:, 2:] = True
    # the generator's guesses stand in the completed rows only where they are asked for
    shown_numbers = np.where(held_out[:, :3], guesses, true.numbers)
    shown = HeldOutRows(
        CompletedRows(shown_numbers, true.codes, ()),
        held_out,
        true.numbers,
        true.codes,
        [np.arange(600)],
        [np.full_like(right, 1 / 3) if trees_are_right else right],
    )
    weights = experts.weighed(shown).weights
    if trees_are_right:
        assert weights[2] > 0.8
        assert weights[3] > 0.8
    else:
        assert 2 not in weights
        assert 3 not in weights


def test_a_column_with_too_few_known_cells_has_no_trees_and_none_are_begun_after_the_deadline():
    rows = completed(100)
    known = np.ones((100, 4), bool)
    known[LEAST_ROWS - 1 :, 1] = False
    weights = dict.fromkeys(range(4), 0.5)
    experts = Experts.fit(rows, known, (), weights=weights, n_trees=2, seed=0)
    assert set(experts.forests) == {0, 2, 3}
    late = Experts.fit(rows, known, (), weights=weights, n_trees=2, seed=0, deadline=time.perf_counter())
    assert late.forests == {}


@given(
    n_rows=st.integers(1, 60_000),
    n_cells=st.integers(1, 300),
    n_texts=st.integers(0, 5),
    n_always=st.integers(0, 50),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=50)
def test_trees_learn_from_a_bounded_number_of_rows_with_the_wanted_ones_among_them(
    n_rows, n_cells, n_texts, n_always, seed
):
    always = np.sort(np.random.default_rng(seed).choice(n_rows, min(n_always, n_rows), replace=False))
    rows = expert_rows(n_rows, n_cells, n_texts, always=always, seed=seed)
    n_features = n_cells + N_TEXT_AXES * n_texts
    bound = max(LEAST_ROWS, len(always), min(MOST_ROWS, MOST_WORK // (n_cells * n_features)))
    assert len(rows) == min(n_rows, bound)
    assert (np.diff(rows) > 0).all()
    assert np.isin(always, rows).all()
    np.testing.assert_array_equal(rows, expert_rows(n_rows, n_cells, n_texts, always=always, seed=seed))


# ------------------------------------------------------------------------------------------------ the imputer


def stepped(n_rows: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a table whose columns are steps of one another, with a tenth of the cells hidden, and the truth."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, n_rows)
    truth = pd.DataFrame({"x": x, "step": np.floor(3 * x) % 4, "other": np.floor(5 * x) % 3 + 0.5})
    truth["kind"] = np.where(np.floor(4 * x) % 2 == 0, "even", "odd")
    return truth.mask(rng.random(truth.shape) < 0.1), truth


def test_trees_fill_what_a_small_network_smooths_over():
    table, truth = stepped(600)
    errors = {}
    for n_trees in (0, 20):
        filled = quick_imputer(n_trees=n_trees, max_steps=200, round_to_grid=False).fit_transform(table)
        holes = table["step"].isna()
        errors[n_trees] = float(((filled["step"] - truth["step"])[holes] ** 2).mean())
    assert errors[20] < 0.7 * errors[0]


def test_a_loaded_model_asks_the_same_trees(tmp_path):
    table, _ = stepped(400)
    imputer = quick_imputer(n_trees=5).fit(table)
    assert imputer.state_.experts is not None
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert loaded.state_.experts.weights == imputer.state_.experts.weights
    pd.testing.assert_frame_equal(loaded.transform(table), imputer.transform(table))


DAMAGED_TENSORS = {
    "a code that no category has": ("experts.forest.3.value", lambda array: np.full_like(array, 99)),
    "another dtype": ("experts.forest.3.feature", lambda array: array.astype(np.float64)),
    "another shape": ("experts.forest.3.right", lambda array: array[:, None]),
    "an endless path": ("experts.forest.3.right", np.zeros_like),
}


@pytest.mark.parametrize(("name", "damage"), DAMAGED_TENSORS.values(), ids=DAMAGED_TENSORS)
def test_a_model_whose_trees_do_not_fit_it_is_refused_in_loading(name, damage, tmp_path):
    imputer = quick_imputer(n_trees=5, max_steps=60).fit(stepped(400)[0])
    imputer.save(tmp_path / "model")
    file, sums = tmp_path / "model" / "weights.safetensors", tmp_path / "model" / "SHA256SUMS"
    tensors = load_file(file)
    tensors[name] = damage(tensors[name])
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    save_file(tensors, file)
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(file.read_bytes()).hexdigest()))
    with pytest.raises(ModelFormatError, match="damaged"):
        GAINImputer.load(tmp_path / "model")


def test_without_trees_there_are_no_experts():
    table, _ = stepped(400)
    assert quick_imputer(n_trees=0).fit(table).state_.experts is None


def test_more_rows_are_learned_by_new_trees_and_few_rows_leave_the_old_ones():
    table, _ = stepped(400)
    imputer = quick_imputer(n_trees=5).fit(table)
    before = imputer.state_.experts
    few = imputer.partial_fit(stepped(200, seed=1)[0]).state_.experts
    assert few.forests.keys() <= before.forests.keys()
    assert all(few.forests[cell] is before.forests[cell] for cell in few.forests)
    many = imputer.partial_fit(stepped(800, seed=2)[0]).state_.experts
    assert many.n_rows == 800
    assert not any(many.forests[cell] is before.forests.get(cell) for cell in many.forests)


def test_a_time_limit_leaves_time_for_trees():
    table, _ = stepped(400)
    imputer = quick_imputer(n_trees=5, max_steps=100_000, max_time_s=2.0).fit(table)
    assert imputer.state_.experts is not None
    assert imputer.history_["stopped"].iloc[-1] == "time"


def test_draws_keep_their_spread_around_what_the_trees_say():
    table, _ = stepped(600)
    imputer = quick_imputer(n_trees=20, max_steps=200, round_to_grid=False).fit(table)
    holes = table["other"].isna()
    draws = np.stack([draw.loc[holes, "other"].to_numpy() for draw in imputer.sample(table, n_draws=20)])
    best = imputer.transform(table).loc[holes, "other"].to_numpy()
    assert np.median(draws.std(axis=0)) > 0  # at the column's bounds all draws may be the same
    assert np.abs(draws.mean(axis=0) - best).mean() < draws.std(axis=0).mean()
