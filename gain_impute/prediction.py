"""What an imputer says of the cells of a table: best values, probabilities, spread, draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.batches import TensorTable
from gain_impute.completed import CompletedRows, HeldOutRows
from gain_impute.experts import HEARD
from gain_impute.member import Member
from gain_impute.saying import ROWS_A_BATCH, Said, parts_of, say
from gain_impute.state import TrainingState
from gain_impute.text_axes import TextAxes

__all__ = [
    "Prediction",
    "are_copied",
    "completed_rows",
    "draw_cells",
    "fixed_noise",
    "held_out_rows",
    "predict",
    "unknown_shares",
]

N_SPREAD_DRAWS = 16  # draws from whose spread the interval of a number is made


@dataclass(frozen=True)
class Prediction:
    """What is said of the chosen rows, by one member or by several together; of numbers also where a cell is known.

    Attributes
    ----------
    numbers : ndarray of shape (n_chosen, N), float64
        Best z-scores, of what a dependency decides to the last digit.
    spread : ndarray of shape (n_chosen, N), float32
        Standard deviation of the generator's draws around them, of what members say, and of numbers without support
        also of what generator and experts say; NaN where it was not asked for.
    deviation : ndarray of shape (n_chosen, N), float32
        Standard deviation of draws, of the generator and of single trees, before these are scaled; NaN likewise.
    codes : ndarray of shape (n_chosen, C), int64
        Most probable categories, from 1, of cells that were not to be read; 0 of all others.
    probabilities : ndarray of shape (n_chosen, C), float32
        Their probabilities.
    heard : ndarray of shape (n_chosen, P), uint8
        Who is heard of each cell beside the generator, the sum of `HEARD`.
    """

    numbers: NDArray[np.float64]
    spread: NDArray[np.float32]
    deviation: NDArray[np.float32]
    codes: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    heard: NDArray[np.uint8]


def are_copied(heard: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where what stands in other rows says more than all that was learned: in neighbours, or by a dependency."""
    return heard & (HEARD["neighbours"] | HEARD["dependency"]) > 0


def fixed_noise(n_draws: int, d_noise: int, device: torch.device) -> Tensor:
    """Noise vectors (n_draws, d_noise) that are the same in every call, so that a row's spread is its own."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n_draws, d_noise, generator=generator).to(device)


@torch.no_grad()
def predict(
    members: Sequence[Member],
    table: TensorTable,
    rows: NDArray[np.int64],
    *,
    known: Tensor | None = None,
    spread: bool | NDArray[np.bool_] = False,
    on_batch: Callable[[], None] = lambda: None,
) -> Prediction:
    """Say what stands in rows of a table: the averaged generators, each blended with its experts, and all averaged.

    Parameters
    ----------
    members : sequence of Member
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
    known, layout, device = table.known if known is None else known, members[0].layout, members[0].device
    is_drawn = np.broadcast_to(np.asarray(spread), len(rows)).copy()
    numbers = np.zeros((len(rows), layout.n_numbers))
    unknown = np.broadcast_to(np.float32(np.nan), numbers.shape)  # takes no memory
    spreads, deviations = (unknown.copy() if is_drawn.any() else unknown for _ in range(2))
    codes = np.zeros((len(rows), len(layout.classes)), np.int64)
    probabilities = np.zeros(codes.shape, np.float32)
    heard = np.zeros((len(rows), layout.n_cells), np.uint8)
    for first, part in parts_of(rows, device):
        on_batch()
        at = slice(first, first + len(part))
        drawn, chosen = np.flatnonzero(is_drawn[at]), torch.from_numpy(is_drawn[at]).to(device)
        each = [say(member, table, part, known[part], is_drawn=chosen) for member in members]
        said = Said.agreed(each)
        numbers[at], heard[at] = said.numbers, said.heard
        for column, (asked, shares) in enumerate(zip(said.asked, said.probabilities, strict=True)):
            codes[first + asked, column] = shares.argmax(axis=1) + 1
            probabilities[first + asked, column] = shares.max(axis=1)
        if len(drawn) and layout.n_numbers:
            of_members = [
                _spread(member.training, one.features, on_batch) for member, one in zip(members, each, strict=True)
            ]
            of_draws = [
                np.hypot(one.share_of_generator[drawn] * spread_of_one, one.scatter[drawn])
                for one, spread_of_one in zip(each, of_members, strict=True)
            ]
            spreads[first + drawn] = np.hypot(_root_mean_square(of_members), said.apart[drawn])
            deviations[first + drawn] = np.hypot(_root_mean_square(of_draws), said.apart[drawn])
    return Prediction(numbers, spreads, deviations, codes, probabilities, heard)


