"""Limits of users: allowances that refill over time, and shares of finite resources. For one event loop only."""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from explorer.messages import say
from explorer.server.rules import RefusalError

MOST_USERS = 20_000
"""Number of users to remember; the one away longest is forgotten first and starts again with a full allowance."""


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

    def require(self, user: str, amount: float = 1.0, message: str = "refused.busy") -> None:
        """Takes an amount, as `take` does.

        Raises:
            RefusalError: it is not enough; `message` is the sentence's id.
        """
        if wait := self.take(user, amount):
            raise RefusalError(429, say(message, wait=math.ceil(wait)), wait)


class Shares:
    """Counts open answers or bytes in memory: at most `each` for a user, and `total` for all."""

    def __init__(self, each: int, total: int) -> None:
        self._each, self._total = each, total
        self._held: Counter[str] = Counter()

    def has_room(self, user: str, amount: int = 1) -> bool:
        """True if an amount exceeds neither the user's share nor the total."""
        return self._held[user] + amount <= self._each and self._held.total() + amount <= self._total

    def enter(self, user: str, amount: int = 1) -> None:
        """Adds an amount.

        Raises:
            RefusalError: it exceeds the user's share or the total; then nothing is added.
        """
        if not self.has_room(user, amount):
            status = 429 if self._held[user] + amount > self._each else 503
            raise RefusalError(status, say("refused.busy", wait=5), 5.0)
        self._held[user] += amount

    def leave(self, user: str, amount: int = 1) -> None:
        self._held[user] -= amount
        if self._held[user] <= 0:
            del self._held[user]

    async def room(self, user: str) -> None:
        """Waits until there is room for one more."""
        while not self.has_room(user):
            await anyio.sleep(0.1)

    @contextmanager
    def holding(self, user: str) -> Iterator[None]:
        """Counts one more inside the block; see `enter`."""
        self.enter(user)
        try:
            yield
        finally:
            self.leave(user)
