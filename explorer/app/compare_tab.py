"""Several models and ratios on one photo, side by side under one zoom; one model over many ratios."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from typing import Any, cast

import gradio as gr
from PIL import Image

from explorer.app import catalogue, restoring, text
from explorer.app.components import (
    RatioChoice,
    chosen_ratio,
    download_link,
    html,
    note,
    player,
    problem,
    ranking,
    tiles,
)
from explorer.app.feedback import reported, told
from explorer.app.pictures import input_tile, model_tile, reference_tile
from explorer.app.sessions import Session, address, open_session
from explorer.app.shared import LONG_WORK, PREVIEWS, Address, Shared
from explorer.errors import ExplorerError, ModelNotFoundError, RatioError
from explorer.inspect import cost, sweep_ratios
from explorer.metrics import METRICS
from explorer.photo import check_ratio
from explorer.views.pictures import FloatArray, to_bytes
from explorer.views.plots import quality_against_time
from explorer.views.words import ratio_words

NAME = "compare"
TITLE = text.TAB_COMPARE

AT_FIRST = 4
"""Models chosen when the page opens."""
MOST = 36
"""Pictures of one comparison."""
MOST_STEPS = 24

_COLUMNS: tuple[dict[str, Any], ...] = (
    {"title": text.COMPARE_COLUMN_MODEL},
    {"title": text.COMPARE_COLUMN_RATIO, "digits": 1},
    *(
        {"title": m.heading, "digits": m.digits, "best_high": m.best_high}
        | ({"hint": text.COMPARE_HINT_MATCHED} if m.matched else {})
        for m in METRICS
    ),
    {"title": text.COMPARE_COLUMN_SECONDS, "digits": 3, "best_high": False},
    {"title": text.COMPARE_COLUMN_PARAMETERS, "digits": 0},
    {"title": text.COMPARE_COLUMN_GMAC, "digits": 2},
    {"title": text.COMPARE_COLUMN_MEMORY, "digits": 0, "hint": text.COMPARE_HINT_MEMORY},
)

_SECONDS = [column["title"] for column in _COLUMNS].index(text.COMPARE_COLUMN_SECONDS)


def parse_ratios(words: str) -> list[RatioChoice]:
    """Amplifications as a visitor lists them: "1, 10, auto", each once.

    Raises:
        RatioError: a part is neither auto nor a number from 1 to 300.
    """
    found: list[RatioChoice] = []
    for part in words.replace(";", ",").split(","):
        part = part.strip().lower().lstrip("×x")
        if not part:
            continue
        try:
            value: RatioChoice = "auto" if part == "auto" else check_ratio(float(part))
        except ValueError as error:
            raise RatioError(text.COMPARE_BAD_LIST.format(part=part)) from error
        if value not in found:
            found.append(value)
    return found or ["auto"]


def row_of(session: Session, model: str, ratio: RatioChoice) -> tuple[dict[str, Any], list[Any]]:
    """One model at one ratio: its tile, and its row of the table."""
    restoration = restoring.preview(session, model, ratio).restoration
    scores = restoring.scores(session, restoration.image)
    height, width = restoration.image.shape[:2]
    spent = cost(catalogue.load(model), width, height)
    row = [
        catalogue.label(model),
        round(restoration.ratio, 2),
        *(round(scores[m.name], m.digits + 1) if scores else None for m in METRICS),
        round(restoration.seconds, 4),
        catalogue.models()[model].parameters or None,
        round(spent.gmac, 3) if spent else None,
        round(spent.peak_bytes / 1e6, 1) if spent else None,
    ]
    return model_tile(session, restoration, label=catalogue.label(model)), row


def comparable() -> list[str]:
    """Models that are worth a tile."""
    return [name for name in catalogue.models() if name != "identity"]


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    names = comparable()
    with gr.Row(elem_classes="lx-bar"):
        chosen = gr.Dropdown(
            choices=list(catalogue.choices(names)),
            value=catalogue.unlike(AT_FIRST),
            multiselect=True,
            label=text.COMPARE_MODELS,
            elem_id="lx-compare-models",
            scale=5,
        )
        with gr.Column(scale=5, min_width=440, elem_classes="lx-tight"):
            source = gr.Radio(
                choices=list(text.COMPARE_RATIOS), value="own", label=text.RATIO, elem_id="lx-compare-ratio",
                elem_classes="lx-segments",
            )  # fmt: skip
            listed = gr.Textbox(
                value="auto, 10, 30", label=text.COMPARE_LIST, visible=False, elem_id="lx-compare-list", max_lines=1
            )
        run = gr.Button(text.COMPARE_RUN, variant="primary", elem_id="lx-compare-run", scale=0, min_width=110)
        stop = gr.Button(text.STOP, elem_id="lx-compare-stop", scale=0, min_width=80, interactive=False)
    status = html(elem_id="lx-compare-status")
    board = tiles("lx-compare-tiles", text.COMPARE_EMPTY, "compare", "blind")
    with gr.Column(elem_classes="lx-figures"):
        table = ranking("lx-compare-table", text.COMPARE_TABLE)
        plot = gr.Plot(format="png", label=text.COMPARE_PLOT, visible=False, elem_id="lx-compare-plot")
    sweep_run, sweep_inputs, strip, animation, sweep_link = _sweep()
    shared.pickers.update({chosen: comparable, sweep_inputs[0]: comparable})
    source.input(lambda choice: gr.update(visible=choice == "list"), source, listed, api_visibility="private")

    def compare_models(
        token: str | None, models: list[str], choice: str, words: str, ratio: object
    ) -> Iterator[dict[Any, Any]]:
        session = open_session(token)
        session.require_open()
        photo = session.version
        if not models:
            raise ModelNotFoundError(text.COMPARE_NONE)
        models = [catalogue.known(model) for model in models]
        ratios: list[RatioChoice] = ["auto"]
        if choice != "own":
            ratios = [chosen_ratio(ratio)] if choice == "same" else parse_ratios(words)
        wanted = [(model, each) for model in models for each in ratios]
        if len(wanted) > MOST:
            raise RatioError(text.COMPARE_TOO_MANY.format(count=len(wanted), most=MOST))
        batch = secrets.token_hex(4)
        taken = cast(FloatArray, session.as_taken)
        shown = [input_tile(session, taken)]
        if session.kept_reference is not None:
            shown.append(reference_tile(session, cast(FloatArray, restoring.reference_like(session, taken))))
        rows: list[list[Any]] = []
        failures: list[str] = []
        session.stopping = False
        running = {stop: gr.update(interactive=True), run: gr.update(interactive=False)}
        yield {
            **running, shared.token: session.token, shared.message: "", table: None, plot: gr.update(visible=False)
        }  # fmt: skip
        for done, (model, each) in enumerate(wanted):
            if session.version != photo:  # another one was opened meanwhile, and the board is its own
                yield _idle()
                return
            if session.stopping:
                break
            words = text.COMPARE_NEXT.format(done=done, total=len(wanted), model=catalogue.label(model))
            yield {board: {"batch": batch, "tiles": list(shown)}, status: note([words])}
            try:
                tile, row = row_of(session, model, each)
            except ExplorerError as error:  # one model that cannot be had must not hide the others
                failures.append(told(error))
                continue
            shown.append(tile)
            rows.append(row)
            yield {board: {"batch": batch, "tiles": list(shown)}, table: _table(session, rows)}
        points = [(f"{row[0]} {ratio_words(row[1])}", row[_SECONDS], row[2]) for row in rows if row[2] is not None]
        words = text.COMPARE_PROGRESS.format(done=len(rows), total=len(wanted))
        yield {
            board: {"batch": batch, "tiles": shown},
            status: note([text.COMPARE_STOPPED, words] if session.stopping else [words]),
            table: _table(session, rows),
            plot: gr.update(value=quality_against_time(points), visible=len(points) > 1),
            shared.message: problem(" ".join(failures)) if failures else "",
            **_idle(),
        }

    def _idle() -> dict[Any, Any]:
        return {stop: gr.update(interactive=False), run: gr.update(interactive=True)}

    def halt(token: str | None) -> None:
        # The comparison ends itself after the picture at work, so that what is done is shown with its figures.
        open_session(token).stopping = True

    def sweep(token: str | None, model: str, low: float, high: float, count: float) -> Iterator[dict[Any, Any]]:
        session = open_session(token)
        session.require_open()
        photo = session.version
        ratios = sweep_ratios(low, high, min(int(count), MOST_STEPS))
        batch = secrets.token_hex(4)
        shown: list[dict[str, Any]] = []
        pictures = []
        for ratio in ratios:
            if session.version != photo:
                return
            restoration = restoring.preview(session, model, ratio).restoration
            shown.append(model_tile(session, restoration, group="sweep", title=ratio_words(ratio)))
            pictures.append(Image.fromarray(to_bytes(restoration.image)))
            frames = [{"src": tile["src"], "label": tile["title"], "alt": tile["alt"]} for tile in shown]
            yield {
                shared.token: session.token,
                shared.message: "",
                strip: {"batch": batch, "tiles": list(shown), "columns": min(len(ratios), 6)},
                animation: {"batch": batch + str(len(frames) == len(ratios)), "frames": frames},
                sweep_link: None,
            }
        path = session.download_path(f"sweep-{model}.png", "sweep")
        with io.BytesIO() as buffer:
            pictures[0].save(buffer, "PNG", save_all=True, append_images=pictures[1:], duration=500, loop=0)
            path.write_bytes(buffer.getvalue())
        yield {sweep_link: {"src": address(path), "name": path.name, "label": text.SWEEP_DOWNLOAD, "wait": True}}

    quick: dict[str, Any] = {
        "concurrency_id": PREVIEWS, "concurrency_limit": 2, "api_visibility": "private", "show_progress": "hidden",
    }  # fmt: skip
    event = run.click(
        reported(shared.message)(compare_models),
        [shared.token, chosen, source, listed, shared.ratio],
        [shared.token, shared.message, board, status, table, plot, stop, run],
        **{**quick, "concurrency_id": LONG_WORK, "concurrency_limit": 1},
    )
    event.then(_idle, None, [stop, run], api_visibility="private", show_progress="hidden", queue=False)
    stop.click(halt, shared.token, None, api_visibility="private", queue=False)
    sweep_run.click(
        reported(shared.message)(sweep),
        [shared.token, *sweep_inputs],
        [shared.token, shared.message, strip, animation, sweep_link],
        **{**quick, "concurrency_id": LONG_WORK, "concurrency_limit": 1},
    )
    empty = {board: None, status: "", table: None, strip: None, animation: None, sweep_link: None}
    shared.photo.change(
        lambda: {**empty, plot: gr.update(visible=False), **_idle()},
        outputs=[*empty, plot, stop, run],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )  # fmt: skip
    chosen.input(None, chosen, js="(models) => lxAddress({models: models.join(',')})")
    return {"models": (chosen, lambda words: [name for name in words.split(",") if name in comparable()] or None)}


def _sweep() -> tuple[gr.Button, list[Any], gr.HTML, gr.HTML, gr.HTML]:
    """The lower half: one model over many ratios."""
    names = comparable()
    with gr.Column(elem_classes="lx-section"):
        html(f"<h2>{text.SWEEP}</h2>")
        with gr.Row(elem_classes="lx-bar"):
            model = gr.Dropdown(
                choices=list(catalogue.choices(names)), value=names[0] if names else None, label=text.SWEEP_MODEL,
                elem_id="lx-sweep-model", scale=4,
            )  # fmt: skip
            low = gr.Number(1, label=text.SWEEP_FROM, minimum=1, maximum=300, scale=1, min_width=90)
            high = gr.Number(100, label=text.SWEEP_TO, minimum=1, maximum=300, scale=1, min_width=90)
            count = gr.Number(
                6, label=text.SWEEP_COUNT, minimum=2, maximum=MOST_STEPS, precision=0, scale=1, min_width=90
            )
            run = gr.Button(text.SWEEP_RUN, elem_id="lx-sweep-run", scale=1, min_width=110)
        strip = tiles("lx-sweep-strip", text.SWEEP_EMPTY)
        with gr.Column(elem_classes="lx-narrow"):
            animation = player("lx-sweep-player", "")
            link = download_link("lx-sweep-link")
    return run, [model, low, high, count], strip, animation, link


def _table(session: Session, rows: list[list[Any]]) -> dict[str, Any]:
    height, width = cast(FloatArray, session.as_taken).shape[:2]
    words = text.COMPARE_HELP.format(width=width, height=height)
    if session.kept_reference is None:
        words += " " + text.COMPARE_NO_REFERENCE
    return {
        "columns": list(_COLUMNS),
        "rows": [list(row) for row in rows],
        "caption": text.COMPARE_TABLE,
        "note": words,
    }
