"""What is said on standard error, one line at a time."""

from __future__ import annotations

import typer

__all__ = ["print_line", "say", "show_warning"]


def print_line(line: str) -> None:
    """Print a line to standard error."""
    typer.echo(line, err=True)


def say(label: str, message: str) -> None:
    """Print a labelled message as one line."""
    print_line(f"{label}: {' '.join(message.splitlines())}")


def show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Show a warning as one line, without the line of code that raised it."""
    say("warning", str(message))
