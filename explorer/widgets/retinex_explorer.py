"""A photo as reflectance times illumination."""

from __future__ import annotations

import ipywidgets

import explorer
from explorer.classroom.language import say
from explorer.inspect import Decomposition, decompose, recombined
from explorer.views.pictures import FloatArray
from explorer.views.retinex import panels
from explorer.views.words import ratio_words, seconds_words
from explorer.widgets import style, viewer
from explorer.widgets.base import Explorer
from explorer.widgets.opening import Source
from explorer.widgets.selection import ModelChoice


class RetinexExplorer(Explorer[Decomposition]):
    """Splits a photo into what surfaces reflect and the light on them, and lights it again with another light.

    `w.gamma` and `w.gain` edit the light, `w.result` is the `explorer.inspect.Decomposition`, `w.relit` the picture
    under the edited light.
    """

    title = "label.retinex"

    def __init__(
        self, photo: Source | None = None, model: ModelChoice | None = None, ratio: float | str = "auto", *,
        max_side: int = 320,
    ) -> None:  # fmt: skip
        """See `explorer.widgets.retinex`."""
        wanted = [info.name for info in explorer.list_models() if info.intermediates]
        super().__init__("lx-wide", max_side=max_side, ratio=ratio, wanted=wanted)
        self.relit: FloatArray | None = None
        """H x W x 3 sRGB in [0, 1]: the reflectance under the edited light; None if the model estimates no light."""
        self._gamma = ipywidgets.FloatSlider(
            1.0, min=0.0, max=2.0, step=0.05, description=say("label.gamma"), continuous_update=False,
            layout={"width": "min(100%, 340px)"},
        )  # fmt: skip
        self._gain = ipywidgets.FloatSlider(
            1.0, min=0.2, max=4.0, step=0.05, description=say("label.gain"), continuous_update=False,
            layout={"width": "min(100%, 340px)"},
        )  # fmt: skip
        for each in (self._gamma, self._gain):
            each.observe(lambda _change: self._by_user(self._relight), "value")
        self.view = viewer.Tiles()
        self.relit_view = viewer.BeforeAfter()
        self._edit = ipywidgets.VBox(
            [
                style.html(f"<p class='lx-remark'>{say('label.by_hand')}</p>"),
                style.row(self._gamma, self._gain),
                self.relit_view,
            ]
        )  # fmt: skip
        self.children = [
            style.style(),
            style.row(self._heading, self._upload),
            style.row(self._model),
            style.row(self._slider, self._suggested),
            self._problem,
            self.view,
            self._caption,
            self._edit,
            self._remarks,
        ]
        self._start(photo, model)

    @property
    def gamma(self) -> float:
        """Power of the light, 0 to 2."""
        return float(self._gamma.value)

    @gamma.setter
    def gamma(self, value: float) -> None:
        self._gamma.value = value

    @property
    def gain(self) -> float:
        """Factor of the light, 0.2 to 4."""
        return float(self._gain.value)

    @gain.setter
    def gain(self, value: float) -> None:
        self._gain.value = value

    def _busy(self, working: bool) -> None:
        self.view.busy = working

    def _afresh(self) -> None:
        self._gamma.value = self._gain.value = 1.0
        self.view.start_afresh()
        self.relit_view.start_afresh()

    def _update(self) -> None:
        assert self._photo is not None and self._model.value is not None
        model = self.models.loaded(self._model.value)
        found = self._result = decompose(self._photo, model, self.ratio, max_side=self.max_side)
        shown = panels(found.seen, found.maps, found.described, found.image, found.residual)
        self.view.show(
            [
                viewer.Tile(
                    each.title, each.image, each.note, f"{each.title} of {self._photo.name}",
                    (*each.scale, each.palette) if each.scale else None,
                )
                for each in shown
            ],
            tile_width=230,
        )  # fmt: skip
        rows = {say("label.amplified"): ratio_words(found.restoration.ratio)}
        if found.residual is not None:
            rows[say("label.mean_residual")] = f"{float(found.residual.mean()):.4f}"
        rows[say("label.time")] = seconds_words(found.restoration.seconds)
        self._caption.value = style.said(rows)
        self._remarks.value = style.remarks([*self._photo.notes, *found.restoration.notes])
        self._relight()

    def _relight(self) -> None:
        found = self._result
        if found is None or found.reflectance is None or found.illumination is None:
            style.show(self._edit, False)
            self.relit = None
            return
        style.show(self._edit, True)
        self.relit = recombined(found.reflectance, found.illumination, gamma=self.gamma, gain=self.gain)
        words = say("label.lit", gamma=f"{self.gamma:g}", gain=f"{self.gain:g}")
        before = say("label.seen")
        self.relit_view.show(found.seen, self.relit, (before, words), (before, words))
