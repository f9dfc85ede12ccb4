"""Fill matrices with miceforest, in miceforest's own environment."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

import miceforest
from exchange import Question, answer_with


class Worker:
    """Learns a matrix, fills others, and draws.

    For best values each hole gets what the models predict, the mean of several data sets. For draws it gets, as the
    package does by default, the value of one of the rows whose predictions are nearest (mean matching); what draws
    need is learned when the first is asked for.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self.learned: Question | None = None
        self.predicting: miceforest.ImputationKernel | None = None
        self.matching: miceforest.ImputationKernel | None = None

    def answer(self, question: Question) -> tuple[np.ndarray, str]:
        """Fit and fill, fill other rows, or draw."""
        verb, seed = question.told["verb"], question.told["seed"]
        if verb == "fit":
            self.learned, self.matching = question, None
            self.predicting = given = _fitted(question, n_candidates=0)
        elif verb == "fill":
            given = self.predicting.impute_new_data(_table(question), random_state=seed)
        else:
            if self.matching is None:
                self.matching = _fitted(self.learned, n_candidates=self.learned.told["mean_match_candidates"])
            one = self.matching.datasets[seed % len(self.matching.datasets)]
            given = self.matching.impute_new_data(_table(question), datasets=[one], random_state=seed)
        return _middle(question, [given.complete_data(i) for i in given.datasets]), ""


def _fitted(question: Question, *, n_candidates: int) -> miceforest.ImputationKernel:
    """A kernel of several data sets, each with models of its own."""
    table, told = _table(question), question.told
    names = [f"c{i}" for i in range(question.values.shape[1])]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*very rare categories")
        kernel = miceforest.ImputationKernel(
            table,
            num_datasets=told["n_datasets"],
            variable_schema={name: [other for other in table if other != name] for name in names},
            mean_match_candidates=n_candidates,
            random_state=told["seed"],
        )
    kernel.mice(told["n_rounds"], num_threads=told["n_threads"], deterministic=True, force_row_wise=True)
    return kernel


def _table(question: Question) -> pd.DataFrame:
    """The matrix as miceforest wants it: categories as such, texts as more columns."""
    columns = {}
    for i, n_categories in enumerate(question.n_categories):
        cells = pd.Series(question.values[:, i])
        kind = pd.CategoricalDtype(list(range(n_categories)))
        columns[f"c{i}"] = cells.astype("Int64").astype(kind) if n_categories else cells
    return pd.concat([pd.DataFrame(columns), pd.DataFrame(question.texts).add_prefix("t")], axis=1)


def _middle(question: Question, tables: list[pd.DataFrame]) -> np.ndarray:
    """Means of numbers and commonest categories over several completed tables, (n_rows, n_columns)."""
    n = question.values.shape[1]
    stacked = np.stack([table.iloc[:, :n].astype(float).to_numpy() for table in tables])  # (n_tables, n_rows, n)
    middle = stacked.mean(axis=0)
    for i in np.flatnonzero(question.n_categories):
        votes = stacked[:, :, i].astype(int)
        counts = (votes[:, :, None] == np.arange(question.n_categories[i])).sum(axis=0)
        middle[:, i] = counts.argmax(axis=1)
    return middle


if __name__ == "__main__":
    answer_with(Worker().answer)
