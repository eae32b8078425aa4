"""Both sides of the protocol by which decoders announce their pixels and wait for permission to allocate memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import IO, Any

from explorer.photo.limits import Limits
from explorer.sandbox.serialization import WireError, receive_header, send_header

Room = Callable[[float], AbstractContextManager[None]]
"""Waits until a number of bytes may be allocated, and releases them."""
_BYTES_EACH = 30
"""Bytes per pixel during decoding: the sample, its float, and the float in shared memory. 16-bit TIFF files need this
much, most others less."""


class Leave:
    """The parent's side of the protocol, for one file."""

    def __init__(self, room: Room, taken: ExitStack, length: int, most: int) -> None:
        """`length` is the file's size in bytes, `most` its largest number of pixels; `taken` holds its memory."""
        self._room, self._taken, self._length, self._most, self._pixels = room, taken, length, most, 0

    def give(self, header: dict[str, Any], out: IO[bytes]) -> None:
        """Answers an announcement as soon as memory is available.

        Raises:
            WireError: not a valid announcement.
            OSError: the decoder has ended.
        """
        pixels = header["pixels"]
        if type(pixels) is not int or not self._pixels < pixels <= self._most:
            raise WireError("pixels")
        self._pixels = pixels
        self._taken.close()  # a file that has memory never waits for more
        self._taken.enter_context(self._room(2 * self._length + _BYTES_EACH * pixels))
        send_header(out, {"go": True})


@dataclass(frozen=True)
class AnnouncingLimits(Limits):
    """The decoder's side of the protocol: limits that announce everything that passes them."""

    announce: Callable[[int], None] = lambda pixels: None

    def check_pixels(self, width: int, height: int, name: str) -> None:
        super().check_pixels(width, height, name)
        self.announce(width * height)


def announcer(requests: IO[bytes], answers: IO[bytes]) -> Callable[[int], None]:
    """Returns a function that announces pixels of one file, only when they exceed the largest number so far."""
    most = 0

    def announce(pixels: int) -> None:
        nonlocal most
        if pixels > most:
            most = pixels
            send_header(answers, {"pixels": pixels})
            if receive_header(requests) is None:
                os._exit(1)  # the parent has ended

    return announce


def unbounded(amount: float) -> AbstractContextManager[None]:
    """Grants all memory at once."""
    return nullcontext()
