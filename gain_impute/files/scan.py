r"""Find where each field of delimited text begins and ends, for many records at once.

The rules are those of Python's csv module: a quote opens a quoted field only as the field's first character, two quotes
inside it are one, and a quote anywhere else (``15.6" display``) is a character like any other. A record ends with
``\n``, ``\r\n`` or ``\r`` outside quotes.

No loop runs over records or fields. The positions of all quotes, delimiters and line ends are found by comparison;
where the quotes before a position are odd in number, the position is inside a quoted field. Only where a quote stands
inside an unquoted field is that parity wrong: then one loop runs over the quotes, not over the text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CARRIAGE_RETURN", "LINE_FEED", "QUOTE", "Scan", "count_lines", "scan"]

QUOTE, LINE_FEED, CARRIAGE_RETURN = b'"'[0], b"\n"[0], b"\r"[0]

Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Scan:
    """The fields of the complete records of a buffer; blank lines are no records.

    Attributes
    ----------
    starts, ends : ndarray of shape (n_fields,), int64
        Where each field begins, and the first byte behind it; quotes belong to the field, delimiters do not.
    n_fields : ndarray of shape (n_records,), int64
        Fields of each record.
    n_bytes : int
        Bytes up to the end of the last complete record, its line end included.
    literal_quotes : ndarray, int64
        Quotes that are characters of their field.
    open_quote : int or None
        The quote that is still open at the end of the buffer.
    """

    starts: Positions
    ends: Positions
    n_fields: Positions
    n_bytes: int
    literal_quotes: Positions
    open_quote: int | None


def scan(buffer: Bytes, delimiter: int, *, is_last: bool) -> Scan:
    r"""Find the fields of a buffer that begins with a record.

    Parameters
    ----------
    buffer : ndarray of shape (n_bytes,), uint8
        Text in an encoding that writes quotes, delimiters and line ends as ASCII does.
    delimiter : int
        The byte between two fields.
    is_last : bool
        Whether the text ends with the buffer. If not, what follows the last line end is left for the next buffer.

    Returns
    -------
    Scan
        The fields of all complete records.

    Examples
    --------
    >>> found = scan(np.frombuffer(b'a,b\n1,"x,y"', dtype=np.uint8), b","[0], is_last=True)
    >>> found.starts.tolist(), found.ends.tolist(), found.n_fields.tolist()
    ([0, 2, 4, 6], [1, 3, 5, 11], [2, 2])
    """
    at = np.flatnonzero(_is_special(buffer, delimiter))
    kinds = buffer[at]
    is_quote = kinds == QUOTE
    literal, open_quote = np.empty(0, dtype=np.int64), None
    if is_quote.any():
        is_inside, is_literal = _quoted(buffer, at, is_quote, delimiter)
        literal = at[is_literal]
        if is_inside[-1]:
            open_quote = int(at[np.flatnonzero(is_quote & ~is_literal)[-1]])
        is_separator = ~(is_inside | is_quote)
        at, kinds = at[is_separator], kinds[is_separator]
    at, ends, is_end = _separators(buffer, at, kinds, is_last=is_last)
    last = np.flatnonzero(is_end)
    if is_last and len(buffer) > (at[last[-1]] + 1 if len(last) else 0):  # the last record has no line end
        at, ends, is_end = np.append(at, len(buffer)), np.append(ends, len(buffer)), np.append(is_end, np.True_)
        last = np.append(last, len(at) - 1)
    n_complete = int(last[-1]) + 1 if len(last) else 0
    n_bytes = min(int(at[n_complete - 1]) + 1, len(buffer)) if n_complete else 0
    starts, ends, n_fields = _records(at[:n_complete], ends[:n_complete], is_end[:n_complete])
    return Scan(starts, ends, n_fields, n_bytes, literal, open_quote)


def count_lines(buffer: Bytes) -> int:
    r"""Count the line ends of a buffer, whether inside quotes or not.

    Parameters
    ----------
    buffer : ndarray of shape (n_bytes,), uint8
        Some text.

    Returns
    -------
    int
        How many there are; ``\r\n`` is one.

    Examples
    --------
    >>> count_lines(np.frombuffer(b"a\r\nb\n", dtype=np.uint8))
    2
    """
    is_return = buffer == CARRIAGE_RETURN
    is_feed = buffer == LINE_FEED
    n_pairs = np.count_nonzero(is_return[:-1] & is_feed[1:]) if is_return.any() else 0
    return int(np.count_nonzero(is_return) + np.count_nonzero(is_feed) - n_pairs)


def _is_special(buffer: Bytes, delimiter: int) -> NDArray[np.bool_]:
    """True at delimiters, line ends and quotes."""
    is_special: NDArray[np.bool_] = buffer == delimiter
    for byte in (LINE_FEED, CARRIAGE_RETURN, QUOTE):
        is_special |= buffer == byte
    return is_special


def _quoted(
    buffer: Bytes, at: Positions, is_quote: NDArray[np.bool_], delimiter: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which positions lie inside a quoted field, opening quotes included; which quotes are mere characters."""
    is_literal = np.zeros(len(at), dtype=bool)
    is_inside = (np.cumsum(is_quote, dtype=np.uint8) & 1).astype(bool)
    where = np.flatnonzero(is_quote)
    quotes = at[where]
    before = buffer[quotes - 1]  # of a quote at 0 the last byte, set right below
    is_first = (before == delimiter) | (before == LINE_FEED) | (before == CARRIAGE_RETURN) | (quotes == 0)
    is_second = (before == QUOTE) & (quotes > 0)
    is_wrong = is_inside[where] & ~is_first & ~is_second
    if not is_wrong.any():
        return is_inside, is_literal
    n_right = int(np.argmax(is_wrong))
    is_literal[where[n_right:]] = _literal_quotes(is_first[n_right:].tolist(), is_second[n_right:].tolist())
    is_inside = (np.cumsum(is_quote & ~is_literal, dtype=np.uint8) & 1).astype(bool)
    return is_inside, is_literal


