"""A local Hub, a process that uses it with the real client, and small weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local_client import REPO, Client, client_environment, contents, write_small
from server import LocalHub


@pytest.fixture(scope="session")
def hub_server() -> Iterator[LocalHub]:
    hub = LocalHub()
    yield hub
    hub.close()


@pytest.fixture
def hub(hub_server: LocalHub) -> LocalHub:
    """An empty Hub."""
    hub_server.reset()
    return hub_server


@pytest.fixture(scope="session")
def worker_process(hub_server: LocalHub, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    env = client_environment(hub_server, tmp_path_factory.mktemp("home"))
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("worker.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env | {"PYTHONPATH": str(project)},
        cwd=tmp_path_factory.mktemp("cwd"),
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


@pytest.fixture
def client(worker_process: Any, hub: LocalHub, tmp_path: Path) -> Client:
    env = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return Client(worker_process, tmp_path / "cache", env)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`zero_dce.small`, not to be changed."""
    return write_small(tmp_path_factory.mktemp("weights") / "zero_dce.small")


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`zero_dce.other`, not to be changed."""
    return write_small(tmp_path_factory.mktemp("weights") / "zero_dce.other", seed=1)


@pytest.fixture
def put(hub: LocalHub, small: Path) -> Callable[..., str]:
    """Puts `zero_dce.small`, with files replaced, into the repository; gives the commit."""

    def commit(**files: bytes) -> str:
        return hub.commit(REPO, {**contents(small), **{f"zero_dce.small/{name}": data for name, data in files.items()}})

    return commit
