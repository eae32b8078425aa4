"""The page: header, photo, tabs. `build_app` builds it, `launch` serves it."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import secrets
from types import ModuleType
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from explorer.app import (
    endpoints,
    importing,
    live,
    model_picker,
    opening,
    photo_bar,
    restore_layout,
    text,
)
from explorer.app.components import html, message_area, note
from explorer.app.feedback import reported
from explorer.app.frames import frames_route
from explorer.app.open_photo import NEUTRAL
from explorer.app.own_address import asked_directly
from explorer.app.sessions import Session, enter_session, forget_page, leave_session, public_folder, room
from explorer.app.shared import AT_ONCE, Address, Shared
from explorer.app.streams import HeldStreams
from explorer.app.temporary import keep_clean, own_uploads
from explorer.app.theme import css, head, languages, theme
from explorer.discovery import files
from explorer.errors import PhotoError, RatioError, WhiteBalanceError
from explorer.gradio_internals import (
    describe_files_as_texts,
    one_application,
    send_whole_values,
    temporary_names,
    write_valid_texts,
)
from explorer.messages import say
from explorer.photo import check_ratio
from explorer.photo.light.amplify import MAXIMUM_RATIO, MINIMUM_RATIO
from explorer.sandbox import processes
from explorer.server import ServerOptions, hardened


def _tabs() -> list[ModuleType]:
    """The tabs in reading order. A tab is a file `<name>_tab.py` with NAME (for the address), TITLE, PLACE (its
    position in that order) and `build(shared)`."""
    return sorted(files("explorer.app", "_tab"), key=lambda module: int(module.PLACE))


TABS = _tabs()
_TAB_NAMES = {module.NAME for module in TABS}

QUEUE_LENGTH = 40
"""Maximum number of waiting requests; beyond that, visitors are asked to come back."""

PAGES_REMEMBERED = 256
"""Number of pages whose changed components Gradio keeps, a quarter of a mebibyte each."""

_SERVED: dict[str, Any] = {
    "prevent_thread_lock": True, "show_error": False, "enable_monitoring": False, "run_history": False,
    "strict_cors": True, "footer_links": ["api"], "ssr_mode": False, "state_session_capacity": PAGES_REMEMBERED,
}  # fmt: skip
"""Options of Gradio's server."""

_HEADER = f"""
<a class="lx-skip" href="#lx-viewer">{text.SKIP}</a>
<header class="lx-header">
  <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true"><circle cx="16" cy="16" r="14" fill="none"
    stroke="currentColor" stroke-width="2.5"/><path d="M16 2a14 14 0 0 1 0 28z" fill="var(--lx-accent)"/></svg>
  <div><h1>{text.TITLE}</h1><p>{text.TAGLINE}</p></div>
  <label class="lx-language"><span class="lx-hidden">{text.LANGUAGE}</span><select translate="no"
    onchange="lxSetLanguage(this.value)">{
    "".join(f'<option value="{code}" lang="{code}">{name}</option>' for code, name in languages().items())
}</select></label>
  <button type="button" class="lx-theme" aria-label="{text.THEME_SWITCH}" title="{text.THEME_SWITCH}"
    onclick="lxSwitchTheme()"><svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path
    fill="currentColor" d="M12 3a9 9 0 1 0 0 18zm0-1.5A10.5 10.5 0 1 1 12 22.5 10.5 10.5 0 0 1 12 1.5z"/></svg></button>
</header>
"""


def build_app() -> gr.Blocks:
    """Builds the whole app, without serving it."""
    with gr.Blocks(title=text.TITLE, analytics_enabled=False, fill_width=True) as demo:
        token = gr.State(None)
        photo = gr.State(None)
        kept, seen = gr.Textbox(visible=False), gr.Textbox(visible=False)
        html(_HEADER)
        upload, picker = photo_bar.build()
        message = message_area()
        controls = restore_layout.controls()
        with gr.Tabs(elem_id="lx-tabs") as tabs:
            opened = {module.NAME: gr.Tab(module.TITLE, id=module.NAME) for module in TABS}
            shared = Shared(token, photo, message, controls.model, controls.ratio, picker, tabs, upload, seen, opened)
            state: dict[str, Any] = {}
            for module in TABS:
                with opened[module.NAME]:
                    state |= module.build(shared)
        for wire in shared.later:
            wire()
        photo_bar.wire(upload, picker, shared)
        _greet(demo, shared, state, kept)
        endpoints.register_endpoints()
        demo.unload(_left)
    return demo


def _left() -> None:
    """Called when the page was closed."""
    leave_session()
    forget_page()


