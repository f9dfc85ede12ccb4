"""A benchmark makes each run apart, says how each ended, goes on where it stopped, and compares fairly."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib import Memory
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import tests.misbehaving_methods  # noqa: F401 - importing it makes its methods known
from gain_impute import GAINImputer, infer_schema
from gain_impute.benchmark import (
    BenchmarkTable,
    Job,
    OwnTable,
    Suite,
    check_suite,
    compare,
    find_suite,
    find_table,
    pending_jobs,
    ranking,
    read_result,
    read_results,
    read_suite,
    register_table,
    run_job,
    run_jobs,
    scores_frame,
    write_result,
)
from gain_impute.benchmark import result as result_module
from gain_impute.benchmark.memory import MemoryWatch
from gain_impute.benchmark.prepare import prepare
from gain_impute.benchmark.run import run_method
from gain_impute.benchmark.tables import make_small_shop
from gain_impute.cli import run
from gain_impute.errors import ConfigError, FileError, TableError
from gain_impute.evaluation.task import Task, hide_task
from gain_impute.methods import Setting, make_method
from gain_impute.schema import schema_to_toml
from tests.servers import runs_in

PLUGINS = ("tests.misbehaving_methods",)


def suite_of(methods: dict[str, int] | list[str], **rules) -> Suite:
    methods = methods if isinstance(methods, dict) else dict.fromkeys(methods, 1)
    rules = {"tables": ["small_shop"], "max_rows": 200, "test_share": 0.25, "n_draws": 0} | rules
    return Suite(name="trial", title="A trial", methods=methods, **rules)


def result_of(suite: Suite, **changes) -> dict:
    return run_job(next(job for job in suite.jobs()), suite) | changes


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> list[dict]:
    """What a whole suite gives, written and read again."""
    folder = tmp_path_factory.mktemp("results")
    suite = suite_of({"mean": 2, "knn": 2}, mechanisms=["mcar", "block"], tables=["small_shop", "iris"])
    for job in suite.jobs():
        write_result(run_job(job, suite), folder / job.path)
    return read_results(folder)


# --------------------------------------------------------------------------------------------------------- suites


def test_a_suite_lists_all_methods_of_the_first_seed_before_the_second():
    jobs = list(suite_of({"mean": 2, "knn": 1}, mechanisms=["mcar", "mnar"]).jobs())
    assert [(job.seed, job.mechanism, job.method) for job in jobs] == [
        (0, "mcar", "mean"), (0, "mcar", "knn"), (0, "mnar", "mean"), (0, "mnar", "knn"), (1, "mcar", "mean"),
        (1, "mnar", "mean"),
    ]  # fmt: skip


def test_a_slow_method_may_run_under_some_mechanisms_only():
    suite = suite_of(["mean", "knn"], mechanisms=["mcar", "mar", "block"], only_under={"knn": ["mcar", "block"]})
    jobs = [(job.mechanism, job.method) for job in suite.jobs()]
    assert jobs == [("mcar", "mean"), ("mcar", "knn"), ("mar", "mean"), ("block", "mean"), ("block", "knn")]


def test_runs_of_one_suite_have_different_places():
    jobs = list(suite_of({"mean": 3, "knn": 3}, mechanisms=["mcar", "mar"], rates=[0.1, 0.25]).jobs())
    assert len({job.path for job in jobs}) == len(jobs) == 24


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = 'x'\ntables = ['iris']", "methods: Field required"),
        ("title = 'x'\ntables = []\n[methods]\nmean = 1", "tables: List should have at least 1 item"),
        (
            "title = 'x'\ntables = ['iris']\nrates = [1.5]\n[methods]\nmean = 1",
            r"rates\.0: Input should be less than 1",
        ),
        ("title = 'x'\ntables = ['iris']\nmechanisms = ['why']\n[methods]\nmean = 1", "mechanisms"),
        (
            "title = 'x'\ntables = ['iris']\n[methods]\nmean = 1\n[only_under]\nknn = ['mcar']",
            "only_under must name methods of the suite, but knn is none",
        ),
        ("title = 'x'\ntables = ['iris', 'iris']\n[methods]\nmean = 1", "tables must be said once each, but iris"),
        (
            "title = 'x'\ntables = ['iris']\nrates = [0.2, 0.20000001]\n[methods]\nmean = 1",
            "rates must be said once each, but 0.2 is there again",
        ),
        (
            "title = 'x'\ntables = ['iris']\nmechanisms = ['mar', 'mar']\n[methods]\nmean = 1",
            "mechanisms must be said once each, but mar",
        ),
        ("title = 'x'\ntables = ['iris']\nmax_row = 3\n[methods]\nmean = 1", "max_row: Extra inputs are not permitted"),
    ],
)
def test_a_suite_that_cannot_be_is_refused_with_the_place(tmp_path, text, message):
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_suite(path)


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "broken.toml").write_text("title = ")
    with pytest.raises(FileError, match="must be a TOML file"):
        find_suite(str(tmp_path / "broken.toml"))


def test_unknown_suites_tables_and_methods_are_refused():
    with pytest.raises(ConfigError, match="A suite must be one of smoke"):
        find_suite("smok")
    with pytest.raises(ConfigError, match=r"Got 'iriss' instead\. Did you mean 'iris'"):
        find_table("iriss")
    with pytest.raises(ConfigError, match=r"The methods of a suite must be some of .* Got magic instead"):
        check_suite(suite_of(["magic"]))
    with pytest.raises(ConfigError, match=r"The tables of a suite must be some of .* Got nowhere instead"):
        check_suite(suite_of(["mean"], tables=["nowhere"]))


# ------------------------------------------------------------------------------------------------------ preparing


def test_rows_are_drawn_split_and_hidden_as_told():
    suite = suite_of(["mean"], rates=[0.3])
    train, test = prepare(find_table("small_shop"), next(iter(suite.jobs())), suite)
    assert (len(train.visible), len(test.visible)) == (150, 50)
    hidden = pd.concat([train.hidden, test.hidden])
    assert (hidden.sum() == 60).all()
    for task in (train, test):
        emptied = task.visible[task.hidden.columns].isna() & task.complete[task.hidden.columns].notna()
        assert emptied.equals(task.hidden)


def test_a_column_that_is_nowhere_known_where_methods_learn_is_not_asked_for():
    frame = make_small_shop(80).assign(rare=[1.0, 2.0, *[None] * 78])
    table, suite = BenchmarkTable(frame=frame, schema=infer_schema(frame)), suite_of({"mean": 20}, rates=[0.5])
    asked = 0
    for job in suite.jobs():
        train, test = prepare(table, job, suite)
        is_taught = train.visible["rare"].notna().any()
        assert ("rare" in train.truth) == ("rare" in test.truth) == ("rare" in train.hidden) == is_taught
        asked += is_taught
        run_method(
            make_method("mean", Setting(schema=train.schema)), train, test, name="mean", suite=suite, table=table
        )
    assert 0 < asked < 20


def test_the_same_job_gives_the_same_cells_and_another_seed_others():
    suite = suite_of({"mean": 2})
    first, second = suite.jobs()
    table = find_table("small_shop")
    assert prepare(table, first, suite)[0].hidden.equals(prepare(table, first, suite)[0].hidden)
    assert not prepare(table, first, suite)[0].hidden.equals(prepare(table, second, suite)[0].hidden)


def test_rows_of_one_item_stay_on_one_side():
    shop = make_small_shop(200)
    group = np.arange(200) // 4
    table = BenchmarkTable(frame=shop.assign(price=group.astype(float)), schema=infer_schema(shop), group=group)
    suite = suite_of(["mean"])
    train, test = prepare(table, next(iter(suite.jobs())), suite)
    assert not set(train.complete["price"]) & set(test.complete["price"])


def test_what_is_truly_missing_is_asked_for_and_nothing_else():
    shop = make_small_shop(100)
    answers = shop[["brand"]].copy()
    visible = shop.assign(brand=shop["brand"].where(np.arange(100) % 3 > 0, None))
    answers[:30] = None
    register_table("asked", lambda: BenchmarkTable(
        frame=visible, schema=infer_schema(visible), answers=answers, normalise={"brand": str.lower},
    ))  # fmt: skip
    result = result_of(suite_of(["mean"], tables=["asked"], mechanisms=["truth"]))
    [column] = result["in_sample"]["columns"]
    assert (column["column"], column["n_hidden"], column["ceiling"]) == ("brand", 24, 1.0)  # every third row from 30 on
    assert column["normalised_accuracy"] == pytest.approx(column["accuracy"], abs=1e-5)
    with pytest.raises(TableError, match="must have a table with answers"):
        result_of(suite_of(["mean"], mechanisms=["truth"]))


# ----------------------------------------------------------------------------------------------------------- runs


def test_a_result_says_all_that_its_reader_needs(results):
    for result in results:
        assert result["status"] == "done"
        assert set(result["versions"]) >= {"python", "numpy", "pandas", "gain-impute"}
        assert result["n_rows"] == (150 if result["table"] == "iris" else 200)
        assert min(result["seconds"].values()) > 0
        for where in ("in_sample", "out_of_sample"):
            for column in result[where]["columns"]:
                assert sum(column["groups"]["n"]) == column["n_hidden"]
                if column["kind"] == "categorical":
                    assert 1 - sum(column["groups"]["loss"]) / column["n_hidden"] == pytest.approx(
                        column["accuracy"], abs=1e-5
                    )
                elif column["kind"] == "numeric":
                    error = (sum(column["groups"]["loss"]) / column["n_hidden"]) ** 0.5
                    assert error == pytest.approx(column["error"], rel=1e-4)
        assert json.loads(json.dumps(result)) == result


def test_a_model_trained_on_filled_rows_is_compared_with_one_trained_on_complete_rows(results):
    of_shop = [result["downstream"] for result in results if result["table"] == "small_shop"]
    assert all([score["target"] for score in scores] == ["price", "kind"] for scores in of_shop)
    complete, filled = (np.mean([s["complete" if c else "filled"] for d in of_shop for s in d]) for c in (True, False))
    assert 0 < filled < complete <= 1


def test_what_complete_rows_teach_is_kept_for_the_next_method(tmp_path, monkeypatch):
    jobs, kept = list(suite_of(["mean", "knn"]).jobs()), Memory(tmp_path, verbose=0)
    suite = suite_of(["mean", "knn"])
    alone = [run_job(job, suite)["downstream"] for job in jobs]
    fits = []
    for forest in (RandomForestClassifier, RandomForestRegressor):
        monkeypatch.setattr(forest, "fit", lambda *a, fit=forest.fit, **k: fits.append(1) or fit(*a, **k))
    assert [run_job(job, suite, kept=kept)["downstream"] for job in jobs] == alone
    assert len(fits) == len(alone[0]) * 3  # complete rows once, those that each of two methods filled


def test_draws_and_probabilities_are_scored_of_methods_that_give_them():
    suite, table = suite_of(["gain"], max_rows=120, n_draws=8), find_table("small_shop")
    train, test = prepare(table, next(suite.jobs()), suite)
    imputer = GAINImputer(schema=train.schema, random_state=0, max_steps=30, round_to_grid=False)
    result = run_method(imputer, train, test, name="gain", suite=suite, table=table)
    overall = result["out_of_sample"]["overall"]
    assert overall["crps"] > 0
    assert 0 <= overall["coverage"]["50"] <= overall["coverage"]["95"] <= 1
    assert overall["log_loss"] > 0
    assert 0 <= overall["brier"] <= 2
    assert sum(part["n"] for part in result["out_of_sample"]["calibration"]) > 20
    assert result["model_mib"] > 0.1


def test_a_suite_that_asks_for_costs_alone_scores_no_draws_and_no_probabilities():
    suite, table = suite_of(["gain"], max_rows=120, n_draws=8, costs_only=True), find_table("small_shop")
    train, test = prepare(table, next(suite.jobs()), suite)
    imputer = GAINImputer(schema=train.schema, random_state=0, max_steps=30, round_to_grid=False)
    result = run_method(imputer, train, test, name="gain", suite=suite, table=table)
    assert 0 < result["in_sample"]["overall"]["accuracy"] <= 1
    assert not {"crps", "log_loss"} & set(result["in_sample"]["overall"])
    assert not {"crps", "log_loss"} & {figure for column in result["in_sample"]["columns"] for figure in column}
    assert min(result["seconds"].values()) > 0


@pytest.mark.parametrize(
    ("method", "status", "reason"),
    [
        ("fine", "done", ""),
        ("unavailable", "cannot run", "There must be a package"),
        ("secret_mean", "failed", "No method but the mean may fill with the mean, or the median. 'secret_mean' did so"),
        ("holes", "failed", "'holes' left"),
        ("changes", "failed", "'changes' changed"),
        ("crashes", "failed", "ZeroDivisionError: nothing can be divided by it"),
        ("dies", "failed", "ended with exit code 7"),
        ("sleeps", "timed out", "not done after 0.1 s"),
        ("hoards", "out of memory", "MiB, of which 1,200 are allowed"),
    ],
)
def test_however_a_run_ends_its_result_says_so(tmp_path, monkeypatch, method, status, reason):
    monkeypatch.setattr("gain_impute.benchmark.pool.GRACE_S", 4.0 if method == "sleeps" else 60.0)
    suite = suite_of([method], max_time_s=0.1 if method == "sleeps" else 60.0, max_memory_mib=1200)
    told = []
    run_jobs(list(suite.jobs()), suite, tmp_path, plugins=PLUGINS, report=lambda *what: told.append(what))
    [result] = read_results(tmp_path)
    assert result["status"] == status
    assert reason in result["reason"]
    assert [what[1] for what in told] == [status]


def task_of_prices(step: float) -> Task:
    """A column of prices on a grid, a fifth of them hidden."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"price": step * np.rint(rng.gamma(2.0, 5.0, 200) / step), "weight": rng.normal(size=200)})
    return hide_task(table, infer_schema(table), rate=0.2, mechanism="mcar", random_state=0)


