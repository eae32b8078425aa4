"""Names of the files that visitors take along."""

from __future__ import annotations

import os


def stem_of(photo: str) -> str:
    """A photo's name without its ending, as every file system takes it."""
    stem = os.path.splitext(os.path.basename(photo))[0] or "photo"
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in stem)[:80]
