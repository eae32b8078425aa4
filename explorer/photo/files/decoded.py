"""`Decoded`, the common result of all format readers, and the photo made from it."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.messages import say
from explorer.photo.files import icc
from explorer.photo.files.color import ColorSpace, exif_space
from explorer.photo.files.metadata import Metadata, metadata_of_exif
from explorer.photo.limits import Limits
from explorer.photo.types import RgbPhoto
from explorer.photo.values import FloatArray

ORIENTATION = 274
STATED_UNUSABLE = say("note.space_unusable")
SEQUENCE = say("note.sequence_first")
_CMYK_NOTE = say("note.cmyk_unprofiled")
Model = Literal["grey", "rgb", "cmyk"]
CHANNELS: dict[Model, int] = {"grey": 1, "rgb": 3, "cmyk": 4}
"""Colours of each model."""


@dataclass
class Decoded:
    """Samples as stored in the file, and their description."""

    samples: NDArray
    """H x W or H x W x C: the colours of `model` (full ink is the peak in CMYK), then, if `alpha`, the opacity; further
    channels are ignored."""
    peak: float
    """The sample of full intensity."""
    bits: int
    """Bits per channel in the file."""
    model: Model = "rgb"
    alpha: bool = False
    premultiplied: bool = False
    """True if the colours are already multiplied by the opacity."""
    space: ColorSpace | None = None
    """The colour space that the file states without a profile; None for sRGB."""
    profile: bytes | None = None
    """The ICC profile; it wins over `space`."""
    orientation: int | None = 1
    """EXIF's code; None to follow the EXIF block."""
    exif: Any = None
    """A `PIL.Image.Exif`."""
    exif_color: bool = False
    """True if the EXIF block may name the colour space when nothing else does."""
    notes: list[str] = field(default_factory=list)


def exif_of(block: bytes | None) -> Any:
    """Makes a `PIL.Image.Exif` from a TIFF structure, with or without "Exif" before it; None if there is none."""
    from PIL import Image

    if not block:
        return None
    exif = Image.Exif()
    with _lenient():
        exif.load_from_fp(io.BytesIO(block.removeprefix(b"Exif\0\0")))  # shares the bytes of a whole TIFF
    return exif


@contextlib.contextmanager
def _lenient() -> Iterator[None]:
    """Ignores damaged tags: no reason to refuse the picture, or to write to standard error."""
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def photo_of(decoded: Decoded, name: str) -> RgbPhoto:
    """Makes the upright sRGB photo: converts the colours, puts transparent parts over black, and rotates.

    Transparent parts send no light. Over white, as on web pages, they would be the brightest surface of a dark picture
    and decide its amplification.

    Raises:
        PhotoError: samples that do not fit the stated model.
    """
    samples = decoded.samples if decoded.samples.ndim == 3 else decoded.samples[..., None]
    count = CHANNELS[decoded.model]
    if samples.ndim != 3 or 0 in samples.shape or samples.shape[2] < count + decoded.alpha:
        raise PhotoError(code="error.samples_shape", name=name, shape=decoded.samples.shape)
    notes = list(decoded.notes)
    image = _scaled(samples[..., :count], decoded.peak)
    opacity = _scaled(samples[..., count : count + 1], decoded.peak) if decoded.alpha else None
    if opacity is not None and decoded.premultiplied:
        image = np.minimum(divided(image, opacity), 1)
    image, note = _in_srgb(image, decoded)
    notes += [note] if note else []
    if opacity is not None:
        image = image * opacity
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    metadata = Metadata()
    orientation: Any = decoded.orientation
    with _lenient():
        if decoded.exif is not None:
            orientation = decoded.exif.get(ORIENTATION) if orientation is None else orientation
            metadata = metadata_of_exif(decoded.exif)
    return RgbPhoto(
        image=np.ascontiguousarray(turned(image, orientation), dtype=np.float32),
        bits=decoded.bits,
        exposure=metadata.exposure,
        camera=metadata.camera,
        name=name,
        exif=metadata.exif,
        notes=tuple(notes),
    )


def divided(colors: NDArray[Any], opacity: NDArray[Any]) -> NDArray[Any]:
    """Divides colours by the opacity, because curves, profiles and inks need plain colours; 0 where the opacity is."""
    return np.divide(colors, opacity, out=np.zeros_like(colors), where=opacity > 0)


