"""Facts needed to run a network's graph, read from a file without building the network or importing torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from explorer.models.registry import Architecture, SizeRequirements

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.models.base import RestorationNet


class TilePosition(NamedTuple):
    """Position of a tile in its picture, in samples of the network's input."""

    top: int
    left: int
    height: int
    """Height and width of the whole picture, padded."""
    width: int


@dataclass(frozen=True, eq=False)
class Traits:
    """Stands in for a network that OpenVINO can compute in tiles of any size; attributes as in
    `explorer.models.base.RestorationNet`."""

    architecture: Architecture
    size: SizeRequirements
    halo: int
    input_channels: int
    needs_tile_position: bool
    takes_ratio: bool
    needs_float32: bool
    sample_bytes: float
    """See `explorer.engine.memory.bytes_per_sample`."""
    exports: bool = True
    fits: bool = False

    def fitted(self, planes: NDArray[np.float32]) -> Traits:
        """Returns itself: such a network does not need the whole picture first."""
        return self

    def as_data(self) -> dict[str, Any]:
        """Returns the fields that can be stored as JSON: all but the architecture."""
        size = [self.size.minimum, self.size.multiple_of, self.size.offset]
        return {name: getattr(self, name) for name in _PLAIN} | {"size": size}


_PLAIN = tuple(each.name for each in fields(Traits)[2:] if each.default is MISSING)
"""Fields after architecture and size."""


def traits_of(net: RestorationNet, sample_bytes: float) -> Traits | None:
    """Returns a network's traits; None if the engine needs the network itself, because it must see the whole picture or
    runs on torch."""
    if net.halo is None or not net.exports or net.fits:
        return None
    return Traits(
        net.architecture, net.size, net.halo, net.input_channels, net.needs_tile_position, net.takes_ratio,
        net.needs_float32, sample_bytes,
    )  # fmt: skip


def traits_from(data: Mapping[str, Any], architecture: Architecture) -> Traits:
    """Restores traits from the result of `Traits.as_data`.

    Raises:
        KeyError, TypeError, ValueError: the data are not traits.
    """
    size = SizeRequirements(*(int(each) for each in data["size"]))
    return Traits(architecture, size, **{name: data[name] for name in _PLAIN})
