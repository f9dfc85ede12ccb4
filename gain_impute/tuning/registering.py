"""The winner of a study as a new version of a registered model of MLflow."""

from __future__ import annotations

import warnings

import pandas as pd
from mlflow.tracking import MlflowClient

from gain_impute.errors import ColumnMismatchError, ConfigError, TrackingWarning
from gain_impute.imputer import GAINImputer
from gain_impute.mlflow_flavor import alias_of_next, log_model
from gain_impute.tracking import Runs
from gain_impute.tracking.sending import LOST, find_run

__all__ = ["check_registration", "register_winner"]

SEPARATORS = "/:"  # of MLflow's URIs


def check_registration(name: str, *, track: bool, refit: bool) -> None:
    """Refuse what cannot be registered before any work is done.

    Raises
    ------
    ConfigError
        If the name is none that MLflow takes, or there will be no tracked winner.
    """
    if not name.strip(". ") or set(name) & set(SEPARATORS):
        raise ConfigError(
            f"The name of a registered model must have a letter, and neither of {SEPARATORS}. Got {name!r} instead."
        )
    if not track or not refit:
        raise ConfigError(
            f"A winner can be registered only where there is one and it is tracked. Got {track=}, {refit=}. "
            "Track the study, or leave out 'register'."
        )


def register_winner(
    imputer: GAINImputer, table: pd.DataFrame, name: str, *, runs: Runs, token: str, is_sent: bool
) -> str | None:
    """Log the winner to its run and register it; where that cannot be done, warn: the winner itself is not lost.

    Parameters
    ----------
    imputer : GAINImputer
        Fitted.
    table : DataFrame of shape (n_rows, n_columns)
        What it was fitted to.
    name : str
        Name of the registered model.
    runs : Runs
        Where runs are kept.
    token : str
        Of the winner's run.
    is_sent : bool
        Whether all that the study told has been sent.

    Returns
    -------
    str or None
        The version's URI; None where it could not be registered.
    """
    if not is_sent:  # each further request would wait as long as those before
        _warn_of_registering(name, "its run could not be sent")
        return None
    try:
        run_id = find_run(MlflowClient(runs.uri), token)
        alias = alias_of_next(name)
        log_model(imputer, table, registered_name=name, alias=alias, run_id=run_id)
    except (ColumnMismatchError, *LOST) as error:
        _warn_of_registering(name, str(error).partition("\n")[0])
        return None
    return f"models:/{name}@{alias}"


def _warn_of_registering(name: str, why: str) -> None:
    warnings.warn(
        f"The winner must be registered as {name!r}. It cannot be ({why}). It is fitted, and can be registered with "
        "gain_impute.mlflow_flavor.log_model.",
        TrackingWarning,
        stacklevel=3,
    )
