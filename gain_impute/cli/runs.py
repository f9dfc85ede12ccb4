"""``gain-impute runs``: what was tracked, with its scores."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for MLflow

from __future__ import annotations

import os
from typing import Annotated

import typer

from gain_impute.cli.messages import print_line, quiet_libraries, say

__all__ = ["runs"]

HEAD = ("begun", "run", "status", "score", "mean", "knn", "fit s")
N_TEXTS = 3  # columns of text, before those of figures


def runs(
    *,
    most: Annotated[int, typer.Option("--most", "-n", metavar="N", min=1, help="The newest so many.")] = 20,
    parts: Annotated[bool, typer.Option("--parts", help="Also the fits within a tuning study.")] = False,
) -> None:
    """List tracked fits with their scores, the newest first; first send what could not be sent before.

    Runs are kept in mlruns/ below the working directory, or where MLFLOW_TRACKING_URI says.
    """
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
        found = list_runs(n_runs=most, with_parts=parts)
    except LOST as error:
        raise FileError(
            f"The tracking server must answer. {shown(tracking_uri())!r} does not: {str(error).partition(chr(10))[0]}. "
            "Start it, or correct MLFLOW_TRACKING_URI."
        ) from error
    lines: list[tuple[str, ...]] = [HEAD]
    for run in found:
        figures = ["" if value is None else f"{value:.3f}" for value in (run.score, run.mean, run.knn)]
        seconds = "" if run.fit_s is None else f"{run.fit_s:.1f}"
        lines.append((f"{run.begun:%Y-%m-%d %H:%M}", run.name, run.status.lower(), *figures, seconds))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        texts = [cell.ljust(width) for cell, width in zip(line[:N_TEXTS], widths, strict=False)]
        numbers = [cell.rjust(width) for cell, width in zip(line[N_TEXTS:], widths[N_TEXTS:], strict=True)]
        typer.echo("  ".join([*texts, *numbers]).rstrip())
