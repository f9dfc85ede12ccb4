"""How fast a long file is filled, and how much memory that takes, beside pyarrow reading and writing it alone.

Makes a table of products with 12 columns and 5 % holes in every one but the key, fits a model to a few of its rows, and
runs in processes of their own: what `gain-impute impute --model` does on a short and on a long file, and pyarrow, which
reads the long file (types inferred, then all texts) and writes it again. Importing libraries is not counted on either
side. Prints seconds by the clock and of the processor, the ratios and the peak memory::

    python -m benchmarks.file_speed [--rows 1000000] [--short 100000] [--without-title] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from gain_impute.cli import run

N_COLUMNS = 12
HOLE_RATE = 0.05
ROWS_AT_ONCE = 100_000
FIT_ROWS = 5_000
N_ROUNDS = 5  # each beside the other, in turns: the fastest was least disturbed
COLOURS = ["black", "white", "red", "blue", "green", "grey", "brown", "silver"]
KINDS = {"mug": 9.0, "pot": 30.0, "pan": 35.0, "lamp": 45.0, "chair": 90.0, "shoe": 60.0, "bag": 50.0, "knife": 25.0}

MEASURED = """
import sys, time, json
def peak_mib():  # not resource.getrusage, which begins with what the parent process held
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")) / 1024
def measured(work):
    started, cpu_started = time.perf_counter(), time.process_time()
    work()
    print(json.dumps({"elapsed_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu_started,
                      "peak_mib": peak_mib()}))
"""

ALONE = """
import pyarrow as pa, pyarrow.csv as pc
source, target, as_text = sys.argv[1], sys.argv[2], sys.argv[3] == "text"
pa.set_cpu_count(int(sys.argv[4]))
names = open(source, encoding="utf-8").readline().strip().split(",")
convert = pc.ConvertOptions(column_types={name: pa.string() for name in names}) if as_text else None
measured(lambda: pc.write_csv(pc.read_csv(source, convert_options=convert), target))
"""

OURS = """
from pathlib import Path
from gain_impute.batch import impute_file
from gain_impute.files import open_table
from gain_impute.imputer import GAINImputer
source, target, model, n_threads = sys.argv[1:]
def work():
    imputer = GAINImputer.load(model, device="cpu").set_params(n_threads=int(n_threads))
    impute_file(imputer, open_table(source), target)
measured(work)
"""


def main() -> None:
    """Make the files, run everything, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--short", type=int, default=100_000)
    parser.add_argument("--without-title", action="store_true", help="a column of categories in the title's place")
    parser.add_argument("--threads", type=int, default=1, help="of both sides")
    parser.add_argument("--folder", type=Path, help="where the files go; a temporary folder by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        has_title = not options.without_title
        short, long, fitted = folder / "short.csv", folder / "long.csv", folder / "model"
        for path, n_rows in ((folder / "fit.csv", FIT_ROWS), (short, options.short), (long, options.rows)):
            write_table(path, n_rows, has_title=has_title)
        code = run(["fit", str(folder / "fit.csv"), "-m", str(fitted), "--max-steps", "300"])
        if code:
            raise SystemExit(code)
        threads = str(options.threads)
        work: dict[str, tuple[str, Path, Path, object, str]] = {
            "pyarrow, types": (ALONE, long, folder / "typed.csv", "typed", threads),
            "pyarrow, texts": (ALONE, long, folder / "text.csv", "text", threads),
            "ours, short": (OURS, short, folder / "a.csv", fitted, threads),
            "ours, long": (OURS, long, folder / "b.csv", fitted, threads),
        }
        rounds = [{name: measured(*command) for name, command in work.items()} for _ in range(N_ROUNDS)]
        print(f"{options.rows:,} rows x {N_COLUMNS} columns, {long.stat().st_size / 1e6:.0f} MB, title: {has_title}")
    report(rounds)


def report(rounds: list[dict[str, dict[str, float]]]) -> None:
    """Print the least disturbed figures of all rounds."""
    best = {
        name: {key: min(found[name][key] for found in rounds) for key in ("elapsed_s", "cpu_s", "peak_mib")}
        for name in rounds[0]
    }
    for name, found in best.items():
        print(f"{name:15} {found['elapsed_s']:7.2f} s  {found['cpu_s']:7.2f} CPU s  {found['peak_mib']:7.0f} MiB")
    ours = best["ours, long"]
    for name in ("pyarrow, types", "pyarrow, texts"):
        ratios = [ours[key] / best[name][key] for key in ("elapsed_s", "cpu_s")]
        by_round = sorted(found["ours, long"]["elapsed_s"] / found[name]["elapsed_s"] for found in rounds)
        print(
            f"beside {name}: {ratios[0]:.2f} x by the clock, {ratios[1]:.2f} x of the processor; "
            f"round by round {by_round[0]:.2f} to {by_round[-1]:.2f} x by the clock, median {median(by_round):.2f} x"
        )
    print(f"peak memory, long beside short: {ours['peak_mib'] / best['ours, short']['peak_mib']:.3f} x")


def write_table(path: Path, n_rows: int, *, has_title: bool) -> None:
    """Write a table of products, some rows at a time."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as stream:
        for first in range(0, n_rows, ROWS_AT_ONCE):
            frame = products(first, min(ROWS_AT_ONCE, n_rows - first), rng, has_title=has_title)
            frame.to_csv(stream, index=False, header=first == 0, lineterminator="\n")


def products(first: int, n_rows: int, rng: np.random.Generator, *, has_title: bool) -> pd.DataFrame:
    """Some products; every column but the key has holes."""
    kinds = np.array(list(KINDS))[rng.integers(len(KINDS), size=n_rows)]
    brands = np.char.add("Brand ", rng.integers(40, size=n_rows).astype(str))
    colours = np.array(COLOURS)[rng.integers(len(COLOURS), size=n_rows)]
    price = np.round(np.array([KINDS[kind] for kind in kinds]) * rng.lognormal(0, 0.3, n_rows), 2)
    weight = np.round(price * rng.uniform(5, 15, n_rows), 1)
    model = rng.integers(10_000, size=n_rows)
    titles = [f"{b} {k} {c}, model {m}" for b, k, c, m in zip(brands, kinds, colours, model, strict=True)]
    frame = pd.DataFrame(
        {
            "sku": [f"SKU{number:08d}" for number in range(first, first + n_rows)],
            "title": titles if has_title else np.array(["S", "M", "L", "XL"])[rng.integers(4, size=n_rows)],
            "brand": brands,
            "kind": kinds,
            "colour": colours,
            "price": price.astype(str),
            "weight_g": weight.astype(str),
            "stock": rng.integers(0, 500, n_rows).astype(str),
            "rating": np.round(rng.uniform(1, 5, n_rows), 1).astype(str),
            "length_cm": np.round(np.sqrt(weight), 1).astype(str),
            "since": (np.datetime64("2020-01-01") + rng.integers(0, 1500, n_rows)).astype(str),
            "is_new": np.array(["yes", "no"])[rng.integers(2, size=n_rows)],
        }
    )
    for name in frame.columns[1:]:
        frame.loc[rng.random(n_rows) < HOLE_RATE, name] = ""
    return frame


def measured(code: str, *arguments: object) -> dict[str, float]:
    """Run some code in a process of its own; what it prints is what it took."""
    command = [sys.executable, "-c", MEASURED + code, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
