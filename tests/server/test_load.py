"""benchmarks/load.py notices if a visitor gets another visitor's picture."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import load  # noqa: E402


@pytest.fixture
def own() -> bytes:
    data = load.photograph(5, 0.2)
    load.Client.width = Image.open(io.BytesIO(data)).width
    return data


def test_numbers_survive_what_restoring_does(own: bytes) -> None:
    for number in (1, 5, 32, 682, 1022):
        picture = np.asarray(Image.open(io.BytesIO(load.photograph(number, 0.2)))).astype(float)
        assert load.number_of(picture) == number
        assert load.number_of((picture / 255) ** 0.45) == number
        assert load.number_of(picture[::2, ::2]) == number
        assert load.number_of(np.clip(picture * 4, 0, 255)) == number


@pytest.mark.parametrize(
    ("ask", "theirs", "outcome"),
    [("_identity", False, load.GOOD), ("_identity", True, load.FOREIGN), ("gamma", False, load.GOOD),
     ("gamma", True, load.FOREIGN)],
)  # fmt: skip
def test_anothers_picture_is_noticed(ask: str, theirs: bool, outcome: str, own: bytes) -> None:
    record = load.Record()
    client = load.Client("http://127.0.0.1:1", 5, own, record)
    client._call = lambda *_: {"path": "x"}  # type: ignore[method-assign]
    client._fetched = lambda _: load.photograph(6, 0.2) if theirs else own  # type: ignore[method-assign]
    client._ask("x", client._identity if ask == "_identity" else lambda: client._restored("gamma", "png8"))
    assert record.outcomes["x"] == {outcome: 1}
    assert bool(record.failures) is theirs


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, load.GOOD), (503, load.FULL), (429, load.WAIT), (500, load.BAD), (403, load.BAD)]
)
def test_refusals_are_told_apart(status: int, outcome: str, own: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.time, "sleep", lambda _: None)
    record = load.Record()
    client = load.Client("http://127.0.0.1:1", 5, own, record)
    client._http = httpx.Client(
        base_url="http://127.0.0.1:1",
        transport=httpx.MockTransport(lambda request: httpx.Response(status, text="gradio_config")),
    )
    client._ask("page", client._page)
    assert record.outcomes["page"] == {outcome: 1}


def test_growth_of_memory() -> None:
    flat = [(float(t), 500.0) for t in range(121)]
    assert load.growth(flat, 120) == (500.0, 500.0)
    growing = [(float(t), 500.0 + t) for t in range(121)]
    before, after = load.growth(growing, 120) or (0, 0)
    assert after / before > 1.05
    assert load.growth(flat[:20], 20) is None


def test_the_crowd_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (
        ["--url", "http://example.com"],
        ["--clients", "0"],
        ["--clients", "5000"],
        ["--seconds", "9999"],
    ):
        monkeypatch.setattr(sys, "argv", ["load.py", *arguments])
        with pytest.raises(SystemExit) as caught:
            load.main()
        assert caught.value.code == 2
