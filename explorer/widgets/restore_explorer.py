"""A photo before and after a model."""

from __future__ import annotations

import ipywidgets

from explorer.classroom.language import say
from explorer.photo import amplify, load_rendering
from explorer.photo.light.reduce import reduced
from explorer.photo.light.strength import FULL, check_strength
from explorer.photo.types import Photo
from explorer.restoration import Restoration
from explorer.restorer import Job, LatestOutput, prepare
from explorer.views.pictures import FloatArray, resized_like
from explorer.views.words import ratio_words, seconds_words
from explorer.weights.store import LoadedModel
from explorer.widgets import style, viewer
from explorer.widgets.base import Explorer
from explorer.widgets.opening import Source
from explorer.widgets.selection import ModelChoice


class RestoreExplorer(Explorer[Restoration]):
    """Shows before and after under one divider, for the chosen amplification and model.

    `w.ratio = 30`, `w.strength = 50`, `w.model = "lime"` and `w.photo = "night.dng"` do what the controls do;
    `w.result` is the `explorer.Restoration`, at preview size. `w.result.save(...)` writes it; `explorer.restore`
    restores the full size.
    """

    title = "label.restore"

    def __init__(
        self, photo: Source | None = None, model: ModelChoice | None = None, ratio: float | str = "auto", *,
        strength: float = FULL, max_side: int = 480,
    ) -> None:  # fmt: skip
        """See `explorer.widgets.restore`."""
        super().__init__(max_side=max_side, ratio=ratio)
        self._wished_strength: float | None = strength
        self._strength = ipywidgets.FloatSlider(
            FULL, min=0.0, max=FULL, step=1.0, description=say("label.strength"), readout_format=".0f",
            continuous_update=False, layout={"width": "min(100%, 380px)"},
        )  # fmt: skip
        self._strength.tooltip = say("label.strength_help")
        self._strength.observe(lambda _change: self._by_user(self._renew), "value")
        self._left = ipywidgets.Dropdown(
            options=[(say("label.taken"), "taken"), (say("label.amplified_only"), "amplified")],
            description=say("label.left"),
            layout={"width": "min(100%, 250px)"},
        )
        self._left.observe(lambda _change: self._by_user(self._show), "value")
        self.view = viewer.BeforeAfter()
        self._taken: FloatArray | None = None
        self._job: tuple[object, Job] | None = None
        self._kept = LatestOutput()
        self.children = [
            style.style(),
            style.row(self._heading, self._upload),
            style.row(self._model, self._left),
            style.row(self._slider, self._suggested),
            style.row(self._strength),
            self._problem,
            self.view,
            self._caption,
            self._remarks,
        ]
        self._start(photo, model)

    @property
    def strength(self) -> float:
        """How much of the restoration is used, 0 (the developed photo) to 100 (the network's picture)."""
        return float(self._strength.value)

    @strength.setter
    def strength(self, value: float) -> None:
        self._by_cell(lambda: self._set_strength(value))

    def _set_strength(self, value: float) -> None:
        self._note_strength(value)
        self._renew()

    def _note_strength(self, value: float) -> None:
        number = check_strength(value)
        with self._silent():
            self._strength.value = number

    def _busy(self, working: bool) -> None:
        self.view.busy = working

    def _opened(self) -> None:
        assert self._photo is not None
        self._taken = load_rendering(reduced(self._photo, self.max_side))

    def _chosen(self) -> None:
        if self._wished_strength is not None:
            wished, self._wished_strength = self._wished_strength, None
            self._note_strength(wished)

    def _afresh(self) -> None:
        self.view.start_afresh()

    def _update(self) -> None:
        assert self._photo is not None and self._model.value is not None
        model = self.models.loaded(self._model.value)
        self._result = self._restored(self._photo, model)
        self._show()

    def _restored(self, photo: Photo, model: LoadedModel) -> Restoration:
        """Returns the preview; if only the strength changed, the network does not run again."""
        key = (photo, model if model.architecture.needs_weights else model.name, self.ratio)  # others are loaded again
        if self._job is None or self._job[0] != key:
            self._job = key, prepare(photo, model, self.ratio, self.max_side)
        return self._kept.restored(*self._job, self.strength, intermediates=None)

    def _show(self) -> None:
        result, taken = self._result, self._taken
        if result is None or taken is None or self._photo is None:
            return
        left = amplify(taken, result.ratio) if self._left.value == "amplified" else taken
        title = self.models.labels.get(result.model, result.model)
        side = say("label.amplified_only" if self._left.value == "amplified" else "label.taken")
        self.view.show(
            resized_like(left, result.image),
            result.image,
            (side, title),
            (
                f"{self._photo.name}, {side}",
                say("label.restored_by", photo=self._photo.name, model=title, ratio=ratio_words(result.ratio)),
            ),
        )
        weights = result.weights
        device = f"{result.device.upper()}, {result.backend}"
        self._caption.value = style.said(
            {
                say("label.amplified"): say(
                    "label.is_suggested" if self._automatic else "label.is_chosen", ratio=ratio_words(result.ratio)
                ),
                **({say("label.strength"): f"{result.strength:g} %"} if result.strength < FULL else {}),
                say("label.time"): say("label.time_on", time=seconds_words(result.seconds), device=device),
                say("label.preview"): say("label.pixels", width=result.image.shape[1], height=result.image.shape[0]),
                say("label.weights"): weights.name + (f", sha256 {weights.sha256[:8]}" if weights.sha256 else ""),
            }
        )
        self._remarks.value = style.remarks([*self._photo.notes, *result.notes])
