"""CSV and TSV files, also gzipped: read chunk by chunk, and written with nothing but the filled fields changed.

A record keeps its bytes. Only an empty field, written as nothing or as ``""``, is missing; ``NA``, ``None`` and
``null`` are texts. Blank lines are kept where they are and are no records.

Text in another encoding than UTF-8 is scanned as UTF-8; `Chunk.source` keeps the bytes that came in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gain_impute.errors import ConfigError, FileError
from gain_impute.files.chunk import Chunk
from gain_impute.files.encodings import UTF8, SourceText, byte_order_mark, known_encoding, shown_encoding
from gain_impute.files.output import PathLike
from gain_impute.files.scan import Bytes, Positions, Scan, count_lines, scan
from gain_impute.files.sniff import DELIMITERS, likely_encoding
from gain_impute.files.streams import opened

__all__ = ["CHUNK_BYTES", "DelimitedReader", "check_delimiter"]

CHUNK_BYTES = 1 << 21
"""Bytes read at a time: enough to make the loop over chunks cheap, few enough to stay near the processor."""

LONGEST_MARK = 4
"""Bytes of a mark at the beginning, at most."""

MOST_SHOWN = 40
"""Characters of a column's name in a message."""

_OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP file, as spreadsheets are. Export it as CSV.",
    b"PAR1": "a Parquet file. Name it .parquet.",
    b"\x1f\x8b": "gzipped. Add .gz to its name.",
}
"""What files begin with that are no CSV."""


def check_delimiter(delimiter: str) -> None:
    """Check that a character can stand between fields.

    Parameters
    ----------
    delimiter : str
        The character.

    Raises
    ------
    ConfigError
        If it is not one ASCII character, or a quote, a line end or NUL.

    Examples
    --------
    >>> check_delimiter(";")
    >>> check_delimiter("::")
    Traceback (most recent call last):
        ...
    gain_impute.errors.ConfigError: The delimiter must be one ASCII character, no quote or line end. Got '::' instead.
    """
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        msg = f"The delimiter must be one ASCII character, no quote or line end. Got {delimiter!r} instead."
        raise ConfigError(msg)


