"""Published checkpoints in their authors' repositories on the Hub, tested with the local one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from local_client import Client
from safetensors.torch import save
from server import LocalHub

from explorer.models import create_model
from explorer.weights import CATALOGUE, load_weights

NAME = "hvi_cidnet_lolv1_wperc"
ENTRY = CATALOGUE[NAME]
REPO = ENTRY.files[0].hub
GET = ("weights", "import", NAME, "--accept-licence")


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """The network's tensors under the authors' names, with those of the block that is left out."""
    theirs = {ours: names for names, ours in ENTRY.files[0].layout.modules.items()}
    net = create_model("hvi_cidnet")
    named = {f"{theirs[k.rpartition('.')[0]]}.{k.rpartition('.')[2]}": v for k, v in net.state_dict().items()}
    return named | {"I_LCA5.norm.weight": torch.ones(72)}


@pytest.fixture
def published(hub: LocalHub, state: dict[str, torch.Tensor]) -> str:
    commit = hub.commit(REPO, {"model.safetensors": save(state), "config.json": b"{}"})
    hub.repos[f"models/{REPO}"].licence = "mit"
    return commit


def test_main_is_resolved_to_a_commit_that_is_recorded(client: Client, published: str, tmp_path: Path) -> None:
    answer = client.cli(*GET)
    assert answer.code == 0, answer.err
    assert published in answer.out
    folder = tmp_path / "data" / "lowlight-explorer" / "weights" / NAME
    model = load_weights(folder)
    assert model.config.architecture == "hvi_cidnet" and published in model.config.origin
    readme = (folder / "README.md").read_text()
    assert published in readme and "sha256" in readme and "model.safetensors" in readme


def test_it_is_there_without_a_connection_once_fetched(client: Client, hub: LocalHub, published: str) -> None:
    assert "HF_HUB_OFFLINE" in client.cli(*GET, offline=True).err
    assert client.cli(*GET).code == 0
    hub.requests.clear()
    answer = client.cli(*GET, offline=True)
    assert answer.code == 0 and published in answer.out and not hub.requests


@pytest.mark.parametrize("trouble", ["gated", "renamed", "another file", "another licence"])
def test_trouble_is_one_sentence_and_nothing_is_kept(
    trouble: str, client: Client, hub: LocalHub, published: str, tmp_path: Path
) -> None:
    words = {"gated": "gated", "renamed": REPO, "another file": "no longer holds", "another licence": "openrail"}
    if trouble == "gated":
        hub.repos[f"models/{REPO}"].gated = True
    elif trouble == "renamed":
        hub.repos.clear()
    elif trouble == "another file":
        hub.commit(REPO, {"weights.bin": b"0"})
    else:
        hub.repos[f"models/{REPO}"].licence = "openrail"
    answer = client.cli(*GET)
    said = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert answer.code != 0 and len(said) == 1 and words[trouble] in said[0]
    assert "Unexpected" not in said[0]
    assert not (tmp_path / "data" / "lowlight-explorer" / "weights").exists()
    assert not any("resolve" in line and "GET" in line for line in hub.requests if line.endswith("model.safetensors"))


def test_another_width_is_refused(
    client: Client, hub: LocalHub, state: dict[str, torch.Tensor], published: str, tmp_path: Path
) -> None:
    hub.commit(REPO, {"model.safetensors": save(state | {"IE_block0.1.weight": torch.zeros(48, 1, 3, 3)})})
    answer = client.cli(*GET)
    assert answer.code != 0 and "intensity.first.weight" in answer.err.splitlines()[-1]
    assert not (tmp_path / "data" / "lowlight-explorer" / "weights" / NAME).exists()
    assert not kept(tmp_path)


def kept(cache: Path) -> list[Path]:
    """Files with tensors, or with parts of some, that are anywhere below."""
    return [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 500]


def test_a_truncated_file_is_not_kept_and_a_later_whole_one_is_taken(
    client: Client, hub: LocalHub, state: dict[str, torch.Tensor], published: str, tmp_path: Path
) -> None:
    hub.commit(REPO, {"model.safetensors": save(state)[:5000]})
    answer = client.cli(*GET)
    assert answer.code != 0 and "not a complete safetensors file" in answer.err.splitlines()[-1]
    assert not kept(tmp_path)
    hub.commit(REPO, {"model.safetensors": save(state)})
    assert client.cli(*GET).code == 0 and kept(tmp_path)