@pytest.mark.parametrize(
    ("step", "fill", "is_refused"),
    [
        (0.01, lambda known: known.mean(), True),
        (0.01, lambda known: known.mean().round(2), True),
        (0.01, lambda known: known.median(), True),
        (0.01, lambda known: known.mean() + 0.02, False),
        (5.0, lambda known: known.mean(), True),
        (5.0, lambda known: 5 * (known.mean() / 5).round(), False),  # may be the best that can be said
        (0.01, lambda known: known.sample(len(known), random_state=1).to_numpy(), False),
    ],
)
def test_who_fills_with_the_middle_of_each_column_is_refused(step, fill, is_refused):
    task = task_of_prices(step)
    filled = task.visible.copy()
    for name, hidden in task.hidden.items():
        known = task.visible[name].dropna()
        middle = np.resize(fill(known) if name == "price" else known.mean(), len(filled))
        filled[name] = filled[name].where(~hidden, middle)
    suite, table = suite_of(["knn"]), find_table("small_shop")

    class Filler:
        def fit_transform(self, table: pd.DataFrame) -> pd.DataFrame:
            return filled.loc[table.index]

        def transform(self, table: pd.DataFrame) -> pd.DataFrame:
            return filled.loc[table.index]

    def score() -> dict:
        return run_method(Filler(), task, None, name="secret", suite=suite, table=table)

    if is_refused:
        with pytest.raises(TableError, match=r"No method but the mean may .* the median\. 'secret'"):
            score()
    else:
        assert score()["in_sample"]["overall"]["error"] > 0


