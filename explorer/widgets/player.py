"""A training, played epoch by epoch."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import ipywidgets
from PIL import Image

import explorer
from explorer.classroom.language import say
from explorer.errors import DataError
from explorer.inspect.runs import Run, find_runs, read_run, replay_frames
from explorer.views.plots import series, training_curves
from explorer.widgets import style
from explorer.widgets.card import Card

_INTERVAL = 350
"""Interval between two pictures in milliseconds."""


class ReplayPlayer(Card[None]):
    """The validation picture after every epoch; `w.epoch` is the picture shown, `w.plot()` the figure's curve."""

    def __init__(self, run: str | Path | Run, *, figure: str = "psnr") -> None:
        """See `explorer.widgets.replay`."""
        super().__init__()
        self._figure = figure
        self.run: Run | None = None
        self._frames: list[Any] = []
        heading = style.html(f'<div class="lx-head"><b>{say("label.replay")}</b></div>')
        self._picture = ipywidgets.Image(format="png", layout={"max_width": "100%"})
        self._slider = ipywidgets.IntSlider(
            0, 0, 0, description=say("label.epoch"), layout={"width": "min(100%, 420px)"}
        )
        self._play = ipywidgets.Play(value=0, min=0, max=0, interval=_INTERVAL, show_repeat=False)
        self._caption = style.html()
        ipywidgets.jslink((self._play, "value"), (self._slider, "value"))
        self._slider.observe(lambda _change: self._draw(), "value")
        self._by_user(lambda: self._read(run))
        last = max(0, len(self._frames) - 1)
        self._slider.max = self._play.max = last
        if self.run is not None:
            heading.value = (
                f'<div class="lx-head"><b>{say("label.replay")}</b>'
                f"<span>{say('label.frames', run=self.run.name, count=len(self._frames))}</span></div>"
            )
        playing = style.row(self._play, self._slider)
        self.children = [style.style(), heading, self._problem, self._picture, playing, self._caption]
        self._draw()

    @property
    def epoch(self) -> int:
        """Index of the picture shown, from 0; set it to show another."""
        return int(self._slider.value)

    @epoch.setter
    def epoch(self, index: int) -> None:
        self._slider.value = index

    def plot(self) -> Any:
        """Plots the run's figure over its steps with plotly.

        Raises:
            DataError: there is no run.
        """
        if self.run is None:
            raise self.error or DataError("There is no run to plot.")
        return training_curves({self.run.name: self.run.entries}, self._figure)

    def _read(self, run: str | Path | Run) -> None:
        self.run = run if isinstance(run, Run) else _find(run)
        self._frames = replay_frames(self.run)
        if not self._frames:
            raise DataError(f"The run {self.run.name} kept no replay pictures; train it again.")

    def _draw(self) -> None:
        if not self._frames or self.run is None:
            return
        frame = self._frames[min(self.epoch, len(self._frames) - 1)]
        with Image.open(io.BytesIO(frame.picture)) as picture:
            self._picture.layout.width = f"{max(picture.width, 320)}px"
        self._picture.value = frame.picture
        rows = {say("label.step"): f"{frame.step:,}"}
        known = dict(zip(*series(self.run.entries, self._figure), strict=True))
        if frame.step in known:
            unit = " dB" if self._figure.startswith("psnr") else ""
            rows[self._figure.upper()] = f"{known[frame.step]:.2f}{unit}"
        self._caption.value = style.said(rows)


def _find(run: str | Path) -> Run:
    folder = Path(run)
    if folder.is_dir():
        return read_run(folder.name, folder)
    known = find_runs({info.name: info.weights for info in explorer.list_models() if info.weights is not None})
    if str(run) in known:
        return read_run(str(run), known[str(run)])
    raise DataError(
        f"There is no run {str(run)!r}; give a run's folder"
        + (f", or one of {', '.join(known)}." if known else ": no weights here carry one yet.")
    )
