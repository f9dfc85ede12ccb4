"""Fill matrices with miceforest, in miceforest's own environment."""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

import miceforest
from exchange import Question, answer_with
from miceforest import imputation_kernel
from miceforest.imputed_data import ImputedData

# In 6.0.5 `impute_new_data` does not count its rounds: each starts from the random values that holes get at first,
# and these are what comes out. Fits do count, in a subclass of their own.
_put = ImputedData.__setitem__


def _put_and_count(given: ImputedData, key: tuple[str, int, int], values: pd.Series) -> None:
    _put(given, key, values)
    variable, i_round, i_dataset = key
    if type(given) is ImputedData:
        given.iteration_tab[variable, i_dataset] = i_round


ImputedData.__setitem__ = _put_and_count

# Its mean matching takes the log odds of probabilities; those of 0 and 1 are infinite, which its search for neighbours
# refuses. One in a million is as sure as its models can be.
_log_odds, LEAST_CHANCE = imputation_kernel.logodds, 1e-6


def _finite_log_odds(probability: np.ndarray) -> np.ndarray:
    return _log_odds(np.clip(probability, LEAST_CHANCE, 1 - LEAST_CHANCE))


imputation_kernel.logodds = _finite_log_odds

SHARE_OF_TIME = {"fit": 0.4, "draw": 0.3}


class Worker:
    """Learns a matrix, fills others, and draws.

    For best values each hole gets what the models predict. For draws it gets, as the package does by default, the
    value of one of the rows whose predictions are nearest (mean matching), from one of several data sets; what draws
    need is learned when the first is asked for.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self.learned: Question | None = None
        self.predicting: miceforest.ImputationKernel | None = None
        self.matching: miceforest.ImputationKernel | None = None

    def answer(self, question: Question) -> tuple[np.ndarray, str]:
        """Fit and fill, fill other rows, or draw."""
        verb, seed, note = question.told["verb"], question.told["seed"], ""
        if verb == "fit":
            self.learned, self.matching = question, None
            self.predicting = given = _fitted(question, verb, n_datasets=1, n_candidates=0)
            if given.iteration_count() < question.told["n_rounds"]:
                note = f"stopped by time after {given.iteration_count()} of {question.told['n_rounds']} rounds"
        elif verb == "fill":
            given = self.predicting.impute_new_data(_table(question), random_state=seed)
        else:
            if self.matching is None:
                told = self.learned.told
                sizes = {"n_datasets": told["n_datasets"], "n_candidates": told["mean_match_candidates"]}
                self.matching = _fitted(self.learned, verb, **sizes)
            one = self.matching.datasets[seed % len(self.matching.datasets)]
            given = self.matching.impute_new_data(_table(question), datasets=[one], random_state=seed)
        completed = given.complete_data(given.datasets[0]).iloc[:, : question.values.shape[1]]
        return completed.astype(float).to_numpy(), note


def _fitted(question: Question, verb: str, *, n_datasets: int, n_candidates: int) -> miceforest.ImputationKernel:
    """A kernel of some data sets, each with models of its own; fewer rounds than asked for where time is over."""
    start, table, told = time.monotonic(), _table(question), question.told
    names = [f"c{i}" for i in range(question.values.shape[1])]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*very rare categories")
        kernel = miceforest.ImputationKernel(
            table,
            num_datasets=n_datasets,
            variable_schema={name: [other for other in table if other != name] for name in names},
            mean_match_candidates=n_candidates,
            random_state=told["seed"],
        )
    limit_s = SHARE_OF_TIME[verb] * (told["max_time_s"] or np.inf)
    for i_round in range(told["n_rounds"]):
        took_s = time.monotonic() - start
        if i_round and took_s * (i_round + 1) / i_round > limit_s:
            break
        kernel.mice(1, num_threads=told["n_threads"], deterministic=True, force_row_wise=True)
    return kernel


def _table(question: Question) -> pd.DataFrame:
    """The matrix as miceforest wants it: categories as such, texts as more columns."""
    columns = {}
    for i, n_categories in enumerate(question.n_categories):
        cells = pd.Series(question.values[:, i])
        kind = pd.CategoricalDtype(list(range(n_categories)))
        columns[f"c{i}"] = cells.astype("Int64").astype(kind) if n_categories else cells
    return pd.concat([pd.DataFrame(columns), pd.DataFrame(question.texts).add_prefix("t")], axis=1)


if __name__ == "__main__":
    answer_with(Worker().answer)
