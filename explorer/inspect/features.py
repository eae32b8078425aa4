"""Feature maps: a layer's output for a photo, and the result with some of its channels switched off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import ModelNotFoundError
from explorer.inspect.hooks import hooked
from explorer.machine import flush_denormals
from explorer.photo import Photo, RawPhoto, camera_to_display, check_ratio
from explorer.photo.light.develop import grey_of
from explorer.photo.light.reduce import reduced
from explorer.photo.values import FloatArray
from explorer.restorer import as_model, network_input, suggested_ratio
from explorer.weights.store import LoadedModel

if TYPE_CHECKING:  # torch takes seconds to import, and the app starts before it is needed
    import torch
    from torch import nn


MAP_SIDE = 320
"""Default for the longest side, in pixels, of the preview that maps are computed on."""
LARGEST_MAPS = 64 * 2**20
"""Largest size of one layer's maps, in bytes; the preview is reduced until they fit."""
_SMALLEST_SIDE = 64


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """The maps of one layer."""

    layer: str
    maps: FloatArray
    """H x W x C, upright, as output by the layer, before any activation that the network applies outside it."""
    image: FloatArray
    """H' x W' x 3 sRGB in [0, 1]: the restored preview."""
    ratio: float
    side: int
    """Longest side, in pixels, of the preview that the maps were computed on."""
    network_range: tuple[float, float]
    """Lowest and highest output of any innermost layer of the network for this preview."""
    bounded: bool
    """True if the preview is smaller than requested, so that the maps fit into `LARGEST_MAPS`."""


@contextmanager
def captured(net: nn.Module, names: Iterable[str]) -> Iterator[dict[str, torch.Tensor]]:
    """Captures the outputs of the named modules while the block runs; the last run counts.

    All hooks are removed at the end, even after an error. Runs in other threads are ignored.

    Raises:
        ModelNotFoundError: the network has no module of that name.
    """
    import torch

    given: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                given[name] = output.detach()

        return hook

    wanted = [(_module_of(net, name), keep(name)) for name in names]
    with hooked(wanted):
        yield given


@contextmanager
def switched_off(net: nn.Module, channels: Mapping[str, Iterable[int]]) -> Iterator[None]:
    """Switches off channels while the block runs: their maps are 0 for all later layers.

    Args:
        channels: by module name, the channels of its output.

    Raises:
        ModelNotFoundError: the network has no module of that name, or the module no such channel (detected when it
            runs).
    """
    import torch

    def silence(name: str, silent: list[int]) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            if not isinstance(output, torch.Tensor):
                return None
            if beyond := [c for c in silent if not 0 <= c < output.shape[1]]:
                raise ModelNotFoundError(
                    f"{name} has channels 0 to {output.shape[1] - 1}, so {beyond[0]} cannot be switched off."
                )
            output = output.clone()
            output[:, silent] = 0
            return output

        return hook

    wanted = [(_module_of(net, name), silence(name, sorted(set(which)))) for name, which in channels.items()]
    with hooked(wanted):
        yield


def _module_of(net: nn.Module, name: str) -> nn.Module:
    try:
        if name:
            return net.get_submodule(name)
    except AttributeError:
        pass
    known = [each for each, module in net.named_modules() if each and not list(module.children())]
    raise ModelNotFoundError(code="error.no_layer", name=repr(name), known=", ".join(known[:8]))


def feature_maps(
    photo: Photo,
    model: str | LoadedModel,
    layer: str,
    ratio: float | str = "auto",
    *,
    max_side: int = MAP_SIDE,
    off: Mapping[str, Iterable[int]] | None = None,
) -> FeatureMaps:
    """Computes the output of a layer for a photo, by torch in float32, on a preview of limited size.

    Args:
        layer: a name of `explorer.inspect.layers`, e.g. "decom.body.2".
        ratio: as in `explorer.restore`.
        max_side: longest side of the preview in pixels; less if the maps would be larger than `LARGEST_MAPS`.
        off: channels to switch off, by layer.

    Raises:
        ModelNotFoundError: an unknown model, layer or channel, or a layer without a map.
        RatioError: a ratio that is not "auto" or a number from 1 to 300.

    Examples:
        >>> import explorer
        >>> cat = explorer.open_photo(explorer.examples.examples()[2].path)
        >>> explorer.feature_maps(cat, "sci.lol", "first", max_side=64).maps.shape
        (43, 64, 3)
    """
    loaded = as_model(model)
    automatic = isinstance(ratio, str) and ratio.strip().lower() == "auto"
    value = suggested_ratio(photo, loaded)[0] if automatic else check_ratio(ratio)
    side, bounded = max_side, False
    while True:
        try:
            return _mapped(reduced(photo, side), loaded, layer, value, side, bounded, off or {})
        except _TooLargeError as excess:
            side = max(_SMALLEST_SIDE, int(side * min(0.9, excess.share**0.5 * 0.98)))
            bounded = True


