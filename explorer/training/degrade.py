"""Degrades clean sRGB pictures to dark camera mosaics, in torch, batched, on the batch's device.

The chain is that of Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019 (inverse tone curve,
inverse transfer curve, inverse colour matrix, inverse white balance, mosaic, shot and read noise), with the row noise,
quantisation and black-level error of Wei et al., "A Physics-based Noise Formation Model for Extreme Low-light Raw
Denoising" (ELD), CVPR 2020, and the exposure divided by the ratio as in Chen et al., "Learning to See in the Dark",
CVPR 2018.

Units: light is a fraction of the sensor's saturation (0 black level, 1 white level). Shot noise is given as `gain`, the
fraction of saturation per electron: var = gain * light. Read and row noise are standard deviations in the same
fraction.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from explorer.models.light import linear_to_srgb, srgb_to_linear
from explorer.photo.light import cameras
from explorer.photo.light.cameras import BROOKS_XYZ_TO_CAMERA
from explorer.photo.light.cfa import TILES, Cfa
from explorer.training.draws import log_uniform, uniform
from explorer.training.sensor_noise import expose

XYZ_TO_CAMERA, SRGB_TO_XYZ = (torch.tensor(matrix).float() for matrix in (BROOKS_XYZ_TO_CAMERA, cameras.SRGB_TO_XYZ))


@dataclass(frozen=True)
class SensorRanges:
    """Ranges of a random camera and a random dark exposure; every pair is (low, high)."""

    ratio: tuple[float, float] = (1.0, 300.0)
    """Amplification ratio, log-uniform."""
    red_gain: tuple[float, float] = (1.2, 2.6)
    blue_gain: tuple[float, float] = (1.2, 2.8)
    """White-balance gains relative to green, uniform."""
    electron_gain: tuple[float, float] = (2e-5, 5e-4)
    """Fraction of saturation per electron, log-uniform: 50,000 electrons (base ISO) down to 2,000 (high ISO)."""
    read_electrons: tuple[float, float] = (1.0, 6.0)
    """Read noise, electrons (standard deviation), log-uniform."""
    row_share: tuple[float, float] = (0.0, 0.3)
    """Row noise as a share of the read noise, uniform."""
    black_error: float = 2e-5
    """Standard deviation of the black level's error, a fraction of saturation (a third of a 14-bit count)."""
    bits: tuple[int, ...] = (12, 14)
    """Bit depths, equally likely."""
    tone_probability: float = 0.5
    """Probability that the inverse of a smoothstep tone curve is applied to the clean picture first."""
    lamp_probability: float = 0.0
    """Probability that a lamp brighter than white is in the picture. Its samples have no noise, from which a small
    network would otherwise conclude that there is none beside the lamp."""
    measured_share: float = 0.0
    """Probability that the noise is that of a measured sensor (`explorer.training.sensor_noise`) instead of the ranges
    above: 0 for benchmarks, so that they do not change."""


@dataclass(frozen=True)
class Camera:
    """A batch of random cameras."""

    srgb_to_camera: torch.Tensor
    """N x 3 x 3, rows sum to 1: linear sRGB to white-balanced camera RGB."""
    camera_to_srgb: torch.Tensor
    """N x 3 x 3, its inverse."""
    gains: torch.Tensor
    """N x 3 white-balance gains, green 1."""


@dataclass(frozen=True)
class DarkMosaic:
    """A batch of synthetic exposures and their targets."""

    mosaic: torch.Tensor
    """N x 1 x H x W mosaic (RGGB or X-Trans) as written by a camera: without white balance, not amplified."""
    model_input: torch.Tensor
    """The same times white-balance gains and ratio, clipped to [-0.2, 1]."""
    clean_camera: torch.Tensor
    """N x 3 x H x W white-balanced camera RGB under the sRGB transfer curve, [0, 1]: the network's target."""
    clean_srgb: torch.Tensor
    """N x 3 x H x W sRGB, [0, 1]: the displayed picture."""
    camera: Camera
    ratio: torch.Tensor
    """N"""


def inverse_tone(x: torch.Tensor) -> torch.Tensor:
    """Inverts the tone curve 3x^2 - 2x^3 (Brooks et al., section 3.1), values in [0, 1]."""
    return 0.5 - torch.sin(torch.asin((1 - 2 * x).clamp(-1, 1)) / 3)


