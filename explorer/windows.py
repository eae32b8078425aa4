"""Restores a window of a photo at full size, without restoring the rest.

The network is fed with the window and a margin as wide as its receptive field, aligned to its stride. The result is the
same as in the whole photo, up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from explorer.models.traits import TilePosition
from explorer.photo import Photo, RawPhoto, RgbPhoto
from explorer.photo.light.cfa import PERIODS
from explorer.photo.light.develop import grey_of
from explorer.photo.light.scene import picture_and_scene
from explorer.photo.light.strength import FULL, HALO
from explorer.photo.model_input import PLANE_STEP, cfa_of
from explorer.photo.values import FloatArray
from explorer.photo.windows import DEMOSAIC_REACH, Box, Run, on_sensor, part_of, rendering_of, upright_box
from explorer.restorer import Job, compute, knowing, network_input, prepared

if TYPE_CHECKING:
    from explorer.models import RestorationNet
    from explorer.weights.store import LoadedModel


@dataclass(frozen=True, eq=False)
class Windows:
    """A photo, and a model that has what it needs to know about the whole photo."""

    photo: Photo
    model: LoadedModel
    ratio: float
    """1 to 300."""
    strength: float = FULL
    """Above 0, at most 100. Below 100, noise is measured in the window only, so the result differs slightly."""
    grey: bool = False
    """True if results stay grey."""

    def restored(self, box: Box, backend: str = "auto") -> FloatArray:
        """Returns the result of `restore` in a window.

        Args:
            box: inside the upright photo.
            backend: as in `restore`.

        Returns:
            H x W x 3 sRGB in [0, 1].
        """
        runs, sides = ((box[1], box[3]), (box[0], box[2])), self.photo.size[::-1]
        if self._lies and isinstance(self.photo, RawPhoto):
            runs, sides = on_sensor(self.photo, box), self.photo.sensor_size
        rows, columns = (self._fed(run, side, k) for k, (run, side) in enumerate(zip(runs, sides, strict=True)))
        part, origin = self._part(rows, columns)
        given = network_input(part, self.model, self.ratio)
        place = self._place(rows, columns, sides)
        found = compute(Job(part, self.model, self.ratio, ""), given, backend, False, lambda _: None, place)
        picture = given.placement.lying(found.maps.pop("image"), part)
        amplified = 1.0 if self.model.traits.takes_ratio else self.ratio
        color = self.model.config.output.color
        image, _ = picture_and_scene(part, picture, color, given.camera_to_srgb, amplified, self.strength, False)
        inside = image[box[1] - origin[1] : box[3] - origin[1], box[0] - origin[0] : box[2] - origin[0]]
        return np.ascontiguousarray(grey_of(inside) if self.grey else inside)

    @property
    def _lies(self) -> bool:
        """True if the network gets the photo in sensor orientation; false if the photo is developed first."""
        return isinstance(self.photo, RgbPhoto) or self.model.config.input.bits is None

    def _part(self, rows: Run, columns: Run) -> tuple[Photo, tuple[int, int]]:
        """Returns the part to feed, and the position of its upper left corner in the upright photo."""
        if not self._lies:
            # Developed first; 32 bits, so that it is still rounded to the depth that the network was trained with.
            wide = columns[0], rows[0], columns[1], rows[1]
            return RgbPhoto(rendering_of(self.photo, wide), 32, name=self.photo.name), wide[:2]
        return part_of(self.photo, rows, columns), upright_box(self.photo, rows, columns)[:2]

    def _fed(self, run: Run, length: int, along: int) -> Run:
        """Rows (0) or columns (1) of the photo from which those of a window are computed."""
        domain = self.model.architecture.domain
        step = PLANE_STEP[domain]
        unit, inset = self.model.traits.size.multiple_of * step, 0
        if domain != "rgb":
            unit = math.lcm(unit, PERIODS["bayer"], PERIODS["xtrans"])
            if self._lies and isinstance(self.photo, RawPhoto) and self.photo.cfa == cfa_of(domain):
                inset = self.photo.inset[along]  # planes count from the mosaic's first sample
        assert self.model.traits.halo is not None
        margin = self.model.traits.halo * step + DEMOSAIC_REACH + (HALO if self.strength < FULL else 0)
        start = (run[0] + inset - margin) // unit * unit - inset
        stop = -(-(run[1] + inset + margin) // unit) * unit - inset
        return max(0, start), min(length, stop)

    def _place(self, rows: Run, columns: Run, sides: tuple[int, int]) -> TilePosition:
        domain, size = self.model.architecture.domain, self.model.traits.size
        step = PLANE_STEP[domain]
        margin = 2 * -(-self.model.config.input.margin // size.multiple_of) * size.multiple_of
        height, width = (size.padded(-(-side // step) + margin) for side in sides)
        return TilePosition(-(-rows[0] // step), -(-columns[0] // step), height, width)


def is_local(model: LoadedModel) -> bool:
    """True if a model's results can be computed in windows, because no pixel depends on the whole picture."""
    return model.traits.halo is not None or model.traits.fits


def windows(photo: Photo, model: LoadedModel, ratio: float, strength: float = FULL) -> Windows | None:
    """Prepares windows of a restored photo; None if the model does not allow them (`is_local`).

    Args:
        photo: at full size.
        model: loaded.
        ratio: 1 to 300.
        strength: above 0, at most 100.
    """
    if not is_local(model):
        return None
    grey = isinstance(photo, RawPhoto) and photo.monochrome
    convention = model.config.input
    if convention.darkness is not None:  # of the whole photo
        photo = prepared(photo, model)
        known = convention.model_copy(update={"darkness": None})
        model = replace(model, config=model.config.model_copy(update={"input": known}))
    if model.traits.fits:
        net, _ = knowing(Job(photo, model, ratio, ""), network_input(photo, model, ratio))
        model = replace(model, net=cast("RestorationNet", net))
    return Windows(photo, model, ratio, strength, grey) if model.traits.halo is not None else None
