"""The harness gives the figures that an independent scorer gives for the same cells of the real tables."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from benchmarks.tables import PROTOCOL, data_folder, protocol_task
from gain_impute.benchmark.run import unit_rmse
from gain_impute.evaluation import score_table
from gain_impute.methods import Setting, make_method

SCORER = data_folder().parent / "protocol.py"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not SCORER.is_file(), reason="the real tables and their scorer are not here"),
]


@pytest.fixture(scope="module")
def protocol() -> ModuleType:
    spec = importlib.util.spec_from_file_location("protocol", SCORER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [name for name in PROTOCOL if name not in {"letter", "spam", "breast"}])
def test_the_same_cells_are_hidden_and_scored_alike(protocol, name):
    task = protocol_task(name)
    table, texts = getattr(protocol, name)()
    numeric, categorical = protocol.kinds(table, texts)
    _, hidden = protocol.hide(table, numeric + categorical)
    assert hidden[task.hidden.columns].equals(task.hidden)
    filled = make_method("mean", Setting(schema=task.schema)).fit_transform(task.visible)
    errors, accuracies = protocol.score(table, filled, hidden, numeric, categorical)
    ours = {row["column"]: row.get("error", row.get("accuracy")) for row in score_table(task, filled, method="mean")}
    assert {name: ours[name] for name in errors | accuracies} == pytest.approx(errors | accuracies)


@pytest.mark.parametrize("name", ["breast", "spam", "letter"])
def test_the_error_of_the_paper_is_the_same(protocol, name):
    task = protocol_task(name)
    table = protocol.paper(name)
    _, hidden = protocol.hide(table, list(table))
    assert hidden.equals(task.hidden)
    filled = make_method("mean", Setting(schema=task.schema)).fit_transform(task.visible)
    expected = protocol.paper_rmse(table.to_numpy(float), filled.to_numpy(float), hidden.to_numpy())
    assert unit_rmse(task, filled) == pytest.approx(expected)
