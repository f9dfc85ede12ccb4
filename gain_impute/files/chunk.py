"""Some records of delimited text: their bytes as they came in, and where in them each field is."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gain_impute.files.encodings import SourceText
from gain_impute.files.scan import QUOTE, Bytes

__all__ = ["Chunk"]

_A_PAIR = 2
_QUOTED_FIELD = re.compile(r'"((?:[^"]|"")*)"(.*)', re.DOTALL)


@dataclass(frozen=True)
class Chunk:
    """Records that stand together in a file.

    Attributes
    ----------
    raw : ndarray of shape (n_bytes,), uint8
        All bytes, those between the records too, as UTF-8.
    starts, ends : ndarray of shape (n_columns, n_rows), int32 or int64
        Where in `raw` each field begins, and the first byte behind it; its quotes are part of it.
    literal_quotes : ndarray, int64
        Quotes in `raw` that are characters of their field.
    delimiter : str
        The character between two fields.
    source : SourceText or None
        The bytes that came in, where the file's encoding is not UTF-8.
    """

    raw: Bytes
    starts: NDArray[np.integer]
    ends: NDArray[np.integer]
    literal_quotes: NDArray[np.int64]
    delimiter: str
    source: SourceText | None = None

    @property
    def n_rows(self) -> int:
        """Number of records.

        Returns
        -------
        int
            The number.
        """
        return int(self.starts.shape[1])

    def values(self, column: int) -> pa.LargeStringArray:
        """Read the values of a column as texts.

        Parameters
        ----------
        column : int
            The number of the column.

        Returns
        -------
        LargeStringArray of shape (n_rows,)
            What the fields say, without their quotes; null where they are empty.
        """
        starts, ends, is_quoted, is_mixed = self._spans(column)
        texts = _texts_between(self.raw, starts, ends)
        if is_quoted.any():
            is_doubled = pc.and_(pa.array(is_quoted), pc.match_substring(texts, '"'))
            if pc.any(is_doubled).as_py():
                texts = pc.if_else(is_doubled, pc.replace_substring(texts, '""', '"'), texts)
        if is_mixed.any():
            read = pa.array([_read_mixed(text) for text in texts.filter(pa.array(is_mixed)).to_pylist()], texts.type)
            texts = pc.replace_with_mask(texts, pa.array(is_mixed), read)
        is_empty = starts == ends
        return pc.if_else(pa.array(is_empty), pa.scalar(None, texts.type), texts) if is_empty.any() else texts

    def filled(self, rows: NDArray[np.integer], columns: NDArray[np.integer], texts: pa.LargeStringArray) -> bytes:
        """Write the records with some fields replaced; every other byte is as it came in.

        A text is quoted where it must be (delimiters, quotes, line ends, blanks at its ends) and where the field was.

        Parameters
        ----------
        rows, columns : ndarray of shape (n_filled,), int
            Which fields; none of them twice.
        texts : LargeStringArray of shape (n_filled,)
            What they shall say.

        Returns
        -------
        bytes
            The records, in the file's encoding.

        Raises
        ------
        FileError
            If the file's encoding cannot write a text.
        """
        if len(rows) == 0:
            return self.raw.tobytes() if self.source is None else self.source.raw
        starts = self.starts[columns, rows].astype(np.int64)
        order = np.argsort(starts)
        starts, ends = starts[order], self.ends[columns, rows].astype(np.int64)[order]
        is_quoted = (ends > starts) & (self.raw[np.minimum(starts, len(self.raw) - 1)] == QUOTE)
        fields = self._quoted_texts(texts.take(pa.array(order)), is_quoted)
        borders = np.stack([starts, ends], axis=1).ravel()
        if self.source is None:
            return _with_pieces(self.raw, borders, fields.cast(pa.large_binary()))
        encoded = pa.array([self.source.encode(text) for text in fields.to_pylist()], pa.large_binary())
        raw = np.frombuffer(self.source.raw, dtype=np.uint8)
        return _with_pieces(raw, self.source.positions(borders, self.raw), encoded)

    def _spans(self, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Where values begin and end, which stood in quotes, and which go on behind their closing quote."""
        starts, ends = self.starts[column].astype(np.int64), self.ends[column].astype(np.int64)
        if len(self.raw) == 0:
            return starts, ends, starts > ends, starts > ends
        opens = (ends > starts) & (self.raw[np.minimum(starts, len(self.raw) - 1)] == QUOTE)
        is_quoted = opens & (self.raw[ends - 1] == QUOTE) & (ends - starts >= _A_PAIR)
        if len(self.literal_quotes) and is_quoted.any():
            is_quoted[is_quoted] = ~np.isin(ends[is_quoted] - 1, self.literal_quotes)
        return starts + is_quoted, ends - is_quoted, is_quoted, opens & ~is_quoted

    def _quoted_texts(self, texts: pa.LargeStringArray, is_quoted: NDArray[np.bool_]) -> pa.LargeStringArray:
        """Texts as fields: quoted where they must or shall be."""
        special = rf'[{re.escape(self.delimiter)}"\r\n]|^[ \t]|[ \t]$'
        must_quote = pc.or_(pa.array(is_quoted), pc.match_substring_regex(texts, special))
        if not pc.any(must_quote).as_py():
            return texts
        quote, nothing = pa.scalar('"', texts.type), pa.scalar("", texts.type)
        quoted = pc.binary_join_element_wise(quote, pc.replace_substring(texts, '"', '""'), quote, nothing)
        return pc.if_else(must_quote, quoted, texts)


def _texts_between(raw: Bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.LargeStringArray:
    """The texts from each start to its end; starts and ends never decrease."""
    borders = np.stack([starts, ends], axis=1).ravel()  # text, what follows it, text, ...
    if len(starts) == 0:
        return pa.array([], pa.large_string())
    everything = _array(pa.large_string(), raw, borders)
    return everything.take(pa.array(np.arange(0, len(everything), 2)))


def _with_pieces(raw: Bytes, borders: NDArray[np.int64], new: pa.LargeBinaryArray) -> bytes:
    """The bytes with some pieces replaced: the first from border 0 to 1, the next from border 2 to 3, ..."""
    pieces = _binary(raw, np.concatenate([[0], borders, [len(raw)]]))  # kept, replaced, kept, ...
    turns = np.empty(2 * len(new) + 1, dtype=np.int64)
    turns[::2] = np.arange(0, len(pieces), 2)
    turns[1::2] = len(pieces) + np.arange(len(new))
    return _data(pa.concat_arrays([pieces, new]).take(pa.array(turns)))


def _binary(raw: Bytes, borders: NDArray[np.int64]) -> pa.LargeBinaryArray:
    """The pieces of the bytes between each border and the next, without a copy."""
    return _array(pa.large_binary(), raw, borders)


def _array(kind: pa.DataType, raw: Bytes, borders: NDArray[np.int64]) -> pa.Array:
    """An Arrow array over bytes that are there already."""
    return pa.Array.from_buffers(kind, len(borders) - 1, [None, pa.py_buffer(borders), pa.py_buffer(raw)])


def _data(joined: pa.LargeBinaryArray) -> bytes:
    """All bytes of a binary array, one element behind the other."""
    offsets = np.frombuffer(joined.buffers()[1], dtype=np.int64)[joined.offset : joined.offset + len(joined) + 1]
    return bytes(memoryview(joined.buffers()[2])[offsets[0] : offsets[-1]])


def _read_mixed(text: str) -> str:
    """Read a field that goes on behind its closing quote, as Python's csv module does."""
    match = _QUOTED_FIELD.fullmatch(text)
    assert match is not None
    return match[1].replace('""', '"') + match[2]
