"""What was tracked, as a list."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from mlflow.entities import RunInfo
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from gain_impute.tracking.runs import Runs, is_unmade, shown, tracking_uri
from gain_impute.tracking.sending import LOST, find_run

__all__ = ["KeptRun", "TrackedRun", "find_kept", "list_runs"]

AT_ONCE = 500  # runs in a request
PAGE = "report.html"


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """One run in short.

    Attributes
    ----------
    run_id, name, status : str
        As MLflow has them.
    begun : datetime
        When, in local time.
    score, mean, knn : float or None
        Scores of the imputer and its peers on held-out cells (of a trial, of the imputer on the study's hidden cells).
    fit_s : float or None
        Seconds of fitting.
    """

    run_id: str
    name: str
    status: str
    begun: dt.datetime
    score: float | None
    mean: float | None
    knn: float | None
    fit_s: float | None


def list_runs(*, n_runs: int = 20, with_parts: bool = False, uri: str | None = None) -> list[TrackedRun]:
    """List tracked fits, the newest first.

    Parameters
    ----------
    n_runs : int, default=20
        So many at most.
    with_parts : bool, default=False
        Whether to list also the runs that are parts of a study.
    uri : str, optional
        MLflow's tracking URI; `tracking_uri()` if not given.

    Returns
    -------
    list of TrackedRun
        Empty where nothing was tracked yet; a store is not made for that.

    Raises
    ------
    MlflowException, SQLAlchemyError, OSError
        If the server is lost.
    """
    uri = tracking_uri() if uri is None else uri
    if is_unmade(uri):
        return []
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(Runs(uri).experiment)
    if experiment is None:
        return []
    found: list[TrackedRun] = []
    token = None
    while len(found) < n_runs:
        page = client.search_runs([experiment.experiment_id], max_results=AT_ONCE, page_token=token)
        for run in page:
            if with_parts or MLFLOW_PARENT_RUN_ID not in run.data.tags:
                figures = run.data.metrics
                found.append(
                    TrackedRun(
                        run_id=run.info.run_id,
                        name=run.info.run_name or "",
                        status=run.info.status,
                        begun=dt.datetime.fromtimestamp(run.info.start_time / 1000),
                        score=figures.get("trial/score", figures.get("score/gain")),
                        mean=figures.get("score/mean"),
                        knn=figures.get("score/knn"),
                        fit_s=figures.get("time/fit_s"),
                    )
                )
        token = page.token
        if not token:
            break
    return found[:n_runs]


@dataclass(frozen=True)
class KeptRun:
    """Where a run is kept: its `name`, and its `page`, a file or an address."""

    name: str
    page: str


def find_kept(uri: str, token: str) -> KeptRun | None:
    """Find a run that has been sent.

    Parameters
    ----------
    uri : str
        MLflow's tracking URI.
    token : str
        The run's.

    Returns
    -------
    KeptRun or None
        None where it is not there, or the server is lost.
    """
    try:
        client = MlflowClient(uri)
        run_id = find_run(client, token)
        info = None if run_id is None else client.get_run(run_id).info
    except LOST:
        return None
    return None if info is None else KeptRun(info.run_name or info.run_id, _page_of(info, uri))


def _page_of(info: RunInfo, uri: str) -> str:
    """The page of a run: the file that the fit wrote, if it is on this machine, else MLflow's own."""
    page = Path(url2pathname(urlparse(info.artifact_uri).path), PAGE)
    if page.is_file():
        return str(page.relative_to(Path.cwd())) if page.is_relative_to(Path.cwd()) else str(page)
    if uri.startswith("http"):
        return f"{shown(uri)}/#/experiments/{info.experiment_id}/runs/{info.run_id}"
    return info.artifact_uri or ""
