"""The work of the Feature maps tab: a layer's channels, one of them in detail, and its effect.

Plain functions on a `Session`; `explorer.app.features_tab` lays them out.
"""

from __future__ import annotations

import io
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from explorer.app import model_picker, text
from explorer.app.components import note
from explorer.app.pictures import values_of
from explorer.app.session import Session
from explorer.choices import RatioChoice
from explorer.errors import ModelNotFoundError
from explorer.inspect import FeatureMaps, Layer, feature_maps, layers
from explorer.inspect.features import LARGEST_MAPS, MAP_SIDE, kernels
from explorer.messages import say
from explorer.views.features import (
    GAP,
    Scope,
    channel_scale,
    channel_sheet,
    kernel_sheet,
    printed_sheet,
    scale_of,
    statistics,
)
from explorer.views.pictures import (
    FloatArray,
    absolute_difference,
    false_colour,
    palette_css,
    png,
    resized_like,
    within,
)
from explorer.views.words import ratio_words

PAGE = 64
"""Channels per sheet."""
_GROUP = "features"


@dataclass(frozen=True)
class Choice:
    """The visitor's choice, with every part validated."""

    model: str
    ratio: RatioChoice
    layer: str
    scope: Scope
    first: int
    channel: int
    off: tuple[int, ...]
    beside: str
    beside_ratio: float
    beside_model: str | None


def layer_facts(layer: Layer) -> dict[str, Any]:
    """A layer as the list shows it; JSON-serialisable."""
    field = layer.receptive_field
    return {
        "name": layer.name,
        "kind": layer.kind,
        "depth": layer.depth,
        "order": layer.order,
        "leaf": layer.leaf,
        "inputs": layer.inputs,
        "outputs": layer.outputs,
        "kernel": list(layer.kernel) if layer.kernel else None,
        "reduction": layer.reduction,
        "field": "all" if field is not None and math.isinf(field) else None if field is None else round(field),
        "parameters": layer.parameters,
        "sources": list(layer.sources),
    }


def default_layer(found: list[Layer]) -> str | None:
    """The initial layer: an early one with many channels at the largest size, where the scene is recognisable."""
    running = sorted((layer for layer in found if layer.leaf and layer.outputs), key=lambda layer: layer.order)
    rich = [layer for layer in running if (layer.outputs or 0) >= 16] or running
    finest = min((layer.reduction or math.inf for layer in rich), default=math.inf)
    wanted = [layer for layer in rich if layer.reduction == finest] or rich
    return wanted[min(1, len(wanted) - 1)].name if wanted else None


def networks() -> list[str]:
    """Models with layers to look into."""
    return [name for name, info in model_picker.models().items() if info.weights is not None]


def maps_of(session: Session, model: str, layer: str, ratio: RatioChoice, off: tuple[int, ...]) -> FeatureMaps:
    """A layer's maps for the open photo. The last few are kept as long as the photo stays open.

    Raises: as `explorer.feature_maps`; PhotoError if no photo is open.
    """
    opened, key = session.require_open(), (model, layer, ratio, off)

    def found() -> FeatureMaps:
        return feature_maps(opened.small, model_picker.load(model), layer, ratio, off={layer: off} if off else None)

    return session.kept(opened.work.features, key, found, most=3)


@dataclass(frozen=True)
class Shown:
    """The contents of the tab for a choice."""

    grid: dict[str, Any]
    """The value of the channel grid."""
    first: int
    """The first channel of the sheet."""
    last_first: int
    """The first channel of the last sheet; 0 if there is only one."""
    board: dict[str, Any]
    """What the tiles show."""
    status: str
    kernel: str


def layer_tree(model: str | None, kept: str | None) -> dict[str, Any]:
    """The value of the list of a network's layers. The selected layer stays selected if the network has it too.

    Raises:
        ModelNotFoundError: no network is chosen.
    """
    if not model:
        raise ModelNotFoundError(text.FEATURES_NONE)
    found = layers(model_picker.load(model))
    if kept not in {layer.name for layer in found if layer.outputs}:
        kept = default_layer(found)
    return {"network": model, "layers": [layer_facts(layer) for layer in found], "selected": kept}


