"""Runs on a Ray cluster of several nodes, each a few processes of this machine on the loopback address. `make
batch-test` runs them over 500 photos, `make test` over a few.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="needs Ray: pip install lowlight-explorer[ray]")

from archives import Gate, restore_all, tree, wait_for, write_photographs  # noqa: E402

from explorer.batch.cluster import Sizes, sizes_for  # noqa: E402
from explorer.batch.manifest import read_manifest  # noqa: E402
from explorer.batch.photograph import ROWS  # noqa: E402

pytestmark = pytest.mark.timeout(1800)  # a dozen processes start, on a machine that may have other work

PROJECT = Path(__file__).resolve().parents[2]
COUNT = int(os.environ.get("EXPLORER_BATCH_PHOTOGRAPHS", "24"))
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the switch by which Ray keeps to the loopback address
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_worker_niceness": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def node(**more: Any) -> dict[str, Any]:
    """Arguments of a node. Its ports are named, because Ray waits 15 seconds at most for an agent to choose one."""
    names = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    memory = {"object_store_memory": 100 << 20, "memory": 16 << 30}
    return {"node_ip_address": "127.0.0.1", "num_cpus": 2, **memory, **ports, **more}


def add_node(cluster: Any, **more: Any) -> None:
    """Starts a node; Ray gives it 30 seconds, which a machine with other work may miss."""
    for _ in range(3):
        try:
            cluster.add_node(**node(**more))
            return
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    pytest.skip("this machine is too busy for a node of Ray to start within the 30 seconds that Ray gives it")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without processors, so that the work is on nodes that can be lost, and two nodes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        started = Cluster()
        try:
            add_node(started, num_cpus=0, include_dashboard=False)
            for _ in range(2):
                add_node(started)
            yield started
        finally:
            processes = [
                each.process
                for member in (started.head_node, *started.worker_nodes)
                if member is not None
                for group in member.all_processes.values()
                for each in group
            ]
            started.shutdown()
            assert all(process.poll() is not None for process in processes)


def batch(cluster: Any, names: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "explorer", "batch", str(names), str(out), "-m", "gamma"]
    command += ["--engine", "ray", "--address", cluster.address]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def names(tmp_path: Path, gate: Gate) -> Path:
    """A list with the gate in its middle, a file that is no photograph and one that is named twice."""
    paths = write_photographs(tmp_path / "in", COUNT)
    paths[COUNT // 4].write_bytes(b"no photograph")
    paths.insert(COUNT // 2, gate.path)
    listed = tmp_path / "names.txt"
    listed.write_text("".join(f"{path}\n" for path in [*paths, paths[0]]))
    return listed


def test_a_lost_node_and_a_killed_driver(cluster: Any, names: Path, tmp_path: Path, gate: Gate) -> None:
    """The driver is killed while the list is half done, started again, and then loses a node: what comes out is what
    one process makes, and what was finished is not made again."""
    with gate.open():
        whole = restore_all(names, tmp_path / "whole")
    out = tmp_path / "out"

    def rows() -> int:
        return len(list((out / ROWS).glob("*.json"))) if (out / ROWS).is_dir() else 0

    driver = batch(cluster, names, out)
    wait_for(lambda: rows() >= COUNT // 4, lambda: driver.poll() is None)
    driver.kill()
    driver.communicate()

    driver = batch(cluster, names, out)
    # Rows of the first start are gathered when the second begins. One decoder waits at the gate, another goes on.
    wait_for(lambda: list((out / ".manifest").glob("segment-*")) != [] and rows() >= 1, lambda: driver.poll() is None)
    lost = next(iter(cluster.worker_nodes))
    cluster.remove_node(lost, allow_graceful=False)
    assert driver.poll() is None
    with gate.open():
        output, errors = driver.communicate(timeout=1200)
    assert driver.returncode == 10, errors
    kept = int(errors.split(" are done already")[0].rpartition(" ")[2])
    assert kept >= COUNT // 4
    assert (
        f"{COUNT + 1 - kept - (0 if 'does not contain a photo' not in errors else 1)} restored, {kept} kept" in output
    )
    assert tree(out) == tree(tmp_path / "whole") and len(tree(out)) == COUNT
    again = restore_all(names, out)
    assert (again.restored, again.kept) == (0, COUNT + 1)
    assert again.digest == whole.digest
    assert read_manifest(str(out)).num_rows == COUNT + 2


def test_pools_follow_the_clusters_resources() -> None:
    assert sizes_for({"CPU": 64.0, "memory": 256 * 2**30}) == Sizes(actors=32, gpus=0, tasks=32)
    assert sizes_for({"CPU": 64.0, "memory": 40 * 2**30}) == Sizes(actors=10, gpus=0, tasks=10)
    assert sizes_for({"CPU": 64.0, "GPU": 4.0, "memory": 256 * 2**30}) == Sizes(actors=4, gpus=1, tasks=32)
    assert sizes_for({"CPU": 1.0}) == Sizes(actors=1, gpus=0, tasks=1)


def test_no_cluster_at_the_address(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    (photo,) = write_photographs(tmp_path / "in", 1)
    command = [sys.executable, "-m", "explorer", "batch", str(photo), str(tmp_path / "out"), "-m", "gamma"]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [*command, "--engine", "ray", "--address", f"127.0.0.1:{port}"],
        env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 1
    assert "There is no Ray cluster at 127.0.0.1:" in done.stderr and "check --address" in done.stderr
