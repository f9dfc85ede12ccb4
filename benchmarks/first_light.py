"""Whether the imputer reaches its first goals: on real tables, in time, in memory.

Run as ``python -m benchmarks.first_light``. Of each column of each table a fifth of the known cells is hidden by chance
(seed 0), the same cells for all methods; the imputer has its default parameters, ``random_state=0``, one thread, and
does not round, since no peer does. The peers are mean and mode, and the five nearest neighbours as scikit-learn's
`KNNImputer` finds them (numbers scaled, categories one-hot, every row a donor). The exit code is 0 where every goal is
reached, else 1.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tables import PROTOCOL, data_folder, protocol_task
from gain_impute import GAINImputer
from gain_impute.evaluation import Task, score_table
from gain_impute.evaluation.scoring import mean_over_columns
from gain_impute.methods import MatrixMethod, MeanFiller, Method, NeighboursFiller, Setting
from gain_impute.scores import paper_rmse

__all__ = ["Goal", "fit_memory_gib", "goals_of", "main"]

PAPER = ("letter", "spam", "breast")
"""Tables of numbers, as in the GAIN paper."""
PAPER_RMSE, ERROR, ACCURACY = "paper RMSE", "numeric error", "accuracy"
BARS: dict[str, dict[str, float]] = {
    "letter": {PAPER_RMSE: 0.070},
    "spam": {PAPER_RMSE: 0.048},
    "breast": {PAPER_RMSE: 0.060},
    "laptops": {ERROR: 0.40, ACCURACY: 0.68},
    "gsmarena": {ERROR: 0.42, ACCURACY: 0.83},
    "fashion": {ERROR: 0.38, ACCURACY: 0.91},
    "bigmart": {ERROR: 0.77, ACCURACY: 0.77},
    "flipkart": {"brand": 0.83, "category": 0.96, "subcategory": 0.93},
}
MOST_SECONDS = 120.0
LEAST_ROWS_PER_SECOND = 30_000.0
N_TIMED_ROWS = 20_000
MOST_MEMORY_GIB = 2.0
MEMORY_SHAPE = (1_000_000, 20)
MEMORY_STEPS = 200
HEAVY = (
    "mlflow",
    "optuna",
    "matplotlib",
    "jinja2",
    "fastapi",
    "starlette",
    "flask",
    "uvicorn",
    "typer",
    "click",
    "rich",
)
LOWER_IS_BETTER = (PAPER_RMSE, ERROR, "seconds", "GiB", "heavy modules")


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One figure, what it should be, and what the peers reach.

    Attributes
    ----------
    what : str
        The table, or what else is measured.
    figure : str
        Which of its figures.
    found : float
        Ours.
    bar : float or None
        What it must reach; None where it must only be better than the peers.
    peers : dict of str to float
        The same figure of each peer.
    """

    what: str
    figure: str
    found: float
    bar: float | None
    peers: dict[str, float]

    @property
    def is_reached(self) -> bool:
        """Whether the bar is reached and every peer beaten."""
        sign = -1 if self.figure in LOWER_IS_BETTER else 1
        reaches = self.bar is None or sign * self.found >= sign * self.bar
        return reaches and all(sign * self.found > sign * other for other in self.peers.values())

    def cells(self) -> list[str]:
        """What stands in its line of the report."""
        comparison = "<=" if self.figure in LOWER_IS_BETTER else ">="
        bar = "" if self.bar is None else f"{comparison} {_written(self.bar)}"
        peers = [_written(self.peers[name]) if name in self.peers else "" for name in ("mean", "knn")]
        return [self.what, self.figure, _written(self.found), bar, *peers, "reached" if self.is_reached else "MISSED"]


HEAD = ["what", "figure", "found", "goal", "mean/mode", "KNN", ""]


def goals_of(name: str, *, with_knn: bool) -> Iterator[Goal]:
    """Measure one table.

    Parameters
    ----------
    name : str
        The table.
    with_knn : bool
        Whether to run the nearest neighbours, which take a while.

    Yields
    ------
    Goal
        Each figure of the table.
    """
    task = protocol_task(name)
    imputer = GAINImputer(random_state=0, n_threads=1, round_to_grid=False)
    started = time.perf_counter()
    filled = imputer.fit_transform(task.visible)
    seconds = time.perf_counter() - started
    ours = _figures(name, task, filled)
    setting = Setting(schema=task.schema)
    peers: dict[str, Method] = {"mean": MatrixMethod(MeanFiller(), setting)}
    if with_knn:
        peers["knn"] = MatrixMethod(NeighboursFiller(max_donors=None), setting)
    theirs = {peer: _figures(name, task, method.fit_transform(task.visible)) for peer, method in peers.items()}
    for figure, found in ours.items():
        others = {peer: figures[figure] for peer, figures in theirs.items()}
        yield Goal(what=name, figure=figure, found=found, bar=BARS[name].get(figure), peers=others)
    yield Goal(what=name, figure="seconds", found=seconds, bar=MOST_SECONDS, peers={})
    if name == "letter":
        started = time.perf_counter()
        imputer.transform(task.visible.head(N_TIMED_ROWS))
        speed = N_TIMED_ROWS / (time.perf_counter() - started)
        yield Goal(what="letter", figure="rows/s of transform", found=speed, bar=LEAST_ROWS_PER_SECOND, peers={})


