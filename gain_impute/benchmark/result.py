"""Results of runs as files: written whole, read back, NaN as null."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from gain_impute.errors import FileError
from gain_impute.files import open_output

__all__ = ["FORMAT", "NOT_MADE", "circumstances", "read_result", "read_results", "write_result"]

FORMAT = 1
NOT_MADE = "not run"
"""The status, in a report, of a run that its suite asks for and that has no result."""
FIELDS = frozenset({"status", "suite", "table", "mechanism", "rate", "method", "seed"})
SCORES = frozenset({"in_sample", "out_of_sample"})
PACKAGES = ("gain-impute", "torch", "numpy", "pandas", "scipy", "scikit-learn", "lightgbm")


@cache
def circumstances() -> dict[str, Any]:
    """Say on what a run is made.

    Returns
    -------
    dict
        `versions` of Python and packages, `machine`, `commit` ("" outside a checkout), `date`.
    """
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "versions": versions,
        "machine": {
            "processor": models[0] if models else platform.machine(),
            "n_cores": os.cpu_count(),
            "system": platform.system(),
        },
        "commit": _commit(),
        "date": datetime.now(tz=UTC).date().isoformat(),
    }


def _commit() -> str:
    """The commit that the package's checkout is at, with a + where it was changed since; "" outside a checkout.

    A checkout in which the package is merely installed, such as one around a virtual environment, is none of it.
    """
    here = Path(__file__)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here.parent), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - no argument is a user's

    try:
        git("ls-files", "--error-unmatch", here.name)
        return git("describe", "--always", "--dirty=+", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return ""


def write_result(result: Mapping[str, Any], path: Path) -> None:
    """Write a result, whole or not at all; its folder is made.

    Parameters
    ----------
    result : mapping
        Plain types and numpy scalars; NaN becomes null.
    path : Path
        The file.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"A result must be written to {str(path)!r}. {error}. Choose another folder.") from error
    with open_output(path) as stream:
        stream.write((json.dumps(_plain(result), ensure_ascii=False) + "\n").encode())


def read_result(path: Path) -> dict[str, Any]:
    """Read a result.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        As it was written; null is None.

    Raises
    ------
    FileError
        If it is no result, or of a newer format.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"The result {str(path)!r} must be a JSON file. {error}. Delete it, and run again.") from error
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise FileError(f"The result {str(path)!r} must be of format {FORMAT}. Delete it, and run again.")
    wanted = FIELDS | SCORES if result.get("status") == "done" else FIELDS
    lacking = sorted(wanted - set(result))
    scored = [scores["columns"] for scores in (result.get("in_sample"), result.get("out_of_sample")) if scores]
    if lacking or not all("groups" in column for columns in scored for column in columns):
        what = ", ".join(lacking) or "groups"
        raise FileError(f"The result {str(path)!r} must be whole. It lacks {what}. Delete it, and run again.")
    return result


def read_results(folder: Path, suites: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Read all results below a folder.

    Parameters
    ----------
    folder : Path
        The folder of results.
    suites : iterable of str or None, default=None
        Only those of these suites. None: all.

    Returns
    -------
    list of dict
        In the order of their paths.

    Raises
    ------
    FileError
        If one cannot be read.
    """
    places = [folder] if suites is None else [folder / suite for suite in suites]
    return [read_result(path) for place in places for path in sorted(place.rglob("*.json"))]


def _plain(value: Any) -> Any:
    """A value as JSON knows it; floats with six digits, which is more than any score means."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(part) for part in value]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
