"""What trained networks say of the cells of a table: best values, probabilities, spread, draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.batches import TensorTable
from gain_impute.experts import CompletedRows, Experts, HeldOutRows
from gain_impute.state import TrainingState

__all__ = [
    "Prediction",
    "completed_rows",
    "draw_cells",
    "fixed_noise",
    "held_out_rows",
    "predict",
    "predict_probabilities",
]

ROWS_A_BATCH = 2_048
MOST_ROWS_A_BATCH = 32_768  # where trees are asked: long batches, for each tree is fetched from memory anew
MOST_LOGITS = 2**23  # of a batch, so that many categories do not take much memory
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


@dataclass(frozen=True)
class _Said:
    """What is said of a batch of rows: by the generator, and where there are experts by both.

    Attributes
    ----------
    numbers : ndarray of shape (B, N), float32
    shift : Tensor of shape (B, N)
        How far the numbers of the generator's draw lie from its best ones.
    asked : list of ndarray of shape (n_asked,), int64
        Of each categorical column, the rows where it is unknown.
    probabilities : list of ndarray of shape (n_asked, n_categories), float32
        What is said of it there.
    features : Tensor of shape (B, d_hidden)
        What the generator's draws start from.
    """

    numbers: NDArray[np.float32]
    shift: Tensor
    asked: list[NDArray[np.int64]]
    probabilities: list[NDArray[np.float32]]
    features: Tensor


@torch.no_grad()
def predict(
    state: TrainingState,
    table: TensorTable,
    rows: NDArray[np.int64],
    *,
    experts: Experts | None = None,
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
    experts : Experts, optional
        What the generator's best values are blended with.
    known : Tensor of shape (n_rows, P), optional
        Cells that may be read; the table's own by default.
    spread : bool or ndarray of shape (n_chosen,), bool, default=False
        Also make draws of these rows, and measure how far they lie from the best value: most of the work, if of all.
    on_batch : callable, default=nothing
        Called before each batch of rows; what it raises ends the work.
    """
    known = table.known if known is None else known
    is_drawn = torch.from_numpy(np.broadcast_to(np.asarray(spread), len(rows)).copy()).to(state.device)
    numbers, features = np.zeros((len(rows), state.layout.n_numbers), np.float32), []
    codes = np.zeros((len(rows), len(state.layout.classes)), np.int64)
    probabilities = np.zeros(codes.shape, np.float32)
    for first, part in _parts(rows, state, experts):
        on_batch()
        said = _say(state, table, part, known[part], experts)
        at = slice(first, first + len(part))
        numbers[at] = said.numbers
        features.append(said.features[is_drawn[at]])
        for column, (asked, shares) in enumerate(zip(said.asked, said.probabilities, strict=True)):
            codes[first + asked, column] = shares.argmax(axis=1) + 1
            probabilities[first + asked, column] = shares.max(axis=1)
    spreads = torch.full((len(rows), state.layout.n_numbers), torch.nan, device=state.device)
    if state.layout.n_numbers and bool(is_drawn.any()):
        noise = fixed_noise(N_SPREAD_DRAWS, state.generator.d_noise, state.device)
        spreads[is_drawn] = torch.cat(
            [_spread(state, part, noise, on_batch) for part in torch.split(torch.cat(features), ROWS_A_BATCH)]
        )
    return Prediction(numbers, spreads.cpu().numpy(), codes, probabilities)


@torch.no_grad()
def predict_probabilities(
    state: TrainingState, table: TensorTable, column: int, *, experts: Experts | None = None
) -> NDArray[np.float32]:
    """Probability of each category of column number `column`, unknown in every row; (n_rows, n_categories)."""
    every = np.arange(len(table.known))
    parts = [
        _say(state, table, part, table.known[part], experts).probabilities[column]
        for _, part in _parts(every, state, experts)
    ]
    return np.concatenate([np.zeros((0, state.layout.class_sizes[column]), np.float32), *parts])


@torch.no_grad()
def draw_cells(
    state: TrainingState,
    table: TensorTable,
    rows: NDArray[np.int64],
    *,
    spread_scale: NDArray[np.float32],
    experts: Experts | None = None,
) -> Prediction:
    """Draw every cell of the rows once, from torch's generator as it stands; `spread_scale` (N,) widens the numbers."""
    numbers = np.zeros((len(rows), state.layout.n_numbers), np.float32)
    codes = np.zeros((len(rows), len(state.layout.classes)), np.int64)
    for first, part in _parts(rows, state, experts):
        noise = torch.randn(len(part), state.generator.d_noise, device=state.device)
        said = _say(state, table, part, table.known[part], experts, noise=noise)
        numbers[first : first + len(part)] = said.numbers + spread_scale * said.shift.cpu().numpy()
        for column, (asked, shares) in enumerate(zip(said.asked, said.probabilities, strict=True)):
            if len(asked):
                picked = torch.multinomial(torch.from_numpy(shares).to(state.device), 1)
                codes[first + asked, column] = picked[:, 0].cpu().numpy() + 1
    return Prediction(numbers, np.zeros_like(numbers), codes, np.full(codes.shape, np.nan, np.float32))


