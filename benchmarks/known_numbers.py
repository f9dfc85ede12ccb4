"""Whether the peers reach the figures that are known of them.

Run as ``python -m benchmarks.known_numbers [METHOD ...] [--rows N] [--max-time SECONDS] [--markdown]``. Of each column
of each table a fifth of the known cells is hidden by chance (seed 0); the figure is the GAIN paper's: RMSE over hidden
cells, columns scaled to [0, 1] by the complete column's range. One thread. A method that cannot run here is named with
the reason.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

import benchmarks.methods  # noqa: F401  makes the peers known
from benchmarks.tables import protocol_task
from gain_impute.errors import MethodUnavailableError
from gain_impute.evaluation import Task
from gain_impute.methods import Setting, make_method, note_of
from gain_impute.scores import paper_rmse

__all__ = ["KNOWN", "Known", "main"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """A figure that is known of a method.

    Attributes
    ----------
    method, table : str
        Which method, on which table.
    rmse, bar : float or None, default=None
        The figure, and what ours must not exceed. None: that of the mean on the same cells.
    source : str
        Where the figure is from.
    """

    method: str
    table: str
    rmse: float | None = None
    bar: float | None = None
    source: str = "the mean, on the same cells"


PAPER, PROTOTYPE = "the GAIN paper", "prototype"
KNOWN = (
    Known(method="gain_2018", table="spam", rmse=0.0513, bar=0.0564, source=PAPER),
    Known(method="gain_2018", table="letter", rmse=0.1198, bar=0.1318, source=PAPER),
    Known(method="extra_trees", table="spam", rmse=0.0448, bar=0.0460, source=PROTOTYPE),
    Known(method="extra_trees", table="letter", rmse=0.0614, bar=0.0630, source=PROTOTYPE),
    Known(method="lightgbm", table="spam", rmse=0.0464, bar=0.0487, source=PROTOTYPE),
    Known(method="lightgbm", table="letter", rmse=0.0662, bar=0.0695, source=PROTOTYPE),
    Known(method="bayesian_ridge", table="spam", rmse=0.0528, bar=0.0554, source=PROTOTYPE),
    Known(method="bayesian_ridge", table="letter", rmse=0.1130, bar=0.1187, source=PROTOTYPE),
    Known(method="missforest", table="spam", rmse=0.0553, bar=0.0553, source=PAPER),
    Known(method="missforest", table="letter", rmse=0.1605, bar=0.1605, source=PAPER),
    Known(method="hyperimpute", table="spam"),
    Known(method="miceforest", table="spam"),
    Known(method="remasker", table="spam"),
    Known(method="remasker", table="letter"),
)


def main() -> None:
    """Print ours beside what is known."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("methods", nargs="*", help="which methods; all where none is named")
    parser.add_argument("--rows", type=int, help="of each table, so many rows drawn with seed 0; all where not named")
    parser.add_argument("--max-time", type=float, help="seconds that each may take; without a limit where not named")
    parser.add_argument("--markdown", action="store_true", help="print a table for the documents")
    options = parser.parse_args()
    if options.markdown:
        print("| method | table | known | from | ours | seconds | |\n| --- | --- | ---: | --- | ---: | ---: | --- |")
    chosen = [known for known in KNOWN if not options.methods or known.method in options.methods]
    for cells in _measured(chosen, options.rows, options.max_time):
        print(f"| {' | '.join(cells)} |" if options.markdown else "  ".join(cells), flush=True)


def _measured(chosen: list[Known], n_rows: int | None, max_time_s: float | None) -> Iterator[list[str]]:
    """A row for each figure."""
    for known in chosen:
        task = protocol_task(known.table)
        if n_rows is not None and n_rows < len(task.visible):
            task = task.rows(np.sort(np.random.default_rng(0).choice(len(task.visible), n_rows, replace=False)))
        setting = Setting(schema=task.schema, max_time_s=max_time_s)
        mean = _rmse(task, make_method("mean", setting).fit_transform(task.visible))
        row = [known.method, known.table, f"{mean if known.rmse is None else known.rmse:.4f}", known.source]
        try:
            method = make_method(known.method, setting)
        except MethodUnavailableError as error:
            yield [*row, "cannot run", "", str(error)]
            continue
        start = time.perf_counter()
        rmse = _rmse(task, method.fit_transform(task.visible))
        elapsed_s = time.perf_counter() - start
        bar = mean if known.bar is None else known.bar
        verdict = "reached" if rmse <= bar else f"not reached: {bar:.4f} at most"
        part = f"on {len(task.visible):,} rows" if n_rows else ""
        yield [*row, f"{rmse:.4f}", f"{elapsed_s:.0f}", "; ".join(filter(None, [verdict, part, note_of(method)]))]


def _rmse(task: Task, filled: pd.DataFrame) -> float:
    return paper_rmse(task.complete, filled, task.hidden)


if __name__ == "__main__":
    main()
