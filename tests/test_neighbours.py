"""Neighbours are those of the most similar texts, tell what they know, and are believed where that helps."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from gain_impute import GAINImputer
from gain_impute.encoding.text import HashedText
from gain_impute.errors import ModelFormatError
from gain_impute.neighbours import ALWAYS_RARE, LEAST_CELLS, N_NEAREST, Nearest, Neighbours, TextIndex, Trust
from gain_impute.networks import TextBatch
from tests.strategies import quick_imputer
from tests.test_experts import damage_model

N_BUCKETS = 60


def hashed(texts: list[list[int]]) -> HashedText:
    """One row for each text, which is a list of its n-grams."""
    ids = np.array([ngram for text in texts for ngram in text], np.int32)
    return HashedText(np.arange(1, len(texts) + 1), np.cumsum([0, 0, *map(len, texts)]), ids)


def batch(texts: list[list[int]]) -> TextBatch:
    ids = torch.tensor([ngram for text in texts for ngram in text], dtype=torch.int32)
    return TextBatch(ids, torch.tensor(np.cumsum([0, *map(len, texts)])[:-1]))


def made_texts(n: int, *, seed: int = 0) -> list[list[int]]:
    """Texts of which some n-grams are repeated; the first n-gram is in all of them."""
    rng = np.random.default_rng(seed)
    return [[0, *rng.integers(1, N_BUCKETS, rng.integers(0, 8)).tolist()] for _ in range(n)]


def cosines(texts: list[list[int]], others: list[list[int]]) -> np.ndarray:
    """Similarity of texts to others, among which frequencies are counted; (n_texts, n_others)."""
    counts, theirs = (np.array([np.bincount(text, minlength=N_BUCKETS) for text in side]) for side in (texts, others))
    occurrences = (theirs > 0).sum(axis=0)
    is_rare = occurrences <= max(ALWAYS_RARE, 0.03 * len(others))
    idf = np.where(is_rare, (1 + np.log((1 + len(others)) / (1 + occurrences))) ** 2, 0)

    def vectors(of: np.ndarray) -> np.ndarray:
        weighed = np.where(of > 0, 1 + np.log(np.maximum(of, 1)), 0) * idf
        return weighed / np.maximum(np.linalg.norm(weighed, axis=1, keepdims=True), 1e-12)

    return vectors(counts) @ vectors(theirs).T


# ---------------------------------------------------------------------------------------------- the index


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 80), st.integers(0, 5), st.integers(0, 3))
def test_the_most_similar_rows_are_found(n_rows, n_asked, seed):
    texts, asked = made_texts(n_rows, seed=seed), made_texts(n_asked, seed=seed + 1)
    found = TextIndex.fit(hashed(texts), N_BUCKETS).nearest(batch(asked), np.ones(n_asked, bool))
    similarity = cosines(asked, texts) if asked else np.zeros((0, n_rows))
    assert found.rows.shape == (n_asked, min(N_NEAREST, n_rows))
    np.testing.assert_allclose(found.similarity, -np.sort(-similarity)[:, :N_NEAREST], atol=1e-5)
    np.testing.assert_allclose(found.similarity, np.take_along_axis(similarity, found.rows, axis=1), atol=1e-5)


def test_the_same_text_is_as_similar_as_can_be_and_an_empty_one_not_at_all():
    texts = made_texts(50)
    texts[3] = [7, 8, 8]
    found = TextIndex.fit(hashed(texts), N_BUCKETS).nearest(batch([texts[3], []]), np.ones(2, bool))
    assert found.rows[0, 0] == 3
    assert found.similarity[0, 0] == pytest.approx(1)
    assert (found.similarity[1] == 0).all()


def test_what_many_texts_have_tells_nothing():
    texts = [[0, 1 + i] for i in range(ALWAYS_RARE + 1)]
    found = TextIndex.fit(hashed(texts), N_BUCKETS).nearest(batch([[0]]), np.ones(1, bool))
    assert (found.similarity == 0).all()


def test_a_text_that_stands_in_many_rows_is_found_in_them():
    texts = [[0, 1 + i] for i in range(20)]
    one = hashed(texts)
    index = TextIndex.fit(HashedText(np.tile(one.distinct, 20), one.starts, one.ids), N_BUCKETS)
    found = index.nearest(batch([texts[3]]), np.ones(1, bool))
    assert (found.rows % 20 == 3).all()
    assert found.similarity.min() == pytest.approx(1)


def test_what_no_text_has_makes_a_text_less_similar():
    texts = made_texts(50)
    texts[3] = [7, 8, 9]
    index = TextIndex.fit(hashed(texts), N_BUCKETS + 1)
    found = index.nearest(batch([[7, 8, 9], [7, 8, 9, N_BUCKETS]]), np.ones(2, bool))
    assert found.similarity[1, 0] < found.similarity[0, 0]


def test_rows_that_are_not_wanted_are_not_looked_for():
    texts = made_texts(30)
    index = TextIndex.fit(hashed(texts), N_BUCKETS)
    every, some = index.nearest(batch(texts), np.ones(30, bool)), index.nearest(batch(texts), np.arange(30) % 3 == 0)
    np.testing.assert_array_equal(some.similarity[::3], every.similarity[::3])
    assert (some.similarity[1::3] == 0).all()


# ------------------------------------------------------------------------------------------- what they tell


def some_neighbours(likeness: float = 0.5, *, cell: int = 0) -> Neighbours:
    """Three rows: a number of 2, 4 and unknown, and a category of 1, unknown and 3."""
    numbers, codes = np.array([[2], [4], [np.nan]], np.float32), np.array([[1], [0], [3]])
    return Neighbours({}, numbers, codes, {cell: Trust(0, 4, likeness)})


def nearest(*similarity: float) -> Nearest:
    """One row's: of all three rows."""
    return Nearest(np.array([[0, 1, 2]]), np.array([similarity], np.float32))


