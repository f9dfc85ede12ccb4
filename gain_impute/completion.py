"""A fitted state applied to a table: what goes into each empty cell, and how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.batches import TensorTable
from gain_impute.cell_details import details_of, sources_of, written_intervals
from gain_impute.cells import CELL_DTYPES, CellState, cells_frame
from gain_impute.encoding.table import EncodedTable, ReadTable
from gain_impute.errors import ConfigError, named, nearest_spelling
from gain_impute.filled_frames import FilledColumn
from gain_impute.left_empty import where_applicable, where_sure
from gain_impute.persistence import FittedState
from gain_impute.prediction import Prediction, draw_cells, predict, unknown_shares

__all__ = [
    "NO_BARS",
    "Completion",
    "FilledCells",
    "PreparedTable",
    "category_probabilities",
    "complete",
    "complete_prepared",
    "fill",
    "prepare",
]

NO_BARS: Mapping[str, float] = {}
ROWS_AT_ONCE = 65_536  # of a table that is filled part by part


@dataclass(frozen=True)
class PreparedTable:
    """A table of which the rows with a cell to be filled are encoded.

    Attributes
    ----------
    read : ReadTable
        All of it.
    fillable : list of str
        Columns with a cell to be filled.
    rows : ndarray of shape (n_encoded,), int64
        Rows with a cell to be filled.
    encoded : EncodedTable
        These rows.
    """

    read: ReadTable
    fillable: list[str]
    rows: NDArray[np.int64]
    encoded: EncodedTable


@dataclass(frozen=True)
class FilledCells:
    """What goes into a table.

    Attributes
    ----------
    filled : dict of str to FilledColumn
        Of each column, rows and values.
    empty : DataFrame of shape (n_rows, n_columns), bool
        True where a cell is missing.
    unreadable : dict of str to int
        Of each column that has some, the number of known cells that could not be read.
    """

    filled: dict[str, FilledColumn]
    empty: pd.DataFrame
    unreadable: dict[str, int]

    @property
    def n_empty(self) -> pd.Series:
        """How many cells of each column are missing, (n_columns,)."""
        return pd.Series(np.count_nonzero(self.empty.to_numpy(), axis=0), index=self.empty.columns)  # sooner than `sum`

    @classmethod
    def together(cls, parts: Sequence[FilledCells]) -> FilledCells:
        """Those of a table whose rows came in parts."""
        if len(parts) == 1:
            return parts[0]
        firsts = np.cumsum([0, *(len(part.empty) for part in parts)])
        filled: dict[str, FilledColumn] = {}
        for name in map(str, parts[0].empty):
            found = [
                (first, part.filled[name]) for first, part in zip(firsts, parts, strict=False) if name in part.filled
            ]
            if found:
                rows = np.concatenate([first + column.rows for first, column in found])
                filled[name] = FilledColumn(rows, np.concatenate([column.values for _, column in found]))
        unreadable = sum((Counter(part.unreadable) for part in parts), Counter[str]())
        return cls(filled, pd.concat([part.empty for part in parts], ignore_index=True), dict(unreadable))


@dataclass(frozen=True)
class Completion(FilledCells):
    """What goes into a table, and what is said of it.

    Attributes
    ----------
    filled, empty, unreadable
        As in `FilledCells`.
    state : FittedState
        What filled it.
    rows : ndarray of shape (n_predicted,), int64
        Rows with a cell to be filled.
    prediction : Prediction or None
        What the networks say of them; None where there is no such row, or nothing was learned.
    abstained : dict of str to FilledColumn
        What would fill cells that stay empty, for it is less sure than the bar of their column.
    """

    state: FittedState
    rows: NDArray[np.int64]
    prediction: Prediction | None
    abstained: dict[str, FilledColumn] = field(default_factory=dict)

    def confidence(self, name: str) -> NDArray[np.float64]:
        """How sure each filled cell of a column is, (n_filled,); NaN for numbers whose spread was not measured."""
        if self.prediction is None:
            return np.zeros(0)
        return np.asarray(details_of(self.state, name, self.filled[name], self.rows, self.prediction)["confidence"])

    def cells(self, labels: NDArray[np.object_], model_id: str, *, first_row: int = 0) -> pd.DataFrame:
        """The report: one row per empty cell.

        Parameters
        ----------
        labels : ndarray of shape (n_rows,)
            What the rows are called.
        model_id : str
            Which fitted model filled them.
        first_row : int, default=0
            Position of the first row in the whole input.
        """
        cells = _cells(self)
        cells["row"] = pd.array(labels[cells["position"].to_numpy()], dtype="string")
        cells["model_id"] = pd.array(np.where(cells["source"] == "", "", model_id), dtype="string")
        cells["position"] += first_row
        return cells


def complete(
    state: FittedState,
    frame: pd.DataFrame,
    *,
    round_to_grid: bool,
    bars: Mapping[str, float] = NO_BARS,
    most_spread: int | None = 0,
) -> Completion:
    """Fill the empty cells of a table that has the columns of the schema, in its order.

    Parameters
    ----------
    state : FittedState
    frame : DataFrame of shape (n_rows, n_columns)
    round_to_grid, bars, most_spread
        As in `complete_prepared`.
    """
    prepared = prepare(state, frame)
    return complete_prepared(state, prepared, round_to_grid=round_to_grid, bars=bars, most_spread=most_spread)


def fill(
    state: FittedState,
    frame: pd.DataFrame,
    *,
    round_to_grid: bool,
    bars: Mapping[str, float] = NO_BARS,
    draw: bool = False,
) -> FilledCells:
    """Fill the empty cells of a table part by part: what is made on the way does not grow with it.

    Parameters
    ----------
    state : FittedState
    frame : DataFrame of shape (n_rows, n_columns)
        As for `complete`; no row is filled otherwise for those beside it.
    round_to_grid, bars, draw
        As in `complete_prepared`.
    """
    parts = []
    for first in range(0, max(len(frame), 1), ROWS_AT_ONCE):
        prepared = prepare(state, frame.iloc[first : first + ROWS_AT_ONCE])
        of_part = complete_prepared(state, prepared, round_to_grid=round_to_grid, bars=bars, draw=draw)
        parts.append(FilledCells(of_part.filled, of_part.empty, of_part.unreadable))
    return FilledCells.together(parts)


def prepare(state: FittedState, frame: pd.DataFrame) -> PreparedTable:
    """Read a table that has the columns of the schema, in its order, and encode the rows with a cell to be filled."""
    read = state.encoder.read(frame)
    fillable = [name for name in state.encoder.fillable if read.holes[name].any()]
    rows = np.flatnonzero(read.has_hole(fillable)).astype(np.int64)
    return PreparedTable(read, fillable, rows, state.encoder.encode_rows(read, rows))


def complete_prepared(
    state: FittedState,
    prepared: PreparedTable,
    *,
    round_to_grid: bool,
    bars: Mapping[str, float] = NO_BARS,
    most_spread: int | None = 0,
    draw: bool = False,
    on_batch: Callable[[], None] = lambda: None,
) -> Completion:
    """Fill the empty cells of a table that was prepared: what the networks do of the work.

    Parameters
    ----------
    state : FittedState
    prepared : PreparedTable
    round_to_grid : bool
        Whether numbers are put on their column's grid.
    bars : mapping of str to float, default={}
        Columns whose cells stay empty where what would fill them is less sure than this. Draws fill them nevertheless.
    most_spread : int or None, default=0
        Rows with missing numbers whose spread is measured, evenly chosen; the report of cells needs all of them (None).
    draw : bool, default=False
        Draw the values, from torch's generator as it stands, instead of taking the best ones.
    on_batch : callable, default=nothing
        Called before each batch of rows that is not drawn; what it raises ends the work.
    """
    read, fillable, rows, members = prepared.read, prepared.fillable, prepared.rows, state.members
    filled: dict[str, FilledColumn] = {}
    abstained: dict[str, FilledColumn] = {}
    prediction = None
    if len(rows) and members:
        table = TensorTable.from_encoded(prepared.encoded, state.encoder.layout, state.device)
        everything = np.arange(len(rows))
        if draw:
            prediction = draw_cells(members, table, everything, drawn=state.calibration.drawn)
        else:
            numbers = [name for name in fillable if name in state.encoder.numbers]
            spread = _some(read.has_hole(numbers)[rows], most_spread)
            spread |= read.has_hole([name for name in numbers if name in bars])[rows]
            prediction = predict(members, table, everything, spread=spread, on_batch=on_batch)
        for name in fillable:
            at = np.flatnonzero(read.holes[name][rows])
            filled[name] = FilledColumn(rows[at], _decode(state, prediction, name, at, round_to_grid=round_to_grid))
        if bars and not draw:

            def confidence(name: str, column: FilledColumn) -> NDArray[np.float64]:
                return np.asarray(details_of(state, name, column, rows, prediction)["confidence"])

            filled, abstained = where_sure(filled, bars, confidence)
            abstained = where_applicable(state.encoder.schema, read.table, filled, abstained)
        filled = where_applicable(state.encoder.schema, read.table, filled)
    return Completion(filled, read.empty, read.unreadable, state, rows, prediction, abstained)


def _some(wanted: NDArray[np.bool_], most: int | None) -> NDArray[np.bool_]:
    """At most so many of the wanted rows (n_rows,), evenly chosen."""
    at = np.flatnonzero(wanted)
    if most is None or len(at) <= most:
        return wanted
    chosen = np.zeros_like(wanted)
    chosen[at[np.linspace(0, len(at) - 1, most).astype(int)]] = True
    return chosen


def category_probabilities(state: FittedState, frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Probability of each category of a column, (n_rows, n_categories), with the column hidden in every row.

    Raises
    ------
    ConfigError
        If the column is not filled with categories.
    """
    encoder = state.encoder
    if column not in list(encoder.classes) or not state.members:
        raise ConfigError(
            f"The column must be one that is filled with categories: {named(encoder.classes) or 'none is'}. "
            f"Got {column!r} instead.{nearest_spelling(column, encoder.classes)}"
        )
    encoded, _, _ = encoder.encode(frame)
    position = encoder.layout.classes.index(column)
    table = TensorTable.from_encoded(encoded, encoder.layout, state.device)
    table.known[:, encoder.layout.n_numbers + position] = False
    probabilities = unknown_shares(state.members, table, np.arange(len(table.known)))[position]
    return pd.DataFrame(probabilities, columns=list(encoder.classes[column].vocabulary))


