"""``gain-impute runs``: what was tracked, with its scores."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for MLflow

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gain_impute.cli.aligned import align_rows
from gain_impute.cli.messages import print_line, quiet_libraries, say

__all__ = ["runs"]

FOLDER = Path("mlruns")  # of the store that is meant where nothing else is said, known without waiting for MLflow
HEAD = ("begun", "run", "status", "score", "mean", "knn", "fit s")
SIDES = "<<<>>>>"  # where its columns stand


def runs(
    *,
    most: Annotated[
        int, typer.Option("--most", "-n", metavar="N", min=1, help="How many runs to list, newest first.")
    ] = 20,
    parts: Annotated[bool, typer.Option("--parts", help="Also the fits within a tuning study.")] = False,
) -> None:
    """List tracked fits with their scores, the newest first; first send what could not be sent before.

    Runs are kept in mlruns/ below the working directory, or where MLFLOW_TRACKING_URI says.
    """
    if not os.environ.get("MLFLOW_TRACKING_URI") and not FOLDER.exists():
        _say_none()
        return
    lines = _lines(most, with_parts=parts)
    if not lines:
        _say_none()
        return
    for line in align_rows([HEAD, *lines], SIDES):
        typer.echo(line)
    print_line("A lower score is better.")


def _say_none() -> None:
    """Say that there are no runs, and where."""
    where = "mlruns/ of this folder"
    if os.environ.get("MLFLOW_TRACKING_URI"):
        from gain_impute.tracking import tracking_uri
        from gain_impute.tracking.runs import shown

        where = repr(shown(tracking_uri()))
    print_line(f"No runs in {where}. `gain-impute fit --track` makes one.")


def _lines(most: int, *, with_parts: bool) -> list[tuple[str, ...]]:
    """What is shown of each run, after those have been sent that could not be before."""
    from gain_impute.errors import FileError
    from gain_impute.tracking import list_runs, send_spooled, tracking_uri
    from gain_impute.tracking.runs import shown
    from gain_impute.tracking.sending import LOST

    quiet_libraries()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # who waits at a terminal wants an answer
    n_sent, n_left = send_spooled()
    if n_sent:
        print_line(f"{n_sent} runs of earlier fits are sent now.")
    if n_left:
        say("warning", f"{n_left} runs cannot be sent to {shown(tracking_uri())!r} yet; they are kept.")
    try:
        found = list_runs(n_runs=most, with_parts=with_parts)
    except LOST as error:
        raise FileError(
            f"The tracking server must answer. {shown(tracking_uri())!r} does not: {str(error).partition(chr(10))[0]}. "
            "Start it, or correct MLFLOW_TRACKING_URI."
        ) from error
    lines: list[tuple[str, ...]] = []
    for run in found:
        figures = ["" if value is None else f"{value:.3f}" for value in (run.score, run.mean, run.knn)]
        seconds = "" if run.fit_s is None else f"{run.fit_s:.1f}"
        lines.append((f"{run.begun:%Y-%m-%d %H:%M}", run.name, run.status.lower(), *figures, seconds))
    return lines
