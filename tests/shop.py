"""A small shop's table as a file, for tests of the command line."""

from __future__ import annotations

import csv
import io
import sys

__all__ = ["PROGRAM", "QUICK", "SHOP", "rows_of", "shop_records", "text_of"]

PROGRAM = [sys.executable, "-m", "gain_impute"]
"""The program as a process, for it may not be on the path."""
QUICK = ["--max-steps", "20"]


def shop_records() -> list[list[str]]:
    """60 records as they are written: holes of both kinds, and texts that tempt a careless reader."""
    records = [["title", "brand", "price", "stock"]]
    for i in range(60):
        brand, price = ("Acme", f"{9 + i / 8:.2f}") if i % 2 else ("Bolt", f"{20 + i / 8:.2f}")
        title = f'"TV, 5{i}"" wide"' if i % 3 else f'15.{i}" laptop no {i}'
        brand = "" if i % 7 == 3 else '""' if i % 7 == 4 else f'"{brand}"' if i % 5 else brand
        records.append([title, brand, "" if i % 6 == 5 else price, str(i % 4)])
    return records


def text_of(records: list[list[str]]) -> str:
    """The records as a file: line ends of two kinds, some blank lines, none at the end."""
    lines = [",".join(fields) + ("\r\n\n" if i % 20 == 10 else "\n") for i, fields in enumerate(records)]
    return "".join(lines).removesuffix("\n")


SHOP = text_of(shop_records())


def rows_of(text: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
