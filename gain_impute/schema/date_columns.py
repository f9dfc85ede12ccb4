"""How the dates of a column are written, as inference finds them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gain_impute.schema.dates import COMPACT_FORMATS, find_date_format, parse_dates, seconds_of
from gain_impute.schema.evidence import LEAST_READABLE, Evidence
from gain_impute.schema.reading import read_distinct

__all__ = ["date_format_of", "is_compact_date"]

EARLIEST_COMPACT_DATE, LATEST_COMPACT_DATE = 19000101, 20991231

_DATE_WORDS = frozenset({"date", "day", "time", "timestamp", "datum", "日期", "时间"})


def is_compact_date(found: Evidence, numbers: np.ndarray) -> bool:
    """Whether integers are dates such as 20161114: the name says so and each is a day."""
    return not _DATE_WORDS.isdisjoint(found.name_words) and _are_compact_dates(numbers)


def _are_compact_dates(numbers: np.ndarray) -> bool:
    """Whether each of some integers is a day from 1900 to 2099, such as 20161114."""
    if not len(numbers):
        return False
    if numbers.min() < EARLIEST_COMPACT_DATE or numbers.max() > LATEST_COMPACT_DATE:
        return False
    days = parse_dates([str(int(number)) for number in numbers], "%Y%m%d")
    return not bool(np.isnan(days).any())


def date_format_of(cells: pd.Series, found: Evidence, markers: tuple[str | float, ...]) -> str | None:
    """The date format of a column: that of its texts; ISO, as pandas writes it, for instants."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        seconds = seconds_of(pd.DatetimeIndex(pd.to_datetime(cells, utc=True)))
        zone = "%:z" if getattr(cells.dtype, "tz", None) is not None else ""
    else:
        values = read_distinct(cells, markers).values
        if not all(hasattr(value, "isoformat") for value in values):
            written = find_date_format(found.texts.tolist(), found.counts, least_share=LEAST_READABLE)
            return written or _compact_format(found)
        seconds, zone = parse_dates(found.texts.tolist(), None), ""
    known = seconds[~np.isnan(seconds)]
    if not zone and np.all(known % 86400 == 0):
        return "%Y-%m-%d"
    return "%Y-%m-%d %H:%M:%S" + (".%f" if np.any(known % 1 != 0) else "") + zone


def _compact_format(found: Evidence) -> str | None:
    """How dates such as 20161114 are written; None where there are none."""
    is_number = ~np.isnan(found.numbers)
    if not _are_compact_dates(found.numbers[is_number]):
        return None
    return COMPACT_FORMATS[all(text.endswith(".0") for text in found.texts[is_number])]
