"""From the options of a command to the imputer that it works with."""
# ruff: noqa: PLC0415  what loads torch is imported when a verb needs it, so that --help does not wait

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gain_impute.cli.messages import say
from gain_impute.cli.options import FittingOptions, ReadingOptions, character
from gain_impute.errors import ConfigError, listed, named

if TYPE_CHECKING:
    import pandas as pd

    from gain_impute.files import TableFile
    from gain_impute.imputer import GAINImputer
    from gain_impute.schema import Schema

__all__ = ["make_imputer", "note_conditions", "note_markers", "open_source", "read_rows", "warn_of_extra"]

MOST_OPTIONS = 5


def make_imputer(model: Path | None, options: FittingOptions, *, seed: int | None = None) -> GAINImputer:
    """The imputer in a model folder, or one to be fitted; `seed` is of the fit, not of what the verb does with it."""
    from gain_impute.imputer import GAINImputer

    named = {
        "schema": ("--schema", options.schema),
        "missing_values": ("--missing", options.missing),
        "random_state": ("--seed", seed),
        **{name: ("--preset", value) for name, value in _preset(options.preset).items()},
        "max_time_s": ("--max-time", options.max_time),
        "max_steps": ("--max-steps", options.max_steps),
    }
    given: dict[str, Any] = {name: value for name, (_, value) in named.items() if value is not None}
    if model is None:
        fitting = {"random_state": 0} | given
        return GAINImputer(**fitting, n_threads=options.threads, device=options.device, verbose=1)
    if given:
        flags = ", ".join(named[name][0] for name in given)
        raise ConfigError(f"A model is fitted already: --model must stand without {flags}. Leave out one or the other.")
    imputer = GAINImputer.load(model, device=options.device)
    imputer.set_params(n_threads=options.threads)
    return imputer


def _preset(preset: str | None) -> dict[str, Any]:
    """What a preset stands for."""
    from gain_impute.config import PRESETS

    if preset is None:
        return {}
    if preset not in PRESETS:
        raise ConfigError(f"--preset must be one of {', '.join(PRESETS)}. Got {preset!r} instead.")
    return PRESETS[preset]


def open_source(source: Path, options: ReadingOptions) -> TableFile:
    """The input, with what was guessed of it said."""
    from gain_impute.files import open_table

    delimiter = character(options.delimiter)
    file = open_table(source, delimiter=delimiter, encoding=options.encoding, has_header=not options.no_header)
    for note in file.notes:
        say("note", note)
    return file


def read_rows(file: TableFile) -> tuple[pd.DataFrame, int]:
    """The rows that a fit can have in memory, and how many there are; a note says where not all are taken."""
    from gain_impute.batch import MOST_FIT_CELLS
    from gain_impute.files import read_table

    frame, n_rows = read_table(file, most_cells=MOST_FIT_CELLS)
    if len(frame) < n_rows:
        say("note", f"{len(frame):,} of the {n_rows:,} rows are looked at, evenly spaced: the others are too many.")
    return frame, n_rows


def note_markers(frame: pd.DataFrame, schema: Schema) -> None:
    """Say which values look as if they meant "empty": they are taken for values, which is seldom what is wanted."""
    from gain_impute.schema import likely_markers

    found = likely_markers(frame, schema)
    told = [f"{text!r} ({count:,}) in {name!r}" for name, counts in found.items() for text, count in counts.items()]
    if told:
        texts = dict.fromkeys(text for counts in found.values() for text in counts)
        options = " ".join(f"--missing {shlex.quote(text)}" for text in list(texts)[:MOST_OPTIONS])
        say(
            "note",
            f"These may mean 'empty', and are taken for values: {listed(told)}. If they do: {options}",
        )


def note_conditions(frame: pd.DataFrame, schema: Schema) -> None:
    """Say which columns are filled in rows in which they may not exist."""
    from gain_impute.schema import likely_conditions

    found = likely_conditions(frame, schema)
    told = [f"{name!r} (by {other!r})" for name, condition in found.items() for other in condition]
    if told:
        say(
            "note",
            f"These are known in rows of some categories only, and filled in all: {listed(told)}. If they exist only "
            "there, say so with applies_when, as 'gain-impute schema' proposes.",
        )


def warn_of_extra(names: list[str], imputer: GAINImputer) -> None:
    """Say which columns of a table the imputer does not know; one that it needs must be there."""
    from gain_impute.files import extra_columns

    extra = extra_columns(names, list(imputer.schema_))
    if extra:
        say("warning", f"The model does not know the columns {named(extra)}. They stay as they are.")
