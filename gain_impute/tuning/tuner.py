"""Tune an imputer on a table: trials, finals, and the winner fitted to all of it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from sklearn.base import clone

from gain_impute.config import PRESETS, SHARED, GAINConfig, check_range
from gain_impute.errors import ConfigError, StudyError
from gain_impute.evaluation.exam import Exam
from gain_impute.fingerprint import fingerprint, schema_fingerprint
from gain_impute.imputer import GAINImputer
from gain_impute.intake import read_table, resolve_schema
from gain_impute.parameters import check_count, checked_configs
from gain_impute.tracking import Runs
from gain_impute.tuning.finals import DEFAULTS, Candidates, best_trials, choose, run_finals, undecided
from gain_impute.tuning.plots import importances, plot_study
from gain_impute.tuning.registering import check_registration, register_winner
from gain_impute.tuning.reports import Report, TrialReports, keep_silent
from gain_impute.tuning.result import TuningResult, trials_frame
from gain_impute.tuning.space import SearchSpace
from gain_impute.tuning.studies import RUN_TOKEN, close_storage, open_storage, open_study, take_up_lost_trials
from gain_impute.tuning.trials import HOPELESS, Journal, Objective
from gain_impute.tuning.winner import fit_winner

__all__ = ["TuningResult", "tune"]

UNTOLD = {"n_threads", "verbose", "variants"}  # of a study's trials they say nothing
OBJECTIVES = ("quality", "quality+time")


def tune(
    table: Any,
    *,
    imputer: GAINImputer | None = None,
    space: SearchSpace | Mapping[str, Any] | None = None,
    n_trials: int | None = 30,
    timeout_s: float | None = None,
    objective: str = "quality",
    pruner: str = "halving",
    n_finalists: int = 3,
    n_seeds: int = 3,
    n_members: int | None = None,
    hide_rate: float = 0.2,
    study_name: str = "tune",
    storage: str | os.PathLike[str] | None = None,
    random_state: int = 0,
    refit: bool = True,
    track: bool = False,
    register: str | None = None,
    report: Report | None = None,
) -> TuningResult:
    """Find hyper-parameters for a table.

    Some known cells are hidden once. Every trial fits what is left and is scored on them: the mean over columns of RMSE
    / standard deviation (numbers, dates) and of the share of wrong answers (categories). The first trials are the
    defaults, and these with each of `PRESETS` that the space holds; Optuna's TPE sampler chooses the others. One of
    its trials whose loss on cells held out of its own training falls behind is given up.

    The winner has several members, whose word is averaged: all of them the defaults, or the defaults and the best
    trials, where such a winner leads in finals, which are fits with other seeds and other hidden cells. A winner of one
    member, or of members that have to be alike, is the defaults or a single trial. A lead counts if it exceeds the
    noise of the finals.

    Parameters
    ----------
    table : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
        The table, holes included.
    imputer : GAINImputer, optional
        Unfitted; its parameters are the defaults, and stay where the space does not name them. Its `max_steps` and
        `max_time_s` bound every trial.
    space : SearchSpace or mapping, optional
        Where to look, or what `SearchSpace` makes one of; `SearchSpace.default` if not given, without what the imputer
        has beyond its range.
    n_trials : int or None, default=30
        Trials that this call adds to the study. None: until the time is up.
    timeout_s : float or None, default=None
        Seconds after which no further trial begins.
    objective : str, default="quality"
        Or "quality+time": seconds of training are minimised too. Such a study is not pruned.
    pruner : str, default="halving"
        "halving" (asynchronous successive halving), "median" or "none".
    n_finalists : int, default=3
        Trials that take part in the finals; those that are members beside the defaults are one fewer than the
        winner's members at most. 0: the best trial is taken as it is.
    n_seeds : int, default=3
        Finals. The leader and the defaults have as many again, where its lead is within the noise.
    n_members : int or None, default=None
        Members of the winner. None: as many as the preset "best" has; those of `imputer`, variants included, where it
        has more, its work is bounded, or time is minimised. Trials have one. A space that tells of members has them in
        its trials, and this must not be given. Where a space holds one of `SHARED`, members are alike.
    hide_rate : float in (0, 1), default=0.2
        Share of the known cells of each column to hide.
    study_name : str, default="tune"
        Name of the study; one of that name in the storage is gone on with.
    storage : str, path or None, default=None
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
    report : callable or None, default=None
        Takes one line of text as each trial and each final ends, such as `print`. None: nothing is said.

    Returns
    -------
    TuningResult
        The fitted winner, and how it was found.

    Raises
    ------
    ConfigError
        If a parameter is outside what it may be.
    StudyError
        If the study was made for something else, no trial of it is complete, or its winner cannot be fitted.
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
    _check_end(n_trials, timeout_s)
    for name, value, least in (
        ("n_finalists", n_finalists, 0),
        ("n_seeds", n_seeds, 1),
        ("random_state", random_state, 0),
    ):
        check_count(name, value, least=least, of="tune")
    if register is not None:
        check_registration(register, track=track, refit=refit)
    given = GAINImputer() if imputer is None else imputer
    with_time = objective != OBJECTIVES[0]
    tuning = _Tuning(table, given, space, hide_rate, random_state, with_time=with_time, n_members=n_members)
    exam = tuning.exam(0)
    kept = open_storage(None if storage is None else os.fspath(storage))
    try:
        study = tuning.open(study_name, kept, objective=objective, pruner=pruner)
        journal = tuning.journal(study, track=track, report=report or keep_silent)
        goal = Objective(imputer=tuning.imputer, space=tuning.space, exam=exam, journal=journal, with_time=with_time)
        told = [TrialReports(journal.report, n_trials)]
        study.optimize(goal, n_trials=n_trials, timeout=timeout_s, catch=HOPELESS, callbacks=told)
        result = tuning.finish(study, journal, n_finalists=n_finalists, n_seeds=n_seeds, refit=refit)
        is_sent = _tell(journal, study, result)
        return tuning.registered(result, journal, register, is_sent=is_sent)
    finally:
        close_storage(kept)


