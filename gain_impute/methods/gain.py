"""Our own imputer as one method among others."""

from __future__ import annotations

from gain_impute.imputer import GAINImputer
from gain_impute.methods.method import Method, Setting

__all__ = ["make_gain"]


def make_gain(setting: Setting, *, effort: float = 1.0, n_trees: int | None = None) -> Method:
    """Make the imputer; numbers are not rounded, since no peer rounds.

    Parameters
    ----------
    setting : Setting
        What every method is told.
    effort : float, default=1.0
        As of the imputer.
    n_trees : int or None, default=None
        As of the imputer.

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
        effort=effort,
        n_trees=n_trees,
    )
    return imputer
