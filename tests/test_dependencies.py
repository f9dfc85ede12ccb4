"""Columns that decide others are found and no others, decide what always stood beside a value, and are told so."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gain_impute import GAINImputer, infer_schema
from gain_impute.dependencies import ENOUGH_IDLE, Dependencies, HeldOut
from gain_impute.dependency import Beside, Dependency, Keys, followed, side_by_side
from gain_impute.encoding.table import TableEncoder
from gain_impute.errors import ModelFormatError
from gain_impute.schema import ColumnSchema, Kind, Schema
from tests.strategies import quick_imputer
from tests.test_experts import damage_model

N_ROWS = 600


def made(*, wrong: float = 0.0, seed: int = 0) -> np.ndarray:
    """A code; a name that it decides but for a share of wrong rows; a size; what size and code decide; and noise."""
    rng = np.random.default_rng(seed)
    code, size, noise = rng.integers(0, 20, N_ROWS), rng.integers(0, 5, N_ROWS), rng.integers(0, 5, N_ROWS)
    name = np.where(rng.random(N_ROWS) < wrong, rng.integers(0, 7, N_ROWS), code * 3 % 7)
    together = (code * 11 + size * size) % 13
    rows = np.column_stack([code, name, size, together, noise]).astype(np.float64)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def pairs(found: Dependencies) -> set[tuple[int, tuple[int, ...]]]:
    return {(each.cell, each.by) for each in found.all}


# -------------------------------------------------------------------------------------------------- finding


def test_what_one_column_or_two_decide_is_found_and_nothing_else():
    found = Dependencies.find(made())
    assert {(1, (0,)), (3, (0, 2))} <= pairs(found)
    assert 4 not in found.of_cells  # noise
    assert all(4 not in each.by for each in found.all)
    assert all(len(each.by) == 1 for each in found.of_cells[1][:1])
    name, together = found.of_cells[1][0], next(each for each in found.of_cells[3] if each.by == (0, 2))
    rows = np.full((3, 5), np.nan)
    rows[:, 0], rows[1:, 2] = [4, 19, 33], [1, 2]
    np.testing.assert_array_equal(name.decided(rows)[0], [4 * 3 % 7, 19 * 3 % 7, np.nan])
    np.testing.assert_array_equal(together.decided(rows)[0], [np.nan, (19 * 11 + 1) % 13, np.nan])


@pytest.mark.parametrize("n_categories", [2, 3, 20, 300])
def test_unrelated_columns_decide_nothing(n_categories):
    rng = np.random.default_rng(0)
    for _ in range(30):
        rows = rng.integers(0, n_categories, (200, 8)).astype(np.float64)
        rows[:, 0] = 1  # a constant neither decides nor is decided
        rows[:, 1] = rng.normal(size=200)  # each value once
        assert Dependencies.find(rows).all == []


@pytest.mark.parametrize(("wrong", "is_found"), [(0.005, True), (0.15, False)])
def test_few_rows_may_be_wrong(wrong, is_found):
    assert ((1, (0,)) in pairs(Dependencies.find(made(wrong=wrong)))) == is_found


def test_no_row_no_column_and_nothing_known_decide_nothing():
    for shape in ((0, 0), (0, 3), (5, 0), (5, 3)):
        assert Dependencies.find(np.full(shape, np.nan)).all == []


def test_values_beside_which_several_stood_and_those_as_rare_as_wrong_ones_decide_nothing():
    rng = np.random.default_rng(0)
    code = np.concatenate([np.repeat(np.arange(10), 60), [10] * 20, np.repeat(np.arange(11, 61), 2)])
    name = np.where(code < 10, code % 4, rng.integers(0, 4, len(code)))
    beside = Beside.of(*(Keys.of(column[:, None].astype(np.float64)) for column in (code, name)))
    decided = beside.dependency(1, (0,)).decided(np.arange(61.0)[:, None])[0]
    np.testing.assert_array_equal(decided[:10], np.arange(10) % 4)
    assert np.isnan(decided[10])  # seen often, beside everything
    assert np.isnan(decided[11:]).all()  # where two rows with a code agree, it is by chance


def test_a_share_wrong_is_that_of_further_rows():
    learned, further = made(wrong=0.01, seed=1), made(wrong=0.01, seed=2)
    each = next(each for each in Dependencies.find(learned).all if (each.cell, each.by) == (1, (0,)))
    decided, share = each.decided(further)
    judged = ~np.isnan(decided) & ~np.isnan(further[:, 1])
    is_wrong = decided[judged] != further[judged, 1]
    assert judged.sum() > 300
    assert is_wrong.mean() == pytest.approx(share[judged].mean(), abs=0.012)
    assert each.squared_error == pytest.approx(((decided - further[:, 1])[judged] ** 2).mean(), abs=0.12)
    assert not each.is_never_wrong


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float64, (12, 2), elements=st.sampled_from([0.0, -0.0, 1.5, -1.5, 1e30, 2.0, 2 + 1e-12])))
def test_keys_are_the_same_where_the_values_are(values):
    for columns in (values, values[:, :1]):
        ids = Keys.of(columns).ids
        same = (columns[:, None] == columns[None]).all(axis=2)
        np.testing.assert_array_equal(ids[:, None] == ids[None], same)


@pytest.mark.parametrize("share_known", [0.3, 0.06, 0.03])
def test_what_decides_a_column_of_few_known_cells_is_found(share_known):
    rng = np.random.default_rng(0)
    for _ in range(10):
        article = rng.integers(0, 40, 2_000)
        rows = np.column_stack([article, rng.permutation(40)[article] % 11, rng.integers(0, 5, 2_000)]).astype(float)
        rows[rng.random(2_000) > share_known, 1] = np.nan
        assert (1, (0,)) in pairs(Dependencies.find(rows))


def attributes(n_columns: int) -> np.ndarray:
    """Rows of articles, of which each attribute is another's function nearly, and that of any two others."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 100, (100, n_columns))[rng.integers(0, 100, 500)].astype(float)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def test_pairs_are_sought_no_longer_once_they_decide_nothing_new(monkeypatch):
    tried = []
    of = Beside.of.__func__
    monkeypatch.setattr(Beside, "of", classmethod(lambda cls, by, cell: tried.append(1) or of(cls, by, cell)))
    found = Dependencies.find(attributes(20))
    assert len(found.of_cells) == 20
    assert 20 * 19 < len(tried) < 20 * 19 + 20 * 3 * ENOUGH_IDLE  # of some 3,500 pairs and cells


