"""Files opened for reading, gzipped or not; what is wrong with them is said in one sentence."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gain_impute.errors import FileError

__all__ = ["opened"]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading.

    Parameters
    ----------
    path : path
        The file; gzipped if its name ends in ``.gz``.

    Yields
    ------
    binary file
        What it holds.

    Raises
    ------
    FileError
        If the file cannot be read; also while it is read, if it is a damaged gzip file.
    """
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            yield stream  # type: ignore[misc]  # a GzipFile reads as a binary file does
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        msg = f"{str(path)!r} must be a whole gzip file. It is cut off or damaged ({error}). Copy or export it again."
        raise FileError(msg) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(f"{str(path)!r} cannot be read: {reason}. Check its name and permissions.") from error
