"""Agreement with the original implementations: all thirteen parity files, under the real imports and key maps."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.models import RestorationNet
from explorer.weights.published import CATALOGUE, import_published

TOLERANCE = 1e-5

FILES = {
    "lamba_m0": ["lamba_mitra/weights"],
    "retinexnet_port": ["retinexnet_port/decom_9200.tar", "retinexnet_port/relight_9200.tar"],
    "retinexnet_split_resize": [
        f"retinexnet_variants/2022_04_14_17_50_55_model_split_{part}.pt" for part in ("decom", "relight")
    ],
    "retinexnet_split_transpose": [
        f"retinexnet_variants/2022_04_15_18_47_52_model_split_conv_trans_{part}.pt" for part in ("decom", "relight")
    ],
    "retinexnet_joint": [
        f"retinexnet_variants/2022_04_13_17_46_58_model_join_{part}.pt" for part in ("decom", "relight")
    ],
    "retinexnet_joint_decom_only": [
        f"retinexnet_variants/2022_04_14_05_48_14_model_join_enh1_{part}.pt" for part in ("decom", "relight")
    ],
    "zero_dce": ["zero_dce/Epoch99.pth"],
    "sci_easy": ["sci/easy.pt"],
    "sci_medium": ["sci/medium.pt"],
    "sci_difficult": ["sci/difficult.pt"],
}
FORMULA = ("m1", "m2", "sid_unet")


def assert_agrees(net: RestorationNet, parity: Path, pack: bool = False) -> None:
    with np.load(parity) as stored:
        expected = {name: torch.from_numpy(stored[name]) for name in stored.files}
    x = expected.pop("input")
    if pack:
        x = torch.nn.functional.pixel_unshuffle(x, 2)
    with torch.inference_mode():
        results = net.decompose(x)
    results["output"] = results["image"]
    assert "output" in expected
    for name, value in expected.items():
        assert results[name].shape == value.shape, name
        assert (results[name] - value).abs().max().item() <= TOLERANCE, name


def test_every_parity_file_is_tested(shared: Path) -> None:
    assert {path.stem for path in (shared / "parity").glob("*.npz")} == {*FILES, *FORMULA}
    # The same layout as `sid_unet`, with its planes in the other order; tests/weights holds it.
    assert set(CATALOGUE) - {"sid_unet_s2d"} == {*FILES, *FORMULA}


@pytest.mark.parametrize("name", FILES)
def test_published(name: str, shared: Path) -> None:
    model = import_published(name, *(shared / "checkpoints" / file for file in FILES[name]))
    assert_agrees(model.net, shared / "parity" / f"{name}.npz")


@pytest.mark.parametrize("name", FORMULA)
def test_formula_tensors(name: str, shared: Path, tmp_path: Path) -> None:
    shapes = json.loads((shared / "parity" / "state_dict_keys.json").read_text())[name]
    state = {}
    for key, shape in shapes.items():
        value = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32) * 0.05
        if key.endswith("weight_g"):
            value = np.abs(value) + 0.5
        state[key] = torch.from_numpy(np.asarray(value, dtype=np.float32))
    torch.save({"model": state}, tmp_path / "checkpoint.pt")
    model = import_published(name, tmp_path / "checkpoint.pt")
    assert_agrees(model.net, shared / "parity" / f"{name}.npz", pack=name == "sid_unet")
