"""From a spool to MLflow, on a thread of its own."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from itertools import groupby
from typing import Any

from alembic.util import CommandError
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from sqlalchemy.exc import SQLAlchemyError

from gain_impute.tracking.spool import UNREADABLE, Spool

__all__ = ["LOST", "RUN_TAG", "Sender", "deliver", "experiment_id", "find_run", "send_all"]

RUN_TAG = "gain_impute.token"
LOST = (MlflowException, SQLAlchemyError, CommandError, ImportError, OSError)
"""What is raised where a tracking server cannot be reached: requests' exceptions are OSErrors, a database's driver may
not be installed, and while several processes make the tables of one, alembic finds them half made."""
REFUSED = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST"})  # trying again would not help
NOT_THERE = "RESOURCE_DOES_NOT_EXIST"
PAUSE_S = 2.0  # events wait so long for company: many go in one request
LONGEST_PAUSE_S = 60.0
AT_ONCE = {"metrics": 900, "params": 100, "tags": 100}  # as many as MLflow takes in one request, or fewer


class Sender:
    """Sends spools in the order in which they were begun, until it is told to stop.

    Parameters
    ----------
    uri : str
        MLflow's tracking URI.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.last_error = ""
        self._spools: list[Spool] = []  # to be sent
        self._own: set[str] = set()  # tokens of those that `flush` waits for
        self._changed = threading.Condition()
        self._hurry = False
        self._thread: threading.Thread | None = None

    def take(self, spool: Spool, *, is_own: bool = True) -> None:
        """Send this spool too; `flush` waits for own ones only."""
        with self._changed:
            if any(spool.token == other.token for other in self._spools):
                return
            self._spools.append(spool)
            if is_own:
                self._own.add(spool.token)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="gain_impute tracking", daemon=True)
                self._thread.start()

    def flush(self, wait_s: float) -> list[Spool]:
        """Wait until all that has ended is sent, but no longer than `wait_s` seconds; returns what is left of it."""
        deadline = time.monotonic() + wait_s
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            while (left := self._ended()) and (left_s := deadline - time.monotonic()) > 0:
                self._changed.wait(left_s)
            return left

    def _ended(self) -> list[Spool]:
        """Own spools that nobody writes to any more, and that are not sent."""
        return [spool for spool in self._spools if spool.token in self._own and spool.is_abandoned()]

    def _work(self) -> None:
        """Send what there is, wait for more; end when every spool is sent."""
        pause_s = PAUSE_S
        while True:
            with self._changed:
                if not self._hurry:
                    self._changed.wait(pause_s)
                self._hurry = False
                spools = list(self._spools)
            done, error = send_all(spools, self.uri)
            if error is None:
                pause_s = PAUSE_S
            else:
                self.last_error = str(error).partition("\n")[0]
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            with self._changed:
                self._spools = [spool for spool in self._spools if spool not in done]
                self._changed.notify_all()
                if not self._spools:
                    self._thread = None
                    return


def send_all(spools: list[Spool], uri: str) -> tuple[list[Spool], Exception | None]:
    """Send what spools hold; returns those that are gone, and what was wrong with another, if anything.

    One that the server refuses keeps no other from being sent; a server that is lost is not asked for each.
    """
    done: list[Spool] = []
    wrong: Exception | None = None
    try:
        client = MlflowClient(uri)
        for spool in spools:
            try:
                done += [spool] * deliver(spool, client)
            except MlflowException as error:
                wrong = error
                if error.error_code not in REFUSED | {NOT_THERE}:
                    break
    except LOST as error:
        wrong = error
    return done, wrong


