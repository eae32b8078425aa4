"""Opens every photo under a folder and compares it with other decoders: `make corpus DIR=photos`.

    python scripts/corpus.py photos --report corpus.md

Each file is opened in a separate process, as in the app. Pictures are compared with Pillow, whose LittleCMS applies
their profiles; RAW files with LibRaw's own development. The report is a table of the differences: another size, other
colours, a file that only one side opens. A difference is not necessarily a fault: Pillow reads colours only from
profiles, and keeps 8 bits.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explorer.errors import ExplorerError  # noqa: E402
from explorer.formats import RAW_SUFFIXES, is_photo_name, suffix_of  # noqa: E402
from explorer.photo import RawPhoto, load_rendering, open_photo  # noqa: E402
from explorer.sandbox.processes import close  # noqa: E402

GRID = 24
"""Cells along each side whose mean colours are compared; differences in single pixels do not matter."""
PICTURE_LEVELS, RAW_LEVELS = 2.0, 12.0
"""Largest mean difference of the cells, in steps of 8 bits, that is not reported. LibRaw's demosaicking, clipping and
white balance differ."""
SAME, SIZE, COLORS, OURS_ONLY, THEIRS_ONLY, NEITHER = (
    "same", "another size", "other colours", "opened here only", "refused here only", "opened by neither",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """The result for one file."""

    path: str
    outcome: str
    detail: str = ""


def cells(image: NDArray[np.floating]) -> NDArray[np.float64]:
    """Returns mean colours of GRID x GRID cells of an H x W x 3 picture, or of fewer if it is smaller."""
    rows = np.array_split(image, min(GRID, image.shape[0]), axis=0)
    return np.array([[cell.mean((0, 1)) for cell in np.array_split(row, min(GRID, row.shape[1]), 1)] for row in rows])


def by_pillow(data: bytes) -> tuple[tuple[int, int], NDArray[np.float64]]:
    """Returns size and cells of a picture by Pillow and LittleCMS: upright, in sRGB, over black."""
    from PIL import Image, ImageCms, ImageOps

    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
    except ImportError:
        pass
    with Image.open(io.BytesIO(data)) as opened:
        picture = ImageOps.exif_transpose(opened)
        profile = opened.info.get("icc_profile")
        opacity = None
        if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            opacity = np.asarray(picture)[..., 3:] / 255
            picture = picture.convert("RGB")
        if profile and picture.mode in ("L", "RGB", "CMYK", "LAB"):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            try:
                srgb = ImageCms.createProfile("sRGB")
                picture = ImageCms.profileToProfile(picture, source, srgb, outputMode="RGB") or picture
            except ImageCms.PyCMSError:  # a profile of another kind of picture
                pass
        image = np.asarray(picture.convert("RGB")) / 255
    return image.shape[1::-1], cells(image if opacity is None else image * opacity)


def by_libraw(data: bytes) -> tuple[tuple[int, int], NDArray[np.float64]]:
    """Returns size and cells of a RAW file by LibRaw's development: the camera's white balance, sRGB, no
    brightening."""
    import rawpy

    with rawpy.RawPy() as raw:
        raw.open_buffer(io.BytesIO(data))
        raw.unpack()
        image = raw.postprocess(use_camera_wb=True, no_auto_bright=True, gamma=(2.4, 12.92), output_bps=16)
    return image.shape[1::-1], cells(image / 65535)


def compared(path: Path, name: str, workers: ProcessPoolExecutor) -> Row:
    """Opens a file both ways.

    Raises:
        BrokenProcessPool: the other decoder crashed its process.
    """
    data = path.read_bytes()
    reference = by_libraw if suffix_of(path.name) in RAW_SUFFIXES else by_pillow
    ours, theirs, said, other = None, None, "", ""
    try:
        ours = open_photo(data, name=path.name, isolated=True)
    except ExplorerError as error:
        said = str(error)
    waiting = workers.submit(reference, data)
    try:
        theirs = waiting.result(timeout=120)
    except BrokenProcessPool:
        raise
    except Exception as error:  # decoders raise all kinds of exceptions
        other = f"{type(error).__name__}: {error}"
    if ours is None:
        return Row(name, NEITHER if theirs is None else THEIRS_ONLY, said)
    if theirs is None:
        return Row(name, OURS_ONLY, other)
    (width, height), expected = theirs
    is_raw = isinstance(ours, RawPhoto)
    margin = 12 if is_raw else 0  # a mosaic is cropped to whole tiles
    if max(abs(ours.size[0] - width), abs(ours.size[1] - height)) > margin:
        return Row(name, SIZE, f"{ours.size[0]} x {ours.size[1]}, there {width} x {height}")
    difference = np.abs(cells(load_rendering(ours)) - expected) * 255
    if difference.mean() > (RAW_LEVELS if is_raw else PICTURE_LEVELS):
        notes = " ".join(ours.notes)
        return Row(name, COLORS, f"{difference.mean():.1f} of 255 in the mean, {difference.max():.0f} at most. {notes}")
    return Row(name, SAME)


def run(folder: Path) -> Iterator[Row]:
    """Compares all photos under a folder, in the order of their paths."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and is_photo_name(path.name))
    context = multiprocessing.get_context("spawn")
    workers = ProcessPoolExecutor(1, mp_context=context)
    try:
        for path in paths:
            name = path.relative_to(folder).as_posix()
            try:
                yield compared(path, name, workers)
            except BrokenProcessPool:
                workers = ProcessPoolExecutor(1, mp_context=context)
                yield Row(name, OURS_ONLY, "the other decoder crashed")
    finally:
        workers.shutdown(cancel_futures=True)
        close()


def markdown(rows: list[Row]) -> str:
    """Formats the report: the number of each outcome, then the differences."""
    counts = Counter(row.outcome for row in rows)
    lines = [f"# {len(rows)} photos compared", "", "| outcome | files |", "|---|--:|"]
    lines += [f"| {outcome} | {count} |" for outcome, count in counts.most_common()]
    lines += ["", "| file | outcome | detail |", "|---|---|---|"]
    for row in rows:
        if row.outcome != SAME:
            detail = " ".join(row.detail.split()).replace("|", r"\|")
            lines.append(f"| {row.path} | {row.outcome} | {detail} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compares every photo under a folder with other decoders.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--report", type=Path, default=Path("corpus.md"), help="where the table goes (corpus.md)")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"{options.folder} is no folder; name one that holds photos.", file=sys.stderr)
        return 1
    rows = []
    for row in run(options.folder):
        rows.append(row)
        if row.outcome != SAME:
            print(f"{row.path}: {row.outcome}: {row.detail}", flush=True)
    options.report.write_text(markdown(rows), encoding="utf-8")
    print(f"{len(rows)} photos, {sum(row.outcome != SAME for row in rows)} differ; the table is in {options.report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
