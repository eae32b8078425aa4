"""Noise of real sensors: measured parameters of several cameras, and effects that calibrations leave out.

Model and parameters are those of `explorer.darkroom.sensors`; here they are drawn at random, batched, in torch. Hot and
dead pixels, column noise, banding and light leaks are added, because real files have them.

Units: counts (DN) of the camera's converter between black and white; K is the system gain in counts per electron.
"""

from __future__ import annotations

import torch

from explorer.darkroom.sensors import SENSORS
from explorer.training.draws import log_uniform, uniform

_BLACK = 1 / 32
"""Black level as a fraction of the converter's range: the lowest possible count below black."""


_BEYOND = 1.4
"""Factor by which K is drawn beyond the measured gains, to cover other cameras."""
_WIDER = 0.04
"""Margin by which lambda is drawn beyond the measured shapes."""
_LEAST_SIGMA = 0.1
"""Smallest spread of a scale about its line, because other specimens differ more than a calibration's error."""
_FEWEST_ELECTRONS = 1_000.0
"""Full well at the highest gain that is drawn; beyond it, nothing of a scene remains at the relevant ratios."""


def full_scale(bits: torch.Tensor) -> torch.Tensor:
    """Returns the counts between black and white of a converter with a number of bits."""
    return (2.0**bits - 1) * (1 - _BLACK)


def _table(device: torch.device) -> torch.Tensor:
    rows = [
        (*s.gain, *s.read[:2], max(s.read[2], _LEAST_SIGMA), *s.row[:2], max(s.row[2], _LEAST_SIGMA), *s.shape,
         float(s.bits))
        for s in SENSORS
    ]  # fmt: skip
    return torch.tensor(rows, device=device)


def tukey_lambda(probability: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    """Computes the quantile function of the Tukey-lambda distribution of scale 1: (p^l - (1 - p)^l) / l.

    Args:
        probability: in (0, 1).
        shape: lambda, broadcastable; a value of 0 (the logistic distribution) is replaced by 1e-3.
    """
    shape = torch.where(shape.abs() < 1e-3, torch.full_like(shape, 1e-3), shape)
    return (probability**shape - (1 - probability) ** shape) / shape


def expose(light: torch.Tensor, planes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Simulates an exposure of random measured sensors at random gains.

    Args:
        light: N x 1 x H x W, fraction of saturation, not negative.
        planes: H x W, integer: colour plane of each sample, for its bias.
        generator: on the batch's device.

    Returns:
        N x 1 x H x W, the black level subtracted, a fraction of saturation; rounded to counts and clipped at white.
    """
    batch, _, height, width = light.shape
    device = light.device
    n = (slice(None), None, None, None)
    table = _table(device)[torch.randint(len(SENSORS), (batch,), generator=generator, device=device)]
    lowest, highest, slope, offset, sigma, row_slope, row_offset, row_sigma, low, high, bits = table.unbind(1)
    counts = full_scale(bits)
    most = torch.minimum(highest * _BEYOND, counts / _FEWEST_ELECTRONS).log()
    least = torch.minimum((lowest / _BEYOND).log(), most)
    log_gain = least + (most - least) * torch.rand(batch, generator=generator, device=device)
    gain = log_gain.exp()
    normal = torch.randn(2, batch, generator=generator, device=device)
    read = (slope * log_gain + offset + sigma * normal[0]).exp()
    row = (row_slope * log_gain + row_offset + row_sigma * normal[1]).exp()
    shape = low - _WIDER + (high - low + 2 * _WIDER) * torch.rand(batch, generator=generator, device=device)

    exposed = _dead(light, generator) * counts[n]
    exposed = torch.poisson(exposed / gain[n], generator=generator) * gain[n]
    p = torch.rand(light.shape, generator=generator, device=device).clamp(1e-6, 1 - 1e-6)
    exposed = exposed + read[n] * tukey_lambda(p, shape[n])
    exposed = exposed + row[n] * torch.randn(batch, 1, height, 1, generator=generator, device=device)
    exposed = exposed + _patterns(row, read, height, width, generator)
    exposed = exposed + _bias(counts, planes, generator) + _hot(light, counts, generator)
    return exposed.round().div(counts[n]).clamp(-_BLACK / (1 - _BLACK), 1)


def _sometimes(batch: int, probability: float, generator: torch.Generator) -> torch.Tensor:
    return (torch.rand(batch, generator=generator, device=generator.device) < probability).float()[:, None, None, None]


def _patterns(
    row: torch.Tensor, read: torch.Tensor, height: int, width: int, generator: torch.Generator
) -> torch.Tensor:
    """Draws column noise, banding along rows and light leaks from a corner, in counts; most exposures have none."""
    batch, device = len(row), generator.device
    n = (slice(None), None, None, None)
    column = torch.randn(batch, 1, 1, width, generator=generator, device=device) * row[n]
    column = column * torch.rand(batch, generator=generator, device=device)[n] * _sometimes(batch, 0.3, generator)
    y = torch.arange(height, device=device, dtype=torch.float32)[None, None, :, None]
    period = log_uniform((batch,), (6.0, 400.0), generator)[n]
    turn = torch.rand(batch, generator=generator, device=device)[n]
    size = (read * uniform((batch,), (0.05, 0.5), generator))[n]
    banding = size * torch.sin(2 * torch.pi * (y / period + turn)) * _sometimes(batch, 0.2, generator)
    x = torch.arange(width, device=device, dtype=torch.float32)[None, None, None, :]
    # A crop sees only a slope of it, from any corner.
    slopes = uniform((2, batch), (-1.0, 1.0), generator)
    leak = uniform((batch,), (0.0, 2.0), generator)[n] + slopes[0][n] * y / 1000 + slopes[1][n] * x / 1000
    return column + banding + leak * _sometimes(batch, 0.1, generator)


def _bias(counts: torch.Tensor, planes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draws the error of the black level, in counts: one for the whole exposure and one for each colour plane."""
    batch, device = len(counts), generator.device
    common = 0.5 * torch.randn(batch, 1, generator=generator, device=device)
    each = 0.25 * torch.randn(batch, int(planes.max()) + 1, generator=generator, device=device)
    at_14_bits = (counts / full_scale(counts.new_tensor(14.0)))[:, None].clamp(min=0.1)
    return ((common + each) * at_14_bits)[:, planes][:, None]


def _hot(light: torch.Tensor, counts: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draws hot pixels, in counts: up to one in a thousand samples, from barely visible to white."""
    batch, device = len(counts), generator.device
    n = (slice(None), None, None, None)
    share = log_uniform((batch,), (1e-5, 1e-3), generator)[n] * _sometimes(batch, 0.5, generator)
    hot = torch.rand(light.shape, generator=generator, device=device) < share
    height = torch.rand(light.shape, generator=generator, device=device)
    return hot * (counts[n] / 20) ** height * 20


def _dead(light: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Removes the light of dead pixels: in some exposures, about one in ten thousand."""
    share = 3e-5 * _sometimes(len(light), 0.2, generator)
    return light * (torch.rand(light.shape, generator=generator, device=light.device) >= share)
