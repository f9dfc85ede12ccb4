"""Fill matrices with HyperImpute, in HyperImpute's own environment.

HyperImpute's ``transform`` learns the rows that it is given, and nothing else. Other rows are therefore filled here
with the models of its last round, which it gives away, in as many rounds.
"""

from __future__ import annotations

import functools
import multiprocessing
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from exchange import Question, answer_with

SHARE_OF_TIME = 0.7


class _TimeIsOverError(Exception):
    """Raised between rounds."""


class Worker:
    """Learns a matrix, and fills others.

    Attributes
    ----------
    models : dict
        The model of each column, as the last round left it.
    order : list of str
        The columns, as the last round took them.
    limits : dict of str to (float, float)
        Smallest and largest value of each column.
    n_rounds : int
        Rounds made.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self.models: dict[str, Any] = {}
        self.order: list[str] = []
        self.limits: dict[str, tuple[float, float]] = {}
        self.n_rounds = 0

    def answer(self, question: Question) -> tuple[np.ndarray, str]:
        """Fit and fill, or fill other rows."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._learned(question) if question.told["verb"] == "fit" else (self._filled(question), "")

    def _learned(self, question: Question) -> tuple[np.ndarray, str]:
        """Run HyperImpute until it stops by its own rule, or until time is nearly over; returns (n_rows, n_columns)."""
        told = question.told
        _limit_threads(told["n_threads"])
        _forget_objectives()
        from hyperimpute.plugins.imputers import Imputers  # noqa: PLC0415  after the threads are limited

        start, limit_s = time.monotonic(), SHARE_OF_TIME * (told["max_time_s"] or np.inf)
        tables: list[pd.DataFrame] = []

        def look(i_round: int, table: pd.DataFrame) -> None:
            """Keep what the round before has made, and stop where another might end too late."""
            took_s = time.monotonic() - start
            tables.append(table)
            self.n_rounds = i_round
            if i_round and took_s * (i_round + 1) / i_round > limit_s:
                raise _TimeIsOverError
            self.models, self.order = plugin.model.column_to_model, plugin.model.imputation_order

        plugin = Imputers().get("hyperimpute", random_state=told["seed"], inner_loop_hook=look)
        is_category = (question.n_categories > 0) & (question.n_categories <= told["most_categories"])
        names = {str(i) for i in np.flatnonzero(is_category)}
        # Its own rule takes columns of fewer than five different values for categories. We know which are.
        plugin.model._is_categorical = lambda _, column: column in names  # noqa: SLF001
        try:
            completed, note = plugin.fit_transform(_table(question)), ""
            self.n_rounds += 1
        except _TimeIsOverError:
            completed, note = tables[-1], f"stopped by time after {self.n_rounds} rounds"
        self.limits = plugin.model.limits
        return completed.to_numpy(dtype=np.float64)[:, : question.values.shape[1]], note

    def _filled(self, question: Question) -> np.ndarray:
        """Other rows, (n_rows, n_columns): mean and commonest category (0) first, then the models in rounds."""
        table = _table(question).fillna(0.0)
        holes = np.isnan(question.values)
        for _ in range(self.n_rounds):
            for column in self.order:
                here = holes[:, int(column)] if int(column) < holes.shape[1] else np.zeros(0, dtype=bool)
                if here.any() and column in self.models:
                    given = self.models[column].predict(table.loc[here].drop(columns=column))
                    values = np.asarray(given, dtype=np.float64).ravel()
                    table.loc[here, column] = np.clip(values, *self.limits[column])
        return table.to_numpy()[:, : question.values.shape[1]]


def _table(question: Question) -> pd.DataFrame:
    """The matrix, and the texts as more columns."""
    table = pd.DataFrame(np.hstack([question.values, question.texts]))
    return table.set_axis([str(name) for name in table], axis=1)


def _limit_threads(n_threads: int) -> None:
    """Say how many cores there are to those that take all they find."""
    multiprocessing.cpu_count = lambda: 2 * n_threads  # half of them are given to forests and XGBoost
    import catboost  # noqa: PLC0415

    for model in (catboost.CatBoostClassifier, catboost.CatBoostRegressor):
        model.__init__ = functools.partialmethod(model.__init__, thread_count=n_threads)


def _forget_objectives() -> None:
    """Have XGBoost's classifier choose its objective in each fit.

    It keeps that of many classes when it is fitted again, as HyperImpute does on the parts of its cross-validation, and
    fails where a part has two classes left.
    """
    import xgboost  # noqa: PLC0415  after the threads are limited

    fit = xgboost.XGBClassifier.fit

    @functools.wraps(fit)
    def fit_anew(model: xgboost.XGBClassifier, *args: Any, **kwargs: Any) -> xgboost.XGBClassifier:
        model.objective = "binary:logistic"  # the default, which more classes change
        return fit(model, *args, **kwargs)

    xgboost.XGBClassifier.fit = fit_anew


if __name__ == "__main__":
    answer_with(Worker().answer)
