"""A function with sliders: moving one shows the new result, or the function's error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np

from explorer.errors import ExplorerError
from explorer.widgets import style, viewer
from explorer.widgets.card import Card
from explorer.widgets.display import as_widget
from explorer.widgets.gallery import as_tiles

Control = tuple[float, float, float] | tuple[float, float, float, str] | Sequence[str]
"""(lowest, highest, start), the same with "log" for a logarithmic slider, or a list of words to choose from."""


class Playground(Card[Any]):
    """`w.values` are the controls' values by name, `w.set(ratio=30)` moves them, `w.result` is the last result."""

    def __init__(self, draw: Callable[..., Any], title: str, controls: Mapping[str, Control]) -> None:
        """See `explorer.widgets.play`."""
        super().__init__("lx-wide")
        self._draw = draw
        self._controls = {name: _control(name, control) for name, control in controls.items()}
        self.view = viewer.Tiles()
        self._else = ipywidgets.VBox([])
        heading = style.html(f'<div class="lx-head"><b>{title}</b></div>')
        controls = style.row(*self._controls.values())
        self.children = [style.style(), heading, controls, self._problem, self.view, self._else]
        for control in self._controls.values():
            control.observe(lambda _change: self._by_user(self._redraw), "value")
        self._by_user(self._redraw)

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name."""
        return {
            name: float(f"{control.value:.6g}") if isinstance(control.value, float) else control.value
            for name, control in self._controls.items()
        }

    def set(self, **values: Any) -> None:
        """Moves controls, then draws once.

        Raises:
            ExplorerError: there is no such control, or the function failed.
        """
        for name in values:
            if name not in self._controls:
                raise ExplorerError(f"There is no control {name!r}; there are {', '.join(self._controls)}.")
        with self._silent():
            for name, value in values.items():
                self._controls[name].value = value
        self._by_cell(self._redraw)

    def _busy(self, working: bool) -> None:
        self.view.busy = working

    def _redraw(self) -> None:
        given = self._draw(**self.values)
        parts = list(given) if isinstance(given, list | tuple) else [given]
        drawn = [tile for part in parts if isinstance(part, Mapping) for tile in as_tiles(part)]
        others = [as_widget(part) for part in parts if not isinstance(part, Mapping)]
        self.view.show(drawn)
        style.show(self.view, bool(drawn))
        self._else.children = tuple(each for each in others if each is not None)
        self._result = given


def _control(name: str, control: Control) -> ipywidgets.Widget:
    words = name.replace("_", " ")
    if isinstance(control, list) or isinstance(control[0], str):
        return ipywidgets.Dropdown(options=list(control), description=words)
    low, high, start = (float(value) for value in control[:3])
    if len(control) == 4:
        return ipywidgets.FloatLogSlider(
            value=start, base=10, min=float(np.log10(low)), max=float(np.log10(high)), step=0.01, description=words,
            readout_format=".3g", continuous_update=False, layout={"width": "min(100%, 380px)"},
        )  # fmt: skip
    whole = all(float(value).is_integer() for value in control[:3]) and high - low >= 4
    made = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    kind = int if whole else float
    step = 1 if whole else (high - low) / 100
    return made(
        value=kind(start), min=kind(low), max=kind(high), step=step, description=words, continuous_update=False,
        layout={"width": "min(100%, 380px)"},
    )  # fmt: skip
