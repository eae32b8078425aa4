"""How this machine computes: the number of usable cores, denormal numbers, and threads after a fork.

Libraries start a thread for each core that they see. Under a quota (`docker run --cpus 2`, a Space, a pod), they see
all cores of the host: their threads use up the quota in a fraction of each period and wait for the rest of it.

A fork copies a process's memory, but only the thread that forks. In the child, libraries that had started threads
(torch through OpenMP, OpenVINO through TBB) would wait for them forever, and so would anything that needs a lock held
by another thread at that moment. So a forked child computes in its only thread, with fresh locks, and without the
backends that cannot do that.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from weakref import WeakSet


def quota(folder: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Number of cores that this process's control group may use; None without a limit or without control groups.

    Args:
        folder: where control groups are mounted: `cpu.max` of version 2, `cpu/cpu.cfs_*_us` of version 1.
    """
    try:
        limit, period = (folder / "cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        try:
            limit, period = ((folder / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        except OSError:
            return None
    try:
        cores = int(limit) / int(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return None
    return cores if cores > 0 else None


def cores_seen() -> int:
    """Number of cores that this process may run on, which is what libraries count."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def cores() -> int:
    """Number of cores to compute with: those that this process may run on, limited by its quota; at least 1."""
    allowed = quota()
    return cores_seen() if allowed is None else max(1, min(cores_seen(), math.ceil(allowed)))


def flush_denormals() -> None:
    """Makes torch treat denormal numbers (closer to 0 than 1e-38 in float32) as 0.

    Processors are many times slower on denormal numbers, and a network that darkens towards black is full of them. The
    flag belongs to a thread: threads inherit it from the thread that starts them, torch's workers from the thread they
    work for. So every thread calls this before its first computation; calling it again costs nothing.
    """
    import torch

    torch.set_flush_denormal(True)


def threads(wanted: int) -> int:
    """Number of threads for torch: 1 in a forked child, whose OpenMP would wait for the parent's threads."""
    return 1 if _forked else wanted


def forked_from_cuda() -> bool:
    """True if this process was forked from one that used CUDA, so it cannot use CUDA itself."""
    return _forked_from_cuda


def new_lock() -> threading.Lock:
    """Returns a lock that is open in a forked child, even if a thread of the parent held it."""
    lock = threading.Lock()
    _LOCKS.add(lock)
    return lock


def after_fork(call: Callable[[], None]) -> None:
    """Registers a function to run in every child that is forked from this process."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=call)


_LOCKS: WeakSet[threading.Lock] = WeakSet()
_forked = False
_cuda = False
_forked_from_cuda = False


def _before_fork() -> None:
    global _cuda
    torch = sys.modules.get("torch")
    _cuda = torch is not None and torch.cuda.is_initialized()


def _in_child() -> None:
    global _forked, _forked_from_cuda
    _forked, _forked_from_cuda = True, _cuda or _forked_from_cuda
    for lock in list(_LOCKS):
        lock._at_fork_reinit()  # type: ignore[attr-defined]  # as the threading module does with its own
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Measures by how many bytes at most this process grew while the block ran; the list has the figure when the block
    has ended. Other threads count too. The list stays empty on systems other than Linux."""
    found: list[int] = []
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again
        before = _kibibytes("VmRSS")
    except OSError:
        yield found
        return
    yield found
    found.append(1024 * max(0, _kibibytes("VmHWM") - before))


def _kibibytes(name: str) -> int:
    """A figure of this process's memory, as Linux states it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0])
