"""Results of a benchmark that never ran: what the harness would write, from filled tables that are made up."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["METHODS", "make_result", "make_results", "make_unfinished"]

N_GROUPS = 20
METHODS = {  # name: (title, how much of the noise it leaves, share of categories it gets right, seconds)
    "gain": ("gain_impute", 0.42, 0.82, 60.0),
    "mean": ("mean / mode", 1.0, 0.38, 0.05),
    "knn": ("5 nearest neighbours", 0.62, 0.6, 2.0),
    "missforest": ("missForest", 0.48, 0.76, 40.0),
    "lightgbm": ("LightGBM chain", 0.44, 0.8, 80.0),
}
CATEGORIES = ("Acme", "Zeta", "Café", "是", "Orrin", "Bell")


def make_results(
    *,
    tables: Sequence[str] = ("laptops", "phones"),
    methods: Sequence[str] = tuple(METHODS),
    mechanisms: Sequence[str] = ("mcar",),
    rates: Sequence[float] = (0.2,),
    seeds: Sequence[int] = (0, 1, 2),
    **changes: Any,
) -> list[dict[str, Any]]:
    """Make the results of every combination; `changes` goes to `make_result`."""
    return [
        make_result(table=table, method=method, mechanism=mechanism, rate=rate, seed=seed, **changes)
        for table in tables
        for mechanism in mechanisms
        for rate in rates
        for method in methods
        for seed in seeds
    ]


def make_result(
    *,
    table: str = "laptops",
    method: str = "gain",
    mechanism: str = "mcar",
    rate: float = 0.2,
    seed: int = 0,
    suite: str = "catalogue",
    numeric: Sequence[str] = ("price", "weight_kg", "reviews"),
    categorical: Sequence[str] = ("brand", "colour"),
    n_hidden: int = 250,
) -> dict[str, Any]:
    """Make what one run would have written; the same names give the same figures."""
    title, noise, share_right, fit_s = METHODS.get(method, (method, 0.5, 0.7, 10.0))
    noise, share_right = noise * (1 + rate) / 1.2, share_right * (1 - rate) / 0.8
    cells = f"{table} {mechanism} {rate} {seed}"
    inside = _filler(cells, method, noise, share_right, n_hidden)
    outside = _filler(f"{cells} new", method, noise * 1.06, share_right * 0.97, n_hidden)
    return {
        "format": 1,
        "suite": suite,
        "table": table,
        "mechanism": mechanism,
        "rate": rate,
        "method": method,
        "title": title,
        "seed": seed,
        "status": "done",
        "reason": "",
        "note": "neighbours are sought among 5,000 rows" if method == "knn" else "",
        "n_rows": 1303,
        "n_rows_in_file": 1303,
        "n_columns": len(numeric) + len(categorical) + 1,
        "n_hidden": n_hidden * (len(numeric) + len(categorical)),
        "n_test_rows": 260,
        "settings": {"n_trees": 100} if method == "missforest" else {},
        "versions": {"python": "3.11.7", "gain-impute": "0.1.0", "torch": "2.13.0"},
        "machine": {"processor": "AMD EPYC", "n_cores": 2, "system": "Linux", "n_threads": 1, "device": "cpu"},
        "commit": "aac375e",
        "date": "2026-11-24",
        "seconds": {"fit": fit_s * (1 + seed / 10), "transform": fit_s / 50, "one_row": 0.004},
        "peak_mib": 310.0,
        "model_mib": 4.2,
        "in_sample": inside.scores(numeric, categorical),
        "out_of_sample": outside.scores(numeric, categorical),
        "downstream": [{"target": "price", "kind": "numeric", "score": "r2", "complete": 0.91, "filled": 0.88}],
    }


def make_unfinished(status: str = "timed out", reason: str = "it took more than 150 s", **names: Any) -> dict[str, Any]:
    """Make what a run writes that has no scores."""
    nothing = {"seconds": {}, "peak_mib": None, "model_mib": None, "in_sample": None, "out_of_sample": None}
    return {**make_result(**names), **nothing, "status": status, "reason": reason, "downstream": []}


@dataclass
class _Filler:
    """A method that fills made-up columns: the truth hangs on the cells alone, so that all are asked the same."""

    truth: np.random.Generator
    own: np.random.Generator
    noise: float
    share_right: float
    groups: np.ndarray[Any, Any]
    examples: dict[str, Any] = field(default_factory=dict)

    def scores(self, numeric: Sequence[str], categorical: Sequence[str]) -> dict[str, Any]:
        columns = [self.numbers(name, has_tail=i == 2) for i, name in enumerate(numeric)]
        columns += [self.categories(name) for name in categorical]
        is_sure = self.noise < 0.8 and categorical
        claims = [0.5 + tenth / 20 for tenth in range(10)]
        bins = [{"confidence": claim, "right": claim - self.own.uniform(-0.03, 0.05), "n": 25} for claim in claims]
        return {
            "overall": _overall(columns),
            "columns": columns,
            "calibration": bins if is_sure else [],
            "examples": self.examples,
        }

    def numbers(self, name: str, *, has_tail: bool) -> dict[str, Any]:
        n_hidden, left = len(self.groups), 1 - self.noise**2
        value = self.truth.standard_t(2.5, n_hidden) if has_tail else self.truth.normal(0, 1, n_hidden)
        std = float(value.std())
        shift = self.own.normal(0, self.noise, n_hidden) * std * np.sqrt(max(left, 0))
        filled = np.zeros_like(value) if left <= 0 else value * left + shift
        gap = np.abs(filled - value) / std
        self.examples[name] = {"truth": (100 + 20 * value[:100]).tolist(), "filled": (100 + 20 * filled[:100]).tolist()}
        gives_intervals = self.noise < 0.44
        error = float(np.sqrt((gap**2).mean()))
        return {
            "column": name,
            "kind": "numeric",
            "n_hidden": n_hidden,
            "error": error,
            "rmse": error * 20 * std,
            "mae": float(gap.mean()),
            "r2": 1 - error**2,
            "crps": float(gap.mean() * 0.7),
            "coverage": {"50": 0.52, "80": 0.79, "90": 0.88, "95": 0.93} if gives_intervals else {},
            "width": {"50": 0.5, "80": 1.0, "90": 1.4, "95": 1.7} if gives_intervals else {},
            "groups": self.spread(gap**2),
        }

    def categories(self, name: str) -> dict[str, Any]:
        n_hidden = len(self.groups)
        codes = np.minimum(self.truth.geometric(0.4, n_hidden) - 1, len(CATEGORIES) - 1)
        filled = np.where(self.own.random(n_hidden) < self.share_right, codes, 0)
        counts = {"truth": np.bincount(codes), "filled": np.bincount(filled)}
        self.examples[name] = {
            side: {CATEGORIES[code]: int(n) for code, n in enumerate(found) if n} for side, found in counts.items()
        }
        share = float((filled == codes).mean())
        return {
            "column": name,
            "kind": "categorical",
            "n_hidden": n_hidden,
            "accuracy": share,
            "macro_f1": share * 0.9,
            "precision": share * 0.92,
            "recall": share * 0.9,
            "log_loss": 1.2 - share,
            "brier": 1.1 - share,
            "calibration_error": 0.03,
            "groups": self.spread((filled != codes).astype(float)),
        }

    def spread(self, loss: np.ndarray[Any, Any]) -> dict[str, list[float]]:
        n = np.bincount(self.groups, minlength=N_GROUPS)
        return {"n": n.tolist(), "loss": np.bincount(self.groups, weights=loss, minlength=N_GROUPS).tolist()}


def _filler(cells: str, name: str, noise: float, share_right: float, n_hidden: int) -> _Filler:
    truth = np.random.default_rng(zlib.crc32(cells.encode()))
    own = np.random.default_rng(zlib.crc32(f"{cells}{name}".encode()))
    groups = truth.integers(0, N_GROUPS, n_hidden)
    return _Filler(truth=truth, own=own, noise=noise, share_right=share_right, groups=groups)


def _overall(columns):
    def mean(key):
        found = [column[key] for column in columns if column.get(key) is not None]
        return float(np.mean(found)) if found else None

    spoken = [column["coverage"] for column in columns if column.get("coverage")]
    return {
        "error": mean("error"),
        "mae": mean("mae"),
        "r2": mean("r2"),
        "unit_rmse": None if mean("error") is None else mean("error") / 6,
        "accuracy": mean("accuracy"),
        "macro_f1": mean("macro_f1"),
        "log_loss": mean("log_loss"),
        "brier": mean("brier"),
        "calibration_error": mean("calibration_error"),
        "crps": mean("crps"),
        "energy_distance": None,
        "coverage": spoken[0] if spoken else {},
        "width": {},
    }
