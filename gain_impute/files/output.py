"""Files that appear whole or not at all, and the check of where they shall appear, before any work is done."""

from __future__ import annotations

import errno
import gzip
import io
import os
import secrets
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from gain_impute.errors import FileError

__all__ = ["STANDARD_OUTPUT", "PathLike", "check_output", "check_output_folder", "hidden_beside", "open_output"]

_GZIP_LEVEL = 6
_MOST_BYTES_OF_NAME = 200  # of a file, in that of the hidden one beside it: a system allows 255 or so

PathLike = str | os.PathLike[str]

STANDARD_OUTPUT = "-"
"""The name that stands for standard output."""


def check_output(path: PathLike, *, apart_from: Iterable[PathLike] = ()) -> None:
    """Check that a file can be written, so that a long run does not end in an error that could be seen before it.

    Parameters
    ----------
    path : str or path
        The file to be written; ``-`` is standard output.
    apart_from : iterable of str or path, default=()
        Files of the same run that the output must not replace: its input and its other outputs.

    Raises
    ------
    FileError
        If `path` is a folder or one of the other files, or its folder is missing or cannot be written to.

    Examples
    --------
    >>> check_output("no_such_folder/filled.csv")
    Traceback (most recent call last):
        ...
    gain_impute.errors.FileError: The folder of 'no_such_folder/filled.csv' must exist. Make it, or name another file.
    """
    for other in apart_from:
        if _are_same(path, other):
            msg = f"Each file of a run must have a name of its own. {str(path)!r} is also {str(other)!r}. Name another."
            raise FileError(msg)
    if str(path) == STANDARD_OUTPUT:
        return
    with _saying(path):
        file = Path(path).resolve()  # of a link, the file it leads to
        if file.is_dir():
            raise FileError(f"The output must be a file. {str(path)!r} is a folder. Name a file in it.")
        if not file.parent.is_dir():
            raise FileError(f"The folder of {str(path)!r} must exist. Make it, or name another file.")
        if _is_replaced(file):
            _try_new_file_beside(file)


def check_output_folder(path: PathLike, *, contents: Collection[str]) -> None:
    """Check that a folder can be made, or replaced, before the work that fills it.

    Parameters
    ----------
    path : str or path
        The folder to be written.
    contents : collection of str
        The files of a folder that may be replaced; one that holds anything else is left alone.

    Raises
    ------
    FileError
        If `path` is a file, a folder that holds something else, or the working directory, or cannot be made.

    Examples
    --------
    >>> check_output_folder(__file__, contents=["model.json"])
    Traceback (most recent call last):
        ...
    gain_impute.errors.FileError: A folder must be written to '...', and that is a file. Choose another name.
    """
    with _saying(path):
        folder = Path(path).resolve()
        if folder == Path.cwd():
            raise FileError(
                f"A folder must be written anew, and {str(path)!r} is the one that is worked in. Choose another name."
            )
        if folder.is_dir():
            if not {entry.name for entry in folder.iterdir()} <= set(contents):
                raise FileError(
                    f"The folder {str(path)!r} must be new, empty, or written by an earlier run. It holds other files. "
                    "Choose another name."
                )
        elif folder.exists():
            raise FileError(f"A folder must be written to {str(path)!r}, and that is a file. Choose another name.")
        above = next(above for above in folder.parents if above.exists())
        if not above.is_dir():
            raise FileError(f"{str(path)!r} must lie in a folder. {str(above)!r} is a file. Choose another name.")
        _try_new_file_beside(above / folder.name)


