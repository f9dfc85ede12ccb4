"""Tables that come through a pipe: kept in a file meanwhile, for a table is read more than once."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gain_impute.errors import FileError
from gain_impute.files.formats import format_of
from gain_impute.files.output import PathLike

__all__ = ["STANDARD_INPUT", "as_file"]

STANDARD_INPUT = "-"
"""The name that stands for standard input."""
_ENDINGS = {b"PAR1": ".parquet", b"\x1f\x8b": ".csv.gz"}
"""Of what is not plain text, by its first bytes."""
_N_BYTES = max(map(len, _ENDINGS))


@contextmanager
def as_file(path: PathLike) -> Iterator[Path]:
    """Give a file that holds a table, wherever that comes from.

    Parameters
    ----------
    path : str or path
        A file, which is given as it is; a named pipe, or ``-`` for standard input.

    Yields
    ------
    path
        The file. What comes through a pipe is in a folder for temporary files, which is removed in the end.

    Raises
    ------
    FileError
        If standard input is a terminal, or what comes through a pipe cannot be read or kept.
    """
    source = Path(path)
    is_standard = str(path) == STANDARD_INPUT
    if not (is_standard or source.is_fifo() or source.is_char_device()):
        yield source
        return
    if is_standard and sys.stdin.isatty():
        raise FileError("Standard input must be a table. Got a terminal. Pipe a file into it, or name the file.")
    with ExitStack() as kept:
        folder = tempfile.gettempdir()
        try:
            stream = sys.stdin.buffer if is_standard else kept.enter_context(source.open("rb"))
            first = stream.read(_N_BYTES)
            file = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="gain-impute-")), _name(source, first))
            with file.open("wb") as copy:
                copy.write(first)
                shutil.copyfileobj(stream, copy)
        except OSError as error:
            reason = error.strerror or str(error)
            msg = f"What comes from {str(path)!r} must be kept in {folder!r} while it is read, which failed: {reason}."
            raise FileError(f"{msg} Make room, name another folder with TMPDIR, or save the table first.") from error
        yield file


def _name(source: Path, first: bytes) -> str:
    """What the file is called: as the pipe, if that says what it holds, else by the first bytes."""
    try:
        format_of(source)
    except FileError:
        return "stdin" + next((ending for start, ending in _ENDINGS.items() if first.startswith(start)), ".csv")
    return source.name
