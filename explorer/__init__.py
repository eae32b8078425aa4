"""Lowlight Explorer: see how neural networks restore extremely dark photos.

    import explorer

    photo = explorer.open_photo("night.dng")
    result = explorer.restore(photo, "lamba_m0.raw_synthetic", ratio="auto")
    result.save("night.png", bits=16)

Importing this package loads nothing heavy; each name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer import errors

if TYPE_CHECKING:
    from explorer.darkroom import darken
    from explorer.inspect import compare, decompose, feature_maps
    from explorer.loading import ModelInfo, list_models, load_model
    from explorer.photo import Photo, RawPhoto, RgbPhoto, open_mosaic, open_photo, suggest_ratio
    from explorer.restoration import Restoration
    from explorer.restorer import restore
    from explorer.video import VideoResult, restore_video
    from explorer.weights.store import LoadedModel

__version__ = "0.1.0"

_HOME = {
    "Photo": "photo",
    "RawPhoto": "photo",
    "RgbPhoto": "photo",
    "open_mosaic": "photo",
    "open_photo": "photo",
    "suggest_ratio": "photo",
    "Restoration": "restoration",
    "LoadedModel": "weights.store",
    "darken": "darkroom",
    "compare": "inspect",
    "decompose": "inspect",
    "feature_maps": "inspect",
    "ModelInfo": "loading",
    "list_models": "loading",
    "load_model": "loading",
    "restore": "restorer",
    "VideoResult": "video",
    "restore_video": "video",
}
_SUBMODULES = ("darkroom", "inspect", "models", "photo", "training", "views", "weights", "widgets", "examples")
__all__ = ["errors", *_HOME]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOME:
        return getattr(import_module(f"explorer.{_HOME[name]}"), name)
    if name in _SUBMODULES:
        return import_module(f"explorer.{name}")
    raise AttributeError(f"module 'explorer' has no attribute {name!r}")
