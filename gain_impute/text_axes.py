"""Main directions of the texts of a column: what experts read of it.

What the generator reads of a text was trained on the very cells that experts are to learn from: of new rows it says
less than of these. TF-IDF and a singular value decomposition [1]_ look at the texts alone.

References
----------
.. [1] Deerwester et al. (1990), "Indexing by latent semantic analysis".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from torch.nn import functional

from gain_impute.encoding.text import HashedText
from gain_impute.networks import TextBatch

__all__ = ["TextAxes"]

N_AXES = 30
MOST_ROWS = 20_000  # whose texts are looked at


@dataclass(frozen=True)
class TextAxes:
    """Where a text lies along the main directions of its column.

    Attributes
    ----------
    table : ndarray of shape (n_buckets, n_axes + 1), float32
        Of each n-gram its share of the axes, weighed by its inverse document frequency, and the square of this
        frequency, by whose sum texts are brought to one length.
    """

    table: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check what may come from a file."""
        if self.table.ndim != 2 or self.table.shape[1] < 1 or not np.isfinite(self.table).all():  # noqa: PLR2004
            raise ValueError("text axes")

    @property
    def n_axes(self) -> int:
        """Number of directions, the greatest first."""
        return int(self.table.shape[1]) - 1

    @classmethod
    def fit(cls, texts: HashedText, n_buckets: int, *, seed: int) -> TextAxes:
        """Find the directions of a column's texts; there are none where texts do not differ."""
        rows = texts.distinct[texts.distinct > 0]
        if len(rows) > MOST_ROWS:
            rows = np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False)
        distinct, counts = np.unique(rows, return_counts=True)
        content = texts.counts(n_buckets)[distinct]
        occurrences = counts @ (content > 0)
        idf = np.where(occurrences > 0, np.log((1 + len(rows)) / (1 + occurrences)) + 1, 0).astype(np.float32)
        lengths = np.sqrt(content @ idf**2)
        n_axes = min(N_AXES, len(distinct) - 1, int(np.count_nonzero(occurrences)) - 1)
        if n_axes < 1:
            return cls(idf[:, None] ** 2)
        weighed = sparse.diags_array(np.sqrt(counts) / np.maximum(lengths, 1e-6)) @ content @ sparse.diags_array(idf)
        found = TruncatedSVD(n_axes, n_iter=3, random_state=seed).fit(weighed)
        scale = np.sqrt(len(rows)) / max(found.singular_values_.max(), 1e-6)  # the first has a mean square of 1
        shares = found.components_.T * idf[:, None] * scale
        return cls(np.concatenate([shares, idf[:, None] ** 2], axis=1).astype(np.float32))

    def read(self, texts: TextBatch) -> NDArray[np.float32]:
        """Place the texts of a batch, (B, n_axes); an empty text is at 0."""
        table = torch.from_numpy(self.table).to(texts.ids.device)
        sums = functional.embedding_bag(texts.ids, table, texts.offsets, mode="sum").cpu().numpy()
        places: NDArray[np.float32] = sums[:, :-1] / np.sqrt(np.maximum(sums[:, -1:], 1e-6))
        return places
