"""The shared base of the explorers: a photo and its upload, a model, and an amplification."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets
import numpy as np

from explorer.classroom.language import say
from explorer.errors import ExplorerError
from explorer.formats import accepted, described
from explorer.photo import check_ratio
from explorer.photo.types import Photo
from explorer.restorer import suggested_ratio
from explorer.views.words import ratio_words
from explorer.widgets import style
from explorer.widgets.card import Card, T
from explorer.widgets.opening import Source, as_photo
from explorer.widgets.selection import ModelChoice, Models

_HIGHEST = float(np.log10(300))


class Explorer(Card[T]):
    """The frame of every explorer: subclasses set `title`, build their controls, and compute and show in `_update`."""

    title = "label.explorer"
    """Id of its heading."""

    def __init__(
        self, *classes: str, max_side: int, ratio: float | str = "auto", wanted: Iterable[str] | None = None
    ) -> None:
        super().__init__(*classes)
        self.max_side = max_side
        self._photo: Photo | None = None
        self._source: Any = None
        self._automatic = True
        self._wished_ratio = ratio
        self.models = Models(wanted)

        self._heading = style.html(style.heading(say(self.title), None))
        self._upload = ipywidgets.FileUpload(accept=accepted(), multiple=False, description=say("label.open"))
        self._upload.add_class("lx-upload")
        words = described()
        self._upload.tooltip = words[:1].upper() + words[1:]
        self._model = ipywidgets.Dropdown(
            options=self.models.options, description=say("label.model"), layout={"width": "min(100%, 330px)"}
        )
        self._slider = ipywidgets.FloatLogSlider(
            value=1.0, base=10, min=0.0, max=_HIGHEST, step=0.01, readout_format=".3g", continuous_update=False,
            description=say("label.amplify"), layout={"width": "min(100%, 380px)"},
        )  # fmt: skip
        self._slider.tooltip = say("label.amplify_tip")
        self._suggested = ipywidgets.Button(description=say("label.suggested"), tooltip=say("label.suggested_tip"))
        self._caption, self._remarks = style.html(), style.html()
        self._upload.observe(lambda change: self._by_user(lambda: self._uploaded(change["new"])), "value")
        self._model.observe(lambda change: self._by_user(lambda: self._choose(change["new"])), "value")
        self._slider.observe(lambda change: self._by_user(lambda: self._slide(change["new"])), "value")
        self._suggested.on_click(lambda _button: self._by_user(lambda: self._set_ratio("auto")))

    # What a cell reads and sets

    @property
    def photo(self) -> Photo | None:
        """The open photo; set it to whatever `explorer.widgets.restore` takes as its photo."""
        return self._photo

    @photo.setter
    def photo(self, source: Source) -> None:
        self._by_cell(lambda: self._open(source))

    @property
    def model(self) -> str | None:
        """Name of the chosen model; set it to a name or to a loaded model."""
        return self._model.value

    @model.setter
    def model(self, choice: ModelChoice) -> None:
        self._by_cell(lambda: self._choose(choice))

    @property
    def ratio(self) -> float:
        """The amplification in linear light, 1 to 300; set it to a number or to "auto"."""
        return _tidy(self._slider.value)

    @ratio.setter
    def ratio(self, value: float | str) -> None:
        self._by_cell(lambda: self._set_ratio(value))

    # What subclasses say

    def _update(self) -> None:
        """Computes and shows the result for the current photo, model and ratio."""
        raise AssertionError("subclasses define it")

    def _opened(self) -> None:
        """Called when another photo has been opened."""

    def _afresh(self) -> None:
        """Resets what was set for the previous photo when a reader has opened another one."""

    def _chosen(self) -> None:
        """Called when another model is chosen."""

    # The machinery

    def _start(self, photo: Source | None, model: ModelChoice | None) -> None:
        """Opens the first photo with the first model. Errors are shown in the widget, not raised."""

        def begin() -> None:
            if model is not None:
                self._take(model)
            self._read(photo)
            if self._wished_ratio != "auto":
                self._note_ratio(self._wished_ratio)
            self._chosen()
            self._renew()

        self._by_user(begin)

    def _read(self, source: Source | None) -> None:
        self._photo, self._source = as_photo(source), source
        self._heading.value = style.heading(say(self.title), self._photo)
        self._opened()

    def _open(self, source: Source | None) -> None:
        self._read(source)
        self._renew()

    def _uploaded(self, files: Any) -> None:
        if not files:
            return
        self._read(files[0])  # a file that cannot be read leaves everything as it is
        self._automatic = True
        with self._silent():
            self._afresh()
        self._renew()

    def _take(self, choice: ModelChoice) -> None:
        name = self.models.take(choice)
        with self._silent():
            if name not in [value for _, value in self._model.options]:
                self._model.options = self.models.options
            self._model.value = name

    def _choose(self, choice: ModelChoice) -> None:
        self._take(choice)
        self._chosen()
        self._renew()

    def _slide(self, value: float) -> None:
        self._note_ratio(_tidy(value))
        self._renew()

    def _set_ratio(self, value: float | str) -> None:
        if isinstance(value, str) and value.strip().lower() == "auto":
            self._automatic = True
        else:
            self._note_ratio(value)
        self._renew()

    def _note_ratio(self, value: float | str) -> None:
        ratio = check_ratio(value)
        self._automatic = False
        with self._silent():
            self._slider.value = ratio

    def _renew(self) -> None:
        if self._photo is None or self._model.value is None:
            raise ExplorerError("There is no photo or model to show yet; open a photo and choose a model.")
        ratio, source = suggested_ratio(self._photo, self.models.loaded(self._model.value))
        self._suggested.description = say("label.suggested_ratio", ratio=ratio_words(ratio))
        self._suggested.tooltip = source
        self._suggested.disabled = self._automatic
        if self._automatic:
            with self._silent():
                self._slider.value = ratio
        self._update()


def _tidy(value: float) -> float:
    """Converts a slider's value to a ratio: its ends come out of a logarithm slightly beyond 1 and 300."""
    return float(f"{min(300.0, max(1.0, value)):.4g}")
