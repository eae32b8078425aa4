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
from explorer.saving import NEGATIVE, OPENEXR, Saving

if TYPE_CHECKING:
    from explorer.models import Intermediate
    from explorer.photo.light.scene import Scene
    from explorer.weights.store import WeightsIdentity


@dataclass(frozen=True)
class Restoration:
    """The result of `explorer.restore`. Frozen; its arrays are read-only. Views only read it."""

    image: NDArray[np.float32] = field(repr=False)
    """H x W x 3, sRGB, [0, 1], upright."""
    intermediates: Mapping[str, NDArray[np.float32]] = field(repr=False)
    """Named maps that the model exposes, H x W x C, upright, not clipped, and tables of numbers, rows x columns x 1;
    `described` says what they are."""
    ratio: float
    """Amplification ratio that was applied, 1 to 300."""
    ratio_source: str
    """Where the ratio came from, in words."""
    model: str
    weights: WeightsIdentity
    seconds: float
    """Wall time of the network only."""
    device: str
    precision: str
    """"float32" or "bfloat16"."""
    backend: str
    """The backend that ran the network: "torch", "openvino" or "cuda"."""
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was done to bring photo and model together."""
    described: tuple[Intermediate, ...] = ()
    """The architecture's descriptions of the intermediates, in reading order."""
    photo_name: str = "photo"
    exif: bytes | None = field(default=None, repr=False)
    """The photo's; see `explorer.photo.files.metadata`."""
    strength: float = 100.0
    """0 (the developed photo) to 100 (the network's picture)."""
    scene: Scene | None = field(default=None, repr=False)
    """The light of a RAW photo's result; None of other photos, and where it was not kept."""
    developed: bool = False
    """The photo was a developed picture, no RAW file."""

    def save(
        self,
        path: str | Path,
        bits: int = 8,
        *,
        keep_gps: bool = False,
        keep_exposure: bool = False,
        force_linear: bool = False,
        linear: bool = False,
    ) -> Path:
        """Writes the picture; the suffix decides the format (.png, .tif, .jpg, .webp, .dng, .exr).

        It carries on what the photo's file says of camera, exposure, date and author. A DNG holds 16 bits of the
        camera's own colours, to be developed further, an OpenEXR file floats of linear light; see docs/raw-workflow.md.

        Args:
            bits: 8, or 16 for PNG and TIFF.
            keep_gps: also carry on the place where the photo was taken.
            keep_exposure: of a DNG: leave its samples as dark as the photo's and state the amplification next to them.
            force_linear: make a DNG of a developed picture too.
            linear: of a TIFF: floats of linear light in Rec. 2020, not clipped.

        Raises:
            OutputError: unknown suffix, a bit depth that the format lacks, a folder that does not exist, a full disk; a
                DNG of a developed picture, unless forced.
        """
        path = Path(path)
        saving = Saving(keep_gps, keep_exposure, force_linear, linear)
        saving.check(path.suffix)
        check_output(path, bits)
        if path.suffix.lower() == NEGATIVE:
            from explorer.negative import save_negative

            save_negative(self, path, saving)
        else:
            write_bytes(path, self.encoded(path.suffix, bits, saving))
        return path

    def encoded(self, suffix: str, bits: int, saving: Saving) -> bytes:
        """The bytes of a file; see `save`."""
        saving.check(suffix)
        if suffix.lower() == NEGATIVE:
            from explorer.negative import encode_negative

            return encode_negative(self, saving)
        if suffix.lower() == OPENEXR:
            from explorer.scene_linear import encode_openexr

            return encode_openexr(self)
        if saving.linear:
            from explorer.scene_linear import encode_linear

            return encode_linear(self, saving.keep_gps)
        return encode(self.image, suffix, bits, self.exif, keep_gps=saving.keep_gps)


def frozen_maps(maps: dict[str, NDArray[np.float32]]) -> Mapping[str, NDArray[np.float32]]:
    """Read-only arrays in a read-only mapping."""
    for values in maps.values():
        values.setflags(write=False)
    return MappingProxyType(maps)
