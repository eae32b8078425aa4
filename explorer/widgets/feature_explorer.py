"""The channels of a network's layers."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import ref

import ipywidgets

from explorer.classroom.language import say
from explorer.errors import ModelNotFoundError
from explorer.inspect import FeatureMaps, Layer, feature_maps, layers
from explorer.views.features import GAP, Scope, channel_scale, channel_sheet, statistics
from explorer.views.pictures import FloatArray, false_colour, resized_like
from explorer.views.words import ratio_words
from explorer.widgets import style, viewer
from explorer.widgets.base import Explorer
from explorer.widgets.opening import Source
from explorer.widgets.selection import ModelChoice

ON_A_SHEET = 32
"""Number of channels shown at once."""
_SCOPES = ("channel", "layer", "network")


class FeatureExplorer(Explorer[FeatureMaps]):
    """Opens a network layer by layer; a click picks a channel, a tick switches it off.

    `w.layer`, `w.channel` and `w.off` (a set of channels of the layer) do what the controls do; `w.result` is the
    `explorer.inspect.FeatureMaps`.
    """

    title = "label.features"

    def __init__(
        self, photo: Source | None = None, model: ModelChoice | None = None, ratio: float | str = "auto", *,
        layer: str | None = None, max_side: int = 320,
    ) -> None:  # fmt: skip
        """See `explorer.widgets.features`."""
        super().__init__("lx-wide", max_side=max_side, ratio=ratio)
        self.models.labels = {name: self.models.labels[name] for name in self.models.networks}
        self._model.options = self.models.options
        self._wished_layer = layer
        self._layers: dict[str, Layer] = {}
        self._off: set[int] = set()
        self._untouched: tuple[object, ...] | None = None
        self._whole: FeatureMaps | None = None
        """With every channel on: the values of channels that are now off, and the picture to compare with."""
        self._layer = ipywidgets.Dropdown(description=say("label.layer"), layout={"width": "min(100%, 430px)"})
        self._scope = ipywidgets.Dropdown(
            options=[(say(f"label.scope_{each}"), each) for each in _SCOPES],
            description=say("label.scope"),
            layout={"width": "min(100%, 260px)"},
        )
        self._page = ipywidgets.Dropdown(description=say("label.channels"), layout={"width": "min(100%, 200px)"})
        self._silence = ipywidgets.Checkbox(False, description=say("label.off"), indent=False)
        self._restore_all = ipywidgets.Button(description=say("label.all_on"))
        self.sheet = viewer.ChannelSheet()
        self.view = viewer.Tiles()
        self.picture = viewer.BeforeAfter()
        self._layer.observe(lambda change: self._by_user(lambda: self._pick_layer(change["new"])), "value")
        self._scope.observe(lambda _change: self._by_user(self._draw), "value")
        self._page.observe(lambda _change: self._by_user(self._draw), "value")
        self._silence.observe(lambda change: self._by_user(lambda: self._switch(change["new"])), "value")
        self._restore_all.on_click(lambda _button: self._by_user(lambda: self._set_off(())))
        self.sheet.on_choice(lambda: self._by_user(self._draw_channel))
        self.children = [
            style.style(),
            style.row(self._heading, self._upload),
            style.row(self._model, self._slider, self._suggested),
            style.row(self._layer, self._scope, self._page),
            self._problem,
            self.sheet,
            style.row(self._silence, self._restore_all),
            self._caption,
            self.view,
            self.picture,
        ]
        self._start(photo, model)

    @property
    def layer(self) -> str | None:
        """Name of the layer; set it to one of `explorer.inspect.layers`."""
        return self._layer.value

    @layer.setter
    def layer(self, name: str) -> None:
        self._by_cell(lambda: self._pick_layer(name))

    @property
    def channel(self) -> int:
        """The channel that is shown enlarged."""
        return int(self.sheet.chosen)

    @channel.setter
    def channel(self, channel: int) -> None:
        def choose() -> None:
            count = self.result.maps.shape[2]
            if not 0 <= channel < count:
                raise ModelNotFoundError(f"{self.layer} has channels 0 to {count - 1}; there is no channel {channel}.")
            with self._silent():
                self._page.value = channel // ON_A_SHEET * ON_A_SHEET
                self._draw()
                self.sheet.chosen = channel
            self._draw_channel()

        self._by_cell(choose)

    @property
    def off(self) -> set[int]:
        """Channels of the layer that are switched off; set it to change them."""
        return set(self._off)

    @off.setter
    def off(self, channels: Iterable[int]) -> None:
        self._by_cell(lambda: self._set_off(channels))

    def _busy(self, working: bool) -> None:
        self.view.busy = self.picture.busy = working

    def _chosen(self) -> None:
        if self._model.value is None:
            return
        found = [each for each in layers(self.models.loaded(self._model.value)) if each.leaf and each.outputs]
        self._layers = {each.name: each for each in sorted(found, key=lambda each: each.order)}
        names = list(self._layers)
        if not names:
            raise ModelNotFoundError(f"{self.model} is not a network, so it has no layers to show; choose a network.")
        if self._wished_layer is not None and self._wished_layer not in self._layers:
            raise self._unknown(self._wished_layer)
        first = self._wished_layer or names[len(names) // 2]
        self._wished_layer = None
        with self._silent():
            self._layer.options = [(_words(each), name) for name, each in self._layers.items()]
            self._layer.value = first
        self._off = set()

    def _unknown(self, name: str) -> ModelNotFoundError:
        some = ", ".join(list(self._layers)[:8])
        return ModelNotFoundError(f"{self.model} has no layer {name!r}; for example, there are {some}.")

    def _pick_layer(self, name: str) -> None:
        if name not in self._layers:
            raise self._unknown(name)
        with self._silent():
            self._layer.value = name
            self.sheet.chosen = 0
        self._off = set()
        self._renew()

    def _switch(self, off: bool) -> None:
        self._set_off(self._off | {self.channel} if off else self._off - {self.channel})

    def _set_off(self, channels: Iterable[int]) -> None:
        self._off = set(channels)
        self._renew()

    def _afresh(self) -> None:
        self._off = set()
        self.view.start_afresh()
        self.picture.start_afresh()

    def _update(self) -> None:
        assert self._photo is not None and self._model.value is not None and self._layer.value is not None
        model, layer = self.models.loaded(self._model.value), self._layer.value
        key = (ref(self._photo), self._model.value, layer, self.ratio)
        off = {layer: sorted(self._off)} if self._off else None
        try:
            found = feature_maps(self._photo, model, layer, self.ratio, max_side=self.max_side, off=off)
        except ModelNotFoundError:
            self._off = set()
            raise
        if not self._off:
            self._untouched, self._whole = key, found
        elif self._untouched != key:
            self._whole = feature_maps(self._photo, model, layer, self.ratio, max_side=self.max_side)
            self._untouched = key
        self._result = found
        count = found.maps.shape[2]
        pages = [
            (say("label.page", first=first, last=min(first + ON_A_SHEET, count) - 1, count=count), first)
            for first in range(0, count, ON_A_SHEET)
        ]
        with self._silent():
            if tuple(self._page.options) != tuple(pages):
                self._page.options = pages
                self._page.value = 0
        style.show(self._page, len(pages) > 1)
        self._draw()

    def _held(self) -> FloatArray:
        """Returns the layer's maps; for channels that are off, their values from before."""
        assert self._whole is not None and self._result is not None
        off = sorted(self._off)
        if not off:
            return self._result.maps
        maps = self._result.maps.copy()
        maps[..., off] = self._whole.maps[..., off]
        return maps

    def _draw(self) -> None:
        found, first = self._result, self._page.value or 0
        if found is None:
            return
        scope: Scope = self._scope.value
        sheet = channel_sheet(self._held(), first, ON_A_SHEET, scope, found.network_range)
        count = min(ON_A_SHEET, found.maps.shape[2] - first)
        with self._silent():
            if not first <= self.sheet.chosen < first + count:
                self.sheet.chosen = first
            self.sheet.show(
                sheet.image, sheet.columns, sheet.cell, GAP, first, count,
                say("label.sheet", first=first, last=first + count - 1, layer=found.layer),
            )  # fmt: skip
            self.sheet.off = sorted(self._off)
        self._draw_channel()

    def _draw_channel(self) -> None:
        found, channel = self._result, self.channel
        if found is None or channel >= found.maps.shape[2]:
            return
        with self._silent():
            self._silence.value = channel in self._off
        maps = self._held()
        values = maps[..., channel]
        scale = channel_scale(maps, channel, self._scope.value, found.network_range)
        large = style.enlarged(false_colour(values, scale.low, scale.high, scale.palette), 320)
        mean, deviation, low, high, dead = statistics(maps)[channel]
        numbers = {"mean": mean, "deviation": deviation, "low": low, "high": high}
        shown = {name: f"{value:.3g}" for name, value in numbers.items()}
        note = say("label.statistics", **shown, dead=f"{100 * dead:.0f}")
        if channel in self._off:
            note += f"; {say('label.is_off')}"
        whole = found.image if self._whole is None else self._whole.image
        self.view.show(
            [
                viewer.Tile(
                    say("label.channel_of", channel=channel, layer=found.layer),
                    large,
                    note,
                    "",
                    (scale.low, scale.high, scale.palette),
                )
            ],
            tile_width=320,
        )
        off = ", ".join(map(str, sorted(self._off)))
        words = say("label.without", off=off) if self._off else say("label.nothing_off")
        before = say("label.all_channels")
        self.picture.show(resized_like(whole, found.image), found.image, (before, words), (before, words))
        layer = self._layers[found.layer]
        rows = {
            say("label.layer"): say("label.layer_is", kind=layer.kind, count=found.maps.shape[2]),
            say("label.amplified"): ratio_words(found.ratio),
        }
        if layer.reduction:
            part = f"{layer.reduction:g}"
            rows[say("label.size")] = say("label.part", part=part) if layer.reduction > 1 else say("label.whole")
        if layer.receptive_field:
            wide = f"{layer.receptive_field:.0f}"
            rows[say("label.sees")] = (
                say("label.across", count=wide) if layer.receptive_field < 1e6 else say("label.everything")
            )
        if self._off:
            rows[say("label.change")] = f"{float(abs(found.image - resized_like(whole, found.image)).mean()):.4f}"
        self._caption.value = style.said(rows)


def _words(layer: Layer) -> str:
    size = f", 1/{layer.reduction:g}" if layer.reduction and layer.reduction > 1 else ""
    return f"{layer.name} ({layer.kind}, {layer.outputs}{size})"
