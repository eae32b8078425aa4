"""Transfers a decoded photo between processes: a JSON header, and its arrays as plain bytes.

Nothing is pickled: what comes from a process that read an untrusted file is untrusted itself, and unpickling would run
what it says. The receiving side checks every array's kind, shape and size before it takes memory for it.
"""

from __future__ import annotations

import base64
import json
import math
import os
import sys
from dataclasses import fields
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from explorer.photo.limits import Limits
from explorer.photo.types import Exposure, Photo, RawPhoto, RgbPhoto
from explorer.photo.values import FloatArray, WhiteBalance

_LONGEST_HEADER = 64 * 2**20
"""Bytes; a header holds an EXIF block at most, which has some kilobytes."""
_LENGTH = 8
_ARRAYS = {"RawPhoto": ("mosaic", "camera_to_srgb"), "RgbPhoto": ("image",)}
_TUPLES = frozenset({"as_shot", "daylight", "black_level", "notes"})
_NOT_SENT = frozenset({"as_opened"})
"""Fields that a newly opened photo never has."""


class WireError(Exception):
    """The other side did not keep to the format, or went away."""


def widen(stream: IO[bytes] | None) -> None:
    """Lets a pipe hold a mebibyte where the system can, so that a file passes in fewer steps."""
    if stream is not None and sys.platform == "linux":
        import contextlib
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(stream, getattr(fcntl, "F_SETPIPE_SZ", 1031), 2**20)


def send_header(stream: IO[bytes], header: dict[str, Any]) -> None:
    """Writes a JSON object with its length before it.

    Raises:
        OSError: the other side is gone.
    """
    text = json.dumps(header).encode()
    stream.write(len(text).to_bytes(_LENGTH, "little") + text)
    stream.flush()


def receive_header(stream: IO[bytes]) -> dict[str, Any] | None:
    """Reads what `send_header` wrote; None if the stream ended before it.

    Raises:
        WireError: anything else than a JSON object of a sensible length.
    """
    start = stream.read(_LENGTH)
    if not start:
        return None
    length = int.from_bytes(start, "little")
    if len(start) < _LENGTH or length > _LONGEST_HEADER:
        raise WireError("length")
    text = stream.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError("header") from error
    if len(text) < length or not isinstance(header, dict):
        raise WireError("header")
    return header


def photo_to_wire(photo: Photo) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """A photo as a JSON object, and its arrays in the order in which they follow."""
    kind = type(photo).__name__
    arrays = [np.ascontiguousarray(getattr(photo, name), dtype="<f4") for name in _ARRAYS[kind]]
    values: dict[str, Any] = {}
    for field in fields(photo):
        if field.name in _ARRAYS[kind] or field.name in _NOT_SENT:
            continue
        value = getattr(photo, field.name)
        if isinstance(value, Exposure | WhiteBalance):
            value = {each.name: getattr(value, each.name) for each in fields(value)}
        elif isinstance(value, bytes):
            value = base64.b64encode(value).decode("ascii")
        values[field.name] = value
    return {"kind": kind, "values": values, "shapes": [array.shape for array in arrays]}, arrays


def array_sizes(header: dict[str, Any], limits: Limits) -> list[tuple[int, ...]]:
    """The shapes of the arrays that follow a photo's header.

    Raises:
        WireError: shapes that no photo within the limits has.
    """
    shapes = header.get("shapes")
    if not isinstance(shapes, list) or not all(isinstance(shape, list) for shape in shapes):
        raise WireError("shapes")
    found = [tuple(side for side in shape if type(side) is int and side > 0) for shape in shapes]
    if [len(shape) for shape in found] != [len(shape) for shape in shapes]:
        raise WireError("shapes")
    wanted = {"RawPhoto": ([2, 2], [3, 2]), "RgbPhoto": ([3],)}
    if [len(shape) for shape in found] not in wanted.get(str(header.get("kind")), ()):
        raise WireError("dimensions")
    if found[0][0] * found[0][1] > limits.max_pixels or found[0][2:] not in ((), (3,)):
        raise WireError("size")
    if len(found) == 2 and found[1] != (3, 3):
        raise WireError("matrix")
    return found


