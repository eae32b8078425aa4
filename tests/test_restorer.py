"""`restore`: any photo through any model, padding once, ratio rules, frozen results."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer.engine.tiles import pad_to_size
from explorer.errors import ModelNotFoundError, OutputError, RatioError, WeightsError
from explorer.models import SizeRequirements, create_model
from explorer.photo import RgbPhoto, open_mosaic
from explorer.photo.light.reduce import reduced
from explorer.weights.config import WeightsConfig
from explorer.weights.store import write_weights

RNG = np.random.default_rng(7)


def rgb_photo(height: int = 50, width: int = 70) -> RgbPhoto:
    return RgbPhoto(RNG.random((height, width, 3), dtype=np.float32), bits=8, name="random")


def raw_photo(height: int = 66, width: int = 90) -> explorer.RawPhoto:
    samples = RNG.integers(512, 560, (height, width)).astype(np.uint16)
    return open_mosaic(samples, phase="GRBG", black=512, white=16383)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.manual_seed(0)
    for name, architecture, domain, color in (
        ("lamba_m0.test", "lamba_m0", "bayer", "camera"),
        ("sid_unet.test", "sid_unet", "packed", "srgb"),
        ("retinexnet.test", "retinexnet", "rgb", "srgb"),
    ):
        options = {"width": 8} if architecture != "lamba_m0" else {}
        config = WeightsConfig(
            name=name, architecture=architecture, domain=domain, options=options,
            input={"ratio_rule": "none" if domain == "rgb" else "dark_bin"}, output={"color": color},
        )  # fmt: skip
        write_weights(tmp_path / name, create_model(architecture, **options), config, "# test\n")
    monkeypatch.setenv("EXPLORER_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("model", ["lamba_m0.test", "sid_unet.test", "retinexnet.test", "clahe"])
@pytest.mark.parametrize("kind", ["raw", "rgb"])
def test_every_photo_goes_through_every_domain(weights: Path, model: str, kind: str) -> None:
    photo = raw_photo() if kind == "raw" else rgb_photo()
    width, height = photo.size
    result = explorer.restore(photo, model)
    assert result.image.shape == (height, width, 3)
    assert result.image.dtype == np.float32
    assert 0 <= result.image.min() and result.image.max() <= 1
    assert 1 <= result.ratio <= 300
    assert result.seconds > 0
    assert result.model == model
    crossed = (kind == "raw") != (model.split(".")[0] in ("lamba_m0", "sid_unet"))
    assert crossed == bool(result.notes[len(photo.notes) :] if kind == "raw" else result.notes)


def test_intermediates_have_the_size_of_the_picture(weights: Path) -> None:
    result = explorer.restore(rgb_photo(), "retinexnet.test")
    assert set(result.intermediates) == {"reflectance", "illumination", "illumination_enhanced"}
    assert result.intermediates["reflectance"].shape == (50, 70, 3)
    assert result.intermediates["illumination"].shape == (50, 70, 1)
    product = result.intermediates["reflectance"] * result.intermediates["illumination_enhanced"]
    np.testing.assert_allclose(np.clip(product, 0, 1), result.image, atol=1e-6)


def test_ratio_one_on_the_identity_returns_the_photo() -> None:
    photo = rgb_photo()
    np.testing.assert_array_equal(explorer.restore(photo, "identity", ratio=1.0).image, photo.image)


def test_ratio_is_a_gain_in_linear_light() -> None:
    photo = RgbPhoto(np.full((8, 8, 3), 0.2, dtype=np.float32), bits=8)
    linear = ((0.2 + 0.055) / 1.055) ** 2.4 * 4
    expected = 1.055 * linear ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(explorer.restore(photo, "identity", ratio=4).image, expected, atol=1e-5)


def test_auto_follows_the_weights_rule(weights: Path) -> None:
    assert explorer.restore(rgb_photo(), "retinexnet.test").ratio == 1.0
    dark = raw_photo()
    result = explorer.restore(dark, "lamba_m0.test")
    assert result.ratio == pytest.approx(explorer.suggest_ratio(dark, "dark_bin").ratio)
    assert result.ratio > 1
    assert explorer.restore(dark, "lamba_m0.test", ratio=7).ratio_source == "given"


@pytest.mark.parametrize("ratio", [0, -1, 1e9, "abc", float("nan"), None, True])
def test_bad_ratios_are_refused(ratio: object) -> None:
    with pytest.raises(RatioError, match="1 to 300"):
        explorer.restore(rgb_photo(), "gamma", ratio=ratio)  # type: ignore[arg-type]


def test_unknown_model_lists_the_known(weights: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"lamba_m0\.test.*clahe"):
        explorer.load_model("no_such_model")
    with pytest.raises(ModelNotFoundError, match=r"weights of it: .*lamba_m0\.test"):
        explorer.load_model("lamba_m0")


def test_weights_of_another_architecture_are_refused(weights: Path) -> None:
    with pytest.raises(WeightsError, match="retinexnet"):
        explorer.load_model("lamba_m0", weights=weights / "retinexnet.test")
    assert explorer.load_model("retinexnet", weights=weights / "retinexnet.test").name == "retinexnet.test"


def test_models_are_loaded_once_and_anew_when_changed(weights: Path) -> None:
    first = explorer.load_model("retinexnet.test")
    assert explorer.load_model("retinexnet.test") is first
    write_weights(weights / "retinexnet.test", create_model("retinexnet", width=8), first.config, "# new\n")
    assert explorer.load_model("retinexnet.test") is not first


def test_list_models_names_weights_then_methods(weights: Path) -> None:
    names = [m.name for m in explorer.list_models()]
    assert {"lamba_m0.test", "sid_unet.test", "retinexnet.test"} <= set(names)
    assert {"identity", "gamma", "clahe", "lime"} <= set(names)
    assert names.index("lamba_m0.test") < names.index("gamma")


def test_result_is_frozen() -> None:
    result = explorer.restore(rgb_photo(), "lime")
    with pytest.raises(ValueError, match="read-only"):
        result.image[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        result.intermediates["illumination"][0, 0] = 0
    with pytest.raises(TypeError):
        result.intermediates["more"] = result.image  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.ratio = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("length", "size", "expected"),
    [(50, SizeRequirements(multiple_of=32), 64), (64, SizeRequirements(multiple_of=32), 64),
     (65, SizeRequirements(multiple_of=8, offset=1), 65), (66, SizeRequirements(multiple_of=8, offset=1), 73),
     (3, SizeRequirements(minimum=32, multiple_of=32), 32)],
)  # fmt: skip
def test_padding_reaches_the_next_legal_size(length: int, size: SizeRequirements, expected: int) -> None:
    x = torch.rand(1, 1, length, length)
    padded = pad_to_size(x, size)
    assert padded.shape == (1, 1, expected, expected)
    assert torch.equal(padded[..., :length, :length], x)


@pytest.mark.parametrize("side", [2, 6, 30])
def test_padding_keeps_the_phase_of_a_mosaic(side: int) -> None:
    cell = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    padded = pad_to_size(cell.repeat(side // 2, side // 2)[None, None], SizeRequirements(32, 32))
    assert torch.equal(padded[0, 0], cell.repeat(16, 16))


def test_one_pixel_picture_goes_through_a_network(weights: Path) -> None:
    assert explorer.restore(rgb_photo(1, 1), "retinexnet.test").image.shape == (1, 1, 3)


def test_padding_does_not_change_what_is_inside(weights: Path) -> None:
    """A picture of a legal size and the same picture cropped agree away from the border."""
    photo = rgb_photo(64, 64)
    whole = explorer.restore(photo, "retinexnet.test").intermediates["reflectance"]
    cropped = dataclasses.replace(photo, image=photo.image[:60, :60].copy())
    part = explorer.restore(cropped, "retinexnet.test").intermediates["reflectance"]
    np.testing.assert_allclose(whole[:45, :45], part[:45, :45], atol=1e-5)


def test_preview_is_reduced_and_keeps_its_colours() -> None:
    samples = np.tile(np.array([[1000, 2000], [2000, 3000]], dtype=np.uint16), (200, 300))
    raw = open_mosaic(samples, phase="RGGB", black=0, white=4000)
    small = reduced(raw, 100)
    assert max(small.size) <= 100
    assert small.mosaic.shape[0] % 2 == 0
    np.testing.assert_allclose(small.mosaic[:2, :2], [[0.25, 0.5], [0.5, 0.75]], atol=1e-6)
    assert reduced(raw, 5000) is raw
    assert reduced(rgb_photo(400, 200), 64).size == (32, 64)


def test_rotation_is_applied_to_picture_and_maps() -> None:
    photo = dataclasses.replace(raw_photo(), rotation=90)
    result = explorer.restore(photo, "ssr")
    width, height = photo.size
    assert result.image.shape[:2] == (height, width) == result.intermediates["illumination"].shape[:2]
    upright = explorer.restore(dataclasses.replace(photo, rotation=0), "ssr")
    np.testing.assert_allclose(np.rot90(upright.image), result.image, atol=1e-6)


@pytest.mark.parametrize(("name", "bits"), [("a.png", 8), ("a.png", 16), ("a.tiff", 16), ("a.tif", 8)])
def test_saved_files_come_back_exactly(tmp_path: Path, name: str, bits: int) -> None:
    result = explorer.restore(rgb_photo(), "identity", ratio=1)
    back = explorer.open_photo(result.save(tmp_path / name, bits=bits))
    assert isinstance(back, RgbPhoto)
    assert back.bits == bits
    np.testing.assert_allclose(back.image, result.image, atol=0.5001 / (2**bits - 1))
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("name", "bits", "message"), [
    ("a.jpg", 16, "8 bits"), ("a.xyz", 8, "suffix"), ("no/a.png", 8, "does not exist"), ("a.png", 12, "not 12"),
])  # fmt: skip
def test_files_that_cannot_be_written_are_refused(tmp_path: Path, name: str, bits: int, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        explorer.restore(rgb_photo(), "identity").save(tmp_path / name, bits=bits)
    assert not list(tmp_path.iterdir())


def test_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    result = explorer.restore(rgb_photo(), "identity")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        result.save(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("budget", [None, "24"])
def test_a_margin_keeps_zero_padding_out_of_the_picture(
    weights: Path, monkeypatch: pytest.MonkeyPatch, budget: str | None
) -> None:
    """A flat picture comes out flat up to its border, in tiles too; without a margin the frame differs."""
    if budget is not None:
        monkeypatch.setenv("EXPLORER_TILE_BYTES", budget)
    model = explorer.load_model("retinexnet.test")
    flat = RgbPhoto(np.full((600, 650, 3), 0.3, dtype=np.float32), bits=8)
    bare = explorer.restore(flat, model, backend="torch").intermediates["reflectance"]
    convention = model.config.input.model_copy(update={"margin": 16})
    padded = dataclasses.replace(model, config=model.config.model_copy(update={"input": convention}))
    result = explorer.restore(flat, padded, backend="torch").intermediates["reflectance"]
    assert result.shape == bare.shape
    assert np.ptp(bare[..., 0]) > 1e-4
    assert np.ptp(result[..., 0]) < 1e-6


def test_an_untrained_network_restores_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    net = create_model("zero_dce").train()
    result = explorer.restore(rgb_photo(), net, 1.0)
    assert not net.training
    assert result.image.shape == (50, 70, 3) and result.intermediates["curves"].shape == (50, 70, 24)
    assert (result.model, result.weights.revision, result.weights.sha256) == ("zero_dce", "untrained", "")
    assert [note for note in result.notes if "untrained" in note and note.startswith("Zero-DCE ")]
    for mosaic in (create_model("lynx", size="small"), create_model("sid_unet", width=4)):
        shown = explorer.restore(raw_photo(), mosaic)
        assert shown.image.shape == (66, 90, 3) and any("untrained" in note for note in shown.notes)
    # Weights that were read are not called untrained.
    assert not any("untrained" in note for note in explorer.restore(rgb_photo(), "clahe").notes)


def test_the_numbers_of_a_network_in_memory_are_the_ones_that_count() -> None:
    """Zero curves leave the picture as it is: known without running anything of ours."""
    net = create_model("zero_dce")
    for parameter in net.parameters():
        torch.nn.init.zeros_(parameter)
    photo = rgb_photo()
    np.testing.assert_allclose(explorer.restore(photo, net, 1.0, backend="torch").image, photo.image, atol=1e-6)


def test_an_architecture_without_weights_is_not_called_unknown(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_WEIGHTS_ORDER", "local")
    monkeypatch.setattr("explorer.weights.store.imported_folder", lambda: weights)
    with pytest.raises(ModelNotFoundError, match=r"'pix2pix' has no weights here.*create_model\('pix2pix'"):
        explorer.load_model("pix2pix")
    with pytest.raises(ModelNotFoundError, match="has no weights here.*`lowlight weights import zero_dce_pp`"):
        explorer.load_model("zero_dce_pp")
    with pytest.raises(ModelNotFoundError, match="'sid_unet' is an architecture; name weights of it: sid_unet.test"):
        explorer.load_model("sid_unet")
    for source in ("embedded", "authors"):
        with pytest.raises((ModelNotFoundError, WeightsError), match="sid_unet.test"):
            explorer.load_model("sid_unet.test", source=source)
    assert explorer.load_model(str(weights / "sid_unet.test")).identity.revision == "local"
