"""The schema of a table: its columns in order, and what holds between them."""

from __future__ import annotations

import dataclasses
import graphlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from gain_impute.errors import ColumnMismatchError, SchemaError, named, nearest_spelling
from gain_impute.schema.kinds import Kind
from gain_impute.schema.reading import clean_missing_values
from gain_impute.schema.rules import ColumnSchema, ParsedColumn

__all__ = ["Schema"]

_MOST_ROWS_SHOWN = 60
_WIDEST_RULE_SHOWN = 60


class Schema(Mapping[str, ColumnSchema]):
    """What each column of a table is and may contain. Immutable.

    `Schema.parse` and `Schema.format` are the only ways from cells to values and back.

    Parameters
    ----------
    columns : iterable of ColumnSchema
        The columns, in the table's order.
    missing_values : scalar or sequence of scalars, default=()
        Texts and numbers that mean "empty" in every column. NaN adds nothing: it always does.
    record_key : str or None, default=None
        The column whose rows belong together, in a table of series.
    time : str or None, default=None
        The column that orders the rows of a record.

    Raises
    ------
    SchemaError
        If two columns have one name, or a rule names a column that cannot be meant.
    ConfigError
        If a missing value is neither a text nor a number.

    Examples
    --------
    >>> brand, price = ColumnSchema(name="brand", kind=Kind.CATEGORICAL), ColumnSchema(name="price", kind=Kind.NUMERIC)
    >>> schema = Schema([brand, price])
    >>> schema["price"].kind
    <Kind.NUMERIC: 'numeric'>
    >>> schema.replace("price", decimals=2)
    column  kind         fill  rules
    brand   categorical  yes
    price   numeric      yes   decimals=2
    """

    __slots__ = ("_columns", "_missing_values", "_record_key", "_time")

    def __init__(
        self,
        columns: Iterable[ColumnSchema],
        *,
        missing_values: Sequence[str | float] | str | float = (),
        record_key: str | None = None,
        time: str | None = None,
    ) -> None:
        self._columns: dict[str, ColumnSchema] = {}
        for column in columns:
            if column.name in self._columns:
                raise SchemaError(
                    f"The names of columns must differ. {column.name!r} stands there twice. Rename one of the two."
                )
            self._columns[column.name] = column
        self._missing_values = clean_missing_values(missing_values)
        self._record_key = record_key
        self._time = time
        self._check_series()
        for column in self._columns.values():
            self._check_condition(column)
        self._check_cycles()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self._columns)

    @property
    def missing_values(self) -> tuple[str | float, ...]:
        """Texts and numbers that mean "empty" in every column."""
        return self._missing_values

    @property
    def record_key(self) -> str | None:
        """The column whose rows belong together."""
        return self._record_key

    @property
    def time(self) -> str | None:
        """The column that orders the rows of a record."""
        return self._time

    def parse(self, name: str, cells: pd.Series) -> ParsedColumn:
        """Read the cells of a column as its kind.

        Parameters
        ----------
        name : str
            The column.
        cells : Series of shape (n_rows,)
            Its cells, of any dtype.

        Returns
        -------
        ParsedColumn
            Values, and which cells are observed and readable.

        Raises
        ------
        SchemaError
            If the schema has no such column.

        Examples
        --------
        >>> schema = Schema([ColumnSchema(name="size", kind=Kind.NUMERIC)], missing_values=[-1])
        >>> schema.parse("size", pd.Series([3, -1])).values.tolist()
        [3.0, nan]
        """
        return self._column(name).parse(cells, self._missing_values)

    def find_observed(self, name: str, cells: pd.Series) -> np.ndarray:
        """Tell which cells of a column are not missing, without reading them.

        Parameters
        ----------
        name : str
            The column.
        cells : Series of shape (n_rows,)
            Its cells, of any dtype.

        Returns
        -------
        ndarray of shape (n_rows,), bool
            As `parse` has it.

        Raises
        ------
        SchemaError
            If the schema has no such column.
        """
        return self._column(name).find_observed(cells, self._missing_values)

    def format(self, name: str, values: np.ndarray) -> np.ndarray:
        """Write values of a column as they would stand in a file.

        Parameters
        ----------
        name : str
            The column.
        values : ndarray of shape (n_rows,)
            Values as `parse` returns them.

        Returns
        -------
        ndarray of shape (n_rows,), object
            Their texts; "" for NaN and None.

        Raises
        ------
        SchemaError
            If the schema has no such column.

        Examples
        --------
        >>> schema = Schema([ColumnSchema(name="size", kind=Kind.NUMERIC, decimals=0)])
        >>> schema.format("size", np.array([3.0])).tolist()
        ['3']
        """
        return self._column(name).format(values)

    def find_columns(self, table: pd.DataFrame) -> dict[str, int]:
        """Find where each column stands in a table that may have others, too.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            The table.

        Returns
        -------
        dict of str to int
            Of each column of the schema, in its order, the position in the table.

        Raises
        ------
        ColumnMismatchError
            If the table lacks one.

        Examples
        --------
        >>> schema = Schema([ColumnSchema(name="size", kind=Kind.NUMERIC)])
        >>> schema.find_columns(pd.DataFrame({"price": [9.99], "size": [3]}))
        {'size': 1}
        """
        places = {str(name): at for at, name in enumerate(table.columns)}
        if missing := [name for name in self if name not in places]:
            raise ColumnMismatchError(
                f"The table must have the columns of the schema. It lacks {named(missing)}. Add them, or take them out "
                "of the schema."
            )
        return {name: places[name] for name in self}

    def replace(self, name: str, **changes: object) -> Schema:
        """Return a schema in which one column is changed.

        A new kind drops the rules that no longer make sense, and lets the holes of a quantity be filled again.

        Parameters
        ----------
        name : str
            The column to change.
        **changes
            Rules of `ColumnSchema` and their new values.

        Returns
        -------
        Schema
            A new schema; this one stays as it is.

        Raises
        ------
        SchemaError
            If there is no such column or rule, or the changed column contradicts itself or the others.

        Examples
        --------
        >>> schema = Schema([ColumnSchema(name="id", kind=Kind.NUMERIC, decimals=0)])
        >>> schema.replace("id", kind="text")["id"].decimals is None
        True
        """
        column = self._column(name)
        known = [rule.name for rule in dataclasses.fields(ColumnSchema)]
        for rule in changes:
            if rule not in known:
                raise SchemaError(
                    f"The rules of a column are {', '.join(known)}. Got {rule!r} instead."
                    f"{nearest_spelling(rule, known) or ' Use one of these.'}"
                )
        dropped = _rules_dropped(column.kind, changes.get("kind"))
        changed = dataclasses.replace(column, **{**dropped, **changes})  # type: ignore[arg-type]
        columns = (changed if other is column else other for other in self._columns.values())
        return Schema(columns, missing_values=self._missing_values, record_key=self._record_key, time=self._time)

    def __getitem__(self, name: str) -> ColumnSchema:
        """The column of that name."""
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the columns, in order."""
        return iter(self._columns)

    def __len__(self) -> int:
        """The number of columns."""
        return len(self._columns)

    def __eq__(self, other: object) -> bool:
        """Equal schemas have equal columns in the same order, and equal rules."""
        return isinstance(other, Schema) and self._parts() == other._parts()

    def __hash__(self) -> int:
        """Equal schemas have equal hashes."""
        return hash(self._parts())

    def __repr__(self) -> str:
        """Draw the columns as a table, one line each."""
        shown = list(self._columns.values())[:_MOST_ROWS_SHOWN]
        rows = [("column", "kind", "fill", "rules")]
        rows += [
            (column.name, column.kind.value, "yes" if column.is_fillable else "no", _rules_shown(column))
            for column in shown
        ]
        widths = [max(_width(row[i]) for row in rows) for i in range(3)]
        lines = [
            "  ".join(
                [*(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)), row[3]]
            ).rstrip()
            for row in rows
        ]
        n_more = len(self) - len(shown)
        parts = {"missing_values": self._missing_values, "record_key": self._record_key, "time": self._time}
        notes = [f"{rule} = {value!r}" for rule, value in parts.items() if value]
        return "\n".join([*lines, *([f"and {n_more} more columns"] if n_more else []), *notes])

    def _parts(self) -> tuple[object, ...]:
        """All that tells one schema from another."""
        markers = tuple((type(marker), marker) for marker in self._missing_values)
        return (tuple(self._columns.values()), markers, self._record_key, self._time)

    def _column(self, name: str) -> ColumnSchema:
        """The column of that name, or an error with the nearest spelling."""
        if name not in self._columns:
            hint = nearest_spelling(name, self._columns) or " Use a name of the schema."
            raise SchemaError(f"The schema has no column {name!r}.{hint}")
        return self._columns[name]

    def _check_series(self) -> None:
        """Check the columns that make series of rows."""
        for rule, name in (("record_key", self._record_key), ("time", self._time)):
            if name is not None and name not in self._columns:
                hint = nearest_spelling(name, self._columns) or " Correct it, or leave it out."
                raise SchemaError(f"The {rule!r} of the schema must be one of its columns. Got {name!r} instead.{hint}")
        if self._time is None:
            return
        if self._time == self._record_key:
            raise SchemaError(
                f"The 'time' and the 'record_key' of the schema must be two columns. "
                f"Both are {self._time!r}. Correct one of them."
            )
        column = self._columns[self._time]
        if not column.is_number:
            raise SchemaError(
                f"Column {self._time!r}: the 'time' of a schema must be numeric, datetime, or a quantity with "
                f"'number_formats'. Its kind is {column.kind.value!r}. Change the kind or 'time'."
            )

    def _check_condition(self, column: ColumnSchema) -> None:
        """Check that a column's condition names columns that can be meant."""
        for name, texts in (column.applies_when or {}).items():
            start = f"Column {column.name!r}: 'applies_when' must name"
            if name == column.name:
                raise SchemaError(f"{start} other columns. Got the column itself. Leave it out.")
            if name not in self._columns:
                hint = nearest_spelling(name, self._columns) or " Correct it, or leave it out."
                raise SchemaError(f"{start} columns of the schema. Got {name!r} instead.{hint}")
            other = self._columns[name]
            if other.is_number:
                raise SchemaError(
                    f"{start} columns whose values are texts. The kind of {name!r} is {other.kind.value!r}. "
                    "Make it categorical, or leave it out."
                )
            unknown = [text for text in texts if other.categories is not None and text not in other.categories]
            if unknown:
                hint = nearest_spelling(unknown[0], other.categories or ()) or " Add it there, or leave it out."
                raise SchemaError(
                    f"Column {column.name!r}: 'applies_when' must give values that {name!r} may have. "
                    f"Got {unknown[0]!r} instead.{hint}"
                )

    def _check_cycles(self) -> None:
        """Check that no column's condition leads back to the column."""
        conditions = {name: tuple(column.applies_when or ()) for name, column in self._columns.items()}
        try:
            graphlib.TopologicalSorter(conditions).prepare()
        except graphlib.CycleError as error:
            cycle = " -> ".join(map(repr, reversed(error.args[1])))
            raise SchemaError(
                f"Column {error.args[1][0]!r}: 'applies_when' must not lead back to the column. "
                f"Got {cycle}. Leave one of these out."
            ) from None


