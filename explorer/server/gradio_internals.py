"""Every name of Gradio that it does not document, and what is done with it. Nothing else touches its inside.

Gradio is bounded in pyproject.toml to the versions whose inside is known; tests/server/test_gradio_internals.py finds
each name in the one that is installed.

- **Import and start** without things that take most of the time and that nothing here uses. Whenever a component's
  class is made, Gradio parses its source and renders a stub for editors next to it (`*.pyi`). With `mcp` installed, it
  imports jsonschema, whose check of international addresses builds a parser of their grammar, where Jupyter brought the
  package for it: three seconds. A page gets a web application when it is begun, when it is ended and when it gets its
  queue, a fifth of a second each; the one that serves is made at launch.
- **Texts** that are no Unicode must not break a visitor's stream of answers. JSON can name half of a pair of surrogates
  ("\\ud800"), and Python reads a file name that is not UTF-8 as such halves. Gradio's writer of JSON refuses both, and
  with them every later answer of the page.
- **Series of answers** reach a busy page whole.
- **Requests**: who asks, where uploads lie, what is fetched, and who decides about origins.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

LOG = logging.getLogger(__name__)

_MODULE, _WRITER = "gradio.component_meta", "create_or_modify_pyi"
_SLOW = "rfc3987_syntax"

ANSWERS_EACH, ANSWERS = 256, 2000
"""What is kept of one user, and of all, besides what is under way: pages, and their answers until they are fetched."""
UPLOADS = 1000
"""Uploads whose progress is kept."""
MOST_FILES = 100
"""Files of one upload, which are open at once."""
FETCHERS = ("async_ssrf_protected_download", "async_ssrf_protected_get", "ssrf_protected_download",
            "save_url_to_cache", "unsafe_download")  # fmt: skip
"""Functions of `gradio.processing_utils` by which Gradio downloads what a user names."""


class _WithoutStubs(MetaPathFinder):
    """Finds one module as usual, and silences one function of it once it has been run."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            run = loader.exec_module

            def run_and_silence(module: ModuleType) -> None:
                run(module)
                if hasattr(module, _WRITER):  # a later Gradio may do without it
                    setattr(module, _WRITER, lambda *_: None)

            loader.exec_module = run_and_silence
        return spec


@contextmanager
def quick_import() -> Iterator[None]:
    """The first `import gradio` of this process, inside this block, leaves both out. Afterwards everything can be
    imported as before."""
    finder = _WithoutStubs()
    sys.meta_path.insert(0, finder)
    absent = _SLOW not in sys.modules
    if absent:
        sys.modules[_SLOW] = None  # type: ignore[assignment]  # importing it fails, which jsonschema expects
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if absent:
            sys.modules.pop(_SLOW, None)


@contextmanager
def one_application() -> Iterator[None]:
    """Pages that are made inside this block have no web application of their own until they are launched."""
    from gradio.routes import App

    made = vars(App).get("create_app")
    if made is not None:  # a later Gradio may do without it
        setattr(App, "create_app", staticmethod(lambda *_, **__: None))  # noqa: B010
    try:
        yield
    finally:
        if made is not None:
            setattr(App, "create_app", made)  # noqa: B010


