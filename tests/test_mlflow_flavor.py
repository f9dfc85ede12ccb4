"""An imputer as a model of MLflow: logged, loaded, served, promoted."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from sklearn.exceptions import NotFittedError

from gain_impute import GAINImputer
from gain_impute.errors import ColumnMismatchError, ConfigError
from gain_impute.mlflow_flavor import (
    CONFIDENCE,
    alias_of_next,
    filled_with_confidence,
    load_model,
    log_model,
    promote,
)
from gain_impute.tracking import tracking_uri
from tests.strategies import quick_imputer, shop_table
from tests.test_tracking import free_port, start, stop


def table_of(n_rows: int = 80, *, seed: int = 0) -> pd.DataFrame:
    """A table of every kind of column whose titles have no hole that stays."""
    return shop_table(n_rows, seed=seed).fillna({"title": "a pot"})


@pytest.fixture
def fitted() -> GAINImputer:
    return quick_imputer(max_steps=30).fit(table_of())


def test_a_logged_model_fills_as_the_imputer_does_and_holds_no_pickle(store, fitted, tmp_path):
    uri = log_model(fitted, table_of())
    pd.testing.assert_frame_equal(load_model(uri).transform(table_of()), fitted.transform(table_of()))
    mlflow.set_tracking_uri(tracking_uri())
    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "there")))
    finally:
        mlflow.set_tracking_uri(None)
    files = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"model.json", "weights.safetensors", "serve_imputer.py", "input_example.json"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".pt", ".bin"))]


def test_as_a_pyfunc_it_gives_filled_cells_with_their_confidence(store, fitted):
    table = table_of()
    uri = log_model(fitted, table)
    mlflow.set_tracking_uri(tracking_uri())
    try:
        filled = mlflow.pyfunc.load_model(uri).predict(table)
    finally:
        mlflow.set_tracking_uri(None)
    fillable = [name for name in table if name not in fitted.unfillable_]
    assert list(filled.columns) == [*table.columns, *(f"{name}{CONFIDENCE}" for name in fillable)]
    expected = fitted.transform(table)
    for name in table:
        assert filled[name].astype(str).tolist() == expected[name].astype(str).tolist()
    for name in fillable:
        confidence = filled[f"{name}{CONFIDENCE}"].astype(float)
        assert (confidence.notna() == table[name].isna().to_numpy()).all()
        assert confidence.dropna().between(0, 1).all()


def test_a_model_is_logged_to_the_run_of_its_fit_and_mlflow_s_own_setting_is_kept(store, fitted):
    run = store.create_run(store.create_experiment("mine"))
    log_model(fitted, table_of(), run_id=run.info.run_id)
    assert store.get_run(run.info.run_id).outputs.model_outputs
    assert not mlflow.is_tracking_uri_set()


def test_an_example_of_other_columns_is_refused(store, fitted):
    with pytest.raises(ColumnMismatchError, match="example must have the columns seen in fit"):
        log_model(fitted, table_of().drop(columns="kind"))


def test_a_column_named_like_one_of_confidence_is_refused(store):
    table = table_of().rename(columns={"model": f"kind{CONFIDENCE}"})
    with pytest.raises(ColumnMismatchError, match=rf"\['kind{CONFIDENCE}'\] are taken"):
        log_model(quick_imputer().fit(table), table)


def test_a_challenger_is_promoted_only_if_it_is_better_beyond_noise(store):
    table, new = table_of(300), table_of(300, seed=1)
    poor, good = quick_imputer(max_steps=1, n_trees=0).fit(table), quick_imputer(max_steps=150, d_hidden=32).fit(table)
    log_model(poor, table, registered_name="shop", alias="challenger")
    assert promote("shop", new) is None
    champion = store.get_model_version_by_alias("shop", "champion")
    assert promote("shop", new).lead == 0
    log_model(good, table, registered_name="shop", alias="challenger")
    lead = promote("shop", new)
    assert lead.is_beyond_noise
    assert lead.first > lead.second
    promoted = store.get_model_version_by_alias("shop", "champion")
    assert (champion.version, promoted.version) == (1, 2)
    assert float(store.get_model_version("shop", "2").tags["promotion.lead"]) == pytest.approx(lead.lead, rel=1e-4)
    log_model(poor, table, registered_name="shop", alias="challenger")
    assert not promote("shop", new).is_beyond_noise
    log_model(good.set_params(min_confidence=1), table, registered_name="shop", alias="challenger")
    assert promote("shop", new).lead == 0  # what it leaves empty for a user is compared
    assert store.get_model_version_by_alias("shop", "champion").version == 2


def test_a_registry_that_does_not_answer_is_no_registry_without_a_champion(store, fitted, monkeypatch):
    def lost(*_):
        raise MlflowException("503 Service Unavailable")

    log_model(fitted, table_of(), registered_name="shop", alias="champion")
    log_model(fitted, table_of(), registered_name="shop", alias="challenger")
    assert (alias_of_next("shop"), alias_of_next("new")) == ("challenger", "champion")
    asked = mlflow.tracking.MlflowClient.get_model_version_by_alias
    with monkeypatch.context() as patched:
        patched.setattr(
            mlflow.tracking.MlflowClient,
            "get_model_version_by_alias",
            lambda self, name, alias: lost() if alias == "champion" else asked(self, name, alias),
        )
        for ask in (lambda: alias_of_next("shop"), lambda: promote("shop", table_of())):
            with pytest.raises(MlflowException, match="503"):
                ask()
    assert store.get_model_version_by_alias("shop", "champion").version == 1


def test_a_challenger_that_is_not_there_is_asked_for_by_name(store, fitted):
    with pytest.raises(ConfigError, match=r"There is none at all in 'sqlite:.*, and none of that name\. Log one: "):
        promote("shop", table_of())
    log_model(fitted, table_of(), registered_name="shop", alias="champion")
    with pytest.raises(
        ConfigError,
        match=r"'shop' must have a version called 'challenger'\. It has 'champion' \(version 1\)\. "
        r"Log one: log_model\(imputer, table, registered_name='shop', alias='challenger'\)\.",
    ):
        promote("shop", table_of())
    with pytest.raises(ConfigError, match=r"'stop' must have a version called 'challenger'\. There are 'shop' in "):
        promote("stop", table_of())


def test_a_registered_version_that_is_not_there_cannot_be_loaded(store, fitted):
    log_model(fitted, table_of(), registered_name="shop")
    with pytest.raises(ConfigError, match=r"called 'champion'\. None of its versions has a name\."):
        load_model("models:/shop@champion")


def test_a_table_is_promoted_by_only_with_the_columns_seen_in_fit(store, fitted):
    pl = pytest.importorskip("polars")
    for alias in ("champion", "challenger"):
        log_model(fitted, pl.from_pandas(table_of()), registered_name="shop", alias=alias)
    assert promote("shop", pl.from_pandas(table_of(100))).lead == 0
    with pytest.raises(ColumnMismatchError, match=r"must have the columns seen in fit.*without \['kind'\]"):
        promote("shop", table_of().drop(columns="kind"))


def test_what_was_fitted_to_an_array_is_served_too(store):
    array = np.column_stack([np.arange(60.0), np.arange(60.0) ** 2])
    array[::7, 1] = np.nan
    fitted = quick_imputer().fit(array)
    frame = pd.DataFrame(array, columns=["x0", "x1"])
    filled = filled_with_confidence(fitted, frame)
    assert list(filled) == ["x0", "x1", "x0_confidence", "x1_confidence"]
    np.testing.assert_array_equal(filled[["x0", "x1"]], fitted.transform(array))
    assert (filled["x1_confidence"].notna() == np.isnan(array[:, 1])).all()


def test_an_alias_without_a_registered_name_and_an_imputer_that_is_not_fitted_are_refused(store, fitted):
    with pytest.raises(ConfigError, match="'champion' without 'registered_name'"):
        log_model(fitted, table_of(), alias="champion")
    with pytest.raises(NotFittedError):
        log_model(quick_imputer(), table_of())


@pytest.mark.slow
def test_mlflow_serves_a_table_with_filled_cells_and_confidence(store, fitted):
    log_model(fitted, table_of(), registered_name="shop", alias="champion")
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    home = Path(sys.executable).parent
    command = [home / "mlflow", "models", "serve", "--model-uri", "models:/shop@champion", "--port", str(port)]
    command += ["--env-manager", "local"]
    environment = {"MLFLOW_TRACKING_URI": tracking_uri(), "PATH": f"{home}:{os.environ['PATH']}"}
    rows = table_of().head(20)
    body = json.dumps({"dataframe_split": json.loads(rows.to_json(orient="split", date_format="iso"))}).encode()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        server = start(command, uri)
    try:
        request = urllib.request.Request(f"{uri}/invocations", body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
            records = json.loads(answer.read(), parse_constant=pytest.fail)["predictions"]
    finally:
        stop(server)
    expected = fitted.transform(rows)
    for name in ("kind", "weight", "price", "colour"):
        for i, record in enumerate(records):
            known = not pd.isna(rows[name].iloc[i])
            assert (record[f"{name}{CONFIDENCE}"] is None) == known
            if isinstance(record[name], str):
                assert record[name] == expected[name].iloc[i]
            else:
                assert np.isclose(record[name], float(expected[name].iloc[i]))
