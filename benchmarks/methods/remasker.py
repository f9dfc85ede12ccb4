"""ReMasker: a transformer over columns that learns to give back known cells that were masked once more.

Written anew from the paper. Each column is a token: its value in [0, 1] through a linear layer, plus a sine code of
its place. Of each row's known cells half are masked again at random; an encoder sees the others and a class token, a
decoder sees the encoder's output with a learned token in every other place, and gives all columns back. The loss is
the mean squared error of the cells masked again plus that of the cells seen.

What is ours: rows that know fewer cells than others are padded and the padding is not attended to; the 50 text
features of a row go through a linear layer into its class token; and the number of epochs follows from the size of the
table (600 in the paper) so that a fit takes 60 to 90 s on one core; where they are few, steps take fewer rows.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.methods.unit_scale import UnitScale
from gain_impute.methods import Matrix, MatrixMethod, Method, MethodEntry, Setting

__all__ = ["REMASKER", "ReMaskerFiller", "epochs_for"]

Floats = NDArray[np.float64]

D_TOKEN, N_HEADS, N_ENCODER, N_DECODER = 32, 4, 6, 4
MOST_EPOCHS, LEAST_EPOCHS, SHARE_WARMING_UP = 600, 5, 40 / 600
FEW_EPOCHS, ROWS_A_STEP, ROWS_A_STEP_OF_FEW = 100, 64, 16
TOKENS_A_FIT = 1_000_000
"""Tokens that go through the network in a fit: rows * (columns + 1) * epochs."""
ROWS_AT_ONCE = 1024


def epochs_for(n_rows: int, n_columns: int) -> int:
    """How many epochs a table gets: 600 as in the paper, fewer where it is large."""
    affordable = TOKENS_A_FIT // max(1, n_rows * (n_columns + 1))
    return max(LEAST_EPOCHS, min(MOST_EPOCHS, affordable))


@dataclass(kw_only=True)
class ReMaskerFiller:
    """Fill with a masked autoencoder.

    Attributes
    ----------
    n_rows_a_step : int or None, default=None
        Rows of a step; None: 64 as in the paper, 16 where epochs are fewer than 100, so that there are more steps.
    n_epochs : int or None, default=None
        Epochs; None: what `epochs_for` says.
    max_time_s : float or None, default=None
        Seconds after which the training is cut short; `note` says so.
    random_state : int, default=0
        Seed of weights, rows and masks.
    note : str
        Epochs that were made, where they are fewer than in the paper.
    """

    n_rows_a_step: int | None = None
    n_epochs: int | None = None
    max_time_s: float | None = None
    random_state: int = 0
    reads_text: bool = field(default=True, init=False)
    note: str = field(default="", init=False, repr=False)
    _scale: UnitScale | None = field(default=None, init=False, repr=False)
    _net: _ReMasker | None = field(default=None, init=False, repr=False)

    def fit_fill(self, matrix: Matrix) -> Floats:
        """Train, and fill."""
        n_rows, n_columns = matrix.values.shape
        self._scale = UnitScale.of(matrix)
        values, observed = self._scale.scaled(matrix)
        rng = torch.Generator().manual_seed(self.random_state)
        self._net = _ReMasker(n_columns, matrix.texts.shape[1], rng)
        n_epochs = self.n_epochs or epochs_for(n_rows, n_columns)
        n_done = self._train(values, observed, n_epochs, rng)
        self.note = "" if n_done == MOST_EPOCHS else f"{n_done} epochs; {MOST_EPOCHS} in the paper"
        return self.fill(matrix)

    def fill(self, matrix: Matrix) -> Floats:
        """Fill other rows."""
        assert self._scale is not None, "fit_fill comes first"
        assert self._net is not None, "fit_fill comes first"
        values, observed = self._scale.scaled(matrix)
        n = matrix.values.shape[1]
        with torch.no_grad():
            made = [
                self._net(v[:, :n], o[:, :n] > 0, v[:, n:])
                for v, o in zip(torch.split(values, ROWS_AT_ONCE), torch.split(observed, ROWS_AT_ONCE), strict=True)
            ]
        return self._scale.unscaled(torch.cat(made))

    def _train(self, values: Tensor, observed: Tensor, n_epochs: int, rng: torch.Generator) -> int:
        """Train for some epochs, fewer where time is over; returns how many."""
        assert self._net is not None
        n = self._net.n_columns
        optimiser = torch.optim.AdamW(self._net.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.05, fused=True)
        until = math.inf if self.max_time_s is None else time.monotonic() + 0.7 * self.max_time_s
        n_rows_a_step = self.n_rows_a_step or (ROWS_A_STEP if n_epochs >= FEW_EPOCHS else ROWS_A_STEP_OF_FEW)
        n_steps = math.ceil(len(values) / n_rows_a_step)
        for epoch in range(n_epochs):
            for i_step, rows in enumerate(torch.split(torch.randperm(len(values), generator=rng), n_rows_a_step)):
                optimiser.param_groups[0]["lr"] = _learning_rate((epoch + i_step / n_steps) / n_epochs)
                known, targets = observed[rows, :n] > 0, values[rows, :n]
                masked = known & (torch.rand(known.shape, generator=rng) < 0.5)
                seen = known & ~masked
                errors = (self._net(targets, seen, values[rows, n:]) - targets) ** 2
                loss = errors[masked].sum() / max(int(masked.sum()), 1) + errors[seen].sum() / max(int(seen.sum()), 1)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            if time.monotonic() > until:
                return epoch + 1
        return n_epochs


def _learning_rate(progress: float) -> float:
    """Rise, then the half wave of a cosine, from 0.001 to 0.00001."""
    if progress < SHARE_WARMING_UP:
        return 1e-3 * progress / SHARE_WARMING_UP
    turn = (progress - SHARE_WARMING_UP) / (1 - SHARE_WARMING_UP)
    return 1e-5 + (1e-3 - 1e-5) * 0.5 * (1 + math.cos(math.pi * turn))


class _ReMasker(nn.Module):
    """From seen values (n_rows, n_columns) and texts (n_rows, d_text) to all values (n_rows, n_columns)."""

    places: Tensor

    def __init__(self, n_columns: int, d_text: int, rng: torch.Generator) -> None:
        """Make the layers; all weights are drawn with the generator given."""
        super().__init__()
        self.n_columns = n_columns
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=rng)))
            self.value = nn.Linear(1, D_TOKEN)
            self.text = nn.Linear(d_text, D_TOKEN) if d_text else None
            self.cls_token = nn.Parameter(torch.randn(D_TOKEN) * 0.02)
            self.mask_token = nn.Parameter(torch.randn(D_TOKEN) * 0.02)
            self.encoder, self.decoder = _transformer(N_ENCODER), _transformer(N_DECODER)
            self.between = nn.Linear(D_TOKEN, D_TOKEN)
            self.out = nn.Linear(D_TOKEN, 1)
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    nn.init.xavier_uniform_(module.weight)
                    nn.init.zeros_(module.bias)
                elif isinstance(module, nn.MultiheadAttention):
                    nn.init.xavier_uniform_(module.in_proj_weight)
        self.register_buffer("places", _sine_code(n_columns + 1))

    def forward(self, values: Tensor, seen: Tensor, texts: Tensor) -> Tensor:
        """Give all columns back from those seen."""
        n_rows, n_most = len(values), int(seen.sum(dim=1).max()) if len(values) else 0
        order = torch.argsort((~seen).to(torch.int8), dim=1, stable=True)[:, :n_most]  # seen columns first
        is_padding = ~seen.gather(1, order)  # (n_rows, n_most)
        tokens = self.value(values.gather(1, order)[:, :, None]) + self.places[1:][order]
        first = (self.cls_token + self.places[0]).expand(n_rows, 1, -1)
        if self.text is not None:
            first = first + self.text(texts)[:, None]
        is_padding = torch.cat([torch.zeros(n_rows, 1, dtype=torch.bool), is_padding], dim=1)
        read = self.between(self.encoder(torch.cat([first, tokens], dim=1), src_key_padding_mask=is_padding))
        places = order[:, :, None].expand(-1, -1, D_TOKEN)
        put = torch.where(is_padding[:, 1:, None], self.mask_token, read[:, 1:])
        full = self.mask_token.expand(n_rows, self.n_columns, -1).scatter(1, places, put)
        full = torch.cat([read[:, :1], full], dim=1) + self.places
        return torch.tanh(self.out(self.decoder(full))[:, 1:, 0]) / 2 + 0.5


def _transformer(n_layers: int) -> nn.Module:
    """Blocks with the norm first, GELU, four times as wide inside, without dropout; a norm at the end."""
    layer = nn.TransformerEncoderLayer(
        D_TOKEN, N_HEADS, 4 * D_TOKEN, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, n_layers, norm=nn.LayerNorm(D_TOKEN), enable_nested_tensor=False)


def _sine_code(n_places: int) -> Tensor:
    """A code of each place, (n_places, D_TOKEN); zero for the first, the class token's."""
    frequencies = 1e-4 ** (torch.arange(D_TOKEN // 2) / (D_TOKEN // 2))
    angles = torch.arange(n_places - 1)[:, None] * frequencies
    return torch.cat([torch.zeros(1, D_TOKEN), torch.cat([angles.sin(), angles.cos()], dim=1)])


def _make(setting: Setting) -> Method:
    return MatrixMethod(ReMaskerFiller(max_time_s=setting.max_time_s, random_state=setting.seed), setting)


REMASKER = MethodEntry(
    name="remasker",
    title="ReMasker",
    make=_make,
    settings={
        "width": D_TOKEN,
        "encoder layers": N_ENCODER,
        "decoder layers": N_DECODER,
        "heads": N_HEADS,
        "masked again": 0.5,
        "rows a step": f"{ROWS_A_STEP}; {ROWS_A_STEP_OF_FEW} where there are fewer than {FEW_EPOCHS} epochs",
        "epochs": f"{TOKENS_A_FIT:,} / (rows x (columns + 1)), {LEAST_EPOCHS} to {MOST_EPOCHS}",
        "categories": "codes, scaled to [0, 1] and rounded",
        "text": "50 TF-IDF + SVD features into the class token",
    },
    reference="Du, Melis & Wang (2024), ReMasker, ICLR",
)
