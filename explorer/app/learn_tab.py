"""Short illustrated pages on the ideas and the networks, each with a button that sets the tabs to its example."""

from __future__ import annotations

import secrets
from functools import lru_cache
from html import escape
from typing import Any

import gradio as gr

import explorer
from explorer.app import model_picker, opening, text
from explorer.app.board import board_tables
from explorer.app.components import html
from explorer.app.feedback import reported
from explorer.app.lessons import LESSONS, Lesson
from explorer.app.sessions import open_session
from explorer.app.shared import AT_ONCE, Address, Shared
from explorer.messages import say
from explorer.photo import amplify, load_rendering
from explorer.photo.light.reduce import reduced
from explorer.photo.values import FloatArray
from explorer.views import lessons as drawings
from explorer.views.pictures import data_address, png, resized_like, within

NAME = "learn"
TITLE = text.TAB_LEARN
PLACE = 100

_PAGES = {lesson.name: lesson for lesson in LESSONS}
_WIDTH = 300
"""Longest side of one picture of an illustration, in pixels."""


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    with gr.Row(elem_classes="lx-layout"):
        with gr.Column(scale=1, min_width=240, elem_classes="lx-contents"):
            topic = gr.Radio(
                choices=[(lesson.title, lesson.name) for lesson in LESSONS], value=LESSONS[0].name,
                label=text.LEARN_TOPIC, elem_id="lx-learn-topic",
            )  # fmt: skip
        with gr.Column(scale=4, min_width=340, elem_classes="lx-article"):
            article = html(elem_id="lx-learn-article")
            show = gr.Button(text.LEARN_SHOW, variant="primary", elem_id="lx-learn-show", scale=0, min_width=260)

    def open_page(name: str) -> dict[Any, Any]:
        return {article: page(name), shared.message: ""}

    def set_tabs(token: str | None, name: str) -> dict[Any, Any]:
        session = open_session(token)
        lesson = _PAGES.get(name, LESSONS[0])
        opening.open_example(session, lesson.example)
        session.keep_ratio = lesson.ratio is not None
        return {
            shared.token: session.token,
            shared.picker: lesson.example,
            shared.model: stand_in(lesson)[0],
            shared.ratio: {"ratio": lesson.ratio or 1.0, "auto": lesson.ratio is None},
            shared.photo: secrets.token_hex(4),
            shared.tab_bar: gr.Tabs(selected=lesson.tab),
            shared.message: "",
        }

    guard = reported(shared.message)
    gr.on([shared.tabs[NAME].select, topic.change], guard(open_page), topic, [article, shared.message], **AT_ONCE)
    topic.input(None, topic, js="(lesson) => lxAddress({lesson})")
    show.click(
        guard(set_tabs), [shared.token, topic],
        [shared.token, shared.picker, shared.model, shared.ratio, shared.photo, shared.tab_bar, shared.message],
        **AT_ONCE,
    )  # fmt: skip
    return {"lesson": (topic, lambda name: name if name in _PAGES else LESSONS[0].name)}


def stand_in(lesson: Lesson) -> tuple[str | None, bool]:
    """The model that shows a lesson, and whether it has the lesson's own architecture."""
    own = [name for name, info in model_picker.models().items() if info.architecture == lesson.model]
    return (own[0], True) if own else (model_picker.default_model(), False)


@lru_cache(maxsize=len(LESSONS))
def page(name: str) -> str:
    """A page as HTML."""
    lesson = _PAGES.get(name, LESSONS[0])
    words = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in lesson.paragraphs)
    model, own = stand_in(lesson)
    absent = ""
    if not own and model:
        absent = f'<p class="lx-note">{escape(text.LEARN_ABSENT.format(model=model_picker.label(model)))}</p>'
    figure = f"<figure>{_illustration(lesson)}<figcaption>{escape(lesson.caption)}</figcaption></figure>"
    return f'<article class="lx-lesson"><h2>{escape(lesson.title)}</h2>{words}{figure}{absent}</article>'


def _illustration(lesson: Lesson) -> str:
    if lesson.picture == "blocks":
        return drawings.blocks_drawing(lesson.blocks)
    if lesson.picture == "board":
        return board_tables()
    if lesson.picture == "curve":
        return drawings.curve_drawing((-0.2, -0.5, -0.8), (say("label.curve_before"), say("label.curve_after")))
    source = data_address(png(_computed(lesson), 9))
    return f'<img src="{source}" alt="{escape(lesson.caption)}">'


def _computed(lesson: Lesson) -> FloatArray:
    from explorer.examples import examples

    example = next(each for each in examples() if each.name == lesson.example)
    photo = reduced(explorer.open_photo(example.path), 2 * _WIDTH)
    taken = load_rendering(photo)
    small = within(taken, _WIDTH)
    bright = explorer.open_photo(example.reference) if example.reference else photo
    if lesson.picture == "bits":
        clean = within(load_rendering(bright), _WIDTH)
        return drawings.side_by_side([drawings.stored(clean, 300, 14), drawings.stored(clean, 300, 8)])
    if lesson.picture == "ratios":
        return drawings.side_by_side([amplify(small, ratio) for ratio in (3, 12, 48)])
    if lesson.picture == "patches":
        square = within(load_rendering(bright), 256)
        return drawings.windows(square, 70, ((20, 30), (104, 16), (160, 84)))
    parts = explorer.restore(reduced(photo, _WIDTH), "lime", 1.0).intermediates
    light = resized_like(parts["illumination"], small)
    surfaces = parts["reflectance"].clip(0, 1)
    return drawings.side_by_side([small, light.repeat(3, axis=2) ** 0.5, resized_like(surfaces, small)])
