"""Evaluates models on pairs of a dark photo and its bright reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError, ExplorerError, PhotoError
from explorer.evaluation.metrics import Scores, mean_scores, measure
from explorer.metrics import MIN_SIDE
from explorer.photo import RawPhoto, RgbPhoto, load_rendering, open_photo, upright
from explorer.restorer import restore
from explorer.training.data import list_pictures
from explorer.weights.store import LoadedModel

UNCHANGED = "input unchanged"


@dataclass(frozen=True)
class Pair:
    """The files of one pair."""

    name: str
    dark: Path
    bright: Path
    ratio: float | None = None
    """Ratio of the exposure times, 1 to 300, for RAW files; None for pictures, which use each model's own rule."""


@dataclass(frozen=True)
class PairScores:
    """Results for one pair."""

    name: str
    unchanged: Scores
    """Scores of the unchanged dark photo (RAW is developed)."""
    scores: tuple[Scores, ...]
    """Scores, one entry per model."""
    seconds: tuple[float, ...]
    """Seconds of each model's network only."""


@dataclass(frozen=True)
class PairResult:
    """One model on a set of pairs: means over the pairs."""

    model: str
    pictures: int
    scores: Scores
    seconds: float | None
    """Seconds per picture of the network only; None for the unchanged input."""
    parameters: int
    sha256: str
    """Checksum of the weights; empty if there are none."""


def list_pairs(low: Path, high: Path) -> list[Pair]:
    """Lists the pairs of two folders by stem.

    Raises:
        DataError: a folder is missing or empty, or pictures are unpaired; the message names them.
    """
    dark, bright = list_pictures(low), list_pictures(high)
    unpaired = sorted(set(dark) ^ set(bright))
    if unpaired:
        raise DataError(
            f"{len(unpaired)} pictures of {low} and {high} have no counterpart ({', '.join(unpaired[:5])}); "
            "both folders must hold the same names."
        )
    return [Pair(name, dark[name], bright[name]) for name in dark]


def reference_of(path: Path, photo: RawPhoto) -> NDArray[np.float32]:
    """Develops the long exposure like SID's authors: LibRaw with the camera's white balance, no automatic brightness.

    Args:
        path: path of the long exposure.
        photo: the short exposure, which determines the reference's size and orientation.

    Returns:
        H x W x 3 sRGB in [0, 1], upright.

    Raises:
        DataError: LibRaw cannot develop it.
    """
    import rawpy

    try:
        with rawpy.imread(str(path)) as raw:
            developed = raw.postprocess(
                use_camera_wb=True, half_size=False, no_auto_bright=True, output_bps=16, user_flip=0
            )
    except (rawpy.LibRawError, rawpy.NotSupportedError, OSError) as error:
        raise DataError(f"{path} cannot be developed ({error}); copy it again.") from error
    height, width = photo.sensor_size
    part = np.asarray(developed[:height, :width] / np.float32(65535), dtype=np.float32)
    return upright(part, photo.rotation, photo.mirrored)


def opened(pair: Pair) -> tuple[RawPhoto | RgbPhoto, NDArray[np.float32], NDArray[np.float32]]:
    """Opens the dark photo, its rendering, and its reference.

    Raises:
        DataError: one of them cannot be opened, or has another kind or size; the message names it.
    """
    try:
        photo = open_photo(pair.dark)
        if pair.ratio is not None:
            if not isinstance(photo, RawPhoto):
                raise DataError(f"{pair.dark} is not a RAW file, but SID's exposures are; correct the list.")
            return _alike(pair, photo, load_rendering(photo), reference_of(pair.bright, photo))
        bright = open_photo(pair.bright)
    except PhotoError as error:
        raise DataError(str(error)) from error
    for path, each in ((pair.dark, photo), (pair.bright, bright)):
        if isinstance(each, RawPhoto):
            raise DataError(f"{path} is a RAW file, but pairs are compared as developed pictures; export it first.")
    assert isinstance(photo, RgbPhoto) and isinstance(bright, RgbPhoto)
    return _alike(pair, photo, photo.image, bright.image)


def _alike(
    pair: Pair, photo: RawPhoto | RgbPhoto, given: NDArray[np.float32], reference: NDArray[np.float32]
) -> tuple[RawPhoto | RgbPhoto, NDArray[np.float32], NDArray[np.float32]]:
    """Returns both pictures, if they have the same size and are large enough for every metric."""
    if given.shape != reference.shape:
        (h, w), (g, v) = given.shape[:2], reference.shape[:2]
        raise DataError(
            f"{pair.dark} is {w} x {h} but {pair.bright} is {v} x {g}; the two pictures of a pair must have the "
            f"same size."
        )
    if min(given.shape[:2]) < MIN_SIDE:
        raise DataError(
            f"{pair.dark} is smaller than the {MIN_SIDE} x {MIN_SIDE} pixels that SSIM needs; leave it out."
        )
    return photo, given, reference


def score_pair(
    pair: Pair,
    models: Sequence[LoadedModel],
    ratio: float | str = "auto",
    advance: Callable[[str], None] = lambda what: None,
) -> PairScores:
    """Measures models on one pair.

    Args:
        ratio: amplification of pairs without their own ratio; "auto" uses each model's own rule.
        advance: called with words after each model.

    Raises:
        DataError: the files of the pair cannot be opened or compared; the message names them.
    """
    photo, given, reference = opened(pair)
    scores, seconds = [], []
    for model in models:
        result = restore(photo, model, ratio if pair.ratio is None else pair.ratio, intermediates=False)
        scores.append(measure(result.image, reference))
        seconds.append(float(result.seconds))
        advance(f"{model.name}: {pair.name}")
    return PairScores(pair.name, measure(given, reference), tuple(scores), tuple(seconds))


def scored_or_error(pair: Pair, models: Sequence[LoadedModel], ratio: float | str) -> PairScores | ExplorerError:
    """Returns a pair's scores, or its error in a form that can be sent between processes."""
    try:
        return score_pair(pair, models, ratio)
    except ExplorerError as error:
        return error


def mean_results(scored: Sequence[PairScores], models: Sequence[LoadedModel]) -> list[PairResult]:
    """Averages over pairs, for `explorer.evaluation.tables.pair_table`; the first result is the unchanged input's."""
    unchanged = mean_scores([each.unchanged for each in scored])
    results = [PairResult(UNCHANGED, len(scored), unchanged, None, 0, "")]
    for k, model in enumerate(models):
        results.append(
            PairResult(
                model.name,
                len(scored),
                mean_scores([each.scores[k] for each in scored]),
                float(np.mean([each.seconds[k] for each in scored])),
                sum(p.numel() for p in model.net.parameters()),
                model.identity.sha256,
            )
        )
    return results


def evaluate_pairs(
    pairs: Sequence[Pair],
    models: Sequence[LoadedModel],
    ratio: float | str = "auto",
    advance: Callable[[str], None] = lambda what: None,
) -> list[PairResult]:
    """Measures models on pairs in this process; the first result is the unchanged input's.

    Args:
        pairs: from `list_pairs`, or `explorer.evaluation.sets.list_set`.
        models: from `explorer.load_model`.
        ratio: amplification of pairs without their own ratio; "auto" uses each model's own rule.
        advance: called with words after each picture of each model.

    Raises:
        DataError: the files of a pair cannot be opened or compared; the message names them.
    """
    return mean_results([score_pair(pair, models, ratio, advance) for pair in pairs], models)
