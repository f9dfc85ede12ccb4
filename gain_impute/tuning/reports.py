"""What a study says while it works: one line as each trial ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import optuna
from optuna.trial import FrozenTrial, TrialState

__all__ = ["Report", "TrialReports", "keep_silent"]

Report = Callable[[str], None]
"""Takes what is said, one line at a time."""


def keep_silent(_: str) -> None:
    """Say nothing."""


class TrialReports:
    """Says of each trial of this process how it ended; Optuna calls it then.

    Parameters
    ----------
    report : callable
        Takes each line.
    n_trials : int or None
        How many this process makes; None where only time ends it.
    """

    def __init__(self, report: Report, n_trials: int | None) -> None:
        self.report = report
        self.of_all = "" if n_trials is None else f"/{n_trials}"
        self.counter = itertools.count(1)

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Say how a trial ended, called by its number in the study."""
        kind = "the defaults" if trial.user_attrs.get("defaults") else trial.user_attrs.get("preset")
        name = f"trial {trial.number}" + (f" ({kind})" if kind else "")
        self.report(f"[{next(self.counter)}{self.of_all}] {name}: {_ending(study, trial)}")


def _ending(study: optuna.Study, trial: FrozenTrial) -> str:
    """What came of a trial, beside the best of the study."""
    n_steps = trial.user_attrs.get("n_steps", 0)
    if trial.state is TrialState.PRUNED:
        return f"given up after {n_steps:,} steps"
    if trial.state is not TrialState.COMPLETE:
        return f"failed after {n_steps:,} steps ({trial.user_attrs.get('failed_with', 'its score is no number')})"
    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    time = f" in {trial.values[1]:.1f} s" if len(trial.values) > 1 else ""
    return f"{trial.values[0]:.4f}{time} (best {min(other.values[0] for other in complete):.4f})"