def test_none_are_sought_when_there_is_no_time():
    assert Dependencies.find(attributes(5), deadline=-np.inf).all == []


def test_learned_again_from_more_rows_the_same_columns_decide_more():
    rows = made()
    few = rows[rows[:, 0] < 12]
    found = Dependencies.find(few)
    again = found.again(rows)
    assert pairs(again) == pairs(found)
    assert again.excess == found.excess
    before, after = (each.follow(1, rows, np.zeros(len(rows), np.float32))[1] for each in (found, again))
    assert after[rows[:, 0] >= 12].any()
    assert not before[rows[:, 0] >= 12].any()


# ------------------------------------------------------------------------------------------------ following


def test_what_is_decided_takes_the_place_of_what_is_said_and_that_which_is_wrong_least_decides():
    keys = Keys.of(np.array([[1.0], [2.0]])).keys
    sure, unsure = (np.full(2, share, np.float32) for share in (0.1, 0.2))
    of_cell = (
        Dependency(2, (0,), keys, np.array([3.0, 4.0]), sure, 0.5),
        Dependency(2, (1,), keys, np.array([5.0, 1.0]), unsure, 0.5),
    )
    rows = np.array([[1, 1, np.nan], [7, 2, np.nan], [2, np.nan, np.nan], [7, 7, np.nan]])
    dependencies = Dependencies({2: of_cell})
    said, is_decided = dependencies.follow(2, rows, np.full(4, 9, np.float32))
    assert said.tolist() == [3, 1, 4, 9]
    assert is_decided.tolist() == [True, True, True, False]
    shares, _ = dependencies.follow(2, rows, np.full((4, 5), 0.2, np.float32))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(shares[0, 2], 0.9 + 0.1 * 0.2, rtol=1e-6)
    np.testing.assert_allclose(shares[3], 0.2)
    untouched = np.full(4, 9, np.float32)
    assert dependencies.follow(1, rows, untouched)[0].tolist() == [9] * 4