def test_a_benchmark_goes_on_where_it_stopped(tmp_path):
    suite = suite_of(["mean", "knn"])
    first, second = suite.jobs()
    write_result(run_job(first, suite), tmp_path / first.path)
    assert pending_jobs(suite, tmp_path) == [second]
    assert pending_jobs(suite, tmp_path, methods=["mean"]) == []


def test_no_run_begins_when_the_hours_are_over(tmp_path):
    suite = suite_of({"mean": 3})
    jobs = list(suite.jobs())
    run_jobs(jobs, suite, tmp_path, hours=0)
    assert pending_jobs(suite, tmp_path) == jobs
    told = []
    run_jobs(jobs, suite, tmp_path, hours=1e-7, report=lambda *what: told.append(what))
    assert len(told) == len(jobs) - len(pending_jobs(suite, tmp_path)) <= 1
    run_jobs(jobs[:1], suite, tmp_path, hours=1)
    assert pending_jobs(suite, tmp_path) == jobs[1:]


def test_a_result_of_another_format_is_refused(tmp_path):
    (tmp_path / "old.json").write_text('{"format": 0}')
    with pytest.raises(FileError, match=r"must be of format 1\. Delete it, and run again"):
        read_result(tmp_path / "old.json")


def test_a_result_that_lost_something_is_refused(tmp_path, results):
    whole = results[0]
    columns = [
        {name: value for name, value in column.items() if name != "groups"} for column in whole["in_sample"]["columns"]
    ]
    for lost, what in (
        ({name: value for name, value in whole.items() if name != "status"}, "status"),
        ({name: value for name, value in whole.items() if name != "in_sample"}, "in_sample"),
        (whole | {"in_sample": whole["in_sample"] | {"columns": columns}}, "groups"),
    ):
        write_result(lost, tmp_path / "lost.json")
        with pytest.raises(FileError, match=rf"must be whole\. It lacks {what}\. Delete it"):
            read_result(tmp_path / "lost.json")


