"""The benchmarks beside the package can be started: what they import is there."""

from __future__ import annotations

import importlib
import pkgutil

import optuna
import pytest

import benchmarks
import benchmarks.methods
from benchmarks.__main__ import main
from benchmarks.tuning_gain import first_trials, journal_storage

MODULES = [
    module.name
    for package in (benchmarks, benchmarks.methods)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    if not module.name.endswith(".__main__")
]


def test_a_suite_that_there_is_not_is_named(capsys):
    assert main(["run", "nosuch"]) == 2
    assert "A suite must be one of catalogue, " in capsys.readouterr().err


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_can_be_imported_and_says_what_it_is(name):
    assert importlib.import_module(name).__doc__


def test_what_the_first_trials_of_a_study_found_is_asked_of_these_alone(tmp_path):
    journal = tmp_path / "shop.log"
    study = optuna.create_study(study_name="shop", storage=journal_storage(journal))
    study.set_user_attr("made_for", {"rows": 3})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=5)
    first = first_trials("shop", journal, 3)
    head = optuna.load_study(study_name="shop", storage=journal_storage(first))
    assert [trial.values for trial in head.trials] == [trial.values for trial in study.trials[:3]]
    assert head.user_attrs == study.user_attrs
    assert first_trials("shop", journal, 3) == first != journal
    assert len(optuna.load_study(study_name="shop", storage=journal_storage(journal)).trials) == 5
