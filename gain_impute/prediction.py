"""What trained networks say of the cells of a table: best values, probabilities, spread, draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.batches import TensorTable
from gain_impute.completed import CompletedRows, HeldOutRows
from gain_impute.experts import HEARD, Experts
from gain_impute.neighbours import Neighbours
from gain_impute.state import TrainingState
from gain_impute.text_axes import TextAxes

__all__ = [
    "Prediction",
    "are_neighbours",
    "completed_rows",
    "draw_cells",
    "fixed_noise",
    "held_out_rows",
    "predict",
    "predict_probabilities",
    "tempered",
    "unknown_shares",
]

ROWS_A_BATCH = 4_096  # small ones cost more calls, after each of which Python is waited for; large ones memory
ROWS_A_PART = 32_768  # of which the trees are asked at once: each is fetched from memory anew
N_SPREAD_DRAWS = 16  # draws from whose spread the interval of a number is made


@dataclass(frozen=True)
class Prediction:
    """What the networks say of the chosen rows; of numbers also where a cell is known.

    Attributes
    ----------
    numbers : ndarray of shape (n_chosen, N), float32
        Best z-scores.
    spread : ndarray of shape (n_chosen, N), float32
        Standard deviation of the draws around them, and of numbers without support also of what generator and experts
        say; NaN where it was not asked for.
    codes : ndarray of shape (n_chosen, C), int64
        Most probable categories, from 1, of cells that were not to be read; 0 of all others.
    probabilities : ndarray of shape (n_chosen, C), float32
        Their probabilities.
    heard : ndarray of shape (n_chosen, P), uint8
        Who is heard of each cell beside the generator, the sum of `HEARD`.
    """

    numbers: NDArray[np.float32]
    spread: NDArray[np.float32]
    codes: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    heard: NDArray[np.uint8]


def are_neighbours(heard: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where neighbours say more than all others."""
    return heard & HEARD["neighbours"] > 0


