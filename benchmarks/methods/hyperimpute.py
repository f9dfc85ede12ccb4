"""HyperImpute: chained equations that choose a model for each column in each round."""

from __future__ import annotations

from benchmarks.methods.outside import OutsideFiller, python_of
from gain_impute.methods import MatrixMethod, Method, MethodEntry, Setting

__all__ = ["HYPERIMPUTE"]

MOST_CATEGORIES = 30
"""Columns of more categories are given to it as numbers: it fits eight models to each column of categories."""


def _make(setting: Setting) -> Method:
    python_of("hyperimpute")
    filler = OutsideFiller(
        name="hyperimpute",
        options={"most_categories": MOST_CATEGORIES},
        n_threads=setting.n_threads,
        max_time_s=setting.max_time_s,
        random_state=setting.seed,
    )
    return MatrixMethod(filler, setting)


HYPERIMPUTE = MethodEntry(
    name="hyperimpute",
    title="HyperImpute",
    make=_make,
    settings={
        "version": "0.1.17, pandas 2.3.3",
        "models": "its own: forests, linear models, XGBoost, CatBoost",
        "rounds": "its own rule, at most 40, or until time is nearly over",
        "categories": f"as such up to {MOST_CATEGORIES}, above as codes",
        "other rows": "filled with the models of its last round: its own transform learns anew",
        "text": "50 TF-IDF + SVD features",
    },
    reference="Jarrett et al. (2022), HyperImpute, ICML",
)
