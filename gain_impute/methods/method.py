"""What a method is to whoever compares it with others, and the register of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from gain_impute.errors import ConfigError, nearest_spelling
from gain_impute.schema import Schema

__all__ = [
    "Draws",
    "GivesProbabilities",
    "Method",
    "MethodEntry",
    "Setting",
    "find_method",
    "known_methods",
    "make_method",
    "note_of",
    "register_method",
]


class Method(Protocol):
    """Fills every hole of the columns that its schema calls fillable, and changes nothing else.

    Notes
    -----
    `fit_transform` is called once; `transform` fills other rows with what was learned then. A method may have a `note`,
    a text for the readers of its figures.
    """

    def fit_transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Learn a table, and fill its holes.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            Typed or all text; empty texts are holes.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The same, without holes in fillable columns that have a known cell.
        """

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Fill the holes of other rows.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            With the columns of the table learned.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The same, filled.
        """


@runtime_checkable
class Draws(Protocol):
    """A method that also fills holes several times, each time differently (multiple imputation)."""

    def sample(self, table: pd.DataFrame, n_draws: int = 5) -> list[pd.DataFrame]:
        """Fill a table `n_draws` times.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            With the columns of the table learned.
        n_draws : int, default=5
            How many tables.

        Returns
        -------
        list of n_draws DataFrame
            The filled tables.
        """


@runtime_checkable
class GivesProbabilities(Protocol):
    """A method that also says how probable each category is."""

    def category_probabilities(self, table: pd.DataFrame, column: str) -> pd.DataFrame:
        """Say how probable each category of a column is, with the column hidden in every row.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            With the columns of the table learned.
        column : str
            A categorical column.

        Returns
        -------
        DataFrame of shape (n_rows, n_categories)
            Probabilities; each row sums to 1.
        """


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every method of a comparison is told.

    Attributes
    ----------
    schema : Schema
        What the columns are.
    seed : int, default=0
        What all randomness follows from.
    n_threads : int, default=1
        Threads that may be used.
    max_time_s : float or None, default=None
        Seconds after which the run will be cut off; a method that can stop earlier may heed it.
    """

    schema: Schema
    seed: int = 0
    n_threads: int = 1
    max_time_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class MethodEntry:
    """A method under its name.

    Attributes
    ----------
    name : str
        What it is called in files and on the command line.
    title : str
        What it is called in reports.
    make : callable
        Makes it, unfitted, from a `Setting`; raises `MethodUnavailableError` where it cannot run.
    settings : mapping of str to value, default={}
        What a reader must know to run it again: numbers of trees, rounds, steps.
    reference : str, default=""
        Where it is published.
    """

    name: str
    title: str
    make: Callable[[Setting], Method]
    settings: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""


_ENTRIES: dict[str, MethodEntry] = {}


def register_method(entry: MethodEntry) -> None:
    """Make a method known under its name; one of the same name is replaced.

    Parameters
    ----------
    entry : MethodEntry
        The method.
    """
    _ENTRIES[entry.name] = entry


def known_methods() -> tuple[str, ...]:
    """Name all methods that are registered.

    Returns
    -------
    tuple of str
        In the order in which they were registered.
    """
    return tuple(_ENTRIES)


def find_method(name: str) -> MethodEntry:
    """Find a method by its name.

    Parameters
    ----------
    name : str
        One of `known_methods`.

    Returns
    -------
    MethodEntry
        The method.

    Raises
    ------
    ConfigError
        If there is no method of that name.
    """
    if name not in _ENTRIES:
        hint = nearest_spelling(name, _ENTRIES)
        raise ConfigError(f"A method must be one of {', '.join(_ENTRIES)}. Got {name!r} instead.{hint}")
    return _ENTRIES[name]


def make_method(name: str, setting: Setting) -> Method:
    """Make a method by its name.

    Parameters
    ----------
    name : str
        One of `known_methods`.
    setting : Setting
        What it is told.

    Returns
    -------
    Method
        Unfitted.

    Raises
    ------
    ConfigError
        If there is no method of that name.
    MethodUnavailableError
        If it cannot run here.

    Examples
    --------
    >>> table = pd.DataFrame({"brand": ["Acme", "Acme", "Zeta", ""], "price": ["1.25", "", "4.75", ""]})
    >>> from gain_impute.schema import infer_schema
    >>> make_method("mean", Setting(schema=infer_schema(table))).fit_transform(table)["price"].tolist()
    ['1.25', '3.00', '4.75', '3.00']
    """
    return find_method(name).make(setting)


def note_of(method: Method) -> str:
    """What a reader of a method's figures must know.

    Parameters
    ----------
    method : Method
        After it has filled a table.

    Returns
    -------
    str
        A note; "" where there is nothing to know.
    """
    return str(getattr(method, "note", ""))
