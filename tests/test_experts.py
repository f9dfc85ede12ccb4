"""Experts say what scikit-learn's would, touch unknown cells alone, and are believed where they help."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import BayesianRidge
from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor

from gain_impute import GAINImputer
from gain_impute.completed import CompletedRows, HeldOutRows
from gain_impute.dependencies import Dependencies
from gain_impute.errors import ModelFormatError
from gain_impute.experts import (
    LEAST_ROWS,
    N_LINE_CATEGORIES,
    N_TREE_AXES,
    SHARE_OF_FIRST_TREES,
    Experts,
)
from gain_impute.forest import FEW_ROWS_ASKED, Forest
from gain_impute.learning import FEW_ROWS, MOST_ROWS, MOST_WORK, MOST_WORK_OF_FEW, expert_rows
from gain_impute.line import Line
from gain_impute.neighbours import Neighbours
from gain_impute.schema import ColumnSchema, Kind, Schema
from gain_impute.text_axes import N_AXES, TextAxes
from gain_impute.weighing import USUAL, Weights, blended
from tests.strategies import quick_imputer, shop_table

TREES_ALONE = Weights(1, 0, 0)


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
    texts = tuple(rng.normal(size=(n_rows, 6)).astype(np.float32) for _ in range(n_texts))
    return CompletedRows(numbers, codes, texts)


def taught(rows: CompletedRows, *, text_cells: tuple[int, ...] = (), weights: Weights = USUAL) -> Experts:
    n_cells = rows.numbers.shape[1] + rows.codes.shape[1]
    known, wanted = np.ones((len(rows.numbers), n_cells), bool), dict.fromkeys(range(n_cells), weights)
    axes = tuple(TextAxes(np.ones((9, 1 + text.shape[1]), np.float32)) for text in rows.texts)
    return Experts.fit(
        rows,
        known,
        axes,
        text_cells,
        (3,),
        weights=wanted,
        neighbours=Neighbours.none(),
        dependencies=Dependencies.none(),
        n_trees=10,
        seed=0,
    )


# ------------------------------------------------------------------------------------------------- a forest


@pytest.mark.parametrize("n_rows", [40, 400])
def test_a_forest_says_the_mean_of_scikit_learns_trees(n_rows):
    features, number, _ = made(n_rows)
    forest = Forest.fit(features, number, is_number=True, n_trees=5, seed=3)
    seeds = np.random.SeedSequence(3).generate_state(5)
    trees = [ExtraTreeRegressor(random_state=int(seed)).fit(features, number) for seed in seeds]
    unseen = made(100, seed=1)[0]
    wanted = np.mean([tree.predict(unseen) for tree in trees], axis=0)
    np.testing.assert_allclose(forest.means(unseen), wanted, atol=1e-5)


def test_a_forest_counts_the_votes_of_scikit_learns_trees():
    features, _, code = made(300)
    forest = Forest.fit(features, code, is_number=False, n_trees=7, seed=3)
    seeds = np.random.SeedSequence(3).generate_state(7)
    trees = [ExtraTreeClassifier(max_features=None, random_state=int(seed)).fit(features, code) for seed in seeds]
    unseen = made(100, seed=1)[0]
    votes = np.stack([tree.predict(unseen) for tree in trees])
    wanted = np.stack([(votes == category).mean(axis=0) for category in (1, 2, 3, 4)], axis=1)
    np.testing.assert_allclose(forest.shares(unseen, 4), wanted, atol=1e-6)


@pytest.mark.parametrize(("n_features", "n_tried"), [(4, 4), (16, 16), (20, 16), (60, 30), (200, 64)])
def test_a_split_chooses_from_half_of_the_features_and_from_sixteen_to_sixty_four(n_features, n_tried):
    rng = np.random.default_rng(0)
    features, number = rng.normal(size=(60, n_features)).astype(np.float32), rng.normal(size=60)
    forest = Forest.fit(features, number, is_number=True, n_trees=1, seed=3)
    seed = int(np.random.SeedSequence(3).generate_state(1)[0])
    tree = ExtraTreeRegressor(max_features=n_tried, random_state=seed).fit(features, number).tree_
    np.testing.assert_array_equal(forest.feature, np.where(tree.children_left < 0, -1, tree.feature))


def test_thresholds_lose_nothing_in_single_precision():
    # a number stands on either side of its own threshold as it did when the tree was grown
    features, number, _ = made(2_000)
    forest = Forest.fit(features, number, is_number=True, n_trees=1, seed=0)
    np.testing.assert_array_equal(forest.means(features), number)


def test_trees_tell_how_far_apart_they_are_and_a_picked_one_how_far_from_all():
    features, number, _ = made(300)
    forest = Forest.fit(features[:200], number[:200], is_number=True, n_trees=7, seed=0)
    alone = [dataclasses.replace(forest, **one_tree(forest, tree)).means(features) for tree in range(7)]
    means, scatter = forest.means_and_scatter(features)
    np.testing.assert_array_equal(means, forest.means(features))
    np.testing.assert_allclose(scatter, np.std(alone, axis=0), rtol=1e-4, atol=1e-6)
    for picked, tree in ((0.0, 0), (0.5, 3), (0.99, 6), (1.0, 6)):
        of_all, distance = forest.means_and_scatter(features, picked=np.full(300, picked, np.float32))
        np.testing.assert_array_equal(of_all, means)
        np.testing.assert_allclose(of_all + distance, alone[tree], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_trees", [1, 2, 5, 8])
def test_a_forest_says_of_few_rows_what_it_says_of_them_among_many(n_trees):
    features, number, code = made(300)
    numbers = Forest.fit(features, number, is_number=True, n_trees=n_trees, seed=0)
    codes = Forest.fit(features, code, is_number=False, n_trees=n_trees, seed=0)
    for share in (0.5, 1.0):
        means, shares = numbers.means(features, share=share), codes.shares(features, 4, share=share)
        for some in (0, 1, FEW_ROWS_ASKED, FEW_ROWS_ASKED + 1):
            np.testing.assert_array_equal(numbers.means(features[:some], share=share), means[:some])
            np.testing.assert_array_equal(codes.shares(features[:some], 4, share=share), shares[:some])


def one_tree(forest: Forest, tree: int) -> dict[str, np.ndarray]:
    start, end = forest.starts[tree : tree + 2]
    nodes = {name: getattr(forest, name)[start:end] for name in ("feature", "value", "right")}
    return {"starts": np.array([0, end - start]), **nodes}


def test_draws_of_a_number_that_is_one_of_two_are_near_them_more_often_than_normal_ones():
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, 600)
    step, coin = (
        5 * (np.floor(2 * x) % 3),
        rng.choice([-1.0, 1.0], 600) + rng.normal(0, 0.05, 600),
    )  # nothing tells which
    table = pd.DataFrame({"x": x, "other": rng.normal(size=600), "number": step + coin})
    table.loc[:99, "number"] = np.nan
    imputer = quick_imputer(n_trees=30, max_steps=200, round_to_grid=False).fit(table)
    draws = np.stack([draw["number"].to_numpy()[:100] for draw in imputer.sample(table, n_draws=60)])
    normal = draws.mean(axis=0) + draws.std(axis=0) * rng.normal(size=draws.shape)

    def near(drawn: np.ndarray) -> float:
        return float((np.abs(np.abs(drawn - step[:100]) - 1) < 0.3).mean())

    assert near(draws) > 1.2 * near(normal)


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


# -------------------------------------------------------------------------------------------------- a line


def test_a_line_says_what_scikit_learns_regression_says_within_what_it_has_seen():
    features, _, _ = made(300)
    target = (features @ np.float32([1, -2, 0.5, 0]) + 3).astype(np.float32)
    line, unseen = Line.fit(features, target, np.ones(4, bool)), 3 * made(200, seed=1)[0]
    wanted = BayesianRidge().fit(features, target).predict(unseen)
    assert (wanted > target.max()).any()
    np.testing.assert_allclose(line.means(unseen), wanted.clip(target.min(), target.max()), atol=1e-4)


# ------------------------------------------------------------------------------------------------ the experts


def blended_once(
    experts: Experts, rows: CompletedRows, numbers: np.ndarray, said: np.ndarray, *, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """What generator and experts, who read the rows, say together of every cell of three numbers and a category."""
    trees, line, marginal = experts.weights[0]
    features, line_features = experts.features(rows), experts.line_features(rows)
    by_trees = [experts.forests[cell].means(features, share=share) for cell in range(3)]
    by_lines = [experts.lines[cell].means(line_features) for cell in range(3)]
    votes = experts.forests[3].shares(features, 3, share=share)
    means = np.array([experts.marginals[cell][0] for cell in range(3)])
    both = (1 - trees - line - marginal) * numbers + marginal * means
    both += trees * np.stack(by_trees, axis=1) + line * np.stack(by_lines, axis=1)
    shares = blended(said, (votes, None, np.broadcast_to(experts.marginals[3], said.shape)), experts.weights[3])
    return both.astype(np.float32), shares


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99), share=st.floats(0, 1), weights=st.tuples(*[st.floats(0.05, 0.33)] * 3))
def test_a_blend_moves_unknown_cells_towards_the_experts_and_no_others(seed, share, weights):
    rows, rng = completed(60, seed=seed), np.random.default_rng(seed)
    experts = taught(rows, weights=Weights(*weights))
    known = rng.random((60, 4)) >= share
    asked = np.flatnonzero(~known[:, 3])
    numbers, every = rng.normal(size=(60, 3)).astype(np.float32), np.full((60, 3), 1 / 3, np.float32)
    before, said = numbers.copy(), every[asked]
    experts.blend(rows, known, numbers, [said])
    np.testing.assert_array_equal(numbers[known[:, :3]], before[known[:, :3]])
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    first_numbers, first_said = blended_once(experts, rows, before, every, share=SHARE_OF_FIRST_TREES)
    several = (~known).sum(axis=1) > 1  # what is unknown alone needs no first round
    first = rows.filled(known | ~several[:, None], first_numbers, [first_said[several & ~known[:, 3]]])
    wanted_numbers, wanted_said = blended_once(experts, first, before, every, share=1)
    np.testing.assert_allclose(numbers[~known[:, :3]], wanted_numbers[~known[:, :3]], atol=1e-5)
    np.testing.assert_allclose(said, wanted_said[asked], atol=1e-5)
    done = rows.filled(known, numbers, [said])
    np.testing.assert_array_equal(done.numbers, np.where(known[:, :3], rows.numbers, numbers))
    np.testing.assert_array_equal(done.codes[asked, 0], said.argmax(axis=1) + 1)


def test_rows_are_completed_together_before_each_of_their_cells_is_asked_about():
    # The first number is twice the second, and the last its sign, which trees are taught to read from the first alone:
    # where both are unknown and the generator has the first wrong, only the first's experts can put the last right.
    rng = np.random.default_rng(0)
    second = rng.normal(size=(800, 1)).astype(np.float32)
    rows = CompletedRows(np.hstack([2 * second, second, np.sign(second)]), np.zeros((800, 0), np.int64), ())
    weights = {0: TREES_ALONE, 2: TREES_ALONE}
    read = np.ones((800, 3), bool)
    experts = Experts.fit(
        rows,
        read,
        (),
        (),
        (),
        weights=weights,
        neighbours=Neighbours.none(),
        dependencies=Dependencies.none(),
        n_trees=10,
        seed=0,
    )
    experts.forests[2] = Forest.fit(rows.numbers * [1, 0, 0], rows.numbers[:, 2], is_number=True, n_trees=10, seed=0)
    known = read.copy()
    known[:, [0, 2]] = False
    guesses = np.zeros((800, 3), np.float32)
    guesses[:, 0] = -rows.numbers[:, 0]
    experts.blend(rows.filled(known, guesses, []), known, guesses, [])
    assert (np.sign(guesses[:, 2]) == rows.numbers[:, 2]).mean() > 0.98


def test_no_expert_reads_its_own_column_or_the_text_of_it():
    rows = completed(200, n_texts=2)
    experts = taught(rows, text_cells=(-1, 2))
    first_text, own_text = range(4, 10), range(10, 16)
    for cell, forest in experts.forests.items():
        read = set(forest.feature.tolist()) - {-1}
        assert cell not in read
        assert read & set(first_text)
        assert bool(read & set(own_text)) == (cell != 2)
    told = np.array([0, 1, 2, 3, 3, 3, *[-1] * 6, *[2] * 6])  # each text has six axes
    assert set(experts.lines) == {0, 1, 2}
    for cell, line in experts.lines.items():
        assert (line.coefficients[told == cell] == 0).all()
        assert (line.coefficients[told != cell] != 0).all()


def test_lines_tell_apart_the_most_frequent_categories_alone():
    rng = np.random.default_rng(0)
    codes = rng.integers(1, N_LINE_CATEGORIES + 30, size=(500, 1))
    rows = CompletedRows(rng.normal(size=(500, 1)).astype(np.float32), codes, ())
    sizes, wanted = (int(codes.max()),), {0: Weights(0, 1, 0)}
    experts = Experts.fit(
        rows,
        np.ones((500, 2), bool),
        (),
        (),
        sizes,
        weights=wanted,
        neighbours=Neighbours.none(),
        dependencies=Dependencies.none(),
        n_trees=1,
        seed=0,
    )
    which = experts.line_features(rows)[:, 1:]
    assert which.shape == (500, N_LINE_CATEGORIES)
    np.testing.assert_array_equal(which.sum(axis=1), codes[:, 0] <= N_LINE_CATEGORIES)


def shown_rows(guesses: np.ndarray, said: np.ndarray, true: CompletedRows, held_out: np.ndarray) -> HeldOutRows:
    """Rows where the generator guesses the held-out cells; its guesses stand in the completed rows only there."""
    numbers = np.where(held_out[:, :3], guesses, true.numbers)
    asked = np.arange(len(numbers))
    return HeldOutRows(
        CompletedRows(numbers, true.codes, ()), held_out, ~held_out, true.numbers, true.codes, [asked], [said]
    )


@pytest.mark.parametrize("trees_are_right", [True, False])
def test_trees_are_believed_as_far_as_held_out_cells_show_that_they_help(trees_are_right):
    rows, true, rng = completed(600), completed(600, seed=1), np.random.default_rng(0)
    noise = np.float32(0.0 if not trees_are_right else 1.0)
    guesses = true.numbers + noise * rng.normal(size=true.numbers.shape).astype(np.float32)
    right = np.eye(3, dtype=np.float32)[true.codes[:, 0] - 1]
    held_out = np.zeros((600, 4), bool)
    held_out[:, 2:] = True
    said = np.full_like(right, 1 / 3) if trees_are_right else right
    weights = taught(rows).weighed(shown_rows(guesses, said, true, held_out)).weights
    if trees_are_right:
        assert weights[2].trees > 0.8
        assert weights[3].trees > 0.8
    else:
        assert 2 not in weights
        assert 3 not in weights


@pytest.mark.parametrize("is_linear", [True, False])
def test_a_line_is_believed_where_a_column_is_one(is_linear):
    rows, true, rng = completed(600), completed(600, seed=1), np.random.default_rng(0)
    for each in (rows, true):
        each.numbers[:, 2] = each.numbers[:, 0] - each.numbers[:, 1] if is_linear else np.abs(each.numbers[:, 0])
    guesses = true.numbers + np.float32(0.5) * rng.normal(size=true.numbers.shape).astype(np.float32)
    held_out = np.zeros((600, 4), bool)
    held_out[:, 2] = True
    experts = taught(rows).weighed(shown_rows(guesses, np.zeros((600, 3), np.float32), true, held_out))
    weights = experts.weights[2]
    assert (weights.line > 0.8) if is_linear else (weights.line == 0)
    assert (2 in experts.lines) == is_linear
    assert (2 in experts.forests) == (weights.trees > 0)
    assert sum(weights) <= 1 + 1e-9


def test_a_column_with_too_few_known_cells_has_no_experts_and_none_are_begun_after_the_deadline():
    rows = completed(100)
    known = np.ones((100, 4), bool)
    known[LEAST_ROWS - 1 :, 1] = False
    weights = dict.fromkeys(range(4), USUAL)
    teach = functools.partial(
        Experts.fit,
        *(rows, known, (), (), (3,)),
        weights=weights,
        neighbours=Neighbours.none(),
        dependencies=Dependencies.none(),
        n_trees=2,
        seed=0,
    )
    experts, late = teach(), teach(deadline=time.perf_counter())
    assert set(experts.forests) == {0, 2, 3}
    assert set(experts.lines) == {0, 2}
    assert late.forests == late.lines == late.weights == {}


@given(
    n_rows=st.integers(1, 60_000),
    n_cells=st.integers(1, 3_000),
    n_texts=st.integers(0, 5),
    n_always=st.integers(0, 5_000),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=50)
def test_trees_learn_from_a_bounded_number_of_rows_with_the_wanted_ones_among_them(
    n_rows, n_cells, n_texts, n_always, seed
):
    always = np.sort(np.random.default_rng(seed).choice(n_rows, min(n_always, n_rows), replace=False))
    rows = expert_rows(n_rows, n_cells, n_texts, always=always, seed=seed)
    work = n_cells * (n_cells + min(N_TREE_AXES, N_AXES * n_texts))
    assert len(rows) == min(n_rows, MOST_ROWS) or len(rows) * work <= MOST_WORK_OF_FEW or len(rows) == LEAST_ROWS
    assert len(rows) * work <= max(MOST_WORK, FEW_ROWS * work)
    assert len(rows) == n_rows or (len(rows) + 1) * work > MOST_WORK or len(rows) == MOST_ROWS
    assert (np.diff(rows) > 0).all()
    assert np.isin(always, rows).sum() == min(len(always), len(rows))
    np.testing.assert_array_equal(rows, expert_rows(n_rows, n_cells, n_texts, always=always, seed=seed))


# ------------------------------------------------------------------------------------------------ the imputer


def stepped(n_rows: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a table whose columns are steps of one another, with a tenth of the cells hidden, and the truth."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, n_rows)
    truth = pd.DataFrame({"x": x, "step": np.floor(3 * x) % 4, "other": np.floor(5 * x) % 3 + 0.5})
    truth["kind"] = np.where(np.floor(4 * x) % 2 == 0, "even", "odd")
    return truth.mask(rng.random(truth.shape) < 0.1), truth


def stepped_with_a_line(n_rows: int) -> pd.DataFrame:
    """Add two numbers to `stepped` that are linear functions of others."""
    table, truth = stepped(n_rows)
    table["sum"] = truth["step"] + truth["other"]
    table["difference"] = truth["step"] - truth["other"]
    return table


def test_trees_fill_what_a_small_network_smooths_over():
    table, truth = stepped(600)
    errors = {}
    for n_trees in (0, 20):
        filled = quick_imputer(n_trees=n_trees, max_steps=200, round_to_grid=False).fit_transform(table)
        holes = table["step"].isna()
        errors[n_trees] = float(((filled["step"] - truth["step"])[holes] ** 2).mean())
    assert errors[20] < 0.7 * errors[0]


def test_a_loaded_model_asks_the_same_experts(tmp_path):
    table = stepped_with_a_line(400)
    imputer = quick_imputer(n_trees=5).fit(table)
    assert imputer.state_.members[0].experts.forests
    assert imputer.state_.members[0].experts.lines
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert loaded.state_.members[0].experts.weights == imputer.state_.members[0].experts.weights
    pd.testing.assert_frame_equal(loaded.transform(table), imputer.transform(table))


DAMAGED_TENSORS = {
    "limits of a line that are too few": ("experts.line.*.limits", lambda array: array[:-1]),
    "a line to nowhere": ("experts.line.*.coefficients", lambda array: np.full_like(array, np.nan)),
    "a line through other features": ("experts.line.*.coefficients", lambda array: array[:-1]),
    "a code that no category has": ("experts.forest.5.value", lambda array: np.full_like(array, 99)),
    "another dtype": ("experts.forest.*.feature", lambda array: array.astype(np.float64)),
    "another shape": ("experts.forest.*.right", lambda array: array[:, None]),
    "an endless path": ("experts.forest.*.right", np.zeros_like),
    "a mean that is no number": ("experts.marginal.0", lambda array: array * np.nan),
    "a mean beyond every number": ("experts.marginal.0", lambda array: array + 1e6),
    "a mean of two columns": ("experts.marginal.0", lambda array: np.repeat(array, 2)),
    "shares of other categories": ("experts.marginal.5", lambda array: array[:-1]),
    "shares beyond one": ("experts.marginal.5", lambda array: array + 1),
    "shares of another dtype": ("experts.marginal.5", lambda array: array.astype(np.float64)),
}


def damage_model(folder: Path, name: str, damage: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change the first tensor of a member whose name matches, and the checksum with it."""
    file, sums = folder / "weights.safetensors", folder / "SHA256SUMS"
    tensors = load_file(file)
    found = fnmatch.filter(sorted(tensors), f"member.0.{name}")[0]
    tensors[found] = damage(tensors[found])
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    save_file(tensors, file)
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(file.read_bytes()).hexdigest()))


