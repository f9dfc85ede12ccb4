"""Every exception and warning of the package, in one place.

::

    Exception
    └── GainImputeError
        ├── ConfigError (ValueError)      a parameter is outside what it may be
        ├── SchemaError (ValueError)      a schema contradicts itself, its file, or the table
        ├── TableError (ValueError)       a table cannot be used as it is
        │   └── ColumnMismatchError       its columns are not those seen in fit
        ├── FileError (ValueError)        a file cannot be read, or written where it was asked for
        ├── ModelFormatError (ValueError) a model folder is truncated, edited or too new
        ├── StudyError (ValueError)       a tuning study cannot be gone on with as it was asked
        ├── DivergedError                 the losses of a training are no numbers any more
        └── MethodUnavailableError        a method of a comparison cannot run on this machine

    UserWarning
    └── GainImputeWarning
        ├── BrokenRuleWarning             some known cells break a rule of the schema
        ├── FarOutWarning                 some numbers lie so far beyond all others that nothing is learned from them
        ├── LikelyMarkerWarning           some categories look as if they meant "empty"
        ├── TrackingWarning               some of what a fit has to tell could not be sent yet
        ├── UnfillableWarning             some empty cells stay empty, and why
        ├── UnmetRuleWarning              a value in a condition of the schema stands in no row
        └── UnreadableWarning             some known cells could not be read as their column's kind

Each message says what must hold, what was found, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "BrokenRuleWarning",
    "ColumnMismatchError",
    "ConfigError",
    "DivergedError",
    "FarOutWarning",
    "FileError",
    "GainImputeError",
    "GainImputeWarning",
    "LikelyMarkerWarning",
    "MethodUnavailableError",
    "ModelFormatError",
    "SchemaError",
    "StudyError",
    "TableError",
    "TrackingWarning",
    "UnfillableWarning",
    "UnmetRuleWarning",
    "UnreadableWarning",
    "listed",
    "named",
    "nearest_spelling",
]


class GainImputeError(Exception):
    """Whatever this package raises on purpose."""


class ConfigError(GainImputeError, ValueError):
    """A parameter is outside what it may be."""


class SchemaError(GainImputeError, ValueError):
    """A schema contradicts itself, its file, or the table it is used on."""


class TableError(GainImputeError, ValueError):
    """A table cannot be used as it is."""


class ColumnMismatchError(TableError):
    """The columns of a table are not those seen in fit."""


class FileError(GainImputeError, ValueError):
    """A file cannot be read, or not be written where it was asked for."""


class ModelFormatError(GainImputeError, ValueError):
    """A model folder is truncated, was edited, or was written by a newer version."""


class StudyError(GainImputeError, ValueError):
    """A tuning study cannot be gone on with as it was asked: it was made for something else, or has nothing to show."""


class DivergedError(GainImputeError):
    """The losses of a training are no numbers any more."""


class MethodUnavailableError(GainImputeError):
    """A method of a comparison cannot run on this machine: a package or an environment is missing."""


class GainImputeWarning(UserWarning):
    """Whatever this package warns of."""


class TrackingWarning(GainImputeWarning):
    """Some of what a fit has to tell could not be sent yet; it is kept."""


class UnfillableWarning(GainImputeWarning):
    """Some empty cells stay empty: their columns cannot be filled."""


class BrokenRuleWarning(GainImputeWarning):
    """Some known cells break a rule of the schema; they stay as they are."""


class FarOutWarning(GainImputeWarning):
    """Some known numbers lie so far beyond all others of their column that nothing is learned from them."""


class LikelyMarkerWarning(GainImputeWarning):
    """Some categories look as if they meant "empty", such as "N/A", and are learned and filled in as values."""


class UnmetRuleWarning(GainImputeWarning):
    """The condition of a column names a value that stands in no row, so that nothing can meet it."""


class UnreadableWarning(GainImputeWarning):
    """Some known cells could not be read as their column's kind; they stay as they are."""


def listed(words: Iterable[str], most: int = 5) -> str:
    """Name some things in a message, and say how many more there are.

    Examples
    --------
    >>> listed(["2 brands", "3 prices"]), listed("abc", most=1)
    ('2 brands, 3 prices', 'a and 2 more')
    """
    told = list(words)
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


def named(names: Iterable[object], most: int = 5) -> str:
    """As `listed`, each in quotes.

    Examples
    --------
    >>> named(["brand", "price"])
    "'brand', 'price'"
    """
    return listed((repr(str(name)) for name in names), most)


def nearest_spelling(word: str, known: Iterable[str]) -> str:
    """Suggest the known word that looks most like another.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What could have been meant.

    Returns
    -------
    str
        " Did you mean 'price'?", or "".
    """
    found = difflib.get_close_matches(str(word), [str(text) for text in known], n=1)
    return f" Did you mean {found[0]!r}?" if found else ""
