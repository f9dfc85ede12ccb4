"""Infer the schema of a table from its cells and names.

The rules are few, and a person can follow each: they are tried in the order of `_KIND_RULES`, and the first that finds
its kind decides.
Nothing depends on the dtype where the text says the same, so a table and its CSV file read as text get the same kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from gain_impute.errors import ConfigError, SchemaError, nearest_spelling
from gain_impute.schema.date_columns import date_format_of, is_compact_date
from gain_impute.schema.dates import find_date_format, parse_dates
from gain_impute.schema.evidence import (
    LEAST_READABLE,
    Evidence,
    evidence_of,
    is_code,
    is_url,
)
from gain_impute.schema.kinds import Kind
from gain_impute.schema.number_text import fewest_decimals, find_written_decimals
from gain_impute.schema.quantities import find_number_formats
from gain_impute.schema.reading import clean_missing_values, is_number_dtype
from gain_impute.schema.rules import ColumnSchema
from gain_impute.schema.schema import Schema
from gain_impute.schema.units import is_magnitude, is_quantity, may_be_code
from gain_impute.schema.yes_no import BOOLEAN_PAIRS

__all__ = ["infer_schema"]

LEAST_SHARE = 0.95
"""Share of the known cells that must read as a kind."""
UNIQUE_SHARE = 0.95
"""Distinct values per cell from which a column counts as unique: a few rows of a real table are duplicates."""
LEAST_CELLS = 20
"""Cells below which repetition says nothing, and only the shape of a text does."""
LEAST_REPEATED = 0.5
"""A label repeats in most cells, though its tail be long, as that of brands is."""
LEAST_REPEATED_LONG = 0.8
"""The same for labels of more than `MOST_LABEL_WORDS` words, which could be titles that return now and then, and where
most have a digit, which could be names of models: "ThinkPad T560" names one product, a brand many."""
MOST_LABEL_WORDS = 3
MOST_LABEL_WIDTH = 40
"""Characters of a label; longer texts are sentences or lists, unless only `MOST_LONG_LABELS` different ones exist."""
MOST_LONG_LABELS = 30
MOST_LABELS_OF_TITLES = 100
"""Distinct texts from which several words in a column named "title" are free text, however often they return."""
MOST_KEY_CATEGORIES = 200
"""Distinct codes up to which a repeating column that is named as a key ("outlet_id") can be filled with one of them."""
MOST_QUANTITIES_FILLED = 100
"""Distinct quantities up to which a quantity can be filled with one of those seen."""
LEAST_GROUPED = 1_000
"""The least number that can be written as in "1,299"."""
LEAST_TEXTS_OF_A_FORMAT = 2
LEAST_SHARE_OF_A_FORMAT = 0.01
"""Share of the cells with numbers such as "1,299" from which they are no slip."""
LEAST_MAGNITUDES = 0.05
"""Share of the distinct numbers with a letter for thousands or the like from which plain ones are of the same kind."""
LEAST_CELLS_A_QUANTITY = 5
FEW_QUANTITIES = 10
LEAST_KNOWN_OF_ONE_VALUE = 0.5
"""Share of the rows that have a column's only value, from which it is filled in elsewhere."""
MOST_CODES_BESIDE_NUMBERS = 0.01
"""Share of the distinct texts that may be codes such as "C536379" in a column of numbers; beyond it, all are codes."""
A_PAIR = 2
MOST_SPELLINGS = 10
"""Spellings of yes and no ("Yes", "YES", "no", ...) that a boolean column may mix."""

_KEY_WORDS = frozenset(
    {"id", "ids", "identifier", "uuid", "guid", "uid", "pid", "key", "code", "barcode", "unnamed"}
    | {"sku", "gtin", "ean", "upc", "isbn", "issn", "asin", "mpn"}
)
_CODE_WORDS = _KEY_WORDS | {"no", "nr", "num", "number"}  # of a text with digits; "number of reviews" is a number
_MONEY_WORDS = frozenset({"price", "mrp", "msrp", "rrp", "cost", "fee", "amount", "revenue", "preis", "prix", "precio"})
_RUN_NAMES = frozenset({(), ("index",), ("row",), ("no",), ("nr",), ("num",), ("number",)})
_CHINESE_KEYS = ("编号", "编码", "条码", "货号", "序号")
_TITLE_WORDS = frozenset(
    {"title", "name", "description", "summary", "headline", "text", "comment", "标题", "名称", "描述", "品名"}
)