def valid(value: Any) -> Any:
    """A value of JSON with a question mark for every half of a pair."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {valid(name): valid(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [valid(each) for each in value]
    return value


def write_valid_texts() -> None:
    """Has Gradio write what it would refuse for that reason."""
    import orjson
    from gradio import routes

    def dumps(value: Any, *rest: Any, **options: Any) -> bytes:
        try:
            return orjson.dumps(value, *rest, **options)
        except TypeError:
            return orjson.dumps(valid(value), *rest, **options)

    if getattr(routes, "orjson", None) is orjson:  # a later Gradio may write by other means
        routes.orjson = SimpleNamespace(  # type: ignore[assignment]
            **{name: value for name, value in vars(orjson).items() if not name.startswith("__")} | {"dumps": dumps}
        )


def send_whole_values() -> None:
    """Has Gradio send a changed value of a series whole, not as edits of the one before. A page makes the edits in the
    value that it got before, and where it is busy, that one has not been shown yet: it then never is. What a later
    answer of the series leaves as it is was lost so."""
    from gradio import utils

    if hasattr(utils, "diff"):
        utils.diff = lambda old, new: [] if old == new else [["replace", [], new]]


def describe_files_as_texts() -> None:
    """Has Gradio's tools of MCP describe a file as the text that it is: its address, without the list of fields that
    an object of Gradio's needs."""
    try:
        from gradio.mcp import GradioMCPServer
    except ImportError:
        return
    simplify: Any = getattr(GradioMCPServer, "simplify_filedata_schema", None)
    if simplify is None or hasattr(simplify, "explorer"):  # a later Gradio may describe them by other means
        return

    def simplified(self: Any, schema: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        found, places = simplify(self, schema)
        for name, *inside in places:
            if not inside:
                found["properties"][name].pop("required", None)
        return found, places

    simplified.explorer = True  # type: ignore[attr-defined]
    GradioMCPServer.simplify_filedata_schema = simplified  # type: ignore[method-assign]


def compute_what_is_asked() -> None:
    """Has Gradio leave out what it does for every page and every call, in which it answers no one else: describing all
    components (33 ms), and keeping what each shows, for links that this app does not offer; and looking for matplotlib.
    """
    from gradio import utils
    from gradio.state_holder import SessionState

    begin: Any = SessionState.__init__
    if hasattr(begin, "explorer"):
        return

    def begin_bare(self: Any, blocks: Any) -> None:
        begin(self, SimpleNamespace(default_config=blocks.default_config, blocks={}))

    begin_bare.explorer = True  # type: ignore[attr-defined]
    SessionState.__init__ = begin_bare  # type: ignore[method-assign]
    SessionState._update_config = lambda *_: None  # type: ignore[method-assign]
    SessionState._update_value_in_config = lambda *_: None  # type: ignore[method-assign]
    utils.MatplotlibBackendMananger = nullcontext  # type: ignore[assignment, misc]


def seed_paths() -> None:
    """Uploads lie at the hash of a seed and their content. Gradio keeps one seed for an installation, which all who
    have the same container image know; no one knows this one."""
    from gradio import processing_utils

    if hasattr(processing_utils, "hash_seed"):
        processing_utils.hash_seed = secrets.token_bytes(32)


def fetch_nothing() -> None:
    """The gate refuses addresses in what is sent; this is for ways around it that are not known."""
    from gradio import processing_utils

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError("The server fetches nothing from addresses.")

    for name in FETCHERS:
        if hasattr(processing_utils, name):
            setattr(processing_utils, name, refuse)


def leave_to_the_gate() -> None:
    """Gradio's rules on origins and Uvicorn's on proxies would come before the gate; its parser of uploads keeps what
    is not a file in memory, and leaves behind what it has of a file where anything but the upload itself is wrong."""
    from gradio import route_utils
    from starlette.formparsers import MultiPartException

    os.environ["FORWARDED_ALLOW_IPS"] = ""
    route_utils.CustomCORSMiddleware.parent_configures_cors = lambda self: True  # type: ignore[method-assign]
    parser: Any = route_utils.GradioMultiPartParser
    if hasattr(parser, "explorer"):
        return

    class FilesOnly(parser):  # type: ignore[misc]
        explorer = True

        def on_headers_finished(self) -> None:
            super().on_headers_finished()
            file = self._current_part.file
            if file is None or not file.filename or self._current_files > MOST_FILES:
                raise MultiPartException(f"An upload is made of up to {MOST_FILES} files that have names.")

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
    """Values that a component of the page does not take are a visitor's doing: Gradio tells who sent them, and prints a
    traceback for each besides. Of those that come from preprocessing values, a line of the log is left."""
    from gradio import queueing, routes

    def say() -> None:
        error = sys.exc_info()[1]
        trace = traceback.extract_tb(error.__traceback__ if error else None)
        if any(frame.name.startswith("preprocess") for frame in trace):
            LOG.info("Values of an event were not understood.", extra={"error": type(error).__name__})
        else:
            traceback.print_exc()

    for module in (queueing, routes):
        vars(module)["traceback"] = SimpleNamespace(print_exc=say, format_exc=traceback.format_exc)


def share_answers() -> None:
    """Gradio keeps what 2000 pages and calls are still to be told, and forgets the oldest of all: whoever asks often
    and fetches nothing makes others lose theirs. Of each it keeps a name for good. Here the oldest of who asks goes
    first, and nothing stays of it; a page that fetches none is told so."""
    from gradio.queueing import Queue

    push: Any = Queue.push
    if hasattr(push, "explorer"):
        return

    async def shared(self: Any, body: Any, request: Any, username: Any) -> Any:
        answers, awaited = self.pending_messages_per_session, self.pending_event_ids_session
        answers.max_size = sys.maxsize
        if len(awaited.get(body.session_hash, ())) >= ANSWERS_EACH:
            return False, "Too many answers wait for this page to fetch them; reload it.", "queue_full"
        done = await push(self, body, request, username)
        owners: dict[str, str] = vars(self).setdefault("explorer", {})
        owners.pop(body.session_hash, None)
        owners[body.session_hash] = user = request.scope.get("explorer.user", "")
        for pages, most in (([page for page in owners if owners[page] == user], ANSWERS_EACH), (list(owners), ANSWERS)):
            kept = sum(1 + len(awaited.get(page, ())) for page in pages)
            for page in pages[:-1]:
                events = awaited.get(page, ())
                if kept > most and self.event_ids_to_events.keys().isdisjoint(events):  # nothing is under way
                    kept -= 1 + len(events)
                    for each in (owners, answers, awaited):
                        each.pop(page, None)
        return done

    shared.explorer = True  # type: ignore[attr-defined]
    Queue.push = shared  # type: ignore[method-assign]


def forget_progress() -> None:
    """Gradio keeps the progress of uploads that no one follows, and a signal for each one that was ever asked about,
    until the server ends. Here, only those of the newest remain."""
    from gradio import routes
    from gradio.utils import LRUCache

    class Signals(LRUCache[str, asyncio.Event]):
        def __missing__(self, upload: str) -> asyncio.Event:
            self[upload] = signal = asyncio.Event()
            return signal

    progress = routes.file_upload_statuses
    progress._statuses, progress._signals = LRUCache(UPLOADS), Signals(UPLOADS)  # type: ignore[assignment]


def change_for_strangers() -> None:
    """Applies every change that makes Gradio fit for untrusted visitors."""
    for change in (seed_paths, fetch_nothing, leave_to_the_gate, say_in_a_line, share_answers, compute_what_is_asked,
                   forget_progress):  # fmt: skip
        change()


def temporary_names(demo: Any) -> list[set[str]]:
    """Returns the sets in which Gradio keeps the paths of a page's uploads and results."""
    return list(demo.temp_file_sets)


def asking() -> tuple[Any, str]:
    """The request that is being answered, and the name of the page that asks; (None, "") outside of one."""
    from gradio.context import LocalContext

    request: Any = LocalContext.request.get(None)
    return (None, "") if request is None else (request.request, request.session_hash or "")


def forget_page(page: str) -> None:
    """Has Gradio forget what it keeps of a page: it would do so only for thousands of others, and takes every call of
    an endpoint for a page too."""
    from gradio.context import LocalContext

    holder = getattr(LocalContext.blocks.get(None), "state_holder", None)
    if holder is not None and page:
        with holder.lock:
            holder.session_data.pop(page, None)
            holder.time_last_used.pop(page, None)


def is_awaited(app: Any, page: str) -> bool:
    """True if anything that a page asked for is still to be answered."""
    return bool(app.get_blocks()._queue.pending_event_ids_session.get(page))


def malformed() -> type[Exception]:
    """The exception that Gradio raises for an event that does not exist."""
    from gradio.route_utils import FnIndexInferError

    return FnIndexInferError
