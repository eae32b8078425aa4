"""Pictures in a notebook: before and after under a divider, several under one zoom, a sheet of channels.

With anywidget they are interactive in the page; without it plain ipywidgets show the same
pictures. `before_after`, `tiles` and `channel_sheet` return the one that is available.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from explorer.views.pictures import FloatArray, Palette, palette_css, png, resized_like
from explorer.views.stage import STAGE
from explorer.widgets.style import asset, html

try:
    import anywidget
except ModuleNotFoundError:  # a plain form stands in
    anywidget = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Tile:
    """One of several pictures."""

    title: str
    image: FloatArray
    """H x W x 3 or H x W in [0, 1]."""
    note: str = ""
    alt: str = ""
    scale: tuple[float, float, Palette] | None = None
    """Values at the ends of a false-coloured picture's scale, and its palette."""


class PlainBeforeAfter(ipywidgets.VBox):
    """Two pictures under one divider, drawn in Python: for notebooks without anywidget."""

    def __init__(self) -> None:
        self._before = self._after = np.zeros((2, 2, 3), np.float32)
        self._picture = ipywidgets.Image(format="png")
        self._words = html()
        self._split = ipywidgets.IntSlider(50, 0, 100, description="Divider, %", continuous_update=True)
        self._split.observe(lambda _change: self._draw(), "value")
        for each in (self._picture, self._split):
            each.add_class("lx-stretch")
        super().__init__([self._words, self._picture, self._split])
        self.busy = False

    @property
    def split(self) -> int:
        """Where the divider is, in per cent of the width."""
        return int(self._split.value)

    @split.setter
    def split(self, share: int) -> None:
        self._split.value = share

    def start_afresh(self) -> None:
        """Puts the divider back to the middle."""
        self.split = 50

    def show(self, before: FloatArray, after: FloatArray, labels: tuple[str, str], alts: tuple[str, str]) -> None:
        """Shows two pictures, H x W x 3 in [0, 1]."""
        self._before, self._after = before, after
        self._words.value = (
            f'<div class="lx-said"><span>left: {escape(labels[0])}</span><span>right: {escape(labels[1])}</span></div>'
        )
        self._draw()

    def _draw(self) -> None:
        before = resized_like(self._before, self._after)
        where = round(self._after.shape[1] * self.split / 100)
        both = np.concatenate([before[:, :where], self._after[:, where:]], axis=1)
        both[:, max(0, where - 1) : where + 1] = 1.0
        self._picture.value = png(both)


class PlainTiles(ipywidgets.VBox):
    """Pictures side by side as HTML: for notebooks without anywidget."""

    def __init__(self) -> None:
        self._grid = html()
        super().__init__([self._grid])
        self.busy = False

    def start_afresh(self) -> None:
        """Nothing is zoomed here."""

    def show(self, tiles: list[Tile], tile_width: int = 250) -> None:
        """Shows pictures with their captions."""
        figures = "".join(_figure(tile) for tile in tiles)
        self._grid.value = f'<div class="lx-tiles" style="--tile:{tile_width}px">{figures}</div>'


class PlainChannelSheet(ipywidgets.VBox):
    """A sheet of channels and a slider: for notebooks without anywidget."""

    def __init__(self) -> None:
        self._picture = ipywidgets.Image(format="png")
        self._picture.add_class("lx-stretch")
        self._slider = ipywidgets.IntSlider(0, 0, 0, description="Channel", continuous_update=False)
        super().__init__([self._picture, self._slider])
        self.off: list[int] = []

    @property
    def chosen(self) -> int:
        """The channel that was picked."""
        return int(self._slider.value)

    @chosen.setter
    def chosen(self, channel: int) -> None:
        self._slider.value = channel

    def on_choice(self, call: Callable[[], None]) -> None:
        """Calls a function when another channel is picked."""
        self._slider.observe(lambda _change: call(), "value")

    def show(
        self, image: FloatArray, columns: int, cell: tuple[int, int], gap: int, first: int, count: int, alt: str
    ) -> None:
        """Shows channels `first` to `first + count - 1`."""
        del columns, cell, gap, alt
        self._picture.value = png(image)
        # The limits move in an order that never crosses.
        self._slider.max = max(self._slider.max, first + count - 1)
        self._slider.min = first
        self._slider.max = first + count - 1


def _figure(tile: Tile) -> str:
    data = base64.b64encode(png(tile.image, compression=6)).decode()
    ramp = ""
    if tile.scale:
        low, high, palette = tile.scale
        ramp = f'<div class="lx-scale">{low:g}<i style="background:{palette_css(palette)}"></i>{high:g}</div>'
    return (
        f'<figure><img style="width:100%" alt="{escape(tile.alt or tile.title)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(tile.title)}<small>{escape(tile.note)}</small></figcaption>{ramp}</figure>"
    )