def test_memory_is_that_of_the_block_alone():
    ballast = np.ones(30_000_000)  # 229 MiB that were there before
    with MemoryWatch() as memory:
        work = np.ones(8_000_000)  # 61 MiB
    assert len(ballast) + len(work) == 38_000_000
    assert 55 < memory.peak_mib < 120


# ------------------------------------------------------------------------------------------------------ comparing


def made(method: str, loss: float, *, seed: int = 0, noise: float = 0.1, column: str = "a") -> dict:
    """A result of one column whose mean losses are known."""
    rng = np.random.default_rng([seed, len(method)])
    losses = (loss + noise * rng.normal(size=20)) * 10
    groups = {"n": [10] * 20, "loss": losses.tolist()}
    columns = [{"column": column, "kind": "numeric", "rmse": 1.0, "n_hidden": 200, "groups": groups}]
    overall = {"error": loss**0.5, "coverage": {}}
    return {
        "suite": "s", "table": "t", "mechanism": "mcar", "rate": 0.2, "method": method, "seed": seed, "status": "done",
        "peak_mib": 1.0, "seconds": {"fit": 1.0, "transform": 1.0, "one_row": 1.0},
        "in_sample": {"overall": overall, "columns": columns}, "out_of_sample": None,
    }  # fmt: skip


