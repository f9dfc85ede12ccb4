"""Tune an imputer on a table: trials, finals, and the winner fitted to all of it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState
from sklearn.base import clone

from gain_impute.config import PRESETS
from gain_impute.errors import ConfigError, StudyError
from gain_impute.evaluation.exam import Exam
from gain_impute.frames import to_pandas
from gain_impute.imputer import GAINImputer
from gain_impute.intake import checked_config, resolve_schema
from gain_impute.tracking import MLflowTracker, Runs
from gain_impute.tracking.tracker import fingerprint
from gain_impute.tuning.finals import DEFAULTS, best_trials, choose, run_finals, undecided
from gain_impute.tuning.plots import importances, plot_study
from gain_impute.tuning.registering import check_registration, register_winner
from gain_impute.tuning.space import SearchSpace
from gain_impute.tuning.studies import close_storage, open_storage, open_study, take_up_lost_trials
from gain_impute.tuning.trials import HOPELESS, Journal, Objective

__all__ = ["TuningResult", "tune"]

OBJECTIVES = ("quality", "quality+time")
PARENT = "gain_impute.run"


@dataclass(frozen=True, kw_only=True)
class TuningResult:
    """What came of tuning.

    Attributes
    ----------
    imputer : GAINImputer or None
        Fitted to the whole table with the parameters found; None where `refit` was False.
    params : dict of str to int or float
        What differs from the imputer that was given; empty where the defaults stood their ground.
    trials : DataFrame
        One row per trial of the study: `number`, `state`, `score`, `elapsed_s`, `n_steps`, and its parameters.
    finals : DataFrame of shape (n_seeds, 1 + n_finalists)
        Scores of the defaults and of the best trials on other hidden cells, one row per seed. Empty without finals;
        twice as many rows, and NaN of all but the leader and the defaults in the later ones, where `n_seeds` did not
        decide between these.
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
        told = ", ".join(f"{count} {state}" for state, count in counts.items())
        lines = [f"Study {self.study_name!r}: {len(self.trials)} trials ({told})."]
        n_finals, means = self.finals.count(), self.finals.mean()
        for name in sorted(means.index, key=lambda name: (-n_finals[name], means[name])):
            part = "" if n_finals[name] == len(self.finals) else f" (in {n_finals[name]} of {len(self.finals)} finals)"
            lines.append(f"{name}: {means[name]:.4f}{part}")
        found = ", ".join(f"{name}={value:.4g}" for name, value in self.params.items())
        lines.append(f"Parameters found: {found}." if found else "The defaults stood their ground.")
        lines += [f"The winner is registered as {self.registered}."] * (self.registered is not None)
        return "\n".join(lines)


