"""Transfers a decoded photo between processes: a JSON header, and its arrays as plain bytes.

Nothing is pickled: data from a process that read an untrusted file is untrusted itself, and unpickling could run its
code. The receiving side checks every array's type, shape and size before it allocates memory.
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
"""Largest header, in bytes; its largest part, an EXIF block, has a few kilobytes."""
_LONGEST_TEXT, _MOST_NOTES = 10_000, 100
"""Largest number of characters of a text, and of notes: the page shows them all, and sessions keep them."""
_LENGTH = 8
_ARRAYS = {"RawPhoto": ("mosaic", "camera_to_srgb"), "RgbPhoto": ("image",)}
_TUPLES = frozenset({"as_shot", "daylight", "black_level", "notes"})
_NOT_SENT = frozenset({"as_opened"})
"""Fields that are never set in a newly opened photo."""


class WireError(Exception):
    """The other side violated the format, or has ended."""


def widen(stream: IO[bytes] | None) -> None:
    """Enlarges a pipe's buffer to a mebibyte if possible, so that a file passes in fewer steps."""
    if stream is not None and sys.platform == "linux":
        import contextlib
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(stream, getattr(fcntl, "F_SETPIPE_SZ", 1031), 2**20)


def send_header(stream: IO[bytes], header: dict[str, Any]) -> None:
    """Writes a JSON object, preceded by its length.

    Raises:
        OSError: the other side has ended.
    """
    text = json.dumps(header).encode()
    stream.write(len(text).to_bytes(_LENGTH, "little") + text)
    stream.flush()


def receive_header(stream: IO[bytes]) -> dict[str, Any] | None:
    """Reads a header from `send_header`; None if the stream has ended.

    Raises:
        WireError: anything but a JSON object of an allowed length.
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
    """Splits a photo into a JSON object and its arrays, in the order of transfer."""
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
    """Returns the shapes of the arrays that follow a photo's header.

    Raises:
        WireError: shapes that exceed the limits or are not those of a photo.
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
    """Reads the arrays that follow a header in the pipe.

    Raises:
        WireError: the pipe ends early.
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
    """Returns the arrays in a memory file, the first one mapped and not copied (only on Linux).

    The file is sealed first: otherwise a compromised decoder could still change its result, or truncate it, which would
    crash the reader.

    Raises:
        WireError: the file's length is not that of the arrays.
        OSError: it cannot be sealed, because it is still mapped for writing.
    """
    import fcntl
    import mmap

    if not shapes:
        return []
    # Check the size after sealing, when it cannot change any more.
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
    # Copied, because a matrix that outlives its photo would keep the whole file in memory.
    return [first, *(each.copy() for each in others)]


def photo_from_wire(header: dict[str, Any], arrays: list[FloatArray]) -> Photo:
    """Restores a photo split by `photo_to_wire`, checking the type of every field.

    Raises:
        WireError: fields that are missing, unknown, or of the wrong type.
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
    if name == "notes" and len(value) > _MOST_NOTES:
        raise ValueError(name)
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
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise ValueError("text")
    return value
