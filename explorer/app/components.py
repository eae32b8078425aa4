"""The app's own components, as `gr.HTML` with our templates: static markup here, behaviour in `assets/*.js`.

A component's value is a plain dict that its script reads; the markup itself never depends on the value, so focus and
zoom survive every update.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, Literal

import gradio as gr

from explorer.app import text
from explorer.app.theme import ASSETS
from explorer.messages import say
from explorer.views.pictures import palette_css, palette_stops
from explorer.views.stage import PARTS

RatioChoice = float | Literal["auto"]


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _template(name: str, words: Mapping[str, str]) -> str:
    markup = _asset(name)
    for key, word in words.items():
        markup = markup.replace(f"@@{key}@@", _literal(escape(word)))
    return markup


def _literal(markup: str) -> str:
    """Without what Gradio would fill in."""
    return markup.replace("`", "&#96;").replace("{", "&#123;").replace("$", "&#36;")


def _component(name: str, elem_id: str, words: Mapping[str, str], scripts: str = "", **options: Any) -> gr.HTML:
    """The component of the assets `<name>.html` and `<name>.js`; `scripts` come before the latter."""
    return gr.HTML(
        html_template=_template(f"{name}.html", words),
        js_on_load=scripts + _asset(f"{name}.js"),
        apply_default_css=False,
        elem_id=elem_id,
        **{"value": None, **options},
    )


def html(value: str = "", **options: Any) -> gr.HTML:
    """Markup made on the server, without Gradio's own prose styles."""
    return gr.HTML(value, apply_default_css=False, **options)


_VIEW_WORDS = {
    "tools": text.VIEW_TOOLS,
    "zoom_in": text.ZOOM_IN,
    "zoom_out": text.ZOOM_OUT,
    "fit": text.FIT,
}


def before_after() -> gr.HTML:
    """Two pictures under a divider that mouse, touch and keyboard move.

    Value: None for the empty state, or {"photo", "revision", "width", "height", "badge", "before": [{"label", "src",
    "alt"}], "after": {"src", "alt"}, "size", "full", "overview", "windows", "sharpest", "own", "detail", "pick",
    "point"}. "full" marks a result at full resolution. The first pictures are "overview" pixels wide; "detail" is a
    window at the photo's own pixels: {"left", "top", "width", "height" (shares of the picture), "before": [src],
    "after": src, "badge", "window": what was asked for}; "windows" says whether there are any of a preview, "sharpest"
    how many pixels long it can be, and "own" is its badge once all pixels of the photo are seen. "size" is the photo's
    own; "pick" says whether a grey patch can be picked in it, and "point" which one was.

    Events: `submit` asks for the full resolution; `input` for "window" as sharp as the screen, which shows the photo
    "need" pixels long, in a frame of at most "side" pixels; the answer has "answered" as the question had "asked".
    `select`, when "picked" was.
    """
    words = {
        **_VIEW_WORDS,
        "empty": text.NO_PHOTO,
        "after": text.AFTER,
        "split": text.SPLIT,
        "view": text.VIEW,
        "left": text.LEFT_SIDE,
        "one": text.ONE_TO_ONE,
        "one_help": text.ONE_TO_ONE_HELP,
        "follows": text.SHARPER_FOLLOWS,
        "whole": text.LOOKS_AT_THE_WHOLE,
        "navigator": text.NAVIGATOR,
        "clipped": say("clipping.show"),
        "clipped_help": say("clipping.help"),
        "pick": text.PICK,
        "pick_help": text.PICK_HELP,
    }
    return _component("before_after", "lx-viewer", words, PARTS)


