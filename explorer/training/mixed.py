"""Batches for networks on pictures of any camera: two sets of real pairs and darkened photos, all amplified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from explorer.photo.light.amplify import suggest_ratio
from explorer.photo.types import RgbPhoto
from explorer.training.darken import amplify, darken, true_ratio
from explorer.training.data import Picture, Skipped, crops_of, random_crops
from explorer.training.objectives import Batch
from explorer.training.recipe import Phase
from explorer.training.sources import (
    centre,
    folder_of,
    large_pictures,
    phase_at,
    split_clean,
    split_pairs,
)

SHARES = {"lol": 0.4, "sice": 0.25, "darkened": 0.35}
"""Probability that a picture of a batch comes from each."""
_JITTER = 0.25
"""Standard deviation, in stops, of the error added to a training picture's ratio."""
_SUGGESTED = 0.5
"""Probability that a pair is amplified by its suggested ratio, as in use, and not by its true one."""


class MixedPairs:
    """Pairs of `lol/` and `sice/`, and pictures of `clean/` and `clic/` darkened, each amplified by its true ratio.

    A dark picture does not show how bright its reference is, so the ratio provides it. Half of the pairs are amplified
    by the ratio that the page would suggest, so that its errors cost little. Light above white is kept
    (`explorer.training.darken.amplify`).
    """

    def __init__(self, data: Path, seed: int, phases: tuple[Phase, ...]) -> None:
        self.skipped = Skipped()
        self.pairs: dict[str, list[tuple[Picture, Picture]]] = {}
        self.held_out: dict[str, list[tuple[Picture, Picture]]] = {}
        for name, folder in (("lol", folder_of(data, "lol")), ("sice", data / "sice")):
            if folder.is_dir():
                train, held_out = split_pairs(folder, self.skipped)
                self.pairs[name] = [(p.low, p.high) for p in train]
                self.held_out[name] = [(p.low, p.high) for p in held_out]
        clean, _ = split_clean(folder_of(data, "clean"), self.skipped) if (data / "clean").is_dir() else ([], [])
        clean = clean + large_pictures(data, self.skipped)
        self.clean = [(picture,) for picture in clean]
        self.ratios = {name: _ratios(pairs) for name, pairs in self.pairs.items()}
        self.suggested = {name: _suggested(pairs) for name, pairs in self.pairs.items()}
        shares = {name: share for name, share in SHARES.items() if name in self.pairs or (name == "darkened" and clean)}
        total = sum(shares.values())
        self.shares = {name: share / total for name, share in shares.items()}
        self.seed, self.phases = seed, phases

    def batch(self, step: int, total: int) -> Batch:
        """Returns the batch of a step: "low", amplified and not clipped at white, and "high", N x 3 x H x W each."""
        phase = phase_at(self.phases, step, total)
        rng = np.random.default_rng((self.seed, step))
        counts = rng.multinomial(phase.batch, list(self.shares.values()))
        lows, highs, ratios = [], [], []
        for name, count in zip(self.shares, counts.tolist(), strict=True):
            if not count:
                continue
            if name == "darkened":
                (high,) = random_crops(self.clean, count, phase.crop, rng, phase.shrink)
                low = darken(high, torch.Generator().manual_seed(int(rng.integers(2**62))))
                ratio = true_ratio(low, high)
            else:
                drawn = rng.integers(len(self.pairs[name]), size=count)
                low, high = crops_of([self.pairs[name][k] for k in drawn], phase.crop, rng, phase.shrink)
                as_in_use = torch.from_numpy(rng.random(count) < _SUGGESTED)
                ratio = torch.where(as_in_use, self.suggested[name][drawn], self.ratios[name][drawn])
            lows.append(low)
            highs.append(high)
            ratios.append(ratio * torch.from_numpy(np.exp2(_JITTER * rng.standard_normal(count))).float())
        low = amplify(torch.cat(lows), torch.cat(ratios).clamp(min=1), beyond_white=True)
        return {"low": low, "high": torch.cat(highs)}

    def validation(self) -> list[Batch]:
        """Returns centre crops of the held-out pairs, each amplified by its true ratio."""
        batches = []
        for pairs in self.held_out.values():
            ratios = _ratios(pairs)
            for start in range(0, len(pairs), 5):
                group = pairs[start : start + 5]
                low, high = (torch.stack([centre(pair[k]) for pair in group]) for k in (0, 1))
                amplified = amplify(low, ratios[start : start + 5], beyond_white=True)
                batches.append({"low": amplified, "high": high})
        return batches


def _ratios(pairs: list[tuple[Picture, Picture]]) -> torch.Tensor:
    """Computes the true ratio of each whole pair."""
    return torch.cat(
        [
            true_ratio(*(torch.from_numpy(picture).permute(2, 0, 1)[None].float().div(255) for picture in pair))
            for pair in pairs
        ]
    )


def _suggested(pairs: list[tuple[Picture, Picture]]) -> torch.Tensor:
    """Computes the ratio that the learned rule suggests for each dark picture."""
    photos = (RgbPhoto((low / 255).astype(np.float32), bits=8) for low, _ in pairs)
    return torch.tensor([suggest_ratio(photo, "learned").ratio for photo in photos])