def test_what_is_said_counts_as_one_more_neighbour():
    ours = np.array([10], np.float32)
    found, prevail = some_neighbours().moved(0, nearest(1, 0.5, 1), ours)
    assert prevail.all()
    weight = 0.5**4
    np.testing.assert_allclose(found, (2 + weight * 4 + weight * 10) / (1 + 2 * weight), rtol=1e-6)


def test_neighbours_vote_for_categories():
    ours = np.array([[0.2, 0.8, 0, 0]], np.float32)  # there may be more categories than there were
    found, _ = some_neighbours(cell=1).moved(1, nearest(1, 1, 0.5), ours)
    weight = 0.5**4
    np.testing.assert_allclose(found[0], np.array([1 + 0.2 * weight, 0.8 * weight, weight, 0]) / (1 + 2 * weight))


@given(st.floats(0, 1, width=32), st.floats(0, 1, width=32), st.floats(0.2, 1.2), st.floats(-5, 5, width=32))
def test_what_is_said_moves_no_further_than_to_the_neighbours(first, second, likeness, said):
    found, prevail = some_neighbours(likeness).moved(0, nearest(first, second, 1), np.array([said], np.float32))
    assert min(said, 2) - 1e-4 <= found[0] <= max(said, 4) + 1e-4
    weight = first**4 + second**4
    if abs(weight - likeness**4) > 1e-4:  # nearer to each other, single precision decides
        assert prevail[0] == (weight > likeness**4)


def test_where_no_text_is_similar_nothing_moves():
    ours = np.array([10], np.float32)
    found, prevail = some_neighbours().moved(0, nearest(0, 0, 1), ours)
    np.testing.assert_array_equal(found, ours)
    assert not prevail.any()


# ------------------------------------------------------------------------------------- how far they are believed


