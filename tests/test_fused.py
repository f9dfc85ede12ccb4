"""The rearranged generator says what the generator says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gain_impute import GAINImputer
from gain_impute.fused import FusedGenerator
from gain_impute.networks import Generator

D_TEXT, N_ROWS = 6, 40


def made(
    n_numbers: int, class_sizes: tuple[int, ...], n_texts: int, *, n_bins: int = 5, n_blocks: int = 2
) -> Generator:
    """An untrained generator whose every weight matters; some of its knots coincide."""
    torch.manual_seed(n_numbers + n_texts)
    edges = torch.randn(n_numbers, n_bins + 1).sort(dim=1).values
    edges[:, 2:4] = edges[:, 2:3]
    generator = Generator(
        edges,
        class_sizes,
        (8,) * n_texts,
        d_hidden=16,
        n_blocks=n_blocks,
        dropout=0.5,
        d_text=D_TEXT,
        d_noise=3,
    )
    torch.nn.init.normal_(generator.skip)
    return generator.eval().requires_grad_(requires_grad=False)


def rows(generator: Generator, class_sizes: tuple[int, ...], n_texts: int) -> tuple:
    """Rows with hidden cells; the first ones stand on the knots, and beyond the outermost."""
    n, edges = generator.n_numbers, generator.pieces.edges
    numbers = 2 * torch.randn(N_ROWS, n)
    numbers[: edges.shape[1]] = edges.T
    numbers[edges.shape[1] : edges.shape[1] + 2] = torch.tensor([[-9.0], [9.0]])
    columns = [torch.randint(0, size + 1, (N_ROWS,)) for size in class_sizes]
    codes = torch.stack(columns, dim=1) if columns else torch.zeros(N_ROWS, 0, dtype=torch.long)
    visible = torch.cat([(torch.rand(N_ROWS, n) < 0.8).float(), (codes > 0).float()], dim=1)
    return numbers * visible[:, :n], codes, visible, [torch.randn(N_ROWS, D_TEXT) for _ in range(n_texts)]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 4), st.lists(st.integers(1, 6), max_size=3).map(tuple), st.integers(0, 2), st.integers(0, 2))
def test_says_what_the_generator_says(n_numbers, class_sizes, n_texts, n_blocks):
    assume(n_numbers + len(class_sizes) > 0)
    generator = made(n_numbers, class_sizes, n_texts, n_blocks=n_blocks)
    asked = rows(generator, class_sizes, n_texts)
    expected, expected_features = generator(*asked)
    found, features = FusedGenerator(generator)(*asked)
    torch.testing.assert_close(found.numbers, expected.numbers, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.logits, expected.logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(features, expected_features, rtol=1e-4, atol=1e-4)


def test_leaves_what_it_was_given_as_it_is():
    generator = made(2, (3,), 1)
    asked = rows(generator, (3,), 1)
    before = [asked[0].clone(), asked[1].clone(), asked[2].clone(), asked[3][0].clone()]
    weights = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    first = FusedGenerator(generator)(*asked)[0]
    again = FusedGenerator(generator)(*asked)[0]
    torch.testing.assert_close(again.numbers, first.numbers, rtol=0, atol=0)
    for tensor, was in zip([*asked[:3], *asked[3]], before, strict=True):
        torch.testing.assert_close(tensor, was, rtol=0, atol=0)
    for name, tensor in generator.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=0, atol=0)


def test_follows_weights_that_were_trained_on():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    table = pd.DataFrame({"x": x, "y": 2 * x, "z": -x})
    table.loc[rng.random(200) < 0.3, "y"] = np.nan
    imputer = GAINImputer(max_steps=20, n_trees=0, random_state=0, round_to_grid=False).fit(table)
    before = imputer.transform(table)
    used = imputer.state_.members[0].training.fused
    imputer.partial_fit(table)
    assert imputer.state_.members[0].training.fused is not used
    assert not imputer.transform(table).equals(before)
