"""Find out how a file of delimited text is written: its encoding, and what stands between its fields.

A mark at the beginning decides; text that is UTF-8 is UTF-8, for other text is so only by a rare chance; the rest is
weighed by charset-normalizer, which decodes a sample with each candidate and looks at how much of the result is noise.
A delimiter is taken only where it splits every record of the sample into as many fields as the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from charset_normalizer import CharsetMatch, from_bytes

from gain_impute.errors import FileError
from gain_impute.files.encodings import UTF8, byte_order_mark, shown_encoding
from gain_impute.files.scan import scan
from gain_impute.files.streams import opened

__all__ = ["LikelyEncoding", "likely_encoding", "sniff_delimiter", "sniff_encoding"]

CANDIDATES = ("gb18030", "cp1252", "cp1251", "big5", "cp932", "cp949")
"""What catalogues that are not UTF-8 are written in; where several fit as well, the first is taken."""
WESTERN = ("cp1252", "iso8859-1")
"""Tried first where bytes beyond ASCII stand alone among letters, as in "Küche". Windows-1252 reads Latin-1 too;
others, such as Windows-1250, cannot be told from it on so little text."""
DELIMITERS = ",;\t|#"
BLOCK_BYTES = 1 << 20
MOST_BLOCKS = 64
"""Blocks that are searched for a character that is not ASCII."""
SAMPLE_BYTES = 1 << 16
LONELY = 0.5
"""Share of the runs of bytes beyond ASCII that are one byte long, from which a text is taken for a Western one."""
MOSTLY = 0.9
"""Share of the bytes that are not ASCII from which text counts as UTF-8 with a flaw, and not as something else."""
FIRST_BEYOND_ASCII = 0x80

_PYTHON_NAMES = {"latin_1": "iso8859-1"}


@dataclass(frozen=True)
class LikelyEncoding:
    """An encoding that was guessed.

    Attributes
    ----------
    name : str
        The encoding.
    confidence : float in [0, 1]
        1 for a mark and for UTF-8; else 1 - the share of noise that charset-normalizer sees in the decoded text, shared
        among the encodings in which it sees equally little.
    """

    name: str
    confidence: float

    def __str__(self) -> str:
        """Name and confidence."""
        return f"{shown_encoding(self.name)} (confidence {self.confidence:.0%})"


def sniff_encoding(path: Path) -> LikelyEncoding:
    """Guess how a file is encoded.

    Parameters
    ----------
    path : path
        The file. Of a long one in ASCII the first 64 MiB are looked at.

    Returns
    -------
    LikelyEncoding
        The guess.

    Raises
    ------
    FileError
        If the file cannot be read, or no encoding is likely.
    """
    for is_first, block in _blocks(path):
        mark = byte_order_mark(block) if is_first else None
        if mark is not None:
            return LikelyEncoding(mark[0], 1.0)
        if not block.isascii() and b"\0" not in block:
            if _is_mostly_utf8(block):
                return LikelyEncoding(UTF8, 1.0)
            found = likely_encoding(block)
            if found is None:
                raise FileError(
                    f"The encoding of {str(path)!r} must be known. It is not UTF-8, and no other is likely. "
                    "Name it with --encoding, such as --encoding cp1252."
                )
            return found
    return LikelyEncoding(UTF8, 1.0)


def likely_encoding(text: bytes) -> LikelyEncoding | None:
    """Guess in what some text that is not UTF-8 is written.

    Parameters
    ----------
    text : bytes
        Some lines of it.

    Returns
    -------
    LikelyEncoding or None
        The likeliest of the encodings of catalogues.

    Examples
    --------
    >>> str(likely_encoding("Küchenmesser, 15 cm, schärfbar".encode("cp1252")))
    'Windows-1252 (confidence 100%)'
    """
    lines = [line for line in text.split(b"\n") if not line.isascii()]
    if not lines:
        return None
    sample = b"\n".join(lines)[:SAMPLE_BYTES]
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", sample)]
    is_western = runs.count(1) > LONELY * len(runs)
    for candidates in (WESTERN, CANDIDATES) if is_western else (CANDIDATES, WESTERN):
        found = {match.encoding: match for match in from_bytes(sample, cp_isolation=list(candidates))}
        found = {_PYTHON_NAMES.get(name, name): match for name, match in found.items()}
        if found:
            best = min(map(_rank, found.values()))
            equal = [name for name in candidates if name in found and _rank(found[name]) == best]
            return LikelyEncoding(equal[0], (1.0 - best[0]) / len(equal))
    return None


def sniff_delimiter(path: Path, encoding: str, default: str) -> str:
    """Guess what stands between the fields of a file.

    Parameters
    ----------
    path : path
        The file.
    encoding : str
        How it is encoded.
    default : str
        What its name says; taken unless another character, and it alone, splits every record alike.

    Returns
    -------
    str
        One of ``, ; | #`` and the tab.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    with opened(path) as stream:
        content = stream.read(SAMPLE_BYTES)
    mark = byte_order_mark(content)
    text = content[mark[1] if mark else 0 :].decode(mark[0] if mark else encoding, errors="replace")
    buffer = np.frombuffer(text.encode(), dtype=np.uint8)
    fitting = [mark for mark in DELIMITERS if _splits_alike(buffer, mark, is_last=len(content) < SAMPLE_BYTES)]
    return fitting[0] if len(fitting) == 1 and default not in fitting else default


def _rank(match: CharsetMatch) -> tuple[float, float]:
    """How good a match is, the least the best: noise, and how little it looks like a language."""
    return match.chaos, -match.coherence


def _splits_alike(buffer: np.ndarray, delimiter: str, *, is_last: bool) -> bool:
    """Whether every record has as many fields as the first, and that more than one."""
    found = scan(buffer, ord(delimiter), is_last=is_last)
    return len(found.n_fields) > 0 and int(found.n_fields[0]) > 1 and bool((found.n_fields == found.n_fields[0]).all())


def _is_mostly_utf8(block: bytes) -> bool:
    """Whether what is not ASCII in a block reads as UTF-8, but for a flaw here and there."""
    n_beyond = int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) >= FIRST_BEYOND_ASCII))
    n_read = len(block.decode(errors="ignore").encode()) - (len(block) - n_beyond)
    return n_read >= MOSTLY * n_beyond


def _blocks(path: Path) -> Iterator[tuple[bool, bytes]]:
    """The first blocks of a file, and whether each is the first."""
    with opened(path) as stream:
        for number in range(MOST_BLOCKS):
            block = stream.read(BLOCK_BYTES)
            if not block:
                return
            yield number == 0, block[: block.rfind(b"\n") + 1] or block  # no character is cut in two
