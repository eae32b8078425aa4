"""Formats figures as words for the app and the widgets."""

from __future__ import annotations


def ratio_words(ratio: float) -> str:
    """Formats a ratio, e.g. "×4.25" or "×120"."""
    return f"×{ratio:.3g}"


def seconds_words(seconds: float) -> str:
    """Formats a time, e.g. "84 ms" or "2.1 s"."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
