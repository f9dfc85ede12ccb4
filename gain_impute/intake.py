"""From what a user passes to what the imputer works with: tables, schemas, seeds, devices."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from gain_impute.errors import (
    ColumnMismatchError,
    ConfigError,
    ModelFormatError,
    SchemaError,
    TableError,
    named,
    nearest_spelling,
)
from gain_impute.filled_frames import has_foreign_values
from gain_impute.frames import is_frame, is_polars, to_pandas
from gain_impute.parameters import checked_configs
from gain_impute.schema import Kind, Schema, infer_schema, read_schema
from gain_impute.schema.reading import clean_missing_values

__all__ = [
    "describe",
    "input_names",
    "read_table",
    "resolve_schema",
    "restore",
    "saw_array",
    "seed_of",
    "torch_device",
]

INDICATOR = "missingindicator_"  # begins the name of an indicator column, in scikit-learn too
SEEDS = 2**64  # that torch knows


def read_table(imputer: BaseEstimator, X: Any, *, reset: bool, to_learn: bool = False) -> tuple[Any, pd.DataFrame]:
    """Check a table against what fit saw, or take note of it in fit.

    Parameters
    ----------
    imputer : GAINImputer
        Its `n_features_in_` and `feature_names_in_` are set if `reset`, else compared.
    X : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
        Masked cells of a masked array are missing.
    reset : bool
        True in fit.
    to_learn : bool, default=False
        True where rows are needed: in fit and in partial fit.

    Returns
    -------
    table : DataFrame or ndarray
        X, or the array made of it.
    frame : DataFrame
        The same as pandas, for reading.

    Raises
    ------
    TableError
        If there is no row to learn from, no column, two columns of one name, or one of a type that pandas cannot read.
    ColumnMismatchError
        If the columns are not those seen in fit.
    ValueError
        If an array is not numeric, not of two dimensions, sparse, or holds infinity.
    """
    if is_polars(X) and not is_frame(X):
        raise TableError(
            f"A table of polars must be a DataFrame. Got a {type(X).__name__}. Call collect() or to_frame()."
        )
    if isinstance(X, np.ma.MaskedArray):  # which scikit-learn would read as though nothing were masked
        X = np.ma.filled(X if X.dtype.kind == "f" else X.astype(np.float64), np.nan)
    if not is_frame(X) or (not reset and saw_array(imputer)):
        least = 1 if to_learn else 0
        array = validate_data(
            imputer, X, reset=reset, dtype="numeric", ensure_all_finite="allow-nan", ensure_min_samples=least
        )
        if array.dtype == object:  # a list with None among its numbers
            array = array.astype(np.float64)
        return array, to_pandas(array)
    names = [str(name) for name in X.columns]
    if reset and imputer.add_indicator:
        _check_names_of_indicators(names)
    _check_columns(names, X)
    if not names or (to_learn and len(X) == 0):
        raise TableError(f"A table must have at least one row and one column. Got {len(X)} x {len(names)}.")
    try:
        validate_data(imputer, X, reset=reset, skip_check_array=True)
    except ValueError as error:
        raise ColumnMismatchError(f"{str(error).rstrip()}\nRename or reorder the columns, or fit again.") from error
    seen = names if reset else list(getattr(imputer, "schema_", names))
    if seen != names:  # scikit-learn takes no note of names that are no texts
        raise ColumnMismatchError(
            f"Feature names must be those seen in fit, in the same order as they were in fit: {named(seen)}. "
            f"Got {named(names)}. Rename or reorder the columns, or fit again."
        )
    return X, to_pandas(X)


def _check_columns(names: list[str], table: Any) -> None:
    """Refuse columns of one name, and those whose values pandas cannot make."""
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise TableError(f"The names of columns must differ. Got {named(repeated)} more than once. Rename them.")
    dtypes = () if is_polars(table) else zip(names, table.dtypes, strict=True)
    unread = {name: str(dtype) for name, dtype in dtypes if _is_unread(dtype)}
    if unread:
        raise TableError(
            f"The types of columns must be ones that pandas reads. Got {unread}. Decode them, as with "
            "pyarrow.compute.run_end_decode(), or leave the columns out."
        )


def _check_names_of_indicators(names: list[str]) -> None:
    """Refuse columns of which an indicator would take the name."""
    taken = [name for name in names if name.removeprefix(INDICATOR) in names and name.startswith(INDICATOR)]
    if taken:
        raise TableError(
            f"With add_indicator=True no column may be named as the indicator of another. Got {named(taken)}. "
            "Rename them, or leave the indicator out."
        )


def _is_unread(dtype: Any) -> bool:
    """Whether pandas holds cells of a type of Arrow whose values it cannot make, such as runs of equal ones."""
    if not isinstance(dtype, pd.ArrowDtype):
        return False
    try:
        return dtype.type is None
    except NotImplementedError:  # which is how pandas says it: there is no list of such types to ask
        return True


def saw_array(imputer: BaseEstimator) -> bool:
    """Whether fit saw an array: its columns have no names, so a frame counts as an array too."""
    names = [f"x{i}" for i in range(imputer.n_features_in_)] if hasattr(imputer, "schema_") else None
    return not hasattr(imputer, "feature_names_in_") and names is not None and list(imputer.schema_) == names


def resolve_schema(
    schema: Schema | Mapping[str, str | Kind] | str | os.PathLike[str] | None,
    missing_values: object,
    table: Any,
    frame: pd.DataFrame,
) -> Schema:
    """Make the schema of a table from the `schema` parameter.

    Parameters
    ----------
    schema : Schema, mapping of str to kind, path or None
    missing_values : scalar or iterable
        The estimator's parameter.
    table : DataFrame or ndarray
        As the user passed it: the columns of an array are always numeric.
    frame : DataFrame
        The same, as pandas.

    Raises
    ------
    SchemaError
        If the schema has other columns than the table.
    ConfigError
        If the parameter is of another type.
    """
    markers = clean_missing_values(missing_values)
    if isinstance(schema, str | os.PathLike):
        schema = read_schema(Path(schema))
    if isinstance(schema, Schema):
        return _without_foreign(_matched(schema, markers, frame), frame)
    if schema is not None and not isinstance(schema, Mapping):
        raise ConfigError(
            "The 'schema' parameter of GAINImputer must be a Schema, a mapping of column to kind, a path or None. "
            f"Got {type(schema).__name__} instead."
        )
    kinds: dict[str, str | Kind] = {} if is_frame(table) else dict.fromkeys(frame.columns, Kind.NUMERIC)
    kinds.update(schema or {})  # type: ignore[arg-type]  # a Schema has been returned above
    return _without_foreign(infer_schema(frame, missing_values=markers, kinds=kinds), frame)


def _without_foreign(schema: Schema, frame: pd.DataFrame) -> Schema:
    """Leave the holes of columns whose values could not be made from text."""
    for position, name in enumerate(schema):
        if schema[name].is_fillable and has_foreign_values(frame.iloc[:, position]):
            schema = schema.replace(name, fill=False)
    return schema


def _matched(schema: Schema, markers: tuple[str | float, ...], frame: pd.DataFrame) -> Schema:
    """Put the schema's columns into the table's order, infer those of which it says nothing, and add the markers."""
    names, markers = list(frame.columns), (*schema.missing_values, *markers)
    unexpected = [name for name in schema if name not in names]
    if unexpected:
        raise SchemaError(
            f"The schema must name columns of the table. The table lacks {named(unexpected)}."
            f"{nearest_spelling(unexpected[0], names) or ' Correct the schema, or the table.'}"
        )
    others = [name for name in names if name not in schema]
    inferred = infer_schema(frame[others], missing_values=markers) if others else schema
    return Schema(
        [schema[name] if name in schema else inferred[name] for name in names],
        missing_values=markers,
        record_key=schema.record_key,
        time=schema.time,
    )


def seed_of(random_state: int | np.random.Generator | np.random.RandomState | None) -> int:
    """Draw the one seed that all randomness follows from; the global generators are not touched.

    Raises
    ------
    ConfigError
        If `random_state` is none of the four, or too large for torch.
    """
    match random_state:
        case None:
            return int(np.random.SeedSequence().generate_state(1)[0])
        case np.random.Generator():
            return int(random_state.integers(2**31))
        case np.random.RandomState():
            return int(random_state.randint(2**31 - 1))
        case int() | np.integer() if not isinstance(random_state, bool) and 0 <= random_state < SEEDS:
            return int(random_state)
    raise ConfigError(
        "The 'random_state' parameter of GAINImputer must be an int from 0 to 2**64 - 1, a Generator, a RandomState "
        f"or None. Got {random_state!r} instead."
    )


def torch_device(device: str) -> torch.device:
    """Find the device: "auto" is a GPU if there is one, else the CPU.

    Raises
    ------
    ConfigError
        If torch knows no such device, or it is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
        torch.zeros((), device=found).item()  # from "meta" nothing comes back
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ConfigError(
            "The 'device' parameter of GAINImputer must be 'auto' or a device of torch that is there. "
            f"Got {device!r} instead."
        ) from error
    return found