@contextmanager
def open_output(path: PathLike) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when all has been written.

    Until then it is a hidden file in the same folder; whatever ends the block early, an interrupt too, removes it.

    Parameters
    ----------
    path : str or path
        The file, gzipped if its name ends in ``.gz``; one that exists is replaced and keeps its permissions. ``-`` is
        standard output.

    Yields
    ------
    binary file
        What to write to.

    Raises
    ------
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "filled.csv"
    ...     with open_output(file) as stream:
    ...         _ = stream.write(b"a,b")
    ...         file.exists()
    ...     file.read_bytes()
    False
    b'a,b'
    """
    with _saying(path):
        if str(path) == STANDARD_OUTPUT:
            with _standard_output() as stream:
                yield stream
            return
        file = Path(path).resolve()
        if not _is_replaced(file):
            with file.open("wb") as stream:
                yield stream
            return
        handle, unfinished = _new_file_beside(file)
        try:
            with os.fdopen(handle, "wb") as stream:
                if file.suffix.lower() == ".gz":
                    with gzip.GzipFile(
                        "", "wb", _GZIP_LEVEL, stream, mtime=0
                    ) as packed:  # no name, no time: reproducible
                        yield cast("BinaryIO", packed)
                else:
                    yield stream
                stream.flush()
                os.fsync(stream.fileno())
            if file.exists():
                unfinished.chmod(file.stat().st_mode & 0o7777)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    _sync_folder(file.parent)


@contextmanager
def _saying(path: PathLike) -> Iterator[None]:
    """Make a FileError of what the system says of a place that cannot be written to, or that has no such name."""
    if "\0" in str(path):
        raise FileError(f"{str(path)!r} cannot be the name of a file. Choose another one.")
    try:
        yield
    except BrokenPipeError:  # whoever reads it has seen enough
        raise
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    """Standard output as a stream that writes all it is given, also where Python was told not to buffer it."""
    stream = sys.stdout.buffer
    if not isinstance(stream, io.RawIOBase):
        yield stream
        stream.flush()
        return
    buffered = io.BufferedWriter(stream)  # a raw stream may write a part and call it a success
    try:
        yield cast("BinaryIO", buffered)
        buffered.flush()
    finally:
        with suppress(OSError):  # what a failed flush left behind cannot be written now either
            buffered.detach()


def _are_same(path: PathLike, other: PathLike) -> bool:
    """Whether two names, such as hard links, lead to one file; only itself is standard output."""
    if STANDARD_OUTPUT in {str(path), str(other)}:
        return str(path) == str(other)
    with suppress(OSError):  # one of them is not there
        return Path(path).samefile(other)
    return Path(path).resolve() == Path(other).resolve()


def _is_replaced(file: Path) -> bool:
    """Whether a new file takes the place: not that of a device or a pipe, which is written to as it is."""
    return file.is_file() or not file.exists()


def hidden_beside(path: Path) -> Path:
    """Make up a hidden name in the same folder, for what takes the place of `path` when it is whole."""
    begins = os.fsencode(path.name)[:_MOST_BYTES_OF_NAME].decode(errors="ignore")
    return path.with_name(f".{begins}.{secrets.token_hex(4)}.tmp")


def _new_file_beside(file: Path) -> tuple[int, Path]:
    """Make a hidden file in the same folder, with the permissions that a new file has."""
    unfinished = hidden_beside(file)
    return os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), unfinished


def _try_new_file_beside(file: Path) -> None:
    """Raise OSError where no file of that name, or a hidden one beside it, can be made."""
    handle, unfinished = _new_file_beside(file)
    os.close(handle)
    unfinished.unlink()
    file.exists()  # raises where the name is too long


def _unwritable(path: PathLike, error: OSError) -> FileError:
    """The error of a place that cannot be written to."""
    reason = error.strerror or str(error)
    name = "The standard output" if str(path) == STANDARD_OUTPUT else repr(str(path))
    todo = "Name a file in a folder that you may write to."
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        todo = "Make room, or name a file on another disk."
    elif error.errno == errno.ENAMETOOLONG:
        todo = "Choose a shorter name."
    return FileError(f"{name} cannot be written: {reason}. {todo}")


def _sync_folder(folder: Path) -> None:
    """Make a new name last; some file systems cannot, and then the name is as safe as they make it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
