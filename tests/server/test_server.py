"""A running server, and visitors who try what they must not. Each test uses a user of its own."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from serving import Server, called, file_of, png, running, uploaded

from explorer.models import create_model
from explorer.weights.config import WeightsConfig
from explorer.weights.store import MODEL_FILE, write_weights

SCRIPT = """
import socket, sys
ordinary = socket.getaddrinfo
def watched(host, *rest, **named):
    with open("lookups.txt", "a") as file:
        print(host, file=file)
    return ordinary(host, *rest, **named)
socket.getaddrinfo = watched
from explorer.cli import main
sys.exit(main(["app", "--port", "PORT", "--log-json", "--max-megabytes", "2", "--max-megapixels", "1"]))
"""
_USERS = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "secret.png").write_bytes(png(99))
    config = WeightsConfig(name="zero_dce.test", architecture="zero_dce", domain="rgb", options={"width": 4})
    write_weights(folder / "weights" / "zero_dce.test", create_model("zero_dce", width=4), config, "# test\n")
    with running(folder, script=SCRIPT, HF_TOKEN="hf_secret", EXPLORER_WEIGHTS=str(folder / "weights")) as started:
        yield started
        text = started.log.read_text()
        assert "Traceback" not in text, text
    assert started.process.returncode == 0, "asked to end, it ends in order"
    # PyTorch keeps a cache of its own there, for whichever program comes next.
    left = [path for path in started.temporary.iterdir() if not path.name.startswith("torchinductor")]
    assert left == [], "a temporary file is left behind"


@pytest.fixture
def visitor(server: Server) -> Iterator[httpx.Client]:
    """A client from an address of its own."""
    with server.client(headers={"X-Forwarded-For": f"10.1.{next(_USERS)}.1"}) as client:
        yield client


def outside(server: Server) -> list[str]:
    """Paths that are nobody's business."""
    folder = server.temporary.parent
    return [
        "/etc/passwd",
        "/proc/self/environ",
        str(folder / "secret.png"),
        str(server.log),
        f"{server.temporary}/../secret.png",
        f"{server.temporary}/%2e%2e/secret.png",
        "secret.png",
        "../secret.png",
        str(Path(httpx.__file__)),
        str(Path(__file__).resolve().parents[2] / "pyproject.toml"),
        "/etc/passwd\0.png",
        f"file://{folder}/secret.png",
        "~/.bashrc",
    ]


def test_health_and_headers(visitor: httpx.Client) -> None:
    health = visitor.get("/healthz")
    assert health.json()["status"] == "ok" and health.headers["cache-control"] == "no-store"
    assert (
        visitor.head("/healthz").status_code == visitor.head("/").status_code == 200 and not visitor.head("/").content
    )
    for answer in (health, visitor.get("/"), visitor.get("/nowhere"), visitor.get("/gradio_api/info")):
        policy = answer.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self'"), "no other page shows the app, unless it is a Space"
        assert "default-src 'self'" in policy and "object-src 'none'" in policy and "http:" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "x-frame-options" not in answer.headers, "it knows no list, and would keep Spaces from showing the app"


def test_the_page_comes_from_here_alone(visitor: httpx.Client) -> None:
    """What the policy would block must not be needed."""
    page = visitor.get("/").text
    for tag in ("<script", "<link"):
        for piece in page.split(tag)[1:]:
            head = piece.split(">", 1)[0]
            assert "http://" not in head and "https://" not in head and 'src="//' not in head, head


def test_a_photo_goes_in_and_comes_out(server: Server, visitor: httpx.Client) -> None:
    path = uploaded(visitor, png(40))
    event, data = called(visitor, "restore", file_of(path), "identity", "1", "png8")
    assert event == "complete", data
    answer = visitor.get(f"/gradio_api/file={data[0]['path']}")
    pixels = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert np.abs(pixels.astype(int) - np.asarray(Image.open(io.BytesIO(png(40)))).astype(int)).max() <= 1
    assert "frame-ancestors 'none'; sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"].startswith("private")


