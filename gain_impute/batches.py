"""An encoded table as tensors on the device, read batch by batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.encoding.table import EncodedTable, TableLayout
from gain_impute.encoding.text import HashedText
from gain_impute.fused import FusedGenerator
from gain_impute.networks import Draw, Generator, TextBatch

__all__ = ["TensorTable"]


@dataclass(frozen=True)
class TensorTable:
    """An encoded table as tensors on the device.

    Attributes
    ----------
    numbers : Tensor of shape (n_rows, N)
    codes : Tensor of shape (n_rows, C), int64
    known : Tensor of shape (n_rows, P), bool
    texts : tuple of (distinct, starts, ids), integer tensors
        As in `HashedText`.
    text_cells : tuple of int
        As in `TableLayout`.
    residues : ndarray of shape (n_rows, N), float32
    identifiers : ndarray of shape (n_rows, n_identifiers), float32
        As in `EncodedTable`; both stay where they are.
    """

    numbers: Tensor
    codes: Tensor
    known: Tensor
    texts: tuple[tuple[Tensor, Tensor, Tensor], ...]
    text_cells: tuple[int, ...]
    residues: NDArray[np.float32]
    identifiers: NDArray[np.float32]

    @classmethod
    def from_encoded(cls, encoded: EncodedTable, layout: TableLayout, device: torch.device) -> TensorTable:
        """Move the arrays to the device; on a CPU they are shared, not copied."""

        def tensors(text: HashedText) -> tuple[Tensor, Tensor, Tensor]:
            return (
                torch.from_numpy(text.distinct).to(device),
                torch.from_numpy(text.starts).to(device),
                torch.from_numpy(text.ids).to(device),
            )

        return cls(
            numbers=torch.from_numpy(encoded.numbers).to(device),
            codes=torch.from_numpy(encoded.codes).to(device),
            known=torch.from_numpy(encoded.known).to(device),
            texts=tuple(tensors(text) for text in encoded.texts),
            text_cells=layout.text_cells,
            residues=encoded.residues,
            identifiers=encoded.identifiers,
        )

    def n_known(self) -> Tensor:
        """Known cells of each column (P,), int64; torch itself would make an integer of every cell first."""
        return torch.from_numpy(self.known.cpu().numpy().sum(axis=0)).to(self.known.device)

    def text_batches(self, rows: Tensor, visible: Tensor, *, rate: float = 0.0) -> tuple[TextBatch, ...]:
        """Gather the n-grams of the rows of a batch; a hidden category has none, any text none with chance `rate`."""
        batches = []
        for cell, (distinct, starts, ids) in zip(self.text_cells, self.texts, strict=True):
            chosen = distinct[rows] if cell < 0 else distinct[rows] * visible[:, cell]  # 0 is the empty text
            if rate > 0:
                chosen = chosen * (torch.rand(len(rows), device=chosen.device) >= rate)
            lengths = starts[chosen + 1] - starts[chosen]
            offsets = torch.cumsum(lengths, 0) - lengths
            shift = torch.repeat_interleave(starts[chosen] - offsets, lengths)
            at = torch.arange(len(shift), device=shift.device) + shift
            batches.append(TextBatch(ids[at], offsets))
        return tuple(batches)

    def read(
        self,
        generator: Generator | FusedGenerator,
        rows: Tensor,
        visible: Tensor,
        *,
        texts: tuple[TextBatch, ...] | None = None,
    ) -> tuple[Draw, Tensor]:
        """Run the generator on rows of which only `visible` (B, P) may be read; their texts may be gathered already."""
        shown = visible.to(self.numbers.dtype)
        n = self.numbers.shape[1]
        return generator(
            self.numbers[rows] * shown[:, :n],
            self.codes[rows] * visible[:, n:],
            shown,
            generator.read_texts(self.text_batches(rows, visible) if texts is None else texts),
        )
