"""A whole table to typed arrays and back, column by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.encoding.categorical import CategoricalEncoder
from gain_impute.encoding.datetime import fit_datetime_encoder
from gain_impute.encoding.numeric import NumericEncoder
from gain_impute.encoding.text import HashedText, TextEncoder, hash_texts
from gain_impute.schema import ColumnSchema, Kind, ParsedColumn, Schema
from gain_impute.schema.reading import DistinctCells, canonical_text

__all__ = ["EncodedTable", "ReadTable", "TableEncoder", "TableLayout"]

MOST_EXACT = 20_000_000  # numbers of a table: of more the residues would take too much memory
READ_AS_TEXT_FROM = 16  # categories: with more, their n-grams say what two of them have in common


@dataclass(frozen=True)
class TableLayout:
    """Which tensor slice belongs to which column; shared by encoder, networks and losses.

    Numeric and date columns come first, then the categorical ones; both keep the table's order among themselves.

    Attributes
    ----------
    numbers : tuple of str
        Columns that are filled with numbers.
    classes : tuple of str
        Columns that are filled with categories.
    class_sizes : tuple of int
        Number of categories of each.
    texts : tuple of str
        Columns whose n-grams are read: free text, and categorical columns of many categories.
    text_buckets : tuple of int
        Number of hash buckets of each.
    """

    numbers: tuple[str, ...]
    classes: tuple[str, ...]
    class_sizes: tuple[int, ...]
    texts: tuple[str, ...]
    text_buckets: tuple[int, ...]

    @property
    def n_numbers(self) -> int:
        """Number of numeric and date columns."""
        return len(self.numbers)

    @property
    def n_cells(self) -> int:
        """Number of cells in a row that the network predicts."""
        return len(self.numbers) + len(self.classes)

    @property
    def text_cells(self) -> tuple[int, ...]:
        """Of each column in `texts`, the cell that hides it where that is hidden; -1 for free text."""
        at = {name: self.n_numbers + i for i, name in enumerate(self.classes)}
        return tuple(at.get(name, -1) for name in self.texts)

    @property
    def class_slices(self) -> tuple[slice, ...]:
        """Of each categorical column, its slice of the logits."""
        ends = np.cumsum(self.class_sizes, dtype=int)
        return tuple(slice(int(end) - size, int(end)) for end, size in zip(ends, self.class_sizes, strict=True))


@dataclass(frozen=True)
class EncodedTable:
    """What the network reads of a table.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, n_numbers), float32
        Z-scores; 0 where unknown.
    residues : ndarray of shape (n_rows, n_numbers), float32
        What they leave off: with these two numbers are the same where the values were. Networks do not read them. 0
        where the encoder is not exact, which takes no memory.
    codes : ndarray of shape (n_rows, n_classes), int64
        1-based category codes; 0 where unknown.
    known : ndarray of shape (n_rows, n_cells), bool
        True where the network can read the cell: it is observed, readable, and its category was seen, or its number is
        not far beyond all others.
    texts : tuple of HashedText
    identifiers : ndarray of shape (n_rows, n_identifiers), float32
        Numbers whose bits are a hash of the text; NaN where it is missing. Networks do not read them.
    """

    numbers: NDArray[np.float32]
    residues: NDArray[np.float32]
    codes: NDArray[np.int64]
    known: NDArray[np.bool_]
    texts: tuple[HashedText, ...]
    identifiers: NDArray[np.float32]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.known)

    def put_number(self, at: int, encoder: NumericEncoder, values: NDArray[np.float64], *, is_exact: bool) -> None:
        """Put values (n_rows,) into a column of numbers; NaN is unknown."""
        scores = encoder.encode(values)
        self.numbers[:, at] = scores
        self.known[:, at] = encoder.reads(values)
        if is_exact:
            self.residues[:, at] = scores - self.numbers[:, at]


@dataclass(frozen=True)
class ReadTable:
    """A table as its columns' kinds read it.

    Attributes
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The table itself.
    parsed : dict of str to ParsedColumn
        Of the columns that the network predicts.
    holes : dict of str to ndarray of shape (n_rows,), bool
        Of each column, where a cell is missing.
    unreadable : dict of str to int
        Of each column that has some, the number of observed cells that could not be read.
    """

    table: pd.DataFrame
    parsed: dict[str, ParsedColumn]
    holes: dict[str, NDArray[np.bool_]]
    unreadable: dict[str, int]

    @cached_property
    def empty(self) -> pd.DataFrame:
        """Where a cell is missing, (n_rows, n_columns) of bool."""
        return pd.DataFrame(np.stack([*self.holes.values()], axis=1), columns=list(self.holes))

    def has_hole(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Which rows (n_rows,) have a hole in one of some columns."""
        found = np.zeros(len(self.table), dtype=bool)
        for name in names:
            found |= self.holes[name]
        return found


