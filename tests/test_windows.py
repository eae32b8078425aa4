"""Windows of a restored photo: computed from a part, with the result of the whole photo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from places import coded

import explorer
from explorer.models import create_model
from explorer.photo import Photo, RawPhoto, RgbPhoto, open_mosaic
from explorer.photo.windows import on_sensor, upright_box
from explorer.weights.config import WeightsConfig
from explorer.weights.store import LoadedModel, write_weights
from explorer.windows import windows

BOXES = ((0, 0, 61, 40), (333, 401, 412, 468), (700, 600, 760, 640))
"""A corner, the middle, and towards the other corner."""


@pytest.fixture
def model(request: pytest.FixtureRequest, tmp_path: Path) -> LoadedModel:
    """A network of random weights, large enough that far pixels matter."""
    architecture, options, convention = request.param
    net = create_model(architecture, **options)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * (1.5 / max(1, p[0].numel())) ** 0.5)
    domain = net.architecture.domain
    color = "srgb" if domain == "rgb" else "camera"
    config = WeightsConfig(
        name=f"{architecture}.test", architecture=architecture, domain=domain, options=options,
        input=convention, output={"color": color},  # type: ignore[arg-type]
    )  # fmt: skip
    write_weights(tmp_path / config.name, net, config, "# test\n")
    return explorer.load_model(str(tmp_path / config.name))


def photo_of(kind: str) -> Photo:
    picture = coded(777, 651)
    if kind == "picture":
        return RgbPhoto(picture.astype(np.float32) / np.float32(637.5), bits=8)
    samples = (520 + picture[..., 0].astype(int) + 3 * picture[..., 1].astype(int)).astype(np.uint16)
    if kind == "X-Trans":
        return open_mosaic(samples, phase=kind, black=512)
    lying = open_mosaic(np.ascontiguousarray(samples.T), phase="GBRG", black=512)
    return replace(lying, rotation=90, mirrored=True)


NETWORKS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "packed": ("sid_unet", {"width": 4}, {"margin": 32}),
    "bayer": ("lynx", {"size": "small"}, {"margin": 16}),
    "xtrans": ("sid_unet_xtrans", {"width": 4}, {}),
    "rgb": ("retinexnet", {"width": 8}, {"margin": 16}),
    "rgb, rounded and brought to its darkness": ("zero_dce", {"width": 8}, {"bits": 8, "darkness": (0.1, 0.2, 0.3)}),
    "rgb, rounded": ("zero_dce", {"width": 8}, {"bits": 8}),
    "placed": ("retinexnet", {"width": 8, "variant": "transpose"}, {"margin": 16}),
    "placed, coarse": ("zero_dce_pp", {}, {}),
}
PAIRS = [(kind, name) for name in NETWORKS for kind in ("GBRG, turned", "X-Trans", "picture")]


@pytest.mark.parametrize(("kind", "model"), [(k, NETWORKS[n]) for k, n in PAIRS], indirect=["model"])
def test_a_window_is_the_whole_photos(kind: str, model: LoadedModel) -> None:
    photo = photo_of(kind)
    whole = explorer.restore(photo, model, 3.0, backend="torch").image
    assert whole.std() > 0.05, "there is something to compare"
    looking = windows(photo, model, 3.0)
    assert looking is not None
    for left, top, right, bottom in BOXES:
        part = looking.restored((left, top, right, bottom), "torch")
        np.testing.assert_allclose(part, whole[top:bottom, left:right], atol=1 / 255)
        assert np.abs(part - whole[top:bottom, left:right]).mean() < 1e-4


@pytest.mark.parametrize("model", [NETWORKS["bayer"]], indirect=True)
def test_a_window_takes_a_part_of_the_photo_and_needs_its_margin(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, (left, top, right, bottom) = photo_of("picture"), BOXES[1]
    whole = explorer.restore(photo, model, 3.0, backend="torch").image[top:bottom, left:right]
    decompose, fed = model.net.forward_intermediates, []

    def noted(x: torch.Tensor) -> dict[str, torch.Tensor]:
        fed.append(x.shape[-2:])
        return decompose(x)

    monkeypatch.setattr(model.net, "forward_intermediates", noted)
    looking = windows(photo, model, 3.0)
    assert looking is not None
    looking.restored(BOXES[1], "torch")
    assert max(fed[-1]) < 400
    monkeypatch.setattr(model.net, "halo", 0)
    assert np.abs(looking.restored(BOXES[1], "torch") - whole).max() > 1 / 255


def test_a_denoiser_knows_the_noise_of_the_whole_photo() -> None:
    photo = photo_of("picture")
    assert isinstance(photo, RgbPhoto)
    noise = np.random.default_rng(3).normal(0, 0.05, photo.image.shape).astype(np.float32)
    noise[:, :400] = 0  # only half of it is noisy
    photo = replace(photo, image=np.clip(photo.image + noise, 0, 1))
    model = explorer.load_model("bilateral")
    whole = explorer.restore(photo, model, 2.0).image
    looking = windows(photo, model, 2.0)
    assert looking is not None
    for left, top, right, bottom in BOXES:
        found = looking.restored((left, top, right, bottom))
        np.testing.assert_allclose(found, whole[top:bottom, left:right], atol=1 / 255)


@pytest.mark.parametrize("name", ["clahe", "histogram_equalisation", "lime"])
def test_a_method_that_looks_at_the_whole_picture_has_no_windows(name: str) -> None:
    assert windows(photo_of("picture"), explorer.load_model(name), 2.0) is None


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_places_on_the_sensor_and_in_the_upright_photo_belong_together(rotation: Any, mirrored: bool) -> None:
    raw = photo_of("X-Trans")
    assert isinstance(raw, RawPhoto)
    photo = replace(raw, rotation=rotation, mirrored=mirrored)
    lying = np.zeros(photo.sensor_size)
    lying[20:33, 100:141] = 1
    shown = np.rot90(lying[:, ::-1] if mirrored else lying, rotation // 90)
    (top, left), (bottom, right) = np.argwhere(shown).min(axis=0), np.argwhere(shown).max(axis=0) + 1
    assert on_sensor(photo, (left, top, right, bottom)) == ((20, 33), (100, 141))
    assert upright_box(photo, (20, 33), (100, 141)) == (left, top, right, bottom)
