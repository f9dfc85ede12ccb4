"""A fitted imputer as a model of MLflow: logged, registered, served, promoted; without pickle.

What is logged is the model folder that `GAINImputer.save` writes, and a few lines of code that load it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.tracking import MlflowClient
from mlflow.types.schema import AnyType, ColSpec, DataType, TensorSpec
from mlflow.types.schema import Schema as Specs
from sklearn.utils.validation import check_is_fitted

from gain_impute.errors import ColumnMismatchError, ConfigError
from gain_impute.evaluation.exam import Exam, Lead, paired_lead
from gain_impute.frames import to_pandas
from gain_impute.imputer import GAINImputer
from gain_impute.intake import saw_array
from gain_impute.tracking.registered import check_alias_of, find_version, need_version
from gain_impute.tracking.runs import Runs, make_store_folder, tracking_uri
from gain_impute.tracking.sending import experiment_id

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "CONFIDENCE",
    "PyfuncImputer",
    "alias_of_next",
    "load_model",
    "log_model",
    "promote",
]

CONFIDENCE = "_confidence"
"""What a column's name ends in that holds the confidence of another one's filled cells."""
CHAMPION, CHALLENGER = "champion", "challenger"
"""What the version in use is called, and the one that wants to take its place."""
FOLDER = "imputer"
N_EXAMPLES = 3
CODE = """\
from mlflow.models import set_model

from gain_impute.mlflow_flavor import PyfuncImputer

set_model(PyfuncImputer())
"""
REQUIREMENTS = ("gain-impute", "torch", "pandas", "numpy", "scikit-learn")


class PyfuncImputer(PythonModel):
    """What MLflow serves: a table in, the filled table out, with a column of confidence for each that is filled."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model folder.

        Parameters
        ----------
        context : PythonModelContext
            Where MLflow put it.
        """
        self.imputer = GAINImputer.load(context.artifacts[FOLDER])

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Fill a table.

        Parameters
        ----------
        context : PythonModelContext
            Not used.
        model_input : DataFrame of shape (n_rows, n_columns)
            Rows with the columns seen in fit.
        params : dict, optional
            Not used.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns + n_fillable)
            The table, filled; then for each column that can be filled the confidence of its filled cells. What is still
            empty, and the confidence of cells that were known, is None: JSON knows no NaN.
        """
        filled = filled_with_confidence(self.imputer, model_input)
        for name in filled.columns[filled.isna().any()]:
            filled[name] = filled[name].astype(object).where(filled[name].notna(), None)
        return filled


def filled_with_confidence(imputer: GAINImputer, table: pd.DataFrame) -> pd.DataFrame:
    """Fill a table and append what is known of its filled cells.

    Parameters
    ----------
    imputer : GAINImputer
        Fitted.
    table : DataFrame of shape (n_rows, n_columns)
        Rows with the columns seen in fit.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns + n_fillable)
        The filled table, then a column of confidence for each that can be filled, NaN where a cell was known.
    """
    rows = table.reset_index(drop=True)
    result = imputer.impute(rows.to_numpy() if saw_array(imputer) else rows)
    filled = to_pandas(result.table)
    said = result.cells[result.cells["state"] == "imputed"]
    confidence = said.pivot_table(index="position", columns="column", values="confidence", aggfunc="first")
    for name in _fillable(imputer):
        values = confidence[name] if name in confidence else pd.Series(dtype=float)
        filled[f"{name}{CONFIDENCE}"] = values.reindex(range(len(filled))).astype(float)
    return filled


