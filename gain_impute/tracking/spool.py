"""What a run has to tell, on disk before it is sent."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Spool", "left_spools"]

EVENTS, POSITION, FILES, SENDING, OWNED = "events.jsonl", "n_sent", "files", "sending", "owned"
SENT = ".sent"  # the suffix of a folder that is being removed


class Spool:
    """The events of one run, in a folder: appended by the fit, read by whoever sends them.

    ::

        20261124-143200-9f86d081/
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
    def new(cls, parent: Path) -> Spool:
        """Make an empty spool under a name of its own; names sort by time."""
        folder = parent / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        (folder / FILES).mkdir(parents=True)
        spool = cls(folder)
        spool._owned = _lock(folder / OWNED)
        return spool

    def add(self, kind: str, **content: Any) -> None:
        """Append an event; its content must be JSON values."""
        line = json.dumps({"kind": kind, **content}) + "\n"
        with (self.folder / EVENTS).open("a", encoding="utf-8") as events:
            events.write(line)

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
        return [json.loads(line) for line in whole[self.n_sent() :]]

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


def _lock(path: Path) -> int:
    """Lock a file; returns the handle that holds the lock, -1 where another one does."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return -1
    return handle


def left_spools(parent: Path) -> list[Spool]:
    """The spools in a folder, oldest first."""
    folders = (events.parent for events in sorted(parent.glob(f"*/{EVENTS}")))
    return [Spool(folder) for folder in folders if folder.suffix != SENT]
