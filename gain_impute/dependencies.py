"""Columns whose values decide that of another: a code its category, a shop its town, width and density a height.

What always stood beside a value, or beside two values together, stands there again. Networks and trees only come near
such a functional dependency [1]_, most of all where a value is rare; to look it up is exact. It need not hold
everywhere: values beside which several others stood decide nothing.

References
----------
.. [1] Huhtala, Kärkkäinen, Porkka & Toivonen (1999), "TANE: an efficient algorithm for discovering functional and
   approximate dependencies".
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gain_impute.dependency import Beside, Dependency, Keys, followed
from gain_impute.weighing import is_better, losses

__all__ = ["Dependencies", "HeldOut"]

ENOUGH_IDLE = 20  # dependencies of one cell that decide no further rows: no pairs are sought any more
MOST_OF_CELL = 6  # dependencies that decide one cell,
LEAST_NEW = 0.01  # and the share of the rows that each must decide beyond those before it
MOST_WRONG = 0.02  # of the rows that others decide,
MOST_WRONG_OF_GUESSED = 0.2  # and of those that the column's most frequent value would get wrong
MOST_WRONG_AT_ALL = 0.5  # whatever held-out cells say
CHANCE = 1e-3  # with which rows might agree as often anywhere in a table, were its columns unrelated
N_PAIRS_FIRST = 256  # pairs of rows with the same key that are looked at before all rows are; where fewer than
LEAST_TOLD = 64  # of them have a cell, others are sought
LEAST_REPEATED = 0.5  # of the rows, with a value that stands in another row too: else a column makes no pairs
MOST_WORK = 5_000_000  # rows x pairs of columns that are tried,
ROWS_A_PAIR = 5_000  # where a pair takes as long as so many rows more
LEAST_CELLS = 10  # held-out ones that are decided: fewer tell nothing beyond noise


class HeldOut(NamedTuple):
    """Held-out cells of a column.

    Attributes
    ----------
    rows : ndarray of shape (n_cells, P + I), float64
        Theirs, of `side_by_side`.
    said : ndarray of shape (n_cells,) or (n_cells, n_categories), float32
        What is said of them: numbers or distributions.
    true : ndarray of the shape of `said`, float32
        The truth, of a category one-hot.
    """

    rows: NDArray[np.float64]
    said: NDArray[np.float32]
    true: NDArray[np.float32]

    def n_wrong(self, dependency: Dependency) -> int:
        """How many of them it decides wrongly."""
        true = self.true if self.true.ndim == 1 else self.true.argmax(axis=1) + 1
        decided, _ = dependency.decided(self.rows)
        return int((~np.isnan(decided) & (decided.astype(np.float32) != true)).sum())


@dataclass(frozen=True)
class Dependencies:
    """All that is known of which columns decide which.

    Attributes
    ----------
    of_cells : dict of int to tuple of Dependency
        By the cell that they decide, of which there is at least one.
    excess : tuple of float, default=(1, 1)
        How many times as often as their rows say those by one column, and by two, are wrong: of many that were tried
        those are found that seem better than they are.
    """

    of_cells: dict[int, tuple[Dependency, ...]]
    excess: tuple[float, float] = (1.0, 1.0)

    @property
    def all(self) -> list[Dependency]:
        """Those of all cells, one after another."""
        return [each for of_cell in self.of_cells.values() for each in of_cell]

    def described(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Rows of `GAINImputer.dependencies_`, of cells and identifiers with these names."""
        return [
            {
                "column": names[each.cell],
                "decided_by": tuple(names[by] for by in each.by),
                "n_values": len(each.keys),
                "share_wrong": float(each.wrong.mean() * self.excess[len(each.by) - 1]) if len(each.wrong) else 0.0,
            }
            for each in self.all
        ]

    @classmethod
    def none(cls) -> Dependencies:
        """No column decides another."""
        return cls({})

    @classmethod
    def find(cls, rows: NDArray[np.float64], n_cells: int | None = None, *, deadline: float = math.inf) -> Dependencies:
        """Find those among rows (n_rows, P + I) of `side_by_side`, of which the first `n_cells` may be decided.

        Each row is decided by the others, and few may be wrong: fewer by far than the column's most frequent value. And
        as many must agree as is no chance among all columns, and pairs of columns. Pairs are not asked about a cell
        of which enough was found that decides no further rows, nor is anybody once `time.perf_counter` reads
        `deadline`.
        """
        columns = [Keys.of(column[:, None]) for column in rows.T]
        surprises = np.array([column.surprise for column in columns])
        most_wrong = [min(MOST_WRONG, MOST_WRONG_OF_GUESSED * (1 - column.share_of_mode)) for column in columns]
        found = [_Found.nothing(len(rows)) for _ in range(rows.shape[1] if n_cells is None else n_cells)]
        for by in _deciding(columns):
            asked = [cell for cell, of in enumerate(found) if cell not in by and (len(by) == 1 or not of.is_enough)]
            if not asked or time.perf_counter() >= deadline:
                break
            deciding = columns[by[0]] if len(by) == 1 else Keys.of(rows[:, by])
            least_surprise = np.log(len(columns) ** (1 + len(by)) / CHANCE)
            for cell in _likely(rows, deciding.ids, surprises, asked):
                beside = Beside.of(deciding, columns[cell])
                if beside.wrong <= most_wrong[cell] and beside.n_agreed * surprises[cell] >= least_surprise:
                    each = beside.dependency(cell, by)
                    found[cell].add(each, ~np.isnan(each.decided(rows)[0]))
        kept = {cell: of.that_decide_most() for cell, of in enumerate(found)}
        return cls({cell: of_cell for cell, of_cell in kept.items() if of_cell})

    def again(self, rows: NDArray[np.float64]) -> Dependencies:
        """Learn the same ones from other rows, without asking again whether they hold."""
        of_cells = {
            cell: tuple(
                Beside.of(Keys.of(rows[:, each.by]), Keys.of(rows[:, [cell]])).dependency(cell, each.by)
                for each in of_cell
            )
            for cell, of_cell in self.of_cells.items()
        }
        return replace(self, of_cells=of_cells)

    def follow(
        self, cell: int, rows: NDArray[np.float64], said: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
        """Put what is decided of a cell in the place of what is said of it; what is wrong least decides.

        Parameters
        ----------
        cell : int
        rows : ndarray of shape (n_rows, P + I), float64
            Of `side_by_side`.
        said : ndarray of shape (n_rows,) or (n_rows, n_categories)
            Numbers, in which what is looked up is exact if they are float64, or distributions.

        Returns
        -------
        said : ndarray of the shape of `said`
        is_decided : ndarray of shape (n_rows,), bool
        """
        decided, wrong = self.decided(self.of_cells.get(cell, ()), rows)
        is_decided = ~np.isnan(decided)
        said = said.copy()
        said[is_decided] = followed(said[is_decided], decided[is_decided], wrong[is_decided])
        return said, is_decided

    def decided(
        self, by: Iterable[Dependency], rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """What some dependencies of a cell decide, and the shares wrong; of each row that which is wrong least."""
        decided, wrong = np.full(len(rows), np.nan), np.full(len(rows), np.inf, np.float32)
        for each in by:
            found, share = each.decided(rows)
            share = (share * np.float32(self.excess[len(each.by) - 1])).clip(max=MOST_WRONG_AT_ALL)
            is_best = ~np.isnan(found) & (share < wrong)
            decided[is_best], wrong[is_best] = found[is_best], share[is_best]
        return decided, wrong

    def believed(self, shown: Mapping[int, HeldOut]) -> Dependencies:
        """Those that help, by held-out cells of all columns that some decide; and how often these are wrong."""
        n_wrong, n_expected = np.ones(2), np.ones(2)
        for each in self.all:
            decided, wrong = each.decided(shown[each.cell].rows)
            n_wrong[len(each.by) - 1] += shown[each.cell].n_wrong(each)
            n_expected[len(each.by) - 1] += wrong[~np.isnan(decided)].sum()
        one, two = (n_wrong / n_expected).clip(min=1).tolist()
        honest = replace(self, excess=(one, two))
        kept = {cell: honest.helpful(of_cell, shown[cell]) for cell, of_cell in self.of_cells.items()}
        return replace(honest, of_cells={cell: of_cell for cell, of_cell in kept.items() if of_cell})

    def helpful(self, of_cell: tuple[Dependency, ...], shown: HeldOut) -> tuple[Dependency, ...]:
        """Dependencies of a cell that bring what is said of held-out cells nearer to the truth.

        Those that are never wrong, neither of rows nor of held-out cells. All others too, or else those by one column,
        if they help beyond noise. Great errors of numbers are rare, and there are more rows to learn from than held-out
        cells: by those none may be farther off than what is said of these.
        """
        before, is_number = losses(shown.said, shown.true), shown.true.ndim == 1

        def is_sure(each: Dependency) -> bool:
            return each.is_never_wrong and shown.n_wrong(each) == 0

        if is_number:
            most = before.mean() if len(before) else 0.0
            of_cell = tuple(each for each in of_cell if each.squared_error * self.excess[len(each.by) - 1] <= most)
        for chosen in (of_cell, tuple(each for each in of_cell if len(each.by) == 1 or is_sure(each))):
            decided, wrong = self.decided(chosen, shown.rows)
            there = ~np.isnan(decided)
            if there.sum() >= LEAST_CELLS:
                after = losses(followed(shown.said[there], decided[there], wrong[there]), shown.true[there])
                if is_better(after[None], before[there], is_bounded=not is_number):
                    return chosen
        return tuple(filter(is_sure, of_cell))


@dataclass
class _Found:
    """Dependencies of one cell, as they are found.

    Attributes
    ----------
    all : list of (Dependency, ndarray of shape (n_rows,), bool)
        With the rows that each decides.
    is_decided : ndarray of shape (n_rows,), bool
        Rows that one of them decides.
    n_idle : int
        How many decided no rows, or hardly any, that had not been decided before.
    """

    all: list[tuple[Dependency, NDArray[np.bool_]]]
    is_decided: NDArray[np.bool_]
    n_idle: int

    @classmethod
    def nothing(cls, n_rows: int) -> _Found:
        return cls([], np.zeros(n_rows, bool), 0)

    @property
    def is_enough(self) -> bool:
        """Whether others would hardly decide more."""
        return self.n_idle >= ENOUGH_IDLE

    def add(self, each: Dependency, decides: NDArray[np.bool_]) -> None:
        """Take up one more, with the rows (n_rows,) that it decides."""
        self.n_idle += self._n_new(decides, self.is_decided) < self._least_new
        self.all.append((each, decides))
        self.is_decided = self.is_decided | decides

    def that_decide_most(self) -> tuple[Dependency, ...]:
        """One after another that decides most more.

        Those by one column come first, for they are seen in more rows.
        """
        kept: list[Dependency] = []
        left = sorted(self.all, key=lambda each: len(each[0].by))
        is_decided = np.zeros_like(self.is_decided)
        while left and len(kept) < MOST_OF_CELL:
            n_new = [self._n_new(decides, is_decided) for _, decides in left]
            best = int(np.argmax(n_new))
            if n_new[best] < self._least_new:
                break
            each, decides = left.pop(best)
            kept.append(each)
            is_decided |= decides
        return tuple(kept)

    @staticmethod
    def _n_new(decides: NDArray[np.bool_], is_decided: NDArray[np.bool_]) -> int:
        return int((decides & ~is_decided).sum())

    @property
    def _least_new(self) -> float:
        return LEAST_NEW * len(self.is_decided)


def _deciding(columns: Sequence[Keys]) -> Iterator[tuple[int, ...]]:
    """Columns that may decide others, then pairs of such whose values mostly stand in several rows.

    Of wide tables the pairs of those columns that tell most.
    """
    yield from ((column,) for column in range(len(columns)))
    n_rows = len(columns[0].ids) if columns else 0
    n_most = int(np.sqrt(2 * MOST_WORK / (n_rows + ROWS_A_PAIR)))
    telling = [
        column for column, each in enumerate(columns) if each.share_repeated >= LEAST_REPEATED and len(each.keys) > 1
    ]
    yield from combinations(sorted(sorted(telling, key=lambda column: -columns[column].surprise)[:n_most]), 2)


def _likely(
    rows: NDArray[np.float64],
    ids: NDArray[np.int64],
    surprises: NDArray[np.float64],
    cells: list[int],
) -> list[int]:
    """Which of some cells may be decided, by a few pairs of rows with the same key that both have the cell.

    Arguments `ids` and `surprises` as of `Keys`.
    """
    order = np.argsort(ids, kind="stable")
    order = order[np.searchsorted(ids[order], 0) :]  # rows with a key
    asked = np.array(cells, np.int64)
    one, other = (rows[side[:, None], asked] for side in _pairs(order, ids))
    n_told, n_same = (~np.isnan(one + other)).sum(axis=0), (one == other).sum(axis=0)
    for at in np.flatnonzero(n_told < LEAST_TOLD):  # of a column with many holes hardly two beside each other are known
        values = rows[:, asked[at]]
        one, other = (values[side] for side in _pairs(order[~np.isnan(values[order])], ids))
        n_told[at], n_same[at] = len(one), (one == other).sum()
    expected = n_told * 2 * MOST_WRONG_OF_GUESSED * (1 - np.exp(-surprises[asked]))
    is_likely = (n_told > 0) & (n_told - n_same <= expected + 2 * np.sqrt(expected))
    return [cell for cell, likely in zip(cells, is_likely, strict=True) if likely]


def _pairs(order: NDArray[np.int64], ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of rows in the order of their keys some with the same key as the next: these, and the next, (n_pairs,) each."""
    of_rows = ids[order]
    pairs = np.flatnonzero(of_rows[1:] == of_rows[:-1])
    pairs = pairs[np.linspace(0, len(pairs) - 1, min(len(pairs), N_PAIRS_FIRST)).astype(np.int64)]
    return order[pairs], order[pairs + 1]
