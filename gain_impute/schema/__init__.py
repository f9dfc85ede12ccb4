"""What each column of a table is and may contain: inferred, written as a file a person can correct, and enforced."""

from __future__ import annotations

from gain_impute.schema.annotated import annotated_toml
from gain_impute.schema.broken_rules import broken_rules
from gain_impute.schema.infer import infer_schema
from gain_impute.schema.kinds import Kind
from gain_impute.schema.likely_conditions import likely_conditions
from gain_impute.schema.markers import likely_markers
from gain_impute.schema.rules import ColumnSchema, ParsedColumn
from gain_impute.schema.schema import Schema
from gain_impute.schema.toml import read_schema, schema_from_toml, schema_to_toml

__all__ = [
    "ColumnSchema",
    "Kind",
    "ParsedColumn",
    "Schema",
    "annotated_toml",
    "broken_rules",
    "infer_schema",
    "likely_conditions",
    "likely_markers",
    "read_schema",
    "schema_from_toml",
    "schema_to_toml",
]
