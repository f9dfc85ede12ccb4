"""Our own imputer as one method among others."""

from __future__ import annotations

from typing import Any

from gain_impute.imputer import GAINImputer
from gain_impute.methods.method import Method, Setting

__all__ = ["make_gain"]


def make_gain(setting: Setting, **params: Any) -> Method:
    """Make the imputer; numbers are not rounded, since no peer rounds.

    Parameters
    ----------
    setting : Setting
        What every method is told.
    **params
        Of the imputer.

    Returns
    -------
    GAINImputer
        Unfitted.
    """
    imputer: Method = GAINImputer(
        schema=setting.schema,
        random_state=setting.seed,
        n_threads=setting.n_threads,
        round_to_grid=False,
        **params,
    )
    return imputer
