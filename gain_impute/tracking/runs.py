"""Runs in MLflow, told of without waiting for it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow.tracking.context.registry import resolve_tags

from gain_impute.errors import TrackingWarning
from gain_impute.tracking.sending import Sender, send_all
from gain_impute.tracking.spool import Spool, left_spools, new_token

__all__ = ["DEFAULT_STORE", "Run", "Runs", "send_spooled", "shown", "tracking_uri"]

DEFAULT_FOLDER = "mlruns"
DEFAULT_STORE = f"sqlite:///{DEFAULT_FOLDER}/mlflow.db"
"""Where runs are kept unless MLFLOW_TRACKING_URI says otherwise: a file below the working directory."""
DEFAULT_EXPERIMENT = "gain_impute"
LONGEST_PARAM = 500  # of a parameter as text: MLflow takes 6,000, a reader less
LONGEST_NAME = 250  # that MLflow takes of a metric or parameter


def tracking_uri() -> str:
    """Say where runs are kept: what MLFLOW_TRACKING_URI or `mlflow.set_tracking_uri` name, else `DEFAULT_STORE`.

    Returns
    -------
    str
        The tracking URI; the default with an absolute path, so that a change of directory moves nothing.
    """
    if os.environ.get("MLFLOW_TRACKING_URI") or mlflow.is_tracking_uri_set():  # type: ignore[no-untyped-call]
        uri: str = mlflow.get_tracking_uri()
        return uri
    return DEFAULT_STORE.replace(DEFAULT_FOLDER, str(Path(DEFAULT_FOLDER).absolute()))


class Runs:
    """Where runs are kept, and the thread that brings them there.

    Parameters
    ----------
    uri : str, optional
        MLflow's tracking URI; `tracking_uri()` if not given.
    experiment : str, optional
        Name of the experiment; that of MLFLOW_EXPERIMENT_NAME, else "gain_impute".
    spool : path, default="mlruns/spool"
        Folder for what has not been sent yet.
    """

    def __init__(
        self, uri: str | None = None, *, experiment: str | None = None, spool: str | os.PathLike[str] | None = None
    ) -> None:
        self.uri = tracking_uri() if uri is None else uri
        self.experiment = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or DEFAULT_EXPERIMENT
        self.spool = Path(DEFAULT_FOLDER, "spool").absolute() if spool is None else Path(spool).absolute()
        self._sender = Sender(self.uri)
        with contextlib.suppress(OSError):  # then nothing can be sent there, which `flush` says
            make_store_folder(self.uri)

    def begin(
        self,
        name: str | None = None,
        *,
        parent: str | None = None,
        tags: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Run:
        """Begin a run.

        Where its diary cannot be kept on the disk, a warning says so, and the run takes nothing.

        Parameters
        ----------
        name : str, optional
            What it is called; MLflow invents a name if not given.
        parent : str, optional
            Token of the run that it is a part of.
        tags : mapping of str to str, optional
            Tags besides who, from where and from which commit.
        token : str, optional
            Of a run that others may have begun, too: there will be one. A new one if not given.

        Returns
        -------
        Run
            Takes what is to be told.
        """
        for left in _abandoned(self.spool):
            self._sender.take(left, is_own=False)
        token = new_token() if token is None else token
        try:
            spool = Spool.new(self.spool, token)
        except FileExistsError:  # another process tells it
            return Run(Spool(self.spool / token), is_told=False)
        except OSError as error:
            return Run.untold(Spool(self.spool / token), error)
        run = Run(spool)
        run.add(
            "begin",
            experiment=self.experiment,
            artifacts=self.artifacts(),
            name=name,
            parent=parent,
            tags=resolve_tags(dict(tags or {})),
            time_ms=now_ms(),
        )
        self._sender.take(spool)
        return run

    def flush(self, wait_s: float) -> bool:
        """Wait until everything is sent; warn of what is not after so many seconds.

        Parameters
        ----------
        wait_s : float
            Seconds to wait at most.

        Returns
        -------
        bool
            Whether all of it is sent.
        """
        left = self._sender.flush(wait_s)
        if left:
            why = f" ({self._sender.last_error})" if self._sender.last_error else ""
            warnings.warn(
                f"{len(left)} runs could not be sent to {shown(self.uri)!r} in {wait_s:g} s{why}. They are kept in "
                f"{str(self.spool)!r}, and go with the next tracked fit, or with `gain-impute runs`.",
                TrackingWarning,
                stacklevel=2,
            )
        return not left

    def artifacts(self) -> str | None:
        """Where the files of a new experiment go: beside the default store, else where the server has them."""
        database = _sqlite_path(self.uri)
        return None if database is None else (database.parent / self.experiment).as_uri()


class Run:
    """One run; every method returns at once. If the local disk fails, a warning says so, and the run takes no more.

    Parameters
    ----------
    spool : Spool
        Where its events go.
    is_told : bool, default=True
        Whether it takes what is to be told: not where another process tells it.
    """

    def __init__(self, spool: Spool, *, is_told: bool = True) -> None:
        self._spool = spool
        self._is_told = is_told

    @classmethod
    def untold(cls, spool: Spool, error: OSError) -> Run:
        """A run whose diary cannot be kept, which a warning says."""
        _warn_of_disk(spool, error)
        return cls(spool, is_told=False)

    @property
    def token(self) -> str:
        """What the run is found by, whether it has been sent or not: its tag ``gain_impute.token``."""
        return self._spool.token

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Tell the parameters.

        Parameters
        ----------
        params : mapping of str to any
            Written as text, its first 500 characters.
        """
        self.add("params", values={metric_name(k): str(v)[:LONGEST_PARAM] for k, v in params.items()})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Tell tags.

        Parameters
        ----------
        tags : mapping of str to str
            Names and values.
        """
        self.add("tags", values={name: str(value) for name, value in tags.items()})

    def log_metrics(self, metrics: Mapping[str, float], *, step: int = 0) -> None:
        """Tell figures.

        Parameters
        ----------
        metrics : mapping of str to float
            Names may hold any characters; those that MLflow does not take become "_", and where two names become
            one, or one is too long, a digest tells them apart. NaN is left out.
        step : int, default=0
            The training step at which they hold.
        """
        values: dict[str, float] = {}
        for name, value in metrics.items():
            taken = metric_name(name)
            values[metric_name(f"{name} {_digest(name)}") if taken in values else taken] = float(value)
        self.add("metrics", values=values, step=step, time_ms=now_ms())

    def log_dataset(self, dataset: Mapping[str, str]) -> None:
        """Tell the table that was learned.

        Parameters
        ----------
        dataset : mapping of str to str
            Fields of `mlflow.entities.Dataset`.
        """
        self.add("dataset", values=dict(dataset))

    def log_bytes(self, name: str, content: bytes) -> None:
        """Keep a file with the run.

        Parameters
        ----------
        name : str
            Its path among the run's files.
        content : bytes
            What is in it.
        """
        self.add("file", content, name=name)

    def end(self, status: str = "FINISHED") -> None:
        """End the run.

        Parameters
        ----------
        status : str, default="FINISHED"
            Or "FAILED", or "KILLED".
        """
        self.add("end", status=status, time_ms=now_ms())
        self._spool.release()

    def add(self, kind: str, file: bytes | None = None, **content: Any) -> None:
        """Write an event, after the file that it names: a fit must not fail because its diary is full."""
        if not self._is_told:
            return
        try:
            if file is not None:
                self._spool.file(content["name"]).write_bytes(file)
            self._spool.add(kind, **content)
        except OSError as error:
            self._is_told = False
            _warn_of_disk(self._spool, error)


def send_spooled(uri: str | None = None, *, spool: str | os.PathLike[str] | None = None) -> tuple[int, int]:
    """Send what earlier fits could not.

    Parameters
    ----------
    uri : str, optional
        MLflow's tracking URI; `tracking_uri()` if not given.
    spool : path, default="mlruns/spool"
        Folder of what has not been sent.

    Returns
    -------
    n_sent, n_left : int
        Runs that are wholly sent now, and those that are not since the server is lost. Runs of fits that are still
        going on are no part of either; those of fits that were killed are sent as far as they came.
    """
    uri = tracking_uri() if uri is None else uri
    spools = _abandoned(Path(DEFAULT_FOLDER, "spool") if spool is None else Path(spool))
    if not spools:
        return 0, 0
    make_store_folder(uri)
    sent, _ = send_all(spools, uri)
    return len(sent), len(spools) - len(sent)


def _abandoned(folder: Path) -> list[Spool]:
    """The spools in a folder to which nobody writes any more; where a process was killed, its run is ended."""
    spools = []
    for spool in left_spools(folder):
        with contextlib.suppress(OSError):  # one that cannot be read must not keep others from being sent
            if spool.is_abandoned():
                if not any(event["kind"] == "end" for event in spool.unsent()):
                    spool.add("end", status="KILLED", time_ms=now_ms())
                spools.append(spool)
    return spools


def make_store_folder(uri: str) -> None:
    """Make the folder of a SQLite store, which SQLite itself does not."""
    database = _sqlite_path(uri)
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)


def is_unmade(uri: str) -> bool:
    """Whether a store is a SQLite file that is not there yet; not known where the URI has options."""
    database = _sqlite_path(uri)
    return database is not None and "?" not in uri and not database.exists()


def metric_name(name: str) -> str:
    """Replace what MLflow does not take in the name of a metric or parameter; it reads names as paths.

    Examples
    --------
    >>> metric_name("columns/price (EUR)/gain"), metric_name("a//../b")
    ('columns/price _EUR_/gain', 'a/_/_/b')
    """
    parts = ["".join(c if c.isalnum() or c in "_-. :" else "_" for c in part) for part in name.split("/")]
    taken = "/".join(part if part.strip(".") else "_" for part in parts)
    return taken if len(taken) <= LONGEST_NAME else f"{taken[: LONGEST_NAME - 9]}-{_digest(name)}"


def shown(uri: str) -> str:
    """A URI as it may be told: without its password."""
    scheme, separator, rest = uri.partition("://")
    account, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{account.partition(':')[0]}:***@{host}" if at and ":" in account else uri


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _warn_of_disk(spool: Spool, error: OSError) -> None:
    warnings.warn(
        f"What this run has to tell must be written to {str(spool.folder)!r}. It cannot be: {error}. "
        "The fit goes on, and tells no more. Make room there.",
        TrackingWarning,
        stacklevel=4,
    )


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _sqlite_path(uri: str) -> Path | None:
    """The file of a SQLite store."""
    return Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None
