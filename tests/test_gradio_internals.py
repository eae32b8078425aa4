"""Each name of Gradio's inside that the server counts on is there, in the version that is installed."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import threading
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from anyio.to_thread import run_sync
from gradio_client.client import Job
from gradio_client.utils import apply_diff

from explorer.gradio_internals import (
    ADMIT,
    ANSWERS_EACH,
    FETCHERS,
    UPLOADS,
    USER,
    compute_what_is_asked,
    forget_progress,
    send_whole_values,
    share_queue,
    wait_for_tools_without_threads,
)

NAMES = {
    "gradio.component_meta": ("inspect.getfile", "create_or_modify_pyi"),
    "gradio.routes": ("App.create_app", "orjson", "traceback", "file_upload_statuses"),
    "gradio.processing_utils": ("hash_seed", *FETCHERS),
    "gradio.route_utils": (
        "CustomCORSMiddleware.__init__", "GradioMultiPartParser.parse", "GradioMultiPartParser.on_headers_finished",
        "FnIndexInferError",
    ),
    "gradio.context": ("LocalContext.request", "LocalContext.blocks"),
    "gradio.state_holder": (
        "StateHolder", "SessionState.__init__", "SessionState._update_config", "SessionState._update_value_in_config",
    ),
    "gradio.queueing": ("traceback", "Queue.push", "Queue.send_message", "Queue.broadcast_estimations",
                        "Queue.get_events", "EventQueue"),
    "gradio.mcp": ("GradioMCPServer.simplify_filedata_schema", "GradioMCPServer._execute_tool_without_progress",
                   "GradioMCPServer._get_or_create_client", "run_sync"),
    "gradio.utils": ("diff", "MatplotlibBackendMananger", "LRUCache"),
}  # fmt: skip


@pytest.mark.parametrize("module", NAMES)
def test_the_name_is_there(module: str) -> None:
    if module == "gradio.mcp":
        pytest.importorskip("mcp", reason="needs the Model Context Protocol's package: pip install 'gradio[mcp]'")
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


def test_a_new_page_describes_no_components_and_keeps_what_none_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio.blocks import BlocksConfig
    from gradio.state_holder import SessionState, StateHolder

    compute_what_is_asked()
    with gr.Blocks() as demo:
        kept, shown = gr.State([1]), gr.Textbox("before")
        demo.load(lambda state, text: ([*state, 2], f"{text} and after"), [kept, shown], [kept, shown])
    described: list[int] = []
    monkeypatch.setattr(BlocksConfig, "config_for_block", lambda self, block, *_: described.append(block))
    holder = StateHolder()
    holder.set_blocks(demo)
    page: SessionState = holder["a"]
    answer = asyncio.run(demo.process_api(0, [None, "before"], state=page))
    assert answer["data"][1] == "before and after" and page[kept._id] == [1, 2], "the page works all the same"
    assert holder["b"][kept._id] == [1], "each page has its own"
    assert set(described) <= {kept._id} and not list(page.components)


def test_the_queue_knows_what_each_page_awaits() -> None:
    from gradio.queueing import Queue

    assert "pending_event_ids_session" in inspect.getsource(Queue.push)


def test_an_answer_of_a_series_stays_what_it_was_when_the_next_one_comes() -> None:
    """Edits below a value's root are made in the value that the page already got, and may not have shown yet."""
    send_whole_values()
    page, function = gr.Blocks(), SimpleNamespace(outputs=["plot", "text"])
    answers = [
        [{"__type__": "update", "visible": "hidden"}, "begun"],
        [{"__type__": "update", "visible": True, "value": {"plot": [1, 2]}}, "begun and done"],
        [{"__type__": "update"}, {"__type__": "update"}],
    ]
    sent = [
        page.handle_streaming_diffs(cast("Any", function), list(answer), "page", "run", final=False)
        for answer in answers
    ]
    got = [sent[0]]
    for edits in sent[1:]:
        got.append([apply_diff(before, edit) for before, edit in zip(got[-1], edits, strict=True)])
    assert got == answers
    assert not any(path for edits in sent[1:] for each in edits for _, path, _ in each)


def test_nothing_else_touches_gradios_inside(project: Path) -> None:
    documented = ("gradio as gr", "gradio.data_classes", "gradio.themes")
    inside = []
    for path in (project / "explorer").rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.strip()
            if words.startswith(("from gradio", "import gradio")) and not any(each in words for each in documented):
                inside.append(path.name)
    assert set(inside) <= {"gradio_internals.py"}


