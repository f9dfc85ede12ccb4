"""What is said of the sureness of a filled cell is borne out by cells whose truth is known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.confidence import (
    COVERAGE,
    MIN_CELLS,
    NumberCalibration,
    _conformal_quantile,
    calibrate_numbers,
    confidence_of_interval,
)
from gain_impute.encoding.numeric import NumericEncoder
from gain_impute.encoding.table import EncodedTable
from gain_impute.experts import HEARD
from gain_impute.misses import Misses
from gain_impute.prediction import Prediction
from tests.strategies import quick_imputer


def made(n_cells: int, *, error: float, spread: float, seed: int = 0) -> tuple[EncodedTable, Prediction]:
    """One column of numbers of which the best values are off by `error`, with draws of that spread."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n_cells, 1)).astype(np.float32)
    best = truth + np.float32(error) * rng.normal(size=truth.shape).astype(np.float32)
    nothing = np.zeros((n_cells, 0))
    encoded = EncodedTable(
        numbers=truth,
        codes=nothing.astype(np.int64),
        known=np.ones(truth.shape, bool),
        texts=(),
        residues=np.zeros_like(truth),
        identifiers=np.zeros((len(truth), 0), np.float32),
    )
    nowhere = np.zeros(truth.shape, bool)
    spreads = np.full_like(truth, spread)
    said = Prediction(best, spreads, spreads, nothing.astype(np.int64), nothing.astype(np.float32), nowhere)
    return encoded, said


def calibrated(encoded: EncodedTable, said: Prediction) -> NumberCalibration:
    return calibrate_numbers(encoded, np.arange(encoded.n_rows), np.ones(encoded.known.shape, bool), said)


def shifts(
    calibration: NumberCalibration, said: Prediction, shift: float, *, alike: float, seed: int = 0
) -> np.ndarray:
    """How far draws lie from the best values, where networks and trees draw so far from them."""
    best = said.numbers.astype(np.float32)
    wide = np.random.default_rng(seed).random(len(best)).astype(np.float32)
    drawn = calibration.drawn(
        best,
        np.full_like(best, shift),
        said.heard,
        wide=wide,
        alike=np.full_like(best, alike),
        doubt=np.zeros_like(best),
    )
    return drawn - best


def share_covered(calibration: NumberCalibration, encoded: EncodedTable, said: Prediction) -> float:
    lower, upper = calibration.interval(said, 0)
    return float(((lower <= encoded.numbers[:, 0]) & (encoded.numbers[:, 0] <= upper)).mean())


@settings(deadline=None, max_examples=20)
@given(error=st.floats(1e-3, 10), spread=st.floats(0, 10), n_cells=st.integers(MIN_CELLS, 300), seed=st.integers(0, 99))
def test_the_cells_calibrated_on_are_covered_at_about_the_promised_share(error, spread, n_cells, seed):
    columns = [made(n_cells, error=error, spread=spread, seed=seed + i) for i in range(8)]
    covered = [share_covered(calibrated(encoded, said), encoded, said) for encoded, said in columns]
    # only about: each cell is judged by the 40 around it, and by quantiles that lie between two cells
    assert COVERAGE - 0.05 <= np.mean(covered) <= COVERAGE + 0.08


@pytest.mark.parametrize("spread", [0.0, 0.1, 1.0], ids="draws spread by {}".format)
def test_other_cells_are_covered_at_the_promised_share_whatever_the_spread_of_draws(spread):
    n_cells = 2_000
    calibration = calibrated(*made(n_cells, error=0.5, spread=spread, seed=1))
    covered = share_covered(calibration, *made(n_cells, error=0.5, spread=spread, seed=2))
    standard_error = math.sqrt(2 * COVERAGE * (1 - COVERAGE) / n_cells)  # of both samples
    assert covered == pytest.approx(COVERAGE, abs=3 * standard_error)


@pytest.mark.parametrize("spread", [0.25, 1.0], ids="draws spread by {}".format)
def test_draws_are_widened_to_the_spread_of_normal_errors(spread):
    calibration = calibrated(*made(4_000, error=0.5, spread=spread))
    for scale in (calibration.spread_scale, calibration.wide_scale):
        assert scale[0] * spread == pytest.approx(0.5, rel=0.1)


