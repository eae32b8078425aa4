"""Import of published checkpoints: what is accepted, what is refused, and the message."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.utils import parametrizations

from explorer.errors import ModelNotFoundError, WeightsError
from explorer.models import architecture, architectures, create_model
from explorer.weights import CATALOGUE, convert_published, import_published
from explorer.weights.keymaps import Layout, fold_weight_norm, rename
from explorer.weights.store import load_weights

LAYOUT = CATALOGUE["zero_dce"].files[0].layout
ZERO_DCE = {ours: theirs for theirs, ours in LAYOUT.modules.items()}


def published_names(net: torch.nn.Module, layout: Layout) -> dict[str, torch.Tensor]:
    """A network's tensors under the names of a published layout."""
    theirs = {ours: their for their, ours in layout.modules.items()}
    state = {}
    for name, tensor in net.state_dict().items():
        module, _, leaf = name.rpartition(".")
        if module in theirs:
            state[f"{theirs[module]}.{leaf}"] = tensor.clone()
    return state


@pytest.fixture
def zero_dce_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return published_names(create_model("zero_dce"), LAYOUT)


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(content: object, name: str = "checkpoint.pth") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return save


def retinexnet_files(saved: Callable[..., Path]) -> tuple[Path, Path]:
    net = create_model("retinexnet")
    decom, relight = (published_names(net, file.layout) for file in CATALOGUE["retinexnet_joint"].files)
    wrapped = [{"model_state_dict": state, "epoch": 3} for state in (decom, relight)]
    return saved(wrapped[0], "decom.pt"), saved(wrapped[1], "relight.pt")


def one_sentence(message: str, *words: str) -> None:
    assert "\n" not in message
    assert message.endswith(".")
    for word in words:
        assert word in message


# The catalogue


def test_every_entry_builds_and_states_its_terms() -> None:
    digests = [file.sha256 for entry in CATALOGUE.values() for file in entry.files if file.sha256]
    assert len(digests) == len(set(digests)) >= 15
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert entry.architecture in architectures()
        create_model(entry.architecture, **entry.options)
        assert entry.licence and entry.paper and entry.summary
        assert entry.origin.startswith("https://github.com/") or not any(file.sha256 for file in entry.files)
        mosaic = architecture(entry.architecture).domain != "rgb"
        told = create_model(entry.architecture).takes_ratio
        if entry.output.color == "camera":  # a denoiser: how bright it gets is for the picture to say
            assert entry.input.ratio_rule == "learned"
            continue
        assert entry.input.ratio_rule == ("dark_bin" if mosaic else "fixed" if told else "none")
    assert CATALOGUE["lamba_m0"].input.clip is None
    assert CATALOGUE["sid_unet"].input.clip == (0.0, 1.0)
    for entry in CATALOGUE.values():  # a licence that forbids commerce, or none, lets nobody pass the files on
        assert entry.redistributable == (entry.licence in ("MIT", "Apache-2.0", "BSD-3-Clause", "CC BY 4.0")), (
            entry.name
        )


def test_catalogue_has_the_sha256_of_every_file_at_hand(shared: Path) -> None:
    """All of the older folder are in the catalogue, and nothing else than what the folders hold is."""
    old, more = (
        {line.split()[0] for line in (shared / folder / "SHA256SUMS").read_text().splitlines()}
        for folder in ("checkpoints", "checkpoints_more")
    )
    known = {file.sha256 for entry in CATALOGUE.values() for file in entry.files if file.sha256}
    assert old <= known <= old | more


# What is taken


def test_order_of_files_does_not_matter(shared: Path) -> None:
    folder = shared / "checkpoints" / "retinexnet_port"
    one = import_published("retinexnet_port", folder / "decom_9200.tar", folder / "relight_9200.tar")
    other = import_published("retinexnet_port", str(folder / "relight_9200.tar"), str(folder / "decom_9200.tar"))
    assert one.identity == other.identity
    assert one.config.options == {"variant": "port", "relight": True}
    assert not one.net.training


def test_files_of_unknown_sha256_are_told_apart_by_their_names(saved: Callable[..., Path]) -> None:
    decom, relight = retinexnet_files(saved)
    net = import_published("retinexnet_split_resize", relight, decom, allow_unknown=True).net
    expected = torch.load(decom, weights_only=True)["model_state_dict"]["conv0.weight"]
    assert torch.equal(net.state_dict()["decom.first.weight"], expected)