class DelimitedReader:
    r"""Read a file of delimited text, chunk by chunk.

    Parameters
    ----------
    path : str or path
        The file; gzipped if its name ends in ``.gz``.
    delimiter : str, default=","
        The character between two fields.
    encoding : str, default="utf-8"
        How the text is encoded, with or without a mark at the beginning.
    has_header : bool, default=True
        Whether the first record holds the names of the columns. If not, they are called x0, x1, ...
    chunk_bytes : int, default=CHUNK_BYTES
        Bytes to read at a time; a chunk holds more where a single record does.

    Attributes
    ----------
    names : list of str
        The names in the header, known after the first chunk. A column without a name is called "Unnamed: 0" by its
        number, as pandas calls it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "dump.csv"
    ...     _ = file.write_bytes(b"name,brand\ncup,Acme\nbowl,\n")
    ...     reader = DelimitedReader(file)
    ...     [chunk] = reader
    ...     reader.names, chunk.values(1).to_pylist()
    ...     chunk.filled(np.array([1]), np.array([1]), pa.array(["Acme"], pa.large_string()))
    (['name', 'brand'], ['Acme', None])
    b'name,brand\ncup,Acme\nbowl,Acme\n'
    """

    def __init__(
        self,
        path: PathLike,
        delimiter: str = ",",
        *,
        encoding: str = UTF8,
        has_header: bool = True,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        check_delimiter(delimiter)
        self.path = Path(path)
        self.delimiter = delimiter
        self.encoding = known_encoding(encoding)
        self.has_header = has_header
        self.chunk_bytes = chunk_bytes
        self.names: list[str] = []
        self._n_lines = 0  # lines before the bytes being looked at

    def __iter__(self) -> Iterator[Chunk]:
        """Read the chunks; together their bytes are those of the file.

        Yields
        ------
        Chunk
            Records of as many columns as the header has, which is part of the first chunk's bytes.

        Raises
        ------
        FileError
            If the file cannot be read, or is not a table in this encoding.
        """
        self.names, self._n_lines = [], 0
        with opened(self.path) as stream:
            rest = b""
            is_last = False
            while not is_last:
                piece = stream.read(max(self.chunk_bytes, len(rest)))  # a long record is not scanned ever again
                is_last = not piece
                chunk, rest = self._next_chunk(rest + piece, is_last=is_last)
                if chunk is not None:
                    yield chunk

    def _next_chunk(self, raw: bytes, *, is_last: bool) -> tuple[Chunk | None, bytes]:
        """The complete records of some bytes, if any, and what is left for the next."""
        is_first = not self.names
        if is_first and len(raw) < LONGEST_MARK and not is_last:
            return None, raw
        n_mark = self._read_mark(raw) if is_first else 0
        text, source = raw, None
        if self.encoding != UTF8:
            source = self._decode(raw, n_mark, is_last=is_last)
            text, n_mark = source.text.encode(), 0
        buffer = np.frombuffer(text, dtype=np.uint8)
        found = scan(buffer[n_mark:], ord(self.delimiter), is_last=is_last)
        if is_last:
            self._check_end(text, found, n_mark)
        if len(found.n_fields) == 0 and not (is_last and text):  # blank lines wait for the record behind them
            return None, raw
        n_bytes = n_mark + found.n_bytes
        utf8 = buffer[:n_bytes]
        self._check_text(utf8)
        starts, ends, literal = found.starts + n_mark, found.ends + n_mark, found.literal_quotes + n_mark
        n_header = 0
        if is_first:
            n_first = int(found.n_fields[0])
            header = Chunk(utf8, starts[:n_first, None], ends[:n_first, None], literal, self.delimiter)
            self.names = self._read_names(header)
            n_header = n_first if self.has_header else 0
        self._check_widths(utf8, found.n_fields, starts)
        self._n_lines += count_lines(utf8)
        by_column = [_by_column(at[n_header:], len(self.names), n_bytes) for at in (starts, ends)]
        source = None if source is None else source.head(n_bytes, text)
        n_raw = n_bytes if source is None else len(source.raw)
        return Chunk(utf8, by_column[0], by_column[1], literal, self.delimiter, source), raw[n_raw:]

    def _read_mark(self, raw: bytes) -> int:
        """How many bytes a mark at the beginning has; it settles the byte order of UTF-16."""
        mark = byte_order_mark(raw)
        if mark is None:
            self._check_format(raw)
            if self.encoding in {"utf-16", "utf-32"}:  # without a mark: as Windows writes it
                self.encoding += "-le"
            return 0
        if not mark[0].startswith(self.encoding):  # "utf-16" is either of "utf-16-le" and "utf-16-be"
            name, found = str(self.path), shown_encoding(mark[0])
            raise FileError(
                f"{name!r} must be {shown_encoding(self.encoding)}. Its first bytes are the mark of {found}. "
                f"Name it with --encoding {mark[0].removesuffix('-le').removesuffix('-be')}."
            )
        self.encoding = mark[0]
        return mark[1]

    def _decode(self, raw: bytes, n_mark: int, *, is_last: bool) -> SourceText:
        """Decode some bytes; those that the encoding does not know are an error."""
        try:
            return SourceText.decode(raw, self.encoding, n_mark=n_mark, is_last=is_last)
        except UnicodeDecodeError as error:
            text = error.object
            raise self._undecodable(text, error.start, text[: error.start].decode(self.encoding)) from None

    def _undecodable(self, text: bytes, at: int, before: str) -> FileError:
        """The error of a byte that the encoding does not know; `before` is what the text says before it."""
        line = self._n_lines + count_lines(np.frombuffer(before.encode(), dtype=np.uint8)) + 1
        column = len(before) - max(before.rfind("\n"), before.rfind("\r"))
        likely = likely_encoding(text) if text[:at].isascii() else None
        hint = (
            f"The file is likely {likely}: name it with --encoding {likely.name}."
            if likely is not None and likely.name != self.encoding
            else "Mend that byte, or name the file's encoding with --encoding."
        )
        return FileError(
            f"{str(self.path)!r} must be {shown_encoding(self.encoding)}. Line {line}, character {column} is the byte "
            f"0x{text[at]:02x}, which is not. {hint}"
        )

    def _read_names(self, header: Chunk) -> list[str]:
        """The names of the columns; they must differ."""
        if not self.has_header:
            return [f"x{number}" for number in range(len(header.starts))]
        texts = [header.values(column)[0].as_py() for column in range(len(header.starts))]
        names = [f"Unnamed: {number}" if text is None else str(text) for number, text in enumerate(texts)]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise FileError(
                f"The columns of {str(self.path)!r} must have names that differ. "
                f"{_shown(twice[0])} stands there twice. Rename one of the two."
            )
        other = next((mark for mark in DELIMITERS if len(names) == 1 and mark in names[0]), None)
        if other is not None:
            raise FileError(
                f"{str(self.path)!r} must have {self.delimiter!r} between its columns. "
                f"Got the header {_shown(names[0])}. Name the delimiter with --delimiter {other!r}."
            )
        return names

    def _line(self, raw: Bytes, position: int) -> int:
        """The number, from 1, of the line in which a byte stands."""
        return self._n_lines + count_lines(raw[:position]) + 1

    def _check_format(self, text: bytes) -> None:
        """Refuse files of other formats."""
        for mark, what in _OTHER_FORMATS.items():
            if text.startswith(mark):
                raise FileError(f"{str(self.path)!r} must be a text file with one record a line. It is {what}")

    def _check_end(self, text: bytes, found: Scan, n_mark: int) -> None:
        """Refuse a file without a header, and one whose last quote is never closed."""
        if found.open_quote is not None:
            line = self._line(np.frombuffer(text, dtype=np.uint8), found.open_quote + n_mark)
            msg = f"{str(self.path)!r} line {line} opens a quote that is never closed."
            raise FileError(f"{msg} Close it, or write a quote that is part of a text as two, in a quoted field.")
        if not self.names and len(found.n_fields) == 0:
            msg = f"{str(self.path)!r} must begin with a line of column names. It is empty. Check how it was exported."
            raise FileError(msg)

    def _check_text(self, raw: Bytes) -> None:
        """Refuse what is not UTF-8, and NUL bytes."""
        is_nul = raw == 0
        if is_nul.any():
            at = int(np.argmax(is_nul))
            msg = f"{str(self.path)!r} line {self._line(raw, at)} holds a NUL byte, which no text has."
            raise FileError(f"{msg} Remove that byte; if the file is UTF-16, name it with --encoding utf-16-le.")
        if len(raw) == 0 or raw.max() < 0x80:  # noqa: PLR2004 - the first byte that is not ASCII
            return
        try:
            str(raw.data, "utf-8")
        except UnicodeDecodeError as error:
            text = raw.tobytes()
            raise self._undecodable(text, error.start, text[: error.start].decode()) from None

    def _check_widths(self, raw: Bytes, n_fields: Positions, starts: Positions) -> None:
        """Refuse a record that has more or fewer fields than the header."""
        is_ragged = n_fields != len(self.names)
        if not is_ragged.any():
            return
        record = int(np.argmax(is_ragged))
        line = self._line(raw, int(starts[n_fields[:record].sum()]))
        n_found, n_header = int(n_fields[record]), len(self.names)
        raise FileError(
            f"{str(self.path)!r} line {line} has {n_found} field{'s'[: n_found != 1]} where the header has {n_header}. "
            "Quote the field, or name the delimiter with --delimiter."
        )


def _by_column(at: Positions, n_columns: int, n_bytes: int) -> NDArray[np.integer]:
    """Positions of shape (n_columns, n_rows), of a type no larger than the number of bytes asks for."""
    small = np.int32 if n_bytes <= np.iinfo(np.int32).max else np.int64
    return np.ascontiguousarray(at.reshape(-1, n_columns).T, dtype=small)


def _shown(name: str) -> str:
    """A name, quoted, not too long for a message."""
    return repr(name if len(name) <= MOST_SHOWN else name[: MOST_SHOWN - 1] + "…")
