"""Contains everything that relies on undocumented names of Gradio; no other module uses them.

pyproject.toml limits Gradio to the versions whose internals are known; tests/test_gradio_internals.py looks for
each name in the installed one.

- **Import and start** without steps that take most of the time and are not needed here. Whenever a component's class is
  created, Gradio parses its source and writes a stub for editors next to it (`*.pyi`). With `mcp` installed, it imports
  jsonschema, whose check of international addresses builds a parser for three seconds if Jupyter has installed the
  package for it. A page gets a web application three times while it is built, a fifth of a second each; only the one
  made at launch serves.
- **Texts** that are not valid Unicode must not break a visitor's stream of answers. JSON can contain half of a
  surrogate pair ("\\ud800"), and Python reads file names that are not UTF-8 as such halves. Gradio's JSON writer
  refuses both, and then every later answer of the page.
- **Series of answers** reach a busy page complete.
- **Requests**: who asks, where uploads are stored, what is fetched, and who decides about origins.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import secrets
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from explorer.messages import say

LOG = logging.getLogger(__name__)

USER, ADMIT = "explorer.user", "explorer.admit"
"""Keys in a request's scope: the user, and a function that is told how many jobs of that user wait when another one
joins them, and raises if they are too many."""
ANSWERS_EACH, ANSWERS = 256, 2000
"""Pages and unfetched answers that are kept for one user, and for all, in addition to running jobs."""
UPLOADS = 1000
"""Number of uploads whose progress is kept."""
MOST_FILES = 100
"""Largest number of files in one upload, which are all open at once."""
FETCHERS = ("async_ssrf_protected_download", "async_ssrf_protected_get", "ssrf_protected_download",
            "save_url_to_cache", "unsafe_download")  # fmt: skip
"""Functions of `gradio.processing_utils` that download from addresses given by users."""


@contextmanager
def quick_import() -> Iterator[None]:
    """Inside this block, the first `import gradio` of the process skips both slow steps."""
    find, slow = inspect.getfile, "rfc3987_syntax"
    absent = slow not in sys.modules

    def find_no_component(thing: Any) -> str:
        if sys._getframe(1).f_globals.get("__name__") == "gradio.component_meta":
            raise OSError("no file, so no stub")
        return find(thing)

    inspect.getfile = find_no_component  # type: ignore[assignment]
    if absent:
        sys.modules[slow] = None  # type: ignore[assignment]  # importing it fails, which jsonschema expects
    try:
        yield
    finally:
        inspect.getfile = find
        if absent:
            sys.modules.pop(slow, None)


@contextmanager
def one_application() -> Iterator[None]:
    """Pages built inside this block get no web application until they are launched."""
    from gradio.routes import App

    made = vars(App)["create_app"]
    App.create_app = staticmethod(lambda *_, **__: None)  # type: ignore[assignment]
    try:
        yield
    finally:
        App.create_app = made  # type: ignore[method-assign]


def valid(value: Any) -> Any:
    """Replaces every half of a surrogate pair in a JSON value by a question mark."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {valid(name): valid(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [valid(each) for each in value]
    return value


def write_valid_texts() -> None:
    """Makes Gradio write texts that are not valid Unicode instead of refusing them."""
    import orjson
    from gradio import routes

    def dumps(value: Any, *rest: Any, **options: Any) -> bytes:
        try:
            return orjson.dumps(value, *rest, **options)
        except TypeError:
            return orjson.dumps(valid(value), *rest, **options)

    routes.orjson = SimpleNamespace(**vars(orjson) | {"dumps": dumps})  # type: ignore[assignment]


def send_whole_values() -> None:
    """Makes Gradio send each value of a series whole, not as edits of the previous one.

    A page applies the edits to the value that it received before. If it is busy and has not shown that value yet, it
    never does, so parts that a later answer leaves unchanged would be lost.
    """
    from gradio import utils

    utils.diff = lambda old, new: [] if old == new else [["replace", [], new]]


