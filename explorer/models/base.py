"""`RestorationNet`, the base class of all networks. Descriptors are in `explorer.models.families`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from explorer.models.registry import Architecture, SizeRequirements
from explorer.models.traits import TilePosition as TilePosition


class Noise(NamedTuple):
    """Noise of a mosaic's planes: variance k x + s at a value x, with one k and one s per plane."""

    k: NDArray[np.float64]
    s: NDArray[np.float64]


class RestorationNet(nn.Module):
    """A network or classical method that restores a picture.

    Input: N x C x H x W float tensor in the descriptor's domain (see `explorer.photo.model_input` for each domain),
    amplified. Output: N x 3 x H' x W' in [0, 1] nominally; callers clip.
    """

    architecture: Architecture
    """The network's descriptor."""
    size: SizeRequirements
    """Accepted sizes: the descriptor's, unless the network's options need others."""
    halo: int | None
    """Reach of the receptive field, in samples of the input: the margin that makes tiles seamless. None if a pixel
    depends on the whole picture."""
    input_channels: int
    needs_tile_position: bool = False
    """True if a tile needs its `TilePosition` to give the same result as in the whole picture; `forward_intermediates`
    then takes it as its second argument."""

    takes_ratio: bool = False
    """True if the last input plane is the ratio, by which the network brightens the unamplified picture."""

    exports: bool = True
    """False if OpenVINO cannot compute it, or not accurately enough: then it runs on torch."""

    needs_float32: bool = False
    """True if bfloat16 would cause visible errors: it computes in float32 unless a precision is requested."""

    takes_noise: bool = False
    """True if `knowing` accepts a measured camera's noise; otherwise `fitted` estimates the noise."""

    brightens: bool = True
    """False for methods without weights that do not change the brightness: then `ratio="auto"` amplifies."""

    @property
    def fits(self) -> bool:
        """True if it needs to know something about the whole picture before tiling; see `fitted`."""
        return type(self).fitted is not RestorationNet.fitted

    def fitted(self, planes: NDArray[np.float32]) -> RestorationNet:
        """Returns a copy with what it needs to know about the whole picture before tiling; itself if it needs nothing.

        Args:
            planes: C x H x W, the whole input.
        """
        return self

    def knowing(self, noise: Noise) -> RestorationNet:
        """Returns a copy for planes of known noise, for networks that have `takes_noise`."""
        return self

    def at_scale(self, factor: int) -> RestorationNet:
        """Returns a copy for a picture reduced by `factor` along each side, with its lengths in pixels scaled."""
        return self

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Returns everything that the network can show: "image" and its named intermediates.

        Names follow the literature: "reflectance" (N x 3), "illumination", "illumination_enhanced" (N x 1 or N x 3),
        "curves". Subclasses override this or `forward`.
        """
        return {"image": self(x)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns only the restored picture."""
        return self.forward_intermediates(x)["image"]
