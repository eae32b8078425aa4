"""How much of the server's memory visitors' photos may take, and who gives up what when it is too much."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from explorer.photo.limits import MEBIBYTE, number_from_environment

T = TypeVar("T")

SETTING = "EXPLORER_SESSION_MEGABYTES"
"""MiB that the photos and results of all visitors together may take."""
DEFAULT_MEGABYTES = 1536
EACH = 2 / 3
"""Share of it that one visitor may have."""


def allowed_bytes() -> tuple[float, float]:
    """For one visitor, and for all.

    Raises:
        SettingsError: the environment variable holds no number above 0.
    """
    everybody = number_from_environment(SETTING, DEFAULT_MEGABYTES, most=2.0**24) * MEBIBYTE
    return EACH * everybody, everybody


class Again(Generic[T]):
    """Something large that is made anew when it is asked for after it was let go."""

    def __init__(self, value: T, make: Callable[[], T] | None = None) -> None:
        self.held: T | None = value
        self._make = make
        self._lock = threading.Lock()

    def __call__(self) -> T:
        with self._lock:
            value = self.held
            if value is None:
                assert self._make is not None, "only what can be made again is let go"
                value = self.held = self._make()
            return value

    @property
    def can_go(self) -> bool:
        return self._make is not None and self.held is not None

    def let_go(self) -> None:
        """Forgets the value, unless it could not be made again."""
        if self._make is not None:
            self.held = None


_SHARED: set[int] = set()
"""Buffers that are there for everybody, whoever shows them, by id; they stay as long as the process."""


def share(*values: Any) -> None:
    """Takes what these hold for everybody's, so that it counts for nobody."""
    _SHARED.update(buffers(*values))


def buffers(*values: Any) -> dict[int, int]:
    """The memory that arrays take, wherever they stand in dataclasses, dicts and lists: bytes by buffer, so that views
    of one count once."""
    found: dict[int, int] = {}
    seen: set[int] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Again):
            value = value.held
        if value is None or isinstance(value, str | int | float | bool) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            while isinstance(value.base, np.ndarray):
                value = value.base
            if id(value) not in _SHARED:
                found[id(value)] = value.nbytes
        elif isinstance(value, bytes | bytearray):
            found[id(value)] = len(value)
        elif isinstance(value, Mapping):
            waiting.extend(list(value.values()))
        elif isinstance(value, list | tuple | set):
            waiting.extend(list(value))
        elif is_dataclass(value) and not isinstance(value, type):
            waiting.extend(getattr(value, each.name) for each in fields(value))
    return found


@dataclass(frozen=True)
class Holding(Generic[T]):
    """What one thing takes."""

    thing: T
    owner: str
    amount: float
    """In all."""
    spare: float
    """How much of it can be had back."""
    used: Any
    """What is least goes first."""


def surplus(holdings: Iterable[Holding[T]], each: float, everybody: float) -> list[T]:
    """What to give up so that nobody has more than `each` and all together no more than `everybody`.

    Whoever has most gives first, of his own the one that was used longest ago: however much one takes, it costs the
    others nothing as long as they have less.
    """
    left = [holding for holding in holdings if holding.amount]
    totals: Counter[str] = Counter()
    for holding in left:
        totals[holding.owner] += holding.amount  # type: ignore[assignment]  # counters add what numbers there are
    given: list[T] = []
    left = sorted((holding for holding in left if holding.spare), key=lambda holding: holding.used)
    while left:
        crowded = sum(totals.values()) > everybody
        owners = {holding.owner for holding in left if crowded or totals[holding.owner] > each}
        if not owners:
            break
        most = max(totals[owner] for owner in owners)
        first = next(holding for holding in left if holding.owner in owners and totals[holding.owner] == most)
        left.remove(first)
        totals[first.owner] -= first.spare  # type: ignore[assignment]
        given.append(first.thing)
    return given


def size_of_folder(folder: str | os.PathLike[str]) -> int:
    """Bytes of the files below a folder; 0 where it is gone."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # removed meanwhile
                continue
    return total
