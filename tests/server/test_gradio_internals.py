"""Each name of Gradio's inside that the server counts on is there, in the version that is installed."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from explorer.server.gradio_internals import FETCHERS

NAMES = {
    "gradio.component_meta": ("create_or_modify_pyi",),
    "gradio.routes": ("App.create_app", "orjson", "traceback"),
    "gradio.processing_utils": ("hash_seed", *FETCHERS),
    "gradio.route_utils": (
        "CustomCORSMiddleware.__init__", "GradioMultiPartParser.parse", "GradioMultiPartParser.on_headers_finished",
        "FnIndexInferError",
    ),
    "gradio.context": ("LocalContext.request", "LocalContext.blocks"),
    "gradio.state_holder": ("StateHolder",),
    "gradio.queueing": ("traceback", "Queue.push"),
}  # fmt: skip


@pytest.mark.parametrize("module", NAMES)
def test_the_name_is_there(module: str) -> None:
    found = importlib.import_module(module)
    for path in NAMES[module]:
        thing = found
        for part in path.split("."):
            thing = inspect.getattr_static(thing, part)


def test_the_middleware_asks_whether_its_parent_decides() -> None:
    from gradio import route_utils

    assert "parent_configures_cors" in inspect.getsource(route_utils.CustomCORSMiddleware)


def test_pages_are_kept_in_what_is_emptied() -> None:
    from gradio.state_holder import StateHolder

    holder = StateHolder()
    assert {"session_data", "time_last_used", "lock"} <= set(vars(holder))


def test_the_queue_knows_what_each_page_awaits() -> None:
    from gradio.queueing import Queue

    assert "pending_event_ids_session" in inspect.getsource(Queue.push)


def test_nothing_else_touches_gradios_inside(project: Path) -> None:
    documented = ("gradio as gr", "gradio.data_classes", "gradio.themes")
    inside = []
    for path in (project / "explorer").rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.strip()
            if words.startswith(("from gradio", "import gradio")) and not any(each in words for each in documented):
                inside.append(path.name)
    assert set(inside) <= {"gradio_internals.py"}
