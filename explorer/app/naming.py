"""Names for downloaded files."""

from __future__ import annotations

import os


def stem_of(photo: str) -> str:
    """A photo's name without its suffix, valid on every file system."""
    stem = os.path.splitext(os.path.basename(photo))[0] or "photo"
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in stem)[:80]
