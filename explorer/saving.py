"""Options of a result's file besides its format. Imports nothing heavy, because command lines read it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from explorer.errors import OutputError

NEGATIVE = ".dng"
"""Suffix of files that hold light for further development; written by `explorer.negative`."""
LINEAR = (".tif", ".tiff")
"""Suffixes of files that can hold linear light as floats; written by `explorer.scene_linear`."""


OPENEXR = ".exr"
"""Suffix of files that only hold linear light as floats; written by the library OpenEXR."""
WITHOUT_BITS = (NEGATIVE, OPENEXR)
"""Suffixes of files whose samples do not depend on the chosen number of bits."""


@dataclass(frozen=True)
class Saving:
    """Options of a result's file besides its format."""

    keep_gps: bool = False
    """Keep the place where the photo was taken."""
    keep_exposure: bool = False
    """For a DNG: leave the samples as dark as the photo's and state the amplification in BaselineExposure, so that
    nothing is clipped. Otherwise the samples are amplified."""
    force_linear: bool = False
    """Write a DNG even for a developed picture, as a nominal camera would have recorded it."""
    linear: bool = False
    """For a TIFF: write linear light as floats, as OpenEXR files always do."""

    def needs_scene(self, suffix: str) -> bool:
        """True if a file is made from the scene's light, not from the picture."""
        return self.linear or suffix.lower() in WITHOUT_BITS

    def check(self, suffix: str) -> None:
        """Refuses options that a format does not support.

        Raises:
            OutputError: the format lacks an option; the message says which format has it.
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
