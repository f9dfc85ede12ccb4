"""Tables in files: records of CSV and Parquet in and out, with the bytes of what was there kept."""

from __future__ import annotations

from gain_impute.files.delimited import DelimitedReader, check_delimiter
from gain_impute.files.output import STANDARD_OUTPUT, check_output, check_output_folder, open_output
from gain_impute.files.tables import TableFile, check_format, read_table, select_columns, write_frame

__all__ = [
    "STANDARD_OUTPUT",
    "DelimitedReader",
    "TableFile",
    "check_delimiter",
    "check_format",
    "check_output",
    "check_output_folder",
    "open_output",
    "read_table",
    "select_columns",
    "write_frame",
]
