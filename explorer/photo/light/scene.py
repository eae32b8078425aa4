"""The linear light of a RAW photo's result, for files for further development.

Converting a network's camera colours to a displayable picture loses colours outside sRGB. So the result also keeps the
camera colours, in 16 bits under the transfer curve: as fine as 16-bit files, and half as large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from explorer.machine import new_lock
from explorer.photo.light.at_first_sight import is_grey
from explorer.photo.light.curves import linear_of, srgb_to_linear
from explorer.photo.light.demosaic import each_developed_band
from explorer.photo.light.develop import develop_linear, finish, grey_of, lying_in, quantise
from explorer.photo.light.reduce import means
from explorer.photo.light.strength import FULL, blended, developed_camera
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.types import Photo, RawPhoto
from explorer.photo.values import FloatArray

Color = Literal["camera", "srgb"]
_TOP = np.float32(65535)
_FROM, _FULLY = 0.8, 1.0
"""Amplified light at which the photo's own samples begin to replace those of a picture that ends at 1, and at which
they replace them fully."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo, and its restored light."""

    photo: RawPhoto = field(repr=False)
    codes: NDArray[np.uint16] | None = field(default=None, repr=False)
    """H x W x 3, sensor orientation, under the sRGB transfer curve, 65535 for 1; None for a developed photo."""
    color: Color = "camera"
    """The codes' colours: white-balanced camera RGB, or sRGB."""

    @property
    def own_colors(self) -> bool:
        """True if the codes need no matrix to become white-balanced camera RGB."""
        return self.color == "camera" or self.photo.monochrome

    def each_band(
        self, ratio: float, work: Callable[[int, int, FloatArray], None], *, highlights: bool = False
    ) -> None:
        """Calls `work(top, bottom, light)` for bands of rows, several at a time.

        Args:
            ratio: the amplification of the result.
            work: gets linear, white-balanced camera RGB, rows x W x 3, which it may change: amplified, 1 for white, and
                not clipped for the developed photo.
            highlights: replace a restored picture at and above white by the photo's own amplified samples.
        """
        height, width = self.photo.sensor_size
        if self.codes is not None and not highlights:
            in_bands(height, rows_of_band(width, 1), lambda top, bottom: work(top, bottom, self._restored(top, bottom)))
            return

        def of_photo(rows: slice, inside: Any, band: FloatArray) -> None:
            light = np.ascontiguousarray(np.moveaxis(band[inside], 0, 2))
            if self.codes is not None:
                share = np.clip((light.max(axis=2) - np.float32(_FROM)) / np.float32(_FULLY - _FROM), 0, 1)
                share = (share * share * (3 - 2 * share))[..., None]
                restored = self._restored(rows.start, rows.stop)
                light = restored + share * (light - restored)
            work(rows.start, rows.stop, light)

        each_developed_band(self.photo, ratio, of_photo)

    def small(self, side: int) -> FloatArray | None:
        """Makes a picture of the codes, h x w x 3 sRGB, sensor orientation, at most `side` pixels; None without codes.

        It is the same whether or not the picture was finished.
        """
        if self.codes is None:
            return None
        picture = means(self.codes, side)
        picture /= _TOP
        finish(picture, self.photo.color_matrix if self.color == "camera" else None, picture)
        return picture

    def _restored(self, top: int, bottom: int) -> FloatArray:
        assert self.codes is not None
        light = linear_of(self.codes[top:bottom] / _TOP)
        if not self.own_colors:
            light = light @ np.linalg.inv(self.photo.color_matrix.astype(np.float64)).T.astype(np.float32)
        return light


_FINISHING = new_lock()


