"""Threads follow the container's quota of cores."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer import machine
from explorer.engine import threads


def group(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("cpu_max", "cpu.max")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_quota_of_both_versions(tmp_path: Path) -> None:
    assert machine.quota(tmp_path) is None
    assert machine.quota(group(tmp_path / "a", cpu_max="max 100000\n")) is None
    assert machine.quota(group(tmp_path / "b", cpu_max="150000 100000\n")) == 1.5
    assert machine.quota(group(tmp_path / "c", cpu_max="damaged")) is None
    old = tmp_path / "d" / "cpu"
    old.mkdir(parents=True)
    (old / "cpu.cfs_quota_us").write_text("200000\n")
    (old / "cpu.cfs_period_us").write_text("100000\n")
    assert machine.quota(tmp_path / "d") == 2.0
    (old / "cpu.cfs_quota_us").write_text("-1\n")
    assert machine.quota(tmp_path / "d") is None


@pytest.mark.parametrize(("allowed", "seen", "limit"), [(None, 8, None), (1.5, 8, 2), (0.5, 8, 1), (8.0, 8, None)])
def test_limit(allowed: float | None, seen: int, limit: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "quota", lambda: allowed)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(seen)), raising=False)
    monkeypatch.setattr(threads, "cores", machine.cores.__wrapped__)
    assert machine.cores.__wrapped__() == (limit or seen) and threads.thread_limit.__wrapped__() == limit


def test_torch_is_held_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        monkeypatch.setattr(threads, "thread_limit", lambda: 3)
        threads.limit_torch.__wrapped__()
        assert torch.get_num_threads() == 3
        monkeypatch.setattr(threads, "thread_limit", lambda: None)
        threads.limit_torch.__wrapped__()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
