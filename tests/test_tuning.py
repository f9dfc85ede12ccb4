"""Tuning: the space, studies that are kept and shared, trials that fail or are given up, the finals."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
import tomli_w
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial, FrozenTrial, TrialState
from scipy import stats

from gain_impute import PRESETS, GAINImputer, infer_schema
from gain_impute.config import GAINConfig
from gain_impute.errors import ConfigError, DivergedError, FileError, GainImputeWarning, StudyError, TrackingWarning
from gain_impute.mlflow_flavor import CONFIDENCE, load_model, promote
from gain_impute.state import EpochLog
from gain_impute.tracking import Runs
from gain_impute.training import NullTracker
from gain_impute.tuning import Dimension, SearchSpace, TuningResult, tune
from gain_impute.tuning.finals import DEFAULTS, best_trials, choose
from gain_impute.tuning.plots import importances, plot_study
from gain_impute.tuning.registering import register_winner
from gain_impute.tuning.studies import close_storage, open_storage, open_study, take_up_lost_trials, worker_name
from gain_impute.tuning.trials import Journal, TrialWatch
from gain_impute.tuning.tuner import _Tuning
from gain_impute.tuning.winner import fit_winner
from tests.servers import free_port
from tests.strategies import quick_imputer, shop_table

TUNED = {field.name: field for field in dataclasses.fields(GAINConfig) if field.metadata["tune"] is not None}
SMALL = SearchSpace({"learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}, "weight_decay": [0.01, 0.1]})


@pytest.fixture(autouse=True)
def quiet():
    """Optuna tells every trial on stderr."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def table_of(n_rows: int = 60) -> pd.DataFrame:
    """A table of every kind of column whose titles have no hole that stays."""
    return shop_table(n_rows).fillna({"title": "a pot"})


def quick_tune(table: pd.DataFrame | None = None, **options):
    given_options = {"imputer": quick_imputer(), "space": SMALL, "n_trials": 3, "n_finalists": 0} | options
    return tune(table_of() if table is None else table, **given_options)


# ---------------------------------------------------------------------------------------------------- the space


@pytest.mark.parametrize("name", TUNED)
def test_the_space_of_every_parameter_lies_in_its_range_and_holds_its_default(name):
    field, dimension = TUNED[name], SearchSpace.default(with_time=True)[name]
    assert field.metadata["low"] <= dimension.low < dimension.high <= field.metadata["high"]
    default = {"dropout": 0.1}.get(name, field.default)
    assert dimension.holds(default)


@pytest.mark.parametrize("name", TUNED)
def test_every_tuned_parameter_reaches_the_network(name):
    def weights_at(value: float) -> dict[str, torch.Tensor]:
        fitted = quick_imputer(**{"max_steps": None if name == "effort" else 8, name: value}).fit(table_of())
        return fitted.state_.members[0].training.averaged.state_dict()

    dimension = SearchSpace.default(with_time=True)[name]
    ends = [int(end) if dimension.is_int else end for end in (dimension.low, dimension.high)]
    low, again, high = weights_at(ends[0]), weights_at(ends[0]), weights_at(ends[1])
    assert all(torch.equal(low[key], again[key]) for key in low)
    assert {k: v.shape for k, v in low.items()} != {k: v.shape for k, v in high.items()} or not all(
        torch.equal(low[key], high[key]) for key in low
    )


@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_whatever_the_default_space_suggests_is_a_configuration(data):
    space = SearchSpace.default()
    chosen = {
        name: data.draw(
            st.integers(0, int((d.high - d.low) // (d.step or 1))).map(lambda i, d=d: int(d.low) + i * (d.step or 1))
            if d.is_int
            else st.floats(d.low, d.high)
        )
        for name, d in space.items()
    }
    assert space.suggest(FixedTrial(chosen)) == chosen
    assert dataclasses.asdict(GAINConfig(**chosen)).items() >= chosen.items()


def test_parameters_of_kinds_that_a_table_does_not_have_are_left_out():
    numbers = SearchSpace.default(infer_schema(pd.DataFrame({"n": [1.5, 2.5, 3.5]})))
    classes = SearchSpace.default(infer_schema(pd.DataFrame({"c": ["a", "b"] * 9})))
    assert "d_text" not in numbers
    assert "n_bins" in numbers
    assert "n_bins" not in classes


def test_effort_is_tuned_where_steps_are_not_bounded():
    assert "effort" in SearchSpace.default()
    assert "effort" not in SearchSpace.default(is_bounded=True)
    assert "effort" not in quick_tune(space=None, n_trials=1, refit=False).trials.columns  # of an imputer with a bound


def test_members_are_searched_only_where_time_is_minimised_too():
    assert "n_members" not in SearchSpace.default()
    assert "n_members" in SearchSpace.default(with_time=True)
    assert "n_members" not in SearchSpace.default(with_time=True, is_bounded=True)


def test_a_space_goes_to_toml_and_back(tmp_path):
    told = {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "d_hidden": {"choices": [64, 128]}}
    (tmp_path / "space.toml").write_text(tomli_w.dumps(told))
    space = SearchSpace.from_toml(tmp_path / "space.toml")
    assert space["d_hidden"] == Dimension("d_hidden", choices=(64, 128))
    assert SearchSpace(space.to_dict()).to_dict() == space.to_dict()
    assert SearchSpace(SearchSpace.default().to_dict()).to_dict() == SearchSpace.default().to_dict()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({}, "must name at least one hyper-parameter. Got none"),
        ({"depth": [1, 2]}, r"must name hyper-parameters of GAINImputer.*Got 'depth' instead"),
        ({"validation_share": [0.1, 0.2]}, r"Got 'validation_share' instead \(trials are compared by the cells"),
        ({"hint_rate": [0.5, 1.5]}, r"'hint_rate' parameter .* must be a float in the range \[0, 1\]. Got 1.5"),
        ({"d_hidden": {"low": 64.5, "high": 128}}, r"'d_hidden' parameter .* must be an int"),
        ({"dropout": {"low": 0.2, "high": 0.1}}, r"range of 'dropout' must have low <= high.*Got 0.2 and 0.1"),
        ({"dropout": {"low": 0.0, "high": 0.1, "log": True}}, "and low > 0 where log = true"),
        ({"dropout": {"min": 0.0, "max": 0.1}}, "must have 'low' and 'high'.*Got {'min': 0.0"),
        ({"dropout": 0.1}, "must have 'low' and 'high'.*Got 0.1 instead"),
        ({"dropout": {"choices": 5}}, "must have 'low' and 'high'.*Got {'choices': 5}"),
        ({"dropout": {"choices": []}}, "or else 'choices'"),
        ({"d_hidden": {"choices": [64], "low": 64, "high": 128}}, "or else 'choices'"),
        ({"dropout": {"low": 0.1, "high": 0.2, "log": "no"}}, "must have 'low' and 'high', perhaps 'log'"),
        ({"dropout": {"low": None, "high": 0.2}}, "must have low <= high"),
        ({"dropout": {"low": 0.0, "high": 0.2, "step": 1}}, "step of 'dropout' must be an int .* that is an int"),
        ({"d_hidden": {"low": 64, "high": 128, "step": -32}}, "step of 'd_hidden' must be an int of at least 1"),
        ({"d_hidden": {"low": 64, "high": 128, "step": 1.5}}, "step of 'd_hidden' must be an int of at least 1"),
        ({"d_hidden": {"low": 64, "high": 128, "step": 8, "log": True}}, "without log = true"),
    ],
)
def test_a_space_that_is_none_is_refused(told, message):
    with pytest.raises(ConfigError, match=message):
        SearchSpace(told)


