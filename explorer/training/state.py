"""A run's folder: the checkpoint that a killed run resumes from, the log, and the replay pictures."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch

from explorer.errors import TrainingError

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
REPLAY = "replay"


def write_atomically(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Writes beside `path`, flushes to the disk, then renames: a kill or a full disk leaves the old file whole.

    Raises:
        TrainingError: the disk is full or the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except (OSError, RuntimeError) as error:  # torch.save reports a full disk as a RuntimeError
        raise TrainingError(
            f"{path} could not be written ({error}); free some space and resume: the checkpoint before it is whole."
        ) from error
    finally:
        Path(name).unlink(missing_ok=True)


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Replaces the run's checkpoint by `state`."""
    write_atomically(folder / CHECKPOINT, lambda file: torch.save(state, file))


def load_checkpoint(folder: Path, recipe: str) -> dict[str, Any]:
    """The run's checkpoint.

    Raises:
        TrainingError: there is none, it cannot be read, or it belongs to another recipe.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise TrainingError(f"{folder} holds no checkpoint to resume from; start without --resume.")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise TrainingError(f"The checkpoint {path} cannot be read ({error}); start without --resume.") from error
    if state.get("recipe") != recipe:
        raise TrainingError(
            f"{path} belongs to the recipe {state.get('recipe')!r}, not {recipe!r}; choose another run folder."
        )
    return state


def truncate_log(folder: Path, step: int) -> None:
    """Drops what a killed run logged after its last checkpoint, so that no step is logged twice."""
    path = folder / LOG
    if not path.is_file():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError):  # a line cut short by the kill
            continue
    text = "".join(line + "\n" for line in kept)
    write_atomically(path, lambda file: file.write(text.encode()) and None)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The run's log: one dict a line, with "step" and either losses and rate or validation figures."""
    path = folder / LOG
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
