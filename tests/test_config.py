"""Hyper-parameters: every one has a range, a meaning and one clear error."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gain_impute.config import (
    PRESETS,
    GAINConfig,
    default_batch_size,
    default_dropout,
    default_max_steps,
    default_n_trees,
)
from gain_impute.errors import ConfigError

FIELDS = dataclasses.fields(GAINConfig)
NAMES = [field.name for field in FIELDS]
by_name = pytest.mark.parametrize("field", FIELDS, ids=NAMES)


def is_integral(field: dataclasses.Field) -> bool:
    return "int" in str(field.type)


@by_name
def test_a_field_tells_its_range_its_meaning_and_whether_it_affects_the_result(field):
    assert field.metadata["low"] < field.metadata["high"]
    assert field.metadata["meaning"].endswith(".")
    assert isinstance(field.metadata["affects_result"], bool)
    default = field.default
    assert default is None or field.metadata["low"] <= default <= field.metadata["high"]


@by_name
def test_the_bounds_of_a_range_are_allowed(field):
    # the two shares of re-hiding bound each other: widen the other one first
    others = {"rehide_min": {"rehide_max": 1.0}, "rehide_max": {"rehide_min": 0.0}}.get(field.name, {})
    for bound in (field.metadata["low"], field.metadata["high"]):
        if math.isfinite(bound):
            assert getattr(GAINConfig(**{**others, field.name: bound}), field.name) == bound


@by_name
def test_a_value_outside_its_range_is_refused_with_range_and_value(field):
    low, high = field.metadata["low"], field.metadata["high"]
    wrong = [low - 1, *([high + 1] if math.isfinite(high) else [])]
    for value in wrong:
        wanted = (
            rf"The '{field.name}' parameter of GAINImputer must be an? (int|float) in the range \[{low}, .*Got {value}"
        )
        with pytest.raises(ConfigError, match=wanted):
            GAINConfig(**{field.name: value})


@by_name
@pytest.mark.parametrize("value", ["1", True, math.nan, [1]], ids=repr)
def test_a_value_of_a_wrong_type_is_refused(field, value):
    with pytest.raises(ConfigError, match=rf"The '{field.name}' parameter of GAINImputer must be .* Got "):
        GAINConfig(**{field.name: value})


@by_name
def test_none_is_allowed_exactly_where_it_is_the_default(field):
    if field.default is None:
        assert getattr(GAINConfig(**{field.name: None}), field.name) is None
    else:
        with pytest.raises(ConfigError, match=rf"'{field.name}' parameter .*Got None instead"):
            GAINConfig(**{field.name: None})


@by_name
def test_numbers_of_numpy_are_numbers(field):
    # a grid search passes what np.arange or np.linspace holds
    value = np.int64(2) if is_integral(field) else np.float32(0.25)
    taken = getattr(GAINConfig(**{field.name: value}), field.name)
    assert taken == value
    assert not isinstance(taken, np.generic)


@pytest.mark.parametrize("name", [field.name for field in FIELDS if is_integral(field)])
def test_a_fraction_is_no_count(name):
    with pytest.raises(ConfigError, match=f"'{name}' parameter of GAINImputer must be an int"):
        GAINConfig(**{name: 2.5})


def test_the_least_share_to_hide_may_not_exceed_the_greatest():
    with pytest.raises(ConfigError, match=r"'rehide_min' parameter must not exceed 'rehide_max'\. Got 0\.6 and 0\.5"):
        GAINConfig(rehide_min=0.6, rehide_max=0.5)
    assert GAINConfig(rehide_min=0.5, rehide_max=0.5).rehide_min == 0.5


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        GAINConfig().hint_rate = 0.5


@given(n_rows=st.integers(1, 10**9), more=st.integers(0, 10**6), n_logits=st.integers(0, 10_000))
def test_derived_budgets_and_batches_never_fall_as_tables_grow(n_rows, more, n_logits):
    assert 300 <= default_max_steps(n_rows) <= default_max_steps(n_rows + more)
    assert default_max_steps(n_rows) % 10 == 0
    assert 128 <= default_batch_size(n_rows, n_logits) <= default_batch_size(n_rows + more, n_logits) <= 384
    assert default_batch_size(n_rows, n_logits + more) <= default_batch_size(n_rows, n_logits)
    assert 0 <= default_dropout(n_rows + more) <= default_dropout(n_rows) <= 0.95


def test_the_derived_budget_grows_as_a_root_of_small_tables_and_up_to_a_bound_with_large_ones():
    assert default_max_steps(1) == 300
    assert default_max_steps(569) == 1000
    assert default_max_steps(142) == pytest.approx(500, abs=10)  # a quarter of the rows, half of the steps
    assert default_max_steps(8_000) == pytest.approx(default_max_steps(2_000) * 4**0.45, abs=10)
    assert default_max_steps(569_000) == 3_000


def test_derived_sizes_change_where_they_say():
    assert [default_batch_size(n_rows, 10) for n_rows in (2_000, 2_001, 8_000, 8_001)] == [128, 256, 256, 384]
    assert [default_batch_size(8_001, n_logits) for n_logits in (250, 251)] == [384, 256]
    assert [default_dropout(n_rows) for n_rows in (2_000, 2_001)] == [0.1, 0.0]
    assert [default_n_trees(n_rows, 1_000) for n_rows in (500, 501, 2_000, 2_001, 8_000, 8_001)] == [
        100,
        50,
        50,
        30,
        30,
        20,
    ]
    assert [default_n_trees(100, n_steps) for n_steps in (5, 12, 10_000)] == [1, 2, 100]
    assert [default_n_trees(1_000, 1_000, n_columns=n) for n in (64, 65, 128, 256, 10_000)] == [50, 49, 25, 12, 8]


def test_effort_multiplies_derived_steps_and_trees():
    assert [default_max_steps(569, effort) for effort in (0.0001, 0.2, 4.0)] == [1, 200, 2000]
    assert [default_n_trees(100, 10_000, effort) for effort in (0.0001, 0.25, 4.0)] == [1, 50, 400]
    assert default_n_trees(100, 60, 4.0) == 10
    assert PRESETS["fast"]["effort"] < GAINConfig().effort
