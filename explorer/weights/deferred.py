"""Models whose networks are loaded only on request, because their converted graphs run without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from explorer.errors import WeightsError
from explorer.machine import new_lock
from explorer.models.traits import Traits
from explorer.weights.config import WeightsConfig
from explorer.weights.store import MODEL_FILE, LoadedModel, WeightsIdentity, identified, load_weights

if TYPE_CHECKING:
    from explorer.models import RestorationNet


class DeferredModel(LoadedModel):
    """A model whose network is loaded only on request, because its converted graph runs without it.

    `net` is not set until then, so that `__getattr__` is called.
    """

    _traits: Traits
    _loading: Lock

    @property
    def traits(self) -> RestorationNet | Traits:
        """See `LoadedModel.traits`; for a copy with another network, that network."""
        return self.__dict__.get("_traits") or self.net

    def __getattr__(self, name: str) -> Any:
        if name != "net" or "_loading" not in self.__dict__:
            raise AttributeError(name)
        with self._loading:
            if "net" not in self.__dict__:
                assert self.folder is not None
                loaded = load_weights(self.folder, self.identity.revision)
                if loaded.identity != self.identity:
                    raise WeightsError(
                        code="error.weights_sha256",
                        path=self.folder / MODEL_FILE,
                        sha256=loaded.identity.sha256[:12],
                        wanted=self.identity.sha256[:12],
                    )
                object.__setattr__(self, "net", loaded.net)
        return self.__dict__["net"]


def deferred_weights(
    folder: Path, revision: str, known: Callable[[str, WeightsConfig], Traits | None]
) -> DeferredModel | None:
    """Opens a folder of weights without loading its network, because the same network was loaded before.

    Args:
        known: returns the known traits of the network with such tensors (by their file's sha256) and such a config;
            None if it was never loaded.

    Raises:
        WeightsError: bad config, or another file.
    """
    folder = Path(folder)
    config, sha256 = identified(folder)
    traits = known(sha256, config)
    if traits is None or config.domain != traits.architecture.domain:
        return None
    model = object.__new__(DeferredModel)
    given = {
        "name": config.name, "architecture": traits.architecture, "config": config, "folder": folder,
        "identity": WeightsIdentity(config.name, revision, sha256), "lock": new_lock(),
        "_traits": traits, "_loading": new_lock(),
    }  # fmt: skip
    for name, value in given.items():
        object.__setattr__(model, name, value)
    return model
