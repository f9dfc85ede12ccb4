"""From a table and its schema to a fitted state, and on from there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from warnings import warn

import numpy as np
import pandas as pd
import torch

from gain_impute.confidence import NumberCalibration
from gain_impute.config import GAINConfig
from gain_impute.encoding.numeric import FAR
from gain_impute.encoding.table import EncodedTable, TableEncoder
from gain_impute.encoding.text import HashedText
from gain_impute.errors import (
    BrokenRuleWarning,
    FarOutWarning,
    GainImputeWarning,
    LikelyMarkerWarning,
    TableError,
    UnfillableWarning,
    UnmetRuleWarning,
    UnreadableWarning,
    listed,
    nearest_spelling,
)
from gain_impute.filled_frames import cell_types
from gain_impute.learning import HeldOutReport, Report, learn
from gain_impute.member import Member
from gain_impute.persistence import FittedState
from gain_impute.schema import Schema, broken_rules
from gain_impute.schema.condition import is_among
from gain_impute.schema.markers import looks_empty
from gain_impute.sessions import torch_session
from gain_impute.state import TrainingState

__all__ = [
    "HeldOutReport",
    "Report",
    "check_readable",
    "continue_fit",
    "new_fit",
    "warn_of_holes",
]

CONTINUED_RATE = 0.3  # of the learning rate, for a network that has learned already
MOST_UNREADABLE = 0.5  # share of a column's known cells


def new_fit(
    frame: pd.DataFrame,
    schema: Schema,
    configs: Sequence[GAINConfig],
    *,
    seed: int,
    device: torch.device,
    n_threads: int,
    on_epoch: Report,
    on_held_out: HeldOutReport | None = None,
) -> tuple[FittedState, pd.Series, dict[str, int]]:
    """Learn a table.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        With the columns of the schema, in its order.
    schema : Schema
    configs : sequence of GAINConfig
        One of each member; the first tells what they share.
    seed : int
        What all randomness follows from.
    device : torch.device
    n_threads : int
        Threads of torch.
    on_epoch : callable
        Called with each EpochLog.
    on_held_out : callable, optional
        Called before the held-out cells are given back, with the state as it is then, and where they are: a frame
        (n_rows, n_fillable) of bool.

    Returns
    -------
    state : FittedState
    n_empty : Series of shape (n_columns,), int64
        How many cells of each column are missing.
    unreadable : dict of str to int
        Of each column that has some, the number of known cells that could not be read.

    Raises
    ------
    TableError
        If more than half of a column's known cells cannot be read as its kind.
    """
    configs = tuple(config.derived(*frame.shape) for config in configs)
    hashed: dict[str, HashedText] = {}
    encoder = TableEncoder.fit(frame, schema, n_bins=configs[0].n_bins, n_buckets=configs[0].n_buckets, hashed=hashed)
    encoded, n_empty, unreadable = _encoded(encoder, frame, hashed)
    never_observed = tuple(name for name in schema if n_empty[name] == len(frame))
    types = {
        name: found
        for position, name in enumerate(schema)
        if (found := cell_types(frame.iloc[:, position], schema.parse(name, frame.iloc[:, position]).values))
    }
    state = FittedState(
        configs, encoder, (), NumberCalibration.unknown(len(encoder.numbers)), types, never_observed, seed
    )
    _warn(state, frame, n_empty, unreadable)
    if encoder.layout.n_cells > 0:
        with torch_session(n_threads, seed, device):
            state.members = tuple(_new_member(state, config, encoded, device) for config in configs)
            learn(state, encoded, rate_scale=1.0, on_epoch=on_epoch, on_held_out=on_held_out)
    return state, n_empty, unreadable


def continue_fit(
    state: FittedState,
    frame: pd.DataFrame,
    *,
    n_threads: int,
    on_epoch: Report,
    on_held_out: HeldOutReport | None = None,
) -> tuple[FittedState, pd.Series, dict[str, int]]:
    """Learn more rows of a table that has been learned; new categories are appended, bounds widened.

    Parameters and returns are those of `new_fit`; `state` itself is left as it is, whatever becomes of this.
    """
    encoder = state.encoder.extend(frame)
    encoded, n_empty, unreadable = _encoded(encoder, frame)
    continued = replace(state, encoder=encoder, history=[*state.history])
    _warn(continued, frame, n_empty, unreadable)
    if state.members:
        seed = np.random.SeedSequence([state.seed, state.n_steps]).generate_state(1)[0]
        with torch_session(n_threads, int(seed), state.device):
            continued.members = tuple(
                replace(member, training=member.training.grow(encoder.layout, state.edges(config), config))
                for member, config in zip(state.members, state.configs, strict=True)
            )
            learn(continued, encoded, rate_scale=CONTINUED_RATE, on_epoch=on_epoch, on_held_out=on_held_out)
    return continued, n_empty, unreadable


def _encoded(
    encoder: TableEncoder, frame: pd.DataFrame, hashed: dict[str, HashedText] | None = None
) -> tuple[EncodedTable, pd.Series, dict[str, int]]:
    """Encode a table to learn from, and count what is missing of each column, and what cannot be read."""
    encoded, empty, unreadable = encoder.encode(frame, hashed=hashed)
    n_empty = empty.sum()
    check_readable(encoder.schema, len(frame) - n_empty, unreadable)
    return encoded, n_empty, unreadable


def _new_member(state: FittedState, config: GAINConfig, encoded: EncodedTable, device: torch.device) -> Member:
    """A member that has learned nothing yet, from torch's generator as it stands."""
    training = TrainingState.new(state.encoder.layout, state.edges(config), config, device)
    training.silence_unseen([text.ids for text in encoded.texts])
    return Member(training)


