"""What the tests of tracking and tuning share: a store of MLflow, made once and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """An empty SQLite store: MLflow takes seconds to make one."""
    from mlflow.tracking import MlflowClient

    database = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture
def store(empty_store, tmp_path, monkeypatch):
    """The default store of an empty working directory, and a client to look into it."""
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("mlruns").mkdir()
    shutil.copy(empty_store, "mlruns/mlflow.db")
    return MlflowClient(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
