"""Dates as text: find a column's date format, read it, write it.

A date format is a strftime pattern with three additions that no platform's strftime spells alike:
``%-d %-m %-H %-I`` (no leading zero), ``%3f`` (milliseconds) and ``%:z`` (offset with a colon). Formats are written
here, in English and in UTC, so that the same seconds give the same text everywhere.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

__all__ = ["COMPACT_FORMATS", "find_date_format", "format_dates", "parse_dates", "seconds_of", "unknown_directives"]

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DIRECTIVES: dict[str, Callable[[dt.datetime], str]] = {
    "%Y": lambda t: f"{t.year:04d}",
    "%y": lambda t: f"{t.year % 100:02d}",
    "%m": lambda t: f"{t.month:02d}",
    "%-m": lambda t: f"{t.month}",
    "%b": lambda t: _MONTHS[t.month - 1][:3],
    "%B": lambda t: _MONTHS[t.month - 1],
    "%d": lambda t: f"{t.day:02d}",
    "%-d": lambda t: f"{t.day}",
    "%a": lambda t: _DAYS[t.weekday()][:3],
    "%A": lambda t: _DAYS[t.weekday()],
    "%H": lambda t: f"{t.hour:02d}",
    "%-H": lambda t: f"{t.hour}",
    "%I": lambda t: f"{(t.hour + 11) % 12 + 1:02d}",
    "%-I": lambda t: f"{(t.hour + 11) % 12 + 1}",
    "%p": lambda t: "AM" if t.hour < 12 else "PM",  # noqa: PLR2004  noon
    "%M": lambda t: f"{t.minute:02d}",
    "%S": lambda t: f"{t.second:02d}",
    "%f": lambda t: f"{t.microsecond:06d}",
    "%3f": lambda t: f"{t.microsecond // 1000:03d}",
    "%z": lambda _: "+0000",
    "%:z": lambda _: "+00:00",
    "%%": lambda _: "%",
}
_DIRECTIVE = re.compile(r"%(?:-?[A-Za-z]|3f|:z|%)")
_EPOCH = dt.datetime(1970, 1, 1)
_LATEST = dt.datetime.max

# Dates of day, month and year; where the data leave two open (01/02/2016), the earlier in this list wins.
_DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y"),
    *("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d %Y"),
    *("%b-%Y", "%b %Y", "%B %Y", "%B-%Y", "%b-%y", "%Y-%m"),
)
COMPACT_FORMATS = ("%Y%m%d", "%Y%m%d.0")
"""Dates that are numbers; the second is what becomes of them beside empty cells, written as floats."""
_LOOKS_LIKE_DATE = re.compile(r"(?=.*[0-9]).{4,40}")
_TIME = re.compile(
    r"(?P<gap>[T ])(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2}(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)
_BELOW_MICROSECONDS = re.compile(r"(?<=:\d{2}\.\d{6})\d+")
_N_PROBES = 5  # distinct texts whose shape proposes formats
_N_MILLISECOND_DIGITS = 3


def unknown_directives(date_format: str) -> list[str]:
    """Directives of a format that cannot be read and written; empty where there are none."""
    return [found for found in _DIRECTIVE.findall(date_format) if found not in _DIRECTIVES]


def seconds_of(instants: pd.DatetimeIndex) -> np.ndarray:
    """Seconds since 1970 UTC, whatever the resolution of the instants; float64, NaN for NaT."""
    naive = instants.tz_convert(None) if instants.tz is not None else instants
    at = naive.to_numpy()
    seconds = at.astype("datetime64[us]").astype(np.int64) / 1e6
    return np.where(np.isnat(at), np.nan, seconds)


def parse_dates(texts: Sequence[str], date_format: str | None) -> np.ndarray:
    """Read texts as seconds since 1970 UTC.

    Parameters
    ----------
    texts : sequence of str
        The texts, best each only once.
    date_format : str or None
        The format; None reads any ISO 8601 form. A format that begins as ISO does reads the other ISO forms too, and
        one of `COMPACT_FORMATS` what the other writes.

    Returns
    -------
    ndarray of shape (n_texts,), float64
        Seconds since 1970-01-01 UTC, to the microsecond; NaN where a text is no date of this format.

    Examples
    --------
    >>> parse_dates(["1970-01-02", "soon"], "%Y-%m-%d").tolist()
    [86400.0, nan]
    >>> parse_dates(["January 2, 1970"], "%B %-d, %Y").tolist()
    [86400.0]
    """
    given = np.empty(len(texts), dtype=object)
    given[:] = [_BELOW_MICROSECONDS.sub("", text) for text in texts]  # one such would have all counted in nanoseconds
    if date_format in COMPACT_FORMATS:
        given[:] = [text.strip().removesuffix(".0") for text in given]
        date_format = COMPACT_FORMATS[0]
    if date_format is None:
        return seconds_of(pd.to_datetime(given, format="ISO8601", errors="coerce", utc=True))
    readable_by_pandas = re.sub(r"%(?:-|3(?=f)|:(?=z))", "%", date_format)
    seconds = seconds_of(pd.to_datetime(given, format=readable_by_pandas, errors="coerce", utc=True))
    unread = np.isnan(seconds)
    if date_format.startswith("%Y-%m-%d") and unread.any():
        whole_dates = unread & np.array([len(text) >= len("2016-11-14") for text in texts])
        seconds[whole_dates] = parse_dates(given[whole_dates].tolist(), None)
    return seconds


def format_dates(seconds: np.ndarray, date_format: str | None) -> np.ndarray:
    """Write seconds since 1970 UTC as texts, rounded to the finest unit that the format shows.

    Parameters
    ----------
    seconds : ndarray of shape (n_values,), float
        The instants; NaN gives "".
    date_format : str or None
        The format; None writes ISO: the date, and the time where it is not midnight.

    Returns
    -------
    ndarray of shape (n_values,), object
        The texts.

    Examples
    --------
    >>> format_dates(np.array([86400.0, np.nan]), "%B %-d, %Y").tolist()
    ['January 2, 1970', '']
    """
    instants = np.asarray(seconds, dtype=np.float64)
    if date_format is not None:
        unit = _finest_unit(date_format)
        instants = np.round(instants / unit) * unit
    values, codes = np.unique(instants, return_inverse=True)
    texts = np.empty(len(values), dtype=object)
    texts[:] = [_format_date(value, date_format) for value in values.tolist()]
    return texts[codes.reshape(np.shape(seconds))]


def find_date_format(texts: Sequence[str], counts: np.ndarray, *, least_share: float) -> str | None:
    """Find the date format in which nearly all cells are written.

    The shape of a few texts proposes formats; the one that reads most cells, and among equals gives back most
    texts unchanged, is taken. Bare years and plain integers are no dates.

    Parameters
    ----------
    texts : sequence of str
        Distinct texts.
    counts : ndarray of shape (n_texts,), int
        Cells that hold each text.
    least_share : float in (0, 1]
        Share of the cells that the format must read.

    Returns
    -------
    str or None
        The format, or None where no format reads enough cells.

    Examples
    --------
    >>> find_date_format(["2016/11/6", "2016/11/14"], np.array([3, 1]), least_share=0.95)
    '%Y/%-m/%-d'
    >>> find_date_format(["01/02/2016", "11/14/2016"], np.array([1, 1]), least_share=0.95)
    '%m/%d/%Y'
    >>> find_date_format(["2016", "2017"], np.array([1, 1]), least_share=0.95) is None
    True
    """
    looks_like = np.array([bool(_LOOKS_LIKE_DATE.fullmatch(text)) for text in texts], dtype=bool)
    n_cells = counts.sum()
    if n_cells == 0 or counts[looks_like].sum() < least_share * n_cells:
        return None
    probes = [texts[i] for i in np.unique(np.linspace(0, len(texts) - 1, _N_PROBES).astype(int))]
    candidates = list(dict.fromkeys(found for probe in probes for found in _formats_of(probe)))
    candidates.sort(key=_rank)
    best, best_read, best_kept = None, least_share * n_cells, -1.0
    for candidate in candidates:
        seconds = parse_dates(texts, candidate)
        n_read = counts[~np.isnan(seconds)].sum()
        if n_read < best_read:
            continue
        for padded in _padding_variants(candidate):
            n_kept = counts[format_dates(seconds, padded) == np.asarray(texts, dtype=object)].sum()
            if n_read > best_read or n_kept > best_kept:
                best, best_read, best_kept = padded, n_read, n_kept
    return best


@lru_cache
def _finest_unit(date_format: str) -> float:
    """Seconds of the finest unit that a format shows."""
    if "%3f" in date_format:
        return 1e-3
    units = (("%f", 1e-6), ("%S", 1.0), ("%M", 60.0), ("%-?[HI]", 3600.0))
    return next((unit for mark, unit in units if re.search(mark, date_format)), 86400.0)


@lru_cache(maxsize=65_536)  # the days of a long file are the same in all its parts
def _format_date(seconds: float, date_format: str | None) -> str:
    """Write one instant, a whole number of units; "" for NaN."""
    if np.isnan(seconds):
        return ""
    at = _instant(seconds)
    if date_format is None:
        return at.date().isoformat() if at.time() == dt.time() else at.isoformat()
    return _DIRECTIVE.sub(lambda found: _DIRECTIVES[found.group()](at), date_format)


def _instant(seconds: float) -> dt.datetime:
    """The instant, held within the years 1 to 9999."""
    earliest, latest = (dt.datetime.min - _EPOCH).total_seconds(), (_LATEST - _EPOCH).total_seconds()
    if seconds >= latest:
        return _LATEST
    return _EPOCH + dt.timedelta(microseconds=round(max(seconds, earliest) * 1e6))


def _formats_of(text: str) -> list[str]:
    """Formats whose shape one text may have: a known date, and the time that follows it."""
    time = re.search(_TIME.pattern + "$", text)
    date_text = text[: time.start()] if time else text
    suffix = _time_format(time) if time else ""
    readable = (date for date in _DATE_FORMATS if not np.isnan(parse_dates([date_text], date)[0]))
    return [date + suffix for date in readable]


def _time_format(time: re.Match[str]) -> str:
    """The format of a time of day, with what stands before and after it."""
    fraction, zone, half = time["fraction"], time["zone"], time["half"]
    pattern = time["gap"] + ("%I" if half else "%H") + ":%M" + (":%S" if time["second"] else "")
    if fraction:
        pattern += ".%3f" if len(fraction) == _N_MILLISECOND_DIGITS else ".%f"
    if half:
        pattern += half[:-2] + "%p"
    if zone:
        blank = " " if zone.startswith(" ") else ""
        pattern += blank + ("Z" if zone.endswith("Z") else "%:z" if ":" in zone else "%z")
    return pattern


def _rank(candidate: str) -> int:
    """Position of a candidate's date in the list of known dates: the longest that it begins with."""
    starts = [(len(known), -i) for i, known in enumerate(_DATE_FORMATS) if candidate.startswith(known)]
    return -max(starts)[1]


def _padding_variants(candidate: str) -> list[str]:
    """The format with leading zeros, without them in the date, in the hour, in both."""
    bare_date = re.sub("%([dm])", r"%-\1", candidate)
    return list(dict.fromkeys([candidate, bare_date, *(re.sub("%([HI])", r"%-\1", f) for f in (candidate, bare_date))]))
