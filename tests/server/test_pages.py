"""The page is written once, and is for everyone what Gradio wrote."""

from __future__ import annotations

import gzip
from typing import Any

from asking import asked
from starlette.responses import PlainTextResponse

from explorer.server.gate import Gate
from explorer.server.options import ServerOptions
from explorer.server.pages import KeptPages

PACKED = {"accept-encoding": "br, gzip"}


class Written:
    """Says for whom it writes, and counts how often."""

    def __init__(self) -> None:
        self.times, self.status = 0, 200

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.times += 1
        host = dict(scope["headers"])[b"host"].decode()
        words = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} of {host}"
        await PlainTextResponse(words, self.status)(scope, receive, send)


def test_the_page_is_written_once_for_each_address() -> None:
    written = Written()
    page, gate = KeptPages(written), Gate(None, ServerOptions(), 1000)
    for headers in ({}, {"host": "other.test"}):
        for _ in range(3):
            answer = asked(page, "/config", headers=headers, gate=gate)
            assert answer.body.decode() == f"GET /config? of {headers.get('host', 'lowlight.test')}"
            assert "content-security-policy" in answer.headers and answer.headers["vary"] == "Accept-Encoding"
    assert written.times == 2
    for _ in range(3):
        answer = asked(page, "/config", headers=PACKED, gate=gate)
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(answer.body) == b"GET /config? of lowlight.test"
        assert int(answer.headers["content-length"]) == len(answer.body)
    assert written.times == 3
    for query in ("model=a&ratio=4", "deep_link=../x", "page=x&all_endpoints=1"):
        assert asked(page, f"/config?{query}", gate=gate).body == b"GET /config? of lowlight.test"
    assert written.times == 3, "what a link asks for is read by the page's own scripts"
    for number in range(40):
        asked(page, "/config", headers={"host": f"{number}.test"}, gate=gate)
    assert len(page._kept) < 10, "whoever invents addresses fills no memory"


def test_what_differs_is_written_anew() -> None:
    written = Written()
    page, gate = KeptPages(written), Gate(None, ServerOptions(), 1000)
    for method, path, times in (("HEAD", "/", 1), ("GET", "/", 1), ("GET", "/gradio_api/info", 3)):
        for _ in range(2):
            asked(page, path, method, gate=gate)
        assert written.times == times, path
    written.status = 500
    for _ in range(2):
        assert asked(page, "/config", gate=gate).status == 500
    assert written.times == 5, "an error is not kept"
