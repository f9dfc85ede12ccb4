"""Methods that a benchmark must survive: a plug-in, imported in the processes of runs."""

from __future__ import annotations

import os
import time

import numpy as np
import pandas as pd

from gain_impute.errors import MethodUnavailableError
from gain_impute.methods import MatrixMethod, MeanFiller, MethodEntry, Setting, make_method, register_method


class Mean:
    """The mean, under another name, with something done to what it fills."""

    def __init__(self, setting: Setting, spoil=lambda _, filled: filled) -> None:
        self.method, self.spoil = MatrixMethod(MeanFiller(), setting), spoil

    def fit_transform(self, table: pd.DataFrame) -> pd.DataFrame:
        return self.spoil(table, self.method.fit_transform(table))

    transform = fit_transform


def unavailable(setting: Setting):
    raise MethodUnavailableError("There must be a package. It is not here. Install it.")


def leave_a_hole(visible: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    return filled.assign(price=visible["price"])


def change_a_cell(visible: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    return filled.assign(price=filled["price"] + 1)


def crash(visible: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    raise ZeroDivisionError("nothing can be divided by it")


def die(visible: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    os._exit(7)


def sleep(visible: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    time.sleep(600)
    return filled


def hoard(visible: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    held = np.ones(160_000_000)  # 1.2 GiB
    time.sleep(600)
    return filled.head(len(held))


for name, spoil in {
    "secret_mean": lambda _, filled: filled,
    "holes": leave_a_hole,
    "changes": change_a_cell,
    "crashes": crash,
    "dies": die,
    "sleeps": sleep,
    "hoards": hoard,
}.items():
    register_method(MethodEntry(name=name, title=name, make=lambda setting, spoil=spoil: Mean(setting, spoil)))
register_method(MethodEntry(name="unavailable", title="unavailable", make=unavailable))
register_method(MethodEntry(name="fine", title="fine", make=lambda setting: make_method("knn", setting)))
