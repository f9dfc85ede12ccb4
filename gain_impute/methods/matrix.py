"""Tables as matrices: what most methods of the literature work on, made of a table of mixed columns and turned back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from gain_impute.errors import ColumnMismatchError, TableError
from gain_impute.filled_frames import CellTypes, FilledColumn, cell_types, fill_frame
from gain_impute.methods.method import Setting
from gain_impute.schema import Kind, ParsedColumn, Schema

__all__ = ["DrawingFiller", "DrawingMatrixMethod", "Filler", "Matrix", "MatrixEncoder", "MatrixMethod"]

Floats = NDArray[np.float64]

D_TEXT = 50
"""Width of what the texts of a row become."""
MOST_NGRAMS = 20_000


@dataclass(frozen=True)
class Matrix:
    """The fillable columns of a table as numbers, and what its texts say.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
        Z-scores of numbers and dates; codes of categories from 0, the most frequent first. NaN where unknown.
    n_categories : tuple of int
        Of each column; 0 for a number.
    texts : ndarray of shape (n_rows, d_text), float64
        TF-IDF of words and character n-grams of all text columns, brought to at most 50 dimensions; no columns where
        there is no text, or none was asked for.
    """

    values: Floats
    n_categories: tuple[int, ...]
    texts: Floats

    @property
    def is_number(self) -> NDArray[np.bool_]:
        """Which columns (n_columns,) are numbers.

        Returns
        -------
        ndarray of bool
            True for numbers, False for categories.
        """
        return np.array([n == 0 for n in self.n_categories], dtype=bool)


class Filler(Protocol):
    """What a method does with a matrix. What it returns where a value is known is not looked at."""

    reads_text: bool

    def fit_fill(self, matrix: Matrix) -> Floats:
        """Learn a matrix, and fill it; returns (n_rows, n_columns) without NaN."""

    def fill(self, matrix: Matrix) -> Floats:
        """Fill other rows with what was learned; returns (n_rows, n_columns) without NaN."""


class DrawingFiller(Filler, Protocol):
    """A filler that also draws."""

    def draw(self, matrix: Matrix, rng: np.random.Generator) -> Floats:
        """Fill rows in one of many ways; returns (n_rows, n_columns) without NaN."""


@dataclass(frozen=True)
class MatrixEncoder:
    """Turns tables into matrices and back, as it learned from one of them.

    Attributes
    ----------
    schema : Schema
        What the columns are.
    scales : dict of str to (float, float)
        Mean and standard deviation of each column of numbers.
    vocabularies : dict of str to ndarray
        Categories of each other column, the most frequent first, ties by text.
    types : mapping of str to mapping
        Python types of the values of object columns (`gain_impute.filled_frames.cell_types`).
    read_texts : callable
        Turns a table into its texts (n_rows, d_text).
    """

    schema: Schema
    scales: dict[str, tuple[float, float]]
    vocabularies: dict[str, NDArray[np.object_]]
    types: Mapping[str, CellTypes]
    read_texts: Callable[[pd.DataFrame], Floats]

    @classmethod
    def fit(cls, table: pd.DataFrame, schema: Schema, *, reads_text: bool, seed: int) -> MatrixEncoder:
        """Learn scales, vocabularies and n-grams from the known cells of a table."""
        _check_columns(table, schema)
        scales, vocabularies, types = {}, {}, {}
        for position, name in enumerate(schema):
            cells = table.iloc[:, position]
            parsed = schema.parse(name, cells)
            if not schema[name].is_fillable or not parsed.readable.any():
                continue
            types[name] = cell_types(cells, parsed.values)
            if schema[name].is_number:
                scales[name] = float(np.nanmean(parsed.values)), float(np.nanstd(parsed.values)) or 1.0
            else:
                vocabularies[name] = _vocabulary(parsed)
        texts = [name for name, column in schema.items() if column.kind is Kind.TEXT] if reads_text else []
        return cls(schema, scales, vocabularies, types, _fit_texts(table, texts, seed=seed))

    @property
    def names(self) -> list[str]:
        """The columns of the matrix, in the order of the schema."""
        return [name for name in self.schema if name in self.scales or name in self.vocabularies]

    def encode(self, table: pd.DataFrame) -> tuple[Matrix, dict[str, NDArray[np.int64]]]:
        """Make the matrix of a table; returns also the row numbers of each column's holes."""
        _check_columns(table, self.schema)
        values, holes = np.empty((len(table), len(self.names))), {}
        for i, name in enumerate(self.names):
            parsed = self.schema.parse(name, table[name])
            holes[name] = np.flatnonzero(~parsed.observed)
            if name in self.scales:
                mean, std = self.scales[name]
                values[:, i] = (parsed.values - mean) / std
            else:
                codes = pd.Index(self.vocabularies[name]).get_indexer(pd.Index(parsed.values, dtype=object))
                values[:, i] = np.where(codes < 0, np.nan, codes)
        sizes = tuple(len(self.vocabularies.get(name, ())) for name in self.names)
        return Matrix(values, sizes, self.read_texts(table)), holes

    def decode(self, table: pd.DataFrame, holes: dict[str, NDArray[np.int64]], completed: Floats) -> pd.DataFrame:
        """Put completed values (n_rows, n_columns) into the holes of a table."""
        filled = {}
        for i, name in enumerate(self.names):
            values = completed[holes[name], i]
            if np.isnan(values).any():
                raise TableError(f"A method must fill every hole. It left {np.isnan(values).sum():,} in {name!r}.")
            if name in self.scales:
                mean, std = self.scales[name]
                filled[name] = FilledColumn(holes[name], values * std + mean)
            else:
                vocabulary = self.vocabularies[name]
                codes = np.clip(np.rint(values).astype(int), 0, len(vocabulary) - 1)
                filled[name] = FilledColumn(holes[name], vocabulary[codes])
        result: pd.DataFrame = fill_frame(table, filled, self.schema, self.types)
        return result


