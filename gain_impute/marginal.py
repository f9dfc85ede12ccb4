"""What a column says of a cell without looking at its row: the mean of its numbers, or how frequent its categories are.

Where a column cannot be told from the others, the generator and the experts are the farther from the truth the more
they say, and this is the best answer that there is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["marginal_of", "say_marginal"]


def marginal_of(target: NDArray[Any], n_categories: int | None = None) -> NDArray[np.float32]:
    """Mean (1,) of z-scores (n_rows,), or of 1-based codes the shares (n_categories,), of which none is impossible."""
    if n_categories is None:
        return np.array([target.mean(dtype=np.float64)], np.float32)
    counts = np.bincount(target - 1, minlength=n_categories) + 1 / n_categories
    shares: NDArray[np.float32] = (counts / counts.sum()).astype(np.float32)
    return shares


def say_marginal(marginal: NDArray[np.float32], n_rows: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Say the same of each row: numbers (n_rows,), or distributions (n_rows, n_categories), or of more categories."""
    of_one = np.zeros(shape or 1, np.float32)
    of_one[: len(marginal)] = marginal
    return np.broadcast_to(of_one if shape else of_one[0], (n_rows, *shape))
