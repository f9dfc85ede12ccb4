"""What is said on standard error, one line at a time."""

from __future__ import annotations

import logging
import re
import sys

from rich.cells import cell_len
from tqdm import tqdm

__all__ = ["as_options", "display_width", "print_line", "quiet_libraries", "say", "show_warning"]


_PARAMETER = re.compile(r"(?:[Tt]he )?'(\w+)' (?:parameter of GAINImputer|of hide_cells)")
_OPTIONS = {
    "max_time_s": "--max-time",
    "missing_values": "--missing",
    "n_threads": "--threads",
    "random_state": "--seed",
    "rate": "--hide",
}
"""Options whose names do not follow from the parameter's."""


def print_line(line: str) -> None:
    """Print a line to standard error, above a bar that may stand there."""
    tqdm.write(line, file=sys.stderr)


def as_options(message: str) -> str:
    """Call the parameters in a message as the command line calls them."""

    def option(found: re.Match[str]) -> str:
        return _OPTIONS.get(found[1], f"--{found[1].replace('_', '-')}")

    told = _PARAMETER.sub(option, message)
    if told != message:  # what only Python can give
        told = told.replace(", a Generator, a RandomState", "").replace(" or None.", ".")
    return told.replace("with missing_values", "with --missing")


def display_width(text: str) -> int:
    """How many cells of a terminal a text takes: two for each Chinese sign, none for an accent of its own.

    Examples
    --------
    >>> display_width("pot"), display_width("茶壶")
    (3, 4)
    """
    return cell_len(text)


def say(label: str, message: str) -> None:
    """Print a labelled message as one line."""
    print_line(f"{label}: {' '.join(as_options(message).splitlines())}")


def show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Show a warning as one line, without the line of code that raised it."""
    say("warning", str(message))


def quiet_libraries() -> None:
    """Keep MLflow and Optuna from telling of every step; warnings stay, but for tracebacks of trials that failed."""
    import mlflow  # noqa: F401, PLC0415 - it sets the levels of its loggers when it is imported
    import optuna  # noqa: PLC0415 - likewise, and only where it is used

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
