"""Results of a benchmark as runs of MLflow."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from gain_impute.tracking.runs import Runs

__all__ = ["track_results"]

KEPT_AS_PARAMS = ("suite", "table", "mechanism", "rate", "method", "seed", "status", "n_rows", "n_columns", "n_hidden")
WAIT_S = 60.0


def track_results(
    results: Iterable[dict[str, Any]], *, title: str = "benchmark", page: bytes | None = None, runs: Runs | None = None
) -> int:
    """Tell MLflow of results: a run of the whole, and in it one for each, with its figures, costs and file.

    Parameters
    ----------
    results : iterable of dict
        Of `read_results`.
    title : str, default="benchmark"
        What the run of the whole is called.
    page : bytes or None, default=None
        The report, which that run is to keep.
    runs : Runs or None, default=None
        Where they are kept. None: where tracked fits are.

    Returns
    -------
    int
        How many were told.
    """
    runs = Runs() if runs is None else runs
    whole = runs.begin(title, tags={"benchmark": title})
    if page is not None:
        whole.log_bytes("report.html", page)
    n_told = 0
    for result in results:
        tags = {"benchmark": str(result["suite"])}
        run = runs.begin(f"{result['method']} on {result['table']}", parent=whole.token, tags=tags)
        run.log_params({name: result[name] for name in KEPT_AS_PARAMS if name in result})
        run.log_metrics(_figures(result))
        run.log_bytes("result.json", json.dumps(result, ensure_ascii=False).encode())
        run.end("FINISHED" if result["status"] == "done" else "FAILED")
        n_told += 1
    whole.end()
    runs.flush(WAIT_S)
    return n_told


def _figures(result: dict[str, Any]) -> dict[str, float]:
    """The overall figures of a result, by the names that its file has for them."""
    found = {f"seconds/{name}": value for name, value in result.get("seconds", {}).items()}
    found |= {name: result.get(name) for name in ("peak_mib", "model_mib")}
    for where in ("in_sample", "out_of_sample"):
        found |= {f"{where}/{name}": value for name, value in ((result.get(where) or {}).get("overall") or {}).items()}
    return {name: float(value) for name, value in found.items() if _is_figure(value)}


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
