"""What tuning gains: the defaults and what a study finds, on cells that the study never saw.

Run as ``python -m benchmarks.tuning_gain -o results.jsonl --studies studies/``. In full, four tables and five seeds of
30 trials each, it takes hours on one core, so it can be stopped at any time: results that are in the file are not
computed again, and a study that was begun is gone on with. That is also why 2,000 rows of a table are taken, by chance.

For each table and seed a fifth of the known cells is hidden first. A study tunes on what is visible; then the defaults
and the parameters found are fitted to what is visible, with the same seed, and scored on the hidden cells: the mean
over columns of RMSE / standard deviation (numbers, dates) and of the share of wrong answers (categories). Steps of the
studies are counted, with ``--pruner none`` those without pruning.

``--against 100`` goes on with each study to 100 trials, and compares what these find with what the first 30 found.
"""

from __future__ import annotations

import argparse
import json
import warnings
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

import benchmarks.tables
from gain_impute import GAINImputer
from gain_impute.benchmark import find_table
from gain_impute.errors import GainImputeWarning
from gain_impute.evaluation.exam import Exam, paired_lead
from gain_impute.tuning import TuningResult, tune

__all__ = ["Outcome", "first_trials", "journal_storage", "main", "measure", "summarise"]

TABLES = ("laptops", "gsmarena", "bigmart", "spam")
NEVER_SEEN = 1_000  # offset of the seeds by which cells are hidden from the study
WANTED_GAIN = 0.02
MAX_ROWS = 2_000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one study came to.

    Attributes
    ----------
    table, seed, n_trials, max_steps, max_rows, pruner : str and int
        What was run; `max_steps` is None where it follows from the table's size.
    default_score, tuned_score : float
        On the cells that the study never saw; lower is better.
    lower, upper : float
        90 % interval of the lead of the tuned imputer, by a bootstrap over rows.
    params : dict
        What was found; empty where the defaults stood their ground.
    n_steps, n_steps_unpruned : int
        Training steps of all trials, and what they would have been had each had as many as the longest.
    trials_s : float
        Seconds of all trials together, finals not counted.
    n_against : int or None
        Trials of the longer study, which went on from this one; the following are None where there was none.
    against_score, against_lower, against_upper : float or None
        Its score on the same cells, and the 90 % interval of its lead over `tuned_score`.
    against_params : dict or None
        What it found.
    """

    table: str
    seed: int
    n_trials: int
    max_steps: int | None
    max_rows: int
    pruner: str
    default_score: float
    tuned_score: float
    lower: float
    upper: float
    params: dict[str, Any]
    n_steps: int
    n_steps_unpruned: int
    trials_s: float
    n_against: int | None = None
    against_score: float | None = None
    against_lower: float | None = None
    against_upper: float | None = None
    against_params: dict[str, Any] | None = None

    @property
    def key(self) -> tuple[str, int, int, int | None, int | None, int, str]:
        """What makes it the same measurement."""
        return self.table, self.seed, self.n_trials, self.n_against, self.max_steps, self.max_rows, self.pruner


def measure(
    name: str,
    seed: int,
    *,
    n_trials: int,
    n_against: int | None = None,
    max_steps: int | None,
    max_rows: int,
    pruner: str,
    studies: Path,
) -> Outcome:
    """Tune on what is visible of a table, and compare with the defaults on what is not.

    Parameters
    ----------
    name : str
        What the table is called.
    seed : int
        What all randomness follows from.
    n_trials : int
        Trials that the study has in the end, with those that it has already.
    n_against : int, optional
        Trials to which the study then goes on, to see what more of them find.
    max_steps : int or None
        Bound of every fit.
    max_rows : int
        Rows of the table, taken by chance.
    pruner : str
        Of `tune`.
    studies : Path
        Where the journals of the studies are.

    Returns
    -------
    Outcome
        The scores.
    """
    whole = find_table(name)
    table = whole.frame.sample(min(max_rows, len(whole.frame)), random_state=0).reset_index(drop=True)
    unseen = Exam.set(table, whole.schema, random_state=NEVER_SEEN + seed)
    imputer = GAINImputer(schema=unseen.schema, max_steps=max_steps, random_state=seed)
    study_name = f"{name}-{seed}-{pruner}-{max_steps}-{max_rows}"
    journal = studies / f"{study_name}.log"

    def found(n_wanted: int) -> TuningResult:
        """What a study of so many trials finds, though it has been gone on with."""
        n_done = len(_done(study_name, journal))
        return tune(
            unseen.visible,
            imputer=imputer,
            n_trials=max(n_wanted - n_done, 0),
            pruner=pruner,
            study_name=study_name,
            storage=str(journal if n_done <= n_wanted else first_trials(study_name, journal, n_wanted)),
            random_state=seed,
        )

    def losses(result: TuningResult) -> pd.DataFrame:
        return default if result.imputer is None else unseen.losses(result.imputer.transform(unseen.visible))

    result = found(n_trials)
    trials_s = _seconds(_done(study_name, journal)[:n_trials])
    default = unseen.losses(GAINImputer(**imputer.get_params()).fit(unseen.visible).transform(unseen.visible))
    tuned = losses(result)
    lead = paired_lead(default, tuned)
    steps = result.trials["n_steps"].fillna(0)
    outcome = Outcome(
        table=name,
        seed=seed,
        n_trials=n_trials,
        max_steps=max_steps,
        max_rows=max_rows,
        pruner=pruner,
        default_score=lead.first,
        tuned_score=lead.second,
        lower=lead.lower,
        upper=lead.upper,
        params=result.params,
        n_steps=int(steps.sum()),
        n_steps_unpruned=int(steps.max() * len(steps)),
        trials_s=trials_s,
    )
    if n_against is None:
        return outcome
    longer = found(n_against)
    further = paired_lead(tuned, losses(longer))
    return replace(
        outcome,
        n_against=n_against,
        against_score=further.second,
        against_lower=further.lower,
        against_upper=further.upper,
        against_params=longer.params,
    )


def summarise(outcomes: list[Outcome]) -> pd.DataFrame:
    """Put the seeds of each table together.

    Parameters
    ----------
    outcomes : list of Outcome
        Of any tables and seeds.

    Returns
    -------
    DataFrame
        One row per table and pruner: seeds, mean scores, mean gain (share of the default's score) with its standard
        error over seeds, that of the longer study, seconds of a study, and the share of steps that pruning saved.
    """
    frame = pd.DataFrame([asdict(outcome) for outcome in outcomes])
    frame["gain"] = 1 - frame["tuned_score"] / frame["default_score"]
    frame["gain_against"] = 1 - frame["against_score"].astype(float) / frame["default_score"]
    of_tables = frame.groupby(["table", "pruner"], sort=False)
    return pd.DataFrame(
        {
            "n_seeds": of_tables.size(),
            "default": of_tables["default_score"].mean(),
            "tuned": of_tables["tuned_score"].mean(),
            "gain": of_tables["gain"].mean(),
            "gain_error": of_tables["gain"].sem(),
            "gain_against": of_tables["gain_against"].mean(),
            "seconds": of_tables["trials_s"].mean(),
            "steps_saved": 1 - of_tables["n_steps"].sum() / of_tables["n_steps_unpruned"].sum(),
        }
    )


def main() -> None:
    """Measure what is not in the results yet, and print what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True, help="results, one JSON object a line")
    parser.add_argument("--studies", type=Path, required=True, help="folder of the studies' journals")
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--against", type=int, default=None, help="trials of a longer study to compare with")
    parser.add_argument("--max-steps", type=int, default=None, help="bound of every fit, for a quick look")
    parser.add_argument("--max-rows", type=int, default=MAX_ROWS, help="rows of a table, taken by chance")
    parser.add_argument("--pruner", default="halving")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", GainImputeWarning)
    if not benchmarks.tables.data_folder().is_dir():
        parser.error(f"there must be a folder of tables, but '{benchmarks.tables.data_folder()}' is none")
    outcomes = _read(options.output)
    for name in options.tables:
        for seed in options.seeds:
            key = name, seed, options.trials, options.against, options.max_steps, options.max_rows, options.pruner
            if key in {outcome.key for outcome in outcomes}:
                continue
            outcome = measure(
                name,
                seed,
                n_trials=options.trials,
                n_against=options.against,
                max_steps=options.max_steps,
                max_rows=options.max_rows,
                pruner=options.pruner,
                studies=options.studies,
            )
            outcomes.append(outcome)
            with options.output.open("a", encoding="utf-8") as results:
                results.write(json.dumps(asdict(outcome)) + "\n")
    summary = summarise(outcomes)
    print(summary.round(4).to_string())
    print(f"mean gain over tables: {summary['gain'].mean():.2%} (wanted: {WANTED_GAIN:.0%})")


