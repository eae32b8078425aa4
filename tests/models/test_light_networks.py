"""Published networks for dark pictures: odd sizes, tiles, backends, numbers for the whole picture, networks that take
the ratio."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer.engine import backends, graphs
from explorer.engine.reduced import reduction, run_reduced
from explorer.engine.tiles import grid, run_tiled
from explorer.errors import ModelNotFoundError
from explorer.inspect.retinex import decompose
from explorer.models import RestorationNet, create_model
from explorer.photo.light.brightness import light_map
from explorer.photo.light.curves import linear_to_srgb, srgb_to_linear
from explorer.photo.light.darkness import in_range
from explorer.photo.light.develop import unprocess
from explorer.photo.types import RgbPhoto
from explorer.restorer import network_input
from explorer.views.retinex import panels
from explorer.weights.config import InputConvention, WeightsConfig
from explorer.weights.store import LoadedModel, untrained_model

COUNTS = {"flight_net": 25_049, "mobileie": 4_075, "iat": 91_154, "flol": 94_518, "uretinex": 340_105,
          "pairlie": 341_767, "psenet": 15_251}  # fmt: skip
POOLING = sorted(COUNTS.keys() - {"pairlie"})
SMALL = {"uretinex": {"width": 16}, "pairlie": {"width": 8}}


def network(name: str) -> RestorationNet:
    """A network with parameters from a seed, among them those that begin as zeros and ones."""
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(0)
    net = create_model(name, **SMALL.get(name, {}))
    for parameter in net.parameters():
        if not parameter.any() or (parameter == 1).all():
            parameter.data += 0.2 * torch.randn(parameter.shape, generator=generator)
    return net


def dark(height: int, width: int) -> np.ndarray:
    """3 x H x W: light that falls off to a corner, and grain, whose every place looks different."""
    grain = np.random.default_rng(1).random((3, height, width), np.float32)
    ramp = np.linspace(0.05, 0.3, height)[:, None] * np.linspace(0.2, 1, width)
    return (ramp * (0.6 + 0.4 * grain)).astype(np.float32)


def fed(net: RestorationNet, planes: np.ndarray, ratio: float = 5.0) -> np.ndarray:
    told = np.full((net.input_channels - 3, *planes.shape[1:]), ratio, np.float32)
    return np.concatenate([planes, told])


def photo(height: int, width: int) -> RgbPhoto:
    return RgbPhoto(np.ascontiguousarray(np.moveaxis(dark(height, width), 0, 2)), bits=32)


@pytest.mark.parametrize("name", COUNTS)
def test_as_many_parameters_as_its_authors_say(name: str) -> None:
    assert sum(p.numel() for p in create_model(name).parameters()) == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_odd_sizes_come_out_as_they_are(name: str) -> None:
    net = network(name)
    planes = fed(net, dark(37, 43))
    with torch.inference_mode():
        maps = run_tiled(net.forward_intermediates, net, planes, 1 << 30)
    tables = {each.name for each in net.architecture.intermediates if each.table}
    assert {values.shape[:2] for found, values in maps.items() if found not in tables} == {(37, 43)}
    assert all(np.isfinite(values).all() for values in maps.values())


def test_the_margin_of_pairlie_is_as_wide_as_it_sees() -> None:
    net = network("pairlie")
    x = torch.from_numpy(dark(41, 41))[None].requires_grad_()
    net(x)[0, :, 20, 20].sum().backward()
    assert x.grad is not None
    rows = x.grad[0].abs().sum((0, 2)).nonzero()
    assert (20 - int(rows.min()), int(rows.max()) - 20) == (10, 10)


@pytest.mark.parametrize("name", POOLING)
def test_what_pools_over_the_picture_is_never_cut(name: str) -> None:
    net = network(name)
    planes = fed(net, dark(64, 64))
    assert net.halo is None and len(grid(3000, 4000, net, net.input_channels, 1 << 24)) == 1
    other = planes.copy()
    other[:3, -8:, -8:] = 0.9
    with torch.inference_mode():
        one, two = (net.forward_intermediates(torch.from_numpy(each)[None]) for each in (planes, other))
    assert any(not torch.equal(one[key][0, :, 0, 0], two[key][0, :, 0, 0]) for key in one)  # the far corner counts


@pytest.mark.parametrize("name", ["flight_net", "uretinex"])
def test_large_pictures_are_computed_small_and_say_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_TILE_BYTES", str(1 << 24))
    model = untrained_model(network(name))
    result = explorer.restore(photo(260, 300), model, 2.0, intermediates=True)
    assert reduction(model.net, 260, 300, 1 << 24) > 1
    assert any("it ran on a picture" in note for note in result.notes)
    assert result.image.shape == (260, 300, 3)
    if name == "flight_net":
        assert result.intermediates["gain"].shape == (1, 3, 1)


def test_a_reduced_picture_does_not_follow_the_ratio() -> None:
    """Lines from the picture to a map of one channel: a map that is the mean of its colours comes out as that mean."""
    net = network("uretinex")
    planes = fed(net, dark(96, 120), ratio=200.0)

    def run(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"image": x[:, :3], "illumination": x[:, :3].mean(1, keepdim=True)}

    maps = run_reduced(run, net, planes, 2)
    expected = planes[:3].mean(0)
    assert np.abs(maps["illumination"][..., 0] - expected).mean() < 0.2 * expected.std()
    assert np.abs(np.moveaxis(maps["image"], 2, 0) - planes[:3]).mean() < 0.2 * expected.std()


def converted(model: LoadedModel, monkeypatch: pytest.MonkeyPatch, folder: Path) -> backends.Backend:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed")
    monkeypatch.setattr(graphs, "graph_folder", lambda: folder)
    return backends.choose_backend(model, "openvino")


@pytest.mark.parametrize("name", COUNTS)
def test_openvino_gives_what_torch_gives(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = untrained_model(network(name))
    engine = converted(model, monkeypatch, tmp_path)
    assert (engine.name == "torch") == (name == "flol")  # angles of a spectrum need all the digits
    exact = name in ("flol", "iat")
    assert engine.precision == ("float32" if exact else backends._precision())
    if engine.name == "torch":
        return
    engine = backends.openvino_backend(model, "float32")
    x = torch.from_numpy(fed(model.net, dark(72, 88)))[None]
    expected, given = backends.torch_backend(model).run(x), engine.run(x)
    assert expected.keys() == given.keys()
    for key, value in expected.items():
        assert float((value - given[key]).abs().max()) < 1e-4 * max(1.0, float(value.abs().max())), key


def test_the_ratio_is_told_and_the_picture_left_as_it_is() -> None:
    model = untrained_model(network("uretinex"))
    shown = photo(40, 50)
    given = network_input(shown, model, 7.0)
    assert given.planes.shape == (4, 40, 50)
    assert np.abs(given.planes[:3] - np.moveaxis(shown.image, 2, 0)).max() < 1e-6
    assert (given.planes[3] == 7.0).all()
    convention = InputConvention(clip=(0.0, 1.0), ratio_rule="fixed", ratio=5.0)
    config = model.config.model_copy(update={"input": convention})
    fixed = LoadedModel(model.name, model.architecture, model.net, config, model.identity)
    assert explorer.restore(shown, fixed).ratio == 5.0
    with torch.inference_mode():
        expected = model.net(torch.from_numpy(given.planes)[None])[0].permute(1, 2, 0).clamp(0, 1).numpy()
    assert np.abs(explorer.restore(shown, fixed, 7.0, backend="torch").image - expected).max() < 1e-5
    assert np.abs(decompose(shown, fixed, 7.0).seen - shown.image).max() < 1e-6


def test_iat_shows_what_it_computes_with() -> None:
    net = network("iat")
    x = torch.from_numpy(dark(48, 60))[None]
    with torch.inference_mode():
        maps = net.forward_intermediates(x)
    lit = x * maps["mul"] + maps["add"]
    mixed = torch.einsum("nij,njhw->nihw", maps["color"][:, 0], lit)
    assert torch.allclose(mixed.clamp(1e-8, 1) ** maps["gamma"], maps["image"], atol=1e-5)


def test_tables_stay_tables_on_turned_pictures_and_can_be_seen() -> None:
    model = untrained_model(network("iat"))
    found = decompose(photo(40, 90), model)
    assert found.maps["color"].shape == (3, 3, 1) and found.maps["gamma"].shape == (1, 1, 1)
    shown = {each.name: each for each in panels(found.seen, found.maps, found.described, found.image)}
    assert shown["color"].image.shape == (40, 90, 3)
    assert shown["color"].values is not None
    for row, column, place in ((0, 0, (5, 10)), (1, 2, (20, 80)), (2, 1, (39, 45))):
        assert shown["color"].values[place] == found.maps["color"][row, column, 0]
    assert shown["gamma"].note == f"{float(found.maps['gamma'][0, 0, 0]):.2f}"


def test_slower_where_numbers_are_too_small_is_not_asked_of_anybody() -> None:
    """IAT's branches begin with scales of 1e-4: with them, denormal numbers must be flushed before the network runs."""
    model = untrained_model(create_model("iat"))
    engine = backends.torch_backend(model)
    engine.run(torch.from_numpy(dark(32, 32))[None])
    assert float(torch.tensor(1e-30) * torch.tensor(1e-10)) == 0.0