def infer_schema(
    table: pd.DataFrame, *, missing_values: object = (), kinds: Mapping[str, str | Kind] | None = None
) -> Schema:
    """Infer what each column of a table is.

    Kinds, decimal grids and date formats are found; bounds, categories and conditions are left to fit and to people.
    A typed table and the same table read as text get the same kinds (but a code such as "00501", which a typed table
    keeps as the number 501, is one only in text, and only text tells how numbers are written: 999.0). Integers are
    numeric unless they hold two values; a number becomes an identifier only where both its name and its being unique
    say so. A quantity that takes many different texts gets the rule ``number_formats`` and is filled with numbers;
    where its units cannot be compared it gets ``fill=False``. Dates of which the data do not tell day from month are
    read day first. Of a long column of numbers 50,000 evenly spaced rows are looked at, of a column of texts all rows
    but 10,000 evenly spaced distinct values.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The table, of any dtypes. It is not changed, nor copied as a whole.
    missing_values : scalar or sequence of scalars, default=()
        Texts and numbers that mean "empty" besides None, NaN and the empty text.
    kinds : mapping of str to Kind or str, or None, default=None
        The kinds of columns for which inference is not to be asked.

    Returns
    -------
    Schema
        One column schema per column, in the table's order.

    Raises
    ------
    SchemaError
        If two columns have the same name.
    ConfigError
        If `kinds` names an unknown column or kind, or a missing value is neither a text nor a number.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "brand": ["Acme", "Acme", None], "price": ["9.99", "12.50", ""], "since": ["2016-11-14", "", "2017-01-02"]
    ... })
    >>> infer_schema(table)
    column  kind      fill  rules
    brand   constant  yes
    price   numeric   yes   decimals=2
    since   datetime  yes   date_format='%Y-%m-%d'
    >>> infer_schema(table, kinds={"brand": "categorical"})["brand"].kind
    <Kind.CATEGORICAL: 'categorical'>
    """
    markers = clean_missing_values(missing_values)
    names = [str(name) for name in table.columns]
    chosen = _checked_kinds(kinds or {}, names)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SchemaError(
            f"The names of a table's columns must differ. {twice!r} stands there twice. Rename one of the two."
        )
    columns = [_infer_column(name, table.iloc[:, i], markers, chosen.get(name)) for i, name in enumerate(names)]
    return Schema(columns, missing_values=markers)


def _checked_kinds(kinds: Mapping[str, str | Kind], names: list[str]) -> dict[str, Kind]:
    """The kinds that the caller chose, each for a column that exists."""
    for name, kind in kinds.items():
        if str(name) not in names:
            raise ConfigError(
                f"The 'kinds' must name columns of the table. Got {name!r} instead."
                f"{nearest_spelling(name, names) or ' Leave it out.'}"
            )
        if not any(kind == known for known in Kind):
            raise ConfigError(
                f"The kind of column {name!r} must be one of {', '.join(Kind)}. Got {str(kind)!r} instead."
                f"{nearest_spelling(kind, Kind) or ' Name one of these.'}"
            )
    return {str(name): Kind(kind) for name, kind in kinds.items()}


def _infer_column(name: str, cells: pd.Series, markers: tuple[str | float, ...], chosen: Kind | None) -> ColumnSchema:
    """The schema of one column; its kind found, or chosen by the caller."""
    found = evidence_of(name, cells, markers)
    kind = chosen or _typed_kind(cells, found) or next(kind for rule in _KIND_RULES if (kind := rule(found)))
    if kind is Kind.NUMERIC:
        decimals, written = _decimals(found, cells.dtype), None
        if not is_number_dtype(cells.dtype):
            written = find_written_decimals(
                found.texts[~np.isnan(found.numbers)], found.counts[~np.isnan(found.numbers)]
            )
        is_told = written is None or (decimals is not None and written <= decimals)
        return ColumnSchema(name=name, kind=kind, decimals=decimals, written_decimals=None if is_told else written)
    if kind is Kind.DATETIME:
        return ColumnSchema(name=name, kind=kind, date_format=date_format_of(cells, found, markers))
    if kind is Kind.QUANTITY and (_is_grouped(found) or not _has_few_quantities(found)):
        formats = () if _is_key(found) else _number_formats(found)
        return ColumnSchema(
            name=name, kind=kind, number_formats=formats or None, fill=chosen is not None or bool(formats)
        )
    # of "recalled: yes" in one row of a hundred the others most likely mean "no"
    is_rare = kind is Kind.CONSTANT and found.n_cells < LEAST_KNOWN_OF_ONE_VALUE * len(cells)
    return ColumnSchema(name=name, kind=kind, fill=chosen is not None or not is_rare)


def _typed_kind(cells: pd.Series, found: Evidence) -> Kind | None:
    """The kind that a dtype declares, where it declares one."""
    if found.n_distinct <= 1:
        return Kind.CONSTANT
    types = pd.api.types
    if types.is_datetime64_any_dtype(cells.dtype):
        return Kind.DATETIME
    if types.is_bool_dtype(cells.dtype):
        return Kind.BOOLEAN
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return _boolean(found) or Kind.CATEGORICAL
    return None