def asked_of(n: int, *, are_twins: bool, seed: int = 0) -> tuple[Neighbours, dict[int, Nearest], np.ndarray]:
    """Numbers that the nearest row has, or that nothing has to do with it."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n).astype(np.float32)
    theirs = true if are_twins else rng.normal(size=n).astype(np.float32)
    rows = np.column_stack([np.arange(n), np.roll(np.arange(n), 1)])
    similarity = np.column_stack([np.full(n, 0.9), np.full(n, 0.2)]).astype(np.float32)
    return Neighbours({}, theirs[:, None], np.zeros((n, 0), np.int64), {}), {0: Nearest(rows, similarity)}, true


def test_twins_are_believed():
    neighbours, found, true = asked_of(100, are_twins=True)
    trust = neighbours.trusted(0, found, np.zeros(100, np.float32), true)
    believed, nothing = replace(neighbours, trust=trust), np.zeros(100, np.float32)
    moved, _ = believed.moved(0, found[0], nothing)
    assert np.abs(moved - true).mean() < 0.1 * np.abs(true).mean()


def test_twins_do_not_make_rows_believed_that_are_hardly_alike():
    neighbours, found, true = asked_of(100, are_twins=True)
    believed, nothing = replace(neighbours, trust=neighbours.trusted(0, found, true * 0, true)), true * 0
    hardly_alike = found[0]._replace(similarity=np.full_like(found[0].similarity, 0.3))
    assert not believed.moved(0, hardly_alike, nothing)[1].any()
    assert believed.moved(0, found[0], nothing)[1].all()


@pytest.mark.parametrize("seed", range(5))
def test_strangers_are_not_believed(seed):
    neighbours, found, true = asked_of(100, are_twins=False, seed=seed)
    assert neighbours.trusted(0, found, np.zeros(100, np.float32), true) == {}


def test_a_handful_of_cells_says_nothing():
    neighbours, found, true = asked_of(LEAST_CELLS - 1, are_twins=True)
    assert neighbours.trusted(0, found, np.zeros(LEAST_CELLS - 1, np.float32), true) == {}


def test_many_small_errors_less_do_not_make_up_for_great_ones():
    neighbours, found, true = asked_of(100, are_twins=True)
    theirs = neighbours.numbers.copy()
    theirs[:8] += 4
    neighbours, ours = replace(neighbours, numbers=theirs), true + np.float32(0.5)
    assert neighbours.trusted(0, found, ours, true) == {}


def test_one_great_error_less_is_not_beyond_noise():
    neighbours, found, true = asked_of(100, are_twins=False)
    true, ours = neighbours.numbers[:, 0] + np.float32(0.5), neighbours.numbers[:, 0] + np.float32(0.5)
    ours[0] += 20
    assert neighbours.trusted(0, found, ours, true) == {}


# ----------------------------------------------------------------------------------------------- in an imputer


def twins(n: int = 300, *, seed: int = 0) -> pd.DataFrame:
    """Articles of two shops under nearly the same name, of which nothing but the other shop's row tells the price."""
    rng = np.random.default_rng(seed)
    names = [f"Article {rng.integers(10**6, 10**7)} {word}" for word in rng.choice(["red", "blue", "green"], n)]
    price, maker = rng.lognormal(3, 1, n).round(2), rng.choice([f"Maker {i}" for i in range(12)], n)
    shops = [
        pd.DataFrame({"title": [f"{name} {end}" for name in names], "price": price, "maker": maker}) for end in "xy"
    ]
    table = pd.concat(shops, ignore_index=True)
    for column in ("price", "maker"):
        table.loc[rng.permutation(n)[: n // 4], column] = None
    return table


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return twins()


@pytest.fixture(scope="module")
def imputer(table) -> GAINImputer:
    schema = quick_imputer().fit(table).schema_
    assert [schema[name].kind.value for name in table] == ["text", "numeric", "categorical"]
    return quick_imputer(schema=schema, n_trees=5, max_steps=60, round_to_grid=False).fit(table)


def truth(table: pd.DataFrame) -> pd.DataFrame:
    """What the other shop has."""
    return pd.concat([table.iloc[len(table) // 2 :], table.iloc[: len(table) // 2]], ignore_index=True)


def test_what_the_twin_has_is_filled_in(table, imputer):
    filled, known = imputer.transform(table), truth(table)
    at = table["price"].isna() & known["price"].notna()
    ours, mean = (np.abs(values - known["price"])[at].mean() for values in (filled["price"], table["price"].mean()))
    assert ours < 0.5 * mean
    at = table["maker"].isna() & known["maker"].notna()
    assert (filled["maker"] == known["maker"])[at].mean() > 0.8


def test_new_rows_have_neighbours_too_and_each_row_its_own(table, imputer):
    new = table[table["price"].isna()].assign(maker=None)
    filled = imputer.transform(new)
    alone = pd.concat([imputer.transform(new.iloc[[i]]) for i in range(5)])
    pd.testing.assert_frame_equal(filled.iloc[:5], alone, rtol=1e-4)


def test_the_report_names_neighbours(table, imputer):
    cells = imputer.impute(table).cells
    assert set(cells["source"]) <= {
        "",
        "generator",
        "generator and trees",
        "generator and line",
        "generator, trees and line",
        "generator and neighbours",
        "generator, trees and neighbours",
        "generator, line and neighbours",
        "generator, trees, line and neighbours",
    }
    assert cells["source"].str.contains("neighbours").any()
    nameless = imputer.impute(table.assign(title="!")).cells
    assert not nameless["source"].str.contains("neighbours").any()


def test_a_row_without_a_neighbour_is_not_as_sure_as_one_with(table, imputer):
    strangers = twins(200, seed=9)  # of other names, whose prices nothing tells
    truth = strangers["price"].dropna()
    strangers["title"] = [f"Thing {9 * 10**8 + i}" for i in range(len(strangers))]
    covered, ratios = [], []
    for seed in range(4):  # what one fit measures on its few held-out cells may be off by .1
        other = quick_imputer(schema=imputer.schema_, n_trees=5, max_steps=60, random_state=seed).fit(table)
        cells = other.impute(strangers.assign(price=np.nan)).cells
        prices = cells[cells["column"] == "price"].set_index("position").loc[truth.index]
        alone = prices[~prices["source"].str.contains("neighbours")]  # a number in a name may look like another
        assert len(alone) > 0.95 * len(prices)
        covered.append(((alone["lower"] <= truth[alone.index]) & (truth[alone.index] <= alone["upper"])).mean())
        own = other.impute(table).cells
        near = own[(own["column"] == "price") & own["source"].str.contains("neighbours")]
        if len(near):  # else the held-out cells did not say that neighbours help
            of_near, of_alone = ((rows["upper"] - rows["lower"]).median() for rows in (near, alone))
            ratios.append(of_near / of_alone)
    assert max(ratios) < 1
    assert np.median(ratios) < 0.1
    assert np.mean(covered) == pytest.approx(0.9, abs=0.06)


def test_a_saved_model_keeps_its_neighbours(table, imputer, tmp_path):
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.transform(table), imputer.transform(table))
    assert loaded.state_.members[0].experts.neighbours.trust == imputer.state_.members[0].experts.neighbours.trust
    assert loaded.state_.model_id() == imputer.state_.model_id()


def first_becomes(value):
    def damaged(array):
        array = array.copy()
        array.flat[0] = value
        return array

    return damaged


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("experts.index.0.starts", first_becomes(1)),
        ("experts.index.0.rows", first_becomes(-1)),
        ("experts.index.0.rows", first_becomes(10**6)),
        ("experts.index.0.values", lambda values: values[:-1]),
        ("experts.index.0.idf", first_becomes(np.nan)),
        ("experts.index.0.idf", lambda idf: idf[:-1]),
        ("experts.neighbours.codes", first_becomes(99)),
        ("experts.neighbours.codes", lambda codes: codes[:-1]),
        ("experts.neighbours.numbers", first_becomes(np.inf)),
        ("experts.neighbours.numbers", first_becomes(3e38)),
        ("experts.index.0.values", first_becomes(-1)),
        ("experts.index.0.values", first_becomes(3e38)),
        ("experts.index.0.idf", first_becomes(3e38)),
    ],
)
def test_a_model_whose_neighbours_do_not_fit_it_is_refused_in_loading(imputer, tmp_path, name, damage):
    imputer.save(tmp_path / "model")
    damage_model(tmp_path / "model", name, damage)
    with pytest.raises(ModelFormatError, match="damaged"):
        GAINImputer.load(tmp_path / "model")


@pytest.mark.parametrize(
    "trust", [[0, 10**6, 0.5], [0, 2.9, 0.5], [0, 4, 1e-300], [0, 4, 1e300], [7, 4, 0.5], [-1, 4, 0.5]]
)
def test_trust_that_cannot_be_is_refused_in_loading(imputer, tmp_path, trust):
    imputer.save(tmp_path / "model")
    file, sums = tmp_path / "model" / "model.json", tmp_path / "model" / "SHA256SUMS"
    before, description = hashlib.sha256(file.read_bytes()).hexdigest(), json.loads(file.read_text())
    description["members"][0]["experts"]["trust"] = {"0": trust}
    file.write_text(json.dumps(description))
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(file.read_bytes()).hexdigest()))
    with pytest.raises(ModelFormatError, match="damaged"):
        GAINImputer.load(tmp_path / "model")


def test_a_model_without_texts_has_none(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc")).mask(rng.random((200, 3)) < 0.1)
    fitted = quick_imputer(n_trees=3, max_steps=20).fit(table)
    fitted.save(tmp_path / "model")
    assert fitted.state_.members[0].experts.neighbours.trust == {}
    assert not any(
        "index" in name or "neighbours" in name for name in load_file(tmp_path / "model" / "weights.safetensors")
    )
    assert json.loads((tmp_path / "model" / "model.json").read_text())["members"][0]["experts"]["trust"] == {}


def test_neighbours_that_are_kept_are_believed_as_before(table, imputer, tmp_path):
    # they have seen what is held out of the same rows, and would be believed without limit
    imputer.save(tmp_path / "model")
    again = GAINImputer.load(tmp_path / "model").partial_fit(table)
    assert again.state_.members[0].experts.neighbours.trust == imputer.state_.members[0].experts.neighbours.trust