def _figures(name: str, task: Task, filled: pd.DataFrame) -> dict[str, float]:
    """The figures of a table by which methods are compared."""
    columns = score_table(task, filled, method=name)
    figures: dict[str, float] = {}
    if name in PAPER:
        complete, found = task.complete.to_numpy(dtype=float), filled.to_numpy(dtype=float)
        figures[PAPER_RMSE] = paper_rmse(complete, found, task.hidden.to_numpy())
    means = {ERROR: mean_over_columns(columns, "error"), ACCURACY: mean_over_columns(columns, "accuracy")}
    figures |= {figure: mean for figure, mean in means.items() if not math.isnan(mean)}
    return figures | {c["column"]: c["accuracy"] for c in columns if c["column"] in BARS[name]}


# ---------------------------------------------------------------------------------------------- time and memory


def fit_memory_gib() -> float:
    """Measure the peak memory of a fit on a million rows of 20 numbers, the table counted, what is imported not.

    To be called in a process that has done nothing else.

    Returns
    -------
    float
        GiB.
    """
    before = _status_gib("VmRSS")
    rng = np.random.default_rng(0)
    table = rng.standard_normal(MEMORY_SHAPE)
    for i in range(1, MEMORY_SHAPE[1]):
        table[:, i] += table[:, i - 1]
        table[rng.random(len(table)) < 0.2, i - 1] = np.nan
    GAINImputer(random_state=0, n_threads=1, max_steps=MEMORY_STEPS).fit(table)
    return _status_gib("VmHWM") - before


def _status_gib(entry: str) -> float:
    """What the kernel says of this process: VmRSS, memory held; VmHWM, the most it ever held.

    `resource.getrusage` would do, but begins with what the parent process held.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry + ":")) / 2**20


def _run(program: str) -> str:
    """Run a program in a Python of its own, and return what it printed."""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout


def _goals_of_the_package() -> Iterator[Goal]:
    """Measure what is not of a table: memory, and what an import loads."""
    peak = float(_run("from benchmarks.first_light import fit_memory_gib; print(fit_memory_gib())"))
    shape = f"fit of {MEMORY_SHAPE[0]:,} x {MEMORY_SHAPE[1]}, {MEMORY_STEPS} steps"
    yield Goal(what=shape, figure="GiB", found=peak, bar=MOST_MEMORY_GIB, peers={})
    theirs, ours = (
        set(_run(f"import sys; {imports}; print(*sys.modules)").split())
        for imports in ("import pandas, sklearn.impute, torch", "from gain_impute import GAINImputer")
    )
    n_heavy = len(ours.difference(theirs).intersection(HEAVY))  # scikit-learn itself loads rich where that is installed
    yield Goal(what="import of GAINImputer", figure="heavy modules", found=n_heavy, bar=0, peers={})


# --------------------------------------------------------------------------------------------------- the report


def _machine() -> dict[str, str]:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    packages = ("gain-impute", "torch", "numpy", "pandas", "scikit-learn")
    return {
        "processor": models[0] if models else platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _written(value: float) -> str:
    """A figure with as many digits as say something."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:g}" if value >= 100 or float(value).is_integer() else f"{value:.4f}"


def _line(cells: list[str], *, markdown: bool) -> str:
    if markdown:
        return "| " + " | ".join(cells) + " |"
    widths = (36, 20, 9, 11, 10, 8, 8)
    words = [cell.ljust(width) for cell, width in zip(cells[:2], widths, strict=False)]
    figures = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return " ".join([*words, *figures]).rstrip()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    known = list(PROTOCOL)
    parser = argparse.ArgumentParser(description="Measure the first goals of the imputer on real tables.")
    parser.add_argument("--tables", help=f"some of {','.join(known)} (default: all, and what is not of a table)")
    parser.add_argument("--no-knn", action="store_true", help="leave out the nearest neighbours, which take minutes")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to a file")
    options = parser.parse_args(arguments)
    options.names = options.tables.split(",") if options.tables else known
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"The tables must be some of {', '.join(known)}. Got {', '.join(unknown)} instead.")
    return options


def _all_goals(options: argparse.Namespace) -> Iterator[Goal]:
    for name in options.names:
        yield from goals_of(name, with_knn=not options.no_knn)
    if options.tables is None:
        yield from _goals_of_the_package()


def main(arguments: list[str] | None = None) -> int:
    """Measure, print one line per goal, and say whether all are reached."""
    options = _options(arguments)
    if not data_folder().is_dir():
        print(
            f"There must be a folder of tables. '{data_folder()}' is none. Name it in GAIN_IMPUTE_DATA.",
            file=sys.stderr,
        )
        return 2
    machine = _machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    print()
    print(_line(HEAD, markdown=options.markdown))
    if options.markdown:
        print(_line(["---", "---", "---:", "---:", "---:", "---:", "---"], markdown=True))
    goals = []
    for goal in _all_goals(options):
        goals.append(goal)
        print(_line(goal.cells(), markdown=options.markdown), flush=True)
    n_reached = sum(goal.is_reached for goal in goals)
    print(f"\n{n_reached} of {len(goals)} goals reached")
    if options.json:
        figures: list[dict[str, Any]] = [asdict(goal) | {"is_reached": goal.is_reached} for goal in goals]
        content = json.dumps({"machine": machine, "goals": figures}, indent=2)
        options.json.write_text(content + "\n", encoding="utf-8")
    return 0 if n_reached == len(goals) else 1


if __name__ == "__main__":
    raise SystemExit(main())