@cache
def describe_files_as_texts() -> None:
    """Makes Gradio's MCP tools describe a file as a text (its address), without the fields of Gradio's own object."""
    try:
        from gradio.mcp import GradioMCPServer
    except ImportError:
        return
    simplify = GradioMCPServer.simplify_filedata_schema

    def simplified(self: Any, schema: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        found, places = simplify(self, schema)
        for name, *inside in places:
            if not inside:
                found["properties"][name].pop("required", None)
        return found, places

    GradioMCPServer.simplify_filedata_schema = simplified  # type: ignore[method-assign]


def wait_for_tools_without_threads() -> None:
    """Makes tools wait for their jobs without a thread each. Gradio takes these from the forty that all requests share,
    those that the jobs need included: so many calls at once stopped everyone."""
    try:
        from gradio import mcp
    except ImportError:
        return

    async def wait(self: Any, job: Any) -> list[Any]:
        return [await asyncio.wrap_future(job.future)]

    async def in_turn(make_client: Callable[[], Any]) -> Any:
        return await run_sync(make_client, limiter=_clients())

    mcp.GradioMCPServer._execute_tool_without_progress = wait  # type: ignore[method-assign]
    mcp.run_sync = in_turn  # type: ignore[assignment]


@cache
def _clients() -> CapacityLimiter:
    """One thread for making the client through which tools ask; only the first call takes long."""
    return CapacityLimiter(1)


def compute_what_is_asked() -> None:
    """Makes Gradio skip work for every page and call that blocks all other requests: describing all components (33 ms)
    and keeping what each shows, for links that this app does not offer; and looking for matplotlib."""
    from gradio import utils
    from gradio.state_holder import SessionState

    begin = SessionState.__init__

    def begin_bare(self: Any, blocks: Any) -> None:
        begin(self, cast(Any, SimpleNamespace(default_config=blocks.default_config, blocks={})))

    SessionState.__init__ = begin_bare  # type: ignore[method-assign]
    SessionState._update_config = lambda *_: None  # type: ignore[method-assign]
    SessionState._update_value_in_config = lambda *_: None  # type: ignore[method-assign]
    utils.MatplotlibBackendMananger = nullcontext  # type: ignore[assignment, misc]


def seed_paths() -> None:
    """Gives the paths of uploads, hashes of a seed and their content, a new secret seed. Gradio uses one per
    installation, which everyone with the same container image knows."""
    from gradio import processing_utils

    processing_utils.hash_seed = secrets.token_bytes(32)


def fetch_nothing() -> None:
    """Disables downloads. The gate refuses addresses already; this blocks unknown ways around it."""
    from gradio import processing_utils

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(say("refused.address"))

    for name in FETCHERS:
        setattr(processing_utils, name, refuse)


def leave_to_the_gate() -> None:
    """Disables Gradio's rules on origins and Uvicorn's on proxies, which would come before the gate, and replaces
    Gradio's upload parser, which keeps form fields in memory and leaves partial files behind after most errors."""
    from gradio import route_utils
    from starlette.formparsers import MultiPartException

    os.environ["FORWARDED_ALLOW_IPS"] = ""
    route_utils.CustomCORSMiddleware.parent_configures_cors = lambda self: True  # type: ignore[method-assign]

    class FilesOnly(route_utils.GradioMultiPartParser):
        def on_headers_finished(self) -> None:
            super().on_headers_finished()
            file = self._current_part.file
            if file is None or not file.filename or self._current_files > MOST_FILES:
                raise MultiPartException(say("refused.files", most=MOST_FILES))

        async def parse(self) -> Any:
            try:
                return await super().parse()
            except BaseException:
                for file in self._files_to_close_on_error:
                    file.close()
                    Path(file.name).unlink(missing_ok=True)
                raise

    route_utils.GradioMultiPartParser = FilesOnly  # type: ignore[misc]


def say_in_a_line() -> None:
    """Reduces tracebacks for values that a component does not accept to one log line: they are the visitor's fault, and
    Gradio tells the visitor anyway."""
    from gradio import queueing, routes

    def tell() -> None:
        error = sys.exc_info()[1]
        trace = traceback.extract_tb(error.__traceback__ if error else None)
        if any(frame.name.startswith("preprocess") for frame in trace):
            LOG.info("Values of an event were not understood.", extra={"error": type(error).__name__})
        else:
            traceback.print_exc()

    for module in (queueing, routes):
        vars(module)["traceback"] = SimpleNamespace(print_exc=tell, format_exc=traceback.format_exc)


def user_of(request: Any) -> str:
    """Returns the user to whom the gate counted a request; empty for a request that passed none."""
    return request.scope.get(USER, "")


def take_turns(events: list[Any]) -> None:
    """Sorts waiting jobs so that users take turns: everybody's first one, then everybody's second one."""
    before: Counter[str] = Counter()

    def round_of(event: Any) -> int:
        before[user := user_of(event.request)] += 1
        return before[user]

    events.sort(key=round_of)


def share_queue() -> None:
    """Makes users take turns in the queue, and limits waiting jobs and unfetched answers for each of them.

    Gradio's queue has no users: a visitor with one job would wait for all that others asked for before. Jobs are
    counted at the moment of joining, because many may be on their way at once.

    Gradio keeps those of 2000 pages and calls and drops the oldest, so whoever asks often and fetches nothing makes
    others lose theirs; the names of dropped pages stay forever. Here the user's own oldest ones go first, completely,
    and a page that fetches nothing is told so.

    A message to a page that is no longer kept is dropped: it would end Gradio's loop over all jobs, for everyone.
    """
    from gradio.queueing import Queue

    push, send = Queue.push, Queue.send_message

    def send_to_known(self: Any, event: Any, event_message: Any) -> None:
        if event.session_hash in self.pending_messages_per_session:
            send(self, event, event_message)

    async def shared(self: Any, body: Any, request: Any, username: Any) -> Any:
        answers, awaited = self.pending_messages_per_session, self.pending_event_ids_session
        answers.max_size = sys.maxsize
        user, queues = user_of(request), self.event_queue_per_concurrency_id.values()
        if admit := request.scope.get(ADMIT):
            admit(sum(user_of(event.request) == user for queue in queues for event in queue.queue))
        if len(awaited.get(body.session_hash, ())) >= ANSWERS_EACH:
            return False, say("refused.answers"), "queue_full"
        done = await push(self, body, request, username)
        for queue in queues:
            take_turns(queue.queue)
        owners: dict[str, str] = vars(self).setdefault("explorer", {})
        owners.pop(body.session_hash, None)
        owners[body.session_hash] = user
        for pages, most in (([page for page in owners if owners[page] == user], ANSWERS_EACH), (list(owners), ANSWERS)):
            kept = sum(1 + len(awaited.get(page, ())) for page in pages)
            for page in pages[:-1]:
                events = awaited.get(page, ())
                if kept > most and self.event_ids_to_events.keys().isdisjoint(events):  # nothing is under way
                    kept -= 1 + len(events)
                    for each in (owners, answers, awaited):
                        each.pop(page, None)
        return done

    Queue.push = shared  # type: ignore[method-assign]
    Queue.send_message = send_to_known  # type: ignore[method-assign]


def forget_progress() -> None:
    """Limits the progress records of uploads. Gradio keeps those that no one follows, and a signal for every upload
    that anyone ever asked about, until the server ends."""
    from gradio import routes
    from gradio.utils import LRUCache

    class Signals(LRUCache[str, asyncio.Event]):
        def __missing__(self, upload: str) -> asyncio.Event:
            self[upload] = signal = asyncio.Event()
            return signal

    progress = routes.file_upload_statuses
    progress._statuses, progress._signals = LRUCache(UPLOADS), Signals(UPLOADS)  # type: ignore[assignment]


@cache
def change_for_strangers() -> None:
    """Applies every change that makes Gradio fit for untrusted visitors, once for the process."""
    for change in (seed_paths, fetch_nothing, leave_to_the_gate, say_in_a_line, share_queue, compute_what_is_asked,
                   forget_progress, wait_for_tools_without_threads):  # fmt: skip
        change()


def temporary_names(demo: Any) -> list[set[str]]:
    """Returns Gradio's sets of the paths of uploads and results."""
    return list(demo.temp_file_sets)


def asking() -> tuple[Any, str]:
    """Returns the current request and the name of its page; (None, "") outside of a request."""
    from gradio.context import LocalContext

    request: Any = LocalContext.request.get(None)
    return (None, "") if request is None else (request.request, request.session_hash or "")


def forget_page(page: str) -> None:
    """Makes Gradio forget a page. Otherwise it keeps thousands, and counts each endpoint call as one."""
    from gradio.context import LocalContext

    holder = getattr(LocalContext.blocks.get(None), "state_holder", None)
    if holder is not None and page:
        with holder.lock:
            holder.session_data.pop(page, None)
            holder.time_last_used.pop(page, None)


def is_awaited(app: Any, page: str) -> bool:
    """True if a page still waits for an answer."""
    return bool(app.get_blocks()._queue.pending_event_ids_session.get(page))


def malformed() -> type[Exception]:
    """Returns the exception that Gradio raises for an event that does not exist."""
    from gradio.route_utils import FnIndexInferError

    return FnIndexInferError