def received_arrays(shapes: list[tuple[int, ...]], answers: IO[bytes]) -> list[FloatArray]:
    """The arrays that follow a header in the pipe.

    Raises:
        WireError: it ends before they do.
    """
    arrays = []
    for shape in shapes:
        array = np.empty(shape, dtype="<f4")
        left = memoryview(array.data).cast("B")
        while left:
            count = answers.readinto(left)  # type: ignore[attr-defined]
            if not count:
                raise WireError("array")
            left = left[count:]
        arrays.append(array.astype(np.float32, copy=False))
    return arrays


def mapped_arrays(shapes: list[tuple[int, ...]], memory: int) -> list[FloatArray]:
    """The arrays in a file of memory, the first one mapped and not copied (Linux only).

    The file is sealed first: a process that its photograph took over could otherwise still change what it gave, or
    shorten it, which would crash whoever reads.

    Raises:
        WireError: the file is not as long as the arrays.
        OSError: it cannot be sealed, because something still has it mapped for writing.
    """
    import fcntl
    import mmap

    if not shapes:
        return []
    # Seals first, then the size: it cannot change any more.
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    counts = [math.prod(shape) for shape in shapes]
    if os.fstat(memory).st_size != 4 * sum(counts):
        raise WireError("array")
    content = mmap.mmap(memory, 4 * sum(counts), access=mmap.ACCESS_READ)
    starts = [4 * sum(counts[:place]) for place in range(len(counts))]
    first, *others = [
        np.frombuffer(content, dtype="<f4", count=count, offset=start).reshape(shape).astype(np.float32, copy=False)
        for shape, count, start in zip(shapes, counts, starts, strict=True)
    ]
    # A matrix that is kept when the photo is let go would hold all of the file.
    return [first, *(each.copy() for each in others)]


def photo_from_wire(header: dict[str, Any], arrays: list[FloatArray]) -> Photo:
    """The photo that `photo_to_wire` took apart, with every field of the kind that it should be.

    Raises:
        WireError: fields that are missing, too many, or of another kind.
    """
    kinds: dict[str, Any] = {"RawPhoto": RawPhoto, "RgbPhoto": RgbPhoto}
    kind = kinds.get(str(header.get("kind")))
    if kind is None:
        raise WireError("kind")
    values = header.get("values")
    names = {field.name for field in fields(kind)} - set(_ARRAYS[header["kind"]]) - _NOT_SENT
    if not isinstance(values, dict) or set(values) != names:
        raise WireError("fields")
    try:
        made = {name: _value(name, value) for name, value in values.items()}
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WireError("values") from error
    photo = kind(**made, **dict(zip(_ARRAYS[header["kind"]], arrays, strict=True)))
    if min(photo.size) < 1 or (isinstance(photo, RawPhoto) and (photo.mosaic.ndim == 3) != (photo.cfa == "none")):
        raise WireError("size")
    return photo


def _value(name: str, value: Any) -> Any:
    if value is None and name in ("as_shot", "daylight", "camera", "exif", "carried"):
        return None
    if name == "exposure":
        return Exposure(**{key: None if each is None else _number(each) for key, each in value.items()})
    if name == "white_balance":
        red, green, blue = value["gains"]
        return WhiteBalance((_number(red), _number(green), _number(blue)), _text(value["source"]))
    if name in ("exif", "carried"):
        return base64.b64decode(value, validate=True)
    if name in _TUPLES:
        return tuple(_text(each) if name == "notes" else _number(each) for each in value)
    if name in ("bits", "rotation"):
        if type(value) is not int or (name == "rotation" and value not in (0, 90, 180, 270)):
            raise ValueError(name)
        return value
    if name == "white_level":
        return _number(value)
    if name in ("mirrored", "monochrome", "masked"):
        if type(value) is not bool:
            raise ValueError(name)
        return value
    if name == "inset":
        if len(value) != 4 or not all(type(each) is int and 0 <= each < 6 for each in value):
            raise ValueError(name)
        return tuple(value)
    if name == "cfa" and value not in ("bayer", "xtrans", "none"):
        raise ValueError(name)
    return _text(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("number")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value
