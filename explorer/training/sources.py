"""Sources of batches: synthetic RAW from clean pictures, and pairs mixed with darkened clean pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from explorer.errors import DataError
from explorer.photo.light.cfa import Cfa
from explorer.training.darken import amplify, darken, suggested_ratio, true_ratio
from explorer.training.data import (
    Pair,
    Picture,
    Skipped,
    crops_of,
    list_pictures,
    random_crops,
    read_folder,
    read_list,
    read_pairs,
)
from explorer.training.degrade import DarkMosaic, SensorRanges, darken_to_mosaic
from explorer.training.objectives import Batch
from explorer.training.recipe import Phase

VALIDATION_RATIOS = (10.0, 30.0, 100.0, 300.0)
_HELD_OUT = 12
_VALIDATION_SIDE = 256
_XTRANS_STEP = 48
"""Sides of X-Trans pictures are multiples of this, because they are packed into planes and halved three times."""
_LARGE_PICTURES = 3
"""Repetitions of each large picture, because its crops show a third of what crops of a small one do."""


def phase_at(phases: tuple[Phase, ...], step: int, total: int) -> Phase:
    """Returns the phase of a step."""
    return next((p for p in phases if step < p.until * total), phases[-1])


def split_clean(folder: Path, skipped: Skipped) -> tuple[list[Picture], list[Picture]]:
    """Splits clean pictures: the last dozen by name is for validation, or the last quarter of a few pictures."""
    pictures = read_folder(folder, skipped=skipped)
    count = min(_HELD_OUT, len(pictures) // 4)
    if not count:  # too few to spare any
        return pictures, pictures
    return pictures[:-count], pictures[-count:]


def folder_of(data: Path, name: str) -> Path:
    """Returns the folder `name` of the training data, or the data folder itself if there is no such folder.

    Raises:
        DataError: the data folder is missing.
    """
    if not data.is_dir():
        raise DataError(f"The folder {data} does not exist; give the folder that holds the training data.")
    return data / name if (data / name).is_dir() else data


def split_pairs(folder: Path, skipped: Skipped) -> tuple[list[Pair], list[Pair]]:
    """Splits pairs into training and validation: by `train.txt` and `val.txt`, else every twentieth by name."""
    train = read_pairs(folder, "train.txt", skipped)
    if (folder / "val.txt").is_file():
        held_out = read_pairs(folder, "val.txt", skipped)
        names = {p.name for p in held_out}
        return [p for p in train if p.name not in names], held_out
    held_out = train[::20]
    return (train if len(train) == len(held_out) else [p for k, p in enumerate(train) if k % 20]), held_out


def pictures_words(data: Path) -> str:
    """Describes the training data in a user's own folder, for a model card.

    Raises:
        DataError: the folder is missing or contains no pictures.
    """
    pairs = folder_of(data, "lol")
    if (pairs / "high").is_dir():
        return f"{len(list_pictures(pairs / 'high'))} pairs of the maker's own"
    return f"{len(list_pictures(folder_of(data, 'clean')))} photographs of the maker's own"


def large_pictures(data: Path, skipped: Skipped) -> list[Picture]:
    """Reads the pictures of `clic/`, each three times; none if there is no such folder."""
    return _LARGE_PICTURES * read_folder(data / "clic", skipped=skipped) if (data / "clic").is_dir() else []


def mosaic_batch(dark: DarkMosaic) -> Batch:
    """Makes a batch for a network on the mosaic."""
    return {
        "input": dark.model_input,
        "clean_camera": dark.clean_camera,
        "clean_srgb": dark.clean_srgb,
        "camera_to_srgb": dark.camera.camera_to_srgb,
        "ratio": dark.ratio,
    }


def centre(picture: Picture, size: int | None = None) -> torch.Tensor:
    """Crops the middle of a picture, 3 x size x size in [0, 1]; smaller ones are reflected at their borders.

    Args:
        size: by default the side of validation pictures.
    """
    size = size or _VALIDATION_SIDE
    short = [max(0, size - n) for n in picture.shape[:2]]
    if any(short):
        picture = np.pad(picture, ((0, short[0]), (0, short[1]), (0, 0)), mode="reflect")
    top, left = ((n - size) // 2 for n in picture.shape[:2])
    crop = picture[top : top + size, left : left + size]
    return torch.from_numpy(crop.copy()).permute(2, 0, 1).float().div(255)


def _whole_ratio(dark: Picture) -> torch.Tensor:
    return suggested_ratio(torch.from_numpy(dark).permute(2, 0, 1)[None].float().div(255))


class SyntheticRaw:
    """Clean pictures (`clean/`, `clic/`) and the bright halves of pairs (`lol/high`), degraded at every step.

    Args:
        prepare: selects the network's input and targets from synthetic exposures.
        ranges: the sensors in training; validation uses the default ones, so that results are comparable.
        cfa: the colour-filter array.
    """

    def __init__(
        self,
        data: Path,
        seed: int,
        phases: tuple[Phase, ...],
        prepare: Callable[[DarkMosaic], Batch] = mosaic_batch,
        ranges: SensorRanges | None = None,
        cfa: Cfa = "bayer",
    ) -> None:
        self.skipped, self.prepare, self.ranges, self.cfa = Skipped(), prepare, ranges, cfa
        train, self.held_out = split_clean(folder_of(data, "clean"), self.skipped)
        if (data / "lol" / "high").is_dir():
            train = train + read_folder(data / "lol" / "high", read_list(data / "lol" / "train.txt"), self.skipped)
        train = train + large_pictures(data, self.skipped)
        self.pictures = [(picture,) for picture in train]
        self.seed, self.phases = seed, phases

    def batch(self, step: int, total: int) -> Batch:
        phase = phase_at(self.phases, step, total)
        rng = np.random.default_rng((self.seed, step))
        (clean,) = random_crops(self.pictures, phase.batch, phase.crop + 2, rng, phase.shrink)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        return self.prepare(darken_to_mosaic(clean, generator, self.ranges, cfa=self.cfa))

    def validation(self) -> list[Batch]:
        side = _VALIDATION_SIDE - (_VALIDATION_SIDE % _XTRANS_STEP if self.cfa == "xtrans" else 0)
        clean = torch.stack([centre(p, side + 2) for p in self.held_out])
        batches = []
        for k, ratio in enumerate(VALIDATION_RATIOS):
            generator = torch.Generator().manual_seed(1000 + k)
            fixed = torch.full((clean.shape[0],), ratio)
            batches.append(self.prepare(darken_to_mosaic(clean, generator, ratio=fixed, cfa=self.cfa)))
        return batches


class DarkPairs:
    """Low-light pairs (`lol/`) and darkened clean pictures (`clean/`), mixed.

    Args:
        share: fraction of a batch that comes from darkened pictures.
        offset: added to the crops' side, for networks that need 1 modulo 8.
        amplified: amplify the dark pictures first: those of pairs by the percentile rule's ratio for the whole picture,
            as in restoration, since nothing else gives the reference's brightness; darkened ones by the inverse of
            their darkening, so that a network does not learn to guess the ratio.
    """

    def __init__(
        self,
        data: Path,
        seed: int,
        phases: tuple[Phase, ...],
        share: float = 0.5,
        offset: int = 0,
        amplified: bool = False,
    ) -> None:
        self.skipped = Skipped()
        pairs, self.val = split_pairs(folder_of(data, "lol"), self.skipped)
        self.pairs = [(p.low, p.high) for p in pairs]
        self.clean: list[tuple[Picture]] = []
        if share and (data / "clean").is_dir():
            train, _ = split_clean(data / "clean", self.skipped)
            self.clean = [(picture,) for picture in train]
        self.seed, self.phases, self.share, self.offset = seed, phases, share, offset
        self.amplified = amplified
        self.ratios = torch.cat([_whole_ratio(low) for low, _ in self.pairs]) if amplified else None

    def batch(self, step: int, total: int) -> Batch:
        phase = phase_at(self.phases, step, total)
        rng = np.random.default_rng((self.seed, step))
        size = phase.crop + self.offset
        darkened = int(rng.binomial(phase.batch, self.share)) if self.clean else 0
        lows, highs = [], []
        if darkened < phase.batch:
            drawn = rng.integers(len(self.pairs), size=phase.batch - darkened)
            low, high = crops_of([self.pairs[index] for index in drawn], size, rng, phase.shrink)
            lows.append(low if self.ratios is None else amplify(low, self.ratios[drawn]))
            highs.append(high)
        if darkened:
            (clean,) = random_crops(self.clean, darkened, size, rng, phase.shrink)
            generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
            dark = darken(clean, generator)
            lows.append(amplify(dark, true_ratio(dark, clean)) if self.amplified else dark)
            highs.append(clean)
        return {"low": torch.cat(lows), "high": torch.cat(highs)}

    def validation(self) -> list[Batch]:
        size = _VALIDATION_SIDE + self.offset
        batches = []
        for start in range(0, len(self.val), 5):
            group = self.val[start : start + 5]
            low = torch.stack([centre(p.low, size) for p in group])
            if self.amplified:
                low = amplify(low, torch.cat([_whole_ratio(p.low) for p in group]))
            batches.append({"low": low, "high": torch.stack([centre(p.high, size) for p in group])})
        return batches
