"""Tiles cover the picture once, and give the result of the whole picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.engine.memory import budget_for, bytes_per_sample
from explorer.engine.tiles import _cropped, cut, grid, run_tiled, tiles_along
from explorer.models import RestorationNet, SizeRequirements, architectures, create_model
from explorer.models.base import TilePosition


@pytest.mark.parametrize("length", [1, 15, 100, 333, 1024, 1025, 4096])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("size", [SizeRequirements(), SizeRequirements(32, 32), SizeRequirements(17, 8, 1)])
def test_tiles_are_alike_cover_the_axis_once_and_start_on_the_stride(
    length: int, count: int, size: SizeRequirements
) -> None:
    length = size.padded(length)
    tiles = tiles_along(length, count, halo=20, size=size)
    assert [n for t in tiles for n in range(t.keep_start, t.keep_stop)] == list(range(length))
    assert len({t.stop - t.start for t in tiles}) == 1
    fed = tiles[0].stop
    assert size.padded(fed) == fed
    # No more than the margins need, and what rounding to the stride takes.
    assert fed <= (length + 2 * (20 + size.multiple_of) * (count - 1)) / count + 3 * size.multiple_of + size.offset
    for tile in tiles:
        assert tile.start % size.multiple_of == 0
        assert tile.start == 0 or tile.keep_start - tile.start >= 20
        assert tile.stop == length or tile.stop - tile.keep_stop >= 20


def lively(net: RestorationNet) -> RestorationNet:
    """Random parameters large enough that far pixels matter."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * (1.5 / max(1, p[0].numel())) ** 0.5)
    return net


CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "zero_dce": ("zero_dce", {"width": 8}, 400),
    "sci": ("sci", {}, 400),
    "retinexnet.resize": ("retinexnet", {"width": 8}, 520),
    "retinexnet.transpose": ("retinexnet", {"width": 8, "variant": "transpose"}, 520),
    "gamma": ("gamma", {}, 400),
    "retinexnet.port": ("retinexnet", {"width": 8, "variant": "port"}, 520),
    "sid_unet": ("sid_unet", {"width": 4}, 560),
    "sid_unet_xtrans": ("sid_unet_xtrans", {"width": 4}, 560),
    "lynx": ("lynx", {"size": "small"}, 560),
    "lynx_large": ("lynx", {"size": "large"}, 600),
    "lynx_xtrans": ("lynx_xtrans", {"size": "small"}, 464),
    "lynx_rgb": ("lynx_rgb", {"size": "small"}, 560),
}
DEEP = ("lamba_m0", "lamba_m1", "lamba_m2", "pix2pix", "res_unet")
"""Too deep to compare tiles cheaply: their margins are tested below."""
CASES |= {
    name: (name, {}, 400 + 3 * found.halo)
    for name, found in architectures().items()
    if found.halo and found.needs_weights and name not in (*DEEP, *(case[0] for case in CASES.values()))
}


@pytest.mark.parametrize("case", CASES)
def test_tiled_result_is_the_whole_pictures(case: str) -> None:
    architecture, options, side = CASES[case]
    net = lively(create_model(architecture, **options))
    planes = np.random.default_rng(1).random((net.input_channels, side, side + 37), dtype=np.float32)

    calls = []

    def run(x: torch.Tensor, *place: TilePosition) -> dict[str, torch.Tensor]:
        calls.append(x.shape)
        with torch.inference_mode():
            return net.forward_intermediates(x, *place)

    whole = run_tiled(run, net, planes, budget=1 << 40)
    assert len(calls) == 1
    tiled = run_tiled(run, net, planes, budget=1)
    assert len(calls) > 4
    assert whole.keys() == tiled.keys()
    for name in whole:
        assert whole[name].shape == tiled[name].shape
        spread = max(1.0, float(np.abs(whole[name]).max()))
        np.testing.assert_allclose(tiled[name], whole[name], atol=1e-4 * spread, err_msg=name)


