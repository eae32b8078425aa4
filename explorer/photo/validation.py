"""Numbers that come from callers: read without surprises, and shown in messages whatever they are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_LONGEST = 40
"""Characters of a value that a message shows."""


def finite_number(value: Any) -> float | None:
    """A real number as a float; None for anything else: truth values, text, NaN, infinities, integers beyond floats."""
    if isinstance(value, bool | np.bool_ | str | bytes | bytearray):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def shown(value: Any) -> str:
    """A value as a message shows it: on one line, at most 40 characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integer of more than 4300 digits
        text = f"of type {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
