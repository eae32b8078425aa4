"""Measures the basis of the app's advice (`explorer.app.advice`): how models perform by darkness and by noise.

    EXPLORER_SHARED=../shared python benchmarks/advice.py
    EXPLORER_SHARED=../shared python benchmarks/advice.py --photos 30 --csv advice.csv

Clean photos are darkened 4 to 256 times, as a measured camera would record them, as RAW and as 8-bit pictures; LOL's
and SICE's training pairs are real. Each photo is restored by networks and by classical methods, at the suggested
amplification, and compared with its reference by GT-mean PSNR, which ignores the brightness. The reported thresholds
best separate, over all photos of their kind, those on which the networks lead by a decibel and those on which they
fail.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

if TYPE_CHECKING:
    from explorer.photo import Photo
    from explorer.photo.values import FloatArray

CLASSICAL = ("gamma", "clahe", "lime")
NETWORKS = {
    "raw": ("lynx.raw_synthetic", "lamba_m0.raw_synthetic", "sid_unet.raw_synthetic"),
    "picture": ("lynx_rgb.mixed", "res_unet.lol", "zero_dce.lol"),
}
"""The first is the app's default."""
SIDE = 384
RATIOS = (4, 8, 16, 32, 64, 128, 256)
AHEAD, ENOUGH = 1.0, 20.0
"""Decibels by which a network must lead the best classical method, and decibels of a good result."""


@dataclass(frozen=True)
class Row:
    """A photo; figures of models in decibels."""

    source: str
    kind: str
    stops: float
    noise: float
    begin: float
    """Of the app's default network."""
    networks: float
    """Of the worst other network."""
    classical: float
    """Of the best classical method."""


def photos(shared: Path, count: int) -> Iterator[tuple[str, str, Photo, FloatArray]]:
    """Yields each photo's source, its kind ("raw" or "picture"), the photo and its reference."""
    import explorer
    from explorer.darkroom import CAMERAS
    from explorer.photo import RgbPhoto, load_rendering
    from explorer.photo.light.reduce import reduced

    for folder in ("clean", "clic"):
        files = sorted((shared / "data" / folder).glob("*.webp"))
        for path in files[:: max(1, len(files) // count)][:count]:
            lit = reduced(explorer.open_photo(path), SIDE)
            for ratio in RATIOS:
                dark = explorer.darken(lit, CAMERAS["sony_a7s2"].at(iso=3200), ratio=ratio)
                picture = (dark.picture() * 255).round() / 255
                yield f"{folder} x{ratio}", "raw", dark.photo, dark.reference
                yield f"{folder} x{ratio}", "picture", RgbPhoto(picture.astype("float32"), 8), dark.reference
    for folder in ("lol", "sice"):
        names = (shared / "data" / folder / "train.txt").read_text().split()
        for name in names[:: max(1, len(names) // count)][:count]:
            low, high = (next((shared / "data" / folder / side).glob(f"{name}.*")) for side in ("low", "high"))
            yield folder, "picture", explorer.open_photo(low), load_rendering(explorer.open_photo(high))


def measured(source: str, kind: str, photo: Photo, reference: FloatArray) -> Row:
    """Measures all models on one photo."""
    import explorer
    from explorer.app.advice import light_and_noise
    from explorer.evaluation.metrics import measure

    figures = {}
    for model in (*NETWORKS[kind], *CLASSICAL):
        image = explorer.restore(photo, model, intermediates=False).image
        figures[model] = measure(image, reference)["gt_mean_psnr"]
    first, *others = (figures[model] for model in NETWORKS[kind])
    stops, noise = light_and_noise(photo)
    return Row(source, kind, stops, noise, first, min(others), max(figures[each] for each in CLASSICAL))


def best_cut(values: list[float], true: list[bool]) -> tuple[float, float]:
    """The threshold that best separates true from false values, and the share of values on the right side of it."""
    cuts = sorted({round(value, 3) for value in values})
    right = [(sum((v >= cut) == t for v, t in zip(values, true, strict=True)) / len(true), cut) for cut in cuts]
    share, cut = max(right)
    return cut, share


def report(rows: list[Row]) -> None:
    """Prints medians for each kind of photo, and the thresholds."""
    print(f"{'photos':16}{'kind':9}{'stops':>6}{'noise':>8}{'first':>7}{'others':>8}{'classical':>11}")
    for source, kind in dict.fromkeys((row.source, row.kind) for row in rows):
        own = [row for row in rows if (row.source, row.kind) == (source, kind)]
        middle = [median(getattr(row, name) for row in own) for name in list(asdict(own[0]))[2:]]
        print(f"{source:16}{kind:9}" + "{:6.1f}{:8.3f}{:7.1f}{:8.1f}{:11.1f}".format(*middle))
    for kind in NETWORKS:
        own = [row for row in rows if row.kind == kind]
        noisy = best_cut([row.noise for row in own], [row.begin - row.classical >= AHEAD for row in own])
        dark = best_cut([row.stops for row in own], [row.begin < ENOUGH for row in own])
        print(f"{kind}: networks ahead by {AHEAD} dB from a noise of {noisy[0]:.3f} ({noisy[1]:.0%} told right)")
        print(f"{kind}: below {ENOUGH} dB from {dark[0]:.1f} stops ({dark[1]:.0%} told right)")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--photos", type=int, default=8, help="of each folder")
    parser.add_argument("--csv", type=Path, help="write the figures of every photo")
    given = parser.parse_args()
    shared = Path(os.environ.get("EXPLORER_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (shared / "data").is_dir():
        raise SystemExit(f"There are no photos under {shared}; name their folder in EXPLORER_SHARED.")
    rows = [measured(*each) for each in photos(shared, given.photos)]
    report(rows)
    if given.csv:
        with given.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(asdict(rows[0])))
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)


if __name__ == "__main__":
    main()
