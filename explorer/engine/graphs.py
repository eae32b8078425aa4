"""Networks as OpenVINO graphs: converted once, rewritten to avoid needless copies of memory, cached on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sys
import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import explorer
from explorer import atomic
from explorer.engine.memory import bytes_per_sample
from explorer.engine.rewrites import split_concatenated_convolutions, split_shuffled_convolutions
from explorer.errors import ModelNotFoundError
from explorer.messages import say
from explorer.models.registry import architecture
from explorer.models.traits import Traits, traits_from, traits_of

if TYPE_CHECKING:
    import torch

    from explorer.models.base import RestorationNet
    from explorer.weights.config import WeightsConfig
    from explorer.weights.store import LoadedModel

LOG = logging.getLogger(__name__)

_GRAPH, _ABOUT = "graph.xml", "network.json"
_FORMAT = 5  # version of the cached graphs, raised when their layout or the networks' arithmetic changes


@cache
def openvino() -> Any:
    """Imports openvino without its telemetry, by which its converter reports every use to its maker."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


@cache
def core() -> Any:
    """Returns OpenVINO's core object."""
    return openvino().Core()


def graph_folder() -> Path:
    """Returns the folder of converted graphs."""
    from platformdirs import user_cache_path

    return user_cache_path("lowlight-explorer", appauthor=False) / "openvino"


def as_tuple(net: RestorationNet) -> tuple[torch.nn.Module, list[str]]:
    """Returns a module that outputs a network's named maps as a tuple, which a graph can represent, and the list of
    their names, which every run fills."""
    import torch

    names: list[str] = []

    class Decomposed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            maps = self.net.forward_intermediates(x)
            names[:] = maps
            return tuple(maps.values())

    return Decomposed().eval(), names


def _place_of(sha256: str, config: WeightsConfig) -> Path:
    """Returns the folder of a graph, by everything that determines the network and its conversion. Works without torch
    and OpenVINO."""
    made = json.dumps([sha256, config.architecture, config.options], sort_keys=True)
    name = hashlib.sha256(made.encode()).hexdigest()[:32]
    return graph_folder() / f"{name}-{version('openvino')}-{explorer.__version__}-{_FORMAT}"


def _about(place: Path) -> dict[str, Any] | None:
    """Reads the data stored next to a graph; None if there are none, or if they cannot be read."""
    try:
        data = json.loads((place / _ABOUT).read_text())
        return {"outputs": [str(each) for each in data["outputs"]], "traits": data["traits"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def known_traits(sha256: str, config: WeightsConfig) -> Traits | None:
    """Returns the stored traits of the network of such weights; None if there are none, or if the engine needs the
    network itself."""
    try:
        place = _place_of(sha256, config)
        about = _about(place)
        if about is None or about["traits"] is None or not (place / _GRAPH).is_file():
            return None
        return traits_from(about["traits"], architecture(config.architecture))
    except (ValueError, KeyError, TypeError, PackageNotFoundError, ModelNotFoundError):
        return None


def is_kept(model: LoadedModel) -> bool:
    """True if a model's graph is in the cache, or never will be: the weights are no file's."""
    sha256 = model.identity.sha256
    return not sha256 or (_place_of(sha256, model.config) / _GRAPH).is_file()


def graph_of(model: LoadedModel) -> tuple[Any, list[str]]:
    """Returns the network as an OpenVINO graph with free height and width, from the cache if possible, and the names of
    its outputs."""
    sha256 = model.identity.sha256
    place = _place_of(sha256, model.config) if sha256 else None
    if place is not None and place.is_dir():
        about = _about(place)
        try:
            if about is not None:
                return core().read_model(place / _GRAPH), about["outputs"]
        except RuntimeError:  # a file damaged on disk; it is recreated below
            pass
        shutil.rmtree(place, ignore_errors=True)
    if place is not None:
        LOG.info(say("note.converting", model=model.name))
    import torch

    wrapped, names = as_tuple(model.net)
    side = model.net.size.padded(max(64, model.net.size.minimum))
    example = torch.zeros(1, model.net.input_channels, side, side)
    with model.lock, torch.inference_mode():
        wrapped(example)
    with model.lock:
        graph = converted(wrapped, example)
    if place is not None:
        traits = traits_of(model.net, bytes_per_sample(model.net, model.net.input_channels))
        _keep(graph, place, {"outputs": names, "traits": traits and traits.as_data()})
    return graph, names


def converted(module: torch.nn.Module, example: torch.Tensor) -> Any:
    """Converts a module to a graph by tracing its run on an example."""
    import torch

    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # OpenVINO reads traces faster than torch.export
        traced = torch.jit.trace(module, example, check_trace=False)
        graph = openvino().convert_model(traced, example_input=example, extension=_own_operations())
    split_shuffled_convolutions(graph)
    split_concatenated_convolutions(graph)
    return graph


def give_channels_last(graph: Any) -> None:
    """Makes a graph output its maps as N x H x W x C, the memory order of pictures, instead of N x C x H x W."""
    layout = openvino().Layout
    steps = openvino().preprocess.PrePostProcessor(graph)
    for index in range(len(graph.outputs)):
        steps.output(index).model().set_layout(layout("NCHW"))
        steps.output(index).tensor().set_layout(layout("NHWC"))
    steps.build()


def _own_operations() -> list[Any]:
    """Converts pixel shuffles to single operations: by default, OpenVINO makes three of each and reorders the whole map
    in memory between them."""
    openvino()
    import openvino.opset13 as ops
    from openvino.frontend.pytorch import ConversionExtension

    def moved(make: Any) -> Any:
        return lambda node: make(node.get_input(0), "depth_first", int(node.get_values_from_const_input(1))).outputs()

    return [
        ConversionExtension("aten::pixel_shuffle", moved(ops.depth_to_space)),
        ConversionExtension("aten::pixel_unshuffle", moved(ops.space_to_depth)),
    ]


def _keep(graph: Any, place: Path, about: dict[str, Any]) -> None:
    """Writes a graph and its facts into the cache, atomically; does nothing if the cache cannot be written."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic.clear_up(place.parent)
        work = atomic.beside(place)
        work.mkdir()
    except OSError:
        return
    try:
        openvino().save_model(graph, work / _GRAPH, compress_to_fp16=False)
        (work / _ABOUT).write_text(json.dumps(about))
        work.rename(place)
    except (OSError, RuntimeError):  # the disk is full, or another process was first
        pass
    finally:
        atomic.remove(work)
