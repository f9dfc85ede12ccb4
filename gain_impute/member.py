"""One whole fit: networks, and the experts beside them. An imputer has one, or averages what several say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from gain_impute.dependencies import Dependencies
from gain_impute.encoding.table import TableLayout
from gain_impute.experts import Experts
from gain_impute.neighbours import Neighbours
from gain_impute.state import TrainingState

__all__ = ["Member", "seed_of_member"]


@dataclass(frozen=True, eq=False)
class Member:
    """One whole fit; equal to itself alone.

    Attributes
    ----------
    training : TrainingState
        Its networks.
    experts : Experts or None, default=None
        What the generator's best values are blended with.
    """

    training: TrainingState
    experts: Experts | None = None

    @property
    def layout(self) -> TableLayout:
        """What the columns of an encoded table are."""
        return self.training.layout

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.training.device

    @property
    def copies(self) -> bool:
        """Whether some cells are filled with what stands in other rows: in neighbours, or by a dependency."""
        experts = self.experts
        return experts is not None and bool(experts.neighbours.trust or experts.dependencies.of_cells)

    def without_copies(self) -> Member:
        """The same, but nobody looks what stands in other rows."""
        if self.experts is None:
            return self
        without = replace(self.experts, neighbours=Neighbours.none(), dependencies=Dependencies.none())
        return replace(self, experts=without)


def seed_of_member(seed: int, number: int) -> int:
    """The seed of one member's experts: that of the fit for the first, and others for the others.

    Examples
    --------
    >>> seed_of_member(7, 0), seed_of_member(7, 1) == seed_of_member(7, 2)
    (7, False)
    """
    return seed if number == 0 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
