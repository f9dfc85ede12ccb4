"""An evaluation hides cells, scores every method on the same ones, and refuses methods that cheat."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len

from gain_impute import GAINImputer, Imputation, infer_schema
from gain_impute.errors import BrokenRuleWarning, ColumnMismatchError, ConfigError, TableError
from gain_impute.evaluation import OURS, Evaluation, evaluate


def make_shop(n_rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind = rng.choice(["cup", "pot", "pan"], n_rows, p=[0.5, 0.3, 0.2])
    price = pd.Series(kind).map({"cup": 5.0, "pot": 20.0, "pan": 35.0}) + rng.normal(size=n_rows).round(2)
    shop = pd.DataFrame(
        {
            "title": [f"article {i} of this shop, it is called a {k}" for i, k in enumerate(kind)],
            "kind": kind,
            "price": price,
            "n_sold": rng.integers(0, 50, n_rows),
            "fragile": kind == "cup",
            "since": pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, n_rows), unit="D")),
        }
    )
    return shop.mask(rng.random(shop.shape) < 0.05)


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return make_shop()


@pytest.fixture(scope="module")
def imputer() -> GAINImputer:
    return GAINImputer(random_state=0, max_steps=20, d_hidden=32, n_blocks=1)


@pytest.fixture(scope="module")
def report(shop, imputer) -> Evaluation:
    return evaluate(imputer, shop)


FILLABLE = ["kind", "price", "n_sold", "fragile", "since"]


def test_cells_are_hidden_in_every_column_that_can_be_filled_and_only_there(report, shop):
    assert report.columns["column"].tolist() == FILLABLE
    n_known = shop[FILLABLE].notna().sum()
    assert report.columns["n_hidden"].tolist() == [round(0.2 * n) for n in n_known]
    assert (report.columns["n_left"] == 0).all()


def test_numbers_have_errors_and_categories_accuracies(report):
    by_column = report.columns.set_index("column")
    for method in (OURS, "mean", "knn"):
        assert by_column[f"error_{method}"].notna().to_dict() == by_column[f"accuracy_{method}"].isna().to_dict()
    assert by_column["error_mean"].dropna().index.tolist() == ["price", "n_sold", "since"]
    assert by_column["error_mean"].dropna().between(0.7, 1.3).all()
    assert by_column.loc["kind", "accuracy_knn"] > by_column.loc["kind", "accuracy_mean"]


def test_intervals_and_confidence_are_scored(report):
    by_column = report.columns.set_index("column")
    assert by_column.loc[["price", "n_sold", "since"], ["coverage", "width", "confidence"]].notna().all(axis=None)
    assert by_column["coverage"].dropna().between(0, 1).all()
    assert by_column.loc[["kind", "fragile"], "calibration_error"].between(0, 1).all()


def test_the_means_are_over_columns(report):
    for method, scores in report.overall.items():
        assert scores["numeric_error"] == pytest.approx(report.columns[f"error_{method}"].mean())
        assert scores["accuracy"] == pytest.approx(report.columns[f"accuracy_{method}"].mean())
        assert scores["seconds"] > 0


def test_the_figures_go_through_json(report):
    figures = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert figures["overall"]["mean"]["accuracy"] == report.overall["mean"]["accuracy"]
    assert figures["columns"][0]["column"] == "kind"
    assert figures["columns"][0]["error_mean"] is None
    assert figures["n_hidden"] == report.columns["n_hidden"].sum()


def test_it_prints_as_a_table_of_fixed_width(report):
    lines = str(report).splitlines()
    assert lines[0].endswith("cells hidden: 20% of the known ones of each column (mcar)")
    assert lines[2].split()[:6] == ["column", "kind", "hidden", "gain", "mean", "knn"]
    ends = {line.rfind("%") for line in lines if line.startswith(("kind", "fragile"))}
    assert len(ends) == 1
    assert lines[-1].startswith("seconds")


def test_chinese_names_do_not_shift_its_columns(report):
    renamed = dataclasses.replace(report, columns=report.columns.replace({"column": {"price": "价格和重量"}}))
    lines = [line for line in str(renamed).splitlines() if " numeric" in line]
    assert len({cell_len(line.partition(" numeric")[0]) for line in lines}) == 1
    assert any("价格和重量" in line for line in lines)


def test_the_same_seed_gives_the_same_figures_and_another_hides_other_cells(shop, imputer):
    first, second, other = (evaluate(imputer, shop, compare=["mean"], random_state=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first.columns, second.columns)
    assert first.columns["error_mean"].dropna().tolist() != other.columns["error_mean"].dropna().tolist()


def test_the_imputer_is_not_changed_and_a_clone_is_fitted(shop):
    imputer = GAINImputer(random_state=0, max_steps=5)
    evaluate(imputer, shop, compare=[])
    assert not hasattr(imputer, "schema_")
    assert imputer.schema is None


def test_a_fitted_imputer_is_used_as_it_is_unless_told_otherwise(shop):
    shop = shop.drop(columns="title")
    fitted = GAINImputer(random_state=0, max_steps=20).fit(shop)
    model = fitted.state_.model_id()
    as_it_is, refitted = (evaluate(fitted, shop, compare=[], refit=refit) for refit in (None, True))
    assert fitted.state_.model_id() == model
    assert not as_it_is.columns["confidence"].equals(refitted.columns["confidence"])
    assert "rows that it has learned flatter it" in str(as_it_is)
    assert "flatter" not in str(refitted)


@pytest.mark.parametrize("mechanism", ["mar", "mnar", "block"])
def test_every_mechanism_can_be_evaluated(shop, imputer, mechanism):
    report = evaluate(imputer, shop, mechanism=mechanism, compare=["mean"])
    assert report.mechanism == mechanism
    assert mechanism in str(report)


def test_a_table_of_texts_is_hidden_and_scored_as_the_typed_one(shop, imputer):
    as_text = shop.astype(object).where(shop.notna(), "").astype(str)
    typed, text = evaluate(imputer, shop, compare=["mean"]), evaluate(imputer, as_text, compare=["mean"])
    assert text.columns[["column", "n_hidden"]].equals(typed.columns[["column", "n_hidden"]])
    assert text.columns["accuracy_mean"].tolist() == pytest.approx(typed.columns["accuracy_mean"].tolist(), nan_ok=True)
    assert text.columns["error_mean"].tolist() == pytest.approx(
        typed.columns["error_mean"].tolist(), abs=0.02, nan_ok=True
    )


def test_arrays_are_evaluated_too(imputer):
    rng = np.random.default_rng(0)
    report = evaluate(imputer, rng.normal(size=(80, 3)), compare=["mean"])
    assert report.columns["column"].tolist() == ["x0", "x1", "x2"]


def test_a_marker_of_missing_values_is_never_hidden(imputer):
    table = pd.DataFrame({"a": [1.0, -1.0, 2.0, 3.0] * 25, "b": ["x", "?", "y", "x"] * 25})
    marked = GAINImputer(random_state=0, max_steps=5, missing_values=[-1, "?"])
    report = evaluate(marked, table, compare=["mean"])
    assert dict(zip(report.columns["column"], report.columns["n_hidden"], strict=True))["b"] == 15


def test_cells_that_do_not_apply_are_left_and_not_scored(shop):
    schema = infer_schema(shop).replace("n_sold", applies_when={"kind": ("pot",)})
    with pytest.warns(BrokenRuleWarning, match="'n_sold'"):  # that of others is known
        report = evaluate(GAINImputer(random_state=0, max_steps=20, schema=schema), shop, compare=["mean"])
    row = report.columns.set_index("column").loc["n_sold"]
    assert 0 < row["n_left"] < row["n_hidden"]


def test_cells_that_are_not_sure_enough_are_left_and_not_scored(shop):
    imputer = GAINImputer(random_state=0, max_steps=60, min_confidence={"kind": 0.97})
    report = evaluate(imputer, shop, compare=["mean"])
    row = report.columns.set_index("column").loc["kind"]
    assert 0 < row["n_left"] < row["n_hidden"]


def test_few_hidden_cells_are_listed_but_not_counted(imputer):
    report = evaluate(imputer, make_shop(15), compare=["mean"])
    assert report.columns["n_hidden"].max() < 5
    assert np.isnan(report.overall["mean"]["accuracy"])
    assert report.to_dict()["overall"]["mean"]["accuracy"] is None


def test_a_table_in_which_nothing_can_be_hidden_is_refused(imputer):
    with pytest.raises(
        TableError, match=r"a column in which 20% of the known cells can be hidden and filled\. Found none"
    ):
        evaluate(imputer, pd.DataFrame({"title": [f"the article of the shop number {i}" for i in range(50)]}))


def test_an_unfitted_imputer_cannot_be_used_as_it_is(shop, imputer):
    with pytest.raises(ConfigError, match=r"With refit=False the imputer must be fitted\. It is not"):
        evaluate(imputer, shop, refit=False)


def test_an_unknown_method_is_refused_before_anything_is_fitted(shop):
    with pytest.raises(ConfigError, match="A method must be one of gain, mean, median, knn"):
        evaluate(GAINImputer(max_steps=10**9), shop, compare=["forest"])
    for seed in ("0", 1.5, None, True, -1):
        with pytest.raises(
            ConfigError, match=r"'random_state' parameter of evaluate must be an int of at least 0. Got"
        ):
            evaluate(GAINImputer(max_steps=10**9), shop, random_state=seed)
    with pytest.raises(ConfigError, match=r"imputer itself is 'gain', so 'compare' must name others"):
        evaluate(GAINImputer(max_steps=10**9), shop, compare=["gain"])


class Cheat(GAINImputer):
    """Gives back a table with one cell changed after the imputer has filled it."""

    spoilt: ClassVar[dict[str, Any]] = {}

    def impute(self, X: Any) -> Imputation:
        done = super().impute(X)
        row = int(np.flatnonzero(X["price"].isna() if self.spoilt["empty"] else X["price"].notna())[0])
        done.table.iloc[row, X.columns.get_loc("price")] = self.spoilt["value"]
        return done


@pytest.mark.parametrize(
    ("empty", "value", "message"),
    [
        (False, -1.0, "must leave observed cells as they are. 'gain' changed 1 of column 'price'"),
        (False, np.nan, "must leave observed cells as they are. 'gain' changed 1 of column 'price'"),
        (True, np.nan, "must fill every hidden cell. 'gain' left 1 cells of column 'price' empty"),
    ],
)
def test_a_method_that_leaves_a_hole_or_changes_an_observed_cell_is_refused(shop, monkeypatch, empty, value, message):
    monkeypatch.setattr(Cheat, "spoilt", {"empty": empty, "value": value})
    complete = shop.fillna({"price": 5.0})  # so that each empty price is a hidden one
    with pytest.raises(TableError, match=message):
        evaluate(Cheat(random_state=0, max_steps=5), complete, compare=[])


def test_a_table_without_a_column_that_the_imputer_knows_is_refused_before_any_work(shop):
    shop = shop.drop(columns="title")
    fitted = GAINImputer(random_state=0, max_steps=5, d_hidden=16, n_blocks=1).fit(shop)
    with pytest.raises(ColumnMismatchError, match="missing"):
        evaluate(fitted, shop.drop(columns=shop.columns[0]))
