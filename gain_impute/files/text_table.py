"""Tables in CSV and TSV files, read part by part, and written with nothing but the filled fields changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa

from gain_impute.files.chunk import Chunk
from gain_impute.files.delimited import DelimitedReader
from gain_impute.files.filling import Fillings, index_of

__all__ = ["DelimitedPart", "DelimitedTable"]


@dataclass(frozen=True)
class DelimitedPart:
    """Some records of a CSV or TSV file.

    Attributes
    ----------
    chunk : Chunk
        Their bytes.
    names : list of str
        The columns.
    first_row : int
        Position of the first record in the file.
    """

    chunk: Chunk
    names: list[str]
    first_row: int

    @property
    def n_rows(self) -> int:
        """Number of records.

        Returns
        -------
        int
            The number.
        """
        return self.chunk.n_rows

    def frame(self) -> pd.DataFrame:
        """The records as a table of texts.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns), str
            Empty fields are missing. The index is the position in the file.
        """
        columns = [self.chunk.values(number) for number in range(len(self.names))]
        frame: pd.DataFrame = pa.table(columns, names=self.names).to_pandas()
        return frame.set_axis(index_of(self.first_row, self.n_rows))


class DelimitedTable:
    """A table in a CSV or TSV file.

    Parameters
    ----------
    reader : DelimitedReader
        What reads it.
    notes : tuple of str, default=()
        What was guessed of the file.

    Attributes
    ----------
    path : Path
        The file.
    names : list of str
        Its columns.
    notes : tuple of str
        What was guessed of the file.

    Raises
    ------
    FileError
        If the file cannot be read, or does not begin as a table.
    """

    is_typed = False

    def __init__(self, reader: DelimitedReader, notes: tuple[str, ...] = ()) -> None:
        self._reader = reader
        self.path, self.notes = reader.path, notes
        next(iter(reader))
        self.names = reader.names

    def parts(self) -> Iterator[DelimitedPart]:
        """Read the records, some at a time.

        Yields
        ------
        DelimitedPart
            At least one.

        Raises
        ------
        FileError
            If a record is not one of a table in the file's encoding.
        """
        first_row = 0
        for chunk in self._reader:
            yield DelimitedPart(chunk, self._reader.names, first_row)
            first_row += chunk.n_rows

    @contextmanager
    def writer(self, stream: BinaryIO) -> Iterator[Callable[[DelimitedPart, Fillings], None]]:
        """Write the parts with some of their fields filled.

        Parameters
        ----------
        stream : binary file
            Where to.

        Yields
        ------
        callable
            Takes a part and its fillings.
        """

        def write(part: DelimitedPart, fillings: Fillings) -> None:
            at = [(self.names.index(name), filling) for name, filling in fillings.items() if len(filling.rows)]
            if not at:
                stream.write(part.chunk.filled(np.zeros(0, np.int64), np.zeros(0, np.int64), pa.array([], "string")))
                return
            rows = np.concatenate([filling.rows for _, filling in at])
            columns = np.repeat([number for number, _ in at], [len(filling.rows) for _, filling in at])
            texts = [pa.array(filling.values, type=pa.large_string()) for _, filling in at]
            stream.write(part.chunk.filled(rows, columns, pa.concat_arrays(texts)))

        yield write