@pytest.mark.parametrize(("name", "damage"), DAMAGED_TENSORS.values(), ids=DAMAGED_TENSORS)
def test_a_model_whose_experts_do_not_fit_it_is_refused_in_loading(name, damage, tmp_path):
    imputer = quick_imputer(n_trees=5, max_steps=60).fit(stepped_with_a_line(400))
    imputer.save(tmp_path / "model")
    damage_model(tmp_path / "model", name, damage)
    with pytest.raises(ModelFormatError, match="damaged"):
        GAINImputer.load(tmp_path / "model")


@pytest.mark.filterwarnings("ignore:Empty cells of these columns")
def test_a_model_whose_text_axes_do_not_fit_it_is_refused_in_loading(tmp_path):
    imputer = quick_imputer(n_trees=5, max_steps=20).fit(shop_table(200))
    imputer.save(tmp_path / "model")
    damage_model(tmp_path / "model", "experts.text.0", lambda table: table[:-1])
    with pytest.raises(ModelFormatError, match=r"damaged .*experts\.text"):
        GAINImputer.load(tmp_path / "model")


def test_the_report_says_which_experts_fill_a_column(monkeypatch):
    monkeypatch.setattr(
        Dependencies, "find", lambda *_, **__: Dependencies.none()
    )  # steps are decided by other columns too
    table = stepped_with_a_line(400)
    imputer = quick_imputer(n_trees=5, max_steps=60).fit(table)
    experts, cells = imputer.state_.members[0].experts, imputer.impute(table).cells
    words = {(True, True): "generator, trees and line", (True, False): "generator and trees"}
    words |= {(False, True): "generator and line", (False, False): "generator"}
    layout = imputer.state_.encoder.layout
    wanted = {
        name: words[cell in experts.forests, cell in experts.lines]
        for cell, name in enumerate([*layout.numbers, *layout.classes])
    }
    filled = cells[cells["source"] != ""]
    said = set(zip(filled["column"], filled["source"], strict=True))
    assert len({source for _, source in said}) > 1
    assert said == {(name, wanted[name]) for name, _ in said}


