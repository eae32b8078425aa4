"""A training as an animation: the same validation pictures after every epoch."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from explorer.errors import OutputError, TrainingError
from explorer.training.state import REPLAY, write_atomically

FORMATS = (".gif", ".webp")


def write_replay(folder: Path, out: Path, *, frame_seconds: float = 0.25, last_seconds: float = 2.0) -> int:
    """Writes the replay of a run as an endless animation.

    Args:
        folder: the run's folder.
        out: a `.gif` or `.webp` file.
        frame_seconds: how long an epoch is shown.
        last_seconds: how long the last one is shown.

    Returns:
        The number of epochs.

    Raises:
        TrainingError: the run holds no replay pictures.
        OutputError: another suffix, a folder that does not exist, a full disk.
    """
    suffix = out.suffix.lower()
    if suffix not in FORMATS:
        raise OutputError(f"{out.name} has no suffix of an animation; end it in {' or '.join(FORMATS)}.")
    if not out.parent.is_dir():
        raise OutputError(f"The folder {out.parent} does not exist; make it or choose another.")
    paths = sorted((folder / REPLAY).glob("*.png"))
    if not paths:
        raise TrainingError(f"{folder} holds no replay pictures; give the folder of a run.")
    frames = []
    for path in paths:
        try:
            with Image.open(path) as picture:
                frames.append(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise TrainingError(f"{path} cannot be read ({error}); remove it and try again.") from error
    durations = [round(1000 * frame_seconds)] * (len(frames) - 1) + [round(1000 * last_seconds)]
    buffer = io.BytesIO()
    options = {"lossless": True} if suffix == ".webp" else {"optimize": True}
    frames[0].save(
        buffer, suffix[1:].upper(), save_all=True, append_images=frames[1:], duration=durations, loop=0, **options
    )
    try:
        write_atomically(out, buffer.getvalue())
    except TrainingError as error:
        raise OutputError(f"{out} could not be written ({error.__cause__}); choose another place.") from error
    return len(frames)
