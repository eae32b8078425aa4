"""Limits that are checked before anything is decoded, and what a decoder in a separate process may use."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from explorer.errors import PhotoError, SettingsError

MEGABYTES, MEGAPIXELS = "EXPLORER_MAX_MEGABYTES", "EXPLORER_MAX_MEGAPIXELS"
"""Environment variables for `Limits`."""
DECODE_MEGABYTES, DECODE_SECONDS, DECODERS = "EXPLORER_DECODE_MEGABYTES", "EXPLORER_DECODE_SECONDS", "EXPLORER_DECODERS"
"""Environment variables for `DecoderLimits`."""
MEBIBYTE = 2**20


def number_from_environment(variable: str, default: float, *, least: float = 0.0, most: float = math.inf) -> float:
    """The number that an environment variable holds; `default` where it is not set or empty.

    Raises:
        SettingsError: it holds something else than a number above `least` and up to `most`.
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (least < number <= most and math.isfinite(number)):
        bounds = f"above {least:g}" + (f" and up to {most:g}" if math.isfinite(most) else "")
        raise SettingsError(f"{variable} is {text[:40]!r}, which is not a number {bounds}; correct or unset it.")
    return number


@dataclass(frozen=True)
class Limits:
    """How large a file may be. Decoding takes about 12 bytes of memory a pixel, several times over."""

    max_bytes: int = 512 * MEBIBYTE
    max_pixels: int = 120_000_000

    @classmethod
    def from_environment(cls) -> Limits:
        """The limits that hold where none are given: EXPLORER_MAX_MEGABYTES (MiB) and EXPLORER_MAX_MEGAPIXELS.

        Raises:
            SettingsError: a variable that holds no number above 0.
        """
        return cls(
            max(1, int(number_from_environment(MEGABYTES, cls.max_bytes / MEBIBYTE, most=2**20) * MEBIBYTE)),
            max(1, int(number_from_environment(MEGAPIXELS, cls.max_pixels / 1e6, most=1e6) * 1e6)),
        )

    def check_bytes(self, count: int, name: str) -> None:
        """Raises PhotoError if a file is too long."""
        if count > self.max_bytes:
            raise PhotoError(
                code="error.too_many_bytes",
                name=name,
                count=f"{count / 2**20:.0f}",
                limit=f"{self.max_bytes / 2**20:.0f}",
            )

    def check_pixels(self, width: int, height: int, name: str) -> None:
        """Raises PhotoError if a picture has too many pixels, or none."""
        if width < 1 or height < 1:
            raise PhotoError(code="error.stated_size", name=name, width=width, height=height)
        if width * height > self.max_pixels:
            raise PhotoError(
                code="error.too_many_pixels",
                name=name,
                width=width,
                height=height,
                limit=f"{self.max_pixels / 1000000.0:g}",
            )

    def check_unpacked(self, count: int, name: str) -> None:
        """Raises PhotoError if a file's samples take more bytes than those of the largest picture: a header can ask for
        thousands of channels or for one giant tile without having many pixels."""
        if count > 16 * self.max_pixels:
            raise PhotoError(
                f"The header of {name} asks for {count / 2**20:.0f} MiB of samples, more than a picture within the "
                f"limit of {self.max_pixels / 1e6:g} megapixels has; the file is damaged or not a photo."
            )


@dataclass(frozen=True)
class DecoderLimits:
    """Limits of the processes that decode untrusted files."""

    memory: int = 4096 * MEBIBYTE
    """Bytes of address space that one decoder may take beyond what it starts with; enforced only on Linux."""
    seconds: float = 60.0
    """Longest time for one file."""
    processes: int = 2
    """Most decoders at once; further files wait for one."""
    uses: int = 500
    """Files after which a decoder is replaced, so that what C libraries leak does not add up."""

    @classmethod
    def from_environment(cls) -> DecoderLimits:
        """EXPLORER_DECODE_MEGABYTES (MiB), EXPLORER_DECODE_SECONDS and EXPLORER_DECODERS, where they are set.

        Raises:
            SettingsError: a variable that holds no number above 0.
        """
        return cls(
            int(number_from_environment(DECODE_MEGABYTES, cls.memory / MEBIBYTE, least=31, most=2**24) * MEBIBYTE),
            number_from_environment(DECODE_SECONDS, cls.seconds, most=86400),
            max(1, int(number_from_environment(DECODERS, cls.processes, most=64))),
        )