def test_unread_relight_file_may_be_left_out_but_is_checked(saved: Callable[..., Path], shared: Path) -> None:
    decom, relight = retinexnet_files(saved)
    alone = import_published("retinexnet_joint_decom_only", decom, allow_unknown=True)
    both = import_published("retinexnet_joint_decom_only", decom, relight, allow_unknown=True)
    assert alone.identity == both.identity
    with pytest.raises(WeightsError, match="second decom"):
        import_published("retinexnet_joint_decom_only", decom, decom, allow_unknown=True)


@pytest.mark.parametrize("name", ["lamba_m0", "sci_medium"])
def test_conversion_gives_the_same_model(name: str, shared: Path, tmp_path: Path) -> None:
    file = shared / "checkpoints" / {"lamba_m0": "lamba_mitra/weights", "sci_medium": "sci/medium.pt"}[name]
    folder = convert_published(name, [file], tmp_path / "new" / name)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    imported, loaded = import_published(name, file), load_weights(folder)
    assert loaded.identity.sha256 == imported.identity.sha256 == imported.config.sha256
    assert loaded.config == imported.config
    for key, tensor in imported.net.state_dict().items():
        assert torch.equal(tensor, loaded.net.state_dict()[key]), key
    readme = (folder / "README.md").read_text()
    assert CATALOGUE[name].licence in readme and hashlib.sha256(file.read_bytes()).hexdigest() in readme
    assert convert_published(name, [file], folder) == folder  # replaces its own kind


def test_weight_norm_is_folded_under_both_names() -> None:
    plain = torch.nn.Conv2d(4, 6, 3)
    now = parametrizations.weight_norm(torch.nn.Conv2d(4, 6, 3))
    state = {f"c.{name}": value for name, value in now.state_dict().items()}
    assert any("original0" in name for name in state)
    folded = fold_weight_norm(state)
    assert set(folded) == {"c.weight", "c.bias"}
    assert torch.allclose(folded["c.weight"], now.weight, atol=1e-7)
    old = {
        "c.weight_g": torch.full((6, 1, 1, 1), 2.0),
        "c.weight_v": plain.weight.detach(),
    }
    weight = fold_weight_norm(old)["c.weight"]
    assert torch.allclose(weight.flatten(1).norm(dim=1), torch.full((6,), 2.0))
    with pytest.raises(WeightsError, match="weight_v"):
        fold_weight_norm({"c.weight_g": torch.ones(6, 1, 1, 1)})
    with pytest.raises(WeightsError, match="shape"):
        fold_weight_norm({"c.weight_g": torch.ones(5, 1, 1, 1), "c.weight_v": torch.ones(6, 4, 3, 3)})


def test_sci_copies_must_be_equal(shared: Path, saved: Callable[..., Path]) -> None:
    state = torch.load(shared / "checkpoints/sci/easy.pt", map_location="cpu", weights_only=True)
    state["enhance.blocks.0.0.weight"] = state["enhance.blocks.0.0.weight"] + 1e-3
    with pytest.raises(WeightsError, match="enhance.blocks.0.0.weight.*differ"):
        import_published("sci_easy", saved(state), allow_unknown=True)


def test_only_named_modules_are_ignored() -> None:
    layout = Layout({"a": "b"}, ignored=("m.n",))
    tensor = torch.ones(1)
    assert set(rename({"a.weight": tensor, "m.n.weight": tensor, "m.n.0.bias": tensor}, layout)) == {"b.weight"}
    with pytest.raises(WeightsError, match="'m.nn.weight'"):
        rename({"a.weight": tensor, "m.nn.weight": tensor}, layout)


# What is refused


def test_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="lamba_m0.*retinexnet_port"):
        import_published("enlighten_gan", tmp_path / "x.pth")


def test_wrong_number_of_files(saved: Callable[..., Path], zero_dce_state: dict[str, torch.Tensor]) -> None:
    file = saved(zero_dce_state)
    with pytest.raises(WeightsError) as caught:
        import_published("retinexnet_port", file)
    one_sentence(str(caught.value), "2 files", "1 was given", "decom_9200.tar and relight_9200.tar")
    with pytest.raises(WeightsError, match="1 file, but 2 were given"):
        import_published("zero_dce", file, file)
    with pytest.raises(WeightsError, match="0 were given"):
        import_published("zero_dce")


def test_unknown_sha256(saved: Callable[..., Path], zero_dce_state: dict[str, torch.Tensor]) -> None:
    file = saved(zero_dce_state)
    with pytest.raises(WeightsError) as caught:
        import_published("zero_dce", file)
    expected = CATALOGUE["zero_dce"].files[0].sha256
    assert expected is not None
    one_sentence(
        str(caught.value),
        expected,
        hashlib.sha256(file.read_bytes()).hexdigest(),
        "allow_unknown=True",
        "--allow-unknown-sha256",
    )
    net = import_published("zero_dce", file, allow_unknown=True).net
    assert torch.equal(net.state_dict()["convs.6.bias"], zero_dce_state["e_conv7.bias"])


