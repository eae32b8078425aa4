"""Turns any well-lit photo into the RAW file or the JPEG that a camera would have written in the dark."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.darkroom.noise import SensorNoise, expose
from explorer.darkroom.sensors import SIMULATED, noise_named
from explorer.errors import OutputError, PhotoError
from explorer.photo import check_ratio, develop, load_rendering, open_mosaic, srgb_to_linear, write_dng
from explorer.photo.light.amplify import MIDDLE_GREY
from explorer.photo.light.cameras import BROOKS_XYZ_TO_CAMERA, SRGB_TO_XYZ, srgb_to_camera
from explorer.photo.light.cfa import BAYER_PHASES, XTRANS_TILE, bayer_shift
from explorer.photo.types import Exposure, Photo, RawPhoto
from explorer.photo.validation import shown
from explorer.photo.values import FloatArray, Gains
from explorer.saving import check_destination

PHASES = (*BAYER_PHASES, "X-Trans")
SUFFIXES = (".dng", ".jpg", ".jpeg")
_PLACES = np.array([[0, 1], [3, 2]], dtype=np.uint8)
"""R G1 / G2 B: positions in a Bayer cell in the order R, G1, B, G2."""
_LEAST_SIDE = 6


@dataclass(frozen=True)
class DarkLight:
    """The darkness of an exposure, in physical terms."""

    grey_electrons: float
    """Electrons that a green pixel collects from middle grey (18 %)."""
    snr: float
    """Signal of that pixel over the standard deviation of all its noise."""
    below_one_count: float
    """Share of samples whose light, without noise, is less than one count."""
    saturation_electrons: float
    """Electrons at the white level: the full well at this gain."""

    def __str__(self) -> str:
        return (
            f"middle grey {self.grey_electrons:.3g} electrons, SNR {self.snr:.3g} "
            f"({20 * np.log10(max(self.snr, 1e-9)):.1f} dB), {self.below_one_count:.1%} of the pixels below one count"
        )


@dataclass(frozen=True, eq=False)
class DarkExposure:
    """A photo as a camera would have recorded it in the dark, and its reference."""

    counts: NDArray[np.uint16] = field(repr=False)
    """H x W sensor counts, including the black level."""
    reference: FloatArray = field(repr=False)
    """H x W x 3 sRGB: the well-lit photo."""
    noise: SensorNoise
    phase: str
    ratio: float
    """Factor by which there was less light: the amplification that gives the reference's brightness."""
    seed: int
    gains: Gains
    """White balance as shot: the camera's under daylight."""
    light: DarkLight
    name: str = "photo"

    @property
    def xyz_to_camera(self) -> NDArray[np.float64]:
        """3x3, CIE XYZ (D65) to camera RGB."""
        return _matrix_of(self.noise)

    @cached_property
    def photo(self) -> RawPhoto:
        """The exposure as `explorer.open_photo` would open it from the DNG."""
        return open_mosaic(
            self.counts, phase=self.phase, black=self.noise.black, white=self.noise.white, name=self.name,
            gains=self.gains, xyz_to_camera=self.xyz_to_camera, exposure=Exposure(iso=self.noise.iso),
            camera=self.camera,
        )  # fmt: skip

    @property
    def camera(self) -> str:
        """The camera's name, marked as simulated: LibRaw replaces a file's levels by its own if it knows the camera."""
        return f"{SIMULATED}{self.noise.camera}"

    def picture(self) -> FloatArray:
        """The exposure as the camera would develop it, without amplification: H x W x 3 sRGB."""
        return develop(self.photo)

    def save(self, path: str | Path) -> Path:
        """Writes the RAW file (.dng) or the 8-bit JPEG (.jpg, .jpeg), completely or not at all.

        Raises:
            OutputError: another suffix, a folder that does not exist, a full disk.
        """
        path = Path(path)
        if path.suffix.lower() not in SUFFIXES:
            raise OutputError(f"{path.name} is neither RAW nor JPEG; end it in .dng or .jpg.")
        check_destination(path)
        if path.suffix.lower() != ".dng":
            from explorer.encode import encode, write_bytes

            write_bytes(path, encode(self.picture(), path.suffix, 8, self.photo.exif))
            return path
        return write_dng(
            path, self.counts, phase=self.phase, black=self.noise.black, white=int(self.noise.white),
            color_matrix=self.xyz_to_camera, as_shot_neutral=[1 / gain for gain in self.gains],
            iso=None if self.noise.iso is None else round(self.noise.iso), camera=self.camera,
        )  # fmt: skip


