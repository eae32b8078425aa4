"""Muon: orthogonal updates of inner convolutions, Adam for the rest, and the same continuation from a checkpoint."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from explorer.models import create_model
from explorer.training.muon import Muon, is_inner, orthogonalised


@pytest.mark.parametrize("shape", [(16, 144), (144, 16), (40, 40)])
def test_singular_values_of_an_update_are_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 7
    values = torch.linalg.svdvals(orthogonalised(matrix).float())
    assert values.min() > 0.3 and values.max() < 1.3


def test_layers_next_to_the_picture_and_grouped_ones_are_adams() -> None:
    lynx = create_model("lynx", size="small")
    names = {name for name, module in lynx.named_modules() if is_inner(module)}
    assert "head" not in names and "tail" not in names
    assert "body.down.0" in names and "body.encoder.0.0.conv1" in names
    assert not is_inner(nn.Conv2d(64, 64, 3, groups=64))


def test_a_linear_layer_is_learnt() -> None:
    torch.manual_seed(0)
    target, net = (nn.Conv2d(16, 16, 3, padding=1) for _ in range(2))
    optimiser = Muon(net, 0.01, 0.01, decay=0.0)
    x = torch.randn(8, 16, 8, 8)
    first = None
    for _ in range(150):
        loss = (net(x) - target(x)).square().mean()
        first = first or loss.item()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert first is not None and loss.item() < 0.02 * first


def test_a_step_after_a_reload_is_the_same_step() -> None:
    torch.manual_seed(0)
    net = create_model("lynx", size="small")
    optimiser = Muon(net, 0.01, 0.001)
    x = torch.rand(1, 1, 32, 32)

    def step(n: nn.Module, o: torch.optim.Optimizer) -> None:
        o.zero_grad()
        n(x).square().mean().backward()
        o.step()

    step(net, optimiser)
    other = copy.deepcopy(net)
    resumed = Muon(other, 0.01, 0.001)
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    step(net, optimiser)
    step(other, resumed)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_a_parameter_without_a_gradient_stays() -> None:
    net = nn.Sequential(nn.Conv2d(16, 16, 1), nn.Conv2d(16, 16, 1))
    before = net[1].weight.clone()
    optimiser = Muon(net, 0.1, 0.1)
    net[0](torch.rand(1, 16, 2, 2)).sum().backward()
    optimiser.step()
    assert torch.equal(net[1].weight, before)