def log_model(
    imputer: GAINImputer,
    example: Any,
    *,
    name: str = "model",
    registered_name: str | None = None,
    alias: str | None = None,
    run_id: str | None = None,
) -> str:
    """Log a fitted imputer as a model.

    Parameters
    ----------
    imputer : GAINImputer
        Fitted; columns of an array are named ``x0``, ``x1``, ...
    example : DataFrame (pandas or polars) of shape (n_rows, n_columns)
        Rows like those of fit: they give the signature its types, and the first three are kept as an example. Do not
        pass what must not be kept.
    name : str, default="model"
        Name of the model within its run.
    registered_name : str, optional
        Also register it as a new version under this name.
    alias : str, optional
        What to call that version, e.g. "champion" or "challenger".
    run_id : str, optional
        The run to log it to; the active one, or a new one, if not given.

    Returns
    -------
    str
        The model's URI, for `load_model` and ``mlflow models serve``.

    Raises
    ------
    ColumnMismatchError
        If the example's columns are not those of fit, or one has the name that another's confidence would take.
    ConfigError
        If there is an alias, but no version that could have it.
    """
    check_is_fitted(imputer)
    if alias is not None and registered_name is None:
        raise ConfigError(
            f"An alias must be that of a registered model. Got {alias!r} without 'registered_name'. Give it too."
        )
    example = to_pandas(example)
    taken = {f"{column}{CONFIDENCE}" for column in _fillable(imputer)} & set(imputer.schema_)
    if taken or list(example.columns) != list(imputer.schema_):
        raise ColumnMismatchError(
            "The example must have the columns seen in fit, and none of them may be named like a column of confidence. "
            f"Got {list(example.columns)[:5]}, and {sorted(taken)[:5]} are taken. Rename the columns, or fit again."
        )
    with tempfile.TemporaryDirectory() as scratch, _store(), _run(run_id):
        folder, code = Path(scratch, FOLDER), Path(scratch, "serve_imputer.py")
        imputer.save(folder)
        code.write_text(CODE, encoding="utf-8")
        info = mlflow.pyfunc.log_model(
            name=name,
            python_model=str(code),
            artifacts={FOLDER: str(folder)},
            signature=signature_of(imputer, example),
            input_example=example.head(N_EXAMPLES).reset_index(drop=True),
            pip_requirements=[f"{package}=={version(package).partition('+')[0]}" for package in REQUIREMENTS],
            registered_model_name=registered_name,
            metadata={"model_id": imputer.state_.model_id()},
        )
        if registered_name is not None and alias is not None:
            MlflowClient().set_registered_model_alias(registered_name, alias, info.registered_model_version)
    uri: str = info.model_uri
    return uri


def load_model(uri: str) -> GAINImputer:
    """Load an imputer that was logged; no code of the model is run.

    Parameters
    ----------
    uri : str
        Of the model: ``models:/shop@champion``, ``models:/shop/3``, ``runs:/RUN_ID/model`` or the folder of a logged
        model. (That of `GAINImputer.save` is read by `GAINImputer.load`.)

    Returns
    -------
    GAINImputer
        It fills cells as the logged one does.

    Raises
    ------
    ConfigError
        If the registered model has no version of that alias.
    ModelFormatError
        If what is there is no imputer.
    """
    with tempfile.TemporaryDirectory() as scratch, _store():
        check_alias_of(uri, MlflowClient())
        folder = Path(mlflow.artifacts.download_artifacts(uri, dst_path=scratch))
        return GAINImputer.load(folder / "artifacts" / FOLDER)


def alias_of_next(registered_name: str) -> str:
    """Say what the next version of a registered model is to be called.

    Parameters
    ----------
    registered_name : str
        The registered model; it need not exist.

    Returns
    -------
    str
        "challenger", to be compared by `promote`; "champion" where there is none yet.
    """
    with _store():
        return CHAMPION if find_version(MlflowClient(), registered_name, CHAMPION) is None else CHALLENGER


