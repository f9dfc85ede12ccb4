"""Methods to compare, all with the same face: ours, and the peers that every shop knows."""

from __future__ import annotations

from functools import partial

from gain_impute.config import PRESETS
from gain_impute.methods.gain import make_gain
from gain_impute.methods.matrix import Filler, Matrix, MatrixMethod
from gain_impute.methods.mean import MeanFiller
from gain_impute.methods.method import (
    Draws,
    GivesProbabilities,
    Method,
    MethodEntry,
    Setting,
    find_method,
    known_methods,
    make_method,
    note_of,
    register_method,
)
from gain_impute.methods.neighbours import NeighboursFiller

__all__ = [
    "Draws",
    "Filler",
    "GivesProbabilities",
    "Matrix",
    "MatrixMethod",
    "MeanFiller",
    "Method",
    "MethodEntry",
    "NeighboursFiller",
    "Setting",
    "find_method",
    "known_methods",
    "make_method",
    "note_of",
    "register_method",
]

register_method(MethodEntry(name="gain", title="gain_impute", make=make_gain))
register_method(
    MethodEntry(
        name="mean",
        title="mean / mode",
        make=lambda setting: MatrixMethod(MeanFiller(), setting),
    )
)
register_method(
    MethodEntry(
        name="median",
        title="median / mode",
        make=lambda setting: MatrixMethod(MeanFiller(statistic="median"), setting),
    )
)
register_method(
    MethodEntry(
        name="knn",
        title="5 nearest neighbours",
        make=lambda setting: MatrixMethod(NeighboursFiller(random_state=setting.seed), setting),
    )
)
register_method(
    MethodEntry(name="gain_generator", title="gain_impute, generator alone", make=partial(make_gain, n_trees=0))
)
for preset, params in PRESETS.items():
    register_method(
        MethodEntry(name=f"gain_{preset}", title=f"gain_impute, {preset}", make=partial(make_gain, **params))
    )
