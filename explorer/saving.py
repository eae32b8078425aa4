"""Options of a result's file besides its format. Imports nothing heavy, because command lines read it."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from explorer.errors import OutputError

NEGATIVE = ".dng"
"""Suffix of files that hold light for further development; written by `explorer.negative`."""
LINEAR = (".tif", ".tiff")
"""Suffixes of files that can hold linear light as floats; written by `explorer.scene_linear`."""


OPENEXR = ".exr"
"""Suffix of files that only hold linear light as floats; written by the library OpenEXR."""
WITHOUT_BITS = (NEGATIVE, OPENEXR)
"""Suffixes of files whose samples do not depend on the chosen number of bits."""


def check_destination(path: Path) -> None:
    """Refuses a path that no file can have, before any work is done.

    Raises:
        OutputError: a folder that does not exist, a name of a folder, an invalid or too long file name.
    """
    # Python treats these paths as nonexistent, so they would fail only after all the work.
    if "\0" in str(path):
        raise OutputError("The output path contains a NUL character; give a name without one.")
    try:
        os.fsencode(path)
        folder, parent = path.is_dir(), path.parent.is_dir()
    except ValueError as error:  # characters that the file system's encoding lacks
        raise OutputError(
            f"{str(path)!a} contains characters that a file name cannot have; choose another name."
        ) from error
    except OSError as error:
        shown = path.name if len(path.name) <= 40 else f"{path.name[:37]}..."
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(f"The path of {shown} is too long for the file system; choose a shorter one.") from error
        raise OutputError(f"{shown} cannot be written there ({error.strerror}); choose another place.") from error
    if folder:
        raise OutputError(f"{path} is a folder; give a file name inside it.")
    if not parent:
        raise OutputError(f"The folder {path.parent} does not exist; create it or choose another.")


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

    def only_raw(self, suffix: str) -> bool:
        """True if only RAW photos can become such a file."""
        return suffix.lower() == NEGATIVE and not self.force_linear

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