def random_camera(batch: int, ranges: SensorRanges, generator: torch.Generator) -> Camera:
    """Draws cameras with random mixtures of four real matrices (Brooks et al., section 3.3), rows normalised."""
    device = generator.device
    mixture = torch.rand(batch, 4, generator=generator, device=device)
    mixture = mixture / mixture.sum(1, keepdim=True)
    xyz_to_camera = torch.einsum("nk,kij->nij", mixture, XYZ_TO_CAMERA.to(device))
    srgb_to_camera = xyz_to_camera @ SRGB_TO_XYZ.to(device)
    srgb_to_camera = srgb_to_camera / srgb_to_camera.sum(2, keepdim=True)
    red = uniform((batch,), ranges.red_gain, generator)
    blue = uniform((batch,), ranges.blue_gain, generator)
    gains = torch.stack([red, torch.ones_like(red), blue], 1)
    return Camera(srgb_to_camera, torch.linalg.inv(srgb_to_camera), gains)


def apply_matrix(x: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Multiplies N x 3 x H x W by N x 3 x 3."""
    return torch.einsum("nij,njhw->nihw", matrix, x)


def camera_to_display(image: torch.Tensor, camera_to_srgb: torch.Tensor) -> torch.Tensor:
    """Converts white-balanced camera RGB under the sRGB curve to sRGB, both in [0, 1]."""
    linear = srgb_to_linear(image.clamp(0, 1))
    return linear_to_srgb(apply_matrix(linear, camera_to_srgb).clamp(0, 1))


def color_filter(cfa: Cfa, height: int, width: int, device: torch.device | None = None) -> torch.Tensor:
    """Returns H x W: the colour (0 red, 1 green, 2 blue) of each sample of a mosaic that begins at the first cell."""
    tile = torch.from_numpy(TILES[cfa].astype("int64")).to(device)
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    return tile[rows[:, None] % tile.shape[0], columns % tile.shape[1]]


def color_planes(cfa: Cfa, height: int, width: int, device: torch.device | None = None) -> torch.Tensor:
    """Returns H x W: the index of each sample's black level, that of its colour, or 3 for Bayer's second green."""
    planes = color_filter(cfa, height, width, device)
    if cfa == "bayer":
        planes[1::2, 0::2] = 3
    return planes


def to_mosaic(x: torch.Tensor, cfa: Cfa = "bayer") -> torch.Tensor:
    """Samples N x 3 x H x W to the N x 1 x H x W mosaic of a colour-filter array."""
    height, width = x.shape[-2:]
    colors = color_filter(cfa, height, width, x.device)
    return x.gather(1, colors.expand(len(x), 1, *colors.shape))


def gain_map(gains: torch.Tensor, height: int, width: int, cfa: Cfa = "bayer") -> torch.Tensor:
    """Lays out N x 3 gains as an N x 1 x H x W mosaic."""
    return to_mosaic(gains[:, :, None, None].expand(-1, -1, height, width), cfa)


def shift_phase(x: torch.Tensor, row: int, column: int) -> torch.Tensor:
    """Crops a picture like a mosaic of another phase is cropped to RGGB; both sides always lose two pixels."""
    height, width = x.shape[-2:]
    return x[..., row : height - 2 + row, column : width - 2 + column]


def add_noise(
    light: torch.Tensor,
    electron_gain: torch.Tensor,
    read: torch.Tensor,
    row: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """Adds shot noise (Poisson in electrons), Gaussian read noise and Gaussian row noise (ELD, section 3).

    Args:
        light: N x 1 x H x W, fraction of saturation, not negative.
        electron_gain, read, row: N each; see `SensorRanges` and the module's units.
    """
    n = (slice(None), None, None, None)
    shot = torch.poisson(light / electron_gain[n], generator=generator) * electron_gain[n]
    noise = torch.randn(light.shape, generator=generator, device=light.device) * read[n]
    rows = torch.randn((*light.shape[:-1], 1), generator=generator, device=light.device) * row[n]
    return shot + noise + rows


def quantise(mosaic: torch.Tensor, bits: torch.Tensor, black: float = 1 / 32) -> torch.Tensor:
    """Rounds to the counts of a sensor whose black level is `black` of its range, and clips like its converter.

    Args:
        mosaic: N x 1 x H x W.
        bits: N, e.g. 12 or 14.
    """
    counts = (2.0 ** bits[:, None, None, None] - 1) * (1 - black)
    floor = -black / (1 - black)
    return (mosaic * counts).round().div(counts).clamp(floor, 1)


def lamp_light(batch: int, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Draws the light of a lamp in each picture: N x 3 x height x width, linear, 1 for white; warm, with a glow."""
    device = generator.device
    y, x = torch.arange(height, device=device)[:, None], torch.arange(width, device=device)
    down, right = (torch.rand((2, batch, 1, 1), generator=generator, device=device)).unbind()
    flat = log_uniform((batch, 1, 1), (0.4, 2.5), generator)
    radius = log_uniform((batch, 1, 1), (2.0, 30.0), generator)
    power = log_uniform((batch, 1, 1), (1.0, 30.0), generator)
    distance = ((y - down * height).square() * flat + (x - right * width).square() / flat).sqrt()
    light = power * (torch.sigmoid(2 * (radius - distance)) + 0.03 * torch.exp(-distance / (3 * radius)))
    warmth = torch.rand((batch, 1, 1), generator=generator, device=device)
    return torch.stack([light, light * (1 - 0.3 * warmth), light * (1 - 0.7 * warmth)], 1)


def darken_to_mosaic(
    clean: torch.Tensor,
    generator: torch.Generator,
    ranges: SensorRanges | None = None,
    ratio: torch.Tensor | None = None,
    cfa: Cfa = "bayer",
) -> DarkMosaic:
    """Runs the whole chain, for a batch.

    Args:
        clean: N x 3 x (H + 2) x (W + 2) sRGB in [0, 1], of which the random phase uses up two pixels; H and W are
            multiples of the array's cell (2, or 6 for X-Trans).
        generator: on the batch's device; the same state gives the same batch.
        ranges: ranges to draw from.
        ratio: N amplification ratios instead of random ones.
        cfa: the colour-filter array of the mosaic.
    """
    ranges = ranges or SensorRanges()
    batch, device = clean.shape[0], clean.device
    camera = random_camera(batch, ranges, generator)
    if ratio is None:
        ratio = log_uniform((batch,), ranges.ratio, generator)
    gain = log_uniform((batch,), ranges.electron_gain, generator)
    read = log_uniform((batch,), ranges.read_electrons, generator) * gain
    row = uniform((batch,), ranges.row_share, generator) * read
    depth = torch.tensor(ranges.bits, device=device)
    bits = depth[torch.randint(len(ranges.bits), (batch,), generator=generator, device=device)]
    black_error = torch.randn(batch, generator=generator, device=device) * ranges.black_error
    toned = torch.rand(batch, generator=generator, device=device) < ranges.tone_probability
    # A mosaic of any phase is cropped to RGGB by a row or a column, so pictures can begin anywhere in the scene.
    row_shift, column_shift = torch.randint(2, (2,), generator=generator, device=device).tolist()

    clean = shift_phase(clean, row_shift, column_shift)
    clean = torch.where(toned[:, None, None, None], inverse_tone(clean), clean)
    linear = srgb_to_linear(clean)
    seen = in_camera = apply_matrix(linear, camera.srgb_to_camera).clamp(0, 1)
    height, width = clean.shape[-2:]
    n = (slice(None), None, None, None)
    if ranges.lamp_probability:
        lit = torch.rand(batch, generator=generator, device=device)[n] < ranges.lamp_probability
        lamp = apply_matrix(lamp_light(batch, height, width, generator), camera.srgb_to_camera)
        seen = torch.where(lit, (in_camera + lamp).clamp(min=0), in_camera)
        in_camera = seen.clamp(max=1)
        clean = torch.where(lit, camera_to_display(linear_to_srgb(in_camera), camera.camera_to_srgb), clean)
    gains = gain_map(camera.gains, height, width, cfa)
    light = to_mosaic(seen, cfa) / gains / ratio[n]
    dark = quantise(add_noise(light, gain, read, row, generator) + black_error[n], bits)
    if ranges.measured_share:
        measured = torch.rand(batch, generator=generator, device=device) < ranges.measured_share
        planes = color_planes(cfa, height, width, device)
        dark = torch.where(measured[n], expose(light, planes, generator), dark)
    return DarkMosaic(
        mosaic=dark,
        model_input=(dark * gains * ratio[n]).clamp(-0.2, 1),
        clean_camera=linear_to_srgb(in_camera),
        clean_srgb=clean,
        camera=camera,
        ratio=ratio,
    )
