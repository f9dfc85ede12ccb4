"""Studies: made once, joined by other processes, gone on with tomorrow."""

from __future__ import annotations

import json
import os
import socket
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import psutil
from optuna.exceptions import (
    DuplicatedStudyError,
    ExperimentalWarning,
    StorageInternalError,
    UpdateFinishedTrialError,
)
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from gain_impute.errors import ConfigError, StudyError
from gain_impute.tracking.runs import shown
from gain_impute.tracking.spool import new_token

__all__ = [
    "GIVEN",
    "PRUNERS",
    "RUN_TOKEN",
    "close_storage",
    "open_storage",
    "open_study",
    "take_up_lost_trials",
    "try_again",
    "worker_name",
]

GIVEN = ("defaults", "preset")  # attributes of trials that are not the sampler's: none of these is given up
PRUNERS = ("halving", "median", "none")
MADE_FOR, RUN_TOKEN = "gain_impute.made_for", "gain_impute.run"
"""Attributes of a study: what must be the same for its trials to be comparable, and the token of its run in MLflow."""
HEARTBEAT_S, SILENCE_S = 30, 120  # a worker that is silent for so long is taken for dead
TABLE_WAITS_S = (0.2, 0.5, 1.0, 2.0)  # between attempts to make the tables of a database that others open, too
PATIENCE_S = 20.0  # how long another process may take between making a study and saying what for
N_STARTUP_TRIALS = 8  # at random, before there is anything to learn from


def open_storage(storage: str | None) -> BaseStorage:
    """Find where studies are kept.

    Parameters
    ----------
    storage : str or None
        A URL of SQLite or PostgreSQL (or what else sqlalchemy knows); anything without "://" is the path of a journal
        file, a new one or one that Optuna wrote; None keeps the study in memory.

    Raises
    ------
    ConfigError
        If the storage cannot be opened.
    """
    if storage is None:
        return InMemoryStorage()
    try:
        if "://" not in storage:
            return _open_journal(Path(storage))
        if storage.startswith("sqlite:///"):
            Path(storage.removeprefix("sqlite:///")).absolute().parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # the heartbeat: else a lost worker stays for ever
            return _open_database(storage.replace("postgresql://", "postgresql+psycopg://", 1))
    except (ImportError, ValueError, OSError, RuntimeError, SQLAlchemyError, StorageInternalError) as error:
        raise ConfigError(
            f"The storage must be sqlite:///FILE, postgresql://..., or the path of a journal file. "
            f"{shown(storage)!r} cannot be opened: {error}. Correct the address, or install its driver."
        ) from error


def _open_journal(path: Path) -> JournalStorage:
    """Open a journal file; one that is none is not written to."""
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        with path.open(encoding="utf-8") as file:
            first = file.readline()
        if first and not (isinstance(told := json.loads(first), dict) and "op_code" in told):
            raise ValueError("it is another file")
    return JournalStorage(JournalFileBackend(str(path)))


def _open_database(url: str) -> RDBStorage:
    """Open a database, and make its tables; where another process makes them at the same moment, try again."""
    for waited_s in (*TABLE_WAITS_S, None):
        try:
            return RDBStorage(
                url,
                engine_kwargs={"connect_args": {"timeout": 60}} if url.startswith("sqlite") else None,
                heartbeat_interval=HEARTBEAT_S,
                grace_period=SILENCE_S,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=1),
            )
        except (IntegrityError, OperationalError, ProgrammingError):
            if waited_s is None:
                raise
            time.sleep(waited_s)
    raise AssertionError


