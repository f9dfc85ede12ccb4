"""Every hyper-parameter once: its default, its range, its meaning."""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from gain_impute.errors import ConfigError

__all__ = [
    "PRESETS",
    "SHARED",
    "GAINConfig",
    "Tunable",
    "default_batch_size",
    "default_dropout",
    "default_max_steps",
    "default_n_trees",
]


PRESETS: dict[str, dict[str, Any]] = {"fast": {"effort": 0.25}, "best": {"n_members": 3}}
"""Parameters of those who want it sooner, and of those who want it better."""
SHARED = ("n_members", "max_time_s", "n_buckets", "d_noise", "validation_share")
"""Hyper-parameters that all members share: of how many there are, of what they read, draw from and are judged by."""
STEP_LIMITS, LEAST_STEPS, MOST_STEPS = (569, 2_000), 300, 3_000  # rows from which steps grow otherwise
BATCH_LIMITS = (2_000, 8_000)  # rows from which a step takes more of them
TREES_BY_ROWS, LEAST_TREES = ((500, 100), (2_000, 50), (8_000, 30)), 20
MANY_COLUMNS, LEAST_OF_WIDE = 64, 8  # beyond so many columns each has fewer trees, down to so many
MANY_LOGITS = 250  # categories beyond which a row costs so much that more steps teach more than more rows


@dataclass(frozen=True)
class Tunable:
    """Where tuning looks for a hyper-parameter: a part of its range, around the default.

    Attributes
    ----------
    low, high : float
        Ends, both included.
    is_log : bool
        Whether ratios count and not differences.
    step : int or None
        Of an int: only every so many.
    needs : str
        "text" or "number": without such a column it changes nothing, and is left out; "budget": so it is where steps
        are bounded; "time": so it is too unless time is minimised as well.
    """

    low: float
    high: float
    is_log: bool = False
    step: int | None = None
    needs: str = ""


def _hyper(
    default: Any, low: float, high: float, meaning: str, *, affects_result: bool = True, tune: Tunable | None = None
) -> Any:
    """Declare a numeric field; a default of None means that it is derived from the table's size."""
    metadata = {"low": low, "high": high, "meaning": meaning, "affects_result": affects_result, "tune": tune}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class GAINConfig:
    """Hyper-parameters of the networks and of their training.

    Each field carries its range and meaning as metadata; `GAINImputer` takes each under the same name with the same
    default, and a test holds both together.

    Raises
    ------
    ConfigError
        If a value is outside its range.

    Examples
    --------
    >>> GAINConfig(hint_rate=0.5).hint_rate
    0.5
    """

    effort: float = _hyper(
        1.0,
        0.01,
        100,
        "Work of a fit beside the usual, where steps and trees are derived: scales both (`default_max_steps`).",
        tune=Tunable(0.5, 2.0, is_log=True, needs="budget"),
    )
    max_steps: int | None = _hyper(
        None, 1, math.inf, "Training steps of a member at most; None derives them from the rows (`default_max_steps`)."
    )
    n_members: int = _hyper(
        1,
        1,
        100,
        "Whole fits whose word is averaged: where one errs, others err otherwise; each takes the time of one.",
        tune=Tunable(1, 3, needs="time"),
    )
    max_time_s: float | None = _hyper(
        None,
        0,
        math.inf,
        "Seconds of training at most; a stop by time is recorded in the history.",
        affects_result=False,
    )
    batch_size: int | None = _hyper(
        None, 1, math.inf, "Rows a step; None derives it from the number of rows (`default_batch_size`)."
    )
    learning_rate: float = _hyper(
        2e-3,
        0,
        1,
        "Peak step size of AdamW, after a warm-up and before a cosine decay.",
        tune=Tunable(5e-4, 6e-3, is_log=True),
    )
    weight_decay: float = _hyper(
        0.01,
        0,
        10,
        "Decoupled weight decay of AdamW, on weight matrices only.",
        tune=Tunable(1e-4, 0.3, is_log=True),
    )
    dropout: float | None = _hyper(
        None,
        0,
        0.95,
        "Share of hidden units switched off while training; None derives it (`default_dropout`).",
        tune=Tunable(0.0, 0.3),
    )
    d_hidden: int = _hyper(192, 1, 8192, "Width of the generator.", tune=Tunable(64, 384, step=64))
    n_blocks: int = _hyper(2, 0, 64, "Residual blocks of the generator.", tune=Tunable(1, 5))
    d_text: int = _hyper(
        48, 1, 4096, "Width of a text column's embedding.", tune=Tunable(16, 96, step=16, needs="text")
    )
    n_buckets: int = _hyper(8_192, 1, 2**31 - 1, "Hash buckets for the n-grams of each text column, at most.")
    n_bins: int = _hyper(
        24, 1, 1024, "Pieces of each number's piecewise-linear embedding.", tune=Tunable(8, 48, step=8, needs="number")
    )
    d_noise: int = _hyper(32, 1, 1024, "Width of the noise that makes draws differ.")
    rehide_min: float = _hyper(
        0.1,
        0,
        1,
        "Least share of a row's known cells that is hidden again while training.",
        tune=Tunable(0.05, 0.25),
    )
    rehide_max: float = _hyper(
        0.4,
        0,
        1,
        "Greatest share of a row's known cells that is hidden again while training.",
        tune=Tunable(0.3, 0.7),
    )
    rehide_texts: float = _hyper(
        0.15,
        0,
        1,
        "Share of the texts that is hidden at each step, whole: a new text must not leave the rest of its row unheard.",
        tune=Tunable(0.0, 0.5, needs="text"),
    )
    visible_weight: float = _hyper(
        0.1, 0, 100, "Weight of the loss on cells that the generator sees.", tune=Tunable(0.01, 1.0, is_log=True)
    )
    n_trees: int | None = _hyper(
        None,
        0,
        10_000,
        "Trees that learn each column beside the generator, and a linear model with them; 0 leaves it alone, "
        "None derives it (`default_n_trees`).",
    )
    draw_weight: float = _hyper(
        1.0,
        0,
        100,
        "Weight of the score of draws (energy score, mixture likelihood).",
        tune=Tunable(0.1, 3.0, is_log=True),
    )
    adversary_weight: float = _hyper(
        0.05, 0, 100, "Weight of the adversarial loss, reached after a ramp.", tune=Tunable(0.005, 0.5, is_log=True)
    )
    hint_rate: float = _hyper(0.9, 0, 1, "Share of cells whose state the hint gives away to the discriminator.")
    ema_decay: float = _hyper(0.999, 0, 1, "Decay of the moving average of the weights that fills cells.")
    validation_share: float = _hyper(
        0.1,
        0,
        0.5,
        "Share of known cells held out of training, to stop and to calibrate.",
    )

    def n_steps(self, n_rows: int) -> int:
        """Training steps of a member at most."""
        return self.max_steps or default_max_steps(n_rows, self.effort)

    def derived(self, n_rows: int, n_columns: int) -> GAINConfig:
        """The same, with what follows from the size of a table."""
        dropout, n_trees = self.dropout, self.n_trees
        if n_trees is None:
            n_trees = default_n_trees(n_rows, self.n_steps(n_rows), self.effort, n_columns=n_columns)
        return dataclasses.replace(
            self, dropout=default_dropout(n_rows) if dropout is None else dropout, n_trees=n_trees
        )

    def derived_as(self, before: GAINConfig) -> GAINConfig:
        """The same, with what an earlier fit derived from the size of its table as it was there."""
        derived = {name: getattr(before, name) for name in ("dropout", "n_trees") if getattr(self, name) is None}
        return dataclasses.replace(self, **derived)

    def __post_init__(self) -> None:
        """Check each value against its range."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            check_range(field, value)
            if isinstance(value, np.generic):
                object.__setattr__(self, field.name, value.item())
        if self.rehide_min > self.rehide_max:
            msg = (
                f"The 'rehide_min' parameter must not exceed 'rehide_max'. "
                f"Got {self.rehide_min!r} and {self.rehide_max!r} instead."
            )
            raise ConfigError(msg)


def check_range(field: dataclasses.Field[Any], value: object) -> None:
    """Raise ConfigError unless `value` is of the field's type and within its range."""
    low, high, integral = field.metadata["low"], field.metadata["high"], "int" in str(field.type)
    optional = field.default is None
    wanted = f"{'an int' if integral else 'a float'} in the range [{low}, {high}]{' or None' if optional else ''}"
    good_type = isinstance(value, numbers.Integral if integral else numbers.Real) and not isinstance(value, bool)
    if (value is None and optional) or (good_type and low <= value <= high):
        return
    msg = f"The {field.name!r} parameter of GAINImputer must be {wanted}. Got {value!r} instead."
    raise ConfigError(msg)


