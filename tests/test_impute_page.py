"""The page on what was filled: it says what the summary says, and stands alone."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from gain_impute.batch import FileImputation, impute_file
from gain_impute.files import open_table, read_table
from gain_impute.reporting.impute_page import impute_page
from tests.strategies import quick_imputer, shop_table

pytestmark = pytest.mark.filterwarnings("ignore:Empty cells of these columns", "ignore:Some known cells")


@pytest.fixture(scope="module")
def page_and_done(tmp_path_factory) -> tuple[str, FileImputation]:
    folder = tmp_path_factory.mktemp("page")
    frame = shop_table(120).rename(columns={"brand": "b"})
    frame.insert(0, "<b>whole</b>", ["x & y", "z"] * 60)
    frame["price"] = frame["price"].astype("str").mask(frame["price"].isna())
    frame.loc[[3, 5], "price"] = "n.v."
    frame.to_csv(folder / "dump.csv", index=False)
    imputer = quick_imputer().fit(read_table(open_table(folder / "dump.csv"))[0])
    done = impute_file(imputer, open_table(folder / "dump.csv"), folder / "out.csv")
    return impute_page(imputer, done, source="<dump>.csv", output="out.csv", elapsed_s=2.0), done


def test_the_page_says_what_became_of_each_column(page_and_done):
    page, done = page_and_done
    n_filled, n_empty = done.columns["imputed"].sum(), done.columns["empty"].sum()
    assert f"{n_filled:,} of {n_empty:,} empty cells filled" in page
    for name, counts in done.columns.iterrows():
        row = page.partition(f"<td>{name}<small>")[2].partition("</tr>")[0]
        assert f'data-is="empty">{counts["empty"]:,} ' in row
        assert f'data-is="filled">{counts["imputed"]:,}<' in row
        if counts["imputed"]:
            assert f">{counts['confidence']:.2f}<" in row
            assert row.count("<rect") == 10
        else:
            assert "unfillable (text is not filled)" in row
    assert "<li>2 cells of <b>price</b> cannot be read as numeric; they stay as they are.</li>" in page
    assert ">60<" in page  # rows a second


def test_names_are_text_and_not_html(page_and_done):
    page, _ = page_and_done
    assert "&lt;b&gt;whole&lt;/b&gt;" in page
    assert "<b>whole" not in page
    assert "<dump>" not in page


def test_the_page_needs_nothing_but_itself(page_and_done):
    page, _ = page_and_done
    assert re.findall(r"(?:src|href)=|url\(|@import|https?://", page) == []


def test_a_table_without_holes_has_a_page_too(tmp_path):
    frame = pd.DataFrame({"kind": ["cup", "pot"] * 20, "price": [1.5, 2.5] * 20})
    frame.to_csv(tmp_path / "dump.csv", index=False)
    imputer = quick_imputer().fit(read_table(open_table(tmp_path / "dump.csv"))[0])
    done = impute_file(imputer, open_table(tmp_path / "dump.csv"), tmp_path / "out.csv")
    page = impute_page(imputer, done, source="dump.csv", output="out.csv", elapsed_s=1.0)
    assert "0 of 0 empty cells filled" in page
    assert "kind, price" in page
