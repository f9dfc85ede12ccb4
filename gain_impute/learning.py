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
from gain_impute.config import default_max_steps
from gain_impute.drift import Sureness, keep_some_back, keep_sureness, measure_sureness
from gain_impute.encoding.table import EncodedTable
from gain_impute.experts import Experts, expert_rows
from gain_impute.neighbours import Neighbours
from gain_impute.persistence import FittedState
from gain_impute.prediction import completed_rows, held_out_rows, predict
from gain_impute.state import EpochLog, TrainingState
from gain_impute.text_axes import TextAxes
from gain_impute.training import held_out_cells, nothing_held_out, train
from gain_impute.weighing import USUAL, Weights

__all__ = ["HeldOutReport", "Report", "learn"]

REFINING_SHARE = 1 / 6  # of the budget: training ends with the held-out cells given back
REFINING_RATE = 0.3  # of the learning rate, from which it then falls
NETWORKS_SHARE = 0.7  # of a limited time: what is left is for experts
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
    """Train the networks of a state, teach its experts and calibrate both, in place.

    Some known cells are held out, to weigh and to calibrate on. Then they are given back: training is refined with
    them, and where they are more than a few, the experts are taught again.

    Parameters
    ----------
    state : FittedState
        With networks, new or trained before.
    encoded : EncodedTable
    rate_scale : float
        Share of the learning rate to train with.
    on_epoch : callable
        Called with each EpochLog.
    on_held_out : callable, optional
        As in `new_fit`.
    """
    if state.training is None:
        raise AssertionError
    config, table = state.config, TensorTable.from_encoded(encoded, state.training.layout, state.device)
    began, most_s = time.perf_counter(), config.max_time_s
    deadline = math.inf if most_s is None else began + most_s
    lesson = _Lesson(
        state, state.training, encoded, table, held_out_cells(table.known, config.validation_share), deadline
    )
    # earlier rows may be among these: what is held out of them tells nothing
    before = lesson.sureness() if state.training.n_steps > 0 else None
    n_steps = config.max_steps or default_max_steps(encoded.n_rows, config.effort)
    n_refining = int(n_steps * REFINING_SHARE) if lesson.has_held_out else 0
    train(
        state.training,
        table,
        lesson.held_out,
        config,
        n_steps=n_steps - n_refining,
        rate_scale=rate_scale,
        deadline=deadline if most_s is None or not config.n_trees else began + NETWORKS_SHARE * most_s,
        on_epoch=on_epoch,
    )
    if not lesson.has_held_out:
        if before is not None:
            keep_sureness(state.training, lesson.given_back, state.experts, before)
        return
    teaches_twice = lesson.teaches_twice  # asked before there are new experts
    if before is None:
        state.training.averaged.temperatures.fill_(1)
    state.experts = lesson.validated_experts() if config.n_trees else None
    state.calibration = lesson.calibration(None if before is None else state.calibration)
    if on_held_out is not None:
        on_held_out(state, lesson.held_out_frame())
    sureness = lesson.sureness() if before is None else before
    if n_refining > 0 and time.perf_counter() < deadline:
        lesson.refine(n_refining, rate_scale=rate_scale, on_epoch=on_epoch)
    if state.experts is not None and teaches_twice:
        state.experts = lesson.experts_taught_again(state.experts)
    keep_sureness(state.training, lesson.given_back, state.experts, sureness)


