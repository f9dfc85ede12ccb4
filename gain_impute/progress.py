"""What a user sees of a fit while it runs."""

from __future__ import annotations

import math
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from gain_impute.state import EpochLog
from gain_impute.training import NullTracker, Tracker

__all__ = ["Watcher"]


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
    tracker : Tracker or None
    verbose : int
        0 shows no bar; 1 shows one on stderr, if that is a terminal.
    """

    def __init__(
        self, n_steps: int, n_steps_before: int, params: dict[str, Any], tracker: Tracker | None, verbose: int
    ) -> None:
        self.tracker: Tracker = NullTracker() if tracker is None else tracker
        self.params, self.n_steps_before = params, n_steps_before
        self.bar = tqdm(total=n_steps, unit="step", desc="fit", leave=False, disable=None if verbose else True)
        self.last: EpochLog | None = None

    def __enter__(self) -> Self:
        self.tracker.on_fit_begin(self.params)
        return self

    def __call__(self, epoch: EpochLog) -> None:
        """Show an epoch."""
        self.bar.update(epoch.step - self.n_steps_before - self.bar.n)
        losses = {"loss": epoch.imputation_loss, "held_out": epoch.validation_loss}
        self.bar.set_postfix({name: f"{loss:.3f}" for name, loss in losses.items() if not math.isnan(loss)})
        self.tracker.on_epoch(epoch)
        self.last = epoch

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()
        if error is None:
            self.tracker.on_fit_end(self.last.as_dict() if self.last is not None else {})
