"""Evaluates models on synthetic RAW: clean photos as seen by a random camera in the dark, with known truth and ratio.

Every model gets the same mosaics: a picture always has the same camera, at every ratio, and at each ratio the same
noise and phase. They go through `explorer.restore` like RAW files, with the synthetic camera's gains and matrix, so
that the path of users' photos is measured. There is no random tone curve, so that the reference is the photo itself.
The noise depends on the number of electrons that the sensor holds: the ratio amplifies an exposure at base ISO, or one
at raised ISO.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.evaluation.metrics import Scores, mean_scores, measure
from explorer.machine import flush_denormals
from explorer.metrics import PLAIN
from explorer.photo import RawPhoto, check_ratio
from explorer.photo.types import Exposure
from explorer.photo.values import WhiteBalance
from explorer.restorer import restore
from explorer.training.data import list_pictures, read_picture
from explorer.training.degrade import SensorRanges, darken_to_mosaic
from explorer.weights.store import LoadedModel

SENSORS = {
    "base": SensorRanges(tone_probability=0.0, electron_gain=(1 / 60_000, 1 / 15_000)),
    "high": SensorRanges(tone_probability=0.0, electron_gain=(1 / 15_000, 1 / 2_000)),
}
"""Kinds of sensors by name: at base ISO, 15,000 to 60,000 electrons at saturation (from large smartphone sensors to
full frame); at high ISO, 2,000 to 15,000."""
_BITS, _BLACK = 14, 1 / 32


@dataclass(frozen=True)
class Scene:
    """A synthetic exposure and its truth."""

    photo: RawPhoto
    reference: NDArray[np.float32]
    """H x W x 3 sRGB in [0, 1]."""
    ratio: float


@dataclass(frozen=True)
class SyntheticResult:
    """One model at one ratio: means over the pictures."""

    model: str
    ratio: float
    sensor: str
    """A name of `SENSORS`."""
    pictures: int
    scores: Scores
    """Only metrics that do not ignore a wrong brightness."""
    seconds: float
    """Seconds per picture of the network only."""
    parameters: int
    sha256: str


def make_scene(clean: NDArray[np.uint8], ratio: float, name: str, seed: int = 0, sensor: str = "base") -> Scene:
    """Makes a dark mosaic from a clean picture.

    Args:
        clean: H x W x 3 uint8 sRGB, sides at least 34; two or three rows and columns are lost to phase and parity.
        ratio: 1 to 300, the divisor of the light.
        name: determines the camera, together with the seed; and together with seed and ratio, the noise and the phase.
        seed: another seed gives another benchmark.
        sensor: a name of `SENSORS`.

    Raises:
        RatioError: the ratio is not a number from 1 to 300.
        DataError: the picture is too small.
    """
    ratio = check_ratio(ratio)
    height, width = (n // 2 * 2 for n in clean.shape[:2])
    if min(height, width) < 34:
        raise DataError(f"{name} is {clean.shape[1]} x {clean.shape[0]} pixels; synthetic RAW needs at least 34 x 34.")
    flush_denormals()
    picture = torch.from_numpy(np.ascontiguousarray(clean[:height, :width])).permute(2, 0, 1)[None].float() / 255
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
    dark = darken_to_mosaic(picture, generator, SENSORS[sensor], torch.tensor([ratio]))
    red, green, blue = (float(g) for g in dark.camera.gains[0])
    white = 2.0**_BITS - 1
    photo = RawPhoto(
        mosaic=dark.mosaic[0, 0].numpy().astype(np.float32),
        cfa="bayer",
        phase="RGGB",
        white_balance=WhiteBalance((red, green, blue), "the synthetic camera's"),
        as_shot=(red, green, blue),
        daylight=None,
        camera_to_srgb=dark.camera.camera_to_srgb[0].numpy().astype(np.float32),
        matrix_source="the synthetic camera",
        exposure=Exposure(),
        camera=None,
        black_level=(white * _BLACK,),
        white_level=white,
        bits=_BITS,
        name=name,
    )
    return Scene(photo, np.ascontiguousarray(dark.clean_srgb[0].permute(1, 2, 0).numpy()), ratio)


def evaluate_synthetic(
    folder: Path,
    ratios: Sequence[float],
    models: Sequence[LoadedModel],
    *,
    seed: int = 0,
    sensor: str = "base",
    limit: int | None = None,
    advance: Callable[[str], None] = lambda what: None,
) -> list[SyntheticResult]:
    """Measures models on synthetic mosaics of a folder's pictures, with the true ratio.

    Args:
        folder: clean pictures.
        ratios: 1 to 300 each.
        models: from `explorer.load_model`; classical methods get the developed, amplified picture.
        seed: of cameras and noise.
        sensor: a name of `SENSORS`.
        limit: use only the first pictures by name.
        advance: called with a description after each picture, ratio and model.

    Raises:
        DataError: the folder is missing or empty, a picture cannot be read or is too small.
        RatioError: a ratio is not a number from 1 to 300.
    """
    paths = list(list_pictures(folder).items())[:limit]
    scores: dict[tuple[float, int], list[tuple[Scores, float]]] = {}
    for name, path in paths:
        clean = read_picture(path)
        for ratio in ratios:
            scene = make_scene(clean, ratio, name, seed, sensor)
            for k, model in enumerate(models):
                restoration = restore(scene.photo, model, scene.ratio)
                measured = measure(restoration.image, scene.reference)
                scores.setdefault((ratio, k), []).append((measured, restoration.seconds))
                advance(f"{model.name}: {name} at {ratio:g}")
    return [
        SyntheticResult(
            model=models[k].name,
            ratio=ratio,
            sensor=sensor,
            pictures=len(values),
            scores=mean_scores([Scores({m.name: s[m.name] for m in PLAIN}) for s, _ in values]),
            seconds=float(np.mean([t for _, t in values])),
            parameters=sum(p.numel() for p in models[k].net.parameters()),
            sha256=models[k].identity.sha256,
        )
        for (ratio, k), values in sorted(scores.items())
    ]
