"""Chained equations with gradient-boosted trees."""

from __future__ import annotations

import importlib.util
from typing import Any

from benchmarks.methods.chain import Model, Part, chain_method
from gain_impute.errors import MethodUnavailableError
from gain_impute.methods import Method, MethodEntry, Setting

__all__ = ["LIGHTGBM"]

N_TREES, N_ROUNDS = 100, 4
MOST_CELLS_OF_TREES = 3_000


def _make_boosted(part: Part, *, n_threads: int) -> Model:
    """LightGBM with its own defaults; fewer rounds of boosting for many categories, since each has a tree a round."""
    from lightgbm import LGBMClassifier, LGBMRegressor  # noqa: PLC0415  an extra: not everybody has it

    options: dict[str, Any] = {
        "random_state": part.seed,
        "n_jobs": n_threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    if part.n_categories:
        n_trees = max(10, min(N_TREES, MOST_CELLS_OF_TREES // part.n_categories))
        return LGBMClassifier(n_estimators=n_trees, **options)
    return LGBMRegressor(n_estimators=N_TREES, **options)


def _make(setting: Setting) -> Method:
    if importlib.util.find_spec("lightgbm") is None:
        raise MethodUnavailableError(
            "The LightGBM chain needs the package lightgbm, which is not installed. "
            "Install the extra: pip install 'gain-impute[benchmark]'."
        )
    return chain_method(setting, _make_boosted, n_rounds=N_ROUNDS)


LIGHTGBM = MethodEntry(
    name="lightgbm",
    title="LightGBM chain",
    make=_make,
    settings={
        "trees": N_TREES,
        "leaves": 31,
        "learning rate": 0.1,
        "rounds": N_ROUNDS,
        "text": "50 TF-IDF + SVD features",
    },
    reference="Ke et al. (2017), LightGBM, NeurIPS",
)
