"""Lists models and loads them by name, each once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.engine import known_traits
from explorer.errors import WeightsError
from explorer.machine import new_lock
from explorer.models import Architecture, architectures
from explorer.sources import installed, resolve
from explorer.weights.config import read_config
from explorer.weights.deferred import deferred_weights
from explorer.weights.store import MODEL_FILE, LoadedModel, classical_model, load_weights, untrained_model

if TYPE_CHECKING:
    from explorer.models import RestorationNet

_CACHED_MODELS = 8


@dataclass(frozen=True)
class ModelInfo:
    """One entry of `list_models`."""

    name: str
    """The name for `load_model` and `restore`."""
    architecture: str
    title: str
    summary: str
    domain: str
    paper: str
    licence: str
    parameters: int
    weights: Path | None
    """The folder of weights; None for classical methods."""
    intermediates: tuple[str, ...]

    @property
    def published(self) -> bool:
        """True for an imported checkpoint: its name is the catalogue's, without a recipe after a dot."""
        return self.weights is not None and "." not in self.name

    def label(self, published: str = "published") -> str:
        """What menus call the model, so that no two of one architecture look alike.

        Args:
            published: the word for imported checkpoints, in the reader's language.

        Returns:
            E.g. "RetinexNet · joint decom only" for a network, "RetinexNet · port (published)" for an imported
            checkpoint, "CLAHE" for a classical method.
        """
        recipe = self.name.partition(".")[2]
        if self.published:
            recipe = f"{self.name.removeprefix(self.architecture).strip('_')} ({published})".strip()
        return f"{self.title} · {recipe.replace('_', ' ')}" if recipe else self.title


def list_models() -> list[ModelInfo]:
    """Lists every model that can be used now: those with installed weights, then the classical methods.

    Never touches the network. Skips folders whose config cannot be read; `load_model` with their name reports the
    error.

    Examples:
        >>> import explorer
        >>> "clahe" in [info.name for info in explorer.list_models()]
        True
    """
    known = architectures(from_tensors=True)
    models = []
    for name, found in installed().items():
        try:
            config = read_config(found.folder)
        except WeightsError:
            continue
        if a := known.get(config.architecture):
            models.append(_info(a, name, config.summary or a.summary, config.licence, config.parameters, found.folder))
    methods = [a for a in known.values() if not a.needs_weights]
    return [*models, *(_info(a, a.name, a.summary, "Apache-2.0", 0, None) for a in methods)]


def info_of(model: LoadedModel) -> ModelInfo:
    """Describes a loaded model as `list_models` does."""
    config, a = model.config, model.architecture
    return _info(a, model.name, config.summary or a.summary, config.licence, config.parameters, model.folder)


def _info(a: Architecture, name: str, summary: str, licence: str, parameters: int, folder: Path | None) -> ModelInfo:
    # A Decom-Net on its own has no enhanced illumination, but its description still names it.
    shown = tuple(each.name for each in a.intermediates)
    return ModelInfo(name, a.name, a.title, summary, a.domain, a.paper, licence, parameters, folder, shown)


def _stamp(path: Path) -> str:
    """Returns a string that changes when the file does."""
    stat = path.stat() if path.is_file() else None
    return f"{stat.st_mtime_ns}/{stat.st_size}" if stat else ""


class _ModelCache:
    """Least-recently-used cache of loaded models. Two threads that ask for the same model load it once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._models: OrderedDict[tuple[str, ...], LoadedModel] = OrderedDict()
        self._lock = new_lock()

    def get(self, folder: Path, revision: str) -> LoadedModel:
        key = (str(folder.resolve()), revision, *(_stamp(folder / name) for name in ("config.json", MODEL_FILE)))
        with self._lock:
            if key not in self._models:
                self._models[key] = deferred_weights(folder, revision, known_traits) or load_weights(folder, revision)
                while len(self._models) > self._size:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]


_CACHE = _ModelCache(_CACHED_MODELS)


def _of_file(path: Path) -> LoadedModel:
    """Loads a folder of weights, named by itself or its file of tensors; any other file is a checkpoint."""
    if path.is_file() and (path.name != MODEL_FILE or not (path.parent / "config.json").is_file()):
        from explorer.weights.importing import load_recognised

        return load_recognised(path)
    return _CACHE.get(path.parent if path.is_file() else path, "local")


def load_model(name: str | None, weights: str | Path | None = None, *, source: str | None = None) -> LoadedModel:
    """Finds a model's weights by its name and loads them once.

    The user's settings decide which sources are searched, and in which order (docs/hub.md). Cached weights need no
    connection.

    Args:
        name: `architecture.recipe` ("lamba_m0.raw_synthetic"), a classical method ("clahe"), the path of a folder, or
            weights on the Hub: "hf:org/repo/lamba_m0.raw_synthetic@<commit>". A branch, or no revision, is resolved to
            a commit, which `identity.revision` names. None if `weights` say it.
        weights: a folder of weights, a file whose tensors reveal the network, or an `hf:` name, to use instead of those
            of `name`; with the same architecture.
        source: search only this source, e.g. "hub".

    Raises:
        ModelNotFoundError: unknown name, or an architecture without weights; the message lists the known ones.
        HubError: weights of the Hub that are not available; the message says how to get them.
        WeightsError: the folder's contents cannot be used.

    Examples:
        >>> import explorer
        >>> explorer.load_model("sci.lol").config.parameters
        258
    """
    if weights is not None and not str(weights).startswith("hf:"):
        model = _of_file(Path(weights))
    elif weights is None and source is None and name in (known := architectures()) and not known[name].needs_weights:
        return classical_model(name)
    else:
        found = resolve(str(name if weights is None else weights), source=source)
        model = _CACHE.get(found.folder, found.revision)
    if name is not None and weights is not None and model.architecture.name != name.split(".")[0]:
        raise WeightsError(
            f"{weights} contains weights of {model.architecture.name}, not of {name}; give its own architecture's name."
        )
    return model


def as_model(model: str | LoadedModel | RestorationNet) -> LoadedModel:
    """Returns a loaded model from a name, a network or a loaded model.

    Raises:
        ModelNotFoundError, HubError, WeightsError: as `load_model`; or a network of no known architecture.
    """
    if isinstance(model, str):
        return load_model(model)
    return model if isinstance(model, LoadedModel) else untrained_model(model)