def test_side_by_side_are_numbers_and_codes_where_they_are_known():
    known = np.array([[True, True], [False, True], [True, False]])
    residues = np.array([[0], [0], [2**-30]], np.float32)
    rows = side_by_side(np.array([[0.5], [1], [2]], np.float32), residues, np.array([[3], [1], [2]]), known)
    np.testing.assert_array_equal(rows, np.array([[0.5, 3], [np.nan, 1], [2 + 2**-30, np.nan]]))


# ------------------------------------------------------------------------------------------------ believing


def held_out(rows: np.ndarray, *, error: float, is_number: bool, seed: int = 0) -> HeldOut:
    """Held-out names of rows, of which something is said that is more or less off."""
    there = ~np.isnan(rows[:, 1])
    rows, names = rows[there].copy(), rows[there, 1]
    rows[:, 1] = np.nan
    rng = np.random.default_rng(seed)
    if is_number:
        return HeldOut(rows, names + error * rng.normal(size=len(names)).astype(np.float32), names)
    true = np.eye(7, dtype=np.float32)[names.astype(int) - 1]
    return HeldOut(rows, ((1 - error) * true + error / 7).astype(np.float32), true)


@pytest.mark.parametrize("is_number", [True, False])
@pytest.mark.parametrize(("error", "wrong", "helps"), [(0.5, 0.005, True), (0.0, 0.005, False), (0.0, 0.0, True)])
def test_they_are_believed_where_they_help_or_are_never_wrong(is_number, error, wrong, helps):
    rows, shown = made(wrong=wrong), made(seed=1)[:200]
    for each in (rows, shown):
        each[:, 1] += not is_number  # codes count from 1
    of_name = Dependencies({1: Dependencies.find(rows).of_cells[1]})
    cells = held_out(shown, error=error, is_number=is_number)
    assert (1 in of_name.believed({1: cells}).of_cells) == helps


def test_those_that_are_wrong_more_often_than_they_seem_are_told_so_and_dropped():
    rows, shown = made(wrong=0.003), made(wrong=0.3, seed=1)
    of_name = Dependencies({1: Dependencies.find(rows).of_cells[1]})
    believed = of_name.believed({1: held_out(shown, error=0.3, is_number=True)})
    assert believed.excess[0] > 5
    assert believed.of_cells == {}


def test_where_few_held_out_cells_are_decided_only_those_that_were_never_wrong_are_believed():
    few = made(seed=1)[:8]
    for wrong, helps in ((0.0, True), (0.005, False)):
        of_name = Dependencies({1: Dependencies.find(made(wrong=wrong)).of_cells[1]})
        kept = of_name.believed({1: held_out(few, error=0.5, is_number=True)})
        assert (1 in kept.of_cells) == helps


def test_great_errors_of_numbers_count_though_held_out_cells_show_none():
    rows = made()
    rows[np.flatnonzero(~np.isnan(rows[:, 1]))[:4], 1] = 1e3
    of_name = Dependencies({1: Dependencies.find(rows).of_cells[1]})
    assert of_name.believed({1: held_out(made(seed=1)[:200], error=0.5, is_number=True)}).of_cells == {}


def test_a_decided_distribution_keeps_what_else_was_said_for_the_share_that_is_wrong():
    said = np.array([[0.5, 0.3, 0.2]], np.float32)
    mixed = followed(said, np.array([2.0]), np.array([0.1], np.float32))
    np.testing.assert_allclose(mixed, [[0.05, 0.93, 0.02]], rtol=1e-6)


