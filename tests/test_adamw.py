"""Steps of AdamW are those of torch's class, without what that imports."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from gain_impute.adamw import MOMENTS, AdamW


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def _descend(network: nn.Module, optimiser: AdamW | torch.optim.AdamW, seed: int) -> None:
    network.zero_grad(set_to_none=True)
    network(torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))).square().sum().backward()
    optimiser.step()


def test_steps_are_those_of_the_class_of_torch(network: nn.Module) -> None:
    reference = copy.deepcopy(network)
    matrices = [p for p in reference.parameters() if p.ndim > 1]
    vectors = [p for p in reference.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.3}, {"params": vectors, "weight_decay": 0.0}]
    expected, optimiser = (
        torch.optim.AdamW(groups, lr=0.1, fused=True),
        AdamW(network, learning_rate=0.1, weight_decay=0.3),
    )
    for step in range(5):
        optimiser.learning_rate = expected.param_groups[0]["lr"] = expected.param_groups[1]["lr"] = 0.1 / (step + 1)
        _descend(network, optimiser, step)
        _descend(reference, expected, step)
    for ours, theirs in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
        for moment in MOMENTS:
            torch.testing.assert_close(optimiser.state[ours][moment], expected.state[theirs][moment], rtol=0, atol=0)


def test_a_parameter_without_a_gradient_stays(network: nn.Module) -> None:
    still, moved = network[0].weight, network[2].weight
    still.requires_grad_(requires_grad=False)
    before = still.clone(), moved.detach().clone()
    optimiser = AdamW(network, learning_rate=0.1, weight_decay=0.3)
    _descend(network, optimiser, 0)
    assert torch.equal(still, before[0])
    assert still not in optimiser.state
    assert not torch.equal(moved, before[1])


def test_a_copy_goes_on_by_itself(network: nn.Module) -> None:
    optimiser = AdamW(network, learning_rate=0.1, weight_decay=0.3)
    _descend(network, optimiser, 0)
    twin, its_optimiser = copy.deepcopy((network, optimiser))
    _descend(network, optimiser, 1)
    weight = twin[0].weight.detach().clone()
    _descend(twin, its_optimiser, 1)
    assert not torch.equal(twin[0].weight, weight)
    assert torch.equal(twin[0].weight, network[0].weight)


def test_a_fit_imports_no_compiler() -> None:
    code = (
        "import sys, pandas as pd\n"
        "from gain_impute import GAINImputer\n"
        "table = pd.DataFrame({'a': [1.0, 2.0, None, 4.0] * 5, 'b': [2.0, 4.0, 6.0, 8.0] * 5})\n"
        "GAINImputer(max_steps=2).fit_transform(table)\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