def _literal_quotes(is_first: list[bool], is_second: list[bool]) -> list[bool]:
    """Follow the quotes one by one, the first of them outside a quoted field.

    A quote opens a field as its first character, or again right behind the quote that closed it; inside, it closes.
    """
    is_inside = was_closed = False
    literal = []
    for first, second in zip(is_first, is_second, strict=True):
        is_literal = not (is_inside or first or (second and was_closed))
        was_closed = is_inside
        is_inside = not (is_inside or is_literal)
        literal.append(is_literal)
    return literal


def _separators(
    buffer: Bytes, at: Positions, kinds: Bytes, *, is_last: bool
) -> tuple[Positions, Positions, NDArray[np.bool_]]:
    """Where fields end: last byte of the separator, first byte behind the field, whether it ends the record."""
    is_return = kinds == CARRIAGE_RETURN
    is_feed = kinds == LINE_FEED
    ends = at
    if is_return.any():
        is_open_end = (at + 1 == len(buffer)) & (not is_last)  # the line feed may be the next buffer's first byte
        is_pair = buffer[np.minimum(at + 1, len(buffer) - 1)] == LINE_FEED
        is_half = is_return & (is_pair | is_open_end)
        ends = at - (is_feed & (at > 0) & (buffer[at - 1] == CARRIAGE_RETURN))
        at, ends, is_return, is_feed = at[~is_half], ends[~is_half], is_return[~is_half], is_feed[~is_half]
    return at, ends, is_return | is_feed


def _records(at: Positions, ends: Positions, is_end: NDArray[np.bool_]) -> tuple[Positions, Positions, Positions]:
    """Starts, ends and number of the fields of each record, without the blank lines."""
    starts = np.concatenate([np.zeros(1, dtype=np.int64), at[:-1] + 1])[: len(at)]
    last = np.flatnonzero(is_end)
    n_fields = np.diff(last, prepend=-1)
    is_blank = (n_fields == 1) & (starts[last] == ends[last])
    if is_blank.any():
        is_kept = np.ones(len(at), dtype=bool)
        is_kept[last[is_blank]] = False
        starts, ends, n_fields = starts[is_kept], ends[is_kept], n_fields[~is_blank]
    return starts, ends, n_fields