class _Tuning:
    """A table and an imputer to be tuned on it."""

    def __init__(
        self,
        table: Any,
        imputer: GAINImputer,
        space: SearchSpace | Mapping[str, Any] | None,
        hide_rate: float,
        random_state: int,
        *,
        with_time: bool,
        n_members: int | None,
    ) -> None:
        if not isinstance(imputer, GAINImputer):
            raise ConfigError(
                f"The 'imputer' to be tuned must be a GAINImputer. Got a {type(imputer).__name__} instead."
            )
        checked_configs(imputer)
        self.table, self.frame = read_table(clone(imputer), table, reset=True, to_learn=True)
        self.schema = resolve_schema(imputer.schema, imputer.missing_values, self.table, self.frame)
        self.given = clone(imputer).set_params(schema=self.schema, random_state=random_state)
        self.space = self._space(space, with_time=with_time and n_members is None)
        if n_members is not None:
            check_range(GAINConfig.__dataclass_fields__["n_members"], n_members)
            if "n_members" in self.space:
                raise ConfigError(
                    "The members of the winner must be given or searched. Got 'n_members' for both, as "
                    f"{n_members!r} and in the space. Leave one out."
                )
        self.imputer = clone(self.given).set_params(min_confidence=None)  # of trials and finals: all cells are compared
        self.n_members = self.given.n_members  # of the winner
        if "n_members" not in self.space:
            self.imputer.set_params(n_members=1, variants=None)
            self.n_members = self._usual_members(with_time=with_time) if n_members is None else n_members
        self.hide_rate, self.random_state = hide_rate, random_state
        self.winner = ""  # token of the run of the winner's fit

    def _space(self, space: SearchSpace | Mapping[str, Any] | None, *, with_time: bool) -> SearchSpace:
        """Where to look."""
        params = self.given.get_params()
        if space is None:
            is_bounded = self.given.max_steps is not None
            space = SearchSpace.default(self.schema, is_bounded=is_bounded, with_time=with_time, params=params)
        elif not isinstance(space, SearchSpace):
            space = SearchSpace(space)
        space.check(params)
        return space

    def _usual_members(self, *, with_time: bool) -> int:
        """Members of the winner, where nobody says how many."""
        own: int = self.given.n_members + len(self.given.variants or ())
        is_bounded = self.given.max_steps is not None or self.given.max_time_s is not None
        return own if is_bounded or with_time else max(own, PRESETS["best"]["n_members"])

    @property
    def alike(self) -> dict[str, Any]:
        """Parameters of a winner in which nothing is of the study."""
        if "n_members" in self.space:
            return {}
        variants = list(self.given.variants or ())[: self.n_members - 1]
        return {"n_members": self.n_members - len(variants), "variants": variants or None}

    def mixed(self, finalists: Candidates) -> dict[str, dict[str, Any]]:
        """The one winner that has the defaults and trials for members, called by these."""
        beside = dict(itertools.islice(finalists.items(), self.n_members - 1))
        name = f"{DEFAULTS} with {' and '.join(beside)}"
        return {name: {"n_members": self.n_members - len(beside), "variants": list(beside.values())}}

    @property
    def is_mixed(self) -> bool:
        """Whether trials may be members of the winner beside others."""
        return self.n_members > self.imputer.n_members and not set(SHARED) & set(self.space)

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
            "schema": schema_fingerprint(self.schema),
            "hide_rate": self.hide_rate,
            "objective": objective,
            "space": self.space.to_dict(),
            "params": {k: v for k, v in fixed.items() if v == v and k not in UNTOLD},  # noqa: PLR0124
        }
        defaults, presets = (of(params, len(self.frame)) for of in (self.space.defaults, self.space.presets))
        told = {"defaults": True} if set(defaults) == set(self.space) else {}  # else the sampler chooses the others
        study = open_study(
            storage,
            name,
            made_for=json.loads(json.dumps(made_for)),
            first=[(defaults, told), *((values, {"preset": preset}) for preset, values in presets.items())],
            n_objectives=1 + (objective != OBJECTIVES[0]),
            pruner=pruner,
            seed=self.random_state,
        )
        take_up_lost_trials(study)
        return study

    @staticmethod
    def journal(study: optuna.Study, *, track: bool, report: Report) -> Journal:
        """Begin the study's run in MLflow, if it is tracked: all processes tell one run."""
        if not track:
            return Journal(report=report)
        runs, token = Runs(), study.user_attrs[RUN_TOKEN]
        runs.begin(f"study {study.study_name}", tags={"study": study.study_name}, token=token).end()
        return Journal(runs, token, report)

    def finish(
        self,
        study: optuna.Study,
        journal: Journal,
        *,
        n_finalists: int,
        n_seeds: int,
        refit: bool,
    ) -> TuningResult:
        """Hold the finals and fit the winner, if asked to, and put together what came of it."""
        finals, fitted = pd.DataFrame(), None
        params: dict[str, Any] = {}
        if refit:
            finals, params = self.finals(study, n_finalists=n_finalists, n_seeds=n_seeds, journal=journal)
            journal.report("The winner is fitted to the whole table.")
            fitted, self.winner = fit_winner(self.given, params, self.table, journal)
            params = {name: fitted.get_params()[name] for name in params}
            params = {name: value for name, value in params.items() if value != self.given.get_params()[name]}
        return TuningResult(
            imputer=fitted,
            params=params,
            trials=trials_frame(study),
            finals=finals,
            importances=importances(study),
            study_name=study.study_name,
        )

    def registered(self, result: TuningResult, journal: Journal, name: str | None, *, is_sent: bool) -> TuningResult:
        """Register the winner, if it is to have a name, and say where it is."""
        if name is None or result.imputer is None or journal.runs is None:
            return result
        uri = register_winner(result.imputer, self.frame, name, runs=journal.runs, token=self.winner, is_sent=is_sent)
        return dataclasses.replace(result, registered=uri)

    def finals(
        self, study: optuna.Study, *, n_finalists: int, n_seeds: int, journal: Journal
    ) -> tuple[pd.DataFrame, dict[str, Any]]:
        """Hold the finals of whatever may become the winner; returns their scores, and the winner's parameters."""
        best = best_trials(study)
        if not best:
            raise StudyError(
                f"Study {study.study_name!r} must have a trial that is complete. It has none of "
                f"{len(study.get_trials(deepcopy=False))}. Add trials, or allow them more time and memory."
            )
        if not n_finalists:
            return pd.DataFrame(), self.alike | best[0].params
        finalists = {f"trial {t.number}": t.params for t in best if not _is_default(t)}
        finalists = dict(itertools.islice(finalists.items(), n_finalists))

        def held(candidates: Candidates, *, again: bool = False) -> pd.DataFrame:
            numbers = [number + n_seeds * again for number in range(1, n_seeds + 1)]
            exams, seeds = [self.exam(number) for number in numbers], [self.random_state + number for number in numbers]
            return run_finals(self.imputer, candidates, exams, seeds, journal)

        defaults = {DEFAULTS: self.alike}
        single = defaults | {name: self.alike | params for name, params in finalists.items()}
        candidates = defaults | self.mixed(finalists) if self.is_mixed and finalists else single
        scores = held(candidates)
        if candidates is not single and not np.isfinite(scores[DEFAULTS]).all():  # nor can they be members, then
            candidates, scores = single, held(single)
        first = undecided(scores)
        if first is not None:
            journal.report(f"The lead of {first} is within the noise: finals with other seeds.")
            scores = pd.concat([scores, held({name: candidates[name] for name in (DEFAULTS, first)}, again=True)])
        return scores, dict(candidates[choose(scores)])


