"""Short names for what tables and schemas say, by which one is known again."""

from __future__ import annotations

import hashlib
import json

import pandas as pd

from gain_impute.schema import Schema, schema_to_toml

__all__ = ["fingerprint", "schema_fingerprint"]

LENGTH = 12  # hexadecimal digits


def fingerprint(table: pd.DataFrame) -> str:
    """Name a table by its content: 12 hexadecimal digits.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        The table; its index does not count.

    Returns
    -------
    str
        The same for the same column names and cells in the same order.

    Examples
    --------
    >>> fingerprint(pd.DataFrame({"price": [4.5, None]}))
    '...'
    """
    digest = hashlib.sha256(json.dumps([str(name) for name in table.columns]).encode())
    try:
        hashes = pd.util.hash_pandas_object(table, index=False)
    except TypeError:  # lists and the like have no hash of their own
        hashes = pd.util.hash_pandas_object(table.map(repr), index=False)
    digest.update(hashes.to_numpy().tobytes())
    return digest.hexdigest()[:LENGTH]


def schema_fingerprint(schema: Schema) -> str:
    """Name a schema by what it says of its columns: 12 hexadecimal digits."""
    return hashlib.sha256(schema_to_toml(schema).encode()).hexdigest()[:LENGTH]
