"""Stored training runs: next to weights (`training/log.jsonl`, `training/replay.webp`), or a run's own folder.

A run's folder contains `log.jsonl` and `replay/<step>.png`; a folder of weights may contain `training/log.jsonl` and
`training/replay.webp`, an animation of some of the validations, whose entries in the log have the frame's number as
"frame" (if no entry has one, there is one frame for each validation, in order).
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import DataError
from explorer.weights.run_files import ANIMATION, BESIDE, LOG, REPLAY, evenly, replay_files

LARGEST_LOG = 16 * 2**20
"""Largest log that is read, in bytes."""
MOST_FRAMES = 40
"""Largest number of replay pictures; of more, evenly spaced ones are chosen, including the first and the last."""


@dataclass(frozen=True)
class Run:
    """The facts about one training."""

    name: str
    entries: tuple[dict[str, Any], ...]
    """One per line of the log: "step", and "losses" or "validation"."""
    folder: Path

    @property
    def figures(self) -> list[str]:
        """Names of the validation metrics in the log, in its order."""
        return list(dict.fromkeys(name for e in self.entries for name in _mapping(e.get("validation"))))

    @property
    def validations(self) -> list[dict[str, Any]]:
        """Entries with validation metrics."""
        return [entry for entry in self.entries if _mapping(entry.get("validation"))]


@dataclass(frozen=True)
class Frame:
    """One replay picture."""

    step: int
    picture: bytes
    """PNG."""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def find_runs(weights: dict[str, Path], folder: Path | None = None) -> dict[str, Path]:
    """Finds folders with a log, by a readable name.

    Args:
        weights: folders of weights by name; those with a `training` folder are included.
        folder: a folder of run folders; by default EXPLORER_RUNS, or the one in the user's data directory.
    """
    found = {name: path / BESIDE for name, path in weights.items() if (path / BESIDE / LOG).is_file()}
    folder = folder or runs_folder()
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if (path / LOG).is_file():
                found[path.name if path.name not in found else f"{path.name} (run)"] = path
    return found


def runs_folder() -> Path:
    """Returns the folder of `lowlight train`'s runs, or EXPLORER_RUNS if set."""
    if named := os.environ.get("EXPLORER_RUNS"):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("lowlight-explorer", appauthor=False) / "runs"


def read_run(name: str, folder: Path) -> Run:
    """Reads a run's log. Skips incomplete lines of a killed run.

    Raises:
        DataError: there is no log, it is too large, or it has no entry.
    """
    path = folder / LOG
    try:
        if path.stat().st_size > LARGEST_LOG:
            raise DataError(f"{path.name} of {name} is larger than {LARGEST_LOG >> 20} MB; shorten it.")
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"The log of {name} cannot be read ({error.strerror}); choose another run.") from error
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            entries.append(entry)
    if not entries:
        raise DataError(code="error.empty_log", name=name)
    return Run(name, tuple(entries), folder)


def replay_frames(run: Run) -> list[Frame]:
    """Returns the validation pictures during the training; empty if none were kept.

    Raises:
        DataError: a picture cannot be read.
    """
    from PIL import Image, ImageSequence

    try:
        if (run.folder / REPLAY).is_dir():
            paths = evenly(replay_files(run.folder), MOST_FRAMES)
            return [Frame(int(path.stem), path.read_bytes()) for path in paths]
        if not (run.folder / ANIMATION).is_file():
            return []
        frames = []
        with Image.open(run.folder / ANIMATION) as animation:
            count = getattr(animation, "n_frames", 1)
            steps = _steps_of_frames(run, count)
            wanted = set(evenly(range(count), MOST_FRAMES))
            for index, frame in enumerate(ImageSequence.Iterator(animation)):
                if index in wanted:
                    buffer = io.BytesIO()
                    frame.convert("RGB").save(buffer, "PNG", compress_level=1)
                    frames.append(Frame(steps[index], buffer.getvalue()))
        return frames
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"A replay picture of {run.name} cannot be read ({error}); choose another run.") from error


def _steps_of_frames(run: Run, count: int) -> list[int]:
    """Returns the step of each frame of an animation; the frames' numbers if the log does not have them."""
    numbered = {entry["frame"]: entry["step"] for entry in run.validations if isinstance(entry.get("frame"), int)}
    if numbered:
        return [numbered.get(index, index) for index in range(count)]
    steps = [entry["step"] for entry in run.validations]
    return steps if len(steps) == count else list(range(count))
