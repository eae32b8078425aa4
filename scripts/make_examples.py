"""Makes the bundled example photos of `explorer/examples`, with the same bytes for the same library versions.

Each is a scene seen by a simulated camera at night: unprocessed to a mosaic by the explorer's nominal camera, darkened
in linear light, with shot and read noise, rounded to 14 bits. RAW examples are written directly; pictures are developed
without amplification and stored with 8 bits, like a camera's own JPEG.

    python scripts/make_examples.py [--only NAME ...]
"""

from __future__ import annotations

import argparse
import os
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from night_scene import render_still_life
from numpy.typing import NDArray
from PIL import Image

from explorer.photo import Exposure, RgbPhoto, develop, linear_to_srgb, unprocess, write_dng
from explorer.photo.light.cameras import BROOKS_XYZ_TO_CAMERA, NOMINAL_GAINS

FOLDER = Path(__file__).resolve().parent.parent / "explorer" / "examples"
BLACK, WHITE = 1024, 16383
READ_NOISE = 2.5
"""Electrons."""


@dataclass(frozen=True)
class Shot:
    """One exposure in the dark."""

    name: str
    scene: str
    """A picture of `skimage.data`, or "night_scene"."""
    darkness: float
    """The light is divided by this."""
    full_scale: float
    """Electrons at saturation: less at higher sensitivity."""
    suffix: str
    phase: str = "RGGB"
    iso: int = 3200
    seconds: float = 1 / 30


SHOTS = (
    Shot("still_life", "night_scene", 32, 6000, ".dng", "GBRG", 3200, 1 / 60),
    Shot("espresso", "coffee", 50, 9000, ".dng", "BGGR", 1600, 1 / 400),
    Shot("cat", "cat", 12, 5000, ".png"),
    Shot("astronaut", "astronaut", 14, 6000, ".jpg"),
    Shot("launchpad", "rocket", 6, 4000, ".jpg"),
)


def scene(name: str) -> NDArray[np.float32]:
    """Returns H x W x 3 sRGB with even sides; values above 1 are brighter than the display's white."""
    if name == "night_scene":
        return linear_to_srgb(render_still_life(960, 640) * 2.4)
    from skimage import data

    picture = getattr(data, name)().astype(np.float32)[..., :3] / 255
    return picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]


def write_picture(path: Path, image: NDArray[np.float32], quality: int) -> None:
    """Writes 8-bit sRGB, atomically."""
    partial = path.with_name(f".{path.name}")
    picture = Image.fromarray(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))
    if path.suffix == ".png":
        picture.save(partial, format="PNG", optimize=True)
    else:
        picture.save(partial, format="JPEG", quality=quality, subsampling=0)
    os.replace(partial, path)


def take(shot: Shot) -> None:
    """Writes the dark photo and its reference."""
    picture = scene(shot.scene)
    # For a phase other than RGGB, the first row or column is left out: samples are shifted, not relabelled.
    rows = slice(1, -1) if shot.phase in ("GBRG", "BGGR") else slice(None)
    columns = slice(1, -1) if shot.phase in ("GRBG", "BGGR") else slice(None)
    raw = unprocess(RgbPhoto(image=picture, bits=16, exposure=Exposure(), name=shot.name))
    rng = np.random.default_rng(zlib.crc32(shot.name.encode()))
    light = np.clip(raw.mosaic, 0, None) / shot.darkness
    electrons = rng.poisson(light * shot.full_scale) + rng.normal(0, READ_NOISE, light.shape)
    counts = np.clip(np.rint(electrons / shot.full_scale * (WHITE - BLACK) + BLACK), 0, WHITE).astype(np.uint16)

    path = FOLDER / f"{shot.name}{shot.suffix}"
    if shot.suffix == ".dng":
        write_dng(
            path,
            np.ascontiguousarray(counts[rows, columns]),
            phase=shot.phase,
            black=BLACK,
            white=WHITE,
            color_matrix=BROOKS_XYZ_TO_CAMERA.mean(axis=0),
            as_shot_neutral=tuple(1 / gain for gain in NOMINAL_GAINS),
            iso=shot.iso,
            exposure_seconds=shot.seconds,
            camera="Simulated Night Camera",
        )
    else:
        mosaic = ((counts.astype(np.float32) - BLACK) / (WHITE - BLACK)).astype(np.float32)
        write_picture(path, develop(replace(raw, mosaic=mosaic)), quality=92)
    write_picture(FOLDER / f"{shot.name}_reference.jpg", picture[rows, columns], quality=90)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


def main() -> None:
    """Makes all examples, or those named."""
    parser = argparse.ArgumentParser(description="Makes the bundled example photographs.")
    parser.add_argument("--only", nargs="+", choices=[shot.name for shot in SHOTS], default=[])
    only = parser.parse_args().only
    for shot in SHOTS:
        if not only or shot.name in only:
            take(shot)


if __name__ == "__main__":
    main()
