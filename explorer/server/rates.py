"""The users' limits: allowances that refill over time, and shares of finite resources. They are one event loop's."""

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
"""Users that are remembered; whoever was away longest is forgotten first, with a full allowance."""
BUSY = MESSAGES["refused.busy"]
SMALL = 2**16
"""Bytes of a body that take no share of the memory: what a page sends, whoever else sends much."""


class Allowance:
    """A token bucket for each user: `burst` at once, `per_second` on average."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = per_second, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, user: str, amount: float = 1.0) -> float:
        """Takes from a user's allowance if it suffices; a negative amount is given back.

        Returns:
            0, or the seconds after which it would suffice; nothing is taken then.
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
    """Counts answers or bytes under way, by user and in total."""

    def __init__(self, each: int, all_: int) -> None:
        self._each, self._all = each, all_
        self._under_way: dict[str, int] = {}

    def enter(self, user: str, amount: int = 1) -> None:
        """Counts more.

        Raises:
            RefusalError: the user's share is full, or all is; nothing is counted then.
        """
        own = self._under_way.get(user, 0) + amount
        if own > self._each or sum(self._under_way.values()) + amount > self._all:
            raise RefusalError(429 if own > self._each else 503, BUSY.format(wait=5), 5.0)
        self._under_way[user] = own

    def leave(self, user: str, amount: int = 1) -> None:
        self._under_way[user] = self._under_way.get(user, 0) - amount
        if self._under_way[user] <= 0:
            del self._under_way[user]


class Intake:
    """Every byte that visitors send, whatever it is for: an hour's allowance of each user, a share of the memory that
    bodies take while they are held, and what the disk must have left."""

    def __init__(self, options: ServerOptions) -> None:
        self.hour = Allowance(options.upload_bytes_per_hour / 3600, options.upload_bytes_per_hour)
        self.memory = Counter(options.held_bytes_each, options.held_bytes)
        self.spare = options.spare_bytes
        self.coming = 0
        """Bytes that uploads have reserved and not yet written."""


class Taken:
    """The bytes of one body: reserved before it arrives, counted as it arrives, released afterwards."""

    def __init__(self, intake: Intake, user: str, announced: int, *, memory: bool, disk: str) -> None:
        """Reserves the announced bytes. `disk` is the folder that they are written to, empty if they are not.

        Raises:
            RefusalError: the hour's allowance, the memory or the disk does not suffice.
        """
        self._intake, self._user, self._memory, self._disk = intake, user, memory, disk
        self._reserved = self._held = self._came = 0
        self._reserve(announced)

    def came(self, count: int) -> None:
        """Counts bytes; reserves those that were not announced."""
        if self._came + count > self._reserved:
            self._reserve(self._came + count - self._reserved)
        self._came += count
        if self._disk:
            self._intake.coming -= count

    def close(self) -> None:
        """Gives back what was held, and what was reserved and did not come."""
        self._intake.memory.leave(self._user, self._held)
        unused = self._reserved - self._came
        self._intake.hour.take(self._user, -unused)
        if self._disk:
            self._intake.coming -= unused

    def _reserve(self, amount: int) -> None:
        if self._disk:
            place = self._disk if os.path.isdir(self._disk) else os.path.dirname(self._disk)
            if shutil.disk_usage(place or ".").free < amount + self._intake.coming + self._intake.spare:
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
