"""What tracking takes of a fit of a minute: the same fit with and without it, by turns.

Run as ``python -m benchmarks.tracking_overhead`` on a machine with nothing else to do (about ten minutes). The tracked
fits have everything that `tracker="mlflow"` gives: losses, peers on the same cells, pictures, the page, system metrics;
the store is a new one, made before the clock runs. The order is A B B A, so that a machine which grows slower or faster
favours neither. Two figures come out: the difference of the times, as noisy as these are; and how long the tracked fits
waited for their tracker, which leaves out only what the thread that sends takes from the others.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import benchmarks.tables  # noqa: F401  makes the tables known
from gain_impute import GAINImputer
from gain_impute.benchmark import BenchmarkTable, find_table
from gain_impute.errors import GainImputeWarning
from gain_impute.tracking import MLflowTracker

__all__ = ["main", "measure"]

WANTED_SHARE = 0.03


def measure(table: BenchmarkTable, *, max_steps: int, n_pairs: int) -> pd.DataFrame:
    """Fit a table with and without tracking, by turns.

    Parameters
    ----------
    table : BenchmarkTable
        What is fitted.
    max_steps : int
        Steps of each fit.
    n_pairs : int
        Fits of each kind.

    Returns
    -------
    DataFrame of shape (2 * n_pairs, 3)
        In the order of time: ``tracked``, ``seconds`` of the fit, ``waited_s`` for the tracker.
    """
    _fit(table, max_steps=20, tracked=False)
    _fit(table, max_steps=20, tracked=True)
    fits = []
    for pair in range(n_pairs):
        for tracked in (False, True) if pair % 2 == 0 else (True, False):
            seconds, waited_s = _fit(table, max_steps=max_steps, tracked=tracked)
            fits.append({"tracked": tracked, "seconds": seconds, "waited_s": waited_s})
            print(fits[-1], flush=True)
    return pd.DataFrame(fits)


def main() -> None:
    """Measure, and print the share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="gsmarena")
    parser.add_argument("--max-steps", type=int, default=2_300, help="of each fit: such that one takes a minute")
    parser.add_argument("--pairs", type=int, default=4)
    options = parser.parse_args()
    warnings.simplefilter("ignore", GainImputeWarning)
    table = find_table(options.table)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fits = measure(table, max_steps=options.max_steps, n_pairs=options.pairs)
    of_kinds = fits.groupby("tracked")["seconds"]
    untracked, tracked = of_kinds.mean()[False], of_kinds.mean()[True]
    error = np.sqrt((of_kinds.sem() ** 2).sum())
    waited = fits.loc[fits["tracked"], "waited_s"].mean()
    print(
        f"untracked {untracked:.1f} s, tracked {tracked:.1f} s: {tracked / untracked - 1:.1%} more, "
        f"± {error / untracked:.1%} (standard error); waited {waited:.2f} s, {waited / untracked:.1%}; "
        f"wanted: {WANTED_SHARE:.0%} at most"
    )


class _TimedTracker(MLflowTracker):
    """A tracker that counts the seconds for which a fit waits for it, also for what is not sent yet at its end."""

    waited_s = 0.0

    def __getattribute__(self, name: str) -> Any:
        """Let the four methods of a tracker run against the clock."""
        found = super().__getattribute__(name)
        return self._timed(found) if name.startswith("on_") else found

    def _timed(self, method: Callable[..., None]) -> Callable[..., None]:
        def timed(*args: Any) -> None:
            began = time.perf_counter()
            method(*args)
            self.waited_s += time.perf_counter() - began

        return timed


def _fit(table: BenchmarkTable, *, max_steps: int, tracked: bool) -> tuple[float, float]:
    """Seconds of one fit, and for which it waited for its tracker."""
    imputer = GAINImputer(schema=table.schema, max_steps=max_steps, random_state=0)
    tracker, began = _TimedTracker() if tracked else None, time.perf_counter()
    imputer.fit(table.frame, tracker=tracker)
    return time.perf_counter() - began, 0.0 if tracker is None else tracker.waited_s


if __name__ == "__main__":
    main()
