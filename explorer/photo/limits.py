"""Limits that are checked before decoding, and limits of decoders in separate processes."""

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
    """Reads a number from an environment variable; `default` if it is not set or empty.

    Raises:
        SettingsError: it is not a number above `least` and up to `most`.
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


def told_by_environment(variable: str) -> bool | None:
    """What an environment variable says: True for 1, true, yes or on, False for any other word, None for nothing."""
    text = os.environ.get(variable, "").strip().lower()
    return text in ("1", "true", "yes", "on") if text else None


@dataclass(frozen=True)
class Limits:
    """Largest file and picture. Decoding takes several times 12 bytes of memory per pixel."""

    max_bytes: int = 512 * MEBIBYTE
    max_pixels: int = 120_000_000

    @classmethod
    def from_environment(cls) -> Limits:
        """Reads the default limits: EXPLORER_MAX_MEGABYTES (MiB) and EXPLORER_MAX_MEGAPIXELS.

        Raises:
            SettingsError: a variable is not a number above 0.
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
        """Raises PhotoError if a file's samples take more bytes than those of the largest picture: a header can state
        thousands of channels or one giant tile without having many pixels."""
        if count > 16 * self.max_pixels:
            raise PhotoError(
                f"The header of {name} asks for {count / 2**20:.0f} MiB of samples, more than a picture within the "
                f"limit of {self.max_pixels / 1e6:g} megapixels has; the file is damaged or not a photo."
            )


@dataclass(frozen=True)
class DecoderLimits:
    """Limits of the processes that decode untrusted files."""

    memory: int = 4096 * MEBIBYTE
    """Bytes of address space that a decoder may allocate after its start; enforced only on Linux."""
    seconds: float = 60.0
    """Longest time for one file."""
    processes: int = 2
    """Largest number of decoders at once; further files wait."""
    uses: int = 500
    """Number of files after which a decoder is replaced, so that memory leaks of C libraries do not add up."""

    @classmethod
    def from_environment(cls) -> DecoderLimits:
        """Reads EXPLORER_DECODE_MEGABYTES (MiB), EXPLORER_DECODE_SECONDS and EXPLORER_DECODERS, if set.

        Raises:
            SettingsError: a variable is not a number above 0.
        """
        return cls(
            int(number_from_environment(DECODE_MEGABYTES, cls.memory / MEBIBYTE, least=31, most=2**24) * MEBIBYTE),
            number_from_environment(DECODE_SECONDS, cls.seconds, most=86400),
            max(1, int(number_from_environment(DECODERS, cls.processes, most=64))),
        )
