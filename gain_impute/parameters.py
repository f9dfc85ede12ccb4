"""The parameters of an imputer, checked: for a fit, or for another one after it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from gain_impute.config import SHARED, GAINConfig
from gain_impute.errors import ConfigError, nearest_spelling

__all__ = ["check_count", "checked_again", "checked_bars", "checked_configs", "usable_threads"]

SIZES = ("n_members", "d_hidden", "n_blocks", "d_text", "n_bins", "d_noise")
"""Parameters that say how large the networks are."""


def checked_configs(imputer: BaseEstimator) -> tuple[GAINConfig, ...]:
    """Take the hyper-parameters of an imputer's members, and check every parameter of it.

    Returns
    -------
    tuple of GAINConfig
        One of each member; the first is the imputer's own.

    Raises
    ------
    ConfigError
        If one is outside what it may be.
    """
    params = imputer.get_params(deep=False)
    for name in ("add_indicator", "keep_empty_features", "round_to_grid"):
        if not isinstance(params[name], bool | np.bool_):
            raise ConfigError(f"The {name!r} parameter of GAINImputer must be a bool. Got {params[name]!r} instead.")
    checked_bars(params["min_confidence"])
    check_count("n_threads", params["n_threads"])
    check_count(
        "verbose", int(params["verbose"]) if isinstance(params["verbose"], bool) else params["verbose"], least=0
    )
    own = GAINConfig(**{field.name: params[field.name] for field in dataclasses.fields(GAINConfig)})
    variants = () if params["variants"] is None else params["variants"]
    if not isinstance(variants, Sequence) or isinstance(variants, str):
        raise ConfigError(f"The 'variants' parameter of GAINImputer must be a list of dicts or None. Got {variants!r}.")
    return (own,) * own.n_members + tuple(_variant(own, differs) for differs in variants)


def checked_bars(min_confidence: Any, names: Sequence[str] | None = None) -> dict[str, float]:
    """The least confidence of each column that has one, of columns of these names.

    Raises
    ------
    ConfigError
        If one is not from 0 to 1, or of a column that there is not.
    """
    if min_confidence is None:
        return {}
    is_of_columns = isinstance(min_confidence, Mapping)
    for bar in min_confidence.values() if is_of_columns else [min_confidence]:
        is_number = isinstance(bar, int | float | np.number) and not isinstance(bar, bool)
        if not is_number or not 0 <= bar <= 1:
            raise ConfigError(
                "The 'min_confidence' parameter of GAINImputer must be a number from 0 to 1, one for each of some "
                f"columns, or None. Got {bar!r} instead."
            )
    if names is None:
        return {}
    bars: Mapping[str, float] = min_confidence if is_of_columns else dict.fromkeys(names, min_confidence)
    for name in map(str, bars):
        if name not in names:
            raise ConfigError(
                "The 'min_confidence' parameter of GAINImputer must name columns of the table. "
                f"Got {name!r} instead.{nearest_spelling(name, names)}"
            )
    return {str(name): float(bar) for name, bar in bars.items()}


def _variant(own: GAINConfig, differs: object) -> GAINConfig:
    """The hyper-parameters of a member that is not like the others."""
    may = {field.name for field in dataclasses.fields(GAINConfig)} - set(SHARED)
    if not isinstance(differs, Mapping) or not differs or not set(differs) <= may:
        raise ConfigError(
            "Each of the 'variants' of GAINImputer must be a dict of hyper-parameters that members need not share, "
            f"such as {{'d_hidden': 256}}. Got {differs!r} instead. They share {', '.join(SHARED)}."
        )
    return dataclasses.replace(own, **differs)


def checked_again(imputer: BaseEstimator, before: Sequence[GAINConfig]) -> tuple[GAINConfig, ...]:
    """Take the hyper-parameters for a partial fit, with what an earlier fit derived from the size of its table.

    Raises
    ------
    ConfigError
        If one is outside what it may be, or networks that have learned would have to have other sizes.
    """
    now = checked_configs(imputer)
    for learned, config in zip(before, now, strict=False):
        _check_sizes(learned, config)
    if len(now) != len(before):
        raise ConfigError(
            f"There must be as many 'variants' as in the first fit, {len(before) - before[0].n_members}, in a partial "
            f"fit. Got {len(now) - now[0].n_members} instead. Set them back, or fit again."
        )
    return tuple(config.derived_as(learned) for learned, config in zip(before, now, strict=True))


def _check_sizes(before: GAINConfig, now: GAINConfig) -> None:
    """Raise ConfigError if networks that have learned would have to have other sizes."""
    for name in SIZES:
        if getattr(now, name) != getattr(before, name):
            raise ConfigError(
                f"The {name!r} parameter of GAINImputer must be that of the first fit, {getattr(before, name)!r}, in a "
                f"partial fit. Got {getattr(now, name)!r} instead. Set it back, or fit again."
            )


def usable_threads(n_threads: int) -> int:
    """How many of so many threads there are cores for; raises ConfigError where it is no number of threads."""
    check_count("n_threads", n_threads)
    return min(int(n_threads), os.cpu_count() or 1)


def check_count(name: str, value: object, *, least: int = 1, of: str = "GAINImputer") -> None:
    """Raise ConfigError unless a parameter is an int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        msg = f"The {name!r} parameter of {of} must be an int of at least {least}."
        raise ConfigError(f"{msg} Got {value!r} instead.")
