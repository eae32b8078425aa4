"""A request's body while it arrives, and the accounts of every byte that visitors send."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from starlette.datastructures import Headers

from explorer.messages import say
from explorer.server import rules
from explorer.server.options import ServerOptions
from explorer.server.rates import Allowance, Shares
from explorer.server.rules import RefusalError

SPARE_FILES = 10_000
"""Files for which uploads must leave room on the disk: empty ones take no bytes, but each takes an entry."""
_SMALL = 2**16
"""Bytes of a body that take no share of the memory, so that a page's requests always pass; the server discards as many
after its answer."""
_LINGER, _DROPPED = 1.0, 2**19
"""Seconds for which the connection of a refused request stays open, and bytes of its rest that are read and dropped."""

Receive = Callable[[], Awaitable[Any]]


class Accounts:
    """Every byte that visitors send: an hourly allowance for each user, a share of the memory that bodies take, and the
    disk space that must stay free."""

    def __init__(self, options: ServerOptions) -> None:
        self.hour = Allowance(options.upload_bytes_per_hour / 3600, options.upload_bytes_per_hour)
        self.memory = Shares(options.held_bytes_each, options.held_bytes)
        self.spare = options.spare_bytes
        self.coming = 0
        """Bytes that uploads have reserved but not yet written."""

    def is_full(self, folder: str, amount: int) -> bool:
        """True if the disk has no room for an amount of bytes; the folder may not exist yet."""
        place = folder if os.path.isdir(folder) else os.path.dirname(folder) or "."
        if hasattr(os, "statvfs") and (disk := os.statvfs(place)).f_files and disk.f_favail < SPARE_FILES:
            return True  # some file systems have no limit, and report 0 files
        return shutil.disk_usage(place).free < amount + self.coming + self.spare


class Body:
    """A request's body while it arrives: neither too slow nor too long.

    After `account`, its bytes are reserved when they are announced, counted as they arrive, and released by `close`.
    """

    def __init__(self, receive: Receive, headers: Headers, idle: float, seconds: float, most: int) -> None:
        self._receive, self._idle, self._seconds, self._most = receive, idle, seconds, most
        self._until = 0.0
        length = headers.get("content-length", "0")
        self.announced = int(length) if length.isdecimal() and len(length) < 16 else most + 1
        self.is_long = self.announced > _SMALL or "transfer-encoding" in headers
        """True if more may follow than the little that the server reads and discards after its answer."""
        self.bytes = 0
        self.whole = False
        self.again: bytes | None = None
        """The whole body, to be delivered once more after it has been read."""
        self._accounts: Accounts | None = None
        self._reserved = self._held = 0

    async def __call__(self) -> Any:
        if self.again is not None:
            content, self.again = self.again, None
            return {"type": "http.request", "body": content, "more_body": False}
        if self.whole:  # the next message says that the client has left, which may take any time
            return await self._receive()
        self._until = self._until or time.monotonic() + self._seconds
        left = self._until - time.monotonic()
        message: Any = None
        if left > 0:  # otherwise it arrived a byte at a time
            with anyio.move_on_after(min(self._idle, left)):
                message = await self._receive()
        if message is None:
            self.is_long = True
            raise RefusalError(408, say("refused.slow"))
        if message["type"] == "http.request":
            self._came(len(message.get("body", b"")))
            self.whole = not message.get("more_body", False)
        elif self._accounts:
            raise RefusalError(400, say("refused.interrupted"))
        return message

    async def read(self) -> bytes:
        """Reads the whole body.

        Raises:
            RefusalError: the body does not arrive, is incomplete or has too many values.
        """
        parts, values = [], 0
        while not self.whole:
            parts.append((await self()).get("body", b""))
            values += rules.count_values(parts[-1])
            if values > rules.MOST_VALUES:
                raise RefusalError(413, say("refused.values"))
        return b"".join(parts)

    async def drop(self) -> None:
        """Waits a little, and drops some of what still comes. A client or proxy that is still sending when the
        connection closes loses the answer, which it would have read a moment later."""
        left = _DROPPED
        with anyio.move_on_after(_LINGER):
            while not self.whole:
                if left <= 0:
                    await anyio.sleep(_LINGER)
                message = await self._receive()
                left -= len(message.get("body", b""))
                self.whole = not message.get("more_body", False)

    def account(self, accounts: Accounts, user: str, *, memory: bool, disk: str) -> None:
        """Reserves the announced bytes. `disk` is the folder to which they are written; empty if they are not.

        Raises:
            RefusalError: the body is too long, or the hourly allowance, the memory or the disk is not enough.
        """
        self._check(self.announced)
        self._accounts, self._user, self._memory, self._disk = accounts, user, memory, disk
        self._reserve(self.announced)

    def close(self) -> None:
        """Releases the memory, and what was reserved but did not arrive."""
        if accounts := self._accounts:
            accounts.memory.leave(self._user, self._held)
            accounts.hour.take(self._user, self.bytes - self._reserved)
            if self._disk:
                accounts.coming -= self._reserved - self.bytes

    def _came(self, count: int) -> None:
        """Counts bytes that have arrived; reserves those that were not announced."""
        self._check(self.bytes + count)
        if self._accounts:
            self._reserve(self.bytes + count - self._reserved)
            if self._disk:
                self._accounts.coming -= count
        self.bytes += count

    def _check(self, length: int) -> None:
        if length > self._most:
            raise RefusalError(413, say("refused.length", mebibytes=f"{self._most / 2**20:.3g}"))

    def _reserve(self, amount: int) -> None:
        accounts = self._accounts
        if accounts is None or amount <= 0:
            return
        if self._disk and accounts.is_full(self._disk, amount):
            raise RefusalError(507, say("refused.disk"))
        held = amount if self._memory and self._reserved + amount > _SMALL else 0
        accounts.memory.enter(self._user, held)
        self._held += held
        accounts.hour.require(self._user, amount, "refused.bytes")
        self._reserved += amount
        if self._disk:
            accounts.coming += amount
