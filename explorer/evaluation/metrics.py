"""Compares two images by every metric of `explorer.metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.machine import flush_denormals
from explorer.metrics import METRICS

Image = NDArray[np.float32]


class Scores(dict[str, float]):
    """Similarity of an image to its reference: values by the metric's name, also as attributes (`scores.psnr`)."""

    def __getattr__(self, name: str) -> float:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def scale_to_mean(image: Image, reference: Image) -> Image:
    """Multiplies the image by the ratio of both mean values, clipped to [0, 1]; a black image stays black."""
    mean = float(image.mean())
    return np.clip(image * np.float32(float(reference.mean()) / mean), 0, 1) if mean > 0 else image


def measure(image: Image, reference: Image) -> Scores:
    """Compares two H x W x 3 sRGB images in [0, 1] of the same size, sides at least `explorer.metrics.MIN_SIDE`."""
    flush_denormals()
    image = np.clip(image, 0, 1)
    x, y, scaled = (
        torch.from_numpy(np.ascontiguousarray(np.moveaxis(p, 2, 0), dtype=np.float64))[None]
        for p in (image, reference, scale_to_mean(image, reference))
    )
    return Scores({m.name: m.compute(scaled if m.matched else x, y).item() for m in METRICS})


def mean_scores(values: Sequence[Scores]) -> Scores:
    """Averages each metric."""
    return Scores({name: float(np.mean([each[name] for each in values])) for name in values[0]})


def spread(plain: dict[str, Any]) -> dict[str, Any]:
    """Converts a result for JSON, with its `scores` among its other fields."""
    return {k: v for name, value in plain.items() for k, v in (value if name == "scores" else {name: value}).items()}
