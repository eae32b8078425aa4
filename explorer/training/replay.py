"""A training as an animation: the same validation pictures after every epoch."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageSequence

from explorer.errors import OutputError, TrainingError
from explorer.identity import identities, identity
from explorer.saving import check_destination
from explorer.training.state import write_atomically
from explorer.weights.run_files import evenly, replay_files

FORMATS = (".gif", ".webp")
_FRAME_MS, _LAST_MS = 250, 2000
# From the best quality to the smallest file; the first that fits is used.
_SETTINGS = ((16, 80), (16, 65), (12, 60), (8, 60), (5, 55), (3, 50), (2, 40))


def replay_pictures(folder: Path) -> list[tuple[int, Path]]:
    """Lists a run's replay pictures in order: (step, file).

    Raises:
        TrainingError: the run contains none.
    """
    paths = replay_files(folder)
    if not paths:
        raise TrainingError(f"{folder} holds no replay pictures; give the folder of a run.")
    return [(int(path.stem), path) for path in paths]


def write_replay(folder: Path, out: Path, *, frame_seconds: float = 0.25, last_seconds: float = 2.0) -> int:
    """Writes the replay of a run as an endless animation.

    Args:
        folder: the run's folder.
        out: a `.gif` or `.webp` file.
        frame_seconds: duration of an epoch.
        last_seconds: duration of the last one.

    Returns:
        The number of epochs.

    Raises:
        TrainingError: the run contains no replay pictures.
        OutputError: an unknown suffix, a folder that does not exist, a path of the run's own pictures, a full disk.
    """
    suffix = out.suffix.lower()
    if suffix not in FORMATS:
        raise OutputError(f"{out.name} does not have an animation's suffix; end it in {' or '.join(FORMATS)}.")
    check_destination(out)
    pictures = [path for _, path in replay_pictures(folder)]
    if identity(out) in identities(pictures):
        raise OutputError(f"The animation would replace {out}, a picture of the run; choose another file.")
    frames = [_read(path) for path in pictures]
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


def small_replay(folder: Path, largest: int) -> tuple[bytes, list[int]]:
    """Encodes the replay of a run as a lossy WebP animation of bounded size, for the folder of weights.

    Args:
        folder: the run's folder.
        largest: largest size in bytes. A replay whose smallest version is still larger is left out.

    Returns:
        The file's bytes and the step of each frame; both empty if there is nothing to show. The frames include the
        first and the last epoch; of many epochs, evenly spaced ones are chosen, and of epochs that look the same, one.

    Raises:
        TrainingError: a picture cannot be read.
    """
    try:
        pictures = replay_pictures(folder)
    except TrainingError:
        return b"", []
    frames = {step: _read(path) for step, path in pictures}
    for most, quality in _SETTINGS:
        steps = evenly(list(frames), most)
        content, steps = _animated(frames, steps, quality)
        if len(content) <= largest:
            return content, steps
    return b"", []


def _animated(frames: dict[int, Image.Image], steps: list[int], quality: int) -> tuple[bytes, list[int]]:
    """Encodes an animation, and returns the steps that have separate frames in it.

    The encoder drops frames that look like the previous one. Dropped frames are detected by the frames' times, and the
    animation is encoded again without them, so that its last frame is the training's last.
    """
    while True:
        buffer = io.BytesIO()
        first, *others = (frames[step] for step in steps)
        durations = [_FRAME_MS] * len(others) + [_LAST_MS]
        first.save(
            buffer, "WEBP", save_all=True, append_images=others, duration=durations, loop=0, quality=quality, method=4
        )
        with Image.open(io.BytesIO(buffer.getvalue())) as film:
            if getattr(film, "n_frames", 1) == len(steps):
                return buffer.getvalue(), steps
            kept, time = [], 0
            for frame in ImageSequence.Iterator(film):
                frame.load()
                kept.append(steps[min(time // _FRAME_MS, len(steps) - 1)])
                time += int(frame.info.get("duration", 0))
        steps = [*kept[:-1], steps[-1]]


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise TrainingError(f"{path} cannot be read ({error}); remove it and try again.") from error
