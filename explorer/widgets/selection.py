"""The models that a widget offers, with readable labels."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import explorer
from explorer.loading import ModelInfo, info_of
from explorer.models import architecture as descriptor_of
from explorer.weights.config import InputConvention, OutputConvention, WeightsConfig, default_conventions
from explorer.weights.store import LoadedModel, WeightsIdentity

if TYPE_CHECKING:
    from explorer.models import RestorationNet

ModelChoice = str | LoadedModel


def ordered(models: Iterable[ModelInfo]) -> list[ModelInfo]:
    """Sorts networks with weights first, then classical methods, each by title and name."""
    return sorted(models, key=lambda info: (info.weights is None, info.title.lower(), info.name))


def as_model(
    net: RestorationNet,
    architecture: str,
    name: str = "mine",
    *,
    input: dict[str, Any] | None = None,
    output: dict[str, Any] | None = None,
) -> LoadedModel:
    """Makes a model for the widgets and `explorer.restore` from a network that a cell has built or trained.

    Args:
        net: it is copied, so that further training does not change the model.
        architecture: its name in the registry.
        name: second part of the model's name, "architecture.name".
        input, output: the conventions that it was trained with, as in a config of weights; by default, RAW networks get
            the learned rule for the amplification, and others none.

    Raises:
        ModelNotFoundError: there is no such architecture.
    """
    descriptor = descriptor_of(architecture)
    raw = descriptor.domain != "rgb"
    given, returned = default_conventions(descriptor.domain, brightens=not raw)
    convention = {"clip": (-0.2 if raw else 0.0, 1.0), **(input or {})}
    full = f"{architecture}.{name}"
    config = WeightsConfig(
        name=full,
        architecture=architecture,
        domain=descriptor.domain,
        input=InputConvention.model_validate(given.model_dump() | convention),
        output=OutputConvention.model_validate(returned.model_dump() | (output or {})),
        parameters=sum(p.numel() for p in net.parameters()),
        summary="A network of a notebook's own.",
    )
    kept = copy.deepcopy(net).to("cpu").eval().requires_grad_(False)
    return LoadedModel(full, descriptor, kept, config, WeightsIdentity(full, "notebook", ""))


class Models:
    """The choices with their labels: the installed models, and loaded ones that a cell has added."""

    def __init__(self, wanted: Iterable[str] | None = None) -> None:
        """Starts with the installed models, or only those among `wanted`."""
        chosen = None if wanted is None else set(wanted)
        listed = [info for info in ordered(explorer.list_models()) if chosen is None or info.name in chosen]
        self.labels = {info.name: info.label() for info in listed}
        self._weighted = {info.name for info in listed if info.weights is not None}
        self._brought: dict[str, LoadedModel] = {}

    def take(self, choice: ModelChoice) -> str:
        """Returns the name of a choice; adds a model that is not in the list yet.

        Raises:
            ModelNotFoundError, WeightsError: it cannot be loaded.
        """
        loaded = explorer.load_model(choice) if isinstance(choice, str) and choice not in self.labels else choice
        if isinstance(loaded, str):
            return loaded
        self._brought[loaded.name] = loaded
        self.labels[loaded.name] = info_of(loaded).label()
        return loaded.name

    def loaded(self, name: str) -> LoadedModel:
        """Returns the model of a name.

        Raises:
            ModelNotFoundError, WeightsError: it cannot be loaded.
        """
        return self._brought[name] if name in self._brought else explorer.load_model(name)

    @property
    def options(self) -> list[tuple[str, str]]:
        """Returns (label, name) pairs for a dropdown."""
        return [(words, name) for name, words in self.labels.items()]

    @property
    def networks(self) -> list[str]:
        """Returns the names of models with weights, including those that cells have added."""
        return [name for name in self.labels if name in self._brought or name in self._weighted]