@dataclass(eq=False)
class Unfinished:
    """A network's picture before the last steps, which only those who look at the picture need."""

    given: FloatArray = field(repr=False)
    """H x W x 3 in sensor orientation, under the sRGB transfer curve; the picture once that is done."""
    camera_to_srgb: FloatArray | None
    """3x3 for white-balanced camera RGB, None for sRGB."""
    rotation: int = 0
    mirrored: bool = False
    done: bool = False

    def finished(self) -> FloatArray:
        """Makes the picture, H x W x 3 sRGB in [0, 1], upright and read-only, in its own memory."""
        with _FINISHING:
            if not self.done:
                image = self.given
                if self.rotation or self.mirrored or not image.flags.c_contiguous:
                    image = np.empty(self._shape, dtype=np.float32)
                self._finish(image)
                image.setflags(write=False)
                self.given, self.done = image, True
            return self.given

    def quantised(self, bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Makes the picture in integers of 8 or 16 bits, upright, without making it in floats."""
        with _FINISHING:
            if self.done:
                return quantise(self.given, bits)
            samples: Any = np.empty(self._shape, dtype=np.uint8 if bits == 8 else np.uint16)
            self._finish(samples)
            return samples

    @property
    def _shape(self) -> tuple[int, int, int]:
        height, width = self.given.shape[:2]
        return (width, height, 3) if self.rotation % 180 else (height, width, 3)

    def _finish(self, out: NDArray[Any]) -> None:
        finish(self.given, self.camera_to_srgb, lying_in(out, self.rotation, self.mirrored))


def picture_and_scene(
    photo: Photo, given: FloatArray, color: Color, camera_to_srgb: FloatArray, keep: bool
) -> tuple[FloatArray, Scene | None]:
    """Turns a network's output into a displayable picture and, for a RAW photo, a scene.

    Args:
        photo: the photo that was restored.
        given: H x W x 3 in sensor orientation, under the sRGB transfer curve; changed in place.
        color: its colours.
        camera_to_srgb: for camera colours; see `explorer.photo.model_input.ModelInput`.
        keep: give the scene, too.

    Returns:
        H x W x 3 sRGB in [0, 1], upright and read-only, and the scene.
    """
    picture, scene = unfinished_and_scene(photo, given, color, camera_to_srgb, keep)
    return picture.finished(), scene


def unfinished_and_scene(
    photo: Photo, given: FloatArray, color: Color, camera_to_srgb: FloatArray, keep: bool
) -> tuple[Unfinished, Scene | None]:
    """The same as `picture_and_scene`, but the picture is left unfinished."""
    given, matrix = _settled(photo, given, color, camera_to_srgb)
    return _with_scene(photo, given, matrix, keep)


@dataclass(frozen=True, eq=False)
class NetworkPicture:
    """A network's picture in the colours in which the developed photo is blended with it, whatever the strength."""

    codes: NDArray[np.uint16] = field(repr=False)
    """H x W x 3 as the sensor lies, under the sRGB transfer curve, 65535 for 1."""
    camera_to_srgb: FloatArray | None
    """3x3 for white-balanced camera RGB, None for sRGB."""
    exact: FloatArray | None = field(default=None, repr=False)
    """The same as floats, in [0, 1], where these are kept too."""

    @classmethod
    def of(
        cls, photo: Photo, given: FloatArray, color: Color, camera_to_srgb: FloatArray, exact: bool
    ) -> NetworkPicture:
        """Arguments as of `picture_and_scene`; `exact` keeps the floats."""
        given, matrix = _settled(photo, given, color, camera_to_srgb)
        if matrix is not None and not _in_camera(photo, color):  # a nominal camera's colours are no photo's
            finish(given, matrix, given)
            matrix = None
        codes: Any = quantise(given, 16)
        if exact:
            finish(given, None, given)
        return cls(codes, matrix, given if exact else None)

    def at(self, photo: Photo, ratio: float, strength: float, keep: bool) -> tuple[Unfinished, Scene | None]:
        """The picture at a strength, and the scene.

        Args:
            photo: what was restored.
            ratio: the amplification.
            strength: above 0, at most 100.
            keep: as of `unfinished_and_scene`, which gives the same at 100; without `exact` up to half a code.
        """
        if strength >= FULL and self.exact is not None:
            return _with_scene(photo, self.exact.copy(), self.camera_to_srgb, keep)
        in_camera = self.camera_to_srgb is not None
        developed = developed_camera(cast(RawPhoto, photo), ratio) if in_camera else _developed(photo, ratio)
        return _with_scene(photo, blended(self.codes, developed, strength), self.camera_to_srgb, keep)


def _in_camera(photo: Photo, color: Color) -> bool:
    """Camera colours of a photo that is not a camera's are a nominal camera's, and a monochrome photo has none."""
    return color == "camera" and isinstance(photo, RawPhoto) and not photo.monochrome


def _settled(
    photo: Photo, given: FloatArray, color: Color, camera_to_srgb: FloatArray
) -> tuple[FloatArray, FloatArray | None]:
    """A network's picture, grey where the photo is, and the matrix that still leads to sRGB; None if it is sRGB."""
    matrix = camera_to_srgb if color == "camera" else None
    if photo.monochrome if isinstance(photo, RawPhoto) else is_grey(photo.image):
        finish(given, matrix, given)
        return (given if is_grey(given) else grey_of(given)), None
    return given, matrix


def _with_scene(
    photo: Photo, given: FloatArray, matrix: FloatArray | None, keep: bool
) -> tuple[Unfinished, Scene | None]:
    """See `unfinished_and_scene`."""
    if not isinstance(photo, RawPhoto):
        return Unfinished(given, matrix), None
    picture = Unfinished(given, matrix, photo.rotation, photo.mirrored)
    if not keep:
        return picture, None
    codes: Any = quantise(given, 16)
    codes.setflags(write=False)
    return picture, Scene(photo, codes, "srgb" if matrix is None else "camera")


def _developed(photo: Photo, ratio: float) -> FloatArray:
    """Returns linear sRGB of the amplified photo in [0, 1], in sensor orientation."""
    if isinstance(photo, RawPhoto):
        light = develop_linear(photo, ratio)
    else:
        light = srgb_to_linear(photo.image)
        light *= np.float32(ratio)
    return np.clip(light, 0, 1, out=light)
