"""What one fit learns from an encoded table: the networks, the experts beside them, how far both may be believed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.batches import TensorTable
from gain_impute.confidence import NumberCalibration, calibrate_numbers
from gain_impute.config import GAINConfig
from gain_impute.dependencies import Dependencies
from gain_impute.dependency import side_by_side
from gain_impute.drift import Sureness, keep_some_back, keep_sureness, measure_sureness
from gain_impute.encoding.table import EncodedTable
from gain_impute.experts import LEAST_ROWS, N_TREE_AXES, Experts
from gain_impute.member import Member, seed_of_member
from gain_impute.neighbours import Neighbours
from gain_impute.persistence import FittedState
from gain_impute.prediction import completed_rows, held_out_rows, predict
from gain_impute.state import EpochLog, TrainingState
from gain_impute.text_axes import N_AXES, TextAxes
from gain_impute.training import held_out_cells, nothing_held_out, train
from gain_impute.weighing import USUAL, Weights

__all__ = ["HeldOutReport", "Report", "expert_rows", "learn"]

REFINING_SHARE = 1 / 6  # of the budget: training ends with the held-out cells given back
REFINING_RATE = 0.3  # of the learning rate, from which it then falls
NETWORKS_SHARE = 0.7  # of a limited time: what is left is for experts
MOST_ROWS = 20_000  # that trees learn from
MOST_WORK = 30_000_000  # rows x columns x features: wide tables learn from fewer rows, down to
FEW_ROWS = 4_096
MOST_WORK_OF_FEW = 300_000_000  # likewise, beyond which there are fewer yet
TAUGHT_AGAIN_FROM = 0.03  # of the known cells: where more were held out, experts are taught again with them

Report = Callable[[EpochLog], None]
HeldOutReport = Callable[[FittedState, pd.DataFrame], None]


def learn(
    state: FittedState,
    encoded: EncodedTable,
    *,
    rate_scale: float,
    on_epoch: Report,
    on_held_out: HeldOutReport | None = None,
) -> None:
    """Train the networks of a state's members, teach their experts and calibrate them, in place.

    Some known cells are held out, the same of all members, to weigh and to calibrate on. Then they are given back:
    training is refined with them, and where they are more than a few, the experts are taught again.

    Parameters
    ----------
    state : FittedState
        With members, new or trained before.
    encoded : EncodedTable
    rate_scale : float
        Share of the learning rate to train with.
    on_epoch : callable
        Called with each EpochLog.
    on_held_out : callable, optional
        As in `new_fit`.
    """
    shared, table = state.configs[0], TensorTable.from_encoded(encoded, state.encoder.layout, state.device)
    began, most_s = time.perf_counter(), shared.max_time_s
    deadline = math.inf if most_s is None else began + most_s
    held_out = held_out_cells(table.known, shared.validation_share)
    material = _Material(state, encoded, table, held_out, deadline)
    lessons = [_Lesson(material, number, on_epoch) for number in range(len(state.members))]
    # earlier rows may be among these: what is held out of them tells nothing
    before = [lesson.sureness() for lesson in lessons] if state.n_steps > 0 else None
    with_trees = any(config.n_trees for config in state.configs)
    networks_s = math.inf if most_s is None else most_s * (NETWORKS_SHARE if with_trees else 1)
    for lesson in lessons:
        lesson.train(
            rate_scale=rate_scale,
            deadline=began + networks_s * (lesson.number + 1) / len(lessons),
        )
    if not material.has_held_out:
        for lesson in lessons:
            lesson.forget_unwanted_experts()
        for lesson, sureness in zip(lessons, before or [], strict=False):
            lesson.keep_sureness(sureness)
        return
    teach_twice = [lesson.teaches_twice for lesson in lessons]  # asked before there are new experts
    for lesson in lessons:
        lesson.teach(is_first_fit=before is None)
    state.calibration = material.calibration(None if before is None else state.calibration)
    if on_held_out is not None:
        on_held_out(state, material.held_out_frame())
    for lesson, teaches_twice in zip(lessons, teach_twice, strict=True):
        sureness = lesson.sureness() if before is None else before[lesson.number]
        if lesson.n_refining > 0 and time.perf_counter() < deadline:
            lesson.refine(rate_scale=rate_scale)
        if teaches_twice:
            lesson.teach_again()
        lesson.keep_sureness(sureness)


def expert_rows(n_rows: int, n_cells: int, n_texts: int, *, always: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Choose rows (ascending) for trees to learn from, `always` among them, as far as there is room for these."""
    work = max(1, n_cells * (n_cells + min(N_TREE_AXES, N_AXES * n_texts)))
    usual, at_least = (share // work for share in (MOST_WORK, MOST_WORK_OF_FEW))
    most = max(min(MOST_ROWS, usual), min(FEW_ROWS, at_least), LEAST_ROWS)
    if n_rows <= most:
        return np.arange(n_rows)
    rng = np.random.default_rng(seed)
    if len(always) > most:
        return np.sort(rng.choice(always, most, replace=False))
    others = np.setdiff1d(np.arange(n_rows), always, assume_unique=True)
    return np.sort(np.concatenate([always, rng.choice(others, most - len(always), replace=False)]))


@dataclass(frozen=True)
class _Material:
    """What all members learn from.

    Attributes
    ----------
    state : FittedState
        Theirs.
    encoded : EncodedTable
    table : TensorTable
        The same.
    held_out : tuple of Tensor
        Of `held_out_cells`.
    deadline : float
        Reading of `time.perf_counter` from which no further expert is begun.
    """

    state: FittedState
    encoded: EncodedTable
    table: TensorTable
    held_out: tuple[Tensor, Tensor]
    deadline: float

    @cached_property
    def has_held_out(self) -> bool:
        """Whether any cell is held out."""
        return bool(self.held_out[1].any())

    @cached_property
    def share_held_out(self) -> float:
        """That of the known cells."""
        return int(self.held_out[1].sum()) / max(1, int(self.table.n_known().sum()))

    @property
    def known(self) -> Tensor:
        """Known cells (n_rows, P) that are not held out; made anew, for it is as large as an eighth of the table."""
        rows, cells = self.held_out
        left = self.table.known.clone()
        left[rows] &= ~cells
        return left

    @cached_property
    def given_back(self) -> TensorTable:
        """The table with nearly all of the held-out cells."""
        return keep_some_back(self.table, self.held_out)

    @cached_property
    def shown(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows (n_shown,) with held-out cells, and which of theirs these are (n_shown, P)."""
        rows, cells = (tensor[self.held_out[1].any(dim=1)].cpu().numpy() for tensor in self.held_out)
        return rows, cells

    def calibration(self, before: NumberCalibration | None) -> NumberCalibration:
        """Fill the held-out cells, and measure how far that is from the truth; claim no more than before."""
        rows, cells = self.shown
        members, known = self.state.members, self.known
        said = without = predict(members, self.table, rows, known=known, spread=True)
        if any(member.copies for member in members):
            alone = [member.without_copies() for member in members]
            without = predict(alone, self.table, rows, known=known, spread=True)
        found = calibrate_numbers(self.encoded, rows, cells, said, without)
        return found if before is None else found.no_narrower_than(before, said)

    def held_out_frame(self) -> pd.DataFrame:
        """Where cells are held out, (n_rows, n_fillable), under the names of the columns."""
        encoder = self.state.encoder
        names = [*encoder.layout.numbers, *encoder.layout.classes]
        hidden = np.zeros((len(self.known), len(names)), dtype=bool)
        rows, cells = self.shown
        hidden[rows] = cells
        return pd.DataFrame(hidden, columns=names)[[name for name in names if name in encoder.fillable]]


@dataclass(frozen=True)
class _Lesson:
    """What the fit of one member works with.

    Attributes
    ----------
    material : _Material
    number : int
        Of the member, from 0.
    on_epoch : callable
        Called with each EpochLog, which counts what the other members did too.
    """

    material: _Material
    number: int
    on_epoch: Report

    @property
    def state(self) -> FittedState:
        """That of all members."""
        return self.material.state

    @property
    def member(self) -> Member:
        """The member as it stands."""
        return self.state.members[self.number]

    @property
    def config(self) -> GAINConfig:
        """Its hyper-parameters."""
        return self.state.configs[self.number]

    @cached_property
    def n_steps(self) -> int:
        """Steps of its training at most."""
        return self.config.n_steps(self.material.encoded.n_rows)

    @cached_property
    def n_refining(self) -> int:
        """How many of them are left for when the held-out cells are given back."""
        return int(self.n_steps * REFINING_SHARE) if self.material.has_held_out else 0

    @property
    def training(self) -> TrainingState:
        """Its networks."""
        return self.member.training

    @cached_property
    def seed(self) -> int:
        """What its experts' randomness follows from."""
        return seed_of_member(self.state.seed, self.number)

    @cached_property
    def keeps_experts(self) -> bool:
        """Whether experts learned from more rows than there are now: then they stay, and are believed as before."""
        return self.member.experts is not None and self.member.experts.n_rows >= len(self.material.table.known)

    @cached_property
    def teaches_twice(self) -> bool:
        """Whether so many known cells are held out that experts are taught again, with them."""
        return not self.keeps_experts and self.material.share_held_out > TAUGHT_AGAIN_FROM

    def sureness(self) -> Sureness:
        """How sure the member is, as it stands, of what this fit never learns."""
        return measure_sureness(self.member, self.material.given_back)

    def keep_sureness(self, before: Sureness) -> None:
        """Make the member as sure of that as it was."""
        keep_sureness(self.member, self.material.given_back, before)

    @cached_property
    def text_axes(self) -> tuple[TextAxes, ...]:
        """Main directions of the texts, for new experts."""
        texts = zip(self.material.encoded.texts, self.training.layout.text_buckets, strict=True)
        return tuple(TextAxes.fit(text, n_buckets, seed=self.seed) for text, n_buckets in texts)

    def train(self, *, rate_scale: float, deadline: float) -> None:
        """Train the networks without the held-out cells."""
        train(
            self.training,
            self.material.table,
            self.material.held_out,
            self.config,
            n_steps=self.n_steps - self.n_refining,
            rate_scale=rate_scale,
            deadline=deadline,
            on_epoch=self.tell,
        )

    def refine(self, *, rate_scale: float) -> None:
        """Train on with the held-out cells, more gently, and with every text in sight, as when cells are filled."""
        train(
            self.training,
            self.material.given_back,
            nothing_held_out(self.material.given_back.known),
            replace(self.config, rehide_texts=0.0),
            n_steps=self.n_refining,
            rate_scale=rate_scale * REFINING_RATE,
            deadline=self.material.deadline,
            on_epoch=self.tell,
        )

    def tell(self, log: EpochLog) -> None:
        """Tell of an epoch, after what the other members did."""
        others = [member.training for member in self.state.members if member is not self.member]
        log = replace(
            log,
            member=self.number,
            step=log.step + sum(other.n_steps for other in others),
            elapsed_s=log.elapsed_s + sum(other.elapsed_s for other in others),
        )
        self.state.history.append(log)
        self.on_epoch(log)

    def teach(self, *, is_first_fit: bool) -> None:
        """Teach experts of all columns, each believed as far as held-out cells show that it helps; or keep those."""
        if is_first_fit:
            self.training.averaged.temperatures.fill_(1)
        self.forget_unwanted_experts()
        if self.config.n_trees and not self.keeps_experts:
            weights = dict.fromkeys(range(self.training.layout.n_cells), USUAL)
            experts = self.taught_experts(self.material.known, weights)
            rows, cells = self.material.shown
            said = held_out_rows(replace(self.member, experts=experts), self.material.table, rows, cells)
            self.take_experts(experts.weighed(said))

    def teach_again(self) -> None:
        """Teach them with the held-out cells, believed as before; the same ones stay where time does not suffice.

        A column whose categories are too rare among more cells has none any more.
        """
        experts = self.member.experts
        if experts is not None:
            again = self.taught_experts(self.material.given_back.known, experts.weights, completing=experts)
            self.take_experts(again if time.perf_counter() < self.material.deadline else experts)

    def forget_unwanted_experts(self) -> None:
        """Leave the generator alone where no trees are wanted, though there were some before."""
        if not self.config.n_trees:
            self.take_experts(None)

    def take_experts(self, experts: Experts | None) -> None:
        """Put these beside the member's networks."""
        members = list(self.state.members)
        members[self.number] = replace(self.member, experts=experts)
        self.state.members = tuple(members)

    def taught_experts(
        self, known: Tensor, weights: dict[int, Weights], *, completing: Experts | None = None
    ) -> Experts:
        """Teach experts, from rows as they are completed, also by earlier ones, when `known` (n_rows, P) is read."""
        layout = self.training.layout
        always, _ = self.material.shown
        rows = expert_rows(len(known), layout.n_cells, len(layout.texts), always=always, seed=self.seed)
        known_there = known.cpu().numpy()[rows]
        completed_by = replace(self.member, experts=completing)
        encoded = self.material.encoded
        shown = side_by_side(
            encoded.numbers[rows],
            encoded.residues[rows],
            encoded.codes[rows],
            known_there,
            encoded.identifiers[rows],
        )
        if completing is None:
            found = Dependencies.find(shown, layout.n_cells, deadline=self.material.deadline)
        else:
            found = completing.dependencies.again(shown)
        return Experts.fit(
            completed_rows(completed_by, self.material.table, rows, self.text_axes, known=known),
            known_there,
            self.text_axes,
            layout.text_cells,
            layout.class_sizes,
            weights=weights,
            neighbours=self.neighbours(rows, known_there, None if completing is None else completing.neighbours),
            dependencies=found,
            n_trees=self.config.n_trees or 0,
            seed=self.seed,
            deadline=self.material.deadline,
        )

    def neighbours(self, rows: NDArray[np.int64], known: NDArray[np.bool_], believed: Neighbours | None) -> Neighbours:
        """Rows (n_chosen,) that are found by their texts, or by those that earlier ones were believed by."""
        encoded, layout = self.material.encoded, self.training.layout
        is_free = [cell < 0 for cell in layout.text_cells]
        by = np.flatnonzero(is_free).tolist() if believed is None else list(believed.indices)
        return Neighbours.fit(
            {text: replace(encoded.texts[text], distinct=encoded.texts[text].distinct[rows]) for text in by},
            layout.text_buckets,
            encoded.numbers[rows],
            encoded.codes[rows],
            known,
            trust={} if believed is None else believed.trust,
        )