def test_a_margin_that_is_too_narrow_shows() -> None:
    """The test above can fail: with half of the margin the seams are there."""
    net = lively(create_model("retinexnet", width=8))
    net.halo = 8
    planes = np.random.default_rng(1).random((3, 520, 520), dtype=np.float32)

    def run(x: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.inference_mode():
            return net.forward_intermediates(x)

    whole = run_tiled(run, net, planes, budget=1 << 40)["image"]
    tiled = run_tiled(run, net, planes, budget=1)["image"]
    assert np.abs(whole - tiled).max() > 1e-4


@pytest.mark.parametrize(("architecture", "side"), [("lamba_m0", 1344), ("lamba_m1", 1088), ("lamba_m2", 1216)])
def test_margin_of_the_lamba_networks_reaches_as_far_as_they_see(architecture: str, side: int) -> None:
    """A sample outside the margin changes nothing; the networks are too deep at 1/32 to compare tiles cheaply."""
    net = lively(create_model(architecture))
    assert net.halo is not None
    x = torch.rand(1, 1, 32, side, generator=torch.Generator().manual_seed(1))
    changed = x.clone()
    changed[..., -32:] = 1 - changed[..., -32:]
    with torch.inference_mode():
        difference = (net.train()(x) - net(changed)).abs().amax((0, 1, 2))
    reach = side - 32 - int(difference.nonzero().min())
    assert 0 < reach <= net.halo


@pytest.mark.parametrize(
    ("architecture", "options", "side"),
    [("pix2pix", {"width": 4}, 1024), ("res_unet", {"depth": 18, "width": 4}, 800), ("res_unet", {"width": 4}, 1344)],
)
@pytest.mark.parametrize("end", ["first", "last"])
def test_margin_of_the_deep_rgb_networks(architecture: str, options: dict[str, int], side: int, end: str) -> None:
    """As above; double precision shows the far ends of a receptive field that rounding would hide."""
    net = lively(create_model(architecture, **options)).double()
    step = net.size.multiple_of
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, 3, step, step * (side // step), generator=generator, dtype=torch.float64)
    changed = x.clone()
    part = slice(0, step) if end == "first" else slice(-step, None)
    changed[..., part] = 1 - changed[..., part]
    with torch.inference_mode():
        columns = (net(x) - net(changed)).abs().amax((0, 1, 2)).nonzero()
    reach = int(columns.max()) - step + 1 if end == "first" else x.shape[-1] - step - int(columns.min())
    assert net.halo is not None
    assert net.halo / 2 < reach <= net.halo


def test_a_placed_network_needs_its_place() -> None:
    """The bicubic enlargement of the transposed variant depends on the whole picture's size: without it, seams show."""
    net = lively(create_model("retinexnet", width=8, variant="transpose"))
    planes = np.random.default_rng(1).random((3, 520, 520), dtype=np.float32)

    def run(x: torch.Tensor, *_place: TilePosition) -> dict[str, torch.Tensor]:
        with torch.inference_mode():
            return net.forward_intermediates(x)

    whole = run_tiled(run, net, planes, budget=1 << 40)["illumination_enhanced"]
    tiled = run_tiled(run, net, planes, budget=1)["illumination_enhanced"]
    assert np.abs(whole - tiled).max() > 1e-3 * np.abs(whole).max()


def test_published_transposed_weights_in_tiles(shared: Path) -> None:
    from explorer.weights import CATALOGUE, import_published

    at = {path.name: path for path in (shared / "checkpoints").rglob("*") if path.is_file()}
    entry = CATALOGUE["retinexnet_split_transpose"]
    net = import_published(entry.name, *(at[file.name] for file in entry.files)).net
    planes = np.random.default_rng(1).random((3, 520, 560), dtype=np.float32) * np.float32(0.1)

    def run(x: torch.Tensor, *place: TilePosition) -> dict[str, torch.Tensor]:
        with torch.inference_mode():
            return net.forward_intermediates(x, *place)

    whole = run_tiled(run, net, planes, budget=1 << 40)["image"]
    tiled = run_tiled(run, net, planes, budget=1)["image"]
    assert np.abs(whole - tiled).max() < 1e-4


@pytest.mark.parametrize("samples", [1, 1_000_000, 4_000_000, 30_000_000])
def test_cut_feeds_no_more_than_it_may_and_covers_all(samples: int) -> None:
    rows, columns = cut(6336, 9504, SizeRequirements(32, 32), 576, samples)
    for tiles, length in ((rows, 6336), (columns, 9504)):
        assert [n for t in tiles for n in range(t.keep_start, t.keep_stop)] == list(range(length))
    fed = max(t.stop - t.start for t in rows) * max(t.stop - t.start for t in columns)
    assert fed <= max(samples, (576 * 3 + 32) ** 2)


def test_narrow_margins_get_small_tiles() -> None:
    """A tile of 20 megapixels would be allowed, and would gain less than four in a hundred."""
    rows, columns = cut(6336, 9504, SizeRequirements(1, 1), 4, 20_000_000, 2_000_000)
    tiles = [(r.stop - r.start) * (c.stop - c.start) for r in rows for c in columns]
    assert max(tiles) <= 2_200_000
    assert sum(tiles) <= 1.02 * 6336 * 9504


def test_a_narrow_margin_is_cut_although_the_picture_fits() -> None:
    """Zero-DCE takes as long in strips, and a third of the memory."""
    cells = grid(1024, 1024, create_model("zero_dce"), 3, 1 << 33)
    fed = sum((r.stop - r.start) * (c.stop - c.start) for r, c in cells)
    assert len(cells) >= 3 and fed <= 1.04 * 1024**2


@pytest.mark.parametrize(
    ("architecture", "options", "channels", "side"),
    [
        ("lamba_m0", {}, 1, 2816),  # at 2448 x 3264 its margin would be a third of a tile
        ("retinexnet", {"variant": "transpose"}, 3, 1024),  # must be told each tile's place: backends differ in that
        ("sci", {}, 3, 1024),  # needs little
    ],
)
def test_others_that_fit_stay_whole(architecture: str, options: dict[str, str], channels: int, side: int) -> None:
    assert len(grid(side, side, create_model(architecture, **options), channels, 1 << 33)) == 1


def test_only_wanted_maps_are_kept() -> None:
    net = create_model("zero_dce", width=4)
    planes = np.zeros((3, 40, 50), dtype=np.float32)
    assert set(run_tiled(net.forward_intermediates, net, planes, 1 << 30, names={"image"})) == {"image"}


@pytest.mark.parametrize("channels_last", [True, False])
def test_a_whole_map_is_cropped_in_its_memory(channels_last: bool) -> None:
    values = np.random.default_rng(0).random((9, 11, 3), dtype=np.float32)
    given = values.copy().transpose(2, 0, 1)
    found = _cropped(given if channels_last else given.copy(), 2, 8, 3, 10)
    assert found.flags.c_contiguous and np.array_equal(found, values[2:8, 3:10])
    assert np.shares_memory(found, given) == channels_last


def test_progress_ends_at_one() -> None:
    net = create_model("zero_dce", width=4)
    shares: list[float] = []
    planes = np.zeros((3, 300, 300), dtype=np.float32)
    run_tiled(lambda x: {"image": x}, net, planes, budget=1, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_methods_that_see_the_whole_picture_are_never_cut() -> None:
    net = create_model("clahe")
    calls = []

    def run(x: torch.Tensor) -> dict[str, torch.Tensor]:
        calls.append(x.shape)
        return {"image": x}

    run_tiled(run, net, np.zeros((3, 700, 500), dtype=np.float32), budget=1)
    assert calls == [(1, 3, 700, 500)]


def test_counting_memory_leaves_no_hook() -> None:
    net = create_model("zero_dce")
    # What the seven convolutions give, and a pair of maps that is put together while both are alive.
    assert bytes_per_sample(net, 3) >= 4 * (6 * 32 + 24) + 4 * 64
    assert not any(m._forward_hooks for m in net.modules())


def test_the_budget_is_what_the_photo_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPLORER_TILE_BYTES", raising=False)
    gib = 2**30
    assert budget_for(60_000_000) == budget_for(200_000_000) == 1.25 * gib
    assert budget_for(24_000_000) == 1.25 * gib + 36 * 36_000_000
    assert budget_for(8_000_000) == budget_for(1) == 2.5 * gib
    for said, meant in (("50000000", 50_000_000), ("1", 1 << 24), ("much", 2.5 * gib)):
        monkeypatch.setenv("EXPLORER_TILE_BYTES", said)
        assert budget_for(1) == meant