def _check_end(n_trials: int | None, timeout_s: float | None) -> None:
    """Raise ConfigError unless tuning ends."""
    if n_trials is None and timeout_s is None:
        raise ConfigError("Tuning must end: 'n_trials' or 'timeout_s' must be given. Got None for both. Give one.")
    if n_trials is not None:
        check_count("n_trials", n_trials, least=0, of="tune")
    if timeout_s is not None and not timeout_s >= 0:  # NaN is not, either
        raise ConfigError(f"The 'timeout_s' must be a number of seconds, 0 or more. Got {timeout_s!r} instead.")


def _is_default(trial: FrozenTrial) -> bool:
    return bool(trial.user_attrs.get("defaults", False))


def _tell(journal: Journal, study: optuna.Study, result: TuningResult) -> bool:
    """Add what came of it to MLflow, as a run in the study's run; returns whether all of the study is there."""
    if journal.runs is None:
        return False
    run = journal.runs.begin("result", parent=journal.parent, tags={"result": "true"})
    run.log_params(result.params)
    run.log_metrics({f"importance/{name}": share for name, share in result.importances.items()})
    if len(result.finals):
        run.log_metrics({f"final/{name}": score for name, score in result.finals.mean().items()})
        run.log_bytes("final.csv", result.finals.to_csv().encode())
    run.log_bytes("trials.csv", result.trials.to_csv(index=False).encode())
    for name, picture in plot_study(study).items():
        run.log_bytes(f"plots/{name}.svg", picture)
    run.end()
    return journal.runs.flush(wait_s=30.0)