def check_readable(schema: Schema, n_known: pd.Series, unreadable: dict[str, int], *, least_known: int = 1) -> None:
    """Raise TableError for a column that is not what the schema says it is, judged from so many known cells on."""
    for name, n_unreadable in unreadable.items():
        if n_known[name] >= least_known and n_unreadable > MOST_UNREADABLE * n_known[name]:
            remedy = "Give" if schema[name].number_formats is None else "Correct its number_formats, give"
            raise TableError(
                f"At least half of the known cells of column {name!r} must be readable as {schema[name].kind.value}. "
                f"{n_unreadable} of {n_known[name]} are not. {remedy} the column another kind in the schema, or name "
                "the texts that mean 'empty' with missing_values."
            )


def warn_of_holes(unfillable: dict[str, str], n_empty: pd.Series) -> None:
    """Warn once of the columns that have empty cells and cannot be filled."""
    left = [f"{name!r} ({why})" for name, why in unfillable.items() if n_empty[name]]
    _warn_of(UnfillableWarning, left, "Empty cells of these columns stay empty: {}.")


def _warn(state: FittedState, frame: pd.DataFrame, n_empty: pd.Series, unreadable: dict[str, int]) -> None:
    """Warn, before time is spent, of what stays empty, what is not learned, and what may be meant otherwise."""
    warn_of_holes(state.unfillable(), n_empty)
    _warn_of_cells(state.encoder, unreadable)
    _warn_of_rules(state.encoder, frame)


def _warn_of_cells(encoder: TableEncoder, unreadable: dict[str, int]) -> None:
    """Warn of known cells that are not learned, or should not be."""
    _warn_of(
        UnreadableWarning,
        [f"{name!r} ({count})" for name, count in unreadable.items()],
        "Some known cells cannot be read as their column's kind, and stay as they are: {}.",
    )
    _warn_of(
        FarOutWarning,
        [f"{each.name!r} ({each.n_far})" for each in encoder.numbers.values() if each.n_far],
        f"Some numbers or dates lie {FAR:g} times as far from the middle of their column as all others: {{}}. They "
        "stay as they are, and nothing is learned from them. If they mean 'empty', name them with missing_values.",
    )
    _warn_of(
        LikelyMarkerWarning,
        [
            f"{text!r} in {name!r}"
            for name, column in encoder.classes.items()
            for text in column.vocabulary
            if looks_empty(text) and text not in (encoder.schema[name].categories or ())
        ],
        "These may mean 'empty', and are taken for values: {}. If they do, name them with missing_values; if not, list "
        "them among the column's categories in the schema.",
    )


def _warn_of_rules(encoder: TableEncoder, frame: pd.DataFrame) -> None:
    """Warn of rules of the schema that known cells break, or that no row can meet."""
    _warn_of(
        BrokenRuleWarning,
        [
            f"{name!r} ({', '.join(f'{rule}: {count}' for rule, count in broken.items())})"
            for name, broken in broken_rules(frame, encoder.schema).items()
        ],
        "Some known cells break a rule of the schema, and stay as they are: {}. Correct the cells or the rule.",
    )
    _warn_of(
        UnmetRuleWarning,
        [
            f"{value!r} of {other!r} (for {name!r}){nearest_spelling(value, encoder.classes[other].vocabulary)}"
            for name, column in encoder.schema.items()
            for other, allowed in (column.applies_when or {}).items()
            for value in allowed
            if other in encoder.classes and not _stands_in(encoder, value, other)
        ],
        "Some values that applies_when names stand in no row: {}.",
    )


def _stands_in(encoder: TableEncoder, value: str, column: str) -> bool:
    """Whether a column has a category, or one that says the same."""
    vocabulary = np.array(encoder.classes[column].vocabulary, dtype=object)
    return bool(is_among(vocabulary, [value], encoder.schema[column].kind).any())


def _warn_of(category: type[GainImputeWarning], told: list[str], message: str) -> None:
    """Warn once of some things, if there are any."""
    if told:
        warn(message.format(listed(told)), category, stacklevel=_level_of_caller())


def _level_of_caller() -> int:
    """Stack level of the first frame outside this package and scikit-learn: there a warning is of use."""
    level, frame = 0, sys._getframe()  # noqa: SLF001 - `warn` itself counts these frames
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in {
        "gain_impute",
        "sklearn",
    }:
        level, frame = level + 1, frame.f_back
    return max(level, 1)