@torch.no_grad()
def completed_rows(
    state: TrainingState, table: TensorTable, rows: NDArray[np.int64], *, known: Tensor
) -> CompletedRows:
    """Rows of a table (n_chosen,), completed by the generator where `known` (n_rows, P) is false."""
    parts = []
    for _, part in _parts(rows, state, None):
        texts = table.read_texts(state.averaged, part, known[part])
        parts.append(_completed(table, part, known[part], _say(state, table, part, known[part], None), texts))
    return CompletedRows.together(parts)


@torch.no_grad()
def held_out_rows(
    state: TrainingState, table: TensorTable, rows: NDArray[np.int64], held_out: NDArray[np.bool_]
) -> HeldOutRows:
    """Rows as they stand without some known cells (n_chosen, P), and what the generator says of these."""
    at = torch.from_numpy(rows).to(state.device)
    visible = table.known[at] & torch.from_numpy(~held_out).to(state.device)
    said = _say(state, table, at, visible, None)
    return HeldOutRows(
        _completed(table, at, visible, said, table.read_texts(state.averaged, at, visible)),
        held_out,
        table.numbers[at].cpu().numpy(),
        table.codes[at].cpu().numpy(),
        said.asked,
        said.probabilities,
    )


def _say(
    state: TrainingState,
    table: TensorTable,
    part: Tensor,
    visible: Tensor,
    experts: Experts | None,
    *,
    noise: Tensor | None = None,
) -> _Said:
    """Best values of a batch of rows; with noise (B, d_noise) a draw, whose numbers are told by their shift."""
    texts = table.read_texts(state.averaged, part, visible)
    best, features = table.read(state.averaged, part, visible, texts=texts)
    drawn = best if noise is None else state.averaged.draw(best, features, noise)
    n, slices = state.layout.n_numbers, state.layout.class_slices
    asked = [(~visible[:, n + column]).nonzero()[:, 0] for column in range(len(slices))]
    shares = [
        torch.softmax(drawn.logits[rows, at], dim=1).cpu().numpy() for rows, at in zip(asked, slices, strict=True)
    ]
    said = _Said(
        best.numbers.cpu().numpy(),
        drawn.numbers - best.numbers,
        [rows.cpu().numpy() for rows in asked],
        shares,
        features,
    )
    if experts is not None:
        completed = _completed(table, part, visible, said, texts)
        experts.blend(completed, visible.cpu().numpy(), said.numbers, said.probabilities)
    return said


def _completed(table: TensorTable, rows: Tensor, visible: Tensor, said: _Said, texts: list[Tensor]) -> CompletedRows:
    """Rows of a table with what is not visible (B, P) filled in by what is said of it."""
    n, known = said.numbers.shape[1], visible.cpu().numpy()
    codes = table.codes[rows].cpu().numpy()
    for column, (asked, shares) in enumerate(zip(said.asked, said.probabilities, strict=True)):
        codes[asked, column] = shares.argmax(axis=1) + 1
    numbers = np.where(known[:, :n], table.numbers[rows].cpu().numpy(), said.numbers)
    return CompletedRows(numbers, codes, tuple(text.cpu().numpy() for text in texts))


def _parts(rows: NDArray[np.int64], state: TrainingState, experts: Experts | None) -> Iterator[tuple[int, Tensor]]:
    """Rows batch by batch, each with the place of its first."""
    n_rows, width = ROWS_A_BATCH, max(1, sum(state.layout.class_sizes))
    if experts is not None:
        n_rows = min(MOST_ROWS_A_BATCH, max(ROWS_A_BATCH, MOST_LOGITS // width))
    for first in range(0, len(rows), n_rows):
        yield first, torch.from_numpy(rows[first : first + n_rows]).to(state.device)


def _spread(state: TrainingState, features: Tensor, noise: Tensor, on_batch: Callable[[], None]) -> Tensor:
    """Root mean square distance (B, N) of the numbers of draws from the best ones, for rows of these features."""
    on_batch()
    squares = torch.zeros(len(features), state.layout.n_numbers, device=features.device)
    for vector in noise:
        squares += state.averaged.correct_numbers(features, vector.expand(len(features), -1)) ** 2
    return (squares / len(noise)).sqrt()
