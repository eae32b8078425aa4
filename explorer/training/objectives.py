"""Objectives: networks, losses, and the steps of their optimisers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from explorer.machine import flush_denormals
from explorer.metrics import psnr
from explorer.models import RestorationNet
from explorer.training import losses
from explorer.training.degrade import camera_to_display
from explorer.training.distributed import average_gradients
from explorer.training.muon import Muon

Batch = dict[str, torch.Tensor]
Logs = dict[str, float]


class Objective:
    """One or more networks with their optimisers. `networks["net"]` is the one whose weights are exported.

    Subclasses define `step`. The loop handles schedules, validation and checkpoints.

    Args:
        clip: largest norm of a step's gradients; None does not limit it.
    """

    def __init__(
        self,
        networks: dict[str, nn.Module],
        optimisers: dict[str, torch.optim.Optimizer],
        clip: float | None = None,
    ) -> None:
        flush_denormals()
        self.networks = networks
        self.optimisers = optimisers
        self.clip = clip

    @property
    def net(self) -> nn.Module:
        """The network to be trained and exported."""
        return self.networks["net"]

    def step(self, batch: Batch, step: int, total: int) -> Logs:
        """Takes one optimisation step on a batch; returns the loss terms by name, including "loss"."""
        raise AssertionError("subclasses define it")

    def stretch(self, optimiser: str, total: int) -> tuple[int, int]:
        """Returns the first and last step of an optimiser, which its learning-rate schedule spans."""
        return 0, total

    def restored(self, net: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns (restored, reference) for validation, N x 3 x H x W sRGB in [0, 1]; here of pairs of pictures.

        Args:
            net: a network of the same shape as `self.net`, such as its running average, in evaluation mode.
        """
        return net(batch["low"]).float().clamp(0, 1), batch["high"]

    def diagnostics(self, net: nn.Module, batch: Batch) -> dict[str, float]:
        """Returns further validation metrics of one batch by name, which are averaged over the batches and logged."""
        return {}

    def descend(self, terms: dict[str, torch.Tensor], part: str = "net") -> Logs:
        """Takes a step of an optimiser on the sum of the loss's terms; returns them by name, and the sum as "loss"."""
        loss = torch.stack(list(terms.values())).sum()
        optimiser = self.optimisers[part]
        minimise(loss, optimiser, [p for group in optimiser.param_groups for p in group["params"]], self.clip)
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}


def minimise(
    loss: torch.Tensor, optimiser: torch.optim.Optimizer, parameters: Iterable[nn.Parameter], clip: float | None
) -> float:
    """Runs backward pass, optional gradient clipping by norm, and step. Returns the gradient's norm, or 0."""
    flush_denormals()  # set again, in case another thread trains than the one that made the objective
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    average_gradients(optimiser)
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, clip)) if clip else 0.0
    optimiser.step()
    return norm


def initialise(net: nn.Module, slope: float = 0.0) -> None:
    """Applies He et al.'s initialisation ("Delving deep into rectifiers", ICCV 2015), which preserves signal size.

    torch's own initialisation loses more than half of it in each layer. A plain network of seven layers then returns
    the same for every picture, and learns the small colour differences of dark ones last.

    Args:
        slope: of the leaky ReLU; 0 for ReLU.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, a=slope)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def optimiser_of(net: nn.Module, rate: float, inner_rate: float | None) -> torch.optim.Optimizer:
    """Returns `Muon` if the inner convolutions have a separate rate, else Adam."""
    if inner_rate is None:
        return torch.optim.Adam(net.parameters(), lr=rate)
    return Muon(net, inner_rate, rate)


class RawObjective(Objective):
    """Objective of a RAW network: from a dark mosaic to white-balanced camera RGB under the sRGB curve.

    Args:
        slope: of the network's leaky ReLU, for `initialise`; None keeps torch's own initialisation.
        balanced_from: fraction of the steps after which the loss is `losses.rmse_camera` instead of `losses.l1_camera`.
        inner_rate: rate of the inner convolutions under `Muon`, with `rate` for the rest; None trains everything by
            Adam.
        coherent_from: fraction of the steps after which half of `losses.coherent` is added.
    """

    def __init__(
        self,
        net: nn.Module,
        rate: float,
        prepare: Callable[[torch.Tensor], torch.Tensor],
        clip: float | None = 0.5,
        slope: float | None = None,
        balanced_from: float = 1.0,
        inner_rate: float | None = None,
        coherent_from: float = 1.0,
    ) -> None:
        if slope is not None:
            initialise(net, slope)
        super().__init__({"net": net}, {"net": optimiser_of(net, rate, inner_rate)}, clip)
        self.prepare, self.balanced_from, self.coherent_from = prepare, balanced_from, coherent_from

    def step(self, batch: Batch, step: int, total: int) -> Logs:
        output, clean = self.net(self.prepare(batch["input"])).float(), batch["clean_camera"]
        loss_of = losses.l1_camera if step < self.balanced_from * total else losses.rmse_camera
        terms = {"restored": loss_of(output, clean, batch["clean_srgb"], batch["camera_to_srgb"])}
        if step >= self.coherent_from * total:
            terms["coherent"] = 0.5 * losses.coherent(output, clean)
        return self.descend(terms)

    def restored(self, net: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        output = net(self.prepare(batch["input"])).float()
        return camera_to_display(output, batch["camera_to_srgb"]), batch["clean_srgb"]


class PairObjective(Objective):
    """Objective of an RGB network trained on pairs: L1 plus L1 on 8 x 8 means."""

    def __init__(self, net: nn.Module, rate: float, clip: float | None = 0.5) -> None:
        super().__init__({"net": net}, {"net": torch.optim.Adam(net.parameters(), lr=rate)}, clip)

    def step(self, batch: Batch, step: int, total: int) -> Logs:
        return self.descend({"loss": losses.l1_multiscale(self.net(batch["low"]).float(), batch["high"])})


class MeanMatchedObjective(Objective):
    """Objective of an RGB network on amplified pairs: mostly the error after scaling to the reference's mean.

    A dark picture does not show how bright the photographer wanted the scene. A plain error spends the training on
    guessing it; here, four fifths of the error ignore the overall brightness, and structural similarity is included.
    """

    def __init__(self, net: nn.Module, rate: float, inner_rate: float, clip: float | None = 0.5) -> None:
        super().__init__({"net": net}, {"net": optimiser_of(net, rate, inner_rate)}, clip)

    def step(self, batch: Batch, step: int, total: int) -> Logs:
        output, high = self.net(batch["low"]).float(), batch["high"]
        matched = losses.to_mean(output, high)
        terms = {
            "matched": 0.8 * losses.rmse(matched, high),
            "plain": 0.2 * losses.rmse(output, high),
            "structure": 0.15 * losses.structure(matched, high),
        }
        return self.descend(terms)

    def diagnostics(self, net: nn.Module, batch: Batch) -> dict[str, float]:
        """GT-mean PSNR, dB."""
        output, high = self.restored(net, batch)
        return {"gt_mean_psnr": psnr(losses.to_mean(output, high), high).mean().item()}


@dataclass(frozen=True)
class RetinexTraining:
    """Options of a RetinexNet's training."""

    joint: bool
    """True: both nets under one optimiser, with the summed loss. False: first Decom, then Relight with Decom frozen."""
    decom_share: float = 0.5
    """Fraction of the steps for the Decom-Net in a split training."""
    relight_weight: float = 1.0
    """Weight of the relighting loss in a joint training."""
    enhanced_start: float | None = None
    """Initial output of the Relight-Net. By default it is 0, from which a joint training can get stuck in the trivial
    smooth illumination, 0 everywhere. None keeps the default."""


