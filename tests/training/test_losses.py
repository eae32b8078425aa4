"""Every loss on tensors small enough to compute by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from explorer.training import losses
from explorer.training.adversarial import AdversarialObjective, discriminator_loss, gan_loss
from explorer.training.degrade import camera_to_display
from explorer.training.objectives import RawObjective
from explorer.training.recipes._raw import as_mosaic
from explorer.training.zero_reference import (
    Calibrator,
    color_constancy,
    curve_smoothness,
    exposure_control,
    sci_smoothness,
    spatial_consistency,
)


def flat(value: float, channels: int = 3, side: int = 4) -> torch.Tensor:
    return torch.full((1, channels, side, side), value)


def test_l1_and_its_coarse_twin() -> None:
    x, y = flat(0.5, side=8), flat(0.2, side=8)
    assert losses.l1(x, y).item() == pytest.approx(0.3)
    assert losses.l1_multiscale(x, y).item() == pytest.approx(0.6)
    # An error of alternating sign is in the fine term alone: its 8x8 mean is 0.
    signs = torch.ones(1, 3, 8, 8)
    signs[..., ::2] = -1
    assert losses.l1_multiscale(y + 0.1 * signs, y).item() == pytest.approx(0.1, rel=1e-5)


def test_camera_loss_is_half_in_camera_and_half_in_srgb() -> None:
    matrix = torch.tensor([[[2.0, -1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    output, clean = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)
    srgb = torch.rand(1, 3, 4, 4)
    expected = 0.5 * (output - clean).abs().mean() + 0.5 * (camera_to_display(output, matrix) - srgb).abs().mean()
    assert losses.l1_camera(output, clean, srgb, matrix).item() == pytest.approx(expected.item())
    # Grey survives a matrix whose rows sum to 1.
    assert torch.allclose(camera_to_display(flat(0.3), matrix), flat(0.3), atol=1e-6)


def test_a_picture_counts_by_its_root_mean_square_error() -> None:
    """Two pictures, flat errors of 0.1 and 0.3: a mean over pixels of squares would see mostly the second."""
    same = torch.eye(3).expand(2, 3, 3)
    clean, errors = torch.full((2, 3, 8, 8), 0.5), torch.tensor([0.1, 0.3]).view(2, 1, 1, 1)
    shown = camera_to_display(clean, same)
    assert losses.rmse_camera(clean + errors, clean, shown, same).item() == pytest.approx(0.2, rel=1e-3)
    # A perfect picture has a gradient, not a division by zero.
    output = clean.clone().requires_grad_()
    losses.rmse_camera(output, clean, shown, same).backward()
    assert output.grad is not None and bool(output.grad.isfinite().all())


def test_what_errors_have_in_common_is_told_from_noise() -> None:
    """A pattern of two pixels and a shift of a whole surface count in full, finer noise and coarser texture hardly."""
    clean = torch.full((1, 3, 96, 96), 0.5)
    places = torch.tensor([[1.0, -1.0], [1.0, -1.0]]).repeat(48, 48)
    assert losses.coherent(clean + 0.01 * places, clean).item() == pytest.approx(0.01, rel=1e-2)
    assert losses.coherent(clean - 0.01, clean).item() == pytest.approx(0.01, rel=1e-2)
    texture = torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(24).expand(96, 96)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    for error in (texture, noise):
        assert losses.coherent(clean + 0.01 * error, clean).item() < 0.0012


def test_gray_has_the_weights_of_rec_601() -> None:
    x = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    assert losses.gray(x).item() == pytest.approx(0.299)
    assert losses.gray(torch.ones(1, 3, 2, 2)).unique().item() == pytest.approx(1.0)


def test_forward_difference_pads_one_zero_before_the_first() -> None:
    x = torch.tensor([[1.0, 3.0], [6.0, 10.0]]).view(1, 1, 2, 2)
    assert losses.forward_difference(x, 3).flatten().tolist() == [1, 2, 6, 4]
    assert losses.forward_difference(x, 2).flatten().tolist() == [1, 3, 5, 7]


def test_smoothness_by_hand() -> None:
    # Reflectance 0: no edges, all weights 1; mean |d_x I| + mean |d_y I|.
    illumination = torch.tensor([[1.0, 3.0], [6.0, 10.0]]).view(1, 1, 2, 2)
    zero = torch.zeros(1, 3, 2, 2)
    assert losses.smoothness(illumination, zero).item() == pytest.approx((1 + 2 + 6 + 4) / 4 + (1 + 3 + 5 + 7) / 4)
    # A constant reflectance r has its only edge where the zero padding meets it, over which a 3x3 mean is taken with
    # zeros outside: in a 2x2 picture each pixel sees both pixels of the edge column, so avg = 2 r / 9.
    r = 0.9
    weight = math.exp(-10 * 2 * r / 9)
    assert losses.smoothness(illumination, flat(r, side=2)).item() == pytest.approx(7.25 * weight, rel=1e-5)


def test_decomposition_terms_by_hand() -> None:
    low, high = flat(0.1), flat(0.6)
    parts_low = (flat(0.5), flat(0.3, 1))
    parts_high = (flat(0.8), flat(0.5, 1))
    terms = losses.decomposition(low, high, parts_low, parts_high)
    assert terms["reconstruct"].item() == pytest.approx(abs(0.15 - 0.1) + abs(0.4 - 0.6))
    assert terms["reconstruct_crossed"].item() == pytest.approx(0.001 * (abs(0.24 - 0.1) + abs(0.25 - 0.6)))
    assert terms["reflectance_equal"].item() == pytest.approx(0.01 * 0.3)
    smooth = losses.smoothness(parts_low[1], parts_low[0]) + losses.smoothness(parts_high[1], parts_high[0])
    assert terms["smooth"].item() == pytest.approx(0.1 * smooth.item())


def test_the_gradient_of_equal_reflectances_stops_at_the_bright_one() -> None:
    r_low, r_high = flat(0.5).requires_grad_(), flat(0.8).requires_grad_()
    one = flat(1.0, 1)
    losses.decomposition(flat(0.1), flat(0.6), (r_low, one), (r_high, one))["reflectance_equal"].backward()
    assert r_low.grad is not None and r_low.grad.abs().sum() > 0
    assert r_high.grad is None


def test_relighting_terms_by_hand() -> None:
    terms = losses.relighting(flat(0.6), flat(0.5), flat(0.8, 1))
    assert terms["relight"].item() == pytest.approx(0.2)
    assert terms["relight_smooth"].item() == pytest.approx(3 * losses.smoothness(flat(0.8, 1), flat(0.5)).item())


def test_gan_losses_by_hand() -> None:
    logits = torch.tensor([0.0, 2.0])
    real = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    fake = (math.log(2) + math.log(1 + math.exp(2))) / 2
    assert gan_loss(logits, True).item() == pytest.approx(real)
    assert gan_loss(logits, False).item() == pytest.approx(fake)
    assert discriminator_loss(logits, logits).item() == pytest.approx((real + fake) / 2)


class _Judge(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))
        self.calls: list[bool] = []

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.calls.append(target.requires_grad)
        return self.weight * target.mean((1, 2, 3))


def test_discriminator_and_generator_step_in_turn() -> None:
    generator, judge = nn.Conv2d(3, 3, 1), _Judge()
    objective = AdversarialObjective(generator, judge)
    rates = {k: o.param_groups[0]["lr"] for k, o in objective.optimisers.items()}
    assert rates == {"net": 1e-4, "discriminator": 5e-5}
    assert all(o.param_groups[0]["betas"] == (0.5, 0.999) for o in objective.optimisers.values())
    before = generator.weight.detach().clone(), judge.weight.item()
    batch = {"low": torch.rand(2, 3, 8, 8), "high": torch.rand(2, 3, 8, 8)}
    logs = objective.step(batch, 0, 10)
    # Real and detached fake for the discriminator's step, then the fake with its gradient for the generator's.
    assert judge.calls == [False, False, True]
    assert logs["loss"] == pytest.approx(logs["generator"] + 115 * logs["l1"], rel=1e-5)
    assert not torch.equal(before[0], generator.weight) and before[1] != judge.weight.item()
    # The generator's loss left no gradient on the discriminator, and its step is Adam's first: exactly the rate.
    assert judge.weight.requires_grad
    assert abs(judge.weight.item() - before[1]) == pytest.approx(5e-5, rel=0.05)


def test_spatial_consistency_by_hand() -> None:
    # Two regions side by side: 0.2 and 0.6 in the result, 0.1 and 0.2 in the original.
    def regions(left: float, right: float) -> torch.Tensor:
        return torch.cat([flat(left), flat(right)], 3)

    # Each of the two has one neighbour: mean over two regions of (0.4 - 0.1)^2.
    assert spatial_consistency(regions(0.2, 0.6), regions(0.1, 0.2)).item() == pytest.approx(0.09, rel=1e-5)
    assert spatial_consistency(regions(0.6, 0.7), regions(0.2, 0.1)).item() == pytest.approx(0, abs=1e-12)


def test_exposure_and_color_by_hand() -> None:
    image = torch.cat([flat(0.2, side=16), flat(0.9, side=16)], 3)
    assert exposure_control(image, 0.6).item() == pytest.approx((0.4 + 0.3) / 2, rel=1e-5)
    colors = torch.tensor([0.1, 0.4, 0.6]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert color_constancy(colors).item() == pytest.approx(0.09 + 0.25 + 0.04)


def test_curve_smoothness_by_hand() -> None:
    # One map of 24 rises by 0.1 a column: squared, a sum over colours, a mean over 8.
    curves = torch.zeros(1, 24, 4, 4)
    curves[:, 5] = 0.1 * torch.arange(4)
    assert curve_smoothness(curves).item() == pytest.approx(0.01 / 8, rel=1e-5)
    assert curve_smoothness(torch.full((1, 24, 4, 4), 0.7)).item() == 0
    # The same rise at one edge: three times as much, for each pixel's gradient is squared before the mean.
    edge = torch.zeros(1, 24, 4, 4)
    edge[:, 5, :, 2:] = 0.3
    assert curve_smoothness(edge).item() == pytest.approx(0.03 / 8, rel=1e-5)
    assert curve_smoothness(edge.mT).item() == pytest.approx(0.03 / 8, rel=1e-5)


def test_sci_smoothness_against_a_plain_double_loop() -> None:
    torch.manual_seed(0)
    x, source = torch.rand(1, 3, 6, 7, dtype=torch.float64), torch.rand(1, 3, 6, 7, dtype=torch.float64)
    matrix = torch.tensor(
        [[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]], dtype=torch.float64
    )
    yuv = torch.einsum("ij,jhw->ihw", matrix, source[0])
    expected = 0.0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            values = []
            for i in range(6):
                for j in range(7):
                    if (dy, dx) != (0, 0) and 0 <= i + dy < 6 and 0 <= j + dx < 7:
                        square = (yuv[:, i, j] - yuv[:, i + dy, j + dx]).square().sum()
                        values.append(
                            torch.exp(-square / 0.02) * (x[0, :, i, j] - x[0, :, i + dy, j + dx]).abs().mean()
                        )
            if values:
                expected += torch.stack(values).mean().item()
    assert sci_smoothness(x, source).item() == pytest.approx(expected, rel=1e-9)


def test_the_calibrator_keeps_the_shape_and_is_not_shipped() -> None:
    from explorer.models import create_model
    from explorer.training.zero_reference import SCIObjective

    assert Calibrator()(torch.rand(2, 3, 9, 11)).shape == (2, 3, 9, 11)
    objective = SCIObjective(create_model("sci"), rate=1e-3)
    assert set(objective.networks) == {"net", "calibrator"}
    assert sum(p.numel() for p in objective.net.parameters()) == 258


def test_sci_bears_pixels_that_its_illumination_calls_black() -> None:
    from explorer.models import create_model
    from explorer.training.zero_reference import SCIObjective

    torch.manual_seed(0)
    net = create_model("sci")
    last = net.last
    assert isinstance(last, nn.Conv2d) and last.bias is not None
    nn.init.constant_(last.bias, -20.0)  # a sigmoid of 0: the illumination is the picture itself, black where it is
    objective = SCIObjective(net, rate=1e-3)
    low = torch.zeros(2, 3, 16, 16)
    low[..., 8:] = 0.05
    logs = objective.step({"low": low, "high": low}, 0, 10)
    assert logs["fidelity"] < 10


def test_sci_fixes_its_statistics_after_the_first_steps() -> None:
    """Statistics that follow the weights took back what training had gained: pictures faded as the rate fell."""
    from explorer.models import create_model
    from explorer.training.zero_reference import SCIObjective

    torch.manual_seed(0)
    objective = SCIObjective(create_model("sci"), rate=1e-3)
    [norm] = [module for module in objective.net.modules() if isinstance(module, nn.BatchNorm2d)]
    low = torch.rand(2, 3, 16, 16) * 0.1

    def after(step: int) -> list[float]:
        objective.net.train()
        objective.step({"low": low, "high": low}, step, 100)
        assert norm.running_mean is not None
        return norm.running_mean.tolist()

    start = [0.0] * 3
    measured = after(10)
    assert measured != start and after(11) == measured == after(99)


def test_a_raw_network_is_balanced_from_its_share_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "l1_camera", lambda output, *_: 1.0 + 0 * output.mean())
    monkeypatch.setattr(losses, "rmse_camera", lambda output, *_: 2.0 + 0 * output.mean())
    objective = RawObjective(torch.nn.Conv2d(1, 3, 1), rate=1e-3, prepare=as_mosaic, balanced_from=0.5)
    picture = torch.rand(1, 3, 4, 4)
    same = torch.eye(3)[None]
    batch = {"input": picture[:, :1], "clean_camera": picture, "clean_srgb": picture, "camera_to_srgb": same}
    assert [objective.step(batch, step, 10)["loss"] for step in (0, 4, 5, 9)] == [1, 1, 2, 2]