# ------------------------------------------------------------------------------------------- in the imputer


def table(n_rows: int = 900, *, seed: int = 0) -> pd.DataFrame:
    """Articles whose code decides their group and its duty, of which some codes are rare."""
    rng = np.random.default_rng(seed)
    code = np.minimum(rng.geometric(0.05, n_rows), 60)
    frame = pd.DataFrame(
        {
            "code": [f"c{number:02}" for number in code],
            "group": [f"group {number * 7 % 11}" for number in code],
            "duty": code * 37 % 53 / 2,
            "price": np.round(rng.lognormal(3, 1, n_rows), 2),
        }
    )
    return frame.mask(rng.random(frame.shape) < [0, 0.25, 0.25, 0.1])


@pytest.fixture(scope="module")
def fitted() -> GAINImputer:
    return quick_imputer(max_steps=60, round_to_grid=False).fit(table())


def test_what_a_code_decides_is_filled_as_it_always_stood(fitted):
    frame = table()
    imputation = fitted.impute(frame)
    filled, cells = imputation.table, imputation.cells
    complete = table().assign(number=table()["code"].str[1:].astype(int))
    group, duty = "group " + (complete["number"] * 7 % 11).astype(str), complete["number"] * 37 % 53 / 2
    decided = cells[cells["source"] == "dependency"]
    assert set(decided["column"]) == {"group", "duty"}
    of_group = decided.loc[decided["column"] == "group", "position"]
    of_duty = decided.loc[decided["column"] == "duty", "position"]
    assert len(of_group) > 0.9 * frame["group"].isna().sum()
    assert (filled["group"].iloc[of_group] == group.iloc[of_group]).all()
    np.testing.assert_allclose(filled["duty"].iloc[of_duty], duty.iloc[of_duty], atol=1e-5)
    assert decided.loc[decided["column"] == "group", "confidence"].min() > 0.95


def test_the_imputer_lists_what_decides_what(fitted, tmp_path):
    found = {(each.column, each.decided_by): each for each in fitted.dependencies_.itertuples()}
    assert {("group", ("code",)), ("duty", ("code",))} <= set(found)
    assert 40 < found["group", ("code",)].n_values <= 60
    assert 0 < found["group", ("code",)].share_wrong < 0.03
    fitted.save(tmp_path / "model")
    pd.testing.assert_frame_equal(GAINImputer.load(tmp_path / "model").dependencies_, fitted.dependencies_)
    two = quick_imputer(n_members=2, max_steps=60).fit(table(300)).dependencies_
    assert not two.duplicated(["column", "decided_by"]).any()


def exactly_decided(n_rows: int = 900) -> pd.DataFrame:
    """Articles that decide what float32 cannot tell apart: a number of 13 digits, a moment, a price of 2 decimals."""
    rng = np.random.default_rng(0)
    article = rng.integers(0, 150, n_rows)
    return pd.DataFrame(
        {
            "article": [f"a{number:03}" for number in article],
            "tax_number": rng.integers(10**12, 10**13, 150)[article],
            "listed": pd.to_datetime(rng.integers(1.5e9, 1.8e9, 150)[article], unit="s"),
            "price": np.round(rng.lognormal(3, 1, 150), 2)[article],
        }
    )


def test_what_is_looked_up_is_exactly_what_stood_there():
    frame = exactly_decided()
    holes = np.random.default_rng(1).random(frame.shape) < [0, 0.2, 0.2, 0.2]
    schema = Schema(
        [
            ColumnSchema(name="article", kind=Kind.CATEGORICAL),
            ColumnSchema(name="tax_number", kind=Kind.NUMERIC, decimals=0),
            ColumnSchema(name="listed", kind=Kind.DATETIME),
            ColumnSchema(name="price", kind=Kind.NUMERIC, decimals=2),
        ]
    )
    given_table = frame.mask(holes)
    for n_members in (1, 2):
        imputer = quick_imputer(schema=schema, max_steps=30, n_members=n_members).fit(given_table)
        imputation = imputer.impute(given_table)
        decided = imputation.cells[imputation.cells["source"] == "dependency"]
        assert decided["column"].value_counts().min() > 80
        assert decided["column"].nunique() == 3
        for name, cells in decided.groupby("column"):
            at = cells["position"].to_numpy()
            assert (imputation.table[name].iloc[at].to_numpy() == frame[name].iloc[at].to_numpy()).all()