def input_names(imputer: BaseEstimator, input_features: Sequence[str] | None) -> NDArray[np.object_]:
    """Names of the input columns: those seen in fit, or those given where fit saw an array.

    Raises
    ------
    ColumnMismatchError
        If those given are not those seen, or not as many.
    """
    seen = getattr(imputer, "feature_names_in_", None)
    if input_features is None:
        return np.array(list(imputer.schema_), dtype=object) if seen is None else seen
    names = np.asarray(input_features, dtype=object)
    if seen is not None and not np.array_equal(seen, names):
        raise ColumnMismatchError("input_features is not equal to feature_names_in_. Leave it out.")
    if len(names) != imputer.n_features_in_:
        raise ColumnMismatchError(
            f"input_features should have length equal to number of features ({imputer.n_features_in_}), "
            f"got {len(names)}."
        )
    return names


def describe(imputer: BaseEstimator) -> dict[str, Any]:
    """What a model folder says of the estimator besides its state, as JSON values.

    The device is the machine's and left out; the schema is saved with the state.
    """
    params = imputer.get_params(deep=False)
    del params["device"]
    params["schema"] = None
    params["missing_values"] = list(clean_missing_values(params["missing_values"])) or None
    if not isinstance(params["random_state"], int | np.integer):
        params["random_state"] = None
    if isinstance(params["min_confidence"], Mapping):
        params["min_confidence"] = _plain(params["min_confidence"])
    if params["variants"] is not None:
        params["variants"] = [_plain(differs) for differs in params["variants"]]
    names, indicator = getattr(imputer, "feature_names_in_", None), imputer.indicator_
    return {
        "params": _plain(params),
        "n_features_in": imputer.n_features_in_,
        "feature_names_in": None if names is None else [str(name) for name in names],
        "indicated": None if indicator is None else [int(i) for i in indicator.features_],
        "unreadable": imputer.unreadable_,
    }


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """The same with Python's own numbers."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in params.items()}


def restore(imputer: BaseEstimator, description: dict[str, Any], names: list[str]) -> list[int] | None:
    """Give an estimator the parameters and input columns that `describe` took down; `names` are those of its columns.

    Returns
    -------
    list of int or None
        Positions of the columns that have an indicator; None where indicators are not appended.

    Raises
    ------
    ModelFormatError
        If the description is not one that `describe` made.
    """
    try:
        params, seen, indicated = dict(description["params"]), description["feature_names_in"], description["indicated"]
        params["missing_values"] = np.nan if params["missing_values"] is None else params["missing_values"]
        imputer.set_params(**params)
        checked_configs(imputer)
        if description["n_features_in"] != len(names) or seen not in (None, names):
            raise ValueError("columns")  # noqa: TRY301 - a sentence of our own would be the same for all of these
        if indicated is not None and not set(indicated) <= set(range(len(names))):
            raise ValueError("indicated")  # noqa: TRY301
        imputer.n_features_in_, imputer.unreadable_ = len(names), dict(description["unreadable"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFormatError(f"The model's description of the estimator is damaged ({error}). Fit again.") from error
    if seen is not None:
        imputer.feature_names_in_ = np.array(seen, dtype=object)
    return None if indicated is None else list(indicated)