@dataclass
class MatrixMethod:
    """A method that works on matrices, with the face of all methods.

    Attributes
    ----------
    filler : Filler
        What it does with them.
    setting : Setting
        What it is told.

    Raises
    ------
    ColumnMismatchError
        If the columns of a table are not those of the schema.
    TableError
        If it leaves a hole.
    """

    filler: Filler
    setting: Setting
    encoder: MatrixEncoder | None = field(default=None, init=False, repr=False)

    @property
    def note(self) -> str:
        """What the filler has to say of itself.

        Returns
        -------
        str
            A note, or "".
        """
        return str(getattr(self.filler, "note", ""))

    def fit_transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Learn a table, and fill its holes.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            Typed or all text; empty texts are holes.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The same, without holes in fillable columns that have a known cell.
        """
        self.encoder = MatrixEncoder.fit(
            table, self.setting.schema, reads_text=self.filler.reads_text, seed=self.setting.seed
        )
        return self._decoded(table, self.filler.fit_fill)

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Fill the holes of other rows.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            With the columns of the table learned.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            The same, filled.
        """
        return self._decoded(table, self.filler.fill)

    def _decoded(self, table: pd.DataFrame, fill: Callable[[Matrix], Floats]) -> pd.DataFrame:
        """Encode a table, fill it, and write the values back into it."""
        assert self.encoder is not None, "fit_transform comes first"
        matrix, holes = self.encoder.encode(table)
        if not matrix.values.size:
            return table.copy()
        return self.encoder.decode(table, holes, fill(matrix))


@dataclass
class DrawingMatrixMethod(MatrixMethod):
    """A method on matrices that also draws."""

    filler: DrawingFiller

    def sample(self, table: pd.DataFrame, n_draws: int = 5) -> list[pd.DataFrame]:
        """Fill a table several times, each time differently.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            With the columns of the table learned.
        n_draws : int, default=5
            How many tables.

        Returns
        -------
        list of n_draws DataFrame
            The filled tables.
        """
        rngs = np.random.default_rng(self.setting.seed).spawn(n_draws)
        return [self._decoded(table, lambda matrix, rng=rng: self.filler.draw(matrix, rng)) for rng in rngs]  # type: ignore[misc]


def _check_columns(table: pd.DataFrame, schema: Schema) -> None:
    if [str(name) for name in table.columns] != list(schema):
        raise ColumnMismatchError(
            f"The columns of the table must be those of the schema, in its order: {len(schema)} columns from "
            f"{next(iter(schema), '')!r} on. Got {len(table.columns)} others. Infer the schema from this table."
        )


def _vocabulary(parsed: ParsedColumn) -> NDArray[np.object_]:
    """The categories of a column, the most frequent first, ties by text."""
    counts = pd.Series(parsed.values, dtype=object).value_counts().to_frame("n")
    order = counts.assign(text=counts.index).sort_values(["n", "text"], ascending=[False, True])["text"]
    vocabulary: NDArray[np.object_] = order.to_numpy(dtype=object)
    return vocabulary


def _fit_texts(table: pd.DataFrame, names: list[str], *, seed: int) -> Callable[[pd.DataFrame], Floats]:
    """Learn n-grams of the text columns and the directions in which they differ most."""

    def texts_of(rows: pd.DataFrame, name: str) -> list[str]:
        return [str(text) for text in rows[name].astype(object).where(rows[name].notna(), "")]

    def counted(rows: pd.DataFrame) -> sparse.csr_matrix:
        return sparse.hstack([v.transform(texts_of(rows, n)) for n, v in vectorizers], format="csr")

    vectorizers = []
    for name in names:
        texts = texts_of(table, name)
        for analyzer, lengths in (("word", (1, 1)), ("char_wb", (2, 4))):
            vectorizer = TfidfVectorizer(
                analyzer=analyzer,
                ngram_range=lengths,
                max_features=MOST_NGRAMS,
                sublinear_tf=True,
            )
            try:
                vectorizer.fit(texts)
            except ValueError:  # no text has a word
                continue
            vectorizers.append((name, vectorizer))
    if not vectorizers:
        return lambda rows: np.zeros((len(rows), 0))
    seen = counted(table)
    d_text = min(D_TEXT, seen.shape[1] - 1, len(table) - 1)
    if d_text < 1:
        return lambda rows: np.zeros((len(rows), 0))
    reducer = TruncatedSVD(d_text, random_state=seed).fit(seen)
    return lambda rows: np.asarray(reducer.transform(counted(rows)), dtype=np.float64)
