"""Options of a result's file besides its format. Imports nothing heavy, because command lines read it."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.errors import OutputError

NEGATIVE = ".dng"
"""The suffix of light to be developed rather than a picture; `explorer.negative` writes it."""
LINEAR = (".tif", ".tiff")
"""What holds linear light in floats: `explorer.scene_linear` writes it."""


@dataclass(frozen=True)
class Saving:
    """Options of a result's file besides its format."""

    keep_gps: bool = False
    """Carry on the place where the photo was taken."""
    keep_exposure: bool = False
    """For a DNG: leave the samples as dark as the photo's and state the amplification in BaselineExposure, so that
    nothing is clipped; else the samples are amplified."""
    force_linear: bool = False
    """Make a DNG of a developed picture too, as a nominal camera would have seen it."""
    linear: bool = False
    """Of a TIFF: floats of linear light."""

    def needs_scene(self, suffix: str) -> bool:
        """Whether a file is made of the scene's light and not of the picture."""
        return self.linear or suffix.lower() == NEGATIVE

    def check(self, suffix: str) -> None:
        """Refuses what a format does not have.

        Raises:
            OutputError: says which format has it.
        """
        if self.linear and suffix.lower() not in LINEAR:
            raise OutputError(f"A {suffix} file cannot hold linear light in floats; take {' or '.join(LINEAR)}.")
        if (self.keep_exposure or self.force_linear) and suffix.lower() != NEGATIVE:
            raise OutputError(f"Only a {NEGATIVE} file keeps the exposure or can be forced to be linear, not {suffix}.")
