"""What trained networks say of the cells of a table: best values, probabilities, spread, draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.batches import TensorTable
from gain_impute.state import TrainingState

__all__ = ["Prediction", "draw_cells", "fixed_noise", "predict", "predict_probabilities"]

ROWS_A_BATCH = 2_048
N_SPREAD_DRAWS = 16  # draws from whose spread the interval of a number is made


@dataclass(frozen=True)
class Prediction:
    """What the networks say of the chosen rows; of numbers also where a cell is known.

    Attributes
    ----------
    numbers : ndarray of shape (n_chosen, N), float32
        Best z-scores.
    spread : ndarray of shape (n_chosen, N), float32
        Standard deviation of the draws around them; NaN where it was not asked for.
    codes : ndarray of shape (n_chosen, C), int64
        Most probable categories, from 1, of cells that were not to be read; 0 of all others.
    probabilities : ndarray of shape (n_chosen, C), float32
        Their probabilities.
    """

    numbers: NDArray[np.float32]
    spread: NDArray[np.float32]
    codes: NDArray[np.int64]
    probabilities: NDArray[np.float32]


def fixed_noise(n_draws: int, d_noise: int, device: torch.device) -> Tensor:
    """Noise vectors (n_draws, d_noise) that are the same in every call, so that a row's spread is its own."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n_draws, d_noise, generator=generator).to(device)


@torch.no_grad()
def predict(
    state: TrainingState,
    table: TensorTable,
    rows: NDArray[np.int64],
    *,
    known: Tensor | None = None,
    spread: bool | NDArray[np.bool_] = False,
    on_batch: Callable[[], None] = lambda: None,
) -> Prediction:
    """Run the averaged generator over rows of a table.

    Parameters
    ----------
    state : TrainingState
    table : TensorTable
    rows : ndarray of shape (n_chosen,), int64
        Row numbers.
    known : Tensor of shape (n_rows, P), optional
        Cells that may be read; the table's own by default.
    spread : bool or ndarray of shape (n_chosen,), bool, default=False
        Also make draws of these rows, and measure how far they lie from the best value: most of the work, if of all.
    on_batch : callable, default=nothing
        Called before each batch of rows; what it raises ends the work.
    """
    known = table.known if known is None else known
    is_drawn = torch.from_numpy(np.broadcast_to(np.asarray(spread), len(rows)).copy()).to(state.device)
    chosen = torch.from_numpy(rows).to(state.device)
    numbers, codes, probabilities, features = [], [], [], []
    for part, drawn in zip(torch.split(chosen, ROWS_A_BATCH), torch.split(is_drawn, ROWS_A_BATCH), strict=True):
        on_batch()
        visible = known[part]
        best, read = table.read(state.averaged, part, visible)
        numbers.append(best.numbers)
        features.append(read[drawn])
        found = _most_probable(best.logits, ~visible[:, state.layout.n_numbers :], state.layout.class_slices)
        codes.append(found[0])
        probabilities.append(found[1])
    spreads = torch.full((len(rows), state.layout.n_numbers), torch.nan, device=state.device)
    if state.layout.n_numbers and bool(is_drawn.any()):
        noise = fixed_noise(N_SPREAD_DRAWS, state.generator.d_noise, state.device)
        spreads[is_drawn] = torch.cat(
            [_spread(state, part, noise, on_batch) for part in torch.split(torch.cat(features), ROWS_A_BATCH)]
        )
    return Prediction(_together(numbers), spreads.cpu().numpy(), _together(codes), _together(probabilities))


@torch.no_grad()
def predict_probabilities(state: TrainingState, table: TensorTable, column: int) -> NDArray[np.float32]:
    """Probability of each category of the categorical column number `column`, of shape (n_rows, n_categories)."""
    known = table.known
    at = state.layout.class_slices[column]
    parts = [
        _softmax(table.read(state.averaged, part, known[part])[0].logits[:, at])
        for part in torch.split(torch.arange(len(known), device=state.device), ROWS_A_BATCH)
    ]
    return torch.cat(parts).cpu().numpy() if parts else np.zeros((0, at.stop - at.start), np.float32)


@torch.no_grad()
def draw_cells(
    state: TrainingState, table: TensorTable, rows: NDArray[np.int64], *, spread_scale: NDArray[np.float32]
) -> Prediction:
    """Draw every cell of the rows once, from torch's generator as it stands; `spread_scale` (N,) widens the numbers."""
    scale = torch.from_numpy(spread_scale).to(state.device)
    numbers, codes = [], []
    for part in torch.split(torch.from_numpy(rows).to(state.device), ROWS_A_BATCH):
        best, features = table.read(state.averaged, part, table.known[part])
        noise = torch.randn(len(part), state.generator.d_noise, device=state.device)
        drawn = state.averaged.draw(best, features, noise)
        numbers.append(best.numbers + scale * (drawn.numbers - best.numbers))
        picks = [torch.multinomial(_softmax(drawn.logits[:, at]), 1) + 1 for at in state.layout.class_slices]
        codes.append(torch.cat(picks, 1) if picks else part.new_zeros((len(part), 0)))
    values, chosen = _together(numbers), _together(codes)
    return Prediction(values, np.zeros_like(values), chosen, np.full(chosen.shape, np.nan, np.float32))


def _most_probable(logits: Tensor, asked: Tensor, slices: tuple[slice, ...]) -> tuple[Tensor, Tensor]:
    """Codes and probabilities (B, C) of the most probable categories of the cells asked for (B, C); else 0."""
    codes = torch.zeros(asked.shape, dtype=torch.int64, device=logits.device)
    probabilities = logits.new_zeros(asked.shape)
    for column, at in enumerate(slices):
        rows = asked[:, column].nonzero()[:, 0]
        top = _softmax(logits[rows, at]).max(dim=1)
        codes[rows, column], probabilities[rows, column] = top.indices + 1, top.values
    return codes, probabilities


def _softmax(logits: Tensor) -> Tensor:
    return torch.softmax(logits, dim=1)


def _spread(state: TrainingState, features: Tensor, noise: Tensor, on_batch: Callable[[], None]) -> Tensor:
    """Root mean square distance (B, N) of the numbers of draws from the best ones, for rows of these features."""
    on_batch()
    squares = torch.zeros(len(features), state.layout.n_numbers, device=features.device)
    for vector in noise:
        squares += state.averaged.correct_numbers(features, vector.expand(len(features), -1)) ** 2
    return (squares / len(noise)).sqrt()


def _together(parts: list[Tensor]) -> NDArray[Any]:
    """One array of the tensors of all batches."""
    return torch.cat(parts).cpu().numpy() if parts else np.zeros((0, 0))