class RetinexObjective(Objective):
    """Objective of RetinexNet (Wei et al. 2018) in any of its four trainings; a lone Decom-Net has illumination 1."""

    def __init__(self, net: nn.Module, rate: float, how: RetinexTraining, clip: float | None = 0.5) -> None:
        initialise(net)
        decom, relight = net.decom, net.relight
        assert isinstance(decom, nn.Module) and (relight is None or isinstance(relight, nn.Module))
        self.decom, self.how = decom, how
        self.relight: nn.Module | None = relight
        if how.joint or relight is None:
            optimisers: dict[str, torch.optim.Optimizer] = {"net": torch.optim.Adam(net.parameters(), lr=rate)}
        else:
            assert isinstance(relight, nn.Module)
            optimisers = {
                "decom": torch.optim.Adam(decom.parameters(), lr=rate),
                "relight": torch.optim.Adam(relight.parameters(), lr=rate),
            }
        super().__init__({"net": net}, optimisers, clip)
        if how.enhanced_start is not None and relight is not None:
            assert isinstance(relight, nn.Module)
            last = relight.last
            assert isinstance(last, nn.Conv2d) and last.bias is not None
            nn.init.constant_(last.bias, how.enhanced_start)
            with torch.no_grad():
                last.weight.mul_(0.1)  # close to that value everywhere, for any picture

    def _terms(self, batch: Batch, decompose: bool, relight: bool) -> dict[str, torch.Tensor]:
        low, high = batch["low"], batch["high"]
        terms: dict[str, torch.Tensor] = {}
        if decompose:
            both = self.decom(torch.cat([low, high]))
            (r_low, r_high), (i_low, i_high) = (part.float().chunk(2) for part in both)
            terms |= losses.decomposition(low, high, (r_low, i_low), (r_high, i_high))
        else:
            with torch.no_grad():
                r_low, i_low = self.decom(low)
        if relight:
            enhanced = torch.ones_like(i_low) if self.relight is None else self.relight(r_low, i_low).float()
            weight = self.how.relight_weight if self.how.joint else 1.0
            terms |= {k: weight * v for k, v in losses.relighting(high, r_low, enhanced).items()}
        return terms

    def step(self, batch: Batch, step: int, total: int) -> Logs:
        if self.how.joint or self.relight is None:
            terms, part = self._terms(batch, True, True), "net"
        elif step < self.stretch("decom", total)[1]:
            terms, part = self._terms(batch, True, False), "decom"
        else:
            terms, part = self._terms(batch, False, True), "relight"
        return self.descend(terms, part)

    def stretch(self, optimiser: str, total: int) -> tuple[int, int]:
        middle = round(self.how.decom_share * total)
        return {"decom": (0, middle), "relight": (middle, total)}.get(optimiser, (0, total))

    def diagnostics(self, net: nn.Module, batch: Batch) -> dict[str, float]:
        """Measures the decomposition: |R I - S| of both pictures, |R_low - R_high|, mean enhanced illumination."""
        assert isinstance(net, RestorationNet)
        low, high = net.forward_intermediates(batch["low"]), net.forward_intermediates(batch["high"])
        errors = [
            losses.l1(part["reflectance"] * part["illumination"], picture)
            for part, picture in ((low, batch["low"]), (high, batch["high"]))
        ]
        return {
            "reconstruction": torch.stack(errors).mean().item(),
            "reflectance_difference": losses.l1(low["reflectance"], high["reflectance"]).item(),
            "enhanced_mean": low["illumination_enhanced"].mean().item(),
        }
