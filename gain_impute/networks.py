"""The generator, which fills cells, and the discriminator, which tells filled cells from observed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from gain_impute.segments import Segments

__all__ = ["BagOfNgrams", "Discriminator", "Draw", "Generator", "TextBatch"]

# B rows, N numeric columns, C categorical columns, T text columns, P = N + C cells, V logits of all categories


@dataclass(frozen=True)
class TextBatch:
    """N-grams of one text column for a batch of rows, as an embedding bag reads them.

    Attributes
    ----------
    ids : Tensor of shape (n_ngrams,), int64
    offsets : Tensor of shape (B,), int64
        Where each row's n-grams begin.
    """

    ids: Tensor
    offsets: Tensor


@dataclass(frozen=True)
class Draw:
    """What the generator says of each cell: z-scores of shape (B, N) and logits of shape (B, V)."""

    numbers: Tensor
    logits: Tensor

    def first(self, n_rows: int) -> Draw:
        """Keep the first rows only."""
        return Draw(self.numbers[:n_rows], self.logits[:n_rows])

    def twice(self) -> Draw:
        """Repeat all rows after themselves."""
        return Draw(self.numbers.repeat(2, 1), self.logits.repeat(2, 1))

    def halves(self) -> tuple[Draw, Draw]:
        """Part what `twice` put together."""
        n = len(self.numbers) // 2
        return Draw(self.numbers[:n], self.logits[:n]), Draw(self.numbers[n:], self.logits[n:])


class ResidualBlock(nn.Module):
    """``x + W2 dropout(gelu(W1 norm(x)))``.

    Shape
    -----
    (B, d_hidden) -> (B, d_hidden)
    """

    def __init__(self, d_hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d_hidden)
        self.expand = nn.Linear(d_hidden, d_hidden)
        self.contract = nn.Linear(d_hidden, d_hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Add the block's correction."""
        return x + cast("Tensor", self.contract(self.dropout(nn.functional.gelu(self.expand(self.norm(x))))))


class PiecewiseLinearEmbedding(nn.Module):
    """For each bin between two knots, how far a number has come through it: 0 below, 1 above.

    With knots 0, 1, 3 the number 2 becomes (1, 0.5).

    Shape
    -----
    (B, N) -> (B, N * n_bins)
    """

    def __init__(self, edges: Tensor) -> None:
        super().__init__()
        self.edges: Tensor  # (N, n_bins + 1)
        self.register_buffer("edges", edges)

    def forward(self, numbers: Tensor, visible: Tensor) -> Tensor:
        """Embed the visible numbers; a hidden one is all zeros."""
        low, width = self.edges[:, :-1], self.edges.diff(dim=1).clamp_min(1e-6)
        passed = ((numbers[:, :, None] - low) / width).clamp(0, 1)  # (B, N, n_bins)
        return (passed * visible[:, :, None]).flatten(1)


class BagOfNgrams(nn.Module):
    """Mean of the vectors of a text's n-grams, brought to unit variance: long and short texts speak equally loud.

    Shape
    -----
    TextBatch of B rows -> (B, d_text)
    """

    def __init__(self, n_buckets: int, d_text: int) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(n_buckets, d_text, mode="mean")
        nn.init.normal_(self.vectors.weight, std=0.2)

    @torch.no_grad()
    def silence_others(self, ids: Tensor) -> None:
        """Bring the vectors of all n-grams but these to zero: what nothing teaches would be noise to new texts."""
        is_other = torch.ones(len(self.vectors.weight), dtype=torch.bool)
        is_other[ids.long()] = False
        self.vectors.weight[is_other.to(self.vectors.weight.device)] = 0

    def forward(self, text: TextBatch) -> Tensor:
        """Read a batch of texts; an empty one is all zeros."""
        means = self.vectors(text.ids, text.offsets)
        return nn.functional.layer_norm(means, means.shape[1:])


