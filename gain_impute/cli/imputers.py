"""From the options of a command to the imputer that it works with."""
# ruff: noqa: PLC0415  what loads torch is imported when a verb needs it, so that --help does not wait

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gain_impute.cli.messages import say
from gain_impute.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from gain_impute.imputer import GAINImputer

__all__ = ["given", "known_columns", "make_imputer"]

MOST_NAMES = 5


def given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def make_imputer(model: Path | None, fitting: dict[str, Any], *, n_threads: int, device: str) -> GAINImputer:
    """The imputer in a model folder, or one to be fitted."""
    from gain_impute.imputer import GAINImputer

    if model is None:
        return GAINImputer(**({"random_state": 0} | fitting), n_threads=n_threads, device=device, verbose=1)
    if fitting:
        options = {"missing_values": "--missing", "random_state": "--seed", "max_time_s": "--max-time"}
        named = ", ".join(options.get(name, f"--{name.replace('_', '-')}") for name in fitting)
        raise ConfigError(f"A model is fitted already: --model must stand without {named}. Leave out one or the other.")
    imputer = GAINImputer.load(model, device=device)
    imputer.set_params(n_threads=n_threads)
    return imputer


def known_columns(frame: pd.DataFrame, imputer: GAINImputer) -> pd.DataFrame:
    """The columns of a table that the imputer knows, in its order; a warning names the others."""
    from gain_impute.files import select_columns

    known, extra = select_columns(frame, list(imputer.schema_))
    if extra:
        more = f" and {len(extra) - MOST_NAMES} more" if len(extra) > MOST_NAMES else ""
        say("warning", f"The model does not know the columns {extra[:MOST_NAMES]}{more}. They stay as they are.")
    return known
