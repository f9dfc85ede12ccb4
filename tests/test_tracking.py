"""Fits in MLflow: what is kept, and that a lost server loses nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from gain_impute import GAINImputer
from gain_impute.errors import TableError, TrackingWarning
from gain_impute.evaluation.exam import Exam, column_scores
from gain_impute.fingerprint import fingerprint
from gain_impute.methods import Setting, make_method
from gain_impute.schema import infer_schema
from gain_impute.tracking import DEFAULT_STORE, MLflowTracker, Runs, send_spooled, tracking_uri
from gain_impute.tracking.runs import metric_name
from gain_impute.tracking.spool import Spool, left_spools
from gain_impute.tracking.tracker import _dataset
from gain_impute.training import HeldOut, NullTracker
from tests.servers import WAIT_S, free_port, runs_in, start, stop
from tests.strategies import NAMES, quick_imputer, shop_table


def table_of(n_rows: int = 80) -> pd.DataFrame:
    """A table of every kind of column whose titles have no hole that stays."""
    return shop_table(n_rows).fillna({"title": "a pot"})


def tracked(table: pd.DataFrame | None = None, *, plots: bool = False, **options) -> GAINImputer:
    tracker = MLflowTracker(plots=plots, wait_s=WAIT_S, **options)
    return quick_imputer(max_steps=30).fit(table_of() if table is None else table, tracker=tracker)


def test_a_tracked_fit_is_a_finished_run_with_parameters_losses_and_versions(store):
    imputer = tracked(name="nightly", tags={"shop": "de"})
    run = runs_in(store)[0]
    assert (run.info.status, run.info.run_name) == ("FINISHED", "nightly")
    assert run.data.params["hint_rate"] == "0.9"
    assert run.data.tags["shop"] == "de"
    assert run.data.tags["stopped"] == "budget"
    assert re.fullmatch(r"2\.\d+\.\d+\S*", run.data.tags["version.torch"])
    history = imputer.history_
    kept = store.get_metric_history(run.info.run_id, "imputation_loss")
    assert [metric.step for metric in kept] == history["step"].tolist()
    np.testing.assert_allclose([metric.value for metric in kept], history["imputation_loss"])
    validation = [metric.value for metric in store.get_metric_history(run.info.run_id, "validation_loss")]
    np.testing.assert_allclose(validation, history["validation_loss"].dropna())


def test_the_scores_are_those_of_the_held_out_cells_and_so_are_the_peers(store):
    class Notes(NullTracker):
        def on_held_out(self, held_out: HeldOut) -> None:
            self.exam = Exam.on(held_out.table, held_out.schema, held_out.hidden)
            self.filled = held_out.fill(self.exam.visible)[0]

    notes, table = Notes(), table_of(120)
    quick_imputer(max_steps=30).fit(table, tracker=notes)
    tracked(table)
    metrics = runs_in(store)[0].data.metrics
    ours = column_scores(notes.exam.losses(notes.filled))
    mean = column_scores(
        notes.exam.losses(make_method("mean", Setting(schema=notes.exam.schema)).fit_transform(notes.exam.visible))
    )
    for name in ours.index:
        assert metrics[f"columns/{name}/gain"] == pytest.approx(ours[name])
        assert metrics[f"columns/{name}/mean"] == pytest.approx(mean[name])
    assert metrics["score/gain"] < metrics["score/mean"] * 2
    assert {"score/knn", "numeric_error/gain", "accuracy/knn", "coverage_90", "calibration_error"} <= set(metrics)


def test_time_memory_and_the_machine_are_kept(store):
    tracked()
    metrics = runs_in(store)[0].data.metrics
    assert 0 < metrics["elapsed_s"] <= metrics["time/fit_s"]
    assert metrics["time/tracking_s"] > 0
    assert 50 < metrics["memory/fit_peak_mib"] <= metrics["memory/process_peak_mib"]
    assert 0 <= metrics["system/cpu_utilization_percentage"] <= 100


def test_schema_pictures_and_the_table_of_scores_are_kept_as_files(store):
    imputer = tracked(plots=True)
    run_id = runs_in(store)[0].info.run_id
    files = {file.path for file in store.list_artifacts(run_id)} | {
        file.path for file in store.list_artifacts(run_id, "plots")
    }
    columns = {f"{kind}_{i}" for kind in ("number", "category") for i in (1, 2, 3)}
    assert files >= {"schema.toml", "quality.csv", "report.html", "plots"}
    pictures = {Path(file).stem for file in files if file.startswith("plots/")}
    assert {"training", "calibration", "number_1", "category_1"} <= pictures <= {"training", "calibration", *columns}
    schema = Path(store.download_artifacts(run_id, "schema.toml"))
    assert quick_imputer(schema=schema).fit(table_of()).schema_ == imputer.schema_
    page = Path(store.download_artifacts(run_id, "report.html")).read_text()
    for name in pictures:
        picture = Path(store.download_artifacts(run_id, f"plots/{name}.svg")).read_text()
        assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own
        assert picture.split(">", maxsplit=1)[1] in page  # nothing is drawn twice
    scores = pd.read_csv(store.download_artifacts(run_id, "quality.csv"), index_col="column")
    assert set(scores.columns) == {"gain", "mean", "knn", "kind", "n_cells"}
    assert set(scores.index) == set(imputer.schema_) - set(imputer.unfillable_)


def test_the_page_of_a_fit_is_kept_with_the_scores_that_the_run_has(store):
    tracked(plots=True)
    run = runs_in(store)[0]
    page = Path(store.download_artifacts(run.info.run_id, "report.html")).read_text()
    assert f"held-out cells is {run.data.metrics['score/gain']:.3f}" in page
    for method in ("gain", "mean", "knn"):
        assert f"{run.data.metrics[f'numeric_error/{method}']:.3f}" in page
    assert run.data.params["hint_rate"] in page.partition("hint_rate")[2].partition("</tr>")[0]


@pytest.mark.parametrize("what", ["page", "scores"])
def test_a_page_or_scores_that_cannot_be_made_lose_neither_the_model_nor_the_run(store, what):
    class Fails(MLflowTracker):
        def _tell_page(self, costs):
            if what == "page":
                raise ValueError("no letters to draw with")
            super()._tell_page(costs)

        def _tell_quality(self, exam):
            if what == "scores":
                raise MemoryError("no room for neighbours")
            super()._tell_quality(exam)

    table = table_of()
    with pytest.warns(TrackingWarning, match=rf"must have its {what}\. This one has not: .*no (letters|room)"):
        imputer = quick_imputer(max_steps=30).fit(table, tracker=Fails(wait_s=WAIT_S))
    pd.testing.assert_frame_equal(imputer.transform(table), quick_imputer(max_steps=30).fit_transform(table))
    run = runs_in(store)[0]
    files = {file.path for file in store.list_artifacts(run.info.run_id)}
    assert run.info.status == "FINISHED"
    assert ("score/gain" in run.data.metrics, "report.html" in files) == (what == "page", what == "scores")


def test_files_lie_beside_the_default_store(store, tmp_path):
    tracked()
    assert tracking_uri() == DEFAULT_STORE.replace("mlruns", f"{tmp_path}/mlruns")
    assert runs_in(store)[0].info.artifact_uri.startswith(f"file://{tmp_path}/mlruns/gain_impute/")


def test_the_table_is_named_by_a_fingerprint_and_nothing_of_it_is_kept(store):
    table = table_of().assign(note="Rosebud")
    tracked(table)
    dataset = runs_in(store)[0].inputs.dataset_inputs[0].dataset
    assert dataset.digest == fingerprint(table)
    assert json.loads(dataset.profile)["num_rows"] == len(table)
    assert "Rosebud" not in dataset.schema + dataset.source + dataset.profile


def test_a_quantity_is_told_as_the_text_that_it_is():
    table = pd.DataFrame({"weight": [f"{n} kg" for n in range(200)], "price": np.arange(200) / 4})
    told = json.loads(_dataset(table, infer_schema(table))["schema"])["mlflow_colspec"]
    assert {each["name"]: each["type"] for each in told} == {"weight": "string", "price": "double"}


def test_the_fingerprint_changes_with_any_cell_and_any_name_but_not_with_the_index():
    table = table_of(20)
    changed = table.copy()
    changed.loc[3, "weight"] = 1.0
    prints = {fingerprint(t) for t in (table, changed, table.rename(columns={"kind": "sort"}), table.iloc[::-1])}
    assert len(prints) == 4
    assert fingerprint(table.set_axis(range(7, 27))) == fingerprint(table)


def test_tracking_changes_nothing_in_the_fit(store):
    table = table_of()
    pd.testing.assert_frame_equal(tracked(table).transform(table), quick_imputer(max_steps=30).fit_transform(table))


def test_mlflow_is_found_by_its_name_and_not_imported_before(tmp_path):
    code = (
        "import sys, warnings; import gain_impute.imputer as home; import pandas as pd\n"
        "assert 'mlflow' not in sys.modules\n"
        "table = pd.DataFrame({'kind': ['cup', 'pot'] * 30, 'price': [1.0, 2.0, 3.0] * 20})\n"
        "home.GAINImputer(max_steps=5, random_state=0).fit(table, tracker='mlflow')\n"
        "assert 'mlflow' in sys.modules\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | {"PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "mlruns" / "mlflow.db").exists()


def test_a_fit_that_fails_is_a_failed_run(store):
    table = pd.DataFrame({"n": ["a", "b", "1"] * 20})
    with pytest.raises(TableError):
        quick_imputer(schema={"n": "numeric"}).fit(table, tracker=MLflowTracker(wait_s=WAIT_S))
    run = runs_in(store)[0]
    assert run.info.status == "FAILED"
    assert run.data.tags["error"].startswith("TableError: At least half")


def test_a_fit_that_is_interrupted_is_a_killed_run(store):
    class Interrupted(MLflowTracker):
        def on_epoch(self, epoch):
            super().on_epoch(epoch)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick_imputer().fit(table_of(), tracker=Interrupted(wait_s=WAIT_S))
    assert runs_in(store)[0].info.status == "KILLED"


def test_a_run_within_a_run_is_nested_in_mlflow(store):
    runs = Runs()
    parent = runs.begin("study")
    run = runs.begin("trial", parent=parent.token)
    tracked(runs=runs, run=run)
    run.end()
    parent.end()
    runs.flush(WAIT_S)
    child, study = sorted(runs_in(store), key=lambda run: run.info.run_name == "study")
    assert child.data.tags["mlflow.parentRunId"] == study.info.run_id
    assert child.data.params["max_steps"] == "30"


@pytest.mark.parametrize("name", [*NAMES, "a/b", "a//b", ".", "..", "x/../y", "²", "price (EUR)", "%"])
def test_any_name_of_a_column_becomes_a_name_that_mlflow_takes(name):
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(metric_name(f"columns/{name}/gain"))
    assert metric_name(metric_name(name)) == metric_name(name)


def test_names_that_become_one_or_are_too_long_keep_their_figures(store):
    runs = Runs()
    run = runs.begin("names")
    run.log_metrics({"p(1)": 1.0, "p[1]": 2.0, "w" * 300 + "a": 3.0, "w" * 300 + "b": 4.0})
    run.end()
    runs.flush(WAIT_S)
    kept = runs_in(store)[0].data.metrics
    assert kept["p_1_"] == 1.0
    assert sorted(kept.values()) == [1.0, 2.0, 3.0, 4.0]


def test_a_table_of_lists_is_tracked_as_any_other(store):
    lists = table_of().assign(sizes=[[1, 2]] * 79 + [[3]])
    tracked(lists)
    assert runs_in(store)[0].info.status == "FINISHED"
    assert fingerprint(lists) == fingerprint(lists.copy()) != fingerprint(lists.assign(sizes=[[1, 2]] * 80))


def test_a_run_that_several_processes_begin_is_one(store):
    runs, others, token = Runs(), Runs(), "of all"
    for told_by in (runs, others, others):
        told_by.begin("study", token=token).end()
    runs.flush(WAIT_S)
    others.begin("study", token=token).end()
    assert others.flush(WAIT_S)
    assert [run.info.run_name for run in runs_in(store)] == ["study"]


# ------------------------------------------------------------------------------------------------- a lost server


@pytest.fixture
def lost(tmp_path, monkeypatch) -> str:
    """The address of a server that does not answer; attempts are short."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return os.environ["MLFLOW_TRACKING_URI"]


