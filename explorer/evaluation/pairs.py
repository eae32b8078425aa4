"""Models on pairs of dark and well-exposed pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.errors import DataError
from explorer.evaluation.metrics import Scores, measure
from explorer.photo import RgbPhoto, open_photo
from explorer.restorer import restore
from explorer.training.data import list_pictures
from explorer.weights.store import LoadedModel

UNCHANGED = "input unchanged"


@dataclass(frozen=True)
class PairResult:
    """One model on a set of pairs: means over the pictures."""

    model: str
    pictures: int
    psnr: float
    ssim: float
    gt_mean_psnr: float
    seconds: float | None
    """Of the network alone, a picture; None for the input unchanged."""
    parameters: int
    sha256: str
    """Of the weights; empty where there are none."""


@dataclass(frozen=True)
class PairFiles:
    """The files of one pair."""

    name: str
    low: Path
    high: Path


def list_pairs(low: Path, high: Path) -> list[PairFiles]:
    """Pairs of two folders by stem.

    Raises:
        DataError: a folder is missing or empty, or pictures lack their pair; the message names them.
    """
    dark, bright = list_pictures(low), list_pictures(high)
    unpaired = sorted(set(dark) ^ set(bright))
    if unpaired:
        raise DataError(
            f"{len(unpaired)} pictures of {low} and {high} lack their pair ({', '.join(unpaired[:5])}); "
            "both folders must hold the same names."
        )
    return [PairFiles(name, dark[name], bright[name]) for name in dark]


def _open(path: Path) -> RgbPhoto:
    photo = open_photo(path)
    if not isinstance(photo, RgbPhoto):
        raise DataError(f"{path} is a RAW file; pairs are compared as developed pictures, so export it first.")
    return photo


def evaluate_pairs(
    pairs: Sequence[PairFiles],
    models: Sequence[LoadedModel],
    ratio: float | str = "auto",
    advance: Callable[[str], None] = lambda what: None,
) -> list[PairResult]:
    """Measures models on pairs; the first result is that of the input unchanged.

    Args:
        pairs: from `list_pairs`.
        models: from `explorer.load_model`.
        ratio: amplification, "auto" by each model's own rule.
        advance: called with words after each picture of each model.

    Raises:
        DataError: the pictures of a pair differ in size; the message names both.
    """
    scores: dict[int, list[Scores]] = {k: [] for k in range(-1, len(models))}
    seconds: dict[int, list[float]] = {k: [] for k in range(len(models))}
    for pair in pairs:
        photo, reference = _open(pair.low), _open(pair.high).image
        if photo.image.shape != reference.shape:
            (w, h), (v, g) = photo.size, reference.shape[1::-1]
            raise DataError(
                f"{pair.low} is {w} x {h} but {pair.high} is {v} x {g}; the two of a pair must be of one size."
            )
        if min(photo.size) < 11:
            raise DataError(f"{pair.low} is smaller than the 11 x 11 pixels that SSIM looks at; leave it out.")
        scores[-1].append(measure(photo.image, reference))
        for k, model in enumerate(models):
            restoration = restore(photo, model, ratio)
            scores[k].append(measure(restoration.image, reference))
            seconds[k].append(restoration.seconds)
            advance(f"{model.name}: {pair.name}")
    results = [_mean(UNCHANGED, scores[-1], None, None)]
    return results + [_mean(m.name, scores[k], seconds[k], m) for k, m in enumerate(models)]


def _mean(name: str, scores: list[Scores], seconds: list[float] | None, model: LoadedModel | None) -> PairResult:
    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    return PairResult(
        model=name,
        pictures=len(scores),
        psnr=mean([s.psnr for s in scores]),
        ssim=mean([s.ssim for s in scores]),
        gt_mean_psnr=mean([s.gt_mean_psnr for s in scores]),
        seconds=None if seconds is None else mean(seconds),
        parameters=0 if model is None else sum(p.numel() for p in model.net.parameters()),
        sha256="" if model is None else model.identity.sha256,
    )
