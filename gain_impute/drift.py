"""How sure a fit is of cells that it never learned, kept while it goes on to learn the held-out ones.

Held-out cells tell how sure it may be. Once these are learned too, nothing tells any more, and it grows surer of all
cells without being right more often. The *empty* cells show by how much, without their truth: what is said of them is
scaled until it is, column by column, as sure of them on average as it was before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from torch import Tensor

from gain_impute.batches import TensorTable
from gain_impute.member import Member
from gain_impute.prediction import predict, unknown_shares
from gain_impute.saying import tempered

__all__ = ["Sureness", "keep_some_back", "keep_sureness", "measure_sureness"]

MOST_ROWS = 4_096  # with empty cells, evenly chosen
LEAST_CELLS = 20  # empty cells of a column below which all columns are taken together
WANTED_CELLS = 100  # empty cells of a column; where there are fewer, held-out ones stay empty for good in their place,
MOST_KEPT = 0.2  # but no more than this share of them
MOST_SCALE = 4.0  # by which anything is scaled, either way


_Columns = list[NDArray[np.float32]]
_Scale = Callable[[_Columns, _Columns], float]


@dataclass(frozen=True)
class Sureness:
    """How sure a fit is of the empty cells of a table.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,), int64
        Rows of the table that were asked about.
    shares : list of ndarray of shape (n_empty, n_categories), float32
        Of each categorical column, what is said of its empty cells.
    squares : list of ndarray of shape (n_empty,), float32
        Of each numeric column, the squared spread of the draws of its empty cells.
    """

    rows: NDArray[np.int64]
    shares: list[NDArray[np.float32]]
    squares: list[NDArray[np.float32]]


def keep_some_back(table: TensorTable, held_out: tuple[Tensor, Tensor]) -> TensorTable:
    """Empty some of the held-out cells of a table, in columns with few empty cells: these are never learned."""
    rows, cells = held_out
    n_empty = len(table.known) - table.n_known()
    n_cells, n_lacking = cells.sum(dim=0), (WANTED_CELLS - n_empty).clamp_min(0)
    n_kept = torch.minimum(n_lacking, (MOST_KEPT * n_cells).long())
    steps = cells.cumsum(dim=0) * n_kept // n_cells.clamp_min(1)  # rises by one at each cell that is kept
    known = table.known.clone()
    known[rows] &= steps.diff(dim=0, prepend=torch.zeros_like(steps[:1])) == 0
    return replace(table, known=known)


def measure_sureness(member: Member, table: TensorTable, *, rows: NDArray[np.int64] | None = None) -> Sureness:
    """Ask about rows with empty cells; about some of them, if none are given."""
    known = table.known.cpu().numpy()
    if rows is None:
        rows = np.flatnonzero(~known.all(axis=1))
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64)]
    spread = predict([Member(member.training)], table, rows, spread=True).spread
    squares = [spread[~known[rows, column], column] ** 2 for column in range(member.layout.n_numbers)]
    return Sureness(rows, unknown_shares([member], table, rows), squares)


def keep_sureness(member: Member, table: TensorTable, before: Sureness) -> None:
    """Scale what is said until it is as sure of the empty cells as it was before, in place."""
    now, averaged = measure_sureness(member, table, rows=before.rows), member.training.averaged
    averaged.scale_corrections(_by_column(_growth, before.squares, now.squares))
    averaged.temperatures *= averaged.temperatures.new_tensor(_by_column(_temperature, before.shares, now.shares))


def _by_column(scale: _Scale, before: _Columns, now: _Columns) -> list[float]:
    """A scale for each column; where it has few empty cells, that of all columns together."""
    common = scale(before, now)
    columns = zip(before, now, strict=True)
    return [scale([b], [n]) if len(b) >= LEAST_CELLS else common for b, n in columns]


def _growth(before: _Columns, now: _Columns) -> float:
    """What spreads are multiplied by to have the mean square that they had."""
    was, is_now = (float(sum(squares.sum() for squares in column)) for column in (before, now))
    return float(np.clip(np.sqrt(was / is_now), 1 / MOST_SCALE, MOST_SCALE)) if was > 0 and is_now > 0 else 1.0


def _temperature(before: _Columns, now: _Columns) -> float:
    """What logits are divided by so that the most probable categories are as probable, on average, as they were."""
    was = sum(float(shares.max(axis=1).sum()) for shares in before if len(shares))

    def surplus(log_temperature: float) -> float:
        shares = (tempered(column, np.exp(log_temperature)) for column in now if len(column))
        return sum(float(column.max(axis=1).sum()) for column in shares) - was

    most = float(np.log(MOST_SCALE))
    flattest, sharpest = surplus(most), surplus(-most)
    if flattest == sharpest:  # nothing was asked, or there is but one category
        return 1.0
    if flattest >= 0 or sharpest <= 0:
        return MOST_SCALE if flattest >= 0 else 1 / MOST_SCALE
    return float(np.exp(brentq(surplus, -most, most, xtol=1e-3)))
