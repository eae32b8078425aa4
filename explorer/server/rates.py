"""Limits of users: allowances that refill over time, and shares of finite resources. For one event loop only."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable

from explorer.messages import MESSAGES
from explorer.server.options import ServerOptions
from explorer.server.rules import RefusalError

MOST_USERS = 20_000
"""Number of users to remember; the one away longest is forgotten first and starts again with a full allowance."""
BUSY = MESSAGES["refused.busy"]
SPARE_FILES = 10_000
"""Files for which uploads must leave room on the disk: empty ones take no bytes, but each takes an entry."""
SMALL = 2**16
"""Bytes of a body that take no share of the memory, so that a page's requests always pass."""


class Allowance:
    """A token bucket for each user: `burst` at once, `per_second` on average."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = per_second, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, user: str, amount: float = 1.0) -> float:
        """Takes an amount from a user's allowance if it is enough; a negative amount is returned to it.

        Returns:
            0, or the seconds until it would be enough; then nothing is taken.
        """
        now = self._clock()
        left, then = self._left.pop(user, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        wait = 0.0
        if left >= amount:
            left = min(self._burst, left - amount)
        else:
            wait = max(1e-3, (min(amount, self._burst) - left) / self._rate)
        self._left[user] = left, now
        while len(self._left) > MOST_USERS:
            self._left.popitem(last=False)
        return wait


class Counter:
    """Counts open answers or bytes in memory, by user and in total."""

    def __init__(self, each: int, all_: int) -> None:
        self._each, self._all = each, all_
        self._under_way: dict[str, int] = {}

    def has_room(self, user: str, amount: int = 1) -> bool:
        """True if an amount exceeds neither the user's share nor the total."""
        own, total = self._under_way.get(user, 0), sum(self._under_way.values())
        return own + amount <= self._each and total + amount <= self._all

    def enter(self, user: str, amount: int = 1) -> None:
        """Adds an amount.

        Raises:
            RefusalError: it exceeds the user's share or the total; then nothing is added.
        """
        own = self._under_way.get(user, 0) + amount
        if not self.has_room(user, amount):
            raise RefusalError(429 if own > self._each else 503, BUSY.format(wait=5), 5.0)
        self._under_way[user] = own

    def leave(self, user: str, amount: int = 1) -> None:
        self._under_way[user] = self._under_way.get(user, 0) - amount
        if self._under_way[user] <= 0:
            del self._under_way[user]


class Intake:
    """Accounts for every byte that visitors send: an hourly allowance for each user, a share of the memory that bodies
    take, and the disk space that must stay free."""

    def __init__(self, options: ServerOptions) -> None:
        self.hour = Allowance(options.upload_bytes_per_hour / 3600, options.upload_bytes_per_hour)
        self.memory = Counter(options.held_bytes_each, options.held_bytes)
        self.spare = options.spare_bytes
        self.coming = 0
        """Bytes that uploads have reserved but not yet written."""


def _is_full(folder: str, needed: int) -> bool:
    if hasattr(os, "statvfs") and (disk := os.statvfs(folder)).f_files and disk.f_favail < SPARE_FILES:
        return True  # some file systems have no limit, and report 0 files
    return shutil.disk_usage(folder).free < needed


class Taken:
    """The bytes of one body: reserved before it arrives, counted as it arrives, released afterwards."""

    def __init__(self, intake: Intake, user: str, announced: int, *, memory: bool, disk: str) -> None:
        """Reserves the announced bytes. `disk` is the folder to which they are written; empty if they are not.

        Raises:
            RefusalError: the hourly allowance, the memory or the disk is not enough.
        """
        self._intake, self._user, self._memory, self._disk = intake, user, memory, disk
        self._reserved = self._held = self._came = 0
        self._reserve(announced)

    def came(self, count: int) -> None:
        """Counts bytes that have arrived; reserves those that were not announced."""
        if self._came + count > self._reserved:
            self._reserve(self._came + count - self._reserved)
        self._came += count
        if self._disk:
            self._intake.coming -= count

    def close(self) -> None:
        """Releases the memory, and what was reserved but did not arrive."""
        self._intake.memory.leave(self._user, self._held)
        unused = self._reserved - self._came
        self._intake.hour.take(self._user, -unused)
        if self._disk:
            self._intake.coming -= unused

    def _reserve(self, amount: int) -> None:
        if self._disk:
            place = self._disk if os.path.isdir(self._disk) else os.path.dirname(self._disk)
            if _is_full(place or ".", amount + self._intake.coming + self._intake.spare):
                raise RefusalError(507, "The server's disk is full; try again later.")
        held = amount if self._memory and self._reserved + amount > SMALL else 0
        self._intake.memory.enter(self._user, held)
        wait = self._intake.hour.take(self._user, amount)
        if wait:
            self._intake.memory.leave(self._user, held)
            raise RefusalError(429, f"You uploaded too much; wait {math.ceil(wait)} s and try again.", wait)
        self._held += held
        self._reserved += amount
        if self._disk:
            self._intake.coming += amount
