"""What is chosen for a result's file beside its format. Imports nothing heavy: command lines read it."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.errors import OutputError

NEGATIVE = ".dng"
"""What is no picture but light to be developed: `explorer.negative` writes it."""
LINEAR = (".tif", ".tiff")
"""What holds linear light in floats: `explorer.scene_linear` writes it."""


@dataclass(frozen=True)
class Saving:
    """What is chosen for a result's file beside its format."""

    keep_gps: bool = False
    """Carry on the place where the photo was taken."""
    keep_exposure: bool = False
    """For a DNG: leave the samples as dark as the photo's and state the amplification in BaselineExposure, so that
    nothing is clipped; else the samples are amplified."""
    force_linear: bool = False
    """Make a DNG of a developed picture too, as a nominal camera would have seen it."""
    linear: bool = False
    """For a TIFF: write floats of linear light."""

    def needs_scene(self, suffix: str) -> bool:
        """True if a file is made of the scene's light and not of the picture."""
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