class _TooLargeError(Exception):
    """The maps would be larger than `LARGEST_MAPS`."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share


def _mapped(
    photo: Photo,
    loaded: LoadedModel,
    layer: str,
    ratio: float,
    side: int,
    bounded: bool,
    off: Mapping[str, Iterable[int]],
) -> FeatureMaps:
    import torch

    flush_denormals()
    given = network_input(photo, loaded, ratio)
    height, width = given.planes.shape[1:]
    legal = loaded.net.size.padded
    padded = torch.from_numpy(np.array(given.region(0, legal(height), 0, legal(width))))[None]
    padded = padded.to(next(loaded.net.parameters(), padded).device)
    with ExitStack() as block:
        block.enter_context(loaded.lock)
        # Channels are switched off first, so that the captured maps are those that the next layer reads.
        block.enter_context(switched_off(loaded.net, off))
        kept = block.enter_context(captured(loaded.net, [layer]))
        extremes = block.enter_context(_extremes(loaded.net))
        block.enter_context(torch.inference_mode())
        image = loaded.net.forward_intermediates(padded)["image"]
    if layer not in kept or kept[layer].dim() != 4:
        raise ModelNotFoundError(code="error.no_map", layer=repr(layer))
    size = kept[layer].numel() * 4
    if size > LARGEST_MAPS and side > _SMALLEST_SIDE:
        raise _TooLargeError(LARGEST_MAPS / size)
    picture = np.clip(_cropped(image, padded, given.planes), 0, 1)
    if loaded.config.output.color == "camera":
        picture = camera_to_display(picture, given.camera_to_srgb)
    picture = given.placement.upright(picture)
    return FeatureMaps(
        layer=layer,
        maps=given.placement.upright(_cropped(kept[layer], padded, given.planes)),
        image=grey_of(picture) if isinstance(photo, RawPhoto) and photo.monochrome else picture,
        ratio=ratio,
        side=max(photo.size),
        network_range=(extremes[0], extremes[1]),
        bounded=bounded,
    )


@contextmanager
def _extremes(net: nn.Module) -> Iterator[list[float]]:
    """Tracks the lowest and highest output of the innermost modules while the block runs."""
    import torch

    found = [0.0, 0.0]

    def widen(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            low, high = torch.aminmax(output)
            found[0], found[1] = min(found[0], float(low)), max(found[1], float(high))

    with hooked((module, widen) for module in net.modules() if not list(module.children())):
        yield found


def _cropped(values: torch.Tensor, padded: torch.Tensor, planes: FloatArray) -> FloatArray:
    """Converts 1 x C x H x W to H' x W' x C without the padding."""
    height, width = (max(1, round(planes.shape[axis] * values.shape[axis] / padded.shape[axis])) for axis in (-2, -1))
    return values[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()


def kernels(model: LoadedModel, layer: str, channel: int, most: int = 64) -> FloatArray | None:
    """Returns the weights of one output channel of a layer.

    Returns:
        N x k x k, one kernel for each input channel (the first `most` of them); None if the layer is not a
        convolution.

    Raises:
        ModelNotFoundError: the network has no such layer.
    """
    from torch import nn

    module = _module_of(model.net, layer)
    if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        return None
    weight = module.weight.detach().float().cpu()
    if isinstance(module, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    if not 0 <= channel < weight.shape[0]:
        return None
    return weight[channel, :most].numpy().copy()
