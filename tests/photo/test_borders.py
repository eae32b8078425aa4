"""Whole pictures: odd sizes, orientations, and the padding beyond the borders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
import torch
from PIL import Image

import explorer
from explorer.models import create_model
from explorer.photo import (
    RawPhoto,
    RgbPhoto,
    load_rendering,
    model_input,
    open_mosaic,
    open_photo,
    srgb_to_linear,
    write_dng,
)
from explorer.photo.light.cfa import BAYER_PHASES, XTRANS_TILE, pack_bayer, unpack_xtrans
from explorer.weights.config import WeightsConfig
from explorer.weights.store import write_weights

RNG = np.random.default_rng(11)
CELLS = {"RGGB": (0, 1, 1, 2), "BGGR": (2, 1, 1, 0), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1)}


def quarters(height: int, width: int) -> np.ndarray:
    """Four flat colours, so that every turn and mirroring shows."""
    image = np.empty((height, width, 3))
    y, x = height // 2, width // 2
    image[:y, :x], image[:y, x:], image[y:, :x], image[y:, x:] = (6, 2, 2), (2, 5, 2), (2, 2, 6), (4, 4, 4)
    return image * 1000


def sampled(image: np.ndarray, cell: np.ndarray) -> np.ndarray:
    y, x = np.indices(image.shape[:2])
    return np.take_along_axis(image, cell[y % len(cell), x % len(cell)][..., None], 2)[..., 0].astype(np.uint16)


def in_camera_colours(photo: RawPhoto) -> RawPhoto:
    return replace(photo, camera_to_srgb=np.eye(3, dtype=np.float32), daylight=None)


def developed_by_libraw(path: Path) -> np.ndarray:
    """Linear camera RGB, as LibRaw turns and balances it."""
    with rawpy.imread(str(path)) as raw:
        picture = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, output_bps=16, output_color=rawpy.ColorSpace.raw, gamma=(1, 1)
        )
    return picture / np.float32(65535)


def bayer(phase: str) -> np.ndarray:
    return np.array(CELLS[phase]).reshape(2, 2)


@pytest.mark.parametrize("ends", ["even", "odd"])
@pytest.mark.parametrize("order", ["sid", "s2d"])
def test_packed_planes_are_reflected_as_a_mosaic(order: str, ends: str) -> None:
    """Beyond the borders, packed networks see the mosaic's own reflection about its first and last samples."""
    height, width = (40, 52) if ends == "even" else (39, 51)
    samples = RNG.integers(0, 16000, (height, width)).astype(np.uint16)
    given = model_input(open_mosaic(samples, gains=(1, 1, 1)), "packed", 1.0, plane_order=order)
    whole = (samples / np.float32(16383)).astype(np.float32)
    wide = np.pad(whole, ((12, 14 + height % 2), (8, 10 + width % 2)), mode="reflect")
    expected = pack_bayer(wide, order)
    region = given.region(-6, given.planes.shape[1] + 7, -4, given.planes.shape[2] + 5)
    np.testing.assert_allclose(region, expected, atol=1e-7)
    np.testing.assert_array_equal(given.region(3, 7, 2, 9), given.planes[:, 3:7, 2:9])
    np.testing.assert_allclose(given.region(-6, 5, 4, 9), expected[:, :11, 8:13], atol=1e-7)
    np.testing.assert_allclose(given.region(-60, 60, 0, 4).shape, (4, 120, 4))


