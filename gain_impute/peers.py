"""The peers that every shop knows: mean and mode, and the nearest neighbours, on tables of mixed columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics.pairwise import nan_euclidean_distances

from gain_impute.errors import ColumnMismatchError, ConfigError
from gain_impute.frames import FilledColumn, cell_types, fill_frame
from gain_impute.schema import ParsedColumn, Schema, infer_schema

__all__ = ["PEERS", "MeanPeer", "NeighboursPeer", "Peer", "make_peer"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS_AT_ONCE = 4_000_000
"""Distances held in memory at a time."""


class Peer(Protocol):
    """A method to compare with: it fills every hole of the columns that its schema calls fillable."""

    @property
    def note(self) -> str:
        """What a reader of its figures must know; "" where nothing."""

    def fit_transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Fill the holes of a table from its own known cells.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            Typed or all text; empty texts are holes.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The same, without holes in fillable columns that have a known cell.
        """


@dataclass(frozen=True)
class _Column:
    """A fillable column as numbers: z-scores, or codes of its categories, the most frequent first.

    `values` is (n_rows,), float64, NaN where unknown; `holes` are row numbers; `decode` turns values back.
    """

    values: Floats
    holes: Ints
    n_categories: int  # 0: a column of numbers
    decode: Callable[[Floats], NDArray[np.generic]]


