"""Opens a photo from whatever it is given as: a path, an example's name, a file's bytes, an upload, an array."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import explorer
from explorer.errors import PhotoError
from explorer.examples import Example, examples
from explorer.photo import RawPhoto, RgbPhoto, load_rendering
from explorer.photo.light.reduce import reduced
from explorer.photo.types import Photo
from explorer.views.pictures import FloatArray, resized_like

if TYPE_CHECKING:
    import torch

Source = Union[str, Path, bytes, NDArray[Any], Photo, Mapping[str, Any], Image.Image, "torch.Tensor"]
_ADDRESS = re.compile(r"\A[a-z][a-z0-9+.-]+://", re.I)
_SAVED_AS_THEY_ARE = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
"""Pillow modes that PNG stores losslessly."""


def example_of(source: Any) -> Example | None:
    """Returns the bundled example that a name or a path refers to; None if it refers to another photo."""
    if not isinstance(source, str | Path):
        return None
    for each in examples():
        if str(source) == each.name or (Path(source).name == each.path.name and Path(source).absolute() == each.path):
            return each
    return None


def as_photo(source: Source | None) -> Photo:
    """Opens a photo from any value that a cell may have.

    Args:
        source: a path, the name of a bundled example, a file's bytes, an entry of an ipywidgets upload (a mapping with
            "name" and "content"), a `Photo`, an array (see `from_array`), a tensor (see `from_tensor`) or a Pillow
            image. None is the first example.

    Raises:
        PhotoError: it cannot be read as a photo.
    """
    if source is None:
        return explorer.open_photo(examples()[0].path)
    if isinstance(source, RawPhoto | RgbPhoto):
        return source
    if isinstance(source, np.ndarray):
        return from_array(source)
    if isinstance(source, Image.Image):
        return from_pillow(source)
    if hasattr(source, "detach"):
        return from_tensor(cast("torch.Tensor", source))
    if isinstance(source, str) and _ADDRESS.match(source):
        raise PhotoError(f"{source} is a web address, and nothing is downloaded here; save the file and give its path.")
    if isinstance(source, Mapping):
        return explorer.open_photo(bytes(source["content"]), name=str(source["name"]))
    example = example_of(source)
    return explorer.open_photo(example.path if example else source)


def from_pillow(picture: Image.Image) -> Photo:
    """Opens a Pillow image as its file would be opened: with its profile, orientation and transparency.

    Raises:
        PhotoError: it cannot be read as a photo.
    """
    if picture.mode == "F":
        return from_array(np.asarray(picture), "picture")
    kept = picture if picture.mode in _SAVED_AS_THEY_ARE else picture.convert("RGB")
    # A profile of the colours before a conversion says nothing about those after it.
    profile = picture.info.get("icc_profile") if kept is picture else None
    buffer = io.BytesIO()
    kept.save(buffer, "PNG", icc_profile=profile, exif=picture.getexif())
    return explorer.open_photo(buffer.getvalue(), name=Path(getattr(picture, "filename", "") or "picture").name)


def from_tensor(tensor: torch.Tensor) -> RgbPhoto:
    """Converts a tensor to an sRGB photo, with or without a gradient, on any device.

    Args:
        tensor: 3 x H x W as networks have it, or H x W x 3, or H x W; batches of one are accepted.

    Raises:
        PhotoError: as for `from_array`.
    """
    held = tensor.detach().cpu()
    values = (held.float() if held.dtype.is_floating_point else held).numpy()
    while values.ndim > 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 3 and values.shape[0] in (1, 3) and values.shape[2] != 3:
        values = values.transpose(1, 2, 0)
    return from_array(values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values, "tensor")


def from_array(values: NDArray[Any], name: str = "array") -> RgbPhoto:
    """Converts an array to an sRGB photo.

    Args:
        values: H x W x 3 (or H x W for grey); uint8 and uint16 over their whole range, floating point in [0, 1].

    Raises:
        PhotoError: another shape or type, values outside [0, 1], or values that are not numbers.
    """
    planes = np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values
    if planes.ndim != 3 or planes.shape[2] != 3 or 0 in planes.shape:
        raise PhotoError(
            f"An array of shape {values.shape} is not a picture; give height x width x 3, or a mosaic through "
            "explorer.open_mosaic."
        )
    if planes.dtype in (np.uint8, np.uint16):
        top, bits = float(np.iinfo(planes.dtype).max), 8 * planes.dtype.itemsize
    elif np.issubdtype(planes.dtype, np.floating):
        top, bits = 1.0, 32
    else:
        raise PhotoError(
            f"An array of {planes.dtype} is not a picture; give uint8, uint16 or floating point in [0, 1]."
        )
    image = planes.astype(np.float32) / np.float32(top)
    if not np.isfinite(image).all() or image.min() < -1e-6 or image.max() > 1 + 1e-6:
        raise PhotoError("The array's values are not in [0, 1]; divide them by the largest possible value.")
    return RgbPhoto(np.clip(image, 0, 1), bits=bits, name=name)


def reference_image(source: Source | None, photo_source: Any) -> FloatArray | None:
    """Returns the well-lit picture of a scene, H x W x 3 sRGB; a bundled example has its own. None if none is known.

    Raises:
        PhotoError: the reference cannot be read.
    """
    if source is None:
        example = example_of(photo_source) if photo_source is not None else examples()[0]
        if example is None or example.reference is None:
            return None
        source = example.reference
    return load_rendering(as_photo(source))


def fitted(reference: FloatArray, image: FloatArray) -> FloatArray:
    """Returns the reference at the size of a result, averaged in linear light like a preview.

    Raises:
        PhotoError: it has another shape, so it shows another scene.
    """
    height, width = image.shape[:2]
    wanted, given = width / height, reference.shape[1] / reference.shape[0]
    if abs(wanted / given - 1) > 0.03:
        raise PhotoError(
            f"The reference of {reference.shape[1]} x {reference.shape[0]} pixels does not match the photo; "
            "give a picture of the same size as the photo."
        )
    small = cast(RgbPhoto, reduced(RgbPhoto(np.array(reference), bits=8), max(height, width))).image
    # A model for mosaics loses the rows and columns beyond whole cells; resampling would blur instead.
    spare = small.shape[0] - height, small.shape[1] - width
    return small[:height, :width] if all(0 <= each < 6 for each in spare) else resized_like(small, image)
