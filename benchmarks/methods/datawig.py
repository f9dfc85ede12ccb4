"""DataWig's recipe: what a row's text and other cells say, hashed n-grams and linear models, one for each column.

Each column is learned alone from the visible cells, in one pass; holes among its inputs count as zeros. For categories
it is a logistic regression by stochastic gradients. DataWig itself fills numbers with a small network; here it is a
ridge regression on the same features. The penalty of either is chosen on a tenth of the known cells, as far as there
is time for that: a column has its part of what is left.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import Ridge, SGDClassifier

from benchmarks.methods.chain import Model
from gain_impute.methods import Matrix, MatrixMethod, Method, MethodEntry, Setting
from gain_impute.methods.matrix import MatrixEncoder
from gain_impute.schema import Kind, Schema

__all__ = ["DATAWIG", "DataWigFiller", "DataWigMethod"]

Floats = NDArray[np.float64]

N_HASHES = 2**15
NGRAMS = (1, 5)
PENALTIES_OF_CATEGORIES = (1e-5, 1e-6, 1e-4)
PENALTIES_OF_NUMBERS = (1.0, 0.1, 10.0)  # the first is taken where there is nothing, or no time, to choose by
MOST_PASSES, MOST_WORK = 30, 8_000_000_000  # fewer passes where features x categories of all rows would be more
LEAST_TO_CHOOSE = 50
SHARE_HELD_OUT = 0.1


@dataclass(kw_only=True)
class DataWigFiller:
    """Fill each column by a linear model of the n-grams of the texts and of the other columns.

    Attributes
    ----------
    max_time_s : float or None, default=None
        Seconds after which no further column is learned; `note` says so, and mean and mode fill it.
    random_state : int, default=0
        Seed of the stochastic gradients and of the cells held out.
    note : str
        How many columns were learned, where not all were, or with how few penalties.
    """

    max_time_s: float | None = None
    random_state: int = 0
    reads_text: bool = field(default=False, init=False)
    note: str = field(default="", init=False, repr=False)
    _models: dict[int, Model] = field(default_factory=dict, init=False, repr=False)
    _n_in_haste: int = field(default=0, init=False, repr=False)

    def fit_fill(self, matrix: Matrix) -> Floats:
        """Learn each column, and fill."""
        start, limit_s = time.monotonic(), 0.7 * (self.max_time_s or np.inf)
        self._models, self._n_in_haste = {}, 0
        n_columns = matrix.values.shape[1]
        notes = []
        for i, n_categories in enumerate(matrix.n_categories):
            left_s = start + limit_s - time.monotonic()
            if left_s <= 0:
                notes = [f"stopped by time after {i} of {n_columns} columns; mean and mode fill the others"]
                break
            known = np.flatnonzero(~np.isnan(matrix.values[:, i]))
            target = matrix.values[known, i]
            if len(np.unique(target)) > 1:
                part_s = left_s / (n_columns - i)
                self._models[i] = self._learned(_features(matrix, i)[known], target, n_categories, part_s)
        if self._n_in_haste:
            notes.append(f"no time to try all penalties in {self._n_in_haste} columns")
        self.note = "; ".join(notes)
        return self.fill(matrix)

    def fill(self, matrix: Matrix) -> Floats:
        """Fill other rows."""
        filled = np.where(np.isnan(matrix.values), 0.0, matrix.values)  # mean, commonest category
        for i, model in self._models.items():
            holes = np.flatnonzero(np.isnan(matrix.values[:, i]))
            if len(holes):
                filled[holes, i] = model.predict(_features(matrix, i)[holes])
        return filled

    def _learned(self, features: sparse.csr_matrix, target: Floats, n_categories: int, limit_s: float) -> Model:
        """A model of one column, with the penalty that does best on cells held out, of those there is time to try."""
        rng, start = np.random.default_rng(self.random_state), time.monotonic()
        held_out = rng.random(len(target)) < SHARE_HELD_OUT
        penalties = PENALTIES_OF_CATEGORIES if n_categories else PENALTIES_OF_NUMBERS
        usual = self._fitted(penalties[0], features, target, n_categories)
        fit_s = time.monotonic() - start
        if len(target) < LEAST_TO_CHOOSE or len(np.unique(target[~held_out])) < 2 or not held_out.any():
            return usual
        errors: dict[float, float] = {}
        for penalty in penalties:
            if time.monotonic() - start + 2 * fit_s > limit_s:  # this fit, and that of the best
                self._n_in_haste += 1
                break
            model = self._fitted(penalty, features[~held_out], target[~held_out], n_categories)
            guess, truth = np.asarray(model.predict(features[held_out]), float), target[held_out]
            wrong = guess != truth if n_categories else (guess - truth) ** 2
            errors[penalty] = float(np.mean(wrong))
        best = min(errors, key=errors.__getitem__, default=penalties[0])
        return usual if best == penalties[0] else self._fitted(best, features, target, n_categories)

    def _fitted(self, penalty: float, features: sparse.csr_matrix, target: Floats, n_categories: int) -> Model:
        """A model with a penalty."""
        if not n_categories:
            ridge: Model = Ridge(penalty, solver="sparse_cg", random_state=self.random_state).fit(features, target)
            return ridge
        n_passes = min(MOST_PASSES, max(1, MOST_WORK // max(1, features.nnz * n_categories)))
        model = SGDClassifier("log_loss", alpha=penalty, max_iter=n_passes, random_state=self.random_state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # so many passes are what is asked for
            classifier: Model = model.fit(features, target.astype(np.int64))
        return classifier


class DataWigMethod(MatrixMethod):
    """Reads all text of a table as hashed n-grams, in place of the 50 features that the other peers get."""

    def fit_transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Learn a table, and fill its holes."""
        encoder = MatrixEncoder.fit(table, self.setting.schema, reads_text=False, seed=self.setting.seed)
        self.encoder = replace(encoder, read_texts=_hashing(self.setting.schema))
        return self._decoded(table, self.filler.fit_fill)


