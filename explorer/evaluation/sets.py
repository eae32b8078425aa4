"""Whole benchmark sets as their papers lay them out: LOL's pairs of pictures, SID's pairs of RAW exposures.

LOL: Wei et al., "Deep Retinex Decomposition for Low-Light Enhancement", BMVC 2018. SID: Chen, Chen, Xu and Koltun,
"Learning to See in the Dark", CVPR 2018, section 3 and the authors' lists of exposures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError, PhotoError
from explorer.evaluation.metrics import Scores, measure
from explorer.evaluation.pairs import UNCHANGED, PairResult, list_pairs
from explorer.photo import RawPhoto, RgbPhoto, develop, open_photo
from explorer.restorer import restore
from explorer.weights.store import LoadedModel

LARGEST_RATIO = 300.0
"""SID's: the ratio of the exposure times, at most this (section 4.2)."""
_LISTS = {"sid_sony": "Sony_{split}_list.txt", "sid_fuji": "Fuji_{split}_list.txt"}
_PICTURES = {
    "test": (("eval15/low", "eval15/high"), ("Test/Low", "Test/Normal"), ("low", "high")),
    "train": (("our485/low", "our485/high"), ("Train/Low", "Train/Normal"), ("low", "high")),
}
_SECONDS = re.compile(r"_(\d+(?:\.\d+)?)s\.[A-Za-z0-9]+$")
SETS = ("lol", *_LISTS)
"""Names of the sets."""
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class BenchmarkPair:
    """A dark photograph and the bright one that it is measured by."""

    name: str
    dark: Path
    bright: Path
    ratio: float | None
    """Of the exposure times, 1 to 300; None for pictures, where each model's own rule holds."""


@dataclass(frozen=True)
class PairScores:
    """What one pair gave."""

    name: str
    unchanged: Scores
    """Of the dark photograph as it is (a RAW one developed)."""
    scores: tuple[Scores, ...]
    """Of each model."""
    seconds: tuple[float, ...]
    """Of each model's network alone."""


def list_set(name: str, folder: Path, split: str = "test") -> list[BenchmarkPair]:
    """The pairs of a benchmark set.

    Args:
        name: one of `SETS`.
        folder: for `lol` the folder that holds `eval15/` (or LOL-v2's `Test/`, or `low/` and `high/`); for SID the one
            that holds the authors' lists (`Sony_test_list.txt`) and the folders that they name.
        split: one of `SPLITS`; LOL has no `val`.

    Raises:
        DataError: unknown set or split, missing files; the message names them.
    """
    if name not in SETS or split not in SPLITS:
        raise DataError(
            f"There is no set {name!r} with a part {split!r}; the sets are {', '.join(SETS)}, the parts "
            f"{', '.join(SPLITS)}."
        )
    if name in _LISTS:
        return read_exposure_list(folder / _LISTS[name].format(split=split), folder)
    for low, high in _PICTURES.get(split, ()):
        if (folder / low).is_dir() and (folder / high).is_dir():
            return [BenchmarkPair(p.name, p.low, p.high, None) for p in list_pairs(folder / low, folder / high)]
    raise DataError(f"{folder} does not hold LOL's {split} pairs; give the folder with eval15/low and eval15/high.")


