"""Limits the server memory that visitors' photos may take, and decides what is discarded when it is full."""

from __future__ import annotations

import ctypes
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from explorer.photo.limits import MEBIBYTE, number_from_environment

T = TypeVar("T")

SETTING = "EXPLORER_SESSION_MEGABYTES"
"""MiB for the photos and results of all visitors together."""
DEFAULT_MEGABYTES = 1280
EACH = 0.6
"""Share of it for one visitor."""
WORK = 2.0
"""Factor for everything together: photos, results and work on whole photos."""


def allowed_bytes() -> tuple[float, float]:
    """Bytes for one visitor, and for all.

    Raises:
        SettingsError: the environment variable is not a number above 0.
    """
    everybody = number_from_environment(SETTING, DEFAULT_MEGABYTES, most=2.0**24) * MEBIBYTE
    return EACH * everybody, everybody


_RESTORING, _SAVING = 150, 40
"""Bytes of memory per pixel: for the most demanding method, as measured, and for finishing and encoding a picture."""
_CUT, _UNCUT = 2**30, 36
"""For photos so large that they are restored in parts: bytes for one part, and for each pixel of the whole."""


def bytes_to_restore(size: tuple[int, int]) -> int:
    """Memory for restoring a photo at full resolution, including the photo and the result."""
    pixels = size[0] * size[1]
    return min(_RESTORING * pixels, _CUT + _UNCUT * pixels)


def bytes_to_save(size: tuple[int, int]) -> int:
    """Memory for writing a result."""
    return _SAVING * size[0] * size[1]


class Room:
    """Memory for work on whole photos: reserved before it starts, waited for, returned afterwards.

    Work that has room waits for nothing else, least of all a lock or more room, so room always becomes free.
    """

    def __init__(self, clear: Callable[[float], None]) -> None:
        """Starts with nothing held; `clear` is called when work begins, with the bytes that may still be held."""
        self._clear, self._taken, self._changed = clear, 0.0, threading.Condition()

    @contextmanager
    def __call__(self, amount: float) -> Iterator[None]:
        """Waits until no other work runs, or until this many bytes are free next to it."""
        total = WORK * allowed_bytes()[1]
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + amount <= total)
            self._taken += amount
            left = total - self._taken
        try:
            self._clear(max(0.0, left))
            yield
        finally:
            with self._changed:
                self._taken -= amount
                self._changed.notify_all()


def give_back() -> None:
    """Returns freed memory to the system. glibc's malloc keeps some dozen MiB for each thread that has worked on a
    photo; other systems return them by themselves."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


class Again(Generic[T]):
    """A large value that is made again on demand after it was discarded."""

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
        """Discards the value, unless it could not be made again."""
        if self._make is not None:
            self.held = None


class Buffer:
    """An array or bytes as a key of its own, although an array has no hash and equal bytes may lie in two places.

    It keeps its object, so that another one cannot take the key.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        while isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
            value = value.base
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Buffer) and self.value is other.value

    def __hash__(self) -> int:
        return object.__hash__(self.value)


_SHARED: set[Buffer] = set()
"""Buffers shared by everyone; they live as long as the process."""


def share(*values: Any) -> None:
    """Marks the buffers of these objects as shared, so that they count for no visitor."""
    _SHARED.update(buffers(*values))


def buffers(*values: Any) -> dict[Buffer, int]:
    """Memory of arrays anywhere in dataclasses, dicts and lists: bytes by buffer, so that views of one buffer count
    once."""
    found: dict[Buffer, int] = {}
    seen: set[Buffer] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Again):
            value = value.held
        if value is None or isinstance(value, str | int | float | bool) or (key := Buffer(value)) in seen:
            continue
        seen.add(key)
        if isinstance(value, np.ndarray):
            found[key] = key.value.nbytes
        elif isinstance(value, bytes | bytearray):
            found[key] = len(value)
        elif isinstance(value, Mapping):
            waiting.extend(list(value.values()))
        elif isinstance(value, list | tuple | set):
            waiting.extend(list(value))
        elif is_dataclass(value) and not isinstance(value, type):
            held = vars(value)  # not `getattr`, which would load a network that no one has used yet
            waiting.extend(held[each.name] for each in fields(value) if each.name in held)
    return {each: size for each, size in found.items() if each not in _SHARED}


@dataclass(frozen=True)
class Holding(Generic[T]):
    """Something that can be discarded."""

    thing: T
    owner: str
    amount: float
    turn: Any
    """Order of release: among one owner's things, the smallest turn goes first."""


def surplus(holdings: Iterable[Holding[T]], each: float, everybody: float) -> list[T]:
    """What to discard so that no one has more than `each`, and all together no more than `everybody`.

    Whoever has most gives first, so a greedy visitor costs the others nothing as long as they have less.
    """
    queues: dict[str, deque[Holding[T]]] = {}
    for holding in sorted((each for each in holdings if each.amount > 0), key=lambda holding: holding.turn):
        queues.setdefault(holding.owner, deque()).append(holding)
    totals = {owner: sum(holding.amount for holding in queue) for owner, queue in queues.items()}
    given: list[T] = []
    while queues:
        # Among those with the same amount, the one that was idle longest.
        owner = min(queues, key=lambda owner: (-totals[owner], queues[owner][0].turn))
        if totals[owner] <= each and sum(totals.values()) <= everybody:
            break
        first = queues[owner].popleft()
        totals[owner] -= first.amount
        given.append(first.thing)
        if not queues[owner]:
            del queues[owner], totals[owner]
    return given


def size_of_folder(folder: str | os.PathLike[str]) -> int:
    """Bytes of the files below a folder; 0 if it is gone."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # removed meanwhile
                continue
    return total
