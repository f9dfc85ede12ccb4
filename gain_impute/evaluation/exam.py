"""A table with cells hidden, what stood in them, and the scores of whoever fills it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.errors import TableError
from gain_impute.evaluation.task import Task, hide_task
from gain_impute.masking import Mechanism, apply_hidden
from gain_impute.schema import Schema

__all__ = ["Exam", "Lead", "column_scores", "overall_score", "paired_lead"]

LEFT_EMPTY = 1.0  # loss of a hidden cell that is not filled: as bad as the mean, or as a wrong category


@dataclass(frozen=True, kw_only=True)
class Exam(Task):
    """A task that many methods, or many settings of one, are given, and whose losses are told cell by cell."""

    @classmethod
    def on(cls, table: pd.DataFrame, schema: Schema, hidden: pd.DataFrame, *, max_rows: int | None = None) -> Exam:
        """Examine on cells that are chosen already.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            The table before anything was hidden.
        schema : Schema
            What its columns are.
        hidden : DataFrame of shape (n_rows, n_hidden_columns), bool
            Which cells to hide; row by row, whatever its index.
        max_rows : int or None, default=None
            Of a longer table take only the first so many rows with a hidden cell; errors keep the unit of all rows.

        Returns
        -------
        Exam
            The exam on the columns in which a cell is hidden.

        Raises
        ------
        TableError
            If no cell is hidden.
        """
        examined = [str(name) for name in hidden.columns if hidden[name].to_numpy().any()]
        if not examined:
            raise TableError(
                "A table must have a column in which known cells can be hidden and filled. "
                f"Found none among {len(schema)} columns. Give more rows, or hide a greater share."
            )
        hidden = hidden[examined]
        task = Task.of(table, apply_hidden(table, hidden), hidden, schema)
        if max_rows is not None and len(table) > max_rows:
            task = task.rows(np.flatnonzero(hidden.to_numpy().any(axis=1))[:max_rows])
        return cls(**vars(task))

    @classmethod
    def set(
        cls,
        table: pd.DataFrame,
        schema: Schema,
        *,
        rate: float = 0.2,
        mechanism: Mechanism | str = Mechanism.MCAR,
        random_state: int = 0,
    ) -> Exam:
        """Hide known cells of every column that can be filled; a column keeps at least one.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            The table, holes included.
        schema : Schema
            What its columns are.
        rate : float in (0, 1), default=0.2
            Share of the known cells of each column to hide.
        mechanism : Mechanism or str, default="mcar"
            Why cells are hidden; see `hide_cells`.
        random_state : int, default=0
            Seed of the hiding.

        Returns
        -------
        Exam
            The exam.

        Raises
        ------
        ConfigError
            If `rate` or `mechanism` is not what it may be.
        TableError
            If no cell can be hidden.

        Examples
        --------
        >>> from gain_impute import infer_schema
        >>> shop = pd.DataFrame({"kind": ["cup", "pot"] * 10, "price": [4.5, 19.0, 5.0, 21.5] * 5})
        >>> exam = Exam.set(shop, infer_schema(shop), rate=0.25)
        >>> exam.hidden.sum().to_dict()
        {'kind': 5, 'price': 5}
        """
        task = hide_task(table, schema, rate=rate, mechanism=mechanism, random_state=random_state)
        return cls(**vars(task))

    def losses(self, filled: pd.DataFrame) -> pd.DataFrame:
        """Compare each hidden cell with what was filled in.

        Parameters
        ----------
        filled : DataFrame of shape (n_rows, n_columns)
            `visible`, filled.

        Returns
        -------
        DataFrame
            One row per hidden cell: `position` of its row, `column`, `is_number`, and `loss`: of a number the squared
            error in variances of the complete column, of a category 0 where it is right and 1 where it is not; 1 where
            the cell is still empty.
        """
        return pd.concat([self._losses_of(name, filled[name]) for name in self.truth], ignore_index=True)

    def _losses_of(self, name: str, cells: pd.Series) -> pd.DataFrame:
        truth, guess = self.truth[name], self.schema.parse(name, cells)
        positions = np.flatnonzero(self.hidden[name].to_numpy())
        is_number = self.schema[name].is_number
        loss: NDArray[Any]
        if is_number:
            error = np.asarray(guess.values, dtype=np.float64) - np.asarray(truth.values, dtype=np.float64)
            loss = (error[positions] / (self.stds[name] if self.stds[name] > 0 else 1.0)) ** 2
        else:
            loss = (guess.values[positions] != truth.values[positions]).astype(np.float64)
        loss = np.where(guess.readable[positions], loss, LEFT_EMPTY)
        return pd.DataFrame({"position": positions, "column": name, "is_number": is_number, "loss": loss})


def column_scores(losses: pd.DataFrame) -> pd.Series:
    """Score each column: RMSE / standard deviation of numbers and dates, share of wrong answers of categories.

    Parameters
    ----------
    losses : DataFrame
        Of `Exam.losses`.

    Returns
    -------
    Series
        One score per column, under its name; 0 is perfect.

    Examples
    --------
    >>> cells = {"column": ["price", "kind", "kind"], "is_number": [True, False, False], "loss": [0.25, 1.0, 0.0]}
    >>> column_scores(pd.DataFrame(cells)).to_dict()
    {'price': 0.5, 'kind': 0.5}
    """
    means = losses.groupby("column", sort=False).agg(loss=("loss", "mean"), is_number=("is_number", "first"))
    return means["loss"].where(~means["is_number"], np.sqrt(means["loss"]))


def overall_score(losses: pd.DataFrame) -> float:
    """Score a filled table by the mean of its columns' scores: lower is better, each column counts the same.

    Parameters
    ----------
    losses : DataFrame
        Of `Exam.losses`.

    Returns
    -------
    float
        The score.
    """
    return float(column_scores(losses).mean())


@dataclass(frozen=True)
class Lead:
    """How much better a second filling of the same hidden cells is than a first.

    Attributes
    ----------
    first, second : float
        Their scores.
    lead : float
        How much lower the second one's is.
    lower, upper : float
        90 % interval of the lead.
    """

    first: float
    second: float
    lead: float
    lower: float
    upper: float

    @property
    def is_beyond_noise(self) -> bool:
        """Whether the second is better, and the whole interval says so."""
        return self.lower > 0


def paired_lead(first: pd.DataFrame, second: pd.DataFrame, *, n_resamples: int = 500, random_state: int = 0) -> Lead:
    """Compare two fillings of the same hidden cells.

    The interval is that of a bootstrap over rows [1]_: cells of one row are not independent of each other, and both
    fillings are scored on the same resampled rows.

    Parameters
    ----------
    first, second : DataFrame
        Of `Exam.losses`, of one exam.
    n_resamples : int, default=500
        Resamples of the rows.
    random_state : int, default=0
        Seed of the resampling.

    Returns
    -------
    Lead
        Scores, lead and interval.

    References
    ----------
    .. [1] Efron & Tibshirani (1993), "An introduction to the bootstrap".

    Examples
    --------
    >>> cells = pd.DataFrame({"position": range(50), "column": "kind", "is_number": False, "loss": 1.0})
    >>> lead = paired_lead(cells, cells.assign(loss=0.0))
    >>> lead.lead, lead.is_beyond_noise
    (1.0, True)
    """
    rng = np.random.default_rng(random_state)
    rows, row = np.unique(first["position"].to_numpy(), return_inverse=True)
    columns, column = np.unique(first["column"].to_numpy().astype(str), return_inverse=True)
    is_number = np.zeros(len(columns), dtype=bool)
    is_number[column] = first["is_number"].to_numpy()
    leads = []
    for _ in range(n_resamples):
        weight = np.bincount(rng.integers(len(rows), size=len(rows)), minlength=len(rows)).astype(np.float64)[row]
        n_cells = np.bincount(column, weights=weight)
        scores = []
        for losses in (first, second):
            total = np.bincount(column, weights=weight * losses["loss"].to_numpy())
            means = np.divide(total, n_cells, out=np.zeros_like(total), where=n_cells > 0)
            scores.append(np.where(is_number, np.sqrt(means), means)[n_cells > 0].mean())
        leads.append(scores[0] - scores[1])
    lower, upper = np.quantile(leads, [0.05, 0.95])
    scored = overall_score(first), overall_score(second)
    return Lead(*scored, scored[0] - scored[1], float(lower), float(upper))
