"""What training goes on from is carried over whole: into a folder, and into a network with more categories."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from gain_impute.batches import TensorTable
from gain_impute.config import GAINConfig
from gain_impute.encoding.table import EncodedTable, TableEncoder
from gain_impute.schema import infer_schema
from gain_impute.sessions import torch_session
from gain_impute.state import TrainingState
from gain_impute.training import nothing_held_out, train
from tests.strategies import shop_table

CPU = torch.device("cpu")
CONFIG = GAINConfig(d_hidden=16, n_blocks=1, dropout=0.0)


@pytest.fixture
def encoder() -> TableEncoder:
    table = shop_table()
    return TableEncoder.fit(table, infer_schema(table), n_bins=CONFIG.n_bins, n_buckets=64)


def edges_of(encoder: TableEncoder) -> np.ndarray:
    return np.stack([column.edges for column in encoder.numbers.values()])


@pytest.fixture
def encoded(encoder) -> EncodedTable:
    return encoder.encode(shop_table())[0]


@pytest.fixture
def state(encoder, encoded) -> TrainingState:
    with torch_session(1, 0, CPU):
        state = TrainingState.new(encoder.layout, edges_of(encoder), CONFIG, CPU)
        table = TensorTable.from_encoded(encoded, encoder.layout, CPU)
        train(state, table, nothing_held_out(table.known), CONFIG, n_steps=4)
    return state


def taken_in(tensors: dict[str, torch.Tensor], encoder: TableEncoder) -> TrainingState:
    return TrainingState.from_tensors(tensors, encoder.layout, edges_of(encoder), CONFIG, CPU)


def test_every_tensor_has_a_name_and_memory_of_its_own(state):
    tensors = state.tensors()
    owners = {name.partition(".")[0] for name in tensors}
    assert owners == {"generator", "averaged", "discriminator", "generator_optimiser", "discriminator_optimiser"}
    assert len({tensor.data_ptr() for tensor in tensors.values() if tensor.numel()}) == sum(
        tensor.numel() > 0 for tensor in tensors.values()
    )


def test_what_was_taken_out_goes_in_again(state, encoder):
    tensors = {name: tensor.clone() for name, tensor in state.tensors().items()}
    loaded = taken_in(tensors, encoder).tensors()
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert not {tensor.data_ptr() for tensor in loaded.values()} & {tensor.data_ptr() for tensor in tensors.values()}


def test_to_take_tensors_in_leaves_torchs_generator_alone_and_nothing_nowhere(state, encoder):
    before = torch.get_rng_state()
    loaded = taken_in(state.tensors(), encoder)
    assert torch.equal(torch.get_rng_state(), before)
    networks = loaded.networks().items()
    for owner, network in networks:
        for name, buffer in network.named_buffers():
            assert torch.equal(buffer, dict(state.networks()[owner].named_buffers())[name])
    assert [p.requires_grad for _, network in networks for p in network.parameters()] == [
        p.requires_grad for network in state.networks().values() for p in network.parameters()
    ]


def test_a_tensor_that_is_missing_or_of_another_shape_is_an_error(state, encoder):
    tensors = dict(state.tensors())
    with pytest.raises(KeyError, match="head"):
        taken_in({name: tensor for name, tensor in tensors.items() if name != "generator.head.weight"}, encoder)
    with pytest.raises(RuntimeError, match="size mismatch"):
        taken_in(tensors | {"generator.head.weight": torch.zeros(1, 1)}, encoder)


def grown(state: TrainingState, encoder: TableEncoder) -> tuple[TrainingState, TableEncoder]:
    more = shop_table().assign(kind="kettle", colour=pd.Categorical(["mauve"] * 80))
    extended = encoder.extend(more)
    with torch_session(1, 9, CPU):
        return state.grow(extended.layout, edges_of(extended), CONFIG), extended


def test_room_for_new_categories_changes_nothing_that_is_said_of_the_old_ones(state, encoder, encoded):
    after, extended = grown(state, encoder)
    rows = torch.arange(encoded.n_rows)
    said = {}
    with torch.no_grad(), torch_session(1, 0, CPU):
        for name, owner, layout in (("before", state, encoder.layout), ("after", after, extended.layout)):
            table = TensorTable.from_encoded(encoded, layout, CPU)
            said[name], _ = table.read(owner.averaged, rows, table.known)
    torch.testing.assert_close(said["after"].numbers, said["before"].numbers)
    for old, new in zip(encoder.layout.class_slices, extended.layout.class_slices, strict=True):
        n_old = old.stop - old.start
        torch.testing.assert_close(said["after"].logits[:, new][:, :n_old], said["before"].logits[:, old])
    assert said["after"].logits.shape[1] == said["before"].logits.shape[1] + 2


def test_growing_carries_over_moments_steps_and_seconds(state, encoder):
    after, _ = grown(state, encoder)
    assert (after.n_steps, after.elapsed_s) == (state.n_steps, state.elapsed_s)
    before, now = state.tensors(), after.tensors()
    assert now.keys() == before.keys()
    carried = [name for name in before if "optimiser" in name]
    assert carried
    for name in carried:
        assert float(now[name].double().sum()) == pytest.approx(float(before[name].double().sum()), rel=1e-4, abs=1e-7)


def test_what_goes_on_is_a_copy_with_parameters_of_its_own(state, encoder):
    config = dataclasses.replace(CONFIG, weight_decay=0.5)
    after = state.grow(encoder.layout, edges_of(encoder), config)
    before, now = state.tensors(), after.tensors()
    assert after.config == config
    assert now.keys() == before.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(now[name], tensor, rtol=0, atol=0)
        assert tensor.numel() == 0 or now[name].data_ptr() != tensor.data_ptr()


def test_a_weight_decay_falls_on_matrices_only(encoder):
    with torch_session(1, 0, CPU):
        config = dataclasses.replace(CONFIG, weight_decay=0.5)
        state = TrainingState.new(encoder.layout, edges_of(encoder), config, CPU)
    before = [parameter.detach().clone() for parameter in state.generator.parameters()]
    for parameter in state.generator.parameters():
        parameter.grad = torch.zeros_like(parameter)
    state.generator_optimiser.step()
    kept = 1 - config.learning_rate * config.weight_decay
    for was, parameter in zip(before, state.generator.parameters(), strict=True):
        torch.testing.assert_close(parameter.detach(), was * kept if was.ndim >= 2 else was)


def test_the_averaged_network_is_not_trained(state):
    assert not any(parameter.requires_grad for parameter in state.averaged.parameters())
    assert not state.averaged.training
