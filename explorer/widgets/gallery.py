"""Pictures side by side without controls."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np

from explorer.errors import PhotoError
from explorer.views.pictures import FloatArray
from explorer.widgets import style, viewer


def as_tiles(titled: Mapping[str, FloatArray]) -> list[viewer.Tile]:
    """Makes tiles from titles and pictures; see `explorer.widgets.pictures`.

    Raises:
        PhotoError: an array that is not a picture.
    """
    shown = []
    for title, image in titled.items():
        held = image.detach().cpu() if hasattr(image, "detach") else image
        values = np.asarray(held)
        if values.dtype in (np.uint8, np.uint16):
            values = values / np.float32(np.iinfo(values.dtype).max)
        if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] != 3) or 0 in values.shape:
            raise PhotoError(f"“{title}” has the shape {values.shape}; give height x width, or height x width x 3.")
        name, _, note = title.partition("|")
        shown.append(viewer.Tile(name.strip(), values.astype(np.float32), note.strip(), name.strip()))
    return shown


def pictures(titled: Mapping[str, FloatArray], *, tile_width: int = 250) -> ipywidgets.VBox:
    """See `explorer.widgets.pictures`."""
    view = viewer.Tiles()
    view.show(as_tiles(titled), tile_width)
    made = ipywidgets.VBox([style.style(), view])
    for each in ("lx-w", "lx-card", "lx-wide"):
        made.add_class(each)
    return made