@pytest.mark.parametrize(("other", "verdict"), [(0.9, "win"), (0.5, "tie"), (0.2, "loss")])
def test_a_difference_beyond_noise_is_a_win_or_a_loss(other, verdict):
    results = [made("first", 0.5, seed=seed) for seed in range(3)] + [made("second", other, seed=s) for s in range(3)]
    found = compare(results, "first", "second")
    assert found["verdict"].tolist() == [verdict]
    assert found["difference"][0] == pytest.approx(0.5 - other, abs=0.06)
    assert found["lower"][0] < found["difference"][0] < found["upper"][0]


def test_intervals_hold_the_true_difference_as_often_as_they_say():
    n_held = 0
    for trial in range(100):
        found = compare([made("first", 0.5, seed=trial), made("second.", 0.4, seed=trial)], "first", "second.")
        n_held += found["lower"][0] <= 0.1 <= found["upper"][0]
    assert 88 <= n_held < 100


def test_rows_on_which_methods_differ_are_no_more_units_for_being_hidden_by_several_seeds():
    n_beyond = 0
    for trial in range(200):  # two methods that are equally good, each on other rows, whatever the seed
        of_rows = np.random.default_rng(trial).normal(size=(2, 20))
        results = []
        for seed in range(5):
            for method, losses in zip(("first", "second"), 3 + of_rows, strict=True):
                result = made(method, 1.0, seed=seed)
                result["in_sample"]["columns"][0]["groups"]["loss"] = (10 * losses).tolist()
                results.append(result)
        n_beyond += compare(results, "first", "second")["verdict"][0] != "tie"
    assert n_beyond <= 20


