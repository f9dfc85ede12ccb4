"""The training loop: hide known cells again, ask for them back, let the adversary judge the draws."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
import torch
from torch import Tensor, nn

from gain_impute.adamw import AdamW
from gain_impute.batches import TensorTable
from gain_impute.config import GAINConfig, default_batch_size
from gain_impute.losses import (
    adversarial_loss,
    cell_losses,
    discriminator_loss,
    draw_losses,
    hint_for,
)
from gain_impute.networks import Draw
from gain_impute.schema import Schema
from gain_impute.state import EpochLog, TrainingState

__all__ = [
    "HeldOut",
    "NullTracker",
    "Tracker",
    "held_out_cells",
    "nothing_held_out",
    "train",
]

N_EPOCHS = 25  # an epoch is a share of the step budget: the held-out cells are scored at its end
LEAST_EPOCH_STEPS = 10  # scoring more often would cost more than a short training
PATIENCE = 4  # epochs in a row that are worse than the best beyond noise, before training stops
LOSSES = ("imputation_loss", "draw_loss", "adversarial_loss", "discriminator_loss")
WARM_UP_STEPS = 100
DRAWN_ROWS = 96  # of a batch make draws, at most: each draw costs another pass through the heads
DRAWN_EVERY = 2  # steps: drawing, and playing with what was drawn, at every one would cost twice as much
AVERAGED_EVERY = 4  # steps
ADVERSARY_RAMP = 0.3  # share of the budget over which the adversary's weight rises to its full value
MIN_HELD_OUT = 30  # fewer held-out cells than this tell nothing: train to the end of the budget instead
MAX_HELD_OUT_ROWS = 4_096
MOST_COPYING = 0.5  # of the rows with held-out cells, and of these cells: such rows lose what others lack


@dataclass(frozen=True)
class HeldOut:
    """The cells that a fit held out of training, and the network as it stood when it had not yet learned them.

    Attributes
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        What is fitted, holes included.
    schema : Schema
        What its columns are.
    hidden : DataFrame of shape (n_rows, n_fillable), bool
        True where a known cell was held out.
    fill : callable
        Fills the holes of rows of such a table; returns the filled rows, and the report of their cells.
    """

    table: pd.DataFrame
    schema: Schema
    hidden: pd.DataFrame
    fill: Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]


class Tracker(Protocol):
    """Whoever wants to be told of a fit. What it does with it changes nothing in the fit, unless it raises."""

    def on_fit_begin(self, params: dict[str, Any], table: pd.DataFrame, schema: Schema) -> None:
        """Take note of the parameters, and of what is fitted."""

    def on_epoch(self, epoch: EpochLog) -> None:
        """Take note of an epoch."""

    def on_held_out(self, held_out: HeldOut) -> None:
        """Take note of what can be scored; not called where no cell was held out."""

    def on_fit_end(self, summary: dict[str, Any], error: BaseException | None) -> None:
        """Take note of how it ended: the last epoch, and what it failed with."""


class NullTracker:
    """A tracker that takes no note of anything; others override what they want to know."""

    def on_fit_begin(self, params: dict[str, Any], table: pd.DataFrame, schema: Schema) -> None:
        """Do nothing."""

    def on_epoch(self, epoch: EpochLog) -> None:
        """Do nothing."""

    def on_held_out(self, held_out: HeldOut) -> None:
        """Do nothing."""

    def on_fit_end(self, summary: dict[str, Any], error: BaseException | None) -> None:
        """Do nothing."""


def held_out_cells(known: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Choose known cells to hold out: some rows (ascending, int64) and a mask (n_chosen, P) in them.

    Up to half of the cells are held out by rows that lose what some other row lacks, so that cells are also held out
    together where they are empty together; other rows lose each cell with the same probability. Holding out cells of a
    few thousand rows is enough to score them, so long tables lose almost nothing.
    """
    n_rows = len(known)
    rows = torch.randperm(n_rows, device=known.device)[:MAX_HELD_OUT_ROWS].sort().values
    here = known[rows]
    lacked = here & ~known[torch.randint(n_rows, (len(rows),), device=known.device)]
    n_asked = share * int(here.sum())
    most_copying = min(1.0, n_asked / max(1, int(lacked.sum()))) * MOST_COPYING
    is_copying = lacked.any(dim=1, keepdim=True) & (torch.rand(len(rows), 1, device=known.device) < most_copying)
    n_left, n_others = n_asked - int((lacked & is_copying).sum()), int((here & ~is_copying).sum())
    at_random = here & (torch.rand(here.shape, device=known.device) < n_left / max(1, n_others))
    chosen = torch.where(is_copying, lacked, at_random)
    if int(chosen.sum()) < MIN_HELD_OUT:
        chosen = torch.zeros_like(chosen)
    return rows, chosen


def nothing_held_out(known: Tensor) -> tuple[Tensor, Tensor]:
    """Hold out no cell: training then runs to the end of its budget."""
    return torch.zeros(0, dtype=torch.long, device=known.device), torch.zeros_like(known[:0])


