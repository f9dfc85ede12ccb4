"""How fast delimited text is read: by our own scanner, by Python's csv module, by pyarrow.

What each gives differs. The csv module and pyarrow give values; only the scanner says where in the bytes each field is,
which is what lets a file come out as it came in. CPU seconds of one thread, the best of three::

    python -m benchmarks.scan_speed [--rows 100000]
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from benchmarks.file_speed import write_table
from gain_impute.files import open_table
from gain_impute.files.delimited import DelimitedReader

N_ROUNDS = 3


def main() -> None:
    """Read a table of products in each way and print the speeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dump.csv"
        write_table(path, options.rows, has_title=True)
        names = path.open(encoding="utf-8").readline().strip().split(",")
        texts = arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
        ways: dict[str, Callable[[], object]] = {
            "our scanner: where each field is": lambda: sum(chunk.n_rows for chunk in DelimitedReader(path)),
            "our scanner: and all values as texts": lambda: sum(len(part.frame()) for part in open_table(path).parts()),
            "csv module: all values as texts": lambda: sum(1 for _ in csv.reader(path.open(newline=""))),
            "pyarrow: all values as texts": lambda: arrow_csv.read_csv(path, convert_options=texts).num_rows,
            "pyarrow: types inferred": lambda: arrow_csv.read_csv(path).num_rows,
        }
        n_mb = path.stat().st_size / 1e6
        print(f"{options.rows:,} rows x {len(names)} columns, {n_mb:.1f} MB")
        for name, read in ways.items():
            cpu_s = min(_cpu_seconds(read) for _ in range(N_ROUNDS))
            print(f"{name:38} {cpu_s:6.2f} s  {n_mb / cpu_s:6.0f} MB/s")


def _cpu_seconds(read: Callable[[], object]) -> float:
    """Seconds of the processor that one reading takes."""
    started = time.process_time()
    read()
    return time.process_time() - started


if __name__ == "__main__":
    main()
