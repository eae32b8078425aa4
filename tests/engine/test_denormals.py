"""Numbers smaller than float32's smallest normal one become 0 wherever torch computes, in every thread."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from explorer.engine import backends
from explorer.evaluation.metrics import measure
from explorer.evaluation.synthetic import make_scene
from explorer.inspect.features import feature_maps
from explorer.machine import flush_denormals
from explorer.photo import RgbPhoto
from explorer.training.distributed import launched
from explorer.training.objectives import Objective, minimise
from explorer.weights.store import LoadedModel, load_weights

PICTURE = np.full((64, 64, 3), 0.25, np.float32)


def denormals(size: int = 8) -> int:
    """How many of as many products of 1e-30 and 1e-10 are not 0."""
    return int(((torch.full((size,), 1e-30) * 1e-10) != 0).sum())


@pytest.fixture(scope="module")
def model(project: Path) -> LoadedModel:
    return load_weights(project / "weights" / "zero_dce.lol")


def restored(model: LoadedModel) -> None:
    backends.torch_backend(model).run(torch.rand(1, 3, 64, 64))


def minimised(model: LoadedModel) -> None:
    weight = nn.Parameter(torch.ones(1))
    minimise(weight.sum(), torch.optim.SGD([weight], lr=0.1), [weight], None)


def trained(model: LoadedModel) -> None:
    with launched("cpu"):
        pass


PATHS: dict[str, Callable[[LoadedModel], object]] = {
    "torch backend": restored,
    "feature maps": lambda model: feature_maps(RgbPhoto(PICTURE, 8), model, "convs.0", ratio=1.0),
    "measures": lambda model: measure(PICTURE, PICTURE),
    "synthetic RAW": lambda model: make_scene((PICTURE * 255).astype(np.uint8), 10.0, "name"),
    "an objective": lambda model: Objective({}, {}),
    "a step": minimised,
    "a training process": trained,
}


@pytest.mark.parametrize("path", PATHS)
def test_a_thread_without_the_flag_gets_it(path: str, model: LoadedModel) -> None:
    """The flag is each thread's own, so the same is asked of a thread that was made without it."""
    seen: list[int] = []

    def work() -> None:
        torch.set_flush_denormal(False)
        seen.append(denormals())
        PATHS[path](model)
        seen.append(denormals())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [8, 0]


def test_threads_inherit_it() -> None:
    """Those that a thread with the flag starts, torch's own workers among them."""
    script = (
        "import threading, torch\n"
        "from explorer.machine import flush_denormals\n"
        "torch.set_num_threads(2)\n"
        "flush_denormals()\n"
        "found = lambda: print(int(((torch.full((1 << 18,), 1e-30) * 1e-10) != 0).sum()))\n"
        "found()\n"
        "thread = threading.Thread(target=found); thread.start(); thread.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["0", "0"], done.stderr


def test_normal_numbers_stay() -> None:
    flush_denormals()
    assert float(torch.tensor(1e-37) * 1.0) > 0
