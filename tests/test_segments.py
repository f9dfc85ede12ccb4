"""The logits of all columns side by side do what a loop over the columns would do."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from gain_impute.segments import Segments

LAW = settings(deadline=None, max_examples=50)
sizes_and_seed = st.tuples(st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple), st.integers(0, 999))


def made(sizes: tuple[int, ...], seed: int, n_rows: int = 7, scale: float = 3.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (n_rows, V) and 1-based codes (n_rows, C)."""
    generator = torch.Generator().manual_seed(seed)
    codes = [torch.randint(1, size + 1, (n_rows,), generator=generator) for size in sizes]
    return scale * torch.randn(n_rows, sum(sizes), generator=generator), torch.stack(codes, 1)


@LAW
@given(sizes_and_seed)
def test_cross_entropy_is_that_of_torch_column_by_column(drawn):
    sizes, seed = drawn
    logits, codes = made(sizes, seed)
    parts = torch.split(logits, list(sizes), dim=1)
    expected = [
        torch.nn.functional.cross_entropy(part, codes[:, i] - 1, reduction="none") for i, part in enumerate(parts)
    ]
    found = Segments(sizes).cross_entropy(logits, codes)
    torch.testing.assert_close(found, torch.stack(expected, 1))


def test_cross_entropy_has_the_gradient_of_torch():
    logits, codes = made((3, 2), 0)
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    Segments((3, 2)).cross_entropy(ours, codes).sum().backward()
    for i, part in enumerate(torch.split(theirs, [3, 2], dim=1)):
        torch.nn.functional.cross_entropy(part, codes[:, i] - 1, reduction="sum").backward(retain_graph=True)
    torch.testing.assert_close(ours.grad, theirs.grad)


@LAW
@given(sizes_and_seed)
def test_probabilities_of_each_column_sum_to_one(drawn):
    sizes, seed = drawn
    logits, _ = made(sizes, seed)
    segments = Segments(sizes)
    probabilities = torch.exp(logits - segments.spread(segments.log_partition(logits)))
    sums = torch.stack([part.sum(1) for part in torch.split(probabilities, list(sizes), dim=1)], 1)
    torch.testing.assert_close(sums, torch.ones_like(sums))


def test_logits_far_apart_overflow_nothing():
    logits = torch.tensor([[1e4, -1e4, 0.0, 88.0, 89.0]])
    loss = Segments((3, 2)).cross_entropy(logits, torch.tensor([[1, 2]]))
    assert torch.isfinite(loss).all()
    assert loss[0, 0] == 0
    # a column with low logits beside one with high logits keeps its own scale
    apart = Segments((2, 2)).cross_entropy(torch.tensor([[500.0, 0.0, -500.0, -500.0]]), torch.tensor([[1, 1]]))
    torch.testing.assert_close(apart, torch.tensor([[0.0, np.log(2)]], dtype=torch.float32))


@LAW
@given(sizes_and_seed)
def test_one_hot_puts_one_in_each_known_column_and_zeros_in_an_unknown_one(drawn):
    sizes, seed = drawn
    _, codes = made(sizes, seed)
    codes[0] = 0
    rows = Segments(sizes).one_hot(codes)
    for i, part in enumerate(torch.split(rows, list(sizes), dim=1)):
        expected = torch.nn.functional.one_hot(codes[1:, i] - 1, sizes[i]).float()
        torch.testing.assert_close(part[1:], expected)
        assert part[0].sum() == 0


@LAW
@given(sizes_and_seed)
def test_a_sample_is_one_category_of_each_column(drawn):
    sizes, seed = drawn
    logits, _ = made(sizes, seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sample = Segments(sizes).sample(logits)
    for part in torch.split(sample, list(sizes), dim=1):
        torch.testing.assert_close(part.sum(1), torch.ones(len(part)))
        torch.testing.assert_close(part.max(1).values, torch.ones(len(part)))


def test_samples_come_as_often_as_the_logits_say():
    probabilities = torch.tensor([[0.6, 0.3, 0.1, 0.2, 0.8]])
    n_draws = 20_000
    with torch.random.fork_rng():
        torch.manual_seed(0)
        counts = Segments((3, 2)).sample(probabilities.log().expand(n_draws, -1)).round().sum(0).numpy()
    for column in (slice(0, 3), slice(3, 5)):
        expected = probabilities[0, column].numpy().astype(float)
        assert chisquare(counts[column], n_draws * expected / expected.sum()).pvalue > 0.001


def test_a_sample_has_the_gradient_of_the_softmax():
    logits = torch.zeros(4, 5, requires_grad=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        (Segments((3, 2)).sample(logits) * torch.arange(5.0)).sum().backward()
    assert logits.grad is not None
    assert bool((logits.grad != 0).all())
    sums = torch.stack([part.sum(1) for part in torch.split(logits.grad, [3, 2], dim=1)])
    torch.testing.assert_close(sums, torch.zeros_like(sums), atol=1e-6, rtol=0)


def test_spread_gives_each_logit_the_value_of_its_column():
    spread = Segments((1, 3, 2)).spread(torch.tensor([[10.0, 20.0, 30.0]]))
    assert spread.tolist() == [[10.0, 20.0, 20.0, 20.0, 30.0, 30.0]]


def test_a_table_without_categories_has_empty_segments():
    segments = Segments(())
    logits, codes = torch.zeros(3, 0), torch.zeros(3, 0, dtype=torch.int64)
    assert segments.cross_entropy(logits, codes).shape == (3, 0)
    assert segments.sample(logits).shape == (3, 0)
    assert segments.one_hot(codes).shape == (3, 0)
