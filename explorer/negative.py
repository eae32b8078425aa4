"""Writes a restoration as a file for further development: a linear DNG in the camera's own colours."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from explorer import __version__
from explorer.encode import quantise, write_file
from explorer.errors import OutputError
from explorer.messages import say
from explorer.photo.files.carried import DENOISED, entries_of
from explorer.photo.files.linear_dng import WHITE, LinearDng, write_dng
from explorer.photo.light.cameras import NOMINAL_CAMERA_TO_SRGB, NOMINAL_GAINS
from explorer.photo.light.curves import linear_of
from explorer.photo.light.develop import apply_matrix, lying_in
from explorer.photo.light.noise_left import noise_profile
from explorer.photo.light.reduce import means
from explorer.photo.light.scene import Scene
from explorer.photo.parallel import beside, in_bands, rows_of_band
from explorer.photo.types import Exposure, Photo, RawPhoto
from explorer.photo.values import FloatArray, Sliceable, WhiteBalance
from explorer.saving import NEGATIVE, Saving
from explorer.sidecar import Finish, RestoreSettings, as_json

if TYPE_CHECKING:
    from explorer.restoration import Restoration

_PREVIEW_SIDE = 2048
_PREVIEW_QUALITY = 90
_NAMESPACE = "urn:lowlight-explorer:settings:1.0:"


def check_negative(photo: Photo, saving: Saving) -> None:
    """Refuses a DNG of a developed picture, unless forced.

    Raises:
        OutputError: a developed picture, and not forced.
    """
    if not isinstance(photo, RawPhoto) and saving.only_raw(NEGATIVE):
        raise OutputError(code="error.dng_of_developed", name=photo.name)


def notes_of(restoration: Restoration, suffix: str, finish: Finish) -> tuple[str, ...]:
    """Notes about a result's file for further development, besides the result's own notes.

    Args:
        suffix: of the file.
        finish: steps that were asked for, which such a file does not hold.
    """
    scene = restoration.scene
    converted = scene is not None and scene.color == "srgb" and not scene.photo.monochrome
    notes = [say("note.dng_converted")] if converted and suffix.lower() == NEGATIVE else []
    return (*notes, *([say("note.finish_left_out")] if finish != Finish() else []))


def scene_of(restoration: Restoration, force: bool = False) -> Scene:
    """Returns the light of a result.

    Raises:
        OutputError: the photo was a developed picture and a DNG is not forced, or the light was not kept.
    """
    if restoration.scene is not None:
        return restoration.scene
    name = restoration.photo_name
    if not restoration.developed:
        raise OutputError(code="error.no_scene", name=name)
    if not force:
        raise OutputError(code="error.dng_of_developed", name=name)
    return Scene(_nominal_photo(restoration))


def _nominal_photo(restoration: Restoration) -> RawPhoto:
    """Converts a developed picture's result to what a nominal camera would have recorded, with all colours at every
    pixel and the amplification applied."""
    image = restoration.image
    mosaic = np.empty(image.shape, dtype=np.float32)
    to_camera = (np.linalg.inv(NOMINAL_CAMERA_TO_SRGB) / np.array(NOMINAL_GAINS)[:, None]).astype(np.float32)

    def work(top: int, bottom: int) -> None:
        mosaic[top:bottom] = apply_matrix(linear_of(image[top:bottom]), to_camera)

    in_bands(len(image), rows_of_band(image.shape[1] * 3, 1), work)
    source = "the nominal camera of the unprocessing"
    return RawPhoto(
        mosaic=mosaic, cfa="none", phase="", white_balance=WhiteBalance(NOMINAL_GAINS, source), as_shot=NOMINAL_GAINS,
        daylight=NOMINAL_GAINS, camera_to_srgb=NOMINAL_CAMERA_TO_SRGB, matrix_source=source, exposure=Exposure(),
        camera=None, black_level=(0.0,), white_level=float(WHITE), bits=16, name=restoration.photo_name,
        exif=restoration.exif,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Samples:
    """16-bit samples, looked up by a scene's codes on demand."""

    codes: NDArray[np.uint16] = field(repr=False)
    tables: NDArray[np.uint16] = field(repr=False)
    """The sample of every code, for each channel."""

    @property
    def shape(self) -> tuple[int, ...]:
        return *self.codes.shape[:2], len(self.tables)

    def __getitem__(self, place: tuple[slice, slice]) -> NDArray[np.uint16]:
        codes = self.codes[place]
        planes = np.empty((len(self.tables), *codes.shape[:2]), np.uint16)
        for channel, table in enumerate(self.tables):
            table.take(codes[..., channel], out=planes[channel], mode="wrap")
        return np.moveaxis(planes, 0, 2)