def tune(
    table: Any,
    *,
    imputer: GAINImputer | None = None,
    space: SearchSpace | None = None,
    n_trials: int | None = 30,
    timeout_s: float | None = None,
    objective: str = "quality",
    pruner: str = "halving",
    n_finalists: int = 3,
    n_seeds: int = 3,
    n_members: int | None = None,
    hide_rate: float = 0.2,
    study_name: str = "tune",
    storage: str | None = None,
    random_state: int = 0,
    refit: bool = True,
    track: bool = False,
    register: str | None = None,
) -> TuningResult:
    """Find hyper-parameters for a table.

    Some known cells are hidden once. Every trial fits what is left and is scored on them: the mean over columns of RMSE
    / standard deviation (numbers, dates) and of the share of wrong answers (categories). The first trials are the
    defaults, and these with each of `PRESETS` that the space holds; Optuna's TPE sampler chooses the others. One of
    its trials whose loss on cells held out of its own training falls behind is given up. The best trials and the
    defaults are then fitted again, with other seeds and other hidden cells, and the best of them is taken if its lead
    over the defaults exceeds the noise of that comparison. The winner has several members, which need no trial: the
    mean of some fits has no more squared error, and no higher Brier score, than these have on average.

    Parameters
    ----------
    table : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
        The table, holes included.
    imputer : GAINImputer, optional
        Unfitted; its parameters are the defaults, and stay where the space does not name them. Its `max_steps` and
        `max_time_s` bound every trial.
    space : SearchSpace, optional
        Where to look; `SearchSpace.default` if not given.
    n_trials : int or None, default=30
        Trials that this call adds to the study. None: until the time is up.
    timeout_s : float or None, default=None
        Seconds after which no further trial begins.
    objective : str, default="quality"
        Or "quality+time": seconds of training are minimised too. Such a study is not pruned.
    pruner : str, default="halving"
        "halving" (asynchronous successive halving), "median" or "none".
    n_finalists : int, default=3
        Trials that are fitted again. 0: the best trial is taken as it is.
    n_seeds : int, default=3
        Times that they are; the leader and the defaults as often again, where its lead is within the noise.
    n_members : int or None, default=None
        Members of the winner. None: as many as the preset "best" has; those of `imputer`, where it has more, its work
        is bounded, or the space tells of members.
    hide_rate : float in (0, 1), default=0.2
        Share of the known cells of each column to hide.
    study_name : str, default="tune"
        Name of the study; one of that name in the storage is gone on with.
    storage : str or None, default=None
        Where the study is kept: ``sqlite:///FILE``, ``postgresql://...`` or the path of a journal file. None: in
        memory.
    random_state : int, default=0
        Seed of hiding, training and sampling.
    refit : bool, default=True
        Whether finals are held and the winner is fitted to the whole table; False for processes that only add trials.
    track : bool, default=False
        Whether the study is kept in MLflow: a run, with one run in it for each trial and fit.
    register : str or None, default=None
        Also register the winner in MLflow, as a new version of the model of this name: its "champion" where there is
        none yet, else its "challenger", which `gain_impute.mlflow_flavor.promote` compares with it. The first three
        rows of the table are kept with it. Needs `track` and `refit`; a server that is lost is a warning.

    Returns
    -------
    TuningResult
        The fitted winner, and how it was found.

    Raises
    ------
    ConfigError
        If a parameter is outside what it may be.
    StudyError
        If the study was made for something else, or no trial of it is complete.
    TableError, SchemaError
        If the table cannot be used.

    References
    ----------
    .. [1] Bergstra et al. (2011), "Algorithms for hyper-parameter optimization", NeurIPS.
    .. [2] Li et al. (2020), "A system for massively parallel hyperparameter tuning", MLSys.

    Examples
    --------
    >>> shop = pd.DataFrame({"kind": ["cup", "pot"] * 40, "price": [4.5, 19.0, 5.0, 21.5] * 20})
    >>> quick = GAINImputer(max_steps=20, random_state=0)
    >>> found = tune(shop, imputer=quick, space=SearchSpace({"d_hidden": [16, 32]}), n_trials=2, n_finalists=0)
    >>> len(found.trials), hasattr(found.imputer, "schema_")
    (2, True)
    """
    if objective not in OBJECTIVES:
        raise ConfigError(f"The 'objective' must be one of {', '.join(OBJECTIVES)}. Got {objective!r} instead.")
    if n_trials is None and timeout_s is None:
        raise ConfigError("Tuning must end: 'n_trials' or 'timeout_s' must be given. Got None for both. Give one.")
    if register is not None:
        check_registration(register, track=track, refit=refit)
    given = GAINImputer() if imputer is None else imputer
    with_time = objective != OBJECTIVES[0]
    tuning = _Tuning(table, given, space, hide_rate, random_state, with_time=with_time)
    kept = open_storage(storage)
    try:
        study = tuning.open(study_name, kept, objective=objective, pruner=pruner)
        journal = tuning.journal(study) if track else Journal()
        goal = Objective(
            imputer=tuning.imputer,
            space=tuning.space,
            exam=tuning.exam(0),
            journal=journal,
            with_time=with_time,
        )
        study.optimize(goal, n_trials=n_trials, timeout=timeout_s, catch=HOPELESS)
        result = tuning.finish(
            study, journal, n_finalists=n_finalists, n_seeds=n_seeds, n_members=n_members, refit=refit
        )
        _tell(journal, study, result)
        if register is not None and result.imputer is not None and journal.runs is not None:
            uri = register_winner(result.imputer, tuning.frame, register, runs=journal.runs, token=tuning.winner)
            result = dataclasses.replace(result, registered=uri)
    finally:
        close_storage(kept)
    return result