def read_exposure_list(path: Path, folder: Path) -> list[BenchmarkPair]:
    """SID's list of exposures: a line is `./Sony/short/10003_00_0.04s.ARW ./Sony/long/10003_00_10s.ARW ISO200 F9`.

    The exposure times stand in the names; their ratio is cut at 300.

    Args:
        folder: what the list's paths are relative to.

    Raises:
        DataError: no list, a line that is none of it, or files that are missing; the message names the first.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The list {path} cannot be read ({getattr(error, 'strerror', None) or 'no text'}); give the folder that "
            "holds the lists of SID's authors."
        ) from error
    pairs = []
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if not parts:
            continue
        times = [_SECONDS.search(part) for part in parts[:2]]
        if len(parts) < 2 or times[0] is None or times[1] is None:
            raise DataError(f"Line {number} of {path} names no two exposures with their seconds; correct the list.")
        short, long = float(times[0][1]), float(times[1][1])
        if not 0 < short <= long:
            raise DataError(f"Line {number} of {path} has the longer exposure first; correct the list.")
        dark, bright = folder / parts[0], folder / parts[1]
        pairs.append(BenchmarkPair(dark.stem, dark, bright, min(long / short, LARGEST_RATIO)))
    missing = [str(file) for pair in pairs for file in (pair.dark, pair.bright) if not file.is_file()]
    if missing:
        raise DataError(f"{path} names {len(missing)} files that are not there ({missing[0]}); copy them there.")
    if not pairs:
        raise DataError(f"The list {path} is empty; get it again.")
    return pairs


def reference_of(path: Path) -> NDArray[np.float32]:
    """The long exposure as SID's authors develop it: LibRaw with the camera's white balance, no automatic brightness.

    Returns:
        H x W x 3 sRGB in [0, 1], upright.

    Raises:
        DataError: LibRaw cannot develop it.
    """
    import rawpy

    try:
        with rawpy.imread(str(path)) as raw:
            developed = raw.postprocess(use_camera_wb=True, half_size=False, no_auto_bright=True, output_bps=16)
    except (rawpy.LibRawError, rawpy.NotSupportedError, OSError) as error:
        raise DataError(f"{path} cannot be developed ({error}); copy it again.") from error
    return (developed / np.float32(65535)).astype(np.float32)


def score_pair(pair: BenchmarkPair, models: Sequence[LoadedModel], ratio: float | str = "auto") -> PairScores:
    """Measures models on one pair.

    Args:
        ratio: amplification of pairs that do not say theirs, "auto" by each model's own rule.

    Raises:
        DataError: the two of the pair cannot be opened or compared; the message names them.
    """
    try:
        photo = open_photo(pair.dark)
        if pair.ratio is not None:
            if not isinstance(photo, RawPhoto):
                raise DataError(f"{pair.dark} is no RAW file, which SID's exposures are; correct the list.")
            reference, given = reference_of(pair.bright), develop(photo)
        else:
            bright = open_photo(pair.bright)
            if not (isinstance(photo, RgbPhoto) and isinstance(bright, RgbPhoto)):
                raise DataError(f"{pair.name} holds a RAW file; LOL's pairs are compared as developed pictures.")
            reference, given = bright.image, photo.image
    except PhotoError as error:
        raise DataError(str(error)) from error
    if given.shape != reference.shape:
        (h, w), (g, v) = given.shape[:2], reference.shape[:2]
        raise DataError(f"{pair.dark} is {w} x {h} but {pair.bright} is {v} x {g}; the two must be of one size.")
    if min(given.shape[:2]) < 11:
        raise DataError(f"{pair.dark} is smaller than the 11 x 11 pixels that SSIM looks at; leave it out.")
    results = [restore(photo, m, ratio if pair.ratio is None else pair.ratio, intermediates=False) for m in models]
    return PairScores(
        pair.name,
        measure(given, reference),
        tuple(measure(result.image, reference) for result in results),
        tuple(float(result.seconds) for result in results),
    )


def mean_results(scored: Sequence[PairScores], models: Sequence[LoadedModel]) -> list[PairResult]:
    """Means over a set, for `explorer.evaluation.tables.pair_table`; the first is that of the input unchanged."""

    def mean(name: str, values: list[Scores], seconds: float | None, parameters: int, sha256: str) -> PairResult:
        psnr, ssim, gt = (float(np.mean([getattr(v, f) for v in values])) for f in ("psnr", "ssim", "gt_mean_psnr"))
        return PairResult(name, len(values), psnr, ssim, gt, seconds, parameters, sha256)

    results = [mean(UNCHANGED, [each.unchanged for each in scored], None, 0, "")]
    for k, model in enumerate(models):
        results.append(
            mean(
                model.name,
                [each.scores[k] for each in scored],
                float(np.mean([each.seconds[k] for each in scored])),
                sum(p.numel() for p in model.net.parameters()),
                model.identity.sha256,
            )
        )
    return results
