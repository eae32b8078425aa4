"""What computes: torch as the reference, OpenVINO on processors, CUDA where there is one. One interface for all."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch

from explorer.errors import ExplorerError
from explorer.models import RestorationNet

if TYPE_CHECKING:
    from explorer.weights.store import LoadedModel

_FORMAT = 1  # of the cached graphs; raised when their layout or the networks' arithmetic changes


@dataclass(frozen=True)
class Backend:
    """A model made ready to run."""

    name: str
    """"torch", "openvino" or "cuda"."""
    device: str
    precision: str
    run: Callable[[torch.Tensor], dict[str, torch.Tensor]] = field(repr=False)
    """1 x C x H x W float32 on the processor (a legal size) to named N x C' x H' x W' maps. Adds to `seconds`."""
    clock: list[float] = field(default_factory=lambda: [0.0], repr=False)
    """Seconds that `run` has taken so far."""


def available_backends() -> list[str]:
    """Backends that work on this machine, the preferred first."""
    found = ["cuda"] if torch.cuda.is_available() else []
    if importlib.util.find_spec("openvino") is not None:
        found.append("openvino")
    return [*found, "torch"]


def choose_backend(model: LoadedModel, wanted: str = "auto") -> Backend:
    """A backend for a model.

    Args:
        wanted: "auto" (or the environment's EXPLORER_BACKEND) takes CUDA, then OpenVINO, then torch. Classical methods
            always run on torch.

    Raises:
        ExplorerError: the wanted backend is not available here.
    """
    if wanted == "auto":
        wanted = os.environ.get("EXPLORER_BACKEND", "auto")
    options = available_backends()
    if wanted != "auto" and wanted not in options:
        raise ExplorerError(f"The backend {wanted!r} is not available here; take one of {', '.join(options)}.")
    if not model.architecture.needs_weights:
        return torch_backend(model)
    name = options[0] if wanted == "auto" else wanted
    if name == "openvino":
        return openvino_backend(model)
    return torch_backend(model, "cuda" if name == "cuda" else "cpu")


def torch_backend(model: LoadedModel, device: str = "cpu") -> Backend:
    """Eager torch in float32: the reference."""
    net = model.net.to(device)
    clock = [0.0]

    def run(x: torch.Tensor) -> dict[str, torch.Tensor]:
        with model.lock, torch.inference_mode():
            started = time.perf_counter()
            maps = net.decompose(x.to(device))
            if device == "cuda":
                torch.cuda.synchronize()
            clock[0] += time.perf_counter() - started
        return maps

    return Backend("cuda" if device == "cuda" else "torch", device, "float32", run, clock)


class _Decomposed(torch.nn.Module):
    """A network that gives its named maps as a tuple, which a graph can hold."""

    def __init__(self, net: RestorationNet) -> None:
        super().__init__()
        self.net = net
        self.names: list[str] = []

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        maps = self.net.decompose(x)
        self.names = list(maps)
        return tuple(maps.values())


@cache
def _openvino() -> Any:
    """The openvino module, without its telemetry: its converter reports every use to a server of its maker otherwise."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


@cache
def _core() -> Any:
    return _openvino().Core()


def graph_folder() -> Path:
    """Where converted graphs are kept."""
    from platformdirs import user_cache_path

    return user_cache_path("lowlight-explorer", appauthor=False) / "openvino"


_COMPILED: dict[tuple[str, str, int], tuple[Any, list[str]]] = {}
_COMPILING = Lock()


def _precision() -> str:
    """bf16 where the processor multiplies it in hardware, else f32."""
    capabilities = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "f32"


def openvino_backend(model: LoadedModel, precision: str | None = None) -> Backend:
    """OpenVINO on the processor; the graph is converted once and cached on disk by weights' sha256 and versions."""
    precision = precision or _precision()
    key = (model.identity.sha256 or f"{model.name}@{id(model.net)}", precision, id(model.net))
    with _COMPILING:
        if key not in _COMPILED:
            graph, names = _graph(model)
            compiled = _core().compile_model(
                graph, "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
            )
            while len(_COMPILED) >= 8:
                _COMPILED.pop(next(iter(_COMPILED)))
            _COMPILED[key] = compiled, names
        compiled, names = _COMPILED[key]
    clock = [0.0]

    def run(x: torch.Tensor) -> dict[str, torch.Tensor]:
        request = compiled.create_infer_request()
        started = time.perf_counter()
        results = request.infer([x.numpy()], share_inputs=True, share_outputs=True)
        clock[0] += time.perf_counter() - started
        return {name: torch.from_numpy(results[i]) for i, name in enumerate(names)}

    return Backend("openvino", "cpu", {"bf16": "bfloat16"}.get(precision, "float32"), run, clock)


def _graph(model: LoadedModel) -> tuple[Any, list[str]]:
    """The network as an OpenVINO graph with free height and width, from the cache where it is there."""
    import explorer

    wrapped = _Decomposed(model.net).eval()
    side = model.net.size.padded(max(64, model.net.size.minimum))
    example = torch.zeros(1, model.net.input_channels, side, side)
    with model.lock, torch.inference_mode():
        wrapped(example)
    names = wrapped.names
    version = _openvino().__version__.split("-")[0]
    stem = f"{model.identity.sha256[:32]}-{version}-{explorer.__version__}-{_FORMAT}"
    cached = graph_folder() / stem / "graph.xml"
    if model.identity.sha256 and cached.is_file():
        try:
            return _core().read_model(cached), names
        except RuntimeError:  # a file damaged on disk; it is made anew below
            shutil.rmtree(cached.parent, ignore_errors=True)
    with model.lock, torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch wants torch.export, OpenVINO reads traces faster
        traced = torch.jit.trace(wrapped, example, check_trace=False)
        graph = _openvino().convert_model(traced, example_input=example)
    if model.identity.sha256:
        _keep(graph, cached)
    return graph, names


def _keep(graph: Any, path: Path) -> None:
    """Writes a graph into the cache, whole or not at all; a cache that cannot be written is done without."""
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=path.parent.parent, prefix="."))
    except OSError:
        return
    try:
        _openvino().save_model(graph, work / path.name, compress_to_fp16=False)
        work.rename(path.parent)
    except (OSError, RuntimeError):  # full disk, or another process was first
        pass
    finally:
        shutil.rmtree(work, ignore_errors=True)