def _greet(demo: gr.Blocks, shared: Shared, state: Address, kept: gr.Textbox) -> None:
    """Applies the page's address (`?model=...&ratio=...&tab=...&example=...`) and opens the first photo, or the one
    that was open before the page was reloaded.

    The tabs' own keys are in `state`. Requests that cannot be met become notes, and the page opens anyway.

    Args:
        kept: carries the session's token to the page, which returns it when it is reloaded.
    """

    def greet(request: gr.Request, before: str | None) -> dict[Any, Any]:
        query = dict(request.query_params)
        session = enter_session(before or None)
        answer: dict[Any, Any] = {shared.token: session.token, kept: session.token}
        words = _asked_in_vain(query, session)
        if query.get("tab") in _TAB_NAMES:
            answer[shared.tab_bar] = gr.Tabs(selected=query["tab"])
        try:
            answer |= _first_photo(shared, session, query.get("example"))
        except PhotoError:
            words.append(say("link.example", example=query.get("example", "")[:40]))
            answer |= _first_photo(shared, session, None)
        answer |= {picker: importing.picker_update(names()) for picker, names in shared.pickers.items()}
        for key, (component, read) in state.items():
            if key in query and (value := read(query[key])) is not None:
                names = shared.pickers.get(component)
                answer[component] = importing.picker_update(names(), value) if names else value
        answer |= {section: gr.update(visible=importing.allowed(request)) for section in shared.importing}
        if "balance" in query and session.open is not None:
            words += _ask_balance(session, query["balance"])
        if "ratio" in query:
            ratio, problems = _asked_ratio(query["ratio"])
            if ratio is not None:
                answer[shared.ratio] = {"ratio": ratio, "auto": False}
                session.keep_ratio = True
            words += problems
        model, problems = _asked_model(query.get("model"), session)
        if model is not None:
            answer[shared.model] = importing.picker_update(model_picker.pickable(), model)
        words += problems
        session.greeting = tuple(words)
        if words:
            answer[shared.message] = note(words)
        return answer

    greeting = demo.load(
        reported(shared.message)(greet),
        [kept],
        [shared.token, shared.photo, shared.message, shared.model, shared.ratio, shared.tab_bar, shared.picker]
        + [shared.upload, kept, *shared.importing]
        + [component for component in {*shared.pickers, *(each for each, _ in state.values())} - {shared.model}],
        js="() => lxKept()",
        **AT_ONCE,
    )
    greeting.then(None, kept, js="(token) => lxGreeted(token)")


def _asked_in_vain(query: dict[str, str], session: Session) -> list[str]:
    """Notes about a photo that an address cannot contain, and about a tab that does not exist."""
    words = [say("link.own_photo")] if "own" in query and session.open is None else []
    tab = query.get("tab")
    return words if not tab or tab in _TAB_NAMES else [*words, say("link.tab", tab=tab[:40])]


def _first_photo(shared: Shared, session: Session, example: str | None) -> dict[Any, Any]:
    """Opens the page's first photo: the session's own if there is one, otherwise the example."""
    if session.open is not None and example in (None, session.open.example):
        session.keep_balance = True
        session.boards.clear()  # the new page shows none yet
        shown = photo_bar.open_values(session)
        return {shared.upload: shown["upload"], shared.picker: shown["picker"], shared.photo: secrets.token_hex(4)}
    name = example or photo_bar.default_example()
    if not name:
        return {}
    opening.open_example(session, name)
    return {shared.picker: name, shared.photo: secrets.token_hex(4)}


def _asked_model(asked: str | None, session: Session) -> tuple[str | None, list[str]]:
    """Returns the model that the address names, and notes about it. If it names none, that is the best one for the open
    photo. None keeps the page's own."""
    if asked is None:
        return None if session.open is None else model_picker.best_for(session.open.small), []
    if asked in model_picker.models():
        return asked, []
    return None, [say("link.model", model=asked[:40])]


def _ask_balance(session: Session, asked: str) -> list[str]:
    """Gives the open photo the white balance that an address asks for: "daylight", or "neutral" followed by the
    position of the grey patch after commas. Returns notes about it."""
    choice, *place = asked.split(",")
    try:
        point = (float(place[0]), float(place[1])) if choice == NEUTRAL else None
        opening.set_white_balance(session, choice, point)
    except (PhotoError, WhiteBalanceError, ValueError, IndexError):
        return [text.BALANCE_UNREADABLE.format(typed=asked[:40])]
    session.keep_balance = True
    return []


def _asked_ratio(asked: str) -> tuple[float | None, list[str]]:
    """The amplification that an address asks for, moved into the allowed range, or None for the suggested one. Also
    returns notes about it."""
    try:
        return check_ratio(asked), []
    except RatioError:
        pass
    try:
        number = float(asked)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        return None, [text.RATIO_UNREADABLE.format(typed=asked[:40])]
    nearest = min(max(number, MINIMUM_RATIO), MAXIMUM_RATIO)
    return nearest, [text.RATIO_CLAMPED.format(typed=asked[:40], ratio=f"{nearest:g}")]


def launch(
    demo: gr.Blocks | None = None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    block: bool = True,
    quiet: bool = False,
    options: ServerOptions | None = None,
) -> str:
    """Serves the app without telemetry, monitoring page, run history or foreign origins.

    Args:
        demo: the result of `build_app`; built here if missing.
        host: the address to listen on; "0.0.0.0" for every network of the machine.
        port: the port to listen on; None uses the first free one from 7860.
        share: also open a public tunnel. Off by default, because photos would leave the machine.
        block: wait until the server is stopped.
        quiet: print nothing.
        options: limits and sign-in of the server; by default from the environment.

    Returns:
        The local address.
    """
    write_valid_texts()
    describe_files_as_texts()
    send_whole_values()
    processes.use_room(room)
    with one_application():
        demo = demo or build_app()
        demo.queue(max_size=QUEUE_LENGTH, default_concurrency_limit=2)
    keep_clean(own_uploads(), temporary_names(demo))
    with contextlib.suppress(OSError):  # if memory is short now, the first photo tries again
        processes.prewarm()
    protected = hardened(
        demo, options, host=host, share=share,
        middleware=[Middleware(HeldStreams)], routes=[frames_route(live.restore_frame)],
    )  # fmt: skip
    with asked_directly(host):
        _, url, _ = demo.launch(
            server_name=host,
            server_port=port,
            share=share,
            quiet=quiet,
            allowed_paths=[str(public_folder())],
            mcp_server=importlib.util.find_spec("mcp") is not None,
            theme=theme(),
            css=css(),
            head=head(),
            **_SERVED,
            **protected,
        )
    if block:
        demo.block_thread()
    return url
