"""Frames of live cameras: their turns, and the route that answers them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from explorer.app import frames
from explorer.app.frames import Answer, Turns, frames_route
from explorer.errors import PhotoError
from explorer.gradio_internals import USER
from explorer.server.rules import LIVE, RefusalError

JPEG = b"\xff\xd8\xff frame"


async def settled() -> None:
    """Lets every other task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def served(asks: list[tuple[str, str]]) -> list[str]:
    """In which order frames are worked on that all come while another one is; those left out or refused say so."""
    order: list[str] = []

    async def ask(turns: Turns, user: str, page: str, number: int) -> None:
        try:
            async with turns.turn(user, page):
                order.append(f"{user}{page}{number}")
                await asyncio.sleep(0)
        except RefusalError as refused:
            order.append(f"{refused.status} {user}{page}{number}")

    async def run() -> None:
        turns = Turns()
        async with turns.turn("first", ""):
            tasks = []
            for number, (user, page) in enumerate(asks):
                tasks.append(asyncio.create_task(ask(turns, user, page, number)))
                await settled()
        await asyncio.gather(*tasks)
        await asyncio.wait_for(turns.turn("after", "").__aenter__(), 5)  # nothing is left behind

    asyncio.run(run())
    return order


def test_a_newer_frame_takes_the_place_of_a_stale_one() -> None:
    assert served([("a", "p"), ("a", "p"), ("a", "p")]) == ["409 ap0", "409 ap1", "ap2"]


def test_users_take_turns_however_many_pages_they_have() -> None:
    many = [("a", str(page)) for page in range(4)]
    assert served([*many, ("b", "p"), ("c", "p")]) == ["a00", "bp4", "cp5", "a11", "a22", "a33"]


def test_one_user_has_so_many_waiting_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "PAGES_EACH", 2)
    order = served([("a", "1"), ("a", "2"), ("a", "3"), ("b", "1")])
    assert order[0] == "429 a32" and set(order[1:]) == {"a10", "a21", "b13"}


def test_a_turn_is_given_on_when_who_has_it_leaves() -> None:
    async def run() -> list[str]:
        turns, order = Turns(), []

        async def ask(page: str) -> None:
            async with turns.turn("a", page):
                order.append(page)

        async with turns.turn("first", ""):
            gone, stays, last = (asyncio.create_task(ask(page)) for page in ("gone", "stays", "last"))
            await settled()
            gone.cancel()
            await settled()
        stays.cancel()  # its turn has come, and it has not begun
        await asyncio.wait_for(last, 5)
        await asyncio.gather(gone, stays, return_exceptions=True)
        return order

    assert asyncio.run(run())[-1] == "last"


def restored(answer: Answer, query: str = "", body: bytes = JPEG) -> SimpleNamespace:
    """Asks the route itself."""
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "POST", "path": LIVE, "query_string": query.encode(), "headers": [], USER: "me"}
    asyncio.run(frames_route(answer).handle(scope, receive, send))
    return SimpleNamespace(status=messages[0]["status"], headers=dict(messages[0]["headers"]), body=messages[1]["body"])


def test_a_frame_is_answered() -> None:
    seen: list[Any] = []

    def answer(data: bytes, choices: Mapping[str, str]) -> tuple[bytes, dict[str, Any]]:
        seen.append((data, dict(choices), threading.current_thread() is threading.main_thread()))
        return b"restored", {"ratio": 3.5}

    got = restored(answer, "model=a.b&ratio=auto")
    assert seen == [(JPEG, {"model": "a.b", "ratio": "auto"}, False)], "not in the thread that serves everybody"
    assert (got.status, got.body, got.headers[b"content-type"]) == (200, b"restored", b"image/jpeg")
    assert got.headers[b"x-live"] == b'{"ratio": 3.5}' and got.headers[b"cache-control"] == b"no-store"


def test_what_cannot_be_restored_is_a_sentence_and_ends_the_turn() -> None:
    def answer(data: bytes, choices: Mapping[str, str]) -> tuple[bytes, dict[str, Any]]:
        raise PhotoError("No such picture.")

    async def ask() -> None:
        route, scope = frames_route(answer), {"type": "http", "method": "POST", "path": LIVE, "headers": []}
        for _ in range(3):
            with pytest.raises(RefusalError, match=r"No such picture\.") as caught:
                await asyncio.wait_for(route.handle({**scope, "query_string": b"", USER: "me"}, body, body), 5)
            assert caught.value.status == 422

    async def body(*_: Any) -> Any:
        return {"type": "http.request", "body": JPEG, "more_body": False}

    asyncio.run(ask())
