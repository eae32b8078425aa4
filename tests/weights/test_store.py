"""Folders of weights: written, read back, and refused when anything about them is wrong."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from explorer.errors import WeightsError
from explorer.models import create_model
from explorer.weights.config import WeightsConfig, read_config
from explorer.weights.store import MODEL_FILE, available_weights, load_weights, sha256_of, write_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    config = WeightsConfig(name="zero_dce.test", architecture="zero_dce", domain="rgb", input={"clip": (0.0, 1.0)})
    write_weights(tmp_path / "zero_dce.test", create_model("zero_dce"), config, "# card\n")
    return tmp_path / "zero_dce.test"


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_written_weights_come_back_strictly(folder: Path) -> None:
    torch.manual_seed(3)
    net = create_model("zero_dce")
    model = load_weights(folder)
    assert model.identity.sha256 == sha256_of(folder / MODEL_FILE) == model.config.sha256
    assert model.config.parameters == 79_416
    for name, value in net.state_dict().items():
        assert torch.equal(model.net.state_dict()[name], value.half().float())
    assert (folder / "README.md").read_text() == "# card\n"
    assert sorted(p.name for p in folder.parent.iterdir()) == ["zero_dce.test"]


def test_every_file_can_be_read_by_everybody(folder: Path) -> None:
    """A folder of weights is copied, packed and published as it lies."""
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert folder.stat().st_mode & 0o777 == 0o755


def test_further_files_come_with_the_weights_and_go_with_them(folder: Path) -> None:
    net = create_model("zero_dce")
    write_weights(folder, net, read_config(folder), "# card\n", further={"training/log.jsonl": b"{}\n"})
    assert (folder / "training" / "log.jsonl").read_bytes() == b"{}\n"
    write_weights(folder, net, read_config(folder), "# card\n")
    assert not (folder / "training").exists()


def test_a_config_from_before_bit_depths_reads_as_before(folder: Path) -> None:
    data = json.loads((folder / "config.json").read_text())
    del data["input"]["bits"]
    (folder / "config.json").write_text(json.dumps(data))
    assert read_config(folder).input.bits is None
    load_weights(folder)


def test_rewriting_replaces_the_folder_whole(folder: Path) -> None:
    config = read_config(folder)
    write_weights(folder, create_model("zero_dce"), config, "# second\n")
    assert (folder / "README.md").read_text() == "# second\n"
    assert sorted(p.name for p in folder.parent.iterdir()) == ["zero_dce.test"]
    load_weights(folder)


def test_failed_write_keeps_the_old_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(WeightsError, match="No space left"):
        write_weights(folder, create_model("zero_dce"), read_config(folder), "# second\n")
    assert (folder / "README.md").read_text() == "# card\n"
    assert sorted(p.name for p in folder.parent.iterdir()) == ["zero_dce.test"]


def test_changed_bytes_are_refused(folder: Path) -> None:
    path = folder / MODEL_FILE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match="sha256"):
        load_weights(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema 2"),
        ({"architecture": "no_such"}, "no_such"),
        ({"architecture": "../../etc"}, "architecture"),
        ({"domain": "bayer"}, "domain"),
        ({"input": {"bits": 0}}, "bits"),
        ({"input": {"bits": 17}}, "bits"),
        ({"domain": "bayer", "input": {"bits": 8}}, "input.bits rounds developed pictures"),
        ({"options": {"depth": 99}}, "cannot be built"),
        ({"sha256": "abc"}, "sha256"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"input": {"clip": [1.0, 0.0]}}, "clip"),
    ],
)
def test_bad_configs_are_refused_in_one_sentence(folder: Path, change: dict[str, object], message: str) -> None:
    edit_config(folder, **change)
    with pytest.raises(WeightsError, match=message) as caught:
        load_weights(folder)
    assert "\n" not in str(caught.value).strip()


def test_wrong_keys_are_named(folder: Path) -> None:
    tensors = load_file(folder / MODEL_FILE)
    name, value = tensors.popitem()
    tensors["stranger"] = value
    save_file(tensors, folder / MODEL_FILE)
    edit_config(folder, sha256="")
    with pytest.raises(WeightsError, match=f"(?s){name}.*stranger"):
        load_weights(folder)


def test_wrong_shape_is_named(folder: Path) -> None:
    tensors = load_file(folder / MODEL_FILE)
    name = next(iter(tensors))
    tensors[name] = torch.zeros(1)
    save_file(tensors, folder / MODEL_FILE)
    edit_config(folder, sha256="")
    with pytest.raises(WeightsError, match=f"another shape.*{name}"):
        load_weights(folder)


class Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('executed')",))


def test_pickle_named_safetensors_is_refused_and_not_run(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(pickle.dumps(Code()))
    edit_config(folder, sha256="")
    with pytest.raises(WeightsError, match="safetensors"):
        load_weights(folder)


def test_header_that_claims_ten_gigabytes_is_refused(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes((10 << 30).to_bytes(8, "little") + b"{}")
    edit_config(folder, sha256="")
    with pytest.raises(WeightsError, match="safetensors"):
        load_weights(folder)


def test_missing_config_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"config\.json"):
        load_weights(tmp_path)


def test_users_folder_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_WEIGHTS", str(folder.parent))
    assert available_weights()["zero_dce.test"] == (folder, "local")