@pytest.mark.parametrize(("n_groups", "verdict"), [(2, "tie"), (5, "tie"), (6, "win")])
def test_few_groups_tell_nothing_even_where_all_are_alike(n_groups, verdict):
    results = [made("first", 0.2, noise=0.0), made("second", 0.9, noise=0.0)]
    for result in results:
        [column] = result["in_sample"]["columns"]
        column["groups"]["n"] = [1] * n_groups + [0] * (20 - n_groups)
    assert compare(results, "first", "second")["verdict"].tolist() == [verdict]


def test_only_the_same_cells_are_compared():
    results = [made("first", 0.5, seed=0), made("second", 0.5, seed=1)]
    with pytest.raises(TableError, match="They have no cell in common"):
        compare(results, "first", "second")
    with pytest.raises(TableError, match="Found none that was done"):
        compare([made("first", 0.5) | {"status": "failed"}], "first", "second")


def test_better_methods_rank_first_and_tasks_that_one_did_not_do_do_not_count(results):
    ranks = ranking(results, score="error")
    assert ranks["method"].tolist() == ["knn", "mean"]
    assert (ranks["n_tasks"] == 4).all()
    without = [r for r in results if not (r["table"] == "iris" and r["method"] == "mean")]
    assert (ranking(without, score="accuracy")["n_tasks"] == 2).all()


def test_scores_come_as_one_table_of_floats(results):
    scores = scores_frame(results, where="out_of_sample")
    assert len(scores) == len(results) == 16
    assert scores["error"].dtype == scores["crps"].dtype == np.float64


# ------------------------------------------------------------------------------------------------ the command line


def test_a_table_of_ones_own_is_a_suite(tmp_path, capfd):
    source, output = tmp_path / "my shop.csv", tmp_path / "report"
    make_small_shop(150).to_csv(source, index=False)
    assert run(["benchmark", "--data", str(source), "-o", str(output), "--methods", "mean,knn"]) == 0
    assert "[6/6] knn on my_shop, mcar 0.2, seed 2: done" in capfd.readouterr().err
    assert {result["method"] for result in read_results(output / "results")} == {"mean", "knn"}
    assert run(["benchmark", "--data", str(source), "-o", str(output), "--methods", "mean,knn"]) == 0
    assert "0 runs to make" in capfd.readouterr().err


