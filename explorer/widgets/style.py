"""The look of the widgets: the app's colours, captions and messages as HTML. Every value is escaped."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

import ipywidgets
import numpy as np

from explorer.classroom.language import say
from explorer.photo import RawPhoto
from explorer.photo.types import Photo
from explorer.views.pictures import FloatArray
from explorer.views.stage import STYLE

ASSETS = Path(__file__).with_name("assets")


@cache
def asset(*names: str) -> str:
    """Joins files of `assets/`."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in names)


def css() -> str:
    """Returns the style sheet."""
    return STYLE + asset("widget.css")


def style() -> ipywidgets.HTML:
    """Returns the style sheet as an invisible widget, so that plain ipywidgets look the same everywhere."""
    return html(f"<style>{css()}</style>", "lx-style")


def html(value: str = "", *classes: str) -> ipywidgets.HTML:
    """Makes a widget from HTML."""
    made = ipywidgets.HTML(value)
    for name in ("lx-flat", *classes):
        made.add_class(name)
    return made


def row(*children: ipywidgets.Widget) -> ipywidgets.HBox:
    """Puts controls side by side, wrapped if the page is narrow."""
    made = ipywidgets.HBox(list(children))
    made.add_class("lx-row")
    return made


def show(widget: ipywidgets.Widget, visible: bool) -> None:
    """Shows or hides a widget."""
    if visible:
        widget.remove_class("lx-gone")
    else:
        widget.add_class("lx-gone")


def heading(title: str, photo: Photo | None) -> str:
    """Formats the heading: the widget's title and its photo."""
    if photo is None:
        return f'<div class="lx-head"><b>{escape(title)}</b><span>{say("label.no_photo")}</span></div>'
    width, height = photo.size
    depth = say("label.floating") if photo.bits >= 32 else say("label.bits", bits=photo.bits)
    kind = f"RAW, {depth}" if isinstance(photo, RawPhoto) else depth
    return (
        f'<div class="lx-head"><b>{escape(title)}</b><span>{escape(photo.name)}, {width} × {height}</span>'
        f'<span class="lx-kind">{kind}</span></div>'
    )


def said(rows: dict[str, str]) -> str:
    """Formats terms and their values in one line."""
    items = "".join(f"<span>{escape(name)}<b>{escape(value)}</b></span>" for name, value in rows.items())
    return f'<div class="lx-said">{items}</div>'


def remarks(sentences: tuple[str, ...] | list[str]) -> str:
    """Formats notes on how a photo was prepared for a model, each only once."""
    return "".join(f'<p class="lx-remark">{escape(each)}</p>' for each in dict.fromkeys(sentences))


def problem(sentence: str) -> str:
    """Formats an error, in place of the result or next to it."""
    return f'<div class="lx-problem-text" role="alert">{escape(sentence)}</div>'


def enlarged(image: FloatArray, side: int) -> FloatArray:
    """Enlarges a small picture by a whole factor to a longest side near `side`; never reduces one."""
    factor = max(1, side // max(image.shape[:2]))
    return np.repeat(np.repeat(image, factor, axis=0), factor, axis=1) if factor > 1 else image