class Generator(nn.Module):
    """Predict every cell of a row from those that are visible.

    A residual network reads the row; a linear skip from the inputs to the outputs learns what is linear. The *best
    value* of a cell comes from the features alone; a *draw* adds a correction that a noise vector makes.

    Parameters
    ----------
    edges : Tensor of shape (N, n_bins + 1)
        Knots of the numbers' embeddings, in z-scores.
    class_sizes : tuple of int
        Number of categories of each categorical column.
    text_buckets : tuple of int
        Number of hash buckets of each text column.
    d_hidden, n_blocks, dropout, d_text, d_noise
        As in `GAINConfig`.
    d_category : int, default=16
        Width of a category's embedding.
    """

    def __init__(
        self,
        edges: Tensor,
        class_sizes: tuple[int, ...],
        text_buckets: tuple[int, ...],
        *,
        d_hidden: int,
        n_blocks: int,
        dropout: float,
        d_text: int,
        d_noise: int,
        d_category: int = 16,
    ) -> None:
        super().__init__()
        n_numbers, n_cells, n_outputs = len(edges), len(edges) + len(class_sizes), len(edges) + sum(class_sizes)
        self.n_numbers, self.d_noise, self.dropout = n_numbers, d_noise, dropout
        self.segments = Segments(class_sizes)
        self.pieces = PiecewiseLinearEmbedding(edges)
        self.categories = nn.Parameter(torch.randn(sum(class_sizes), d_category) * d_category**-0.5)
        self.texts = nn.ModuleList(BagOfNgrams(n_buckets, d_text) for n_buckets in text_buckets)
        d_linear = n_numbers + n_cells + len(class_sizes) * d_category + len(text_buckets) * d_text
        self.read = nn.Linear(edges[:, 1:].numel() + d_linear, d_hidden)
        self.blocks = nn.ModuleList(ResidualBlock(d_hidden, dropout) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(d_hidden)
        self.head = nn.Linear(d_hidden, n_outputs)
        self.skip = nn.Parameter(torch.zeros(n_numbers, d_linear))
        self.noise = nn.Linear(d_noise, d_hidden)
        self.noise_block = ResidualBlock(d_hidden, dropout)
        self.noise_head = nn.Linear(d_hidden, n_outputs)
        self.temperatures: Tensor  # (C,), by which the logits of what is said in the end are divided
        self.register_buffer("temperatures", torch.ones(len(class_sizes)))

    def forward(self, numbers: Tensor, codes: Tensor, visible: Tensor, texts: Sequence[Tensor]) -> tuple[Draw, Tensor]:
        """Read a batch of rows.

        Parameters
        ----------
        numbers : Tensor of shape (B, N)
            Z-scores; 0 where not visible.
        codes : Tensor of shape (B, C), int64
            Category codes; 0 where not visible.
        visible : Tensor of shape (B, P), float
            1 where a cell may be read.
        texts : sequence of Tensor of shape (B, d_text)
            As `read_texts` embeds them.

        Returns
        -------
        best : Draw
            The best value of each cell.
        features : Tensor of shape (B, d_hidden)
            What `draw` starts from.
        """
        pieces = self.pieces(numbers, visible[:, : self.n_numbers])
        embedded = self.categories[self.segments.positions(codes)] * (codes > 0)[:, :, None]  # (B, C, d_category)
        linear = torch.cat([numbers, visible, embedded.flatten(1), *texts], dim=1)
        features = self.read(torch.cat([pieces, linear], dim=1))
        for block in self.residual_blocks():
            features = block(features)
        features = self.norm(features)
        best = self._split(self.head(features))
        return Draw(best.numbers + linear @ self.skip.T, best.logits), features

    def residual_blocks(self) -> list[ResidualBlock]:
        """The blocks, in their order."""
        return cast("list[ResidualBlock]", list(self.blocks))

    def read_texts(self, texts: tuple[TextBatch, ...]) -> list[Tensor]:
        """Embed each text column of a batch, (B, d_text)."""
        return [bag(text) for bag, text in zip(self.texts, texts, strict=True)]

    def draw(self, best: Draw, features: Tensor, noise: Tensor) -> Draw:
        """One of the many ways in which the cells could be filled; `noise` has shape (B, d_noise)."""
        correction = self._split(self.noise_head(self._noisy(features, noise)))
        return Draw(best.numbers + correction.numbers, best.logits + correction.logits)

    def correct_numbers(self, features: Tensor, noise: Tensor) -> Tensor:
        """How far the numbers of one draw lie from their best values, (B, N); the categories are not drawn."""
        n = self.n_numbers
        weight, bias = self.noise_head.weight[:n], self.noise_head.bias[:n]
        return nn.functional.linear(self._noisy(features, noise), weight, bias)

    @torch.no_grad()
    def scale_corrections(self, factors: Sequence[float]) -> None:
        """Multiply how far draws of each number lie from its best value by a factor of its own."""
        scales = self.noise_head.weight.new_tensor(factors)
        self.noise_head.weight[: self.n_numbers] *= scales[:, None]
        self.noise_head.bias[: self.n_numbers] *= scales

    def _noisy(self, features: Tensor, noise: Tensor) -> Tensor:
        return nn.functional.gelu(self.noise_block(features + self.noise(noise)))

    def _split(self, outputs: Tensor) -> Draw:
        return Draw(outputs[:, : self.n_numbers], outputs[:, self.n_numbers :])


class Discriminator(nn.Module):
    """Tell for each cell of a completed row whether it was observed.

    Parameters
    ----------
    n_numbers : int
        Number of numeric columns.
    class_sizes : tuple of int
        Number of categories of each categorical column.
    d_hidden : int, default=128
        Width.
    d_category : int, default=8
        Width of a category's embedding.
    """

    def __init__(
        self, n_numbers: int, class_sizes: tuple[int, ...], *, d_hidden: int = 128, d_category: int = 8
    ) -> None:
        super().__init__()
        n_cells = n_numbers + len(class_sizes)
        self.segments = Segments(class_sizes)
        self.categories = nn.Parameter(torch.randn(sum(class_sizes), d_category))
        self.layers = nn.Sequential(
            nn.Linear(n_numbers + len(class_sizes) * d_category + n_cells, d_hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(d_hidden, d_hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(d_hidden, n_cells),
        )

    def forward(self, numbers: Tensor, choices: Tensor, hint: Tensor) -> Tensor:
        """Logits of shape (B, P) that each cell was observed.

        Parameters
        ----------
        numbers : Tensor of shape (B, N)
            Z-scores of the completed row.
        choices : Tensor of shape (B, V)
            One-hot categories of the completed row.
        hint : Tensor of shape (B, P)
            1 observed, 0 filled, 0.5 not told.
        """
        blocks = self.segments.members[:, :, None] * self.categories[:, None, :]  # (V, C, d_category), block-diagonal
        return cast("Tensor", self.layers(torch.cat([numbers, choices @ blocks.flatten(1), hint], dim=1)))
