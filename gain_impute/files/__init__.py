"""Tables in files: records of CSV and Parquet in and out, with the bytes of what was there kept."""

from __future__ import annotations

from gain_impute.files.delimited import DelimitedReader, check_delimiter
from gain_impute.files.filling import Filling, Fillings
from gain_impute.files.formats import check_format, frame_writer
from gain_impute.files.output import STANDARD_OUTPUT, check_output, check_output_folder, hidden_beside, open_output
from gain_impute.files.piped import STANDARD_INPUT, as_file
from gain_impute.files.tables import TableFile, extra_columns, open_table, read_table, select_columns

__all__ = [
    "STANDARD_INPUT",
    "STANDARD_OUTPUT",
    "DelimitedReader",
    "Filling",
    "Fillings",
    "TableFile",
    "as_file",
    "check_delimiter",
    "check_format",
    "check_output",
    "check_output_folder",
    "extra_columns",
    "frame_writer",
    "hidden_beside",
    "open_output",
    "open_table",
    "read_table",
    "select_columns",
]
