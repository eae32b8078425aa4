"""Frames of live cameras: their turns, and what the gate admits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from asking import asked, echo

from explorer.errors import PhotoError
from explorer.server import ServerOptions
from explorer.server.frames import Frames, Turns
from explorer.server.gate import Gate
from explorer.server.rules import LARGEST_FRAME, LIVE, RefusalError

JPEG = b"\xff\xd8\xff frame"


async def settled() -> None:
    """Lets every other task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def served(asks: list[tuple[str, str]], pages_each: int = 16) -> list[str]:
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
        turns = Turns(1, pages_each)
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


def test_one_user_has_so_many_waiting_and_no_more() -> None:
    order = served([("a", "1"), ("a", "2"), ("a", "3"), ("b", "1")], pages_each=2)
    assert order[0] == "429 a32" and set(order[1:]) == {"a10", "a21", "b13"}


def test_a_turn_is_given_on_when_who_has_it_leaves() -> None:
    async def run() -> list[str]:
        turns, order = Turns(1), []

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


def sent(frames: Frames, query: str = "", body: bytes = JPEG, path: str = LIVE) -> SimpleNamespace:
    """Asks the middleware itself."""
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": query.encode(), "explorer.user": "me"}
    asyncio.run(frames(scope, receive, send))
    return SimpleNamespace(status=messages[0]["status"], headers=dict(messages[0]["headers"]), body=messages[1]["body"])


def test_a_frame_is_answered_and_everything_else_is_handed_on() -> None:
    seen: list[Any] = []

    def answer(data: bytes, choices: Mapping[str, str]) -> tuple[bytes, dict[str, Any]]:
        seen.append((data, dict(choices), threading.current_thread() is threading.main_thread()))
        return b"restored", {"ratio": 3.5}

    got = sent(Frames(echo, answer), "model=a.b&ratio=auto")
    assert seen == [(JPEG, {"model": "a.b", "ratio": "auto"}, False)], "not in the thread that serves everybody"
    assert (got.status, got.body, got.headers[b"content-type"]) == (200, b"restored", b"image/jpeg")
    assert got.headers[b"x-live"] == b'{"ratio": 3.5}' and got.headers[b"cache-control"] == b"no-store"
    assert sent(Frames(echo, answer), path="/gradio_api/queue/join").body == str(len(JPEG)).encode()


def test_what_cannot_be_restored_is_a_sentence_and_ends_the_turn() -> None:
    def answer(data: bytes, choices: Mapping[str, str]) -> tuple[bytes, dict[str, Any]]:
        raise PhotoError("No such picture.")

    frames = Frames(echo, answer)
    for _ in range(3):
        with pytest.raises(RefusalError, match=r"No such picture\.") as caught:
            sent(frames)
        assert caught.value.status == 422


def test_the_gate_bounds_a_frame_and_does_not_read_it_as_values() -> None:
    options = {"path": LIVE, "method": "POST"}
    assert asked(echo, body=[JPEG], **options).body == str(len(JPEG)).encode()
    assert asked(echo, body=[bytes(LARGEST_FRAME), b"x"], **options).status == 413
    assert asked(echo, LIVE, body=[b""]).status == 404, "only what is sent"
    assert asked(echo, body=[JPEG], headers={"origin": "https://elsewhere.test"}, **options).status == 403
    assert "camera=(self)" in asked(echo, body=[b""]).headers["permissions-policy"]


def test_frames_are_counted_apart_from_what_the_page_asks() -> None:
    gate = Gate(echo, ServerOptions(frames_per_second=3, requests_per_minute=5, hold_up_seconds=0), 1000)
    for counted in gate._allowances.values():
        counted._clock = lambda: 0.0

    def frame(client: str = "10.0.0.1") -> int:
        return int(asked(echo, LIVE, "POST", [JPEG], gate=gate, client=client).status)

    assert [frame() for _ in range(8)] == [200] * 6 + [429] * 2
    assert frame("10.0.0.2") == 200
    assert asked(echo, "/", body=[b""], gate=gate).status == 200, "the page is not refused because of its camera"
