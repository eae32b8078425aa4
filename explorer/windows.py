"""Restores a window of a photo at full size, without restoring the rest.

The network is fed with the window and a margin as wide as its receptive field, aligned to its stride. The result is the
same as in the whole photo, up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from explorer.choices import PLANE_STEP
from explorer.models.traits import TilePosition
from explorer.photo import Photo, RawPhoto, RgbPhoto
from explorer.photo.light.cfa import PERIODS
from explorer.photo.light.develop import grey_of
from explorer.photo.light.strength import FULL, HALO
from explorer.photo.model_input import cfa_of
from explorer.photo.values import FloatArray
from explorer.photo.windows import DEMOSAIC_REACH, Box, Run, on_sensor, part_of, rendering_of, upright_box
from explorer.restorer import Job, NetworkOutput, knowing, network_input, prepared, run

if TYPE_CHECKING:
    from explorer.models import RestorationNet
    from explorer.weights.store import LoadedModel


@dataclass(frozen=True, eq=False)
class Windows:
    """A photo, and a model with everything that it must know about the whole photo."""

    photo: Photo
    model: LoadedModel
    ratio: float
    """1 to 300."""
    grey: bool = False
    """True if results must stay grey."""
    kept: dict[Box, tuple[Photo, NetworkOutput]] = field(default_factory=dict)
    """The network's output for the last window with a strength below 100, and the part it belongs to."""

    def restored(self, box: Box, backend: str = "auto", strength: float = FULL) -> FloatArray:
        """The result of `restore` within a window.

        Args:
            box: inside the upright photo.
            backend: as in `restore`.
            strength: above 0, at most 100. Below 100, noise is separated from detail by the window's content, nearly as
                in the whole photo. The network runs once for all strengths.

        Returns:
            H x W x 3 sRGB in [0, 1].
        """
        runs, sides = ((box[1], box[3]), (box[0], box[2])), self.photo.size[::-1]
        if self._lies and isinstance(self.photo, RawPhoto):
            runs, sides = on_sensor(self.photo, box), self.photo.sensor_size
        spare = HALO if strength < FULL else 0
        rows, columns = (
            self._fed(each, side, k, spare) for k, (each, side) in enumerate(zip(runs, sides, strict=True))
        )
        known = self.kept.get(box) if strength < FULL else None
        if known is not None:
            image = known[1].at(known[0], strength, scene=False).image
        else:
            part = self._part(rows, columns)
            job, place = Job(part, self.model, self.ratio, ""), self._place(rows, columns, sides)
            result, output = run(job, strength, backend, scene=False, keep=strength < FULL, within=place)
            image = result.image
            if output is not None:
                self.kept.clear()
                self.kept[box] = part, output
        left, top = self._origin(rows, columns)
        inside = image[box[1] - top : box[3] - top, box[0] - left : box[2] - left]
        return np.ascontiguousarray(grey_of(inside) if self.grey else inside)

    @property
    def _lies(self) -> bool:
        """True if the network gets the photo in sensor orientation, False if the photo is developed first."""
        return isinstance(self.photo, RgbPhoto) or self.model.config.input.bits is None

    def _part(self, rows: Run, columns: Run) -> Photo:
        """The part of the photo that the network gets."""
        if not self._lies:
            # Developed first, in 32 bits, so that it is still rounded to the depth that the network was trained with.
            wide = columns[0], rows[0], columns[1], rows[1]
            return RgbPhoto(rendering_of(self.photo, wide), 32, name=self.photo.name)
        return part_of(self.photo, rows, columns)

    def _origin(self, rows: Run, columns: Run) -> tuple[int, int]:
        """The position of the part's upper left corner in the upright photo."""
        return upright_box(self.photo, rows, columns)[:2] if self._lies else (columns[0], rows[0])

    def _fed(self, run: Run, length: int, along: int, spare: int) -> Run:
        """Rows (0) or columns (1) of the photo from which a window's are computed, and `spare` ones around them."""
        domain = self.model.architecture.domain
        step = PLANE_STEP[domain]
        unit, inset = self.model.traits.size.multiple_of * step, 0
        if domain != "rgb":
            unit = math.lcm(unit, PERIODS["bayer"], PERIODS["xtrans"])
            if self._lies and isinstance(self.photo, RawPhoto) and self.photo.cfa == cfa_of(domain):
                inset = self.photo.inset[along]  # planes count from the mosaic's first sample
        assert self.model.traits.halo is not None
        margin = self.model.traits.halo * step + DEMOSAIC_REACH + spare
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


def windows(photo: Photo, model: LoadedModel, ratio: float) -> Windows | None:
    """Prepares windows of a restored photo; None if the model has none (`is_local`).

    Args:
        photo: at full size.
        model: loaded.
        ratio: 1 to 300.
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
    return Windows(photo, model, ratio, grey) if model.traits.halo is not None else None