def test_a_space_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(FileError, match="must be a TOML file with a search space"):
        SearchSpace.from_toml(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"space": SearchSpace({"rehide_min": [0.1, 0.5]})}, "must not let 'rehide_min' exceed 'rehide_max'"),
        ({"objective": "speed"}, "'objective' must be one of quality, quality.time. Got 'speed'"),
        ({"pruner": "axe"}, "'pruner' must be one of halving, median, none. Got 'axe'"),
        ({"n_trials": None}, "Tuning must end"),
        ({"register": "shop"}, "can be registered only where there is one and it is tracked. Got track=False"),
        ({"register": "shop", "track": True, "refit": False}, "Got track=True, refit=False"),
        ({"register": "a/b", "track": True}, "name of a registered model must have a letter.* Got 'a/b'"),
        ({"register": " ", "track": True}, "name of a registered model must have a letter"),
        ({"storage": "nodb://x/y"}, "The storage must be sqlite:///FILE, postgresql://"),
        ({"storage": ""}, "The storage must be sqlite:///FILE"),
        ({"storage": "/dev/null/x"}, "The storage must be sqlite:///FILE"),
        ({"storage": "sqlite:////dev/null/x/s.db"}, "The storage must be sqlite:///FILE"),
        ({"timeout_s": float("nan")}, "'timeout_s' must be a number of seconds, 0 or more. Got nan"),
        ({"timeout_s": -1}, "'timeout_s' must be a number of seconds"),
        ({"n_trials": 1.5}, "'n_trials' parameter of tune must be an int of at least 0. Got 1.5"),
        ({"n_finalists": -1}, "'n_finalists' parameter of tune must be an int of at least 0"),
        ({"n_seeds": 0}, "'n_seeds' parameter of tune must be an int of at least 1"),
        ({"random_state": None}, "'random_state' parameter of tune must be an int of at least 0. Got None"),
        ({"n_members": 0}, "'n_members' parameter .* must be an int in the range"),
        ({"n_members": 2, "space": {"n_members": [1, 2]}}, "must be given or searched. Got 'n_members' for both"),
        ({"imputer": "x"}, "'imputer' to be tuned must be a GAINImputer. Got a str"),
        ({"register": "..", "track": True}, "name of a registered model must have a letter"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        quick_tune(**options)


# ------------------------------------------------------------------------------------------------------- studies


def test_the_same_seed_finds_the_same(tmp_path):
    first, second = quick_tune(), quick_tune()
    pd.testing.assert_frame_equal(
        first.trials.drop(columns=["elapsed_s", "worker"]), second.trials.drop(columns=["elapsed_s", "worker"])
    )
    assert first.params == second.params
    pd.testing.assert_frame_equal(first.imputer.transform(table_of()), second.imputer.transform(table_of()))


def test_a_least_confidence_is_the_winners_and_changes_no_score():
    usual, sure = quick_tune(), quick_tune(imputer=quick_imputer(min_confidence=0.9))
    assert sure.imputer.min_confidence == 0.9
    assert sure.trials["score"].tolist() == usual.trials["score"].tolist()


def test_the_winner_is_fitted_with_the_parameters_found_and_can_be_saved(tmp_path):
    found = quick_tune()
    assert found.imputer.get_params().items() >= found.params.items()
    found.imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.transform(table_of()), found.imputer.transform(table_of()))


