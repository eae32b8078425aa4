"""Starts JupyterLab and Voila for a test, and stops them after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _serving import serving


@contextmanager
def running(arguments: list[str], folder: Path, home: Path, path: str) -> Iterator[str]:
    """A server's address while the block runs.

    Args:
        arguments: what stands after `python -m`, "{port}" for the port.
        folder: where it runs.
        home: an empty folder for its settings.
        path: below the address; the server is up when this answers.
    """
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }
    with serving("-m", *arguments, log=home / "server.log", path=path, folder=folder, **environment) as (address, _):
        yield f"{address}/"


@contextmanager
def jupyterlab(folder: Path, home: Path, theme: str = "JupyterLab Light") -> Iterator[str]:
    """JupyterLab on a folder of notebooks, without password and without asking home for news."""
    settings = home / "config" / "lab" / "user-settings" / "@jupyterlab"
    for name, content in {
        "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
        "apputils-extension/themes": json.dumps({"theme": theme}),
        "notebook-extension/tracker": '{"windowingMode": "none"}',  # every cell is on the page, wherever it is scrolled
    }.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    arguments = [
        "jupyterlab", "--no-browser", "--port={port}", "--ip=127.0.0.1", "--allow-root",
        "--IdentityProvider.token=", "--ServerApp.password=", "--LabApp.extension_manager=readonly",
        f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    with running(arguments, folder, home, "api/status") as address:
        yield address


@contextmanager
def voila(folder: Path, home: Path) -> Iterator[str]:
    """Voila on a folder of notebooks."""
    arguments = ["voila", str(folder), "--no-browser", "--port={port}", "--Voila.ip=127.0.0.1"]
    with running(arguments, folder, home, "") as address:
        yield address