@dataclass(kw_only=True)
class MeanPeer:
    """Fill numbers and dates with the mean, all else with the most frequent value.

    Attributes
    ----------
    schema : Schema or None, default=None
        What the columns are. None: inferred from the table. Conditions (`applies_when`) are not heeded.
    note : str
        Nothing to know: "".

    Examples
    --------
    >>> table = pd.DataFrame({"brand": ["Acme", "Acme", "Zeta", ""], "price": ["1.25", "", "4.75", ""]})
    >>> MeanPeer().fit_transform(table)["price"].tolist()
    ['1.25', '3.00', '4.75', '3.00']
    """

    schema: Schema | None = None
    note: str = field(default="", init=False, repr=False)

    def fit_transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Fill the holes of a table.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            Typed or all text; empty texts are holes.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The same, without holes in fillable columns that have a known cell.

        Raises
        ------
        ColumnMismatchError
            If the columns are not those of the schema.
        """
        return _completed(table, self.schema, lambda columns: [np.zeros(len(column.holes)) for column in columns])


@dataclass(kw_only=True)
class NeighboursPeer:
    """Fill each hole from the rows that look most alike: the mean of their numbers, the commonest of their categories.

    Does what scikit-learn's `KNNImputer` does with numbers and dates scaled to standard deviation 1 and categories
    one-hot, the largest mean winning and the more frequent category at ties; but the neighbours of a column of many
    categories are looked up once and not once per category. Free text is not read.

    Attributes
    ----------
    schema : Schema or None, default=None
        What the columns are. None: inferred from the table. Conditions (`applies_when`) are not heeded.
    n_neighbors : int, default=5
        Donors per hole.
    max_donors : int or None, default=5000
        Rows that may be donors; of more, so many are drawn, and `note` says so. None: all, whatever it takes.
    random_state : int, default=0
        Seed of that draw.
    note : str
        How many rows were donors, where not all were.

    Raises
    ------
    ConfigError
        If `n_neighbors` or `max_donors` is below 1.

    References
    ----------
    .. [1] Troyanskaya et al. (2001), "Missing value estimation methods for DNA microarrays", Bioinformatics 17(6).

    Examples
    --------
    >>> table = pd.DataFrame({"kind": ["mug", "mug", "pan", None, "pan"], "price": [5.0, 6.0, 30.0, 31.0, np.nan]})
    >>> NeighboursPeer(n_neighbors=1).fit_transform(table)
      kind  price
    0  mug    5.0
    1  mug    6.0
    2  pan   30.0
    3  pan   31.0
    4  pan   30.0
    """

    schema: Schema | None = None
    n_neighbors: int = 5
    max_donors: int | None = 5000
    random_state: int = 0
    note: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the counts."""
        for name, count in (("n_neighbors", self.n_neighbors), ("max_donors", self.max_donors)):
            if count is not None and count < 1:
                raise ConfigError(
                    f"The {name!r} parameter of NeighboursPeer must be at least 1. Got {count!r} instead."
                )

    def fit_transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Fill the holes of a table.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            Typed or all text; empty texts are holes.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The same, without holes in fillable columns that have a known cell.

        Raises
        ------
        ColumnMismatchError
            If the columns are not those of the schema.
        """
        donors = np.arange(len(table))
        self.note = ""
        if self.max_donors is not None and len(table) > self.max_donors:
            drawn = np.random.default_rng(self.random_state).choice(len(table), self.max_donors, replace=False)
            donors = np.sort(drawn)
            self.note = f"neighbours are sought among {len(donors):,} of the {len(table):,} rows"
        return _completed(table, self.schema, lambda columns: self._fill(columns, donors))

    def _fill(self, columns: list[_Column], donors: Ints) -> list[Floats]:
        """Values for the holes of each column."""
        filled = [np.zeros(len(column.holes)) for column in columns]  # the mean, the most frequent one
        rows = np.unique(np.concatenate([column.holes for column in columns])) if columns else donors[:0]
        for part, distances in _distances(columns, rows, donors):
            for column, values in zip(columns, filled, strict=True):
                mine = np.flatnonzero(np.isin(column.holes, part))
                here = np.searchsorted(part, column.holes[mine])
                values[mine] = self._fill_holes(column, distances[here], donors)
        return filled

    def _fill_holes(self, column: _Column, distances: Floats, donors: Ints) -> Floats:
        """Values for some holes of one column from their distances to the donors, (n_holes, n_donors)."""
        able: NDArray[np.bool_] = ~np.isnan(column.values[donors])
        values, distances = column.values[donors][able], distances[:, able]
        if not len(values):
            return np.zeros(len(distances))
        n_neighbors = min(self.n_neighbors, len(values))
        nearest = np.argpartition(distances, n_neighbors - 1, axis=1)[:, :n_neighbors]
        is_near = np.isfinite(np.take_along_axis(distances, nearest, axis=1))  # infinite: nothing to compare by
        votes = values[nearest]  # (n_holes, n_neighbors)
        if column.n_categories:
            flat = np.arange(len(votes))[:, None] * column.n_categories + votes.astype(int)
            counts = np.bincount(flat.ravel(), weights=is_near.ravel(), minlength=len(votes) * column.n_categories)
            commonest: Floats = counts.reshape(len(votes), -1).argmax(axis=1).astype(np.float64)
            return commonest
        means: Floats = (votes * is_near).sum(axis=1) / np.maximum(is_near.sum(axis=1), 1)
        return means


PEERS: dict[str, Callable[[Schema | None], Peer]] = {
    "mean": lambda schema: MeanPeer(schema=schema),
    "knn": lambda schema: NeighboursPeer(schema=schema),
}
"""The peers by the names that they have in reports."""


def make_peer(name: str, schema: Schema | None = None) -> Peer:
    """Make a peer by its name.

    Parameters
    ----------
    name : str
        "mean" or "knn".
    schema : Schema or None, default=None
        What the columns are. None: inferred from the table.

    Returns
    -------
    Peer
        Unfitted; it is fitted on each table that it fills.

    Raises
    ------
    ConfigError
        If there is no peer of that name.

    Examples
    --------
    >>> make_peer("mean")
    MeanPeer(schema=None)
    """
    if name not in PEERS:
        raise ConfigError(f"A peer must be one of {', '.join(PEERS)}. Got {name!r} instead.")
    return PEERS[name](schema)


def _completed(
    table: pd.DataFrame, schema: Schema | None, fill: Callable[[list[_Column]], list[Floats]]
) -> pd.DataFrame:
    """Encode a table, fill its columns, and write the values back into it."""
    schema = infer_schema(table) if schema is None else schema
    if [str(name) for name in table.columns] != list(schema):
        raise ColumnMismatchError(
            f"The columns of the table must be those of the schema, in its order: {len(schema)} columns from "
            f"{next(iter(schema), '')!r} on. Got {len(table.columns)} others. Infer the schema from this table."
        )
    columns, types = {}, {}
    for position, name in enumerate(schema):
        cells = table.iloc[:, position]
        parsed = schema.parse(name, cells)
        if schema[name].is_fillable and parsed.readable.any():
            columns[name] = _encode(parsed, is_number=schema[name].kind.is_number)
            types[name] = cell_types(cells, parsed.values)
    values = fill(list(columns.values()))
    filled = {
        name: FilledColumn(rows=column.holes, values=column.decode(found))
        for (name, column), found in zip(columns.items(), values, strict=True)
    }
    completed: pd.DataFrame = fill_frame(table, filled, schema, types)
    return completed


def _encode(parsed: ParsedColumn, *, is_number: bool) -> _Column:
    """Scale numbers by their known cells, number categories by frequency (ties by text)."""
    holes = np.flatnonzero(~parsed.observed)
    if is_number:
        mean, std = float(np.nanmean(parsed.values)), float(np.nanstd(parsed.values)) or 1.0
        return _Column((parsed.values - mean) / std, holes, 0, lambda values: values * std + mean)
    counts = pd.Series(parsed.values, dtype=object).value_counts().to_frame("n")
    order = counts.assign(text=counts.index).sort_values(["n", "text"], ascending=[False, True])["text"]
    vocabulary = order.to_numpy(dtype=object)
    codes = pd.Index(vocabulary).get_indexer(pd.Index(parsed.values, dtype=object)).astype(np.float64)
    codes[codes < 0] = np.nan
    return _Column(codes, holes, len(vocabulary), lambda values: vocabulary[values.astype(int)])


def _distances(columns: list[_Column], rows: Ints, donors: Ints) -> Iterator[tuple[Ints, Floats]]:
    """Squared distances of some rows at a time to the donors, (n_rows_here, n_donors); infinite where unknown.

    That of scikit-learn's `nan_euclidean_distances` on a matrix of numbers and one-hot categories, without making it.
    """
    classes = [column for column in columns if column.n_categories]
    numbers = [column.values for column in columns if not column.n_categories]
    n_features = len(numbers) + sum(column.n_categories for column in classes)
    step = max(1, CELLS_AT_ONCE // max(len(donors), 1))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        total, shared = np.zeros((2, len(part), len(donors)))
        if numbers:
            here, there = np.column_stack(numbers)[part], np.column_stack(numbers)[donors]
            shared += (~np.isnan(here)).astype(np.float64) @ (~np.isnan(there)).astype(np.float64).T
            scaled = nan_euclidean_distances(here, there, squared=True)  # NaN where no number is shared
            total += np.nan_to_num(scaled, nan=0.0) * shared / len(numbers)
        for column in classes:
            mine, theirs = column.values[part][:, None], column.values[donors][None, :]
            known = ~np.isnan(mine) & ~np.isnan(theirs)
            total += 2.0 * (known & (mine != theirs))
            shared += column.n_categories * known
        yield part, np.divide(total * n_features, shared, out=np.full_like(total, np.inf), where=shared > 0)
