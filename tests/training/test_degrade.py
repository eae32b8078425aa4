"""The stages from a clean picture to a dark mosaic."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.metrics import psnr
from explorer.photo.light.amplify import suggest_ratio
from explorer.photo.light.demosaic import demosaic as demosaiced
from explorer.photo.light.develop import develop as photo_develop
from explorer.photo.model_input import model_input
from explorer.photo.types import Exposure, RawPhoto, RgbPhoto
from explorer.photo.values import WhiteBalance
from explorer.training import degrade
from explorer.training.darken import DarkRanges, amplify, darken, suggested_ratio
from explorer.training.degrade import Camera, SensorRanges, darken_to_mosaic
from explorer.training.developed import demosaic, developed_8_bit, developed_16_bit


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_transfer_and_tone_curves_invert_each_other() -> None:
    x = torch.linspace(0, 1, 10001)
    assert (degrade.srgb_to_linear(degrade.linear_to_srgb(x)) - x).abs().max() < 1e-5
    assert (3 * (tone := degrade.inverse_tone(x)) ** 2 - 2 * tone**3 - x).abs().max() < 1e-5
    assert degrade.srgb_to_linear(torch.tensor(0.5)).item() == pytest.approx(0.21404, abs=1e-5)
    assert degrade.inverse_tone(torch.tensor(0.5)).item() == pytest.approx(0.5)


def test_inverse_isp_round_trip_is_under_a_thousandth() -> None:
    torch.manual_seed(1)
    # Colours inside every camera's gamut: away from the corners of the cube.
    clean = 0.25 + 0.5 * torch.rand(8, 3, 16, 16)
    camera = degrade.random_camera(8, SensorRanges(), generator())
    in_camera = degrade.apply_matrix(degrade.srgb_to_linear(clean), camera.srgb_to_camera)
    inside = ((in_camera >= 0) & (in_camera <= 1)).all(1, keepdim=True)
    assert inside.float().mean() > 0.9
    back = degrade.camera_to_display(degrade.linear_to_srgb(in_camera.clamp(0, 1)), camera.camera_to_srgb)
    assert ((back - clean).abs() * inside).max() < 1e-3


def test_cameras_keep_grey_and_their_gains_are_in_range() -> None:
    ranges = SensorRanges()
    camera = degrade.random_camera(200, ranges, generator())
    assert torch.allclose(camera.srgb_to_camera.sum(2), torch.ones(200, 3), atol=1e-5)
    assert torch.allclose(camera.camera_to_srgb.sum(2), torch.ones(200, 3), atol=1e-4)
    for column, (low, high) in ((0, ranges.red_gain), (2, ranges.blue_gain)):
        assert low <= camera.gains[:, column].min() and camera.gains[:, column].max() <= high
    assert camera.gains[:, 1].unique().tolist() == [1.0]


def test_mosaic_takes_red_greens_and_blue_from_their_places() -> None:
    x = torch.arange(3.0).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert degrade.to_mosaic(x)[0, 0].tolist() == [[0, 1, 0, 1], [1, 2, 1, 2]] * 2


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_phase_shifts_move_the_crop_and_always_cost_two_pixels(row: int, column: int) -> None:
    x = torch.arange(36.0).view(1, 1, 6, 6)
    shifted = degrade.shift_phase(x, row, column)
    assert shifted.shape == (1, 1, 4, 4)
    assert shifted[0, 0, 0, 0] == x[0, 0, row, column]


@pytest.mark.parametrize("gain", [2e-5, 1e-4, 5e-4])
def test_shot_noise_grows_with_light_and_gain(gain: float) -> None:
    zero = torch.zeros(1)
    for light in (0.01, 0.1, 0.5):
        clean = torch.full((1, 1, 400, 400), light)
        noisy = degrade.add_noise(clean, torch.tensor([gain]), zero, zero, generator())
        assert noisy.mean().item() == pytest.approx(light, rel=0.01)
        assert noisy.var().item() == pytest.approx(gain * light, rel=0.03)


def test_read_and_row_noise_have_their_deviations() -> None:
    dark = torch.zeros(1, 1, 600, 400)
    gain = torch.tensor([1e-4])
    read = degrade.add_noise(dark, gain, torch.tensor([3e-3]), torch.zeros(1), generator())
    assert read.std().item() == pytest.approx(3e-3, rel=0.02)
    assert read.mean(3).std().item() < 3e-4
    rows = degrade.add_noise(dark, gain, torch.zeros(1), torch.tensor([2e-3]), generator())
    assert rows.mean(3).std().item() == pytest.approx(2e-3, rel=0.1)
    assert rows.std(3).max().item() < 1e-8


@pytest.mark.parametrize("bits", [12, 14])
def test_quantisation_gives_whole_counts_within_the_converters_range(bits: int) -> None:
    x = torch.linspace(-0.5, 1.5, 5001).view(1, 1, 1, -1)
    y = degrade.quantise(x, torch.tensor([bits]))
    counts = y * (2**bits - 1) * 31 / 32
    assert y.max() == 1 and y.min().item() == pytest.approx(-1 / 31, rel=1e-4)
    inner = counts[(y > -0.03) & (y < 0.99)]
    assert (inner - inner.round()).abs().max() < 0.01
    inside = (x > 0) & (x < 1)
    assert (y - x)[inside].abs().max() <= 0.505 / ((2**bits - 1) * 31 / 32)


def test_the_chain_is_seeded_and_honours_ratios() -> None:
    clean = torch.rand(4, 3, 34, 34, generator=generator(5))
    one, same, other = (darken_to_mosaic(clean, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.mosaic, same.mosaic) and torch.equal(one.clean_srgb, same.clean_srgb)
    assert not torch.equal(one.mosaic, other.mosaic)
    wanted = torch.tensor([1.0, 10.0, 100.0, 300.0])
    fixed = darken_to_mosaic(clean, generator(1), ratio=wanted)
    assert torch.equal(fixed.ratio, wanted)
    assert fixed.mosaic.shape == (4, 1, 32, 32) and fixed.clean_srgb.shape == (4, 3, 32, 32)
    # The same scene is a hundred times darker at a ratio of a hundred; amplification brings it back.
    bright, dark = (
        fixed.mosaic[0].mean(),
        darken_to_mosaic(clean, generator(1), ratio=torch.full((4,), 100.0)).mosaic[0],
    )
    assert dark.mean().item() == pytest.approx(bright.item() / 100, rel=0.1)
    assert -0.2 <= fixed.model_input.min() and fixed.model_input.max() <= 1


def test_random_ratios_are_log_uniform_from_1_to_300() -> None:
    dark = darken_to_mosaic(torch.full((2000, 3, 4, 4), 0.5), generator(3))
    assert dark.ratio.min() >= 1 and dark.ratio.max() <= 300
    assert dark.ratio.log().mean().item() == pytest.approx(np.log(300) / 2, rel=0.05)


def test_without_noise_the_mosaic_holds_the_camera_picture() -> None:
    quiet = SensorRanges(
        electron_gain=(1e-9, 1e-9), read_electrons=(1e-3, 1e-3), row_share=(0, 0), black_error=0, tone_probability=0
    )
    clean = 0.3 + 0.3 * torch.rand(2, 3, 34, 34, generator=generator(9))
    dark = darken_to_mosaic(clean, generator(4), quiet, torch.ones(2))
    expected = degrade.to_mosaic(degrade.srgb_to_linear(dark.clean_camera))
    assert (dark.model_input - expected).abs().max() < 1e-3
    shown = degrade.camera_to_display(dark.clean_camera, dark.camera.camera_to_srgb)
    assert (shown - dark.clean_srgb).abs().median() < 1e-3


def test_torch_and_photo_develop_alike() -> None:
    clean = torch.rand(1, 3, 50, 66, generator=generator(2))
    dark = darken_to_mosaic(clean, generator(6), ratio=torch.tensor([20.0]))
    mosaic = dark.mosaic[0, 0].numpy()
    assert np.abs(demosaic(dark.mosaic)[0].permute(1, 2, 0).numpy() - demosaiced(mosaic, "bayer")).max() < 1e-6
    red, green, blue = dark.camera.gains[0].tolist()
    photo = RawPhoto(
        mosaic=mosaic.copy(), cfa="bayer", phase="RGGB", white_balance=WhiteBalance((red, green, blue), "test"),
        as_shot=None, daylight=None, camera_to_srgb=dark.camera.camera_to_srgb[0].numpy(), matrix_source="test",
        exposure=Exposure(), camera=None, black_level=(0.0,), white_level=1.0, bits=14,
    )  # fmt: skip
    ours = developed_16_bit(dark)["low"][0].permute(1, 2, 0).numpy()
    assert np.abs(ours - photo_develop(photo, 20.0)).max() < 1e-4


def test_eight_bits_lose_what_sixteen_keep() -> None:
    quiet = SensorRanges(
        electron_gain=(1e-9, 1e-9), read_electrons=(1e-3, 1e-3), row_share=(0, 0), black_error=0, tone_probability=0
    )
    ramp = torch.linspace(0.2, 0.8, 66).expand(1, 3, 66, 66)
    dark = darken_to_mosaic(ramp.contiguous(), generator(0), quiet, torch.tensor([200.0]))
    fine, coarse = developed_16_bit(dark), developed_8_bit(dark)
    assert len(coarse["low"].unique()) < len(fine["low"].unique()) / 5
    assert psnr(fine["low"], fine["high"]).item() > psnr(coarse["low"], coarse["high"]).item() + 6


def test_darkened_pictures_are_seeded_dark_and_of_8_bits() -> None:
    clean = 0.2 + 0.7 * torch.rand(16, 3, 32, 32, generator=generator(1))
    one, same, other = (darken(clean, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert (one * 255 - (one * 255).round()).abs().max() < 1e-4
    assert one.min() >= 0 and one.max() <= 1
    assert (one.mean((1, 2, 3)) < clean.mean((1, 2, 3))).all()


def test_darkening_multiplies_light() -> None:
    plain = DarkRanges(
        gain=(0.1, 0.1), field_probability=0, white_balance=0, shot=(1e-12, 1e-12), read=(1e-9, 1e-9),
        gamma_probability=0,
    )  # fmt: skip
    clean = torch.full((1, 3, 16, 16), 0.8)
    light = degrade.srgb_to_linear(darken(clean, generator(), plain))
    assert light.mean().item() == pytest.approx(0.1 * degrade.srgb_to_linear(torch.tensor(0.8)).item(), rel=0.02)


@pytest.mark.parametrize("gain", [0.0, 0.002, 0.02, 0.2, 1.0])
def test_the_suggested_ratio_in_training_is_the_one_at_restoration(gain: float) -> None:
    light = gain * torch.rand(1, 3, 40, 60, generator=generator(2)) ** 2
    stored = (degrade.linear_to_srgb(light) * 255).round() / 255
    photo = RgbPhoto(np.ascontiguousarray(stored[0].permute(1, 2, 0).numpy()), 8)
    ratio = suggest_ratio(photo, "percentile").ratio
    assert suggested_ratio(stored).item() == pytest.approx(ratio, rel=1e-3)
    at_restoration = model_input(photo, "rgb", ratio, white_balance="before", clip=(0.0, 1.0)).planes
    assert np.allclose(amplify(stored, torch.tensor([ratio]))[0].numpy(), at_restoration, atol=1e-5)


def test_cameras_are_plain_data() -> None:
    camera = Camera(torch.eye(3)[None], torch.eye(3)[None], torch.ones(1, 3))
    assert torch.equal(degrade.gain_map(camera.gains, 2, 2), torch.ones(1, 1, 2, 2))


def test_a_lamp_is_brighter_than_white_and_has_no_noise() -> None:
    """Its samples are saturated although the noise around it is large, and the target there is white."""
    ranges = SensorRanges(lamp_probability=1.0, ratio=(100.0, 100.0), tone_probability=0.0)
    dark = darken_to_mosaic(torch.full((8, 3, 98, 98), 0.3), torch.Generator().manual_seed(3), ranges)
    shining = (dark.model_input == 1) & (dark.clean_srgb.amin(1, keepdim=True) > 0.999)
    beside = dark.clean_srgb.amax(1, keepdim=True) < 0.4
    assert (shining.sum((1, 2, 3)) > 4).sum() >= 5, "faint and coloured ones are not white"
    noise = [value[around].std() for around, value in zip(beside, dark.model_input, strict=True) if around.any()]
    assert len(noise) >= 5, "the glow of some fills their picture"
    assert min(noise) > 0.02
    without = darken_to_mosaic(
        torch.full((8, 3, 98, 98), 0.3), torch.Generator().manual_seed(3), SensorRanges(tone_probability=0.0)
    )
    assert without.clean_srgb.std() < 1e-3
