"""Dates to z-scores and back: seconds since 1970, on the coarsest of day, hour, minute and second that fits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gain_impute.encoding.numeric import NumericEncoder

__all__ = ["fit_datetime_encoder"]

GRIDS_S = (86_400.0, 3_600.0, 60.0, 1.0)


def fit_datetime_encoder(
    name: str, seconds: NDArray[np.float64], *, n_bins: int, minimum: float | None = None, maximum: float | None = None
) -> NumericEncoder:
    """Learn a date column: a number of seconds whose grid is found from the known values (NaN is unknown).

    Few values are not remembered: between two days that were seen any day is possible.
    """
    known = seconds[~np.isnan(seconds)]
    grid = next((step for step in GRIDS_S if not np.any(known % step)), 0.0)
    return NumericEncoder.fit(
        name, seconds, n_bins=n_bins, grid=grid, minimum=minimum, maximum=maximum, remembers_few=False
    )