def default_max_steps(n_rows: int, effort: float = 1.0) -> int:
    """Budget of training steps: 1,000 at 569 rows, fewer as the square root below; 1,160 at 2,000, 3,000 at most.

    An effort below 1 takes its share of them, and one above 1 as many times more as its square root: with yet more,
    small tables are overfitted. Of trees it is the other way round.

    Examples
    --------
    >>> [default_max_steps(n_rows) for n_rows in (10, 569, 2_000, 5_000, 20_000)], default_max_steps(569, 0.2)
    ([300, 1000, 1160, 1750, 3000], 200)
    """
    few, more = min(n_rows, STEP_LIMITS[1]) / STEP_LIMITS[0], max(n_rows / STEP_LIMITS[1], 1.0)
    usual = 10 * round(100 * math.pow(few, 0.5 if few < 1 else 0.115) * math.pow(more, 0.45))
    return max(1, round(min(effort, math.sqrt(effort)) * min(max(LEAST_STEPS, usual), MOST_STEPS)))


def default_batch_size(n_rows: int, n_logits: int) -> int:
    """Rows a step: 128 up to 2,000 rows, 256 up to 8,000 or with more than 250 categories in all, else 384."""
    if n_rows <= BATCH_LIMITS[0]:
        return 128
    return 256 if n_rows <= BATCH_LIMITS[1] or n_logits > MANY_LOGITS else 384


def default_dropout(n_rows: int) -> float:
    """Share of hidden units switched off: 0.1 up to 2,000 rows, none beyond, where it only slows learning."""
    return 0.1 if n_rows <= 2_000 else 0.0  # noqa: PLR2004 - the rule itself


def default_n_trees(n_rows: int, n_steps: int, effort: float = 1.0, *, n_columns: int = 1) -> int:
    """Trees of a column: 100 up to 500 rows, 50 up to 2,000, 30 up to 8,000, then 20; at most one for 6 training steps.

    Of more than 64 columns all together have as many as 64 would, but 8 each at least: their time and memory grow as
    the square of the number of columns else.

    Many trees help small tables, and cost little there. An effort above 1 takes as many times more of the first number,
    and one below 1 its square root of it: few trees are what a quick fit loses most by.
    """
    usual = next((n_trees for most_rows, n_trees in TREES_BY_ROWS if n_rows <= most_rows), LEAST_TREES)
    share = min(1.0, MANY_COLUMNS / max(n_columns, 1))
    wanted = max(round(max(effort, math.sqrt(effort)) * usual * share), min(usual, LEAST_OF_WIDE) if share < 1 else 1)
    return max(1, min(wanted, n_steps // 6))
