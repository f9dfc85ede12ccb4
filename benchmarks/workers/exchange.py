"""What every worker does: read questions, answer each, and end when nobody asks any more.

Runs in the peers' environments: nothing but the standard library and numpy, and nothing of our package.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Question", "answer_with"]


class Question(NamedTuple):
    """What is asked of a worker.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
        Numbers with mean 0 and standard deviation 1, codes of categories; NaN where unknown.
    texts : ndarray of shape (n_rows, d_text), float64
        Never NaN.
    n_categories : ndarray of shape (n_columns,), int64
        0 for numbers.
    told : dict
        verb ("fit", "fill" or "draw") and seed; in a fit also n_threads, max_time_s, and the peer's own options.
    """

    values: np.ndarray
    texts: np.ndarray
    n_categories: np.ndarray
    told: dict[str, Any]


def answer_with(answer: Callable[[Question], tuple[np.ndarray, str]]) -> None:
    """Answer each question that is named on standard input with completed values (n_rows, n_columns) and a note."""
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints must not be taken for an answer
    for line in sys.stdin:
        told = json.loads(line)
        with np.load(told["question"]) as given:
            question = Question(given["values"], given["texts"], given["n_categories"], told)
        values, note = answer(question)
        np.savez(Path(told["answer"]), values=np.asarray(values, dtype=np.float64), note=note)
        print("done", file=said, flush=True)
