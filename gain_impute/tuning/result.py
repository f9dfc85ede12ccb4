"""What came of tuning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
import pandas as pd
from optuna.trial import TrialState

from gain_impute.imputer import GAINImputer
from gain_impute.tuning.finals import DEFAULTS, LEVEL, choose, measure_margin

__all__ = ["TuningResult", "listed", "trials_frame"]

ENDINGS = {"pruned": "given up", "fail": "failed"}
"""What Optuna's states are called, where their name does not say it."""


@dataclass(frozen=True, kw_only=True)
class TuningResult:
    """What came of tuning.

    Attributes
    ----------
    imputer : GAINImputer or None
        Fitted to the whole table with the parameters found; None where `refit` was False.
    params : dict of str to any
        What differs from the imputer that was given: `variants` of the winner's members that are trials, or
        parameters of all its members; where the defaults stood their ground, `n_members` at most.
    trials : DataFrame
        One row per trial of the study: `number`, `state`, `score`, `elapsed_s`, `n_steps`, and its parameters.
    finals : DataFrame of shape (n_seeds, n_candidates)
        Scores on other hidden cells, one row per seed, of the defaults and of what may become the winner in their
        place, called by the trials that are in it. Empty without finals; twice as many rows, and NaN of all but the
        leader and the defaults in the later ones, where `n_seeds` did not decide.
    importances : dict of str to float
        How much of the differences between scores each hyper-parameter explains.
    study_name : str
        Name of the study.
    registered : str or None
        URI of the winner as a registered model; None where it is not registered.
    """

    imputer: GAINImputer | None
    params: dict[str, Any]
    trials: pd.DataFrame
    finals: pd.DataFrame
    importances: dict[str, float]
    study_name: str
    registered: str | None = None

    def summary(self) -> str:
        """Say in a few lines what came of it.

        Returns
        -------
        str
            For a terminal.
        """
        counts = self.trials["state"].value_counts()
        told = ", ".join(f"{count} {ENDINGS.get(str(state), state)}" for state, count in counts.items())
        lines = [f"Study {self.study_name!r}: {len(self.trials)} trials ({told})."]
        if len(self.finals):
            lines += self._finals()
        elif self.imputer is not None:
            lines.append("No finals were held: the best trial is taken as it is.")
        lines += self._verdict()
        lines += [f"The winner is registered as {self.registered}."] * (self.registered is not None)
        return "\n".join(lines)

    def _finals(self) -> list[str]:
        """How the candidates did in the finals, and why which of them won."""
        n_all, n_finals, means = len(self.finals), self.finals.count(), self.finals.mean()
        lines = [
            f"Mean score of {'one final' if n_all == 1 else f'{n_all} finals'} on other hidden cells, lower is better:"
        ]
        for name in sorted(means.index, key=lambda name: (-n_finals[name], means[name])):
            part = "" if n_finals[name] == n_all else f" (in {n_finals[name]} of {n_all} finals)"
            lines.append(f"{name}: {f'{means[name]:.4f}' if math.isfinite(means[name]) else 'failed'}{part}")
        return [*lines, self._reason()]

    def _reason(self) -> str:
        """Why the finals chose as they did."""
        margin, is_taken = measure_margin(self.finals), choose(self.finals) != DEFAULTS
        if margin.leader == DEFAULTS:
            return "Nothing leads the defaults."
        if math.isinf(margin.lead):
            return f"The defaults failed: {margin.leader} takes their place."
        lead = f"The lead of {margin.leader} is {margin.lead:.4f}"
        if len(self.finals) == 1:
            return f"{lead}, in a single final, which tells of no noise: it is taken."
        test = f"the noise of a paired t-test at the level of {LEVEL}, which is {margin.noise:.4f}"
        return f"{lead}, beyond {test}: it is taken." if is_taken else f"{lead}, within {test}: the defaults stay."

    def _verdict(self) -> list[str]:
        """What was found."""
        if self.imputer is None:
            return ["No winner was chosen: this only added trials."]
        variants = self.params.get("variants") or ()
        found = listed({name: value for name, value in self.params.items() if name not in {"n_members", "variants"}})
        n_members = self.params.get("n_members")
        verdict = f"Parameters found: {found}" if found else "The defaults stood their ground"
        if variants:
            own = (found or "the defaults") + (f" (of {n_members} members)" if n_members else "")
            return ["Members with these parameters:", *(f"- {of}" for of in (own, *(listed(v) for v in variants)))]
        return [verdict + (f", with {n_members} members." if n_members else ".")]


def listed(params: Mapping[str, Any]) -> str:
    """Write parameters as a reader sees them.

    Parameters
    ----------
    params : mapping of str to float or None
        By name.

    Returns
    -------
    str
        Such as "effort=1.25, dropout=None".
    """
    shown = {name: f"{value:.4g}" if isinstance(value, int | float) else value for name, value in params.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


def trials_frame(study: optuna.Study) -> pd.DataFrame:
    """List the trials of a study.

    Parameters
    ----------
    study : optuna.Study
        Of any number of trials.

    Returns
    -------
    DataFrame
        One row per trial, as `TuningResult.trials` has it.
    """
    rows = []
    for trial in study.get_trials(deepcopy=False):
        told = {name: trial.user_attrs.get(name) for name in ("elapsed_s", "n_steps", "worker")}
        score = trial.values[0] if trial.state is TrialState.COMPLETE else math.nan  # else a loss, not a score
        rows.append({"number": trial.number, "state": trial.state.name.lower(), "score": score, **told, **trial.params})
    return pd.DataFrame(rows)
