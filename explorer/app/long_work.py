"""Work that takes long: done beside the page, told by the share that is done, left as soon as nobody wants it."""

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
"""Seconds after which the page is told at the latest."""


def in_shares(
    work: Callable[[Report], T], wanted: Callable[[], bool], *, awaited: bool = False
) -> Generator[tuple[float, float], None, T]:
    """Does some work: yields the share that is done, 0 to 1, and the seconds that it took; returns what the work gives.

    Args:
        work: calls what it is given with the share that is done.
        wanted: whether the work is to go on. What cannot be ended in its middle goes on by itself, and is not waited
            for.
        awaited: wait for it all the same, because it writes what others write, too: it ends where it reports.

    Raises:
        CancelledError: it is no longer wanted.
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
    """How far some work has come, as HTML: what it is, the share that is done, what it took, what is left."""
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
    """Where a page tells how far some work is, and the button that ends it."""

    name: str
    """Of what is asked for, among a session's turns."""
    shared: Shared
    bar: gr.HTML
    cancel: gr.Button
    turn: gr.State
    ended: str
    """What is said once it was cancelled."""

    def wire(
        self, events: list[Any], handler: Callable[[Any], Any], inputs: set[Any], outputs: list[Any],
        wish: Callable[[Session, Any], object] = lambda *_: object(),
    ) -> None:  # fmt: skip
        """Has events begin some work; the last wish holds, and those before it end unless they are for the same.

        Args:
            handler: gives values one after the other, by `worked`; its inputs hold the token and the turn.
            wish: gives what the work is for, of a session and the inputs.
        """
        message, token = self.shared.message, self.shared.token
        told = [token, message, self.bar, self.cancel]
        asking = partial(self.ask, wish=wish)
        gr.on(events, reported(message)(asking), {token, *inputs}, [*told, self.turn], **SILENT).then(
            reported(message, lambda *_: self.idle())(handler), {token, self.turn, *inputs}, [*told, *outputs],
            **{**LONG, "show_progress": "hidden"},
        )  # fmt: skip

    def ask(self, values: dict[Any, Any], wish: Callable[[Session, Any], object]) -> dict[Any, Any]:
        """Takes note of a wish, which may have to wait for others."""
        session = open_session(values[self.shared.token])
        turn = session.begins(self.name, wish(session, values))
        goes_on = session.is_wanted(self.name, turn - 1)
        return {
            self.shared.token: session.token, self.shared.message: "", self.turn: turn,
            self.cancel: gr.update(visible=shown_if(True)), **({} if goes_on else self.waits()),
        }  # fmt: skip

    def waits(self) -> dict[Any, Any]:
        """Something is wanted that is not at work yet."""
        return {self.bar: bar(say("long.waits"), 0, 0)}

    def end(self, token: str | None) -> dict[Any, Any]:
        """Nobody wants it any more."""
        open_session(token).begins(self.name)
        return {**self.idle(), self.bar: note([self.ended])}

    def idle(self) -> dict[Any, Any]:
        """Nothing is at work."""
        return {self.bar: "", self.cancel: gr.update(visible=shown_if(False))}

    def done(self, session: Session, turn: int) -> dict[Any, Any]:
        """After some work: nothing is at work, unless its result is wanted for something else, too."""
        if not session.is_latest(self.name, int(turn)):
            return self.waits()
        session.begins(self.name)
        return self.idle()

    def worked(
        self, session: Session, turn: int, work: Callable[[Report], T]
    ) -> Generator[dict[Any, Any], None, T | None]:
        """Does some work on the open photo while the page tells how far it is; gives None where it was cancelled, or
        the photo is another one. Whoever gets a result shows it, and then `done`."""
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
            # What shows the result is still to be made; the handler says when nothing is at work any more.
            yield {self.bar: bar(text.WRITING, 1, seconds)}
            made: T = end.value
            return made
        except CancelledError:
            if session.is_latest(self.name, turn):
                yield self.done(session, turn)
            elif not session.is_wanted(self.name, session.turns[self.name]):
                yield {**self.idle(), self.bar: note([self.ended])}
            return None  # where something newer is wanted, the page tells of that


def layout(shared: Shared, name: str, ended: str = "") -> LongWork:
    """The bar and its button, laid out and wired."""
    where, turn = html(elem_id=f"lx-{name}-work"), gr.State(0)
    cancel = gr.Button(say("long.cancel"), visible=shown_if(False), size="sm", elem_id=f"lx-{name}-cancel")
    long = LongWork(name, shared, where, cancel, turn, ended or say("long.cancelled"))
    cancel.click(reported(shared.message)(long.end), shared.token, [where, cancel, shared.message], **SILENT)
    return long
