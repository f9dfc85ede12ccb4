"""``gain-impute tune``: find hyper-parameters for a table, and fit the winner."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for torch

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gain_impute.cli.imputers import make_imputer, open_source, read_rows
from gain_impute.cli.messages import print_line, quiet_libraries
from gain_impute.cli.options import FittingOptions, Source, takes_options

__all__ = ["tune"]

WinnerFolder = Annotated[
    Path, typer.Option("--model", "-m", metavar="DIR", help="The winner's folder; a model that is there is replaced.")
]
Trials = Annotated[
    int | None, typer.Option("--trials", metavar="N", min=1, help="Trials to add. (default: 30, or --timeout)")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="No further trial begins after so long.")
]
StudyName = Annotated[
    str,
    typer.Option("--study", metavar="NAME", help="Name of the study; with --storage, one of that name is continued."),
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage", metavar="URL", help="sqlite:///FILE, postgresql://..., or a journal file. (default: none)"
    ),
]
SpaceFile = Annotated[
    Path | None, typer.Option("--space", metavar="S.toml", help="Where to look, instead of the built-in ranges.")
]
Objective = Annotated[str, typer.Option("--objective", metavar="NAME", help="quality or quality+time.")]
Pruner = Annotated[
    str,
    typer.Option("--pruner", metavar="NAME", help="How hopeless trials are stopped early: halving, median or none."),
]
Finalists = Annotated[int, typer.Option("--finalists", metavar="N", min=0, help="Best trials that are in the finals.")]
Seeds = Annotated[
    int, typer.Option("--seeds", metavar="N", min=1, help="Finals, each of other cells and another seed.")
]
Members = Annotated[
    int | None,
    typer.Option("--members", metavar="N", min=1, help="Members of the winner. (default: 3; 1 if bounded)"),
]
Track = Annotated[bool, typer.Option("--track/--no-track", help="Keep every trial in MLflow.")]
Register = Annotated[
    str | None,
    typer.Option(
        "--register",
        metavar="NAME",
        help="Also register the winner in MLflow: as champion, as challenger where there is one.",
    ),
]


@takes_options
def tune(
    source: Source,
    *,
    model: WinnerFolder,
    trials: Trials = None,
    timeout: Timeout = None,
    study: StudyName = "tune",
    storage: Storage = None,
    space: SpaceFile = None,
    objective: Objective = "quality",
    pruner: Pruner = "halving",
    finalists: Finalists = 3,
    seeds: Seeds = 3,
    members: Members = None,
    track: Track = True,
    register: Register = None,
    options: FittingOptions,
) -> None:
    """Find hyper-parameters for a table by trials, and fit the best to all of it.

    --max-time and --max-steps bound every single fit. Finals on other cells decide whether trials become
    part of the winner: its members beside the defaults, or, where it has one member, in their place.
    """
    from gain_impute.files import check_output_folder
    from gain_impute.persistence import MODEL_FILES
    from gain_impute.tuning import SearchSpace
    from gain_impute.tuning import tune as tune_table

    started = time.perf_counter()
    check_output_folder(model, contents=MODEL_FILES)
    looked_in = None if space is None else SearchSpace.from_toml(space)
    imputer = make_imputer(None, options)
    frame, _ = read_rows(open_source(source, options))
    quiet_libraries()
    with _quiet_registry():
        found = tune_table(
            frame,
            imputer=imputer,
            space=looked_in,
            n_trials=30 if trials is None and timeout is None else trials,
            timeout_s=timeout,
            objective=objective,
            pruner=pruner,
            n_finalists=finalists,
            n_seeds=seeds,
            n_members=members,
            study_name=study,
            storage=storage,
            random_state=options.seed or 0,
            track=track,
            register=register,
            report=print_line,
        )
    if found.imputer is None:
        raise AssertionError
    found.imputer.save(model)
    print_line(found.summary())
    print_line(f"Tuned in {time.perf_counter() - started:.1f} s. The model is in {str(model)!r}.")


@contextmanager
def _quiet_registry() -> Iterator[None]:
    """Keep MLflow from telling of what it registers, which the summary does; its warnings stay."""
    from mlflow.utils.logging_utils import MLFLOW_LOGGING_STREAM

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    handlers = [one for one in logging.getLogger("mlflow").handlers if isinstance(one, logging.StreamHandler)]
    streams = [handler.setStream(sys.stderr) for handler in handlers]  # past the stream that is closed now
    MLFLOW_LOGGING_STREAM.enabled = False
    try:
        yield
    finally:
        MLFLOW_LOGGING_STREAM.enabled = True
        for handler, stream in zip(handlers, streams, strict=True):
            handler.setStream(stream or sys.stderr)
