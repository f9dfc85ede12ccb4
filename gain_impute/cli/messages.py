"""What is said on standard error, one line at a time."""

from __future__ import annotations

import logging

import typer

__all__ = ["print_line", "quiet_libraries", "say", "show_warning"]


def print_line(line: str) -> None:
    """Print a line to standard error."""
    typer.echo(line, err=True)


def say(label: str, message: str) -> None:
    """Print a labelled message as one line."""
    print_line(f"{label}: {' '.join(message.splitlines())}")


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
