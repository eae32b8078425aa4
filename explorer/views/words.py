"""Formats figures as words for the app and the widgets."""

from __future__ import annotations

import unicodedata


def ratio_words(ratio: float) -> str:
    """Formats a ratio, e.g. "×4.25" or "×120"."""
    return f"×{ratio:.3g}"


def seconds_words(seconds: float) -> str:
    """Formats a time, e.g. "84 ms" or "2.1 s"."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


_SPELT = str.maketrans({"×": "x", "–": "-", "−": "-", "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue",
                        "ß": "ss", "µ": "u", "σ": "sigma"})  # fmt: skip


def drawable(words: str) -> str:
    """Words in the letters that Pillow's own font has, which are those of ASCII and a few more; "?" for any other."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", words).translate(_SPELT))
    kept = (each for each in plain if not unicodedata.combining(each))
    return "".join(each if each.isascii() or each in "·…“”" else "?" for each in kept)