def test_a_number_that_was_never_seen_is_not_taken_for_the_one_beside_it():
    rng = np.random.default_rng(0)
    codes = np.unique(rng.integers(1e8, 9e8, 200))
    code = rng.choice(codes, 900)
    colours = {number: f"colour {place}" for number, place in zip(codes, rng.integers(0, 30, len(codes)), strict=True)}
    frame = pd.DataFrame({"code": code, "colour": [colours[number] for number in code]})
    schema = Schema([ColumnSchema(name="code", kind=Kind.NUMERIC), ColumnSchema(name="colour", kind=Kind.CATEGORICAL)])
    imputer = quick_imputer(schema=schema, max_steps=30).fit(frame.mask(rng.random(frame.shape) < [0, 0.1]))
    sources = {
        step: imputer.impute(pd.DataFrame({"code": codes + step, "colour": None})).cells["source"] for step in (0, 1)
    }
    assert (sources[0] == "dependency").mean() > 0.9
    assert not (sources[1] == "dependency").any()


def test_draws_and_intervals_of_decided_numbers_hardly_leave_them(fitted):
    frame = table()
    cells = fitted.impute(frame).cells
    decided = cells[(cells["source"] == "dependency") & (cells["column"] == "duty")]
    said = decided["value_number"].to_numpy()
    assert (decided["upper"] - decided["lower"]).max() < 0.05
    for draw in fitted.sample(frame, 3):
        assert np.abs(draw["duty"].iloc[decided["position"]].to_numpy() - said).max() < 0.1


def test_a_loaded_model_decides_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded, frame = GAINImputer.load(tmp_path / "model"), table(seed=1)
    pd.testing.assert_frame_equal(loaded.impute(frame).cells, fitted.impute(frame).cells)


def test_a_model_in_which_two_skewed_numbers_decide_another_is_loaded(tmp_path):
    rng = np.random.default_rng(0)
    pieces, grade = rng.choice([1, 12], N_ROWS, p=[0.85, 0.15]), rng.integers(0, 12, N_ROWS)
    frame = pd.DataFrame({"pieces": pieces, "grade": grade, "price": (grade * pieces * 31 + grade**2) % 101 + 0.5})
    frame["price"] = frame["price"].mask(rng.random(N_ROWS) < 0.2)
    schema = Schema([ColumnSchema(name=name, kind=Kind.NUMERIC) for name in frame.columns])
    imputer = quick_imputer(schema=schema, max_steps=60, round_to_grid=False).fit(frame)
    pairs = [each for each in imputer.state_.members[0].experts.dependencies.all if len(each.by) == 2]
    assert any(pair.keys[0] < 0 < pair.keys[-1] for pair in pairs)  # 64 bits do not hold how far apart such keys are
    imputer.save(tmp_path / "model")
    pd.testing.assert_frame_equal(GAINImputer.load(tmp_path / "model").transform(frame), imputer.transform(frame))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("keys", lambda array: array[::-1].copy()),
        ("keys", lambda array: array[:-1]),
        ("values", lambda array: array + 1e6),
        ("values", lambda array: array * np.float32(np.nan)),
        ("wrong", lambda array: array - 1),
    ],
)
def test_a_model_whose_dependencies_do_not_fit_it_is_refused_in_loading(fitted, tmp_path, name, damage):
    fitted.save(tmp_path / "model")
    damage_model(tmp_path / "model", f"experts.dependency.0.{name}", damage)
    with pytest.raises(ModelFormatError, match="damaged"):
        GAINImputer.load(tmp_path / "model")