if anywidget is not None:

    class BeforeAfter(anywidget.AnyWidget):
        """Two pictures under a divider that is dragged, or moved by the arrow keys."""

        _esm = STAGE + asset("kit.js", "before_after.js")
        _css = asset("widget.css")

        before = traitlets.Bytes().tag(sync=True)
        after = traitlets.Bytes().tag(sync=True)
        before_label = traitlets.Unicode("before").tag(sync=True)
        after_label = traitlets.Unicode("after").tag(sync=True)
        before_alt = traitlets.Unicode().tag(sync=True)
        after_alt = traitlets.Unicode().tag(sync=True)
        width = traitlets.Int(3).tag(sync=True)
        height = traitlets.Int(2).tag(sync=True)
        split = traitlets.Int(50, min=0, max=100).tag(sync=True)
        busy = traitlets.Bool(False).tag(sync=True)
        fresh = traitlets.Int(0).tag(sync=True)

        def start_afresh(self) -> None:
            """Shows the whole picture, with the divider in the middle."""
            self.split = 50
            self.fresh += 1

        def show(self, before: FloatArray, after: FloatArray, labels: tuple[str, str], alts: tuple[str, str]) -> None:
            """Shows two pictures, H x W x 3 in [0, 1]."""
            with self.hold_sync():
                self.before, self.after = png(before), png(after)
                self.before_label, self.after_label = labels
                self.before_alt, self.after_alt = alts
                self.height, self.width = after.shape[:2]

    class Tiles(anywidget.AnyWidget):
        """Several pictures that share one zoom."""

        _esm = STAGE + asset("kit.js", "tiles.js")
        _css = asset("widget.css")

        tiles = traitlets.List(traitlets.Dict()).tag(sync=True)
        tile_width = traitlets.Int(250).tag(sync=True)
        busy = traitlets.Bool(False).tag(sync=True)
        fresh = traitlets.Int(0).tag(sync=True)

        def start_afresh(self) -> None:
            """Shows the whole pictures."""
            self.fresh += 1

        def show(self, tiles: list[Tile], tile_width: int = 250) -> None:
            """Shows pictures with their captions."""
            with self.hold_sync():
                self.tile_width = tile_width
                self.tiles = [
                    {
                        "title": tile.title,
                        "note": tile.note,
                        "alt": tile.alt or tile.title,
                        "png": png(tile.image),
                        "width": tile.image.shape[1],
                        "height": tile.image.shape[0],
                        "scale": _legend(tile),
                    }
                    for tile in tiles
                ]

    class ChannelSheet(anywidget.AnyWidget):
        """Channels as cells that are picked by a click or the arrow keys."""

        _esm = asset("kit.js", "channels.js")
        _css = asset("widget.css")

        png = traitlets.Bytes().tag(sync=True)
        size = traitlets.List(traitlets.Int(), [1, 1]).tag(sync=True)
        cell = traitlets.List(traitlets.Int(), [1, 1]).tag(sync=True)
        columns = traitlets.Int(1).tag(sync=True)
        gap = traitlets.Int(0).tag(sync=True)
        first = traitlets.Int(0).tag(sync=True)
        count = traitlets.Int(0).tag(sync=True)
        chosen = traitlets.Int(0).tag(sync=True)
        off = traitlets.List(traitlets.Int()).tag(sync=True)
        alt = traitlets.Unicode().tag(sync=True)

        def on_choice(self, call: Callable[[], None]) -> None:
            """Calls a function when another channel is picked."""
            self.observe(lambda _change: call(), "chosen")

        def show(
            self, image: FloatArray, columns: int, cell: tuple[int, int], gap: int, first: int, count: int, alt: str
        ) -> None:
            """Shows channels `first` to `first + count - 1`."""
            with self.hold_sync():
                self.columns, self.cell, self.gap, self.first, self.count = columns, list(cell), gap, first, count
                self.size, self.alt = [image.shape[1], image.shape[0]], alt
                self.png = png(image)


def _legend(tile: Tile) -> dict[str, Any] | None:
    if tile.scale is None:
        return None
    low, high, palette = tile.scale
    return {"low": f"{low:.3g}", "high": f"{high:.3g}", "css": palette_css(palette)}


def before_after() -> Any:
    """A before/after view: `show`, `split` (per cent), `busy`, `start_afresh`."""
    return BeforeAfter() if anywidget is not None else PlainBeforeAfter()


def tiles() -> Any:
    """A view of several pictures: `show`, `busy`, `start_afresh`."""
    return Tiles() if anywidget is not None else PlainTiles()


def channel_sheet() -> Any:
    """A view of channels: `show`, `chosen`, `off`, `on_choice`."""
    return ChannelSheet() if anywidget is not None else PlainChannelSheet()