def test_files_outside_cannot_be_had(server: Server, visitor: httpx.Client) -> None:
    own = uploaded(visitor, png(41))
    assert visitor.get(f"/gradio_api/file={own}").status_code == 200
    folder = Path(own).parent
    ways = ["/gradio_api/file={}", "/gradio_api/file/{}", "/gradio_api/proxy={}", "/file={}", "/static/{}",
            "/assets/{}", "/svelte/{}", "/gradio_api/stream/{}/playlist.m3u8",
            "/gradio_api/custom_component/{}"]  # fmt: skip
    for place in [*outside(server), f"{own}/../../../../../../../../../etc/passwd", str(folder), str(folder.parent)]:
        for way in ways:
            for text in (place, place.replace("/", "%2F"), place.replace("..", "%2e%2e"), "../../../../.." + place):
                target = httpx.URL(server.url).copy_with(raw_path=way.format(text).replace("\0", "%00").encode())
                answer = visitor.get(target)
                assert answer.status_code in (400, 403, 404), (way, text)
                assert b"root:" not in answer.content and png(99) not in answer.content
                assert b"hf_secret" not in answer.content and b"[project]" not in answer.content


def test_links_are_not_followed_out(server: Server, visitor: httpx.Client) -> None:
    own = Path(uploaded(visitor, png(42)))
    link = own.with_name("link.png")
    link.symlink_to(server.temporary.parent / "secret.png")
    (own.parent / "folder").symlink_to(server.temporary.parent)
    try:
        for path in (link, own.parent / "folder" / "secret.png"):
            assert path.read_bytes() == png(99)
            assert visitor.get(f"/gradio_api/file={path}").status_code == 404
            event, data = called(visitor, "suggest_ratio", file_of(str(path)))
            assert (event, data[0]) == ("refused", 403)
    finally:
        link.unlink()
        (own.parent / "folder").unlink()


def test_endpoints_read_what_was_uploaded_alone(server: Server, visitor: httpx.Client) -> None:
    """With Gradio's mark and without it, for which Gradio passes a path on as it is."""
    own = uploaded(visitor, png(43))
    for place in [*outside(server), f"{own}/../../../../../../../../../etc/passwd", str(Path(own).parent)]:
        visitor.headers["X-Forwarded-For"] = f"10.3.{next(_USERS)}.1"  # a fresh allowance
        for file in (file_of(place), {"path": place}, {"path": place, "meta": {}}, [{"path": place}]):
            for name, rest in (("suggest_ratio", []), ("restore", ["identity", "1", "png8"])):
                event, data = called(visitor, name, file, *rest)
                assert (event, data[0]) == ("refused", 403), (place, data)
    visitor.headers["X-Forwarded-For"] = f"10.3.{next(_USERS)}.1"
    for odd in ({"path": 3, "meta": {"_type": "gradio.FileData"}}, {"path": None, "meta": {}}, "x", None, [1],
                file_of("")):  # fmt: skip
        event, data = called(visitor, "suggest_ratio", odd)
        assert (event == "error" and "upload" in data["error"]) or data[0] in (400, 403), (odd, data)
    assert called(visitor, "suggest_ratio", file_of(own))[0] == "complete"


@pytest.mark.parametrize(
    "address",
    ["http://attacker.test/a.png", "https://attacker.test/a.png", "HTTP://attacker.test/", "//attacker.test/a.png",
     "ftp://attacker.test/a", " http://attacker.test/a.png", "http://127.0.0.1:1/", "file:///etc/passwd",
     "data:image/png;base64,AAAA"],
)  # fmt: skip
def test_nothing_is_fetched_from_addresses(server: Server, visitor: httpx.Client, address: str) -> None:
    for file in (file_of(address), {"path": address}, {**file_of(address), "url": address}):
        event, data = called(visitor, "suggest_ratio", file)
        assert event == "refused" and data[0] == 403, data
    joined = visitor.post(
        "/gradio_api/queue/join", json={"data": [file_of(address)], "fn_index": 0, "session_hash": "a"}
    )
    assert joined.status_code == 403
    for way in ("/gradio_api/file=", "/gradio_api/proxy=", "/gradio_api/file/"):
        assert visitor.get(way + address).status_code == 404
    lookups = (server.temporary.parent / "lookups.txt").read_text()
    assert "attacker" not in lookups and "127.0.0.1" in lookups


def test_the_address_of_ones_own_upload_is_understood(server: Server, visitor: httpx.Client) -> None:
    """Tools name files so; nothing is fetched for it."""
    path = uploaded(visitor, png(51))
    event, data = called(visitor, "suggest_ratio", file_of(f"http://attacker.test/gradio_api/file={path}"))
    assert event == "complete", data
    assert "attacker" not in (server.temporary.parent / "lookups.txt").read_text()


