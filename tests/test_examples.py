"""The examples run, and come to what they say."""

from __future__ import annotations

import re

import mlflow
import optuna
import pytest
from tune_and_serve import main


@pytest.mark.slow
def test_the_round_of_tuning_serving_and_promoting_runs(store):
    verbosity = optuna.logging.get_verbosity()
    try:
        summary, served, verdict, interval, filled, tracked = main(n_rows=200, max_steps=20, n_trials=2)
    finally:
        mlflow.set_tracking_uri(None)
        optuna.logging.set_verbosity(verbosity)
    assert "2 trials" in summary
    assert "brand_confidence" in served
    assert re.search(r"champion 0\.\d+, challenger 0\.\d+: (not )?promoted", verdict)
    assert "90 % interval" in interval
    assert filled.endswith("0 are now")
    assert tracked == "3 runs are tracked"  # the study, with its winner in it; the longer fit; its model
    assert {version.version for version in store.search_model_versions("name='catalogue'")} == {1, 2}
