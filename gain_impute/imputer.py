"""The scikit-learn face of the imputer."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from gain_impute.cells import Imputation
from gain_impute.completer import Completer
from gain_impute.completion import category_probabilities
from gain_impute.fitting import continue_fit, new_fit
from gain_impute.frames import row_labels
from gain_impute.intake import read_table, resolve_schema, seed_of, torch_device
from gain_impute.parameters import check_count, checked_again, checked_bars, checked_configs
from gain_impute.schema import Schema
from gain_impute.sessions import torch_session
from gain_impute.training import Tracker

__all__ = ["GAINImputer"]


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)  # scikit-learn reads the parameters off __init__
class GAINImputer(Completer):  # numpydoc ignore=PR02
    """Fill numbers, categories, booleans and dates with an adversarially trained network, and experts beside it.

    Texts are read as context; observed cells are never changed.

    Parameters
    ----------
    schema : Schema, mapping of str to kind, path of a TOML file or None, default=None
        What the columns are. None infers it (`infer_schema`); a mapping overrides the kinds of single columns.
    missing_values : scalar or list of scalars, default=nan
        What means "empty" besides None, NaN and the empty text.
    add_indicator : bool, default=False
        Append a column for each column that had missing cells in fit, true where a cell was missing.
    keep_empty_features : bool, default=True
        Keep columns that were never observed in fit; they stay empty. False drops them.
    round_to_grid : bool, default=True
        Put filled numbers on their column's grid (integers stay integers, two decimals stay two), and where a column
        has few values (ten cells for each, 300 at most) among those seen. False for the least squared error.
    min_confidence : float in [0, 1], mapping of str to float or None, default=None
        Cells stay empty where what would fill them is less sure than this, and are "abstained" in the report: one bar
        for all columns, or one for each of some. None fills them all, as `sample` always does. It may be set after the
        fit: `imputer.set_params(min_confidence=0.8)`.
    random_state : int, Generator, RandomState or None, default=None
        What all randomness follows from. None takes fresh entropy.
    effort : float, default=1.0
        Work of a fit beside the usual, where steps and trees are derived.
    n_members : int, default=1
        Whole fits whose word is averaged; `PRESETS` holds parameters of a fast fit and of the best one.
    variants : sequence of dict or None, default=None
        Further members, each by the hyper-parameters in which it differs from the imputer: members that are not alike
        err less alike. They share `n_members`, `max_time_s`, `n_buckets`, `d_noise` and `validation_share`.
    max_steps : int or None, default=None
        Training steps of a member at most; None derives them from the number of rows.
    max_time_s : float or None, default=None
        Seconds of training at most; a stop by time is recorded in `history_`, and makes results depend on the machine.
    batch_size : int or None, default=None
        Rows a step; None derives it from the number of rows.
    learning_rate, weight_decay : float
        Of the training; see `GAINConfig` for these and all parameters below, with their ranges.
    dropout : float or None, default=None
        Share of hidden units switched off while training; None derives it from the number of rows.
    d_hidden, n_blocks, d_text, n_buckets, n_bins, d_noise : int
        Sizes of the generator.
    n_trees : int or None, default=None
        Trees beside the generator, of each column, and with them a linear model; 0 leaves it alone, which is faster.
        Where too few known cells can be held out to weigh them, 30, or `validation_share` is 0, there are none.
    rehide_min, rehide_max : float
        Range of the share of a row's known cells that is hidden again while training.
    rehide_texts : float in [0, 1], default=0.15
        Share of the texts that is hidden while training.
    visible_weight, draw_weight, adversary_weight : float
        Weights of the terms of the objective.
    hint_rate : float in [0, 1], default=0.9
        Share of cells whose state the hint gives away to the discriminator.
    ema_decay, validation_share : float
        Decay of the moving average of the weights; share of known cells held out, to stop, weigh and calibrate.
    n_threads : int, default=1
        Threads of torch. Take no more than there are idle cores.
    device : str, default="auto"
        Where the networks run: "auto" (a GPU if there is one), "cpu", "cuda", ...
    verbose : int, default=0
        1 shows a progress bar on stderr, if that is a terminal.

    Attributes
    ----------
    schema_ : Schema
        What the columns are.
    state_ : FittedState
        All that was learned.
    history_ : DataFrame
        One row per epoch: step, elapsed_s, losses, why training stopped.
    unfillable_ : dict of str to str
        Columns that cannot be filled, and why.
    dependencies_ : DataFrame
        Columns that others decide: `column`; `decided_by`, the names of one or two; by how many values of these
        (`n_values`); how often it is wrong (`share_wrong`).
    unreadable_ : dict of str to int
        Of each column that had some in fit, the number of known cells that could not be read as its kind.
    indicator_ : MissingIndicator or None
        What appends the indicator columns.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in fit, if they are all texts.

    References
    ----------
    .. [1] Yoon, Jordon & van der Schaar (2018), "GAIN: Missing data imputation using generative adversarial nets".

    Examples
    --------
    >>> import pandas as pd
    >>> shop = pd.DataFrame({"kind": ["cup", "pot", None] * 20, "price": [4.5, 19.0, 4.5] * 20})
    >>> GAINImputer(random_state=0, max_steps=100).fit_transform(shop)["kind"].iloc[2]
    'cup'
    """

    schema: Schema | Mapping[str, str] | str | os.PathLike[str] | None = None
    missing_values: object = np.nan
    add_indicator: bool = False
    keep_empty_features: bool = True
    round_to_grid: bool = True
    min_confidence: float | Mapping[str, float] | None = None
    random_state: int | np.random.Generator | np.random.RandomState | None = None
    effort: float = 1.0
    n_members: int = 1
    variants: Sequence[Mapping[str, Any]] | None = None
    max_steps: int | None = None
    max_time_s: float | None = None
    batch_size: int | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    dropout: float | None = None
    d_hidden: int = 192
    n_blocks: int = 2
    d_text: int = 48
    n_buckets: int = 8_192
    n_bins: int = 24
    d_noise: int = 32
    n_trees: int | None = None
    rehide_min: float = 0.1
    rehide_max: float = 0.4
    rehide_texts: float = 0.15
    visible_weight: float = 0.1
    draw_weight: float = 1.0
    adversary_weight: float = 0.05
    hint_rate: float = 0.9
    ema_decay: float = 0.999
    validation_share: float = 0.1
    n_threads: int = 1
    device: str = "auto"
    verbose: int = 0

    def fit(self, X: Any, y: object = None, *, tracker: Tracker | str | None = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn a table.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
            The table, holes included. The columns of an array are numeric.
        y : None
            Ignored.
        tracker : Tracker or str, optional
            Told of the parameters, of each epoch, of the held-out cells and of the end. "mlflow" keeps it in MLflow.

        Returns
        -------
        self : GAINImputer
            The fitted imputer.

        Raises
        ------
        TableError
            If the table cannot be used: no rows or columns, columns of one name, a column that is mostly unreadable.
        SchemaError
            If the schema does not fit the table.
        ConfigError
            If a parameter is outside its range.
        """
        configs = checked_configs(self)
        with ExitStack() as undo:
            undo.callback(setattr, self, "__dict__", dict(vars(self)))  # if it fails, an earlier fit still counts
            table, frame = read_table(self, X, reset=True, to_learn=True)
            schema = resolve_schema(self.schema, self.missing_values, table, frame)
            checked_bars(self.min_confidence, list(schema))
            seed, device = seed_of(self.random_state), torch_device(self.device)
            learn = partial(new_fit, frame, schema, configs, seed=seed, device=device)
            self._learn(learn, configs, frame, schema, tracker, indicated=[])
            undo.pop_all()
        return self

    def partial_fit(self, X: Any, y: object = None, *, tracker: Tracker | str | None = None) -> Self:
        """Go on learning with more rows, or begin.

        Networks, optimisers and averages go on from where they are, more rows than they had teach the experts anew;
        categories are added, bounds of filled numbers widen. Columns never observed in the first fit stay so.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
            More rows, with the columns seen in the first fit.
        y : None
            Ignored.
        tracker : Tracker or str, optional
            As in `fit`.

        Returns
        -------
        self : GAINImputer
            The fitted imputer.

        Raises
        ------
        TableError
            If there is no row, or a column is mostly unreadable.
        ColumnMismatchError
            If the columns are not those seen in fit, in their order.
        ConfigError
            If a parameter is outside its range, or would change the size of the networks.
        """
        if not hasattr(self, "state_"):
            return self.fit(X, y, tracker=tracker)
        configs = checked_again(self, self.state_.configs)
        _, frame = read_table(self, X, reset=False, to_learn=True)
        before = dataclasses.replace(self.state_, configs=configs)
        indicated = [] if self.indicator_ is None else list(self.indicator_.features_)
        learn, n_steps = partial(continue_fit, before, frame), before.n_steps
        self._learn(learn, configs, frame, self.schema_, tracker, indicated=indicated, n_steps_before=n_steps)
        return self

    def transform(self, X: Any) -> Any:
        """Fill the empty cells of a table.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
            Rows with the columns seen in fit.

        Returns
        -------
        table of the type of X
            The same rows, columns, index and dtypes, with the empty cells filled. Only a column whose dtype cannot
            hold what fills it takes another: pandas reads a column without a value as floats, whatever belongs there.

        Raises
        ------
        ColumnMismatchError
            If the columns are not those seen in fit, in their order.
        TableError
            If a column of at least 20 known cells is mostly unreadable as its kind.
        """
        check_is_fitted(self)
        table, frame = read_table(self, X, reset=False)
        cells = self._filled(frame)
        self._check(cells)
        return self._finish(table, cells)

    def impute(self, X: Any) -> Imputation:
        """Fill the empty cells of a table, and say of each how.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
            Rows with the columns seen in fit.

        Returns
        -------
        Imputation
            The filled table, and one row per cell that was empty.
        """
        check_is_fitted(self)
        table, frame = read_table(self, X, reset=False)
        completion = self._completion(self.state_, frame, self._bars())
        self._check(completion)
        cells = completion.cells(row_labels(table), self.state_.model_id())
        return Imputation(self._finish(table, completion), cells, len(frame), completion.unreadable)

    def sample(self, X: Any, n_draws: int = 5) -> list[Any]:
        """Fill the empty cells several times, each time differently: multiple imputation [1]_.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
            Rows with the columns seen in fit.
        n_draws : int, default=5
            How many tables.

        Returns
        -------
        list of n_draws tables of the type of X
            The same call gives the same draws; those of a row depend on its place among the others.

        References
        ----------
        .. [1] Rubin (1987), "Multiple imputation for nonresponse in surveys".
        """
        check_is_fitted(self)
        check_count("n_draws", n_draws)
        table, frame = read_table(self, X, reset=False)
        seeds = np.random.SeedSequence(self.state_.seed).generate_state(n_draws)
        draws = (self._filled(frame, draw_seed=int(seed)) for seed in seeds)
        first = next(draws)
        self._check(first)
        return [self._finish(table, cells) for cells in itertools.chain([first], draws)]

    def category_probabilities(self, X: Any, column: str) -> pd.DataFrame:
        """Say how probable each category of a column is, with the column hidden in every row.

        A row that was learned is remembered, by trees and neighbours: its own category looks more probable than it
        would in another row like it.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array of shape (n_rows, n_columns)
            Rows with the columns seen in fit.
        column : str
            A column that is filled with categories.

        Returns
        -------
        DataFrame of shape (n_rows, n_categories)
            Probabilities; each row sums to 1.

        Raises
        ------
        ConfigError
            If the column is not filled with categories.
        """
        check_is_fitted(self)
        _, frame = read_table(self, X, reset=False)
        with torch_session(self.n_threads, None, self.state_.device):
            probabilities = category_probabilities(self.state_, frame, str(column))
        return probabilities.set_axis(X.index) if isinstance(X, pd.DataFrame) else probabilities
