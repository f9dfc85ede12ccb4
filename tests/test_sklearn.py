"""The estimator contract of scikit-learn, and its own tests of imputers, on our imputer."""

from __future__ import annotations

import dataclasses
import inspect
import warnings

import numpy as np
import optuna
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from numpydoc.docscrape import ClassDoc, FunctionDoc
from optuna_integration.sklearn import OptunaSearchCV
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute.tests import test_common as common
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import estimator_checks

from gain_impute import GAINImputer
from gain_impute.config import SHARED, GAINConfig, default_max_steps
from gain_impute.errors import UnfillableWarning
from gain_impute.training import NullTracker
from tests.strategies import quick_imputer, shop_table

NAME = "GAINImputer"


# ----------------------------------------------------------------------------------------------- the contract


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")  # one check needs SCIPY_ARRAY_API
def test_every_check_of_the_estimator_contract_passes():
    results = estimator_checks.check_estimator(quick_imputer(), expected_failed_checks={}, on_fail=None)
    failed = {result["check_name"]: result["exception"] for result in results if result["status"] == "failed"}
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    passed = [result["check_name"] for result in results if result["status"] == "passed"]
    assert failed == {}
    assert skipped <= {"check_array_api_input"}  # it needs SCIPY_ARRAY_API
    assert len(passed) >= 45


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_set_output_transform_polars,
        estimator_checks.check_global_set_output_transform_polars,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names:UserWarning")  # the checks provoke it
def test_checks_that_check_estimator_leaves_out_pass_too(check):
    assert check(NAME, quick_imputer()) is None


# `check_param_validation` is not among them: it asks for `_parameter_constraints` and for scikit-learn's own
# InvalidParameterError. Ours is a ConfigError, a ValueError too, and names parameter, range and value; this stands in.
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(GAINConfig)])
def test_every_hyper_parameter_of_a_wrong_type_is_named_in_a_value_error(name):
    wrong = quick_imputer(**{name: type("Wrong", (), {})()})
    for method in (wrong.fit, wrong.partial_fit, wrong.fit_transform):
        with pytest.raises(
            ValueError, match=rf"The '{name}' parameter of GAINImputer must be .* Got .*Wrong.* instead\."
        ):
            method(np.array([[1.0, 2.0], [3.0, np.nan]]))


# --------------------------------------------------------------- scikit-learn's own tests of imputers, on ours


@pytest.fixture(params=[{}, {"round_to_grid": False}], ids=["on the grid", "off the grid"])
def imputer(request) -> GAINImputer:
    return quick_imputer(**request.param)


def test_a_value_missing_only_at_transform_is_filled(imputer):
    common.test_imputation_missing_value_in_test_array(imputer)
    assert np.isfinite(clone(imputer).fit([[1], [2]]).transform([[3], [np.nan]])).all()


@pytest.mark.parametrize("marker", [np.nan, -1, 0])
@pytest.mark.filterwarnings("ignore::gain_impute.errors.UnfillableWarning")  # it fits a column without a value
def test_indicators_are_appended_whatever_the_marker(imputer, marker):
    common.test_imputers_add_indicator(marker, imputer)
    assert not hasattr(imputer, "state_")  # scikit-learn works on a clone


@pytest.mark.parametrize("keep_empty_features", [True, False])
@pytest.mark.filterwarnings("ignore::gain_impute.errors.UnfillableWarning")  # it fits a column without a value
def test_empty_features_are_kept_or_dropped_as_asked(imputer, keep_empty_features):
    common.test_keep_empty_features(imputer, keep_empty_features)
    filled = imputer.set_params(keep_empty_features=keep_empty_features).fit_transform([[np.nan, 1], [np.nan, 2]])
    assert filled.shape[1] == 1 + keep_empty_features


@pytest.mark.parametrize("missing_value_test", [np.nan, 1])
def test_an_indicator_exists_even_where_nothing_is_missing(imputer, missing_value_test):
    common.test_imputation_adds_missing_indicator_if_add_indicator_is_true(imputer, missing_value_test)
    assert not hasattr(imputer, "state_")


