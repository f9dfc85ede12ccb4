"""Hide known cells, so that an imputer can be scored on them: by chance, by value, in blocks, as others are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit

from gain_impute.errors import ConfigError, TableError
from gain_impute.schema.reading import is_number_dtype, read_distinct, read_numbers

__all__ = ["Mechanism", "apply_hidden", "hide_cells"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

STRENGTH = 3.0
"""Log odds of being hidden, from the middle of the order that a cell depends on to either end."""
NEVER = -50.0
HALF = 0.5
"""Log odds of cells that are hidden only where there are no others."""
MOST_ROUNDS = 100
LEAST_GROUP_SIZE = 5
N_RANDOM_GROUPS = 20
BLOCK_WIDTH = 3
"""Columns that are hidden together."""
MOST_NAMES_SHOWN = 5


class Mechanism(StrEnum):
    """Why cells are missing.

    Examples
    --------
    >>> Mechanism("mnar") is Mechanism.MNAR
    True
    """

    MCAR = "mcar"
    """By chance alone."""
    MAR = "mar"
    """More often where another column, that is known, is high (or low)."""
    MNAR = "mnar"
    """More often where the value itself is high; of categories, some are missing more often than others."""
    MNAR_QUANTILE = "mnar_quantile"
    """Half of the cells above a quantile of their column, and none below it; so less than half of all. Of cells of one
    value chance says which are above."""
    BLOCK = "block"
    """Several columns together, for all rows of some groups: suppliers who never send some attributes."""
    COPIED = "copied"
    """What other rows of the table lack: the holes that are there already are copied into other rows."""


def hide_cells(
    table: pd.DataFrame,
    rate: float,
    *,
    mechanism: Mechanism | str = Mechanism.MCAR,
    rng: np.random.Generator | int,
    columns: Iterable[str] | None = None,
    by: str | Sequence[str] | None = None,
    observed: ArrayLike | None = None,
) -> pd.DataFrame:
    """Choose known cells to hide, so that an imputer can be scored on them.

    Of each column exactly ``round(rate * n_known)`` cells are chosen (of a column without holes none, where holes are
    copied). Each column draws from a seed sequence of its own, so the cells of one column say nothing about those of
    another, and a column keeps its cells whichever others are hidden beside it (but for blocks and copied holes, which
    are made of the columns given).

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The table as the user has it, holes included.
    rate : float in (0, 1)
        Share of the known cells of each column to hide.
    mechanism : Mechanism or str, default="mcar"
        What hiding depends on: ``"mcar"``, ``"mar"``, ``"mnar"``, ``"mnar_quantile"``, ``"block"`` or ``"copied"``; see
        `Mechanism`. In ``"mar"`` and ``"mnar"`` the log odds of being hidden grow by 6 from the lowest to the highest
        rank.
    rng : Generator or int
        Where chance comes from. A generator is advanced, so that two uses of one are independent; the same integer
        gives the same cells.
    columns : iterable of str or None, default=None
        The columns in which to hide cells. None: all.
    by : str, sequence of str or None, default=None
        What ``"mar"`` depends on, or the one column whose values are the groups of ``"block"``. Their own cells are
        hidden at the same rate, by chance. None: the fullest column that suits; blocks take random groups of rows where
        none does. The columns used stand in ``hidden.attrs["by"]``.
    observed : array-like of shape (n_rows, n_columns), bool, or None, default=None
        Which cells may be hidden, where fewer than all that are known. None: all cells that are neither NaN nor the
        empty text.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns), bool
        True where a known cell is to be hidden; never True where `table` is empty.

    Raises
    ------
    ConfigError
        If `rate` is outside (0, 1), or not below 0.5 for ``"mnar_quantile"``, there is no such mechanism or column, or
        nothing to depend on.
    TableError
        If two columns have one name, or `observed` has another shape than the table.

    References
    ----------
    .. [1] Schouten, Lugtig & Vink (2018), "Generating missing values for simulation purposes: a multivariate
       amputation procedure", Journal of Statistical Computation and Simulation 88(15).
    .. [2] Madow (1949), "On the theory of systematic sampling, II", Annals of Mathematical Statistics 20(3): a fixed
       number of cells, each with its own probability.

    Examples
    --------
    >>> table = pd.DataFrame({"brand": ["Acme", "Zeta", "", "Acme", "Zeta"], "price": [9.0, 8.5, 7.0, None, 5.0]})
    >>> hidden = hide_cells(table, 0.5, rng=0)
    >>> hidden.sum().to_dict()
    {'brand': 2, 'price': 2}
    >>> bool(hidden.loc[2, "brand"] or hidden.loc[3, "price"])
    False
    """
    _check_rate(rate)
    mechanism = _checked_mechanism(mechanism)
    if mechanism is Mechanism.MNAR_QUANTILE and rate >= HALF:
        raise ConfigError(
            f"With the mechanism 'mnar_quantile' the rate must be below {HALF}, for half of the cells above a quantile "
            f"are hidden. Got {rate!r}. Use 'mnar', or hide fewer."
        )
    chosen = _positions_of(table, columns, "columns")
    depends_on = _positions_of(table, [by] if isinstance(by, str) else by or (), "by")
    hiding = _Hiding(
        table=table,
        rate=rate,
        known=_known_cells(table, observed),
        chances=np.random.default_rng(rng).spawn(table.shape[1] + 1),
        hidden=np.zeros(table.shape, dtype=bool),
    )
    if mechanism is Mechanism.MAR:
        depends_on = depends_on or [hiding.fullest_driver()]
        hiding.hide_mar(chosen, depends_on)
    elif mechanism is Mechanism.BLOCK:
        depends_on = depends_on or hiding.fullest_groups()
        hiding.hide_blocks(chosen, depends_on)
    elif mechanism is Mechanism.COPIED:
        hiding.hide_copied(chosen)
    else:
        for i in chosen:
            hiding.hide_one(i, mechanism)
    frame = pd.DataFrame(hiding.hidden, index=table.index, columns=table.columns)
    frame.attrs["by"] = [str(table.columns[i]) for i in depends_on]
    return frame


def apply_hidden(table: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """Empty the hidden cells of a table.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The table.
    hidden : DataFrame of shape (n_rows, n_hidden_columns), bool
        Where to empty it, row by row; columns that it does not have stay as they are.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        A copy with holes. A dtype that knows no holes becomes one that does: integers float64, bool object.

    Raises
    ------
    TableError
        If `hidden` has another number of rows, or a column that the table does not have.

    Examples
    --------
    >>> table = pd.DataFrame({"n": [1, 2], "ok": [True, False], "brand": ["Acme", "Zeta"]})
    >>> apply_hidden(table, pd.DataFrame({"n": [True, False], "ok": [False, True]}))
         n    ok brand
    0  NaN  True  Acme
    1  2.0   NaN  Zeta
    """
    if len(hidden) != len(table):
        raise TableError(
            f"'hidden' must have a row for each of the {len(table):,} rows of the table. "
            f"It has {len(hidden):,}. Make it with hide_cells from the same table."
        )
    unknown = [name for name in hidden.columns if name not in table.columns]
    if unknown:
        raise TableError(
            f"'hidden' must have columns of the table only. Got {_shown(unknown)} as well. "
            "Make it with hide_cells from the same table."
        )
    visible = table.copy()
    for name in hidden.columns:
        rows = np.flatnonzero(hidden[name].to_numpy(dtype=bool))
        if not len(rows):
            continue
        cells = visible[name]
        if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iub":
            cells = cells.astype(object if cells.dtype.kind == "b" else float)
        cells = cells.copy()
        cells.iloc[rows] = np.nan
        visible[name] = cells
    return visible


def _check_rate(rate: object) -> None:
    if not isinstance(rate, Real) or not 0 < float(rate) < 1:
        raise ConfigError(f"The 'rate' of hide_cells must be a float in the range (0.0, 1.0). Got {rate!r} instead.")


def _checked_mechanism(mechanism: Mechanism | str) -> Mechanism:
    if mechanism not in set(Mechanism):
        raise ConfigError(f"The 'mechanism' must be one of {', '.join(Mechanism)}. Got {mechanism!r} instead.")
    return Mechanism(mechanism)


def _positions_of(table: pd.DataFrame, names: Iterable[str] | None, parameter: str) -> list[int]:
    """Where the named columns stand in the table; all of them for None."""
    if not table.columns.is_unique:
        twice = [str(name) for name in table.columns[table.columns.duplicated()]]
        raise TableError(f"The names of columns must differ. {_shown(twice)} stand there twice. Rename one of each.")
    chosen = list(table.columns) if names is None else list(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in table.columns]
    if unknown:
        raise ConfigError(
            f"The {parameter!r} must be columns of the table. Got {_shown(unknown)} instead. Correct them."
        )
    return [int(i) for i in table.columns.get_indexer(pd.Index(chosen, dtype=object))]


def _known_cells(table: pd.DataFrame, observed: ArrayLike | None) -> Bools:
    """Which cells may be hidden, (n_rows, n_columns)."""
    known: Bools = np.column_stack(
        [
            np.zeros((len(table), 0), bool),
            *(cells.notna() & (cells != "").fillna(value=True) for _, cells in table.items()),
        ]
    ).astype(bool)
    if observed is None:
        return known
    allowed: Bools = np.asarray(observed, dtype=bool)
    if allowed.shape != table.shape:
        raise TableError(
            f"'observed' must have the shape of the table, {table.shape}. Got {allowed.shape} instead. "
            "Give one bool per cell."
        )
    return known & allowed


def _shown(names: Sequence[object]) -> str:
    """At most five names, quoted."""
    more = f" and {len(names) - MOST_NAMES_SHOWN} more" if len(names) > MOST_NAMES_SHOWN else ""
    return ", ".join(repr(str(name)) for name in names[:MOST_NAMES_SHOWN]) + more


# ------------------------------------------------------------------------------------------------ mechanisms


@dataclass(frozen=True, kw_only=True)
class _Hiding:
    """A table while its cells are being hidden; columns go by their position.

    `known` and `hidden` are (n_rows, n_columns), bool; `hidden` is written into. `chances` has a generator for each
    column and one more for what they share.
    """

    table: pd.DataFrame
    rate: float
    known: Bools
    chances: list[np.random.Generator]
    hidden: Bools

    def hide_one(self, i: int, mechanism: Mechanism = Mechanism.MCAR) -> None:
        """Hide cells of one column by chance, or more often where its value is high."""
        tendency = np.zeros(len(self.table))
        if mechanism is not Mechanism.MCAR:
            order = _order(self.table.iloc[:, i], self.known[:, i], self.chances[i])
            tendency = STRENGTH * order
        if mechanism is Mechanism.MNAR_QUANTILE:
            rows = np.flatnonzero(self.known[:, i])
            ascending = rows[np.lexsort((self.chances[i].random(len(rows)), order[rows]))]
            tendency = np.full(len(self.table), NEVER)
            tendency[ascending[len(rows) - 2 * round(self.rate * len(rows)) :]] = 0.0
        self.hidden[:, i] = _choose(tendency, self.known[:, i], self.rate, self.chances[i])

    def hide_copied(self, chosen: list[int]) -> None:
        """Hide in each row what some other row lacks, and in more rounds what still other rows lack."""
        known, rng, n_rows = self.known[:, chosen], self.chances[-1], len(self.table)
        donors = np.flatnonzero(~known.all(axis=1))
        if not len(donors):
            raise ConfigError(
                "The mechanism 'copied' must have holes to copy. Found none in the columns to hide. Use 'mcar'."
            )
        left = np.round(self.rate * known.sum(axis=0)).astype(int) * ~known.all(axis=0)
        hidden = np.zeros_like(known)
        for _ in range(MOST_ROUNDS):
            order = rng.permutation(n_rows)
            copied = known[order] & ~hidden[order] & ~known[rng.choice(donors, n_rows)]
            copied &= np.cumsum(copied, axis=0) <= left
            hidden[order] |= copied
            left -= copied.sum(axis=0)
            if not left.any():
                break
        for i in np.flatnonzero(left):  # what hardly any row lacks: the rest by chance
            hidden[rng.permutation(np.flatnonzero(known[:, i] & ~hidden[:, i]))[: left[i]], i] = True
        self.hidden[:, chosen] = hidden

    def hide_mar(self, chosen: list[int], drivers: list[int]) -> None:
        """Hide drivers by chance, the other columns by what is still visible of the drivers."""
        for i in (i for i in chosen if i in drivers):
            self.hide_one(i)
        visible = self.known & ~self.hidden
        orders = np.column_stack([_order(self.table.iloc[:, d], visible[:, d], self.chances[-1]) for d in drivers])
        for i in (i for i in chosen if i not in drivers):
            signs = self.chances[i].choice([-1.0, 1.0], size=len(drivers)) / np.sqrt(len(drivers))
            self.hidden[:, i] = _choose(STRENGTH * orders @ signs, self.known[:, i], self.rate, self.chances[i])

    def hide_blocks(self, chosen: list[int], groups: list[int]) -> None:
        """Hide a few columns at a time for whole groups of rows; the last group in part, for the rate is exact."""
        n_rows, rng = len(self.table), self.chances[-1]
        codes = rng.permutation(n_rows) % N_RANDOM_GROUPS
        if groups:
            codes = read_distinct(self.table.iloc[:, groups[0]]).codes + 1  # 0: rows whose group is not known
        for i in (i for i in chosen if i in groups):
            self.hide_one(i)
        others = rng.permutation(np.array([i for i in chosen if i not in groups], dtype=np.intp))
        for start in range(0, len(others), BLOCK_WIDTH):
            turn = rng.permutation(codes.max(initial=0) + 1)
            order = np.lexsort((rng.random(n_rows), turn[codes]))
            for i in others[start : start + BLOCK_WIDTH]:
                rows = order[self.known[order, i]]
                self.hidden[rows[: round(self.rate * len(rows))], i] = True

    def fullest_driver(self) -> int:
        """Find the column with the most known cells among those that vary and are not all different texts."""
        best, most = -1, 0
        for i in range(self.table.shape[1]):
            n_known, n_distinct = self._counts(i)
            suits = n_distinct > 1 and (self._is_ordered(i) or 2 * n_distinct <= n_known)
            if suits and n_known > most:
                best, most = i, n_known
        if best < 0:
            raise ConfigError(
                "The mechanism 'mar' must have a column to depend on, with two values or more. "
                "Found none in the table. Use 'mcar', or name one in 'by'."
            )
        return best

    def fullest_groups(self) -> list[int]:
        """Find the column of labels with the most known cells, of equals the one with the most labels; or none."""
        best: list[int] = []
        most = (0, 0)
        for i in range(self.table.shape[1]):
            n_known, n_distinct = self._counts(i)
            suits = n_distinct > 1 and LEAST_GROUP_SIZE * n_distinct <= n_known and not self._is_ordered(i)
            if suits and (n_known, n_distinct) > most:
                best, most = [i], (n_known, n_distinct)
        return best

    def _counts(self, i: int) -> tuple[int, int]:
        """Known cells and distinct values of a column."""
        known = self.known[:, i]
        return int(known.sum()), len(np.unique(read_distinct(self.table.iloc[:, i]).codes[known]))

    def _is_ordered(self, i: int) -> bool:
        dtype = self.table.dtypes.iloc[i]
        return is_number_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)


def _choose(tendency: Floats, known: Bools, rate: float, rng: np.random.Generator) -> Bools:
    """Choose round(rate * n_known) known cells, each with a probability logistic in its tendency; (n_rows,)."""
    rows = rng.permutation(np.flatnonzero(known))
    n_hidden, chosen = round(rate * len(rows)), np.zeros(len(known), dtype=bool)
    if n_hidden in {0, len(rows)}:
        chosen[rows[:n_hidden]] = True
        return chosen
    inclined = tendency[rows]
    intercept = brentq(lambda shift: expit(shift + inclined).sum() - n_hidden, -100, 100)
    steps = np.cumsum(expit(intercept + inclined))
    marks = (rng.random() + np.arange(n_hidden)) * (steps[-1] / n_hidden)  # one in each stretch of probability 1
    chosen[rows[np.searchsorted(steps, marks, side="right")]] = True
    return chosen


def _order(cells: pd.Series, known: Bools, rng: np.random.Generator) -> Floats:
    """Where each cell stands in its column, from -1 to 1, shape (n_rows,); 0 where not known.

    Numbers and dates stand by value, categories in a random order of them.
    """
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        ranks = cells.where(known).rank()
    else:
        values, _ = read_numbers(cells)
        if np.isnan(values[known]).any():
            codes = read_distinct(cells).codes
            values = np.append(rng.permutation(codes.max(initial=-1) + 1), -1)[codes].astype(np.float64)
        ranks = pd.Series(np.where(known, values, np.nan)).rank()
    n_known = max(int(known.sum()), 1)
    return np.nan_to_num((2 * ranks.to_numpy(dtype=np.float64) - 1) / n_known - 1, nan=0.0)
