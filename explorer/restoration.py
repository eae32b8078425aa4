"""`Restoration`: what came out, with everything needed to say how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.encode import check_output, encode, write_bytes

if TYPE_CHECKING:
    from explorer.models import Intermediate
    from explorer.weights.store import WeightsIdentity


@dataclass(frozen=True)
class Restoration:
    """The result of `explorer.restore`. Frozen; its arrays are read-only. Views only read it."""

    image: NDArray[np.float32] = field(repr=False)
    """H x W x 3, sRGB, [0, 1], upright."""
    intermediates: Mapping[str, NDArray[np.float32]] = field(repr=False)
    """Named maps that the model exposes, H x W x C, upright, not clipped; `described` says what they are."""
    ratio: float
    """Amplification ratio that was applied, 1 to 300."""
    ratio_source: str
    """Where the ratio came from, in words."""
    model: str
    weights: WeightsIdentity
    seconds: float
    """Wall time of the network alone."""
    device: str
    precision: str
    """"float32" or "bfloat16"."""
    backend: str
    """What ran the network: "torch", "openvino" or "cuda"."""
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was done to bring photo and model together."""
    described: tuple[Intermediate, ...] = ()
    """What its architecture says of the intermediates, in reading order."""
    photo_name: str = "photo"
    exif: bytes | None = field(default=None, repr=False)
    """The photo's; see `explorer.photo.metadata`."""

    def save(self, path: str | Path, bits: int = 8, *, keep_gps: bool = False) -> Path:
        """Writes the picture; the suffix decides the format (.png, .tif, .jpg, .webp).

        It carries on what the photo's file says of camera, exposure, date and author.

        Args:
            bits: 8, or 16 for PNG and TIFF.
            keep_gps: also carry on the place where the photo was taken.

        Raises:
            OutputError: unknown suffix, a bit depth that the format lacks, a folder that does not exist, a full disk.
        """
        path = Path(path)
        check_output(path, bits)
        write_bytes(path, encode(self.image, path.suffix, bits, self.exif, keep_gps=keep_gps))
        return path


def frozen_maps(maps: dict[str, NDArray[np.float32]]) -> Mapping[str, NDArray[np.float32]]:
    """Read-only arrays in a read-only mapping."""
    for values in maps.values():
        values.setflags(write=False)
    return MappingProxyType(maps)