@dataclass(frozen=True)
class _Lesson:
    """What one fit works with.

    Attributes
    ----------
    state : FittedState
    training : TrainingState
        Its networks.
    encoded : EncodedTable
    table : TensorTable
        The same.
    held_out : tuple of Tensor
        Of `held_out_cells`.
    deadline : float
        Reading of `time.perf_counter` from which no further expert is begun.
    """

    state: FittedState
    training: TrainingState
    encoded: EncodedTable
    table: TensorTable
    held_out: tuple[Tensor, Tensor]
    deadline: float

    @cached_property
    def has_held_out(self) -> bool:
        """Whether any cell is held out."""
        return bool(self.held_out[1].any())

    @cached_property
    def keeps_experts(self) -> bool:
        """Whether experts learned from more rows than there are now: then they stay, and are believed as before."""
        return self.state.experts is not None and self.state.experts.n_rows >= len(self.table.known)

    @cached_property
    def teaches_twice(self) -> bool:
        """Whether so many known cells are held out that experts are taught again, with them."""
        share = int(self.held_out[1].sum()) / max(1, int(self.table.known.sum()))
        return not self.keeps_experts and share > TAUGHT_AGAIN_FROM

    @cached_property
    def known(self) -> Tensor:
        """Known cells (n_rows, P) that are not held out."""
        rows, cells = self.held_out
        left = self.table.known.clone()
        left[rows] &= ~cells
        return left

    @cached_property
    def given_back(self) -> TensorTable:
        """The table with nearly all of the held-out cells."""
        return keep_some_back(self.table, self.held_out)

    def sureness(self) -> Sureness:
        """How sure the state is, as it stands, of what this fit never learns."""
        return measure_sureness(self.training, self.given_back, self.state.experts)

    @cached_property
    def shown(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows (n_shown,) with held-out cells, and which of theirs these are (n_shown, P)."""
        rows, cells = (tensor[self.held_out[1].any(dim=1)].cpu().numpy() for tensor in self.held_out)
        return rows, cells

    @cached_property
    def text_axes(self) -> tuple[TextAxes, ...]:
        """Main directions of the texts, for new experts."""
        texts = zip(self.encoded.texts, self.training.layout.text_buckets, strict=True)
        return tuple(TextAxes.fit(text, n_buckets, seed=self.state.seed) for text, n_buckets in texts)

    def validated_experts(self) -> Experts:
        """Experts of all columns, kept, or new and each believed as far as held-out cells show that it helps."""
        if self.state.experts is not None and self.keeps_experts:
            return self.state.experts
        weights = dict.fromkeys(range(self.training.layout.n_cells), USUAL)
        experts = self.taught_experts(self.known, weights)
        rows, cells = self.shown
        return experts.weighed(held_out_rows(self.training, self.table, rows, experts, cells))

    def refine(self, n_steps: int, *, rate_scale: float, on_epoch: Report) -> None:
        """Train on with the held-out cells, more gently, and with every text in sight, as when cells are filled."""
        train(
            self.training,
            self.given_back,
            nothing_held_out(self.given_back.known),
            replace(self.state.config, rehide_texts=0.0),
            n_steps=n_steps,
            rate_scale=rate_scale * REFINING_RATE,
            deadline=self.deadline,
            on_epoch=on_epoch,
        )

    def experts_taught_again(self, experts: Experts) -> Experts:
        """Teach them with the held-out cells, believed as before; the same ones where time does not suffice."""
        again = self.taught_experts(self.given_back.known, experts.weights, completing=experts)
        return again if again.weights == experts.weights else experts

    def taught_experts(
        self, known: Tensor, weights: dict[int, Weights], *, completing: Experts | None = None
    ) -> Experts:
        """Teach experts, from rows as they are completed, also by earlier ones, when `known` (n_rows, P) is read."""
        layout, seed = self.training.layout, self.state.seed
        always = self.held_out[0].cpu().numpy()
        rows = expert_rows(len(known), layout.n_cells, len(layout.texts), always=always, seed=seed)
        known_there = known.cpu().numpy()[rows]
        return Experts.fit(
            completed_rows(self.training, self.table, rows, self.text_axes, known=known, experts=completing),
            known_there,
            self.text_axes,
            layout.text_cells,
            layout.class_sizes,
            weights=weights,
            neighbours=self.neighbours(rows, known_there, None if completing is None else completing.neighbours),
            n_trees=self.state.config.n_trees or 0,
            seed=seed,
            deadline=self.deadline,
        )

    def neighbours(self, rows: NDArray[np.int64], known: NDArray[np.bool_], believed: Neighbours | None) -> Neighbours:
        """Rows (n_chosen,) that are found by their texts, or by those that earlier ones were believed by."""
        encoded, layout = self.encoded, self.training.layout
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

    def calibration(self, before: NumberCalibration | None) -> NumberCalibration:
        """Fill the held-out cells, and measure how far that is from the truth; claim no more than before."""
        rows, cells = self.shown
        experts = self.state.experts
        said = without = predict(self.training, self.table, rows, experts=experts, known=self.known, spread=True)
        if experts is not None and experts.neighbours.trust:
            others = replace(experts, neighbours=Neighbours.none())
            without = predict(self.training, self.table, rows, experts=others, known=self.known, spread=True)
        found = calibrate_numbers(self.encoded, rows, cells, said, without)
        return found if before is None else found.no_narrower_than(before, said.spread)

    def held_out_frame(self) -> pd.DataFrame:
        """Where cells are held out, (n_rows, n_fillable), under the names of the columns."""
        encoder = self.state.encoder
        names = [*encoder.layout.numbers, *encoder.layout.classes]
        hidden = np.zeros((len(self.known), len(names)), dtype=bool)
        rows, cells = self.shown
        hidden[rows] = cells
        return pd.DataFrame(hidden, columns=names)[[name for name in names if name in encoder.fillable]]
