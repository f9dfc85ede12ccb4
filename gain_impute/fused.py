"""The generator rearranged to fill cells: the same function with fewer multiplications, not for training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gain_impute.networks import Draw, Generator, TextBatch

__all__ = ["FusedGenerator"]

# B rows, N numeric columns, C categorical columns, T text columns, P = N + C cells, V categories, K knots of a number


class FusedGenerator:
    """A trained generator whose first layer looks up what the generator multiplies.

    What the first layer makes of one number is a piecewise-linear function with its corners at the knots of the
    number's embedding, and what it makes of a category is one vector of a few. Both are worked out once; a row then
    sums, for each number, the vectors at the two knots around it, and for each category its vector. What is left to
    multiply are the numbers themselves, which cells are visible, and texts: the *scalars*.

    Parameters
    ----------
    generator : Generator
        As it is now: of what it learns later nothing is seen.
    """

    def __init__(self, generator: Generator) -> None:
        self.generator, self.edges = generator, generator.pieces.edges.contiguous()  # (N, K)
        self.widths = self.edges.diff(dim=1).clamp_min(1e-6)
        (n, n_bins), (d_hidden, d_input) = self.widths.shape, generator.read.weight.shape
        self.first_knots = torch.arange(n, device=self.edges.device) * (n_bins + 1)
        c, d_category = generator.segments.n_columns, generator.categories.shape[1]
        sizes = [n + n + c, c * d_category, d_input - n * n_bins - n - n - c - c * d_category]
        of_pieces, of_linear = torch.split(generator.read.weight.T, [n * n_bins, sum(sizes)])
        of_scalars, of_categories, of_texts = torch.split(of_linear, sizes)
        skip_scalars, skip_categories, skip_texts = torch.split(generator.skip.T, sizes)
        self.dense = torch.cat([of_scalars, of_texts])  # (N + P + T * d_text, d_hidden)
        self.skip = torch.cat([skip_scalars, skip_texts])  # (N + P + T * d_text, N)
        at_knots = functional.pad(of_pieces.view(n, n_bins, d_hidden).cumsum(dim=1), (0, 0, 1, 0))  # (N, K, d_hidden)
        self.table = torch.cat([at_knots.flatten(0, 1), self._vectors(of_categories)])  # (N * K + V, d_hidden)
        self.skip_table = self._vectors(skip_categories)  # (V, N)

    def __call__(self, numbers: Tensor, codes: Tensor, visible: Tensor, texts: list[Tensor]) -> tuple[Draw, Tensor]:
        """Do what the generator does when it is called."""
        generator, n = self.generator, self.generator.n_numbers
        low = (torch.searchsorted(self.edges, numbers.T.contiguous()) - 1).clamp_(0, self.widths.shape[1] - 1)  # (N, B)
        passed = ((numbers.T - self.edges.gather(1, low)) / self.widths.gather(1, low)).clamp_(0, 1).T
        knots, shown = low.T + self.first_knots, visible[:, :n]
        categories, present = generator.segments.positions(codes), (codes > 0).to(visible.dtype)
        at = torch.cat([knots, knots + 1, categories + self.edges.numel()], dim=1)
        features = _weighted_sums(self.table, at, torch.cat([(1 - passed) * shown, passed * shown, present], dim=1))
        scalars = torch.cat([numbers, visible, *texts], dim=1)
        features.addmm_(scalars, self.dense).add_(generator.read.bias)
        for block in generator.residual_blocks():
            hidden = torch.ops.aten.gelu_(block.expand(block.norm(features)))
            features.addmm_(hidden, block.contract.weight.T).add_(block.contract.bias)
        features = generator.norm(features)
        outputs = generator.head(features)
        best = outputs[:, :n].addmm_(scalars, self.skip)
        if self.skip_table.numel():
            best += _weighted_sums(self.skip_table, categories, present)
        return Draw(best, outputs[:, n:]), features

    def read_texts(self, texts: tuple[TextBatch, ...]) -> list[Tensor]:
        """Do what the generator does."""
        return self.generator.read_texts(texts)

    def _vectors(self, weight: Tensor) -> Tensor:
        """What a layer with this weight (C * d_category, d_out) makes of each category, (V, d_out)."""
        categories, segments = self.generator.categories, self.generator.segments
        by_column = weight.view(segments.n_columns, categories.shape[1], weight.shape[1])
        parts = torch.split(categories, list(segments.sizes))
        return torch.cat([weight[:0], *(part @ of for part, of in zip(parts, by_column, strict=True))])


def _weighted_sums(table: Tensor, at: Tensor, weights: Tensor) -> Tensor:
    """Sum rows of a table with weights: (n, d), (B, k), (B, k) -> (B, d)."""
    return functional.embedding_bag(at, table, per_sample_weights=weights, mode="sum")
