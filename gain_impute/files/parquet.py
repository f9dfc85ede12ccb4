"""Parquet files: read as typed tables, and written with nothing but the filled cells changed.

Types, order of columns, metadata, row groups and compression stay those of the file that came in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gain_impute.errors import FileError
from gain_impute.files.output import PathLike

__all__ = ["ParquetTable"]

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


class ParquetTable:
    """A table in a Parquet file.

    Parameters
    ----------
    path : str or path
        The file.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Its columns, typed; an index that pandas stored is the index. Columns of lists, structs and bytes are left out,
        and are in what `write` writes.

    Raises
    ------
    FileError
        If the file cannot be read, or two columns have the same name.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        try:
            with self.path.open("rb") as stream, pq.ParquetFile(stream) as file:
                self._metadata = file.metadata
                self._table = file.read()
        except pa.ArrowException as error:
            raise self._broken(error) from error
        except OSError as error:  # pages that cannot be decompressed, too
            if error.errno is None:
                raise self._broken(error) from error
            msg = f"{str(path)!r} cannot be read: {error.strerror}. Check its name and permissions."
            raise FileError(msg) from error
        names = self._table.column_names
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            msg = f"The columns of {str(path)!r} must have names that differ. {twice!r} stands there twice. Rename one."
            raise FileError(msg)
        self.frame = self._to_frame()

    def write(self, stream: BinaryIO, filled: pd.DataFrame, cells: pd.DataFrame) -> None:
        """Write the file with its filled cells.

        Parameters
        ----------
        stream : binary file
            Where to.
        filled : DataFrame of shape (n_rows, n_filled_columns)
            A table with the same rows, of which the filled cells are taken.
        cells : DataFrame
            The filled cells: their `position` and `column`.

        Raises
        ------
        FileError
            If a filled value is none that its column can hold.
        """
        rows = {str(name): part.to_numpy() for name, part in cells.groupby("column")["position"]}
        with pq.ParquetWriter(stream, self._table.schema, compression=self._compression()) as writer:
            start = 0
            for number in range(self._metadata.num_row_groups):
                n_rows = self._metadata.row_group(number).num_rows
                group = self._table.slice(start, n_rows)
                for name, positions in rows.items():
                    inside = np.sort(positions[(positions >= start) & (positions < start + n_rows)])
                    if len(inside):
                        group = self._with_values(group, name, inside - start, filled[name].iloc[inside])
                writer.write_table(group, row_group_size=max(n_rows, 1))
                start += n_rows

    def _to_frame(self) -> pd.DataFrame:
        """The columns that hold single values, as pandas types that keep them as they are."""
        stored = (self._table.schema.pandas_metadata or {}).get("index_columns", ())  # a dict stands for a range
        names = [field.name for field in self._table.schema if not _is_compound(field.type)]
        index = [name for name in names if name in stored]
        frame: pd.DataFrame = self._table.select(names).to_pandas(types_mapper=_PANDAS_TYPES.get, ignore_metadata=True)
        return frame.set_index(index) if index else frame

    def _with_values(self, group: pa.Table, name: str, rows: np.ndarray, values: pd.Series) -> pa.Table:
        """The rows with the values of one column put in."""
        number = group.column_names.index(name)
        field = group.schema.field(number)
        is_coded = pa.types.is_dictionary(field.type)
        kind = field.type.value_type if is_coded else field.type
        column = group.column(number).cast(kind).combine_chunks()
        is_filled = np.zeros(group.num_rows, dtype=bool)
        is_filled[rows] = True
        try:
            replacements = pa.array(values.astype(object), type=kind, from_pandas=True)
            column = pc.replace_with_mask(column, pa.array(is_filled), replacements)
            return group.set_column(number, field, column.dictionary_encode().cast(field.type) if is_coded else column)
        except pa.ArrowException as error:
            msg = f"The filled cells of {name!r} must be of its type, {field.type}. Got {values.iloc[0]!r} ({error})."
            raise FileError(f"{msg} Correct its kind in the schema.") from error

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


def _is_compound(kind: Any) -> bool:
    """Whether cells of an Arrow type are not single values that a person reads."""
    types = pa.types
    return bool(
        types.is_nested(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
    )