def _boolean(found: Evidence) -> Kind | None:
    """Exactly the two words of a yes/no pair, in whatever case."""
    if len(found.texts) > MOST_SPELLINGS or found.null_share > 1 - LEAST_READABLE:
        return None
    return Kind.BOOLEAN if frozenset(text.casefold() for text in found.texts) in BOOLEAN_PAIRS else None


def _url(found: Evidence) -> Kind | None:
    """Web addresses."""
    is_match = np.array([is_url(text) for text in found.texts], dtype=bool)
    return Kind.URL if found.share(is_match, must_be_readable=False) >= LEAST_SHARE else None


def _number(found: Evidence) -> Kind | None:
    """Numbers, and what looks like them: keys, codes with leading zeros, pairs, compact dates, "1,299" among others."""
    is_number = ~np.isnan(found.numbers)
    if found.share(is_number) < LEAST_SHARE or 2 * is_number.sum() < len(is_number):
        return None
    is_coded = np.array([is_code(text) for text in found.texts[~is_number]], dtype=bool)
    if is_coded.sum() > MOST_CODES_BESIDE_NUMBERS * len(is_number):  # "536365" and "C536379" are codes
        return None
    numbers, texts = found.numbers[is_number], found.texts[is_number]
    if _is_padded(texts):
        return Kind.CATEGORICAL if found.repeated_share >= LEAST_REPEATED else Kind.IDENTIFIER
    if _is_number_key(found, numbers):
        return Kind.IDENTIFIER
    if is_compact_date(found, numbers):
        return Kind.DATETIME
    n_distinct = len(np.unique(numbers))
    if n_distinct > A_PAIR:
        return Kind.QUANTITY if _is_grouped(found) else Kind.NUMERIC
    if len(numbers) < len(is_number):  # words, and a number or two among them
        return None
    return Kind.CATEGORICAL if found.n_cells >= A_PAIR * found.n_distinct else Kind.NUMERIC


def _date(found: Evidence) -> Kind | None:
    """Dates of one format."""
    written = find_date_format(found.texts.tolist(), found.counts, least_share=LEAST_SHARE)
    if written is None:
        return None
    is_date = ~np.isnan(parse_dates(found.texts.tolist(), written))
    return Kind.DATETIME if found.share(is_date) >= LEAST_SHARE else None


def _quantity(found: Evidence) -> Kind | None:
    """Numbers with a unit, a few plain ones among them, or numbers of which some are in a format."""
    is_match = found.has_unit | ~np.isnan(found.numbers)
    if 2 * found.has_unit.sum() < is_match.sum() and not (_is_grouped(found) or _is_of_magnitudes(found)):
        return None
    return Kind.QUANTITY if found.share(is_match, must_be_readable=False) >= LEAST_SHARE else None


def _is_key(found: Evidence) -> bool:
    """Whether quantities are keys: named so, or unique and named as codes are, or of a shape that codes have too."""
    if _has_key_name(found):
        return True
    if found.distinct_share < UNIQUE_SHARE:
        return False
    is_money = not _MONEY_WORDS.isdisjoint(found.name_words)
    may_be = [is_quantity(text) and (is_money or not may_be_code(text)) for text in found.texts]
    is_known = np.array(may_be, dtype=bool) | ~np.isnan(found.numbers)
    return _has_key_name(found, _CODE_WORDS) or found.share(is_known) < LEAST_SHARE


def _is_grouped(found: Evidence) -> bool:
    """Whether of numbers from a thousand up most are written as in "1,299"."""
    n_cells, n_grouped = found.counts.sum(), found.counts[found.is_grouped].sum()
    if found.is_grouped.sum() < LEAST_TEXTS_OF_A_FORMAT or n_grouped < LEAST_SHARE_OF_A_FORMAT * n_cells:
        return False
    return bool(n_grouped > found.counts[np.abs(found.numbers) >= LEAST_GROUPED].sum())


def _is_of_magnitudes(found: Evidence) -> bool:
    """Whether beside plain numbers there are some such as "1.2k" and "3.5万", and no other quantities."""
    if found.has_unit.mean() < LEAST_MAGNITUDES:
        return False
    return bool(np.mean([is_magnitude(text) for text in found.texts[found.has_unit]]) >= LEAST_SHARE)


