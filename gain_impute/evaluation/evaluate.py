"""Hide known cells, fill them, score what was filled; beside the peers, on the same cells."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.cells import cell_len
from sklearn.base import clone

from gain_impute.cells import CellState
from gain_impute.errors import ConfigError, UnfillableWarning
from gain_impute.evaluation.scoring import LEAST_SCORED, score_table
from gain_impute.evaluation.task import Task, hide_task
from gain_impute.frames import to_pandas
from gain_impute.imputer import GAINImputer
from gain_impute.intake import read_table, resolve_schema
from gain_impute.masking import Mechanism
from gain_impute.methods import Setting, make_method, note_of
from gain_impute.parameters import check_count
from gain_impute.scores import calibration_error, score_intervals

__all__ = ["OURS", "Evaluation", "evaluate"]

OURS = "gain"
"""What the imputer is called beside its peers."""
WIDEST_NAME = 28
NOT_REFITTED = f"{OURS}: used as it was fitted; rows that it has learned flatter it, refit=True does not"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How well hidden cells were filled.

    Attributes
    ----------
    columns : DataFrame
        One row per column in which cells were hidden:

        - `column`, `kind`, `n_hidden`; `n_left`: hidden cells that the imputer left empty on purpose (abstained, or not
          applicable given what else it filled), which no method is scored on
        - `error_<method>`: RMSE / standard deviation of the complete column, of numbers and dates
        - `accuracy_<method>`: share of right answers, of categories
        - `coverage`: share of the hidden numbers that the imputer's 90 % interval holds; `width`: of that interval, on
          average, in standard deviations
        - `confidence`: mean of what the imputer gave; `calibration_error`: of categories, how far it was from the truth
    overall : dict of str to dict of str to float
        Of each method the means over columns `numeric_error` and `accuracy`, and the `seconds` it took. Columns with
        fewer than 5 scored cells do not count; NaN where no column does.
    rate : float
        Share of the known cells hidden.
    mechanism : str
        Why they were hidden.
    random_state : int
        Seed of the hiding.
    n_rows : int
        Rows of the table.
    notes : tuple of str
        What a reader of the figures must know.
    """

    columns: pd.DataFrame
    overall: dict[str, dict[str, float]]
    rate: float
    mechanism: str
    random_state: int
    n_rows: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give all figures as plain types, for JSON.

        Returns
        -------
        dict
            The attributes; `columns` as a list with one dict per column, NaN as None.
        """
        return {
            "rate": self.rate,
            "mechanism": self.mechanism,
            "random_state": self.random_state,
            "n_rows": self.n_rows,
            "n_hidden": int(self.columns["n_hidden"].sum()),
            "overall": {method: {k: _plain(v) for k, v in scores.items()} for method, scores in self.overall.items()},
            "columns": [{k: _plain(v) for k, v in row.items()} for row in self.columns.to_dict("records")],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """Draw the figures as a table of fixed width."""
        methods = list(self.overall)
        head = ["column", "kind", "hidden", *methods, "in 90 % interval", "confidence"]
        rows = [[*self._labels(row), *self._scores(row, methods)] for _, row in self.columns.iterrows()]
        for name, key, write in (
            ("numbers: RMSE / std", "numeric_error", _number),
            ("categories: right", "accuracy", _percent),
            ("seconds", "seconds", "{:.1f}".format),
        ):
            figures = [write(self.overall[method][key]) for method in methods]
            rows.append([name, "", "", *figures, "", ""])
        widths = [max(cell_len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        lines = [_line(row, widths) for row in [head, *rows]]
        rule = "-" * max(map(cell_len, lines))
        n_hidden = int(self.columns["n_hidden"].sum())
        title = f"{n_hidden:,} cells hidden: {self.rate:.0%} of the known ones of each column ({self.mechanism})"
        notes = [f"Note: {note}." for note in self.notes]
        return "\n".join([title, "", lines[0], rule, *lines[1:-3], rule, *lines[-3:], *notes])

    @staticmethod
    def _labels(row: pd.Series) -> list[str]:
        name = str(row["column"])
        short = name if len(name) <= WIDEST_NAME else name[: WIDEST_NAME - 1] + "…"
        return [short, str(row["kind"]), f"{row['n_hidden']:,}"]

    @staticmethod
    def _scores(row: pd.Series, methods: list[str]) -> list[str]:
        scores = [(row[f"error_{method}"], row[f"accuracy_{method}"]) for method in methods]
        figures = [_percent(accuracy) if math.isnan(error) else _number(error) for error, accuracy in scores]
        return [*figures, _percent(row["coverage"]), _number(row["confidence"])]


def evaluate(
    imputer: GAINImputer,
    table: Any,
    *,
    rate: float = 0.2,
    mechanism: Mechanism | str = Mechanism.MCAR,
    random_state: int = 0,
    compare: Sequence[str] = ("mean", "knn"),
    refit: bool | None = None,
    by: str | Sequence[str] | None = None,
) -> Evaluation:
    """Hide known cells of every column that can be filled, fill them, and score that beside the peers.

    All methods see the same table with the same holes, and learn from nothing else: means, ranges and categories are
    those of the visible cells. The kinds of the columns are told to all, inferred from the whole table where the
    imputer has no schema, as a person would know them.

    Parameters
    ----------
    imputer : GAINImputer
        What to evaluate. It is not changed.
    table : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
        The table, holes included.
    rate : float in (0, 1), default=0.2
        Share of the known cells of each column to hide.
    mechanism : Mechanism or str, default="mcar"
        Why cells are hidden: "mcar", "mar", "mnar", "mnar_quantile", "block" or "copied"; see `hide_cells`.
    random_state : int, default=0
        Seed of the hiding.
    compare : sequence of str, default=("mean", "knn")
        The peers, as `gain_impute.methods` names them: mean and mode, and the five nearest neighbours.
    refit : bool or None, default=None
        Whether a clone of the imputer is fitted to the visible cells. None: unless the imputer is fitted already; then
        it is used as it is, and the figures are honest only for rows that it has not seen.
    by : str, sequence of str or None, default=None
        What hiding depends on; see `hide_cells`.

    Returns
    -------
    Evaluation
        Figures for each column and over all.

    Raises
    ------
    ConfigError
        If a parameter is outside what it may be.
    TableError
        If no cell can be hidden, or a method leaves a hidden cell empty or changes an observed one.

    Examples
    --------
    >>> shop = pd.DataFrame({"kind": ["cup", "pot"] * 50, "price": [4.5, 19.0, 5.0, 21.5] * 25})
    >>> report = evaluate(GAINImputer(random_state=0, max_steps=50), shop, compare=["mean"])
    >>> report.columns[["column", "n_hidden"]].to_dict("list")
    {'column': ['kind', 'price'], 'n_hidden': [20, 20]}
    """
    is_fitted = hasattr(imputer, "schema_")
    if refit is False and not is_fitted:
        raise ConfigError("With refit=False the imputer must be fitted. It is not. Call fit first, or leave refit out.")
    check_count("random_state", random_state, least=0, of="evaluate")
    if OURS in compare:
        raise ConfigError(f"The imputer itself is {OURS!r}, so 'compare' must name others. Got {list(compare)}.")
    refit = not is_fitted if refit is None else refit
    if not refit:
        read_table(imputer, table, reset=False)  # are its columns those that the imputer knows?
    frame = to_pandas(table)
    schema = resolve_schema(imputer.schema, imputer.missing_values, table, frame) if refit else imputer.schema_
    peers = {name: make_method(name, Setting(schema=schema, seed=random_state)) for name in compare}
    task = hide_task(frame, schema, rate=rate, mechanism=mechanism, random_state=random_state, by=by)
    given = task.visible.to_numpy() if isinstance(table, np.ndarray) else task.visible
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnfillableWarning)  # only columns that can be filled are scored
        used = clone(imputer).set_params(schema=schema).fit(given) if refit else imputer
        imputation = used.impute(given)
    completed, seconds = {OURS: to_pandas(imputation.table)}, {OURS: time.perf_counter() - started}
    for name, peer in peers.items():
        started = time.perf_counter()
        completed[name] = peer.fit_transform(task.visible)
        seconds[name] = time.perf_counter() - started
    columns = _score_columns(task, completed, imputation.cells)
    return Evaluation(
        columns=columns,
        overall={name: _means(columns, name) | {"seconds": seconds[name]} for name in completed},
        rate=rate,
        mechanism=str(Mechanism(mechanism)),
        random_state=random_state,
        n_rows=len(frame),
        notes=(
            *(() if refit else (NOT_REFITTED,)),
            *(f"{name}: {note_of(peer)}" for name, peer in peers.items() if note_of(peer)),
        ),
    )


def _score_columns(task: Task, completed: dict[str, pd.DataFrame], cells: pd.DataFrame) -> pd.DataFrame:
    """One row of figures per column; all methods are scored on the cells that the imputer did not leave on purpose."""
    is_left = cells["state"].isin([CellState.ABSTAINED, CellState.NOT_APPLICABLE])
    left = {name: np.zeros(len(task.visible), dtype=bool) for name in task.truth}
    for name, positions in cells[is_left].groupby("column")["position"]:
        if name in task.truth:
            left[str(name)][positions.to_numpy()] = True
    scores = {method: score_table(task, filled, method=method, left=left) for method, filled in completed.items()}
    rows = []
    for number, name in enumerate(task.truth):
        hidden = task.hidden[name].to_numpy()
        row: dict[str, Any] = {
            "column": name,
            "kind": str(task.schema[name].kind),
            "n_hidden": int(hidden.sum()),
            "n_left": int((hidden & left[name]).sum()),
        }
        for method, columns in scores.items():
            figures = columns[number]
            row |= {f"{figure}_{method}": figures.get(figure, math.nan) for figure in ("error", "accuracy")}
        mine = cells[cells["column"] == name]
        rows.append(row | _score_report(task, name, mine, hidden & ~left[name], completed[OURS]))
    return pd.DataFrame(rows)


def _score_report(
    task: Task, name: str, cells: pd.DataFrame, scored: NDArray[np.bool_], completed: pd.DataFrame
) -> dict[str, float]:
    """Figures of what the imputer said of its cells in one column."""
    cells = cells[scored[cells["position"].to_numpy()]]
    at, confidence = cells["position"].to_numpy(), cells["confidence"].to_numpy()
    truth = task.truth[name].values[at]
    interval, calibration = {"coverage": math.nan, "width": math.nan}, math.nan
    if task.schema[name].is_number:
        interval = score_intervals(truth, cells["lower"], cells["upper"], std=task.stds[name])
    else:
        calibration = calibration_error(confidence, task.schema.parse(name, completed[name]).values[at] == truth)
    mean = float(confidence.mean()) if len(confidence) else math.nan
    return interval | {"confidence": mean, "calibration_error": calibration}


def _means(columns: pd.DataFrame, method: str) -> dict[str, float]:
    """Means over the columns with enough scored cells."""
    counted = columns[columns["n_hidden"] - columns["n_left"] >= LEAST_SCORED]
    return {
        "numeric_error": float(counted[f"error_{method}"].mean()),
        "accuracy": float(counted[f"accuracy_{method}"].mean()),
    }


def _plain(value: Any) -> Any:
    """A figure as JSON knows it."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1%}"


def _line(cells: list[str], widths: list[int]) -> str:
    """One line: two columns of words on the left, figures on the right."""
    words = [cell + " " * (width - cell_len(cell)) for cell, width in zip(cells[:2], widths, strict=False)]
    figures = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*words, *figures]).rstrip()
