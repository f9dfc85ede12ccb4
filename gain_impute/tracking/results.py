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


def track_results(results: Iterable[dict[str, Any]], runs: Runs | None = None) -> int:
    """Tell MLflow of results, one run each: what was run as parameters, overall figures and costs, the whole as a file.

    Parameters
    ----------
    results : iterable of dict
        Of `read_results`.
    runs : Runs or None, default=None
        Where they are kept. None: where tracked fits are.

    Returns
    -------
    int
        How many were told.
    """
    runs = Runs() if runs is None else runs
    n_told = 0
    for result in results:
        run = runs.begin(f"{result['method']} on {result['table']}", tags={"benchmark": str(result["suite"])})
        run.log_params({name: result[name] for name in KEPT_AS_PARAMS if name in result})
        run.log_metrics(_figures(result))
        run.log_bytes("result.json", json.dumps(result, ensure_ascii=False).encode())
        run.end("FINISHED" if result["status"] == "done" else "FAILED")
        n_told += 1
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