def test_a_lost_server_loses_neither_the_model_nor_what_was_to_be_told(lost, store_later, tmp_path):
    table, tracker = table_of(), MLflowTracker(plots=False, wait_s=0.2)
    with pytest.warns(TrackingWarning, match=rf"1 runs could not be sent to '{lost}'.*They are kept in '.*spool'"):
        imputer = quick_imputer(max_steps=30).fit(table, tracker=tracker)
    pd.testing.assert_frame_equal(imputer.transform(table), quick_imputer(max_steps=30).fit_transform(table))
    spool = left_spools(Path("mlruns/spool"))[0]
    assert spool.n_sent() == 0
    assert spool.unsent()[-1]["kind"] == "end"

    client = store_later()
    assert send_spooled(tracking_uri()) == (1, 0)
    run = runs_in(client)[0]
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time < WAIT_S * 1000
    assert "score/gain" in run.data.metrics
    assert left_spools(Path("mlruns/spool")) == []


def test_the_next_tracked_fit_sends_what_an_earlier_one_could_not(lost, store_later):
    with pytest.warns(TrackingWarning, match="could not be sent"):
        quick_imputer().fit(table_of(), tracker=MLflowTracker(plots=False, wait_s=0.2, name="first"))
    client = store_later()
    tracked(name="second")
    deadline = time.monotonic() + WAIT_S
    while left_spools(Path("mlruns/spool")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert {run.info.run_name for run in runs_in(client)} == {"first", "second"}


def test_what_was_sent_in_part_is_not_sent_twice(lost, store_later):
    runs = Runs()
    run = runs.begin("half")
    run.log_params({"a": 1})
    run.end()
    client = store_later()
    spool = left_spools(runs.spool)[0]
    assert send_spooled(tracking_uri(), spool=runs.spool) == (1, 0)
    assert not spool.folder.exists()
    assert len(runs_in(client)) == 1
    assert send_spooled(tracking_uri(), spool=runs.spool) == (0, 0)


@pytest.fixture
def store_later(empty_store, tmp_path, monkeypatch):
    """Bring a store back in place of the lost server; returns a client to look into it."""

    def bring_back() -> MlflowClient:
        import shutil

        shutil.copy(empty_store, tmp_path / "later.db")
        uri = f"sqlite:///{tmp_path}/later.db"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        return MlflowClient(uri)

    return bring_back


def test_a_run_that_was_begun_on_another_server_is_begun_again(store, store_later):
    runs = Runs()
    run = runs.begin("moved")
    run.log_params({"a": 1})
    deadline = time.monotonic() + WAIT_S
    while not left_spools(runs.spool)[0].n_sent() and time.monotonic() < deadline:
        runs.flush(0.1)
    client = store_later()
    run.log_metrics({"b": 2.0})
    run._spool.release()
    assert send_spooled(tracking_uri(), spool=runs.spool) == (1, 0)
    kept = runs_in(client)[0]
    assert (kept.info.run_name, kept.data.params, kept.data.metrics) == ("moved", {"a": "1"}, {"b": 2.0})


def test_a_run_that_was_deleted_meanwhile_is_not_made_again(store):
    runs = Runs()
    deleted, sound = runs.begin("deleted"), runs.begin("sound")
    deadline = time.monotonic() + WAIT_S
    while len(runs_in(store)) < 2 and time.monotonic() < deadline:
        runs.flush(0.1)
    store.delete_run(next(run.info.run_id for run in runs_in(store) if run.info.run_name == "deleted"))
    for run in (deleted, sound):
        run.log_metrics({"told": 1.0})
        run.end()
    assert runs.flush(WAIT_S)
    assert {run.info.run_name: run.data.metrics for run in runs_in(store)} == {"sound": {"told": 1.0}}


def test_a_run_that_the_server_refuses_keeps_no_other_from_being_sent(store):
    store.delete_experiment(store.create_experiment("deleted"))
    for name, experiment in (("refused", "deleted"), ("sound", None)):
        Runs("http://127.0.0.1:9", experiment=experiment).begin(name).end()
    assert send_spooled() == (1, 1)
    assert [run.info.run_name for run in runs_in(store)] == ["sound"]


def test_a_line_that_was_cut_off_keeps_nothing_from_being_sent(store):
    runs = Runs("http://127.0.0.1:9")
    run, sound = runs.begin("cut off"), runs.begin("sound")
    run.log_metrics({"before": 1.0})
    events = run._spool.folder / "events.jsonl"
    events.write_text(events.read_text() + '{"kind": "metr')
    run.log_metrics({"after": 2.0})
    for each in (run, sound):
        each._spool.release()
    assert send_spooled(spool=runs.spool) == (2, 0)
    kept = {run.info.run_name: run.data.metrics for run in runs_in(store)}
    assert kept == {"cut off": {"before": 1.0, "after": 2.0}, "sound": {}}


def test_a_part_waits_for_the_whole_that_another_process_is_to_send(store):
    parent = Runs("http://127.0.0.1:9").begin("whole")
    runs = Runs()
    runs.begin("part", parent=parent.token).end()
    with pytest.warns(TrackingWarning, match="1 runs could not be sent"):
        assert not runs.flush(1.0)
    assert runs_in(store) == []
    parent.end()
    assert send_spooled(spool=runs.spool) == (2, 0)
    whole, part = sorted(runs_in(store), key=lambda run: run.info.run_name == "part")
    assert part.data.tags["mlflow.parentRunId"] == whole.info.run_id


def test_a_run_without_a_readable_beginning_is_given_up(store):
    runs = Runs("http://127.0.0.1:9")
    run = runs.begin("lost")
    (run._spool.folder / "events.jsonl").write_text('{"kind": "beg\n{"kind": "tags", "values": {"a": "b"}}\n')
    run._spool.release()
    assert send_spooled(spool=runs.spool) == (1, 0)
    assert runs_in(store) == []


def test_a_driver_that_is_not_installed_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.warns(TrackingWarning, match=r"could not be sent to 'mysql://me:\*\*\*@h/x'.*No module"):
        imputer = quick_imputer().fit(
            table_of(), tracker=MLflowTracker(plots=False, wait_s=5, runs=Runs("mysql://me:secret@h/x"))
        )
    assert hasattr(imputer, "state_")


def test_a_fit_goes_on_where_there_can_be_no_diary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mlruns").write_text("a file where a folder should be")
    with pytest.warns(TrackingWarning, match="The fit goes on, and tells no more"):
        imputer = quick_imputer().fit(table_of(), tracker=MLflowTracker(plots=False))
    assert hasattr(imputer, "state_")
    assert Path("mlruns").read_text() == "a file where a folder should be"


def test_a_slow_server_does_not_hold_up_a_fit(tmp_path, monkeypatch):
    """The server takes the connection, and never answers."""
    monkeypatch.chdir(tmp_path)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")
        with pytest.warns(TrackingWarning, match="could not be sent"):
            imputer = quick_imputer().fit(table_of(), tracker=MLflowTracker(plots=False, wait_s=0.2))
    assert hasattr(imputer, "state_")
    assert len(left_spools(tmp_path / "mlruns/spool")) == 1


def test_the_run_of_a_process_that_was_killed_is_ended_by_whoever_sends_next(store, tmp_path):
    code = (
        "import os, signal; from gain_impute.tracking import Runs\n"
        "run = Runs('http://127.0.0.1:9').begin('killed'); run.log_metrics({'loss': 1.0}, step=3)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert send_spooled() == (1, 0)
    run = runs_in(store)[0]
    assert (run.info.status, run.data.metrics["loss"]) == ("KILLED", 1.0)


def test_a_run_that_still_goes_on_is_left_to_its_process(store):
    run = Runs("http://127.0.0.1:9").begin("going on")
    assert send_spooled() == (0, 0)
    run.end()


def test_what_the_server_refuses_is_noted_and_all_else_is_kept(store):
    runs = Runs()
    run = runs.begin("changes its mind")
    run.log_params({"a": 1})
    run.log_metrics({"b": 2.0})
    run.log_params({"a": 2})
    run.end()
    runs.flush(WAIT_S)
    kept = runs_in(store)[0]
    assert (kept.info.status, kept.data.params, kept.data.metrics) == ("FINISHED", {"a": "1"}, {"b": 2.0})
    assert "gain_impute.refused.params" in kept.data.tags


def test_a_fit_goes_on_where_the_local_disk_does_not_take_its_diary(store):
    class DiskFails(MLflowTracker):
        def on_fit_begin(self, params, table, schema):
            super().on_fit_begin(params, table, schema)
            events = left_spools(self.runs.spool)[0].folder / "events.jsonl"
            events.unlink()
            events.mkdir()  # so that nobody, not even root, can write it

    not_sent = pytest.warns(TrackingWarning, match="could not be sent")
    with not_sent, pytest.warns(TrackingWarning, match="The fit goes on, and tells no more"):
        imputer = quick_imputer().fit(
            table_of(), tracker=DiskFails(plots=False, runs=Runs("http://127.0.0.1:9"), wait_s=0)
        )
    assert hasattr(imputer, "state_")


def test_a_line_that_is_still_being_written_is_not_read(tmp_path):
    spool = Spool.new(tmp_path, "one")
    spool.add("tags", values={"a": "b"})
    with (spool.folder / "events.jsonl").open("a") as events:
        events.write('{"kind": "en')
    assert [event["kind"] for event in spool.unsent()] == ["tags"]


def test_a_spool_that_is_asked_about_while_it_is_removed_is_gone(tmp_path):
    def ask():
        while not is_over.is_set():
            for spool in (*spools, *left_spools(tmp_path)):
                with spool.locked():
                    spool.is_abandoned()

    spools = [Spool.new(tmp_path, f"{number}") for number in range(50)]
    is_over = threading.Event()
    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        for spool in spools:
            spool.add("end")
            spool.remove()
    finally:
        is_over.set()
        for asker in askers:
            asker.join()
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------- a real server


@pytest.mark.slow
def test_a_server_over_http_keeps_what_it_is_sent_even_if_it_is_restarted_meanwhile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    command = [
        Path(sys.executable).with_name("mlflow"),
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", tmp_path / "files"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    class Restarted(MLflowTracker):
        def on_epoch(self, epoch):
            super().on_epoch(epoch)
            if len(self.epochs) == 1:
                stop(server)

    server = start(command, uri)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrackingWarning)
            quick_imputer(max_steps=30).fit(table_of(), tracker=Restarted(wait_s=0.0))
        server = start(command, uri)
        tracked(plots=True)
        send_spooled()
        client = MlflowClient(uri)
        deadline = time.monotonic() + WAIT_S
        while len([run for run in runs_in(client) if run.info.status == "FINISHED"]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.5)
            send_spooled()
        for run in runs_in(client):
            assert "score/gain" in run.data.metrics
            assert "schema.toml" in {file.path for file in client.list_artifacts(run.info.run_id)}
    finally:
        stop(server)