def checked_choice(
    model: str | None, tree: Mapping[str, Any] | None, grid: Mapping[str, Any] | None, first: float, **others: Any
) -> Choice:
    """Validates a choice, and drops channels that were picked in another layer.

    Args:
        tree, grid: values of the list of layers and of the channel grid.
        first: the first channel of the sheet.

    Raises:
        ModelNotFoundError: no network, or no layer.
    """
    given, layer = grid or {}, (tree or {}).get("selected")
    if not model:
        raise ModelNotFoundError(text.FEATURES_NONE)
    if not layer:
        raise ModelNotFoundError(text.FEATURES_PICK)
    if given.get("of", [model, layer]) != [model, layer]:
        given, first = {}, 0
    off = tuple(sorted(int(c) for c in given.get("off", [])))
    return Choice(model=model, layer=layer, first=int(first), channel=int(given.get("selected", 0)), off=off, **others)


def show(session: Session, choice: Choice) -> Shown:
    """A layer's channels and one of them in detail.

    Raises: as `maps_of`.
    """
    plain = maps_of(session, choice.model, choice.layer, choice.ratio, ())
    count = plain.maps.shape[2]
    last = (count - 1) // PAGE * PAGE
    first = min(choice.first, last)
    channel = min(max(choice.channel, 0), count - 1)
    if not first <= channel < first + PAGE:
        channel = first
    return Shown(
        grid=_grid(session, choice, plain, first, channel),
        first=first,
        last_first=last,
        board={"batch": secrets.token_hex(4), "keep": True, "tiles": _tiles(session, choice, plain, channel)},
        status=note(_notes(choice, plain)),
        kernel=_kernels(session, choice, channel),
    )


def saved(session: Session, choice: Choice, kind: str) -> Path:
    """Writes a layer's maps to a file: "npy", or "png" for a sheet of all channels."""
    found = maps_of(session, choice.model, choice.layer, choice.ratio, ())
    path = session.download_path(f"{choice.model}-{choice.layer}.{kind}", "features")
    if kind == "npy":
        with io.BytesIO() as buffer:
            np.save(buffer, found.maps)
            path.write_bytes(buffer.getvalue())
    else:
        heading = (
            f"{session.require_open().small.name}, {choice.model}, {choice.layer}, amplified {found.ratio:.3g} times"
        )
        path.write_bytes(printed_sheet(found.maps, choice.scope, found.network_range, heading))
    return path


def _grid(session: Session, choice: Choice, found: FeatureMaps, first: int, channel: int) -> dict[str, Any]:
    sheet = channel_sheet(found.maps, first, PAGE, choice.scope, found.network_range)
    shown = range(first, min(first + PAGE, found.maps.shape[2]))
    scales = [channel_scale(found.maps, each, choice.scope, found.network_range) for each in shown]
    height, width = sheet.image.shape[:2]
    return {
        "of": [choice.model, choice.layer],
        "sheet": session.serve(png(sheet.image), group="features-sheet", keep=6),
        "width": width,
        "height": height,
        "columns": sheet.columns,
        "cell": list(sheet.cell),
        "gap": GAP,
        "first": first,
        "count": len(shown),
        "scales": [[scale.low, scale.high, palette_css(scale.palette)] for scale in scales],
        "stats": [_stats(row) for row in statistics(found.maps[..., first : first + PAGE])],
        "selected": channel,
        "off": list(choice.off),
    }


def _stats(row: FloatArray) -> str:
    mean, deviation, low, high = (format(float(value), ".3g") for value in row[:4])
    return text.FEATURES_STATS.format(mean=mean, deviation=deviation, low=low, high=high, dead=round(100 * row[4]))


def _notes(choice: Choice, found: FeatureMaps) -> list[str]:
    height, width, channels = found.maps.shape
    words = [
        say("features.ratio", ratio=ratio_words(found.ratio)),
        text.FEATURES_BOUND.format(
            side=MAP_SIDE, most=LARGEST_MAPS >> 20, size=f"{found.maps.nbytes / 2**20:.1f}", width=width,
            height=height, channels=channels,
        ),
    ]  # fmt: skip
    if found.bounded:
        words.append(text.FEATURES_MADE_SMALLER)
    if choice.off:
        words.append(text.FEATURES_OFF_NOTE.format(channels=", ".join(f"#{c}" for c in choice.off)))
    return words