def _scaled(samples: NDArray, peak: float) -> FloatArray:
    values = samples.astype(np.float32)
    if peak != 1:
        values /= np.float32(peak)
    return values


def _in_srgb(image: FloatArray, decoded: Decoded) -> tuple[FloatArray, str | None]:
    note = None
    if decoded.profile:
        grey_by_rgb = decoded.model == "grey" and icc.channels(decoded.profile) == 3
        before = np.repeat(image, 3, axis=2) if grey_by_rgb else image
        after, note = icc.to_srgb(before, decoded.profile)
        if note != icc.UNUSABLE:
            return after, note
    if decoded.model == "cmyk":
        return (1 - image[..., :3]) * (1 - image[..., 3:]), _CMYK_NOTE
    space = decoded.space
    if space is None and decoded.exif_color and decoded.exif is not None and decoded.model == "rgb":
        with _lenient():
            space = exif_space(decoded.exif)
    if space is not None:
        try:
            before = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
            after, said = space.to_srgb(before)
            return after, note or said
        except ValueError:
            return image, STATED_UNUSABLE
    return image, note


def turned(image: NDArray, orientation: Any) -> NDArray:
    """Applies an EXIF orientation code (1 to 8; other values leave the picture unchanged)."""
    if orientation in (5, 6, 7, 8):
        image = np.swapaxes(image, 0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return image


def damaged(error: Exception, name: str, kind: str) -> Exception:
    """Makes the error for a decoder's exception, which may mean a damaged file or a lack of memory."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    if isinstance(error, MemoryError) or "out of memory" in reason.lower():
        return MemoryError("not enough memory")
    return PhotoError(code="error.damaged_reason", name=name, kind=kind, reason=reason[:300])


def truncated(kind: str, name: str) -> PhotoError:
    """Makes the error for a file whose end is missing, which decoders fill with grey or accept."""
    return PhotoError(code="error.cut_end", name=name, kind=kind.upper())


def by_pillow(data: bytes, formats: list[str], name: str, kind: str) -> Any:
    """Opens a `PIL.Image`, reading only its header."""
    from PIL import Image

    try:
        with warnings.catch_warnings():  # Pillow's own limit; ours is checked by the caller
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise PhotoError(code="error.far_too_many_pixels", name=name) from error
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, EOFError, OverflowError, TypeError) as error:
        raise PhotoError(code="error.damaged_header", name=name, kind=kind) from error


def through_pillow(
    data: bytes, formats: list[str], name: str, kind: str, limits: Limits, count_pictures: bool = False
) -> Decoded:
    """Decodes the first picture of a file with Pillow, with its profile, EXIF block and, if asked, a note on others.

    Raises:
        PhotoError: damaged or too large.
    """
    with by_pillow(data, formats, name, kind) as picture:
        limits.check_pixels(picture.width, picture.height, name)
        try:
            count = getattr(picture, "n_frames", 1) if count_pictures else 1
            picture.load()
            samples, model, alpha = pillow_samples(picture)
        except Exception as error:  # decoders raise all kinds of exceptions on damaged data
            raise damaged(error, name, kind) from error
        profile, exif = picture.info.get("icc_profile"), exif_of(picture.info.get("exif"))
    notes = [say("note.pictures_first", count=count)] if count > 1 else []
    return Decoded(samples, 255.0, 8, model, alpha, profile=profile, orientation=None, exif=exif, notes=notes)


def pillow_samples(picture: Any) -> tuple[NDArray, Model, bool]:
    """Returns a Pillow picture's 8-bit samples, their model, and whether there is opacity."""
    mode = picture.mode
    if mode == "CMYK":
        return np.asarray(picture), "cmyk", False
    if mode in ("P", "PA", "1") or "transparency" in picture.info:
        transparent = mode == "PA" or "transparency" in picture.info
        picture = picture.convert("RGBA" if transparent else "RGB" if mode != "1" else "L")
    elif mode not in ("L", "LA", "RGB", "RGBA"):
        picture = picture.convert("RGB")
    return np.asarray(picture), "grey" if picture.mode in ("L", "LA") else "rgb", picture.mode in ("LA", "RGBA")
