"""Parquet files: read as typed tables, and written with nothing but the filled cells changed.

Types, order of columns, metadata, row groups and compression stay those of the file that came in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gain_impute.errors import FileError
from gain_impute.files.filling import Filling, Fillings, index_of
from gain_impute.files.output import PathLike

__all__ = ["ROWS_A_PART", "ParquetPart", "ParquetTable"]

ROWS_A_PART = 1 << 16
"""Rows of a row group that are filled at a time; a row group itself is in memory as a whole."""

# Integers and booleans keep their type beside missing cells.
_PANDAS_TYPES = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


@dataclass(frozen=True)
class ParquetPart:
    """Some rows of a row group.

    Attributes
    ----------
    table : pyarrow.Table
        All columns.
    first_row : int
        Position of the first row in the file.
    is_last : bool
        Whether the row group ends here.
    """

    table: pa.Table
    first_row: int
    is_last: bool

    @property
    def n_rows(self) -> int:
        """Number of rows.

        Returns
        -------
        int
            The number.
        """
        return int(self.table.num_rows)

    def frame(self) -> pd.DataFrame:
        """The columns that hold single values, as pandas types that keep them as they are.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            An index that pandas stored is the index; else it is the position in the file.
        """
        stored = (self.table.schema.pandas_metadata or {}).get("index_columns", ())  # a dict stands for a range
        names = [field.name for field in self.table.schema if not _is_compound(field.type)]
        index = [name for name in names if name in stored]
        frame: pd.DataFrame = self.table.select(names).to_pandas(types_mapper=_PANDAS_TYPES.get, ignore_metadata=True)
        return frame.set_index(index) if index else frame.set_axis(index_of(self.first_row, self.n_rows))


class ParquetTable:
    """A table in a Parquet file, read row group by row group.

    Parameters
    ----------
    path : str or path
        The file.

    Attributes
    ----------
    names : list of str
        Its columns. Those of lists, structs and bytes, and an index that pandas stored, are left out; they are in what
        is written.
    notes : tuple of str
        Nothing to know.

    Raises
    ------
    FileError
        If the file cannot be read, or two columns have the same name.
    """

    is_typed = True
    notes: tuple[str, ...] = ()

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        with self._opened() as file:
            self._metadata, self._schema = file.metadata, file.schema_arrow
        names = self._schema.names
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            msg = f"The columns of {str(path)!r} must have names that differ. {twice!r} stands there twice. Rename one."
            raise FileError(msg)
        self.names: list[str] = [str(name) for name in ParquetPart(self._schema.empty_table(), 0, is_last=True).frame()]

    def parts(self) -> Iterator[ParquetPart]:
        """Read the rows, some at a time.

        Yields
        ------
        ParquetPart
            At least one, of no rows where the file has none.

        Raises
        ------
        FileError
            If the file is damaged.
        """
        if self._metadata.num_rows == 0:
            yield ParquetPart(self._schema.empty_table(), 0, is_last=True)
            return
        with self._opened() as file:
            first_row = 0
            for number in range(self._metadata.num_row_groups):
                group = file.read_row_group(number)
                for start in range(0, max(group.num_rows, 1), ROWS_A_PART):
                    part = group.slice(start, ROWS_A_PART)
                    yield ParquetPart(part, first_row + start, is_last=start + ROWS_A_PART >= group.num_rows)
                first_row += group.num_rows

    @contextmanager
    def writer(self, stream: BinaryIO) -> Iterator[Callable[[ParquetPart, Fillings], None]]:
        """Write the parts with some of their cells filled.

        Parameters
        ----------
        stream : binary file
            Where to.

        Yields
        ------
        callable
            Takes a part and its fillings; the parts come in their order. It raises FileError if a filled value is none
            that its column can hold.
        """
        with pq.ParquetWriter(stream, self._schema, compression=self._compression()) as writer:
            waiting: list[pa.Table] = []  # of the row group that is not yet whole

            def write(part: ParquetPart, fillings: Fillings) -> None:
                table = part.table
                for name, filling in fillings.items():
                    if len(filling.rows):
                        table = _with_values(table, name, filling)
                waiting.append(table)
                if part.is_last:
                    group = pa.concat_tables(waiting)
                    waiting.clear()
                    writer.write_table(group, row_group_size=max(group.num_rows, 1))

            yield write

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        """The file, open; errors say what is wrong with it."""
        try:
            with self.path.open("rb") as stream, pq.ParquetFile(stream) as file:
                yield file
        except pa.ArrowException as error:
            raise self._broken(error) from error
        except OSError as error:  # pages that cannot be decompressed, too
            if error.errno is None:
                raise self._broken(error) from error
            msg = f"{str(self.path)!r} cannot be read: {error.strerror}. Check its name and permissions."
            raise FileError(msg) from error

    def _compression(self) -> dict[str, str] | str:
        """The codec of each column, as the first row group has it."""
        if self._metadata.num_row_groups == 0:
            return "snappy"
        group = self._metadata.row_group(0)
        columns = [group.column(number) for number in range(self._metadata.num_columns)]
        return {column.path_in_schema: column.compression.replace("UNCOMPRESSED", "NONE") for column in columns}

    def _broken(self, error: Exception) -> FileError:
        """The error of a file that is cut off, damaged, or no Parquet at all."""
        reason = str(error).splitlines()[0].rstrip(".")
        return FileError(f"{str(self.path)!r} must be a whole Parquet file. Got: {reason}. Copy or export it again.")


def _with_values(table: pa.Table, name: str, filling: Filling) -> pa.Table:
    """The rows with the values of one column put in."""
    number = table.column_names.index(name)
    field = table.schema.field(number)
    is_coded = pa.types.is_dictionary(field.type)
    is_view = pa.types.is_string_view(field.type)  # of which Arrow replaces no cells
    kind = pa.large_string() if is_view else field.type.value_type if is_coded else field.type
    column = table.column(number).cast(kind).combine_chunks()
    is_filled = np.zeros(table.num_rows, dtype=bool)
    is_filled[filling.rows] = True
    values = pd.Series(filling.values).iloc[np.argsort(filling.rows, kind="stable")]
    try:
        replacements = pa.array(values.astype(object), type=kind, from_pandas=True)
        column = pc.replace_with_mask(column, pa.array(is_filled), replacements)
        column = column.dictionary_encode() if is_coded else column
        return table.set_column(number, field, column.cast(field.type))
    except pa.ArrowException as error:
        msg = f"The filled cells of {name!r} must be of its type, {field.type}. Got {values.iloc[0]!r} ({error})."
        raise FileError(f"{msg} Correct its kind in the schema.") from error


def _is_compound(kind: Any) -> bool:
    """Whether cells of an Arrow type are not single values that a person reads."""
    types = pa.types
    return bool(
        types.is_nested(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
    )
