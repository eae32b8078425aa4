"""The base class of every network: a `RestorationNet`, which a descriptor in `explorer.models.families` names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from explorer.models.registry import Architecture, SizeRequirements
from explorer.models.traits import TilePosition as TilePosition


class Noise(NamedTuple):
    """Variance k x + s of the planes of a mosaic at a value x, one of each for every plane."""

    k: NDArray[np.float64]
    s: NDArray[np.float64]


class RestorationNet(nn.Module):
    """A network, or a classical method, that restores a picture.

    Input: N x C x H x W float tensor in the domain that the descriptor names (see `explorer.photo.model_input` for the
    meaning of each domain), amplified. Output: N x 3 x H' x W' in [0, 1] nominally; callers clip.
    """

    architecture: Architecture
    """Its descriptor."""
    size: SizeRequirements
    """The sizes it accepts; the descriptor's, unless the network's options need others."""
    halo: int | None
    """How far its receptive field reaches, in samples of its input: the margin that makes tiles seamless. None if a
    pixel depends on the whole picture."""
    input_channels: int
    needs_tile_position: bool = False
    """True if a tile must be told its `TilePosition` to come out as in the whole picture; `forward_intermediates` then
    takes it as its second argument."""

    takes_ratio: bool = False
    """True if the last plane of its input is the ratio itself, by which it brightens what comes unamplified."""

    exports: bool = True
    """False if OpenVINO cannot compute it, or not well enough: it then runs on torch."""

    needs_float32: bool = False
    """True if the few digits of bfloat16 would show: it computes in float32 unless a precision is asked for."""

    takes_noise: bool = False
    """True if `knowing` tells it the noise of a mosaic whose camera is measured; `fitted` else finds it there."""

    brightens: bool = True
    """False for methods without weights that leave the brightness as it is: `ratio="auto"` then amplifies."""

    @property
    def fits(self) -> bool:
        """Whether it must know something of the whole picture before that is cut into tiles; see `fitted`."""
        return type(self).fitted is not RestorationNet.fitted

    def fitted(self, planes: NDArray[np.float32]) -> RestorationNet:
        """The method knowing what it must of a whole picture before it is cut into tiles; itself where that is nothing.

        Args:
            planes: C x H x W, the whole input.
        """
        return self

    def knowing(self, noise: Noise) -> RestorationNet:
        """The network for planes of known noise, for those that `takes_noise`."""
        return self

    def at_scale(self, factor: int) -> RestorationNet:
        """The method for a picture that was reduced by `factor` along each side: lengths in pixels shrink with it."""
        return self

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Everything that the network can show: "image" and its named intermediates.

        Names are the field's: "reflectance" (N x 3), "illumination", "illumination_enhanced" (N x 1 or N x 3),
        "curves". Subclasses override this or `forward`.
        """
        return {"image": self(x)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The restored picture only."""
        return self.forward_intermediates(x)["image"]
