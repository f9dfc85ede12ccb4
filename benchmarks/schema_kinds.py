"""How often schema inference agrees with a careful person, over real tables.

Run as ``python -m benchmarks.schema_kinds``. The tables are looked for in the folder that the environment variable
GAIN_IMPUTE_DATA names, by default ``../shared/data``; its ``kinds.toml`` holds the kinds accepted for each column.
Each table is read twice, as pandas reads it and as all text, and inferred as it is, with a fifth of its cells
emptied, and from 500 rows.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gain_impute.schema import infer_schema

__all__ = ["Answer", "answers", "main", "read_table"]

READINGS = ("typed", "text")
VARIANTS = ("whole", "a fifth emptied", "500 rows")
EMPTIED_SHARE = 0.2
FEW_ROWS = 500
OPTIONS = ("read", "missing")  # keys of a table in kinds.toml that are no columns


@dataclass(frozen=True, slots=True)
class Answer:
    """What was inferred for one column of one table, and what is accepted."""

    table: str
    column: str
    kind: str
    accepted: tuple[str, ...]

    @property
    def is_accepted(self) -> bool:
        """Whether a careful person could have said the same."""
        return self.kind in self.accepted


def read_table(file: Path, reading: str, read_options: dict[str, Any]) -> pd.DataFrame:
    """Read a table as pandas does, or as all text; `read_options` go to `pandas.read_csv`."""
    as_text: dict[str, Any] = {"dtype": str, "keep_default_na": False} if reading == "text" else {"low_memory": False}
    table: pd.DataFrame = pd.read_csv(file, **as_text, **read_options)
    return table


def vary(table: pd.DataFrame, variant: str) -> pd.DataFrame:
    """The table as it is, with a fifth of its cells emptied, or 500 evenly spaced rows of it."""
    if variant == "500 rows":
        return table.iloc[np.unique(np.linspace(0, len(table) - 1, FEW_ROWS).astype(int))]
    if variant == "a fifth emptied":
        return table.mask(np.random.default_rng(0).random(table.shape) < EMPTIED_SHARE)
    return table


def answers(data: Path, reading: str, variant: str = "whole") -> Iterator[Answer]:
    """Infer every table of `kinds.toml` and compare, column by column."""
    for name, entry in tomllib.loads((data / "kinds.toml").read_text(encoding="utf-8")).items():
        table = vary(read_table(data / name, reading, entry.get("read", {})), variant)
        schema = infer_schema(table, missing_values=entry.get("missing", ()))
        for column, accepted in entry.items():
            if column not in OPTIONS:
                yield Answer(name, column, schema[column].kind.value, tuple(accepted))


def main(arguments: list[str] | None = None) -> int:
    """Print, for each reading and variant, the accepted share and the rejected columns."""
    parser = argparse.ArgumentParser(description="Compare inferred kinds with those that a careful person would give.")
    parser.add_argument(
        "--variant", choices=VARIANTS, action="append", help="only this variant of each table (repeatable)"
    )
    chosen = parser.parse_args(arguments)
    data = Path(os.environ.get("GAIN_IMPUTE_DATA", "../shared/data"))
    if not (data / "kinds.toml").is_file():
        print(f"No tables to compare with: '{data}' has no kinds.toml. Name the folder in GAIN_IMPUTE_DATA.")
        return 0
    for variant in chosen.variant or VARIANTS:
        for reading in READINGS:
            found = list(answers(data, reading, variant))
            n_accepted = sum(answer.is_accepted for answer in found)
            print(
                f"{variant}, read as {reading}: {n_accepted} of {len(found)} columns accepted "
                f"({n_accepted / len(found):.1%})"
            )
            for answer in found:
                if not answer.is_accepted:
                    print(
                        f"  {answer.table}: {answer.column!r} said {answer.kind}, accepted {', '.join(answer.accepted)}"
                    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
