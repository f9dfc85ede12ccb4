"""Fill the missing cells of product tables, and say how sure each is.

The names below are imported when they are first used, so that what needs no network does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gain_impute.cells import CellState, Imputation
    from gain_impute.config import PRESETS
    from gain_impute.evaluation import Evaluation, evaluate
    from gain_impute.imputer import GAINImputer
    from gain_impute.schema import ColumnSchema, Kind, Schema, infer_schema

__all__ = [
    "PRESETS",
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

_HOMES = {
    "cells": ("CellState", "Imputation"),
    "config": ("PRESETS",),
    "evaluation": ("Evaluation", "evaluate"),
    "imputer": ("GAINImputer",),
    "schema": ("ColumnSchema", "Kind", "Schema", "infer_schema"),
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"gain_impute.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
