"""`restore`: a photo, a model and a ratio to a `Restoration`; and the models to choose from."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from explorer.errors import ModelNotFoundError, WeightsError
from explorer.models import SizeRequirements, architectures
from explorer.photo import Photo, RawPhoto, camera_to_display, check_ratio, model_input, suggest_ratio
from explorer.photo.reduce import reduced
from explorer.restoration import Restoration, frozen_maps
from explorer.weights.config import read_config
from explorer.weights.store import LoadedModel, available_weights, classical_model, load_weights

_CACHED_MODELS = 8


@dataclass(frozen=True)
class ModelInfo:
    """One entry of `list_models`: what a picker shows."""

    name: str
    """What `load_model` and `restore` take."""
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


def list_models() -> list[ModelInfo]:
    """Every model that can be used at once: those with weights at hand, then the classical methods.

    Folders whose config cannot be read are left out here; `load_model` on their name says what is wrong.
    """
    known = architectures()
    models = []
    for name, (folder, _) in available_weights().items():
        try:
            config = read_config(folder)
        except WeightsError:
            continue
        if config.architecture not in known:
            continue
        a = known[config.architecture]
        # A Decom-Net alone has no enhanced illumination to show, but decompose still names it.
        models.append(
            ModelInfo(
                name, a.name, a.title, config.summary or a.summary, a.domain, a.paper, config.licence,
                config.parameters, folder, a.intermediates,
            )
        )  # fmt: skip
    for a in known.values():
        if not a.needs_weights:
            models.append(
                ModelInfo(a.name, a.name, a.title, a.summary, a.domain, a.paper, "Apache-2.0", 0, None, a.intermediates)
            )
    return models


class _ModelCache:
    """Loaded models, the least recently used dropped first. Two threads asking for one model load it once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._models: OrderedDict[tuple[str, ...], LoadedModel] = OrderedDict()
        self._lock = Lock()

    def get(self, folder: Path, revision: str) -> LoadedModel:
        stat = (folder / "config.json").stat() if (folder / "config.json").is_file() else None
        key = (str(folder.resolve()), str(stat.st_mtime_ns if stat else 0), revision)
        with self._lock:
            if key not in self._models:
                self._models[key] = load_weights(folder, revision)
                while len(self._models) > self._size:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]


_CACHE = _ModelCache(_CACHED_MODELS)


def load_model(name: str, weights: str | Path | None = None) -> LoadedModel:
    """A model by its name, or from a folder of weights.

    Args:
        name: `architecture.recipe` ("lamba_m0.raw_synthetic"), a classical method ("clahe"), or the path of a folder.
        weights: a folder of weights to take instead of the one that `name` has; its architecture must be `name`'s.

    Raises:
        ModelNotFoundError: unknown name; the message lists the known ones.
        WeightsError: the folder's contents cannot be used.
    """
    if weights is not None:
        model = _CACHE.get(Path(weights), "local")
        if model.architecture.name != name.split(".")[0]:
            raise WeightsError(
                f"{weights} holds weights of {model.architecture.name}, not of {name}; give its own architecture's name."
            )
        return model
    at_hand = available_weights()
    if name in at_hand:
        return _CACHE.get(*at_hand[name])
    known = architectures()
    if name in known and not known[name].needs_weights:
        return classical_model(name)
    if "/" in name and Path(name).is_dir():
        return _CACHE.get(Path(name), "local")
    names = [*at_hand, *(a.name for a in known.values() if not a.needs_weights)]
    matching = [n for n in names if n.split(".")[0] == name]
    hint = f"; weights of it: {', '.join(matching)}" if matching else ""
    raise ModelNotFoundError(f"There is no model {name!r}{hint}. The known ones are {', '.join(names)}.")


def suggested_ratio(photo: Photo, model: LoadedModel) -> tuple[float, str]:
    """What `ratio="auto"` gives: the rule that the model's weights were trained with, and where its value came from."""
    convention = model.config.input
    if convention.ratio_rule == "none":
        return 1.0, "this model brightens by itself"
    suggestion = suggest_ratio(photo, convention.ratio_rule, m=convention.ratio_m)
    return suggestion.ratio, suggestion.source


