"""The heavy peers, registered as methods of comparison when this package is imported.

Each is one module with its entry; what several share stands in `chain` (chained equations), `unit_scale` (values in
[0, 1]) and `outside` (environments of their own).
"""

from __future__ import annotations

from benchmarks.methods.bayesian_ridge import BAYESIAN_RIDGE
from benchmarks.methods.datawig import DATAWIG
from benchmarks.methods.extra_trees import EXTRA_TREES
from benchmarks.methods.gain_2018 import GAIN_2018
from benchmarks.methods.hyperimpute import HYPERIMPUTE
from benchmarks.methods.lightgbm_chain import LIGHTGBM
from benchmarks.methods.miceforest import MICEFOREST
from benchmarks.methods.missforest import MISSFOREST
from benchmarks.methods.remasker import REMASKER
from benchmarks.methods.tabpfn import TABPFN
from gain_impute.methods import register_method

__all__ = ["PEERS"]

PEERS = (
    BAYESIAN_RIDGE,
    MISSFOREST,
    EXTRA_TREES,
    LIGHTGBM,
    MICEFOREST,
    HYPERIMPUTE,
    GAIN_2018,
    REMASKER,
    DATAWIG,
    TABPFN,
)
"""All of them, in the order of reports."""

for _entry in PEERS:
    register_method(_entry)
