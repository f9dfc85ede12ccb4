"""The suite that asks what filling costs: its tables, its smallest runs, and what the report makes of them."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import benchmarks.__main__ as harness
from benchmarks.scale import N_COLUMNS, N_ROWS, TABLES, make_table
from gain_impute.benchmark import find_suite, find_table, read_results, run_jobs
from gain_impute.errors import ConfigError
from gain_impute.evaluation.exam import Exam, column_scores
from gain_impute.methods import Setting, make_method
from gain_impute.reporting import results_to_markdown, write_report
from gain_impute.schema import Kind
from tests.made_results import make_result, make_results, make_unfinished

SMALL = ("scale_1000x8", "scale_1000x32")


def test_a_smaller_table_is_a_part_of_a_larger_one():
    small, large = make_table(300, 8), make_table(1000, 32)
    pd.testing.assert_frame_equal(small, large.iloc[:300, :8])
    assert not make_table(300, 8, seed=1).equals(small)


def test_the_columns_tell_of_each_other():
    table = find_table("scale_1000x8")
    exam = Exam.set(table.frame, table.schema)
    scores = {
        name: column_scores(exam.losses(make_method(name, Setting(schema=table.schema)).fit_transform(exam.visible)))
        for name in ("mean", "lightgbm")
    }
    assert scores["lightgbm"].mean() < 0.85 * scores["mean"].mean()


def test_half_the_columns_are_numbers_and_half_categories():
    kinds = [column.kind for column in find_table("scale_1000x32").schema.values()]
    assert kinds == [Kind.NUMERIC, Kind.CATEGORICAL] * 16


def test_the_suite_has_every_size_the_smaller_ones_first():
    suite = find_suite("scale", (harness.SUITES,))
    assert set(suite.tables) == set(TABLES) == {f"scale_{rows}x{columns}" for rows in N_ROWS for columns in N_COLUMNS}
    sizes = [TABLES[name][0] * TABLES[name][1] for name in suite.tables]
    assert sizes == sorted(sizes)
    assert suite.max_rows >= max(N_ROWS)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> list[dict]:
    """The smallest runs of the suite, each in a process of its own."""
    folder = tmp_path_factory.mktemp("results")
    suite = find_suite("scale", (harness.SUITES,)).model_copy(update={"tables": list(SMALL)})
    jobs = [job for job in suite.jobs() if job.method != "gain"]
    run_jobs(jobs, suite, folder, plugins=harness.PLUGINS)
    return read_results(folder)


def test_a_run_measures_time_and_memory(results):
    assert len(results) == len(SMALL) * len(["mean", "knn"])
    for result in results:
        assert result["status"] == "done", result["reason"]
        assert (result["n_rows"], result["n_columns"]) == TABLES[result["table"]]
        assert result["seconds"]["fit"] > 0
        assert result["peak_mib"] >= 0
        assert result["suite_settings"]["costs_only"]


def test_the_report_shows_cost_by_size_and_what_met_a_limit(results, tmp_path):
    limited = {"suite": "scale", "table": SMALL[1], "method": "gain", "suite_settings": {"costs_only": True}}
    gone = make_unfinished(status="out of memory", reason="held 9,000 MiB") | limited
    page = write_report([*results, gone], tmp_path).read_text()
    shown = page.partition('id="sizes"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr><th scope.*?</tr>", shown)
    cells = [re.sub("<[^>]+>", "|", row).split("|") for row in rows]
    assert [[text for text in row if text][1:3] for row in cells] == [["1,000", "8"], ["1,000", "32"]]
    assert "out of memory" in rows[1]
    assert "held 9,000 MiB" in page
    assert shown.count("<svg") == len(["time", "memory"])  # along columns; there is but one number of rows


def test_tables_of_costs_count_in_no_score():
    scored = make_results(methods=("gain", "mean", "knn"), seeds=(0,))
    costs = [
        make_result(suite="scale", table=f"scale_{n}", method=method, seed=0)
        | {"n_rows": n, "suite_settings": {"costs_only": True}}
        for n in (10, 100)
        for method in ("gain", "mean", "knn")
    ]
    before, after = (results_to_markdown(found) for found in (scored, [*scored, *costs]))
    for title in ("In short", "Ranking", "Tables"):
        assert section(after, title) == section(before, title) != ""
    heads = [re.findall(r"methods on \d+ tables?;.*", text) for text in (before, after)]
    assert heads[0] == heads[1] != []
    assert "Cost by size" not in before
    assert section(after, "Cost by size").count("scale_") == 2


def section(text: str, title: str) -> str:
    """A section of a report in Markdown."""
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_other_methods_can_be_named_and_unknown_ones_are_refused():
    suite = find_suite("scale", (harness.SUITES,))
    named = harness.with_methods(suite, ["lightgbm", "gain"])
    assert named.methods == {"lightgbm": 1} | suite.methods
    narrowed = find_suite("catalogue", (harness.SUITES,))
    assert set(narrowed.only_under) - set(harness.with_methods(narrowed, ["remasker"]).only_under) == {"remasker"}
    with pytest.raises(ConfigError, match=r"The methods of a suite must be some of .* Got magic instead"):
        harness.run(["scale"], n_processes=1, methods=["magic"], wanted=lambda _: True, hours=0.0)


def test_runs_can_be_chosen_by_table_mechanism_and_seed(monkeypatch):
    made = []
    monkeypatch.setattr(harness, "pending_jobs", lambda suite, *_: list(suite.jobs()))
    monkeypatch.setattr(harness, "run_jobs", lambda jobs, *_, **__: made.extend(jobs))
    monkeypatch.setattr(harness.benchmarks.tables, "data_folder", lambda: harness.HERE)
    chosen = ["--tables", "laptops,olist", "--mechanisms", "mar,block", "--seeds", "2", "--methods", "gain,mean"]
    assert harness.main(["run", "catalogue", *chosen]) == 0
    assert {job.table for job in made} == {"laptops", "olist"}
    assert {job.mechanism for job in made} == {"mar", "block"}
    assert {job.seed for job in made} == {0, 1}