@dataclass(frozen=True, kw_only=True)
class TableEncoder:
    """All column encoders of a table.

    Attributes
    ----------
    schema : Schema
        Kinds and rules of every column, in the table's order.
    numbers, classes, texts : dict of str to encoder
        The columns that the network reads. A column never observed in fit is in none of them; one of many categories
        is in `classes` and in `texts`.
    is_exact : bool, default=True
        Whether numbers are told apart to the last digit, and not to the seventh only: in very large tables it would
        take too much memory.
    """

    schema: Schema
    numbers: dict[str, NumericEncoder]
    classes: dict[str, CategoricalEncoder]
    texts: dict[str, TextEncoder]
    is_exact: bool = True

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        schema: Schema,
        *,
        n_bins: int,
        n_buckets: int,
        hashed: dict[str, HashedText] | None = None,
    ) -> TableEncoder:
        """Learn every column of `table` from its known cells; `hashed` takes up the hashed texts, for `encode`."""
        hashed = {} if hashed is None else hashed
        encoder = cls(schema=schema, numbers={}, classes={}, texts={})
        for position, name in enumerate(schema):
            column, parsed = schema[name], schema.parse(name, table.iloc[:, position])
            if column.is_number and parsed.readable.any():
                encoder.numbers[name] = _fit_number(column, parsed.values, n_bins=n_bins)
            elif column.is_class and (parsed.readable.any() or column.categories):
                encoder.classes[name] = CategoricalEncoder.fit(name, parsed.values, allowed=column.categories)
            is_text = column.kind is Kind.TEXT and parsed.readable.any()
            if is_text or (name in encoder.classes and len(encoder.classes[name].vocabulary) > READ_AS_TEXT_FROM):
                hashed[name] = hash_texts(_distinct(parsed))
                encoder.texts[name] = TextEncoder.fit(name, hashed[name], n_buckets=n_buckets)
        return replace(encoder, is_exact=len(table) * len(encoder.numbers) <= MOST_EXACT)

    @property
    def layout(self) -> TableLayout:
        """Where each column stands in the tensors."""
        return TableLayout(
            numbers=tuple(self.numbers),
            classes=tuple(self.classes),
            class_sizes=tuple(len(column.vocabulary) for column in self.classes.values()),
            texts=tuple(self.texts),
            text_buckets=tuple(column.n_buckets for column in self.texts.values()),
        )

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Columns that tell rows apart, or which of them are of one article."""
        return tuple(name for name, column in self.schema.items() if column.kind is Kind.IDENTIFIER)

    @property
    def fillable(self) -> tuple[str, ...]:
        """Columns whose empty cells can be filled."""
        learned = {*self.numbers, *self.classes}
        return tuple(name for name, column in self.schema.items() if name in learned and column.is_fillable)

    @cached_property
    def markers(self) -> dict[str, NDArray[np.float64]]:
        """Of each column of numbers those that mean "empty", and so are filled in nowhere."""
        found = {}
        for name in self.numbers:
            column = self.schema[name]
            texts = [canonical_text(marker) for marker in (*self.schema.missing_values, *column.missing_values)]
            values = replace(column, missing_values=()).parse(pd.Series(texts, dtype=object)).values
            found[name] = values[~np.isnan(values)]
        return found

    def decode_number(self, name: str, scores: NDArray[np.floating], *, round_to_grid: bool) -> NDArray[np.float64]:
        """Values of a column of numbers for z-scores, (n_rows,); if `round_to_grid`, as a file can hold them."""
        number = self.numbers[name]
        values = number.decode(scores, round_to_grid=round_to_grid)
        if round_to_grid and not len(number.seen):
            values = self.schema[name].as_written(values, least=number.minimum, most=number.maximum)
        return number.beside(values, self.markers[name])

    def read(self, table: pd.DataFrame, *, take_number: Callable[[str, ParsedColumn], None] | None = None) -> ReadTable:
        """Read a table whose columns are those of the schema, in its order.

        Numbers and categories are read; of all other columns only which cells are missing. Numbers that the network
        predicts are kept, or given to `take_number`, with their name.
        """
        holes, parsed, unreadable = {}, {}, {}
        for (name, column), (_, cells) in zip(self.schema.items(), table.items(), strict=True):
            if not (column.is_number or column.is_class):  # nothing in it can be unreadable
                holes[name] = ~self.schema.find_observed(name, cells)
                continue
            found = self.schema.parse(name, cells)
            holes[name] = ~found.observed
            n_unreadable = int(np.count_nonzero(found.observed & ~found.readable))
            if n_unreadable:
                unreadable[name] = n_unreadable
            if name in self.numbers and take_number is not None:
                take_number(name, found)
            elif name in self.numbers or name in self.classes:
                parsed[name] = found
        return ReadTable(table, parsed, holes, unreadable)

    def encode_rows(self, read: ReadTable, rows: NDArray[np.int64]) -> EncodedTable:
        """Encode some rows of a table that was read."""
        encoded = _blank(len(rows), self.layout, len(self.identifiers))
        for at, name in enumerate(self.layout.numbers):
            found = read.parsed[name]
            encoded.put_number(at, self.numbers[name], found.values[rows], is_exact=self.is_exact)
        return self._with_classes_and_texts(encoded, read, rows, None)

    def _with_classes_and_texts(
        self, encoded: EncodedTable, read: ReadTable, rows: NDArray[np.int64], hashed: dict[str, HashedText] | None
    ) -> EncodedTable:
        """Encode all but numbers; `hashed` holds the texts of the rows, if they were hashed."""
        layout = self.layout
        for at, name in enumerate(layout.classes):
            encoded.codes[:, at] = self.classes[name].encode(_distinct(read.parsed[name]).take(rows))
            encoded.known[:, layout.n_numbers + at] = encoded.codes[:, at] > 0
        names, texts = list(self.schema), []
        for name, encoder in self.texts.items():
            if hashed is not None:
                text = hashed[name]
            elif name in read.parsed:
                text = hash_texts(_distinct(read.parsed[name]).take(rows))
            else:
                text = hash_texts(_distinct(self.schema.parse(name, read.table.iloc[rows, names.index(name)])))
            texts.append(encoder.encode(text))
        for at, name in enumerate(self.identifiers):
            cells = read.table.iloc[:, names.index(name)].iloc[rows]
            encoded.identifiers[:, at] = _hashed(_distinct(self.schema.parse(name, cells)))
        return replace(encoded, texts=tuple(texts))

    def encode(
        self, table: pd.DataFrame, *, hashed: dict[str, HashedText] | None = None
    ) -> tuple[EncodedTable, pd.DataFrame, dict[str, int]]:
        """Encode a table whose columns are those of the schema, in its order.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
        hashed : dict of str to HashedText, optional
            What `fit` hashed of the same table, so that no text is hashed twice.

        Returns
        -------
        encoded : EncodedTable
        empty : DataFrame of shape (n_rows, n_columns), bool
            True where a cell is missing.
        unreadable : dict of str to int
            Of each column that has some, the number of observed cells that could not be read.
        """
        encoded = _blank(len(table), self.layout, len(self.identifiers))
        places = {name: at for at, name in enumerate(self.layout.numbers)}

        def encode_number(name: str, found: ParsedColumn) -> None:
            """At once, for the values of all columns would be as large as the table."""
            encoded.put_number(places[name], self.numbers[name], found.values, is_exact=self.is_exact)

        read = self.read(table, take_number=encode_number)
        encoded = self._with_classes_and_texts(encoded, read, np.arange(len(table)), hashed)
        return encoded, read.empty, read.unreadable

    def extend(self, table: pd.DataFrame) -> TableEncoder:
        """Take in more rows: new categories are appended, bounds widened, all else keeps its place."""
        numbers, classes = dict(self.numbers), dict(self.classes)
        for position, name in enumerate(self.schema):
            column = self.schema[name]
            if name in numbers:
                values = self.schema.parse(name, table.iloc[:, position]).values
                numbers[name] = numbers[name].widen(values, minimum=column.minimum, maximum=column.maximum)
            elif name in classes:
                values = self.schema.parse(name, table.iloc[:, position]).values
                classes[name] = classes[name].extend(values, may_be_new=column.categories is None)
        return replace(self, numbers=numbers, classes=classes)


def _blank(n_rows: int, layout: TableLayout, n_identifiers: int) -> EncodedTable:
    """Encoded rows of which nothing is known yet."""
    return EncodedTable(
        numbers=np.zeros((n_rows, layout.n_numbers), np.float32),
        residues=np.zeros((n_rows, layout.n_numbers), np.float32),
        codes=np.zeros((n_rows, len(layout.classes)), np.int64),
        known=np.zeros((n_rows, layout.n_cells), bool),
        texts=(),
        identifiers=np.full((n_rows, n_identifiers), np.nan, np.float32),
    )


def _hashed(cells: DistinctCells) -> NDArray[np.float32]:
    """Numbers (n_rows,) whose bits are a hash of the text of each cell; NaN of missing ones."""
    hashes = pd.util.hash_array(cells.texts.astype(object), categorize=False)
    bits = (hashes & 0xBFFFFFFF).astype(np.uint32)  # without the highest bit of the exponent none is NaN or infinite
    hashed: NDArray[np.float32] = cells.spread(bits.view(np.float32), np.nan)
    return hashed


def _distinct(parsed: ParsedColumn) -> DistinctCells:
    """The texts of a column that holds no numbers."""
    if parsed.distinct is None:
        raise TypeError("The column must be of a kind that is no number.")
    return parsed.distinct


def _fit_number(column: ColumnSchema, values: NDArray[np.float64], *, n_bins: int) -> NumericEncoder:
    """Learn a numeric or a date column."""
    if column.kind is Kind.DATETIME:
        return fit_datetime_encoder(column.name, values, n_bins=n_bins, minimum=column.minimum, maximum=column.maximum)
    return NumericEncoder.fit(
        column.name, values, n_bins=n_bins, grid=column.grid, minimum=column.minimum, maximum=column.maximum
    )
