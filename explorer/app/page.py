"""The page: header, photo, tabs. `build_app` makes it, `launch` serves it."""

from __future__ import annotations

import importlib.util
import secrets
from typing import Any

import gradio as gr

from explorer.app import (
    catalogue,
    compare_tab,
    endpoints,
    features_tab,
    learn_tab,
    photo_bar,
    restore_tab,
    restoring,
    retinex_tab,
    text,
    training_tab,
)
from explorer.app.components import html, message_area
from explorer.app.feedback import reported
from explorer.app.sessions import close_session, open_session, public_folder
from explorer.app.shared import PREVIEWS, Address, Shared
from explorer.app.theme import css, head, theme
from explorer.errors import ModelNotFoundError
from explorer.photo import check_ratio

TABS = (restore_tab, compare_tab, retinex_tab, features_tab, training_tab, learn_tab)
"""In reading order. A tab is a module with NAME (in the address), TITLE and `build(shared)`."""

UPLOAD_LIMIT = "400mb"
"""Largest upload; a 100-megapixel RAW is about 200 MB."""

QUEUE_LENGTH = 40
"""Requests that may wait; beyond that, visitors are asked to come back."""

HOUR = 3600

_HEADER = f"""
<a class="lx-skip" href="#lx-viewer">{text.SKIP}</a>
<header class="lx-header">
  <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true"><circle cx="16" cy="16" r="14" fill="none"
    stroke="currentColor" stroke-width="2.5"/><path d="M16 2a14 14 0 0 1 0 28z" fill="var(--lx-accent)"/></svg>
  <div><h1>{text.TITLE}</h1><p>{text.TAGLINE}</p></div>
  <label class="lx-language"><span class="lx-hidden">{text.LANGUAGE}</span><select translate="no"
    onchange="lxSetLanguage(this.value)">{"".join(
        f'<option value="{code}" lang="{code}">{name}</option>' for code, name in text.LANGUAGES
    )}</select></label>
  <button type="button" class="lx-theme" aria-label="{text.THEME_SWITCH}" title="{text.THEME_SWITCH}"
    onclick="lxSwitchTheme()"><svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path
    fill="currentColor" d="M12 3a9 9 0 1 0 0 18zm0-1.5A10.5 10.5 0 1 1 12 22.5 10.5 10.5 0 0 1 12 1.5z"/></svg></button>
</header>
"""


def build_app() -> gr.Blocks:
    """The whole app, not yet served."""
    with gr.Blocks(title=text.TITLE, analytics_enabled=False, fill_width=True, delete_cache=(HOUR // 4, HOUR)) as demo:
        token = gr.State(None, time_to_live=12 * HOUR, delete_callback=close_session)
        photo = gr.State(None)
        html(_HEADER)
        upload, picker = photo_bar.build()
        message = message_area()
        controls = restore_tab.controls()
        with gr.Tabs(elem_id="lx-tabs") as tabs:
            opened = {module.NAME: gr.Tab(module.TITLE, id=module.NAME) for module in TABS}
            shared = Shared(token, photo, message, controls.model, controls.ratio, picker, tabs, opened)
            state: dict[str, Any] = {}
            for module in TABS:
                tab = opened[module.NAME]
                with tab:
                    state |= module.build(shared)
                tab.select(None, js=f"() => lxAddress({{tab: '{module.NAME}'}})")
        photo_bar.wire(upload, picker, token, photo, message)
        _greet(demo, shared, state)
        endpoints.publish()
    return demo


def _greet(demo: gr.Blocks, shared: Shared, state: Address) -> None:
    """Restores what the address says (`?model=...&ratio=...&tab=...&example=...`) and opens the first photo.

    The tabs' own keys are in `state`. Values that a tab cannot follow are passed over; the page opens all the same.
    """

    def greet(request: gr.Request) -> dict[Any, Any]:
        query = dict(request.query_params)
        session = open_session(None)
        answer: dict[Any, Any] = {shared.token: session.token}
        example = query.get("example") or photo_bar.default_example()
        if query.get("tab") in {module.NAME for module in TABS}:
            answer[shared.tab_bar] = gr.Tabs(selected=query["tab"])
        if example:
            restoring.open_example(session, example)
            answer |= {shared.picker: example, shared.photo: secrets.token_hex(4)}
        for key, (component, read) in state.items():
            if key in query and (value := read(query[key])) is not None:
                answer[component] = value
        if "ratio" in query:
            answer[shared.ratio] = {"ratio": check_ratio(query["ratio"]), "auto": False}
            session.keep_ratio = True
        if "model" in query:
            if query["model"] not in catalogue.models():
                known = ", ".join(catalogue.models())
                raise ModelNotFoundError(f"There is no model {query['model']!r}; the known ones are {known}.")
            answer[shared.model] = query["model"]
        return answer

    greeting = demo.load(
        reported(shared.message)(greet),
        None,
        [shared.token, shared.photo, shared.message, shared.model, shared.ratio, shared.tab_bar, shared.picker]
        + [component for component, _ in state.values()],
        concurrency_id=PREVIEWS,
        concurrency_limit=2,
        api_visibility="private",
        show_progress="hidden",
    )
    greeting.then(None, js="() => lxGreeted()")


def launch(
    demo: gr.Blocks | None = None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    block: bool = True,
    quiet: bool = False,
) -> str:
    """Serves the app without telemetry, monitoring page, run history or foreign origins.

    Args:
        demo: what `build_app` gave; built here where it is not given.
        host: the address to listen on; "0.0.0.0" for every network of the machine.
        port: the port to listen on; None takes the first free one from 7860.
        share: also open a public tunnel. Off by default: the photo would leave the machine.
        block: wait until the server is stopped.
        quiet: print nothing.

    Returns:
        The local address.
    """
    demo = demo or build_app()
    demo.queue(max_size=QUEUE_LENGTH, default_concurrency_limit=2)
    _, url, _ = demo.launch(
        server_name=host,
        server_port=port,
        share=share,
        prevent_thread_lock=True,
        quiet=quiet,
        show_error=False,
        enable_monitoring=False,
        run_history=False,
        strict_cors=True,
        max_file_size=UPLOAD_LIMIT,
        allowed_paths=[str(public_folder())],
        footer_links=["api"],
        ssr_mode=False,
        mcp_server=importlib.util.find_spec("mcp") is not None,
        theme=theme(),
        css=css(),
        head=head(),
    )
    if block:
        demo.block_thread()
    return url