def test_file_of_another_model_is_named(shared: Path) -> None:
    with pytest.raises(WeightsError, match="belongs to sci_medium, not to sci_easy"):
        import_published("sci_easy", shared / "checkpoints/sci/medium.pt")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("e_conv3.bias"), ("lacks", "convs.2.bias")),
        (lambda s: [s.pop("e_conv3.bias"), s.pop("e_conv3.weight")], ("lacks", "e_conv3")),
        (lambda s: s.update({"e_conv8.weight": torch.ones(1)}), ("holds 'e_conv8.weight'",)),
        (lambda s: s.update({"e_conv1.scale": torch.ones(1)}), ("convs.0.scale",)),
        (lambda s: s.update({"e_conv1.weight": torch.ones(32, 4, 3, 3)}), ("32x4x3x3", "32x3x3x3")),
        (lambda s: s["e_conv1.weight"].fill_(float("nan")), ("not finite",)),
    ],
)
def test_wrong_tensors(
    change: Callable[[dict[str, torch.Tensor]], object],
    words: tuple[str, ...],
    saved: Callable[..., Path],
    zero_dce_state: dict[str, torch.Tensor],
) -> None:
    change(zero_dce_state)
    with pytest.raises(WeightsError) as caught:
        import_published("zero_dce", saved(zero_dce_state), allow_unknown=True)
    one_sentence(str(caught.value), *words)


def test_many_wrong_names_are_cut_short(saved: Callable[..., Path]) -> None:
    state = {f"layer{i}.weight": torch.ones(1) for i in range(50)}
    with pytest.raises(WeightsError, match="and 47 more") as caught:
        import_published("m1", saved(state))
    assert len(str(caught.value)) < 500


class _Runs:
    """A pickle that would run a command if it were unpickled with code allowed."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("plain", [False, True])
def test_pickle_with_code_is_refused(plain: bool, tmp_path: Path) -> None:
    file, trace = tmp_path / "evil.pth", tmp_path / "trace"
    if plain:
        file.write_bytes(pickle.dumps(_Runs(trace)))
    else:
        torch.save({"model": _Runs(trace)}, file)
    with pytest.raises(WeightsError, match="is refused") as caught:
        import_published("sid_unet", file)
    assert not trace.exists()
    one_sentence(str(caught.value), "code", "state dict")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off", pickle.dumps([1, 2], protocol=2)[:-1]])
def test_damaged_files(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="weights.pth is") as caught:
        import_published("sid_unet", file)
    one_sentence(str(caught.value), "download it again")


def test_truncated_checkpoint(saved: Callable[..., Path], zero_dce_state: dict[str, torch.Tensor]) -> None:
    file = saved(zero_dce_state)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="not a complete PyTorch checkpoint"):
        import_published("zero_dce", file, allow_unknown=True)


@pytest.mark.parametrize("content", [[1, 2], {"model": {"a": 1}}, {}, torch.ones(3)])
def test_checkpoints_without_a_state_dict(content: object, saved: Callable[..., Path]) -> None:
    with pytest.raises(WeightsError, match="does not hold a state dict"):
        import_published("sid_unet", saved(content))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        import_published("zero_dce", tmp_path / "none.pth")
    with pytest.raises(WeightsError, match="cannot be read"):
        import_published("zero_dce", tmp_path)


def test_failed_conversion_writes_nothing(
    saved: Callable[..., Path], zero_dce_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    with pytest.raises(WeightsError):
        convert_published("zero_dce", [saved(zero_dce_state)], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pth"]


def test_conversion_spares_folders_of_other_things(
    saved: Callable[..., Path], zero_dce_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    file = saved(zero_dce_state)
    album = tmp_path / "album"
    album.mkdir()
    (album / "photo.dng").write_bytes(b"light")
    with pytest.raises(WeightsError, match="not weights"):
        convert_published("zero_dce", [file], album, allow_unknown=True)
    with pytest.raises(WeightsError, match="is a file"):
        convert_published("zero_dce", [file], file, allow_unknown=True)
    assert (album / "photo.dng").read_bytes() == b"light"
    (tmp_path / "empty").mkdir()
    folder = convert_published("zero_dce", [file], tmp_path / "empty", allow_unknown=True)
    assert load_weights(folder).name == "zero_dce"
