"""Fill every real table as it is on disk, and look with other eyes at what changed.

Each file goes through `gain-impute impute` with the options that its README suggests. Then Python's csv module reads
both files: every record has the same fields but for those that were empty, and a record without an empty field has the
same bytes. The tables are looked for in the folder that the environment variable GAIN_IMPUTE_DATA names, by default
``../shared/data``. Few training steps are enough, since it is the bytes that are looked at::

    python -m benchmarks.every_table [--max-steps 20] [FILE ...]
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import data_folder
from gain_impute.cli import run

__all__ = ["OPTIONS", "Outcome", "compare", "main", "table_files"]

OPTIONS: dict[str, list[str]] = {
    "abt_buy": ["--delimiter", "|"],
    "adult": ["--missing", "?"],
    "amazon_google": ["--delimiter", "#"],
    "breast": ["--delimiter", ",", "--no-header", "--missing", "?"],
    "flipkart": ["--missing", "No rating available"],
    "googleplay": ["--missing", "Varies with device"],
    "gsmarena": ["--missing", "NULL"],
}
"""What the README of each folder says of its files, as options of the command line."""
SUFFIXES = {".csv", ".data"}
FIELD_LIMIT = 1 << 24
MOST_SHOWN = 3


@dataclass(frozen=True)
class Outcome:
    """What a comparison found.

    Attributes
    ----------
    n_records, n_whole : int
        Records, and those of them without an empty field.
    n_empty, n_filled : int
        Empty fields before, and those of them that say something now.
    wrong : list of str
        What changed and was no hole.
    """

    n_records: int
    n_whole: int
    n_empty: int
    n_filled: int
    wrong: list[str]


def table_files() -> list[Path]:
    """All tables, relative to the folder of the data."""
    data = data_folder()
    return sorted(path.relative_to(data) for path in data.rglob("*") if path.suffix in SUFFIXES)


def compare(before: Path, after: Path, *, delimiter: str, tokens: set[str]) -> Outcome:
    """Compare a filled file with what it was, record by record, field by field."""
    wrong: list[str] = []
    n_records = n_whole = n_empty = n_filled = 0
    old_records, new_records = _records(before, delimiter), _records(after, delimiter)
    for number, (old, new) in enumerate(zip(old_records, new_records, strict=False)):
        (old_raw, old_fields), (new_raw, new_fields) = old, new
        is_hole = [number > 0 and (field == "" or field in tokens) for field in old_fields]
        n_records += 1
        n_empty += sum(is_hole)
        if not any(is_hole):
            n_whole += 1
            if old_raw != new_raw:
                wrong.append(f"record {number}: bytes of a record without holes")
        elif len(new_fields) != len(old_fields):
            wrong.append(f"record {number}: {len(old_fields)} fields became {len(new_fields)}")
        else:
            n_filled += sum(h and o != n for h, o, n in zip(is_hole, old_fields, new_fields, strict=True))
            changed = [h or o == n for h, o, n in zip(is_hole, old_fields, new_fields, strict=True)]
            if not all(changed):
                wrong.append(f"record {number}: field {changed.index(False)}")
    if next(old_records, None) is not None or next(new_records, None) is not None:
        wrong.append("one file has more records than the other")
    return Outcome(n_records, n_whole, n_empty, n_filled, wrong)


def _records(path: Path, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Each record as it is written and as the csv module reads it; bytes are read as characters, one for each."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(path.read_bytes().decode("latin-1"), newline=""):
            taken.append(line)
            yield line

    for fields in csv.reader(lines(), delimiter=delimiter):
        yield "".join(taken), fields
        taken.clear()


def main() -> int:
    """Fill and compare every table; 1 if anything but holes changed, or a file was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="only these, relative to the folder of the data")
    parser.add_argument("--max-steps", default="20")
    options = parser.parse_args()
    csv.field_size_limit(FIELD_LIMIT)
    n_failed = 0
    print(f"{'file':52} {'records':>8} {'whole':>8} {'empty':>8} {'filled':>8} {'seconds':>8}  outcome")
    with tempfile.TemporaryDirectory() as folder:
        for file in options.files or table_files():
            n_failed += not _check(file, Path(folder), options.max_steps)
    print("nothing but holes changed" if n_failed == 0 else f"{n_failed} files failed")
    return int(n_failed > 0)


def _check(file: Path, folder: Path, max_steps: str) -> bool:
    """Fill one table and print what the comparison found."""
    source, target = data_folder() / file, folder / f"filled{file.suffix}"
    suggested = OPTIONS.get(file.parts[0], [])
    started, said = time.perf_counter(), io.StringIO()
    with contextlib.redirect_stderr(said):
        code = run(["impute", str(source), "-o", str(target), "--max-steps", max_steps, *suggested])
    elapsed_s = time.perf_counter() - started
    if code:
        print(f"{file!s:52} {said.getvalue().strip().splitlines()[-1]}", flush=True)
        return False
    delimiter = suggested[suggested.index("--delimiter") + 1] if "--delimiter" in suggested else ","
    tokens = {suggested[at + 1] for at, word in enumerate(suggested) if word == "--missing"}
    found = compare(source, target, delimiter=delimiter, tokens=tokens)
    counts = f"{found.n_records:8,} {found.n_whole:8,} {found.n_empty:8,} {found.n_filled:8,} {elapsed_s:8.1f}"
    print(f"{file!s:52} {counts}  {'; '.join(found.wrong[:MOST_SHOWN]) or 'ok'}", flush=True)
    return not found.wrong


if __name__ == "__main__":
    sys.exit(main())
