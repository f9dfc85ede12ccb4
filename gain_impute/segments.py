"""The logits of all categorical columns side by side, and what is done to each column's segment of them.

A table has many categorical columns and most are small: one operation on all of them costs what a loop over the
columns would cost for one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Segments"]

MAX_LOGIT = 30.0  # e**30 and e**-30 can be summed in single precision
LEAST_EXPONENTIAL = 1e-12  # of Gumbel noise, which is then at most 28: added to a logit, it can still be summed

# B rows, C categorical columns, V logits of all their categories


class Segments(nn.Module):
    """Which logits belong to which categorical column.

    Parameters
    ----------
    sizes : tuple of int
        Number of categories of each column.
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes, self.n_columns, self.n_logits = tuple(sizes), len(sizes), sum(sizes)
        self.column_of: Tensor  # (V,)
        self.starts: Tensor  # (C,)
        self.members: Tensor  # (V, C), 1 where a logit belongs to a column
        self.lay_out()

    def lay_out(self, device: torch.device | None = None) -> None:
        """Count from the sizes where each column stands: no weight, and not saved."""
        lengths = torch.tensor(self.sizes, dtype=torch.long, device=device)
        numbers = torch.arange(self.n_columns, device=device)
        column_of = torch.repeat_interleave(numbers, lengths, output_size=self.n_logits)
        self.register_buffer("column_of", column_of, persistent=False)
        self.register_buffer("starts", torch.cumsum(lengths, 0) - lengths, persistent=False)
        self.register_buffer("members", (column_of[:, None] == numbers).float(), persistent=False)

    def positions(self, codes: Tensor) -> Tensor:
        """Where each category's logit stands, (B, C), for 1-based codes; that of the first category for code 0."""
        return (codes - 1).clamp_min(0) + self.starts

    def spread(self, cells: Tensor) -> Tensor:
        """Repeat values of columns (B, C) over their logits, to (B, V)."""
        return cells[:, self.column_of]

    def maxima(self, logits: Tensor) -> Tensor:
        """Greatest logit of each column, (B, C)."""
        index = self.column_of.expand(len(logits), -1)
        lowest = logits.new_full((len(logits), self.n_columns), -torch.inf)
        return lowest.scatter_reduce(1, index, logits, "amax")

    def log_partition(self, logits: Tensor) -> Tensor:
        """Logarithm of the sum of the exponentials of each column's logits, (B, C).

        They must be within `bounded`: then their exponentials can be summed as they are, which saves the search for
        each column's greatest.
        """
        return (torch.exp(logits) @ self.members).log()

    def cross_entropy(self, logits: Tensor, codes: Tensor) -> Tensor:
        """Negative log-probability of each true category, (B, C); meaningless where the code is 0."""
        logits = bounded(logits)
        return self.log_partition(logits) - logits.gather(1, self.positions(codes))

    def one_hot(self, codes: Tensor) -> Tensor:
        """One-hot rows (B, V) of 1-based codes; all zeros for code 0."""
        rows = torch.zeros(len(codes), self.n_logits, device=codes.device)
        return rows.scatter_add(1, self.positions(codes), (codes > 0).float())

    def sample(self, logits: Tensor) -> Tensor:
        """One-hot categories (B, V) drawn from the logits, with the softmax's gradient (straight-through Gumbel) [1]_.

        References
        ----------
        .. [1] Jang, Gu & Poole (2017), "Categorical reparameterization with Gumbel-softmax".
        """
        noisy = bounded(logits) - torch.empty_like(logits).exponential_().clamp_min(LEAST_EXPONENTIAL).log()
        soft = torch.exp(noisy - self.spread(self.log_partition(noisy)))
        hard = (noisy == self.spread(self.maxima(noisy.detach()))).float()
        return hard + soft - soft.detach()


def bounded(logits: Tensor) -> Tensor:
    """Logits between -MAX_LOGIT and MAX_LOGIT: odds of e**30 are certainty."""
    return logits.clamp(-MAX_LOGIT, MAX_LOGIT)
