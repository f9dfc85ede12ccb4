"""Hyper-parameters found for a table of one's own, with Optuna."""

from __future__ import annotations

from gain_impute.tuning.space import Dimension, SearchSpace
from gain_impute.tuning.tuner import TuningResult, tune

__all__ = ["Dimension", "SearchSpace", "TuningResult", "tune"]
