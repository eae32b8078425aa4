"""The app of a Hugging Face Space, the same as `lowlight app`: run this file, or import `demo` from it."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

try:
    import spaces  # ZeroGPU's package, which must come before torch; other machines do not have it
except ImportError:
    spaces = None

from explorer.app import build_app, launch

if TYPE_CHECKING:
    import torch

    from explorer import LoadedModel
    from explorer.engine import Backend
    from explorer.models.base import TilePosition


def share_gpu(gpu: Callable[..., Any], device: str = "cuda") -> list[str]:
    """Places every network on ZeroGPU's device now, and runs them there, in the calls that ZeroGPU lends a GPU to.

    ZeroGPU lends its GPU to functions under `spaces.GPU`, which run in a separate process. Their arguments and results
    are pickled, and models must be on the device before the first call. So a call gets the weights' sha256 and a
    tensor, and nothing is compiled.

    Args:
        gpu: `spaces.GPU`.

    Returns:
        Names of the networks that were placed.
    """
    import torch

    import explorer
    from explorer.engine import Backend, register_backend
    from explorer.engine.backends import torch_backend

    models = [explorer.load_model(info.name) for info in explorer.list_models() if info.weights is not None]
    # Copies: the originals stay on the processor, where their memory needs are measured.
    placed = {model.identity.sha256: copy.deepcopy(model.net).to(device) for model in models}

    @gpu(duration=60)
    def decompose(sha256: str, x: torch.Tensor, *place: TilePosition) -> tuple[dict[str, torch.Tensor], float]:
        with torch.inference_mode():
            started = time.perf_counter()
            parts = placed[sha256].forward_intermediates(x.to(device), *place)
            maps = {name: value.float().cpu() for name, value in parts.items()}
        return maps, time.perf_counter() - started

    def offer(model: LoadedModel, wanted: str) -> Backend | None:
        sha256 = model.identity.sha256
        if sha256 not in placed:  # classical methods and later models: outside the calls there is no GPU
            return torch_backend(model) if wanted == "auto" else None
        clock = [0.0]

        def run(x: torch.Tensor, *place: TilePosition) -> dict[str, torch.Tensor]:
            maps, seconds = decompose(sha256, x, *place)
            clock[0] += seconds
            return maps

        return Backend("cuda" if device == "cuda" else "torch", device, "float32", run, clock)

    register_backend(offer)
    return [model.name for model in models]


if spaces is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true", "t"):
    share_gpu(spaces.GPU)

demo = build_app()

if __name__ == "__main__":
    # A Space's proxy reaches the server from another machine; elsewhere only this machine should.
    on_a_space = "SPACE_ID" in os.environ
    port = os.environ.get("GRADIO_SERVER_PORT")
    launch(
        demo,
        host=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0" if on_a_space else "127.0.0.1"),
        port=int(port) if port else 7860 if on_a_space else None,
    )
