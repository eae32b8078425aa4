"""The app's own components: `gr.HTML` with our templates, so static markup here and behaviour in `assets/*.js`.

A component's value is a plain dict that its script reads. The markup never depends on the value, so focus and zoom
survive every update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, Literal

import gradio as gr

from explorer.app import model_picker, text
from explorer.app.theme import ASSETS
from explorer.choices import RatioChoice
from explorer.messages import say
from explorer.views.pictures import data_address, palette_css, palette_stops
from explorer.views.stage import PARTS


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _template(name: str, words: Mapping[str, str]) -> str:
    markup = _asset(name)
    for key, word in words.items():
        markup = markup.replace(f"@@{key}@@", _literal(escape(word)))
    return markup


def _literal(markup: str) -> str:
    """Markup with Gradio's placeholders escaped."""
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
    """Markup made on the server, without Gradio's prose styles."""
    return gr.HTML(value, apply_default_css=False, **options)


_VIEW_WORDS = {
    "tools": text.VIEW_TOOLS,
    "zoom_in": text.ZOOM_IN,
    "zoom_out": text.ZOOM_OUT,
    "fit": text.FIT,
}


def before_after() -> gr.HTML:
    """Two pictures under a divider that responds to mouse, touch and keyboard.

    Value: None for the empty state, or {"photo", "revision", "width", "height", "badge", "before": [{"label", "src",
    "alt"}], "after": {"src", "alt"}, "size", "full", "overview", "windows", "sharpest", "own", "detail", "pick",
    "point"}:

    - "size" is the photo's own; "full" marks a result at full resolution.
    - The first pictures are "overview" pixels wide. "windows" says whether windows of a preview exist, "sharpest" how
      many pixels long they can be, and "own" is the badge once every pixel of the photo is visible.
    - "detail" is a window at the photo's own pixels: {"left", "top", "width", "height" (shares of the picture),
      "before": [src], "after": src, "badge", "window": the request}.
    - "pick" says whether a grey patch can be picked, and "point" which one was.

    Events: `submit` requests the full resolution. `input` requests the "window" at the screen's sharpness: the page
    shows the photo "need" pixels long, in a frame of at most "side" pixels, and the answer's "answered" repeats the
    question's "asked". `select` reports a "picked" patch.
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
    """Pictures side by side that share zoom, pan and read-out.

    Value: {"batch", "tiles": [{"id", "title", "note", "src", "alt", "open", "reference", "legend": {"css", "low",
    "high"} | None, "values": {"src", "width", "height", "channels"} | None}], "line", "columns", "keep"}. A tile with
    `values` reads out those float32 numbers instead of its own 8-bit ones; `keep` keeps zoom and line over a new batch.

    A value with "size", the photo's own, can be asked for the visible part at the screen's sharpness, as a `Look`. The
    answer's "answered" repeats the question's "asked", and tiles have "sharper": [{"src", "left", "top", "width",
    "height" (shares of the picture), "across"}]. "across" is the width in pixels of the whole picture at that
    sharpness; "sharpest" limits the length for a tile whose "windows" is False. The page ignores a value with a smaller
    "serial" than the last one.

    Events: `select` when a line was drawn; `input` for sharper pictures.

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
    """A table that sorts by any column and downloads as CSV and Markdown.

    Value: {"columns": [{"title", "digits", "best_high", "hint", "where"}], "rows": [[text | number | None]], "caption",
    "note", "about", "name"}. A column with "where" appears only in downloads: "files" for both, "csv" for one. "about"
    stands below the Markdown, and "name" is the name of both files. "note" is a sentence or a list of sentences.
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
    """A layer's channels as buttons over one sheet. Event: `select` when a channel was chosen, or switched on or off.

    Value: {"sheet", "width", "height", "columns", "cell", "gap", "first", "count", "scales": [[low, high]], "css",
    "stats": [text], "selected", "off": [channel]}.
    """
    words = {"empty": text.FEATURES_CHANNELS_EMPTY, "all_on": text.FEATURES_ALL_ON}
    words |= {"on": text.FEATURES_ON, "off": text.FEATURES_OFF}
    return _component("channels", elem_id, words, PARTS)


def player(elem_id: str, empty: str) -> gr.HTML:
    """Pictures in sequence, with a slider and a play button.

    Value: {"batch", "milliseconds", "start", "frames": [{"src", "label", "alt"}]}.
    """
    words = {"empty": empty, "play": text.PLAY, "frame": text.FRAME}
    return _component("player", elem_id, words)


def live_camera(elem_id: str, model: str) -> gr.HTML:
    """The visitor's camera, restored while it runs.

    Value: {"frame": a JPEG as a data address}. Event: `submit` when a frame was frozen.
    """
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
    """A logarithmic slider from 1 to 300 that marks the suggested value. Event: `release`.

    Value: {"ratio", "auto", "suggested", "note", "kept"}; `chosen_ratio` reads it. The page offers to keep the ratio in
    "kept".
    """
    words = {"label": text.RATIO, "exact": text.RATIO_EXACT, "use": text.RATIO_USE, "keep": text.RATIO_KEEP}
    return _component(
        "ratio", "lx-ratio", words, value={"ratio": 1.0, "auto": True}, render=render, invalid=text.RATIO_INVALID
    )


def shown_if(seen: bool) -> Any:
    """A component's `visible` when its value may arrive with the change.

    Gradio builds an invisible component only once it becomes visible; a hidden one exists and can receive the value.
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


def example_picker(cards: Sequence[ExampleCard]) -> gr.HTML:
    """Thumbnails that are buttons. Value: the chosen example's name. Event: `select`."""
    items = "".join(
        f'<li><button type="button" data-name="{escape(card.name)}" aria-pressed="false"'
        f' title="{escape(card.caption)}"><img alt="" src="{data_address(card.thumbnail)}">'
        f"<span>{escape(card.title)}</span>{f'<small>{escape(card.badge)}</small>' if card.badge else ''}</button></li>"
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
    """Hands a file to the browser as soon as it is ready. Value: {"src", "name", "label"} or None."""
    return gr.HTML(
        value=None,
        html_template='<p class="lx-download" hidden><a href="#"></a></p>',
        js_on_load=_asset("download.js"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def model_dropdown(label: str, elem_id: str, names: list[str] | None = None, **options: Any) -> gr.Dropdown:
    """A choice among models.

    Args:
        names: the models, of which the first is chosen; by default all, and the app's default one.
        options: of the dropdown.
    """
    first = model_picker.default_model() if names is None else next(iter(names), None)
    options = {"value": first, **options}
    return gr.Dropdown(choices=list(model_picker.choices(names)), label=label, elem_id=elem_id, **options)


def message_area() -> gr.HTML:
    """The area for errors and notes, which screen readers announce; it keeps them until the next action."""
    return html("", elem_id="lx-message")


def problem(sentence: str) -> str:
    """An error for the message area."""
    return f'<div class="lx-problem" role="alert">{escape(sentence)}</div>'


def note(sentences: Sequence[str]) -> str:
    """Notes for the message area; empty if there are none."""
    lines = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f'<div class="lx-notes" role="status">{lines}</div>' if lines else ""
