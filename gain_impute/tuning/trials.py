"""One trial: fit what is visible, fill what is hidden, score it; give up early where that is hopeless."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
import pandas as pd
from sklearn.base import clone

from gain_impute.errors import DivergedError, GainImputeWarning
from gain_impute.evaluation.exam import Exam, overall_score
from gain_impute.frames import to_pandas
from gain_impute.imputer import GAINImputer
from gain_impute.schema import Schema
from gain_impute.state import EpochLog
from gain_impute.tracking import MLflowTracker, Run, Runs
from gain_impute.training import HeldOut, NullTracker, Tracker
from gain_impute.tuning.reports import Report, keep_silent
from gain_impute.tuning.space import SearchSpace
from gain_impute.tuning.studies import GIVEN, try_again, worker_name

__all__ = ["HOPELESS", "Fitted", "Journal", "Objective", "fit_and_score", "saying_memory"]

HOPELESS = (DivergedError, MemoryError)
"""What fails a trial and not its study."""


@dataclass(frozen=True)
class Fitted:
    """What came of a fit: its score on the hidden cells, seconds and steps of training."""

    score: float
    elapsed_s: float
    n_steps: int


@dataclass(frozen=True)
class Journal:
    """Where a study is told, if anywhere: `runs`, and the `parent` that they are parts of; `report` takes lines."""

    runs: Runs | None = None
    parent: str = ""
    report: Report = keep_silent

    def begin(self, name: str, tags: dict[str, str]) -> Run | None:
        """Begin a run within the study's."""
        return None if self.runs is None else self.runs.begin(name, parent=self.parent, tags=tags)

    def tracker(self, run: Run | None) -> Tracker:
        """Who tells such a run of a fit; no peers and no pictures, which are the same or of no use many times over."""
        return NullTracker() if run is None else MLflowTracker(runs=self.runs, run=run, compare=(), plots=False)


class TrialWatch(NullTracker):
    """Tells a tracker and a trial of each epoch; ends a fit that has diverged, or is hopeless and may be pruned."""

    def __init__(self, tracker: Tracker, trial: optuna.Trial | None, *, is_prunable: bool = True) -> None:
        self.tracker, self.trial, self.is_prunable = tracker, trial, is_prunable
        self.last: EpochLog | None = None
        self.n_epochs = 0

    def on_fit_begin(self, params: dict[str, Any], table: pd.DataFrame, schema: Schema) -> None:
        """Pass it on."""
        self.tracker.on_fit_begin(params, table, schema)

    def on_epoch(self, epoch: EpochLog) -> None:
        """Pass it on, and judge it by the first member's loss of the held-out cells."""
        self.last = epoch
        self.n_epochs += 1
        self.tracker.on_epoch(epoch)
        if not math.isfinite(epoch.imputation_loss):
            raise DivergedError(
                f"The losses of a training must stay finite. Got {epoch.imputation_loss} at step {epoch.step}. "
                "Lower the learning rate."
            )
        if self.trial is None or epoch.member > 0 or math.isnan(epoch.validation_loss):
            return
        self.trial.report(epoch.validation_loss, self.n_epochs)
        if self.is_prunable and self.trial.should_prune():
            raise optuna.TrialPruned(f"pruned at step {epoch.step}")

    def on_held_out(self, held_out: HeldOut) -> None:
        """Pass it on."""
        self.tracker.on_held_out(held_out)

    def on_fit_end(self, summary: dict[str, Any], error: BaseException | None) -> None:
        """Pass it on."""
        self.tracker.on_fit_end(summary, error)


def fit_and_score(imputer: GAINImputer, exam: Exam, watch: TrialWatch) -> Fitted:
    """Fit an imputer to what is visible, and score what it fills in.

    Raises
    ------
    DivergedError
        If its losses are no numbers any more.
    MemoryError
        If there is not enough memory.
    optuna.TrialPruned
        If the trial is hopeless.
    """
    with saying_memory(), warnings.catch_warnings():
        warnings.simplefilter("ignore", GainImputeWarning)  # said once, of the winner
        filled = imputer.fit(exam.visible, tracker=watch).transform(exam.visible)
    last = watch.last
    return Fitted(
        overall_score(exam.losses(to_pandas(filled))),
        math.nan if last is None else last.elapsed_s,
        0 if last is None else last.step,
    )


@contextmanager
def saying_memory() -> Iterator[None]:
    """Raise MemoryError where torch raises what it does without memory, of a GPU or of the machine."""
    try:
        yield
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        raise MemoryError(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What Optuna minimises.

    Attributes
    ----------
    imputer : GAINImputer
        Unfitted, with schema and seed; what is not in the space stays as it is.
    space : SearchSpace
    exam : Exam
        The same hidden cells for all trials.
    journal : Journal
        Where trials are told.
    with_time : bool
        Whether seconds of training are minimised too; such studies are not pruned.
    """

    imputer: GAINImputer
    space: SearchSpace
    exam: Exam
    journal: Journal
    with_time: bool

    def __call__(self, trial: optuna.Trial) -> float | tuple[float, float]:
        """Carry out a trial."""
        trial.set_user_attr("worker", worker_name())
        imputer = clone(self.imputer).set_params(**self.space.suggest(trial))
        run = self.journal.begin(f"trial {trial.number}", {"trial": str(trial.number)})
        watch = TrialWatch(
            self.journal.tracker(run),
            None if self.with_time else trial,
            is_prunable=not any(name in trial.user_attrs for name in GIVEN),
        )
        status = "KILLED"
        try:
            fitted = fit_and_score(imputer, self.exam, watch)
            status = "FINISHED"
        except HOPELESS as error:
            status = "FAILED"
            trial.set_user_attr("failed_with", type(error).__name__)
            raise
        except KeyboardInterrupt:
            try_again(trial.study, trial)
            raise
        finally:
            trial.set_user_attr("n_steps", 0 if watch.last is None else watch.last.step)
            if run is not None:
                if status == "FINISHED":
                    run.log_metrics({"trial/score": fitted.score})
                run.end(status)
        trial.set_user_attr("elapsed_s", fitted.elapsed_s)
        return (fitted.score, fitted.elapsed_s) if self.with_time else fitted.score
