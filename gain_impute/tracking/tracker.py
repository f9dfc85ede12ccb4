"""A tracker that keeps a fit in MLflow."""

from __future__ import annotations

import json
import platform
import resource
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
from jinja2 import TemplateError
from numpy.typing import NDArray

from gain_impute.errors import GainImputeError, TrackingWarning
from gain_impute.evaluation import LEAST_SCORED, OURS
from gain_impute.evaluation.exam import Exam, column_scores
from gain_impute.fingerprint import fingerprint
from gain_impute.methods import Setting, make_method
from gain_impute.reporting.drawing import to_file
from gain_impute.reporting.fit_page import FitRecord, fit_page
from gain_impute.schema import Kind, Schema, schema_to_toml
from gain_impute.scores import calibration_error, score_intervals
from gain_impute.state import EpochLog
from gain_impute.tracking.listing import KeptRun, find_kept
from gain_impute.tracking.runs import Run, Runs
from gain_impute.training import HeldOut, NullTracker

__all__ = ["MLflowTracker"]

MOST_ROWS = 1_000  # are scored: peers would take longer for more than the network's training
MEANS = ("score", "numeric_error", "accuracy")
MIB = 2**20
MISHAPS = (
    ArithmeticError, AttributeError, GainImputeError, LookupError, MemoryError, OSError, RuntimeError, TemplateError,
    TypeError, ValueError,
)  # fmt: skip
"""What scoring and drawing may fail with when a fit is done, and must not lose it for."""

Drawn = dict[str, tuple[NDArray[Any], NDArray[Any]]]  # of each column, truth and what was filled


