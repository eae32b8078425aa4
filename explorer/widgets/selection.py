"""The models that a widget offers, by readable labels."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import explorer
from explorer.models import architecture as descriptor_of
from explorer.restorer import ModelInfo
from explorer.weights.config import InputConvention, OutputConvention, WeightsConfig
from explorer.weights.store import LoadedModel, WeightsIdentity

if TYPE_CHECKING:
    from explorer.models import RestorationNet

ModelChoice = str | LoadedModel


def label(name: str, title: str) -> str:
    """E.g. "RetinexNet · joint decom only" for weights, "CLAHE" for a classical method."""
    recipe = name.partition(".")[2]
    return f"{title} · {recipe.replace('_', ' ')}" if recipe else title


def ordered(models: Iterable[ModelInfo]) -> list[ModelInfo]:
    """Networks with weights first, then classical methods, each in alphabetical order of title and name."""
    return sorted(models, key=lambda info: (info.weights is None, info.title.lower(), info.name))


def as_model(
    net: RestorationNet,
    architecture: str,
    name: str = "mine",
    *,
    input: dict[str, Any] | None = None,
    output: dict[str, Any] | None = None,
) -> LoadedModel:
    """A network that a cell has built or trained, as a model for the widgets and `explorer.restore`.

    Args:
        net: it is copied, so that further training does not change the model.
        architecture: its name in the registry.
        name: of the model; "architecture.name" is what it is called.
        input, output: the conventions that it was trained with, as in a config of weights; the learnt rule for the
            amplification for RAW networks, none for others, unless given.

    Raises:
        ModelNotFoundError: there is no such architecture.
    """
    descriptor = descriptor_of(architecture)
    raw = descriptor.domain != "rgb"
    given = {"ratio_rule": "learned" if raw else "none", "clip": [-0.2 if raw else 0.0, 1.0], **(input or {})}
    full = f"{architecture}.{name}"
    config = WeightsConfig(
        name=full,
        architecture=architecture,
        domain=descriptor.domain,
        input=InputConvention.model_validate(given),
        output=OutputConvention.model_validate({"color": "camera" if raw else "srgb", **(output or {})}),
        parameters=sum(p.numel() for p in net.parameters()),
        summary="A network of a notebook's own.",
    )
    kept = copy.deepcopy(net).to("cpu").eval().requires_grad_(False)
    return LoadedModel(full, descriptor, kept, config, WeightsIdentity(full, "notebook", ""))


class Models:
    """Names and labels of what can be chosen: the installed models, and loaded ones that a cell brings along."""

    def __init__(self, wanted: Iterable[str] | None = None) -> None:
        """Takes the installed models, or those of them that are among `wanted`."""
        chosen = None if wanted is None else set(wanted)
        listed = [info for info in ordered(explorer.list_models()) if chosen is None or info.name in chosen]
        self.labels = {info.name: label(info.name, info.title) for info in listed}
        self._weighted = {info.name for info in listed if info.weights is not None}
        self._brought: dict[str, LoadedModel] = {}

    def take(self, choice: ModelChoice) -> str:
        """The name of a choice; a model that is not in the list yet is added to it.

        Raises:
            ModelNotFoundError, WeightsError: it cannot be loaded.
        """
        loaded = explorer.load_model(choice) if isinstance(choice, str) and choice not in self.labels else choice
        if isinstance(loaded, str):
            return loaded
        self._brought[loaded.name] = loaded
        self.labels[loaded.name] = label(loaded.name, loaded.architecture.title)
        return loaded.name

    def loaded(self, name: str) -> LoadedModel:
        """The model of a name.

        Raises:
            ModelNotFoundError, WeightsError: it cannot be loaded.
        """
        return self._brought[name] if name in self._brought else explorer.load_model(name)

    @property
    def options(self) -> list[tuple[str, str]]:
        """(label, name) for a dropdown."""
        return [(words, name) for name, words in self.labels.items()]

    @property
    def networks(self) -> list[str]:
        """Names of those with weights, the brought ones among them."""
        return [name for name in self.labels if name in self._brought or name in self._weighted]
