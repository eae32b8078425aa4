"""Backends with one interface: torch as the reference, OpenVINO on CPUs, CUDA on GPUs."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from explorer.engine import graphs
from explorer.engine.threads import limit_torch, thread_limit
from explorer.errors import ExplorerError
from explorer.machine import after_fork, flush_denormals, forked_from_cuda, new_lock

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from explorer.models.base import TilePosition
    from explorer.weights.store import LoadedModel

_PRECISIONS = {"torch": ("float32",), "openvino": ("float32", "bfloat16"), "cuda": ("bfloat16", "float32")}
_HINTS = {"float32": "f32", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Backend:
    """A model ready to run."""

    name: str
    """"torch", "openvino" or "cuda"."""
    device: str
    precision: str
    """"float32" or "bfloat16"."""
    run: Callable[..., dict[str, torch.Tensor]] = field(repr=False)
    """Maps 1 x C x H x W float32 on the CPU (of an allowed size) to named N x C' x H' x W' maps, also on the CPU. The
    caller owns the maps. Adds to `clock`. Torch and CUDA also take a tile's `TilePosition`."""
    clock: list[float] = field(default_factory=lambda: [0.0], repr=False)
    """Total seconds of `run` so far."""
    run_array: Callable[..., dict[str, NDArray[np.float32]]] | None = field(default=None, repr=False)
    """The same on arrays, if that is possible without torch."""


def available_backends() -> list[str]:
    """Returns the backends that work on this machine, in order of preference."""
    found = ["cuda"] if not forked_from_cuda() and _gpu_there() else []
    if not _GONE and importlib.util.find_spec("openvino") is not None:
        found.append("openvino")
    return [*found, "torch"]