def tiles(elem_id: str, empty: str, *features: Literal["compare", "blind", "line"]) -> gr.HTML:
    """Pictures side by side with one zoom, one pan and one read-out. Events: `select`, when a line was drawn; `input`
    for sharper pictures.

    Value: {"batch", "tiles": [{"id", "title", "note", "src", "alt", "open", "reference", "legend": {"css", "low",
    "high"} | None, "values": {"src", "width", "height", "channels"} | None}], "line", "columns", "keep"}. A tile with
    `values` reads out those float32 numbers instead of its own 8-bit ones; `keep` keeps zoom and line over a new batch.

    A value with "size", the photo's own, is asked for what is seen as sharp as the screen, as `Look` says; the answer
    has "answered" as the question had "asked", and tiles have "sharper": [{"src", "left", "top", "width", "height"
    (shares of the picture), "across"}]. "across" says how many pixels wide the whole picture is at that sharpness,
    "sharpest" how long one can be of a tile whose "windows" is False. A value with a smaller "serial" than the last one
    is left aside.

    Args:
        features: "compare" adds differences and exposure matching, "blind" hidden names, "line" a profile line.
    """
    words = {
        **_VIEW_WORDS,
        "empty": empty,
        "blind": text.BLIND,
        "show": text.TILES_SHOW,
        "pictures": text.TILES_PICTURES,
        "difference": text.TILES_DIFFERENCE,
        "matched": text.TILES_MATCHED,
        "against": text.TILES_AGAINST,
        "draw": text.LINE_DRAW,
        "draw_help": text.LINE_HELP,
        "features": " ".join(features),
        "palette": " ".join(palette_stops("viridis")),
        "colours": palette_css("viridis"),
        "one": text.ONE_TO_ONE,
        "one_help": text.ONE_TO_ONE_HELP,
        "follows": say("tile.follows"),
        "whole": say("tile.whole"),
        "enlarge": say("tile.enlarge"),
        "keys": say("tile.keys"),
        "mean": text.TILES_MEAN,
        "matched_by": text.TILES_FACTOR,
    }
    return _component("tiles", elem_id, words, PARTS)


def ranking(elem_id: str, caption: str) -> gr.HTML:
    """A table that sorts by any column and can be downloaded as CSV and Markdown.

    Value: {"columns": [{"title", "digits", "best_high", "hint", "where"}], "rows": [[text | number | None]], "caption",
    "note", "about", "name"}. A column with "where" is not on the page: "files" for both downloads, "csv" for one of
    them. "about" stands below the Markdown, and "name" names both files. "note" is a sentence
    or a list of them.
    """
    words = {"caption": caption, "csv": text.TABLE_CSV, "markdown": text.TABLE_MARKDOWN}
    return _component("ranking", elem_id, words)


def layer_list(elem_id: str) -> gr.HTML:
    """A network's diagram and its layers as a list. Event: `select`.

    Value: {"layers": [{"name", "kind", "depth", "order", "leaf", "inputs", "outputs", "kernel", "reduction", "field",
    "parameters"}], "selected"}.
    """
    words = {"label": text.FEATURES_LAYERS, "empty": text.FEATURES_LAYERS_EMPTY, "diagram": text.FEATURES_DIAGRAM}
    words["svg"] = say("features.svg")
    return _component("layers", elem_id, words)


def channel_grid(elem_id: str) -> gr.HTML:
    """A layer's channels as buttons over one sheet. Event: `select`, when one was chosen or switched on or off.

    Value: {"sheet", "width", "height", "columns", "cell", "gap", "first", "count", "scales": [[low, high]], "css",
    "stats": [text], "selected", "off": [channel]}.
    """
    words = {"empty": text.FEATURES_CHANNELS_EMPTY, "all_on": text.FEATURES_ALL_ON}
    words |= {"on": text.FEATURES_ON, "off": text.FEATURES_OFF}
    return _component("channels", elem_id, words, PARTS)


def player(elem_id: str, empty: str) -> gr.HTML:
    """Pictures one after the other, with a slider and a button that plays them.

    Value: {"batch", "milliseconds", "start", "frames": [{"src", "label", "alt"}]}.
    """
    words = {"empty": empty, "play": text.PLAY, "frame": text.FRAME}
    return _component("player", elem_id, words)


