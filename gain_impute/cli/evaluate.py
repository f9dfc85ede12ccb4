"""``gain-impute evaluate``: hide known cells, fill them, and compare."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for torch

from __future__ import annotations

from typing import Annotated

import typer

from gain_impute.cli.imputers import make_imputer, open_source, read_rows, warn_of_extra
from gain_impute.cli.options import MECHANISMS, FittingOptions, Model, Source, takes_options

__all__ = ["evaluate"]


@takes_options
def evaluate(
    source: Source,
    *,
    model: Model = None,
    hide: Annotated[float, typer.Option("--hide", metavar="RATE", help="Share of the known cells to hide.")] = 0.2,
    mechanism: Annotated[
        str,
        typer.Option("--mechanism", metavar="NAME", help=f"Why cells are hidden: {MECHANISMS}."),
    ] = "mcar",
    options: FittingOptions,
) -> None:
    """Hide known cells of a table, fill them, and compare with what stood there, beside mean and KNN imputation.

    Without --model, a model is fitted to what is left. With it, the figures are honest only for rows it has not seen.
    """
    from gain_impute.evaluation import evaluate as evaluate_imputer
    from gain_impute.files import STANDARD_OUTPUT, open_output, select_columns

    imputer = make_imputer(model, options)
    file = open_source(source, options)
    frame, _ = read_rows(file)
    if model is None:
        imputer.set_params(random_state=options.seed or 0)
    else:
        warn_of_extra(file.names, imputer)
        frame, _ = select_columns(frame, list(imputer.schema_))
    found = evaluate_imputer(imputer, frame, rate=hide, mechanism=mechanism, random_state=options.seed or 0)
    with open_output(STANDARD_OUTPUT) as stream:
        stream.write(f"{found}\n".encode())