@pytest.mark.parametrize(
    ("name", "options"), [("pairlie", {"exponent": -1.0}), ("psenet", {"strength": 0.0}), ("mobileie", {"width": 0})]
)
def test_options_that_make_no_sense(name: str, options: dict[str, float]) -> None:
    with pytest.raises(ModelNotFoundError, match=f"{name}.*choose other options"):
        create_model(name, **options)


def test_exponents_brighten() -> None:
    x = torch.from_numpy(dark(32, 32))[None]
    with torch.inference_mode():
        for name, weak, strong in (("pairlie", {"exponent": 0.5}, {"exponent": 0.1}),
                                   ("psenet", {"strength": 0.5}, {"strength": 2.0})):  # fmt: skip
            nets = [create_model(name, **options) for options in (weak, strong)]
            nets[1].load_state_dict(nets[0].state_dict())
            assert nets[1](x).mean() > nets[0](x).mean(), name


def test_pairlie_takes_the_exponent_that_brightens_as_told() -> None:
    """Ratio 1 gives the parts' product; a picture of one illumination gets the ratio in light, by a curve of 2.2."""
    net = create_model("pairlie", width=8)
    for parameter in net.illumination.parameters():
        parameter.data.zero_()
    net.illumination[8].bias.data.fill_(float(np.log(0.085 / (1 - 0.085))))  # the sigmoid then gives 0.085
    planes = dark(24, 24)
    with torch.inference_mode():
        one, many, most = (
            net.forward_intermediates(torch.from_numpy(fed(net, planes, r))[None]) for r in (1.0, 30.0, 300.0)
        )
        default = net.forward_intermediates(torch.from_numpy(planes)[None])
    assert torch.allclose(one["image"], one["illumination"] * one["reflectance"], atol=1e-6)
    light = (many["image"] / one["image"]) ** 2.2
    assert torch.allclose(light, torch.full_like(light, 30.0), rtol=1e-3)
    assert torch.allclose(most["image"], most["reflectance"])  # more than the reflectance there is not
    assert torch.allclose(default["image"], default["illumination"] ** 0.2 * default["reflectance"], atol=1e-6)


