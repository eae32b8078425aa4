"""Validates numbers from callers, and formats any value for messages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_LONGEST = 40
"""Largest number of a value's characters in a message."""


def finite_number(value: Any) -> float | None:
    """Converts a real number to a float; None for anything else: bools, text, NaN, infinities, huge integers."""
    if isinstance(value, bool | np.bool_ | str | bytes | bytearray):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def shown(value: Any) -> str:
    """Formats a value for a message: on one line, at most 40 characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python does not print integers of more than 4300 digits
        text = f"of type {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
