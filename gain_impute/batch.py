"""A file of any size filled part by part: what is in memory does not grow with the file."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from gain_impute.cells import CellState
from gain_impute.completion import Completion, PreparedTable, complete_prepared, prepare
from gain_impute.files import Filling, TableFile, check_output, frame_writer, open_output, select_columns
from gain_impute.filled_frames import fill_frame
from gain_impute.frames import row_labels
from gain_impute.imputer import GAINImputer
from gain_impute.parameters import checked_bars, usable_threads
from gain_impute.sessions import torch_session

__all__ = ["CONFIDENCE_BINS", "MOST_FIT_CELLS", "FileImputation", "impute_file", "why_left"]

MOST_FIT_CELLS = 10_000_000
"""Cells of a table that a fit reads. Of a larger one it sees every second row, or every fourth, ..."""
FIRST_SPREAD_ROWS, SPREAD_ROWS = 512, 32
"""Rows of the first part, and of each later one, on which the confidence of numbers is measured where no report of the
cells is asked for: that of every cell would take longer than all the rest."""
CONFIDENCE_BINS = 10


@dataclass
class _Tally:
    """What became of the empty cells of one column so far."""

    states: dict[CellState, int] = field(default_factory=lambda: dict.fromkeys(CellState, 0))
    confidence_sum: float = 0.0
    n_confident: int = 0
    histogram: NDArray[np.float64] = field(default_factory=lambda: np.zeros(CONFIDENCE_BINS))

    def add(self, name: str, completion: Completion) -> None:
        """Count the cells of one part; those whose confidence was measured stand for all that were filled."""
        n_empty = int(np.count_nonzero(completion.empty[name].to_numpy()))
        if name not in completion.filled:
            self.states[CellState.UNFILLABLE] += n_empty
            return
        n_filled = len(completion.filled[name].rows)
        self.states[CellState.IMPUTED] += n_filled
        n_abstained = len(completion.abstained[name].rows) if name in completion.abstained else 0
        self.states[CellState.ABSTAINED] += n_abstained
        self.states[CellState.NOT_APPLICABLE] += n_empty - n_filled - n_abstained
        confidence = completion.confidence(name)
        confidence = confidence[~np.isnan(confidence)]
        if len(confidence):
            self.confidence_sum += n_filled * float(confidence.mean())
            self.n_confident += n_filled
            self.histogram += n_filled / len(confidence) * np.histogram(confidence, CONFIDENCE_BINS, (0, 1))[0]


@dataclass(frozen=True)
class FileImputation:
    """What was done to a file.

    Attributes
    ----------
    columns : DataFrame
        Indexed by column, those with empty cells: `empty`, one column per state of `CellState`, the mean `confidence`
        of the filled cells, and `histogram`: how many of them have a confidence in each tenth of [0, 1]. Where no
        report was asked for, both are estimated for numbers from a sample of each part.
    n_rows : int
        Rows of the file.
    unreadable : dict of str to int
        Of each column that has some, the number of known cells that could not be read as its kind.
    """

    columns: pd.DataFrame
    n_rows: int
    unreadable: dict[str, int]


def impute_file(
    imputer: GAINImputer,
    file: TableFile,
    output: str | PathLike[str],
    *,
    cells: str | PathLike[str] | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> FileImputation:
    r"""Fill the empty cells of a table in a file; every other byte of a text file comes out as it came in.

    While the networks fill one part, the next is read and the last one written; the thread that does this fills parts
    too, as soon as it is ahead.

    Parameters
    ----------
    imputer : GAINImputer
        Fitted. Columns that it does not know stay as they are. On a CPU its `n_threads` is how many threads fill parts
        beside the one that reads and writes; what is filled does not depend on it.
    file : TableFile
        The table, as `gain_impute.files.open_table` opens it.
    output : str or path
        Where the filled table goes; it appears whole or not at all. ``-`` is standard output.
    cells : str, path or None, default=None
        Where the report of all cells that were empty goes, if anywhere.
    on_rows : callable or None, default=None
        Told, after each part, how many rows are done.

    Returns
    -------
    FileImputation
        What was done.

    Raises
    ------
    ColumnMismatchError
        If a column that the imputer knows is not there.
    FileError
        If the file cannot be read, or the output not be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from gain_impute.files import open_table
    >>> shop = pd.DataFrame({"kind": ["cup", "pot"] * 20, "price": ["4.5", "19.0"] * 20})
    >>> imputer = GAINImputer(random_state=0, max_steps=50).fit(shop)
    >>> with TemporaryDirectory() as folder:
    ...     dump, filled = Path(folder, "dump.csv"), Path(folder, "filled.csv")
    ...     _ = dump.write_text("kind,price\ncup,\n")
    ...     done = impute_file(imputer, open_table(dump), filled)
    ...     "cup,\n" in filled.read_text(), done.columns["imputed"].to_dict()
    (False, {'price': 1})
    """
    check_is_fitted(imputer)
    if cells is not None:
        check_output(cells, apart_from=[output])
    names, model_id = list(imputer.schema_), imputer.state_.model_id()
    tallies: dict[str, _Tally] = {name: _Tally() for name in names}
    unreadable = dict.fromkeys(names, 0)
    n_rows = 0
    with ExitStack() as opened:
        write = opened.enter_context(file.writer(opened.enter_context(open_output(output))))
        report = None if cells is None else opened.enter_context(frame_writer(cells))  # is there before the output is
        completed = opened.enter_context(closing(_completed_parts(imputer, file, has_report=cells is not None)))
        for part, frame, completion in completed:
            write(part, _fillings(file, frame, completion))
            if report is not None:
                report(completion.cells(row_labels(frame), model_id, first_row=part.first_row))
            for name, tally in tallies.items():
                tally.add(name, completion)
            for name, count in completion.unreadable.items():
                unreadable[name] += count
            n_rows = part.first_row + part.n_rows
            if on_rows is not None:
                on_rows(n_rows)
    return FileImputation(_columns(tallies), n_rows, {name: count for name, count in unreadable.items() if count})


def why_left(imputer: GAINImputer, name: str, counts: pd.Series) -> str:
    """Say why cells of a column stay empty.

    Parameters
    ----------
    imputer : GAINImputer
        What filled the others.
    name : str
        The column.
    counts : Series
        Its row of `FileImputation.columns`.

    Returns
    -------
    str
        Such as "12 not applicable"; empty where none stays empty.
    """
    why = imputer.unfillable_.get(name)
    words = {
        CellState.ABSTAINED: "not sure enough",
        CellState.NOT_APPLICABLE: "not applicable",
        CellState.UNFILLABLE: "unfillable" if why is None else f"unfillable ({why})",
    }
    return ", ".join(f"{counts[state]:,} {word}" for state, word in words.items() if counts[state])


def _completed_parts(
    imputer: GAINImputer, file: TableFile, *, has_report: bool
) -> Generator[tuple[Any, pd.DataFrame, Completion]]:
    """Each part, its rows and what goes into them, in the file's order; the parts behind it are being filled already.

    Whoever takes the parts reads and writes meanwhile: numpy, torch and Arrow let other threads run. An end that comes
    early waits for no more than a batch of rows.
    """
    state, names = imputer.state_, list(imputer.schema_)
    bars = checked_bars(imputer.min_confidence, names)
    n_workers = usable_threads(imputer.n_threads) if state.device.type == "cpu" else 1
    ended = threading.Event()

    def go_on() -> None:
        if ended.is_set():
            raise CancelledError

    def fill(prepared: PreparedTable, most_spread: int | None) -> Completion:
        return complete_prepared(
            state,
            prepared,
            round_to_grid=imputer.round_to_grid,
            bars=bars,
            most_spread=most_spread,
            on_batch=go_on,
        )

    begun: deque[tuple[Any, pd.DataFrame, Future[Completion]]] = deque()
    with torch_session(1, None, state.device), ThreadPoolExecutor(n_workers) as pool:
        try:
            for part in file.parts():
                frame, _ = select_columns(part.frame(), names)
                prepared = prepare(state, frame)
                most_spread = None if has_report else SPREAD_ROWS if part.first_row else FIRST_SPREAD_ROWS
                if sum(not earlier.done() for *_, earlier in begun) <= n_workers:
                    completion = pool.submit(fill, prepared, most_spread)
                else:  # each worker has one part to fill and one to go on with, so this thread fills one too
                    completion = Future()
                    completion.set_result(fill(prepared, most_spread))
                begun.append((part, frame, completion))
                while begun and (begun[0][-1].done() or len(begun) > n_workers + 1):
                    yield _first_of(begun)
            while begun:
                yield _first_of(begun)
        finally:
            ended.set()
            pool.shutdown(cancel_futures=True)


def _first_of(
    begun: deque[tuple[Any, pd.DataFrame, Future[Completion]]],
) -> tuple[Any, pd.DataFrame, Completion]:
    """Take the first part, and wait until it is filled."""
    part, frame, completion = begun.popleft()
    return part, frame, completion.result()


def _fillings(file: TableFile, frame: pd.DataFrame, completion: Completion) -> dict[str, Filling]:
    """What goes into each column: texts, or values of the column's type."""
    schema, filled = completion.state.encoder.schema, completion.filled
    if not file.is_typed:
        return {name: Filling(column.rows, schema.format(name, column.values)) for name, column in filled.items()}
    completed = fill_frame(frame, filled, schema, completion.state.cell_types)
    return {name: Filling(column.rows, completed[name].iloc[column.rows]) for name, column in filled.items()}


def _columns(tallies: dict[str, _Tally]) -> pd.DataFrame:
    """The counts of all columns that had empty cells."""
    rows = {
        name: {
            "empty": sum(tally.states.values()),
            **{str(state): count for state, count in tally.states.items()},
            "confidence": tally.confidence_sum / tally.n_confident if tally.n_confident else np.nan,
            "histogram": tally.histogram,
        }
        for name, tally in tallies.items()
        if sum(tally.states.values())
    }
    columns = ["empty", *map(str, CellState), "confidence", "histogram"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("column")