@pytest.mark.parametrize("brightness", [0.02, 1.0])
def test_a_photo_is_brought_to_the_darkness_that_the_weights_know(brightness: float) -> None:
    """In linear light, up or down, and the ratio multiplies on top; a RAW photo comes to the same."""
    model = untrained_model(network("mobileie"))
    convention = InputConvention(clip=(0.0, 1.0), ratio_rule="none", darkness=(0.005, 0.01, 0.02))
    config = model.config.model_copy(update={"input": convention})
    model = LoadedModel(model.name, model.architecture, model.net, config, model.identity)
    linear = np.moveaxis(dark(96, 144), 0, 2) * np.float32(brightness)
    shown = RgbPhoto(linear_to_srgb(linear).astype(np.float32), bits=32)
    one, three = (np.moveaxis(network_input(shown, model, r).planes, 0, 2) for r in (1.0, 3.0))
    assert np.abs(srgb_to_linear(one) - linear * 0.01 / linear.mean()).max() < 1e-3
    assert srgb_to_linear(one).mean() == pytest.approx(0.01, rel=0.01)
    assert srgb_to_linear(three).mean() == pytest.approx(0.03, rel=0.01)
    result = explorer.restore(shown, model)
    assert result.ratio == 1.0 and any(
        "to match the darkness of the model's training pictures" in n for n in result.notes
    )
    assert light_map(in_range(unprocess(shown), 0.005, 0.01, 0.02)).mean() == pytest.approx(0.01, rel=0.01)
    assert np.abs(decompose(shown, model).seen - one).max() < 1e-5


def test_photos_of_that_darkness_stay_as_they_are() -> None:
    linear = np.moveaxis(dark(96, 144), 0, 2)
    shown = RgbPhoto(linear_to_srgb(linear * 0.012 / linear.mean()).astype(np.float32), bits=32)
    assert in_range(shown, 0.005, 0.01, 0.02) is shown
    black = RgbPhoto(np.zeros((20, 30, 3), np.float32), bits=8)
    assert in_range(black, 0.005, 0.01, 0.02) is black


@pytest.mark.parametrize("darkness", [(0.02, 0.01, 0.005), (0.0, 0.1, 0.2), (0.5, 0.7, 1.5), (0.1, 0.4, 0.2)])
def test_a_range_of_light_must_be_one(darkness: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="input.darkness must be"):
        WeightsConfig(name="a", architecture="mobileie", domain="rgb", input=InputConvention(darkness=darkness))
