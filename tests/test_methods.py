"""Every method fills every hole; the simple ones do it as scikit-learn's imputers would, from what they can see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import KNNImputer, SimpleImputer

from gain_impute import Kind, Schema, infer_schema
from gain_impute.errors import ColumnMismatchError, ConfigError
from gain_impute.masking import apply_hidden, hide_cells
from gain_impute.methods import (
    MatrixMethod,
    NeighboursFiller,
    Setting,
    make_method,
    note_of,
)
from gain_impute.methods.matrix import MatrixEncoder

SIMPLE = ("mean", "median", "knn")


def method(name: str, table: pd.DataFrame):
    return make_method(name, Setting(schema=infer_schema(table)))


def neighbours(table: pd.DataFrame, **options) -> MatrixMethod:
    return MatrixMethod(NeighboursFiller(**options), Setting(schema=infer_schema(table)))


def with_holes(table: pd.DataFrame, rate: float = 0.2) -> pd.DataFrame:
    return apply_hidden(table, hide_cells(table, rate, rng=0))


@pytest.fixture
def shop() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind = rng.choice(["cup", "pot", "pan"], 300, p=[0.5, 0.3, 0.2])
    price = pd.Series(kind).map({"cup": 5.0, "pot": 20.0, "pan": 35.0}) + rng.normal(size=300)
    return pd.DataFrame(
        {
            "title": [f"the article number {i} of this shop, a {k}" for i, k in enumerate(kind)],
            "kind": kind,
            "price": price.round(2),
            "in_stock": rng.choice(["yes", "no"], 300),
            "since": pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, 300), unit="D")),
        }
    )


@pytest.mark.parametrize("name", SIMPLE)
def test_a_method_fills_every_hole_and_changes_nothing_else(name, shop):
    visible = with_holes(shop.drop(columns="title"))
    completed = method(name, visible).fit_transform(visible)
    assert not completed.isna().to_numpy().any()
    known = visible.notna()
    pd.testing.assert_frame_equal(completed.where(known), visible.where(known))
    assert completed.dtypes.equals(visible.dtypes)


@pytest.mark.parametrize("name", SIMPLE)
def test_a_method_fills_a_table_of_texts_alike(name, shop):
    visible = with_holes(shop.drop(columns="title"))
    as_text = visible.assign(since=visible["since"].dt.strftime("%Y-%m-%d")).astype(object).where(visible.notna(), "")
    as_text = as_text.astype(str)
    from_text, typed = method(name, as_text).fit_transform(as_text), method(name, visible).fit_transform(visible)
    assert (from_text != "").to_numpy().all()
    assert from_text["kind"].tolist() == typed["kind"].tolist()
    assert from_text["price"].astype(float).tolist() == pytest.approx(typed["price"].tolist(), abs=0.006)


@pytest.mark.parametrize("name", SIMPLE)
def test_a_method_leaves_text_and_columns_never_seen_as_they_are(name, shop):
    table = shop.assign(nothing=np.nan)
    table.loc[3, "title"] = None
    completed = method(name, table).fit_transform(table)
    assert completed["nothing"].isna().all()
    assert pd.isna(completed.loc[3, "title"])


@pytest.mark.parametrize("name", SIMPLE)
def test_a_method_fills_other_rows_as_it_fills_those_it_learned(name, shop):
    visible = with_holes(shop.drop(columns="title"))
    fitted = method(name, visible)
    completed = fitted.fit_transform(visible)
    pd.testing.assert_frame_equal(fitted.transform(visible), completed)
    pd.testing.assert_frame_equal(fitted.transform(visible[100:120]), completed[100:120])


def test_texts_become_a_few_numbers_that_tell_what_they_say(shop):
    schema = infer_schema(shop)
    encoder = MatrixEncoder.fit(shop, schema, reads_text=True, seed=0)
    matrix, _ = encoder.encode(shop)
    assert matrix.texts.shape == (300, 50)
    cups, pots = ((shop["kind"] == kind).to_numpy() for kind in ("cup", "pot"))
    assert np.linalg.norm(matrix.texts[cups].mean(axis=0) - matrix.texts[pots].mean(axis=0)) > 0.1
    assert MatrixEncoder.fit(shop, schema, reads_text=False, seed=0).encode(shop)[0].texts.shape == (300, 0)


@pytest.mark.parametrize("name", SIMPLE)
def test_a_method_takes_any_number_of_rows(name):
    for n_rows in (0, 1, 2):
        table = pd.DataFrame({"a": [1.0, np.nan][:n_rows], "b": ["x", None][:n_rows]})
        schema = infer_schema(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]}))
        assert (
            make_method(name, Setting(schema=schema)).fit_transform(table).to_numpy().tolist() == [[1.0, "x"]] * n_rows
        )


def test_numbers_are_filled_with_the_mean_and_the_rest_with_the_mode(shop):
    visible = with_holes(shop[["kind", "price"]])
    completed = method("mean", visible).fit_transform(visible)
    expected = SimpleImputer().fit_transform(visible[["price"]])
    assert completed["price"].to_numpy() == pytest.approx(expected[:, 0])
    assert set(completed["kind"][visible["kind"].isna()]) == {visible["kind"].mode()[0]}


@pytest.fixture
def sizes() -> pd.DataFrame:
    """Numbers of which no two rows are equally far from a third, and a category."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6)), columns=list("abcdef"))
    return table.assign(colour=np.where(table["a"] + rng.normal(size=200) > 0, "red", "blue"))


