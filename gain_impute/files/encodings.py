"""Text in other encodings than UTF-8: read as UTF-8, with the way back to every byte that came in.

The scanner works on UTF-8. A chunk of another encoding is decoded once; the bytes that came in are kept beside it, and
where each character stands in them follows from how many bytes the encoding takes for it. So GB18030 and UTF-16, whose
characters may contain the byte of a delimiter or of a line end, need no scanner of their own.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gain_impute.errors import ConfigError, FileError

__all__ = ["UTF8", "SourceText", "byte_order_mark", "known_encoding", "shown_encoding"]

UTF8 = "utf-8"

_MARKS = {
    "utf-32-le": codecs.BOM_UTF32_LE,  # before UTF-16, whose mark it begins with
    "utf-32-be": codecs.BOM_UTF32_BE,
    UTF8: codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
_SHOWN = {"iso8859-1": "Latin-1", "cp1252": "Windows-1252"}
_WITH_STATE = ("utf-7", "hz", "iso2022", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined")
_N_CODE_POINTS = 0x110000
_CONTINUED = 0x80  # the two upper bits of a byte of UTF-8 that goes on with a character
_UPPER_BITS = 0xC0


def known_encoding(name: str) -> str:
    """Find the one name of an encoding.

    Parameters
    ----------
    name : str
        As people write it: "GB18030", "latin-1", "UTF-16".

    Returns
    -------
    str
        As Python's codecs call it. "utf-8" with and without a mark are the same.

    Raises
    ------
    ConfigError
        If there is no such encoding, or characters of it do not have bytes of their own.

    Examples
    --------
    >>> [known_encoding(name) for name in ("UTF8", "utf-8-sig", "Latin-1", "gb18030")]
    ['utf-8', 'utf-8', 'iso8859-1', 'gb18030']
    """
    try:
        found = codecs.lookup(name)
        "".encode(name)  # of a codec that does not make bytes from text, a LookupError
    except (LookupError, ValueError):
        found = None
    if found is None or found.name.startswith(_WITH_STATE):
        raise ConfigError(
            f"The encoding must be one of a text file, such as utf-8, gb18030, cp1252 or utf-16. Got {name!r} instead."
        )
    return UTF8 if found.name == "utf-8-sig" else found.name


def shown_encoding(encoding: str) -> str:
    """Write an encoding's name as people do.

    Parameters
    ----------
    encoding : str
        Its name among Python's codecs.

    Returns
    -------
    str
        Such as "UTF-8" or "Windows-1252".

    Examples
    --------
    >>> shown_encoding("cp1252"), shown_encoding("gb18030")
    ('Windows-1252', 'GB18030')
    """
    return _SHOWN.get(encoding, encoding.upper())


def byte_order_mark(content: bytes) -> tuple[str, int] | None:
    """Look for a mark that says how a text is encoded.

    Parameters
    ----------
    content : bytes
        The beginning of a file.

    Returns
    -------
    (encoding, n_bytes) or None
        The encoding, and how many bytes the mark has.

    Examples
    --------
    >>> byte_order_mark("a,b".encode("utf-16-le")), byte_order_mark(codecs.BOM_UTF16_LE)
    (None, ('utf-16-le', 2))
    """
    return next(((name, len(mark)) for name, mark in _MARKS.items() if content.startswith(mark)), None)


@dataclass(frozen=True)
class SourceText:
    """A decoded piece of a file, and the bytes that it was decoded from.

    Attributes
    ----------
    raw : bytes
        As they came in; the first `n_mark` are a mark and no text.
    text : str
        What they say.
    encoding : str
        How.
    n_mark : int
        Bytes of the mark.
    """

    raw: bytes
    text: str
    encoding: str
    n_mark: int

    @classmethod
    def decode(cls, raw: bytes, encoding: str, *, n_mark: int, is_last: bool) -> SourceText:
        """Decode as many characters as are whole; raises UnicodeDecodeError, whose `object` begins behind the mark."""
        decoder = codecs.getincrementaldecoder(encoding)()
        text = decoder.decode(raw[n_mark:], is_last)
        n_pending = len(decoder.getstate()[0])
        return cls(raw[: len(raw) - n_pending], text, encoding, n_mark)

    def head(self, n_bytes: int, utf8: bytes) -> SourceText:
        """The part whose text has so many bytes in UTF-8; `utf8` is all of the text."""
        behind = utf8[n_bytes:].decode()
        n_raw = len(self.raw) - int(_widths(behind, self.encoding).sum(dtype=np.int64))
        return SourceText(self.raw[:n_raw], self.text[: len(self.text) - len(behind)], self.encoding, self.n_mark)

    def positions(self, at: NDArray[np.int64], utf8: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Where in `raw` the characters stand that begin at these bytes of the text's UTF-8.

        Raises
        ------
        FileError
            If the encoding has several ways to write one character, and the file uses those of different length.
        """
        widths = _widths(self.text, self.encoding)
        starts = np.concatenate([[0], np.cumsum(widths, dtype=np.int64)]) + self.n_mark
        if starts[-1] != len(self.raw):
            raise _ambiguous(self.encoding)
        is_start = (utf8 & _UPPER_BITS) != _CONTINUED
        character = np.concatenate([[0], np.cumsum(is_start, dtype=np.int64)])
        found: NDArray[np.int64] = starts[character[at]]
        return found

    def encode(self, text: str) -> bytes:
        """Write a text in the file's encoding.

        Raises
        ------
        FileError
            If the encoding has no such character.
        """
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise FileError(
                f"A filled value must be one that the file's encoding can write. {shown_encoding(self.encoding)} has "
                f"no {text[error.start]!r}, and {text!r} is to be filled in. Save the file as UTF-8 first."
            ) from None


def _ambiguous(encoding: str) -> FileError:
    """The error of an encoding that writes a file's text with other bytes than the file has."""
    return FileError(
        f"The bytes of each character must follow from the encoding. {shown_encoding(encoding)} writes this file's "
        "text with another number of bytes. Save it as UTF-8 first."
    )


@cache
def _width_table(encoding: str) -> NDArray[np.uint8]:  # noqa: ARG001 - the key of the cache
    """Bytes of each code point, as far as it was asked for; 0 where it was not."""
    return np.zeros(_N_CODE_POINTS, dtype=np.uint8)


def _widths(text: str, encoding: str) -> NDArray[np.uint8]:
    """How many bytes the encoding takes for each character (n_characters,)."""
    table = _width_table(encoding)
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    widths = table[points]
    if not widths.all():
        new = np.unique(points[widths == 0])
        try:
            table[new] = [len(chr(point).encode(encoding)) for point in new]
        except UnicodeEncodeError:  # the second character of a code that stands for two
            raise _ambiguous(encoding) from None
        widths = table[points]
    return widths
