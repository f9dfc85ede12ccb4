"""The objective, one function a term; equation numbers are those of docs/method.md.

The GAIN paper's mask M is `observed` or, after cells have been hidden again, `visible`; its hint is `hint`.
Losses of cells come back cell by cell, so that the caller decides which count, and divides once.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from gain_impute.networks import Draw
from gain_impute.segments import Segments

__all__ = [
    "adversarial_loss",
    "cell_losses",
    "discriminator_loss",
    "draw_losses",
    "hint_for",
]


def cell_losses(best: Draw, numbers: Tensor, codes: Tensor, segments: Segments) -> Tensor:
    """Squared error of each number, cross-entropy of each category (eq. 3), of shape (B, N + C).

    Parameters
    ----------
    best : Draw
        Predictions: z-scores (B, N) and logits (B, V).
    numbers : Tensor of shape (B, N)
        True z-scores.
    codes : Tensor of shape (B, C), int64
        True 1-based codes; the loss of a cell with code 0 means nothing.
    segments : Segments
        Which logits belong to which column.
    """
    return torch.cat([(best.numbers - numbers) ** 2, segments.cross_entropy(best.logits, codes)], dim=1)


def draw_losses(first: Draw, second: Draw, numbers: Tensor, codes: Tensor, segments: Segments) -> Tensor:
    """Score two draws of each cell: energy score (eq. 4), likelihood of their mixture (eq. 5); shape (B, N + C).

    Both are proper: the noise pays only if the spread that it makes is the spread of the truth.
    """
    error = ((first.numbers - numbers).abs() + (second.numbers - numbers).abs()) / 2
    energy = error - (first.numbers - second.numbers).abs() / 2
    one, two = segments.cross_entropy(first.logits, codes), segments.cross_entropy(second.logits, codes)
    return torch.cat([energy, math.log(2) - torch.logaddexp(-one, -two)], dim=1)


def hint_for(observed: Tensor, hint_rate: float) -> tuple[Tensor, Tensor]:
    """Hint in {0, 0.5, 1} (eq. 6) and the cells that it does not give away; both of shape (B, P).

    Parameters
    ----------
    observed : Tensor of shape (B, P), float
        1 where the completed row holds a known value, 0 where the generator filled it.
    hint_rate : float in [0, 1]
        Share of cells whose state is told.
    """
    told = torch.rand_like(observed) < hint_rate
    return torch.where(told, observed, 0.5), (~told).to(observed.dtype)


def discriminator_loss(judged: Tensor, observed: Tensor, at: Tensor) -> Tensor:
    """Mean binary cross-entropy of the judgements on cells that the hint does not give away (eq. 7)."""
    loss = functional.binary_cross_entropy_with_logits(judged, observed, reduction="none")
    return (loss * at).sum() / at.sum().clamp_min(1)


def adversarial_loss(judged: Tensor, filled: Tensor) -> Tensor:
    """How well filled cells are told from observed ones, where the hint is silent (eq. 8): for the generator."""
    return (functional.softplus(-judged) * filled).sum() / filled.sum().clamp_min(1)