def shared_queue(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The queue of an app whose users take turns; Gradio's own is put back after the test."""
    from gradio.queueing import Queue

    for name in ("push", "send_message"):
        monkeypatch.setattr(Queue, name, vars(Queue)[name])
    share_queue()
    with gr.Blocks() as demo:
        gr.api(lambda: "told", api_name="tell")
    return demo.queue(max_size=None)._queue


def test_who_fetches_no_answers_leaves_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio.data_classes import PredictBodyInternal

    queue = shared_queue(monkeypatch)

    async def calls(user: str, number: int, page: str | None = None) -> int:
        taken = 0
        for _ in range(number):
            body = PredictBodyInternal(data=[], fn_index=0, session_hash=page)
            success, event, _ = await queue.push(body, cast(Any, SimpleNamespace(scope={"explorer.user": user})), None)
            taken += success
            queue.event_ids_to_events.pop(str(event), None)  # as once it is answered
            queue.get_events()
        return taken

    assert asyncio.run(calls("quiet", 1, "page")) == 1 and asyncio.run(calls("quiet", 3)) == 3
    assert asyncio.run(calls("greedy", 2500)) == 2500, "whoever calls need not fetch"
    for kept in (queue.pending_messages_per_session, queue.pending_event_ids_session):
        assert "page" in kept and len(kept) <= 4 + ANSWERS_EACH
    assert asyncio.run(calls("greedy", 2500, "one page")) == ANSWERS_EACH
    assert sum(map(len, queue.pending_event_ids_session.values())) <= 4 + 2 * ANSWERS_EACH


def test_users_take_turns_in_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for one thing waits for one thing of everybody else's, and own jobs keep their order."""
    from gradio.data_classes import PredictBodyInternal

    queue = shared_queue(monkeypatch)

    async def asks(user: str, *numbers: int) -> None:
        for number in numbers:
            body = PredictBodyInternal(data=[number], fn_index=0, session_hash=user)
            assert (await queue.push(body, cast(Any, SimpleNamespace(scope={"explorer.user": user})), None))[0]

    def next_one() -> str:
        found = queue.get_events()
        assert found
        (event,) = found[0]
        return f"{event.session_hash}{event.data.data[0]}"

    async def day() -> list[str]:
        await asks("a", 1, 2, 3, 4, 5)
        begun = [next_one()]
        await asks("b", 1, 2)
        await asks("c", 1)
        begun += [next_one() for _ in range(3)]
        await asks("b", 3)
        return begun + [next_one() for _ in range(5)]

    assert asyncio.run(day()) == ["a1", "a2", "b1", "c1", "a3", "b2", "a4", "b3", "a5"]


def test_jobs_are_counted_when_they_join_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that still wait, of this user; a refusal leaves nothing of its job behind."""
    from gradio.data_classes import PredictBodyInternal

    queue, told = shared_queue(monkeypatch), []

    def admit(waiting: int) -> None:
        told.append(waiting)
        if waiting >= 2:
            raise PermissionError

    async def asks(user: str) -> None:
        body = PredictBodyInternal(data=[], fn_index=0, session_hash=user)
        await queue.push(body, cast(Any, SimpleNamespace(scope={USER: user, ADMIT: admit})), None)

    async def day() -> None:
        everyone = await asyncio.gather(*(asks(user) for user in ("a", "b", *"aaaa")), return_exceptions=True)
        assert [type(each) for each in everyone[3:]] == [PermissionError] * 3
        assert len(queue) == 3 and len(queue.event_ids_to_events) == 3
        queue.get_events()
        await asks("a")

    asyncio.run(day())
    assert told == [0, 0, 1, 2, 2, 2, 1]


def test_a_job_of_a_page_that_is_not_known_leaves_the_queue_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio tells all who wait of their places from the loop that starts their jobs: an error there ends it."""
    from gradio.data_classes import PredictBodyInternal

    queue = shared_queue(monkeypatch)
    request = cast(Any, SimpleNamespace(scope={}))

    async def wait_in_line() -> None:
        for page in ("first", "gone", "last"):
            body = PredictBodyInternal(data=[], fn_index=0, session_hash=page)
            assert (await queue.push(body, request, None))[0]
        del queue.pending_messages_per_session["gone"]
        told = queue.pending_messages_per_session["last"].qsize()
        (line,) = queue.event_queue_per_concurrency_id
        queue.broadcast_estimations(line)
        assert queue.pending_messages_per_session["last"].qsize() == told + 1, "who waits behind it is still told"

    asyncio.run(wait_in_line())


def test_tools_that_wait_leave_the_threads_to_their_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever called many at once stopped everyone: what they waited for found no thread."""
    pytest.importorskip("mcp", reason="needs the Model Context Protocol's package: pip install 'gradio[mcp]'")
    from gradio import mcp

    server, name = mcp.GradioMCPServer, "_execute_tool_without_progress"
    monkeypatch.setattr(server, name, vars(server)[name])
    monkeypatch.setattr(mcp, "run_sync", mcp.run_sync)
    wait_for_tools_without_threads()
    jobs = [Job(Future()) for _ in range(100)]
    made: list[str] = []

    def finish() -> None:
        for number, job in enumerate(jobs):
            if not job.future.done():
                job.future.set_result(number)

    async def calls() -> None:
        waiting = [asyncio.create_task(vars(server)[name](None, job)) for job in jobs]
        making = [asyncio.create_task(mcp.run_sync(lambda: made.append(threading.current_thread().name)))
                  for _ in jobs]  # fmt: skip
        await asyncio.sleep(0.1)
        try:
            await asyncio.wait_for(asyncio.shield(run_sync(finish)), 20)
        finally:
            finish()
        assert await asyncio.gather(*waiting) == [[number] for number in range(100)]
        await asyncio.gather(*making)

    asyncio.run(calls())
    assert len(made) == 100 and len(set(made)) == 1, "and their client is made once"


def test_the_progress_of_uploads_is_kept_for_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no one uploads: asking for the progress of an upload that does not come is enough."""
    from gradio import routes
    from gradio.route_utils import FileUploadProgress

    progress = FileUploadProgress()
    monkeypatch.setattr(routes, "file_upload_statuses", progress)
    forget_progress()

    async def attack() -> None:
        for number in range(3000):
            progress.append(f"sent{number}", "a.png", b"xyz")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(progress.is_tracked(f"asked{number}"), timeout=0)
        assert max(len(progress._statuses), len(progress._signals)) <= UPLOADS
        assert await asyncio.wait_for(progress.is_tracked("sent2999"), timeout=5)
        assert progress.pop("sent2999").chunk_size == 3
        waiting = asyncio.create_task(progress.is_tracked("later"))
        await asyncio.sleep(0)
        progress.append("later", "b.png", b"x")
        assert await asyncio.wait_for(waiting, timeout=5), "whoever asks before the upload begins hears of it"

    asyncio.run(attack())
