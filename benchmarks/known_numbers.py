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

import benchmarks.methods  # noqa: F401  makes the peers known
from benchmarks.tables import protocol_task
from gain_impute.errors import MethodUnavailableError
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
    rmse : float
        The figure.
    bar : float
        What ours must not exceed.
    source : str
        Where it is from.
    """

    method: str
    table: str
    rmse: float
    bar: float
    source: str


PAPER, PROTOTYPE, MEAN = "the GAIN paper", "measured for the first prototype", "that of the mean"
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
    Known(method="hyperimpute", table="spam", rmse=0.0570, bar=0.0560, source=MEAN),
    Known(method="miceforest", table="spam", rmse=0.0570, bar=0.0560, source=MEAN),
    Known(method="remasker", table="spam", rmse=0.0570, bar=0.0560, source=MEAN),
    Known(method="remasker", table="letter", rmse=0.1539, bar=0.1500, source=MEAN),
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
        row = [known.method, known.table, f"{known.rmse:.4f}", known.source]
        task = protocol_task(known.table)
        if n_rows is not None and n_rows < len(task.visible):
            task = task.rows(np.sort(np.random.default_rng(0).choice(len(task.visible), n_rows, replace=False)))
        try:
            method = make_method(known.method, Setting(schema=task.schema, max_time_s=max_time_s))
        except MethodUnavailableError as error:
            yield [*row, "cannot run", "", str(error)]
            continue
        start = time.perf_counter()
        filled = method.fit_transform(task.visible)
        elapsed_s = time.perf_counter() - start
        rmse = paper_rmse(task.complete, filled, task.hidden)
        verdict = "reached" if rmse <= known.bar else f"not reached: {known.bar:.4f} at most"
        part = f"on {len(filled):,} rows" if n_rows else ""
        yield [*row, f"{rmse:.4f}", f"{elapsed_s:.0f}", "; ".join(filter(None, [verdict, part, note_of(method)]))]


if __name__ == "__main__":
    main()
