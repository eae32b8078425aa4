"""A function with sliders: moving one shows the new result, or the function's error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import ipywidgets
import numpy as np

from explorer.errors import ExplorerError
from explorer.widgets import style, viewer
from explorer.widgets.display import as_widget
from explorer.widgets.gallery import as_tiles

Control = tuple[float, float, float] | tuple[float, float, float, str] | Sequence[str]
"""(lowest, highest, start), the same with "log" for a logarithmic slider, or a list of words to choose from."""


class Playground(ipywidgets.VBox):
    """`w.values` are the controls' values by name, `w.set(ratio=30)` moves them, `w.result` is the last result."""

    def __init__(self, draw: Callable[..., Any], title: str, controls: Mapping[str, Control]) -> None:
        """See `explorer.widgets.play`."""
        self._draw = draw
        self.error: Exception | None = None
        """The error of the last drawing; None if it succeeded."""
        self._given: Any = None
        self._quiet = False
        self._controls = {name: _control(name, control) for name, control in controls.items()}
        self._problem = style.html()
        self._problem.add_class("lx-problem")
        self.view = viewer.Tiles()
        self._else = ipywidgets.VBox([])
        heading = style.html(f'<div class="lx-head"><b>{title}</b></div>')
        super().__init__(
            [style.style(), heading, style.row(*self._controls.values()), self._problem, self.view, self._else]
        )
        for name in ("lx-w", "lx-card", "lx-wide"):
            self.add_class(name)
        for control in self._controls.values():
            control.observe(lambda _change: self._by_user(), "value")
        self._by_user()

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
        self._quiet = True
        try:
            for name, value in values.items():
                self._controls[name].value = value
        finally:
            self._quiet = False
        self._redraw()

    @property
    def result(self) -> Any:
        """The function's last result; raises the error if it failed."""
        if self.error is not None:
            raise self.error
        return self._given

    def _by_user(self) -> None:
        if not self._quiet:
            with suppress(ExplorerError):  # shown in the widget and kept in `error`
                self._redraw()

    def _redraw(self) -> None:
        self.view.busy = True
        try:
            given = self._draw(**self.values)
            parts = list(given) if isinstance(given, list | tuple) else [given]
            drawn = [tile for part in parts if isinstance(part, Mapping) for tile in as_tiles(part)]
            others = [as_widget(part) for part in parts if not isinstance(part, Mapping)]
            self.view.show(drawn)
            style.show(self.view, bool(drawn))
            self._else.children = tuple(each for each in others if each is not None)
        except Exception as error:
            self.error = error
            words = str(error) if isinstance(error, ExplorerError) else f"{type(error).__name__}: {error}"
            self._problem.value = style.problem(words)
            raise
        else:
            self.error, self._problem.value, self._given = None, "", given
        finally:
            self.view.busy = False


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
