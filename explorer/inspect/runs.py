"""Stored training runs: next to weights (`training/log.jsonl`, `training/replay.webp`), or a run's own folder.

A run's folder holds `log.jsonl` and `replay/<step>.png`; a folder of weights may carry `training/log.jsonl` and
`training/replay.webp`, an animation of some of the validations: their entries in the log carry the frame's number as
"frame" (without any such entry, there is one frame for each validation, in order).
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import DataError

LOG = "log.jsonl"
REPLAY = "replay"
ANIMATION = "replay.webp"
LARGEST_LOG = 16 * 2**20
"""Bytes of a log that is read."""
MOST_FRAMES = 40
"""Replay pictures that are given; of more, evenly chosen ones, the first and the last among them."""


@dataclass(frozen=True)
class Run:
    """The facts about one training."""

    name: str
    entries: tuple[dict[str, Any], ...]
    """One a line of the log: "step", and "losses" or "validation"."""
    folder: Path

    @property
    def figures(self) -> list[str]:
        """Names of the validation figures that the log holds, in its order."""
        return list(dict.fromkeys(name for e in self.entries for name in _mapping(e.get("validation"))))

    @property
    def validations(self) -> list[dict[str, Any]]:
        """Entries with validation figures."""
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
    """Folders with a log, by a readable name.

    Args:
        weights: folders of weights by name; those with a `training` folder count.
        folder: a folder of run folders; EXPLORER_RUNS, or the one in the user's data directory, unless given.
    """
    found = {name: path / "training" for name, path in weights.items() if (path / "training" / LOG).is_file()}
    folder = folder or runs_folder()
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if (path / LOG).is_file():
                found[path.name if path.name not in found else f"{path.name} (run)"] = path
    return found


def runs_folder() -> Path:
    """Where `lowlight train` keeps its runs, or what EXPLORER_RUNS names."""
    if named := os.environ.get("EXPLORER_RUNS"):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("lowlight-explorer", appauthor=False) / "runs"


def read_run(name: str, folder: Path) -> Run:
    """A run's log. Lines that a killed run left unfinished are passed over.

    Raises:
        DataError: there is no log, it is too large, or it holds no entry.
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


def replay_frames(run: Run, most: int = MOST_FRAMES) -> list[Frame]:
    """The validation picture through the training; empty if none was kept.

    Raises:
        DataError: a picture cannot be read.
    """
    from PIL import Image, ImageSequence

    try:
        if (run.folder / REPLAY).is_dir():
            paths = _evenly(sorted(p for p in (run.folder / REPLAY).glob("*.png") if p.stem.isdigit()), most)
            return [Frame(int(path.stem), path.read_bytes()) for path in paths]
        if not (run.folder / ANIMATION).is_file():
            return []
        frames = []
        with Image.open(run.folder / ANIMATION) as animation:
            count = getattr(animation, "n_frames", 1)
            steps = _steps_of_frames(run, count)
            wanted = set(_evenly(list(range(count)), most))
            for index, frame in enumerate(ImageSequence.Iterator(animation)):
                if index in wanted:
                    buffer = io.BytesIO()
                    frame.convert("RGB").save(buffer, "PNG", compress_level=1)
                    frames.append(Frame(steps[index], buffer.getvalue()))
        return frames
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"A replay picture of {run.name} cannot be read ({error}); choose another run.") from error


def _steps_of_frames(run: Run, count: int) -> list[int]:
    """The step of each frame of an animation; the frames' numbers where the log does not tell them."""
    numbered = {entry["frame"]: entry["step"] for entry in run.validations if isinstance(entry.get("frame"), int)}
    if numbered:
        return [numbered.get(index, index) for index in range(count)]
    steps = [entry["step"] for entry in run.validations]
    return steps if len(steps) == count else list(range(count))


def _evenly(items: list[Any], most: int) -> list[Any]:
    if len(items) <= most:
        return items
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]
