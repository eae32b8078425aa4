"""Recipes: everything needed to train one set of weights. One file each in `explorer/training/recipes`."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from explorer.errors import DataError, TrainingError
from explorer.training.data import Skipped
from explorer.training.objectives import Batch, Objective


class Source(Protocol):
    """A source of batches. Step k always returns the same batch, so that a resumed run sees the same data."""

    skipped: Skipped
    """Pictures that could not be read and were skipped."""

    def batch(self, step: int, total: int) -> Batch:
        """Returns the batch of a step."""
        ...

    def validation(self) -> list[Batch]:
        """Returns fixed batches that are never trained on."""
        ...


@dataclass(frozen=True)
class Phase:
    """A part of the training with one crop size: small crops first, larger ones last."""

    until: float
    """Fraction of all steps at which it ends; 1 for the last phase."""
    crop: int
    """Side of the crops, pixels."""
    batch: int
    shrink: int = 1
    """Crops are taken from a field 1 to `shrink` times as wide, drawn each time, and averaged down to `crop`: then a
    small crop shows enough of the scene to learn its exposure, and pictures are sharper."""


@dataclass(frozen=True)
class WarmStart:
    """Starts a network from a smaller, trained one."""

    source: str
    """Name of the other weights: from a run next to this run's folder, else the embedded ones."""
    grow: Callable[[nn.Module, dict[str, torch.Tensor]], None]
    """Copies the tensors of the source into the new network."""


@dataclass(frozen=True)
class Own:
    """Changes to a recipe for training on a user's own pictures."""

    base: str
    """The recipe's name."""
    name: str
    """The second part of the weights' name, `architecture.name`."""
    pictures: str
    """Description of the training data for the model card."""
    start_from: str | None = None
    """Trained weights of the same architecture to start from; None starts from random ones."""
    rate: float = 1.0
    """Factor of the recipe's learning rates."""


@dataclass(frozen=True)
class Recipe:
    """One set of weights. `name` is the weights' name, `architecture.recipe`."""

    name: str
    architecture: str
    objective: Callable[[nn.Module], Objective]
    source: Callable[[Path, int, tuple[Phase, ...]], Source]
    """Makes a source from data folder, seed and phases."""
    phases: tuple[Phase, ...]
    steps: int
    """Chosen so that the training takes one to three hours on one core with only AVX2; see `duration`."""
    options: dict[str, Any] = field(default_factory=dict)
    init_from: dict[str, str] = field(default_factory=dict)
    """Parts of the network that start from other weights, {"decom": "retinexnet.split_resize"}: from a run next to this
    run's folder, else from the embedded weights."""
    warm_start: WarmStart | None = None
    """Start from a smaller network, applied before `init_from`."""
    input: dict[str, Any] = field(default_factory=dict)
    """The `input` part of the weights' config."""
    output: dict[str, Any] = field(default_factory=dict)
    """The `output` part of the weights' config."""
    schedule: str = "cosine"
    """"cosine", "step" or "plateau"; see `explorer.training.loop.make_schedules`."""
    cosine_restarts: tuple[tuple[float, float], ...] = ()
    """Restarts of the cosine: fraction of the steps, and fraction of the rate."""
    pace: float = 1.0
    """Factor of the objective's learning rates."""
    own: Own | None = None
    """Set if this is one of the project's recipes on a user's own pictures."""
    ema_decay: float = 0.999
    """Decay of the running average of the parameters, which is validated and exported; 0 for none."""
    epoch: int = 500
    """Steps between validations."""
    seed: int = 1
    summary: str = ""
    paper: str = ""
    duration: str = ""
    """Duration of the training, and the hardware."""
    training_data: str = ""
    known_failures: str = ""
    """Sentences for the model card."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further entries of the `training` part of the weights' config."""


def _modules() -> list[str]:
    import explorer.training.recipes as package

    return [m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]


def recipe_names() -> list[str]:
    """Returns the names of all recipes: the file `lamba_m0__raw_synthetic.py` is `lamba_m0.raw_synthetic`."""
    return sorted(name.replace("__", ".") for name in _modules())


def load_recipe(name: str) -> Recipe:
    """Loads the recipe of a weights name.

    Raises:
        DataError: unknown name; the message lists the known ones.
    """
    if name not in recipe_names():
        raise DataError(f"There is no recipe {name!r}; the known ones are {', '.join(recipe_names())}.")
    recipe = importlib.import_module(f"explorer.training.recipes.{name.replace('.', '__')}").RECIPE
    assert isinstance(recipe, Recipe) and recipe.name == name
    return recipe


def own_recipe(own: Own) -> Recipe:
    """Adapts a recipe to a user's own pictures, under a new name.

    Raises:
        DataError: an unknown recipe, or a name that is invalid or taken by the project.
    """
    base = load_recipe(own.base)
    name = f"{base.architecture}.{own.name}"
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", own.name):
        raise DataError(f"{own.name!r} cannot name weights; take small letters, digits and single underscores.")
    if name in recipe_names():
        raise DataError(f"{name} is the name of a recipe of the project; choose another name.")
    begun = WarmStart(own.start_from, partial(_take_over, own=own)) if own.start_from else None
    further = f", beginning with `{own.start_from}`" if own.start_from else ""
    return replace(
        base,
        name=name,
        summary=f"`{own.base}` trained on somebody's own pictures{further}.",
        training_data=own.pictures,
        pace=own.rate,
        own=own,
        warm_start=begun or base.warm_start,
        init_from={} if begun else base.init_from,
    )


def _take_over(net: nn.Module, tensors: dict[str, torch.Tensor], own: Own) -> None:
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise TrainingError(
            f"The weights {own.start_from} do not fit the network of {own.base}; begin with weights of that recipe."
        ) from error
