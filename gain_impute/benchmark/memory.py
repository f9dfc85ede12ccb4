"""The peak memory of a piece of work in this process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["MemoryWatch"]

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


class MemoryWatch:
    """Measures how much more memory a block held at its peak than before it; Linux only, elsewhere NaN.

    Attributes
    ----------
    peak_mib : float
        MiB, known after the block.
    """

    def __init__(self) -> None:
        self.peak_mib = float("nan")
        self._before_mib = float("nan")

    def __enter__(self) -> Self:
        with suppress(OSError):  # without it the peak is that of the process's whole life, which is no less
            _RESET.write_text("5", encoding="ascii")
        self._before_mib = _read_mib("VmRSS")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.peak_mib = _read_mib("VmHWM") - self._before_mib


def _read_mib(entry: str) -> float:
    """What the kernel says of this process: VmRSS, memory held; VmHWM, the most it held."""
    if not _STATUS.is_file():
        return float("nan")
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(entry + ":"))
