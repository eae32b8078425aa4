"""Hostile or careless repositories and user input: one sentence, nothing kept, no code run."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from local_client import REPO, Client, contents
from server import Fault, LocalHub

from explorer.errors import HubError, WeightsError
from explorer.hub.references import parse_reference, parse_repo
from explorer.weights.store import check_safetensors

HF = f"hf:{REPO}/zero_dce.small"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "text",
    [
        "hf:../etc/zero_dce.small",
        "hf:org/../zero_dce.small",
        "hf:org/..%2f/zero_dce.small",
        "hf:org/re po/zero_dce.small",
        "hf:https://huggingface.co/org/repo/zero_dce.small",
        "hf:/etc/passwd",
        "hf://org/repo/zero_dce.small",
        "hf:org/repo/../../x",
        "hf:org/repo/Zero DCE",
        "hf:org/repo/a.b.c",
        "hf:org/repo",
        "hf:",
        "hf:org/re--po/zero_dce",
        "hf:org/repo.git/zero_dce",
        "hf:org/repo/zero_dce@",
        "hf:org/repo/zero_dce@../main",
        "hf:org/repo/zero_dce@a b",
        "hf:org/repo/zero_dce@main@main",
        "hf:órg/repo/zero_dce",
        "hf:" + "o" * 5000 + "/repo/zero_dce",
        "hf:org\\repo/zero_dce\n",
    ],
)
def test_bad_references(text: str) -> None:
    with pytest.raises(HubError) as caught:
        parse_reference(text)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


def test_good_references() -> None:
    reference = parse_reference(f"hf:org/repo/lamba_m1.raw_synthetic@{COMMIT.upper()}")
    assert (reference.repo, reference.name, reference.revision) == ("org/repo", "lamba_m1.raw_synthetic", COMMIT)
    assert reference.pinned and parse_reference(str(reference)) == reference
    floating = parse_reference("zero_dce.lol", "org/repo@v1.0")
    assert str(floating) == "hf:org/repo/zero_dce.lol@v1.0" and not floating.pinned
    assert parse_repo("hf:org/repo") == ("org/repo", "main")
    assert not parse_reference("hf:org/repo/sci@0123abc").pinned, "a short commit may become another"


def test_bad_names_on_the_command_line_ask_nobody(hub: LocalHub, client: Client, tmp_path: Path) -> None:
    for name in ("hf:../../etc/passwd", "hf:org/re po/x", "hf:https://evil/x/y", str(tmp_path), "a/../../b"):
        client.fails(6, "weights", "pull", name, "--repo", REPO)
    for repo in ("../evil", "/etc/passwd", "org", "org/a b", "https://huggingface.co/org/repo"):
        client.fails(6, "weights", "pull", "zero_dce.small", "--repo", repo)
        client.fails(6, "weights", "publish", "zero_dce.small", "--to", repo)
        client.fails(6, "space", "deploy", repo)
    assert hub.requests == [] and not client.cache.exists()


def edited(folder: Path, **changes: object) -> bytes:
    return json.dumps({**json.loads((folder / "config.json").read_text()), **changes}).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "no_such"}, "'no_such'"),
        ({"architecture": "../../etc/passwd"}, "architecture"),
        ({"name": "../zero_dce"}, "name"),
        ({"name": "zero_dce.stranger"}, "zero_dce.stranger"),
        ({"file": "/etc/passwd"}, "file"),
        ({"schema": 7, "release": "0.9.0"}, "use lowlight-explorer 0.9.0 or later"),
        ({"schema": 7, "release": "rm -rf /"}, "use a newer release"),
        ({"schema": 7, "release": None}, "use a newer release"),
        ({"sha256": ""}, "sha256"),
        ({"sha256": "0" * 64}, "sha256"),
    ],
)
def test_bad_configs(
    hub: LocalHub, client: Client, small: Path, put: Callable[..., str], change: dict[str, object], message: str
) -> None:
    put(**{"config.json": edited(small, **change)})
    assert message in client.fails(6, "weights", "pull", HF)
    assert not list(client.cache.rglob("model.safetensors"))
    if "sha256" not in change:
        assert not [line for line in hub.requests if "safetensors" in line], "tensors were fetched for a bad config"


class Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("import pathlib; pathlib.Path('executed').touch()",))


def header(text: bytes, tail: bytes = b"") -> bytes:
    return len(text).to_bytes(8, "little") + text + tail


BAD_TENSORS = {
    "pickle": pickle.dumps(Code()) * 100,
    "zip": b"PK\3\4" + b"\0" * 6000,
    "ten_gigabytes": (10 * 1024**3).to_bytes(8, "little") + b"{}" + b" " * 5000,
    "no_json": header(b"{" * 5000),
    "deep_json": header(b"[" * 100_000),
    "list": header(b"[1, 2, 3]"),
    "beyond_its_end": header(b'{"a":{"dtype":"F32","shape":[9000],"data_offsets":[0,36000]}}', b"\0" * 5000),
    "short": b"\1\0",
    "empty": b"",
}


@pytest.mark.parametrize("kind", BAD_TENSORS)
def test_files_that_are_no_safetensors(
    hub: LocalHub, client: Client, small: Path, put: Callable[..., str], tmp_path: Path, kind: str
) -> None:
    import hashlib

    data = BAD_TENSORS[kind]
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="safetensors"):
        check_safetensors(path)
    if kind in ("pickle", "ten_gigabytes", "short"):
        config = edited(small, sha256=hashlib.sha256(data).hexdigest())  # a publisher who means it
        put(**{"config.json": config, "model.safetensors": data})
        assert "safetensors" in client.fails(6, "weights", "pull", HF)
        assert not list(client.cache.rglob("model.safetensors")) and not list(tmp_path.rglob("executed"))


def test_a_server_that_lies(hub: LocalHub, client: Client, small: Path) -> None:
    hub.commit(REPO, contents(small))
    folder = client.cache
    outside = folder.parent / "outside"
    lies = [
        Fault(r"hub:HEAD .*safetensors", headers={"X-Linked-ETag": '"../../../../outside"'}),
        Fault(r"hub:HEAD .*safetensors", headers={"X-Linked-Size": str(1 << 50)}),
        Fault(r"hub:HEAD .*safetensors", headers={"X-Linked-Size": "1000"}),
        Fault(r"hub:HEAD .*config\.json", headers={"ETag": '"/etc/passwd"'}),
        Fault(r"hub:HEAD .*config\.json", headers={"Content-Length": str(1 << 40)}),
    ]
    for number, lie in enumerate(lies):
        client.cache = folder / str(number)
        hub.faults = [lie]
        client.fails(6, "weights", "pull", HF)
        assert lie.times == 0
    assert not outside.exists() and not list(folder.rglob("model.safetensors"))
    stray = [p for p in folder.parent.rglob("*") if p.is_file() and folder not in p.parents]
    assert stray == []
