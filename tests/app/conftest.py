"""Starts the real server, once for all browser tests of a process, and a real Chromium, once for each test file."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from _serving import serving
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from explorer.app.sessions import Session

from driving import PATIENCE

sys.path.append(str(Path(__file__).resolve().parent.parent / "hub"))
from server import LocalHub  # noqa: E402

# The catalogue's address of Zero-DCE becomes that of a server here, which gives a file in the published layout.
SERVE = """
import sys
from dataclasses import replace
from explorer.weights.catalogue import CATALOGUE

entry = CATALOGUE["zero_dce"]
url, sha256, size = sys.argv[2:]
CATALOGUE["zero_dce"] = replace(entry, files=(replace(entry.files[0], url=url, sha256=sha256, size=int(size)),))

from explorer.app import launch

launch(port=int(sys.argv[1]))
"""


@pytest.fixture
def session() -> Iterator[Session]:
    from explorer.app import sessions

    opened = sessions.open_session(None)
    yield opened
    sessions.close_session(opened.token)


@pytest.fixture(scope="session")
def authors(project: Path) -> Iterator[LocalHub]:
    """An author's page with one checkpoint: the first of its `blobs`."""
    import torch

    from explorer.models import create_model
    from explorer.weights.catalogue import CATALOGUE

    torch.manual_seed(4)
    modules = {our: theirs for theirs, our in CATALOGUE["zero_dce"].files[0].layout.modules.items()}
    ours = create_model("zero_dce").state_dict()
    state = {f"{modules[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value for name, value in ours.items()}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    hub = LocalHub()
    hub.blobs[hashlib.sha256(buffer.getvalue()).hexdigest()] = buffer.getvalue()
    yield hub
    hub.close()


@pytest.fixture(scope="session")
def address(project: Path, chromium: str, authors: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    [(sha256, published)] = authors.blobs.items()
    log = tmp_path_factory.mktemp("server") / "log.txt"
    runs = tmp_path_factory.mktemp("runs")
    (runs / "a.run" / "replay").mkdir(parents=True)
    entries = [{"step": 10 * i, "validation": {"psnr": 9.0 + i}, "losses": {"loss": 1.0}} for i in range(3)]
    (runs / "a.run" / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for i in range(3):
        Image.new("RGB", (32, 24), (80 * i, 40, 0)).save(runs / "a.run" / "replay" / f"{10 * i:07d}.png")
    given = (f"{authors.store}/{sha256}", sha256, str(len(published)))
    with serving("-c", SERVE, "{port}", *given, log=log, path="", EXPLORER_RUNS=str(runs)) as (url, _):
        yield f"{url}/"
        assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all pages, whose scripts Chromium then compiles once; what a page keeps lies in its own tab."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


SAID = """() => ['#lx-message', '#lx-result', '#lx-compare-status', '#lx-features-status', '.lx-remarks']
    .map((place) => document.querySelector(place)).filter((part) => part && part.innerText.trim())
    .map((part) => part.id + ': ' + part.innerText.trim()).join('\\n')"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a test of a page fails, its report tells what the page says."""
    report = yield
    shown = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and shown is not None:
        with contextlib.suppress(Exception):
            report.sections.append(("What the page says", f"{shown.url}\n{shown.evaluate(SAID)}"))
    return report


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    problems: list[str] = []
    outside: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console",
        lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None,
    )
    opened.on(
        "request",
        lambda request: (
            outside.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None
        ),
    )
    yield opened
    opened.close()
    assert not problems
    assert not outside, "the page reached out to another host"


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ramp = np.linspace(2, 40, 480 * 320).reshape(320, 480)
    path = tmp_path_factory.mktemp("photo") / "night.png"
    Image.fromarray(np.stack([ramp, ramp * 0.7, ramp * 0.4], axis=2).astype(np.uint8)).save(path)
    return path