@pytest.mark.parametrize(("top", "left"), [(0, 0), (1, 4), (3, 3), (5, 2)])
def test_xtrans_planes_keep_their_colours_beyond_the_borders(tmp_path: Path, top: int, left: int) -> None:
    cell = np.roll(XTRANS_TILE, (-top, -left), (0, 1))
    flat = np.broadcast_to(np.array([1000, 4000, 9000]), (50, 64, 3))
    samples = sampled(flat, cell)
    path = tmp_path / "a.dng"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.photo.files.dng.XTRANS_TILE", cell)
        write_dng(path, samples, phase="X-Trans", white=10000, as_shot_neutral=(1, 1, 1))
    photo = open_photo(path)
    assert photo.size == (64, 50)
    given = model_input(photo, "xtrans", 1.0)
    _, rows, columns = given.planes.shape
    mosaic = unpack_xtrans(given.region(-10, rows + 14, -8, columns + 12))
    colors = np.array([0.1, 0.4, 0.9])[np.tile(XTRANS_TILE, (40, 40))[: mosaic.shape[0], : mosaic.shape[1]]]
    np.testing.assert_allclose(mosaic, colors, atol=1e-6)


def test_xtrans_planes_are_reflected_as_a_mosaic() -> None:
    """Rows of the X-Trans tile are alike about the first and the fourth one, columns about the third and the sixth."""
    samples = RNG.integers(0, 16000, (48, 60)).astype(np.uint16)
    given = model_input(open_mosaic(samples, phase="X-Trans", gains=(1, 1, 1)), "xtrans", 1.0)
    mosaic = unpack_xtrans(given.region(-4, 20, -4, 24))
    whole = samples / np.float32(16383)
    above = [-n for n in range(-12, 0)]
    below = [2 * 45 - n for n in range(48, 60)]
    rows = [*above, *range(48), *below]
    before, after = [2 * 2 - n for n in range(-12, 0)], [2 * 59 - n for n in range(60, 72)]
    np.testing.assert_allclose(mosaic, whole[rows][:, [*before, *range(60), *after]], atol=1e-6)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, explorer.restorer.LoadedModel]:
    """A network of every domain, with random parameters."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(3)
    found = {}
    for architecture, domain, options in (
        ("lamba_m0", "bayer", {}), ("sid_unet", "packed", {"width": 4}), ("sid_unet_xtrans", "xtrans", {"width": 4}),
        ("retinexnet", "rgb", {"width": 8}),
    ):  # fmt: skip
        config = WeightsConfig(
            name=f"{architecture}.test", architecture=architecture, domain=domain, options=options,
            input={"margin": 32}, output={"color": "camera"},
        )  # fmt: skip
        write_weights(folder / config.name, create_model(architecture, **options), config, "# test\n")
        found[domain] = explorer.load_model(str(folder / config.name))
    return found


@pytest.mark.parametrize("domain", ["bayer", "packed", "xtrans", "rgb"])
@pytest.mark.parametrize("kind", ["picture", "dot", "GBRG", "X-Trans"])
def test_odd_sizes_come_back_whole(networks: dict, kind: str, domain: str) -> None:
    if kind in ("picture", "dot"):
        size = (65, 49) if kind == "picture" else (1, 1)
        photo = RgbPhoto(RNG.random((size[1], size[0], 3), dtype=np.float32) * 0.2, bits=8)
    else:
        size = (65, 49)
        photo = open_mosaic(RNG.integers(500, 900, (65, 49)).astype(np.uint16), phase=kind, black=512, rotation=90)
    assert photo.size == size
    result = explorer.restore(photo, networks[domain], 3.0, backend="torch")
    assert result.image.shape == (size[1], size[0], 3)
    assert all(each.shape[:2] == (size[1], size[0]) for each in result.intermediates.values())


@pytest.mark.parametrize("domain", ["packed", "xtrans"])
def test_odd_sizes_come_back_whole_in_tiles(networks: dict, domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles give what the whole picture gives, up to its last odd row and column."""
    photo = open_mosaic(RNG.integers(500, 900, (1303, 1295)).astype(np.uint16), phase="GRBG", black=512)
    whole = explorer.restore(photo, networks[domain], 3.0, backend="torch").image
    monkeypatch.setenv("EXPLORER_TILE_BYTES", "24")
    tiled = explorer.restore(photo, networks[domain], 3.0, backend="torch").image
    assert whole.shape == tiled.shape == (1303, 1295, 3)
    np.testing.assert_allclose(tiled, whole, atol=2e-4)