def test_draws_without_spread_have_finite_scales():
    calibration = calibrated(*made(100, error=0.5, spread=0.0))
    assert np.isfinite([calibration.spread_scale, calibration.wide_scale]).all()


def test_draws_have_tails_as_heavy_as_those_of_the_errors():
    rng, n_cells = np.random.default_rng(0), 20_000
    encoded, said = made(n_cells, error=0.5, spread=0.5)
    encoded.numbers[:, 0] = said.numbers[:, 0] + 0.5 * rng.standard_t(3, n_cells)
    calibration = calibrated(encoded, said)
    draws = said.numbers[:, 0] + shifts(calibration, said, 0.5, alike=1)[:, 0] * rng.normal(size=n_cells)
    for level in (0.5, 0.8, 0.9, 0.95):
        width_of_draws, width_of_errors = (
            np.quantile(np.abs(values - said.numbers[:, 0]), level) for values in (draws, encoded.numbers[:, 0])
        )
        assert width_of_draws == pytest.approx(width_of_errors, rel=0.08)


def test_draws_suit_most_cells_where_a_few_errors_are_huge():
    encoded, said = made(4_000, error=0.5, spread=0.5)
    encoded.numbers[::100] += 50
    calibration = calibrated(encoded, said)
    assert calibration.spread_scale[0] == pytest.approx(1, rel=0.15)  # by its mean square it would be 10


def test_a_fifth_of_the_shifts_is_wide_and_where_neighbours_prevail_all_are_as_narrow_as_they():
    one, cells = np.ones(1, np.float32), np.zeros((4, 1), np.float32)
    calibration = NumberCalibration(
        one, spread_scale=2 * one, wide_scale=6 * one, near_scale=one / 2, misses=(Misses.none(),)
    )
    heard = np.array([[0], [HEARD["neighbours"]], [0], [HEARD["neighbours"]]], np.uint8)
    chance = np.array([0.1, 0.1, 0.3, 0.3], np.float32)
    drawn = calibration.drawn(10 + cells, 1 + cells, heard, wide=chance, alike=cells, doubt=cells)
    assert drawn[:, 0].tolist() == [16, 13, 12, 11]
    many = np.linspace(0, 1, 1_000, endpoint=False, dtype=np.float32)
    nobody, zero = np.zeros((1_000, 1), np.uint8), np.zeros((1_000, 1), np.float32)
    drawn = calibration.drawn(zero, zero + 1, nobody, wide=many, alike=zero, doubt=zero)
    assert (drawn == 6).mean() == pytest.approx(0.2, abs=0.002)


def test_half_of_the_draws_miss_as_held_out_cells_were_missed_and_the_others_as_networks_and_trees_say():
    calibration = calibrated(*made(200, error=0.5, spread=0.5))
    cells = np.full((1_000, 1), 0.1, np.float32)
    nobody = np.zeros((1_000, 1), np.uint8)
    alike = np.linspace(0, 1, 1_000, endpoint=False, dtype=np.float32)[:, None]
    never_wide, nothing = np.ones(1_000, np.float32), np.zeros_like(cells)
    drawn = calibration.drawn(cells, nothing, nobody, wide=never_wide, alike=alike, doubt=nothing)
    moved = drawn != cells
    assert moved[:500].all()
    assert not moved[500:].any()
    assert np.isin(drawn[:500], cells[:500] + calibration.misses[0].missed).all()
    doubted = calibration.drawn(cells, nothing, nobody, wide=never_wide, alike=alike, doubt=nothing + 7)
    assert doubted[:500] == pytest.approx(drawn[:500] + 7)
    assert (doubted[500:] == drawn[500:]).all()


def test_where_errors_are_skewed_or_depend_on_the_value_so_do_draws():
    rng, n_cells = np.random.default_rng(0), 4_000
    encoded, said = made(n_cells, error=0.0, spread=0.5)
    error = rng.exponential(size=n_cells) * (said.numbers[:, 0] > 0)
    encoded.numbers[:, 0] = said.numbers[:, 0] + error
    calibration = calibrated(encoded, said)
    moved = np.stack([shifts(calibration, said, 1.0, alike=alike)[:, 0] for alike in np.linspace(0, 0.499, 40)])
    high, low = moved[:, said.numbers[:, 0] > 0.1], moved[:, said.numbers[:, 0] < -0.1]
    assert np.abs(low).max() == 0
    assert high.min() > -1e-6
    assert np.quantile(high, [0.5, 0.9]) == pytest.approx([np.log(2), np.log(10)], rel=0.1)


