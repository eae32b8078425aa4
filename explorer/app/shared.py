"""State shared by the tabs: one photo, one message area, one choice of model and ratio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

PREVIEWS = "previews"
"""Concurrency group of quick work: two at once, because the smallest machine has two cores."""
LONG_WORK = "long"
"""Concurrency group of full-resolution work: one at a time, so that previews stay quick."""


AT_ONCE: dict[str, Any] = {
    "concurrency_id": PREVIEWS, "concurrency_limit": 2, "api_visibility": "private", "show_progress": "hidden",
}  # fmt: skip
"""Options of events that answer at once, without a progress sign."""
QUICK: dict[str, Any] = {**AT_ONCE, "trigger_mode": "always_last", "show_progress": "minimal"}
"""Options of events that answer at once; of several that arrive during one, only the last runs."""
LONG: dict[str, Any] = {"concurrency_id": LONG_WORK, "concurrency_limit": 1, "api_visibility": "private"}
"""Options of events that may take their time."""
SILENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
"""Options of events that compute nothing."""


def once(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same options for follow-up events, all of which run."""
    return {**options, "trigger_mode": "once"}


Address = Mapping[str, tuple[Any, Callable[[str], Any]]]
"""The result of a tab's `build`: for each key in the page's address, the component and the parser of its value."""


@dataclass(frozen=True)
class Shared:
    """Components that every tab may read. A tab listens to `photo.change` to follow the open photo."""

    token: gr.State
    """The session's token, or None before the first action."""
    photo: gr.State
    """Changes whenever another photo is opened."""
    message: gr.HTML
    model: gr.Dropdown
    ratio: gr.HTML
    picker: gr.HTML
    """The examples; the value is the name of the open one."""
    tab_bar: gr.Tabs
    upload: gr.File
    seen: gr.Textbox
    """Holds the name of the visible tab, filled in by an event's script; not on the page."""
    tabs: Mapping[str, gr.Tab]
    """Tabs by name, for those that start their work when they are opened."""
    pickers: dict[gr.Dropdown, Callable[[], list[str]]] = field(default_factory=dict)
    """Every model picker, with the names that it currently offers; weights may arrive while the page is open."""
    later: list[Callable[[], None]] = field(default_factory=list)
    """Connections to make once all tabs are laid out."""
    importing: list[gr.Accordion] = field(default_factory=list)
    """Sections visible only to visitors who may import weights."""


def filled(shared: Shared, name: str, emptied: Any, fill: tuple[Any, Any, Any], options: Mapping[str, Any]) -> None:
    """Lets a tab fill itself when it is opened, and when another photo arrives while it is visible.

    Args:
        emptied: the event after which the old photo's board is gone.
        fill: handler, inputs and outputs. The first input is the session's token, the second the visible tab. The
            handler decides whether there is anything to do, because both events occur if a page starts with the tab.
    """
    handler, inputs, outputs = fill
    # All of them run: one that arrives while another waits may be the only one for the newer photo.
    options = {**options, "trigger_mode": "multiple"}
    given = [shared.token, shared.seen, *inputs]
    opened = f"(token, seen, ...rest) => [token, '{name}', ...rest]"
    shared.tabs[name].select(handler, given, outputs, js=opened, **options)
    # As the page shows it now: a value that follows the choice of a tab would lag behind quick changes.
    emptied.then(handler, given, outputs, js="(token, seen, ...rest) => [token, lxTab(), ...rest]", **options)
