"""Columns to arrays and back: what was seen comes back, what is put in is within what was seen."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gain_impute.encoding.categorical import MAX_CATEGORIES, CategoricalEncoder
from gain_impute.encoding.datetime import fit_datetime_encoder
from gain_impute.encoding.numeric import NumericEncoder
from gain_impute.encoding.table import TableEncoder
from gain_impute.encoding.text import MAX_NGRAMS, TextEncoder, hash_texts
from gain_impute.schema import infer_schema
from gain_impute.schema.reading import DistinctCells
from tests.strategies import shop_table, tables, texts

LAW = settings(deadline=None, max_examples=60)
finite = st.floats(allow_nan=False, allow_infinity=False)
usual = st.floats(-1e6, 1e6)


def arrays(cells: st.SearchStrategy[float], min_size: int = 1) -> st.SearchStrategy[np.ndarray]:
    return st.lists(cells, min_size=min_size, max_size=40).map(lambda cells: np.array(cells, dtype=float))


def numeric(values: np.ndarray, **rules) -> NumericEncoder:
    return NumericEncoder.fit("n", values, **{"n_bins": 8, **rules})


# ------------------------------------------------------------------------------------------------ numbers


@LAW
@given(values=arrays(usual))
def test_numbers_come_back_from_their_scores_up_to_float32(values):
    encoder = numeric(values)
    back = encoder.decode(encoder.encode(values), round_to_grid=False)
    np.testing.assert_allclose(back, values, rtol=0, atol=1e-5 * max(encoder.std, np.ptp(values)))


@LAW
@given(values=arrays(st.integers(-(10**6), 10**6)), decimals=st.integers(0, 3))
def test_numbers_on_a_grid_come_back_exactly(values, decimals):
    values = np.round(values / 10**decimals, decimals)
    encoder = numeric(values, grid=10.0**-decimals)
    back = encoder.decode(encoder.encode(values), round_to_grid=True)
    step = 10.0**-decimals
    if encoder.std * 40 < 1e6 * step:  # as many steps as float32 tells apart
        np.testing.assert_array_equal(back, values)
    np.testing.assert_array_equal(np.round(back, decimals), back)


@LAW
@given(values=arrays(finite), scores=arrays(st.floats(-1e4, 1e4)))
def test_whatever_the_score_its_number_lies_within_what_was_seen(values, scores):
    encoder = numeric(values)
    decoded = encoder.decode(scores.astype(np.float32), round_to_grid=False)
    assert values.min() <= decoded.min()
    assert decoded.max() <= values.max()


@LAW
@given(
    values=arrays(usual),
    scores=arrays(st.floats(-1e4, 1e4)),
    grid=st.sampled_from([1.0, 0.1, 0.01, 0.001, 60.0, 86400.0]),
)
def test_a_number_on_the_grid_lies_within_bounds_too_where_the_bounds_have_a_point_between_them(values, scores, grid):
    encoder = numeric(values, grid=grid)
    decoded = encoder.decode(scores.astype(np.float32), round_to_grid=True)
    slack = 1e-6 * grid
    assert values.min() - slack <= decoded.min()
    assert decoded.max() <= values.max() + slack
    if np.ceil(values.min() / grid) <= np.floor(values.max() / grid):
        np.testing.assert_allclose(decoded / grid, np.rint(decoded / grid), rtol=1e-9, atol=1e-6)


@LAW
@given(values=arrays(finite))
@example(values=np.array([1.797e308, -1.797e308, 1.5]))
def test_scores_and_knots_are_finite_for_numbers_of_any_size(values):
    encoder = numeric(values)
    assert np.isfinite(encoder.encode(values)).all()
    assert np.isfinite(encoder.encode(np.array([1e308, -1e308, 0.0, 5e-324]))).all()
    assert np.isfinite(encoder.edges).all()
    assert (np.diff(encoder.edges) >= 0).all()
    assert encoder.edges.shape == (9,)
    assert encoder.std > 0


ORDINARY = {
    "normal": lambda rng, n: rng.normal(20, 5, n),
    "prices": lambda rng, n: rng.lognormal(3, 1.5, n),
    "counts": lambda rng, n: rng.poisson(0.2, n).astype(float),
    "moments": lambda rng, n: rng.uniform(1.4e9, 1.7e9, n),
}


@given(st.sampled_from(sorted(ORDINARY)), st.integers(1, 300), st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_every_number_of_an_ordinary_column_is_read(kind, n_rows, seed):
    values = ORDINARY[kind](np.random.default_rng(seed), n_rows)
    encoder = NumericEncoder.fit("n", np.append(values, np.nan), n_bins=8)
    assert encoder.n_far == 0
    assert encoder.reads(np.append(values, np.nan)).tolist() == [True] * n_rows + [False]


@pytest.mark.parametrize("far", [99_999.0, -99_999.0, 1e300])
@pytest.mark.parametrize("n_far", [1, 5])
def test_numbers_far_beyond_all_others_change_nothing_of_what_is_learned(far, n_far):
    values = np.random.default_rng(0).lognormal(3, 0.5, 100)
    alone, beside = (NumericEncoder.fit("n", each, n_bins=8) for each in (values, np.append(values, [far] * n_far)))
    assert beside.n_far == n_far
    assert not beside.reads(np.array([far])).any()
    assert beside.reads(values).all()
    for name in ("mean", "std", "minimum", "maximum"):
        assert getattr(beside, name) == getattr(alone, name)
    np.testing.assert_array_equal(beside.edges, alone.edges)
    assert beside.encode(np.array([far])).tolist() == [0.0]
    assert not alone.reads(np.array([far])).any()  # in other rows neither, though none was learned


@pytest.mark.parametrize(
    "values",
    [
        np.append(np.arange(18.0), 1e9),  # few
        np.append(np.zeros(100), [1e-3, 1e9]),  # mostly one value: there is no distance to compare with
        np.append(np.arange(90.0), [1e9] * 10),  # a tenth: a part of the column
    ],
    ids=["few", "mostly the same", "many"],
)
def test_what_cannot_be_told_to_be_far_is_read(values):
    encoder = NumericEncoder.fit("n", values, n_bins=8)
    assert encoder.n_far == 0
    assert encoder.reads(values).all()


def test_more_rows_may_reach_farther_together_but_not_alone():
    rng = np.random.default_rng(0)
    encoder = NumericEncoder.fit("n", rng.lognormal(3, 0.5, 100), n_bins=8)
    dearer = rng.lognormal(12, 0.5, 100)  # in another currency
    wider = encoder.widen(dearer, minimum=None, maximum=None)
    assert wider.n_far == 0
    assert wider.maximum == dearer.max()
    same = encoder.widen(np.append(rng.lognormal(3, 0.5, 100), 1e9), minimum=None, maximum=None)
    assert same.n_far == 1
    assert same.maximum < 1e3
    assert encoder.widen(np.array([np.nan, 1e9]), minimum=None, maximum=None).maximum == encoder.maximum


def test_an_unknown_number_has_the_score_of_the_mean():
    encoder = numeric(np.array([1.0, 3.0, np.nan]))
    assert encoder.encode(np.array([np.nan, 2.0, 3.0])).tolist() == [0.0, 0.0, 1.0]
    assert (encoder.minimum, encoder.maximum) == (1.0, 3.0)


def test_bounds_of_the_schema_come_before_those_seen():
    encoder = numeric(np.array([1.0, 3.0]), minimum=0.0, maximum=10.0)
    assert encoder.decode(np.array([-100, 100], np.float32), round_to_grid=False).tolist() == [0.0, 10.0]
    assert encoder.widen(np.array([-5.0, 50.0]), minimum=0.0, maximum=10.0).maximum == 10.0


CORES = np.array([1.0, 2.0, 4.0, 8.0] * 20)


@LAW
@given(scores=arrays(st.floats(-1e4, 1e4)))
def test_where_few_values_were_seen_the_nearest_of_these_is_filled_in(scores):
    encoder = numeric(CORES, grid=1.0)
    assert encoder.seen.tolist() == [1, 2, 4, 8]
    decoded = encoder.decode(scores.astype(np.float32), round_to_grid=True)
    exact = encoder.decode(scores.astype(np.float32), round_to_grid=False)
    distances = np.abs(exact[:, None] - encoder.seen)
    np.testing.assert_array_equal(np.abs(exact - decoded), distances.min(axis=1))
    assert set(decoded.tolist()) <= {1.0, 2.0, 4.0, 8.0}


def test_values_are_remembered_where_they_are_few_on_the_grid_and_within_the_bounds():
    assert numeric(np.repeat(np.arange(50.0), 9)).seen.tolist() == []  # nine cells of each
    assert numeric(np.repeat(np.arange(301.0), 10)).seen.tolist() == []  # too many to be remembered
    assert numeric(np.repeat(np.arange(300.0), 10)).seen.tolist() == list(range(300))
    off_grid = numeric(np.append(CORES, 2.5), grid=1.0)
    assert off_grid.seen.tolist() == [1, 2, 4, 8]
    bounded = NumericEncoder.fit("n", CORES, n_bins=8, grid=1.0, minimum=2, maximum=5)
    assert bounded.decode(np.array([-9.0, 0.0, 9.0]), round_to_grid=True).tolist() == [2, 4, 4]
    beyond = NumericEncoder.fit("n", CORES, n_bins=8, grid=1.0, minimum=10, maximum=12)  # no value seen lies there
    assert beyond.decode(np.array([-9.0, 9.0]), round_to_grid=True).tolist() == [10, 12]


def test_between_two_days_that_were_seen_any_day_is_possible():
    days = fit_datetime_encoder("day", np.repeat([0.0, 10 * 86_400.0], 50), n_bins=8)
    assert days.decode(np.zeros(1), round_to_grid=True).tolist() == [5 * 86_400]


def test_more_rows_bring_more_values_and_many_more_end_it():
    encoder = numeric(CORES, grid=1.0)
    wider = encoder.widen(np.array([16.0, 8.0, np.nan]), minimum=None, maximum=None)
    assert wider.seen.tolist() == [1, 2, 4, 8, 16]
    assert wider.decode(np.array([50.0]), round_to_grid=True).tolist() == [16]
    assert encoder.widen(np.arange(40.0), minimum=None, maximum=None).seen.tolist() == []
    assert numeric(np.arange(40.0)).widen(CORES, minimum=None, maximum=None).seen.tolist() == []


def test_numbers_too_large_to_count_their_cents_stay_within_bounds():
    encoder = numeric(np.array([-1e308, 2.5, 1e308]), grid=0.01)
    decoded = encoder.decode(np.array([-9, -1.0, 1.0, 9], np.float32), round_to_grid=True)
    assert np.isfinite(decoded).all()
    assert decoded.min() == -1e308
    assert decoded.max() == 1e308


def test_bounds_off_the_grid_are_rounded_inwards():
    encoder = numeric(np.array([0.4, 2.6]), grid=1.0)
    assert encoder.decode(np.array([-9, 0, 9], np.float32), round_to_grid=True).tolist() == [1.0, 2.0, 2.0]


def test_bounds_without_a_point_of_the_grid_between_them_win_over_the_grid():
    encoder = numeric(np.array([0.4, 0.6]), grid=1.0)
    assert encoder.decode(np.array([-9, 9], np.float32), round_to_grid=True).tolist() == [0.4, 0.6]


@LAW
@given(values=arrays(usual), more=arrays(usual | st.just(np.nan)))
def test_widening_takes_in_new_numbers_and_moves_nothing(values, more):
    encoder = numeric(values)
    wide = encoder.widen(more, minimum=None, maximum=None)
    known = np.r_[values, more[~np.isnan(more)]]
    assert (wide.minimum, wide.maximum) == (known.min(), known.max())
    np.testing.assert_array_equal(wide.encode(values), encoder.encode(values))


@pytest.mark.parametrize(
    ("dates", "step"),
    [
        (["2024-01-05", "2024-03-01"], 86_400),
        (["2024-01-05 10:00", "2024-03-01 11:00"], 3_600),
        (["2024-01-05 10:30", "2024-03-01"], 60),
        (["2024-01-05 10:30:01", "2024-03-01"], 1),
        (["2024-01-05 10:30:01.5", "2024-03-01"], 0),
    ],
)
def test_dates_lie_on_the_coarsest_grid_that_fits_them(dates, step):
    stamps = pd.to_datetime(pd.Series(dates), format="ISO8601")
    seconds = (stamps - pd.Timestamp(0)).dt.total_seconds().to_numpy()
    encoder = fit_datetime_encoder("d", np.r_[seconds, np.nan], n_bins=4)
    assert encoder.grid == step
    filled = encoder.decode(np.linspace(-3, 3, 50).astype(np.float32), round_to_grid=True)
    assert filled.min() >= seconds.min()
    assert filled.max() <= seconds.max()
    if step:
        assert not (filled % step).any()


# ---------------------------------------------------------------------------------------------- categories

words = st.lists(texts, min_size=1, max_size=30)


@LAW
@given(words)
def test_categories_come_back_from_their_codes(cells):
    values = np.array(cells, dtype=object)
    encoder = CategoricalEncoder.fit("c", values)
    codes = encoder.encode(distinct_of(values))
    assert codes.min() >= 1
    assert encoder.decode(codes).tolist() == cells
    assert len(set(encoder.vocabulary)) == len(encoder.vocabulary) == len(set(cells))


@LAW
@given(cells=words, seed=st.integers(0, 99))
def test_the_vocabulary_does_not_hang_on_the_order_of_rows(cells, seed):
    shuffled = np.random.default_rng(seed).permutation(np.array(cells, dtype=object))
    assert CategoricalEncoder.fit("c", shuffled) == CategoricalEncoder.fit("c", np.array(cells, dtype=object))


def test_the_most_frequent_category_comes_first_and_unknown_ones_have_no_code():
    encoder = CategoricalEncoder.fit("c", np.array(["b", "a", "c", "c", None], dtype=object))
    assert encoder.vocabulary == ("c", "a", "b")
    assert encoder.encode(distinct_of(["c", None, "never seen", "b"])).tolist() == [1, 0, 0, 3]


def test_the_schema_s_categories_are_all_there_are():
    encoder = CategoricalEncoder.fit("c", np.array(["b", "z"], dtype=object), allowed=("a", "b"))
    assert encoder.vocabulary == ("a", "b")
    assert encoder.encode(distinct_of(["z"])).tolist() == [0]


def test_a_column_of_more_categories_than_can_be_told_apart_keeps_the_frequent_ones():
    cells = np.array(["often", "often", *map(str, range(MAX_CATEGORIES + 50))], dtype=object)
    encoder = CategoricalEncoder.fit("c", cells)
    assert len(encoder.vocabulary) == MAX_CATEGORIES
    assert encoder.vocabulary[0] == "often"
    assert len(encoder.extend(np.array(["new"], dtype=object)).vocabulary) == MAX_CATEGORIES


@LAW
@given(words, words)
def test_new_categories_are_appended_and_old_ones_keep_their_codes(old, new):
    encoder = CategoricalEncoder.fit("c", np.array(old, dtype=object))
    extended = encoder.extend(np.array(new, dtype=object))
    assert extended.vocabulary[: len(encoder.vocabulary)] == encoder.vocabulary
    assert set(extended.vocabulary) == {*old, *new}


# --------------------------------------------------------------------------------------------------- texts


def distinct_of(cells) -> DistinctCells:
    codes, found = pd.factorize(np.array(cells, dtype=object))
    return DistinctCells(codes, found, found)


def ngrams(*cells: str | None, n_buckets: int = 2**31 - 1) -> list[list[int]]:
    """Buckets of each text, sorted."""
    hashed = TextEncoder(name="t", n_buckets=n_buckets).encode(hash_texts(distinct_of(cells)))
    return [sorted(hashed.ids[hashed.starts[d] : hashed.starts[d + 1]].tolist()) for d in hashed.distinct]


def shared(one: str, two: str) -> int:
    a, b = ngrams(one, two)
    return len(set(a) & set(b))


@LAW
@given(cells=st.lists(texts, min_size=1, max_size=8), chosen=st.data())
def test_equal_texts_have_equal_n_grams_whatever_stands_beside_them(cells, chosen):
    position = chosen.draw(st.integers(0, len(cells) - 1))
    twice = ngrams(*cells, cells[position])
    assert twice[position] == twice[-1] == ngrams(cells[position])[0]


@LAW
@given(st.lists(texts | st.none(), min_size=1, max_size=10), st.sampled_from([1, 7, 8192]))
def test_any_text_is_hashed_into_its_buckets_and_long_ones_are_thinned(cells, n_buckets):
    hashed = TextEncoder(name="t", n_buckets=n_buckets).encode(hash_texts(distinct_of(cells)))
    counts = np.diff(hashed.starts)
    assert len(hashed.distinct) == len(cells)
    assert counts[0] == 0
    assert (counts >= 0).all()
    assert counts.max() <= MAX_NGRAMS
    assert hashed.starts[-1] == len(hashed.ids)
    assert ((hashed.ids >= 0) & (hashed.ids < n_buckets)).all()
    assert all((d == 0) == (cell is None) for d, cell in zip(hashed.distinct, cells, strict=True))


@pytest.mark.parametrize(
    "text", ["", "\n", "\n\n\n", "\0", "\ud800", "a\nb", "🎈", "👨‍👩‍👧", "\u2028\x85\r", "\u0338", "ﬁ", "İ", "x"]
)
def test_odd_characters_disturb_no_neighbour(text):
    assert ngrams("blue cup", text, "red pot")[::2] == ngrams("blue cup", "red pot")
    assert ngrams("blue cup", text, "red pot")[1] == ngrams(text)[0]


def test_a_line_break_parts_words_as_a_blank_does():
    assert ngrams("blue\ncup") == ngrams("blue cup")
    assert ngrams("blue\ncup") != ngrams("bluecup")


def test_case_and_width_do_not_matter():
    assert ngrams("Blue CUP") == ngrams("blue cup")
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "BLUEcup")  # as Chinese keyboards write Latin letters
    assert ngrams(wide) == ngrams("bluecup")
    assert unicodedata.normalize("NFD", "Café") != "Café"
    assert ngrams(unicodedata.normalize("NFD", "Café")) == ngrams("Café")


def test_related_texts_share_n_grams_and_unrelated_ones_do_not():
    assert shared("wireless mouse", "wireless keyboard") >= 5
    assert shared("wireless mouse", "rotbuche") == 0


def test_chinese_texts_share_n_grams_though_nothing_parts_their_words():
    assert shared("不锈钢保温杯", "玻璃保温杯") >= 5  # 保 温 杯 保温 温杯
    assert shared("不锈钢保温杯", "手机壳") == 0
    assert ngrams("杯")[0] != []


def test_a_long_text_is_thinned_evenly():
    text = " ".join(f"word{i}" for i in range(2000))
    kept = set(ngrams(text)[0])
    assert len(ngrams(text)[0]) <= MAX_NGRAMS
    assert kept & set(ngrams("word3 word30 word300")[0] + ngrams(" ".join(f"word{i}" for i in range(1000)))[0])
    assert len(kept) > MAX_NGRAMS / 2


@LAW
@given(st.lists(texts, min_size=1, max_size=20))
def test_buckets_are_enough_for_the_n_grams_and_no_more_than_allowed(cells):
    n_distinct = len({bucket for text in ngrams(*cells) for bucket in text})
    fitted = TextEncoder.fit("t", hash_texts(distinct_of(cells)), n_buckets=8192)
    assert min(8192, 2 * n_distinct) <= fitted.n_buckets <= min(8192, max(4 * n_distinct, 4))
    assert TextEncoder.fit("t", hash_texts(distinct_of(cells)), n_buckets=3).n_buckets == 3


# -------------------------------------------------------------------------------------------- whole tables


@LAW
@given(table=tables())
def test_what_is_known_of_a_table_comes_back_from_its_arrays(table):
    table = table.set_axis([str(name) for name in table.columns], axis=1)
    schema = infer_schema(table)
    encoder = TableEncoder.fit(table, schema, n_bins=4, n_buckets=64)
    encoded, empty, unreadable = encoder.encode(table)
    layout = encoder.layout
    assert list(empty.columns) == list(schema)
    for position, name in enumerate(schema):
        parsed = schema.parse(name, table.iloc[:, position])
        assert empty[name].tolist() == (~parsed.observed).tolist()
        assert unreadable.get(name, 0) == (parsed.observed & ~parsed.readable).sum()
        if name in layout.classes:
            at = layout.classes.index(name)
            known = encoded.known[:, layout.n_numbers + at]
            assert known.tolist() == parsed.readable.tolist()
            assert encoder.classes[name].decode(encoded.codes[known, at]).tolist() == parsed.values[known].tolist()
        elif name in layout.numbers:
            at = layout.numbers.index(name)
            known = encoded.known[:, at]
            back = encoder.numbers[name].decode(encoded.numbers[known, at], round_to_grid=False)
            span = 1 + np.abs(parsed.values[known]).max(initial=0)
            np.testing.assert_allclose(back, parsed.values[known], rtol=0, atol=1e-4 * span)


def test_numbers_come_before_classes_and_both_keep_the_order_of_the_table():
    table = shop_table()
    layout = TableEncoder.fit(table, infer_schema(table), n_bins=4, n_buckets=64).layout
    assert layout.numbers == ("weight", "price", "stock", "since")
    assert layout.classes == ("kind", "colour", "size", "sold_online", "model")
    assert layout.texts == ("model", "title")  # a column of many categories is read as text as well
    assert layout.text_cells == (4 + 4, -1)
    assert layout.n_cells == 9
    assert [at.stop - at.start for at in layout.class_slices] == list(layout.class_sizes)
    assert layout.class_slices[0].start == 0
    assert layout.class_slices[-1].stop == sum(layout.class_sizes)


def test_an_unseen_category_is_unknown_but_not_empty():
    table = pd.DataFrame({"c": ["a", "b"] * 4})
    encoder = TableEncoder.fit(table, infer_schema(table), n_bins=4, n_buckets=64)
    encoded, empty, unreadable = encoder.encode(pd.DataFrame({"c": ["a", "z", None]}))
    assert encoded.known[:, 0].tolist() == [True, False, False]
    assert empty["c"].tolist() == [False, False, True]
    assert unreadable == {}


def test_extending_keeps_the_place_of_all_that_was_learned():
    table = shop_table()
    encoder = TableEncoder.fit(table, infer_schema(table), n_bins=4, n_buckets=64)
    more = shop_table(20, seed=1).assign(kind="kettle", price=1e4)
    extended = encoder.extend(more)
    assert extended.classes["kind"].vocabulary == (*encoder.classes["kind"].vocabulary, "kettle")
    assert extended.numbers["price"].maximum == 1e4
    assert extended.layout.numbers == encoder.layout.numbers
    assert extended.layout.text_buckets == encoder.layout.text_buckets
    before, after = encoder.encode(table)[0], extended.encode(table)[0]
    np.testing.assert_array_equal(before.numbers, after.numbers)
    np.testing.assert_array_equal(before.codes, after.codes)
    assert encoder.numbers["price"].maximum < 1e4


def test_a_value_that_is_taken_gives_way_to_the_nearest_on_the_grid_and_within_the_bounds():
    encoder = NumericEncoder.fit("x", np.array([0.1, 0.2, 0.3]), n_bins=2, grid=0.1)
    values = np.array([0.1, 0.2, 0.3])
    assert encoder.beside(values, np.array([0.2])).tolist() == [0.1, 0.3, 0.3]
    assert encoder.beside(values, np.array([0.3, 0.2])).tolist() == [0.1, 0.1, 0.1]
    assert encoder.beside(values, values).tolist() == values.tolist()  # there is no other
    assert encoder.beside(values, np.array([])) is values
