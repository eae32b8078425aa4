"""Rewritten parts of a converted graph compute the same."""

from __future__ import annotations

import importlib.util
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from explorer.engine import backends, graphs, rewrites
from explorer.models import create_model

if importlib.util.find_spec("openvino") is None:
    pytest.skip("OpenVINO is not installed", allow_module_level=True)


def kinds(graph: Any) -> Counter[str]:
    return Counter(node.get_type_name() for node in graph.get_ordered_ops())


def result(graph: Any, x: torch.Tensor) -> torch.Tensor:
    compiled = graphs.core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return torch.from_numpy(compiled([x.numpy()])[0])


class Shuffled(nn.Module):
    """A grouped convolution of the channels of several maps, taken in turn."""

    def __init__(self, maps: int, channels: int, groups: int, axis: int = 2) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Conv2d(3, channels, 1) for _ in range(maps))
        self.grouped = nn.Conv2d(maps * channels, 2 * groups, 3, padding=1, groups=groups)
        self.axis = axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.grouped(torch.stack([conv(x) for conv in self.maps], self.axis).flatten(1, 2))


@pytest.mark.parametrize(
    ("maps", "channels", "groups", "axis", "split"),
    [
        (2, 8, 4, 2, 1),
        (3, 6, 2, 2, 1),
        (2, 8, 4, 1, 0),  # one map after the other: no shuffle
        (2, 9, 6, 2, 0),  # three channels a group cannot be taken from two maps alike
    ],
)
def test_channel_shuffles_are_done_without(maps: int, channels: int, groups: int, axis: int, split: int) -> None:
    torch.manual_seed(0)
    net = Shuffled(maps, channels, groups, axis).eval()
    x = torch.rand(1, 3, 17, 23)
    graph = graphs.converted(net, torch.rand(1, 3, 16, 16))
    assert kinds(graph)["GroupConvolution"] == (maps if split else 1)
    with torch.inference_mode():
        assert torch.allclose(result(graph, x), net(x), atol=1e-5)
    assert rewrites.split_shuffled_convolutions(graph) == 0


class Joined(nn.Module):
    """A convolution of maps one after the other, which something else may use too."""

    def __init__(self, channels: tuple[int, ...], bias: bool, shared: bool) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Conv2d(3, n, 1) for n in channels)
        self.convolution = nn.Conv2d(sum(channels), 8, 3, stride=2, padding=1, bias=bias)
        self.shared = shared

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        joined = torch.cat([conv(x) for conv in self.maps], 1)
        result = torch.relu(self.convolution(joined))
        return result + joined.mean() if self.shared else result


@pytest.mark.parametrize(
    ("channels", "bias", "shared", "split"),
    [
        ((8, 8), True, False, 1),
        ((4, 8, 12), True, False, 1),
        ((8, 4), False, False, 1),
        ((8, 3), True, False, 0),  # three channels would leave lanes empty
        ((8, 8), True, True, 0),  # the concatenation is needed anyway
    ],
)
def test_concatenations_are_done_without(channels: tuple[int, ...], bias: bool, shared: bool, split: int) -> None:
    torch.manual_seed(0)
    net = Joined(channels, bias, shared).eval()
    x = torch.rand(1, 3, 17, 23)
    graph = graphs.converted(net, torch.rand(1, 3, 16, 16))
    assert kinds(graph)["Concat"] == 1 - split
    with torch.inference_mode():
        assert torch.allclose(result(graph, x), net(x), atol=1e-5)
    assert rewrites.split_concatenated_convolutions(graph) == 0


class Dense(nn.Module):
    """A dense block: every layer is fed with all maps before it, the middle ones through an activation."""

    def __init__(self, activation: nn.Module, growth: int = 8) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(8 + growth * k, growth, 3, padding=1, bias=k == 1) for k in range(4))
        self.fuse = nn.Conv2d(8 + 4 * growth, 4, 1)
        self.first = nn.Conv2d(3, 8, 1)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = self.first(x)
        for k, layer in enumerate(self.layers):
            state = torch.cat([state, layer(self.activation(state) if k in (1, 2) else state)], 1)
        return self.fuse(state)