@pytest.mark.parametrize(
    "changes",
    [
        {"excess": [0.5, 1]},
        {"excess": [1]},
        {"dependencies": [[0.0, 0]]},
        {"dependencies": [[0.0, 99, 0]]},
        {"dependencies": [[0.0, 0, -1]]},
        {"dependencies": [[0.0, 0, 1, 2, 3]]},
    ],
    ids=str,
)
def test_a_description_of_dependencies_that_cannot_be_is_refused_in_loading(fitted, tmp_path, changes):
    fitted.save(tmp_path / "model")
    file, sums = tmp_path / "model" / "model.json", tmp_path / "model" / "SHA256SUMS"
    before, description = hashlib.sha256(file.read_bytes()).hexdigest(), json.loads(file.read_text())
    description["members"][0]["experts"] |= changes
    file.write_text(json.dumps(description))
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(file.read_bytes()).hexdigest()))
    with pytest.raises(ModelFormatError, match="damaged"):
        GAINImputer.load(tmp_path / "model")


def articles(*, seed: int = 0) -> pd.DataFrame:
    """Two hundred articles, each in some shops: its number decides its weight, and nothing else does."""
    rng = np.random.default_rng(seed)
    article = rng.integers(0, 200, 1_200)
    weights = np.random.default_rng(7).lognormal(0, 1, 200).round(3)
    frame = pd.DataFrame(
        {
            "ean": [f"40{number * 7919 % 10**9:09}" for number in article],
            "weight": weights[article],
            "price": rng.lognormal(3, 1, len(article)).round(2),
        }
    )
    return frame.mask(rng.random(frame.shape) < [0.05, 0.3, 0.1])


@pytest.mark.filterwarnings("ignore:Empty cells of these columns")
def test_an_identifier_that_stands_in_several_rows_decides(tmp_path):
    frame = articles()
    schema = infer_schema(frame).replace("ean", kind="identifier")
    imputer = quick_imputer(schema=schema, max_steps=20).fit(frame)
    assert ("weight", ("ean",)) in set(zip(*imputer.dependencies_[["column", "decided_by"]].T.values, strict=True))
    imputer.save(tmp_path / "model")
    weight_of = frame.dropna(subset=["ean", "weight"]).drop_duplicates("ean").set_index("ean")["weight"]
    for each in (imputer, GAINImputer.load(tmp_path / "model")):
        result = each.impute(articles(seed=1))
        decided = result.cells[(result.cells["source"] == "dependency") & (result.cells["column"] == "weight")]
        assert len(decided) > 250
        filled = result.table.iloc[decided["position"]]
        np.testing.assert_allclose(filled["weight"], weight_of[filled["ean"]], atol=1e-6)
    row = articles(seed=1).iloc[decided["position"].iloc[[0]]]
    assert imputer.transform(row)["weight"].iloc[0] == pytest.approx(weight_of[row["ean"].iloc[0]])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(min_size=1, max_size=5), st.sampled_from(["a", "b", "40"])), min_size=2))
def test_identifiers_are_the_same_numbers_where_they_are_the_same_texts(cells):
    schema = Schema([ColumnSchema(name="id", kind=Kind.IDENTIFIER)])
    encoder = TableEncoder(schema=schema, numbers={}, classes={}, texts={})
    encoded, empty, _ = encoder.encode(pd.DataFrame({"id": pd.Series(cells, dtype=object)}))
    hashed = encoded.identifiers[:, 0]
    np.testing.assert_array_equal(np.isnan(hashed), empty["id"])
    there = np.flatnonzero(~empty["id"])
    texts = np.array([cells[at] for at in there], dtype=object)
    np.testing.assert_array_equal(hashed[there][:, None] == hashed[there][None], texts[:, None] == texts[None])


def test_without_experts_nothing_is_looked_up():
    imputer = quick_imputer(n_trees=0).fit(table())
    assert imputer.dependencies_.empty
    assert set(imputer.impute(table()).cells["source"]) <= {"generator", ""}
