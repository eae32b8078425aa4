"""A server with accounts and a small allowance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from serving import Server, called, file_of, png, running, uploaded

from explorer.cli import main
from explorer.errors import SettingsError
from explorer.server import ServerOptions, read_accounts

JOBS = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("accounts")
    accounts = folder / "accounts.txt"
    accounts.write_text("# who may come in\nanna:correct horse\n\nbo: a:b c d e \n")
    with running(folder, "--auth", str(accounts), "--jobs-per-minute", str(JOBS)) as started:
        yield started
        assert "Traceback" not in started.log.read_text()
        assert "correct horse" not in started.log.read_text()


def signed_in(server: Server, user: str, password: str, address: str = "10.0.0.1") -> httpx.Client:
    client = server.client(headers={"X-Forwarded-For": address})
    answer = client.post("/login", data={"username": user, "password": password})
    assert answer.status_code == 200, answer.text
    # httpx sends no cookie that is marked as secure over plain HTTP; Gradio sets a second one.
    return client


def test_without_a_sign_in_there_is_only_the_page_that_asks_for_it(server: Server) -> None:
    with closing(signed_in(server, "anna", "correct horse")) as inside, server.client() as outside:
        path = uploaded(inside, png())
        assert inside.get(f"/gradio_api/file={path}").status_code == 200
        asked = ["/config", "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/queue/status",
                 "/gradio_api/heartbeat/abc", "/gradio_api/queue/data?session_hash=a", "/gradio_api/mcp",
                 f"/gradio_api/file={path}", "/gradio_api/upload_progress?upload_id=1",
                 "/gradio_api/call/models/abc"]  # fmt: skip
        for place in asked:
            assert outside.get(place).status_code == 401, place
        for place in ("queue/join", "call/models", "run/predict", "cancel", "upload", "mcp"):
            assert outside.post(f"/gradio_api/{place}", json={"data": []}).status_code == 401, place
        assert outside.get("/healthz").status_code == 200
        page = outside.get("/")
        assert page.status_code == 200 and "lamba_m0" not in page.text, "the page tells nothing of the app"
        forged = {"Cookie": "access-token-unsecure-x=y; access-token-=; a"}
        assert outside.get("/config", headers=forged).status_code == 401
        assert called(inside, "suggest_ratio", file_of(path))[0] == "complete"
        inside.get("/logout")
        assert inside.get("/config").status_code == 401


def test_a_page_belongs_to_who_signed_in(server: Server) -> None:
    """Its name, which another user may have learnt, gives that one neither its answers nor power over its jobs."""
    with (
        closing(signed_in(server, "anna", "correct horse", "10.0.0.5")) as anna,
        closing(signed_in(server, "bo", " a:b c d e", "10.0.0.5")) as bo,
    ):
        greet = next(each["id"] for each in anna.get("/config").json()["dependencies"] if each["api_name"] == "greet")
        page = {"session_hash": "of anna"}
        started = anna.post("/gradio_api/queue/join", json={"data": [""], "fn_index": greet, **page}).json()
        for query in ("session_hash=of+anna", "session%5Fhash=of%20anna", "session_hash=&session_hash=of+anna"):
            assert 'session_not_found":true' in bo.get(f"/gradio_api/queue/data?{query}").text, query
        bo.post("/gradio_api/cancel", json={**page, "fn_index": greet, "event_id": "unknown"}).raise_for_status()
        told = anna.get("/gradio_api/queue/data", params=page).text
        assert "process_completed" in told and started["event_id"] in told and '"success":true' in told


def test_passwords(server: Server) -> None:
    signed_in(server, "bo", " a:b c d e").close()  # blanks around a line are not the password's, those within are
    with server.client(headers={"X-Forwarded-For": "10.0.0.2"}) as client:
        for user, password in (("anna", "wrong"), ("anna", ""), ("", ""), ("nobody", "correct horse"), ("anna", "\0")):
            assert client.post("/login", data={"username": user, "password": password}).status_code in (400, 422)
        assert client.get("/config").status_code == 401
        statuses = [client.post("/login", data={"username": "anna", "password": "x"}).status_code for _ in range(60)]
        assert 429 in statuses, "nobody may guess on and on"
    signed_in(server, "anna", "correct horse", "10.0.0.3").close()


def test_an_allowance_is_a_users_own(server: Server) -> None:
    with (
        closing(signed_in(server, "anna", "correct horse", "10.0.0.4")) as anna,
        closing(signed_in(server, "bo", " a:b c d e", "10.0.0.4")) as bo,
    ):
        for _ in range(60):
            answer = anna.post("/gradio_api/call/models", json={"data": []})
            if answer.status_code == 429:
                break
        assert answer.status_code == 429, "far more than six a minute"
        assert int(answer.headers["retry-after"]) >= 1
        assert "wait" in answer.json()["detail"] and "try again" in answer.json()["detail"]
        assert called(bo, "models")[0] == "complete", "the other one has an allowance of his own"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("anna", "user:password"),
        (":long enough", "user:password"),
        ("anna:short", "fewer than 8 characters"),
        ("FILE:", "lists no one"),
        ("FILE:anna:12345678\nanna:23456789", "Account 2"),
        ("FILE:anna:12345678\nbo", "Account 2"),
        ("FILE:\udcff", "cannot be read"),
    ],
)
def test_accounts_that_cannot_be(text: str, message: str, tmp_path: Path) -> None:
    if text.startswith("FILE:"):
        (tmp_path / "file").write_bytes(text.removeprefix("FILE:").encode("utf-8", "surrogateescape"))
        text = str(tmp_path / "file")
    with pytest.raises(SettingsError, match=message) as caught:
        read_accounts(text)
    assert "12345678" not in str(caught.value) and "\n" not in str(caught.value)


def test_who_is_admitted(tmp_path: Path) -> None:
    options = ServerOptions(accounts=read_accounts("anna:pass:word"))
    assert options.admits("anna", "pass:word")
    for user, password in (("anna", "pass"), ("anna", ""), ("", "pass:word"), ("bo", "pass:word"), ("bo", "\0")):
        assert not options.admits(user, password)
    assert "pass:word" not in repr(options)


def test_bad_settings_are_one_sentence_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("EXPLORER_AUTH", "EXPLORER_MAX_MEGAPIXELS"):
        monkeypatch.setenv(name, "")  # put back afterwards, whatever the command line sets
    assert main(["app", "--auth", "anna:short"]) == 4
    assert "fewer than 8 characters" in capsys.readouterr().err
    monkeypatch.setenv("EXPLORER_AUTH", "")
    for variable, value in (("EXPLORER_FRAME_ANCESTORS", "a; script-src *"), ("EXPLORER_PROXIES", "many"),
                            ("EXPLORER_DECODERS", "0"), ("EXPLORER_UPLOADS_PER_MINUTE", "-3")):  # fmt: skip
        monkeypatch.setenv(variable, value)
        assert main(["app"]) == 4
        error = capsys.readouterr().err
        assert variable in error and error.count("\n") == 1
        monkeypatch.delenv(variable)
