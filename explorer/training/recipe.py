"""A recipe: everything that makes one set of weights, by one command. One file each in `explorer/training/recipes`."""

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
    """Where batches come from. Step k always gives the same batch, so that a resumed run sees the same."""

    skipped: Skipped
    """Pictures that could not be read and were left out."""

    def batch(self, step: int, total: int) -> Batch:
        """The batch of a step."""
        ...

    def validation(self) -> list[Batch]:
        """Fixed batches that no step trains on."""
        ...


@dataclass(frozen=True)
class Phase:
    """A stretch of the training with one crop size: small crops first, larger ones last."""

    until: float
    """Share of all steps at which it ends; the last phase has 1."""
    crop: int
    """Side of the crops, pixels."""
    batch: int
    shrink: int = 1
    """Crops are taken from a field 1 to `shrink` times as wide, drawn again each time, and averaged down to `crop`: a
    small crop then holds enough of the scene to learn its exposure from, and pictures are sharper."""


@dataclass(frozen=True)
class WarmStart:
    """Starts a network from a smaller, trained one."""

    source: str
    """The other's weights: of the run next to this one's folder, else those that the project ships."""
    grow: Callable[[nn.Module, dict[str, torch.Tensor]], None]
    """Puts the tensors of the source into the fresh network."""


@dataclass(frozen=True)
class Own:
    """What a training on somebody's own pictures makes of a recipe."""

    base: str
    """The recipe's name."""
    name: str
    """The second part of the weights' name, `architecture.name`."""
    pictures: str
    """What it is trained on, in words for the model card."""
    start_from: str | None = None
    """Trained weights of the same architecture to begin with; random ones where it is None."""
    rate: float = 1.0
    """Part of the recipe's learning rates."""


@dataclass(frozen=True)
class Recipe:
    """One set of weights. `name` is the weights' name, `architecture.recipe`."""

    name: str
    architecture: str
    objective: Callable[[nn.Module], Objective]
    source: Callable[[Path, int, tuple[Phase, ...]], Source]
    """Data folder, seed and phases to a source."""
    phases: tuple[Phase, ...]
    steps: int
    """Chosen so that one core of a processor with only AVX2 takes one to three hours; see `duration`."""
    options: dict[str, Any] = field(default_factory=dict)
    init_from: dict[str, str] = field(default_factory=dict)
    """Parts of the network that begin with those of other weights, {"decom": "retinexnet.split_resize"}: of the run
    next to this one's folder, else of the weights that the project ships."""
    warm_start: WarmStart | None = None
    """Where not only parts are taken over; before `init_from`."""
    input: dict[str, Any] = field(default_factory=dict)
    """The `input` part of the weights' config."""
    output: dict[str, Any] = field(default_factory=dict)
    """The `output` part of the weights' config."""
    schedule: str = "cosine"
    """"cosine", "step" or "plateau"; see `explorer.training.loop.make_schedules`."""
    cosine_restarts: tuple[tuple[float, float], ...] = ()
    """Restarts of the cosine: a share of the steps, and the part of the rate it restarts from."""
    pace: float = 1.0
    """Part of the objective's learning rates that is used."""
    own: Own | None = None
    """Set where the recipe is one of the project's on other pictures."""
    ema_decay: float = 0.999
    """Decay of the running average of the parameters that is validated and shipped; 0 for none."""
    epoch: int = 500
    """Steps between validations."""
    seed: int = 1
    summary: str = ""
    paper: str = ""
    duration: str = ""
    """How long the training takes, and on what."""
    training_data: str = ""
    known_failures: str = ""
    """Sentences for the model card."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further entries of the `training` part of the weights' config."""


def _modules() -> list[str]:
    import explorer.training.recipes as package

    return [m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]


def recipe_names() -> list[str]:
    """Names of all recipes: file `lamba_m0__raw_synthetic.py` is `lamba_m0.raw_synthetic`."""
    return sorted(name.replace("__", ".") for name in _modules())


def load_recipe(name: str) -> Recipe:
    """The recipe of a weights name.

    Raises:
        DataError: unknown name; the message lists the known ones.
    """
    if name not in recipe_names():
        raise DataError(f"There is no recipe {name!r}; the known ones are {', '.join(recipe_names())}.")
    recipe = importlib.import_module(f"explorer.training.recipes.{name.replace('.', '__')}").RECIPE
    assert isinstance(recipe, Recipe) and recipe.name == name
    return recipe


def own_recipe(own: Own) -> Recipe:
    """A recipe of the project as somebody trains it on pictures of their own, under a name of its own.

    Raises:
        DataError: an unknown recipe, or a name that the project has or that no weights can have.
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
