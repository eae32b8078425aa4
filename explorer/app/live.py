"""Restores a camera's frames as they arrive: from JPEG to JPEG, in memory."""

from __future__ import annotations

import atexit
import io
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import explorer
from explorer.app import model_picker, text
from explorer.encode import quantise
from explorer.errors import PhotoError
from explorer.photo import Photo, RgbPhoto, check_ratio
from explorer.photo.light.reduce import reduced
from explorer.photo.limits import MEBIBYTE, DecoderLimits, Limits
from explorer.photo.values import FloatArray
from explorer.restorer import suggested_ratio
from explorer.sandbox.processes import DecoderPool
from explorer.server.rules import FRAME, LARGEST
from explorer.video.light import followed
from explorer.weights.store import LoadedModel

SIDES = (640, 480, 320, 240, 160)
"""Longest sides of frames, in pixels."""
BUDGET = 0.12
"""Seconds that a frame may take on the server. Including camera, transfer and screen, less than a fifth of a second
then passes until it is visible."""
_FIRST = 320
"""Initial longest side for a model, before its speed is known."""
_GROWS = 0.7
"""A larger frame must be expected to leave this share of the budget unused before frames grow."""
_SETTLE = 3
"""Number of timed frames of one size before the size may change. The first does not count, because it loads the network
and prepares it for the size."""
_NEWEST = 0.3
"""Weight of the newest frame in the average."""
_LONGEST_GAP = 10.0
"""Longest time between two frames, in seconds; a page's larger claim is cut to it."""
_LIMITS = Limits(max_bytes=LARGEST[FRAME], max_pixels=SIDES[0] ** 2)
_QUALITY = 88
_NAME = "camera.jpg"


class Pace:
    """Chooses how large each model's frames may be for this machine to restore them in time, however busy it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, tuple[int, int, float]] = {}
        """By model: the longest side, the number of timed frames, and their average in seconds."""

    def side(self, model: str) -> int:
        """The longest side that a frame may have, in pixels."""
        with self._lock:
            return self._of.get(model, (_FIRST, 0, 0.0))[0]

    def observe(self, model: str, side: int, seconds: float) -> None:
        """Records how long a frame of that side took."""
        with self._lock:
            now, count, average = self._of.get(model, (_FIRST, 0, 0.0))
            if side != now:
                return  # the camera's own frames are smaller
            average = seconds if count <= 1 else average + _NEWEST * (seconds - average)
            count += 1
            if count > _SETTLE and (better := _better(now, average)) != now:
                now, count, average = better, 0, 0.0
            self._of[model] = now, count, average


def _better(side: int, seconds: float) -> int:
    """The next side: smaller if frames take too long, one step larger if that would still be fast enough."""
    smaller = [each for each in SIDES if each <= side]
    if seconds > BUDGET:
        return next((each for each in smaller if seconds * (each / side) ** 2 <= BUDGET), smaller[-1])
    larger = min((each for each in SIDES if each > side), default=side)
    return larger if seconds * (larger / side) ** 2 <= _GROWS * BUDGET else side


pace = Pace()


@cache
def _decoders() -> DecoderPool:
    """A decoder for frames only, so that frames and photos do not wait for each other."""
    made = DecoderPool(DecoderLimits(memory=512 * MEBIBYTE, seconds=5.0, processes=1, uses=20_000))
    atexit.register(made.close)
    return made


def decoded(data: bytes) -> RgbPhoto:
    """Decodes a frame into a photo.

    Raises:
        PhotoError: not a JPEG, damaged, larger than 512 KiB, or larger than 640 x 640 pixels.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        raise PhotoError(text.LIVE_NO_JPEG)
    photo = _decoders().open(data, _NAME, _LIMITS)
    if not isinstance(photo, RgbPhoto):
        raise PhotoError(text.LIVE_NO_JPEG)
    return photo


def restore_frame(data: bytes, choices: Mapping[str, str]) -> tuple[bytes, dict[str, Any]]:
    """Restores a camera's frame.

    Args:
        data: a JPEG.
        choices: "model"; "ratio", a number from 1 to 300 or "auto". With "auto", the light is followed from "last", the
            ratio of the previous frame, and "elapsed", the seconds since then.

    Returns:
        A JPEG, and a dict: "ratio" that was used, "side" for the next frame, "width", "height" and "seconds".

    Raises:
        ExplorerError: an unknown model, a ratio out of range, or not a JPEG.
    """
    model = model_picker.load(choices.get("model"))
    photo = reduced(decoded(data), pace.side(model.name))
    started = time.perf_counter()
    ratio = _ratio(photo, model, choices)
    restoration = explorer.restore(photo, model, ratio, intermediates=False)
    picture = _jpeg(restoration.image)
    seconds = time.perf_counter() - started
    width, height = photo.size
    pace.observe(model.name, max(width, height), seconds)
    return picture, {
        "ratio": round(ratio, 3), "side": pace.side(model.name), "width": width, "height": height,
        "seconds": round(seconds, 4),
    }  # fmt: skip


def _ratio(photo: Photo, model: LoadedModel, choices: Mapping[str, str]) -> float:
    chosen = choices.get("ratio", "auto")
    if chosen != "auto":
        return check_ratio(chosen)
    # A quarter of the pixels is enough to judge the light.
    part = replace(photo, image=photo.image[::2, ::2]) if isinstance(photo, RgbPhoto) else photo
    wanted, _ = suggested_ratio(part, model)
    if "last" not in choices:
        return wanted
    elapsed = _number(choices.get("elapsed", ""))
    return followed(check_ratio(choices["last"]), wanted, min(max(elapsed, 0.0), _LONGEST_GAP))


def _number(typed: str) -> float:
    try:
        value = float(typed)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _jpeg(image: FloatArray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(quantise(image, 8)).save(buffer, format="JPEG", quality=_QUALITY)
    return buffer.getvalue()
