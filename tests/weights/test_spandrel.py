"""Checkpoints of the library spandrel's networks, made from its newly built networks.

`make spandrel-test` runs all tests in an environment with the library; elsewhere those that need it are skipped.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import explorer
from explorer.cli import main
from explorer.errors import WeightsError
from explorer.models import architectures, spandrel_net
from explorer.photo import RgbPhoto
from explorer.weights.config import InputConvention, read_config
from explorer.weights.store import load_weights

needs_spandrel = pytest.mark.skipif(
    find_spec("spandrel") is None and "EXPLORER_SPANDREL" not in os.environ,
    reason="needs the library spandrel: make spandrel-test",
)
FRESH: dict[str, tuple[str, dict[str, Any]]] = {
    "NAFNet": ("NAFNet", {"width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]}),
    "DnCNN": ("DnCNN", {"in_nc": 3, "out_nc": 3, "nc": 16, "nb": 17, "act_mode": "R"}),
    "SCUNet": ("SCUNet", {"in_nc": 3, "config": [1, 1, 1, 1, 1, 1, 1], "dim": 64}),
    "Compact": ("Compact", {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 16, "num_conv": 4, "upscale": 1}),
    "HVICIDNet": ("HVICIDNet", {"channels": [12, 12, 24, 48], "heads": [1, 2, 4, 8]}),
    "FFTformer": ("FFTformer", {"dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1}),
    "MixDehazeNet": ("MixDehazeNet", {"embed_dims": [8, 16, 32, 16, 8], "depths": [1, 1, 1, 1, 1]}),
    "SwinIR": (
        "SwinIR",
        {"upscale": 1, "window_size": 8, "depths": [2], "embed_dim": 12, "num_heads": [2], "upsampler": ""},
    ),
    "Uformer": ("Uformer", {"embed_dim": 8}),
    "RetinexFormer": ("RetinexFormer", {"n_feat": 8, "stage": 1, "num_blocks": [1, 1, 1]}),
}
"""By the library's name: the class in its module, and small widths."""


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data" / "weights"
    for module in ("store", "importing", "recognising"):
        monkeypatch.setattr(f"explorer.weights.{module}.imported_folder", lambda: folder)
    return folder


def fresh(kind: str, seed: int = 0) -> torch.nn.Module:
    """A network of the library with random parameters."""
    torch.manual_seed(seed)
    name, options = FRESH[kind]
    return getattr(import_module(f"spandrel.architectures.{kind}"), name)(**options).eval()


@needs_spandrel
@pytest.mark.parametrize("kind", FRESH)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_checkpoint_is_converted_once_and_restores_as_its_network(
    kind: str, suffix: str, tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net, file = fresh(kind), tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        torch.save({"params_ema": net.state_dict()}, file)
    else:
        save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, file)
    assert main(["weights", "import", str(file)]) == 0
    assert f"spandrel's {kind}" in capsys.readouterr().out
    file.unlink()  # what was converted stands by itself

    folder = data_folder / "spandrel.mine"
    config = read_config(folder)
    assert config.options == {"kind": kind} and f"the code of {kind}: " in config.licence
    model = load_weights(folder)
    assert sum(p.numel() for p in model.net.parameters()) == config.parameters
    photo = RgbPhoto(np.random.default_rng(0).random((128, 128, 3), np.float32), bits=16)
    result = explorer.restore(photo, model, 1.0)
    # As the library itself runs it, some with values of their own from -1 to 1.
    given = torch.from_numpy(photo.image.transpose(2, 0, 1).copy())[None]
    expected = import_module("spandrel").MAIN_REGISTRY.load(net.state_dict())(given)
    assert np.abs(result.image - expected[0].clamp(0, 1).numpy().transpose(1, 2, 0)).max() < 1e-4
    assert result.image.shape == (128, 128, 3)


