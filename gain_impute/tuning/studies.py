"""Studies: made once, joined by other processes, gone on with tomorrow."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Mapping
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
from optuna.trial import TrialState
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from gain_impute.errors import ConfigError, StudyError

__all__ = ["GIVEN", "PRUNERS", "close_storage", "open_storage", "open_study", "take_up_lost_trials", "worker_name"]

GIVEN = ("defaults", "preset")  # attributes of trials that are not the sampler's: none of these is given up
PRUNERS = ("halving", "median", "none")
MADE_FOR = "gain_impute.made_for"
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
        file; None keeps the study in memory.

    Raises
    ------
    ConfigError
        If the storage cannot be opened.
    """
    if storage is None:
        return InMemoryStorage()
    if "://" not in storage:
        Path(storage).absolute().parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(storage))
    if storage.startswith("sqlite:///"):
        Path(storage.removeprefix("sqlite:///")).absolute().parent.mkdir(parents=True, exist_ok=True)
    url = storage.replace("postgresql://", "postgresql+psycopg://", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # the heartbeat: a lost worker would stay for ever else
        try:
            return _open_database(url)
        except (ImportError, ValueError, OSError, RuntimeError, SQLAlchemyError, StorageInternalError) as error:
            raise ConfigError(
                f"The storage must be sqlite:///FILE, postgresql://..., or the path of a journal file. "
                f"{storage!r} cannot be opened: {error}. Correct the address, or install its driver."
            ) from error


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
    defaults: Mapping[str, Any],
    presets: Mapping[str, Mapping[str, Any]],
    n_objectives: int,
    pruner: str,
    seed: int,
) -> optuna.Study:
    """Make a study that begins with the defaults, or join the one of that name.

    Parameters
    ----------
    storage : BaseStorage
        Of `open_storage`.
    name : str
        Name of the study.
    made_for : mapping of str to JSON values
        What must be the same for its trials to be comparable.
    defaults : mapping of str to float
        The first trial. It is enqueued once, by whoever makes the study.
    presets : mapping of str to dict
        The trials after it, by name, enqueued likewise.
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
        is_ours = not _is_ready(study)
    if is_ours:
        study.enqueue_trial(dict(defaults), user_attrs={"defaults": True}, skip_if_exists=True)
        for preset, params in presets.items():
            study.enqueue_trial(dict(params), user_attrs={"preset": preset}, skip_if_exists=True)
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
    """Name this process among all that work on a study."""
    return f"{socket.gethostname()}:{os.getpid()}"


def take_up_lost_trials(study: optuna.Study) -> int:
    """Fail the trials of processes of this machine that are gone, and enqueue them again, once; returns how many.

    Those of other machines are found by their silence, in storages with a heartbeat (SQLite, PostgreSQL).
    """
    n_lost = 0
    for trial in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        host, _, pid = str(trial.user_attrs.get("worker", "")).rpartition(":")
        if host != socket.gethostname() or psutil.pid_exists(int(pid)):
            continue
        try:
            study.tell(trial.number, state=TrialState.FAIL)
        except (UpdateFinishedTrialError, ValueError):  # another process was faster
            continue
        n_lost += 1
        if "taken_up_from" not in trial.user_attrs:
            kept = {name: value for name, value in trial.user_attrs.items() if name in GIVEN}
            study.enqueue_trial(trial.params, user_attrs=kept | {"taken_up_from": trial.number})
    return n_lost


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
    before = study.user_attrs[MADE_FOR]
    other = [name for name, value in made_for.items() if before.get(name) != value]
    if other:
        told = "; ".join(f"{name} was {before.get(name)!r}, is {made_for[name]!r}" for name in other[:5])
        raise StudyError(
            f"Study {study.study_name!r} was made for something else: {told}. Give this one another name, or go on "
            "with what the study was made for."
        )