def test_the_terminal_gets_the_report_in_short_and_its_table_where_that_is_wide_enough(tmp_path, capfd, monkeypatch):
    source, output = tmp_path / "shop.csv", tmp_path / "report"
    make_small_shop(150).to_csv(source, index=False)
    command = ["benchmark", "--data", str(source), "-o", str(output), "--methods", "mean,knn", "--seeds", "1"]
    printed = []
    for n_columns in (80, 300):
        monkeypatch.setenv("COLUMNS", str(n_columns))
        assert run(command) == 0
        out, err = capfd.readouterr()
        assert err.endswith(f"The report is {str(output / 'index.html')!r}.\n")
        printed.append(out)
    assert printed[0].startswith("In short:\nNumbers: 5 nearest neighbours is off by ")
    assert max(map(len, printed[0].splitlines())) < 200
    assert printed[1].startswith(printed[0])
    assert printed[1].splitlines()[-1].startswith("mean / mode  ")
    assert "R²" not in printed[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--methods", "magic"], "The methods of a suite must be some of"),
        (["--mechanism", "why"], "The mechanism must be one of mcar, mar, mnar, mnar_quantile, block, copied"),
        (["--hide", "1.5"], "The share to hide must be between 0 and 1"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_written(tmp_path, capfd, options, message):
    source = tmp_path / "shop.csv"
    make_small_shop(50).to_csv(source, index=False)
    assert run(["benchmark", "--data", str(source), "-o", str(tmp_path / "report"), *options]) == 2
    assert message in capfd.readouterr().err
    assert not Path(tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["smoke", "--hide", "0.3", "--seeds", "2"], "--hide, --seeds must stand with --data"),
        (["--missing", "n/a"], "--missing must stand with --data"),
        (["smoke", "--data", "shop.csv"], "There must be a suite or a table of your own. Got 'smoke' and --data"),
    ],
)
def test_options_that_would_count_for_nothing_are_refused(tmp_path, capfd, options, message):
    assert run(["benchmark", *options, "-o", str(tmp_path / "report")]) == 2
    assert message in capfd.readouterr().err
    assert not Path(tmp_path / "report").exists()


def test_results_of_another_table_of_that_name_are_not_taken_for_its_own(tmp_path, capfd):
    source, output = tmp_path / "shop.csv", tmp_path / "report"
    command = ["benchmark", "--data", str(source), "-o", str(output)]
    make_small_shop(150).to_csv(source, index=False)
    assert run([*command, "--methods", " mean, "]) == 0
    assert run([*command, "--methods", "median", "--hide", "0.3"]) == 0
    page = (output / "report.md").read_text()
    assert "median" in page
    assert "mean" not in page.partition("median")[0].lower()  # whose cells were others
    results = read_results(output / "results")
    make_small_shop(140).to_csv(source, index=False)
    assert run([*command, "--methods", "mean"]) == 2
    assert "must be of this table and schema. They are of others of that name" in capfd.readouterr().err
    assert read_results(output / "results") == results
    (output / "results" / "data" / "shop" / "table.fingerprint").unlink()
    assert run([*command, "--methods", "mean"]) == 2  # and who knows of which table these are


def test_further_missing_values_count_beside_a_schema(tmp_path):
    source, schema = tmp_path / "shop.csv", tmp_path / "schema.toml"
    source.write_text("kind,price\n" + "cup,1\non request,2\n" * 20)
    schema.write_text(schema_to_toml(infer_schema(pd.read_csv(source))))
    own = OwnTable(source=source, schema=schema, missing_values=("on request",)).read()
    assert own.schema.parse("kind", own.frame["kind"]).observed.sum() == 20


@pytest.mark.parametrize("output", ["file", "file/below", "/proc/x"])
def test_a_folder_that_cannot_be_written_is_said_before_any_run(tmp_path, capfd, output):
    source = tmp_path / "shop.csv"
    (tmp_path / "file").write_text("a file")
    make_small_shop(50).to_csv(source, index=False)
    assert run(["benchmark", "--data", str(source), "-o", str(tmp_path / output), "--methods", "mean"]) == 2
    told = capfd.readouterr().err
    assert "Results must be written to" in told
    assert "runs to make" not in told


def test_a_benchmark_without_any_score_says_so(tmp_path, capfd):
    source = tmp_path / "empty.csv"
    source.write_text("kind,price\n" + ",\n" * 30)
    assert run(["benchmark", "--data", str(source), "-o", str(tmp_path / "report"), "--methods", "mean"]) == 2
    told = capfd.readouterr()
    assert "At least one run must come to its end. None of 3 did, the first since: " in told.err
    assert "No method has scores here, so nothing is compared." in told.out
    assert "On no table" not in told.out


