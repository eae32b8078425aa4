"""Agreement with the original implementations: every parity file, through the real imports and key maps."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.models import RestorationNet
from explorer.weights import CATALOGUE, import_published
from explorer.weights.checkpoint import UNPUBLISHED

TOLERANCE = 1e-5
ROUNDING = {"flol_lolv2real": 1e-3, "flol_uhdll": 1e-3, "fourllie_lol2real": 1e-3}
"""Networks that work on the angle of every Fourier bin: those of bins that are nearly empty are rounding alone. All but
a few pixels must agree so far."""
FEW = 0.003
RATIO = "ratio"

FILES = {
    name: entry.files
    for name, entry in CATALOGUE.items()
    if all(file.sha256 for file in entry.files) and name != "pmrid"  # only a part of ours: see test_pmrid.py
}
FORMULA = [name for name, entry in CATALOGUE.items() if entry.licence == UNPUBLISHED]
"""Layouts without a published file: their tensors are made by a formula."""
TOO_LARGE = {
    "hvi_cidnet_lolv1_wperc": ("hvi_cidnet", "hvi_cidnet_formula"),
    "retinexformer_lol_v1": ("retinexformer", "retinexformer_formula"),
    "darkir_m": ("darkir", "darkir_m_formula"),
}
"""Files too large to be at hand: where their tensors' names stand, and the parity file of tensors by a formula."""
PARITY, CHECKPOINTS = ("parity", "parity_more"), ("checkpoints", "checkpoints_more")


@functools.cache
def files_by_sha256(shared: Path) -> dict[str, Path]:
    """The checkpoints by their sha256."""
    paths = [path for folder in CHECKPOINTS for path in (shared / folder).rglob("*") if path.is_file()]
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in paths}


def parity(shared: Path, name: str) -> Path:
    """The input and outputs of the authors' own code."""
    found = [path for folder in PARITY if (path := shared / folder / f"{name}.npz").is_file()]
    if not found:
        pytest.skip(f"needs the parity file of {name} among the shared test data")
    return found[0]


def assert_agrees(net: RestorationNet, parity: Path, pack: bool = False) -> None:
    with np.load(parity) as stored:
        expected = {name: torch.from_numpy(stored[name]) for name in stored.files}
    x = expected.pop("input")
    if pack:
        x = torch.nn.functional.pixel_unshuffle(x, 2)
    if RATIO in expected:
        x = torch.cat([x, expected.pop(RATIO).expand_as(x[:, :1])], 1)
    if getattr(net, "centred", False):
        x = (x + 1) / 2  # the parity file has what comes out of 2x - 1
    with torch.inference_mode():
        results = net.forward_intermediates(x)
    results["output"] = results["image"]
    assert "output" in expected
    tables = {each.name for each in net.architecture.intermediates if each.table}
    for name in expected.keys() & results.keys():
        value = expected[name]
        given = results[name].reshape(value.shape) if name in tables else results[name]
        assert given.shape == value.shape, name
        difference = (given - value).abs()
        if parity.stem in ROUNDING:
            if name == "output":
                assert (difference > ROUNDING[parity.stem]).float().mean().item() <= FEW, name
        else:
            assert difference.max().item() <= TOLERANCE, name


def test_every_parity_file_is_tested(shared: Path) -> None:
    # `sid_unet_s2d` is the layout of `sid_unet` with its planes in the other order; tests/weights holds it.
    assert {path.stem for path in (shared / "parity").glob("*.npz")} <= set(CATALOGUE)
    files = {path.stem for f in PARITY for path in (shared / f).glob("*.npz")}
    others = set(CATALOGUE) - {"sid_unet_s2d"} - files
    # Further trainings of one network have one layout.
    layouts = [CATALOGUE[name].files[0].layout for name in (*(files & set(CATALOGUE)), *TOO_LARGE)]
    assert all(any(CATALOGUE[name].files[0].layout is layout for layout in layouts) for name in others)


@pytest.mark.parametrize("name", FILES)
def test_published(name: str, shared: Path) -> None:
    expected = parity(shared, name)
    files = [files_by_sha256(shared).get(str(file.sha256)) for file in FILES[name]]
    if None in files:
        pytest.skip(f"needs the checkpoint of {name} among the shared test data")
    assert_agrees(import_published(name, *(file for file in files if file)).net, expected)


@pytest.mark.parametrize("name", FORMULA)
def test_formula_tensors(name: str, shared: Path, tmp_path: Path) -> None:
    expected = parity(shared, "sid_unet" if name == "sid_unet_s2d" else name)
    shapes = json.loads((shared / "parity" / "state_dict_keys.json").read_text())[expected.stem]
    state = {}
    for key, shape in shapes.items():
        value = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32) * 0.05
        if key.endswith("weight_g"):
            value = np.abs(value) + 0.5
        state[key] = torch.from_numpy(np.asarray(value, dtype=np.float32))
    torch.save({"model": state}, tmp_path / "checkpoint.pt")
    model = import_published(name, tmp_path / "checkpoint.pt")
    assert_agrees(model.net, expected, pack=expected.stem == "sid_unet")


@pytest.mark.parametrize("name", TOO_LARGE)
def test_formula_tensors_of_large_networks(name: str, shared: Path, tmp_path: Path) -> None:
    keys, file = TOO_LARGE[name]
    expected = parity(shared, file)
    shapes = json.loads((shared / "parity_more" / "state_dict_keys.json").read_text())[keys]
    state = {}
    for key, shape in shapes.items():
        value = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32)
        if key.endswith("density_k"):
            value = np.full(shape, 0.2)
        elif key.endswith(("temperature", "rescale")):
            value = 1 + np.float32(0.1) * value
        elif len(shape) > 1:
            value = value / np.float32(math.sqrt(math.prod(shape[1:])))
        else:
            value = np.float32(0.5) + np.float32(0.1) * value if key.endswith("weight") else np.float32(0.05) * value
        state[key] = torch.from_numpy(np.asarray(value, dtype=np.float32).reshape(shape))
    torch.save({"params": state}, tmp_path / "checkpoint.pth")
    assert_agrees(import_published(name, tmp_path / "checkpoint.pth").net, expected)