class _Tuning:
    """A table and an imputer to be tuned on it."""

    def __init__(
        self,
        table: Any,
        imputer: GAINImputer,
        space: SearchSpace | None,
        hide_rate: float,
        random_state: int,
        *,
        with_time: bool,
    ) -> None:
        checked_config(imputer)
        self.table, self.frame = table, to_pandas(table)
        self.schema = resolve_schema(imputer.schema, imputer.missing_values, table, self.frame)
        is_bounded = imputer.max_steps is not None
        default = SearchSpace.default(self.schema, is_bounded=is_bounded, with_time=with_time)
        self.space = default if space is None else space
        self.space.check(imputer.get_params())
        self.imputer = clone(imputer).set_params(schema=self.schema, random_state=random_state)
        self.hide_rate, self.random_state = hide_rate, random_state
        self.winner = ""  # token of the run of the winner's fit

    @property
    def usual_members(self) -> int:
        """Members of the winner, where nobody says how many."""
        own: int = self.imputer.n_members
        is_bounded = self.imputer.max_steps is not None or self.imputer.max_time_s is not None
        return own if is_bounded or "n_members" in self.space else max(own, PRESETS["best"]["n_members"])

    def exam(self, number: int) -> Exam:
        """Hide cells, others under each number; trials have number 0."""
        seed = int(np.random.SeedSequence([self.random_state, number]).generate_state(1)[0])
        return Exam.set(self.frame, self.schema, rate=self.hide_rate, random_state=seed)

    def open(self, name: str, storage: BaseStorage, *, objective: str, pruner: str) -> optuna.Study:
        """Make or join the study, and take up what killed processes left."""
        params = self.imputer.get_params()
        fixed = {k: v for k, v in params.items() if k not in self.space and isinstance(v, int | float | None)}
        made_for = {
            "table": fingerprint(self.frame),
            "hide_rate": self.hide_rate,
            "objective": objective,
            "space": self.space.to_dict(),
            "params": {k: v for k, v in fixed.items() if v == v and k not in {"n_threads", "verbose"}},  # noqa: PLR0124
        }
        study = open_study(
            storage,
            name,
            made_for=json.loads(json.dumps(made_for)),
            defaults=self.space.defaults(params, len(self.frame)),
            presets=self.space.presets(params, len(self.frame)),
            n_objectives=1 + (objective != OBJECTIVES[0]),
            pruner=pruner,
            seed=self.random_state,
        )
        take_up_lost_trials(study)
        return study

    @staticmethod
    def journal(study: optuna.Study) -> Journal:
        """Begin the study's run in MLflow, or find its token: all processes tell one run."""
        runs = Runs()
        if PARENT not in study.user_attrs:
            run = runs.begin(f"study {study.study_name}", tags={"study": study.study_name})
            study.set_user_attr(PARENT, run.token)
            run.end()
        return Journal(runs, study.user_attrs[PARENT])

    def finish(
        self,
        study: optuna.Study,
        journal: Journal,
        *,
        n_finalists: int,
        n_seeds: int,
        n_members: int | None,
        refit: bool,
    ) -> TuningResult:
        """Hold the finals and fit the winner, if asked to, and put together what came of it."""
        finals, fitted = pd.DataFrame(), None
        params: dict[str, Any] = {}
        if refit:
            finals, params = self.finals(study, n_finalists=n_finalists, n_seeds=n_seeds, journal=journal)
            wanted = params.get("n_members", self.usual_members) if n_members is None else n_members
            if wanted != params.get("n_members", self.imputer.n_members):
                params["n_members"] = wanted
            fitted = self.refit(params, journal)
        return TuningResult(
            imputer=fitted,
            params=params,
            trials=_trials_frame(study),
            finals=finals,
            importances=importances(study),
            study_name=study.study_name,
        )

    def finals(
        self, study: optuna.Study, *, n_finalists: int, n_seeds: int, journal: Journal
    ) -> tuple[pd.DataFrame, dict[str, Any]]:
        """Hold the finals; returns their scores and the parameters of the winner."""
        best = best_trials(study, max(n_finalists, 1))
        if not best:
            raise StudyError(
                f"Study {study.study_name!r} must have a trial that is complete. It has none of "
                f"{len(study.get_trials(deepcopy=False))}. Add trials, or allow them more time and memory."
            )
        if not n_finalists:
            return pd.DataFrame(), dict(best[0].params)
        candidates: dict[str, dict[str, Any]] = {DEFAULTS: {}}
        candidates |= {f"trial {trial.number}": trial.params for trial in best if not _is_default(trial)}

        def held(names: Iterable[str], numbers: Sequence[int]) -> pd.DataFrame:
            taking_part = {name: candidates[name] for name in names}
            exams, seeds = [self.exam(number) for number in numbers], [self.random_state + number for number in numbers]
            return run_finals(self.imputer, taking_part, exams, seeds, journal)

        scores = held(candidates, range(1, n_seeds + 1))
        leader = undecided(scores)
        if leader is not None:
            scores = pd.concat([scores, held((DEFAULTS, leader), range(n_seeds + 1, 2 * n_seeds + 1))])
        return scores, dict(candidates[choose(scores)])

    def refit(self, params: dict[str, Any], journal: Journal) -> GAINImputer:
        """Fit the whole table."""
        winner: GAINImputer = clone(self.imputer).set_params(**params)
        if journal.runs is None:
            return winner.fit(self.table)
        run = journal.runs.begin("winner", parent=journal.parent, tags={"winner": "true"})
        fitted = winner.fit(self.table, tracker=MLflowTracker(runs=journal.runs, run=run))
        run.end()
        self.winner = run.token
        return fitted


