"""``gain-impute fit``: fit a model, for use on other tables."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for torch

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from gain_impute.cli.imputers import make_imputer, note_conditions, note_markers, open_source, read_rows
from gain_impute.cli.messages import print_line, quiet_libraries
from gain_impute.cli.options import FittingOptions, MinConfidence, Source, bars, takes_options

__all__ = ["fit"]


@takes_options
def fit(
    source: Source,
    *,
    model: Annotated[
        Path, typer.Option("--model", "-m", metavar="DIR", help="The model folder; a model that is there is replaced.")
    ],
    track: Annotated[bool, typer.Option("--track", help="Keep the fit in MLflow: settings, losses, scores.")] = False,
    min_confidence: MinConfidence = None,
    options: FittingOptions,
) -> None:
    """Fit a model to a table, for use on others with `impute --model`."""
    from gain_impute.files import check_output_folder
    from gain_impute.persistence import MODEL_FILES

    started = time.perf_counter()
    check_output_folder(model, contents=MODEL_FILES)
    imputer = make_imputer(None, options, seed=options.seed).set_params(min_confidence=bars(min_confidence))
    file = open_source(source, options)
    frame, _ = read_rows(file)
    tracker = None
    if track:
        from gain_impute.tracking import MLflowTracker

        quiet_libraries()
        tracker = MLflowTracker()
    imputer.fit(frame, tracker=tracker)
    note_markers(frame, imputer.schema_)
    note_conditions(frame, imputer.schema_)
    imputer.save(model)
    elapsed_s = time.perf_counter() - started
    print_line(
        f"{len(frame):,} rows x {frame.shape[1]} columns fitted in {elapsed_s:.1f} s. The model is in {str(model)!r}."
    )
    if tracker is not None and (kept := tracker.find_kept()) is not None:
        print_line(f"Its run in MLflow is {kept.name!r}, its page {kept.page!r}.")
