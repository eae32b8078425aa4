"""Noise of measured sensors: each part by its own statistics, against the calibration's figures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from explorer.darkroom.sensors import SENSORS, MeasuredSensor
from explorer.training import sensor_noise
from explorer.training.degrade import SensorRanges, color_planes, darken_to_mosaic
from explorer.training.sensor_noise import expose, full_scale, tukey_lambda

GREY = MeasuredSensor("grey", (1.0, 1.0), (0.0, math.log(3.0), 0.0), (0.0, math.log(2.0), 0.0), (0.14, 0.14))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> MeasuredSensor:
    """One sensor of K = 1, without the parts that only some exposures have."""
    monkeypatch.setattr(sensor_noise, "SENSORS", (GREY,))
    monkeypatch.setattr(sensor_noise, "_BEYOND", 1.0)
    monkeypatch.setattr(sensor_noise, "_WIDER", 0.0)
    monkeypatch.setattr(sensor_noise, "_LEAST_SIGMA", 0.0)
    monkeypatch.setattr(sensor_noise, "_FEWEST_ELECTRONS", 1.0)
    monkeypatch.setattr(sensor_noise, "_sometimes", lambda batch, *_: torch.zeros(batch, 1, 1, 1))
    return GREY


@pytest.mark.parametrize("shape", [-0.24, -0.05, 0.0, 0.14])
def test_the_quantile_function_is_scipys(shape: float) -> None:
    p = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    ours = tukey_lambda(p, torch.tensor(shape, dtype=torch.float64))
    assert np.allclose(ours.numpy(), stats.tukeylambda.ppf(p.numpy(), shape), atol=0.02)


def test_variance_grows_with_light_by_the_gain_and_begins_at_the_read_noise(only: MeasuredSensor) -> None:
    counts = float(full_scale(torch.tensor(14.0)))
    planes = color_planes("bayer", 64, 64)
    variances = []
    for electrons in (0.0, 400.0, 1600.0):
        light = torch.full((40, 1, 64, 64), (electrons + 50) / counts)
        dark = expose(light, planes, generator()) * counts
        within_rows = dark - dark.mean(3, keepdim=True)  # without the row noise
        # Planes have a bias each; two of them share a row.
        variances.append(float(torch.stack([within_rows[..., 0::2].var(), within_rows[..., 1::2].var()]).mean()))
    read = 9.0 * float(stats.tukeylambda.var(0.14))
    assert variances[0] == pytest.approx(read + 50, rel=0.05)
    assert variances[1] - variances[0] == pytest.approx(400, rel=0.05)
    assert variances[2] - variances[0] == pytest.approx(1600, rel=0.05)


def test_rows_have_their_own_noise_and_columns_do_not(only: MeasuredSensor) -> None:
    counts = float(full_scale(torch.tensor(14.0)))
    dark = expose(torch.zeros(1, 1, 1000, 1000), torch.zeros(1000, 1000, dtype=torch.long), generator())[0, 0] * counts
    white = 9.0 * float(stats.tukeylambda.var(0.14)) / 1000
    assert float(dark.mean(1).var()) == pytest.approx(4.0 + white, rel=0.2)
    assert float(dark.mean(0).var()) < 3 * white


def test_hot_pixels_are_few_and_bright(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensor_noise, "_sometimes", lambda batch, *_: torch.ones(batch, 1, 1, 1))
    hot = sensor_noise._hot(torch.zeros(200, 1, 64, 64), torch.full((200,), 15871.0), generator())
    share = float((hot > 0).float().mean())
    assert 1e-5 < share < 1e-3
    assert hot[hot > 0].min() >= 20 and hot.max() <= 15871.0 and hot.max() > 1000


def test_every_sensor_gives_finite_exposures_whose_mean_is_the_light() -> None:
    light = torch.full((64, 1, 32, 32), 0.05)
    for cfa, side in (("bayer", 32), ("xtrans", 30)):
        dark = expose(light[..., :side, :side], color_planes(cfa, side, side), generator(3))
        assert bool(dark.isfinite().all()) and dark.max() <= 1
        assert float(dark.median()) == pytest.approx(0.05, rel=0.1)
    assert {s.bits for s in SENSORS} == {10, 12, 14}


def test_benchmark_exposures_do_not_know_of_measured_sensors() -> None:
    """A share of 0 draws nothing, so that the benchmarks' exposures stay what they were."""
    clean = torch.rand(2, 3, 34, 34, generator=generator(1))
    plain = darken_to_mosaic(clean, generator(2), SensorRanges())
    mixed = darken_to_mosaic(clean, generator(2), replace(SensorRanges(), measured_share=1.0))
    assert torch.equal(plain.clean_camera, mixed.clean_camera)
    assert not torch.equal(plain.mosaic, mixed.mosaic)
