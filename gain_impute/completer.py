"""What an imputer does beside learning and filling, and between: be kept in a folder, become fitted, finish a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import MissingIndicator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from gain_impute.completion import NO_BARS, Completion, FilledCells, complete, fill
from gain_impute.config import GAINConfig
from gain_impute.filled_frames import fill_frame
from gain_impute.fitting import HeldOutReport, check_readable, warn_of_holes
from gain_impute.frames import append_columns, drop_columns, row_labels
from gain_impute.intake import describe, input_names, restore, torch_device
from gain_impute.parameters import checked_bars
from gain_impute.persistence import FittedState, read_model, write_model
from gain_impute.progress import Watcher, resolve_tracker
from gain_impute.schema import Schema
from gain_impute.sessions import torch_session
from gain_impute.state import EpochLog
from gain_impute.training import HeldOut, Tracker

__all__ = ["Completer"]

LEAST_JUDGED = 20  # known cells of a column below which unreadable ones say nothing of the column: one row may have one

Learn = Callable[..., tuple[FittedState, pd.Series, dict[str, int]]]


class Completer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """The half of `GAINImputer` that neither learns nor fills; the parameters and fitted attributes are those of it."""

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> NDArray[np.object_]:
        """Name the columns that `transform` returns.

        Parameters
        ----------
        input_features : sequence of str, optional
            Names of the columns, where fit saw an array.

        Returns
        -------
        ndarray of str
            The names; indicator columns come last.
        """
        check_is_fitted(self)
        names = input_names(self, input_features)
        kept = np.array([name for i, name in enumerate(names) if i not in self._dropped()], dtype=object)
        if self.indicator_ is None:
            return kept
        return np.concatenate([kept, self.indicator_.get_feature_names_out(names)])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted imputer to a folder, whole or not at all; a model that is there is replaced.

        Parameters
        ----------
        folder : path
            A new or empty folder, or that of a model.

        Raises
        ------
        FileError
            If the folder holds something else, or cannot be written.
        """
        check_is_fitted(self)
        write_model(self.state_, describe(self), folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, device: str = "auto") -> Self:
        """Read an imputer that `save` wrote; nothing in the folder is run.

        Parameters
        ----------
        folder : path
            The model folder.
        device : str, default="auto"
            Where the networks are to run.

        Returns
        -------
        GAINImputer
            It fills cells as the saved one does.

        Raises
        ------
        ModelFormatError
            If the folder is not a model, is incomplete, was edited, or is of a newer format.
        """
        imputer, (state, description) = cls(device=device), read_model(folder, torch_device(device))
        imputer._resume(state, restore(imputer, description, list(state.encoder.schema)))
        return imputer

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags

    def _learn(
        self,
        learn: Learn,
        configs: Sequence[GAINConfig],
        frame: pd.DataFrame,
        schema: Schema,
        tracker: Tracker | str | None,
        *,
        indicated: list[int],
        n_steps_before: int = 0,
    ) -> None:
        """Fit, watched by whoever wants to be told, and become fitted; columns `indicated` before stay so."""
        watcher = Watcher(
            n_steps=sum(config.n_steps(len(frame)) for config in configs),
            n_steps_before=n_steps_before,
            params=self.get_params(),
            table=frame,
            schema=schema,
            tracker=resolve_tracker(tracker),
            verbose=self.verbose,
        )
        with watcher:
            fitted = learn(n_threads=self.n_threads, on_epoch=watcher, on_held_out=self._on_held_out(watcher))
            self._take(*fitted, indicated=indicated)

    def _on_held_out(self, watcher: Watcher) -> HeldOutReport:
        """Pass the held-out cells on to the tracker, with the means to fill them."""

        def tell(state: FittedState, hidden: pd.DataFrame) -> None:
            watcher.tracker.on_held_out(HeldOut(watcher.table, watcher.schema, hidden, partial(self._fill, state)))

        return tell

    def _fill(self, state: FittedState, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Fill rows by a state that is not yet the imputer's own."""
        completion = self._completion(state, rows)
        cells = completion.cells(row_labels(rows), "")
        return fill_frame(rows, completion.filled, state.encoder.schema, state.cell_types), cells

    def _take(
        self, state: FittedState, n_empty: pd.Series, unreadable: dict[str, int], *, indicated: list[int]
    ) -> None:
        """Become fitted; columns `indicated` before stay so."""
        state.with_holes = tuple(name for name in state.encoder.schema if n_empty[name] or name in state.with_holes)
        self.state_, self.unreadable_ = state, unreadable
        had_holes = (n_empty.to_numpy() > 0) | np.isin(np.arange(len(n_empty)), indicated)
        self.indicator_ = self._indicator(had_holes) if self.add_indicator else None
        self._expose()

    def _resume(self, state: FittedState, indicated: list[int] | None) -> None:
        """Become what was saved; `indicated` are the columns of the indicator, None without one."""
        self.state_, self.indicator_ = state, None
        if indicated is not None:
            self.indicator_ = self._indicator(np.isin(np.arange(self.n_features_in_), indicated))
        self._expose()

    def _indicator(self, had_holes: NDArray[np.bool_]) -> MissingIndicator:
        """Make the indicator of the columns (n_columns,) that had holes in fit."""
        return MissingIndicator(error_on_new=False).fit(np.where(had_holes, np.nan, 0.0)[None, :])

    def _expose(self) -> None:
        """Derive the public attributes from the state."""
        logs = [log.as_dict() for log in self.state_.history]
        self.schema_, self.unfillable_ = self.state_.encoder.schema, self.state_.unfillable()
        self.history_ = pd.DataFrame(logs, columns=list(EpochLog.__dataclass_fields__))
        encoder, members = self.state_.encoder, self.state_.members
        names = [*encoder.numbers, *encoder.classes, *encoder.identifiers]
        told = [told for each in members if each.experts for told in each.experts.dependencies.described(names)]
        dependencies = pd.DataFrame(told, columns=["column", "decided_by", "n_values", "share_wrong"])
        self.dependencies_ = dependencies.drop_duplicates(["column", "decided_by"], ignore_index=True)

    def _filled(self, frame: pd.DataFrame, *, draw_seed: int | None = None) -> FilledCells:
        """Fill with the best values, which need no randomness, or draw from a seed."""
        is_draw = draw_seed is not None
        with torch_session(self.n_threads, draw_seed, self.state_.device):
            return fill(self.state_, frame, round_to_grid=self.round_to_grid, bars=self._bars(), draw=is_draw)

    def _completion(self, state: FittedState, frame: pd.DataFrame, bars: Mapping[str, float] = NO_BARS) -> Completion:
        """Fill with the best values, and say of every cell how sure it is; torch's generator is left as it is."""
        with torch_session(self.n_threads, None, state.device):
            return complete(state, frame, round_to_grid=self.round_to_grid, bars=bars, most_spread=None)

    def _bars(self) -> dict[str, float]:
        """Least confidence of the columns that have one."""
        return checked_bars(self.min_confidence, list(self.schema_))

    def _check(self, cells: FilledCells) -> None:
        """Refuse what is not of its kind, and warn of holes that stay and of which fit did not warn."""
        n_empty = cells.n_empty
        check_readable(self.schema_, len(cells.empty) - n_empty, cells.unreadable, least_known=LEAST_JUDGED)
        new = {name: why for name, why in self.unfillable_.items() if name not in self.state_.with_holes}
        warn_of_holes(new, n_empty)

    def _finish(self, table: Any, cells: FilledCells) -> Any:
        """Put the filled cells into the user's table, drop and append columns as asked."""
        table = fill_frame(table, cells.filled, self.schema_, self.state_.cell_types)
        if self._dropped():
            table = drop_columns(table, self._dropped())
        if self.indicator_ is not None:
            indicators = cells.empty.to_numpy()[:, self.indicator_.features_]
            table = append_columns(table, indicators, list(self.indicator_.get_feature_names_out(list(self.schema_))))
        return table

    def _dropped(self) -> list[int]:
        """Positions of the columns that `transform` leaves out."""
        if self.keep_empty_features:
            return []
        return [i for i, name in enumerate(self.schema_) if name in self.state_.never_observed]
