"""Many runs, each in a process of its own: at most so many at a time, each ended when its time is over."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil
from joblib import Memory

from gain_impute.benchmark.result import read_result, write_result
from gain_impute.benchmark.run import blank_result, run_job
from gain_impute.benchmark.suite import Job, Suite
from gain_impute.benchmark.tables import BenchmarkTable, register_table
from gain_impute.errors import ConfigError

__all__ = ["pending_jobs", "run_jobs"]

GRACE_S = 20.0
"""Seconds beyond a run's own: for reading the table and scoring, and for a method that stops by itself."""
MEMORY_PAUSE_S = 0.2
"""Between looks at how much memory runs hold, where that is limited."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")

Report = Callable[[Job, str, float], None]


@dataclass(frozen=True, kw_only=True)
class _Surroundings:
    """What every run of a pool shares."""

    suite: Suite
    folder: Path
    scratch: Path
    plugins: tuple[str, ...]
    tables: dict[str, Callable[[], BenchmarkTable]]


@dataclass(frozen=True)
class _Running:
    job: Job
    process: ForkServerProcess
    began: float
    errors: Path


def pending_jobs(suite: Suite, folder: Path, methods: Sequence[str] | None = None) -> list[Job]:
    """List the runs of a suite that have no result yet.

    Parameters
    ----------
    suite : Suite
        The suite.
    folder : Path
        The folder of results.
    methods : sequence of str or None, default=None
        Only these methods. None: all of the suite.

    Returns
    -------
    list of Job
        In the order in which they are to be run.
    """
    return [
        job for job in suite.jobs() if (methods is None or job.method in methods) and not (folder / job.path).is_file()
    ]


def run_jobs(
    jobs: Sequence[Job],
    suite: Suite,
    folder: Path,
    *,
    n_processes: int = 1,
    plugins: Sequence[str] = (),
    tables: Mapping[str, Callable[[], BenchmarkTable]] | None = None,
    report: Report | None = None,
    hours: float = math.inf,
) -> None:
    """Make runs, and write a result for each, whatever became of it.

    Each process has one thread. A run that fails, is killed, or takes longer than the suite allows has a result that
    says so; what ended it is the last line that it wrote to standard error.

    Parameters
    ----------
    jobs : sequence of Job
        The runs.
    suite : Suite
        Their suite.
    folder : Path
        Where results are written.
    n_processes : int, default=1
        Runs at a time.
    plugins : sequence of str, default=()
        Modules that register methods and tables, imported in each process.
    tables : mapping of str to callable, optional
        Readers of tables that no plugin registers; they must be picklable.
    report : callable, optional
        Called with each job, its status and its seconds.
    hours : float, default=inf
        No run begins after so many.

    Raises
    ------
    ConfigError
        If there is to be no process.
    """
    if n_processes < 1:
        raise ConfigError(f"The number of processes must be 1 or more. Got {n_processes}.")
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gain_impute.benchmark.run", "gain_impute.imputer", *plugins])
    waiting, running, last_start = list(jobs), list[_Running](), time.monotonic() + 3600 * hours
    with tempfile.TemporaryDirectory() as scratch:
        shared = _Surroundings(
            suite=suite, folder=folder, scratch=Path(scratch), plugins=tuple(plugins), tables=dict(tables or {})
        )
        try:
            while waiting or running:
                if time.monotonic() >= last_start:
                    waiting.clear()
                while waiting and len(running) < n_processes:
                    job = waiting.pop(0)
                    errors = Path(scratch) / f"{len(waiting)}.txt"
                    process = context.Process(target=_work, args=(job, shared, errors))
                    process.start()
                    running.append(_Running(job, process, time.monotonic(), errors))
                pause_s = 1.0 if suite.max_memory_mib is None else MEMORY_PAUSE_S
                wait([one.process.sentinel for one in running], timeout=pause_s)
                for one, limit in [(one, _limit_met(one, suite)) for one in running]:
                    if one.process.exitcode is None and limit is None:
                        continue
                    running.remove(one)
                    status = _settle(one, suite, folder, limit)
                    if report is not None:
                        report(one.job, status, time.monotonic() - one.began)
        finally:
            for one in running:
                _end(one.process)


def _work(job: Job, shared: _Surroundings, errors: Path) -> None:
    """Make one run in a process of its own, at the head of its own group, and write its result."""
    os.setsid()
    with errors.open("w", encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 2)
    for plugin in shared.plugins:
        import_module(plugin)
    for name, read in shared.tables.items():
        register_table(name, read)
    kept = Memory(shared.scratch / "kept", verbose=0)
    write_result(run_job(job, shared.suite, kept=kept), shared.folder / job.path)


def _limit_met(one: _Running, suite: Suite) -> tuple[str, str] | None:
    """Which limit a run has met, as a status and a reason; None where it may go on, or has ended by itself."""
    if one.process.exitcode is not None:
        return None
    if time.monotonic() - one.began > suite.max_time_s + GRACE_S:
        return "timed out", f"not done after {suite.max_time_s:g} s"
    if suite.max_memory_mib is not None and (held := _held_mib(one.process)) > suite.max_memory_mib:
        return "out of memory", f"held {held:,.0f} MiB, of which {suite.max_memory_mib:,.0f} are allowed"
    return None


def _held_mib(process: ForkServerProcess) -> float:
    """Memory that a run holds, with all that it started, in MiB."""
    try:
        first = psutil.Process(process.pid)
        held: int = sum(each.memory_info().rss for each in (first, *first.children(recursive=True)))
    except psutil.NoSuchProcess:  # one of them has just ended: the next look sees what is left
        return 0.0
    return held / 2**20


def _settle(one: _Running, suite: Suite, folder: Path, limit: tuple[str, str] | None) -> str:
    """End a run, write a result where it wrote none, and say how it went."""
    path = folder / one.job.path
    exit_code = one.process.exitcode
    _end(one.process)
    if limit is None and exit_code == 0 and path.is_file():
        return str(read_result(path)["status"])
    result = blank_result(one.job, suite)
    if limit is not None:
        result["status"], result["reason"] = limit
    else:
        result["reason"] = _last_words(one.errors) or f"ended with exit code {exit_code}"
    write_result(result, path)
    return str(result["status"])


def _last_words(errors: Path) -> str:
    """The last line that a process wrote to standard error."""
    text = errors.read_text(encoding="utf-8", errors="replace") if errors.is_file() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _end(process: ForkServerProcess) -> None:
    """Make sure that a process and all that it started have ended."""
    with suppress(ProcessLookupError, PermissionError):
        if process.pid is not None:
            os.killpg(process.pid, signal.SIGKILL)
    process.join()
