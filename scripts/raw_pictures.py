"""Makes the pictures of docs/raw-workflow.md: a bundled RAW file, restored to DNGs that other programs develop.

    python scripts/raw_pictures.py

Needs darktable-cli and rawtherapee-cli (Debian: darktable, rawtherapee), which run with their defaults.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image, ImageDraw, ImageFont
from screenshots import ROOT, write_picture

import explorer
from explorer.encode import quantise

PHOTO = ROOT / "explorer" / "examples" / "still_life.dng"
MODEL = "lynx.raw_synthetic"
GAP = 6
SECONDS = 300
"""Longest time for one program and one file."""


def by_libraw(source: Path, _folder: Path, balance: tuple[float, float, float] | None = None) -> Image.Image:
    """Develops a file with LibRaw under the sRGB curve, with its own white balance or with other gains."""
    chosen = {"user_wb": [*balance, balance[1]]} if balance else {"use_camera_wb": True}
    with rawpy.imread(str(source)) as raw:
        return Image.fromarray(raw.postprocess(gamma=(2.4, 12.92), no_auto_bright=True, adjust_maximum_thr=0, **chosen))


def by_darktable(source: Path, folder: Path) -> Image.Image:
    """Develops a file with darktable, with a new configuration."""
    out = folder / f"{source.stem}-darktable.png"
    settings = ["--core", "--configdir", str(folder / "darktable"), "--library", ":memory:"]
    return _developed(["darktable-cli", str(source), str(out), *settings], folder, out)


def by_rawtherapee(source: Path, folder: Path) -> Image.Image:
    """Develops a file with RawTherapee, with its default profile."""
    out = folder / f"{source.stem}-rawtherapee.png"
    return _developed(["rawtherapee-cli", "-o", str(out), "-n", "-b8", "-Y", "-d", "-c", str(source)], folder, out)


def _developed(command: list[str], home: Path, out: Path) -> Image.Image:
    if shutil.which(command[0]) is None:
        raise SystemExit(f"{command[0]} is not installed; install darktable and rawtherapee.")
    environment = os.environ | {"HOME": str(home)}
    subprocess.run(command, check=True, env=environment, timeout=SECONDS, capture_output=True)
    return Image.open(out).convert("RGB")


def named(picture: Image.Image, words: str) -> Image.Image:
    """Writes a picture's name in its corner."""
    picture = picture.copy()
    ImageDraw.Draw(picture).text(
        (10, 8), words, fill="white", stroke_width=3, stroke_fill="black", font=ImageFont.load_default(20)
    )
    return picture


def grid(rows: list[list[Image.Image]]) -> Image.Image:
    """Arranges pictures of the same size in rows."""
    width, height = rows[0][0].size
    columns = len(rows[0])
    whole = Image.new("RGB", (columns * (width + GAP) - GAP, len(rows) * (height + GAP) - GAP), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            whole.paste(picture, (x * (width + GAP), y * (height + GAP)))
    return whole


def strengths(photo: explorer.Photo) -> Image.Image:
    """Shows one place at five strengths, enlarged twice."""
    box = (400, 250, 600, 450)
    row = []
    for strength in (0, 25, 50, 75, 100):
        image = explorer.restore(photo, MODEL, strength=strength).image
        shown = Image.fromarray(quantise(image, 8)).crop(box).resize((300, 300), Image.Resampling.LANCZOS)
        row.append(named(shown, f"{strength} %"))
    return grid([row])


def programs(folder: Path) -> Image.Image:
    """Shows the photo as taken and the restored DNGs, by three programs with their defaults."""
    files = (("as taken", PHOTO), ("restored", folder / "restored.dng"), ("exposure kept", folder / "kept.dng"))
    makers = (("LibRaw", by_libraw), ("darktable", by_darktable), ("RawTherapee", by_rawtherapee))
    rows = []
    for words, path in files:
        row = []
        for program, develop in makers:
            picture = develop(path, folder)
            print(f"{program}, {words}: {picture.width} × {picture.height}, mean {np.asarray(picture).mean():.1f}")
            row.append(named(picture.resize((400, 266), Image.Resampling.LANCZOS), f"{program}: {words}"))
        rows.append(row)
    return grid(rows)


def balances(folder: Path) -> Image.Image:
    """Shows the restored DNG with three white balances, chosen after the restoration."""
    restored = folder / "restored.dng"
    with rawpy.imread(str(restored)) as raw:
        red, green, blue = (float(each) for each in raw.camera_whitebalance[:3])
    row = []
    for words, warm in (("cooler", 0.75), ("as shot", 1.0), ("warmer", 1.35)):
        picture = by_libraw(restored, folder, (red * warm, green, blue / warm))
        row.append(named(picture.resize((400, 266), Image.Resampling.LANCZOS), words))
    return grid([row])


def main() -> None:
    """Makes all three pictures."""
    photo = explorer.open_photo(PHOTO)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        result = explorer.restore(photo, MODEL)
        result.save(folder / "restored.dng")
        result.save(folder / "kept.dng", keep_exposure=True)
        write_picture(strengths(photo), "raw-strength")
        write_picture(balances(folder), "raw-white-balance")
        write_picture(programs(folder), "raw-programs")


if __name__ == "__main__":
    main()