@torch.no_grad()
def unknown_shares(members: Sequence[Member], table: TensorTable, rows: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    """Of each categorical column, what is said of its unknown cells in these rows (n_cells, n_categories)."""
    parts = [
        Said.agreed([say(member, table, part, table.known[part]) for member in members]).probabilities
        for _, part in parts_of(rows, members[0].device)
    ]
    nothing = [np.zeros((0, size), np.float32) for size in members[0].layout.class_sizes]
    return [np.concatenate(columns) for columns in zip(nothing, *parts, strict=True)]


@torch.no_grad()
def draw_cells(
    members: Sequence[Member],
    table: TensorTable,
    rows: NDArray[np.int64],
    *,
    drawn: Callable[..., NDArray[np.float64]],
) -> Prediction:
    """Draw every cell of the rows once, from torch's generator as it stands.

    `drawn` makes numbers of what is said of them (`NumberCalibration.drawn`).
    """
    layout, device = members[0].layout, members[0].device
    numbers = np.zeros((len(rows), layout.n_numbers))
    codes = np.zeros((len(rows), len(layout.classes)), np.int64)
    heard = np.zeros((len(rows), layout.n_cells), np.uint8)
    for first, part in parts_of(rows, device):
        noise = torch.randn(len(part), members[0].training.generator.d_noise, device=device)
        picked = torch.rand(len(part)).numpy()
        each = [say(member, table, part, table.known[part], noise=noise, picked=picked) for member in members]
        drawn_by = torch.randint(len(members), (len(part),)).numpy() if len(members) > 1 else None
        said = Said.agreed(each, drawn_by)
        wide, alike = (torch.rand(shape).numpy() for shape in (len(part), said.numbers.shape))
        doubt = said.apart * torch.randn(said.apart.shape).numpy()
        without_support = np.any([one.apart > 0 for one in each], axis=0)
        numbers[first : first + len(part)] = drawn(
            said.numbers, said.shift + doubt, said.heard, wide=wide, alike=alike, doubt=without_support * doubt
        )
        heard[first : first + len(part)] = said.heard
        for column, (asked, shares) in enumerate(zip(said.asked, said.probabilities, strict=True)):
            if len(asked):
                chosen = torch.multinomial(torch.from_numpy(shares).to(device), 1)
                codes[first + asked, column] = chosen[:, 0].cpu().numpy() + 1
    unknown = np.full(codes.shape, np.nan, np.float32)
    nothing = np.zeros(numbers.shape, np.float32)
    return Prediction(numbers, nothing, nothing, codes, unknown, heard)


@torch.no_grad()
def completed_rows(
    member: Member, table: TensorTable, rows: NDArray[np.int64], axes: tuple[TextAxes, ...], *, known: Tensor
) -> CompletedRows:
    """Rows of a table (n_chosen,), completed where `known` (n_rows, P) is false; texts along `axes`, as of experts."""
    parts = []
    for _, part in parts_of(rows, member.device):
        said = say(member, table, part, known[part], axes=axes)
        parts.append(said.completed.filled(known[part].cpu().numpy(), said.numbers, said.probabilities))
    return CompletedRows.together(parts)


@torch.no_grad()
def held_out_rows(
    member: Member, table: TensorTable, rows: NDArray[np.int64], held_out: NDArray[np.bool_]
) -> HeldOutRows:
    """Rows as they stand without some known cells (n_chosen, P), as experts read them, and what the generator says."""
    at = torch.from_numpy(rows).to(member.device)
    visible = table.known[at] & torch.from_numpy(~held_out).to(member.device)
    said = say(member, table, at, visible, are_heard=False)
    numbers, codes = table.numbers[at].cpu().numpy(), table.codes[at].cpu().numpy()
    return HeldOutRows(said.completed, held_out, visible.cpu().numpy(), numbers, codes, said.asked, said.probabilities)


def _spread(state: TrainingState, features: Tensor, on_batch: Callable[[], None]) -> NDArray[np.float32]:
    """Root mean square distance (n_rows, N) of the numbers of draws from the best ones, for rows of these features."""
    noise = fixed_noise(N_SPREAD_DRAWS, state.generator.d_noise, state.device)
    spreads = []
    for part in torch.split(features, ROWS_A_BATCH):
        on_batch()
        squares = torch.zeros(len(part), state.layout.n_numbers, device=part.device)
        for vector in noise:
            squares += state.averaged.correct_numbers(part, vector.expand(len(part), -1)) ** 2
        spreads.append((squares / len(noise)).sqrt().cpu().numpy())
    return np.concatenate(spreads)


def _root_mean_square(members: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """That of the members' spreads (n_rows, N)."""
    return members[0] if len(members) == 1 else np.sqrt(np.mean(np.square(members), axis=0))
