"""Where tensors come from: folders of weights, and published checkpoints with their key maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.weights.config import WeightsConfig, read_config
    from explorer.weights.published import CATALOGUE, convert_published, import_published
    from explorer.weights.store import (
        LoadedModel,
        WeightsIdentity,
        available_weights,
        load_weights,
        write_weights,
    )

_HOME = {
    "WeightsConfig": "config",
    "read_config": "config",
    "CATALOGUE": "published",
    "convert_published": "published",
    "import_published": "published",
    "LoadedModel": "store",
    "WeightsIdentity": "store",
    "available_weights": "store",
    "load_weights": "store",
    "write_weights": "store",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"explorer.weights.{_HOME[name]}"), name)
    raise AttributeError(f"module 'explorer.weights' has no attribute {name!r}")
