"""Limits that are checked before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.errors import PhotoError


@dataclass(frozen=True)
class Limits:
    """How large a file may be. Decoding takes about 12 bytes of memory a pixel, several times over."""

    max_bytes: int = 512 * 2**20
    max_pixels: int = 120_000_000

    def check_bytes(self, count: int, name: str) -> None:
        """Raises PhotoError if a file is too long."""
        if count > self.max_bytes:
            raise PhotoError(
                f"{name} has {count / 2**20:.0f} MiB, more than the limit of {self.max_bytes / 2**20:.0f} MiB; "
                "open a smaller file."
            )

    def check_pixels(self, width: int, height: int, name: str) -> None:
        """Raises PhotoError if a picture has too many pixels, or none."""
        if width < 1 or height < 1:
            raise PhotoError(f"{name} states a size of {width} x {height} pixels; the file is damaged.")
        if width * height > self.max_pixels:
            raise PhotoError(
                f"{name} has {width} x {height} pixels, more than the limit of {self.max_pixels / 1e6:g} megapixels; "
                "make it smaller first."
            )
