"""A schema with comments says the same as one without, and what was seen."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.schema import annotated_toml, infer_schema, schema_from_toml
from tests.strategies import shop_table, tables


@settings(deadline=None, max_examples=60)
@given(table=tables(min_rows=0))
def test_comments_change_nothing(table):
    schema = infer_schema(table)
    assert schema_from_toml(annotated_toml(schema, table)) == schema


@settings(deadline=None, max_examples=60)
@given(texts=st.lists(st.text(), min_size=1, max_size=5), name=st.text(st.characters(codec="utf-8")))
def test_no_text_breaks_out_of_a_comment(texts, name):
    table = pd.DataFrame({name: texts})
    schema = infer_schema(table)
    try:
        annotated_toml(schema, table).encode()
    except UnicodeEncodeError:
        raise AssertionError(texts) from None
    assert schema_from_toml(annotated_toml(schema, table)) == schema


def test_each_column_is_shown_with_what_it_holds():
    text = annotated_toml(infer_schema(shop_table()), shop_table())
    assert (
        '[columns.kind]\n# 5 of 80 cells empty; 4 different: "pan" (24), "lid" (19), "pot" (16), "cup" (16)\n' in text
    )
    assert " to " in text.partition("[columns.weight]")[2].partition("[columns.price]")[0]
    assert text.startswith("# What each column is and may contain.")


def test_what_cannot_be_read_is_counted():
    table = pd.DataFrame({"price": ["1.5", "2.5", "3.5"] * 20 + ["n.v."]})
    text = annotated_toml(infer_schema(table), table)
    assert "# no cell of 61 empty; 1.5 to 3.5; 1 cannot be read as numeric" in text