def test_tools_fetch_nothing_and_take_what_was_uploaded(server: Server, visitor: httpx.Client) -> None:
    pytest.importorskip("mcp", reason="needs the Model Context Protocol's package: pip install 'gradio[mcp]'")
    headers = {"Accept": "application/json, text/event-stream"}

    def sent(method: str, **given: object) -> httpx.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
        return visitor.post("/gradio_api/mcp/", json=body, headers=headers)

    name = next(name for name in re.findall(r'"name": ?"(\w+)"', sent("tools/list").text) if "suggest_ratio" in name)

    def tool(photo: str) -> httpx.Response:
        return sent("tools/call", name=name, arguments={"photo": photo})

    own = f"{server.url}/gradio_api/file={uploaded(visitor, png(52))}"
    answer = tool(own)
    assert answer.status_code == 200 and "'ratio': " in answer.text, answer.text
    for address in ("http://attacker.test/a.png", "https://attacker.test/", "http://127.0.0.1:1/a.png"):
        assert tool(address).status_code == 403
    for text in ("/etc/passwd", "file:///etc/passwd", str(server.temporary.parent / "secret.png"), "a"):
        answer = tool(text)
        assert answer.status_code == 403 or '"isError":true' in answer.text.replace(" ", ""), answer.text
        assert "root:" not in answer.text
    assert "attacker" not in (server.temporary.parent / "lookups.txt").read_text()


def test_gradios_own_fetchers_are_gone() -> None:
    """Should a way around the gate be found."""
    from gradio import processing_utils

    from explorer import gradio_internals

    kept = {name: getattr(processing_utils, name) for name in gradio_internals.FETCHERS}
    try:
        gradio_internals.fetch_nothing()
        for name in kept:
            with pytest.raises(PermissionError):
                getattr(processing_utils, name)("http://attacker.test/a.png", "cache")
    finally:
        for name, function in kept.items():
            setattr(processing_utils, name, function)


def test_another_visitors_files_cannot_be_guessed(server: Server, visitor: httpx.Client) -> None:
    """Not even by who has the same picture, or the seed that Gradio keeps with its code."""
    import gradio

    theirs = Path(uploaded(visitor, png(44)))
    seed_file = Path(gradio.__file__).parent / "hash_seed.txt"
    seeds = ["", seed_file.read_text().strip() if seed_file.is_file() else "0"]
    with server.client(headers={"X-Forwarded-For": "10.2.0.1"}) as other:
        for seed in seeds:
            digest = hashlib.sha256(seed.encode() + png(44)).hexdigest()
            guess = theirs.parent.with_name(digest) / theirs.name
            assert guess != theirs
            assert other.get(f"/gradio_api/file={guess}").status_code == 404
            event, data = called(other, "suggest_ratio", file_of(str(guess)))
            assert (event, data[0]) == ("refused", 403)
        for folder in (theirs.parent, theirs.parent.parent, server.temporary):
            answer = other.get(f"/gradio_api/file={folder}")
            assert answer.status_code == 404 and theirs.name not in answer.text
    assert len(theirs.parent.name) == 64