@pytest.mark.parametrize("storage", [None, "journal.log", "sqlite:///studies/s.db"])
def test_a_study_begins_with_the_defaults_once_and_is_gone_on_with(storage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = SearchSpace({"weight_decay": {"low": 0.001, "high": 0.1, "log": True}})
    first = quick_tune(space=space, storage=storage, refit=False, n_trials=2)
    assert first.imputer is None
    assert first.trials["weight_decay"].iloc[0] == GAINConfig().weight_decay
    second = quick_tune(space=space, storage=storage, refit=False, n_trials=2)
    n_trials = 2 if storage is None else 4
    assert len(second.trials) == n_trials
    assert (second.trials["weight_decay"] == GAINConfig().weight_decay).sum() == 1
    assert second.trials["weight_decay"].nunique() == n_trials


def test_the_presets_that_a_space_holds_follow_the_defaults_and_are_never_given_up():
    space = SearchSpace({"n_members": {"low": 1, "high": 3}, "weight_decay": {"low": 0.001, "high": 0.1}})
    assert space.presets(GAINImputer().get_params(), 100) == {"best": {"weight_decay": 0.01, **PRESETS["best"]}}
    found = quick_tune(space=space, refit=False, n_trials=3, n_finalists=0)
    assert found.trials[["n_members", "weight_decay"]].iloc[:2].to_numpy().tolist() == [[1, 0.01], [3, 0.01]]
    assert found.trials["n_steps"].iloc[1] == 3 * found.trials["n_steps"].iloc[0]

    class Hopeless:
        def report(self, value: float, step: int) -> None: ...

        def should_prune(self) -> bool:
            return True

    log = EpochLog(1, 0.0, 1.0, 1.0, 1.0, 1.0, validation_loss=1.0)
    TrialWatch(NullTracker(), Hopeless(), is_prunable=False).on_epoch(log)
    TrialWatch(NullTracker(), Hopeless()).on_epoch(dataclasses.replace(log, member=1))  # only the first is judged
    with pytest.raises(optuna.TrialPruned):
        TrialWatch(NullTracker(), Hopeless()).on_epoch(log)


@pytest.mark.parametrize(
    "change",
    [
        {"hide_rate": 0.3},
        {"table": table_of(61)},
        {"imputer": quick_imputer(d_noise=8)},
        {"imputer": quick_imputer(missing_values=["cup"])},
        {"imputer": quick_imputer(schema={"price": "text"})},
    ],
)
def test_a_study_of_something_else_is_not_gone_on_with(change, tmp_path):
    storage = str(tmp_path / "journal.log")
    quick_tune(storage=storage, refit=False, n_trials=1)
    with pytest.raises(
        StudyError, match=r"Study 'tune' was made for something else: (hide_rate|table|schema|params.d_noise) was"
    ):
        quick_tune(storage=storage, refit=False, n_trials=1, **change)


def test_a_study_without_a_complete_trial_has_no_winner(tmp_path):
    imputer = quick_imputer(learning_rate=1.0, weight_decay=10.0, max_steps=60)
    with pytest.raises(StudyError, match=r"must have a trial that is complete\. It has none of 1"):
        quick_tune(imputer=imputer, space=SearchSpace({"n_blocks": [1]}), n_trials=1)


def test_a_diverging_trial_is_a_failed_trial_and_not_a_failed_study():
    imputer = quick_imputer(learning_rate=1.0, max_steps=60)
    found = quick_tune(imputer=imputer, space=SearchSpace({"weight_decay": [0.01, 10.0]}), n_trials=6, pruner="none")
    by_decay = found.trials.groupby("weight_decay")["state"].agg(set)
    assert by_decay.to_dict() == {0.01: {"complete"}, 10.0: {"fail"}}


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_training_whose_loss_is_no_number_is_ended(loss):
    watch = TrialWatch(NullTracker(), None)
    with pytest.raises(DivergedError, match=r"must stay finite\. Got (nan|inf) at step 7"):
        watch.on_epoch(EpochLog(7, 0.1, loss, 1.0, 1.0, 1.0, 1.0))


def test_a_trial_that_runs_out_of_memory_is_a_failed_trial():
    code = (
        "import resource, sys; import psutil\n"
        "from tests.test_tuning import quick_tune, quick_imputer, SearchSpace\n"
        "quick_tune(n_trials=1, refit=False)\n"
        "limit = psutil.Process().memory_info().vms + 2**28\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "space = SearchSpace({'d_hidden': [16, 8192]})\n"
        "found = quick_tune(space=space, imputer=quick_imputer(n_blocks=4), n_trials=8, refit=False)\n"
        "print(found.trials.groupby('d_hidden')['state'].agg(set).to_dict())\n"
    )
    done = run_worker(code)
    assert done.stdout.strip() == "{16: {'complete'}, 8192: {'fail'}}", done.stderr[-2000:]


def run_worker(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, at the root of the repository."""
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"} | variables
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def two_workers(storage: str, n_trials: int) -> list[FrozenTrial]:
    """Let two processes work on one study at once."""
    code = (
        "import sys; from tests.test_tuning import quick_tune\n"
        "quick_tune(storage=sys.argv[1], study_name='shared', n_trials=int(sys.argv[2]), refit=False)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, storage, str(n_trials)]
    workers = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(worker.communicate()[1], worker.returncode) for worker in workers]
    assert [code for _, code in ends] == [0, 0], ends
    kept = open_storage(storage)
    trials = optuna.load_study(study_name="shared", storage=kept).get_trials()
    close_storage(kept)
    return trials


def check_shared(trials: list[FrozenTrial], n_trials: int) -> None:
    """No trial of two workers is lost or doubled."""
    assert [trial.number for trial in trials] == list(range(2 * n_trials))
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert sum(bool(trial.user_attrs.get("defaults")) for trial in trials) == 1
    assert len({trial.params["learning_rate"] for trial in trials}) == 2 * n_trials
    by_worker = pd.Series([trial.user_attrs["worker"] for trial in trials]).value_counts()
    assert by_worker.to_list() == [n_trials, n_trials]


def test_two_processes_on_one_journal_lose_and_double_no_trial(tmp_path):
    check_shared(two_workers(str(tmp_path / "journal.log"), 4), 4)


@pytest.mark.slow
def test_two_processes_on_one_sqlite_file_lose_and_double_no_trial(tmp_path):
    check_shared(two_workers(f"sqlite:///{tmp_path}/s.db", 4), 4)


@pytest.fixture
def postgres(tmp_path):
    """The URL of a private PostgreSQL server; it does not run as root, so root lends it to the user postgres."""
    initdb, pg_ctl = shutil.which("initdb"), shutil.which("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("no PostgreSQL server on this machine")
    home = Path("/tmp") / f"gain-impute-pg-{os.getpid()}"
    home.mkdir()
    as_user = []
    if os.getuid() == 0:
        if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode:
            pytest.skip("no user to run PostgreSQL as")
        shutil.chown(home, "postgres")
        as_user = ["su", "postgres", "-c"]

    def call(*command: str) -> None:
        words = [*as_user, " ".join(command)] if as_user else list(command)
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home)

    call(initdb, "-D", f"{home}/data", "-U", "tuner", "--auth=trust")
    call(pg_ctl, "-D", f"{home}/data", "-w", "-l", f"{home}/log", "-o", f"'-k {home} -h \"\"'", "start")
    try:
        yield f"postgresql://tuner@/postgres?host={home}"
    finally:
        call(pg_ctl, "-D", f"{home}/data", "-m", "immediate", "stop")
        shutil.rmtree(home)


@pytest.mark.slow
def test_two_processes_on_one_postgresql_study_lose_and_double_no_trial(postgres):
    check_shared(two_workers(postgres, 4), 4)


def test_the_trial_of_a_killed_process_is_failed_and_taken_up_once(tmp_path):
    storage = str(tmp_path / "journal.log")
    code = (
        "import sys; from tests.test_tuning import quick_imputer, quick_tune\n"
        "quick_tune(imputer=quick_imputer(max_steps=10**7), storage=sys.argv[1], n_trials=1, refit=False)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    worker = subprocess.Popen([sys.executable, "-c", code, storage], env=environment)
    kept = open_storage(storage)
    while not any("worker" in trial.user_attrs and trial.params for trial in trials_in(kept)):
        assert worker.poll() is None
        time.sleep(0.2)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    study = optuna.load_study(study_name="tune", storage=kept)
    assert take_up_lost_trials(study) == 1
    lost, again = study.get_trials()
    assert (lost.state, again.state) == (TrialState.FAIL, TrialState.WAITING)
    assert again.system_attrs["fixed_params"] == lost.params
    assert again.user_attrs["defaults"]
    assert take_up_lost_trials(study) == 0


def trials_in(storage: optuna.storages.BaseStorage) -> list[FrozenTrial]:
    """The trials of all studies."""
    studies = storage.get_all_studies()
    return [trial for study in studies for trial in storage.get_all_trials(study._study_id)]


def test_a_study_whose_maker_was_killed_before_it_said_what_for_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr("gain_impute.tuning.studies.PATIENCE_S", 0.1)
    storage = open_storage(str(tmp_path / "journal.log"))
    optuna.create_study(study_name="tune", storage=storage)
    options = {
        "made_for": {"table": "x"},
        "first": [({"a": 1}, {})],
        "n_objectives": 1,
        "pruner": "none",
        "seed": 0,
    }
    for _ in range(2):
        study = open_study(storage, "tune", **options)
        assert [trial.state for trial in study.get_trials()] == [TrialState.WAITING]


# ---------------------------------------------------------------------------------------- pruning, time, the finals


def test_pruning_saves_steps():
    options = {"imputer": quick_imputer(max_steps=100), "n_trials": 8, "refit": False}
    whole, pruned = quick_tune(pruner="none", **options), quick_tune(pruner="halving", **options)
    assert set(whole.trials["state"]) == {"complete"}
    assert "pruned" in set(pruned.trials["state"])
    assert pruned.trials["n_steps"].sum() < whole.trials["n_steps"].sum()
    assert pruned.trials.loc[pruned.trials["state"] == "pruned", "score"].isna().all()


def test_each_trial_and_final_is_told_as_it_ends():
    said: list[str] = []
    found = quick_tune(n_trials=2, n_finalists=1, n_seeds=1, pruner="none", report=said.append)
    first, second = found.trials["score"]
    assert said[0] == f"[1/2] trial 0 (the defaults): {first:.4f} (best {first:.4f})"
    assert said[1] == f"[2/2] trial 1: {second:.4f} (best {min(first, second):.4f})"
    final = found.finals[DEFAULTS].iloc[0]
    assert f"[1/2] final with seed 1, {DEFAULTS}: {final:.4f}" in said
    assert said[-1] == "The winner is fitted to the whole table."


def test_trials_that_are_given_up_or_fail_are_told_with_their_steps():
    said: list[str] = []
    quick_tune(imputer=quick_imputer(max_steps=100), n_trials=8, refit=False, report=said.append)
    assert any(re.fullmatch(r"\[\d/8\] trial \d: given up after \d+ steps", line) for line in said)
    imputer, space = quick_imputer(learning_rate=1.0, max_steps=60), {"weight_decay": [0.01, 10.0]}
    quick_tune(imputer=imputer, space=space, n_trials=6, refit=False, pruner="none", report=said.append)
    assert any(re.fullmatch(r"\[\d/6\] trial \d: failed after \d+ steps \(DivergedError\)", line) for line in said)


def test_without_a_number_of_trials_none_is_told_and_without_a_listener_nothing(capfd):
    said: list[str] = []
    quick_tune(n_trials=None, timeout_s=0.1, refit=False, report=said.append)
    assert said[0].startswith("[1] trial 0 (the defaults): ")
    quick_tune(n_trials=1, n_finalists=1, n_seeds=1)
    assert capfd.readouterr() == ("", "")


def test_time_stops_a_study():
    began = time.monotonic()
    found = quick_tune(n_trials=None, timeout_s=0.5, refit=False)
    assert len(found.trials) >= 1
    assert time.monotonic() - began >= 0.5


def test_time_can_be_an_objective_beside_quality():
    found = quick_tune(objective="quality+time", n_trials=4, space=SearchSpace({"max_steps": [5, 40]}))
    assert set(found.trials["state"]) == {"complete"}
    assert (found.trials["elapsed_s"] > 0).all()
    assert found.imputer.max_steps in {5, 40}


def test_the_finals_are_held_on_other_cells_with_the_defaults_among_them():
    found = quick_tune(n_finalists=2, n_seeds=2, n_trials=4, pruner="none")
    first = found.finals.head(2)
    assert first.index.to_list() == [1, 2]
    assert first.columns[0] == DEFAULTS
    assert 2 <= first.shape[1] <= 3
    assert first.notna().all(axis=None)
    assert first.iloc[0, 0] != first.iloc[1, 0]
    assert f"{DEFAULTS}: {found.finals[DEFAULTS].mean():.4f}" in found.summary()


def finals_of(monkeypatch: pytest.MonkeyPatch, scores: dict[str, list[float]], **options) -> TuningResult:
    """Tune, with these scores for the defaults and each further candidate; the last one goes on."""
    names: list[str] = []

    def held(imputer, candidates, exams, seeds, journal):
        names[:] = names or list(candidates)
        assert all(candidate["n_members"] == options.get("n_members", 1) for candidate in candidates.values())
        told = dict(zip(names, scores.values(), strict=True))
        return pd.DataFrame({name: [told[name][seed - 1] for seed in seeds] for name in candidates}, index=seeds)

    monkeypatch.setattr("gain_impute.tuning.tuner.run_finals", held)
    rates = {"learning_rate": {"low": 1e-4, "high": 1e-2}}  # no two trials are alike
    given_options = {"space": rates, "n_finalists": len(scores) - 1, "n_seeds": 3, "n_trials": 4, "pruner": "none"}
    return quick_tune(**given_options | options)


def test_a_lead_within_the_noise_is_looked_at_again_with_other_seeds(monkeypatch):
    lead = [0.50, 0.60, 0.55, 0.50, 0.60, 0.55], [0.49, 0.605, 0.53, 0.48, 0.58, 0.535]
    found = finals_of(monkeypatch, {DEFAULTS: lead[0], "leader": lead[1], "other": [0.51, 0.61, 0.55]})
    assert found.finals.index.to_list() == [1, 2, 3, 4, 5, 6]
    assert found.finals.notna().sum().to_list() == [6, 6, 3]
    assert found.params
    assert "(in 3 of 6 finals)" in found.summary()


def test_a_lead_that_does_not_last_is_not_taken(monkeypatch):
    lead = [0.50, 0.60, 0.55, 0.50, 0.60, 0.55], [0.49, 0.605, 0.53, 0.52, 0.62, 0.58]
    found = finals_of(monkeypatch, {DEFAULTS: lead[0], "leader": lead[1], "other": [0.51, 0.61, 0.55]})
    assert len(found.finals) == 6
    assert found.params == {}


@pytest.mark.parametrize("scores", [[0.40, 0.50, 0.46], [0.52, 0.61, 0.56]])
def test_what_three_seeds_decide_is_not_looked_at_again(monkeypatch, scores):
    found = finals_of(monkeypatch, {DEFAULTS: [0.50, 0.60, 0.55], "leader": scores, "other": [0.53, 0.62, 0.59]})
    assert len(found.finals) == 3
    assert bool(found.params) == (scores[0] < 0.5)


@pytest.mark.parametrize(
    ("scores", "n_seeds", "reason"),
    [
        ([0.40, 0.50, 0.46], 3, r"leader is 0.0967, beyond the noise .* level of 0.05, which is 0.0\d+: it is taken"),
        ([0.49, 0.605, 0.53, 0.52, 0.62, 0.58], 3, r"leader is -?0.\d+, within the noise .*: the defaults stay"),
        ([0.52, 0.61, 0.56], 3, "Nothing leads the defaults."),
        ([0.49], 1, "leader is 0.0100, in a single final, which tells of no noise: it is taken"),
    ],
)
def test_a_summary_says_what_the_figures_are_and_why_they_decide(scores, n_seeds, reason):
    defaults = [0.50, 0.60, 0.55, 0.525, 0.625, 0.585][: len(scores)]
    finals = pd.DataFrame({DEFAULTS: defaults, "leader": scores})
    said = result_of(finals, imputer=quick_imputer()).summary()
    assert re.search(reason, said)
    which = "one final" if len(scores) == 1 else f"{len(scores)} finals"
    assert f"Mean score of {which} on other hidden cells, lower is better:\n" in said


def test_a_summary_says_which_candidates_failed():
    finals = pd.DataFrame({DEFAULTS: [np.inf, 0.6], "trial 1": [0.7, 0.8]})
    said = result_of(finals, imputer=quick_imputer()).summary()
    assert f"{DEFAULTS}: failed\nThe defaults failed: trial 1 takes their place." in said


def test_a_summary_without_finals_says_so():
    assert "No finals were held" in result_of(pd.DataFrame(), imputer=quick_imputer()).summary()
    assert result_of(pd.DataFrame(), imputer=None).summary().endswith("No winner was chosen: this only added trials.")


def result_of(finals: pd.DataFrame, *, imputer: GAINImputer | None) -> TuningResult:
    trials = pd.DataFrame({"state": ["complete", "pruned", "fail"]})
    return TuningResult(imputer=imputer, params={}, trials=trials, finals=finals, importances={}, study_name="tune")


def test_members_that_must_be_alike_are_so_in_the_finals_and_beat_the_noise(monkeypatch):
    space = {"d_noise": {"low": 4, "high": 64}}  # which all members share
    scores = {DEFAULTS: [0.50, 0.60, 0.55], "leader": [0.40, 0.50, 0.46]}
    found = finals_of(monkeypatch, scores, n_members=2, space=space)
    assert set(found.params) == {"n_members", "d_noise"}
    assert len(found.imputer.state_.members) == 2
    scores["leader"] = [0.49, 0.605, 0.545]
    with pytest.raises(IndexError):  # asked for a second look, for which there are no scores
        finals_of(monkeypatch, scores, n_members=2, space=space)


def mixed_finals_of(
    monkeypatch: pytest.MonkeyPatch, *scores: tuple[list[float], list[float]], **options
) -> tuple[TuningResult, list[dict[str, dict]]]:
    """Tune for a winner of several members, with these scores for two candidates, each time that finals are held."""
    asked: list[dict[str, dict]] = []

    def held(imputer, candidates, exams, seeds, journal):
        assert (imputer.n_members, imputer.variants) == (1, None)
        asked.append(dict(candidates))
        return pd.DataFrame(dict(zip(candidates, scores[len(asked) - 1], strict=True)), index=seeds)

    monkeypatch.setattr("gain_impute.tuning.tuner.run_finals", held)
    rates = {"learning_rate": {"low": 1e-4, "high": 1e-2}}
    given_options = {"space": rates, "n_seeds": 3, "n_trials": 4, "pruner": "none", "n_finalists": 3}
    return quick_tune(**given_options | options), asked


@pytest.mark.parametrize(("n_members", "n_finalists", "n_beside"), [(2, 3, 1), (3, 3, 2), (3, 1, 1), (5, 2, 2)])
def test_a_winner_of_several_members_has_the_defaults_and_the_best_trials(
    monkeypatch, n_members, n_finalists, n_beside
):
    found, asked = mixed_finals_of(
        monkeypatch, ([0.50, 0.60, 0.55], [0.40, 0.50, 0.46]), n_members=n_members, n_finalists=n_finalists
    )
    (candidates,) = asked
    ordered = found.trials[1:].sort_values("score")[["number", "learning_rate"]].head(n_beside)
    trials = [f"trial {number:.0f}" for number in ordered["number"]]
    assert list(candidates) == [DEFAULTS, f"{DEFAULTS} with {' and '.join(trials)}"]
    wanted = [{"learning_rate": rate} for rate in ordered["learning_rate"]]
    assert candidates[DEFAULTS] == {"n_members": n_members, "variants": None}
    assert candidates[list(candidates)[1]] == {"n_members": n_members - n_beside, "variants": wanted}
    assert found.params["variants"] == found.imputer.variants == wanted
    assert found.imputer.n_members == n_members - n_beside
    learned = [config.learning_rate for config in found.imputer.state_.configs]
    assert learned == [GAINConfig().learning_rate] * (n_members - n_beside) + ordered["learning_rate"].to_list()
    told = found.summary().splitlines()
    assert told[-n_beside - 2] == "Members with these parameters:"
    assert told[-n_beside - 1].startswith("- the defaults")


@pytest.mark.parametrize("mixed", [[0.50, 0.60, 0.55], [0.50, 0.61, 0.55], [0.1, 0.1, np.inf]])
def test_the_defaults_alone_are_its_members_where_nothing_leads(monkeypatch, mixed):
    found, asked = mixed_finals_of(monkeypatch, ([0.50, 0.60, 0.55], mixed), n_members=2)
    assert len(asked) == 1
    assert found.params == {"n_members": 2}
    assert len(found.imputer.state_.members) == 2
    assert found.summary().endswith("The defaults stood their ground, with 2 members.")


@pytest.mark.parametrize(("again", "is_taken"), [([0.48, 0.58, 0.53], True), ([0.51, 0.61, 0.56], False)])
def test_a_lead_of_members_that_differ_is_looked_at_again_where_it_is_within_the_noise(monkeypatch, again, is_taken):
    default = [0.50, 0.60, 0.55]
    found, asked = mixed_finals_of(monkeypatch, (default, [0.48, 0.60, 0.53]), (default, again), n_members=2)
    assert asked[0] == asked[1]
    assert len(found.finals) == 6
    assert ("variants" in found.params) == is_taken


def test_where_the_defaults_fail_a_trial_takes_their_place(monkeypatch):
    nothing = [np.inf] * 3
    found, asked = mixed_finals_of(
        monkeypatch, (nothing, nothing), (nothing, [0.5, 0.6, 0.5]), n_members=2, n_finalists=1
    )
    assert [len(candidates) for candidates in asked] == [2, 2]
    assert set(found.params) == {"n_members", "learning_rate"}


def test_the_parameters_of_a_winner_make_it_again():
    found = quick_tune(n_trials=3, n_members=2, n_finalists=2, n_seeds=1, pruner="none")
    again = GAINImputer(**found.imputer.get_params()).fit(table_of())
    pd.testing.assert_frame_equal(again.transform(table_of()), found.imputer.transform(table_of()))
    assert again.state_.model_id() == found.imputer.state_.model_id()


def test_a_winner_can_be_tuned_again():
    variants = [{"weight_decay": 0.1}, {"d_hidden": 8}]
    tuning = _Tuning(table_of(), quick_imputer(variants=variants), SMALL, 0.2, 0, with_time=False, n_members=None)
    assert (tuning.n_members, tuning.imputer.n_members, tuning.imputer.variants) == (3, 1, None)
    assert tuning.alike == {"n_members": 1, "variants": variants}
    fewer = _Tuning(table_of(), quick_imputer(variants=variants), SMALL, 0.2, 0, with_time=False, n_members=2)
    assert fewer.alike == {"n_members": 1, "variants": variants[:1]}
    found = quick_tune(imputer=quick_imputer(variants=variants), n_trials=2, n_finalists=1, n_seeds=1)
    assert len(found.imputer.state_.members) == 3


@given(scores=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=6))
def test_what_is_chosen_over_the_defaults_beats_them_in_a_paired_t_test(scores):
    default, other = np.array(scores).T
    wanted = np.ptp(default - other) > 1e-9 and stats.ttest_rel(default, other, alternative="greater").pvalue < 0.05
    wanted |= np.ptp(default - other) <= 1e-9 and (default - other).mean() > 1e-9
    margin = abs((default - other).mean()) > 1e-9  # else it hangs on the last bit
    chosen = choose(pd.DataFrame(scores, columns=[DEFAULTS, "trial 1"]))
    assert not margin or chosen == ("trial 1" if wanted else DEFAULTS)


def test_the_noise_of_all_candidates_is_told_by_all():
    scores = {DEFAULTS: [0.5, 0.6, 0.7], "lucky": [0.45, 0.55, 0.65]}  # the same lead each time
    assert choose(pd.DataFrame(scores)) == "lucky"
    assert choose(pd.DataFrame(scores | {"noisy": [0.3, 0.9, 0.7]})) == DEFAULTS


def test_a_candidate_that_failed_is_never_chosen_and_defaults_that_failed_are_not_kept():
    assert choose(pd.DataFrame({DEFAULTS: [0.5, 0.5], "trial 1": [0.1, np.inf]})) == DEFAULTS
    assert choose(pd.DataFrame({DEFAULTS: [0.5, np.inf], "trial 1": [0.1, np.inf]})) == DEFAULTS
    assert choose(pd.DataFrame({DEFAULTS: [0.5, np.inf], "trial 1": [0.9, 0.9], "b": [0.8, 0.9]})) == "b"


@pytest.mark.parametrize("n_finalists", [0, 1])
def test_the_winner_has_the_members_asked_for_and_trials_have_one(n_finalists):
    found = quick_tune(n_finalists=n_finalists, n_seeds=1, n_trials=2, n_members=2)
    assert len(found.imputer.state_.members) == 2
    assert found.trials["n_steps"].max() == quick_imputer().max_steps
    assert "n_members" not in quick_tune(n_finalists=n_finalists, n_seeds=1, n_trials=2).params


def test_members_are_those_of_the_space_where_it_tells_of_them():
    found = quick_tune(space={"n_members": [2, 3], "weight_decay": [0.01, 0.1]}, n_trials=2, pruner="none")
    assert found.params["n_members"] == len(found.imputer.state_.members) in {2, 3}


@pytest.mark.parametrize(
    ("params", "options", "wanted"),
    [
        ({}, {}, PRESETS["best"]["n_members"]),
        ({}, {"n_members": 2}, 2),
        ({"n_members": 5}, {}, 5),
        ({"max_steps": 9}, {}, 1),
        ({"max_steps": 9, "n_members": 2}, {}, 2),
        ({"max_time_s": 9.0}, {}, 1),
        ({}, {"with_time": True}, 1),  # the time of one was minimised
        ({"n_members": 2}, {"with_time": True}, 2),
    ],
)
def test_the_winner_has_several_members_where_nothing_is_said_of_its_work_and_trials_one(params, options, wanted):
    given_options = {"with_time": False, "n_members": None} | options
    tuning = _Tuning(table_of(), GAINImputer(**params), SMALL, 0.2, 0, **given_options)
    assert (tuning.n_members, tuning.imputer.n_members) == (wanted, 1)


def test_members_are_searched_with_time_unless_they_are_given():
    options = {"table": table_of(), "imputer": GAINImputer(), "space": None, "hide_rate": 0.2, "random_state": 0}
    assert "n_members" in _Tuning(**options, with_time=True, n_members=None).space
    assert "n_members" not in _Tuning(**options, with_time=True, n_members=2).space


def test_a_winner_without_memory_for_its_members_has_one(monkeypatch):
    learned = GAINImputer.fit

    def fit(self, *arguments, **options):
        if self.n_members > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return learned(self, *arguments, **options)

    monkeypatch.setattr(GAINImputer, "fit", fit)
    with pytest.warns(
        GainImputeWarning, match=r"must have memory for 3 members\. There is not enough \(.*: it has one"
    ):
        found = quick_tune(n_trials=1, n_members=3)
    assert len(found.imputer.state_.members) == 1
    assert "n_members" not in found.params


def test_a_winner_that_cannot_be_fitted_is_told(monkeypatch):
    def fit(self, table, y=None, **options):
        raise DivergedError("The losses of a training must stay finite.")

    monkeypatch.setattr("gain_impute.tuning.winner.GAINImputer.fit", fit)
    with pytest.raises(
        StudyError, match=r"winner must be fitted to the whole table.*must stay finite.*weight_decay=0.1"
    ):
        fit_winner(quick_imputer(), {"weight_decay": 0.1}, table_of(), Journal())


def test_a_space_without_the_defaults_does_not_bar_its_trials_from_the_finals():
    found = quick_tune(space={"d_hidden": [16, 24]}, imputer=quick_imputer(d_hidden=32), n_trials=3, n_finalists=2)
    assert set(found.finals) > {DEFAULTS, "trial 0"}


def test_what_lies_beyond_the_range_of_the_space_is_not_searched():
    space = SearchSpace.default(params=GAINImputer(**PRESETS["fast"], d_hidden=100, dropout=0.1).get_params())
    assert {"effort", "d_hidden"} & set(space) == set()
    assert "dropout" in space
    assert set(space.defaults(GAINImputer(effort=0.25).get_params(), 100)) == set(space)


def test_a_call_that_is_refused_makes_no_study(tmp_path):
    storage = tmp_path / "journal.log"
    with pytest.raises(ConfigError, match="rate"):
        quick_tune(storage=storage, hide_rate=0)
    assert len(quick_tune(storage=storage, n_trials=1).trials) == 1


def test_a_summary_says_whether_the_defaults_stood_their_ground():
    stood = quick_tune(space={"n_trees": [0, None]}, imputer=quick_imputer(n_trees=None), n_trials=2, n_members=2)
    said = {"n_members": 2}
    told = [dataclasses.replace(stood, params=params).summary() for params in ({}, said, said | {"n_trees": None})]
    assert told[0].endswith("The defaults stood their ground.")
    assert told[1].endswith("The defaults stood their ground, with 2 members.")
    assert told[2].endswith("Parameters found: n_trees=None, with 2 members.")


def test_a_trial_that_is_interrupted_is_tried_again(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    storage = str(tmp_path / "journal.log")
    with monkeypatch.context() as patched:
        patched.setattr("gain_impute.tuning.trials.fit_and_score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            quick_tune(storage=storage)
    found = quick_tune(storage=storage, n_trials=1)
    assert found.trials["state"].tolist() == ["fail", "complete"]
    kept = open_storage(storage)
    assert [trial.user_attrs.get("defaults") for trial in trials_in(kept)] == [True, True]


def test_the_trial_of_an_earlier_process_of_the_same_number_is_lost(tmp_path):
    study = optuna.create_study()
    for worker in (worker_name(), f"{worker_name()}0", "elsewhere:1:0"):
        study.ask().set_user_attr("worker", worker)
    assert take_up_lost_trials(study) == 1
    assert [trial.state.name for trial in study.get_trials()] == ["RUNNING", "FAIL", "RUNNING", "WAITING"]


def test_a_study_of_another_program_that_maximises_is_left_alone(tmp_path):
    storage = str(tmp_path / "journal.log")
    optuna.create_study(study_name="tune", storage=open_storage(storage), direction="maximize")
    with pytest.raises(StudyError, match=r"'tune' must minimise 1 objectives. It has the directions \['maximize'\]"):
        quick_tune(storage=storage)
    assert trials_in(open_storage(storage)) == []


@pytest.mark.parametrize("text", ["weight,price\n1,2\n", "5\n", '{"a": 1}\n'])
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path, text):
    path = tmp_path / "dump.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"storage must be sqlite.*cannot be opened"):
        quick_tune(storage=path)
    assert path.read_text() == text


def test_the_password_of_a_storage_is_not_told():
    with pytest.raises(ConfigError, match=r"nodb://me:\*\*\*@host/x") as refused:
        quick_tune(storage="nodb://me:secret@host/x")
    assert "secret" not in str(refused.value.args[0]).split("cannot be opened")[0]


def test_the_best_trials_are_distinct_and_in_order():
    study = optuna.create_study()
    for value, x in [(3.0, 1.0), (1.0, 2.0), (2.0, 3.0), (1.0, 2.0)]:
        distribution = {"x": optuna.distributions.FloatDistribution(0, 9)}
        study.add_trial(optuna.create_trial(params={"x": x}, distributions=distribution, value=value))
    assert [trial.number for trial in best_trials(study)] == [1, 2, 0]


def test_pictures_of_a_study_are_svg_and_importances_sum_to_one():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    assert (plot_study(study), importances(study)) == ({}, {})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) + 0 * trial.suggest_float("y", 0, 1), n_trials=60)
    assert sum(importances(study).values()) == pytest.approx(1)
    assert importances(study)["x"] > importances(study)["y"]
    drawn = plot_study(study)
    assert set(drawn) == {"history", "slices", "importances"}
    assert all(picture.startswith(b"<?xml") for picture in drawn.values())


@pytest.mark.parametrize("n_members", [1, 2])
def test_a_tracked_study_is_one_run_with_a_run_for_every_fit(store, n_members):
    found = quick_tune(track=True, n_finalists=1, n_seeds=2, n_trials=4, n_members=n_members, pruner="none")
    runs = {
        run.info.run_name: run for run in store.search_runs([store.get_experiment_by_name("gain_impute").experiment_id])
    }
    study = runs.pop("study tune")
    assert all(run.data.tags["mlflow.parentRunId"] == study.info.run_id for run in runs.values())
    n_finals = int(found.finals.notna().sum().sum())
    assert len(runs) == len(found.trials) + n_finals + len(["winner", "result"])
    for number, score in enumerate(found.trials["score"]):
        assert runs[f"trial {number}"].data.metrics["trial/score"] == pytest.approx(score)
    assert "score/knn" in runs["winner"].data.metrics
    finals = found.finals.mean().add_prefix("final/").to_dict()
    assert finals.items() <= runs["result"].data.metrics.items()
    files = {file.path for file in store.list_artifacts(runs["result"].info.run_id, "plots")}
    assert files >= {"plots/history.svg", "plots/slices.svg"}


def test_the_winner_is_registered_first_as_champion_then_as_challenger(store):
    first, second = (quick_tune(track=True, register="shop", n_trials=1) for _ in range(2))
    assert (first.registered, second.registered) == ("models:/shop@champion", "models:/shop@challenger")
    assert "registered as models:/shop@challenger." in second.summary()
    pd.testing.assert_frame_equal(
        load_model(first.registered).transform(table_of()), first.imputer.transform(table_of())
    )
    versions = {alias: store.get_model_version_by_alias("shop", alias) for alias in ("champion", "challenger")}
    assert {alias: int(found.version) for alias, found in versions.items()} == {"champion": 1, "challenger": 2}
    for found in versions.values():
        run = store.get_run(found.run_id)
        assert (run.info.run_name, run.info.status) == ("winner", "FINISHED")
        assert run.data.tags["mlflow.parentRunId"]
    assert promote("shop", table_of(100)).lead == 0  # both are the defaults


@pytest.mark.parametrize("kind", ["polars", "numpy"])
def test_the_winner_of_any_kind_of_table_is_registered(store, kind):
    pl = pytest.importorskip("polars")
    frame = pd.DataFrame({"weight": np.arange(60.0), "price": np.arange(60.0) ** 2})
    table = pl.from_pandas(frame) if kind == "polars" else frame.to_numpy()
    found = quick_tune(table, track=True, register="shop", n_trials=1)
    assert found.registered == "models:/shop@champion"
    assert load_model(found.registered).state_.model_id() == found.imputer.state_.model_id()


def test_a_winner_that_cannot_be_registered_is_not_lost(store):
    table = table_of().rename(columns={"model": f"kind{CONFIDENCE}"})
    with pytest.warns(TrackingWarning, match=r"registered as 'shop'\. It cannot be \(.*are taken"):
        found = quick_tune(table, track=True, register="shop", n_trials=1)
    assert found.registered is None
    assert not found.imputer.transform(table)["kind"].isna().any()


def test_a_server_that_is_lost_when_the_winner_is_to_be_registered_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    winner = quick_imputer().fit(table_of()), table_of(), "shop"
    with pytest.warns(TrackingWarning, match=r"It cannot be \(.*It is fitted, and can be registered with"):
        assert register_winner(*winner, runs=Runs(), token=tmp_path.name, is_sent=True) is None
    with pytest.warns(TrackingWarning, match=r"It cannot be \(its run could not be sent\)"):
        assert register_winner(*winner, runs=Runs(), token=tmp_path.name, is_sent=False) is None
