"""Registry of the architectures' descriptors, without importing torch.

Files of `explorer.models.families` are found automatically. Their `Architecture(...)` constants name the network as
"file:class"; that file, and torch, is imported only when the network is built, so listing models takes milliseconds.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from operator import index
from typing import TYPE_CHECKING, Any, Literal

from explorer.choices import Domain
from explorer.discovery import declared
from explorer.errors import ModelNotFoundError

if TYPE_CHECKING:
    from explorer.models.base import RestorationNet

Colours = Literal["rgb", "inferno", "diverging"]


@dataclass(frozen=True)
class SizeRequirements:
    """Input sizes that a network accepts. The Restorer pads to them once (reflect, then replicate) and crops back."""

    minimum: int = 1
    """Smallest height and width, in pixels of the network's own input tensor."""
    multiple_of: int = 1
    """Height and width must be `offset` more than a multiple of this."""
    offset: int = 0
    """1 for networks whose sizes must be 1 modulo `multiple_of`."""

    def padded(self, length: int) -> int:
        """Returns the smallest permitted length that is at least `length`."""
        wanted = max(length, self.minimum)
        return wanted + (self.offset - wanted) % self.multiple_of


@dataclass(frozen=True)
class Intermediate:
    """An intermediate map of a network, and how to display it."""

    name: str
    """Its key in `forward_intermediates`."""
    title: str
    """Title for readers, e.g. "Reflectance R"."""
    range: tuple[float, float] = (0.0, 1.0)
    """The values at the ends of its colour scale."""
    colours: Colours = "inferno"
    """"rgb" for a colour picture, otherwise the palette for the map reduced to one plane: "inferno" for light (its
    luminance), "diverging" if 0 is the middle (the mean of its channels)."""
    german: str = field(default="", repr=False, compare=False)
    """The title in German."""
    steps: int = 1
    """The map is so many maps in turn, each of which is shown by itself; their titles say "{step}", counted from 1."""
    table: bool = False
    """True for numbers about the whole picture (a gamma, a gain for each channel, a colour matrix): rows x columns x 1
    instead of the picture's height and width."""


REFLECTANCE = Intermediate("reflectance", "Reflectance R", colours="rgb", german="Reflexion R")
ILLUMINATION = Intermediate("illumination", "Illumination I", german="Beleuchtung I")
ILLUMINATION_ENHANCED = Intermediate(
    "illumination_enhanced", "Enhanced illumination Î", german="Verbesserte Beleuchtung Î"
)

CHANNELS: dict[Domain, int] = {"bayer": 1, "packed": 4, "xtrans": 9, "rgb": 3}
"""Planes of each domain's tensor."""
_NETWORKS, _FAMILIES = "explorer.models", "explorer.models.families"


@dataclass(frozen=True)
class Architecture:
    """The descriptor of an architecture."""

    name: str
    network: str | Callable[..., RestorationNet] = field(repr=False, compare=False)
    """The network's builder: "file:class" in this package, imported when first needed; or a class or function."""
    title: str
    """Title for readers, e.g. "Lamba & Mitra M0"."""
    domain: Domain
    summary: str
    """One-line summary."""
    paper: str = ""
    """Authors, title, venue, year; empty for textbook methods."""
    size: SizeRequirements = SizeRequirements()
    intermediates: tuple[Intermediate, ...] = ()
    """Outputs of `forward_intermediates` besides "image", in reading order."""
    needs_weights: bool = True
    """False for classical methods, which are used by their architecture's name."""
    halo: int | None = None
    """See `RestorationNet.halo`."""
    from_tensors: bool = False
    """True if the network's width and depth are known only from its tensors, which are passed as the option `tensors`.
    It does not exist without weights, so `architectures` leaves it out."""
    german: str = field(default="", repr=False, compare=False)
    """The summary in German."""
    german_title: str = field(default="", repr=False, compare=False)
    """The title in German, if it differs."""

    def create(self, **options: Any) -> RestorationNet:
        """Builds the network, newly initialised, in evaluation mode, with its sizes set.

        Raises:
            TypeError: an option that the architecture does not have.
        """
        build = self.network
        if isinstance(build, str):
            file, _, name = build.partition(":")
            build = getattr(importlib.import_module(f"{_NETWORKS}.{file}"), name)
        return self.complete(build(**options).eval())

    def complete(self, net: RestorationNet) -> RestorationNet:
        """Completes a network of this architecture with facts from the descriptor that its own options do not set."""
        net.architecture = self
        for name, default in (("size", self.size), ("halo", self.halo), ("input_channels", CHANNELS[self.domain])):
            if not hasattr(net, name):
                setattr(net, name, default)
        return net


_REGISTERED: dict[str, Architecture] = {}


@cache
def _described() -> dict[str, Architecture]:
    found: dict[str, Architecture] = {}
    for each in declared(_FAMILIES, Architecture):
        if found.setdefault(each.name, each) is not each:
            raise ValueError(f"Two architectures are called {each.name!r}; rename one.")
    return found


def register(descriptor: Architecture) -> Architecture:
    """Adds an architecture from outside this package, for the lifetime of the process.

    Raises:
        ValueError: the name is taken.
    """
    if descriptor.name in architectures(from_tensors=True):
        raise ValueError(f"Two architectures are called {descriptor.name!r}; rename one.")
    return _REGISTERED.setdefault(descriptor.name, descriptor)


def architectures(from_tensors: bool = False) -> dict[str, Architecture]:
    """Returns all architectures by name, sorted.

    Args:
        from_tensors: also those that are built only from tensors.
    """
    known = {**_described(), **_REGISTERED}
    return {name: known[name] for name in sorted(known) if from_tensors or not known[name].from_tensors}


def architecture(name: str) -> Architecture:
    """Returns one descriptor.

    Raises:
        ModelNotFoundError: unknown name; the message lists the known ones.
    """
    known = architectures(from_tensors=True)
    if name not in known:
        raise ModelNotFoundError(f"There is no architecture {name!r}; the known ones are {', '.join(architectures())}.")
    return known[name]


def architecture_of(net: RestorationNet) -> Architecture:
    """Returns the descriptor of a network, built by `create_model` or by its own class.

    Raises:
        ModelNotFoundError: no architecture has its class.
    """
    if known := getattr(net, "architecture", None):
        return known
    here = f"{type(net).__module__.removeprefix(_NETWORKS + '.')}:{type(net).__qualname__}"
    for each in architectures(from_tensors=True).values():
        if each.network in (here, type(net)):
            return each
    raise ModelNotFoundError(
        f"No architecture has networks of the class {type(net).__qualname__}; build one with `create_model`, or "
        "`register` a descriptor of it."
    )


def create_model(name: str, **options: Any) -> RestorationNet:
    """Builds a network with newly initialised parameters, in evaluation mode.

    Args:
        name: an architecture's name, e.g. "lamba_m0".
        options: the architecture's own arguments, e.g. `width=32`.

    Raises:
        ModelNotFoundError: unknown name, an option that the architecture does not have, or an invalid value.
    """
    descriptor = architecture(name)
    try:
        if "width" in options and index(options["width"]) < 1:  # torch builds layers without channels and only warns
            raise ValueError("width must be at least 1")
        return descriptor.create(**options)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise ModelNotFoundError(
            f"The architecture {name!r} cannot be built with {options}: {reason}; choose other options."
        ) from error
