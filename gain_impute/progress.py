"""What a user sees of a fit while it runs."""

from __future__ import annotations

import math
from importlib.metadata import entry_points
from types import TracebackType
from typing import Any, Self

import pandas as pd
from tqdm import tqdm

from gain_impute.errors import ConfigError
from gain_impute.schema import Schema
from gain_impute.state import EpochLog
from gain_impute.training import NullTracker, Tracker

__all__ = ["TRACKERS", "Watcher", "resolve_tracker"]

TRACKERS = "gain_impute.trackers"
"""The group of entry points under which trackers have names."""


def resolve_tracker(tracker: Tracker | str | None) -> Tracker:
    """Take a tracker as it is, or make the one of that name; what it needs is imported only then.

    Raises
    ------
    ConfigError
        If no tracker has that name.

    Examples
    --------
    >>> type(resolve_tracker(None)).__name__
    'NullTracker'
    """
    if tracker is None:
        return NullTracker()
    if not isinstance(tracker, str):
        return tracker
    found = {point.name: point for point in entry_points(group=TRACKERS)}
    if tracker not in found:
        raise ConfigError(
            f"The 'tracker' of fit must be a Tracker, None or one of {sorted(found)}. Got {tracker!r} instead. "
            "Correct the name, or install the package that brings it."
        )
    made: Tracker = found[tracker].load()()
    return made


class Watcher:
    """Passes each epoch on to a progress bar and a tracker.

    Parameters
    ----------
    n_steps : int
        Budget of training steps.
    n_steps_before : int
        Steps done in earlier fits.
    params : dict
        Parameters of the fit, for the tracker.
    table : DataFrame of shape (n_rows, n_columns)
        What is fitted, for the tracker.
    schema : Schema
        What its columns are, for the tracker.
    tracker : Tracker
    verbose : int
        0 shows no bar; 1 shows one on stderr, if that is a terminal.
    """

    def __init__(
        self,
        *,
        n_steps: int,
        n_steps_before: int,
        params: dict[str, Any],
        table: pd.DataFrame,
        schema: Schema,
        tracker: Tracker,
        verbose: int,
    ) -> None:
        self.tracker, self.n_steps_before = tracker, n_steps_before
        self.params, self.table, self.schema = params, table, schema
        self.bar = tqdm(total=n_steps, unit="step", desc="fit", leave=False, disable=None if verbose else True)
        self.last: EpochLog | None = None

    def __enter__(self) -> Self:
        self.tracker.on_fit_begin(self.params, self.table, self.schema)
        return self

    def __call__(self, epoch: EpochLog) -> None:
        """Show an epoch."""
        self.bar.update(epoch.step - self.n_steps_before - self.bar.n)
        losses = {"loss": epoch.imputation_loss, "held_out": epoch.validation_loss}
        self.bar.set_postfix({name: f"{loss:.3f}" for name, loss in losses.items() if not math.isnan(loss)})
        self.last = epoch
        self.tracker.on_epoch(epoch)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()
        self.tracker.on_fit_end(self.last.as_dict() if self.last is not None else {}, error)
