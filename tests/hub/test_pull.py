"""Weights from the Hub: pinned, floating, cached, interrupted and resumed, and every refusal."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from local_client import REPO, Client, client_environment, contents
from server import Fault, LocalHub

NAME = "zero_dce.small"
HF = f"hf:{REPO}/{NAME}"
WEIGHTS = 6


def tensors_of(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_a_floating_revision_becomes_its_commit_and_works_without_a_connection(
    hub: LocalHub, client: Client, small: Path
) -> None:
    first = hub.commit(REPO, contents(small))
    answer = client.load(HF)
    assert answer.result == [NAME, first, tensors_of(small)]
    assert not hub.tokens_at_store, "the token left the Hub"

    # A new commit moves the branch; what is pinned stays.
    second = hub.commit(REPO, {**contents(small), "note.txt": b"changed"})
    assert client.load(HF).result[1] == second
    hub.requests.clear()
    assert client.load(f"{HF}@{first}").result[1] == first
    assert hub.requests == [], "a pinned commit that is cached asks nobody"

    for name in (HF, f"{HF}@{first}"):
        answer = client.load(name, offline=True)
        assert answer.result[0] == NAME and answer.seconds < 2
    assert client.load(HF, offline=True).result[1] == second
    assert hub.requests == []


def test_the_default_repository_and_the_order_of_places(
    hub: LocalHub, client: Client, small: Path, tmp_path: Path
) -> None:
    commit = hub.commit(REPO, contents(small))
    repo = {"EXPLORER_HUB_REPO": REPO}
    assert "EXPLORER_HUB_REPO" in client.python(f"import explorer; explorer.load_model({NAME!r}, source='hub')").error
    assert client.load(NAME, **repo).result[1] == commit
    hub.requests.clear()
    assert client.load(NAME, **repo).result[1] == commit
    assert hub.requests == [], "by its bare name, what was pulled is used as it is"

    local = {**repo, "EXPLORER_WEIGHTS": str(small.parent)}
    assert client.load(NAME, **local).result[1] == "local"
    assert client.load(NAME, EXPLORER_WEIGHTS_ORDER="hub,local", **local).result[1] == commit
    code = f"import explorer\nresult = explorer.load_model({NAME!r}, source='hub').identity.revision"
    assert client.python(code, **local).result == commit
    listed = client.python("import explorer\nresult = [m.name for m in explorer.list_models()]", offline=True, **repo)
    assert NAME in listed.result

    settings = tmp_path / "config" / "lowlight-explorer" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'{{"repo": "{REPO}@{commit}", "order": ["hub"]}}')
    assert client.cli("weights", "where", "--settings").out.strip() == str(settings)
    assert client.load(NAME, EXPLORER_WEIGHTS=str(small.parent)).result[1] == commit
    settings.write_text('{"order": ["hub", "moon"]}')
    assert "moon" in client.load(NAME).error
    settings.write_text('{"repo": 3}')
    assert '"repo"' in client.load(NAME).error


def test_the_order_of_places_by_option(hub: LocalHub, client: Client, small: Path) -> None:
    hub.commit(REPO, contents(small))
    env = {"EXPLORER_HUB_REPO": REPO, "EXPLORER_WEIGHTS": str(small.parent)}
    assert client.cli("weights", "pull", HF).code == 0
    where = client.cli("weights", "where", NAME, **env).out.strip()
    assert where == str(small)
    hub_first = client.cli("weights", "--weights-order", "hub,local", "where", NAME, **env).out.strip()
    assert Path(hub_first).is_relative_to(client.cache)
    env["EXPLORER_WEIGHTS_ORDER"] = "hub"
    assert client.cli("weights", "--weights-order", "local", "where", NAME, **env).out.strip() == str(small)
    assert "embedded ones" in client.fails(5, "weights", "--weights-order", "embedded", "where", NAME)
    assert "moon" in client.fails(WEIGHTS, "weights", "--weights-order", "local,moon", "list")
    shown = client.cli("--weights-order", "hub", "models", **env).out
    assert NAME in shown and NAME not in client.cli("--weights-order", "embedded", "models", **env).out
    # An option holds for its command line alone.
    assert client.cli("weights", "where", NAME, **env).out.strip() == hub_first


def test_the_commit_of_a_floating_revision_is_in_the_restoration(hub: LocalHub, client: Client, small: Path) -> None:
    commit = hub.commit(REPO, contents(small))
    code = (
        "import numpy as np, explorer\n"
        "from explorer.photo.types import RgbPhoto\n"
        "photo = RgbPhoto(np.full((32, 48, 3), 0.1, np.float32), 8)\n"
        "done = explorer.restore(photo, explorer.load_model({name!r}))\n"
        "result = [done.weights.revision, done.weights.sha256]"
    )
    for name in (HF, f"{HF}@main"):
        assert client.python(code.format(name=name)).result == [commit, tensors_of(small)]


def test_starting_up_asks_nobody(hub: LocalHub, client: Client, small: Path) -> None:
    """With a default repository and a connection, too: listing must not wait for anybody."""
    hub.commit(REPO, contents(small))
    hub.faults = [Fault(r"hub:", delay=30.0, times=99)]
    code = "import explorer, explorer.app\nfrom explorer.app import model_picker\nresult = list(model_picker.models())"
    answer = client.python(code, EXPLORER_HUB_REPO=REPO)
    assert "clahe" in answer.result and hub.requests == []
    assert client.cli("weights", "list", EXPLORER_HUB_REPO=REPO).code == 0
    assert hub.requests == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_sees_bytes_and_time(
    hub: LocalHub, client: Client, small: Path, project: Path, tmp_path: Path
) -> None:
    import pty

    hub.commit(REPO, contents(small))
    env = client_environment(hub, tmp_path) | {"HF_HUB_CACHE": str(client.cache), "PYTHONPATH": str(project)}
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "explorer", "weights", "pull", HF],
        env={**env, "TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=child,
    ) as process:
        os.close(child)
        shown = b""
        try:
            while block := os.read(parent, 4096):
                shown += block
        except OSError:  # the other end was closed
            pass
        out = process.communicate(timeout=60)[0]
    os.close(parent)
    size = (small / "model.safetensors").stat().st_size / 1024
    words = shown.decode(errors="replace")
    assert NAME in words and f"{size:.1f}/{size:.1f} KiB" in words and "0:00:" in words
    assert out.decode().startswith(HF), "what a pipe gets has no bar in it"


def test_slips_of_the_pen_ask_nobody(hub: LocalHub, client: Client) -> None:
    answer = client.load("zero_dse.small", EXPLORER_HUB_REPO=REPO)
    assert answer.kind == "ModelNotFoundError" and hub.requests == []
    assert "source" in client.python("import explorer; explorer.load_model('clahe', source='moon')").error


def test_what_is_missing_offline_says_how_to_get_it(hub: LocalHub, client: Client, small: Path) -> None:
    for name in (HF, f"{HF}@{'a' * 40}"):
        answer = client.load(name, offline=True)
        assert answer.kind == "HubError" and answer.seconds < 2
        assert "HF_HUB_OFFLINE" in answer.error and f"lowlight weights pull {HF}@" in answer.error
    answer = client.load(NAME, offline=True, EXPLORER_HUB_REPO=REPO)
    assert "HF_HUB_OFFLINE" in answer.error and HF in answer.error
    assert hub.requests == []


def test_refusals_name_the_cause(hub: LocalHub, client: Client, small: Path) -> None:
    commit = hub.commit(REPO, contents(small))
    pull = ("weights", "pull")
    assert "no repository class/nowhere" in client.fails(WEIGHTS, *pull, f"hf:class/nowhere/{NAME}")
    assert "no revision 'v9'" in client.fails(WEIGHTS, *pull, f"{HF}@v9")
    assert "no revision" in client.fails(WEIGHTS, *pull, f"{HF}@{'b' * 40}")
    assert f"it has {NAME}" in client.fails(WEIGHTS, *pull, f"hf:{REPO}/zero_dce.none")
    client.fails(WEIGHTS, *pull, f"hf:{REPO}/zero_dce.none@{commit}")
    assert "--all" in client.fails(WEIGHTS, *pull)
    hub.repos[f"models/{REPO}"].gated = True
    message = client.fails(WEIGHTS, *pull, HF)
    assert "gated" in message and "hf auth login" in message and f"{hub.url}/{REPO}" in message
    assert not list(client.cache.rglob("*.safetensors"))


def test_a_busy_hub_is_asked_again(hub: LocalHub, client: Client, small: Path) -> None:
    hub.commit(REPO, contents(small))
    hub.faults = [
        Fault(r"hub:GET /api/models", status=429, headers={"Retry-After": "0"}),
        Fault(r"hub:HEAD .*config\.json", status=503, headers={"Retry-After": "0"}),
        Fault(r"store:GET", status=503, headers={"Retry-After": "0"}),
        Fault(r"hub:GET .*safetensors", status=429, headers={"Retry-After": "0"}),
    ]
    assert client.cli("weights", "pull", HF).code == 0
    assert [fault.times for fault in hub.faults] == [0, 0, 0, 0]

    client.cache = client.cache.with_name("second")
    hub.faults = [Fault(r"hub:GET /api/models", status=429, headers={"Retry-After": "3600"}, times=99)]
    assert "too many requests" in client.fails(WEIGHTS, "weights", "pull", HF)


def test_a_cut_connection_is_gone_on_from(hub: LocalHub, client: Client, small: Path) -> None:
    hub.commit(REPO, contents(small))
    hub.faults = [Fault(r"store:GET", cut=50_000), Fault(r"store:GET", cut=30_000)]
    assert client.load(HF).result[2] == tensors_of(small)
    assert hub.ranges == ["bytes=50000-", "bytes=80000-"]


def test_an_interrupted_pull_resumes_in_another_process(
    hub: LocalHub, client: Client, small: Path, project: Path, tmp_path: Path
) -> None:
    hub.commit(REPO, contents(small))
    hub.faults = [Fault(r"store:GET", trickle=0.3)]
    env = client_environment(hub, tmp_path) | {"HF_HUB_CACHE": str(client.cache), "PYTHONPATH": str(project)}
    command = [sys.executable, "-m", "explorer", "weights", "pull", HF]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        partial: list[Path] = []
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (partial and partial[0].stat().st_size > 0):
            partial = list(client.cache.rglob("*.partial"))
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    have = partial[0].stat().st_size
    assert 0 < have < (small / "model.safetensors").stat().st_size
    assert not list(client.cache.rglob("*.safetensors"))

    assert client.load(HF).result[2] == tensors_of(small)
    assert hub.ranges == [f"bytes={have}-"]
    assert not list(client.cache.rglob("*.partial"))


def test_a_damaged_rest_is_thrown_away(hub: LocalHub, client: Client, small: Path) -> None:
    hub.commit(REPO, contents(small))
    blobs = client.cache / f"models--{REPO.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{tensors_of(small)}.partial").write_bytes(b"of something else")
    assert client.load(HF).result[2] == tensors_of(small)


def test_two_processes_pull_the_same_file_at_once(
    hub: LocalHub, client: Client, small: Path, project: Path, tmp_path: Path
) -> None:
    hub.commit(REPO, contents(small))
    hub.faults = [Fault(r"store:GET", trickle=0.3)]
    env = client_environment(hub, tmp_path) | {"HF_HUB_CACHE": str(client.cache), "PYTHONPATH": str(project)}
    command = [sys.executable, "-m", "explorer", "weights", "pull", HF]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any("GET" in line and "/api" not in line for line in hub.requests):
            time.sleep(0.02)
        assert not list(client.cache.rglob("*.safetensors")), "the first process is done before the second began"
        second = client.cli("weights", "pull", HF)
        out, err = first.communicate(timeout=90)
    assert (first.returncode, second.code) == (0, 0), (err, second)
    assert out == second.out and out.startswith(HF)
    assert client.load(HF, offline=True).result[2] == tensors_of(small)


def test_wrong_bytes_are_refused_and_not_kept(hub: LocalHub, client: Client, small: Path) -> None:
    hub.commit(REPO, contents(small))
    hub.corrupt.add(tensors_of(small))
    assert "sha256" in client.fails(WEIGHTS, "weights", "pull", HF)
    assert not [path for path in client.cache.rglob("*") if path.is_file() and path.stat().st_size > 100_000]
    hub.corrupt.clear()
    assert client.load(HF).result[2] == tensors_of(small)

    # A cache that was damaged afterwards is noticed, and mends itself at the next pull.
    blob = next(client.cache.rglob("model.safetensors")).resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"\7")
    assert "sha256" in client.fails(WEIGHTS, "weights", "verify", HF, offline=True)
    assert "sha256" in client.load(HF).error
    assert client.load(HF).result[2] == tensors_of(small)


def test_a_slow_or_silent_hub_does_not_keep_cached_weights(hub: LocalHub, client: Client, small: Path) -> None:
    commit = hub.commit(REPO, contents(small))
    assert client.cli("weights", "pull", HF).code == 0
    hub.commit(REPO, {**contents(small), "note.txt": b"new"})
    hub.faults = [Fault(r"hub:GET /api", delay=8.0)]
    answer = client.cli("weights", "pull", HF)
    assert answer.code == 0 and answer.seconds < 6
    assert commit in answer.out and "note: " in answer.err and "cached commit" in answer.err


def test_nobody_answers(client: Client, hub: LocalHub) -> None:
    from socket import socket

    with socket() as taken:  # bound, and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        code = (
            "from huggingface_hub import constants\n"
            "import explorer, huggingface_hub.hf_api as api\n"
            f"constants.ENDPOINT, old = 'http://127.0.0.1:{taken.getsockname()[1]}', constants.ENDPOINT\n"
            "try:\n"
            f"    explorer.load_model({HF!r})\n"
            "finally:\n"
            "    constants.ENDPOINT = old\n"
        )
        answer = client.python(code)
    assert answer.kind == "HubError" and answer.seconds < 6
    assert "cannot be reached" in answer.error and f"lowlight weights pull {HF}@main" in answer.error


def test_parallel_pulls_where_and_verify(hub: LocalHub, client: Client, small: Path, other: Path) -> None:
    commit = hub.commit(REPO, contents(small, other))
    repo = ("--repo", REPO)
    answer = client.cli("weights", "list", "--remote", *repo)
    assert answer.code == 0 and commit in answer.out and "zero_dce.other" in answer.out
    hub.requests.clear()
    answer = client.cli("weights", "pull", "--all", *repo)
    assert answer.code == 0 and len(answer.out.splitlines()) == 2
    for folder in (small, other):
        where = client.cli("weights", "where", folder.name, *repo).out.strip()
        assert contents(Path(where)) == contents(folder)
    settings = {"EXPLORER_HUB_REPO": REPO}
    answer = client.cli("weights", "verify", "zero_dce.small", "zero_dce.other", offline=True, **settings)
    assert answer.code == 0 and answer.out.count("complete") == 2
    answer = client.cli("weights", "list", offline=True, **settings)
    assert commit in answer.out and "CC BY-NC 4.0" in answer.out

    answer = client.cli("weights", "pull", "zero_dce.none", NAME, *repo)
    assert answer.code == 10 and len(answer.out.splitlines()) == 1 and "zero_dce.none" in answer.err
    assert "weights pull" in client.fails(WEIGHTS, "weights", "where", f"hf:{REPO}/zero_dce.none")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_cache_serves(hub: LocalHub, client: Client, small: Path) -> None:
    hub.commit(REPO, contents(small))
    assert client.cli("weights", "pull", HF).code == 0
    folders = [path for path in client.cache.rglob("*") if path.is_dir() and not path.is_symlink()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert client.load(HF, offline=True).result[0] == NAME
        assert client.load(HF).result[0] == NAME
    finally:
        for folder in folders:
            folder.chmod(0o755)
