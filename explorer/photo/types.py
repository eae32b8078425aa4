"""Photos: `RawPhoto` (a camera's mosaic) and `RgbPhoto` (a display-referred picture).

Both are frozen. Their arrays are read-only, so that a photo can be shared between threads and sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from explorer.choices import Turn
from explorer.errors import PhotoError
from explorer.photo.light.cfa import Cfa
from explorer.photo.light.chromatic_adaptation import matrix_under
from explorer.photo.light.white_balance import (
    AS_RENDERED,
    checked_patch,
    picture_balance,
    picture_patch_balance,
    raw_balance,
    raw_patch_balance,
    with_gains,
)
from explorer.photo.validation import shown
from explorer.photo.values import FloatArray, Gains, Inset, WhiteBalance, WhiteBalanceChoice


@dataclass(frozen=True)
class Exposure:
    """Exposure settings; None if the file does not say."""

    seconds: float | None = None
    aperture: float | None = None
    """F-number."""
    iso: float | None = None
    focal_length: float | None = None
    """Millimetres."""


@dataclass(frozen=True, eq=False)
class RawPhoto:
    """Sensor data in linear light: a mosaic, or all colours at every pixel."""

    mosaic: FloatArray
    """H x W, or H x W x 3 camera RGB without a colour-filter array; (raw - black) / (white - black). 0 is no light, 1
    is saturation; noise below the black level is kept as negative values. Bayer mosaics begin with an R G / G B cell
    and have even sides; X-Trans mosaics begin at the canonical 6x6 tile and have sides that are multiples of 6. If the
    file's pixels do not, the mosaic is completed by reflection: see `inset`."""
    cfa: Cfa
    """"none": every pixel has all colours (linear DNG), or none (monochrome sensors: three equal values)."""
    phase: str
    """The colour-filter phase of the file's first visible pixels: "RGGB", "GBRG", ... or "X-Trans", or empty."""
    white_balance: WhiteBalance
    as_shot: Gains | None
    """The file's as-shot gains (green 1), None if absent or implausible."""
    daylight: Gains | None
    """The camera's daylight gains (green 1), None if unknown."""
    camera_to_srgb: FloatArray
    """3x3, rows summing to 1: white-balanced camera RGB to linear sRGB, under daylight; `color_matrix` under the light
    of the white balance."""
    matrix_source: str
    """Source of the matrix: "the file", or the reason for a fallback."""
    exposure: Exposure
    camera: str | None
    black_level: tuple[float, ...]
    """Sensor counts, in the order R, G1, B, G2 (one value if the file has only one)."""
    white_level: float
    """Sensor counts."""
    bits: int
    """Bit depth of the sensor's counts: the number of bits of the white level."""
    rotation: Turn = 0
    """Counter-clockwise degrees to turn a picture made from the mosaic, for display (numpy.rot90 by rotation // 90)."""
    mirrored: bool = False
    """True if the picture is mirrored left to right before it is turned."""
    inset: Inset = (0, 0, 0, 0)
    """Rows and columns of the mosaic that only complete its cells and are not part of the picture."""
    masked: bool = False
    """True if masked pixels of the file give the black level."""
    monochrome: bool = False
    """True for a sensor without colour filters: results stay grey."""
    name: str = "photo"
    exif: bytes | None = None
    """A TIFF-structured EXIF block that is copied into results, without orientation."""
    carried: bytes | None = field(default=None, repr=False)
    """Metadata that is copied into DNGs of the photo: matrices, crop, lens; see `explorer.photo.files.carried`."""
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
        """Height and width of the picture in sensor orientation: the mosaic without its inset."""
        top, left, bottom, right = self.inset
        height, width = self.mosaic.shape[:2]
        return height - top - bottom, width - left - right

    @property
    def color_matrix(self) -> FloatArray:
        """`camera_to_srgb` under the light given by the white balance; see `light.chromatic_adaptation`."""
        return matrix_under(self.camera_to_srgb, self.daylight, self.white_balance.gains)

    def with_white_balance(self, choice: WhiteBalanceChoice) -> RawPhoto:
        """Returns a new photo with another white balance, or the photo itself if the sensor is monochrome.

        Args:
            choice: "as_shot", "daylight", "grey_world", or red, green and blue gains, normalised to green 1.

        Raises:
            WhiteBalanceError: gains that are unknown, not positive or beyond 16:1, or a picture without usable light.
        """
        if self.monochrome:
            return self
        balance = raw_balance(choice, self.mosaic, self.cfa, self.as_shot, self.daylight, self.name)
        return replace(self, white_balance=balance)

    def with_neutral_point(self, x: float, y: float, size: int = 16) -> RawPhoto:
        """Returns a new photo whose white balance makes a patch neutral.

        Args:
            x: column of the patch's centre in the upright picture, in pixels from the left.
            y: row, in pixels from the top.
            size: side of the patch in pixels; clipped at the picture's border and rounded to whole colour-filter tiles.

        Raises:
            WhiteBalanceError: not numbers, the point lies outside the picture, the size is below 1, or the patch is
                clipped or has no light.
        """
        x, y, side = checked_patch(x, y, size, self.size)
        balance = raw_patch_balance(self.mosaic, self.cfa, *self._on_sensor(x, y), side, (x, y))
        return self if self.monochrome else replace(self, white_balance=balance)

    def _on_sensor(self, x: float, y: float) -> tuple[float, float]:
        """Converts a point of the upright picture to (row, column) of the mosaic."""
        height, width = self.sensor_size
        turned = {0: (y, x), 90: (x, width - 1 - y), 180: (height - 1 - y, width - 1 - x), 270: (height - 1 - x, y)}
        row, column = turned[self.rotation]
        return self.inset[0] + row, self.inset[1] + (width - 1 - column if self.mirrored else column)


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
    white_balance: WhiteBalance = AS_RENDERED
    """Gains in linear light already applied to the image; 1, 1, 1 for the picture as opened."""
    as_opened: FloatArray | None = field(default=None, repr=False)
    """The image before any change of white balance; None if unchanged."""

    def __post_init__(self) -> None:
        self.image.setflags(write=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def with_white_balance(self, choice: WhiteBalanceChoice) -> RgbPhoto:
        """Returns a new photo with another white balance, applied in linear light.

        Args:
            choice: "as_shot" (as opened), "grey_world", or red, green and blue gains, normalised to green 1.

        Raises:
            WhiteBalanceError: as `RawPhoto.with_white_balance`; also for "daylight", which developed pictures do not
                have.
        """
        return self._balanced(picture_balance(choice, self._opened, self.name))

    def with_neutral_point(self, x: float, y: float, size: int = 16) -> RgbPhoto:
        """Returns a new photo whose white balance makes a patch neutral; see `RawPhoto.with_neutral_point`."""
        x, y, side = checked_patch(x, y, size, self.size)
        return self._balanced(picture_patch_balance(self._opened, x, y, side))

    @property
    def _opened(self) -> FloatArray:
        return self.image if self.as_opened is None else self.as_opened

    def _balanced(self, balance: WhiteBalance) -> RgbPhoto:
        image = with_gains(self._opened, balance.gains)
        kept = None if image is self._opened else self._opened
        return replace(self, image=image, white_balance=balance, as_opened=kept)


Photo = RawPhoto | RgbPhoto


def check_photo(photo: object) -> None:
    """Refuses anything but an open photo.

    Raises:
        PhotoError: a path, for example.
    """
    if not isinstance(photo, RawPhoto | RgbPhoto):
        raise PhotoError(f"{shown(photo)} is not an open photo; open the file with explorer.open_photo first.")
