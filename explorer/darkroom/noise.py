"""Exposes light with the noise of a camera at one gain: the model of `explorer.darkroom.sensors`, in NumPy."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.photo.light.cameras import usable_xyz_to_camera
from explorer.photo.validation import finite_number, shown
from explorer.photo.values import FloatArray

_BAND = 256
"""Rows exposed at a time. Fixed, because each band has its own random numbers."""
_SCHEMA = 1


@dataclass(frozen=True)
class SensorNoise:
    """The noise parameters of one camera at one gain, in counts of its converter."""

    camera: str
    gain: float
    """K, counts per electron."""
    read: float
    """Scale of the read noise's Tukey-lambda distribution."""
    shape: float
    """Its lambda."""
    row: float
    """Standard deviation of the row noise, one value per row."""
    bias: tuple[float, float, float, float]
    """Offset of the mean dark frame from the black level in R, G1 (red's row), B and G2."""
    black: float
    white: float
    iso: float | None = None
    xyz_to_camera: Any = None
    """3x3, CIE XYZ (D65) to camera RGB; None for the nominal camera's."""
    source: str = ""
    """The source of the measurement."""

    @property
    def full_scale(self) -> float:
        """Counts between black and white."""
        return self.white - self.black

    @property
    def read_deviation(self) -> float:
        """Returns the standard deviation of the read noise."""
        return self.read * tukey_deviation(self.shape)


def tukey_lambda(probability: NDArray[np.float64], shape: float) -> NDArray[np.float64]:
    """The quantile function of the Tukey-lambda distribution of scale 1: (p^l - (1 - p)^l) / l; the logistic one at
    0."""
    if abs(shape) < 1e-6:
        return np.log(probability) - np.log1p(-probability)
    return (probability**shape - (1 - probability) ** shape) / shape


def tukey_deviation(shape: float) -> float:
    """Standard deviation of the Tukey-lambda distribution of scale 1; lambda above -0.5."""
    if abs(shape) < 1e-3:
        return math.pi / math.sqrt(3)
    parts = 1 / (1 + 2 * shape) - math.exp(2 * math.lgamma(shape + 1) - math.lgamma(2 * shape + 2))
    return math.sqrt(2 * parts) / abs(shape)


def expose(light: FloatArray, planes: NDArray[np.integer], noise: SensorNoise, seed: int = 0) -> NDArray[np.uint16]:
    """Exposes light, and returns the counts that the camera writes.

    Args:
        light: H x W, fraction of saturation; negative values are no light.
        planes: H x W, the position of each sample in the order R, G1, B, G2 (0 to 3).
        noise: the camera.
        seed: the same seed gives the same exposure.

    Returns:
        H x W counts including the black level, from 0 to the white level.
    """
    height, width = light.shape
    counts = np.empty((height, width), dtype=np.uint16)
    bias = np.asarray(noise.bias, dtype=np.float64)
    tops = range(0, height, _BAND)
    for top, own in zip(tops, np.random.SeedSequence(seed).spawn(len(tops)), strict=True):
        rng = np.random.default_rng(own)
        part = slice(top, min(top + _BAND, height))
        electrons = np.maximum(light[part], 0).astype(np.float64) * (noise.full_scale / noise.gain)
        band = rng.poisson(electrons) * float(noise.gain)
        # The interval is open at 0 and closed at neither end for tails of infinite length.
        probability = np.clip(rng.random(electrons.shape), 2.0**-53, 1 - 2.0**-53)
        band += noise.read * tukey_lambda(probability, noise.shape)
        band += noise.row * rng.standard_normal((len(electrons), 1))
        band += bias[planes[part]] + noise.black
        counts[part] = np.clip(np.rint(band), 0, noise.white)
    return counts


def save_noise(noise: SensorNoise) -> bytes:
    """Formats a camera as a file that `read_noise` reads."""
    return (json.dumps({"schema": _SCHEMA, **asdict(noise)}, indent=2) + "\n").encode()


def read_noise(path: str | Path) -> SensorNoise:
    """Reads a camera from a file that `lowlight noise` wrote.

    Raises:
        DataError: there is no such file, or it does not describe a camera's noise.
    """
    path = Path(path)
    try:
        given = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; check the path, or write it with `lowlight noise`.") from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as a camera noise file; write it again with `lowlight noise`."
        ) from error
    if not isinstance(given, dict) or given.get("schema") != _SCHEMA:
        raise DataError(f"{path} is not a camera noise file of this release; write it again with `lowlight noise`.")
    values = {name: _number(given.get(name), name, path) for name in ("gain", "read", "shape", "row", "black", "white")}
    bias = given.get("bias")
    if not isinstance(bias, list) or len(bias) != 4:
        raise DataError(f"The bias in {path} is not four numbers (R, G1, B, G2); correct it.")
    first, second, third, fourth = (_number(each, "bias", path) for each in bias)
    noise = SensorNoise(
        camera=str(given.get("camera") or path.stem),
        bias=(first, second, third, fourth),
        iso=None if given.get("iso") is None else _number(given["iso"], "iso", path),
        xyz_to_camera=_matrix(given.get("xyz_to_camera"), path),
        source=str(given.get("source") or path.name),
        **values,
    )
    possible = 0 <= noise.black < noise.white <= 65535 and noise.gain > 0 and noise.read >= 0 and noise.row >= 0
    if not possible or noise.shape <= -0.5:
        raise DataError(
            f"The figures in {path} are impossible: gain, levels and scales must be positive; correct them."
        )
    return noise


def _number(value: Any, name: str, path: Path) -> float:
    number = finite_number(value)
    if number is None:
        raise DataError(f"The {name} in {path} is {shown(value)}, not a number; correct it.")
    return number


def _matrix(value: Any, path: Path) -> Any:
    if value is None:
        return None
    try:
        usable = usable_xyz_to_camera(value)
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise DataError(f"The colour matrix in {path} is not valid; correct it, or write null.")
    return value
