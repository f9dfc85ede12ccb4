"""The kinds of column that the package knows."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Kind"]


class Kind(StrEnum):
    """What a column holds; the member's value is the word used in schema files.

    Attributes
    ----------
    NUMERIC
        A number, filled with a number.
    CATEGORICAL
        One of a limited set of texts, filled with one of those seen.
    BOOLEAN
        A yes/no like pair of texts, filled with one of the two.
    DATETIME
        A point in time, filled as a number (seconds since 1970 UTC) and written in the column's date format.
    QUANTITY
        A number written with a unit or in a format ("8GB", "$4.99", "10,000+"), filled with one of the texts seen, or
        with a number where the column's rule `number_formats` says how numbers are written in it.
    TEXT
        Free text, read as context, never filled.
    URL
        Web addresses, never filled.
    IDENTIFIER
        A key or code that names its row, never filled.
    CONSTANT
        One value in every row, or no value at all.

    Examples
    --------
    >>> Kind("numeric"), f"{Kind.BOOLEAN}"
    (<Kind.NUMERIC: 'numeric'>, 'boolean')
    """

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    QUANTITY = "quantity"
    TEXT = "text"
    URL = "url"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
