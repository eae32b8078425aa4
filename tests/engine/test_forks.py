"""Processes forked after the library was used still work, although a fork has only one thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from explorer import machine

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PROGRAM = """
import os, signal, sys, threading
import numpy as np
import torch
import explorer
from explorer.engine import available_backends
from explorer.errors import ExplorerError
from explorer.photo import RgbPhoto

torch.set_num_threads(2)  # one would have no other to wait for, and a container may have no second core
photo = RgbPhoto(np.random.default_rng(0).uniform(0, 0.2, (300, 450, 3)).astype(np.float32), bits=8)
model = explorer.load_model("zero_dce.lol")
torch.set_num_threads(2)
explorer.restore(photo, "gamma")
expected = explorer.restore(photo, model, 4.0, backend="torch").image
if "openvino" in sys.argv:
    explorer.restore(photo, model, 4.0, backend="openvino")

held = model.lock, threading.Event()

def hold():
    with held[0]:
        held[1].wait()

holder = threading.Thread(target=hold, daemon=True)  # another thread's network is at work at that moment
holder.start()
while not model.lock.locked():
    pass
child = os.fork()
if child == 0:
    signal.alarm(100)  # ends a child that waits for ever
    assert explorer.restore(photo, "gamma").image.shape == (300, 450, 3)
    result = explorer.restore(photo, model, 4.0)
    if "openvino" in sys.argv:
        assert result.backend == "torch", result.backend
        try:
            explorer.restore(photo, model, 4.0, backend="openvino")
        except ExplorerError as error:
            assert "spawn" in str(error)
        else:
            raise AssertionError("openvino")
    assert np.abs(explorer.restore(photo, model, 4.0, backend="torch").image - expected).max() < 1e-5
    assert torch.get_num_threads() == 1
    os._exit(7)
held[1].set()
status = os.waitpid(child, 0)[1]
assert torch.get_num_threads() == 2
explorer.restore(photo, "gamma")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_forked_child_answers(backend: str, tmp_path: Path) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, backend], env=environment, cwd=tmp_path, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr


def test_locks_are_open_in_a_child() -> None:
    lock = machine.new_lock()
    with lock:
        child = os.fork()
        if child == 0:
            os._exit(5 if lock.acquire(timeout=1) and machine.threads(8) == 1 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
        assert lock.locked() and machine.threads(8) == 8