def test_cells_of_which_neighbours_say_most_have_intervals_of_their_own():
    n_cells = 2_000
    encoded, without = made(n_cells, error=0.5, spread=0.3)
    near = np.random.default_rng(1).random((n_cells, 1)) < 0.4
    exact = encoded.numbers + 0.01 * np.random.default_rng(2).normal(size=near.shape).astype(np.float32)
    said = dataclasses.replace(
        without, numbers=np.where(near, exact, without.numbers), heard=HEARD["neighbours"] * near.astype(np.uint8)
    )
    calibration = calibrate_numbers(encoded, np.arange(n_cells), np.ones(near.shape, bool), said, without)
    lower, upper = calibration.interval(said, 0)
    covered = (lower <= encoded.numbers[:, 0]) & (encoded.numbers[:, 0] <= upper)
    for these in (near[:, 0], ~near[:, 0]):
        assert covered[these].mean() == pytest.approx(COVERAGE, abs=0.03)
    assert (upper - lower)[near[:, 0]].max() < 0.1 < (upper - lower)[~near[:, 0]].min()


def test_intervals_are_no_narrower_than_those_of_before():
    encoded, said = made(2_000, error=0.5, spread=0.3)
    held_out = np.ones(encoded.numbers.shape, bool)
    honest = calibrate_numbers(encoded, np.arange(2_000), held_out, said)
    flattered = dataclasses.replace(said, numbers=encoded.numbers + 0.1 * (said.numbers - encoded.numbers))
    narrow = calibrate_numbers(encoded, np.arange(2_000), held_out, flattered)
    narrow_width, width = (np.subtract(*each.interval(said, 0)[::-1]).mean() for each in (narrow, honest))
    assert narrow_width < 0.5 * width
    for now, then in ((narrow, honest), (honest, narrow)):
        kept = now.no_narrower_than(then, said)
        assert all(np.array_equal(array, honest.arrays()[name]) for name, array in kept.arrays().items())


def test_arrays_make_the_same_calibration_and_refuse_to_make_another():
    calibration = NumberCalibration.unknown(3)
    calibration = dataclasses.replace(calibration, misses=(*calibration.misses[:2], Misses.of(*np.ones((3, 5), "f4"))))
    arrays = calibration.arrays()
    again = NumberCalibration.from_arrays(arrays, 3)
    assert [len(misses.best) for misses in again.misses] == [0, 0, 5]
    assert all(np.array_equal(array, again.arrays()[name]) for name, array in arrays.items())
    assert NumberCalibration.from_arrays(NumberCalibration.unknown(0).arrays(), 0).misses == ()
    for name, array in arrays.items():
        with pytest.raises(ValueError, match="calibration"):
            NumberCalibration.from_arrays({**arrays, name: array[:-1]}, 3)
    with pytest.raises(ValueError, match="calibration"):
        NumberCalibration.from_arrays(arrays, 2)


def test_with_too_few_cells_nothing_is_claimed():
    calibration = calibrated(*made(MIN_CELLS - 1, error=0.01, spread=0.01))
    unknown = NumberCalibration.unknown(1)
    assert all(np.array_equal(array, unknown.arrays()[name]) for name, array in calibration.arrays().items())
    zero, none = np.zeros((1, 1)), np.zeros((1, 0))
    said = Prediction(zero, zero, zero, none, none, np.zeros((1, 1), np.uint8))
    lower, upper = unknown.interval(said, 0)
    assert (lower[0], upper[0]) == pytest.approx((-1.645, 1.645))  # as wide as the column


def test_a_column_of_few_cells_is_taken_together_with_the_others():
    encoded, said = made(200, error=0.5, spread=0.1)
    both = dataclasses.replace(encoded, numbers=np.hstack([encoded.numbers] * 2), known=np.hstack([encoded.known] * 2))
    said = dataclasses.replace(
        said,
        numbers=np.hstack([said.numbers] * 2),
        spread=np.hstack([said.spread] * 2),
        deviation=np.hstack([said.deviation] * 2),
        heard=np.hstack([said.heard] * 2),
    )
    held_out = np.ones(both.known.shape, bool)
    held_out[5:, 1] = False
    calibration = calibrate_numbers(both, np.arange(200), held_out, said)
    one, other = (np.subtract(*calibration.interval(said, column)[::-1]).mean() for column in (0, 1))
    assert other == pytest.approx(one, rel=0.1)


