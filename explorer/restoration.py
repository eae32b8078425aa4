"""`Restoration`: the restored image, with everything needed to say how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.encode import check_output, encode, quantise, write_bytes
from explorer.saving import NEGATIVE, OPENEXR, Saving

if TYPE_CHECKING:
    from explorer.models import Intermediate
    from explorer.photo.light.scene import Scene, Unfinished
    from explorer.weights.store import WeightsIdentity


@dataclass(frozen=True)
class Restoration:
    """The result of `explorer.restore`. Frozen; its arrays are read-only. Views only read it."""

    image: NDArray[np.float32] = field(repr=False)
    """H x W x 3, sRGB, [0, 1], upright. It is finished on first use; a DNG does not need it."""
    intermediates: Mapping[str, NDArray[np.float32]] = field(repr=False)
    """Named maps that the model exposes, H x W x C, upright, not clipped, and tables of numbers, rows x columns x 1,
    described by `described`."""
    ratio: float
    """Amplification ratio that was applied, 1 to 300."""
    ratio_source: str
    """Source of the ratio, in words."""
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
    """Sentences for the user: how the photo was converted for the model."""
    described: tuple[Intermediate, ...] = ()
    """The architecture's descriptions of the intermediates, in reading order."""
    photo_name: str = "photo"
    exif: bytes | None = field(default=None, repr=False)
    """The photo's EXIF block; see `explorer.photo.files.metadata`."""
    strength: float = 100.0
    """0 (the developed photo) to 100 (the network's picture)."""
    scene: Scene | None = field(default=None, repr=False)
    """The light of a RAW photo's result; None for other photos, or if it was not kept."""
    developed: bool = False
    """True if the photo was a developed picture, not a RAW file."""

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
        """Writes the image; the suffix decides the format (.png, .tif, .jpg, .webp, .dng, .exr).

        The file keeps the photo's metadata: camera, exposure, date and author. A DNG holds the camera's own colours in
        16 bits, for further development; an OpenEXR file holds linear light as floats. See docs/raw-workflow.md.

        Args:
            bits: 8, or 16 for PNG and TIFF.
            keep_gps: also keep the place where the photo was taken.
            keep_exposure: for a DNG: leave its samples as dark as the photo's and state the amplification next to them.
            force_linear: write a DNG even for a developed picture.
            linear: for a TIFF: write linear light in Rec. 2020 as floats, not clipped.

        Raises:
            OutputError: unknown suffix, a bit depth that the format lacks, a folder that does not exist, a full disk,
                or a DNG of a developed picture that is not forced.
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

    def quantised(self, bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Returns the image as integers of 8 or 16 bits, H x W x 3; the floats are not made for that."""
        image: NDArray[np.float32] | Unfinished = vars(self)["image"]
        return quantise(image, bits) if isinstance(image, np.ndarray) else image.quantised(bits)

    def encoded(self, suffix: str, bits: int, saving: Saving) -> bytes:
        """Returns the bytes of a file; see `save`."""
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
        return encode(self.quantised(bits), suffix, bits, self.exif, keep_gps=saving.keep_gps)


class _Picture:
    """The attribute `Restoration.image`."""

    def __get__(self, result: Restoration, kind: object = None) -> NDArray[np.float32]:
        image: NDArray[np.float32] | Unfinished = vars(result)["image"]
        if not isinstance(image, np.ndarray):
            image = vars(result)["image"] = image.finished()
        return image

    def __set__(self, result: Restoration, image: NDArray[np.float32] | Unfinished) -> None:
        vars(result)["image"] = image


Restoration.image = _Picture()  # type: ignore[assignment]


def frozen_maps(maps: dict[str, NDArray[np.float32]]) -> Mapping[str, NDArray[np.float32]]:
    """Makes the arrays and the mapping read-only."""
    for values in maps.values():
        values.setflags(write=False)
    return MappingProxyType(maps)