def test_no_test_of_scikit_learn_is_forgotten():
    ran = {
        "test_imputation_missing_value_in_test_array",
        "test_imputers_add_indicator",
        "test_keep_empty_features",
        "test_imputation_adds_missing_indicator_if_add_indicator_is_true",
    }
    in_a_variant_of_our_own = {
        "test_imputers_feature_names_out_pandas",
        "test_imputers_add_indicator_sparse",
        "test_imputers_pandas_na_integer_array_support",
    }
    assert {name for name in vars(common) if name.startswith("test_")} == ran | in_a_variant_of_our_own


HOLES = np.array(
    [
        [np.nan, 1, 5, 3, np.nan, 1],
        [2, np.nan, 1, 4, np.nan, 2],
        [6, 3, 7, np.nan, np.nan, 3],
        [1, 2, 9, 8, np.nan, 4],
    ]
)


@pytest.mark.parametrize("keep_empty_features", [True, False])
@pytest.mark.parametrize("add_indicator", [True, False])
def test_names_out_are_those_of_the_kept_columns_and_of_the_indicators(add_indicator, keep_empty_features):
    table = pd.DataFrame(HOLES, columns=list("abcdef"))
    imputer = quick_imputer(add_indicator=add_indicator, keep_empty_features=keep_empty_features)
    with pytest.warns(UnfillableWarning, match=r"'e' \(never observed in fit\)"):
        imputer.fit(table)
    expected = list("abcdef" if keep_empty_features else "abcdf")
    expected += [f"missingindicator_{name}" for name in "abde"] if add_indicator else []
    assert list(imputer.get_feature_names_out()) == expected
    assert list(imputer.transform(table).columns) == expected


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csr_array, scipy.sparse.coo_array])
def test_sparse_input_is_refused_with_what_to_do(make):
    with pytest.raises(TypeError, match=r"Sparse data was passed.*toarray\(\)"):
        quick_imputer().fit(make(np.nan_to_num(HOLES)))


@pytest.mark.parametrize("add_indicator", [True, False])
def test_a_frame_of_nullable_integers_stays_one_with_integers_filled(add_indicator):
    table = pd.DataFrame(HOLES[:, [0, 1, 2, 3, 5]], columns=list("abcde"), dtype="Int16")
    filled = quick_imputer(add_indicator=add_indicator).fit_transform(table)
    assert (filled[list("abcde")].dtypes == "Int16").all()
    assert not filled.isna().any(axis=None)
    assert filled["a"].between(1, 6).all()
    indicators = filled.drop(columns=list("abcde"))
    assert indicators.shape[1] == (3 if add_indicator else 0)
    assert (indicators.to_numpy(bool) == table[list("abd")[: indicators.shape[1]]].isna().to_numpy()).all()


# --------------------------------------------------------------------------- signature, docstring, configuration


def test_every_parameter_is_documented_in_the_order_of_the_signature():
    documented = [name for parameter in ClassDoc(GAINImputer)["Parameters"] for name in parameter.name.split(", ")]
    assert documented == list(inspect.signature(GAINImputer).parameters)
    assert all(parameter.desc for parameter in ClassDoc(GAINImputer)["Parameters"])


def test_every_documented_default_is_the_one_in_the_signature():
    signature = inspect.signature(GAINImputer).parameters
    told = {
        p.name: p.type.rpartition("default=")[2] for p in ClassDoc(GAINImputer)["Parameters"] if "default=" in p.type
    }
    assert len(told) >= 14
    assert told == {name: str(signature[name].default) if name != "device" else '"auto"' for name in told}


@pytest.mark.filterwarnings("ignore::UserWarning:numpydoc")
def test_every_attribute_that_fit_sets_is_documented():
    documented = {attribute.name for attribute in ClassDoc(GAINImputer)["Attributes"]}
    fitted = {name for name in vars(quick_imputer().fit(shop_table().drop(columns="title"))) if name.endswith("_")}
    assert fitted == documented


