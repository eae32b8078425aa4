"""Finds where each model breaks: PSNR and SSIM against light in electrons, over ratios and ISO, on darkened photos."""

from __future__ import annotations

import csv
import io
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from explorer.darkroom import SensorNoise, dark_light, darken
from explorer.errors import DataError
from explorer.evaluation.metrics import measure
from explorer.formats import is_photo_name
from explorer.photo import check_ratio, open_photo
from explorer.restorer import restore
from explorer.weights.store import LoadedModel

_LEAST_SIDE = 34


@dataclass(frozen=True)
class SweepPoint:
    """One model at one light: means over the photos."""

    model: str
    camera: str
    iso: float | None
    gain: float
    """Counts per electron."""
    ratio: float
    grey_electrons: float
    """Electrons that a green pixel collects from middle grey."""
    snr: float
    """Signal-to-noise ratio of that pixel."""
    photos: int
    psnr: float
    """In dB."""
    ssim: float
    seconds: float
    """Seconds per photo of the network only."""


def photos_of(path: Path, limit: int | None = None) -> list[Path]:
    """Lists a photo, or those directly in a folder, by name.

    Raises:
        DataError: there are none.
    """
    if path.is_file():
        return [path]
    found = sorted(p for p in path.iterdir() if p.is_file() and is_photo_name(p.name)) if path.is_dir() else []
    if not found:
        raise DataError(f"{path} is neither a photo nor a folder of photos; give well-lit photos to darken.")
    return found[:limit]


def sweep(
    photos: Sequence[Path],
    models: Sequence[LoadedModel],
    cameras: Sequence[SensorNoise],
    ratios: Sequence[float],
    *,
    seed: int = 0,
    advance: Callable[[str], None] = lambda what: None,
) -> list[SweepPoint]:
    """Measures models on darkened photos with the true ratio, all on the same exposures.

    Args:
        photos: well-lit ones.
        models: from `explorer.load_model`.
        cameras: for example one camera at several ISO, from `explorer.darkroom.Camera.at`.
        ratios: 1 to 300 each.
        seed: determines the noise, together with a photo's name and position in the sweep.
        advance: called with a description after each photo, camera, ratio and model.

    Returns:
        Points, sorted by model, then by light.

    Raises:
        DataError: nothing to measure, or a photo smaller than 34 x 34 pixels.
        RatioError: a ratio is not a number from 1 to 300.
        PhotoError: a photo cannot be opened.
    """
    if not (photos and models and cameras and ratios):
        raise DataError("A sweep needs a photo, a model, a camera and a ratio; give at least one of each.")
    wanted = [check_ratio(ratio) for ratio in ratios]
    found: dict[tuple[int, int, float], list[tuple[float, float, float]]] = {}
    for path in photos:
        photo = open_photo(path)
        if min(photo.size) < _LEAST_SIDE:
            raise DataError(f"{path.name} is {photo.size[0]} x {photo.size[1]} pixels; a sweep needs at least 34 x 34.")
        for c, noise in enumerate(cameras):
            for ratio in wanted:
                own = zlib.crc32(f"{seed}/{path.stem}/{noise.gain:.6g}/{ratio:.6g}".encode())
                exposure = darken(photo, noise, ratio=ratio, seed=own)
                for m, model in enumerate(models):
                    result = restore(exposure.photo, model, ratio, intermediates=False)
                    scores = measure(result.image, exposure.reference)
                    found.setdefault((m, c, ratio), []).append((scores.psnr, scores.ssim, result.seconds))
                    advance(f"{model.name}: {path.name} at {ratio:g}")
    points = [_point(models[m], cameras[c], ratio, values) for (m, c, ratio), values in found.items()]
    order = {model.name: index for index, model in enumerate(models)}
    return sorted(points, key=lambda point: (order[point.model], -point.grey_electrons))


def _point(
    model: LoadedModel, noise: SensorNoise, ratio: float, values: list[tuple[float, float, float]]
) -> SweepPoint:
    light = dark_light(noise, ratio)
    psnr, ssim, seconds = (float(np.mean(each)) for each in zip(*values, strict=True))
    return SweepPoint(
        model.name, noise.camera, noise.iso, noise.gain, ratio, light.grey_electrons, light.snr, len(values), psnr,
        ssim, seconds,
    )  # fmt: skip


def breaking_point(points: Sequence[SweepPoint], psnr: float) -> float | None:
    """Returns the electrons of middle grey below which a model's PSNR stays under a value, interpolated linearly over
    their logarithm.

    Args:
        points: of one model.

    Returns:
        None if the PSNR never falls below the value; infinity if it never reaches it.
    """
    ordered = sorted(points, key=lambda point: point.grey_electrons)
    reached = [index for index, point in enumerate(ordered) if point.psnr >= psnr]
    if not reached:
        return math.inf
    first = reached[0]
    if first == 0:
        return None
    low, high = ordered[first - 1], ordered[first]
    share = (psnr - low.psnr) / (high.psnr - low.psnr)
    return low.grey_electrons * (high.grey_electrons / low.grey_electrons) ** share


def as_csv(points: Sequence[SweepPoint]) -> bytes:
    """Returns the points as CSV, with a heading."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(SweepPoint)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    return text.getvalue().encode()


def sweep_table(points: Sequence[SweepPoint], threshold: float) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns headings and rows: each point, with each model's breaking point at its last one."""
    headings = ("MODEL", "ISO", "RATIO", "GREY ELECTRONS", "SNR", "PSNR", "SSIM", f"BELOW {threshold:g} dB UNDER")
    rows: list[tuple[str, ...]] = []
    for index, point in enumerate(points):
        last = index + 1 == len(points) or points[index + 1].model != point.model
        broken = breaking_point([each for each in points if each.model == point.model], threshold) if last else None
        said = "" if not last else "not measured" if broken is None else f"{broken:.3g} e-"
        rows.append(
            (
                point.model,
                "-" if point.iso is None else f"{point.iso:g}",
                f"{point.ratio:g}",
                f"{point.grey_electrons:.3g}",
                f"{point.snr:.3g}",
                f"{point.psnr:.2f}",
                f"{point.ssim:.3f}",
                "everywhere" if broken == math.inf else said,
            )
        )
    return headings, rows
