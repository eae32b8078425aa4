"""Several models on one photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ipywidgets

from explorer.classroom.language import say
from explorer.errors import ExplorerError
from explorer.evaluation.metrics import measure
from explorer.inspect import Compared, compare
from explorer.metrics import METRICS
from explorer.photo import check_ratio, load_rendering
from explorer.photo.light.reduce import reduced
from explorer.views.pictures import FloatArray
from explorer.views.plots import quality_against_time
from explorer.views.tables import grid
from explorer.views.words import ratio_words, seconds_words
from explorer.widgets import style, viewer
from explorer.widgets.base import Explorer
from explorer.widgets.opening import Source, fitted, reference_image
from explorer.widgets.selection import ModelChoice

MOST = 12
"""Maximum number of models compared at once."""


class CompareExplorer(Explorer[list[Compared]]):
    """Compares models side by side under one zoom, with time, size and cost, and PSNR and SSIM if there is a reference.

    `w.chosen = ["lime", "clahe"]` and `w.ratio = 30` do what the controls do; `w.result` is a list of
    `explorer.inspect.Compared`, and `w.plot()` the figure of quality against time.
    """

    title = "label.compare"

    def __init__(
        self, photo: Source | None = None, models: Sequence[ModelChoice] | None = None, ratio: float | str = "auto", *,
        reference: Source | None = None, max_side: int = 480,
    ) -> None:  # fmt: skip
        """See `explorer.widgets.compare`."""
        super().__init__("lx-wide", max_side=max_side, ratio=ratio)
        self._reference_source = reference
        self._reference: FloatArray | None = None
        wished = [self.models.take(each) for each in models] if models is not None else self._greeting()
        self._boxes: dict[str, ipywidgets.Checkbox] = {}
        self._ticks = style.row()
        self._offer(wished)
        self._each = ipywidgets.Checkbox(True, description=say("label.each"), indent=False)
        self._each.observe(lambda change: self._by_user(lambda: self._own(change["new"])), "value")
        self._run = ipywidgets.Button(description=say("label.compare"))
        self._run.add_class("lx-primary")
        self._run.on_click(lambda _button: self._by_user(self._renew))
        self.view = viewer.Tiles()
        self._table = style.html()
        self.children = [
            style.style(),
            style.row(self._heading, self._upload),
            self._ticks,
            style.row(self._slider, self._each, self._run),
            self._problem,
            self.view,
            self._table,
        ]
        self._start(photo, None)

    def _greeting(self) -> list[str]:
        networks = [name for name in self.models.labels if name in self.models.networks][:2]
        return [*networks, *(name for name in ("identity", "clahe") if name in self.models.labels)]

    def _offer(self, ticked: Sequence[str]) -> None:
        """Makes a tick box for every model, including those that cells have added."""
        for name, words in self.models.labels.items():
            if name not in self._boxes:
                self._boxes[name] = ipywidgets.Checkbox(
                    False, description=words, indent=False, layout={"width": "auto"}
                )
                self._boxes[name].observe(lambda _change: self._limit(), "value")
            self._boxes[name].value = name in ticked
        self._ticks.children = tuple(self._boxes.values())
        self._limit()

    def _limit(self) -> None:
        """Disables the other boxes when as many are ticked as can be compared."""
        full = len(self.chosen) >= MOST
        for box in self._boxes.values():
            box.disabled = full and not box.value
            box.tooltip = say("label.most", most=MOST) if box.disabled else None

    @property
    def chosen(self) -> list[str]:
        """Names of the compared models; set it to compare others."""
        return [name for name, box in self._boxes.items() if box.value]

    @chosen.setter
    def chosen(self, models: Sequence[ModelChoice]) -> None:
        def choose() -> None:
            self._offer([self.models.take(each) for each in models])
            self._renew()

        self._by_cell(choose)

    def plot(self) -> Any:
        """Plots quality against time with plotly, for models that were measured against a reference.

        Raises:
            ExplorerError: there is no reference, so nothing was measured.
        """
        points = [
            (self.models.labels[each.model], each.restoration.seconds, each.scores.psnr)
            for each in self.result
            if each.scores
        ]
        if not points:
            raise ExplorerError("Quality is measured against a well-lit picture of the scene; give one as `reference`.")
        return quality_against_time(points)

    def _busy(self, working: bool) -> None:
        self.view.busy = working
        self._run.disabled = working

    def _opened(self) -> None:
        self._reference = reference_image(self._reference_source, self._source)

    def _afresh(self) -> None:
        self._reference_source = self._reference = None  # it showed the scene of the photo before
        self._each.value = True
        self.view.start_afresh()

    def _own(self, each: bool) -> None:
        self._automatic = each
        self._renew()

    def _note_ratio(self, value: float | str) -> None:
        super()._note_ratio(check_ratio(value))
        with self._silent():
            self._each.value = False

    def _set_ratio(self, value: float | str) -> None:
        with self._silent():
            self._each.value = isinstance(value, str)
        super()._set_ratio(value)

    def _renew(self) -> None:
        if self._photo is None:
            raise ExplorerError("There is no photo to compare on; open one.")
        if not self.chosen:
            raise ExplorerError("No model is chosen; tick at least one.")
        if len(self.chosen) > MOST:
            raise ExplorerError(f"{len(self.chosen)} models are too many for one comparison; tick at most {MOST}.")
        self._update()

    def _update(self) -> None:
        assert self._photo is not None
        small = reduced(self._photo, self.max_side)
        taken = load_rendering(small)
        reference = None if self._reference is None else fitted(self._reference, taken)
        ratio: float | str = "auto" if self._automatic else self.ratio
        results: list[Compared] = []
        for name in self.chosen:
            for each in compare(self._photo, [self.models.loaded(name)], (ratio,), max_side=self.max_side):
                image = each.restoration.image
                scores = None if self._reference is None else measure(image, fitted(self._reference, image))
                results.append(replace(each, scores=scores))
        self._result = results
        tiles = [viewer.Tile(say("label.photo_taken"), taken, say("label.not_amplified"))]
        if reference is not None:
            tiles.append(viewer.Tile(say("label.reference"), reference, say("label.same_scene")))
        tiles += [self._tile(each) for each in results]
        self.view.show(tiles, tile_width=220)
        self._table.value = self._rows(results)

    def _tile(self, each: Compared) -> viewer.Tile:
        figures = f", {each.scores.psnr:.1f} dB" if each.scores else ""
        ratio = ratio_words(each.restoration.ratio)
        title = self.models.labels[each.model]
        return viewer.Tile(
            title,
            each.restoration.image,
            say("label.amplified_by", ratio=ratio) + figures,
            say("label.by_at", model=title, ratio=ratio),
        )

    def _rows(self, results: list[Compared]) -> str:
        columns = [
            say("label.model"),
            say("label.amplification"),
            *(m.heading for m in METRICS),
            say("label.seconds"),
            say("label.parameters"),
            "GMac",
        ]
        rows = []
        for each in results:
            rows.append(
                [
                    self.models.labels[each.model],
                    ratio_words(each.restoration.ratio),
                    *(m.format(each.scores[m.name]) if each.scores else "–" for m in METRICS),
                    seconds_words(each.restoration.seconds),
                    f"{each.parameters:,}" if each.parameters else "–",
                    f"{each.cost.gmac:.2f}" if each.cost else "–",
                ]
            )
        note = say("label.at_preview")
        if self._reference is None:
            note += f" {say('label.need_reference')}"
        return grid(columns, rows, say("label.compared")) + f'<p class="lx-remark">{note}</p>'
