"""From what a user asks for to a suite that can be run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gain_impute.benchmark.suite import Suite
from gain_impute.benchmark.tables import BenchmarkTable, known_tables
from gain_impute.errors import ConfigError, FileError
from gain_impute.files import open_output, open_table, read_table
from gain_impute.fingerprint import fingerprint, schema_fingerprint
from gain_impute.intake import resolve_schema
from gain_impute.masking import Mechanism
from gain_impute.methods import known_methods

__all__ = ["OwnTable", "check_suite", "claim_results", "suite_of_table"]

USUAL_METHODS = ("gain", "mean", "median", "knn")  # that a table of one's own is filled with
MOST_ROWS, TEST_SHARE, MAX_TIME_S = 5_000, 0.2, 600.0
FINGERPRINT = "table.fingerprint"
"""The file that says of which table the results beside it are."""


@dataclass(frozen=True, kw_only=True)
class OwnTable:
    """A user's table in a file.

    Attributes
    ----------
    source : path
        The file.
    schema : path or None, default=None
        Its schema; inferred where there is none.
    missing_values : tuple of str, default=()
        Texts that mean "empty".
    delimiter, encoding : str or None, default=None
        As in `open_table`.
    """

    source: str | os.PathLike[str]
    schema: str | os.PathLike[str] | None = None
    missing_values: tuple[str, ...] = ()
    delimiter: str | None = None
    encoding: str | None = None

    @property
    def name(self) -> str:
        """What it is called in results.

        Returns
        -------
        str
            The file's name without ending: letters, digits and underscores.
        """
        stem = Path(self.source).name.partition(".")[0]
        return "".join(letter if letter.isalnum() else "_" for letter in stem.lower()) or "table"

    def read(self) -> BenchmarkTable:
        """Read it, with what its columns are.

        Returns
        -------
        BenchmarkTable
            The table.

        Raises
        ------
        FileError, SchemaError
            If it or its schema cannot be read.
        """
        frame, _ = read_table(open_table(self.source, delimiter=self.delimiter, encoding=self.encoding))
        return BenchmarkTable(frame=frame, schema=resolve_schema(self.schema, self.missing_values, frame, frame))


def suite_of_table(
    table: OwnTable, *, mechanism: str, rate: float, n_seeds: int, methods: Sequence[str] | None = None
) -> Suite:
    """Make a suite of one table, a fifth of its rows put aside.

    Parameters
    ----------
    table : OwnTable
        The table.
    mechanism : str
        Why cells are hidden.
    rate : float
        Share of the known cells of each column to hide.
    n_seeds : int
        Runs of each method.
    methods : sequence of str or None, default=None
        Those to compare; `USUAL_METHODS` by default.

    Returns
    -------
    Suite
        Named "data".

    Raises
    ------
    ConfigError
        If mechanism, rate or number is none that a suite may have.
    """
    if mechanism not in set(Mechanism):
        raise ConfigError(f"The mechanism must be one of {', '.join(Mechanism)}. Got {mechanism!r} instead.")
    if not 0 < rate < 1 or n_seeds < 1:
        raise ConfigError(
            f"The share to hide must be between 0 and 1, and the number of seeds 1 or more. Got {rate} and {n_seeds}."
        )
    return Suite(
        name="data",
        title=f"The table {Path(table.source).name}",
        tables=[table.name],
        mechanisms=[Mechanism(mechanism)],
        rates=[rate],
        methods=dict.fromkeys(methods or USUAL_METHODS, n_seeds),
        max_rows=MOST_ROWS,
        test_share=TEST_SHARE,
        max_time_s=MAX_TIME_S,
    )


def claim_results(name: str, table: BenchmarkTable, folder: Path) -> None:
    """Make sure that results in a folder are of this table, and note that those to come are.

    Parameters
    ----------
    name : str
        What it is called in results.
    table : BenchmarkTable
        The user's table.
    folder : Path
        The folder of results.

    Raises
    ------
    ConfigError
        If there are results of another table of that name, or of this one by another schema.
    FileError
        If nothing can be written there.
    """
    now = f"{fingerprint(table.frame)}-{schema_fingerprint(table.schema)}"
    note = folder / "data" / name / FINGERPRINT
    try:
        before = note.read_text() if note.is_file() else ""
        is_new = not before and not any(note.parent.glob("*/*.json"))
        note.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"Results must be written to {str(folder)!r}. {error}. Choose another folder.") from error
    if is_new:
        with open_output(note) as stream:
            stream.write(now.encode())
    elif before != now:
        raise ConfigError(
            f"The results in {str(note.parent)!r} must be of this table and schema. They are of others of that name. "
            "Choose another folder, or delete that one."
        )


def check_suite(suite: Suite, tables: Sequence[str] = (), *, methods: Sequence[str] | None = None) -> None:
    """Check that all tables and methods of a suite are known, before anything is run.

    Parameters
    ----------
    suite : Suite
        The suite.
    tables : sequence of str, default=()
        Tables that are known besides the registered ones.
    methods : sequence of str or None, default=None
        Methods that shall be run, and so must be some of the suite's. None: all of them.

    Raises
    ------
    ConfigError
        If some are not.
    """
    for what, named, known in (
        ("methods", suite.methods, known_methods()),
        ("methods", methods or (), tuple(suite.methods)),
        ("tables", suite.tables, (*known_tables(), *tables)),
    ):
        unknown = [name for name in named if name not in known]
        if unknown:
            raise ConfigError(
                f"The {what} of a suite must be some of {', '.join(known)}. Got {', '.join(unknown[:5])} instead."
            )
