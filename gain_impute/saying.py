"""What one member says of rows of a table, by its generator and its experts; and what several say together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.batches import TensorTable
from gain_impute.completed import CompletedRows
from gain_impute.experts import HEARD
from gain_impute.member import Member
from gain_impute.neighbours import Neighbours
from gain_impute.state import TrainingState
from gain_impute.text_axes import TextAxes

__all__ = ["ROWS_A_BATCH", "Said", "parts_of", "say", "tempered"]

ROWS_A_BATCH = 4_096  # small ones cost more calls, after each of which Python is waited for; large ones memory
ROWS_A_PART = 32_768  # of which the trees are asked at once: each is fetched from memory anew
SHARE_BESIDE_TREES = 0.5  # of the spread of the generator's draws: how far apart trees are tells more


@dataclass(frozen=True)
class Said:
    """What is said of a part of the rows: by the generator, and where there are experts by both.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, N), float64
        Z-scores, of what a dependency decides to the last digit.
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
        As `Experts.blend` tells.
    """

    numbers: NDArray[np.float64]
    shift: NDArray[np.float32]
    asked: list[NDArray[np.int64]]
    probabilities: list[NDArray[np.float32]]
    completed: CompletedRows
    features: Tensor
    heard: NDArray[np.uint8]
    apart: NDArray[np.float32]
    scatter: NDArray[np.float32]

    @classmethod
    def together(cls, batches: list[Said]) -> Said:
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
    def agreed(cls, members: list[Said], drawn_by: NDArray[np.int64] | None = None) -> Said:
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


def parts_of(rows: NDArray[np.int64], device: torch.device) -> Iterator[tuple[int, Tensor]]:
    """Rows part by part, each with the place of its first."""
    for first in range(0, len(rows), ROWS_A_PART):
        yield first, torch.from_numpy(rows[first : first + ROWS_A_PART]).to(device)


def say(
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
) -> Said:
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
    said = Said.together(batches)
    if experts is not None and are_heard:
        heard, scatter, apart = experts.blend(
            said.completed, visible.cpu().numpy(), said.numbers, said.probabilities, picked=picked
        )
        said = replace(said, heard=heard, scatter=scatter, apart=apart)
        if picked is not None:
            said = replace(said, shift=said.share_of_generator * said.shift + scatter)
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
) -> Said:
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
    own = table.numbers[rows].cpu().numpy(), table.codes[rows].cpu().numpy()
    residues, identifiers = (array[rows.cpu().numpy()] for array in (table.residues, table.identifiers))
    observed = CompletedRows(*own, places, nearest, residues, identifiers)
    return Said(
        numbers.astype(np.float64),
        (drawn.numbers - best.numbers).cpu().numpy(),
        asked,
        shares,
        observed.filled(known, numbers, shares),
        features[:0] if is_drawn is None else features[is_drawn],
        np.zeros(known.shape, np.uint8),
        np.zeros_like(numbers),
        np.zeros_like(numbers),
    )


def tempered(shares: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Distributions (n_cells, n_categories), their logarithms divided by a temperature: above 1 they are flatter."""
    powers: NDArray[np.float32] = shares ** np.float32(1 / temperature)
    powers /= powers.sum(axis=1, keepdims=True)
    return powers
