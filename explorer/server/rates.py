"""How much each user has left: allowances that fill up again with time."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_USERS = 20_000
"""Users that are remembered; whoever was away longest is forgotten first, with a full allowance."""


class Allowance:
    """A token bucket for each user: `burst` at once, `per_second` on average."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = per_second, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, user: str, amount: float = 1.0) -> float:
        """Takes from a user's allowance if it suffices.

        Returns:
            0, or the seconds after which it would suffice; nothing is taken then.
        """
        with self._lock:
            now = self._clock()
            left, then = self._left.pop(user, (self._burst, now))
            left = min(self._burst, left + (now - then) * self._rate)
            wait = 0.0
            if left >= amount:
                left -= amount
            else:
                wait = max(1e-3, (min(amount, self._burst) - left) / self._rate)
            self._left[user] = left, now
            while len(self._left) > MOST_USERS:
                self._left.popitem(last=False)
            return wait

    def spend(self, user: str, amount: float) -> None:
        """Takes what was used already, below zero if need be."""
        with self._lock:
            now = self._clock()
            left, then = self._left.pop(user, (self._burst, now))
            self._left[user] = min(self._burst, left + (now - then) * self._rate) - amount, now


class Counter:
    """What is under way, by user and in all."""

    def __init__(self, each: int, all_: int) -> None:
        self._each, self._all = each, all_
        self._under_way: dict[str, int] = {}
        self._lock = threading.Lock()

    def enter(self, user: str) -> str:
        """Counts one more; gives "", or what is full ("user", "server"), where nothing is counted."""
        with self._lock:
            if sum(self._under_way.values()) >= self._all:
                return "server"
            if self._under_way.get(user, 0) >= self._each:
                return "user"
            self._under_way[user] = self._under_way.get(user, 0) + 1
            return ""

    def leave(self, user: str) -> None:
        with self._lock:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]


def network_of(address: str) -> str:
    """What stands for a client's address: an IPv4 address, or the IPv6 network of 64 bits that one household has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped:
        return str(mapped or found)
    return str(ipaddress.ip_network((found, 64), strict=False))


def client_address(peer: str, forwarded: str, proxies: int) -> str:
    """The address that asks.

    Args:
        peer: the other end of the connection.
        forwarded: the X-Forwarded-For header; what a client writes there itself stands to the left.
        proxies: how many proxies of our own there are; each appends the address that it was asked from.
    """
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if proxies < 1 or not hops:
        return network_of(peer)
    return network_of(hops[-min(proxies, len(hops))].strip("[]"))