def fixed_noise(n_draws: int, d_noise: int, device: torch.device) -> Tensor:
    """Noise vectors (n_draws, d_noise) that are the same in every call, so that a row's spread is its own."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n_draws, d_noise, generator=generator).to(device)


@dataclass(frozen=True)
class _Said:
    """What is said of a part of the rows: by the generator, and where there are experts by both.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, N), float32
    shift : ndarray of shape (n_rows, N), float32
        How far the numbers of the generator's draw lie from its best ones.
    asked : list of ndarray of shape (n_asked,), int64
        Of each categorical column, the rows where it is unknown.
    probabilities : list of ndarray of shape (n_asked, n_categories), float32
        What is said of it there.
    completed : CompletedRows
        The rows, completed by the generator.
    features : Tensor of shape (n_drawn, d_hidden)
        What the generator's draws of some of the rows start from.
    heard : ndarray of shape (n_rows, P), uint8
        Who is heard of each cell beside the generator, the sum of `HEARD`.
    apart : ndarray of shape (n_rows, N), float32
        How far apart those are about a number without support; else 0.
    """

    numbers: NDArray[np.float32]
    shift: NDArray[np.float32]
    asked: list[NDArray[np.int64]]
    probabilities: list[NDArray[np.float32]]
    completed: CompletedRows
    features: Tensor
    heard: NDArray[np.uint8]
    apart: NDArray[np.float32]

    @classmethod
    def together(cls, batches: list[_Said]) -> _Said:
        """What is said of the rows of all batches, in their order."""
        firsts = np.cumsum([0, *(len(batch.numbers) for batch in batches)])
        asked = zip(*(batch.asked for batch in batches), strict=True)
        probabilities = zip(*(batch.probabilities for batch in batches), strict=True)
        return cls(
            np.concatenate([batch.numbers for batch in batches]),
            np.concatenate([batch.shift for batch in batches]),
            [np.concatenate([rows + first for first, rows in zip(firsts, column, strict=False)]) for column in asked],
            [np.concatenate(column) for column in probabilities],
            CompletedRows.together([batch.completed for batch in batches]),
            torch.cat([batch.features for batch in batches]),
            np.concatenate([batch.heard for batch in batches]),
            np.concatenate([batch.apart for batch in batches]),
        )


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
    heard, apart = np.zeros((len(rows), state.layout.n_cells), np.uint8), np.zeros_like(numbers)
    for first, part in _parts(rows, state.device):
        on_batch()
        at = slice(first, first + len(part))
        said = _say(state, table, part, known[part], experts, is_drawn=is_drawn[at])
        numbers[at], heard[at], apart[at] = said.numbers, said.heard, said.apart
        features.append(said.features)
        for column, (asked, shares) in enumerate(zip(said.asked, said.probabilities, strict=True)):
            codes[first + asked, column] = shares.argmax(axis=1) + 1
            probabilities[first + asked, column] = shares.max(axis=1)
    spreads = torch.full((len(rows), state.layout.n_numbers), torch.nan, device=state.device)
    if state.layout.n_numbers and bool(is_drawn.any()):
        noise = fixed_noise(N_SPREAD_DRAWS, state.generator.d_noise, state.device)
        spreads[is_drawn] = torch.cat(
            [_spread(state, part, noise, on_batch) for part in torch.split(torch.cat(features), ROWS_A_BATCH)]
        )
    return Prediction(numbers, np.hypot(spreads.cpu().numpy(), apart), codes, probabilities, heard)


@torch.no_grad()
def predict_probabilities(
    state: TrainingState, table: TensorTable, column: int, *, experts: Experts | None = None
) -> NDArray[np.float32]:
    """Probability of each category of column number `column`, unknown in every row; (n_rows, n_categories)."""
    every = np.arange(len(table.known))
    parts = [
        _say(state, table, part, table.known[part], experts).probabilities[column]
        for _, part in _parts(every, state.device)
    ]
    return np.concatenate([np.zeros((0, state.layout.class_sizes[column]), np.float32), *parts])


@torch.no_grad()
def unknown_shares(
    state: TrainingState, table: TensorTable, rows: NDArray[np.int64], *, experts: Experts | None
) -> list[NDArray[np.float32]]:
    """Of each categorical column, what is said of its unknown cells in these rows (n_cells, n_categories)."""
    parts = [
        _say(state, table, part, table.known[part], experts).probabilities for _, part in _parts(rows, state.device)
    ]
    nothing = [np.zeros((0, size), np.float32) for size in state.layout.class_sizes]
    return [np.concatenate(columns) for columns in zip(nothing, *parts, strict=True)]


@torch.no_grad()
def draw_cells(
    state: TrainingState,
    table: TensorTable,
    rows: NDArray[np.int64],
    *,
    scale_of_draws: Callable[[NDArray[np.float32], NDArray[np.uint8]], NDArray[np.float32]],
    experts: Experts | None = None,
) -> Prediction:
    """Draw every cell of the rows once, from torch's generator as it stands.

    `scale_of_draws` says what the spread of numbers is multiplied by (`NumberCalibration.scale_of_draws`).
    """
    numbers = np.zeros((len(rows), state.layout.n_numbers), np.float32)
    codes = np.zeros((len(rows), len(state.layout.classes)), np.int64)
    heard = np.zeros((len(rows), state.layout.n_cells), np.uint8)
    for first, part in _parts(rows, state.device):
        noise = torch.randn(len(part), state.generator.d_noise, device=state.device)
        said = _say(state, table, part, table.known[part], experts, noise=noise)
        scale = scale_of_draws(torch.rand(len(part), device=state.device).cpu().numpy(), said.heard)
        shift = said.shift
        if said.apart.any():
            shift = shift + said.apart * torch.randn(shift.shape, device=state.device).cpu().numpy()
        numbers[first : first + len(part)] = said.numbers + scale * shift
        heard[first : first + len(part)] = said.heard
        for column, (asked, shares) in enumerate(zip(said.asked, said.probabilities, strict=True)):
            if len(asked):
                picked = torch.multinomial(torch.from_numpy(shares).to(state.device), 1)
                codes[first + asked, column] = picked[:, 0].cpu().numpy() + 1
    unknown = np.full(codes.shape, np.nan, np.float32)
    return Prediction(numbers, np.zeros_like(numbers), codes, unknown, heard)


@torch.no_grad()
def completed_rows(
    state: TrainingState,
    table: TensorTable,
    rows: NDArray[np.int64],
    axes: tuple[TextAxes, ...],
    *,
    known: Tensor,
    experts: Experts | None,
) -> CompletedRows:
    """Rows of a table (n_chosen,), completed where `known` (n_rows, P) is false; texts along `axes`, as of experts."""
    parts = []
    for _, part in _parts(rows, state.device):
        said = _say(state, table, part, known[part], experts, axes=axes)
        parts.append(said.completed.filled(known[part].cpu().numpy(), said.numbers, said.probabilities))
    return CompletedRows.together(parts)


@torch.no_grad()
def held_out_rows(
    state: TrainingState,
    table: TensorTable,
    rows: NDArray[np.int64],
    experts: Experts,
    held_out: NDArray[np.bool_],
) -> HeldOutRows:
    """Rows as they stand without some known cells (n_chosen, P), as experts read them, and what the generator says."""
    at = torch.from_numpy(rows).to(state.device)
    visible = table.known[at] & torch.from_numpy(~held_out).to(state.device)
    said = _say(state, table, at, visible, experts, are_heard=False)
    numbers, codes = table.numbers[at].cpu().numpy(), table.codes[at].cpu().numpy()
    return HeldOutRows(said.completed, held_out, numbers, codes, said.asked, said.probabilities)


def tempered(shares: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Distributions (n_cells, n_categories), their logarithms divided by a temperature: above 1 they are flatter."""
    powers: NDArray[np.float32] = shares ** np.float32(1 / temperature)
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def _parts(rows: NDArray[np.int64], device: torch.device) -> Iterator[tuple[int, Tensor]]:
    """Rows part by part, each with the place of its first."""
    for first in range(0, len(rows), ROWS_A_PART):
        yield first, torch.from_numpy(rows[first : first + ROWS_A_PART]).to(device)