@pytest.mark.parametrize(
    "method",
    [
        "fit",
        "partial_fit",
        "transform",
        "impute",
        "sample",
        "category_probabilities",
        "save",
        "load",
        "get_feature_names_out",
    ],
)
def test_every_parameter_of_a_method_is_documented(method):
    function = getattr(GAINImputer, method)
    documented = [name for parameter in FunctionDoc(function)["Parameters"] for name in parameter.name.split(", ")]
    assert documented == [name for name in inspect.signature(function).parameters if name != "self"]


def test_the_imputer_takes_every_hyper_parameter_under_its_name_and_with_its_default():
    parameters = GAINImputer().get_params()
    defaults = {field.name: field.default for field in dataclasses.fields(GAINConfig)}
    assert {name: parameters.get(name, "absent") for name in defaults} == defaults
    assert all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(GAINImputer).parameters.values())


OTHER_VALUE = {
    "n_members": 2,
    "max_steps": 11,
    "max_time_s": 1e6,
    "batch_size": 16,
    "learning_rate": 0.01,
    "weight_decay": 5.0,
    "dropout": 0.5,
    "n_trees": 9,
    "d_hidden": 24,
    "n_blocks": 2,
    "d_text": 8,
    "n_buckets": 64,
    "n_bins": 5,
    "d_noise": 3,
    "rehide_min": 0.3,
    "rehide_max": 0.9,
    "rehide_texts": 0.8,
    "visible_weight": 1.0,
    "draw_weight": 0.1,
    "adversary_weight": 5.0,
    "hint_rate": 0.1,
    "ema_decay": 0.0,
    "validation_share": 0.3,
}


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return shop_table()


def outcome(shop: pd.DataFrame, **params) -> np.ndarray:
    """What a fit came to: the filled numbers and the probabilities of the categories."""
    imputer = quick_imputer(**{"max_steps": 10, "round_to_grid": False, **params})
    with pytest.warns(UnfillableWarning):
        imputer.fit(shop)
    numbers = imputer.transform(shop)[["weight", "price"]].to_numpy(float)
    return np.hstack([numbers, imputer.category_probabilities(shop, "kind")])


@pytest.fixture(scope="module")
def usual_outcome(shop) -> np.ndarray:
    return outcome(shop)


def test_a_repeated_fit_comes_to_the_same(shop, usual_outcome):
    np.testing.assert_array_equal(outcome(shop), usual_outcome)


HYPER_PARAMETERS = [field for field in dataclasses.fields(GAINConfig) if field.name != "effort"]


def test_effort_counts_where_steps_and_trees_are_derived(shop, usual_outcome):
    n_steps = default_max_steps(len(shop), 0.02)
    np.testing.assert_array_equal(outcome(shop, effort=0.02, max_steps=None), outcome(shop, max_steps=n_steps))
    np.testing.assert_array_equal(outcome(shop, effort=0.5), usual_outcome)  # here steps are given, and few for trees
    few_trees = outcome(shop, effort=0.01, max_steps=200)
    np.testing.assert_array_equal(few_trees, outcome(shop, n_trees=10, max_steps=200))
    assert not np.array_equal(few_trees, outcome(shop, max_steps=200))


@pytest.mark.parametrize("field", HYPER_PARAMETERS, ids=lambda field: field.name)
def test_a_hyper_parameter_changes_the_fit_exactly_if_it_says_so(field, shop, usual_outcome):
    changed = outcome(shop, **{field.name: OTHER_VALUE[field.name]})
    assert np.array_equal(changed, usual_outcome) != field.metadata["affects_result"]


@pytest.fixture(scope="module")
def two_members(shop) -> np.ndarray:
    return outcome(shop, n_members=2)


@pytest.mark.parametrize("name", [field.name for field in HYPER_PARAMETERS if field.name not in SHARED])
def test_a_hyper_parameter_of_a_variant_changes_its_member(name, shop, two_members):
    assert not np.array_equal(outcome(shop, variants=[{name: OTHER_VALUE[name]}]), two_members)


@pytest.mark.parametrize("params", [{"n_threads": 2}, {"verbose": 1}, {"device": "cpu"}], ids=str)
def test_threads_progress_and_device_change_nothing_but_float_noise(params, shop):
    few_steps = {"max_steps": 3, "n_buckets": 16, "d_text": 4}  # two threads on a busy core wait for each other
    np.testing.assert_allclose(outcome(shop, **few_steps, **params), outcome(shop, **few_steps), rtol=1e-3, atol=1e-3)


