"""Small building blocks of photos: arrays, gains, insets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.choices import NamedBalance

FloatArray = NDArray[np.float32]
Gains = tuple[float, float, float]
Inset = tuple[int, int, int, int]
"""Rows and columns at the top, left, bottom and right."""
WhiteBalanceChoice = NamedBalance | Gains


@dataclass(frozen=True)
class WhiteBalance:
    """Gains that make a neutral surface neutral: they multiply the black-subtracted camera values."""

    gains: Gains
    """Red, green, blue; normalised so that green is 1."""
    source: str
    """Source of the gains, in words, e.g. "as shot" or "daylight (the file's as-shot gains are not usable)"."""


class Sliceable(Protocol):
    """Samples that are made where they are asked for, or an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width, channels."""
        ...

    def __getitem__(self, place: tuple[slice, slice], /) -> NDArray[np.uint16]: ...
