"""Hide known cells, so that an imputer can be scored on them: by chance, by value, in blocks, as others are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gain_impute.errors import ConfigError, TableError, named
from gain_impute.hiding import Bools, Hiding, Mechanism
from gain_impute.schema.reading import LEAST_INEXACT

__all__ = ["Mechanism", "apply_hidden", "hide_cells"]

HALF = 0.5  # of the cells above a quantile are hidden


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
    hiding = Hiding(
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
            f"'hidden' must have columns of the table only. Got {named(unknown)} as well. "
            "Make it with hide_cells from the same table."
        )
    visible = table.copy()
    for name in hidden.columns:
        rows = np.flatnonzero(hidden[name].to_numpy(dtype=bool))
        if not len(rows):
            continue
        cells = visible[name]
        if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iub":
            cells = cells.astype(_with_room(cells))
        cells = cells.copy()
        cells.iloc[rows] = np.nan
        visible[name] = cells
    return visible


def _with_room(cells: pd.Series) -> Any:
    """The dtype that holds integers, or flags, and holes beside them."""
    if cells.dtype.kind == "b":
        return object
    is_exact = max(abs(int(cells.max())), abs(int(cells.min()))) < LEAST_INEXACT
    return float if is_exact else f"{'U' if cells.dtype.kind == 'u' else ''}Int64"


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
        raise TableError(f"The names of columns must differ. {named(twice)} stand there twice. Rename one of each.")
    chosen = list(table.columns) if names is None else list(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in table.columns]
    if unknown:
        raise ConfigError(
            f"The {parameter!r} must be columns of the table. Got {named(unknown)} instead. Correct them."
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