@cache
def _driver_there() -> bool:
    """True if this machine has a GPU driver that torch could use, checked without torch."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return Path("/dev/kfd").exists()  # AMD's
    return True


def _gpu_there() -> bool:
    if "torch" not in sys.modules and not _driver_there():
        return False
    import torch

    return torch.cuda.is_available()


def check_backend(wanted: str) -> tuple[str, str | None]:
    """Splits "name" or "name:precision" and checks both; does not check whether the backend works here.

    Raises:
        ExplorerError: unknown backend or precision.
    """
    name, _, precision = wanted.partition(":")
    known = ["auto", *(n if p is None else f"{n}:{p}" for n, ps in _PRECISIONS.items() for p in (None, *ps))]
    if wanted not in known:
        raise ExplorerError(f"There is no backend {wanted!r}; choose one of {', '.join(known)}.")
    return name, precision or None


Offer = Callable[["LoadedModel", str], "Backend | None"]
_OFFERS: list[Offer] = []


def register_backend(offer: Offer) -> None:
    """Adds a backend that is tried before all others, for the lifetime of the process.

    Args:
        offer: called with a model and the wanted backend's name; returns a backend, or None to leave the model to
            others.
    """
    _OFFERS.append(offer)


def choose_backend(
    model: LoadedModel, wanted: str = "auto", *, image_only: bool = False, tiled: bool = False
) -> Backend:
    """Chooses a backend for a model.

    Args:
        wanted: "auto" (or the environment's EXPLORER_BACKEND) prefers CUDA, then OpenVINO, then torch, each in the
            hardware's fastest precision, or in float32 if a network needs it. "torch", "openvino" and "cuda" choose a
            backend, "openvino:float32" also a precision. Classical methods always run on torch; without CUDA, so do
            networks that OpenVINO cannot compute.
        image_only: backends may leave out the intermediates.
        tiled: the picture will be cut into tiles. Then networks that need a tile's position run on torch, because a
            converted graph has no such input.

    Raises:
        ExplorerError: the wanted backend is unknown, or not available here.
    """
    for offer in _OFFERS:
        if (offered := offer(model, wanted)) is not None:
            return offered
    if wanted == "auto":
        wanted = os.environ.get("EXPLORER_BACKEND", "") or "auto"
    name, precision = check_backend(wanted)
    if not model.architecture.needs_weights:
        return torch_backend(model)
    if not model.traits.exports and name in ("auto", "openvino"):
        name, precision = "cuda" if "cuda" in available_backends() else "torch", None
    options = available_backends()
    if name == "auto":
        name = options[0]
    if (name == "openvino" and _GONE) or (name == "cuda" and forked_from_cuda()):
        raise ExplorerError(
            f"The backend {name!r} cannot be used in a process that was forked after its first use; start processes "
            "with the method spawn, or use torch."
        )
    if name not in options:
        raise ExplorerError(f"The backend {name!r} is not available here; choose one of {', '.join(options)}.")
    if name == "openvino" and tiled and model.traits.needs_tile_position:
        return torch_backend(model)
    least = "float32" if model.traits.needs_float32 else None
    if name == "openvino":
        if precision == "bfloat16" and _precision() != "bfloat16":
            raise ExplorerError("This processor has no bfloat16 arithmetic; use openvino:float32.")
        return openvino_backend(model, precision or least, image_only=image_only)
    return cuda_backend(model, precision or least or "bfloat16") if name == "cuda" else torch_backend(model)


def must_convert(model: LoadedModel, wanted: str = "auto") -> bool:
    """True if the first run of a model would convert its network for OpenVINO, which takes seconds; what is converted
    stays on this machine's disk.

    Args:
        wanted: as in `choose_backend`.
    """
    if _OFFERS or not model.architecture.needs_weights or not model.traits.exports:
        return False
    wanted = os.environ.get("EXPLORER_BACKEND", "") or "auto" if wanted == "auto" else wanted
    name = available_backends()[0] if wanted == "auto" else wanted.partition(":")[0]
    sha256 = model.identity.sha256
    return name == "openvino" and not any(kept[0] == sha256 for kept in list(_GRAPHS)) and not graphs.is_kept(model)


def torch_backend(model: LoadedModel) -> Backend:
    """Eager torch on the CPU in float32: the reference."""
    import torch

    limit_torch()
    clock = [0.0]

    def run(x: torch.Tensor, *place: TilePosition) -> dict[str, torch.Tensor]:
        flush_denormals()
        with model.lock, torch.inference_mode():
            started = time.perf_counter()
            maps = model.net.forward_intermediates(x, *place)
            clock[0] += time.perf_counter() - started
        return maps

    return Backend("torch", "cpu", "float32", run, clock)


_Network = tuple[str, str, Any, bool]
"""Weights, precision, a weak reference to the network (an `id` may be reused), and whether only the image is wanted."""
_Shape = tuple[int, ...]
_GRAPHS: dict[_Network, tuple[Any, list[str]]] = {}
_COMPILED: dict[tuple[_Network, _Shape | None], Any] = {}
"""By network and input shape; None for networks compiled for any shape."""
_COMPILING = new_lock()
_MOST_KEPT = 8
"""Graphs, and compiled networks."""
_HOLDING: set[tuple[_Network, _Shape | None]] = set()
"""Compiled networks that may still hold memory of their last picture."""
_LARGE = 3 << 19
"""Samples of a plane from which a network is compiled for the exact shape, so that OpenVINO can plan which maps share
memory. This takes 0.1 to 0.5 s, once per shape."""


def _precision() -> str:
    """bfloat16 if the CPU multiplies it in hardware, else float32."""
    capabilities = graphs.core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bfloat16" if "BF16" in capabilities else "float32"


def openvino_backend(model: LoadedModel, precision: str | None = None, *, image_only: bool = False) -> Backend:
    """OpenVINO on the CPU; the graph is converted once and cached on disk by the weights' sha256 and versions.

    Args:
        precision: "float32" or "bfloat16"; by default what the CPU supports in hardware.
        image_only: leave out the intermediates, which saves memory and computation.
    """
    import numpy as np

    precision = precision or _precision()
    network = (model.identity.sha256 or model.name, precision, ref(model.traits), image_only)
    with _COMPILING:
        if network not in _GRAPHS:
            graph, names = graphs.graph_of(model)
            if image_only:
                kept = graph.get_results()[names.index("image")]
                graph, names = graphs.openvino().Model([kept], graph.get_parameters()), ["image"]
            _remember(_GRAPHS, network, (graph, names))
        graph, names = _GRAPHS[network]
    clock = [0.0]
    requests: dict[_Shape | None, Any] = {}  # one for all tiles of a picture: a new one would allocate its memory again

    def run_array(x: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        height, width = x.shape[2:]
        shape = tuple(x.shape) if height * width >= _LARGE else None
        if shape not in requests:
            requests.clear()
            requests[shape] = _compiled(graph, network, shape).create_infer_request()
        request = requests[shape]
        started = time.perf_counter()
        if shape is None:
            results = request.infer([x], share_inputs=True, share_outputs=False)
            maps = [results[i] for i in range(len(names))]
        else:
            # Writes into the caller's arrays, because the request's own memory would be a second copy.
            maps = [np.empty([*output.shape], np.float32) for output in request.model_outputs]
            for output, each in zip(request.model_outputs, maps, strict=True):
                request.set_tensor(output, graphs.openvino().Tensor(each, shared_memory=True))
            request.infer([x], share_inputs=True, share_outputs=True)
        clock[0] += time.perf_counter() - started
        return {name: np.moveaxis(each, 3, 1) for name, each in zip(names, maps, strict=True)}

    def run(x: torch.Tensor) -> dict[str, torch.Tensor]:
        import torch

        return {name: torch.from_numpy(each) for name, each in run_array(x.numpy()).items()}

    return Backend("openvino", "cpu", precision, run, clock, run_array)


def _compiled(graph: Any, network: _Network, shape: _Shape | None) -> Any:
    """Compiles the network for one shape, or for any."""
    key = network, shape
    with _COMPILING:
        if key not in _COMPILED:
            graph = graph.clone()
            if shape is not None:
                graph.reshape(list(shape))
            graphs.give_channels_last(graph)
            settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": _HINTS[network[1]], "PERFORMANCE_HINT": "LATENCY"}
            if (limit := thread_limit()) is not None:
                settings["INFERENCE_NUM_THREADS"] = limit
            _remember(_COMPILED, key, graphs.core().compile_model(graph, "CPU", settings))
        _give_back_all_but(key)
        return _COMPILED[key]


_GONE: list[Any] = []
"""OpenVINO's objects in a forked child, kept because releasing them would wait for threads of the parent."""


def _leave_openvino() -> None:
    if graphs.core.cache_info().currsize:
        _GONE.append((graphs.core(), dict(_GRAPHS), dict(_COMPILED)))
        graphs.core.cache_clear()
        _GRAPHS.clear()
        _COMPILED.clear()
        _HOLDING.clear()


after_fork(_leave_openvino)


def _remember(kept: dict[Any, Any], key: Any, value: Any) -> None:
    """Stores a value, and drops all but the last few older ones."""
    while len(kept) >= _MOST_KEPT:
        kept.pop(next(iter(kept)))
    kept[key] = value


def _give_back_all_but(key: tuple[_Network, _Shape | None]) -> None:
    """Frees the last picture's activations in every other compiled network, because a comparison of eight networks
    would otherwise hold the memory of eight. Networks running in other threads keep theirs."""
    _HOLDING.intersection_update(_COMPILED)
    for other in _HOLDING - {key}:
        with contextlib.suppress(RuntimeError):
            _COMPILED[other].release_memory()
            _HOLDING.discard(other)
    _HOLDING.add(key)


def release_memory() -> None:
    """Frees the activations of the last picture of every compiled network that is not at work."""
    with _COMPILING:
        for key in list(_HOLDING):
            with contextlib.suppress(RuntimeError, KeyError):
                _COMPILED[key].release_memory()
                _HOLDING.discard(key)


_ON_GPU: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
_MOST_GRAPHS = 2


def cuda_backend(model: LoadedModel, precision: str = "bfloat16") -> Backend:
    """CUDA: a copy of the network in channels-last order, with convolutions in bfloat16 by autocast, or all in float32.

    When a size occurs for the second time (tiles, frames), it is captured as a CUDA graph, which then replays without
    the interpreter between its kernels.
    """
    import copy

    import torch

    copies = _ON_GPU.setdefault(model.net, {})
    if precision not in copies:
        net = copy.deepcopy(model.net).to("cuda").to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        copies[precision] = net, {}
    net, graphs = copies[precision]
    clock = [0.0]

    def eager(x: torch.Tensor, *place: TilePosition) -> dict[str, torch.Tensor]:
        # Without the cache of cast weights, because a captured graph must not read memory that autocast frees.
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False):
            return net.forward_intermediates(x, *place)

    def run(x: torch.Tensor, *place: TilePosition) -> dict[str, torch.Tensor]:
        size = tuple(x.shape)
        with model.lock, torch.inference_mode():
            started = time.perf_counter()
            on_gpu = x.to("cuda", memory_format=torch.channels_last)
            if place or size not in graphs:
                graphs.setdefault(size)
                maps = eager(on_gpu, *place)
            else:
                if graphs[size] is None:
                    for old in [s for s, g in graphs.items() if g is not None][: 1 - _MOST_GRAPHS or None]:
                        graphs[old] = None
                    graph = torch.cuda.CUDAGraph()
                    with torch.cuda.graph(graph):
                        maps = eager(on_gpu)
                    graphs[size] = graph, on_gpu, maps
                graph, fed, maps = graphs[size]
                fed.copy_(on_gpu)
                graph.replay()
            given = {name: value.float().cpu() for name, value in maps.items()}
            clock[0] += time.perf_counter() - started
        return given

    return Backend("cuda", torch.cuda.get_device_name(), precision, run, clock)
