"""The objective: each term is least where it should be, and zero where nothing is to be learned."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.losses import adversarial_loss, cell_losses, discriminator_loss, draw_losses, hint_for
from gain_impute.networks import Draw
from gain_impute.segments import Segments

NO_CLASSES = Segments(())
N_DRAWS = 200_000


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def numbers_only(numbers: torch.Tensor) -> Draw:
    return Draw(numbers, numbers.new_zeros((len(numbers), 0)))


def no_codes(n_rows: int) -> torch.Tensor:
    return torch.zeros(n_rows, 0, dtype=torch.int64)


def test_cell_losses_are_squared_errors_and_cross_entropies_cell_by_cell():
    best = Draw(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 0.0, math.log(3.0)]]))
    losses = cell_losses(best, torch.tensor([[3.0, -2.0]]), torch.tensor([[3]]), Segments((3,)))
    torch.testing.assert_close(losses, torch.tensor([[4.0, 0.0, math.log(5 / 3)]]))


def test_cell_losses_vanish_where_the_truth_is_said_with_certainty():
    best = Draw(torch.tensor([[0.5]]), torch.tensor([[100.0, 0.0]]))
    assert cell_losses(best, torch.tensor([[0.5]]), torch.tensor([[1]]), Segments((2,))).tolist() == [[0.0, 0.0]]


def energy_of(mean: float, spread: float) -> torch.Tensor:
    """Energy scores of draws from N(mean, spread²) where the truth is from N(0, 1)."""
    truth = torch.randn(N_DRAWS, 1)
    first, second = (numbers_only(mean + spread * torch.randn(N_DRAWS, 1)) for _ in range(2))
    return draw_losses(first, second, truth, no_codes(N_DRAWS), NO_CLASSES)[:, 0]


def test_the_energy_score_of_the_truth_is_what_theory_says():
    scores = energy_of(0, 1)
    standard_error = float(scores.std()) / math.sqrt(N_DRAWS)
    assert float(scores.mean()) == pytest.approx(1 / math.sqrt(math.pi), abs=4 * standard_error)


@pytest.mark.parametrize(("mean", "spread"), [(0, 0), (0, 0.5), (0, 1.6), (0.5, 1), (-0.5, 1), (0.3, 0.6)])
def test_the_energy_score_is_least_in_expectation_where_draws_are_spread_as_the_truth_is(mean, spread):
    right, wrong = energy_of(0, 1), energy_of(mean, spread)
    standard_error = math.sqrt(float(right.var() + wrong.var()) / N_DRAWS)
    assert float(wrong.mean() - right.mean()) > 4 * standard_error


def test_two_draws_that_agree_with_the_truth_cost_nothing():
    truth = torch.tensor([[1.5], [-2.0]])
    assert draw_losses(numbers_only(truth), numbers_only(truth), truth, no_codes(2), NO_CLASSES).tolist() == [
        [0.0],
        [0.0],
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.floats(-50, 50, width=32)] * 3), min_size=1, max_size=5))
def test_the_order_of_the_two_draws_does_not_matter_and_no_score_is_negative(triples):
    first, second, truth = torch.tensor(triples).split(1, dim=1)
    scores = draw_losses(numbers_only(first), numbers_only(second), truth, no_codes(len(truth)), NO_CLASSES)
    swapped = draw_losses(numbers_only(second), numbers_only(first), truth, no_codes(len(truth)), NO_CLASSES)
    torch.testing.assert_close(scores, swapped)
    assert bool((scores >= -1e-4).all())


def test_categories_are_scored_by_the_likelihood_of_the_mixture_of_both_draws():
    one, two = torch.tensor([[math.log(0.9), math.log(0.1)]]), torch.tensor([[math.log(0.2), math.log(0.8)]])
    empty = torch.zeros(1, 0)
    score = draw_losses(Draw(empty, one), Draw(empty, two), empty, torch.tensor([[1]]), Segments((2,)))
    torch.testing.assert_close(score, torch.tensor([[-math.log((0.9 + 0.2) / 2)]]))


def test_a_hint_is_a_half_or_the_truth():
    observed = (torch.rand(500, 20) < 0.7).float()
    hint, untold = hint_for(observed, 0.8)
    assert set(hint.unique().tolist()) == {0.0, 0.5, 1.0}
    assert torch.equal(hint[untold == 0], observed[untold == 0])
    assert bool((hint[untold == 1] == 0.5).all())
    share = 1 - float(untold.mean())
    assert share == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / observed.numel()))


@pytest.mark.parametrize(("hint_rate", "told"), [(0.0, False), (1.0, True)])
def test_hints_at_the_ends_of_their_rate_tell_nothing_or_all(hint_rate, told):
    observed = (torch.rand(50, 4) < 0.5).float()
    hint, untold = hint_for(observed, hint_rate)
    assert bool((untold == (0.0 if told else 1.0)).all())
    assert torch.equal(hint, observed if told else torch.full_like(observed, 0.5))


def test_the_discriminator_is_not_judged_where_the_hint_gives_the_answer_away():
    observed, judged = torch.tensor([[1.0, 0.0]]), torch.tensor([[-50.0, 0.0]])
    at = torch.tensor([[0.0, 1.0]])
    torch.testing.assert_close(discriminator_loss(judged, observed, at), torch.tensor(math.log(2)))
    assert discriminator_loss(judged, observed, torch.zeros(1, 2)) == 0


def test_the_discriminator_loss_falls_as_judgements_come_true():
    observed, at = torch.tensor([[1.0, 0.0]]), torch.ones(1, 2)
    losses = [float(discriminator_loss(torch.tensor([[x, -x]]), observed, at)) for x in (-2.0, 0.0, 2.0, 20.0)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(0, abs=1e-6)


def test_the_generator_pays_only_for_filled_cells_and_less_the_more_they_pass_for_observed():
    filled = torch.tensor([[1.0, 0.0]])
    losses = [float(adversarial_loss(torch.tensor([[x, -x]]), filled)) for x in (-2.0, 0.0, 2.0, 30.0)]
    assert losses == sorted(losses, reverse=True)
    assert losses[1] == pytest.approx(math.log(2))
    assert losses[-1] == pytest.approx(0, abs=1e-6)
    assert adversarial_loss(torch.tensor([[-5.0, 5.0]]), torch.zeros(1, 2)) == 0


def test_where_no_cell_counts_there_is_no_gradient_either():
    judged = torch.zeros(2, 2, requires_grad=True)
    (
        adversarial_loss(judged, torch.zeros(2, 2)) + discriminator_loss(judged, torch.zeros(2, 2), torch.zeros(2, 2))
    ).backward()
    assert judged.grad is not None
    assert not judged.grad.any()
