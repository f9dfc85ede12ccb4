"""missForest: chained equations with random forests."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from benchmarks.methods.chain import Model, Part, chain_method
from gain_impute.methods import MethodEntry

__all__ = ["MISSFOREST", "fewer_trees"]

N_TREES, MOST_ROUNDS = 100, 10
MOST_VALUES = 40_000_000
LEAST_TREES = 10


def fewer_trees(n_trees: int, part: Part) -> int:
    """How many trees of undepth-limited forests fit into memory.

    scikit-learn keeps a probability of every category in every node; of many rows and many categories that is
    gigabytes, so that trees * rows * categories is kept under 40 million, though never fewer than ten trees are grown.
    """
    return max(LEAST_TREES, min(n_trees, MOST_VALUES // max(1, part.n_rows * part.n_categories)))


def _make_forest(part: Part, *, n_threads: int) -> Model:
    """A forest as the R package grows it: no limit of depth, the square root of the features at each split."""
    options: dict[str, Any] = {"max_features": "sqrt", "random_state": part.seed, "n_jobs": n_threads}
    if part.n_categories:
        classifier: Model = RandomForestClassifier(fewer_trees(N_TREES, part), **options)
        return classifier
    regressor: Model = RandomForestRegressor(N_TREES, **options)
    return regressor


MISSFOREST = MethodEntry(
    name="missforest",
    title="missForest",
    make=lambda setting: chain_method(setting, _make_forest, n_rounds=MOST_ROUNDS, stops_when_worse=True),
    settings={
        "trees": N_TREES,
        "depth": "unlimited",
        "features per split": "square root",
        "rounds": f"until the change grows, at most {MOST_ROUNDS}",
        "text": "50 TF-IDF + SVD features",
    },
    reference="Stekhoven & Bühlmann (2012), MissForest, Bioinformatics 28(1)",
)
