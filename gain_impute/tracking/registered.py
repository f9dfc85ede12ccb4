"""Versions of MLflow's registered models, found by what they are called."""

from __future__ import annotations

import re

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from gain_impute.errors import ConfigError, listed, named
from gain_impute.tracking.runs import shown

__all__ = ["check_alias_of", "find_version", "need_version"]

NO_SUCH_ALIAS = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""What MLflow answers where there is no such model, or no such alias of it."""


def find_version(client: MlflowClient, name: str, alias: str) -> ModelVersion | None:
    """The version that an alias of a registered model names; None where there is no such model or alias.

    Raises
    ------
    MlflowException
        If the server is lost: it may have it.
    """
    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in NO_SUCH_ALIAS:
            raise
        return None


def need_version(client: MlflowClient, name: str, alias: str) -> ModelVersion:
    """The version that an alias of a registered model names.

    Raises
    ------
    ConfigError
        If there is no such model or alias.
    MlflowException
        If the server is lost.
    """
    found = find_version(client, name, alias)
    if found is None:
        raise ConfigError(
            f"The registered model {name!r} must have a version called {alias!r}. {_what_there_is(client, name)} "
            f"Log one: log_model(imputer, table, registered_name={name!r}, alias={alias!r})."
        )
    return found


def check_alias_of(uri: str, client: MlflowClient) -> None:
    """Raise ConfigError where a URI such as ``models:/shop@champion`` names no version; others are not looked at."""
    parts = re.fullmatch(r"models:/([^/@]+)@([^/@]+)", uri)
    if parts is not None:
        need_version(client, parts[1], parts[2])


def _what_there_is(client: MlflowClient, name: str) -> str:
    """The aliases of a registered model, or which models there are instead."""
    models = [model.name for model in client.search_registered_models()]
    if name not in models:
        others = f"There are {named(models)}" if models else "There is none at all"
        return f"{others} in {shown(client.tracking_uri)!r}, and none of that name."
    aliases = client.get_registered_model(name).aliases
    told = [f"{alias!r} (version {version})" for alias, version in sorted(aliases.items())]
    return f"It has {listed(told)}." if told else "None of its versions has a name."