@needs_spandrel
@pytest.mark.parametrize("kind", FRESH)
def test_any_size_goes_in_and_comes_out(kind: str, tmp_path: Path) -> None:
    torch.save(fresh(kind).state_dict(), tmp_path / "a.pth")
    assert main(["weights", "import", str(tmp_path / "a.pth"), "--out", str(tmp_path / "w"), "--quiet"]) == 0
    photo = RgbPhoto(np.random.default_rng(0).random((37, 51, 3), np.float32), bits=16)
    image = explorer.restore(photo, load_weights(tmp_path / "w"), 1.0).image
    assert image.shape == (37, 51, 3) and np.isfinite(image).all()


@needs_spandrel
def test_the_advice_on_tiles_is_honoured() -> None:
    halos = {}
    for kind in ("NAFNet", "SCUNet", "HVICIDNet"):
        state = {f"{spandrel_net.PREFIX}{n}": t for n, t in fresh(kind).state_dict().items()}
        net = spandrel_net.SpandrelNet(kind, state)
        halos[kind] = net.halo
        assert net.size.minimum >= 1
    assert halos["NAFNet"] and halos["SCUNet"] is None and halos["HVICIDNet"] is None


@needs_spandrel
def test_those_that_brighten_are_not_amplified_before(tmp_path: Path) -> None:
    rules = {}
    for kind in ("NAFNet", "RetinexFormer"):
        torch.save(fresh(kind).state_dict(), tmp_path / "a.pth")
        assert main(["weights", "import", str(tmp_path / "a.pth"), "--out", str(tmp_path / kind), "--quiet"]) == 0
        rules[kind] = read_config(tmp_path / kind).input
    assert rules["NAFNet"] == InputConvention(clip=(0.0, 1.0), ratio_rule="learned")
    assert rules["RetinexFormer"].ratio_rule == "none"


@needs_spandrel
@pytest.mark.parametrize(("options", "words"), [({"upscale": 2}, "2 times the size"), ({"num_in_ch": 1}, "1 to ")])
def test_only_what_restores_rgb_at_its_size_is_taken(
    options: dict[str, int], words: str, tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = import_module("spandrel.architectures.Compact").Compact(**(FRESH["Compact"][1] | options))
    torch.save(net.state_dict(), tmp_path / "a.pth")
    assert main(["weights", "import", str(tmp_path / "a.pth")]) == 6
    said = capsys.readouterr().err
    assert words in said and "a.pth" in said and not data_folder.exists()


@needs_spandrel
def test_tensors_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(fresh("DnCNN").state_dict(), tmp_path / "a.pth")
    assert main(["weights", "import", str(tmp_path / "a.pth"), "--out", str(tmp_path / "w"), "--quiet"]) == 0
    config = (tmp_path / "w" / "config.json").read_text()
    (tmp_path / "w" / "config.json").write_text(config.replace('"DnCNN"', '"NAFNet"'))
    with pytest.raises(WeightsError, match="not those of spandrel's NAFNet"):
        load_weights(tmp_path / "w")


def test_where_the_library_is_absent_its_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("explorer.weights.recognising.find_spec", lambda name: None)
    torch.save({"intro.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "a.pth")
    assert main(["weights", "import", str(tmp_path / "a.pth")]) == 6
    assert "lowlight-explorer[spandrel]" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(WeightsError, match=r"lowlight-explorer\[spandrel\]"):
        spandrel_net.library()


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'torchvision'", name="torchvision"),
                                   RuntimeError("operator torchvision::nms does not exist")])  # fmt: skip
def test_a_torchvision_that_does_not_fit_is_named_with_its_cure(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        """Finds spandrel, whose own imports fail."""

        def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> None:
            if name == "spandrel":
                raise error

    monkeypatch.delitem(sys.modules, "spandrel", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(WeightsError, match=f"fits torch {torch.__version__.split('+')[0]}") as caught:
        spandrel_net.library()
    assert "pip install --upgrade torch torchvision" in str(caught.value) and str(caught.value).count(". ") == 0


def test_networks_that_need_tensors_are_in_no_list() -> None:
    assert "spandrel" not in architectures() and "spandrel" in architectures(from_tensors=True)
