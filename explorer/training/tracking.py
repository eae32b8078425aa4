"""Experiment trackers, all optional: TensorBoard, trackio, Weights & Biases."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from explorer.errors import TrainingError

TRACKERS = ("tensorboard", "trackio", "wandb")
_PROJECT = "lowlight-explorer"


class Tracker(Protocol):
    """Receives the figures of a run during training."""

    def log(self, step: int, values: dict[str, float]) -> None:
        """Logs the figures of one step, by names such as "loss/smooth" or "validation/psnr"."""

    def close(self) -> None:
        """Ends the run."""


class _TensorBoard:
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def log(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _Run:
    """Tracker for trackio and wandb, which share the calls `init`, `log` and `finish`."""

    def __init__(self, module: Any, name: str, config: dict[str, Any]) -> None:
        self._module = module
        module.init(project=_PROJECT, name=name, config=config)

    def log(self, step: int, values: dict[str, float]) -> None:
        self._module.log(values, step=step)

    def close(self) -> None:
        self._module.finish()


def open_tracker(kind: str, folder: Path, name: str, config: dict[str, Any]) -> Tracker:
    """Opens a tracker for a run.

    Args:
        kind: one of `TRACKERS`.
        folder: the run's folder, which receives TensorBoard's events.
        name: the recipe's name.
        config: facts about the run for the tracker.

    Raises:
        TrainingError: unknown kind, or its package is not installed.
    """
    if kind not in TRACKERS:
        raise TrainingError(f"There is no tracker {kind!r}; take {', '.join(TRACKERS)}, or none.")
    try:
        if kind == "tensorboard":
            return _TensorBoard(import_module("torch.utils.tensorboard").SummaryWriter(str(folder / "tensorboard")))
        return _Run(import_module(kind), name, config)
    except ImportError as error:
        raise TrainingError(
            f"The tracker {kind} is not installed; run `pip install {kind}`, or train without --track."
        ) from error