def _rules_dropped(old: Kind, word: object) -> dict[str, object]:
    """The rules that a change of kind takes back to their defaults; none where `word` is no other kind."""
    new = next((kind for kind in Kind if kind == word), old)
    if new is old:
        return {}
    dropped: dict[str, object] = {
        "minimum": None,
        "maximum": None,
        "decimals": None,
        "written_decimals": None,
        "number_formats": None,
        "date_format": None,
    }
    if not ColumnSchema(name="", kind=new).is_class:
        dropped["categories"] = None
    if old is Kind.QUANTITY:
        dropped["fill"] = True
    return dropped


def _width(text: str) -> int:
    """How many cells of a terminal a text takes: a Chinese sign takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _rules_shown(column: ColumnSchema) -> str:
    """The rules of a column that are not at their default, for its line in the table."""
    told_already = {"name", "kind", "fill"}
    rules = [rule for rule in dataclasses.fields(ColumnSchema) if rule.name not in told_already]
    shown = [
        f"{rule.name}={getattr(column, rule.name)!r}" for rule in rules if getattr(column, rule.name) != rule.default
    ]
    text = " ".join(shown)
    return text if len(text) <= _WIDEST_RULE_SHOWN else text[: _WIDEST_RULE_SHOWN - 1] + "…"
