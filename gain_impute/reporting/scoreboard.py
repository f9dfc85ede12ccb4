"""The results of a benchmark as tables of runs, scores and columns, and the one view of them that a report takes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gain_impute.benchmark.result import NOT_MADE
from gain_impute.benchmark.suite import TRUTH
from gain_impute.errors import TableError
from gain_impute.reporting.writing import write_percent

__all__ = [
    "CATEGORIES",
    "COVERAGE",
    "NUMBERS",
    "PLACES",
    "Case",
    "Result",
    "Score",
    "Scoreboard",
    "case_of",
    "has_scores",
    "number",
    "rows_of",
]

Result = dict[str, Any]

PLACES = {"in_sample": "in sample", "out_of_sample": "out of sample"}
"""Where cells were scored: in the rows learned from, or in rows the method had not seen."""


class Case(NamedTuple):
    """What methods are compared on: a table with cells hidden in one way."""

    suite: str
    table: str
    mechanism: str
    rate: float

    def __str__(self) -> str:
        """Name it as a reader knows it."""
        return f"{self.table}, {self.way}"

    @property
    def way(self) -> str:
        """How cells were hidden, and how many; of cells that are truly missing there is no rate."""
        return self.mechanism if self.mechanism == TRUTH else f"{self.mechanism} {write_percent(self.rate)}"


class Score(NamedTuple):
    """One way to judge filled cells."""

    key: str
    name: str
    is_error: bool


NUMBERS = Score("error", "error of numbers", is_error=True)
"""RMSE / standard deviation, mean over the numeric columns."""
CATEGORIES = Score("accuracy", "accuracy of categories", is_error=False)
"""Share of right answers, mean over the categorical columns."""


COVERAGE = "coverage_90"
"""Share of the hidden numbers that the central 90 % of their draws hold, mean over the numeric columns."""


@dataclass(frozen=True)
class Scoreboard:
    """All results of a benchmark, read once.

    Attributes
    ----------
    results : list of dict
        One per run, as the benchmark writes them.
    ours : str
        Name of the method that the report is about.
    """

    results: list[Result]
    ours: str

    @property
    def made(self) -> Scoreboard:
        """The same without runs that nobody has made.

        Returns
        -------
        Scoreboard
            Of the other results.
        """
        return Scoreboard([result for result in self.results if result["status"] != NOT_MADE], self.ours)

    @classmethod
    def of(cls, results: Sequence[Result], ours: str) -> Scoreboard:
        """Read results, and settle which method the report is about.

        Parameters
        ----------
        results : sequence of dict
            One per run, as the benchmark writes them.
        ours : str
            The method that the report is about; where it has no scores, the one with most of them takes its place.

        Returns
        -------
        Scoreboard
            Never empty.

        Raises
        ------
        TableError
            If there is no result.
        """
        if not results:
            raise TableError("A report needs at least one result. Got none. Run a benchmark first, or name its folder.")
        counts = pd.Series(
            [result["method"] for result in results if _is_scored(result)], dtype="object"
        ).value_counts()
        if ours not in counts.index:
            ours = str(counts.index[0]) if len(counts) else str(results[0]["method"])
        return cls(list(results), ours)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run, scored or not."""
        plain = ("method", "title", "seed", "status", "reason", "note", "n_rows", "n_rows_in_file", "n_columns")
        rows = [
            {
                "case": case_of(result),
                **{name: result.get(name) for name in plain},
                **{
                    f"{name}_s": number(result.get("seconds", {}).get(name)) for name in ("fit", "transform", "one_row")
                },
                **{name: number(result.get(name)) for name in ("n_hidden", "n_test_rows", "peak_mib", "model_mib")},
            }
            for result in self.results
        ]
        return pd.DataFrame(rows)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per scored run and place: the means over its columns."""
        rows = [
            {"case": case_of(result), "method": result["method"], "seed": result["seed"], "where": where}
            | {name: number(value) for name, value in result[where]["overall"].items() if _is_number(value)}
            | {COVERAGE: number((result[where]["overall"].get("coverage") or {}).get("90"))}
            for result in self.results
            for where in PLACES
            if has_scores(result, where)
        ]
        return pd.DataFrame(rows, columns=None if rows else ["case", "method", "seed", "where"])

    @cached_property
    def columns(self) -> pd.DataFrame:
        """One row per scored run, place and column."""
        rows = [
            {"case": case_of(result), "method": result["method"], "seed": result["seed"], "where": where}
            | {"column": column["column"], "kind": column["kind"], "n_hidden": column["n_hidden"]}
            | {name: number(value) for name, value in column.items() if name != "n_hidden" and _is_number(value)}
            for result in self.results
            for where in PLACES
            if has_scores(result, where)
            for column in result[where]["columns"]
        ]
        return pd.DataFrame(
            rows, columns=None if rows else ["case", "method", "seed", "where", "column", "kind", "n_hidden"]
        )

    @cached_property
    def cases(self) -> list[Case]:
        """What methods were compared on, as the results come."""
        return list(dict.fromkeys(map(case_of, self.results)))

    @cached_property
    def methods(self) -> list[str]:
        """The methods: ours, then the others as they come."""
        found = dict.fromkeys(result["method"] for result in self.results)
        return [self.ours, *(name for name in found if name != self.ours)]

    @cached_property
    def scored_methods(self) -> list[str]:
        """The methods that have a score somewhere: ours, then the others, those with the better scores first."""
        found = set(self.scores["method"])
        ranks = [
            self._means(self.scores, score, where, index="case", order=self.cases, methods=sorted(found)).rank(
                axis=1, ascending=is_error
            )
            for score, _, is_error in (NUMBERS, CATEGORIES)
            for where in PLACES
        ]
        means = pd.concat(ranks).mean() if ranks else pd.Series(dtype="float64")
        others = [name for name in self.methods if name in found and name != self.ours]
        others.sort(key=lambda name: means.fillna(math.inf)[name])
        return [name for name in self.methods[:1] if name in found] + others

    def title(self, method: str) -> str:
        """Name a method as readers know it."""
        return next((str(result["title"]) for result in self.results if result["method"] == method), method)

    def by_case(self, score: str, where: str, *, alike: Sequence[str] = ()) -> pd.DataFrame:
        """Take the mean over seeds of a score.

        Parameters
        ----------
        score : str
            Name of the score among the overall ones.
        where : {"in_sample", "out_of_sample"}
            Which cells.
        alike : sequence of str, default=()
            Methods to compare: only the seeds with which all of them have the score count, so that all filled the same
            cells.

        Returns
        -------
        DataFrame of shape (n_cases, n_methods)
            Cases as they come, scored methods with ours first; NaN where a method has no score. Cases in which none has
            one are left out.
        """
        scores = self.scores
        if alike and score in scores:
            here = scores[(scores["where"] == where) & scores[score].notna()]
            runs = list(zip(here["case"], here["seed"], strict=True))
            n_alike = Counter(run for run, method in zip(runs, here["method"], strict=True) if method in alike)
            scores = here[[n_alike[run] == len(alike) for run in runs]]
        return self._means(scores, score, where, index="case", order=self.cases, methods=self.scored_methods)

    def by_column(self, case: Case, score: str, where: str) -> pd.DataFrame:
        """Take the mean over seeds of a score of each column of one case; like `by_case`, but for its index."""
        of_case = self._columns_of(case)
        columns = list(dict.fromkeys(of_case["column"]))
        return self._means(of_case, score, where, index="column", order=columns, methods=self.scored_methods)

    def by_time(self) -> dict[tuple[Case, str], float]:
        """Take the mean over seeds of the seconds that each method took to fit a case."""
        found: dict[tuple[Case, str], list[float]] = {}
        for row in self.runs[self.runs["status"] == "done"].to_dict("records"):
            found.setdefault((row["case"], row["method"]), []).append(row["fit_s"])
        return {key: _mean(seconds) for key, seconds in found.items()}

    def n_hidden(self, case: Case) -> dict[str, int]:
        """Count the hidden cells of each column of a case, in sample where it was scored there."""
        of_case = self._columns_of(case).sort_values("where", kind="stable").drop_duplicates("column")
        return dict(zip(of_case["column"], of_case["n_hidden"].astype(int), strict=True))

    def of_case(self, case: Case) -> list[Result]:
        """List the results of a case."""
        return [result for result in self.results if case_of(result) == case]

    def _columns_of(self, case: Case) -> pd.DataFrame:
        """The rows of `columns` that belong to a case."""
        return self.columns.iloc[self._rows_of.get(case, [])]

    @cached_property
    def _rows_of(self) -> dict[Case, list[int]]:
        """Of each case the positions of its rows in `columns`."""
        rows: dict[Case, list[int]] = {}
        for position, case in enumerate(self.columns["case"]):
            rows.setdefault(case, []).append(position)
        return rows

    @staticmethod
    def _means(
        scores: pd.DataFrame, score: str, where: str, *, index: str, order: Sequence[Any], methods: Sequence[str]
    ) -> pd.DataFrame:
        """Scores averaged over seeds, one row per entry of `order` that has any, one column per method."""
        if score not in scores:
            return pd.DataFrame(columns=list(methods), dtype="float64")
        known = scores.loc[(scores["where"] == where) & scores[score].notna(), [index, "method", score]]
        sums: dict[Any, dict[str, list[float]]] = {}
        for key, method, value in known.itertuples(index=False, name=None):
            sums.setdefault(key, {}).setdefault(method, []).append(value)
        rows = {key: [_mean(sums[key].get(method, [])) for method in methods] for key in order if key in sums}
        means = pd.DataFrame(list(rows.values()), columns=list(methods), dtype="float64")
        means.index = pd.Index(list(rows), tupleize_cols=False)
        return means


def case_of(result: Result) -> Case:
    """What a result was scored on."""
    return Case(result["suite"], result["table"], result["mechanism"], float(result["rate"]))


def rows_of(frame: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Select the rows of `runs` or `scores` that belong to a case."""
    return frame[np.fromiter((found == case for found in frame["case"]), dtype=bool, count=len(frame))]


def number(value: Any) -> float:
    """A number of a file, NaN where it has none."""
    return math.nan if value is None else float(value)


def _is_number(value: Any) -> bool:
    """Whether a field of a file is a score, known or not."""
    return value is None or isinstance(value, int | float)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _is_scored(result: Result) -> bool:
    """Whether a run has scores in any place."""
    return any(has_scores(result, where) for where in PLACES)


def has_scores(result: Result, where: str) -> bool:
    """Whether a run has scores in this place."""
    return result["status"] == "done" and bool(result.get(where))