def _decode(
    state: FittedState, prediction: Prediction, name: str, at: NDArray[np.int64], *, round_to_grid: bool
) -> NDArray[np.generic]:
    """Values of a column in the predicted rows number `at`."""
    layout, encoder = state.encoder.layout, state.encoder
    if name in encoder.numbers:
        scores = prediction.numbers[at, layout.numbers.index(name)]
        return encoder.decode_number(name, scores, round_to_grid=round_to_grid)
    return encoder.classes[name].decode(prediction.codes[at, layout.classes.index(name)])


def _cells(done: Completion) -> pd.DataFrame:
    """One row per empty cell, without label and model."""
    parts = []
    for name in done.state.encoder.schema:
        positions = np.flatnonzero(done.empty[name].to_numpy())
        if len(positions) == 0:
            continue
        part = _blank_report(positions, name, CellState.UNFILLABLE)
        if name in done.filled:
            part["state"][:] = CellState.NOT_APPLICABLE
            for state, columns in ((CellState.IMPUTED, done.filled), (CellState.ABSTAINED, done.abstained)):
                if name in columns:
                    where = np.isin(positions, columns[name].rows)
                    for what, values in _report(done, name, columns[name], state).items():
                        part[what][where] = values
        parts.append(pd.DataFrame(part))
    return cells_frame(parts)


def _report(done: Completion, name: str, column: FilledColumn, state: CellState) -> dict[str, Any]:
    """Report fields of some cells of a column: what fills them, or would, and how sure it is."""
    if done.prediction is None:
        return {"state": state}
    said: dict[str, Any] = {"state": state, **details_of(done.state, name, column, done.rows, done.prediction)}
    if "lower" in said:
        said["interval"] = written_intervals(done.state, name, said)
    said["source"] = sources_of(done.state, name, column, done.rows, done.prediction)
    if state is CellState.ABSTAINED:
        said.pop("value_number", None)  # it stays empty
    else:
        said["value"] = done.state.encoder.schema.format(name, column.values)
    return said


def _blank_report(positions: NDArray[np.int64], name: str, cell_state: CellState) -> dict[str, NDArray[Any]]:
    """Report fields of cells of which nothing is said yet."""
    n_cells = len(positions)
    fields: dict[str, NDArray[Any]] = {"position": positions}
    for what, dtype in CELL_DTYPES.items():
        if what != "position":
            fields[what] = np.full(
                n_cells, np.nan if dtype == "float64" else "", float if dtype == "float64" else object
            )
    fields["column"][:], fields["state"][:] = name, cell_state
    return fields