def _tiles(session: Session, choice: Choice, plain: FeatureMaps, channel: int) -> list[dict[str, Any]]:
    plane = plain.maps[..., channel]
    scale = channel_scale(plain.maps, channel, choice.scope, plain.network_range)

    def picture(key: str, title: str, image: FloatArray) -> dict[str, Any]:
        alt = text.FEATURES_ALT.format(title=title, photo=session.require_open().small.name)
        return {"id": key, "title": title, "alt": alt, "src": session.serve(png(image), group=_GROUP)}

    def coloured(key: str, title: str, values: FloatArray, low: float, high: float, palette: Any) -> dict[str, Any]:
        legend = {"css": palette_css(palette), "low": f"{low:.3g}", "high": f"{high:.3g}"}
        return {
            **picture(key, title, false_colour(values, low, high, palette)),
            "legend": legend,
            "values": values_of(session, values, "features-values"),
        }

    title = text.FEATURES_CHANNEL.format(channel=channel, layer=choice.layer)
    taken = within(session.require_open().as_taken, MAP_SIDE)
    shown = [
        picture("photo", text.INPUT_TILE, taken),
        coloured("channel", title, plane, scale.low, scale.high, scale.palette),
        picture("restored", text.FEATURES_RESTORED, plain.image),
    ]
    other = _other(session, choice, channel)
    if other is not None:
        values, what = other
        shown.append(
            coloured(
                "beside", text.FEATURES_BESIDE_TITLE.format(what=what), values, scale.low, scale.high, scale.palette
            )
        )
        change = resized_like(values[..., None], plane[..., None])[..., 0] - plane
        both = scale_of(min(float(change.min()), -1e-12), float(change.max()))
        shown.append(coloured("change", text.FEATURES_BESIDE_CHANGE, change, both.low, both.high, both.palette))
    if choice.off:
        silent = maps_of(session, choice.model, choice.layer, choice.ratio, choice.off)
        difference = absolute_difference(silent.image, plain.image)
        shown.append(picture("silent", text.FEATURES_SILENT, silent.image))
        changed = coloured(
            "effect", text.FEATURES_CHANGE, difference, 0.0, max(0.01, float(difference.max())), "viridis"
        )
        shown.append({**changed, "note": f"mean {float(difference.mean()):.4f}"})
    return shown


def _other(session: Session, choice: Choice, channel: int) -> tuple[FloatArray, str] | None:
    """The same channel at another ratio or in another network, and its description."""
    if choice.beside == "ratio":
        found = maps_of(session, choice.model, choice.layer, choice.beside_ratio, ())
        return found.maps[..., channel], ratio_words(choice.beside_ratio)
    if choice.beside == "model" and choice.beside_model:
        words = model_picker.label(choice.beside_model)
        missing = text.FEATURES_NO_SUCH.format(model=words, layer=choice.layer)
        try:
            found = maps_of(session, choice.beside_model, choice.layer, choice.ratio, ())
        except ModelNotFoundError as error:
            raise ModelNotFoundError(missing) from error
        if channel >= found.maps.shape[2]:
            raise ModelNotFoundError(missing)
        return found.maps[..., channel], words
    return None


def _kernels(session: Session, choice: Choice, channel: int) -> str:
    weights = kernels(model_picker.load(choice.model), choice.layer, channel)
    if weights is None:
        return ""
    sheet, scale = kernel_sheet(weights)
    words = escape(text.FEATURES_KERNEL.format(channel=channel, count=len(weights)))
    alt = escape(text.FEATURES_KERNEL_ALT.format(channel=channel))
    source = session.serve(png(sheet.image), group="features-kernels", keep=6)
    width = sheet.image.shape[1]
    legend = (
        f'<div class="lx-legend"><span>{scale.low:.3g}</span><i style="background: {palette_css(scale.palette)}"></i>'
        f"<span>{scale.high:.3g}</span></div>"
    )
    return (
        f'<figure class="lx-kernels"><figcaption class="lx-note">{words}</figcaption>'
        f'<img src="{escape(source)}" alt="{alt}" width="{width}">{legend}</figure>'
    )