def test_arrays_of_a_calibration_are_its_own():
    unknown = NumberCalibration.unknown(3)
    parts = [unknown.floor, unknown.near_scale, unknown.spread_scale]
    assert not any(np.shares_memory(one, two) for one in parts for two in parts if one is not two)


def test_an_interval_that_rules_out_nothing_has_no_confidence_and_a_point_has_all():
    column = NumericEncoder.fit("n", np.linspace(0, 100, 1001), n_bins=20)
    widths = np.array([0.0, 45.0, 90.0, 500.0])
    confidence = confidence_of_interval(50 - widths / 2, 50 + widths / 2, column)
    assert confidence == pytest.approx([1.0, 0.5, 0.0, 0.0], abs=0.01)


def test_a_column_of_one_value_is_certain():
    column = NumericEncoder.fit("n", np.array([7.0, 7.0]), n_bins=4)
    assert confidence_of_interval(np.array([7.0]), np.array([7.0]), column).tolist() == [1.0]


def test_where_nine_tenths_are_one_value_the_whole_range_is_what_an_interval_rules_out():
    column = NumericEncoder.fit("discount", np.append(np.zeros(970), np.linspace(1, 80, 30)), n_bins=20)
    confidence = confidence_of_interval(np.zeros(3), np.array([0.0, 40.0, 100.0]), column)
    assert confidence == pytest.approx([1.0, 0.5, 0.0])


@given(st.integers(MIN_CELLS, 5_000))
def test_an_interval_of_n_cells_covers_a_further_one_as_often_as_is_promised(n_cells):
    scores = np.random.default_rng(n_cells).permutation(n_cells).astype(np.float64) + 1
    rank = -(-(n_cells + 1) * 9 // 10)  # of n + 1 that are alike the last lies within the first so many
    assert _conformal_quantile(scores) == min(rank, n_cells)


def test_intervals_of_filled_numbers_cover_about_nine_of_ten_truths():
    rng = np.random.default_rng(0)
    size = rng.normal(size=3_500)
    table = pd.DataFrame({"size": size, "price": 2 * size + rng.normal(size=3_500), "other": rng.normal(size=3_500)})
    fitted_on, new = table.iloc[:1_500], table.iloc[1_500:].reset_index(drop=True)
    share = 0.2
    imputer = quick_imputer(max_steps=300, d_hidden=32, validation_share=share).fit(fitted_on)
    holes = rng.random(new.shape) < share  # as the cells that were held out: of a row any, or several
    cells = imputer.impute(new.mask(holes)).cells
    assert len(cells) == holes.sum()
    truth = new.to_numpy()[holes]  # row by row, as the report
    covered = float(((cells["lower"] <= truth) & (truth <= cells["upper"])).mean())
    n_calibrated = share * fitted_on.size
    standard_error = math.sqrt(COVERAGE * (1 - COVERAGE) * (1 / len(cells) + 1 / n_calibrated))
    assert covered == pytest.approx(COVERAGE, abs=3 * standard_error)
    of_price = cells[cells["column"] == "price"]
    assert (of_price["upper"] - of_price["lower"]).mean() < table["price"].quantile(0.95) - table["price"].quantile(
        0.05
    )


def test_probabilities_of_filled_categories_are_about_as_often_right_as_they_say():
    rng = np.random.default_rng(0)
    right = rng.random(3_000) < 0.8  # what can be known of the kind is known in four of five rows
    size = rng.normal(size=3_000)
    table = pd.DataFrame({"size": size, "kind": np.where((size > 0) == right, "big", "small")})
    imputer = quick_imputer(max_steps=150, d_hidden=32).fit(table.iloc[:1_500])
    new = table.iloc[1_500:]
    cells = imputer.impute(new.assign(kind=None)).cells
    is_right = cells["value"].to_numpy(str) == new["kind"].to_numpy(str)
    standard_error = math.sqrt(0.8 * 0.2 / len(new))
    assert is_right.mean() == pytest.approx(0.8, abs=4 * standard_error)
    assert cells["confidence"].mean() == pytest.approx(is_right.mean(), abs=0.08)
