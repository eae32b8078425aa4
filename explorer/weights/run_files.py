"""Names of the files of a training, in the folder of its run and next to the weights that it made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BESIDE = "training"
"""The folder in a folder of weights that keeps the log and the animation."""
LOG = "log.jsonl"
REPLAY = "replay"
"""The folder of a run's replay pictures, `<step>.png`."""
ANIMATION = "replay.webp"


def replay_files(folder: Path) -> list[Path]:
    """Lists a run's replay pictures by step, which is the stem of their names."""
    return sorted(path for path in (folder / REPLAY).glob("*.png") if path.stem.isdigit())


def evenly(items: Sequence[T], most: int) -> list[T]:
    """Chooses at most `most` evenly spaced items, including the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(k * (len(items) - 1) / (most - 1))] for k in range(most)]
