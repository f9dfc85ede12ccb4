"""Run the large suites, and write their report.

``python -m benchmarks run paper uci`` makes the runs that have no result yet;
``python -m benchmarks report`` writes the page.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import benchmarks.methods
import benchmarks.scale
import benchmarks.tables
import benchmarks.truth
from gain_impute.benchmark import (
    NOT_MADE,
    Job,
    Suite,
    check_suite,
    find_suite,
    pending_jobs,
    read_results,
    run_jobs,
    unmade_result,
)
from gain_impute.errors import GainImputeError
from gain_impute.reporting import results_to_markdown, write_report

PLUGINS = ("benchmarks.tables", "benchmarks.scale", "benchmarks.truth", "benchmarks.methods")
HERE = Path(__file__).parent
SUITES = HERE / "suites"
RESULTS = HERE / "results"
REPORT = HERE / "report"
DOCUMENT = HERE.parent / "docs" / "results.md"
BEGIN, END = "<!-- made by `python -m benchmarks report` -->", "<!-- end of what was made -->"


def run(
    names: list[str], *, n_processes: int, methods: list[str] | None, wanted: Callable[[Job], bool], hours: float
) -> int:
    """Make the wanted runs of some suites that have no result yet; returns the exit code."""
    suites = [with_methods(find_suite(name, (SUITES,)), methods or []) for name in names]
    is_in_files = any(table not in benchmarks.scale.TABLES for suite in suites for table in suite.tables)
    if is_in_files and not benchmarks.tables.data_folder().is_dir():
        folder = benchmarks.tables.data_folder()
        print(f"There must be a folder of tables. '{folder}' is none. Name it in GAIN_IMPUTE_DATA.", file=sys.stderr)
        return 2
    for suite in suites:
        check_suite(suite)
    deadline = time.monotonic() + 3600 * hours
    for suite in suites:
        jobs = [job for job in pending_jobs(suite, RESULTS, methods) if wanted(job)]
        print(f"{suite.name}: {len(jobs)} runs to make", flush=True)
        hours_left = (deadline - time.monotonic()) / 3600
        run_jobs(jobs, suite, RESULTS, n_processes=n_processes, plugins=PLUGINS, report=_tell, hours=hours_left)
    return 0


def with_methods(suite: Suite, methods: list[str]) -> Suite:
    """A suite with the methods that were named besides its own, one seed each; these run under all mechanisms."""
    narrow = {method: under for method, under in suite.only_under.items() if method not in methods}
    return suite.model_copy(update={"methods": dict.fromkeys(methods, 1) | suite.methods, "only_under": narrow})


def report() -> int:
    """Write the page of all results, and put its figures into docs/results.md; returns the exit code."""
    suites = [find_suite(path.stem, (SUITES,)) for path in sorted(SUITES.glob("*.toml"))]
    results = read_results(RESULTS)
    results += [unmade_result(job, suite) for suite in suites for job in pending_jobs(suite, RESULTS)]
    page = write_report(results, REPORT, title="gain_impute beside its peers")
    before, begin, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"'{DOCUMENT}' must have the lines {BEGIN} and {END} between which figures go.", file=sys.stderr)
        return 2
    figures = results_to_markdown(results, level=2)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{figures.strip()}\n\n{END}{after}", encoding="utf-8")
    n_made = sum(result["status"] != NOT_MADE for result in results)
    print(f"{n_made} results, and {len(results) - n_made} runs without one. The page is '{page}'.")
    print(f"Its figures are in '{DOCUMENT}'.")
    return 0


def _tell(job: Job, status: str, elapsed_s: float) -> None:
    where = f"{job.suite} {job.table} {job.mechanism} {job.rate:g} seed {job.seed}"
    print(f"{time.strftime('%H:%M:%S')} {where} {job.method}: {status}, {elapsed_s:.1f} s", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    runs = verbs.add_parser("run", help="make the runs that have no result yet")
    runs.add_argument("suites", nargs="+", metavar="SUITE")
    runs.add_argument("--processes", type=int, default=2, help="runs at a time, one thread each (default: 2)")
    runs.add_argument("--methods", help="only these, separated by commas; the suite need not have them")
    runs.add_argument("--tables", help="only these, separated by commas")
    runs.add_argument("--mechanisms", help="only cells hidden in these ways, separated by commas")
    runs.add_argument("--seeds", type=int, help="no more seeds than so many")
    runs.add_argument("--hours", type=float, default=3.0, help="begin no run after so many (default: 3)")
    verbs.add_parser("report", help="write the page of all results, and their figures into docs/results.md")
    options = parser.parse_args(arguments)
    if options.verb == "report":
        return report()
    methods, tables, mechanisms = (
        names.split(",") if names else None for names in (options.methods, options.tables, options.mechanisms)
    )

    def is_wanted(job: Job) -> bool:
        is_named = (tables is None or job.table in tables) and (mechanisms is None or job.mechanism in mechanisms)
        return is_named and (options.seeds is None or job.seed < options.seeds)

    try:
        return run(
            options.suites, n_processes=options.processes, methods=methods, wanted=is_wanted, hours=options.hours
        )
    except GainImputeError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
