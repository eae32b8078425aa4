"""How this machine computes: on how many cores, which in a container may be fewer than it has, and how near to 0.

Libraries start a thread for each core that they see. Under a quota (`docker run --cpus 2`, a Space, a pod), these are
all of the host's: they use the quota up in a fraction of each period and wait for the rest of it.
"""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path


def quota(folder: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Cores that the control group of this process may use; None without a limit (or without control groups).

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
    """Cores that this process may run on, which is what libraries count."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def cores() -> int:
    """Cores to compute with: those that this process may run on, as far as its quota reaches, at least 1."""
    allowed = quota()
    return cores_seen() if allowed is None else max(1, min(cores_seen(), math.ceil(allowed)))


def flush_denormals() -> None:
    """Has torch take numbers nearer to 0 than float32's smallest normal one (1e-38) for 0.

    Processors compute with such denormal numbers many times slower, and a network that darkens towards black is full of
    them. The flag is the thread's own: threads inherit it from the one that starts them, torch's workers from the
    thread they work for. So every thread asks before its first computation; asking again costs nothing.
    """
    import torch

    torch.set_flush_denormal(True)
