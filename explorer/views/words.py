"""Figures in words, as the app and the widgets say them."""

from __future__ import annotations


def ratio_words(ratio: float) -> str:
    """E.g. "×4.25" or "×120"."""
    return f"×{ratio:.3g}"


def seconds_words(seconds: float) -> str:
    """E.g. "84 ms" or "2.1 s"."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
