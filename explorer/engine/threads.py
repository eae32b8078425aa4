"""Limits the libraries' threads in containers that may use fewer cores than the machine has."""

from __future__ import annotations

from functools import cache

from explorer.machine import cores, cores_seen, threads


@cache
def thread_limit() -> int | None:
    """Returns the largest number of threads; None if the libraries' own choice is right."""
    return cores() if cores() < cores_seen() else None


@cache
def limit_torch() -> None:
    """Applies the limit to torch, once."""
    import torch

    limit = thread_limit()
    if limit is not None and torch.get_num_threads() > limit:
        torch.set_num_threads(threads(limit))