def _samples(scene: Scene, ratio: float, amplified: bool, keep_exposure: bool) -> tuple[Sliceable, float]:
    """Converts camera RGB before white balance to 16-bit samples, and says by how many stops they are too dark.

    Args:
        ratio: the amplification of the result.
        amplified: the scene's photo has it already.
    """
    photo = scene.photo
    height, width = photo.sensor_size
    depth = 1 if photo.monochrome else 3
    gains = np.array(photo.white_balance.gains, dtype=np.float32)
    # A restored picture's white must stay below saturation in a channel that white balance darkens.
    factor = 1.0 if keep_exposure or scene.codes is None else min(1.0, float(gains.min()))
    scale = (np.float32(WHITE * factor / (ratio if keep_exposure else 1)) / gains)[:depth]
    dithered = keep_exposure and ratio > 1
    stops = -math.log2(factor) + (math.log2(ratio) if keep_exposure else 0.0)
    if scene.codes is not None and scene.own_colors and not keep_exposure:
        light = linear_of(np.arange(1 << 16, dtype=np.float32) / WHITE)
        tables = np.clip(light * scale[:, None] + np.float32(0.5), 0, WHITE).astype(np.uint16)
        return _Samples(scene.codes, tables), stops
    samples = np.empty((height, width, depth), dtype=np.uint16)

    def work(top: int, bottom: int, light: FloatArray) -> None:
        values = light[..., :depth] * scale
        # So dark a picture has too few steps for smooth tones, so the rounding error is spread over the neighbours.
        values += np.random.default_rng(top).random(values.shape, np.float32) if dithered else np.float32(0.5)
        samples[top:bottom] = np.clip(values, 0, WHITE, out=values)

    scene.each_band(1.0 if amplified else ratio, work, highlights=keep_exposure)
    return samples, stops


def _preview(restoration: Restoration, scene: Scene) -> tuple[bytes, tuple[int, int]]:
    """Encodes a result as a JPEG in sensor orientation."""
    from PIL import Image

    small = scene.small(_PREVIEW_SIDE)
    if small is None:
        small = lying_in(means(restoration.image, _PREVIEW_SIDE), scene.photo.rotation, scene.photo.mirrored)
    picture = Image.fromarray(quantise(np.ascontiguousarray(small), 8))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_PREVIEW_QUALITY, subsampling=0)
    return buffer.getvalue(), picture.size


def _xmp(restoration: Restoration, photo: RawPhoto) -> bytes:
    """Builds the XMP packet that states the settings and marks the picture as denoised (for darktable, by its own
    marker)."""
    settings = RestoreSettings.of(restoration, photo.white_balance.gains)
    tool = f"Lowlight Explorer {__version__}"
    denoised = restoration.strength > 0 or DENOISED in entries_of(photo.carried, photo.sensor_size)
    marker = "<darktable:neural_restore>raw-denoise</darktable:neural_restore>" if denoised else ""
    text = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:darktable="http://darktable.sf.net/"
 xmlns:lowlight="{_NAMESPACE}">
<xmp:CreatorTool>{tool}</xmp:CreatorTool>{marker}
<lowlight:denoised>{denoised}</lowlight:denoised>
<lowlight:settings>{escape(as_json(settings).strip())}</lowlight:settings>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
    return text.encode("utf-8", "replace")


def negative_of(restoration: Restoration, saving: Saving) -> LinearDng:
    """Assembles the contents of a result's DNG.

    Samples are camera RGB before white balance. They hold the restored picture up to white; with `keep_exposure`,
    highlights that the amplification would clip come from the photo itself. A network's sRGB output is converted back
    by the inverse of the camera's matrix.

    Raises:
        OutputError: see `scene_of`.
    """
    scene = scene_of(restoration, saving.force_linear)
    photo = replace(scene.photo, exif=restoration.exif)
    samples, stops = _samples(scene, restoration.ratio, restoration.developed, saving.keep_exposure)
    return LinearDng(
        samples=samples,
        photo=photo,
        preview=beside(partial(_preview, restoration, scene)),
        exposure=stops,
        noise=noise_profile(samples, WHITE),
        xmp=_xmp(restoration, photo),
        keep_gps=saving.keep_gps,
    )


def encode_negative(restoration: Restoration, saving: Saving) -> bytes:
    """Encodes a result as the bytes of a DNG.

    Raises:
        OutputError: see `scene_of`.
    """
    file = io.BytesIO()
    write_dng(file, negative_of(restoration, saving))
    return file.getvalue()


def save_negative(restoration: Restoration, path: Path, saving: Saving) -> None:
    """Writes a result as a DNG atomically, without having the whole file in memory.

    Raises:
        OutputError: see `scene_of`; or the file cannot be written.
    """
    negative = negative_of(restoration, saving)
    write_file(path, lambda file: write_dng(file, negative))