@dataclass(frozen=True)
class _Schedule:
    """Learning rate and adversary weight at each step: linear warm-up, then cosine; a linear ramp."""

    n_steps: int
    learning_rate: float
    adversary_weight: float
    n_steps_before: int

    def rate(self, step: int) -> float:
        """Rise over the warm-up, then fall as a cosine."""
        warm_up = min(1.0, (step + 1) / min(WARM_UP_STEPS, max(1, self.n_steps // 10)))
        return self.learning_rate * warm_up * 0.5 * (1 + math.cos(math.pi * step / self.n_steps))

    def weight(self, step: int) -> float:
        """Rise from 0, unless earlier training has brought the weight up already."""
        done = max(step, self.n_steps_before)
        return self.adversary_weight * min(1.0, done / max(1.0, ADVERSARY_RAMP * self.n_steps))


def train(
    state: TrainingState,
    table: TensorTable,
    held_out: tuple[Tensor, Tensor],
    config: GAINConfig,
    *,
    n_steps: int,
    rate_scale: float = 1.0,
    deadline: float = math.inf,
    on_epoch: Callable[[EpochLog], None] = lambda _: None,
) -> None:
    """Train in place, until the budget of steps or seconds is spent or held-out cells are filled clearly worse.

    Parameters
    ----------
    state : TrainingState
        Networks and optimisers; afterwards `averaged` holds the weights to fill cells with.
    table : TensorTable
        The rows to learn from; its held-out cells are neither read nor asked for.
    held_out : tuple of Tensor
        Of `held_out_cells`, or `nothing_held_out`.
    config : GAINConfig
    n_steps : int
        Budget of steps.
    rate_scale : float, default=1.0
        Share of the learning rate to train with.
    deadline : float, default=inf
        Reading of `time.perf_counter` at which to stop.
    on_epoch : callable, default=nothing
        Called with each EpochLog.
    """
    n_rows = len(table.known)
    batch_size = min(config.batch_size or default_batch_size(n_rows, sum(state.layout.class_sizes)), n_rows)
    schedule = _Schedule(n_steps, rate_scale * config.learning_rate, config.adversary_weight, state.n_steps)
    watch = _Watch(state, table, held_out)
    batches, sums = _endless_batches(n_rows, batch_size, state.device), torch.zeros(len(LOSSES), device=state.device)
    epoch_length = max(LEAST_EPOCH_STEPS, -(-n_steps // N_EPOCHS))
    began = time.perf_counter() - state.elapsed_s
    state.generator.train()
    for step in range(n_steps):
        for optimiser in (state.generator_optimiser, state.discriminator_optimiser):
            optimiser.learning_rate = schedule.rate(step)
        weight = schedule.weight(step) if step % DRAWN_EVERY == 0 else None
        sums += _step(state, table, watch.known, next(batches), config, adversary_weight=weight)
        state.n_steps += 1
        if state.n_steps % AVERAGED_EVERY == 1:
            _average(state, config.ema_decay)
        out_of_time = time.perf_counter() >= deadline
        if (step + 1) % epoch_length and step + 1 < n_steps and not out_of_time:
            continue
        validation_loss = watch.look()
        stopped = "budget" if step + 1 == n_steps else "time" if out_of_time else watch.verdict()
        first = step - step % epoch_length
        n_drawn = max(1, len(range(first + first % DRAWN_EVERY, step + 1, DRAWN_EVERY)))
        means: list[float] = (sums / sums.new_tensor([step - first + 1, *[n_drawn] * 3])).tolist()
        sums.zero_()
        state.elapsed_s = time.perf_counter() - began
        losses = dict(zip(LOSSES, means, strict=True))
        log = EpochLog(
            state.n_steps, state.elapsed_s, **losses, validation_loss=validation_loss, stopped=stopped, member=0
        )
        on_epoch(log)
        if stopped:
            break
    watch.restore_if_better()
    state.weights_changed()


class _Watch:
    """Scores the averaged weights on held-out cells, and keeps those that were best.

    Scores of two epochs are compared cell by cell, and a difference counts only beyond twice its standard error:
    on a small table the lowest of many noisy scores is no reason to stop.
    """

    def __init__(self, state: TrainingState, table: TensorTable, held_out: tuple[Tensor, Tensor]) -> None:
        self.state, self.table = state, table
        self.rows, self.cells = held_out
        self.known = table.known
        if bool(self.cells.any()):
            self.known = table.known.clone()
            self.known[self.rows] &= ~self.cells
        self.losses = self.best_losses = torch.zeros(0)
        self.best_weights: dict[str, Tensor] = {}
        self.n_worse = 0

    @torch.no_grad()
    def look(self) -> float:
        """Score the held-out cells; returns their mean loss, NaN where none are held out."""
        if not bool(self.cells.any()):
            return math.nan
        losses = []
        for part in torch.split(torch.arange(len(self.rows), device=self.rows.device), 2048):
            at = self.rows[part]
            best, _ = self.table.read(self.state.averaged, at, self.known[at])
            segments = self.state.averaged.segments
            of_cells = cell_losses(best, self.table.numbers[at], self.table.codes[at], segments)
            losses.append(of_cells[self.cells[part]])
        self.losses = torch.cat(losses)
        if not self.best_weights or bool(self.losses.mean() < self.best_losses.mean()):
            self.best_losses = self.losses
            self.best_weights = {name: tensor.clone() for name, tensor in self.state.averaged.state_dict().items()}
        self.n_worse = self.n_worse + 1 if self._is_worse() else 0
        return float(self.losses.mean())

    def verdict(self) -> str:
        """Say why to stop, or nothing."""
        return "no improvement" if self.n_worse >= PATIENCE else ""

    def restore_if_better(self) -> None:
        """Go back to the best weights where the last ones are worse beyond noise."""
        if self._is_worse():
            self.state.averaged.load_state_dict(self.best_weights)

    def _is_worse(self) -> bool:
        if not self.best_weights:
            return False
        difference = self.losses - self.best_losses
        return bool(difference.mean() > 2 * difference.std() / len(difference) ** 0.5)


def _endless_batches(n_rows: int, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """Row numbers, batch by batch, in a new order each time round."""
    while True:
        order = torch.randperm(n_rows, device=device)
        for first in range(0, n_rows - batch_size + 1, batch_size):
            yield order[first : first + batch_size]


def _step(
    state: TrainingState,
    table: TensorTable,
    known: Tensor,
    rows: Tensor,
    config: GAINConfig,
    *,
    adversary_weight: float | None,
) -> Tensor:
    """Do one step of both networks, without draws where the adversary has no weight; returns its four losses, (4,)."""
    segments = state.generator.segments
    known = known[rows]
    rate = config.rehide_min + (config.rehide_max - config.rehide_min) * torch.rand(len(rows), 1, device=known.device)
    hidden = known & (torch.rand(known.shape, device=known.device) < rate)
    visible = known & ~hidden
    numbers, codes = table.numbers[rows], table.codes[rows]
    texts = table.text_batches(rows, visible, rate=config.rehide_texts)
    best, features = table.read(state.generator, rows, visible, texts=texts)

    n_hidden = hidden.sum().clamp_min(1)
    weight = hidden.float() + config.visible_weight * visible.float()
    imputation = (weight * cell_losses(best, numbers, codes, segments)).sum() / n_hidden
    loss = imputation
    draws = adversarial = discriminator = imputation.new_zeros(())
    if adversary_weight is not None and (config.draw_weight > 0 or adversary_weight > 0):
        n = min(len(rows), DRAWN_ROWS)
        numbers, codes, visible, hidden = numbers[:n], codes[:n], visible[:n], hidden[:n]
        twice, noise = best.first(n).twice(), torch.randn(2 * n, config.d_noise, device=known.device)
        first, second = state.generator.draw(twice, features[:n].repeat(2, 1), noise).halves()
        draws = (hidden * draw_losses(first, second, numbers, codes, segments)).sum() / hidden.sum().clamp_min(1)
        loss = loss + config.draw_weight * draws
        if adversary_weight > 0:
            adversarial, discriminator = _play(
                state, first, numbers, codes, visible=visible, hidden=hidden, hint_rate=config.hint_rate
            )
            loss = loss + adversary_weight * adversarial
    _descend(state.generator, state.generator_optimiser, loss)
    return torch.stack([imputation, draws, adversarial, discriminator]).detach()


def _play(
    state: TrainingState,
    draw: Draw,
    numbers: Tensor,
    codes: Tensor,
    *,
    visible: Tensor,
    hidden: Tensor,
    hint_rate: float,
) -> tuple[Tensor, Tensor]:
    """Complete the rows with a draw, train the discriminator on them, and judge them for the generator.

    It is judged on what was hidden again: an empty cell of a mug's heel height is told from known ones by the mug,
    whatever is drawn there, so that draws would only be driven away from all that is known.
    """
    n, segments = numbers.shape[1], state.generator.segments
    observed = visible.float()
    filled_numbers = torch.where(visible[:, :n], numbers, draw.numbers)
    keep = segments.spread(visible[:, n:])
    filled_choices = torch.where(keep, segments.one_hot(codes), segments.sample(draw.logits))
    hint, untold = hint_for(observed, hint_rate)

    judged = state.discriminator(filled_numbers.detach(), filled_choices.detach(), hint)
    loss = discriminator_loss(judged, observed, untold)
    _descend(state.discriminator, state.discriminator_optimiser, loss)

    state.discriminator.requires_grad_(requires_grad=False)
    judged = state.discriminator(filled_numbers, filled_choices, hint)
    state.discriminator.requires_grad_(requires_grad=True)
    return adversarial_loss(judged, hidden.float() * untold), loss


def _descend(network: nn.Module, optimiser: AdamW, loss: Tensor) -> None:
    """One optimiser step with the gradient's norm clipped to 1."""
    network.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()


@torch.no_grad()
def _average(state: TrainingState, decay: float) -> None:
    """Move the averaged weights towards the trained ones; the first steps count more, as in a plain mean."""
    decay = min(decay, (1 + state.n_steps) / (10 + state.n_steps)) ** AVERAGED_EVERY
    torch._foreach_lerp_(list(state.averaged.parameters()), list(state.generator.parameters()), 1 - decay)
