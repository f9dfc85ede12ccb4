"""miceforest: multiple imputation by chained equations with LightGBM."""

from __future__ import annotations

from benchmarks.methods.outside import DrawingOutsideFiller, python_of
from gain_impute.methods import Method, MethodEntry, Setting
from gain_impute.methods.matrix import DrawingMatrixMethod

__all__ = ["MICEFOREST"]

OPTIONS = {"n_datasets": 2, "n_rounds": 4, "mean_match_candidates": 5}


def _make(setting: Setting) -> Method:
    python_of("miceforest")
    filler = DrawingOutsideFiller(
        name="miceforest",
        options=OPTIONS,
        n_threads=setting.n_threads,
        max_time_s=setting.max_time_s,
        random_state=setting.seed,
    )
    return DrawingMatrixMethod(filler, setting)


MICEFOREST = MethodEntry(
    name="miceforest",
    title="miceforest",
    make=_make,
    settings={
        "version": "6.0.5",
        "models": "its default: LightGBM as a random forest, 48 trees of depth 8",
        "rounds": f"{OPTIONS['n_rounds']}, fewer where time is nearly over",
        "best value": "what the models predict, without mean matching",
        "draws": f"mean matching among 5 candidates, from {OPTIONS['n_datasets']} data sets",
        "text": "50 TF-IDF + SVD features",
    },
    reference="Wilson, miceforest 6.0.5; van Buuren & Groothuis-Oudshoorn (2011), mice, JSS 45(3)",
)