@pytest.mark.parametrize(
    ("activation", "growth", "concatenations"),
    [
        (nn.LeakyReLU(0.2), 8, 0),
        (nn.ReLU(), 8, 0),
        (nn.Sigmoid(), 8, 2),  # not known to act on each channel: what it sees stays, and so does what that is made of
        (nn.LeakyReLU(0.2), 6, 4),
    ],
)
def test_dense_blocks_copy_nothing(activation: nn.Module, growth: int, concatenations: int) -> None:
    torch.manual_seed(0)
    net = Dense(activation, growth).eval()
    x = torch.randn(1, 3, 17, 23)
    graph = graphs.converted(net, torch.rand(1, 3, 16, 16))
    assert kinds(graph)["Concat"] == concatenations
    if concatenations == 0:  # of the first map, and of those of the first two layers
        assert kinds(graph)["PRelu"] + kinds(graph)["Relu"] == 3
    with torch.inference_mode():
        assert torch.allclose(result(graph, x), net(x), atol=1e-5)


def test_lamba_networks_copy_nothing() -> None:
    for name in ("lamba_m0", "lamba_m1", "lamba_m2"):
        module, _ = graphs.as_tuple(create_model(name))
        assert kinds(graphs.converted(module, torch.rand(1, 1, 64, 64)))["Concat"] == 0


def test_a_u_nets_skips_are_not_copied() -> None:
    module, _ = graphs.as_tuple(create_model("sid_unet", width=4))
    assert kinds(graphs.converted(module, torch.rand(1, 4, 32, 32)))["Concat"] == 0


def test_a_folded_mosaic_is_moved_by_single_operations() -> None:
    torch.manual_seed(0)
    net = create_model("lamba_m0")
    module, _ = graphs.as_tuple(net)
    graph = graphs.converted(module, torch.rand(1, 1, 64, 64))
    found = kinds(graph)
    assert found["SpaceToDepth"] >= 3 and found["DepthToSpace"] == 3
    assert found["Transpose"] == 0
    x = torch.rand(1, 1, 96, 160)
    with torch.inference_mode():
        assert float((result(graph, x) - net(x)).abs().max()) < 1e-5


class Compiled:
    """A compiled network that counts how often it was told to free its memory."""

    def __init__(self, busy: bool = False) -> None:
        self.busy, self.freed = busy, 0

    def release_memory(self) -> None:
        if self.busy:
            raise RuntimeError("in a busy state")
        self.freed += 1


def test_only_the_last_network_holds_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: Compiled(busy=name == "b") for name in "abc"}
    keys: dict[str, Any] = {name: ((name, "float32", 0, True), None) for name in made}
    monkeypatch.setattr(backends, "_COMPILED", {keys[name]: each for name, each in made.items()})
    monkeypatch.setattr(backends, "_HOLDING", set())
    for name in ("a", "a", "b", "c"):
        backends._give_back_all_but(keys[name])
    assert {name: each.freed for name, each in made.items()} == {"a": 1, "b": 0, "c": 0}
    made["b"].busy = False
    backends._give_back_all_but(keys["c"])
    assert made["b"].freed == 1


def test_memory_of_a_real_network_is_given_back_and_taken_again() -> None:
    graph = graphs.converted(nn.Conv2d(1, 4, 3), torch.rand(1, 1, 16, 16))
    compiled = graphs.core().compile_model(graph, "CPU")
    request = compiled.create_infer_request()
    x = np.ones((1, 1, 32, 32), np.float32)
    first = request.infer([x])[0].copy()
    compiled.release_memory()
    assert np.array_equal(request.infer([x])[0], first)