def _is_default(trial: FrozenTrial) -> bool:
    return bool(trial.user_attrs.get("defaults", False))


def _trials_frame(study: optuna.Study) -> pd.DataFrame:
    """One row per trial."""
    rows = []
    for trial in study.get_trials(deepcopy=False):
        told = {name: trial.user_attrs.get(name) for name in ("elapsed_s", "n_steps", "worker")}
        score = trial.values[0] if trial.state is TrialState.COMPLETE else math.nan  # else a loss, not a score
        rows.append({"number": trial.number, "state": trial.state.name.lower(), "score": score, **told, **trial.params})
    return pd.DataFrame(rows)


def _tell(journal: Journal, study: optuna.Study, result: TuningResult) -> None:
    """Add what came of it to MLflow, as a run in the study's run."""
    if journal.runs is None:
        return
    run = journal.runs.begin("result", parent=journal.parent, tags={"result": "true"})
    run.log_params(result.params)
    run.log_metrics({f"importance/{name}": share for name, share in result.importances.items()})
    if len(result.finals):
        run.log_metrics({f"final/{name}": score for name, score in result.finals.mean().items()})
        run.log_bytes("finals.csv", result.finals.to_csv().encode())
    run.log_bytes("trials.csv", result.trials.to_csv(index=False).encode())
    for name, picture in plot_study(study).items():
        run.log_bytes(f"plots/{name}.svg", picture)
    run.end()
    journal.runs.flush(wait_s=30.0)
