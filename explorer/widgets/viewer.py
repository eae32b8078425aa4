"""Pictures in a notebook: before and after under a divider, several under one zoom, a sheet of channels.

They use anywidget: only the pictures' bytes and the selection are sent; everything else runs in the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anywidget
import traitlets

from explorer.views.pictures import FloatArray, Palette, palette_css, png
from explorer.views.stage import PARTS
from explorer.widgets.style import asset, css


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


class BeforeAfter(anywidget.AnyWidget):
    """Two pictures under a divider, which is dragged or moved with the arrow keys."""

    _esm = PARTS + asset("kit.js", "before_after.js")
    _css = css()

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

    _esm = PARTS + asset("kit.js", "tiles.js")
    _css = css()

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
    """Channels as cells, selected by a click or with the arrow keys."""

    _esm = PARTS + asset("kit.js", "channels.js")
    _css = css()

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
        """Calls a function when another channel is selected."""
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
