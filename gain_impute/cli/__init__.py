"""The command line: parse, call, print. Each verb has a module of its own.

Results go to files or standard output; progress, warnings and summaries to standard error.
"""

from __future__ import annotations

from gain_impute.cli.program import app, main, run

__all__ = ["app", "main", "run"]
