"""How many threads the libraries start where a container may use fewer cores than the machine has."""

from __future__ import annotations

from functools import cache

from explorer.machine import cores, cores_seen, threads


@cache
def thread_limit() -> int | None:
    """Threads to start at most; None if the libraries' own choice is right."""
    return cores() if cores() < cores_seen() else None


@cache
def limit_torch() -> None:
    """Holds torch to the limit, once."""
    import torch

    limit = thread_limit()
    if limit is not None and torch.get_num_threads() > limit:
        torch.set_num_threads(threads(limit))
