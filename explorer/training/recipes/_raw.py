"""What the recipes of the RAW networks share."""

from __future__ import annotations

from typing import Any

import torch

from explorer.photo.cfa import pack_xtrans

# White balance goes onto the mosaic before the network, so that neutral surfaces look alike in every camera; the
# network gives white-balanced camera RGB, and the file's own colour matrix brings it to sRGB afterwards.
INPUT: dict[str, Any] = {"white_balance": "before", "clip": [-0.2, 1.0], "ratio_rule": "learned", "margin": 32}
OUTPUT: dict[str, Any] = {"color": "camera"}
DATA = (
    "Camera mosaics synthesised from 138 photographs of CID22 (CC BY-SA 4.0), 41 of CLIC 2025 (Unsplash licence) and "
    "the 189 well-lit pictures of a part of LOL's our485 training set (research use)"
)
KNOWN_FAILURES = (
    "The noise of the training is that of a statistical model: fixed patterns, banding and hot pixels of real sensors "
    "were not in it and stay visible. At ratios above 100 fine texture is smoothed away and faint colours are guessed. "
    "A wrong white balance in the file goes into the result as it is."
)


def as_mosaic(x: torch.Tensor) -> torch.Tensor:
    """The network's input is the mosaic itself."""
    return x


def as_planes(x: torch.Tensor) -> torch.Tensor:
    """N x 1 x H x W RGGB mosaic to N x 4 x H/2 x W/2 planes R, G(r), B, G(b), SID's order."""
    return torch.cat([x[..., 0::2, 0::2], x[..., 0::2, 1::2], x[..., 1::2, 1::2], x[..., 1::2, 0::2]], 1)


def as_xtrans_planes(x: torch.Tensor) -> torch.Tensor:
    """N x 1 x H x W X-Trans mosaic (sides multiples of 6) to N x 9 x H/3 x W/3 planes, as `pack_xtrans`."""
    return torch.stack([torch.from_numpy(pack_xtrans(mosaic.numpy())) for mosaic in x[:, 0].cpu()]).to(x)