def _read(path: Path) -> list[Outcome]:
    """What has been measured already."""
    if not path.exists():
        return []
    return [Outcome(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _done(name: str, journal: Path) -> list[FrozenTrial]:
    """Trials that a study has already."""
    if not journal.exists():
        return []
    done = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    return optuna.load_study(study_name=name, storage=journal_storage(journal)).get_trials(states=done)


def journal_storage(journal: Path) -> optuna.storages.JournalStorage:
    """The storage of a journal file."""
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))


def _seconds(trials: list[FrozenTrial]) -> float:
    """How long trials took; those of a process that was killed are not known to the second, and left out."""
    whole = [trial.duration for trial in trials if trial.state is not TrialState.FAIL]
    return sum((duration or timedelta()).total_seconds() for duration in whole)


def first_trials(name: str, journal: Path, n_trials: int) -> Path:
    """A study of the first trials of another, in a journal beside its own."""
    first = journal.with_name(f"{journal.stem}-first-{n_trials}.log")
    if not first.exists():
        begun = first.with_suffix(".part")
        begun.unlink(missing_ok=True)
        study = optuna.load_study(study_name=name, storage=journal_storage(journal))
        head = optuna.create_study(study_name=name, storage=journal_storage(begun), directions=study.directions)
        for key, value in study.user_attrs.items():
            head.set_user_attr(key, value)
        head.add_trials(_done(name, journal)[:n_trials])
        begun.rename(first)
    return first


if __name__ == "__main__":
    main()
