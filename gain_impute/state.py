"""Everything that training goes on from: networks, their moving average, optimisers, history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gain_impute.adamw import MOMENTS, AdamW
from gain_impute.config import GAINConfig
from gain_impute.encoding.table import TableLayout
from gain_impute.fused import FusedGenerator
from gain_impute.networks import BagOfNgrams, Discriminator, Generator
from gain_impute.segments import Segments

__all__ = ["EpochLog", "TrainingState"]


@dataclass(frozen=True)
class EpochLog:
    """What is recorded at the end of each epoch; one row of `history_`.

    Attributes
    ----------
    step : int
        Training steps done.
    elapsed_s : float
        Seconds of training so far.
    imputation_loss, draw_loss, adversarial_loss, discriminator_loss : float
        Means over the epoch.
    validation_loss : float
        Loss of the averaged weights on held-out cells; NaN where none are held out.
    stopped : str
        Why training ended at this epoch ("budget", "no improvement", "time"), else "".
    member : int
        Whose training it is; steps and seconds are those of all members so far.
    """

    step: int
    elapsed_s: float
    imputation_loss: float
    draw_loss: float
    adversarial_loss: float
    discriminator_loss: float
    validation_loss: float
    stopped: str = ""
    member: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Name each value."""
        return asdict(self)