def close_storage(storage: BaseStorage) -> None:
    """Close the connections to a database."""
    if isinstance(storage, RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def open_study(
    storage: BaseStorage,
    name: str,
    *,
    made_for: Mapping[str, Any],
    first: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    n_objectives: int,
    pruner: str,
    seed: int,
) -> optuna.Study:
    """Make a study that begins with given trials, or join the one of that name.

    Parameters
    ----------
    storage : BaseStorage
        Of `open_storage`.
    name : str
        Name of the study.
    made_for : mapping of str to JSON values
        What must be the same for its trials to be comparable.
    first : sequence of (mapping, mapping)
        Parameters and attributes of the first trials, enqueued once, by whoever makes the study.
    n_objectives : int
        1, or 2 with the time.
    pruner : str
        One of `PRUNERS`.
    seed : int
        Seed of the sampler; of a study that is kept, each process and each start draws others.

    Raises
    ------
    StudyError
        If the study was made for something else.
    ConfigError
        If there is no such pruner.
    """
    if pruner not in PRUNERS:
        raise ConfigError(f"The 'pruner' must be one of {', '.join(PRUNERS)}. Got {pruner!r} instead.")
    directions = [StudyDirection.MINIMIZE] * n_objectives
    try:
        study = optuna.create_study(storage=storage, study_name=name, directions=directions)
        is_ours = True
    except DuplicatedStudyError:
        study = optuna.load_study(study_name=name, storage=storage)
        if study.directions != directions:
            raise StudyError(
                f"Study {name!r} must minimise {n_objectives} objectives. It has the directions "
                f"{[direction.name.lower() for direction in study.directions]}. Give this one another name."
            ) from None
        is_ours = not _is_ready(study)
    if is_ours:
        for params, attributes in first:
            study.enqueue_trial(dict(params), user_attrs=dict(attributes), skip_if_exists=True)
        study.set_user_attr(RUN_TOKEN, new_token())
        study.set_user_attr(MADE_FOR, dict(made_for))
    _check_same(study, made_for)
    is_kept = not isinstance(storage, InMemoryStorage)
    mixed = [seed, len(study.get_trials(deepcopy=False)), os.getpid()] if is_kept else [seed]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.sampler = TPESampler(
            n_startup_trials=N_STARTUP_TRIALS,
            constant_liar=is_kept,  # what other processes are trying counts as tried
            seed=int(np.random.SeedSequence(mixed).generate_state(1)[0]),
        )
    study.pruner = _pruner(pruner)
    return study


def worker_name() -> str:
    """Name this process among all that work on a study; another one may have its number later, but not its start."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.0f}"


def take_up_lost_trials(study: optuna.Study) -> int:
    """Fail the trials of processes of this machine that are gone, and enqueue them again, once; returns how many.

    Those of other machines are found by their silence, in storages with a heartbeat (SQLite, PostgreSQL).
    """
    n_lost = 0
    for trial in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        if _may_still_work(str(trial.user_attrs.get("worker", ""))):
            continue
        try:
            study.tell(trial.number, state=TrialState.FAIL)
        except (UpdateFinishedTrialError, ValueError):  # another process was faster
            continue
        n_lost += 1
        try_again(study, trial)
    return n_lost


def try_again(study: optuna.Study, trial: optuna.Trial | FrozenTrial) -> None:
    """Enqueue a trial that was cut short, unless it has been already."""
    if "taken_up_from" not in trial.user_attrs:
        kept = {name: value for name, value in trial.user_attrs.items() if name in GIVEN}
        study.enqueue_trial(trial.params, user_attrs=kept | {"taken_up_from": trial.number})


def _may_still_work(worker: str) -> bool:
    """Whether a process goes on, as far as can be told: not of one of this machine that is gone."""
    host, _, process = worker.partition(":")
    pid, _, began = process.partition(":")
    if host != socket.gethostname():
        return True
    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" == began
    except psutil.NoSuchProcess:
        return False


def _pruner(name: str) -> BasePruner:
    """The pruner of a name; it counts epochs."""
    match name:
        case "halving":
            return SuccessiveHalvingPruner(min_resource=3, reduction_factor=2)
        case "median":
            return MedianPruner(n_startup_trials=4, n_warmup_steps=4)
        case _:
            return NopPruner()


def _is_ready(study: optuna.Study) -> bool:
    """Wait until whoever makes the study has said what for; False if it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while MADE_FOR not in study.user_attrs:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _check_same(study: optuna.Study, made_for: Mapping[str, Any]) -> None:
    """Refuse to compare what cannot be compared."""
    before, now = _flat(study.user_attrs[MADE_FOR]), _flat(made_for)
    other = [name for name in now | before if before.get(name) != now.get(name)]
    if other:
        told = "; ".join(f"{name} was {before.get(name)!r}, is {now.get(name)!r}" for name in other[:5])
        raise StudyError(
            f"Study {study.study_name!r} was made for something else: {told}. Give this one another name, or go on "
            "with what the study was made for."
        )


def _flat(told: Mapping[str, Any]) -> dict[str, Any]:
    """Name what is in dicts by itself."""
    flat: dict[str, Any] = {}
    for name, value in told.items():
        flat |= {f"{name}.{key}": of for key, of in value.items()} if isinstance(value, dict) else {name: value}
    return flat