def _text(found: Evidence) -> Kind | None:
    """Labels, keys and free text, told apart by repetition, length and shape."""
    if len(found.texts) == 0:  # nothing but words for "nothing"
        return Kind.CATEGORICAL
    is_coded = np.array([is_code(text) for text in found.texts], dtype=bool)
    is_one_word = np.array([" " not in text for text in found.texts], dtype=bool)
    is_single = is_one_word.mean() >= LEAST_SHARE
    is_unique = found.distinct_share >= UNIQUE_SHARE
    has_key_name = _has_key_name(found, _CODE_WORDS)
    if has_key_name and is_single and (is_unique or found.n_distinct > MOST_KEY_CATEGORIES):
        return Kind.IDENTIFIER
    if found.n_cells < LEAST_CELLS:
        is_label = found.n_words <= MOST_LABEL_WORDS and found.width <= MOST_LABEL_WIDTH
        is_title = _has_title_name(found) and found.repeated_share < LEAST_REPEATED
        return Kind.CATEGORICAL if is_label and not is_title else Kind.TEXT
    if _is_label(found):
        return Kind.CATEGORICAL
    is_key = is_single and (has_key_name or (is_unique and 2 * is_coded.sum() >= len(is_coded)))
    return Kind.IDENTIFIER if is_key else Kind.TEXT


_KIND_RULES: tuple[Callable[[Evidence], Kind | None], ...] = (_boolean, _url, _number, _date, _quantity, _text)


def _is_label(found: Evidence) -> bool:
    """Whether texts are labels: they return in most cells, and are short, or few."""
    has_many_words = found.n_words > MOST_LABEL_WORDS
    if found.width > MOST_LABEL_WIDTH and has_many_words and found.n_distinct > MOST_LONG_LABELS:
        return False
    if _has_title_name(found) and has_many_words and found.n_distinct > MOST_LABELS_OF_TITLES:
        return False
    has_digit = np.array([any(map(str.isdigit, text)) for text in found.texts], dtype=bool)
    is_title_like = has_many_words or 2 * has_digit.sum() > len(has_digit)
    return found.repeated_share >= (LEAST_REPEATED_LONG if is_title_like else LEAST_REPEATED)


def _has_title_name(found: Evidence) -> bool:
    """Whether a column is named as free text is."""
    return not _TITLE_WORDS.isdisjoint(found.name_words)


def _has_key_name(found: Evidence, key_words: frozenset[str] = _KEY_WORDS) -> bool:
    """Whether a column is named as keys are."""
    is_chinese_key = any(key in word for key in _CHINESE_KEYS for word in found.name_words)
    return is_chinese_key or not key_words.isdisjoint(found.name_words)


def _is_number_key(found: Evidence, numbers: np.ndarray) -> bool:
    """Whether integers are keys: unique, and named so, or a run 1, 2, 3 named as counters are."""
    if found.distinct_share < UNIQUE_SHARE or not np.all(numbers == np.round(numbers)):
        return False
    is_run = found.n_distinct >= numbers.max() / 2 - numbers.min() / 2 + 0.5  # halves: the whole range may overflow
    return _has_key_name(found) or (found.name_words in _RUN_NAMES and bool(is_run))


def _is_padded(texts: np.ndarray) -> bool:
    """Whether digits are codes: all of one width, with zeros in front."""
    is_digits = all(text.isdigit() for text in texts)
    has_zero = any(len(text) > 1 and text.startswith("0") for text in texts)
    return is_digits and has_zero and len({len(text) for text in texts}) == 1


def _decimals(found: Evidence, dtype: object) -> int | None:
    """The decimal grid of a column of numbers."""
    is_number = ~np.isnan(found.numbers)
    numbers, counts = found.numbers[is_number], found.counts[is_number]
    numpy_dtype = getattr(dtype, "numpy_dtype", dtype)
    is_float = isinstance(numpy_dtype, np.dtype) and numpy_dtype.kind == "f"
    precision = float(np.finfo(str(numpy_dtype) if is_float else "float64").eps)
    return fewest_decimals(numbers, counts, precision=precision)


def _number_formats(found: Evidence) -> tuple[str, ...]:
    """How the quantities of a column are written; () where they cannot be compared as numbers, or are too few."""
    is_match = found.has_unit | ~np.isnan(found.numbers)
    if not is_match.any():
        return ()
    share_of_known = found.counts[is_match].sum() / found.counts.sum() * (1 - found.null_share)
    least_share = max(LEAST_SHARE, LEAST_READABLE / share_of_known)  # above 1 where words for "nothing" are most
    return find_number_formats(found.texts[is_match], found.counts[is_match], least_share=least_share)


def _has_few_quantities(found: Evidence) -> bool:
    """Whether a quantity takes so few texts that a hole is filled with one of them, and not with a number."""
    if found.n_distinct <= FEW_QUANTITIES:
        return True
    return found.n_distinct <= MOST_QUANTITIES_FILLED and found.n_cells >= LEAST_CELLS_A_QUANTITY * found.n_distinct
