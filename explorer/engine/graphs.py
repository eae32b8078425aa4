"""Networks as OpenVINO graphs: converted once, rewritten where OpenVINO would move memory for nothing, kept on disk."""

from __future__ import annotations

import shutil
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer import unfinished
from explorer.engine.rewrites import split_concatenated_convolutions, split_shuffled_convolutions

if TYPE_CHECKING:
    import torch

    from explorer.models.base import RestorationNet
    from explorer.weights.store import LoadedModel

_FORMAT = 4  # of the cached graphs; raised when their layout or the networks' arithmetic changes


@cache
def openvino() -> Any:
    """The openvino module, without its telemetry, by which its converter reports every use to its maker."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


@cache
def core() -> Any:
    """OpenVINO's devices."""
    return openvino().Core()


def graph_folder() -> Path:
    """Where converted graphs are kept."""
    from platformdirs import user_cache_path

    return user_cache_path("lowlight-explorer", appauthor=False) / "openvino"


def as_tuple(net: RestorationNet) -> tuple[torch.nn.Module, list[str]]:
    """A module that gives a network's named maps as a tuple, which a graph can hold, and the list of their names,
    which every run fills."""
    import torch

    names: list[str] = []

    class Decomposed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            maps = self.net.decompose(x)
            names[:] = maps
            return tuple(maps.values())

    return Decomposed().eval(), names


def graph_of(model: LoadedModel) -> tuple[Any, list[str]]:
    """The network as an OpenVINO graph with free height and width, from the cache where it is there; and the names of
    its outputs."""
    import torch

    import explorer

    wrapped, names = as_tuple(model.net)
    side = model.net.size.padded(max(64, model.net.size.minimum))
    example = torch.zeros(1, model.net.input_channels, side, side)
    with model.lock, torch.inference_mode():
        wrapped(example)
    version = openvino().__version__.split("-")[0]
    stem = f"{model.identity.sha256[:32]}-{version}-{explorer.__version__}-{_FORMAT}"
    cached = graph_folder() / stem / "graph.xml"
    if model.identity.sha256 and cached.is_file():
        try:
            return core().read_model(cached), names
        except RuntimeError:  # a file damaged on disk; it is made anew below
            shutil.rmtree(cached.parent, ignore_errors=True)
    with model.lock:
        graph = converted(wrapped, example)
    if model.identity.sha256:
        _keep(graph, cached)
    return graph, names


def converted(module: torch.nn.Module, example: torch.Tensor) -> Any:
    """A module as a graph, by a trace of its run on an example."""
    import torch

    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch wants torch.export, OpenVINO reads traces faster
        traced = torch.jit.trace(module, example, check_trace=False)
        graph = openvino().convert_model(traced, example_input=example, extension=_own_operations())
    split_shuffled_convolutions(graph)
    split_concatenated_convolutions(graph)
    return graph


def give_channels_last(graph: Any) -> None:
    """Has a graph give its maps as N x H x W x C, as pictures lie in memory, instead of N x C x H x W."""
    layout = openvino().Layout
    steps = openvino().preprocess.PrePostProcessor(graph)
    for index in range(len(graph.outputs)):
        steps.output(index).model().set_layout(layout("NCHW"))
        steps.output(index).tensor().set_layout(layout("NHWC"))
    steps.build()


def _own_operations() -> list[Any]:
    """Pixel shuffles as the operations that they are: by itself, OpenVINO makes three of each, between which it changes
    the order of the whole map in memory and back."""
    openvino()
    import openvino.opset13 as ops
    from openvino.frontend.pytorch import ConversionExtension

    def moved(make: Any) -> Any:
        return lambda node: make(node.get_input(0), "depth_first", int(node.get_values_from_const_input(1))).outputs()

    return [
        ConversionExtension("aten::pixel_shuffle", moved(ops.depth_to_space)),
        ConversionExtension("aten::pixel_unshuffle", moved(ops.space_to_depth)),
    ]


def _keep(graph: Any, path: Path) -> None:
    """Writes a graph into the cache, whole or not at all; a cache that cannot be written is done without."""
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        unfinished.clear_up(path.parent.parent)
        work = unfinished.beside(path.parent)
        work.mkdir()
    except OSError:
        return
    try:
        openvino().save_model(graph, work / path.name, compress_to_fp16=False)
        work.rename(path.parent)
    except (OSError, RuntimeError):  # full disk, or another process was first
        pass
    finally:
        unfinished.remove(work)
