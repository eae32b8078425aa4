"""Options of a result's file besides its format. Imports nothing heavy, because command lines read it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from explorer.errors import OutputError

NEGATIVE = ".dng"
"""The suffix of light to be developed rather than a picture; `explorer.negative` writes it."""
LINEAR = (".tif", ".tiff")
"""What holds linear light in floats: `explorer.scene_linear` writes it."""


OPENEXR = ".exr"
"""What holds linear light in floats and nothing else, by the library OpenEXR."""
WITHOUT_BITS = (NEGATIVE, OPENEXR)
"""What has its own samples, whatever number of bits is chosen."""


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
    """For a TIFF: write floats of linear light, as an OpenEXR file does anyway."""

    def needs_scene(self, suffix: str) -> bool:
        """True if a file is made of the scene's light and not of the picture."""
        return self.linear or suffix.lower() in WITHOUT_BITS

    def check(self, suffix: str) -> None:
        """Refuses what a format does not have.

        Raises:
            OutputError: says which format has it.
        """
        if self.linear and suffix.lower() not in (*LINEAR, OPENEXR):
            raise OutputError(
                f"A {suffix} file cannot hold linear light in floats; take {' or '.join((*LINEAR, OPENEXR))}."
            )
        if suffix.lower() == OPENEXR and find_spec("OpenEXR") is None:
            raise OutputError(
                "OpenEXR files need the library OpenEXR, which is not installed; run: pip install "
                "'lowlight-explorer[exr]', or take --linear and a .tif file."
            )
        if (self.keep_exposure or self.force_linear) and suffix.lower() != NEGATIVE:
            raise OutputError(f"Only a {NEGATIVE} file keeps the exposure or can be forced to be linear, not {suffix}.")
