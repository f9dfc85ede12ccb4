"""The best trials once more, on other cells and with other seeds, against the defaults."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState
from scipy import stats
from sklearn.base import clone

from gain_impute.evaluation.exam import Exam
from gain_impute.imputer import GAINImputer
from gain_impute.tuning.trials import HOPELESS, Journal, TrialWatch, fit_and_score

__all__ = [
    "DEFAULTS",
    "LEVEL",
    "Candidates",
    "Margin",
    "best_trials",
    "choose",
    "measure_margin",
    "run_finals",
    "undecided",
]

DEFAULTS = "defaults"
LEVEL = 0.05  # probability that a candidate no better than the defaults is taken, were it alone and looked at once
Candidates = Mapping[str, Mapping[str, Any]]


def best_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The completed trials (of two objectives: on the front), the best first, each set of parameters once."""
    is_front = len(study.directions) > 1
    trials = study.best_trials if is_front else study.get_trials(states=[TrialState.COMPLETE])
    ordered = sorted(trials, key=lambda trial: (trial.values[0], trial.number))
    distinct = {tuple(sorted(trial.params.items())): trial for trial in reversed(ordered)}
    return sorted(distinct.values(), key=lambda trial: (trial.values[0], trial.number))


def run_finals(
    imputer: GAINImputer, candidates: Candidates, exams: Sequence[Exam], seeds: Sequence[int], journal: Journal
) -> pd.DataFrame:
    """Fit every candidate to every exam.

    Parameters
    ----------
    imputer : GAINImputer
        Unfitted; what a candidate does not name stays as it is.
    candidates : mapping of str to dict
        Parameters, by a name.
    exams : sequence of Exam
        Each hides other cells.
    seeds : sequence of int
        One per exam.
    journal : Journal
        Where fits are told.

    Returns
    -------
    DataFrame of shape (n_exams, n_candidates)
        Scores; infinite where a candidate diverged or ran out of memory.
    """
    scores = pd.DataFrame(np.inf, index=pd.Index(seeds, name="seed"), columns=list(candidates))
    counter = itertools.count(1)
    for (i, exam), seed in zip(enumerate(exams), seeds, strict=True):
        for j, (name, params) in enumerate(candidates.items()):
            run = journal.begin(f"final {name}, seed {seed}", {"final": name})
            score, status = np.inf, "KILLED"
            try:
                seeded = clone(imputer).set_params(random_state=seed, **params)
                score = fit_and_score(seeded, exam, TrialWatch(journal.tracker(run), None)).score
                status = "FINISHED"
            except HOPELESS:
                status = "FAILED"
            finally:
                if run is not None:
                    run.log_metrics({"trial/score": score})
                    run.end(status)
            scores.iloc[i, j] = score
            told = f"{score:.4f}" if status == "FINISHED" else "failed"
            journal.report(f"[{next(counter)}/{scores.size}] final with seed {seed}, {name}: {told}")
    return scores


def choose(scores: pd.DataFrame) -> str:
    """Take the candidate with the best mean, if it beats the defaults by more than the noise of that comparison.

    That is a one-sided t-test at the level of 0.05: noise is estimated from the paired differences of all candidates,
    one per seed, together. With one seed there is no telling, and any lead counts; so it does where the defaults
    themselves failed.

    Examples
    --------
    >>> choose(pd.DataFrame({"defaults": [0.50, 0.60, 0.55], "trial 3": [0.45, 0.56, 0.49]}))
    'trial 3'
    >>> choose(pd.DataFrame({"defaults": [0.50, 0.60, 0.55], "trial 3": [0.45, 0.65, 0.54]}))
    'defaults'
    """
    margin = measure_margin(scores)
    return margin.leader if margin.lead > margin.noise else DEFAULTS


@dataclass(frozen=True)
class Margin:
    """How far the best candidate, the `leader`, is ahead of the defaults: its mean `lead`, and the `noise` of that."""

    leader: str
    lead: float
    noise: float


def measure_margin(scores: pd.DataFrame) -> Margin:
    """Compare the candidate with the best mean with the defaults.

    Parameters
    ----------
    scores : DataFrame of shape (n_exams, n_candidates)
        Of `run_finals`.

    Returns
    -------
    Margin
        Both 0 where the defaults lead; the lead is infinite where they failed, the noise 0 where one seed tells none.
    """
    best = _leader(scores)
    if best == DEFAULTS:
        return Margin(best, 0.0, 0.0)
    if not np.isfinite(scores[DEFAULTS]).all():
        return Margin(best, np.inf, 0.0)
    others = [name for name in scores if name != DEFAULTS and not np.isinf(scores[name]).any()]
    leads = scores[others].rsub(scores[DEFAULTS], axis=0)
    n_further = leads.count() - 1  # differences of each candidate that tell of noise
    noise = 0.0
    if n_further.sum() > 0:
        variance = float((leads.var() * n_further).sum() / n_further.sum())
        noise = float(stats.t.ppf(1 - LEVEL, n_further.sum())) * (variance / len(leads)) ** 0.5
    return Margin(best, float(leads[best].mean()), noise)


def undecided(scores: pd.DataFrame) -> str | None:
    """Name the candidate that leads, but not beyond noise, so that more seeds may tell; None where there is none.

    Examples
    --------
    >>> undecided(pd.DataFrame({"defaults": [0.50, 0.60, 0.55], "trial 3": [0.45, 0.65, 0.54]}))
    'trial 3'
    >>> undecided(pd.DataFrame({"defaults": [0.50, 0.60, 0.55], "trial 3": [0.45, 0.56, 0.49]}))
    """
    best = _leader(scores)
    return best if choose(scores) == DEFAULTS != best else None


def _leader(scores: pd.DataFrame) -> str:
    """Which of the candidates that took part in all exams, and failed in none, has the best mean."""
    sound = scores[[name for name in scores if np.isfinite(scores[name]).all()]]
    return DEFAULTS if sound.empty else str(sound.mean().idxmin())
