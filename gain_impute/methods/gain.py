"""Our own imputer as one method among others."""

from __future__ import annotations

from gain_impute.imputer import GAINImputer
from gain_impute.methods.method import Method, Setting

__all__ = ["make_gain"]


def make_gain(setting: Setting) -> Method:
    """Make the imputer with its default parameters; numbers are not rounded, since no peer rounds.

    Parameters
    ----------
    setting : Setting
        What every method is told.

    Returns
    -------
    GAINImputer
        Unfitted.
    """
    imputer: Method = GAINImputer(
        schema=setting.schema, random_state=setting.seed, n_threads=setting.n_threads, round_to_grid=False
    )
    return imputer
