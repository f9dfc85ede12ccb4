"""Compare methods on the same hidden cells: suites, runs in processes of their own, results as files."""

from __future__ import annotations

from gain_impute.benchmark.compare import compare, losses_frame, ranking, scores_frame
from gain_impute.benchmark.plan import OwnTable, check_suite, claim_results, suite_of_table
from gain_impute.benchmark.pool import pending_jobs, run_jobs
from gain_impute.benchmark.result import NOT_MADE, read_result, read_results, write_result
from gain_impute.benchmark.run import run_job, unmade_result
from gain_impute.benchmark.suite import Job, Suite, find_suite, read_suite
from gain_impute.benchmark.tables import BenchmarkTable, find_table, known_tables, register_table

__all__ = [
    "NOT_MADE",
    "BenchmarkTable",
    "Job",
    "OwnTable",
    "Suite",
    "check_suite",
    "claim_results",
    "compare",
    "find_suite",
    "find_table",
    "known_tables",
    "losses_frame",
    "pending_jobs",
    "ranking",
    "read_result",
    "read_results",
    "read_suite",
    "register_table",
    "run_job",
    "run_jobs",
    "scores_frame",
    "suite_of_table",
    "unmade_result",
    "write_result",
]
