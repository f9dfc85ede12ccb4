"""The sample catalogue is what its script makes, has honest holes, and rewards who looks at other columns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from make_catalogue import make_catalogue, write_catalogue
from sample_shop import BRANDS, SUBCATEGORIES

EXAMPLES = Path(__file__).parents[1] / "examples"
VISIBLE_FILE = EXAMPLES / "data" / "catalogue.csv"
TRUTH_FILE = EXAMPLES / "data" / "catalogue_truth.csv"
ALWAYS_THERE = ["gtin", "title"]


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"gtin": str}, keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def visible() -> pd.DataFrame:
    return read(VISIBLE_FILE)


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return read(TRUTH_FILE)


@pytest.fixture(scope="module")
def hidden(visible: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    return visible.isna() & truth.notna()


def test_the_committed_files_are_what_the_script_makes(tmp_path):
    made, made_truth = tmp_path / "catalogue.csv", tmp_path / "truth.csv"
    command = [sys.executable, EXAMPLES / "make_catalogue.py", "-o", made, "--truth", made_truth]
    subprocess.run(command, check=True, timeout=60)
    assert made.read_bytes() == VISIBLE_FILE.read_bytes()
    assert made_truth.read_bytes() == TRUTH_FILE.read_bytes()


def test_the_committed_files_are_small():
    assert VISIBLE_FILE.stat().st_size < 700_000
    assert TRUTH_FILE.stat().st_size < 1_000_000


def test_the_same_seed_makes_the_same_catalogue_and_another_seed_another():
    visible, truth = make_catalogue(n_rows=400, seed=5)
    again, truth_again = make_catalogue(n_rows=400, seed=5)
    other, _ = make_catalogue(n_rows=400, seed=6)
    pd.testing.assert_frame_equal(visible, again)
    pd.testing.assert_frame_equal(truth, truth_again)
    assert not visible.equals(other)


@pytest.mark.parametrize("n_rows", [1, 2, 7, 1000])
def test_every_size_has_as_many_rows_as_asked_for_and_columns_of_the_same_kinds(n_rows, visible):
    for table in make_catalogue(n_rows=n_rows, seed=1):
        assert len(table) == n_rows
        assert list(table.columns) == list(visible.columns)
        numbers = table.select_dtypes("number").columns
        assert list(numbers) == list(visible.select_dtypes("number").columns)


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match=r"number of rows must be at least 1\. Got 0 instead"):
        make_catalogue(n_rows=0, seed=0)


def test_what_is_written_reads_back_as_what_was_made(tmp_path):
    for table in make_catalogue(n_rows=500, seed=2):
        write_catalogue(table, tmp_path / "table.csv")
        pd.testing.assert_frame_equal(read(tmp_path / "table.csv"), table, check_dtype=False)


def test_where_the_catalogue_says_something_the_truth_says_the_same(visible, truth):
    known = visible.notna()
    assert list(visible.columns) == list(truth.columns)
    assert (visible.eq(truth) | ~known).to_numpy().all()
    assert truth.notna().to_numpy()[known.to_numpy()].all()


def test_between_a_tenth_and_a_fifth_of_the_fillable_cells_are_missing(hidden, truth):
    fillable = truth.notna().drop(columns=ALWAYS_THERE)
    share = hidden.to_numpy().sum() / fillable.to_numpy().sum()
    assert 0.1 < share < 0.2
    assert not hidden[ALWAYS_THERE].to_numpy().any()
    assert hidden.drop(columns=ALWAYS_THERE).any().all()


def test_an_attribute_exists_exactly_where_its_subcategory_has_it(truth):
    by_name = {entry.name: entry for entry in SUBCATEGORIES}
    entries = truth["subcategory"].map(by_name)
    exists = {
        "heel_height_cm": truth["category"] == "Shoes",
        "dishwasher_safe": truth["category"] == "Kitchen",
        "capacity_l": entries.map(lambda entry: entry.capacity_l > 0),
        "wattage": entries.map(lambda entry: entry.wattage > 0),
    }
    for column in truth.columns:
        there = truth[column].notna()
        assert (there == exists[column]).all() if column in exists else there.all()


def test_each_article_number_is_unique_has_a_valid_check_digit_and_many_begin_with_zero(truth):
    numbers = truth["gtin"]
    assert numbers.is_unique
    assert numbers.str.fullmatch(r"\d{13}").all()
    for number in numbers:
        assert sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(number)) % 10 == 0
    assert 0.5 < numbers.str.startswith("0").mean() < 0.95


def test_article_numbers_are_of_the_range_kept_for_use_inside_a_shop(truth):
    assert truth["gtin"].str.fullmatch(r"(02|04|2)\d+").all()


def test_holes_depend_on_the_supplier(hidden, truth):
    by_supplier = hidden.groupby(truth["supplier"]).mean()
    assert by_supplier.loc["Velbrook Trading", "weight"] == 1.0
    assert by_supplier["weight"].drop("Velbrook Trading").max() < 0.15


def test_a_supplier_leaves_out_the_brand_where_its_title_names_it():
    visible, truth = make_catalogue(n_rows=20_000, seed=1)
    rows = (truth["supplier"] == "Mosswick Direct").to_numpy()
    named = [brand in title for brand, title in zip(truth["brand"][rows], truth["title"][rows], strict=True)]
    share_missing = visible["brand"][rows].isna().groupby(named).mean()
    assert share_missing[True] > 3 * share_missing[False]


def test_holes_depend_on_the_value_itself(hidden, truth):
    dear = truth["price"] > 200
    assert hidden["price"][dear].mean() > 4 * hidden["price"][~dear].mean()


def test_titles_name_some_attributes_and_not_others(truth):
    def named(column: str) -> float:
        pairs = zip(truth[column].str.lower(), truth["title"].str.lower(), strict=True)
        return sum(value in title for value, title in pairs) / len(truth)

    for column in ("brand", "colour", "material", "size"):
        assert 0.2 < named(column) < 0.9


@pytest.mark.parametrize(
    ("column", "gain"),
    [("brand", 0.2), ("category", 0.4), ("colour", 0.05), ("material", 0.25), ("size", 0.1), ("dishwasher_safe", 0.05)],
)
def test_the_commonest_value_of_a_subcategory_beats_the_commonest_of_all(column, gain, visible, truth, hidden):
    commonest = visible[column].mode()[0]
    by_subcategory = visible.dropna(subset=[column]).groupby("subcategory")[column].agg(lambda cells: cells.mode()[0])
    guess = visible["subcategory"].map(by_subcategory).fillna(commonest)
    rows = hidden[column]
    right = truth[column][rows]
    assert (guess[rows] == right).mean() > (commonest == right).mean() + gain


@pytest.mark.parametrize("column", ["price", "length_cm", "capacity_l", "heel_height_cm", "wattage", "rating"])
def test_the_mean_of_a_subcategory_beats_the_mean_of_all(column, visible, truth, hidden):
    mean = visible[column].mean()
    guess = visible["subcategory"].map(visible.groupby("subcategory")[column].mean()).fillna(mean)
    rows = hidden[column]
    right = truth[column][rows]
    assert ((guess[rows] - right) ** 2).mean() < 0.85 * ((mean - right) ** 2).mean()


def test_dear_brands_ask_for_more_within_a_subcategory_and_are_rated_better(truth):
    level = truth["brand"].map({brand.name: brand.level for brand in BRANDS})
    relative_price = truth["price"] / truth.groupby("subcategory")["price"].transform("median")
    assert relative_price.corr(level, method="spearman") > 0.5
    assert truth["rating"].corr(level, method="spearman") > 0.4


def test_launch_dates_are_iso_dates_that_come_in_the_seasons_of_a_brand(truth):
    assert truth["launch_date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    days = pd.to_datetime(truth["launch_date"], format="%Y-%m-%d")
    assert days.dt.month.isin([3, 4, 9, 10]).all()
    assert days.groupby(truth["brand"]).nunique().max() < days.nunique() / 3


def test_prices_end_as_prices_do(truth):
    cents = (truth["price"] * 100).round().astype(int) % 100
    assert set(cents) == {0, 49, 50, 95, 99}
