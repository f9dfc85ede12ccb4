"""``gain-impute benchmark``: compare methods on the same hidden cells."""
# ruff: noqa: PLC0415  imports what it needs when it runs, so that --help does not wait for torch

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gain_impute.cli.aligned import align_rows
from gain_impute.cli.messages import display_width, print_line, quiet_libraries
from gain_impute.cli.options import MECHANISMS, Delimiter, Encoding, Missing, SchemaFile, character

if TYPE_CHECKING:
    from gain_impute.benchmark import Job, OwnTable, Suite
    from gain_impute.reporting.document import Section

__all__ = ["benchmark"]

SuiteName = Annotated[
    str | None, typer.Argument(metavar="SUITE", help="smoke, or a TOML file. (default: smoke, without --data)")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of results and report.")]
Data = Annotated[Path | None, typer.Option("--data", metavar="FILE", help="A table of your own, instead of a suite.")]
Methods = Annotated[str | None, typer.Option("--methods", metavar="A,B", help="Only these methods.")]
Hide = Annotated[
    float | None,
    typer.Option("--hide", metavar="RATE", help="With --data: share of the known cells to hide. (default: 0.2)"),
]
Why = Annotated[
    str | None,
    typer.Option(
        "--mechanism", metavar="NAME", help=f"With --data: why cells are hidden: {MECHANISMS}. (default: mcar)"
    ),
]
Seeds = Annotated[
    int | None, typer.Option("--seeds", metavar="N", help="With --data: runs of each method. (default: 3)")
]
Track = Annotated[bool, typer.Option("--track", help="Also keep the results in MLflow, one run each.")]
Processes = Annotated[
    int, typer.Option("--processes", metavar="N", min=1, help="Runs at a time, with one thread each.")
]


def benchmark(
    suite: SuiteName = None,
    *,
    output: Output,
    data: Data = None,
    methods: Methods = None,
    hide: Hide = None,
    mechanism: Why = None,
    seeds: Seeds = None,
    schema: SchemaFile = None,
    missing: Missing = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    processes: Processes = 1,
    track: Track = False,
) -> None:
    """Compare methods on the same hidden cells, each run in a process of its own, and write a report.

    Runs that have a result in the folder are not made again: a benchmark that was cut short goes on.
    """
    from gain_impute import benchmark as harness
    from gain_impute.reporting import summarise_results, write_report

    chosen = None if methods is None else [name.strip() for name in methods.split(",") if name.strip()]
    folder, readers = output / "results", {}
    told = {"hide": hide, "mechanism": mechanism, "seeds": seeds, "schema": schema, "missing": missing}
    told |= {"encoding": encoding, "delimiter": delimiter}
    _check_told(suite, data, [f"--{name}" for name, value in told.items() if value is not None])
    if data is None:
        what = harness.find_suite(suite or "smoke")
    else:
        reading = {"delimiter": character(delimiter), "encoding": encoding}
        own = harness.OwnTable(source=data, schema=schema, missing_values=tuple(missing or ()), **reading)
        table = own.read()  # what is wrong with it is said before anything runs
        readers[own.name] = own.read
        what = _suite_of(own, mechanism, hide, seeds, chosen)
    harness.check_suite(what, list(readers), methods=chosen)
    if data is not None:
        harness.claim_results(own.name, table, folder)
    jobs = harness.pending_jobs(what, folder, chosen)
    print_line(f"{what.title}: {len(jobs)} runs to make.")
    harness.run_jobs(jobs, what, folder, n_processes=processes, tables=readers, report=_counting(len(jobs)))
    results = [result for result in harness.read_results(folder, [what.name]) if what.asks_for(result)]
    page = write_report(results, output, title=what.title)
    _print_section(summarise_results(results))
    if track:
        _track(results, what.title, page)
    print_line(f"The report is {str(page)!r}.")
    _check_any_done(results)


def _print_section(section: Section) -> None:
    """Print a section of the report; a table only where it is not wider than the terminal."""
    typer.echo(f"{section.title}:")
    for label, text in section.points:
        typer.echo(f"{label}: {text}")
    n_columns = shutil.get_terminal_size().columns
    for table in (block for block in section.blocks if block.shape == "table"):
        rows = [[heading.text for heading in table.head]]
        rows += [[f"{cell.text} ({cell.second})" if cell.second else cell.text for cell in row] for row in table.rows]
        lines = align_rows(rows, "".join(">" if heading.is_number else "<" for heading in table.head))
        if max(map(display_width, lines)) <= n_columns:
            typer.echo("\n".join(["", table.caption, "", *lines]))


def _suite_of(
    own: OwnTable, mechanism: str | None, hide: float | None, seeds: int | None, methods: list[str] | None
) -> Suite:
    """The suite of one table, with what is usual where nothing is told."""
    from gain_impute.benchmark import suite_of_table

    rate, n_seeds = 0.2 if hide is None else hide, 3 if seeds is None else seeds
    return suite_of_table(own, mechanism=mechanism or "mcar", rate=rate, n_seeds=n_seeds, methods=methods)


def _track(results: list[dict[str, Any]], title: str, page: Path) -> None:
    """Keep results and report in MLflow."""
    from gain_impute.tracking.results import track_results

    quiet_libraries()
    n_told = track_results(results, title=title, page=page.read_bytes())
    print_line(f"{n_told} results are kept in MLflow, and the report with them.")


def _check_any_done(results: list[dict[str, Any]]) -> None:
    """Raise TableError where no run came to its end."""
    from gain_impute.errors import TableError

    if not any(result["status"] == "done" for result in results):
        raise TableError(
            f"At least one run must come to its end. None of {len(results)} did, the first since: "
            f"{results[0]['reason']}. The report names all reasons."
        )


def _check_told(suite: str | None, data: Path | None, of_data: list[str]) -> None:
    """Raise ConfigError for what would count for nothing."""
    from gain_impute.errors import ConfigError

    if data is not None and suite is not None:
        raise ConfigError(f"There must be a suite or a table of your own. Got {suite!r} and --data. Leave out one.")
    if data is None and of_data:
        raise ConfigError(
            f"{', '.join(of_data)} must stand with --data: a suite says itself what is hidden in which tables. "
            "Leave them out, or name a table."
        )


def _counting(n_jobs: int) -> Callable[[Job, str, float], None]:
    """Say of each run how it went, and how many of all are made."""
    counter = itertools.count(1)

    def tell(job: Job, status: str, elapsed_s: float) -> None:
        where = f"{job.table}, {job.mechanism} {job.rate:g}, seed {job.seed}"
        print_line(f"[{next(counter)}/{n_jobs}] {job.method} on {where}: {status}, {elapsed_s:.1f} s")

    return tell
