"""Methods that need the whole picture, on pictures too large for them."""

from __future__ import annotations

import numpy as np
import pytest

import explorer
from explorer.engine.reduced import reduction, run_reduced
from explorer.models import create_model
from explorer.photo import RgbPhoto


def scene(height: int = 301, width: int = 403) -> np.ndarray:
    """A dark picture of soft shapes, H x W x 3."""
    y, x = np.mgrid[:height, :width].astype(np.float32) / 60
    light = 0.08 + 0.05 * np.sin(x) * np.cos(y) + 0.06 * (np.sin(2 * x + y) > 0.4)
    return np.stack([light, 0.9 * light, 0.7 * light], 2).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "decibels"), [("histogram_equalisation", 28), ("clahe", 22), ("ssr", 22), ("msrcr", 22), ("lime", 26)]
)
def test_result_is_near_that_of_the_whole(name: str, decibels: float) -> None:
    net = create_model(name)
    planes = np.ascontiguousarray(np.moveaxis(scene(), 2, 0))
    import torch

    whole = net.forward_intermediates(torch.from_numpy(planes)[None])
    given = run_reduced(net.at_scale(2).forward_intermediates, net, planes, 2)
    assert given.keys() == whole.keys()
    for key, value in whole.items():
        assert given[key].shape == (301, 403, value.shape[1])
    error = np.mean((given["image"] - whole["image"][0].permute(1, 2, 0).numpy()) ** 2)
    assert -10 * np.log10(error) > decibels


def test_restore_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = RgbPhoto(np.tile(scene(), (3, 2, 1)), bits=8)
    assert not any("smaller" in note for note in explorer.restore(photo, "clahe", 1.0).notes)
    monkeypatch.setenv("EXPLORER_TILE_BYTES", str(1 << 25))
    result = explorer.restore(photo, "clahe", 1.0)
    assert any("2 times smaller" in note for note in result.notes)
    assert result.image.shape == photo.image.shape
    assert 0 <= result.image.min() <= result.image.max() <= 1


def test_local_methods_are_never_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = RgbPhoto(np.tile(scene(), (3, 2, 1)), bits=8)
    whole = explorer.restore(photo, "gamma", 1.0)
    monkeypatch.setenv("EXPLORER_TILE_BYTES", str(1 << 24))
    np.testing.assert_array_equal(explorer.restore(photo, "gamma", 1.0).image, whole.image)
    assert reduction(create_model("lamba_m0"), 10_000, 10_000, 1 << 20) == 1
    assert reduction(create_model("gamma", denoise="nlm"), 10_000, 10_000, 1 << 30) > 1
