"""What the package promises: one law each, on tables of every dtype."""

from __future__ import annotations

import copy
import os
import pickle
import random
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal as assert_polars_equal
from sklearn.base import clone
from threadpoolctl import ThreadpoolController, threadpool_info

from gain_impute import GAINImputer, Kind, Schema
from gain_impute.encoding.text import hash_texts
from gain_impute.errors import GainImputeWarning, TableError, UnfillableWarning
from gain_impute.schema.reading import read_distinct
from gain_impute.sessions import torch_session
from gain_impute.training import NullTracker
from tests.strategies import cells_of, holes_of, is_hole, polars_tables, quick_imputer, shop_table, tables

LAW = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
any_table = tables() | polars_tables()


@contextmanager
def told_of_holes():
    """Collect warnings; those that are not the package's own are errors."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.simplefilter("always", GainImputeWarning)
        yield caught


def fit(table, **params) -> GAINImputer:
    with told_of_holes():
        return quick_imputer(**params).fit(table)


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return shop_table()


@pytest.fixture(scope="module")
def new_rows() -> pd.DataFrame:
    return shop_table(30, seed=1)


@pytest.fixture(scope="module")
def fitted(shop) -> GAINImputer:
    return fit(shop, round_to_grid=False, max_steps=30)


def columns_of(table) -> list:
    return table.get_columns() if isinstance(table, pl.DataFrame) else [table.iloc[:, i] for i in range(table.shape[1])]


# ------------------------------------------------------------------------------- 1. observed cells are untouched


@LAW
@given(table=any_table)
def test_an_observed_cell_comes_back_as_it_was_in_value_type_and_text(table):
    filled = fit(table).transform(table)
    assert filled.shape == table.shape
    for before, after in zip(columns_of(table), columns_of(filled), strict=True):
        pairs = [pair for pair in zip(cells_of(before), cells_of(after), strict=True) if not is_hole(pair[0])]
        assert [(type(cell), repr(cell)) for cell, _ in pairs] == [(type(cell), repr(cell)) for _, cell in pairs]


@LAW
@given(table=any_table)
def test_neither_fit_nor_transform_changes_its_input(table):
    before = table.clone() if isinstance(table, pl.DataFrame) else copy.deepcopy(table)
    imputer = fit(table)
    imputer.transform(table)
    imputer.impute(table)
    if isinstance(table, pl.DataFrame):
        assert_polars_equal(table, before, check_exact=True)
    else:
        pd.testing.assert_frame_equal(table, before, check_exact=True)


def test_an_array_is_not_changed_either():
    table = np.array([[1.0, np.nan], [2.0, 3.0], [np.nan, 5.0]])
    before = table.copy()
    filled = fit(table).transform(table)
    np.testing.assert_array_equal(table, before)
    assert not np.shares_memory(filled, table)


# ------------------------------------------------------------------------- 2. index, columns, order, dtypes are kept


@LAW
@given(table=tables())
def test_index_columns_and_dtypes_come_back_the_same(table):
    filled = fit(table).transform(table)
    pd.testing.assert_index_equal(filled.index, table.index, exact=True)
    pd.testing.assert_index_equal(filled.columns, table.columns, exact=True)
    for before, after in zip(table.dtypes, filled.dtypes, strict=True):
        assert after == before


@LAW
@given(table=polars_tables())
def test_polars_comes_back_as_polars_with_the_same_schema(table):
    filled = fit(table).transform(table)
    assert isinstance(filled, pl.DataFrame)
    assert filled.schema == table.schema


@LAW
@given(table=tables(max_columns=3) | polars_tables(), data=st.data())
def test_whatever_kind_a_schema_gives_a_column_its_cells_and_dtype_are_kept(table, data):
    kinds = {str(name): data.draw(st.sampled_from(list(Kind))) for name in table.columns}
    try:
        imputer = fit(table, schema=kinds)
    except TableError:  # mostly unreadable as that kind, which is said in a sentence
        return
    filled = imputer.transform(table)
    for before, after in zip(columns_of(table), columns_of(filled), strict=True):
        assert after.dtype == before.dtype
        pairs = [pair for pair in zip(cells_of(before), cells_of(after), strict=True) if not is_hole(pair[0])]
        assert [repr(cell) for cell, _ in pairs] == [repr(cell) for _, cell in pairs]
        assert imputer.unfillable_ or not any(holes_of(after))


def test_a_category_dtype_gains_a_category_only_where_one_is_needed(shop):
    imputer = fit(shop)
    other_dtype = pd.DataFrame(shop.iloc[:5]).assign(colour=pd.Categorical([None] * 5, categories=["green"]))
    filled = imputer.transform(other_dtype)["colour"]
    assert filled.cat.categories[0] == "green"
    assert set(filled) == set(filled.cat.categories[1:]) <= {"red", "blue", "grey"}
    full = other_dtype.assign(colour=pd.Categorical(["green"] * 5))
    assert imputer.transform(full)["colour"].dtype == full["colour"].dtype


# ------------------------------------------------------------------------------------------ 3. no holes are left


@LAW
@given(table=any_table)
def test_no_hole_is_left_but_in_columns_that_are_listed_and_warned_of_once(table):
    with told_of_holes() as caught:
        imputer = quick_imputer().fit(table)
    filled = imputer.transform(table)
    names = [str(name) for name in table.columns]
    left_open = {name for name, column in zip(names, columns_of(filled), strict=True) if any(holes_of(column))}
    with_holes = {name for name, column in zip(names, columns_of(table), strict=True) if any(holes_of(column))}
    assert left_open == with_holes & set(imputer.unfillable_)
    warned = [str(told.message) for told in caught if issubclass(told.category, UnfillableWarning)]
    assert len(warned) == bool(left_open)
    assert all(repr(name) in message for message in warned for name in left_open)


@LAW
@given(table=tables())
def test_no_column_is_dropped_unless_asked_for(table):
    never_observed = [all(holes_of(column)) for column in columns_of(table)]
    assert list(fit(table).transform(table).columns) == list(table.columns)
    kept = [name for name, is_empty in zip(table.columns, never_observed, strict=True) if not is_empty]
    imputer = fit(table, keep_empty_features=False)
    assert list(imputer.transform(table).columns) == kept
    assert list(imputer.get_feature_names_out()) == kept


# ------------------------------------------------------- 4. filled categories are known, numbers in bounds, on grid


def assert_within_what_was_seen(schema: Schema, table, filled, *, on_grid: bool):
    for name, before, after in zip(schema, columns_of(table), columns_of(filled), strict=True):
        seen, put = (
            schema.parse(name, pd.Series(column.to_pandas() if isinstance(column, pl.Series) else column))
            for column in (before, after)
        )
        holes = ~seen.observed & put.observed
        if not holes.any():
            continue
        assert put.readable[holes].all(), name
        known = seen.values[seen.readable]
        if schema[name].is_class:
            assert set(put.values[holes]) <= set(known)
            continue
        assert put.values[holes].min() >= known.min()
        assert put.values[holes].max() <= known.max()
        step = 10.0 ** -(schema[name].decimals or 0)
        has_point = np.ceil(known.min() / step - 1e-6) <= np.floor(known.max() / step + 1e-6)
        if on_grid and schema[name].decimals is not None and has_point:
            steps = put.values[holes] / step
            np.testing.assert_allclose(steps, np.rint(steps), rtol=1e-6, atol=1e-6)


@LAW
@given(table=any_table)
def test_filled_categories_were_seen_and_filled_numbers_lie_within_bounds_and_on_the_grid(table):
    imputer = fit(table)
    assert_within_what_was_seen(imputer.schema_, table, imputer.transform(table), on_grid=True)


@LAW
@given(table=any_table)
def test_without_the_grid_numbers_still_lie_within_bounds(table):
    imputer = fit(table, round_to_grid=False)
    assert_within_what_was_seen(imputer.schema_, table, imputer.transform(table), on_grid=False)


@LAW
@given(table=tables(columns=("float64", "Int64", "category", "datetime", "boolean")))
def test_draws_too_stay_within_what_was_seen(table):
    imputer = fit(table)
    for drawn in imputer.sample(table, n_draws=2):
        assert_within_what_was_seen(imputer.schema_, table, drawn, on_grid=True)


def test_whatever_stands_in_a_new_row_its_holes_are_filled(shop):
    imputer = fit(shop)
    for odd in (1e9, 1e20, 1e39, 1e300, -1e300, np.inf, 5e-324):
        row = shop.iloc[:1].assign(weight=odd, price=np.nan, kind=None, since=pd.NaT)
        filled = imputer.transform(row)
        assert not filled[["price", "kind", "since"]].isna().any(axis=None), odd
        assert filled["weight"].iloc[0] == odd


@settings(LAW, max_examples=15)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=3, max_size=20))
@example(values=[1.797e308, -1.797e308, None, 1.5, 2.5])
@example(values=[0.0, 1.7976931348623155e308, -2.9937604643020797e292])
def test_numbers_of_any_size_are_filled_within_their_bounds(values):
    table = pd.DataFrame({"number": pd.Series(values, dtype=float), "other": range(len(values))})
    filled = fit(table, schema={"number": "numeric"}).transform(table)["number"]
    known = table["number"].dropna()
    if len(known):
        assert filled.between(known.min(), known.max()).all()


def test_a_column_of_nothing_but_words_for_nothing_is_filled_as_any_other():
    table = pd.DataFrame({"size": ["-", "n.v.", None, "-", "n.v."], "other": range(5)})
    assert fit(table).transform(table)["size"].isin(["-", "n.v."]).all()


# -------------------------------------------------- 5. transform only applies, and each row stands for itself


def contents(imputer: GAINImputer, folder: Path) -> dict[str, bytes]:
    """Everything that a fitted imputer would save, byte by byte."""
    imputer.save(folder)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_nothing_that_fills_or_reports_changes_the_fitted_state(fitted, shop, new_rows, tmp_path):
    before, attributes = contents(fitted, tmp_path / "before"), set(vars(fitted))
    unseen = new_rows.assign(kind="never seen", weight=1e6)
    for table in (shop, new_rows, unseen):
        fitted.transform(table)
        fitted.impute(table)
        fitted.sample(table, n_draws=2)
        fitted.category_probabilities(table, "kind")
    assert contents(fitted, tmp_path / "after") == before
    assert set(vars(fitted)) == attributes


def assert_same_fill(imputer: GAINImputer, left: pd.DataFrame, right: pd.DataFrame):
    """Equal, but for the last bits of float32 in the z-scores of numbers (and for where these round)."""
    scales = {name: encoder.std for name, encoder in imputer.state_.encoder.numbers.items()}
    for name, dtype in left.dtypes.items():
        if name not in scales:
            pd.testing.assert_series_equal(left[name], right[name])
            continue
        assert left[name].isna().equals(right[name].isna())
        if pd.api.types.is_string_dtype(dtype):  # numbers as text, and what cannot be read as such
            parse = imputer.schema_.parse
            values, others = (pd.Series(parse(name, side[name]).values, side.index) for side in (left, right))
            pd.testing.assert_series_equal(left[name][values.isna()], right[name][others.isna()])
            apart = (values - others).fillna(0)
        else:
            apart = left[name] - right[name]
        if pd.api.types.is_datetime64_any_dtype(dtype):
            apart = apart.dt.total_seconds()
        least = 0.0 if pd.api.types.is_float_dtype(dtype) else 1.0  # step to the next integer or second
        assert apart.abs().max() <= max(1e-4 * scales[name], least), name


def test_rows_filled_one_at_a_time_are_filled_as_in_one_call(fitted, new_rows):
    together = fitted.transform(new_rows)
    one_by_one = pd.concat([fitted.transform(new_rows.iloc[[i]]) for i in range(len(new_rows))])
    assert_same_fill(fitted, one_by_one, together)


def test_the_order_of_rows_does_not_matter(fitted, new_rows):
    shuffled = new_rows.sample(frac=1, random_state=3)
    assert_same_fill(fitted, fitted.transform(shuffled).loc[new_rows.index], fitted.transform(new_rows))


@LAW
@given(
    table=tables(columns=("float64", "Int64", "category", "str", "boolean", "free text"), min_rows=4), data=st.data()
)
def test_any_rows_in_any_order_are_filled_as_in_one_call(table, data):
    table = table.reset_index(drop=True)
    chosen = data.draw(st.lists(st.integers(0, len(table) - 1), min_size=1, max_size=8))
    imputer = fit(table, round_to_grid=False)
    assert_same_fill(imputer, imputer.transform(table.iloc[chosen]), imputer.transform(table).iloc[chosen])


def test_what_the_report_says_of_a_row_does_not_hang_on_other_rows_either(fitted, new_rows):
    together, alone = fitted.impute(new_rows).cells, fitted.impute(new_rows.iloc[[4]]).cells
    of_row = together[together["position"] == 4].reset_index(drop=True)
    same = ["row", "column", "state", "source", "model_id"]
    pd.testing.assert_frame_equal(alone[same], of_row[same])
    numbers = ["confidence", "lower", "upper", "value_number"]
    pd.testing.assert_frame_equal(alone[numbers], of_row[numbers], rtol=1e-4, atol=1e-4)


# --------------------------------------------------------- 6. same seed, same result; global generators untouched


def test_the_same_seed_gives_the_same_model_and_another_seed_another(shop, new_rows, tmp_path):
    one, two, other = (fit(shop, random_state=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.transform(new_rows), two.transform(new_rows), check_exact=True)
    weights = [
        contents(imputer, tmp_path / f"{i}")["weights.safetensors"] for i, imputer in enumerate((one, two, other))
    ]
    assert weights[0] == weights[1] != weights[2]
    assert not one.transform(new_rows).equals(other.transform(new_rows))


def test_generators_of_numpy_serve_as_seeds_and_move_on(shop, new_rows):
    for make in (np.random.default_rng, np.random.RandomState):
        generator, twin = make(5), make(5)
        first, second, repeated = (
            fit(shop, random_state=generator),
            fit(shop, random_state=generator),
            fit(shop, random_state=twin),
        )
        assert first.state_.model_id() == repeated.state_.model_id() != second.state_.model_id()


def test_without_a_seed_every_fit_is_another(shop):
    assert fit(shop, random_state=None).state_.model_id() != fit(shop, random_state=None).state_.model_id()


def test_no_global_generator_or_setting_of_torch_is_touched(shop, tmp_path):
    def settings_now():
        kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global generator is what is watched
        return (
            kind,
            keys.tolist(),
            rest,
            random.getstate(),
            torch.get_rng_state().tolist(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
        )

    before = settings_now()
    few_steps = {"max_steps": 1, "n_buckets": 16, "d_text": 4}  # more threads than cores wait for each other
    imputer = fit(shop, n_threads=torch.get_num_threads() + 1, add_indicator=True, **few_steps)
    with told_of_holes():
        imputer.partial_fit(shop)
    imputer.impute(shop)
    imputer.sample(shop, n_draws=2)
    imputer.category_probabilities(shop, "kind")
    imputer.save(tmp_path / "model")
    GAINImputer.load(tmp_path / "model").transform(shop)
    assert settings_now() == before


def test_threads_do_not_disturb_each_other(shop, fitted, new_rows):
    filled_whole = shop.drop(columns="title")  # whatever warns is not for threads

    def model() -> str:
        return quick_imputer(max_steps=20).fit(filled_whole).state_.model_id()

    work = [model, lambda: fitted.sample(new_rows, n_draws=1)[0], lambda: fitted.transform(new_rows)] * 2
    alone = [task() for task in work]
    before = torch.get_rng_state()
    with ThreadPoolExecutor(len(work)) as pool:
        together = list(pool.map(lambda task: task(), work))
    for one, other in zip(alone, together, strict=True):
        assert one == other if isinstance(one, str) else one.equals(other)
    assert torch.equal(torch.get_rng_state(), before)


def test_filling_does_not_wait_for_a_fit_in_another_thread(shop, fitted, new_rows):
    class FillMeanwhile(NullTracker):
        filled: pd.DataFrame | None = None

        def on_epoch(self, epoch):  # noqa: ARG002 - the protocol's
            self.filled = pool.submit(fitted.transform, new_rows).result(timeout=60)

    tracker = FillMeanwhile()
    with ThreadPoolExecutor(1) as pool:
        quick_imputer().fit(shop.drop(columns="title"), tracker=tracker)
    pd.testing.assert_frame_equal(tracker.filled, fitted.transform(new_rows))


def test_a_model_is_read_while_a_fit_goes_on_in_another_thread(shop, fitted, new_rows, tmp_path):
    fitted.save(tmp_path / "model")

    class LoadMeanwhile(NullTracker):
        loaded: GAINImputer | None = None

        def on_epoch(self, epoch):  # noqa: ARG002 - the protocol's
            self.loaded = pool.submit(GAINImputer.load, tmp_path / "model").result(timeout=60)

    tracker = LoadMeanwhile()
    with ThreadPoolExecutor(1) as pool:
        quick_imputer().fit(shop.drop(columns="title"), tracker=tracker)
    pd.testing.assert_frame_equal(tracker.loaded.transform(new_rows), fitted.transform(new_rows))


def test_sessions_that_overlap_put_back_what_was_there_before_all_of_them():
    def threads() -> tuple[int, set[int]]:
        found = threadpool_info()
        return torch.get_num_threads(), {one["num_threads"] for one in found if one["user_api"] == "blas"}

    n_threads, cpu = torch.get_num_threads(), torch.device("cpu")
    torch.set_num_threads(2)
    try:
        with ThreadpoolController().limit(limits=2, user_api="blas"):
            before = threads()
            first, second = torch_session(1, None, cpu), torch_session(1, None, cpu)
            first.__enter__()
            second.__enter__()
            first.__exit__(None, None, None)
            assert threads() == (1, {1})
            second.__exit__(None, None, None)
            assert threads() == before
    finally:
        torch.set_num_threads(n_threads)


def test_settings_of_torch_are_put_back_after_an_error_too(shop):
    class Stop(Exception):  # noqa: N818 - no error
        pass

    class Tracker(NullTracker):
        def on_epoch(self, epoch):  # noqa: ARG002 - the protocol's
            raise Stop

    n_threads, state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(Stop):
        quick_imputer(n_threads=n_threads + 1).fit(shop.drop(columns="title"), tracker=Tracker())
    assert torch.get_num_threads() == n_threads
    assert torch.equal(torch.get_rng_state(), state)


TEXTS = ["a blue cup", "不锈钢 锅 24cm", "🎈 balloon", "Ünïcödé ß", "x" * 900]


def run_python(code: str, *arguments: object, hash_seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_hashes_of_texts_are_the_same_in_every_process():
    code = (
        "import pandas as pd; from gain_impute.encoding.text import hash_texts\n"
        "from gain_impute.schema.reading import read_distinct\n"
        f"hashed = hash_texts(read_distinct(pd.Series({TEXTS!r})))\n"
        "print(hashed.starts.tolist(), hashed.ids.tolist())"
    )
    here = hash_texts(read_distinct(pd.Series(TEXTS)))
    hash_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    assert run_python(code, hash_seed=hash_seed).strip() == f"{here.starts.tolist()} {here.ids.tolist()}"


# ------------------------------------------------------------------------- 7. saved, pickled and cloned models


def test_a_saved_model_fills_identically_in_another_process(fitted, new_rows, tmp_path):
    fitted.save(tmp_path / "model")
    new_rows.to_parquet(tmp_path / "rows.parquet")
    code = (
        "import sys, pandas as pd; from gain_impute import GAINImputer\n"
        "model, rows, filled = sys.argv[1:]\n"
        "GAINImputer.load(model).transform(pd.read_parquet(rows)).to_parquet(filled)"
    )
    run_python(code, tmp_path / "model", tmp_path / "rows.parquet", tmp_path / "filled.parquet", hash_seed="7")
    there = pd.read_parquet(tmp_path / "filled.parquet")
    here = fitted.transform(pd.read_parquet(tmp_path / "rows.parquet"))
    pd.testing.assert_frame_equal(there, here, check_exact=True)


@settings(LAW, max_examples=15)
@given(table=any_table)
def test_a_saved_model_of_any_table_fills_identically(table, tmp_path_factory):
    imputer, folder = fit(table, add_indicator=True), tmp_path_factory.mktemp("models") / "model"
    imputer.save(folder)
    loaded = GAINImputer.load(folder)
    left, right = imputer.transform(table), loaded.transform(table)
    assert left.equals(right)
    assert loaded.schema_ == imputer.schema_
    assert loaded.unfillable_ == imputer.unfillable_
    assert loaded.unreadable_ == imputer.unreadable_
    assert list(loaded.get_feature_names_out()) == list(imputer.get_feature_names_out())
    assert loaded.state_.model_id() == imputer.state_.model_id()
    pd.testing.assert_frame_equal(loaded.history_, imputer.history_)
    pd.testing.assert_frame_equal(loaded.impute(table).cells, imputer.impute(table).cells)


def test_pickles_and_copies_fill_identically(fitted, new_rows):
    expected = fitted.transform(new_rows)
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):  # noqa: S301 - our own
        pd.testing.assert_frame_equal(twin.transform(new_rows), expected, check_exact=True)


def test_a_clone_is_not_fitted_and_learns_the_same(shop, fitted, new_rows):
    twin = clone(fitted)
    assert not hasattr(twin, "state_")
    with told_of_holes():
        twin.fit(shop)
    pd.testing.assert_frame_equal(twin.transform(new_rows), fitted.transform(new_rows), check_exact=True)
