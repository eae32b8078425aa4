"""Results as values of the app's components: pictures served to one session, with their texts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.app import model_picker, text
from explorer.app.components import slider_value
from explorer.app.detail import Detail
from explorer.app.open_photo import SHARPEST
from explorer.app.sessions import Session, address
from explorer.app.workspace import Preview
from explorer.hub.originals import size_words
from explorer.metrics import METRICS, figures_line
from explorer.photo import amplify, load_rendering
from explorer.photo.light.reduce import reduced
from explorer.views.pictures import FloatArray, palette_css, png, within
from explorer.views.retinex import Panel
from explorer.views.words import ratio_words, seconds_words

if TYPE_CHECKING:
    from explorer.evaluation.metrics import Scores
    from explorer.photo.windows import Box
    from explorer.restoration import Restoration


def preview_value(session: Session, shown: Preview) -> dict[str, Any]:
    """The before/after viewer's value for a preview."""
    session.viewed = session.revision
    value = _viewer(session, shown.restoration, shown.as_taken, shown.amplified, shown.restoration.image)
    return {**value, "windows": shown.windows}


def sharp_value(session: Session, shown: Preview, before: dict[str, Any]) -> dict[str, Any]:
    """The viewer's value for the sharp preview: `before` with other pictures."""
    value = _viewer(session, shown.restoration, shown.as_taken, shown.amplified, shown.restoration.image)
    if before["size"] == [value["width"], value["height"]]:
        value["own"] = text.BADGE_FULL.format(width=value["width"], height=value["height"])
    return {**value, "windows": shown.windows, "revision": before["revision"]}


_ENCODERS = ThreadPoolExecutor(2, "pictures")

OVERVIEW = 1600
"""Longest side in pixels of a full-resolution result's first picture; details follow when the visitor zooms in."""


def full_value(session: Session, restoration: Restoration) -> dict[str, Any]:
    """The before/after viewer's value for a full-resolution result."""
    photo = session.require_open().whole
    height, width = restoration.image.shape[:2]
    small = max(height, width) > OVERVIEW
    taken = within(load_rendering(reduced(photo, OVERVIEW)), OVERVIEW) if small else load_rendering(photo)
    image = within(restoration.image, OVERVIEW)
    session.viewed = session.revision
    value = _viewer(session, restoration, taken, amplify(taken, restoration.ratio), image)
    return {**value, "badge": text.BADGE_FULL.format(width=width, height=height), "full": True}


def detail_value(session: Session, found: Detail) -> dict[str, Any]:
    """A window at full resolution, for the viewer's "detail"."""
    size = session.require_open().size
    pictures = [session.serve(png(each), group="detail") for each in (found.as_taken, found.amplified, found.restored)]
    badge = text.BADGE_FULL.format(width=size[0], height=size[1])
    return {**_place(found.box, size), "before": pictures[:2], "after": pictures[2], "badge": badge}


def _viewer(
    session: Session, restoration: Restoration, taken: FloatArray, amplified: FloatArray, image: FloatArray
) -> dict[str, Any]:
    height, width = restoration.image.shape[:2]
    photo, ratio = restoration.photo_name, ratio_words(restoration.ratio)
    opened = session.require_open()
    # Side by side: most of the remaining work is compression, which releases the interpreter.
    bright, restored = _ENCODERS.map(lambda picture: session.serve(png(picture)), (amplified, image))
    alt = text.ALT_AMPLIFIED.format(photo=photo, ratio=f"{restoration.ratio:.3g}")
    before = [
        {"label": text.BEFORE_TAKEN, "src": _taken_address(session, taken), "alt": text.ALT_TAKEN.format(photo=photo)},
        {"label": text.BEFORE_AMPLIFIED, "src": bright, "alt": alt},
    ]
    alt = text.ALT_AFTER.format(photo=photo, model=_title(restoration.model), ratio=ratio)
    return {
        "photo": opened.number,
        "revision": session.revision,
        "width": width,
        "height": height,
        "badge": text.BADGE_PREVIEW.format(width=width, height=height),
        "full": False,
        "windows": True,
        "sharpest": SHARPEST,
        "overview": image.shape[1],
        "size": list(opened.size),
        "pick": opened.raw,
        "point": list(opened.point) if opened.point else None,
        "detail": None,
        "before": before,
        "after": {"src": restored, "alt": alt},
    }


def _taken_address(session: Session, taken: FloatArray) -> str:
    """Path of the photo as taken. It is written once, because it does not depend on amplification and model."""
    with session.lock:
        for picture, source in session.published:
            if picture is taken:
                return source
        source = session.serve(png(taken), group="taken", keep=4)
        session.published = (*session.published[-1:], (taken, source))
        return source


def _title(model: str) -> str:
    return model_picker.label(model) if model in model_picker.models() else model


def ratio_value(shown: Preview) -> dict[str, object]:
    """The ratio slider's value for a preview."""
    return slider_value(shown.restoration.ratio, shown.automatic, shown.suggested, shown.suggested_source)


def download_value(path: Path) -> dict[str, str]:
    """The value of a `download_link` for a file that is ready."""
    words = size_words(path.stat().st_size)
    return {"src": address(path), "name": path.name, "label": text.PREPARED.format(name=path.name, size=words)}