def test_a_method_that_changes_the_table_it_is_given_is_found_out():
    class Meddles:
        def fit_transform(self, table):
            filled = table.fillna(1.0)
            table.loc[:, "a"] = filled.loc[:, "a"] = 0.0
            return filled

        transform = fit_transform

    frame = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0)})
    table = BenchmarkTable(frame=frame, schema=infer_schema(frame))
    suite = suite_of(["mean"])
    train, test = prepare(table, next(suite.jobs()), suite)
    with pytest.raises(TableError, match="changed"):
        run_method(Meddles(), train, test, name="meddles", suite=suite, table=table)


def test_no_process_makes_no_runs(tmp_path):
    with pytest.raises(ConfigError, match=r"number of processes must be 1 or more. Got 0"):
        run_jobs([], suite_of(["mean"]), tmp_path, n_processes=0)


def test_a_method_that_the_suite_does_not_have_is_refused(tmp_path, capfd):
    assert run(["benchmark", "smoke", "-o", str(tmp_path / "report"), "--methods", "mean,magic"]) == 2
    assert "The methods of a suite must be some of gain, mean, median, knn. Got magic instead" in capfd.readouterr().err
    assert not (tmp_path / "report").exists()


def test_results_are_kept_in_mlflow_where_that_is_asked_for(store, tmp_path):
    source = tmp_path / "shop.csv"
    make_small_shop(150).to_csv(source, index=False)
    assert (
        run(["benchmark", "--data", str(source), "-o", "report", "--methods", "mean", "--seeds", "1", "--track"]) == 0
    )
    kept, whole = sorted(runs_in(store), key=lambda run: "method" not in run.data.params)
    assert kept.data.tags["mlflow.parentRunId"] == whole.info.run_id
    report = Path(store.download_artifacts(whole.info.run_id, "report.html"))
    assert report.read_bytes() == (tmp_path / "report" / "index.html").read_bytes()
    [result] = read_results(tmp_path / "report" / "results")
    assert (kept.data.params["method"], kept.data.params["table"], kept.info.status) == ("mean", "shop", "FINISHED")
    assert kept.data.metrics["in_sample/error"] == pytest.approx(result["in_sample"]["overall"]["error"])
    assert "in_sample/crps" not in kept.data.metrics  # the mean does not draw


def test_a_job_has_a_place_of_its_own():
    job = Job(suite="s", table="t", mechanism="mcar", rate=0.25, method="mean", seed=3)
    assert job.path == Path("s/t/mcar-0.25/mean-3.json")


def test_results_can_be_kept_from_holding_values():
    shown, kept = (result_of(suite_of(["knn"], show_values=told))["in_sample"]["examples"] for told in (True, False))
    assert set(shown["brand"]["truth"]) <= set(make_small_shop()["brand"])
    assert list(kept["brand"]["truth"]) == [f"no. {rank}" for rank in range(1, len(shown["brand"]["truth"]) + 1)]
    assert list(kept["brand"]["filled"].values()) == list(shown["brand"]["filled"].values())
    assert np.corrcoef(kept["price"]["truth"], shown["price"]["truth"])[0, 1] == pytest.approx(1)
    assert abs(np.mean(kept["price"]["truth"])) < 0.5 < np.mean(shown["price"]["truth"])


def test_the_commit_is_that_of_a_checkout_of_the_package_alone(tmp_path, monkeypatch):
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q")
    module = tmp_path / ".venv" / "result.py"
    module.parent.mkdir()
    module.write_text("")
    (tmp_path / "readme").write_text("around the virtual environment")
    git("add", "readme")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    monkeypatch.setattr(result_module, "__file__", str(module))
    assert result_module._commit() == ""
    git("add", "-f", str(module))
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "second")
    assert result_module._commit() == git("rev-parse", "--short", "HEAD").strip()
    module.write_text("# changed")
    assert result_module._commit().endswith("+")
