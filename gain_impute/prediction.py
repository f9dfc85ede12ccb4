"""What trained networks say of the cells of a table: best values, probabilities, spread, draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.batches import TensorTable
from gain_impute.completed import CompletedRows, HeldOutRows
from gain_impute.experts import HEARD
from gain_impute.member import Member
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
SHARE_BESIDE_TREES = 0.5  # of the spread of the generator's draws: how far apart trees are tells more
N_SPREAD_DRAWS = 16  # draws from whose spread the interval of a number is made


@dataclass(frozen=True)
class Prediction:
    """What is said of the chosen rows, by one member or by several together; of numbers also where a cell is known.

    Attributes
    ----------
    numbers : ndarray of shape (n_chosen, N), float32
        Best z-scores.
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

    numbers: NDArray[np.float32]
    spread: NDArray[np.float32]
    deviation: NDArray[np.float32]
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
        How far the numbers of a draw lie from the best ones: the generator's draw, and one of the trees.
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
        How far apart members are about a number, and generator and experts about one without support; else 0.
    scatter : ndarray of shape (n_rows, N), float32
        Standard deviation of what single trees say of a number, where nothing is drawn; else 0.
    """

    numbers: NDArray[np.float32]
    shift: NDArray[np.float32]
    asked: list[NDArray[np.int64]]
    probabilities: list[NDArray[np.float32]]
    completed: CompletedRows
    features: Tensor
    heard: NDArray[np.uint8]
    apart: NDArray[np.float32]
    scatter: NDArray[np.float32]

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
            np.concatenate([batch.scatter for batch in batches]),
        )

    @property
    def share_of_generator(self) -> NDArray[np.float32]:
        """What its shift counts in a draw (n_rows, N): less where trees are heard as held-out cells say."""
        by_trees = (self.heard[:, : self.numbers.shape[1]] & HEARD["trees"] > 0) & (self.apart == 0)
        return np.where(by_trees, np.float32(SHARE_BESIDE_TREES), np.float32(1))

    @classmethod
    def agreed(cls, members: list[_Said], drawn_by: NDArray[np.int64] | None = None) -> _Said:
        """What members say of the same rows, averaged; the draw of each row (n_rows,) is that of one of them."""
        if len(members) == 1:
            return members[0]
        numbers = np.stack([said.numbers for said in members])
        apart = np.stack([said.apart for said in members])
        heard = np.stack([said.heard for said in members])
        by_most = [bit * (2 * ((heard & bit) > 0).sum(axis=0) > len(members)) for bit in HEARD.values()]
        shift = members[0].shift
        if drawn_by is not None:
            shift = np.stack([said.shift for said in members])[drawn_by, np.arange(len(drawn_by))]
        return replace(
            members[0],
            numbers=numbers.mean(axis=0),
            shift=shift,
            probabilities=[
                np.mean(column, axis=0) for column in zip(*(said.probabilities for said in members), strict=True)
            ],
            heard=np.sum(by_most, axis=0, dtype=np.uint8),
            apart=np.sqrt(numbers.var(axis=0) + (apart**2).mean(axis=0)),
        )


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
    numbers = np.zeros((len(rows), layout.n_numbers), np.float32)
    unknown = np.broadcast_to(np.float32(np.nan), numbers.shape)  # takes no memory
    spreads, deviations = (np.full_like(numbers, np.nan) if is_drawn.any() else unknown for _ in range(2))
    codes = np.zeros((len(rows), len(layout.classes)), np.int64)
    probabilities = np.zeros(codes.shape, np.float32)
    heard = np.zeros((len(rows), layout.n_cells), np.uint8)
    for first, part in _parts(rows, device):
        on_batch()
        at = slice(first, first + len(part))
        drawn, chosen = np.flatnonzero(is_drawn[at]), torch.from_numpy(is_drawn[at]).to(device)
        each = [_say(member, table, part, known[part], is_drawn=chosen) for member in members]
        said = _Said.agreed(each)
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
def predict_probabilities(members: Sequence[Member], table: TensorTable, column: int) -> NDArray[np.float32]:
    """Probability of each category of column number `column`, unknown in every row; (n_rows, n_categories)."""
    return unknown_shares(members, table, np.arange(len(table.known)))[column]


@torch.no_grad()
def unknown_shares(members: Sequence[Member], table: TensorTable, rows: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    """Of each categorical column, what is said of its unknown cells in these rows (n_cells, n_categories)."""
    parts = [
        _Said.agreed([_say(member, table, part, table.known[part]) for member in members]).probabilities
        for _, part in _parts(rows, members[0].device)
    ]
    nothing = [np.zeros((0, size), np.float32) for size in members[0].layout.class_sizes]
    return [np.concatenate(columns) for columns in zip(nothing, *parts, strict=True)]


@torch.no_grad()
def draw_cells(
    members: Sequence[Member],
    table: TensorTable,
    rows: NDArray[np.int64],
    *,
    scale_of_draws: Callable[[NDArray[np.float32], NDArray[np.uint8]], NDArray[np.float32]],
) -> Prediction:
    """Draw every cell of the rows once, from torch's generator as it stands.

    `scale_of_draws` says what the spread of numbers is multiplied by (`NumberCalibration.scale_of_draws`).
    """
    layout, device = members[0].layout, members[0].device
    numbers = np.zeros((len(rows), layout.n_numbers), np.float32)
    codes = np.zeros((len(rows), len(layout.classes)), np.int64)
    heard = np.zeros((len(rows), layout.n_cells), np.uint8)
    for first, part in _parts(rows, device):
        noise = torch.randn(len(part), members[0].training.generator.d_noise, device=device)
        picked = torch.rand(len(part)).numpy()
        each = [_say(member, table, part, table.known[part], noise=noise, picked=picked) for member in members]
        drawn_by = torch.randint(len(members), (len(part),)).numpy() if len(members) > 1 else None
        said = _Said.agreed(each, drawn_by)
        scale = scale_of_draws(torch.rand(len(part), device=device).cpu().numpy(), said.heard)
        shift = said.shift
        if said.apart.any():
            shift = shift + said.apart * torch.randn(shift.shape, device=device).cpu().numpy()
        numbers[first : first + len(part)] = said.numbers + scale * shift
        heard[first : first + len(part)] = said.heard
        for column, (asked, shares) in enumerate(zip(said.asked, said.probabilities, strict=True)):
            if len(asked):
                chosen = torch.multinomial(torch.from_numpy(shares).to(device), 1)
                codes[first + asked, column] = chosen[:, 0].cpu().numpy() + 1
    unknown = np.full(codes.shape, np.nan, np.float32)
    nothing = np.zeros_like(numbers)
    return Prediction(numbers, nothing, nothing, codes, unknown, heard)


@torch.no_grad()
def completed_rows(
    member: Member, table: TensorTable, rows: NDArray[np.int64], axes: tuple[TextAxes, ...], *, known: Tensor
) -> CompletedRows:
    """Rows of a table (n_chosen,), completed where `known` (n_rows, P) is false; texts along `axes`, as of experts."""
    parts = []
    for _, part in _parts(rows, member.device):
        said = _say(member, table, part, known[part], axes=axes)
        parts.append(said.completed.filled(known[part].cpu().numpy(), said.numbers, said.probabilities))
    return CompletedRows.together(parts)


@torch.no_grad()
def held_out_rows(
    member: Member, table: TensorTable, rows: NDArray[np.int64], held_out: NDArray[np.bool_]
) -> HeldOutRows:
    """Rows as they stand without some known cells (n_chosen, P), as experts read them, and what the generator says."""
    at = torch.from_numpy(rows).to(member.device)
    visible = table.known[at] & torch.from_numpy(~held_out).to(member.device)
    said = _say(member, table, at, visible, are_heard=False)
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
    member: Member,
    table: TensorTable,
    rows: Tensor,
    visible: Tensor,
    *,
    axes: tuple[TextAxes, ...] = (),
    are_heard: bool = True,
    noise: Tensor | None = None,
    picked: NDArray[np.float32] | None = None,
    is_drawn: Tensor | None = None,
) -> _Said:
    """What a member says of a part of the rows; with noise (n_rows, d_noise) a draw, its numbers told by their shift.

    Texts are placed along the axes of the experts, who may read without being heard, or other ones. The features of the
    rows chosen by `is_drawn` (n_rows,) are kept. In a draw `picked` (n_rows,) says which tree speaks for all in a row.
    """
    state, experts = member.training, member.experts
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
        heard, scatter, apart = experts.blend(
            said.completed, visible.cpu().numpy(), said.numbers, said.probabilities, picked=picked
        )
        said = replace(said, heard=heard, scatter=scatter, apart=apart)
        if picked is not None:
            said = replace(said, shift=said.share_of_generator * said.shift + scatter, scatter=np.zeros_like(scatter))
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
        np.zeros_like(numbers),
    )


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
