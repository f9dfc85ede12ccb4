"""Hidden cells: as many as asked for, only known ones, and missing for the reason that was named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyampute.ampute import MultivariateAmputation

from gain_impute.errors import ConfigError, TableError
from gain_impute.masking import Mechanism, apply_hidden, hide_cells

MECHANISMS = list(Mechanism)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Mixed tables with holes of every kind: NaN, None, NA, NaT and the empty text."""
    n_rows = draw(st.integers(2, 60))

    def cells(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(values, min_size=n_rows, max_size=n_rows))

    days = pd.to_datetime(pd.Series(cells(st.sampled_from(["2024-01-05", "2024-02-01", None]))))
    return pd.DataFrame(
        {
            "price": pd.Series(cells(st.floats(-1e6, 1e6) | st.just(np.nan)), dtype=float),
            "count": pd.Series(cells(st.integers(0, 9) | st.none()), dtype="Int64"),
            "brand": pd.Series(cells(st.sampled_from(["Acme", "Zeta", "", None])), dtype="str"),
            "mixed": pd.Series(cells(st.sampled_from([1, "one", True, None, ""])), dtype=object),
            "colour": pd.Series(cells(st.sampled_from(["red", "blue", None]))).astype("category"),
            "since": days,
            "ok": pd.Series(cells(st.booleans()), dtype=bool),
            "n": pd.Series([0, *range(1, n_rows)]),  # never constant: there is something to depend on
        }
    )


def known_cells(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(object).map(lambda cell: not (pd.isna(cell) or cell == "")).astype(bool)


@pytest.fixture
def goods() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n_rows = 6000
    supplier = rng.choice([f"supplier {i}" for i in range(12)], n_rows)
    table = pd.DataFrame({"weight": rng.normal(size=n_rows), "supplier": supplier})
    return table.assign(
        price=rng.lognormal(size=n_rows),
        colour=rng.choice(["red", "green", "blue", "black"], n_rows),
        length=rng.normal(size=n_rows),
        since=pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, n_rows), unit="D"),
    )


@settings(deadline=None, max_examples=60)
@given(table=tables(), rate=st.floats(0.01, 0.99), mechanism=st.sampled_from(MECHANISMS), seed=st.integers(0, 99))
def test_of_each_column_exactly_the_rate_is_hidden_and_never_an_empty_cell(table, rate, mechanism, seed):
    known = known_cells(table)
    assume(mechanism is not Mechanism.COPIED or not known.to_numpy().all())
    assume(mechanism is not Mechanism.MNAR_QUANTILE or rate < 0.5)
    hidden = hide_cells(table, rate, mechanism=mechanism, rng=seed)
    assert not (hidden & ~known).to_numpy().any()
    is_hidden = known.any() if mechanism is not Mechanism.COPIED else ~known.all()
    assert hidden.sum().tolist() == [round(rate * n) * h for n, h in zip(known.sum(), is_hidden, strict=True)]
    assert hidden.index.equals(table.index)
    assert list(hidden.columns) == list(table.columns)
    assert {str(dtype) for dtype in hidden.dtypes} == {"bool"}


