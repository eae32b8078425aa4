"""What every architecture is: a `RestorationNet` with a descriptor in the registry.

A new architecture is one new file in this package: a `RestorationNet` subclass (or a function that builds one) under
`@register(...)`. Every file of the package is found by itself; no list elsewhere names it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import torch
from torch import nn

from explorer.errors import ModelNotFoundError

Domain = Literal["bayer", "packed", "xtrans", "rgb"]


@dataclass(frozen=True)
class SizeRequirements:
    """Sizes of input that a network takes. The Restorer pads to them once (reflect, then replicate) and crops back."""

    minimum: int = 1
    """Smallest height and width, in pixels of the network's own input tensor."""
    multiple_of: int = 1
    """Height and width must be `offset` more than a multiple of this."""
    offset: int = 0
    """1 for networks whose sizes must be 1 modulo `multiple_of`."""

    def padded(self, length: int) -> int:
        """The smallest permitted length that is at least `length`."""
        wanted = max(length, self.minimum)
        return wanted + (self.offset - wanted) % self.multiple_of


CHANNELS: dict[Domain, int] = {"bayer": 1, "packed": 4, "xtrans": 9, "rgb": 3}
"""Planes of each domain's tensor."""


class RestorationNet(nn.Module):
    """A network, or a classical method, that restores a picture.

    Input: N x C x H x W float tensor in the domain that the descriptor names (see `explorer.photo.model_input` for the
    meaning of each domain), amplified. Output: N x 3 x H' x W' in [0, 1] nominally; callers clip.
    """

    size: SizeRequirements
    """What sizes it takes; the descriptor's unless the network's own options ask for another."""
    halo: int | None
    """How far its receptive field reaches, in samples of its input: the margin that makes tiles seamless. None where a
    pixel depends on the whole picture."""
    input_channels: int

    def decompose(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Everything that the network can show: "image" and its named intermediates.

        Names are the field's: "reflectance" (N x 3), "illumination", "illumination_enhanced" (N x 1 or N x 3),
        "curves". Subclasses override this or `forward`.
        """
        return {"image": self(x)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The restored picture alone."""
        return self.decompose(x)["image"]


@dataclass(frozen=True)
class Architecture:
    """The descriptor of an architecture."""

    name: str
    title: str
    """As a reader knows it, e.g. "Lamba & Mitra M0"."""
    domain: Domain
    summary: str
    """One line of what it is."""
    paper: str
    """Authors, title, venue, year; empty for textbook methods."""
    build: Callable[..., RestorationNet] = field(repr=False)
    size: SizeRequirements = SizeRequirements()
    intermediates: tuple[str, ...] = ()
    """Names that `decompose` gives besides "image"."""
    needs_weights: bool = True
    """False for classical methods, which are ready to use by their architecture's name."""
    halo: int | None = None
    """See `RestorationNet.halo`."""
    global_statistics: bool = False
    """True where the result at a pixel depends on statistics of the whole picture, so that tiles would differ."""

    def create(self, **options: Any) -> RestorationNet:
        """The network, freshly initialised, in evaluation mode, knowing its sizes.

        Raises:
            TypeError: an option that the architecture does not have.
        """
        net = self.build(**options).eval()
        for name, default in (("size", self.size), ("halo", self.halo), ("input_channels", CHANNELS[self.domain])):
            if not hasattr(net, name):
                setattr(net, name, default)
        return net


_REGISTRY: dict[str, Architecture] = {}


def register(name: str, **descriptor: Any) -> Callable[[Callable[..., RestorationNet]], Callable[..., RestorationNet]]:
    """Class or function decorator that adds an architecture; its keyword arguments are `Architecture`'s fields.

    Raises:
        ValueError: the name is taken.
    """

    def add(build: Callable[..., RestorationNet]) -> Callable[..., RestorationNet]:
        if name in _REGISTRY:
            raise ValueError(f"Two architectures are called {name!r}; rename one.")
        _REGISTRY[name] = Architecture(name=name, build=build, **descriptor)
        return build

    return add


@cache
def _discover() -> None:
    import explorer.models as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def architectures() -> dict[str, Architecture]:
    """All registered architectures by name, sorted."""
    _discover()
    return dict(sorted(_REGISTRY.items()))


def architecture(name: str) -> Architecture:
    """One descriptor.

    Raises:
        ModelNotFoundError: unknown name; the message lists the known ones.
    """
    known = architectures()
    if name not in known:
        raise ModelNotFoundError(f"There is no architecture {name!r}; the known ones are {', '.join(known)}.")
    return known[name]


def create_model(name: str, **options: Any) -> RestorationNet:
    """Builds a network with freshly initialised parameters, in evaluation mode.

    Args:
        name: an architecture's name, e.g. "lamba_m0".
        options: the architecture's own arguments, e.g. `width=32`.

    Raises:
        ModelNotFoundError: unknown name or an option that the architecture does not have.
    """
    descriptor = architecture(name)
    try:
        return descriptor.create(**options)
    except TypeError as error:
        raise ModelNotFoundError(f"The architecture {name!r} cannot be built with {options}: {error}.") from error