def test_names_of_uploads_stay_names(server: Server, visitor: httpx.Client) -> None:
    uploads = Path(uploaded(visitor, png(45))).parent.parent
    for name in (
        "../../../evil.png",
        "/etc/evil.png",
        "..\\..\\evil.png",
        "a/b.png",
        "\0.png",
        "x" * 5000 + ".png",
        "..",
    ):
        body = b"".join([
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="', name.encode(), b'"\r\n\r\n', png(46),
            b"\r\n--b--\r\n",
        ])  # fmt: skip
        answer = visitor.post(
            "/gradio_api/upload", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
        if answer.status_code == 200:
            assert Path(answer.json()[0]).resolve().is_relative_to(uploads)
    assert not list(server.temporary.parent.rglob("*evil.png")) or all(
        path.resolve().is_relative_to(uploads) for path in server.temporary.parent.rglob("*evil.png")
    )


def test_uploads_that_are_too_large_leave_nothing(server: Server, visitor: httpx.Client) -> None:
    uploads = Path(uploaded(visitor, png(47))).parent.parent
    before = sorted(path for path in uploads.rglob("*") if path.is_file())
    assert visitor.post("/gradio_api/upload", files={"files": ("a.dng", bytes(4 * 2**20))}).status_code == 413

    def unannounced() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.dng"\r\n\r\n'
        for _ in range(64):
            yield bytes(2**16)
        yield b"\r\n--b--\r\n"

    try:
        answer = visitor.post(
            "/gradio_api/upload", content=unannounced(), headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
        assert answer.status_code == 413, answer.text
    except httpx.WriteError:
        pass  # the server had heard enough
    many = [("files", (f"{k}.png", bytes(2**19))) for k in range(20)]
    assert visitor.post("/gradio_api/upload", files=many).status_code == 413
    assert sorted(path for path in uploads.rglob("*") if path.is_file()) == before


def test_photos_that_are_too_large_are_a_sentence(visitor: httpx.Client) -> None:
    big = io.BytesIO()
    Image.new("RGB", (1200, 1000)).save(big, "PNG")
    event, data = called(visitor, "suggest_ratio", file_of(uploaded(visitor, big.getvalue(), "big.png")))
    assert event == "error" and "1200 x 1000 pixels, more than the limit of 1 megapixels" in data["error"]


def test_what_is_not_offered(visitor: httpx.Client) -> None:
    for path in ("/monitoring", "/monitoring/summary", "/openapi.json", "/docs", "/gradio_api/deep_link",
                 "/gradio_api/dev/reload", "/gradio_api/token", "/gradio_api/runs", "/gradio_api/vibe-code",
                 "/gradio_api/run-history/buckets", "/gradio_api/stream/a/b/1/playlist-file", "/gradio_api/",
                 "/gradio_api/file=", "//gradio_api/token", "/gradio_api//token"):  # fmt: skip
        assert visitor.get(path).status_code == 404, path
    for path in ("/gradio_api/vibe-edit", "/gradio_api/component_server", "/gradio_api/process_recording",
                 "/gradio_api/run-history/connect", "/gradio_api/api/models", "/gradio_api/stream/a"):  # fmt: skip
        assert visitor.post(path, json={"data": []}).status_code == 404, path
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        assert visitor.request(method, "/").status_code == 404


def test_the_queue_cannot_be_passed_by(visitor: httpx.Client) -> None:
    config = visitor.get("/config").json()
    queued = [each["id"] for each in config["dependencies"] if each["queue"] is not False and each["backend_fn"]]
    assert queued
    answer = visitor.post("/gradio_api/run/predict", json={"data": [], "fn_index": queued[0], "session_hash": "a"})
    assert answer.status_code == 404 and "queue" in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"", 400), (b"[" * 10_000, 400), (b"\xff\xfe", 400),
     (json.dumps({"data": [0] * 300_000}).encode(), 413), (b" " * (9 * 2**20), 413)],
    ids=["cut", "empty", "deep", "no text", "many", "long"],
)  # fmt: skip
def test_bodies_that_are_no_request(visitor: httpx.Client, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/gradio_api/queue/join", "/gradio_api/call/models", "/gradio_api/run/predict"):
        answer = visitor.post(path, content=body, headers=headers)
        assert answer.status_code == status
        assert answer.json()["detail"] == answer.json()["error"]
    assert called(visitor, "models")[0] == "complete"


def test_errors_say_nothing_of_the_server(visitor: httpx.Client) -> None:
    path = uploaded(visitor, b"no photo at all", "letter.dng")
    event, data = called(visitor, "suggest_ratio", file_of(path))
    assert event == "error" and data["error"].startswith("letter.dng does not contain a photo")
    event, data = called(visitor, "restore", file_of(path), "../../etc/passwd", "1", "png8")
    assert event == "error" and "Traceback" not in json.dumps(data)


def test_the_log_is_lines_of_json_without_names(server: Server, visitor: httpx.Client) -> None:
    path = uploaded(visitor, png(48), "holiday-in-venice.png")
    called(visitor, "suggest_ratio", file_of(path))
    visitor.get(f"/gradio_api/file={path}")
    visitor.get("/gradio_api/file=/etc/passwd?name=venice")
    me = visitor.headers["X-Forwarded-For"]
    lines = server.lines_once(me, {"upload", "job", "stream", "file"})
    serving = next(line for line in lines if line["event"] == "serving")
    assert serving["address"].startswith(server.url)
    mine = [line for line in lines if line.get("client") == me]
    upload = next(line for line in mine if line["kind"] == "upload")
    assert upload["status"] == 200 and upload["bytes_in"] > len(png(48)) and upload["ms"] > 0
    assert upload["time"].endswith("Z") and upload["level"] == "info" and upload["method"] == "POST"
    text = server.log.read_text()
    assert "venice" not in text and "hf_secret" not in text and Path(path).parent.name not in text
    assert all(line.startswith("{") for line in text.splitlines()), text


def test_every_route_of_gradio_is_known(project: Path) -> None:
    """A new Gradio may bring routes: each is to be offered or refused knowingly."""
    import gradio as gr
    from gradio.routes import App

    from explorer.server.rules import route_of

    with gr.Blocks() as demo:
        gr.Textbox()
    found: set[str] = set()

    def walk(routes: list[object]) -> None:
        for route in routes:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                walk(inner.routes)
                continue
            path = str(getattr(route, "path", ""))
            sample = path.replace("{path:path}", "a").replace("{path_or_url:path}", "a").replace("{url_path:path}", "a")
            while "{" in sample:
                sample = sample[: sample.index("{")] + "1" + sample[sample.index("}") + 1 :]
            if not any(route_of(method, sample)[0] for method in getattr(route, "methods", None) or ["GET"]):
                found.add(path.rstrip("/"))

    walk(App.create_app(demo).routes)
    assert found == {
        "/openapi.json", "/gradio_api/deep_link", "/monitoring", "/monitoring/summary", "/monitoring/{key}",
        "/gradio_api/token", "/gradio_api/dev/reload", "/gradio_api/runs", "/gradio_api/run-history/connect",
        "/gradio_api/run-history/buckets", "/gradio_api/run-history/records",
        "/gradio_api/run-history/records/{endpoint}/{record_id}/assets/{asset_id}",
        "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}", "/gradio_api/proxy={url_path:path}",
        "/gradio_api/stream/{event_id}", "/gradio_api/stream/{event_id}/close",
        "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
        "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
        "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file", "/gradio_api/file/{path:path}",
        "/gradio_api/api/{api_name}", "/gradio_api/component_server", "/gradio_api/process_recording",
        "/gradio_api/vibe-edit", "/gradio_api/undo-vibe-edit", "/gradio_api/vibe-code",
        "/gradio_api/vibe-starter-queries",
    }, "offer it in explorer/server/rules.py, or refuse it here"  # fmt: skip


def test_a_decoder_that_dies_while_serving(server: Server, visitor: httpx.Client) -> None:
    if sys.platform != "linux":
        pytest.skip("finds the decoders in /proc")
    path = uploaded(visitor, png(49))
    before = called(visitor, "suggest_ratio", file_of(path))
    children = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    pids = {int(pid) for file in children for pid in file.read_text().split()}
    decoders = [pid for pid in pids if b"explorer.sandbox.decoder" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert decoders
    import os
    import signal

    for pid in decoders:
        os.kill(pid, signal.SIGKILL)
    assert called(visitor, "suggest_ratio", file_of(path)) == before and before[0] == "complete"


def test_a_model_file_that_is_deleted_while_serving(server: Server, visitor: httpx.Client) -> None:
    path = uploaded(visitor, png(50))
    model = server.temporary.parent / "weights" / "zero_dce.test" / MODEL_FILE

    def restored() -> tuple[str, bytes | str]:
        event, data = called(visitor, "restore", file_of(path), "zero_dce.test", "4", "png8")
        if event != "complete":
            return event, str(data["error"])
        return event, visitor.get(f"/gradio_api/file={data[0]['path']}").content

    before = restored()
    assert before[0] == "complete"
    kept = model.read_bytes()
    model.unlink()
    event, words = restored()
    assert (event, words) == before or (event == "error" and MODEL_FILE in str(words) and str(words).endswith("."))
    assert called(visitor, "restore", file_of(path), "identity", "4", "png8")[0] == "complete"
    model.write_bytes(kept[:-100])
    assert restored()[0] == "error", "half a file is not taken for a model"
    model.write_bytes(kept)
    assert restored() == before