def test_without_trees_there_are_no_experts():
    table, _ = stepped(400)
    assert quick_imputer(n_trees=0).fit(table).state_.members[0].experts is None


@pytest.mark.parametrize("n_rows", [8, 400])
def test_experts_that_are_no_longer_wanted_are_forgotten_however_few_rows_there_are(n_rows):
    table, _ = stepped(400)
    imputer = quick_imputer(n_trees=5, max_steps=20).fit(table)
    assert imputer.state_.members[0].experts is not None
    imputer.set_params(n_trees=0).partial_fit(table.iloc[:n_rows])
    assert imputer.state_.members[0].experts is None


@pytest.mark.parametrize("beside", [{}, {"sku": Kind.IDENTIFIER}, {"link": Kind.URL}])
def test_one_column_of_numbers_alone_is_learned(beside):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: [f"{name}-{i:04}" for i in range(500)] for name in beside})
    table["price"] = np.where(rng.random(500) < 0.2, np.nan, np.round(rng.lognormal(3, 1, 500), 2))
    kinds = beside | {"price": Kind.NUMERIC}
    schema = Schema([ColumnSchema(name=name, kind=kind) for name, kind in kinds.items()])
    filled = quick_imputer(schema=schema, max_steps=60).fit_transform(table)["price"]
    assert filled.notna().all()
    assert np.abs(np.log(filled[table["price"].isna()]) - 3.5).max() < 0.5  # the mean is exp(3.5)


