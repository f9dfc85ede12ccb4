"""A schema as a TOML file with comments: what the file may say, and what was seen in each column."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import tomli_w

from gain_impute.schema.kinds import Kind
from gain_impute.schema.likely_conditions import likely_conditions
from gain_impute.schema.rules import ColumnSchema, ParsedColumn
from gain_impute.schema.schema import Schema
from gain_impute.schema.toml import column_document, schema_document

__all__ = ["annotated_toml"]

MOST_SHOWN = 5
WIDEST_SHOWN = 40

_HEAD = f"""\
# What each column is and may contain. Correct it where it is wrong, and use it:
#     gain-impute impute dump.csv -o filled.csv --schema THIS_FILE
#
# kind is one of {", ".join(Kind)}.
# Filled are numeric, categorical, boolean and datetime columns, and quantities that can be compared.
# Beside its kind a column may have these rules:
#     minimum = 0.0                    bounds of a number; of a date such as 2016-11-14
#     maximum = 100.0
#     decimals = 2                     0 for whole numbers
#     written_decimals = 1             zeros are written, too: 999.0
#     number_formats = ["1234.5 kg"]   a quantity is filled with numbers; how 1234 or 1234.5 is written in it
#     date_format = "%d.%m.%Y"         how dates are written
#     categories = ["S", "M", "L"]     the only values allowed
#     fill = false                     read, but its empty cells stay empty
#     missing_values = ["n/a", "-"]    texts that mean "empty" in this column
#     applies_when = {{ type = ["phone", "tablet"] }}    the attribute exists in such rows only
"""


def annotated_toml(schema: Schema, table: pd.DataFrame) -> str:
    """Write a schema as TOML text with comments for the person who corrects it.

    Parameters
    ----------
    schema : Schema
        The schema.
    table : DataFrame of shape (n_rows, n_columns)
        What it was inferred from.

    Returns
    -------
    str
        The text; `schema_from_toml` reads the same schema from it.

    Examples
    --------
    >>> from gain_impute.schema.infer import infer_schema
    >>> table = pd.DataFrame({"size": ["S", "M", "S", None], "price": ["9.99", "12.50", "", "8.00"]})
    >>> print(annotated_toml(infer_schema(table), table).partition("[columns.size]")[2])
    <BLANKLINE>
    # 1 of 4 cells empty; 2 different: "S" (2), "M"
    kind = "categorical"
    <BLANKLINE>
    [columns.price]
    # 1 of 4 cells empty; 8.00 to 12.50
    kind = "numeric"
    decimals = 2
    <BLANKLINE>
    """
    document = schema_document(schema)
    del document["columns"]
    blocks, conditions = [_HEAD + tomli_w.dumps(document)], likely_conditions(table, schema)
    for position, (name, column) in enumerate(schema.items()):
        head, _, rules = tomli_w.dumps({"columns": {name: column_document(column)}}).partition("\n")
        seen = [_seen(column, schema.parse(name, table.iloc[:, position]))]
        if column.kind is Kind.CONSTANT and not column.fill:
            seen.append("few rows have it: if the others do, too, set fill = true; if empty means no, leave it")
        if name in conditions:
            seen.append(f"known in such rows only; if it exists only there: applies_when = {_inline(conditions[name])}")
        blocks.append("\n".join([head, *(f"# {line}" for line in seen), rules]))
    return "\n".join(blocks)


def _inline(condition: Mapping[str, Sequence[str]]) -> str:
    """A condition as TOML writes it on one line."""
    written = (f"{_as_toml(name)} = {_as_toml(list(texts))}" for name, texts in condition.items())
    return f"{{ {', '.join(written)} }}"


def _as_toml(value: str | list[str]) -> str:
    """A text, or several, as both JSON and TOML write them, without the characters that a comment may not have."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in written)


def _seen(column: ColumnSchema, found: ParsedColumn) -> str:
    """What a column holds, in one line."""
    n_rows, n_empty = len(found.observed), int(np.count_nonzero(~found.observed))
    parts = [f"{n_empty:,} of {n_rows:,} cells empty" if n_empty else f"no cell of {n_rows:,} empty"]
    values = found.values[found.readable]
    if len(values) and column.is_number:
        least, most = column.format(np.array([values.min(), values.max()]))
        parts.append(f"{least} to {most}")
    elif len(values):
        counts = pd.Series(values, dtype=object).value_counts()
        shown = [
            f"{_quoted(str(text))} ({count:,})" if count > 1 else _quoted(str(text))
            for text, count in counts.head(MOST_SHOWN if column.is_class else 1).items()
        ]
        more = ", ..." if len(counts) > len(shown) else ""
        parts.append(f"{len(counts):,} different: {', '.join(shown)}{more}")
    n_unreadable = int(np.count_nonzero(found.observed & ~found.readable))
    if n_unreadable:
        parts.append(f"{n_unreadable:,} cannot be read as {column.kind}")
    return "; ".join(parts)


def _quoted(text: str) -> str:
    """A text in quotes on one line, not too long."""
    return _as_toml(text if len(text) <= WIDEST_SHOWN else text[: WIDEST_SHOWN - 1] + "…")