def scaled(table: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    return (table - like.mean()) / like.std(ddof=0)


def test_neighbours_of_numbers_are_those_of_scikit_learn(sizes):
    visible = with_holes(sizes.drop(columns="colour"))
    expected = KNNImputer(n_neighbors=5).fit_transform(scaled(visible, visible))
    found = neighbours(visible).fit_transform(visible)
    assert scaled(found, visible).to_numpy() == pytest.approx(expected)


def test_neighbours_of_mixed_tables_are_those_of_scikit_learn_on_one_hot_columns(sizes):
    visible = with_holes(sizes, 0.1)
    numbers = visible.drop(columns="colour")
    one_hot = pd.DataFrame({text: visible["colour"] == text for text in ("blue", "red")}, dtype=float)
    one_hot[visible["colour"].isna()] = np.nan
    expected = KNNImputer(n_neighbors=5).fit_transform(pd.concat([scaled(numbers, numbers), one_hot], axis=1))
    schema = infer_schema(sizes, kinds={"colour": "categorical"})
    found = make_method("knn", Setting(schema=schema)).fit_transform(visible)
    assert scaled(found.drop(columns="colour"), numbers).to_numpy() == pytest.approx(expected[:, :6])
    assert found["colour"].tolist() == np.array(["blue", "red"])[expected[:, 6:].argmax(axis=1)].tolist()


def test_the_order_of_rows_does_not_matter_to_the_neighbours(sizes):
    visible = with_holes(sizes, 0.1)
    turned = neighbours(visible).fit_transform(visible[::-1])[::-1]
    pd.testing.assert_frame_equal(neighbours(visible).fit_transform(visible), turned)


def test_neighbours_beat_the_mode_where_columns_hang_together(shop):
    visible = with_holes(shop[["kind", "price"]])
    right = {
        name: (method(name, visible).fit_transform(visible)["kind"] == shop["kind"]).mean() for name in ("mean", "knn")
    }
    assert right["knn"] > right["mean"] + 0.05


def test_a_row_that_knows_nothing_gets_mean_and_mode():
    table = pd.DataFrame({"a": [1.0, 2.0, 6.0, np.nan], "b": ["x", "x", "y", None]})
    completed = neighbours(table, n_neighbors=1).fit_transform(table)
    assert completed.loc[3].tolist() == [3.0, "x"]


def test_fewer_donors_are_said(shop):
    visible = with_holes(shop[["kind", "price"]])
    few, all_rows = neighbours(visible, max_donors=50), neighbours(visible, max_donors=None)
    assert not few.fit_transform(visible).isna().to_numpy().any()
    all_rows.fit_transform(visible)
    assert few.note == "neighbours are sought among 50 of the 300 rows"
    assert note_of(all_rows) == note_of(method("mean", visible)) == ""


def test_an_unknown_method_is_refused():
    with pytest.raises(
        ConfigError, match=r"A method must be one of gain, mean, .*\. Got 'knnn' instead\. Did you mean"
    ):
        make_method("knnn", Setting(schema=Schema([])))


@pytest.mark.parametrize("parameter", ["n_neighbors", "max_donors"])
def test_a_count_below_one_is_refused(parameter):
    with pytest.raises(ConfigError, match=f"The '{parameter}' parameter of NeighboursFiller must be at least 1. Got 0"):
        NeighboursFiller(**{parameter: 0})


def test_a_schema_of_another_table_is_refused(shop):
    schema = Schema([infer_schema(shop)["kind"]])
    assert schema["kind"].kind is Kind.CATEGORICAL
    with pytest.raises(
        ColumnMismatchError, match="must be those of the schema, in its order: 1 columns from 'kind' on"
    ):
        make_method("mean", Setting(schema=schema)).fit_transform(shop)
