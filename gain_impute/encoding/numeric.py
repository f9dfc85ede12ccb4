"""Numbers to z-scores and back: within the column's bounds, on its grid, one of those seen where these are few."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAR", "NumericEncoder"]

FAR = 100.0  # times as far from the middle as all others: a misprint, or a number that stands for "empty"
MOST_FAR = 0.05  # of the known numbers: of more these would be a part of the column
LEAST_JUDGED = 20  # known numbers: among fewer none is far
MOST = float(np.finfo(np.float64).max)
MAX_SCORE = 1e4  # a z-score beyond it says no more, and would drown the rest of its row
LEAST_MOVE = 1e-6  # of a standard deviation: from one value to the next, where there is no grid
MAX_SAMPLED_ROWS = 100_000  # quantiles of more rows than this, and the few values seen, are those of an even sample
LEAST_OF_EACH = 10  # cells for each value seen, on average: then processors have 4 or 8 cores, and none has 5
MOST_SEEN = 300  # values that are remembered


@dataclass(frozen=True, kw_only=True)
class NumericEncoder:
    """One numeric or date column as the network sees it.

    Attributes
    ----------
    name : str
        The column.
    mean, std : float
        Of the known values; `std` is 1 where they do not vary.
    minimum, maximum : float
        Bounds of a filled value: the schema's where it sets them, else those seen in fit.
    grid : float
        Step of the values (1 for integers, 0.01 for cents, 86400 for days); 0 where there is none.
    edges : ndarray of shape (n_bins + 1,), float32
        Quantiles of the known z-scores: the knots of the piecewise-linear embedding [1]_.
    read_from, read_to : float
        Numbers beyond are not read: they lie FAR times as far from the median as all others, so that beside them
        these would be one and the same.
    n_far : int, default=0
        How many there were among those learned last.
    seen : ndarray of shape (n_seen,), float64
        The known values on the grid, sorted, where they are few; else none. Filled values are among them.

    References
    ----------
    .. [1] Gorishniy, Rubachev & Babenko (2022), "On embeddings for numerical features in tabular deep learning".
    """

    name: str
    mean: float
    std: float
    minimum: float
    maximum: float
    grid: float
    edges: NDArray[np.float32]
    read_from: float
    read_to: float
    n_far: int = 0
    seen: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def fit(
        cls,
        name: str,
        values: NDArray[np.float64],
        *,
        n_bins: int,
        grid: float = 0.0,
        minimum: float | None = None,
        maximum: float | None = None,
        remembers_few: bool = True,
    ) -> NumericEncoder:
        """Learn scale, bounds and knots from the known values, and these if they are few; NaN is an unknown one."""
        known = values[~np.isnan(values)]
        read_from, read_to = _read_range(known) or (-MOST, MOST)
        is_far = (known < read_from) | (known > read_to)
        known = known[~is_far]
        scale = float(np.abs(known).max()) or 1.0  # of 1e308 the square is no number, of 1 it is
        mean, std = scale * float((known / scale).mean()), scale * float((known / scale).std())
        if std <= 1e-12 * scale:
            mean, std = float(known[0]), 1.0
        sample = known[:: max(1, -(-len(known) // MAX_SAMPLED_ROWS))]
        with np.errstate(over="ignore"):
            scores = np.clip((sample - mean) / std, -MAX_SCORE, MAX_SCORE)
        edges = np.quantile(scores, np.linspace(0, 1, n_bins + 1)).astype(np.float32)
        least, greatest = _bounds(float(known.min()), float(known.max()), minimum, maximum)
        encoder = cls(
            name=name,
            mean=mean,
            std=std,
            minimum=least,
            maximum=greatest,
            grid=grid,
            edges=edges,
            read_from=read_from,
            read_to=read_to,
            n_far=int(is_far.sum()),
        )
        seen = np.unique(sample)
        is_few = remembers_few and len(seen) <= min(MOST_SEEN, len(sample) // LEAST_OF_EACH)
        return replace(encoder, seen=encoder.on_grid(seen)) if is_few else encoder

    def reads(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which values (n_rows,) are known and not far beyond all others."""
        return (values >= self.read_from) & (values <= self.read_to)

    def encode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Z-scores of shape (n_rows,); 0 where a value is unknown, or far beyond all others."""
        with np.errstate(over="ignore"):
            scores = np.clip((values - self.mean) / self.std, -MAX_SCORE, MAX_SCORE)
        return np.where(self.reads(values), scores, 0.0)

    def decode(self, scores: NDArray[np.floating], *, round_to_grid: bool) -> NDArray[np.float64]:
        """Values of shape (n_rows,) within the bounds; if `round_to_grid` on the grid, or among those seen."""
        with np.errstate(over="ignore"):
            values = np.clip(scores.astype(np.float64) * self.std + self.mean, self.minimum, self.maximum)
        if not round_to_grid:
            return values
        seen = self.seen[(self.seen >= self.minimum) & (self.seen <= self.maximum)]
        return _nearest(values, seen) if len(seen) else self.snap(values)

    def snap(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Round to the nearest point of the grid that lies within the bounds."""
        if self.grid == 0:
            return values
        if self.grid < 1:  # 0.1 and 0.01 are not exact in binary: divide by their exact inverse
            per_unit = float(round(1 / self.grid))
            with np.errstate(over="ignore"):  # of 1e308 no steps can be counted: every float there is on the grid
                lowest, highest = np.ceil(self.minimum * per_unit - 1e-6), np.floor(self.maximum * per_unit + 1e-6)
                steps = np.clip(np.rint(values * per_unit), lowest, highest)
            return np.where(np.isfinite(steps), steps / per_unit, values) if lowest <= highest else values
        lowest, highest = np.ceil(self.minimum / self.grid - 1e-6), np.floor(self.maximum / self.grid + 1e-6)
        return np.clip(np.rint(values / self.grid), lowest, highest) * self.grid if lowest <= highest else values

    def beside(self, values: NDArray[np.float64], taken: NDArray[np.float64]) -> NDArray[np.float64]:
        """Put the nearest value, within the bounds and on the grid, in the place of one that is `taken` (n_taken,)."""
        for value in np.unique(values[np.isin(values, taken)]):
            near = value + (self.grid or LEAST_MOVE * self.std) * np.array([1, -1, 2, -2, 3, -3])
            near = self.snap(near)
            free = near[(near >= self.minimum) & (near <= self.maximum) & ~np.isin(near, taken)]
            values = np.where(values == value, next(iter(free), value), values)
        return values

    def widen(self, values: NDArray[np.float64], *, minimum: float | None, maximum: float | None) -> NumericEncoder:
        """Let the bounds take in more known values; scale and knots stay, for the network has learned them."""
        known = values[~np.isnan(values)]
        read_from, read_to = self.read_from, self.read_to
        if len(known) >= LEAST_JUDGED:  # fewer do not reach farther
            read_from, read_to = _read_range(known) or (float(known.min()), float(known.max()))
        wider = replace(self, read_from=min(self.read_from, read_from), read_to=max(self.read_to, read_to))
        is_read = wider.reads(known)
        known = known[is_read]
        if len(known) == 0:
            return replace(self, n_far=len(is_read))
        least, greatest = min(self.minimum, float(known.min())), max(self.maximum, float(known.max()))
        least, greatest = _bounds(least, greatest, minimum, maximum)
        wider = replace(wider, n_far=int((~is_read).sum()), minimum=least, maximum=greatest)
        seen = np.union1d(self.seen, wider.on_grid(np.unique(known)))
        is_few = len(seen) <= min(MOST_SEEN, 2 * len(self.seen))  # none stay none
        return replace(wider, seen=seen if is_few else np.zeros(0))

    def on_grid(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Those of some values that lie on the grid, within the bounds or not."""
        free = replace(self, minimum=-MOST, maximum=MOST) if self.grid else self
        is_on_grid = np.isclose(free.snap(values), values, rtol=1e-12, atol=0)
        return np.asarray(values[is_on_grid])


def _nearest(values: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest of some sorted numbers (n_among,) to each value (n_rows,)."""
    above = np.searchsorted(among, values).clip(max=len(among) - 1)
    below = np.maximum(above - 1, 0)
    return np.asarray(np.where(values - among[below] < among[above] - values, among[below], among[above]))


def _bounds(least: float, greatest: float, minimum: float | None, maximum: float | None) -> tuple[float, float]:
    """Bounds of a filled value: those of the schema, else those of the known ones, as far as these are within them."""
    if minimum is not None:
        least, greatest = minimum, max(minimum, greatest)
    if maximum is not None:
        least, greatest = min(least, maximum), maximum
    return least, greatest


def _read_range(known: NDArray[np.float64]) -> tuple[float, float] | None:
    """From and to which number the known ones (n_known,) are read; None where they are few, or mostly the same.

    FAR times as far from the median as the farthest, without those that lie beyond a gap in which that distance grows
    by as much.
    """
    if len(known) < LEAST_JUDGED:
        return None
    middle = float(np.median(known))
    with np.errstate(over="ignore"):
        distances = np.abs(known - middle)
        if np.median(distances) == 0:
            return None
        n_usual = math.ceil((1 - MOST_FAR) * len(known))
        farthest = np.sort(np.partition(distances, n_usual - 1)[n_usual - 1 :])
        gaps = np.flatnonzero(farthest[1:] > FAR * farthest[:-1])
        reach = FAR * float(farthest[gaps[0] if len(gaps) else -1])
    return max(middle - reach, -MOST), min(middle + reach, MOST)
