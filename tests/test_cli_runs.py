"""The list of runs: where there are none, how it is lined up, and how a tracked fit leads to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gain_impute.cli import run
from gain_impute.cli.aligned import align_rows
from gain_impute.cli.messages import display_width
from gain_impute.cli.runs import FOLDER
from gain_impute.tracking import DEFAULT_STORE, MLflowTracker, Runs, list_runs
from tests.shop import QUICK, SHOP
from tests.strategies import quick_imputer, shop_table


@pytest.mark.parametrize("folder", [None, "mlruns"])
def test_where_nothing_was_tracked_the_list_says_so_and_makes_nothing(tmp_path, monkeypatch, capsys, folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if folder is not None:
        Path(folder).mkdir()
    before = list(tmp_path.rglob("*"))
    assert run(["runs"]) == 0
    wanted = "No runs in mlruns/ of this folder. `gain-impute fit --track` makes one.\n"
    assert capsys.readouterr() == ("", wanted)
    assert list(tmp_path.rglob("*")) == before


def test_a_store_elsewhere_without_runs_is_named_and_not_made(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    assert run(["runs"]) == 0
    assert "No runs in 'sqlite:///elsewhere.db'." in capsys.readouterr().err
    assert list_runs() == []
    assert list(tmp_path.iterdir()) == []


def test_the_folder_that_is_looked_for_is_that_of_the_default_store():
    assert DEFAULT_STORE.startswith(f"sqlite:///{FOLDER}/")


def test_a_tracked_fit_names_its_run_and_page_and_the_list_says_which_scores_are_better(store, tmp_path, capsys):
    (tmp_path / "shop.csv").write_text(SHOP, newline="")
    assert run(["fit", "shop.csv", "-m", "model", "--track", *QUICK]) == 0
    said = capsys.readouterr().err.splitlines()[-1]
    assert run(["runs"]) == 0
    out, err = capsys.readouterr()
    assert f"Its run in MLflow is {list_runs()[0].name!r}, its page 'mlruns/gain_impute/" in said
    assert Path(said.split("'")[3]).name == "report.html"
    assert Path(said.split("'")[3]).is_file()
    assert list_runs()[0].name in out
    assert err == "A lower score is better.\n"


def test_a_run_that_could_not_be_sent_is_not_said_to_be_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracker = MLflowTracker(runs=Runs("http://127.0.0.1:9", spool=tmp_path / "spool"), wait_s=0.1, plots=False)
    assert tracker.find_kept() is None
    with pytest.warns(UserWarning, match="could not be sent"):
        quick_imputer().fit(shop_table(60).fillna({"title": "a pot"}), tracker=tracker)
    assert tracker.find_kept() is None


def test_rows_are_lined_up_by_what_a_terminal_shows():
    rows = [("run", "score"), ("茶壶和杯子", "0.5"), ("e\u0301te\u0301", "12.25"), ("pot", "")]
    lines = align_rows(rows, "<" + ">" * (len(rows[0]) - 1))
    assert [display_width(line) for line in lines[:3]] == [17, 17, 17]
    assert lines[1] == "茶壶和杯子    0.5"
    assert lines[3] == "pot"
