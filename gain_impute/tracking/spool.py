"""What a run has to tell, on disk before it is sent."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["UNREADABLE", "Spool", "left_spools", "new_token"]

EVENTS, POSITION, FILES, SENDING, OWNED = "events.jsonl", "n_sent", "files", "sending", "owned"
UNREADABLE = "unreadable"
"""The kind of an event that was not written as it should have been: on a disk that was full, by a process that died."""
SENT = ".sent"  # the suffix of a folder that is being removed


class Spool:
    """The events of one run, in a folder: appended by the fit, read by whoever sends them.

    ::

        20261124-143200-123456-9f86d081/
          events.jsonl   one event a line, in order
          n_sent         how many of them the server has
          files/         files to be sent, under their names
          owned          locked by the process that writes, for as long as it does
          sending        locked by the process that sends

    Parameters
    ----------
    folder : Path
        Where it is; its name is the run's token.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = folder.name
        self.run_id = ""
        self._owned = -1

    @classmethod
    def new(cls, parent: Path, token: str) -> Spool:
        """Make an empty spool.

        Raises
        ------
        FileExistsError
            If there is one of this token.
        OSError
            If it cannot be made.
        """
        spool = cls(parent / token)
        (spool.folder / FILES).mkdir(parents=True)
        spool._owned = _lock(spool.folder / OWNED)
        return spool

    def add(self, kind: str, **content: Any) -> None:
        """Append an event, on a line of its own whatever stands before; its content must be JSON values."""
        line = json.dumps({"kind": kind, **content}) + "\n"
        with (self.folder / EVENTS).open("a+b") as events:
            if events.seek(0, os.SEEK_END):
                events.seek(-1, os.SEEK_END)
                line = line if events.read() == b"\n" else f"\n{line}"
            events.write(line.encode())

    def file(self, name: str) -> Path:
        """Where to write a file that an event then names."""
        path = self.folder / FILES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def unsent(self) -> list[dict[str, Any]]:
        """The events that the server does not have yet; a line that is still being written does not count."""
        try:
            text = (self.folder / EVENTS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [_event(line) for line in whole[self.n_sent() :]]

    def n_sent(self) -> int:
        """How many events the server has."""
        try:
            return int((self.folder / POSITION).read_text())
        except FileNotFoundError:
            return 0

    def mark_sent(self, n_events: int) -> None:
        """Take note that the server has so many events more."""
        n_sent = self.n_sent() + n_events
        aside = self.folder / f"{POSITION}.new"
        aside.write_text(str(n_sent))
        aside.replace(self.folder / POSITION)

    def mark_unsent(self) -> None:
        """Take note that the server has none of the events: it is another one, or has lost them."""
        self.run_id = ""
        self.mark_sent(-self.n_sent())

    def release(self) -> None:
        """Write no more."""
        if self._owned >= 0:
            os.close(self._owned)
            self._owned = -1

    def is_abandoned(self) -> bool:
        """Whether nobody writes any more: the run has ended, or its process was killed."""
        try:
            handle = _lock(self.folder / OWNED)
        except FileNotFoundError:
            return False
        if handle >= 0:
            os.close(handle)
        return handle >= 0

    def remove(self) -> None:
        """Delete the folder: everything has been sent."""
        # under another name first: who asks for a lock makes its file anew where it is gone
        shutil.rmtree(self.folder.rename(self.folder.with_suffix(SENT)))

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold the right to send; gives False where another process has it, or the spool is gone."""
        try:
            handle = _lock(self.folder / SENDING)
        except FileNotFoundError:
            handle = -1
        try:
            yield handle >= 0
        finally:
            if handle >= 0:
                os.close(handle)


def _event(line: str) -> dict[str, Any]:
    """What a line says."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"kind": UNREADABLE}
    return event


def _lock(path: Path) -> int:
    """Lock a file; returns the handle that holds the lock, -1 where another one does."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return -1
    return handle


def new_token() -> str:
    """Make a name for a run; names sort by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}"


def left_spools(parent: Path) -> list[Spool]:
    """The spools in a folder, oldest first."""
    folders = (events.parent for events in sorted(parent.glob(f"*/{EVENTS}")))
    return [Spool(folder) for folder in folders if folder.suffix != SENT]