def _say(
    state: TrainingState,
    table: TensorTable,
    rows: Tensor,
    visible: Tensor,
    experts: Experts | None,
    *,
    axes: tuple[TextAxes, ...] = (),
    are_heard: bool = True,
    noise: Tensor | None = None,
    is_drawn: Tensor | None = None,
) -> _Said:
    """Best values of a part of the rows, or with noise (n_rows, d_noise) a draw, whose numbers are told by their shift.

    Texts are placed along the axes of the experts, who may read without being heard, or other ones. The features of the
    rows chosen by `is_drawn` (n_rows,) are kept.
    """
    axes, neighbours = (axes, Neighbours.none()) if experts is None else (experts.axes, experts.neighbours)
    batches = []
    for at in torch.split(torch.arange(len(rows), device=rows.device), ROWS_A_BATCH):
        part_noise, drawn = (None if whole is None else whole[at] for whole in (noise, is_drawn))
        batches.append(
            _generator_says(
                state, table, rows[at], visible[at], axes, neighbours=neighbours, noise=part_noise, is_drawn=drawn
            )
        )
    said = _Said.together(batches)
    if experts is not None and are_heard:
        heard, apart = experts.blend(said.completed, visible.cpu().numpy(), said.numbers, said.probabilities)
        said = replace(said, heard=heard, apart=apart)
    for shares, temperature in zip(said.probabilities, state.averaged.temperatures.tolist(), strict=True):
        if temperature != 1:
            shares[:] = tempered(shares, temperature)
    return said


def _generator_says(
    state: TrainingState,
    table: TensorTable,
    rows: Tensor,
    visible: Tensor,
    axes: tuple[TextAxes, ...],
    *,
    neighbours: Neighbours,
    noise: Tensor | None,
    is_drawn: Tensor | None,
) -> _Said:
    """Run the generator on a batch of rows."""
    texts = table.text_batches(rows, visible)
    best, features = table.read(state.fused, rows, visible, texts=texts)
    drawn = best if noise is None else state.averaged.draw(best, features, noise)
    numbers, n = best.numbers.cpu().numpy(), state.layout.n_numbers
    asked, shares = [], []
    for column, at in enumerate(state.layout.class_slices):
        unknown = (~visible[:, n + column]).nonzero()[:, 0]
        asked.append(unknown.cpu().numpy())
        shares.append(torch.softmax(drawn.logits[unknown, at], dim=1).cpu().numpy())
    places = tuple(of.read(text) for of, text in zip(axes, texts, strict=False))
    known = visible.cpu().numpy()
    nearest = neighbours.nearest(texts, ~known)
    observed = CompletedRows(table.numbers[rows].cpu().numpy(), table.codes[rows].cpu().numpy(), places, nearest)
    return _Said(
        numbers,
        (drawn.numbers - best.numbers).cpu().numpy(),
        asked,
        shares,
        observed.filled(known, numbers, shares),
        features[:0] if is_drawn is None else features[is_drawn],
        np.zeros(known.shape, np.uint8),
        np.zeros_like(numbers),
    )


def _spread(state: TrainingState, features: Tensor, noise: Tensor, on_batch: Callable[[], None]) -> Tensor:
    """Root mean square distance (B, N) of the numbers of draws from the best ones, for rows of these features."""
    on_batch()
    squares = torch.zeros(len(features), state.layout.n_numbers, device=features.device)
    for vector in noise:
        squares += state.averaged.correct_numbers(features, vector.expand(len(features), -1)) ** 2
    return (squares / len(noise)).sqrt()
