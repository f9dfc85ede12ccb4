"""What one column is and may contain, and how its cells are read and written."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from gain_impute.errors import SchemaError, nearest_spelling
from gain_impute.schema.condition import Condition
from gain_impute.schema.dates import format_dates, parse_dates, seconds_of, unknown_directives
from gain_impute.schema.kinds import Kind
from gain_impute.schema.number_text import MOST_WRITTEN_DECIMALS, format_numbers
from gain_impute.schema.quantities import QuantityFormat
from gain_impute.schema.reading import DistinctCells, find_observed, is_number_dtype, read_distinct, read_numbers
from gain_impute.schema.yes_no import yes_no_words

__all__ = ["ColumnSchema", "ParsedColumn"]

_DATE_RANGE = (-62135596800.0, 253402300799.999999)  # years 1 to 9999, in seconds since 1970 UTC


@dataclass(frozen=True, slots=True)
class ParsedColumn:
    """The cells of a column, read as its kind.

    Attributes
    ----------
    values : ndarray of shape (n_rows,)
        Of columns that hold numbers float64 (dates: seconds since 1970 UTC); NaN where not known.
        All other kinds: object array of canonical texts, None where not known.
    observed : ndarray of shape (n_rows,), bool
        True where the cell is not missing.
    readable : ndarray of shape (n_rows,), bool
        True where the cell is observed and could be read as the kind.
    distinct : DistinctCells or None
        Of kinds that are no numbers, what `values` are spread from.
    """

    values: np.ndarray
    observed: np.ndarray
    readable: np.ndarray
    distinct: DistinctCells | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSchema:
    """What one column is, and what its cells may hold.

    Attributes
    ----------
    name : str
        The column's name.
    kind : Kind
        What the column holds. The kind's word is accepted as well.
    minimum, maximum : float or None, default=None
        Bounds of a number, both included; of a date in seconds since 1970 UTC. None: learned in fit.
    decimals : int in [0, 15] or None, default=None
        The decimal grid of a number: 0 for integers, 2 for cents. None: no grid.
    written_decimals : int in [1, 15] or None, default=None
        Decimals with which a number is written at least, with zeros: 1 where whole numbers stand as 999.0. None: as
        many as `decimals` says, or as a number needs.
    categories : tuple of str or None, default=None
        The values allowed, as texts. None: those seen in fit.
    number_formats : tuple of str or None, default=None
        How a quantity is written, told by examples of the number 1234: "1234.5 kg" has up to one decimal, "$1,234.00"
        always two. Of several each has a unit, all of one dimension; numbers and bounds count in the unit of the first,
        in ones where that is k, M or the like.
        None: a quantity is filled with one of the texts seen.
    date_format : str or None, default=None
        How a date is written: a strftime pattern, in which `%-d %-m %-H %-I` stand for numbers without leading zero,
        `%3f` for milliseconds and `%:z` for an offset with a colon. None: ISO.
    applies_when : mapping of str to tuple of str or None, default=None
        The attribute exists only in rows where each column named here has one of the values given. None: in all rows.
    fill : bool, default=True
        False: the column is read as context, but its holes stay.
    missing_values : tuple of str, default=()
        Texts that mean "empty" in this column, besides those of the schema.

    Raises
    ------
    SchemaError
        If a rule is impossible, or makes no sense for the kind.

    Examples
    --------
    >>> price = ColumnSchema(name="price", kind=Kind.NUMERIC, minimum=0, decimals=2)
    >>> price.parse(pd.Series(["9.99", "", "n.v."])).values.tolist()
    [9.99, nan, nan]
    >>> price.format(np.array([12.5, np.nan])).tolist()
    ['12.50', '']
    """

    name: str
    kind: Kind
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    written_decimals: int | None = None
    categories: tuple[str, ...] | None = None
    number_formats: tuple[str, ...] | None = None
    date_format: str | None = None
    applies_when: Mapping[str, tuple[str, ...]] | None = field(default=None)
    fill: bool = True
    missing_values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Bring each rule into its form and check it."""
        _check(isinstance(self.name, str), self, "name", "a text", self.name)
        kind = next((kind for kind in Kind if kind == self.kind), None)
        if kind is None:
            self._fail("kind", f"one of {', '.join(Kind)}", self.kind, hint=nearest_spelling(self.kind, Kind))
        object.__setattr__(self, "kind", kind)
        _check(isinstance(self.fill, bool), self, "fill", "true or false", self.fill)
        object.__setattr__(self, "missing_values", self._texts("missing_values", self.missing_values))
        self._settle_formats()
        self._settle_bounds()
        self._settle_categories()
        self._settle_condition()

    @property
    def is_number(self) -> bool:
        """Whether cells are filled as numbers."""
        return self.kind in {Kind.NUMERIC, Kind.DATETIME} or self.number_formats is not None

    @property
    def is_class(self) -> bool:
        """Whether cells are filled with one of the values seen."""
        is_text = self.kind is Kind.QUANTITY and self.number_formats is None
        return is_text or self.kind in {Kind.CATEGORICAL, Kind.BOOLEAN, Kind.CONSTANT}

    @property
    def grid(self) -> float:
        """Step of the numbers; 0 where there is none, or where the values tell, as of dates."""
        if self.number_formats is not None:
            return QuantityFormat.of(self.number_formats).grid
        return 0.0 if self.decimals is None else 10.0**-self.decimals

    @property
    def is_fillable(self) -> bool:
        """Whether the column's holes can be filled, and are to be."""
        return self.fill and (self.is_number or self.is_class)

    def parse(self, cells: pd.Series, missing_values: Iterable[str | float] = ()) -> ParsedColumn:
        """Read cells as this column's kind.

        Missing are None, NaN, NaT, NA, the empty text, the column's own markers and those given. A marker is
        compared with the canonical text of a cell (see `canonical_text`), so that -1 is found in numbers and in text.

        Parameters
        ----------
        cells : Series of shape (n_rows,)
            Cells of any dtype.
        missing_values : iterable of str or number, default=()
            Further markers that mean "empty".

        Returns
        -------
        ParsedColumn
            Values, and which cells are observed and readable.

        Examples
        --------
        >>> flag = ColumnSchema(name="in_stock", kind=Kind.BOOLEAN).parse(pd.Series(["yes", "maybe", None]))
        >>> flag.values.tolist(), flag.observed.tolist(), flag.readable.tolist()
        (['yes', None, None], [True, True, False], [True, False, False])
        """
        markers = (*self.missing_values, *missing_values)
        if self.kind is Kind.NUMERIC:
            numbers, observed = read_numbers(cells, markers)
            return ParsedColumn(numbers, observed, ~np.isnan(numbers))
        if self.kind is Kind.DATETIME:
            seconds, observed = self._read_seconds(cells, markers)
            return ParsedColumn(seconds, observed, ~np.isnan(seconds))
        if self.number_formats is not None:
            numbers, observed = self._read_quantities(cells, markers)
            return ParsedColumn(numbers, observed, ~np.isnan(numbers))
        found = read_distinct(cells, markers)
        texts = found.texts
        if self.kind is Kind.BOOLEAN:
            known = yes_no_words(texts) | np.isin(texts, np.array(self.categories or (), dtype=object))
            texts = texts.copy()
            texts[~known] = None
            found = replace(found, texts=texts)
        readable = found.spread(~pd.isna(texts), missing=False)
        return ParsedColumn(found.spread(texts, None), found.codes >= 0, readable, found)

    def find_observed(self, cells: pd.Series, missing_values: Iterable[str | float] = ()) -> np.ndarray:
        """Tell which cells are not missing, without reading them.

        Parameters
        ----------
        cells : Series of shape (n_rows,)
            Cells of any dtype.
        missing_values : iterable of str or number, default=()
            Further markers that mean "empty".

        Returns
        -------
        ndarray of shape (n_rows,), bool
            As `parse` has it.

        Examples
        --------
        >>> ColumnSchema(name="title", kind=Kind.TEXT).find_observed(pd.Series(["cup", ""])).tolist()
        [True, False]
        """
        return find_observed(cells, (*self.missing_values, *missing_values))

    def format(self, values: np.ndarray) -> np.ndarray:
        """Write values as they would stand in a file.

        Parameters
        ----------
        values : ndarray of shape (n_rows,)
            Values as `parse` returns them.

        Returns
        -------
        ndarray of shape (n_rows,), object
            Their texts; "" for NaN and None.

        Examples
        --------
        >>> ColumnSchema(name="ratio", kind=Kind.NUMERIC).format(np.array([0.1, 1e-05, 3.0])).tolist()
        ['0.1', '1e-05', '3.0']
        """
        if self.kind is Kind.DATETIME:
            return format_dates(values, self.date_format)
        if self.is_number:
            distinct, which = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
            words = self._written(distinct)
        else:
            which, found = pd.factorize(np.asarray(values, dtype=object))
            words = [*map(str, found), ""]  # which is -1 for a missing value
        return np.array(words, dtype=object)[which]

    def as_written(self, values: np.ndarray, *, least: float, most: float) -> np.ndarray:
        """Round numbers to what is read again once they are written; only quantities of several units change.

        Parameters
        ----------
        values : ndarray of shape (n_rows,), float64
            Numbers on the column's grid.
        least, most : float
            Bounds that none leaves.

        Returns
        -------
        ndarray of shape (n_rows,), float64
            The numbers.

        Examples
        --------
        >>> weight = ColumnSchema(name="weight", kind=Kind.QUANTITY, number_formats=("1234 g", "1234.5 kg"))
        >>> weight.as_written(np.array([340.0, 1371.0, 1603.0]), least=0, most=2000).tolist()
        [340.0, 1371.0, 1600.0]
        """
        if self.number_formats is None:
            return values
        distinct, which = np.unique(values, return_inverse=True)
        return QuantityFormat.of(self.number_formats).settle(distinct, least, most)[which]

    def _read_seconds(self, cells: pd.Series, markers: tuple[str | float, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Seconds (n_rows,) and which cells are observed (n_rows,) of a datetime column."""
        if pd.api.types.is_datetime64_any_dtype(cells.dtype) and not markers:
            seconds = seconds_of(pd.DatetimeIndex(pd.to_datetime(cells, utc=True)))
            return seconds, ~np.isnan(seconds)
        found = read_distinct(cells, markers)
        is_text = np.array([not isinstance(value, dt.date | np.datetime64) for value in found.values], dtype=bool)
        seconds = np.full(len(found.texts), np.nan)
        for where, date_format in ((is_text, self.date_format), (~is_text, None)):
            if where.any():
                seconds[where] = parse_dates(found.texts[where].tolist(), date_format)
        return found.spread(seconds, np.nan), found.codes >= 0

    def _read_quantities(self, cells: pd.Series, markers: tuple[str | float, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (n_rows,) and which cells are observed (n_rows,) of a quantity."""
        if is_number_dtype(cells.dtype):
            return read_numbers(cells, markers)
        found = read_distinct(cells, markers)
        return found.spread(QuantityFormat.of(self.number_formats or ()).read(found.values), np.nan), found.codes >= 0

    def _written(self, numbers: np.ndarray) -> list[str]:
        """Texts of numbers (n_numbers,), which are no dates."""
        if self.number_formats is None:
            return format_numbers(numbers, self.decimals, self.written_decimals)
        least = -math.inf if self.minimum is None else self.minimum
        most = math.inf if self.maximum is None else self.maximum
        return QuantityFormat.of(self.number_formats).write(numbers, least=least, most=most)

    def _settle_bounds(self) -> None:
        """Check minimum, maximum and decimals; bounds become floats, those of dates whole microseconds."""
        low, high = _DATE_RANGE if self.kind is Kind.DATETIME else (-math.inf, math.inf)
        for rule in ("minimum", "maximum"):
            bound = getattr(self, rule)
            if bound is None:
                continue
            self._only_for(
                rule,
                of_kind=self.is_number,
                kinds="numeric and datetime columns, and of quantities with 'number_formats'",
            )
            is_number = isinstance(bound, int | float | np.integer | np.floating) and not isinstance(bound, bool)
            _check(is_number and math.isfinite(bound), self, rule, "a finite number", bound)
            _check(low <= bound <= high, self, rule, "a date of the years 1 to 9999, in seconds since 1970", bound)
            number = round(float(bound) * 1e6) / 1e6 if self.kind is Kind.DATETIME else float(bound)
            object.__setattr__(self, rule, number)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            self._fail("minimum", f"at most its 'maximum' {self.maximum!r}", self.minimum)
        for rule, least in (("decimals", 0), ("written_decimals", 1)):
            count = getattr(self, rule)
            if count is None:
                continue
            self._only_for(rule, of_kind=self.kind is Kind.NUMERIC, kinds="numeric columns")
            is_count = type(count) is not bool and isinstance(count, int | np.integer)
            is_possible = is_count and least <= count <= MOST_WRITTEN_DECIMALS
            _check(is_possible, self, rule, f"an integer from {least} to {MOST_WRITTEN_DECIMALS}", count)
            object.__setattr__(self, rule, int(count))

    def _settle_categories(self) -> None:
        """Check the categories; they become a tuple."""
        if self.categories is None:
            return
        self._only_for("categories", of_kind=self.is_class, kinds="categorical, boolean, quantity and constant columns")
        categories = self._texts("categories", self.categories)
        _check(
            len(categories) > 0, self, "categories", "at least one text (leave the rule out to allow all)", categories
        )
        repeated = [text for text, count in Counter(categories).items() if count > 1]
        _check(not repeated, self, "categories", "texts that differ", repeated[:1])
        empty = [text for text in categories if text in {"", *self.missing_values}]
        _check(not empty, self, "categories", 'texts that do not mean "empty"', empty[:1])
        object.__setattr__(self, "categories", categories)

    def _settle_formats(self) -> None:
        """Check the formats of numbers and of dates."""
        if self.number_formats is not None:
            self._only_for("number_formats", of_kind=self.kind is Kind.QUANTITY, kinds="quantity columns")
            object.__setattr__(self, "number_formats", self._texts("number_formats", self.number_formats))
            must = "left out where 'categories' are given"
            _check(self.categories is None, self, "number_formats", must, list(self.number_formats))
            try:
                QuantityFormat.of(self.number_formats)
            except ValueError as error:
                self._fail("number_formats", str(error), list(self.number_formats))
        if self.date_format is None:
            return
        self._only_for("date_format", of_kind=self.kind is Kind.DATETIME, kinds="datetime columns")
        is_pattern = "%" in str(self.date_format)
        _check(is_pattern, self, "date_format", "a pattern such as '%Y-%m-%d'", self.date_format)
        unknown = unknown_directives(self.date_format)
        _check(not unknown, self, "date_format", "a pattern of known directives, such as '%Y-%m-%d'", unknown[:1])

    def _settle_condition(self) -> None:
        """Check the condition; it becomes immutable."""
        if self.applies_when is None:
            return
        must = "a table of columns and their values"
        _check(isinstance(self.applies_when, Mapping), self, "applies_when", must, self.applies_when)
        _check(len(self.applies_when) > 0, self, "applies_when", must, {})
        condition = {name: self._texts("applies_when", texts) for name, texts in self.applies_when.items()}
        for name, texts in condition.items():
            _check(len(texts) > 0, self, "applies_when", f"at least one value of {name!r}", texts)
        object.__setattr__(self, "applies_when", Condition(condition))

    def _texts(self, rule: str, texts: object) -> tuple[str, ...]:
        """A rule's texts as a tuple; one bare text is an error, for it would be read letter by letter."""
        is_list = isinstance(texts, Iterable) and not isinstance(texts, str | Mapping)
        _check(is_list, self, rule, "a list of texts", texts)
        found: tuple[object, ...] = tuple(texts)  # type: ignore[arg-type]
        wrong = [text for text in found if not isinstance(text, str)]
        _check(not wrong, self, rule, "a list of texts", wrong[0] if wrong else None)
        return tuple(str(text) for text in found)

    def _only_for(self, rule: str, *, of_kind: bool, kinds: str) -> None:
        """Refuse a rule that this kind of column cannot have."""
        if not of_kind:
            raise SchemaError(
                f"Column {self.name!r}: {rule!r} is a rule of {kinds}. The kind is {self.kind.value!r}. "
                f"Leave {rule!r} out, or change the kind."
            )

    def _fail(self, rule: str, must_be: str, found: object, *, hint: str = "") -> None:
        """Say what a rule must be, what was found, what to do."""
        raise SchemaError(
            f"Column {self.name!r}: {rule!r} must be {must_be}. Got {found!r} instead."
            f"{hint or ' Correct it, or leave it out.'}"
        )


def _check(holds: object, column: ColumnSchema, rule: str, must_be: str, found: object) -> None:
    """Refuse a rule that does not hold."""
    if not holds:
        column._fail(rule, must_be, found)  # noqa: SLF001  same module
