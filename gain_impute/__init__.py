"""Fill the missing cells of product tables, and say how sure each is."""

from __future__ import annotations

from importlib.metadata import version

from gain_impute.cells import CellState, Imputation
from gain_impute.evaluation import Evaluation, evaluate
from gain_impute.imputer import GAINImputer
from gain_impute.schema import ColumnSchema, Kind, Schema, infer_schema

__all__ = [
    "CellState",
    "ColumnSchema",
    "Evaluation",
    "GAINImputer",
    "Imputation",
    "Kind",
    "Schema",
    "evaluate",
    "infer_schema",
]

__version__ = version("gain-impute")
