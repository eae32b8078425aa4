"""A decoder says how many pixels there will be, and waits for leave to take memory for them: both sides of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import IO, Any

from explorer.photo.limits import Limits
from explorer.sandbox.serialization import WireError, receive_header, send_header

Room = Callable[[float], AbstractContextManager[None]]
"""Waits until so many bytes of memory may be taken, and gives them back."""
_BYTES_EACH = 30
"""For a pixel while it is decoded: its sample, its float, and that in the memory which both sides share. 16-bit TIFF
files take as much, most others less."""


class Leave:
    """The parent's side, for one file."""

    def __init__(self, room: Room, taken: ExitStack, length: int, most: int) -> None:
        """`length` of the file in bytes, `most` pixels that it may have; `taken` keeps what it has until it ends."""
        self._room, self._taken, self._length, self._most, self._pixels = room, taken, length, most, 0

    def give(self, header: dict[str, Any], out: IO[bytes]) -> None:
        """Answers an announcement as soon as there is room.

        Raises:
            WireError: it is none that a decoder makes.
            OSError: the decoder is gone.
        """
        pixels = header["pixels"]
        if type(pixels) is not int or not self._pixels < pixels <= self._most:
            raise WireError("pixels")
        self._pixels = pixels
        self._taken.close()  # who has room never waits for more
        self._taken.enter_context(self._room(2 * self._length + _BYTES_EACH * pixels))
        send_header(out, {"go": True})


@dataclass(frozen=True)
class AnnouncingLimits(Limits):
    """The decoder's side: limits that announce whatever they let pass."""

    announce: Callable[[int], None] = lambda pixels: None

    def check_pixels(self, width: int, height: int, name: str) -> None:
        super().check_pixels(width, height, name)
        self.announce(width * height)


def announcer(requests: IO[bytes], answers: IO[bytes]) -> Callable[[int], None]:
    """Announces pixels of one file, the most so far only."""
    most = 0

    def announce(pixels: int) -> None:
        nonlocal most
        if pixels > most:
            most = pixels
            send_header(answers, {"pixels": pixels})
            if receive_header(requests) is None:
                os._exit(1)  # the parent is gone

    return announce


def unbounded(amount: float) -> AbstractContextManager[None]:
    """Room for everything."""
    return nullcontext()