# ------------------------------------------------------------------------------- among the tools of scikit-learn


def test_set_output_makes_frames_of_arrays():
    filled = quick_imputer().set_output(transform="pandas").fit_transform(HOLES[:, :4])
    assert list(filled.columns) == ["x0", "x1", "x2", "x3"]
    assert not filled.isna().any(axis=None)
    assert isinstance(quick_imputer().set_output(transform="polars").fit_transform(HOLES[:, :4]), pl.DataFrame)


def test_set_output_keeps_the_dtypes_of_a_frame(shop):
    table = shop.drop(columns="title")
    with config_context(transform_output="pandas"):
        filled = quick_imputer(add_indicator=True).fit_transform(table)
    assert (filled[table.columns].dtypes == table.dtypes).all()
    assert list(filled.columns[table.shape[1] :]) == [f"missingindicator_{name}" for name in table.columns]


def test_a_pipeline_and_a_column_transformer_take_it():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    target = table["a"] + table["b"]
    table = table.mask(rng.random(table.shape) < 0.2)
    model = make_pipeline(
        ColumnTransformer([("fill", quick_imputer(), ["a", "b"])], remainder="drop"), StandardScaler(), Ridge()
    )
    assert model.fit(table, target).score(table, target) > 0
    assert list(model[:2].get_feature_names_out()) == ["fill__a", "fill__b"]


def test_a_grid_search_over_steps_runs_with_numbers_of_numpy():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(40, 3))
    target = table.sum(axis=1)
    table[rng.random(table.shape) < 0.2] = np.nan
    model = make_pipeline(quick_imputer(), Ridge())
    grid = {
        "gainimputer__max_steps": np.array([2, 5]),
        "gainimputer__hint_rate": np.array([0.5, 0.9], dtype=np.float32),
    }
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(table, target)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.best_score_)


def small_task() -> tuple[pd.DataFrame, pd.Series]:
    """A mixed table with holes, and a target that hangs on it."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["cup", "pot"], 60)
    table = pd.DataFrame({"kind": pd.Series(kind, dtype="str"), "weight": rng.normal(size=60)})
    target = table["weight"] + (kind == "pot")
    return table.mask(rng.random(table.shape) < 0.2), target


def small_model() -> Pipeline:
    """Fill, encode, regress."""
    encoded = ColumnTransformer([("kind", OneHotEncoder(handle_unknown="ignore"), ["kind"])], remainder="passthrough")
    return make_pipeline(quick_imputer(), encoded, Ridge())


def test_cross_validation_fits_it_anew_on_each_part():
    table, target = small_task()
    scores = cross_val_score(small_model(), table, target, cv=3, error_score="raise")
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, cross_val_score(small_model(), table, target, cv=3, error_score="raise"))


def test_a_tracker_reaches_it_through_a_pipeline_and_by_routing():
    class Counting(NullTracker):
        n_fits = 0

        def on_fit_begin(self, params, table, schema):  # noqa: ARG002 - the protocol's
            self.n_fits += 1

    table, target = small_task()
    tracker = Counting()
    small_model().fit(table, target, gainimputer__tracker=tracker)
    with config_context(enable_metadata_routing=True):
        routed = make_pipeline(
            quick_imputer().set_fit_request(tracker=True), *[step for _, step in small_model().steps[1:]]
        )
        routed.fit(table, target, tracker=tracker)
    assert tracker.n_fits == 2


def test_optuna_s_search_takes_a_pipeline_with_it():
    table, target = small_task()
    space = {"gainimputer__d_hidden": optuna.distributions.IntDistribution(8, 32)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", message=".*optuna.terminator. module", category=FutureWarning)  # its own use
        search = OptunaSearchCV(small_model(), space, n_trials=2, cv=2, random_state=0, error_score="raise", verbose=0)
        search.fit(table, target)
    assert len(search.trials_) == 2
    assert 8 <= search.best_params_["gainimputer__d_hidden"] <= 32
    assert np.isfinite(search.predict(table)).all()