def darken(
    photo: Photo,
    camera: str | SensorNoise = "sony_a7s2",
    *,
    iso: float | None = None,
    ratio: float = 100.0,
    seed: int = 0,
    phase: str = "RGGB",
) -> DarkExposure:
    """Makes a well-lit photo dark.

    The photo goes back through the camera's processing (transfer curve, matrix, daylight white balance, colour filters;
    after Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019), is divided by the ratio, and is
    exposed with the camera's noise. White in the photo saturates the green channel.

    Args:
        photo: from `explorer.open_photo`; RAW is developed first.
        camera: a key of `explorer.darkroom.CAMERAS`, a file of `lowlight noise`, or one from `Camera.at`.
        iso: sensitivity, for a camera given by its key.
        ratio: how many times less light than in the well-lit photo, 1 to 300.
        seed: the same seed gives the same noise.
        phase: "RGGB", "BGGR", "GRBG", "GBRG" or "X-Trans".

    Raises:
        DataError: an unknown camera, or an ISO far outside the measured range.
        RatioError: the ratio is not a number from 1 to 300.
        PhotoError: an unknown phase, or a photo of fewer than 6 x 6 pixels.

    Examples:
        >>> import explorer
        >>> photo = explorer.open_photo(explorer.examples.examples()[2].reference)
        >>> dark = explorer.darken(photo, "sony_a7s2", iso=6400, ratio=50, seed=1)
        >>> dark.photo.cfa, dark.ratio
        ('bayer', 50.0)
    """
    ratio = check_ratio(ratio)
    noise = noise_named(camera, iso) if isinstance(camera, str) else camera
    if phase not in PHASES:
        raise PhotoError(f"The phase {shown(phase)} is not known; give one of {', '.join(PHASES)}.")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise PhotoError(f"The seed {shown(seed)} cannot be used; give a whole number from 0.")
    reference = load_rendering(photo)
    height, width = reference.shape[:2]
    if min(height, width) < _LEAST_SIDE:
        raise PhotoError(code="error.below_six", name=photo.name, width=width, height=height)
    gains = daylight_gains(noise)
    colours, planes = filters(height, width, phase)
    light = _sampled(reference, _matrix_of(noise), gains, colours)
    light /= np.float32(ratio)
    counts = expose(light, planes, noise, seed)
    return DarkExposure(counts, reference, noise, phase, ratio, seed, gains, _figures(light, noise, ratio), photo.name)


def dark_light(noise: SensorNoise, ratio: float, below_one_count: float = 0.0) -> DarkLight:
    """Computes how dark a well-lit photo becomes, in physical terms; see `DarkLight`."""
    electrons = MIDDLE_GREY * noise.full_scale / noise.gain / ratio
    # Rounding to counts adds a variance of 1/12.
    constant = (noise.read_deviation**2 + noise.row**2 + 1 / 12) / noise.gain**2
    snr = float(electrons / np.sqrt(electrons + constant))
    return DarkLight(electrons, snr, below_one_count, noise.full_scale / noise.gain)


def daylight_gains(noise: SensorNoise) -> Gains:
    """Returns the white-balance gains (green 1) that make daylight (D65) neutral for a camera."""
    white = _matrix_of(noise) @ SRGB_TO_XYZ.sum(axis=1)
    return float(white[1] / white[0]), 1.0, float(white[1] / white[2])


def filters(height: int, width: int, phase: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Returns H x W colours (0 red, 1 green, 2 blue) of a mosaic, and H x W positions in the order R, G1, B, G2."""
    tile = XTRANS_TILE if phase == "X-Trans" else np.roll(_PLACES, bayer_shift(phase), axis=(0, 1))
    period = len(tile)
    places = np.tile(tile, (-(-height // period), -(-width // period)))[:height, :width]
    return np.where(places == 3, 1, places).astype(np.uint8), places


def _matrix_of(noise: SensorNoise) -> NDArray[np.float64]:
    known = noise.xyz_to_camera
    return np.asarray(BROOKS_XYZ_TO_CAMERA.mean(axis=0) if known is None else known, dtype=np.float64)


def _sampled(
    reference: FloatArray, xyz_to_camera: NDArray[np.float64], gains: Gains, colours: NDArray[np.uint8]
) -> FloatArray:
    """Returns H x W fractions of saturation at ratio 1: each pixel through its own filter."""
    matrix = (srgb_to_camera(xyz_to_camera) / np.asarray(gains)[:, None]).astype(np.float32)
    light = np.empty(reference.shape[:2], dtype=np.float32)
    for top in range(0, len(light), 256):  # a whole photo in linear light would need three times the memory
        part = slice(top, top + 256)
        camera = srgb_to_linear(reference[part]) @ matrix.T
        light[part] = np.take_along_axis(camera, colours[part][..., None], axis=2)[..., 0]
    # Colours outside the camera's gamut would be negative light.
    return np.maximum(light, 0, out=light)


def _figures(light: FloatArray, noise: SensorNoise, ratio: float) -> DarkLight:
    return dark_light(noise, ratio, float(np.mean(light * np.float32(noise.full_scale) < 1)))