def pad_to_size(x: torch.Tensor, size: SizeRequirements) -> torch.Tensor:
    """Pads N x C x H x W at the bottom and right by reflection, as often as needed.

    A reflection about the last sample keeps a mosaic's phase; a side of one sample is repeated.
    """
    target = [size.padded(n) for n in x.shape[-2:]]
    while [*x.shape[-2:]] != target:
        height, width = x.shape[-2:]
        down, right = (min(t - n, n - 1) for t, n in zip(target, (height, width), strict=True))
        if (height == 1 and target[0] > 1) or (width == 1 and target[1] > 1):
            x = F.pad(x, (0, int(width == 1 and target[1] > 1), 0, int(height == 1 and target[0] > 1)), mode="replicate")
        else:
            x = F.pad(x, (0, right, 0, down), mode="reflect")
    return x


def run_network(model: LoadedModel, planes: NDArray[np.float32]) -> tuple[dict[str, NDArray[np.float32]], float]:
    """Runs a network on C x H x W planes: pads, runs, crops.

    Returns:
        Every named map as H x W x C (the image at full resolution), and the seconds that the network took.
    """
    # A copy: photos are read-only, and torch cannot promise to leave a tensor that shares their memory alone.
    x = torch.from_numpy(np.array(planes, dtype=np.float32))[None]
    height, width = x.shape[-2:]
    padded = pad_to_size(x, model.architecture.size)
    with model.lock, torch.inference_mode():
        started = time.perf_counter()
        outputs = model.net.decompose(padded)
        seconds = time.perf_counter() - started
    maps = {}
    for name, value in outputs.items():
        scale_y, scale_x = (o / p for o, p in zip(value.shape[-2:], padded.shape[-2:], strict=True))
        cropped = value[0, :, : max(1, round(height * scale_y)), : max(1, round(width * scale_x))]
        maps[name] = cropped.permute(1, 2, 0).float().numpy()
    return maps, seconds


def restore(
    photo: Photo,
    model: str | LoadedModel,
    ratio: float | str = "auto",
    *,
    max_side: int | None = None,
) -> Restoration:
    """Restores a photograph.

    Args:
        photo: from `explorer.open_photo`; any photo goes with any model, through one documented conversion.
        model: a name or a loaded model.
        ratio: amplification in linear light, 1 to 300; "auto" follows the rule that the weights were trained with.
            1 leaves the input as it is.
        max_side: reduce the photo first so that its longest side is at most this many pixels (a quick preview).

    Raises:
        RatioError, ModelNotFoundError, WeightsError: see there.
    """
    automatic = isinstance(ratio, str) and ratio.strip().lower() == "auto"
    value = 1.0 if automatic else check_ratio(ratio)
    loaded = load_model(model) if isinstance(model, str) else model
    if automatic:
        value, source = suggested_ratio(photo, loaded)
    else:
        source = "given"
    if max_side is not None:
        photo = reduced(photo, max_side)
    convention = loaded.config.input
    planes = model_input(
        photo,
        loaded.architecture.domain,
        value,
        white_balance=convention.white_balance,
        clip=convention.clip,
        plane_order=convention.plane_order,
    )
    maps, seconds = run_network(loaded, planes.planes)
    image = np.clip(maps.pop("image"), 0, 1)
    if loaded.config.output.color == "camera":
        image = camera_to_display(image, planes.camera_to_srgb)
    turns = planes.rotation // 90
    upright: dict[str, Any] = {k: np.ascontiguousarray(np.rot90(v, turns)) for k, v in maps.items()}
    image = np.ascontiguousarray(np.rot90(image, turns), dtype=np.float32)
    image.setflags(write=False)
    return Restoration(
        image=image,
        intermediates=frozen_maps(upright),
        ratio=value,
        ratio_source=source,
        model=loaded.name,
        weights=loaded.identity,
        seconds=seconds,
        device="cpu",
        precision="float32",
        backend="torch",
        notes=(*photo.notes, *planes.notes) if isinstance(photo, RawPhoto) else planes.notes,
        photo_name=photo.name,
        exif=photo.exif,
    )
