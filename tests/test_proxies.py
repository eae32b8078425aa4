"""With proxies and certificates in the environment, the app starts, and errors of the network are explained."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from explorer.app import own_address
from explorer.cli import main
from explorer.errors import HubError
from explorer.hub.client import translate_errors
from explorer.hub.environment import blamed, proxy_variable

PROJECT = Path(__file__).resolve().parents[1]
NOBODY = "http://127.0.0.1:9"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[str]:
    """The address of one that answers everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}/"
        served.shutdown()


BROKEN = {
    "http": {"HTTP_PROXY": NOBODY},
    "lower case": {"http_proxy": NOBODY},
    "socks": {"ALL_PROXY": "socks5://127.0.0.1:9"},
    "unknown": {"ALL_PROXY": "gopher://x"},
    "certificate": {"SSL_CERT_FILE": os.path.join("nowhere", "company.pem")},
}


@pytest.mark.parametrize("variables", BROKEN.values(), ids=BROKEN)
def test_the_own_address_is_asked_directly(
    variables: dict[str, str], server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Exception):  # noqa: B017, PT011  # of many kinds: this is what Gradio met
        httpx.get(server)
    with own_address.asked_directly("127.0.0.1"):
        assert httpx.get(server, timeout=20).status_code == httpx.head(server, timeout=20).status_code == 204
        with pytest.raises(Exception):  # noqa: B017, PT011  # other addresses go where the environment says
            httpx.get("http://example.invalid/", timeout=20)
    with own_address.without_proxies():
        httpx.Client().close()
    with pytest.raises(Exception):  # noqa: B017, PT011
        httpx.get(server)


def test_loopback_is_added_to_what_needs_no_proxy(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "intern.example, localhost")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    own_address.except_loopback()
    own_address.except_loopback()
    for name in ("NO_PROXY", "no_proxy"):
        assert os.environ[name].split(",") == ["intern.example", "localhost", "127.0.0.1", "::1"]
    assert httpx.get(server, timeout=20).status_code == 204


def test_the_app_starts(tmp_path: Path) -> None:
    """With all of it at once; it prints its address and answers there."""
    program = (
        "import httpx; from explorer.app import launch; url = launch(block=False, quiet=True); "
        "print(httpx.get(url, trust_env=False, timeout=100).status_code)"
    )
    environment = {name: value for name, value in os.environ.items() if name.upper() not in VARIABLES}
    environment |= {name: NOBODY for name in ("HTTP_PROXY", "HTTPS_PROXY")}
    environment |= {"ALL_PROXY": "socks5h://127.0.0.1:9", "SSL_CERT_FILE": str(tmp_path / "gone.pem")}
    environment |= {"PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "200"


HUB = "https://hub.invalid"


def raised(error: Exception, cause: BaseException | None = None) -> Exception:
    """As it arrives: raised, from another one where there is one."""
    try:
        raise error from cause
    except Exception as arrived:
        return arrived


UNTRUSTED = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")


@pytest.mark.parametrize(
    ("variables", "error", "words"),
    [
        (
            {"HTTPS_PROXY": "http://me:secret@proxy:3128"},
            httpx.ConnectError("refused"),
            "http://proxy:3128 that HTTPS_",
        ),
        ({"https_proxy": NOBODY}, httpx.ProxyError("407 Proxy Authentication Required"), "https_proxy names does not"),
        ({"ALL_PROXY": NOBODY}, OSError("Tunnel connection failed: 403 Forbidden"), "that ALL_PROXY names"),
        ({"ALL_PROXY": "socks5://x"}, ImportError("Using SOCKS proxy, but 'socksio' is not installed"), "pip install"),
        ({"HTTPS_PROXY": "ftp://x"}, ValueError("Unknown scheme for proxy URL URL('ftp://x')"), "kind that is not kno"),
        ({"SSL_CERT_FILE": "gone.pem"}, FileNotFoundError(2, "No such file or directory"), "SSL_CERT_FILE names gone."),
        ({"SSL_CERT_FILE": __file__}, ssl.SSLError("[X509] no certificate or crl found"), "no certificate can be read"),
        ({"SSL_CERT_FILE": __file__}, UNTRUSTED, "no certificate that this server has"),
        ({"SSL_CERT_DIR": "gone"}, UNTRUSTED, "SSL_CERT_DIR names gone"),
        ({}, UNTRUSTED, "set SSL_CERT_FILE"),
        ({"HTTP_PROXY": NOBODY}, httpx.ConnectError("refused"), ""),  # not for https
        ({"HTTPS_PROXY": NOBODY, "NO_PROXY": "hub.invalid"}, httpx.ConnectError("refused"), ""),
        ({"HTTPS_PROXY": NOBODY}, httpx.ReadTimeout("slow"), ""),
        ({}, httpx.ConnectError("refused"), ""),
    ],
)
def test_the_variable_is_named(
    variables: dict[str, str], error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for arrived in (error, raised(RuntimeError("outer"), raised(error))):
        said = blamed(arrived, f"{HUB}/x")
        assert (words in said) if words else not said
        assert "secret" not in said


def test_no_proxy_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)
    assert proxy_variable(HUB) == ("HTTPS_PROXY", NOBODY)
    monkeypatch.setenv("NO_PROXY", "hub.invalid")
    assert proxy_variable(HUB) is None


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", NOBODY), ("ALL_PROXY", "socks5://127.0.0.1:9"), ("SSL_CERT_FILE", "gone.pem")]
)
def test_a_pull_is_one_sentence(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the Hub's own client, which reads the variables."""
    monkeypatch.setenv(name, value)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(HubError, match=name), translate_errors("x", "org/repo"):
        httpx.get(f"{HUB}/x", timeout=20)
    monkeypatch.setattr("explorer.hub.pulling.resolve", lambda *_, **__: _ask())
    assert main(["weights", "pull", "hf:org/repo/x"]) == 6
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line and "unset" in line


def _ask() -> None:
    with translate_errors("The revision main of org/repo", "org/repo"):
        httpx.get(f"{HUB}/x", timeout=20)
