"""What a file says about light: `RawPhoto` (a camera's mosaic) and `RgbPhoto` (a display-referred picture).

Both are frozen. Their arrays are read-only, so that a photo can be shared between threads and sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.messages import say

FloatArray = NDArray[np.float32]
Gains = tuple[float, float, float]
Inset = tuple[int, int, int, int]
"""Rows and columns at the top, left, bottom and right."""
WhiteBalanceChoice = Literal["as_shot", "daylight", "grey_world"] | Gains


@dataclass(frozen=True)
class WhiteBalance:
    """Gains that make a neutral surface neutral: they multiply the black-subtracted camera values."""

    gains: Gains
    """Red, green, blue; normalised so that green is 1."""
    source: str
    """Where the gains came from, in words, e.g. "as shot" or "daylight (the file's as-shot gains are not usable)"."""


@dataclass(frozen=True)
class Exposure:
    """How the picture was taken; None where the file does not say."""

    seconds: float | None = None
    aperture: float | None = None
    """F-number."""
    iso: float | None = None
    focal_length: float | None = None
    """Millimetres."""


@dataclass(frozen=True, eq=False)
class RawPhoto:
    """What a sensor counted, in linear light: a mosaic, or all colours at every pixel."""

    mosaic: FloatArray
    """H x W, or H x W x 3 camera RGB where there is no colour-filter array; (raw - black) / (white - black). 0 is no
    light, 1 is saturation; noise below the black level stays, as negative values. Bayer mosaics begin with an R G / G B
    cell and have even sides; X-Trans mosaics begin at the canonical 6x6 tile and have sides that are multiples of 6.
    Where the file's pixels do not, the mosaic is completed by their reflection: see `inset`."""
    cfa: Literal["bayer", "xtrans", "none"]
    """"none": every pixel has all colours (linear DNG), or none (monochrome sensors: three equal values)."""
    phase: str
    """The colour-filter phase of the file's first visible pixels: "RGGB", "GBRG", ... or "X-Trans", or empty."""
    white_balance: WhiteBalance
    as_shot: Gains | None
    """The file's as-shot gains (green 1), None where absent or nonsense."""
    daylight: Gains | None
    """The camera's daylight gains (green 1), None where not known."""
    camera_to_srgb: FloatArray
    """3x3, rows summing to 1: white-balanced camera RGB to linear sRGB, under daylight; `color_matrix` under the light
    of the white balance."""
    matrix_source: str
    """Where the matrix came from: "the file", or why a stated fallback is used."""
    exposure: Exposure
    camera: str | None
    black_level: tuple[float, ...]
    """Sensor counts, in the order R, G1, B, G2 (one value where the file has one)."""
    white_level: float
    """Sensor counts."""
    bits: int
    """Bit depth of the sensor's counts: the bits that the white level needs."""
    rotation: Literal[0, 90, 180, 270] = 0
    """Counter-clockwise degrees to turn a picture made from the mosaic, for display (numpy.rot90 by rotation // 90)."""
    mirrored: bool = False
    """True where the picture is mirrored left to right before it is turned."""
    inset: Inset = (0, 0, 0, 0)
    """Rows and columns of the mosaic that only complete its cells and belong to no picture."""
    monochrome: bool = False
    """True for a sensor without colour filters: results stay grey."""
    name: str = "photo"
    exif: bytes | None = None
    """A TIFF-structured EXIF block to be copied into results, without orientation."""
    carried: bytes | None = field(default=None, repr=False)
    """What a DNG of the photo carries on of its file: matrices, crop, lens; see `explorer.photo.carried`."""
    notes: tuple[str, ...] = field(default=())
    """Sentences for the user: fallbacks taken, margins cropped."""

    def __post_init__(self) -> None:
        for array in (self.mosaic, self.camera_to_srgb):
            array.setflags(write=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture, in pixels."""
        height, width = self.sensor_size
        return (height, width) if self.rotation in (90, 270) else (width, height)

    @property
    def sensor_size(self) -> tuple[int, int]:
        """Height and width of the picture as the sensor lies: the mosaic without its inset."""
        top, left, bottom, right = self.inset
        height, width = self.mosaic.shape[:2]
        return height - top - bottom, width - left - right

    @property
    def color_matrix(self) -> FloatArray:
        """`camera_to_srgb` under the light that the white balance names; see `explorer.photo.adaptation`."""
        from explorer.photo.adaptation import matrix_under

        return matrix_under(self.camera_to_srgb, self.daylight, self.white_balance.gains)

    def with_white_balance(self, choice: WhiteBalanceChoice) -> RawPhoto:
        """A new photo with other gains; see `explorer.photo.white_balance.with_white_balance`."""
        from explorer.photo.white_balance import with_white_balance

        return with_white_balance(self, choice)

    def with_neutral_point(self, x: float, y: float, size: int = 16) -> RawPhoto:
        """A new photo in which a patch is neutral; see `explorer.photo.white_balance.with_neutral_point`."""
        from explorer.photo.white_balance import with_neutral_point

        return with_neutral_point(self, x, y, size)


@dataclass(frozen=True, eq=False)
class RgbPhoto:
    """A display-referred picture."""

    image: FloatArray
    """H x W x 3, sRGB with its transfer curve, [0, 1], upright (EXIF orientation applied)."""
    bits: int
    """Bits per channel in the file: 8, 16 or 32."""
    exposure: Exposure = field(default_factory=Exposure)
    camera: str | None = None
    name: str = "photo"
    exif: bytes | None = None
    notes: tuple[str, ...] = field(default=())
    white_balance: WhiteBalance = WhiteBalance((1.0, 1.0, 1.0), say("source.as_rendered"))
    """Gains in linear light that the image already holds; 1, 1, 1 for the picture as it was opened."""
    as_opened: FloatArray | None = field(default=None, repr=False)
    """The image before any change of white balance; None where it was not changed."""

    def __post_init__(self) -> None:
        self.image.setflags(write=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def with_white_balance(self, choice: WhiteBalanceChoice) -> RgbPhoto:
        """A new photo with other gains; see `explorer.photo.white_balance.with_white_balance`."""
        from explorer.photo.white_balance import with_white_balance

        return with_white_balance(self, choice)

    def with_neutral_point(self, x: float, y: float, size: int = 16) -> RgbPhoto:
        """A new photo in which a patch is neutral; see `explorer.photo.white_balance.with_neutral_point`."""
        from explorer.photo.white_balance import with_neutral_point

        return with_neutral_point(self, x, y, size)


Photo = RawPhoto | RgbPhoto
