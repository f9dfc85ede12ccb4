"""A table with known cells hidden: what a method is given, and what its work is compared with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.errors import TableError
from gain_impute.masking import Mechanism, apply_hidden, hide_cells
from gain_impute.schema import ParsedColumn, Schema

__all__ = ["Task", "hide_task"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A table with cells hidden, and what stood in them.

    Attributes
    ----------
    complete : DataFrame of shape (n_rows, n_columns)
        The table as it is, its own holes included.
    visible : DataFrame of shape (n_rows, n_columns)
        What a method may see.
    hidden : DataFrame of shape (n_rows, n_scored_columns), bool
        True where a known cell was hidden; one column for each that is scored.
    truth : dict of str to ParsedColumn
        The values of each scored column.
    stds : dict of str to float
        Standard deviation of each scored column of numbers, from all of its known cells: the unit of its errors. Parts
        of a table (`rows`) keep that of the whole.
    schema : Schema
        What the columns are; told to every method.
    """

    complete: pd.DataFrame
    visible: pd.DataFrame
    hidden: pd.DataFrame
    truth: dict[str, ParsedColumn]
    stds: dict[str, float]
    schema: Schema

    @classmethod
    def of(cls, complete: pd.DataFrame, visible: pd.DataFrame, hidden: pd.DataFrame, schema: Schema) -> Task:
        """Make a task of cells that have been hidden already.

        Parameters
        ----------
        complete, visible : DataFrame of shape (n_rows, n_columns)
            The table before and after.
        hidden : DataFrame of shape (n_rows, n_scored_columns), bool
            Where cells were hidden.
        schema : Schema
            What the columns are.

        Returns
        -------
        Task
            The task.
        """
        truth = {str(name): schema.parse(str(name), complete[name]) for name in hidden.columns}
        stds = {name: float(pd.Series(column.values).std()) for name, column in truth.items() if schema[name].is_number}
        return cls(complete=complete, visible=visible, hidden=hidden, truth=truth, stds=stds, schema=schema)

    def rows(self, at: NDArray[np.integer]) -> Task:
        """Keep some rows only.

        Parameters
        ----------
        at : ndarray of shape (n_kept,), int
            Their numbers.

        Returns
        -------
        Task
            The same task on these rows; errors keep their unit.
        """
        truth = {
            name: ParsedColumn(column.values[at], column.observed[at], column.readable[at])
            for name, column in self.truth.items()
        }
        return replace(
            self,
            complete=self.complete.iloc[at],
            visible=self.visible.iloc[at],
            hidden=self.hidden.iloc[at],
            truth=truth,
        )

    def asking(self, names: Collection[str]) -> Task:
        """Ask for the hidden cells of some columns only; those of the others stay empty.

        Parameters
        ----------
        names : collection of str
            The columns.

        Returns
        -------
        Task
            The same tables.
        """
        asked = [name for name in self.hidden if str(name) in names]
        truth = {name: column for name, column in self.truth.items() if name in names}
        stds = {name: std for name, std in self.stds.items() if name in names}
        return replace(self, hidden=self.hidden[asked], truth=truth, stds=stds)


def hide_task(
    table: pd.DataFrame,
    schema: Schema,
    *,
    rate: float,
    mechanism: Mechanism | str,
    random_state: int,
    by: str | Sequence[str] | None = None,
) -> Task:
    """Hide cells that can be read, in columns that can be filled; a column keeps at least one.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The table, holes included.
    schema : Schema
        What the columns are.
    rate : float in (0, 1)
        Share of the known cells of each column to hide.
    mechanism : Mechanism or str
        Why cells are hidden; see `hide_cells`.
    random_state : int
        Seed of the hiding.
    by : str, sequence of str or None, default=None
        What hiding depends on; see `hide_cells`.

    Returns
    -------
    Task
        The table with these cells hidden.

    Raises
    ------
    TableError
        If no cell can be hidden.
    """
    parsed = {name: schema.parse(name, table[name]) for name in schema}
    values = pd.DataFrame({name: column.values for name, column in parsed.items()})
    readable = np.column_stack([column.readable for column in parsed.values()])
    fillable = [name for name, column in schema.items() if column.is_fillable]
    hidden = hide_cells(values, rate, mechanism=mechanism, rng=random_state, columns=fillable, by=by, observed=readable)
    n_known = pd.Series(readable.sum(axis=0), index=hidden.columns)
    kept = [name for name in fillable if 0 < hidden[name].sum() < n_known[name]]
    if not kept:
        raise TableError(
            f"The table must have a column in which {rate:.0%} of the known cells can be hidden and filled. "
            f"Found none among {len(schema)} columns. Give more rows, or a schema that makes columns fillable."
        )
    return Task.of(table, apply_hidden(table, hidden[kept]), hidden[kept], schema)
