"""Makes tiny data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def scene(seed: int, height: int = 72, width: int = 80) -> np.ndarray:
    """A picture with smooth light and a few edges, H x W x 3 uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 0.3 + 0.4 * np.sin(3 * x + seed) * np.cos(2 * y + seed) + 0.2 * (x > rng.uniform(0.3, 0.7))
    colors = rng.uniform(0.4, 1.0, 3)
    return (np.clip(light[..., None] * colors + 0.1, 0, 1) * 255).astype(np.uint8)


def write_data(folder: Path, clean: int = 14, pairs: int = 6, height: int = 72, width: int = 80) -> Path:
    """`clean/`, `lol/low`, `lol/high` and both lists."""
    for name in ("clean", "lol/low", "lol/high"):
        (folder / name).mkdir(parents=True)
    for k in range(clean):
        Image.fromarray(scene(k, height, width)).save(folder / "clean" / f"c{k:02d}.png")
    for k in range(pairs):
        high = scene(100 + k, height, width)
        low = (high.astype(float) * 0.15).astype(np.uint8)
        Image.fromarray(high).save(folder / "lol" / "high" / f"{k}.png")
        Image.fromarray(low).save(folder / "lol" / "low" / f"{k}.png")
    (folder / "lol" / "train.txt").write_text("".join(f"{k}.png\n" for k in range(pairs - 2)))
    (folder / "lol" / "val.txt").write_text("".join(f"{k}.png\n" for k in range(pairs - 2, pairs)))
    return folder
