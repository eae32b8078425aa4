"""Weights to the Hub and back: one commit, a card that the Hub reads, the same bytes, the same pictures."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml
from local_client import REPO, Client, contents, write_small
from server import Fault, LocalHub

PICTURE = """
import explorer, hashlib, io, numpy as np
from PIL import Image
from explorer import open_photo
buffer = io.BytesIO()
Image.fromarray(np.random.default_rng(5).integers(0, 60, (64, 80, 3)).astype(np.uint8)).save(buffer, "PNG")
photo = open_photo(buffer.getvalue())
result = []
for name in NAMES:
    done = explorer.restore(photo, explorer.load_model(name), backend="torch")
    result.append([hashlib.sha256(done.image.tobytes()).hexdigest(), done.weights.revision])
"""


def front_matter(text: str) -> dict[str, object]:
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


def test_published_weights_come_back_bit_for_bit(hub: LocalHub, client: Client, small: Path, other: Path) -> None:
    answer = client.cli("weights", "publish", small, other, "--to", REPO, "--private")
    assert answer.code == 0, answer.err
    entry = hub.repos[f"models/{REPO}"]
    assert entry.private and len(entry.commits) == 2, "making the repository, and one commit for all files"
    commit = entry.branches["main"]
    assert answer.out.split() == [f"hf:{REPO}/{name}@{commit}" for name in ("zero_dce.small", "zero_dce.other")]
    files = hub.files(REPO)
    assert files == contents(small, other) | {n: files[n] for n in ("README.md", ".gitattributes")}
    assert len([line for line in hub.requests if line.endswith(f"/{REPO}/commit/main")]) == 1

    pinned = answer.out.split()[0]
    names = [str(small), pinned]
    restored = client.python(f"NAMES = {names!r}\n{PICTURE}").result
    assert restored[0][0] == restored[1][0]
    assert [revision for _, revision in restored] == ["local", commit]


def test_the_card(hub: LocalHub, client: Client, small: Path, tmp_path: Path) -> None:
    second = write_small(
        tmp_path / "zero_dce.second", seed=2, licence="MIT", metrics={}, training={"data": "d", "datasets": ["org/set"]}
    )
    assert client.cli("weights", "publish", small, "--to", REPO).code == 0
    first = front_matter(hub.files(REPO)["README.md"].decode())
    assert (first["pipeline_tag"], first["library_name"]) == ("image-to-image", "lowlight-explorer")
    assert first["license"] == "cc-by-nc-4.0"

    assert client.cli("weights", "publish", second, "--to", REPO, "--message", "more").code == 0
    assert hub.repos[f"models/{REPO}"].messages[-1] == "more"
    text = hub.files(REPO)["README.md"].decode()
    card = front_matter(text)
    # Two licences: each is named in the text. What was published before stays in the card.
    assert card["license"] == "other" and card["datasets"] == ["org/set"] and "zero_dce" in card["tags"]
    metrics = {
        (result["dataset"]["name"], metric["type"]): metric["value"]
        for result in card["model-index"][0]["results"]
        for metric in result["metrics"]
    }
    assert metrics == {
        ("LOL eval15 (zero_dce.small)", "psnr"): 12.5,
        ("LOL eval15 (zero_dce.small)", "ssim"): 0.5,
    }
    assert "| `zero_dce.small` | LOL eval15 | PSNR (dB) | 12.5 |" in text
    assert "`zero_dce.small`" in text and "`zero_dce.second`" in text and "Random \\| for tests." in text
    assert contents(small).items() <= hub.files(REPO).items()


def test_a_dry_run_asks_nobody(hub: LocalHub, client: Client, small: Path) -> None:
    answer = client.cli("weights", "publish", small, "--to", REPO, "--dry-run")
    assert answer.code == 0 and hub.requests == []
    assert "zero_dce.small/model.safetensors" in answer.out and "pipeline_tag: image-to-image" in answer.out


def test_what_is_not_published(hub: LocalHub, client: Client, small: Path, tmp_path: Path) -> None:
    publish = ("weights", "publish")
    broken = write_small(tmp_path / "zero_dce.broken")
    data = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert "sha256" in client.fails(6, *publish, broken, "--to", REPO)
    authors = write_small(tmp_path / "zero_dce", origin="https://github.com/Li-Chongyi/Zero-DCE")
    assert "--with-permission" in client.fails(6, *publish, authors, "--to", REPO)
    renamed = write_small(tmp_path / "zero_dce.a", seed=3).rename(tmp_path / "zero_dce.b")
    assert "zero_dce.a" in client.fails(6, *publish, renamed, "--to", REPO)
    assert "HF_HUB_OFFLINE" in client.fails(6, *publish, small, "--to", REPO, offline=True)
    client.fails(5, *publish, "zero_dce.nowhere", "--to", REPO)
    assert hub.requests == []
    assert client.cli(*publish, authors, "--to", REPO, "--with-permission").code == 0


def test_a_hub_that_refuses_an_upload(hub: LocalHub, client: Client, small: Path) -> None:
    hub.faults = [Fault(r"POST /api/repos/create", status=403)]
    assert "may not" in client.fails(6, "weights", "publish", small, "--to", REPO)
    hub.faults = [Fault(r"POST .*/commit/main", status=500)]
    assert "trouble" in client.fails(6, "weights", "publish", small, "--to", REPO)
    assert set(hub.files(REPO)) == {".gitattributes"}
    assert client.cli("weights", "publish", small, "--to", REPO).code == 0
    blob = hashlib.sha256((small / "model.safetensors").read_bytes()).hexdigest()
    assert hub.blobs[blob] == (small / "model.safetensors").read_bytes()