def deliver(spool: Spool, client: MlflowClient) -> bool:
    """Send what a spool holds; returns whether its run has ended and everything is sent, and the spool therefore gone.

    A run that was begun on another server, or is there no more, is begun again.

    Raises
    ------
    MlflowException, SQLAlchemyError, CommandError, ImportError, OSError
        If the server is lost. What it has is taken note of, and not sent again.
    """
    with spool.locked() as is_ours:
        if not is_ours:
            return not spool.folder.exists()
        _find_again(spool, client)
        for kind, group in groupby(spool.unsent(), key=lambda event: event["kind"]):
            events = list(group)
            if kind == "begin":
                spool.run_id = _begin(spool, client, events[0])
                if not spool.run_id:
                    return False
            elif kind != UNREADABLE and spool.run_id:  # nothing is told of what has no readable beginning
                _send(spool, client, spool.run_id, kind, events)
            spool.mark_sent(len(events))
            if kind == "end":
                spool.remove()
                return True
    return False


def _find_again(spool: Spool, client: MlflowClient) -> None:
    """Find the run of which another process has sent a part; where it is not there, all of it is to be sent."""
    if not spool.run_id and spool.n_sent():
        spool.run_id = find_run(client, spool.token) or ""
        if not spool.run_id:
            spool.mark_unsent()


def _begin(spool: Spool, client: MlflowClient, event: dict[str, Any]) -> str:
    """Find the run, if an earlier attempt made it, or make it; "" while the run that it is a part of is to be sent."""
    at = experiment_id(client, event["experiment"], event["artifacts"])
    found = find_run(client, spool.token)
    if found is not None:
        return found
    tags = event["tags"] | {RUN_TAG: spool.token}
    if event["parent"]:
        parent = find_run(client, event["parent"])
        if parent is not None:
            tags[MLFLOW_PARENT_RUN_ID] = parent
        elif (spool.folder.parent / event["parent"]).is_dir():  # perhaps by another process
            return ""
    run = client.create_run(at, start_time=event["time_ms"], tags=tags, run_name=event["name"])
    made: str = run.info.run_id
    return made


def experiment_id(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """The experiment of a name, made where it is not there."""
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            made: str = client.create_experiment(name, artifact_location=artifacts)
        except MlflowException:  # another process was faster, or the next line fails likewise
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
        else:
            return made
    known: str = found.experiment_id
    return known


def find_run(client: MlflowClient, token: str) -> str | None:
    """The run that was made for a token, even if it was deleted since: who deletes one wants no other in its place."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.`{RUN_TAG}` = '{token}'", ViewType.ALL, max_results=1)
    return found[0].info.run_id if found else None


def _send(spool: Spool, client: MlflowClient, run_id: str, kind: str, events: list[dict[str, Any]]) -> None:
    """Send events of one kind; what the server refuses is noted in the run, if that has not been deleted."""
    try:
        if kind == "dataset":
            tags = [InputTag("mlflow.data.context", "training")]
            client.log_inputs(run_id, [DatasetInput(Dataset(**event["values"]), tags) for event in events])
        elif kind == "file":
            for event in events:
                path, folder = spool.file(event["name"]), event["name"].rpartition("/")[0]
                if path.exists():
                    client.log_artifact(run_id, str(path), folder or None)
        elif kind == "end":
            client.set_terminated(run_id, events[0]["status"], events[0]["time_ms"])
        else:
            entities = [entity for event in events for entity in _entities(kind, event)]
            for first in range(0, len(entities), AT_ONCE[kind]):
                some: dict[str, Any] = {kind: entities[first : first + AT_ONCE[kind]]}
                client.log_batch(run_id, **some)
    except MlflowException as error:
        if error.error_code == NOT_THERE:
            spool.mark_unsent()
        if error.error_code not in REFUSED:
            raise
        with suppress(MlflowException):
            client.set_tag(run_id, f"gain_impute.refused.{kind}", str(error)[:500])


def _entities(kind: str, event: dict[str, Any]) -> list[Param | RunTag | Metric]:
    """Of an event of this kind, what MLflow takes many of in one request."""
    values = event["values"].items()
    if kind == "metrics":
        return [Metric(name, x, event["time_ms"], event["step"]) for name, x in values if math.isfinite(x)]
    return [(Param if kind == "params" else RunTag)(name, text) for name, text in values]
