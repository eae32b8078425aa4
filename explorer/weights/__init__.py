"""Weights: folders of weights, and published checkpoints with their key maps."""

from __future__ import annotations

from explorer.weights.catalogue import CATALOGUE
from explorer.weights.config import WeightsConfig, read_config
from explorer.weights.importing import convert_published, import_published
from explorer.weights.store import LoadedModel, WeightsIdentity, available_weights, load_weights, write_weights

__all__ = [
    "CATALOGUE", "LoadedModel", "WeightsConfig", "WeightsIdentity", "available_weights", "convert_published",
    "import_published", "load_weights", "read_config", "write_weights",
]  # fmt: skip
