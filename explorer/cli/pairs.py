"""`lowlight darken FOLDER`: makes pairs to train on from a folder of well-lit photos."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.batch.listing import list_named
from explorer.cli.terminal import tell, write_line
from explorer.errors import DataError, OutputError, PhotoError

if TYPE_CHECKING:
    from explorer.darkroom import SensorNoise


def darken_folder(
    folder: Path, out: Path, noise: SensorNoise, ratio: float, seed: int, phase: str, max_side: int, *,
    overwrite: bool, quiet: bool,
) -> None:  # fmt: skip
    """Writes `low/NAME.jpg`, as the camera would, and `high/NAME.png`, in the layout of LOL.

    Existing pairs are kept, and reported as such. Unreadable photos are reported and skipped.

    Args:
        folder: of the photos.
        out: the folder of the pairs; created if missing.
        max_side: longest side of the pairs, pixels.
        overwrite: make existing pairs anew.

    Raises:
        PhotoError: there is no photo.
        DataError: two photos have the same name, or none can be read.
        OutputError: the folder is that of the photos, or cannot be written to.
    """
    from explorer import open_photo
    from explorer.darkroom import darken
    from explorer.encode import encode, write_bytes
    from explorer.photo.light.reduce import reduced

    files = list_named([folder], out).files
    _check(files, folder, out)
    made = kept = 0
    for index, path in enumerate(files):
        low, high = out / "low" / f"{path.stem}.jpg", out / "high" / f"{path.stem}.png"
        if low.is_file() and high.is_file() and not overwrite:
            kept += 1
            continue
        try:
            photo = reduced(open_photo(path), max_side)
        except PhotoError as error:
            write_line(f"left out: {error}", err=True)
            continue
        exposure = darken(photo, noise, ratio=ratio, seed=seed + index, phase=phase)
        write_bytes(high, encode(exposure.reference, ".png"))
        exposure.save(low)
        made += 1
    if not made and not kept:
        raise DataError(f"None of the photographs in {folder} can be read; name a folder of others.")
    if not quiet:
        tell(f"{folder} -> {out}: {made} new pairs, {noise.camera}, ratio {ratio:.4g}")
        if kept:
            tell(f"  {kept} pairs were there before and stay as they were made; --overwrite makes them anew")


def _check(files: list[Path], folder: Path, out: Path) -> None:
    """Refuses what cannot become pairs before any work, and makes the folders."""
    twice = [name for name, count in Counter(each.stem for each in files).items() if count > 1]
    if twice:
        raise DataError(f"{folder} holds several photographs called {twice[0]}; rename all but one.")
    if out.resolve() == folder.resolve():
        raise OutputError(f"{out} holds the photos themselves; choose another folder for the pairs.")
    try:
        for part in ("low", "high"):
            (out / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be written ({error.strerror}); choose another folder.") from error
