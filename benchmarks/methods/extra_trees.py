"""Chained equations with extremely randomised trees."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from benchmarks.methods.chain import Model, Part, chain_method
from benchmarks.methods.missforest import fewer_trees
from gain_impute.methods import MethodEntry

__all__ = ["EXTRA_TREES"]

N_TREES, N_ROUNDS = 100, 2
LEAST_FEATURES = 16


def _make_trees(part: Part, *, n_threads: int) -> Model:
    """Trees without a limit of depth; of the features, a third but at least 16 are tried at each split for numbers."""
    options: dict[str, Any] = {"random_state": part.seed, "n_jobs": n_threads}
    if part.n_categories:
        classifier: Model = ExtraTreesClassifier(fewer_trees(N_TREES, part), **options)
        return classifier
    regressor: Model = ExtraTreesRegressor(N_TREES, max_features=_n_tried(part.n_features), **options)
    return regressor


def _n_tried(n_features: int) -> int:
    """Features tried at each split of a regression: fewer than all where there are many, for time."""
    return min(n_features, max(LEAST_FEATURES, n_features // 3))


EXTRA_TREES = MethodEntry(
    name="extra_trees",
    title="iterated ExtraTrees",
    make=lambda setting: chain_method(setting, _make_trees, n_rounds=N_ROUNDS),
    settings={
        "trees": N_TREES,
        "depth": "unlimited",
        "features per split": f"a third, at least {LEAST_FEATURES}, for numbers; square root for categories",
        "rounds": N_ROUNDS,
        "text": "50 TF-IDF + SVD features",
    },
    reference="Geurts, Ernst & Wehenkel (2006), Extremely randomized trees, Machine Learning 63",
)
