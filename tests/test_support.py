"""Cells of which the values beside them have never told: who is heard there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gain_impute import GAINImputer
from gain_impute.completed import CompletedRows
from gain_impute.errors import ModelFormatError
from gain_impute.experts import HEARD, Experts
from gain_impute.line import Line
from gain_impute.support import CHANCE, Support
from gain_impute.weighing import NOT_AT_ALL, USUAL, Weights, blended, without_support
from tests.strategies import quick_imputer
from tests.test_experts import TREES_ALONE, damage_model

SIZES = (3, 2)  # categories of two columns, after two of numbers


def made(n_rows: int, seed: int, *, share_known: float) -> tuple[np.ndarray, np.ndarray]:
    """Codes of two columns, and which cells of them and of two numbers are known."""
    rng = np.random.default_rng(seed)
    codes = np.column_stack([rng.integers(1, size + 1, n_rows) for size in SIZES])
    return codes, rng.random((n_rows, 4)) < share_known


@given(st.integers(0, 200), st.integers(0, 9), st.floats(0, 1))
def test_a_cell_lacks_support_where_a_value_stood_beside_nothing_but_empty_ones_and_not_by_chance(n_rows, seed, share):
    codes, known = made(n_rows, seed, share_known=share)
    known[codes[:, 0] == 2, 1] = False  # the second category never tells the second number
    found = Support.measure(codes, known, SIZES).is_lacking(codes, known)
    values = np.column_stack([known[:, :2], codes * known[:, 2:]])
    for row in range(n_rows):
        for cell in range(4):
            alike = [values[:, other] == values[row, other] for other in range(4) if other != cell]
            share_unknown = 1 - known[:, cell].mean()
            wanted = any(not known[of, cell].any() and share_unknown ** of.sum() < CHANCE for of in alike)
            assert found[row, cell] == (wanted and not known[row, cell])


def test_cells_that_are_unknown_by_chance_have_support():
    codes, known = made(2_000, 0, share_known=0.5)
    support = Support.measure(codes, known, SIZES)
    assert not support.cells
    assert not support.is_lacking(codes, known).any()


def test_a_category_that_came_later_takes_no_support_away():
    codes, known = made(300, 0, share_known=0.8)
    known[codes[:, 0] == 3, 1] = False
    support = Support.measure(codes, known, SIZES)
    seen, newer = np.array([[3, 1], [1, 1]]), np.array([[4, 1], [4, 2]])
    asked = np.array([[True, False, True, True]] * 2)
    assert support.is_lacking(seen, asked).tolist() == [[False, True, False, False], [False] * 4]
    assert not support.is_lacking(newer, asked).any()


@pytest.mark.parametrize("n_classes", [1, 2, 5])
def test_a_line_of_categories_says_shares_of_those_that_it_has_seen(n_classes):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 6)).astype(np.float32)
    codes = 1 + (features[:, :n_classes] + 0.1 * rng.normal(size=(400, n_classes))).argmax(axis=1)
    codes[codes == 5] = 1  # the fifth category is never seen
    read = np.array([True] * 5 + [False])
    line = Line.fit_classes(features, codes, read, n_classes)
    shares = line.shares(features, n_classes + 2)  # two have come later
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert (shares >= 0).all()
    assert (shares[:, n_classes:] == 0).all()
    assert (line.coefficients[5] == 0).all()
    assert (shares[:, 4:5] < 1e-4).all()
    assert (shares.argmax(axis=1) + 1 == codes).mean() > 0.7


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_without_support_an_expert_is_believed_as_usual_at_least_and_the_generator_no_more_than_that(
    trees, line, marginal
):
    left = 1 - trees
    weights = without_support(Weights(trees, line * left, marginal * left * (1 - line)))
    assert sum(weights) <= 1 + 1e-9
    assert 1 - sum(weights) <= 1 - sum(USUAL) + 1e-9
    assert without_support(NOT_AT_ALL) == USUAL
    assert without_support(TREES_ALONE) == pytest.approx((1 / 1.2, 0.2 / 1.2, 0))


def supplied(n_rows: int, *, seed: int = 0) -> pd.DataFrame:
    """Products of six suppliers, the last of which never tells the colour; the weight hangs on the colour."""
    rng = np.random.default_rng(seed)
    colour, supplier = rng.choice(["red", "blue"], n_rows), rng.choice(list("abcdef"), n_rows)
    weight = np.where(colour == "red", 1.0, 3.0) + 0.1 * rng.normal(size=n_rows)
    height = rng.normal(size=n_rows)
    table = pd.DataFrame({"supplier": supplier, "colour": colour, "weight": weight, "height": height})
    return table.assign(colour=table["colour"].where(table["supplier"] != "f"))


def fitted(table: pd.DataFrame) -> tuple[GAINImputer, Experts]:
    imputer = quick_imputer(n_trees=5, max_steps=60).fit(table)
    assert imputer.state_.members[0].experts is not None
    return imputer, imputer.state_.members[0].experts


def test_what_no_held_out_cell_tells_of_is_said_by_all_together():
    table = supplied(400)
    imputer, experts = fitted(table)
    colour = 2 + list(imputer.state_.encoder.layout.classes).index("colour")
    assert experts.support.cells == {colour}
    assert {colour} <= experts.forests.keys() & experts.lines.keys()
    table.loc[:20, "colour"] = None
    cells = imputer.impute(table).cells
    is_last = cells["position"].map(table["supplier"].to_dict()) == "f"
    assert set(cells["source"][is_last]) == {"generator, trees and line"}
    assert not cells["source"][~is_last].str.contains("line").any()  # of categories a line is heard in no other cell


def test_of_very_many_categories_no_line_says_the_shares(monkeypatch):
    monkeypatch.setattr("gain_impute.experts.MOST_LINE_CLASSES", 1)
    table = supplied(400)
    imputer, experts = fitted(table)
    assert experts.forests.keys() >= set(experts.support.cells)
    assert not experts.lines.keys() & set(experts.support.cells)
    assert set(imputer.impute(table).cells["source"]) == {"generator and trees"}


@pytest.mark.parametrize("has_weight", [True, False])
def test_cells_without_support_hear_every_expert_and_all_others_whom_they_learned_to(has_weight):
    table = supplied(400)
    imputer, experts = fitted(table)
    encoded, _, _ = imputer.state_.encoder.encode(table)
    layout, known = imputer.state_.encoder.layout, encoded.known.copy()
    colour = layout.n_numbers + layout.classes.index("colour")
    known[::3, colour] = False
    unknown = np.flatnonzero(~known[:, colour])
    lacks = (table["supplier"] == "f").to_numpy()[unknown]
    learned = TREES_ALONE if has_weight else NOT_AT_ALL
    experts = dataclasses.replace(experts, weights={colour: learned} if has_weight else {})
    rows = CompletedRows(encoded.numbers, np.maximum(encoded.codes, 1), ())
    said = [np.zeros((0, size), np.float32) for size in layout.class_sizes]
    ours = np.random.default_rng(0).dirichlet(np.ones(2), len(unknown)).astype(np.float32)
    said[colour - layout.n_numbers] = ours.copy()
    whom, _, _ = experts.blend(rows, known, encoded.numbers.copy(), said)
    heard = whom[unknown, colour]
    trees = experts.forests[colour].shares(experts.features(rows)[unknown], 2)
    line = experts.lines[colour].shares(experts.line_features(rows)[unknown], 2)
    found = said[colour - layout.n_numbers]
    wanted = blended(ours, (trees, line, None), without_support(learned))
    np.testing.assert_allclose(found[lacks], wanted[lacks], atol=1e-5)
    assert (heard[lacks] == HEARD["trees"] + HEARD["line"]).all()
    np.testing.assert_allclose(found[~lacks], (trees if has_weight else ours)[~lacks], atol=1e-6)
    assert (heard[~lacks] == (HEARD["trees"] if has_weight else 0)).all()


def without_weights_of_one_supplier() -> tuple[GAINImputer, Experts, pd.DataFrame]:
    table = supplied(400)
    table["weight"] = table["weight"].where(table["supplier"] != "f")
    return *fitted(table), table.assign(weight=np.nan)


def test_how_far_apart_those_are_who_say_a_number_is_told_where_it_lacks_support():
    imputer, experts, table = without_weights_of_one_supplier()
    encoded, _, _ = imputer.state_.encoder.encode(table)
    weight, known = imputer.state_.encoder.layout.numbers.index("weight"), np.ones_like(encoded.known)
    known[:, weight] = False
    rows = CompletedRows(encoded.numbers, np.maximum(encoded.codes, 1), ())
    ours = np.random.default_rng(0).normal(size=encoded.numbers.shape).astype(np.float32)
    said = [np.zeros((0, size), np.float32) for size in imputer.state_.encoder.layout.class_sizes]
    _, _, apart = experts.blend(rows, known, ours.copy(), said)
    trees = experts.forests[weight].means(experts.features(rows))
    line = experts.lines[weight].means(experts.line_features(rows))
    lacks = (table["supplier"] == "f").to_numpy()
    np.testing.assert_allclose(
        apart[lacks, weight], np.std([ours[:, weight], trees, line], axis=0, ddof=1)[lacks], 1e-4
    )
    assert (apart[lacks, weight] > 0).all()
    assert not apart[~lacks].any()


def test_intervals_and_draws_of_a_number_without_support_are_wider_by_how_far_apart_they_are(monkeypatch):
    imputer, _, table = without_weights_of_one_supplier()
    lacks = (table["supplier"] == "f").to_numpy()

    def widths() -> tuple[np.ndarray, np.ndarray]:
        cells = imputer.impute(table).cells
        cells = cells[cells["column"] == "weight"]
        draws = np.std([draw["weight"] for draw in imputer.sample(table, n_draws=40)], axis=0)
        return (cells["upper"] - cells["lower"]).to_numpy(), draws

    interval, draws = widths()
    monkeypatch.setattr("gain_impute.experts.disagreement", lambda ours, _opinions: np.zeros_like(ours))
    interval_of_agreed, draws_of_agreed = widths()
    assert interval[lacks].mean() > interval_of_agreed[lacks].mean()
    assert draws[lacks].mean() > draws_of_agreed[lacks].mean()
    np.testing.assert_array_equal(interval[~lacks], interval_of_agreed[~lacks])
    np.testing.assert_array_equal(draws[~lacks], draws_of_agreed[~lacks])


def test_a_loaded_model_knows_what_lacks_support(tmp_path: Path):
    table = supplied(400)
    imputer, experts = fitted(table)
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.state_.members[0].experts.support.lacking, experts.support.lacking)
    pd.testing.assert_frame_equal(loaded.impute(table).cells, imputer.impute(table).cells)


@pytest.mark.parametrize(
    "damage", [lambda array: array[:-1], lambda array: array.astype(np.uint8), lambda array: array[:, :-1]]
)
def test_a_model_whose_support_does_not_fit_it_is_refused_in_loading(damage, tmp_path: Path):
    imputer, _ = fitted(supplied(400))
    imputer.save(tmp_path / "model")
    damage_model(tmp_path / "model", "experts.support", damage)
    with pytest.raises(ModelFormatError, match="damaged"):
        GAINImputer.load(tmp_path / "model")