def test_a_column_too_rare_to_be_taught_again_keeps_no_other_from_it(monkeypatch):
    taught, fit = [], Experts.fit.__func__
    monkeypatch.setattr(
        Experts, "fit", classmethod(lambda *args, **params: taught.append(fit(*args, **params)) or taught[-1])
    )
    rng = np.random.default_rng(0)
    brand = np.array([f"b{i}" for i in range(200)] + ["generic"] * 198, object)  # at most half of some are different
    x = rng.normal(size=398) + 3 * (brand == "generic")
    table = pd.DataFrame({"brand": brand, "x": x, "y": 2 * x + 0.1 * rng.normal(size=398)})
    kinds = {"brand": Kind.CATEGORICAL, "x": Kind.NUMERIC, "y": Kind.NUMERIC}
    schema = Schema([ColumnSchema(name=name, kind=kind) for name, kind in kinds.items()])
    imputer = quick_imputer(schema=schema, n_trees=5, max_steps=20).fit(table)
    first, second = taught
    assert set(first.weights) == {0, 1, 2}
    assert set(second.weights) == {0, 1}
    assert imputer.state_.members[0].experts is second


@pytest.mark.parametrize("n_trees", [5, None])
def test_more_rows_are_learned_by_new_trees_and_few_rows_leave_the_old_ones(n_trees):
    table, _ = stepped(400)
    imputer = quick_imputer(n_trees=n_trees, max_steps=20).fit(table)
    before = imputer.state_.members[0].experts
    few = imputer.partial_fit(stepped(200, seed=1)[0]).state_.members[0].experts
    assert few.forests.keys() <= before.forests.keys()
    assert all(few.forests[cell] is before.forests[cell] for cell in few.forests)
    many = imputer.partial_fit(stepped(800, seed=2)[0]).state_.members[0].experts
    assert many.n_rows == 800
    assert not any(many.forests[cell] is before.forests.get(cell) for cell in many.forests)


def test_a_time_limit_leaves_time_for_trees():
    table, _ = stepped(400)
    imputer = quick_imputer(n_trees=5, max_steps=100_000, max_time_s=2.0).fit(table)
    assert imputer.state_.members[0].experts is not None
    assert imputer.history_["stopped"].iloc[-1] == "time"


def test_draws_keep_their_spread_around_what_the_trees_say():
    table, _ = stepped(600)
    imputer = quick_imputer(n_trees=20, max_steps=200, round_to_grid=False).fit(table)
    holes = table["other"].isna()
    draws = np.stack([draw.loc[holes, "other"].to_numpy() for draw in imputer.sample(table, n_draws=20)])
    best = imputer.transform(table).loc[holes, "other"].to_numpy()
    assert np.median(draws.std(axis=0)) > 0  # at the column's bounds all draws may be the same
    assert np.abs(draws.mean(axis=0) - best).mean() < draws.std(axis=0).mean()