@settings(deadline=None, max_examples=30)
@given(table=tables(), mechanism=st.sampled_from(MECHANISMS))
def test_the_same_seed_hides_the_same_cells(table, mechanism):
    table.loc[0, "price"] = np.nan
    first, second = (hide_cells(table, 0.4, mechanism=mechanism, rng=7) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


@settings(deadline=None, max_examples=30)
@given(table=tables(), seed=st.integers(0, 99))
def test_applying_hides_those_cells_and_keeps_all_others(table, seed):
    hidden = hide_cells(table, 0.3, rng=seed)
    visible = apply_hidden(table, hidden)
    assert visible.isna().to_numpy()[hidden.to_numpy()].all()
    for name in table:
        kept = ~hidden[name] & table[name].notna()
        assert visible.loc[kept, name].tolist() == table.loc[kept, name].tolist()


@pytest.mark.parametrize("mechanism", [m for m in MECHANISMS if m is not Mechanism.COPIED])
def test_two_uses_of_one_generator_are_independent(goods, mechanism):
    rng, rate = np.random.default_rng(3), 0.45 if mechanism is Mechanism.MNAR_QUANTILE else 0.5
    first, second = (hide_cells(goods, rate, mechanism=mechanism, rng=rng, columns=["length"]) for _ in range(2))
    both = (first["length"] & second["length"]).mean()
    assert 0.1 < both < 0.4  # nested ones would give the rate, disjoint ones 0


def test_different_columns_are_hidden_independently(goods):
    hidden = hide_cells(goods, 0.5, rng=0)
    correlation = hidden.astype(float).corr().to_numpy()
    assert np.abs(correlation - np.eye(len(correlation))).max() < 0.05


@pytest.mark.parametrize("mechanism", [Mechanism.MCAR, Mechanism.MNAR])
def test_a_column_keeps_its_cells_whichever_others_are_hidden(goods, mechanism):
    alone = hide_cells(goods, 0.2, mechanism=mechanism, rng=0, columns=["price"])
    among = hide_cells(goods, 0.2, mechanism=mechanism, rng=0)
    pd.testing.assert_series_equal(alone["price"], among["price"])
    assert not alone.drop(columns="price").to_numpy().any()


def test_by_chance_means_whatever_the_value(goods):
    hidden = hide_cells(goods, 0.3, rng=0)
    assert hidden["price"].astype(float).corr(goods["price"].rank()) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("name", ["price", "weight", "since"])
def test_mnar_hides_high_values_more_often(goods, name):
    hidden = hide_cells(goods, 0.3, mechanism="mnar", rng=0)[name]
    rank = goods[name].rank(pct=True)
    assert hidden[rank > 0.8].mean() > 3 * hidden[rank < 0.2].mean()


def test_mnar_hides_some_categories_more_often(goods):
    shares = hide_cells(goods, 0.3, mechanism="mnar", rng=0)["colour"].groupby(goods["colour"]).mean()
    assert shares.max() > 3 * shares.min()


def test_above_the_quantile_half_of_the_cells_are_hidden_and_below_it_none(goods):
    hidden = hide_cells(goods, 0.2, mechanism="mnar_quantile", rng=0)["price"]
    is_high = goods["price"].rank(pct=True) > 0.6
    assert hidden[is_high].mean() == pytest.approx(0.5, abs=0.001)
    assert not hidden[~is_high].any()


def test_copied_holes_come_together_as_the_real_ones_do(goods):
    """Half of the rows lack two columns together, a tenth a third one for itself."""
    rng = np.random.default_rng(1)
    together, alone = rng.random(len(goods)) < 0.5, rng.random(len(goods)) < 0.1
    goods.loc[together, ["weight", "price"]] = np.nan
    goods.loc[alone, "colour"] = None
    hidden = hide_cells(goods, 0.2, mechanism="copied", rng=0, columns=["weight", "price", "colour", "length"])
    assert (hidden["weight"] == hidden["price"]).all()
    assert hidden["colour"].corr(hidden["weight"]) == pytest.approx(0, abs=0.1)
    assert not hidden["length"].any()


def test_without_holes_there_is_nothing_to_copy(goods):
    with pytest.raises(ConfigError, match="must have holes to copy"):
        hide_cells(goods, 0.2, mechanism="copied", rng=0)


@pytest.mark.parametrize(("mechanism", "driver"), [("mar", "a"), ("mnar", "b")])
def test_values_shift_as_an_independent_generator_shifts_them(mechanism, driver):
    """Where the driver is high more is hidden, here as by the amputation of Schouten et al."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=20_000)
    table = pd.DataFrame({"a": a, "b": 0.5 * a + rng.normal(size=20_000)})
    pattern = {"incomplete_vars": [1], "mechanism": mechanism.upper(), "score_to_probability_func": "sigmoid-right"}
    np.random.seed(0)  # noqa: NPY002 - the other generator draws from the global one
    other = MultivariateAmputation(prop=0.3, patterns=[pattern]).fit_transform(table)["b"].isna()
    signs = []
    for seed in range(8):  # in which direction the driver works is drawn
        ours = hide_cells(table, 0.3, mechanism=mechanism, rng=seed, columns=["b"], by="a" if driver == "a" else None)
        shift = table.loc[ours["b"], driver].mean() - table.loc[~ours["b"], driver].mean()
        expected = table.loc[other, driver].mean() - table.loc[~other, driver].mean()
        assert abs(shift) == pytest.approx(abs(expected), rel=0.6)
        signs.append(np.sign(shift))
    assert set(signs) == ({-1, 1} if mechanism == "mar" else {1})


def test_mnar_knows_numbers_written_as_text(goods):
    as_text = goods.assign(price=goods["price"].map("{:.6f}".format))
    rank = goods["price"].rank(pct=True)
    hidden = hide_cells(as_text, 0.3, mechanism="mnar", rng=0)["price"]
    assert hidden[rank > 0.8].mean() > 3 * hidden[rank < 0.2].mean()


def test_mar_depends_on_the_driver_and_hides_the_driver_by_chance(goods):
    hidden = hide_cells(goods, 0.3, mechanism="mar", rng=0, by="price")
    rank = goods["price"].rank()
    assert hidden.attrs["by"] == ["price"]
    assert abs(hidden["price"].astype(float).corr(rank)) < 0.05
    visible = ~hidden["price"]
    for name in ("weight", "length", "colour", "supplier"):
        assert abs(hidden.loc[visible, name].astype(float).corr(rank[visible])) > 0.3


def test_mar_depends_only_on_what_is_still_visible(goods):
    hidden = hide_cells(goods, 0.3, mechanism="mar", rng=0, by="price")
    unseen = hidden["price"]
    assert abs(hidden.loc[unseen, "length"].astype(float).corr(goods.loc[unseen, "price"].rank())) < 0.08


def test_mar_takes_the_fullest_column_that_varies_unless_one_is_named(goods):
    goods = goods.assign(constant=1, title=[f"article {i}" for i in range(len(goods))])[["constant", "title", "colour"]]
    assert hide_cells(goods, 0.2, mechanism="mar", rng=0).attrs["by"] == ["colour"]


def test_blocks_hide_columns_together_for_whole_groups(goods):
    goods = goods[["supplier", "weight", "price", "length"]]
    hidden = hide_cells(goods, 0.25, mechanism="block", rng=0, by="supplier")
    assert hidden["weight"].equals(hidden["price"])
    assert hidden["weight"].equals(hidden["length"])
    shares = hidden["weight"].groupby(goods["supplier"]).mean()
    assert ((shares > 0) & (shares < 1)).sum() <= 1  # the last group in part
    assert hidden["supplier"].groupby(goods["supplier"]).mean().between(0.1, 0.4).all()


def test_blocks_find_the_groups_themselves(goods):
    assert hide_cells(goods, 0.25, mechanism="block", rng=0).attrs["by"] == ["supplier"]
    assert hide_cells(goods[["price", "weight"]], 0.25, mechanism="block", rng=0).attrs["by"] == []


def test_only_cells_that_may_be_hidden_are():
    table = pd.DataFrame({"a": ["x", "?", "y", "?"] * 10})
    hidden = hide_cells(table, 0.9, rng=0, observed=table != "?")
    assert hidden["a"].sum() == 18
    assert not hidden["a"][table["a"] == "?"].any()


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (pd.Series([1, 2, 3]), "float64"),
        (pd.Series([1, 2, 3], dtype="Int64"), "Int64"),
        (pd.Series([1, 2, 3], dtype="uint8"), "float64"),
        (pd.Series([1.0, 2.0, 3.0], dtype="float32"), "float32"),
        (pd.Series([True, False, True]), "object"),
        (pd.Series([True, False, True], dtype="boolean"), "boolean"),
        (pd.Series(["a", "b", "a"], dtype="category"), "category"),
        (pd.Series(["a", "b", "a"], dtype="str"), "str"),
        (pd.Series(pd.to_datetime(["2024-01-01"] * 3)), "datetime64[us]"),
        (pd.Series([1, "a", None], dtype=object), "object"),
    ],
)
def test_a_dtype_without_holes_becomes_one_that_has_them(cells, dtype):
    table = pd.DataFrame({"x": cells.array, "y": [1, 2, 3]}, index=[5, 5, 7])
    visible = apply_hidden(table, pd.DataFrame({"x": [True, False, False]}))
    if "datetime" not in dtype:
        assert visible["x"].dtype == dtype
    assert visible["x"].isna().tolist() == [True, False, cells.isna()[2]]
    assert visible["x"].iloc[1] == cells[1]
    assert visible["y"].dtype == "int64"
    assert visible.index.tolist() == [5, 5, 7]
    assert table["x"].equals(pd.Series(cells.array, index=table.index))  # what came in is not changed


def test_of_cells_of_one_value_chance_says_which_are_above_the_quantile():
    table = pd.DataFrame({"stock": [0] * 300 + [5] * 700})  # the highest 400 are all of one value
    hidden = hide_cells(table, 0.2, mechanism="mnar_quantile", rng=0)["stock"]
    assert hidden.sum() == 200
    assert not hidden[:300].any()
    assert hidden[300:].mean() == pytest.approx(2 / 7)
    low = pd.DataFrame({"stock": [0] * 700 + [5] * 300})  # and of the lower ones 100 are above
    hidden = hide_cells(low, 0.2, mechanism="mnar_quantile", rng=0)["stock"]
    assert hidden[700:].sum() == pytest.approx(150, abs=15)
    assert 0 < hidden[:700].sum() <= 100


@pytest.mark.parametrize("rate", [0.5, 0.9])
def test_no_more_than_half_can_be_hidden_where_half_of_the_upper_cells_are(rate):
    with pytest.raises(ConfigError, match=rf"'mnar_quantile' the rate must be below 0.5.*Got {rate}. Use 'mnar'"):
        hide_cells(pd.DataFrame({"a": [1.0, 2.0]}), rate, mechanism="mnar_quantile", rng=0)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 1.5, "0.2", None])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(ConfigError, match=r"'rate' of hide_cells must be a float in the range \(0.0, 1.0\). Got"):
        hide_cells(pd.DataFrame({"a": [1.0]}), rate, rng=0)


def test_an_unknown_mechanism_is_refused():
    with pytest.raises(
        ConfigError,
        match=r"must be one of mcar, mar, mnar, mnar_quantile, block, copied\. Got 'random' instead",
    ):
        hide_cells(pd.DataFrame({"a": [1.0]}), 0.2, mechanism="random", rng=0)


@pytest.mark.parametrize("parameter", ["columns", "by"])
def test_an_unknown_column_is_refused(parameter):
    with pytest.raises(ConfigError, match=f"The '{parameter}' must be columns of the table. Got 'b' instead"):
        hide_cells(pd.DataFrame({"a": [1.0]}), 0.2, rng=0, **{parameter: ["b"]})


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(TableError, match=r"The names of columns must differ\. 'a' stand there twice"):
        hide_cells(pd.DataFrame([[1, 2]], columns=["a", "a"]), 0.2, rng=0)


def test_a_table_without_anything_to_depend_on_is_refused():
    with pytest.raises(
        ConfigError, match=r"'mar' must have a column to depend on, with two values or more\. Found none"
    ):
        hide_cells(pd.DataFrame({"a": [1.0, 1.0]}), 0.5, mechanism="mar", rng=0)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(TableError, match=r"'observed' must have the shape of the table, \(2, 1\). Got \(3,\) instead"):
        hide_cells(pd.DataFrame({"a": [1.0, 2.0]}), 0.5, rng=0, observed=[True, True, False])


def test_hidden_cells_of_another_table_are_refused():
    table = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(TableError, match=r"a row for each of the 2 rows of the table\. It has 1"):
        apply_hidden(table, pd.DataFrame({"a": [True]}))
    with pytest.raises(TableError, match=r"columns of the table only\. Got 'b' as well"):
        apply_hidden(table, pd.DataFrame({"b": [True, False]}))


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int8", "bool"])
def test_what_stays_visible_beside_hidden_cells_is_what_it_was(dtype):
    first = 2**60 + 1 if dtype.endswith("64") else 0
    table = pd.DataFrame({"n": np.arange(first, first + 20).astype(dtype)})
    hidden = pd.DataFrame({"n": np.arange(20) % 5 == 0})
    visible = apply_hidden(table, hidden)["n"]
    assert visible.isna().tolist() == hidden["n"].tolist()
    assert [int(n) for n in visible.dropna()] == [int(n) for n in table["n"][~hidden["n"]]]