def live_camera(elem_id: str, model: str) -> gr.HTML:
    """The visitor's camera, restored while it runs. Value: {"frame": a JPEG as a data address}. Event: `submit`, when a
    frame was frozen."""
    words = {
        "start": text.LIVE_START,
        "freeze": text.LIVE_FREEZE,
        "freeze_help": text.LIVE_FREEZE_HELP,
        "record": text.LIVE_RECORD,
        "save": text.LIVE_SAVE,
        "auto": text.LIVE_AUTO,
        "ratio": text.RATIO,
        "empty": text.LIVE_EMPTY,
        "before": text.LIVE_BEFORE,
        "after": text.AFTER,
        "split": text.SPLIT,
    }
    said: dict[str, Any] = {f"words_{name}": sentence for name, sentence in text.LIVE_SAYS.items()}
    return _component("live", elem_id, words, PARTS, model=model, words_start=text.LIVE_START, **said)


def ratio_slider(render: bool = True) -> gr.HTML:
    """A logarithmic slider from 1 to 300 with the suggested value marked. Event: `release`.

    Value: {"ratio", "auto", "suggested", "note", "kept"}; `chosen_ratio` reads it. "kept" is offered to be taken over.
    """
    words = {"label": text.RATIO, "exact": text.RATIO_EXACT, "use": text.RATIO_USE, "keep": text.RATIO_KEEP}
    return _component(
        "ratio", "lx-ratio", words, value={"ratio": 1.0, "auto": True}, render=render, invalid=text.RATIO_INVALID
    )


def shown_if(seen: bool) -> Any:
    """A component's `visible` where its value may come with the change.

    A page builds a component that is not visible only when it becomes so; a hidden one is there to take the value.
    """
    return True if seen else "hidden"


def chosen_ratio(value: object) -> RatioChoice:
    """The slider's value: "auto" while it follows the suggestion, otherwise the number (checked by the API)."""
    if not isinstance(value, Mapping) or value.get("auto", True):
        return "auto"
    ratio = value.get("ratio")
    return float(ratio) if isinstance(ratio, int | float) else float("nan")


def slider_value(ratio: float, auto: bool, suggested: float | None, source: str) -> dict[str, object]:
    """The slider's value for a restored picture."""
    return {"ratio": ratio, "auto": auto, "suggested": suggested, "note": text.RATIO_NOTE.format(source=source)}


@dataclass(frozen=True)
class ExampleCard:
    """An example as the picker shows it."""

    name: str
    title: str
    caption: str
    badge: str
    thumbnail: bytes
    """PNG."""


def _badge(card: ExampleCard) -> str:
    return f"<small>{escape(card.badge)}</small>" if card.badge else ""


def data_address(picture: bytes) -> str:
    """A PNG as an address that needs no server."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def example_picker(cards: Sequence[ExampleCard]) -> gr.HTML:
    """Thumbnails that are buttons. Value: the chosen example's name. Event: `select`."""
    items = "".join(
        f'<li><button type="button" data-name="{escape(card.name)}" aria-pressed="false"'
        f' title="{escape(card.caption)}"><img alt="" src="{data_address(card.thumbnail)}">'
        f"<span>{escape(card.title)}</span>{_badge(card)}</button></li>"
        for card in cards
    )
    markup = f'<div class="lx-examples"><p class="lx-note">{escape(text.EXAMPLES)}</p><ul>{items}</ul></div>'
    return gr.HTML(
        value=None,
        html_template=_literal(markup),
        js_on_load=_asset("examples.js"),
        apply_default_css=False,
        elem_id="lx-examples",
    )


def download_link(elem_id: str) -> gr.HTML:
    """A file handed to the browser as soon as it is prepared. Value: {"src", "name", "label"} or None."""
    return gr.HTML(
        value=None,
        html_template='<p class="lx-download" hidden><a href="#"></a></p>',
        js_on_load=_asset("download.js"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def message_area() -> gr.HTML:
    """The area for errors and notes: read by screen readers, and kept until the next action."""
    return html("", elem_id="lx-message")


def problem(sentence: str) -> str:
    """An error for the message area."""
    return f'<div class="lx-problem" role="alert">{escape(sentence)}</div>'


def note(sentences: Sequence[str]) -> str:
    """Notes for the message area; empty if there are none."""
    lines = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f'<div class="lx-notes" role="status">{lines}</div>' if lines else ""
