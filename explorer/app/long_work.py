"""Long work: runs next to the page, reports its progress, and stops as soon as no one wants the result."""

from __future__ import annotations

import contextvars
import queue
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, TypeVar

import gradio as gr

from explorer.app import text
from explorer.app.components import html, note, shown_if
from explorer.app.feedback import reported
from explorer.app.sessions import Session, open_session
from explorer.app.shared import LONG, SILENT, Shared
from explorer.errors import CancelledError
from explorer.messages import say
from explorer.steps import Report

T = TypeVar("T")

_TICK = 0.5
"""Longest time between two reports to the page, in seconds."""


def in_shares(
    work: Callable[[Report], T], wanted: Callable[[], bool], *, awaited: bool = False
) -> Generator[tuple[float, float], None, T]:
    """Runs some work in a thread. Yields the finished share, 0 to 1, and the elapsed seconds; returns the work's
    result.

    Args:
        work: calls its argument with the finished share.
        wanted: called to decide whether the work continues. Work that cannot be interrupted runs on by itself, without
            being waited for.
        awaited: wait for interrupted work, too, because it writes what others also write; it ends at its next report.

    Raises:
        CancelledError: the work is no longer wanted.
    """
    told: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    left = False

    def report(share: float) -> None:
        if left or not wanted():
            raise CancelledError(say("long.cancelled"))
        told.put(share)

    begun, done = time.perf_counter(), 0.0
    workers = ThreadPoolExecutor(1, "long")
    future = workers.submit(contextvars.copy_context().run, work, report)
    future.add_done_callback(lambda _: told.put(None))
    try:
        while True:
            yield done, time.perf_counter() - begun
            try:
                share = told.get(timeout=_TICK)
            except queue.Empty:
                share = done
            if share is None:
                return future.result()
            done = share
            if not (awaited or wanted()):
                raise CancelledError(say("long.cancelled"))
    finally:
        left = True
        workers.shutdown(wait=awaited)


def bar(what: str, done: float, seconds: float) -> str:
    """A progress bar as HTML: what is being done, the finished share, the time so far and the time left."""
    words = say("long.begun", seconds=f"{seconds:.0f}")
    if 0 < done < 1:
        left = f"{seconds * (1 - done) / done:.0f}"
        words = say("long.step", percent=f"{100 * done:.0f}", seconds=f"{seconds:.0f}", left=left)
    share = f' value="{done:.3f}"' if 0 < done < 1 else ""
    return (
        f'<div class="lx-work"><progress max="1"{share} aria-label="{escape(what)}"></progress>'
        f"<p><strong>{escape(what)}</strong> <span>{escape(words)}</span></p></div>"
    )


@dataclass(frozen=True)
class LongWork:
    """The page's progress bar for some work, and the button that cancels it."""

    name: str
    """Identifies the work among a session's turns."""
    shared: Shared
    bar: gr.HTML
    cancel: gr.Button
    turn: gr.State
    ended: str
    """Message after a cancellation."""

    def wire(
        self, events: list[Any], handler: Callable[[Any], Any], inputs: set[Any], outputs: list[Any],
        wish: Callable[[Session, Any], object] = lambda *_: object(),
    ) -> None:  # fmt: skip
        """Starts some work on events. The last request holds, and ends earlier ones unless they have the same purpose.

        Args:
            handler: yields values, using `worked`; its inputs include the token and the turn.
            wish: returns the purpose of the work, for a session and the inputs.
        """
        message, token = self.shared.message, self.shared.token
        told = [token, message, self.bar, self.cancel]
        asking = partial(self.ask, wish=wish)
        gr.on(events, reported(message)(asking), {token, *inputs}, [*told, self.turn], **SILENT).then(
            reported(message, lambda *_: self.idle())(handler), {token, self.turn, *inputs}, [*told, *outputs],
            **{**LONG, "show_progress": "hidden"},
        )  # fmt: skip

    def ask(self, values: dict[Any, Any], wish: Callable[[Session, Any], object]) -> dict[Any, Any]:
        """Registers a request, which may have to wait for others."""
        session = open_session(values[self.shared.token])
        turn = session.begins(self.name, wish(session, values))
        goes_on = session.is_wanted(self.name, turn - 1)
        return {
            self.shared.token: session.token, self.shared.message: "", self.turn: turn,
            self.cancel: gr.update(visible=shown_if(True)), **({} if goes_on else self.waits()),
        }  # fmt: skip

    def waits(self) -> dict[Any, Any]:
        """Shows that a request waits for its turn."""
        return {self.bar: bar(say("long.waits"), 0, 0)}

    def end(self, token: str | None) -> dict[Any, Any]:
        """Cancels the work."""
        open_session(token).begins(self.name)
        return {**self.idle(), self.bar: note([self.ended])}

    def idle(self) -> dict[Any, Any]:
        """Shows that no work runs."""
        return {self.bar: "", self.cancel: gr.update(visible=shown_if(False))}

    def done(self, session: Session, turn: int) -> dict[Any, Any]:
        """After some work: shows that no work runs, unless its result is also wanted for a newer request."""
        if not session.is_latest(self.name, int(turn)):
            return self.waits()
        session.begins(self.name)
        return self.idle()

    def worked(
        self, session: Session, turn: int, work: Callable[[Report], T]
    ) -> Generator[dict[Any, Any], None, T | None]:
        """Runs some work on the open photo while the page shows its progress. Returns None if it was cancelled, or if
        another photo was opened. The caller shows the result, then `done`."""
        opened, turn = session.open, int(turn)

        def wanted() -> bool:
            return session.open is opened and session.is_wanted(self.name, turn)

        yield {self.cancel: gr.update(visible=shown_if(wanted()))}
        seconds = 0.0
        try:
            if not wanted():
                raise CancelledError(self.ended)
            steps = in_shares(work, wanted)
            while True:
                done, seconds = next(steps)
                yield {self.bar: bar(text.WHOLE if done < 1 else text.WRITING, done, seconds)}
        except StopIteration as end:
            # The result still has to be shown; the handler says when no work runs any more.
            yield {self.bar: bar(text.WRITING, 1, seconds)}
            made: T = end.value
            return made
        except CancelledError:
            if session.is_latest(self.name, turn):
                yield self.done(session, turn)
            elif not session.is_wanted(self.name, session.turns[self.name]):
                yield {**self.idle(), self.bar: note([self.ended])}
            return None  # the page shows the progress of the newer request


def layout(shared: Shared, name: str, ended: str = "") -> LongWork:
    """Lays out and wires the bar and its button."""
    where, turn = html(elem_id=f"lx-{name}-work"), gr.State(0)
    cancel = gr.Button(say("long.cancel"), visible=shown_if(False), size="sm", elem_id=f"lx-{name}-cancel")
    long = LongWork(name, shared, where, cancel, turn, ended or say("long.cancelled"))
    cancel.click(reported(shared.message)(long.end), shared.token, [where, cancel, shared.message], **SILENT)
    return long
