"""Turns a function's result into a widget: pictures, figures, text, or anything that a notebook can display."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets
import numpy as np

from explorer.widgets.gallery import pictures
from explorer.widgets.style import html


def as_widget(value: Any) -> ipywidgets.Widget | None:
    """Returns a widget unchanged; pictures for a mapping of titles to arrays or for one array; an interactive plot for
    a plotly figure; HTML for a text; several below one another for a list or tuple; else the object's own display."""
    if value is None or isinstance(value, ipywidgets.Widget):
        return value
    if isinstance(value, str):
        return html(value)
    if isinstance(value, np.ndarray):
        return pictures({"": value})
    if isinstance(value, Mapping):
        return pictures(value)
    if isinstance(value, list | tuple):
        parts = [as_widget(each) for each in value]
        return ipywidgets.VBox([each for each in parts if each is not None])
    if type(value).__module__.startswith("plotly"):
        from plotly.graph_objects import FigureWidget

        return FigureWidget(value)
    output = ipywidgets.Output()
    output.append_display_data(value)
    return output
