"""The winner of a study, fitted to the whole table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from sklearn.base import clone

from gain_impute.errors import GainImputeWarning, StudyError
from gain_impute.imputer import GAINImputer
from gain_impute.tracking import MLflowTracker
from gain_impute.tuning.result import listed
from gain_impute.tuning.trials import HOPELESS, Journal, saying_memory

__all__ = ["fit_winner"]


def fit_winner(
    imputer: GAINImputer, params: Mapping[str, Any], table: Any, journal: Journal
) -> tuple[GAINImputer, str]:
    """Fit the whole table; with one member where there is no memory for more.

    Parameters
    ----------
    imputer : GAINImputer
        Unfitted; what `params` does not name stays as it is.
    params : mapping of str to any
        The winner's.
    table : DataFrame or array of shape (n_rows, n_columns)
    journal : Journal
        Where the fit is told.

    Returns
    -------
    fitted : GAINImputer
    token : str
        Of its run; empty where it is not tracked.

    Raises
    ------
    StudyError
        If it cannot be fitted; the message has the parameters.
    """
    winner: GAINImputer = clone(imputer).set_params(**params)
    try:
        return _fitted(winner, table, journal)
    except HOPELESS as error:
        n_members = winner.n_members + len(winner.variants or ())
        if not isinstance(error, MemoryError) or n_members == 1:
            raise StudyError(
                f"The winner must be fitted to the whole table. It cannot be: {error} Its parameters: "
                f"{listed(params)}. Fit it to fewer rows."
            ) from error
        warnings.warn(
            f"The winner must have memory for {n_members} members. There is not enough ({error}): it has one.",
            GainImputeWarning,
            stacklevel=4,
        )
    return fit_winner(imputer, {**params, "n_members": 1, "variants": None}, table, journal)


def _fitted(winner: GAINImputer, table: Any, journal: Journal) -> tuple[GAINImputer, str]:
    """Fit, and tell of it."""
    run = journal.begin("winner", {"winner": "true"})
    tracker = None if run is None else MLflowTracker(runs=journal.runs, run=run)
    status = "KILLED"
    try:
        with saying_memory():
            winner.fit(table, tracker=tracker)
        status = "FINISHED"
    except HOPELESS:
        status = "FAILED"
        raise
    finally:
        if run is not None:
            run.end(status)
    return winner, "" if run is None else run.token
