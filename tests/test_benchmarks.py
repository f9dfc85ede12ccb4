"""The benchmarks beside the package can be started: what they import is there."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import benchmarks
import benchmarks.methods
from benchmarks.__main__ import main

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