class MLflowTracker(NullTracker):
    """Keeps a fit in MLflow: what it was given, how it went, how well it fills, what it took.

    What is told of a fit: its parameters, schema and versions; a fingerprint of the table; the losses of each epoch;
    on the cells that the fit held out of training, the score of each column, beside mean and nearest neighbours on the
    same cells; seconds and memory; pictures, and a page of all that (``report.html``). Where scores or the page cannot
    be made, a warning says so, and the fit is not lost.

    The scores are those of the network before it was given the held-out cells, on 1,000 rows at most. Training stops by
    the same cells, which makes them a little better than those of `gain_impute.evaluate`.

    Parameters
    ----------
    runs : Runs, optional
        Where runs are kept; `Runs()` if not given.
    name : str, optional
        What the run is called; MLflow invents a name if not given.
    tags : mapping of str to str, optional
        Tags besides those of versions, user and commit.
    run : Run, optional
        A run that has been begun and is ended by the caller, told of the fit; none is made then.
    compare : sequence of str, default=("mean", "knn")
        Peers to be scored on the same cells.
    plots : bool, default=True
        Whether pictures are made, and the page.
    wait_s : float, default=10.0
        Seconds that the end of a fit waits for the server at most. What is not sent by then is kept and named.

    Examples
    --------
    >>> from gain_impute import GAINImputer
    >>> tracker = MLflowTracker(name="nightly", tags={"shop": "de"})  # doctest: +SKIP
    >>> GAINImputer().fit(table, tracker=tracker)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        runs: Runs | None = None,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        run: Run | None = None,
        compare: Sequence[str] = ("mean", "knn"),
        plots: bool = True,
        wait_s: float = 10.0,
    ) -> None:
        self.runs = Runs() if runs is None else runs
        self.name, self.tags, self.given_run = name, dict(tags or {}), run
        self.compare, self.plots, self.wait_s = tuple(compare), plots, wait_s
        self.is_sent = False

    def on_fit_begin(self, params: dict[str, Any], table: pd.DataFrame, schema: Schema) -> None:
        """Begin a run; tell the parameters, the schema, and which table it is."""
        self.epochs: list[EpochLog] = []
        self.exam: Exam | None = None
        self.params, self.shape, self.scored, self.is_sent = params, table.shape, dict[str, Any](), False
        self.started, self.spent_s, self.peak_bytes = time.perf_counter(), 0.0, 0
        self.process = psutil.Process()
        psutil.cpu_percent()  # the next call tells of the time since this one
        self.run = self.runs.begin(self.name) if self.given_run is None else self.given_run
        self.run.set_tags(_versions() | self.tags)
        self.run.log_params({name: value for name, value in params.items() if name != "schema"})
        self.run.log_dataset(_dataset(table, schema))
        self.run.log_bytes("schema.toml", schema_to_toml(schema).encode())
        self.spent_s += time.perf_counter() - self.started

    def on_epoch(self, epoch: EpochLog) -> None:
        """Tell the losses of an epoch, and what the machine does."""
        began = time.perf_counter()
        self.epochs.append(epoch)
        used = self.process.memory_info().rss
        self.peak_bytes = max(self.peak_bytes, used)
        losses = {name: value for name, value in epoch.as_dict().items() if name not in {"step", "stopped", "member"}}
        machine = {
            "system/cpu_utilization_percentage": psutil.cpu_percent(),
            "system/system_memory_usage_megabytes": psutil.virtual_memory().used / 1e6,
            "system/process_memory_mib": used / MIB,
        }
        self.run.log_metrics(losses | machine, step=epoch.step)
        self.spent_s += time.perf_counter() - began

    def on_held_out(self, held_out: HeldOut) -> None:
        """Fill the held-out cells of some rows; they are scored when the fit is over."""
        began = time.perf_counter()
        exam = Exam.on(held_out.table, held_out.schema, held_out.hidden, max_rows=MOST_ROWS)
        self.exam, (self.filled, self.cells) = exam, held_out.fill(exam.visible)
        self.spent_s += time.perf_counter() - began

    def on_fit_end(self, summary: dict[str, Any], error: BaseException | None) -> None:
        """Tell how it ended, what it took and how well it fills; wait a little until it is sent."""
        began = time.perf_counter()
        costs = {"time/fit_s": began - self.started - self.spent_s} | self._memory()
        self.run.log_metrics(costs)
        self.run.set_tags({"stopped": str(summary.get("stopped", ""))})
        if error is not None:
            self.run.set_tags({"error": f"{type(error).__name__}: {error}"[:500]})
        else:
            with _not_losing_the_fit("scores"):
                if self.exam is not None:
                    self._tell_quality(self.exam)
            with _not_losing_the_fit("page"):
                if self.plots:
                    self._tell_page(costs)
        self.run.log_metrics({"time/tracking_s": self.spent_s + time.perf_counter() - began})
        if self.given_run is None:
            self.run.end("FINISHED" if error is None else "FAILED" if isinstance(error, Exception) else "KILLED")
            self.is_sent = self.runs.flush(self.wait_s)

    def find_kept(self) -> KeptRun | None:
        """Say where the run is kept that was told last; None where not all of it has been sent."""
        return find_kept(self.runs.uri, self.run.token) if self.is_sent else None

    def _tell_page(self, costs: dict[str, float]) -> None:
        """Make the page of all that is known of the fit; what it draws are files besides."""
        n_rows, n_columns = self.shape
        record = FitRecord(
            ours=OURS,
            n_rows=n_rows,
            n_columns=n_columns,
            epochs=self.epochs,
            params={name: value for name, value in self.params.items() if name != "schema"},
            versions={name.removeprefix("version."): text for name, text in _versions().items()},
            elapsed_s=costs["time/fit_s"],
            peak_mib=costs["memory/process_peak_mib"],
            **self.scored,
        )
        self.run.log_bytes("report.html", fit_page(record).encode())
        for name, drawing in record.drawings.items():
            self.run.log_bytes(f"plots/{name}.svg", to_file(drawing))

    def _memory(self) -> dict[str, float]:
        """Peaks, in MiB: of this process while it fitted, as seen at the ends of epochs, and ever."""
        fit_peak = self.peak_bytes / MIB
        peaks = {
            "memory/fit_peak_mib": fit_peak,
            "memory/process_peak_mib": max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, fit_peak),
        }
        if torch.cuda.is_available():
            peaks["memory/gpu_peak_mib"] = torch.cuda.max_memory_allocated() / MIB
        return peaks

    def _tell_quality(self, exam: Exam) -> None:
        """Score the held-out cells, the network's and the peers'; tell figures, a table and pictures."""
        losses, seconds = {OURS: exam.losses(self.filled)}, {}
        for name in self.compare:
            began = time.perf_counter()
            losses[name] = exam.losses(make_method(name, Setting(schema=exam.schema)).fit_transform(exam.visible))
            seconds[f"time/{name}_s"] = time.perf_counter() - began
        scores = pd.DataFrame({method: column_scores(cells) for method, cells in losses.items()})
        n_cells = exam.hidden.sum().reindex(scores.index)
        is_number = pd.Series({name: exam.schema[name].is_number for name in exam.truth})
        counts = n_cells >= LEAST_SCORED
        figures: dict[str, float] = {}
        for method in losses:
            figures[f"score/{method}"] = scores[method][counts].mean()
            figures[f"numeric_error/{method}"] = scores[method][counts & is_number].mean()
            figures[f"accuracy/{method}"] = 1 - scores[method][counts & ~is_number].mean()
            for name in exam.truth:
                figures[f"columns/{name.replace('/', '_')}/{method}"] = scores[method][name]
        table = scores.assign(kind=[exam.schema[name].kind.value for name in scores.index], n_cells=n_cells)
        means = {name: [figures[f"{name}/{method}"] for method in losses] for name in MEANS}
        self.scored = {"scores": table, "means": pd.DataFrame(means, index=list(losses))}
        self.run.log_metrics(figures | seconds | self._honesty(exam))
        self.run.log_bytes("quality.csv", table.rename_axis("column").to_csv().encode())

    def _honesty(self, exam: Exam) -> dict[str, float]:
        """How honest confidence and intervals are on the held-out cells; keeps what the page draws of it."""
        numbers: Drawn = {}
        classes: Drawn = {}
        coverage, sure, right = [], [], []
        for name, truth in exam.truth.items():
            said = self.cells[(self.cells["column"] == name) & (self.cells["state"] == "imputed")]
            at = said["position"].to_numpy()
            said, at = said[exam.hidden[name].to_numpy()[at]], at[exam.hidden[name].to_numpy()[at]]
            guess = exam.schema.parse(name, self.filled[name]).values
            if not len(at):
                continue
            if exam.schema[name].is_number:
                numbers[name] = (np.asarray(truth.values[at], float), np.asarray(guess[at], float))
                coverage.append(score_intervals(truth.values[at], said["lower"], said["upper"])["coverage"])
            else:
                classes[name] = (truth.values[at].astype(str), guess[at].astype(str))
                sure.append(said["confidence"].to_numpy())
                right.append(guess[at] == truth.values[at])
        self.scored |= {"numbers": numbers, "categories": classes}
        figures = {"coverage_90": float(np.mean(coverage))} if coverage else {}
        if sure:
            confidence, is_right = np.concatenate(sure), np.concatenate(right).astype(bool)
            figures["calibration_error"] = calibration_error(confidence, is_right)
            self.scored |= {"confidence": confidence, "is_right": is_right}
        return figures


@contextmanager
def _not_losing_the_fit(what: str) -> Iterator[None]:
    """Turn what a mishap raises into a warning: the model is there, and worth more than its diary."""
    try:
        yield
    except MISHAPS as error:
        warnings.warn(
            f"A tracked fit must have its {what}. This one has not: {type(error).__name__}: {error}. The model is "
            "kept, and so is all else that was told.",
            TrackingWarning,
            stacklevel=2,
        )


def _dataset(table: pd.DataFrame, schema: Schema) -> dict[str, str]:
    """The fields of MLflow's record of a table; nothing of its content but the fingerprint."""
    is_text = {name: not column.is_number or column.kind is Kind.QUANTITY for name, column in schema.items()}
    types = {name: "string" if is_text[name] else "double" for name in schema}
    specs = [{"type": kind, "name": name, "required": False} for name, kind in types.items()]
    return {
        "name": "table",
        "digest": fingerprint(table),
        "source_type": "local",
        "source": json.dumps({"uri": "table"}),
        "schema": json.dumps({"mlflow_colspec": specs}),
        "profile": json.dumps({"num_rows": len(table), "num_elements": int(table.size)}),
    }


def _versions() -> dict[str, str]:
    """Tags of what was at work."""
    names = ("gain-impute", "torch", "numpy", "pandas", "scikit-learn")
    return {f"version.{name}": version(name) for name in names} | {"version.python": platform.python_version()}
