"""Shared by all tests: paths of data and browser, separate caches, and no access to the network."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROJECT = Path(__file__).resolve().parent.parent
sys.path.append(str(PROJECT / "benchmarks"))  # for `_serving`
CHROMIUM_FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

# Libraries read these when they are imported, so they are set before anything else is. Workers of xdist inherit the
# folder of the process that started them, and only that process removes it.
_OWNS_CACHES = "EXPLORER_TEST_CACHES" not in os.environ
_CACHES = Path(
    os.environ.setdefault("EXPLORER_TEST_CACHES", tempfile.mkdtemp(prefix="lowlight-tests-") if _OWNS_CACHES else "")
)
os.environ.update(
    XDG_CACHE_HOME=str(_CACHES / "cache"),
    XDG_CONFIG_HOME=str(_CACHES / "config"),
    XDG_DATA_HOME=str(_CACHES / "data"),
    XDG_STATE_HOME=str(_CACHES / "state"),
    HF_HOME=str(_CACHES / "huggingface"),
    GRADIO_TEMP_DIR=str(_CACHES / "gradio"),
    GRADIO_ANALYTICS_ENABLED="False",
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
)
for _name in ("EXPLORER_WEIGHTS", "HF_ENDPOINT", "HF_TOKEN"):
    os.environ.pop(_name, None)
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers already fill the cores

# Other work on the machine must not fail a property test, hence no deadline; `make fuzz` takes the second profile.
settings.register_profile("default", deadline=None)
settings.register_profile("fuzz", max_examples=2000, deadline=None)
settings.load_profile("default")


def pytest_report_header() -> str:
    """In which precision this processor trains and restores: the suite passes on both kinds, but not by the same path.

    `EXPLORER_BACKEND=openvino:float32` and `ONEDNN_MAX_CPU_ISA=AVX2` imitate a processor without bfloat16.
    """
    import torch

    from explorer.engine import backends
    from explorer.training.loop import reduced_precision

    training = "bfloat16" if reduced_precision(torch.device("cpu")) else "float32"
    hardware = "in hardware" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "emulated"
    restoring = backends._precision() if "openvino" in backends.available_backends() else "torch in float32"
    chosen = os.environ.get("EXPLORER_BACKEND") or "auto"
    return (
        f"precision: training in {training}{f' ({hardware})' if training == 'bfloat16' else ''}; "
        f"restoring in {restoring} (EXPLORER_BACKEND: {chosen})"
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    if _OWNS_CACHES:
        shutil.rmtree(_CACHES, ignore_errors=True)


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared test data: parity files, published checkpoints, photographs. Skips where it is absent."""
    folder = Path(os.environ.get("EXPLORER_SHARED") or PROJECT.parent / "shared")
    if not (folder / "parity").is_dir():
        pytest.skip(f"needs the shared test data, and there is none at {folder} (EXPLORER_SHARED names another place)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; EXPLORER_CHROMIUM names one. Skips where none is installed."""
    named = os.environ.get("EXPLORER_CHROMIUM")
    for candidate in [named] if named else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]:
        if found := shutil.which(candidate):
            return found
    pytest.skip("needs Chromium: install Debian's `chromium`, or name one by EXPLORER_CHROMIUM")


@pytest.fixture(scope="module")
def chromium_flags() -> list[str]:
    """Flags that a file of tests needs besides."""
    return []


@pytest.fixture(scope="module")
def browser(chromium: str, chromium_flags: list[str]) -> Iterator[Browser]:
    """A Chromium for each file of tests: a process holds one Playwright at a time."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=[*CHROMIUM_FLAGS, *chromium_flags])
        yield opened
        opened.close()


@pytest.fixture(autouse=True)
def offline(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuses connections that leave this machine, unless the test is marked `network`."""
    if not request.node.get_closest_marker("network"):
        connect = socket.socket.connect

        def guarded(self: socket.socket, address: Any) -> None:
            host = address[0] if isinstance(address, tuple) else ""
            local = host in ("", "localhost", "::1", "0.0.0.0") or str(host).startswith("127.")
            if self.family in (socket.AF_INET, socket.AF_INET6) and not local:
                raise OSError(f"This test tried to reach {host}; tests run offline unless they are marked `network`.")
            connect(self, address)

        monkeypatch.setattr(socket.socket, "connect", guarded)
    yield
