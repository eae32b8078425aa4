"""A photo however it is given: a path, an example's name, a file's bytes, an upload, an array."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import explorer
from explorer.errors import PhotoError
from explorer.examples import Example, examples
from explorer.photo import RawPhoto, RgbPhoto, load_rendering
from explorer.photo.light.reduce import reduced
from explorer.photo.types import Photo
from explorer.views.pictures import FloatArray, resized_like

Source = str | Path | bytes | NDArray[Any] | Photo | Mapping[str, Any]


def example_of(source: Any) -> Example | None:
    """The bundled example that a name or a path means; None where it means another photo."""
    if not isinstance(source, str | Path):
        return None
    for each in examples():
        if str(source) == each.name or (Path(source).name == each.path.name and Path(source).absolute() == each.path):
            return each
    return None


def as_photo(source: Source | None) -> Photo:
    """A photo from whatever a cell may hold.

    Args:
        source: a path, the name of a bundled example, a file's bytes, an entry of an ipywidgets upload (a mapping with
            "name" and "content"), a `Photo`, or an array (see `from_array`). None is the first example.

    Raises:
        PhotoError: it cannot be read as a photo.
    """
    if source is None:
        return explorer.open_photo(examples()[0].path)
    if isinstance(source, RawPhoto | RgbPhoto):
        return source
    if isinstance(source, np.ndarray):
        return from_array(source)
    if isinstance(source, Mapping):
        return explorer.open_photo(bytes(source["content"]), name=str(source["name"]))
    example = example_of(source)
    return explorer.open_photo(example.path if example else source)  # type: ignore[arg-type]


def from_array(values: NDArray[Any], name: str = "array") -> RgbPhoto:
    """An array as an sRGB photo.

    Args:
        values: H x W x 3 (or H x W, taken as grey); uint8 and uint16 over their whole range, floating point in [0, 1].

    Raises:
        PhotoError: another shape or type, values outside [0, 1], or values that are not numbers.
    """
    planes = np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values
    if planes.ndim != 3 or planes.shape[2] != 3 or 0 in planes.shape:
        raise PhotoError(
            f"An array of shape {values.shape} is no picture; give height x width x 3, or a mosaic through "
            "explorer.open_mosaic."
        )
    if planes.dtype in (np.uint8, np.uint16):
        top, bits = float(np.iinfo(planes.dtype).max), 8 * planes.dtype.itemsize
    elif np.issubdtype(planes.dtype, np.floating):
        top, bits = 1.0, 32
    else:
        raise PhotoError(f"An array of {planes.dtype} is no picture; give uint8, uint16 or floating point in [0, 1].")
    image = planes.astype(np.float32) / np.float32(top)
    if not np.isfinite(image).all() or image.min() < -1e-6 or image.max() > 1 + 1e-6:
        raise PhotoError(
            "The array's values do not lie in [0, 1]; divide them by the largest value that they can have."
        )
    return RgbPhoto(np.clip(image, 0, 1), bits=bits, name=name)


def reference_image(source: Source | None, photo_source: Any) -> FloatArray | None:
    """The well-lit picture of a scene, H x W x 3 sRGB; a bundled example brings its own. None where none is known.

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
    """The reference at the size of a result, averaged in linear light as a preview is.

    Raises:
        PhotoError: it has another shape, so it shows another scene.
    """
    height, width = image.shape[:2]
    wanted, given = width / height, reference.shape[1] / reference.shape[0]
    if abs(wanted / given - 1) > 0.03:
        raise PhotoError(
            f"The reference of {reference.shape[1]} x {reference.shape[0]} pixels does not show what the photo shows; "
            "give a picture of the photo's own size."
        )
    small = cast(RgbPhoto, reduced(RgbPhoto(np.array(reference), bits=8), max(height, width))).image
    # A model for mosaics loses the rows and columns beyond whole cells; resampling would blur instead.
    spare = small.shape[0] - height, small.shape[1] - width
    return small[:height, :width] if all(0 <= each < 6 for each in spare) else resized_like(small, image)
