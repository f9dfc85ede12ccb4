"""GAIN as it was published: small networks, min-max scaling, a loss on visible cells only.

Written anew from the paper's algorithm 2; where the paper leaves a thing open, from what the authors' released program
is seen to do: three layers as wide as the table has columns, ReLU, sigmoid at the end, Xavier weights, Adam at 0.001,
noise in [0, 0.01] in the holes, 128 rows drawn anew at each of 10,000 steps, alpha 100, categories as rounded codes.
Texts are columns that are always known.

The two differ in one place. The *paper*'s hint gives away nine cells of ten (1 where known, 0 where not) and says 0.5
of the others, and only the others count in the adversaries' losses. The *released* program tells 1 for nine of ten
known cells and 0 for all other cells, and counts every cell. `hint` chooses; the paper's is the default.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.methods.unit_scale import UnitScale
from gain_impute.methods import Matrix, Method, MethodEntry, Setting
from gain_impute.methods.matrix import DrawingMatrixMethod

__all__ = ["GAIN_2018", "Gain2018Filler"]

Floats = NDArray[np.float64]


@dataclass(kw_only=True)
class Gain2018Filler:
    """Fill with the generator of a GAIN.

    Attributes
    ----------
    n_steps : int, default=10000
        Steps of both networks.
    n_rows_a_step : int, default=128
        Rows drawn for a step.
    alpha : float, default=100
        Weight of the squared error on visible cells; the paper chooses it among .1, .5, 1, 2 and 10 on each table.
    hint_rate : float, default=0.9
        Share of cells that the hint gives away.
    hint : {"paper", "released"}, default="paper"
        Which hint, and which cells count in the adversaries' losses.
    max_time_s : float or None, default=None
        Seconds of which the training may take 0.7; `note` says so where it is cut short.
    random_state : int, default=0
        Seed of weights, rows, noise and hints.
    note : str
        Steps that were made, where they are not all.
    """

    n_steps: int = 10_000
    n_rows_a_step: int = 128
    alpha: float = 100.0
    hint_rate: float = 0.9
    hint: Literal["paper", "released"] = "paper"
    max_time_s: float | None = None
    random_state: int = 0
    reads_text: bool = field(default=True, init=False)
    note: str = field(default="", init=False, repr=False)
    _scale: UnitScale | None = field(default=None, init=False, repr=False)
    _generator: nn.Module | None = field(default=None, init=False, repr=False)

    def fit_fill(self, matrix: Matrix) -> Floats:
        """Train, and fill."""
        self._scale = UnitScale.of(matrix)
        values, observed = self._scale.scaled(matrix)  # (n_rows, n_columns), both
        rng = torch.Generator().manual_seed(self.random_state)
        self._generator = generator = _network(values.shape[1], rng)
        discriminator = _network(values.shape[1], rng)
        optimisers = [torch.optim.Adam(net.parameters(), lr=1e-3, fused=True) for net in (generator, discriminator)]
        until, self.note = np.inf if self.max_time_s is None else time.monotonic() + 0.7 * self.max_time_s, ""
        for i_step in range(self.n_steps):
            rows = torch.randperm(len(values), generator=rng)[: self.n_rows_a_step]
            self._step((generator, discriminator), optimisers, values[rows], observed[rows], rng)
            if time.monotonic() > until:
                self.note = f"stopped by time after {i_step + 1:,} of {self.n_steps:,} steps"
                break
        return self.fill(matrix)

    def fill(self, matrix: Matrix) -> Floats:
        """Fill other rows with the noise at its mean, so that a row's result is its own."""
        return self._filled(matrix, np.full(1, 0.005))

    def draw(self, matrix: Matrix, rng: np.random.Generator) -> Floats:
        """Fill rows with noise drawn anew."""
        n_rows, n_columns = matrix.values.shape
        return self._filled(matrix, rng.uniform(0, 0.01, size=(n_rows, n_columns + matrix.texts.shape[1])))

    def _filled(self, matrix: Matrix, noise: Floats) -> Floats:
        """Fill rows with noise that broadcasts to (n_rows, n_columns + d_text)."""
        assert self._scale is not None, "fit_fill comes first"
        assert self._generator is not None, "fit_fill comes first"
        values, observed = self._scale.scaled(matrix)
        visible = torch.where(observed > 0, values, torch.from_numpy(noise.astype(np.float32)))
        with torch.no_grad():
            made = self._generator(torch.cat([visible, observed], dim=1)).sigmoid()
        return self._scale.unscaled(made)

    def _step(
        self,
        networks: tuple[nn.Module, nn.Module],
        optimisers: list[torch.optim.Adam],
        values: Tensor,
        observed: Tensor,
        rng: torch.Generator,
    ) -> None:
        """One step of the discriminator, then one of the generator, on the same rows."""
        noise = torch.rand(values.shape, generator=rng) * 0.01
        visible = torch.where(observed > 0, values, noise)
        told = (torch.rand(values.shape, generator=rng) < self.hint_rate).float()
        if self.hint == "paper":
            hint, counts = told * observed + 0.5 * (1 - told), 1 - told
        else:
            hint, counts = told * observed, torch.ones_like(told)
        n_counted = counts.sum().clamp(min=1)
        (generator, discriminator), (of_generator, of_discriminator) = networks, optimisers
        made = generator(torch.cat([visible, observed], dim=1)).sigmoid()
        combined = torch.where(observed > 0, values, made)
        judged = binary_cross_entropy_with_logits(
            discriminator(torch.cat([combined.detach(), hint], dim=1)), observed, reduction="none"
        )
        _descend(of_discriminator, (judged * counts).sum() / n_counted)
        fooled = binary_cross_entropy_with_logits(
            discriminator(torch.cat([combined, hint], dim=1)), torch.ones_like(observed), reduction="none"
        )
        copied = (observed * (values - made) ** 2).sum() / observed.sum().clamp(min=1)
        _descend(of_generator, (fooled * (1 - observed) * counts).sum() / n_counted + self.alpha * copied)


def _descend(optimiser: torch.optim.Adam, loss: Tensor) -> None:
    """Take one step down."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def _network(n_columns: int, rng: torch.Generator) -> nn.Module:
    """Three layers from values and hint or observed, (n_rows, 2 n_columns), to logits, (n_rows, n_columns)."""
    sizes = [(2 * n_columns, n_columns), (n_columns, n_columns), (n_columns, n_columns)]
    skip = cast("Callable[..., nn.Linear]", nn.utils.skip_init)
    layers = [skip(nn.Linear, *size) for size in sizes]  # leaves the global generator alone
    for layer in layers:
        nn.init.normal_(layer.weight, std=(2 / layer.in_features) ** 0.5, generator=rng)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


def _make(setting: Setting) -> Method:
    return DrawingMatrixMethod(Gain2018Filler(max_time_s=setting.max_time_s, random_state=setting.seed), setting)


GAIN_2018 = MethodEntry(
    name="gain_2018",
    title="GAIN (2018)",
    make=_make,
    settings={
        "steps": 10_000,
        "rows a step": 128,
        "alpha": 100,
        "hint rate": 0.9,
        "hint": "of the paper",
        "width": "number of columns",
        "categories": "codes, scaled to [0, 1] and rounded",
        "text": "50 TF-IDF + SVD features as columns always known",
    },
    reference="Yoon, Jordon & van der Schaar (2018), GAIN, ICML",
)