@pytest.mark.parametrize("phase", BAYER_PHASES)
def test_odd_raw_lies_where_libraw_has_it(tmp_path: Path, phase: str) -> None:
    samples = sampled(quarters(57, 71), bayer(phase))
    path = write_dng(
        tmp_path / "a.dng", samples, phase=phase, white=16383, as_shot_neutral=(1, 1, 1),
    )  # fmt: skip
    photo = open_photo(path)
    assert photo.size == (71, 57)
    ours, expected = explorer.photo.develop_linear(in_camera_colours(photo)), developed_by_libraw(path)
    far = np.ones(ours.shape[:2], dtype=bool)
    far[24:33], far[:, 31:40] = False, False  # edges are interpolated differently
    np.testing.assert_allclose(ours[far], expected[far], atol=0.01)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_every_orientation_is_pillows_and_libraws(
    tmp_path: Path, networks: dict, rotation: int, mirrored: bool
) -> None:
    height, width = 47, 69
    path = write_dng(
        tmp_path / "a.dng", sampled(quarters(height, width), bayer("RGGB")), white=16383, as_shot_neutral=(1, 1, 1),
        rotation=rotation, mirrored=mirrored,
    )  # fmt: skip
    photo = open_photo(path)
    shown, expected = srgb_to_linear(load_rendering(in_camera_colours(photo))), developed_by_libraw(path)
    assert shown.shape == expected.shape == (photo.size[1], photo.size[0], 3)
    assert np.abs(shown - expected).mean() < 0.01
    with tifffile.TiffFile(path) as tags:
        code = int(tags.pages.first.tags[274].value)
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    for name, model in (("bayer", networks["bayer"]), ("xtrans", networks["xtrans"]), ("rgb", networks["rgb"])):
        upright = explorer.restore(photo, model, 2.0, backend="torch")
        lying = explorer.restore(replace(photo, rotation=0, mirrored=False), model, 2.0, backend="torch")
        for ours, sensor in [(upright.image, lying.image), *zip(
            upright.intermediates.values(), lying.intermediates.values(), strict=True
        )]:  # fmt: skip
            for channel in range(ours.shape[2]):
                picture = Image.fromarray(np.ascontiguousarray(sensor[..., channel]))
                wanted = picture if code == 1 else picture.transpose(Image.Transpose(turn[code]))
                np.testing.assert_array_equal(ours[..., channel], np.asarray(wanted), err_msg=name)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_maps_windows_and_patches_follow_the_orientation(networks: dict, rotation: int, mirrored: bool) -> None:
    from explorer.inspect import feature_maps
    from explorer.photo.windows import rendering_of

    light = quarters(61, 75)
    light[5:25, 7:27] = (3000, 6000, 1500)
    photo = open_mosaic(
        sampled(light, bayer("GBRG")), phase="GBRG", gains=(1, 1, 1), rotation=rotation, mirrored=mirrored
    )
    whole = load_rendering(photo)
    for box in ((0, 0, 20, 30), (11, 8, 40, 55), (30, 20, *photo.size)):
        left, top, right, bottom = box
        np.testing.assert_array_equal(rendering_of(photo, box), whole[top:bottom, left:right])
    patch = np.zeros((61, 75))
    patch[5:25, 7:27] = 1
    y, x = np.argwhere(np.rot90(patch[:, ::-1] if mirrored else patch, rotation // 90)).mean(axis=0)
    gains = photo.with_neutral_point(float(x), float(y), 8).white_balance.gains
    np.testing.assert_allclose(gains, (2, 1, 4), rtol=1e-3)
    found = feature_maps(photo, networks["bayer"], "scale2", 1.0)
    lying = feature_maps(replace(photo, rotation=0, mirrored=False), networks["bayer"], "scale2", 1.0)
    sensor = lying.maps[:, ::-1] if mirrored else lying.maps
    np.testing.assert_array_equal(found.maps, np.rot90(sensor, rotation // 90))
    assert found.image.shape[:2] == photo.size[::-1]
