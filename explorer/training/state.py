"""A run's folder: the checkpoint from which a killed run resumes, the log, and the replay pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch
from safetensors.torch import load_file

from explorer.atomic import replacing
from explorer.errors import TrainingError
from explorer.weights.run_files import LOG
from explorer.weights.store import MODEL_FILE, embedded_folders, folders_in

CHECKPOINT = "checkpoint.pt"


def write_atomically(path: Path, content: bytes | Callable[[IO[bytes]], None]) -> None:
    """Replaces `path` by a new file, with bytes or the output of a function.

    A kill or a full disk leaves the old file intact.

    Raises:
        TrainingError: the disk is full or the folder cannot be written.
    """
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
    except (OSError, RuntimeError) as error:  # torch.save reports a full disk as a RuntimeError
        raise TrainingError(
            f"{path} could not be written ({error}); free some space and resume: the previous checkpoint is intact."
        ) from error


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Replaces the run's checkpoint with `state`."""
    write_atomically(folder / CHECKPOINT, lambda file: torch.save(state, file))


def load_checkpoint(folder: Path, recipe: str | None = None) -> dict[str, Any]:
    """Loads the run's checkpoint.

    Args:
        recipe: its expected recipe; None for any.

    Raises:
        TrainingError: there is none, it cannot be read, or it belongs to another recipe.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise TrainingError(f"{folder} holds no checkpoint; start without --resume, or give the folder of a run.")
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise TrainingError(f"The checkpoint {path} cannot be read ({error}); remove it and start again.") from error
    if not isinstance(state, dict):
        raise TrainingError(f"{path} is not a checkpoint of a run; choose another run folder.")
    if recipe is not None and state.get("recipe") != recipe:
        raise TrainingError(
            f"{path} belongs to the recipe {state.get('recipe')!r}, not {recipe!r}; choose another run folder."
        )
    return state


def load_part(folder: Path, name: str, part: str) -> dict[str, torch.Tensor]:
    """Loads the tensors of trained weights, or of one part of them, without the part's prefix.

    Args:
        folder: the run that trained them; if it has none, the embedded weights of that name are used.
        name: name of the weights.
        part: a submodule, "decom"; "" for all of them.

    Raises:
        TrainingError: neither exists, or the weights have no such part.
    """
    shipped = folders_in(embedded_folders()).get(name)
    if (folder / CHECKPOINT).is_file():
        saved = load_checkpoint(folder, name)
        if saved["step"] < saved["total"]:
            raise TrainingError(
                f"The run in {folder} is not finished, but this recipe starts from its result; finish it first."
            )
        tensors = saved["average"]
    elif shipped is not None:
        tensors = {key: value.float() for key, value in load_file(shipped / MODEL_FILE).items()}
    else:
        raise TrainingError(
            f"This recipe starts from the weights {name}, which are neither in {folder} nor shipped; "
            f"train them first: lowlight train {name}."
        )
    before = f"{part}." if part else ""
    chosen = {key.removeprefix(before): value for key, value in tensors.items() if key.startswith(before)}
    if not chosen:
        raise TrainingError(f"The weights {name} have no part {part!r}; correct the recipe's `init_from`.")
    return chosen


def truncate_log(folder: Path, step: int) -> None:
    """Removes entries that a killed run logged after its last checkpoint, so that no step is logged twice."""
    if (folder / LOG).is_file():
        kept = [entry for entry in read_log(folder) if entry.get("step", math.inf) <= step]
        write_atomically(folder / LOG, "".join(json.dumps(entry) + "\n" for entry in kept).encode())


def append_log(folder: Path, entry: dict[str, Any]) -> None:
    """Adds one line to the run's log.

    Raises:
        TrainingError: the disk is full or the folder cannot be written.
    """
    try:
        with (folder / LOG).open("a") as file:
            file.write(json.dumps(entry) + "\n")
    except OSError as error:
        raise TrainingError(
            f"{folder / LOG} could not be written ({error}); free some space and resume: the checkpoint is intact."
        ) from error


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Reads the run's log: one dict per line, with "step" and either losses and rate or validation metrics."""
    path = folder / LOG
    entries = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:  # a line truncated by a kill
            continue
    return entries