def promote(
    registered_name: str,
    table: Any,
    *,
    challenger: str = CHALLENGER,
    champion: str = CHAMPION,
    rate: float = 0.2,
    random_state: int = 0,
) -> Lead | None:
    """Compare two registered versions on rows that neither has seen, and promote the challenger if it is better.

    The same known cells are hidden from both. The challenger becomes the champion only if its lead exceeds the noise:
    the 90 % interval of a paired bootstrap over rows lies above 0. Where there is no champion, it becomes it at once.

    Parameters
    ----------
    registered_name : str
        The registered model.
    table : DataFrame (pandas or polars) of shape (n_rows, n_columns)
        A new table with the columns of both.
    challenger, champion : str
        Aliases of the two versions.
    rate : float in (0, 1), default=0.2
        Share of the known cells of each column to hide.
    random_state : int, default=0
        Seed of the hiding.

    Returns
    -------
    Lead or None
        The champion's score as `first`, the challenger's as `second`; None where there was no champion.

    Raises
    ------
    ConfigError
        If there is no such model or challenger.
    mlflow.exceptions.MlflowException
        If the server is lost.
    ColumnMismatchError
        If the table's columns are not those of both.
    """
    with _store():
        client = MlflowClient()
        candidate = need_version(client, registered_name, challenger)
        lead = None
        if find_version(client, registered_name, champion) is not None:
            old, new = (load_model(f"models:/{registered_name}@{alias}") for alias in (champion, challenger))
            frame = to_pandas(table)
            for version_of in (old, new):
                _check_columns(frame, version_of)
            for version in (old, new):
                version.set_params(min_confidence=None)  # all cells are compared
            exam = Exam.set(frame, old.schema_, rate=rate, random_state=random_state)
            lead = paired_lead(exam.losses(old.transform(exam.visible)), exam.losses(new.transform(exam.visible)))
            told = {"lead": lead.lead, "lower": lead.lower, "upper": lead.upper}
            for key, value in told.items():
                client.set_model_version_tag(registered_name, candidate.version, f"promotion.{key}", f"{value:.6g}")
        if lead is None or lead.is_beyond_noise:
            client.set_registered_model_alias(registered_name, champion, candidate.version)
    return lead


def signature_of(imputer: GAINImputer, example: pd.DataFrame) -> ModelSignature:
    """Say what types of columns come in and go out.

    Parameters
    ----------
    imputer : GAINImputer
        Fitted.
    example : DataFrame
        With the columns seen in fit.

    Returns
    -------
    ModelSignature
        No column is required to be full: holes are what a table is sent for.
    """
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(_type_of(example[name]), name, required=False) for name in imputer.schema_
    ]
    said = [ColSpec(DataType.double, f"{name}{CONFIDENCE}", required=False) for name in _fillable(imputer)]
    return ModelSignature(inputs=Specs(inputs), outputs=Specs([*inputs, *said]))


def _type_of(cells: pd.Series) -> DataType | AnyType:
    """The type of a column; what MLflow could not take with a hole in it (ints, booleans, mixtures) may be anything."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return DataType.datetime
    if cells.dtype == np.float64:
        return DataType.double
    if isinstance(cells.dtype, pd.CategoricalDtype) or not cells.dropna().map(lambda x: isinstance(x, str)).all():
        return AnyType()  # type: ignore[no-untyped-call]
    return DataType.string


def _fillable(imputer: GAINImputer) -> list[str]:
    return [name for name in imputer.schema_ if name not in imputer.unfillable_]


def _check_columns(frame: pd.DataFrame, imputer: GAINImputer) -> None:
    """Refuse a table that an imputer cannot fill."""
    if list(frame.columns) != list(imputer.schema_):
        lacking = [name for name in imputer.schema_ if name not in frame]
        raise ColumnMismatchError(
            f"The table must have the columns seen in fit, in their order: {list(imputer.schema_)[:5]}. "
            f"Got {list(frame.columns)[:5]}, without {lacking[:5]}. Rename or reorder them, or register another model."
        )


@contextmanager
def _store() -> Iterator[None]:
    """Work on the store where runs are kept; MLflow's own setting is put back."""
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None  # type: ignore[no-untyped-call]
    uri = tracking_uri()
    make_store_folder(uri)
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]  # None: as it was


@contextmanager
def _run(run_id: str | None) -> Iterator[None]:
    """Work in a run: the one named, the active one, or a new one."""
    if run_id is None and mlflow.active_run() is not None:
        yield
        return
    runs = Runs()
    at = None if run_id else experiment_id(MlflowClient(), runs.experiment, runs.artifacts())
    with mlflow.start_run(run_id=run_id, experiment_id=at):
        yield
