"""Where tuning looks: bounds of hyper-parameters, inside their ranges."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import BaseTrial

from gain_impute.config import PRESETS, GAINConfig, check_range, default_dropout, default_max_steps
from gain_impute.errors import ConfigError, FileError
from gain_impute.schema import Kind, Schema

__all__ = ["Dimension", "SearchSpace"]

_FIELDS = {field.name: field for field in dataclasses.fields(GAINConfig)}
_NEVER = {
    "max_time_s": "it bounds a fit and does not shape it",
    "validation_share": "trials are compared by the cells that it holds out",
}


@dataclass(frozen=True)
class Dimension:
    """The values that one hyper-parameter may take: a range, or some choices.

    Attributes
    ----------
    name : str
        A field of `GAINConfig`.
    low, high : float
        Ends of the range, both included.
    is_log : bool, default=False
        Whether ratios count and not differences.
    step : int or None, default=None
        Of an int: the distance between two values.
    choices : tuple of float, default=()
        If there are any, the values, and there is no range.

    Raises
    ------
    ConfigError
        If it cannot be tuned, or a value is outside what the hyper-parameter may be.

    Examples
    --------
    >>> Dimension("n_blocks", 1, 5).is_int
    True
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    step: int | None = None
    choices: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the values."""
        if self.name not in _FIELDS or self.name in _NEVER:
            why = f" ({_NEVER[self.name]})" if self.name in _NEVER else ""
            raise ConfigError(
                f"A search space must name hyper-parameters of GAINImputer: {', '.join(_FIELDS)}, but not "
                f"{' or '.join(_NEVER)}. Got {self.name!r} instead{why}. Leave it out."
            )
        for value in self.choices or (self.low, self.high):
            check_range(_FIELDS[self.name], value)
        if self.choices:
            return
        if None in (self.low, self.high) or self.low > self.high or (self.is_log and self.low <= 0):
            raise ConfigError(
                f"The range of {self.name!r} must have low <= high, and low > 0 where log = true. "
                f"Got {self.low!r} and {self.high!r} instead."
            )
        is_step = isinstance(self.step, int) and not isinstance(self.step, bool) and self.step > 0
        if self.step is not None and (not is_step or self.is_log or not self.is_int):
            raise ConfigError(
                f"The step of {self.name!r} must be an int of at least 1, of a parameter that is an int, and without "
                f"log = true. Got {self.step!r} instead. Leave it out."
            )

    @property
    def is_int(self) -> bool:
        """Whether its values are ints."""
        return "int" in str(_FIELDS[self.name].type)

    def holds(self, value: float) -> bool:
        """Say whether a value is one of those that it may take.

        Parameters
        ----------
        value : float
            The value.

        Returns
        -------
        bool
            True if tuning could come upon it.
        """
        if self.choices:
            return value in self.choices
        return self.low <= value <= self.high and (self.step is None or (value - self.low) % self.step == 0)

    def suggest(self, trial: BaseTrial) -> Any:
        """Let a trial choose a value.

        Parameters
        ----------
        trial : optuna trial
            What chooses.

        Returns
        -------
        int or float
            The value.
        """
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if self.is_int:
            return trial.suggest_int(self.name, int(self.low), int(self.high), step=self.step or 1, log=self.is_log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.is_log)


class SearchSpace(Mapping[str, Dimension]):
    """The hyper-parameters to tune, by name.

    Parameters
    ----------
    dimensions : mapping of str to mapping or sequence
        Of each hyper-parameter ``{"low": ..., "high": ..., "log": ..., "step": ...}`` or ``{"choices": [...]}``, or the
        choices alone.

    Raises
    ------
    ConfigError
        If a hyper-parameter cannot be tuned, a value is outside its range, or there is nothing to tune.

    Examples
    --------
    >>> space = SearchSpace({"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "d_hidden": [64, 128]})
    >>> list(space), space["d_hidden"].choices
    (['learning_rate', 'd_hidden'], (64, 128))
    """

    def __init__(self, dimensions: Mapping[str, Any]) -> None:
        self._dimensions = {name: _dimension(name, told) for name, told in dimensions.items()}
        if not self._dimensions:
            raise ConfigError("A search space must name at least one hyper-parameter. Got none. Add one.")

    @classmethod
    def default(
        cls,
        schema: Schema | None = None,
        *,
        is_bounded: bool = False,
        with_time: bool = False,
        params: Mapping[str, Any] | None = None,
    ) -> SearchSpace:
        """Take what `GAINConfig` declares.

        Parameters
        ----------
        schema : Schema, optional
            What the columns are; hyper-parameters of kinds that it does not have are left out.
        is_bounded : bool, default=False
            Whether the steps of a fit are bounded: then how much work it should be is no question.
        with_time : bool, default=False
            Whether time is minimised too: else many members are better than few, and that is no question.
        params : mapping of str to any, optional
            Parameters of the imputer to be tuned. What lies beyond its range was meant so, and is left out.

        Returns
        -------
        SearchSpace
            Ranges around the defaults.

        Examples
        --------
        >>> SearchSpace.default()["learning_rate"].is_log
        True
        """
        columns = None if schema is None else schema.values()
        has_text = columns is None or any(column.kind is Kind.TEXT for column in columns)
        has_number = columns is None or any(column.is_number for column in columns)
        there = {"": True, "text": has_text, "number": has_number, "budget": not is_bounded}
        there["time"] = there["budget"] and with_time
        told = {}
        for name, field in _FIELDS.items():
            tune = field.metadata["tune"]
            if tune is not None and there[tune.needs]:
                told[name] = {"low": tune.low, "high": tune.high, "log": tune.is_log, "step": tune.step}
        own = {name: value for name, value in (params or {}).items() if name in told and value is not None}
        beyond = {name for name, value in own.items() if not _dimension(name, told[name]).holds(value)}
        return cls({name: of for name, of in told.items() if name not in beyond})

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> SearchSpace:
        """Read a space that a person wrote.

        Parameters
        ----------
        path : path
            A TOML file with a table per hyper-parameter: ``low``, ``high``, ``log``, ``step``, or ``choices``.

        Returns
        -------
        SearchSpace
            The space.

        Raises
        ------
        FileError
            If the file cannot be read as TOML.
        ConfigError
            As for the class.
        """
        try:
            told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FileError(f"{str(path)!r} must be a TOML file with a search space. {error}. Correct it.") from error
        return cls(told)

    def __getitem__(self, name: str) -> Dimension:
        return self._dimensions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._dimensions)

    def __len__(self) -> int:
        return len(self._dimensions)

    def suggest(self, trial: BaseTrial) -> dict[str, Any]:
        """Let a trial choose all values.

        Parameters
        ----------
        trial : optuna trial
            What chooses.

        Returns
        -------
        dict of str to int or float
            Parameters of `GAINImputer`.
        """
        return {name: dimension.suggest(trial) for name, dimension in self.items()}

    def defaults(self, params: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
        """Say where the search begins.

        Parameters
        ----------
        params : mapping of str to any
            Parameters of the imputer to be tuned; None stands for what is derived from the table's size.
        n_rows : int
            Rows of the table.

        Returns
        -------
        dict of str to int or float
            Those of them that the space holds; tuning chooses the others.
        """
        derived = {"dropout": default_dropout(n_rows), "max_steps": default_max_steps(n_rows, params["effort"])}
        values = {name: derived.get(name) if params[name] is None else params[name] for name in self}
        return {name: value for name, value in values.items() if value is not None and self[name].holds(value)}

    def presets(self, params: Mapping[str, Any], n_rows: int) -> dict[str, dict[str, Any]]:
        """Say what else is tried first: the defaults with each of `PRESETS` that the space holds.

        Parameters
        ----------
        params : mapping of str to any
            As of `defaults`.
        n_rows : int
            Rows of the table.

        Returns
        -------
        dict of str to dict
            By the preset's name.
        """
        defaults = self.defaults(params, n_rows)
        return {
            preset: defaults | values
            for preset, values in PRESETS.items()
            if all(name in self and self[name].holds(value) for name, value in values.items())
        }

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise ConfigError if two of its values contradict each other, or one the imputer's parameters.

        Parameters
        ----------
        params : mapping of str to any
            Parameters of the imputer to be tuned.

        Raises
        ------
        ConfigError
            If 'rehide_min' could exceed 'rehide_max'.
        """
        (_, greatest), (least, _) = self._ends("rehide_min", params), self._ends("rehide_max", params)
        if greatest > least:
            raise ConfigError(
                f"The space must not let 'rehide_min' exceed 'rehide_max'. Got up to {greatest!r} and down "
                f"to {least!r} instead. Narrow one of them."
            )

    def _ends(self, name: str, params: Mapping[str, Any]) -> tuple[float, float]:
        """The least and the greatest value that a hyper-parameter may have."""
        values = (self[name].choices or (self[name].low, self[name].high)) if name in self else (params[name],)
        return min(values), max(values)

    def to_dict(self) -> dict[str, Any]:
        """Give the space as plain types, in the form that the class takes.

        Returns
        -------
        dict of str to dict
            For JSON and TOML.
        """
        return {
            name: {"choices": list(d.choices)}
            if d.choices
            else {"low": d.low, "high": d.high, "log": d.is_log} | ({"step": d.step} if d.step else {})
            for name, d in self.items()
        }


def _dimension(name: str, told: Any) -> Dimension:
    """Make a dimension of what a person wrote."""
    choices = told.get("choices") if isinstance(told, Mapping) and set(told) == {"choices"} else told
    if isinstance(choices, list | tuple) and choices:
        return Dimension(name, choices=tuple(choices))
    if isinstance(told, Mapping) and {"low", "high"} <= set(told) <= {"low", "high", "log", "step"}:
        is_log = told.get("log", False)
        if isinstance(is_log, bool):
            return Dimension(name, told["low"], told["high"], is_log, told.get("step"))
    raise ConfigError(
        f"The search space of {name!r} must have 'low' and 'high', perhaps 'log' or 'step', or else 'choices'. "
        f"Got {told!r} instead. Correct it."
    )
