"""What was tracked, as a list."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from gain_impute.tracking.runs import Runs, make_store_folder, tracking_uri

__all__ = ["TrackedRun", "list_runs"]

AT_ONCE = 500  # runs in a request


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
        Empty where nothing was tracked yet.

    Raises
    ------
    MlflowException, SQLAlchemyError, OSError
        If the server is lost.
    """
    uri = tracking_uri() if uri is None else uri
    make_store_folder(uri)
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