def _hashing(schema: Schema) -> Callable[[pd.DataFrame], sparse.csr_matrix]:
    """Makes the n-grams of all text columns, (n_rows, n_texts * N_HASHES), of a table."""
    names = [name for name, column in schema.items() if column.kind is Kind.TEXT]
    vectorizer = HashingVectorizer(analyzer="char", ngram_range=NGRAMS, n_features=N_HASHES)

    def read(table: pd.DataFrame) -> sparse.csr_matrix:
        blocks = [sparse.csr_matrix((len(table), 0))]
        for name in names:
            texts = table[name].astype(object).where(table[name].notna(), "")
            blocks.append(vectorizer.transform([str(text) for text in texts]))
        return sparse.hstack(blocks, format="csr")

    return read


def _features(matrix: Matrix, i: int) -> sparse.csr_matrix:
    """N-grams, numbers and one-hot categories of all columns but one, (n_rows, n_features); zeros where unknown."""
    blocks = [sparse.csr_matrix(matrix.texts)]
    for j, n_categories in enumerate(matrix.n_categories):
        if j == i:
            continue
        values = matrix.values[:, j]
        known = np.flatnonzero(~np.isnan(values))
        at = values[known].astype(int) if n_categories else np.zeros(len(known), dtype=int)
        entries = np.ones(len(known)) if n_categories else values[known]
        blocks.append(sparse.csr_matrix((entries, (known, at)), shape=(len(values), max(n_categories, 1))))
    return sparse.hstack(blocks, format="csr")


def _make(setting: Setting) -> Method:
    return DataWigMethod(DataWigFiller(max_time_s=setting.max_time_s, random_state=setting.seed), setting)


DATAWIG = MethodEntry(
    name="datawig",
    title="DataWig's recipe",
    make=_make,
    settings={
        "text": f"character n-grams of {NGRAMS[0]} to {NGRAMS[1]}, hashed into {N_HASHES:,} a column",
        "categories": f"logistic regression, penalty among {PENALTIES_OF_CATEGORIES} on a tenth held out, at most "
        f"{MOST_PASSES} passes, fewer where there are very many features and categories",
        "numbers": f"ridge regression, penalty among {PENALTIES_OF_NUMBERS} on a tenth held out",
    },
    reference="Biessmann et al. (2018), Deep Learning for Missing Value Imputation in Tables, CIKM",
)