@dataclass
class TrainingState:
    """Everything that training goes on from.

    Attributes
    ----------
    layout : TableLayout
    generator : Generator
        The weights being trained.
    averaged : Generator
        Their moving average: the weights that fill cells.
    discriminator : Discriminator
    config : GAINConfig
        Of the optimisers.
    n_steps : int
        Steps done in all, over every fit and partial fit.
    elapsed_s : float
        Seconds they took.
    """

    layout: TableLayout
    generator: Generator
    averaged: Generator
    discriminator: Discriminator
    config: GAINConfig
    n_steps: int = 0
    elapsed_s: float = 0.0

    @classmethod
    def new(
        cls, layout: TableLayout, edges: NDArray[np.float32], config: GAINConfig, device: torch.device
    ) -> TrainingState:
        """Initialise networks and optimisers from torch's generator as it stands."""

        def generator() -> Generator:
            return Generator(
                torch.from_numpy(edges.copy()),
                layout.class_sizes,
                layout.text_buckets,
                d_hidden=config.d_hidden,
                n_blocks=config.n_blocks,
                dropout=config.dropout or 0.0,
                d_text=config.d_text,
                d_noise=config.d_noise,
            ).to(device)

        trained, averaged = generator(), generator()
        averaged.load_state_dict(trained.state_dict())
        averaged.requires_grad_(requires_grad=False).eval()
        discriminator = Discriminator(layout.n_numbers, layout.class_sizes).to(device)
        return cls(
            layout=layout,
            generator=trained,
            averaged=averaged,
            discriminator=discriminator,
            config=config,
        )

    @classmethod
    def from_tensors(
        cls,
        named: dict[str, Tensor],
        layout: TableLayout,
        edges: NDArray[np.float32],
        config: GAINConfig,
        device: torch.device,
    ) -> TrainingState:
        """Put together from copies of the tensors that `tensors` gave; torch's generator is left alone.

        Raises
        ------
        KeyError, RuntimeError
            If some are missing, or of another shape.
        """
        nowhere = torch.device("meta")  # where nothing is initialised
        with nowhere:
            state = cls.new(layout, edges, config, nowhere)
        for owner, network in state.networks().items():
            own = {name: named[f"{owner}.{name}"].to(device, copy=True) for name in network.state_dict()}
            network.load_state_dict(own, assign=True)
            for module in network.modules():
                if isinstance(module, Segments):
                    module.lay_out(device)
        for owner, network, optimiser in state.optimised():
            for name, parameter in network.named_parameters():
                if f"{owner}.exp_avg.{name}" in named:
                    optimiser.state[parameter] = {
                        moment: named[f"{owner}.{moment}.{name}"].to(device, copy=True) for moment in MOMENTS
                    }
        return state

    def silence_unseen(self, ngrams: Sequence[NDArray[np.int32]]) -> None:
        """Before any step: give no voice to n-grams other than those (n_ngrams,) of each text column."""
        for network in (self.generator, self.averaged):
            for bag, ids in zip(network.texts, ngrams, strict=True):
                cast("BagOfNgrams", bag).silence_others(torch.from_numpy(ids))

    @cached_property
    def fused(self) -> FusedGenerator:
        """The averaged generator, rearranged to fill cells; `weights_changed` has it made anew."""
        with torch.no_grad():
            return FusedGenerator(self.averaged)

    def weights_changed(self) -> None:
        """Forget what was derived from the averaged weights."""
        vars(self).pop("fused", None)

    @cached_property
    def generator_optimiser(self) -> AdamW:
        """AdamW of the generator."""
        return self._optimiser(self.generator)

    @cached_property
    def discriminator_optimiser(self) -> AdamW:
        """AdamW of the discriminator."""
        return self._optimiser(self.discriminator)

    def _optimiser(self, network: nn.Module) -> AdamW:
        return AdamW(network, learning_rate=self.config.learning_rate, weight_decay=self.config.weight_decay)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.generator.parameters()).device

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that training goes on from, under a name of its own."""
        named: dict[str, Tensor] = {}
        for owner, network in self.networks().items():
            named |= {f"{owner}.{name}": tensor for name, tensor in network.state_dict().items()}
        for owner, network, optimiser in self.optimised():
            for name, parameter in network.named_parameters():
                moments = optimiser.state.get(parameter, {})
                named |= {f"{owner}.{moment}.{name}": value for moment, value in moments.items()}
        return named

    def networks(self) -> dict[str, nn.Module]:
        """Each network under its name."""
        return {"generator": self.generator, "averaged": self.averaged, "discriminator": self.discriminator}

    def optimised(self) -> list[tuple[str, nn.Module, AdamW]]:
        """Each optimiser under its name, with its network."""
        return [
            ("generator_optimiser", self.generator, self.generator_optimiser),
            ("discriminator_optimiser", self.discriminator, self.discriminator_optimiser),
        ]

    def grow(self, layout: TableLayout, edges: NDArray[np.float32], config: GAINConfig) -> TrainingState:
        """Copy all that was learned, to be trained on, with room for categories that were appended to vocabularies.

        Parameters
        ----------
        layout : TableLayout
            The same columns, with class sizes at least those of now.
        edges, config
            As in `new`; the new rows of weights come from torch's generator as it stands.
        """
        grown = TrainingState.new(layout, edges, config, self.device)
        logits = [
            at.start + i
            for at, size in zip(layout.class_slices, self.layout.class_sizes, strict=True)
            for i in range(size)
        ]
        outputs = [*range(layout.n_numbers), *(layout.n_numbers + i for i in logits)]
        rows = {"categories": logits, **dict.fromkeys(OUTPUT_LAYERS, outputs)}
        for owner, network in self.networks().items():
            _copy(network, grown.networks()[owner], rows)
        for before, after in zip(self.optimised(), grown.optimised(), strict=True):
            _copy_moments(before, after, rows)
        grown.averaged.temperatures.copy_(self.averaged.temperatures)
        grown.n_steps, grown.elapsed_s = self.n_steps, self.elapsed_s
        return grown


OUTPUT_LAYERS = ("head", "noise_head")  # of the generator: one row of weights per output
_Optimised = tuple[str, nn.Module, AdamW]


@torch.no_grad()
def _copy(old: nn.Module, new: nn.Module, rows: dict[str, list[int]]) -> None:
    """Copy each parameter into its rows of the successor; `rows` names them where they are not the first ones."""
    for (name, before), after in zip(old.named_parameters(), new.parameters(), strict=True):
        after[_rows(name, before, rows)] = before


def _copy_moments(old: _Optimised, new: _Optimised, rows: dict[str, list[int]]) -> None:
    """Carry AdamW's moments over; those of new rows begin at zero."""
    for (name, before), after in zip(old[1].named_parameters(), new[1].parameters(), strict=True):
        moments = old[2].state.get(before)
        if not moments:
            continue
        carried = {"step": moments["step"].clone()}
        for moment in MOMENTS[1:]:
            carried[moment] = torch.zeros_like(after)
            carried[moment][_rows(name, before, rows)] = moments[moment]
        new[2].state[after] = carried


def _rows(name: str, before: Tensor, rows: dict[str, list[int]]) -> list[int]:
    return rows.get(name.partition(".")[0], list(range(len(before))))