def result_line(restoration: Restoration) -> str:
    """Time, ratio and the identity of the weights in one line of HTML."""
    weights = restoration.weights
    time = text.TIME.format(seconds=seconds_words(restoration.seconds), device=restoration.device.upper())
    parts = [
        (text.RESULT_TIME, [time]),
        (text.RESULT_RATIO, [ratio_words(restoration.ratio), restoration.ratio_source]),
        (text.RESULT_WEIGHTS, [weights.name, *([f"sha256 {weights.sha256[:12]}"] if weights.sha256 else [])]),
        (text.RESULT_ENGINE, [restoration.backend, restoration.precision]),
    ]
    items = []
    for name, words in parts:
        # Each phrase is an element of its own, so it is translated as a whole.
        said = "".join(f"<span>{escape(each)}</span>" for each in words)
        items.append(f"<div><dt>{escape(name)}</dt><dd>{said}</dd></div>")
    return f'<dl class="lx-result" aria-label="{escape(text.RESULT)}">{"".join(items)}</dl>'


def score_line(scores: Scores | None) -> str:
    """The figures against a reference in one line of HTML; empty without a reference."""
    if scores is None:
        return ""
    said = "".join(f"<span>{escape(figures_line(scores, [metric]))}</span>" for metric in METRICS)
    return f'<dl class="lx-result lx-scores"><div><dt>{escape(text.SCORES_LABEL)}</dt><dd>{said}</dd></div></dl>'


COMPARED_KEPT = 160
"""Number of comparison pictures kept per session: the visible ones, and those that a page may still be loading."""


def _tile(session: Session, image: FloatArray, title: str, alt: str, **more: Any) -> dict[str, Any]:
    source = session.serve(png(image), group="compare", keep=COMPARED_KEPT)
    return {"title": title, "src": source, "alt": alt, "across": image.shape[1], **more}


def model_tile(
    session: Session, restoration: Restoration, title: str | None = None, label: str | None = None
) -> dict[str, Any]:
    """A model's tile in the comparison; `title` replaces the model's label."""
    name = label or _title(restoration.model)
    ratio, seconds = ratio_words(restoration.ratio), seconds_words(restoration.seconds)
    alt = text.ALT_AFTER.format(photo=restoration.photo_name, model=name, ratio=ratio)
    note = seconds if title else f"{ratio}, {seconds}"
    return _tile(session, restoration.image, title or name, alt, id=f"{name} {restoration.ratio:.4g}", note=note)


def input_tile(session: Session, taken: FloatArray) -> dict[str, Any]:
    """The photo itself as the first tile; its name is never hidden."""
    alt = text.ALT_TAKEN.format(photo=session.require_open().small.name)
    return _tile(session, taken, text.INPUT_TILE, alt, id="input", open=True)


def reference_tile(session: Session, reference: FloatArray) -> dict[str, Any]:
    """The reference as a tile; by default, differences are taken against it."""
    alt = text.ALT_REFERENCE.format(photo=session.require_open().small.name)
    return _tile(session, reference, text.REFERENCE_TILE, alt, id="reference", open=True, reference=True)


def sharper_layer(
    session: Session, image: FloatArray, box: Box, size: tuple[int, int], group: str, keep: int
) -> dict[str, Any]:
    """A sharper picture of a part of the photo, whose width and height are `size`, to lay over a tile."""
    place = _place(box, size)
    source = session.serve(png(image), group=group, keep=keep)
    return {"src": source, **place, "across": image.shape[1] / place["width"]}


def _place(box: Box, size: tuple[int, int]) -> dict[str, float]:
    """A part of the photo, whose width and height are `size`, in shares of it."""
    (left, top, right, bottom), (width, height) = box, size
    return {
        "left": left / width,
        "top": top / height,
        "width": (right - left) / width,
        "height": (bottom - top) / height,
    }


def values_of(session: Session, values: FloatArray, group: str) -> dict[str, Any]:
    """Float32 numbers for a tile's read-out: H x W or H x W x C."""
    planes = values if values.ndim == 3 else values[..., None]
    height, width, channels = planes.shape
    data = np.ascontiguousarray(planes, "<f4").tobytes()
    return {"src": session.serve(data, ".bin", group), "width": width, "height": height, "channels": channels}


def panel_tiles(session: Session, panels: Sequence[Panel], model: str, group: str = "retinex") -> list[dict[str, Any]]:
    """The tiles of a decomposition; false-coloured ones include their legend and numbers."""
    photo = session.require_open().small.name
    tiles = []
    for panel in panels:
        low, high = panel.scale or (0, 0)
        legend = {"css": palette_css(panel.palette), "low": f"{low:g}", "high": f"{high:g}"} if panel.scale else None
        tiles.append(
            {
                "id": panel.name,
                "title": panel.title,
                "note": panel.note,
                "src": session.serve(png(panel.image), group=group, keep=48),
                "alt": text.ALT_PANEL.format(title=panel.title, photo=photo, model=_title(model)),
                "legend": legend,
                "values": values_of(session, panel.values, group + "-values") if panel.values is not None else None,
            }
        )
    return tiles
