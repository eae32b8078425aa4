"""The objective of a conditional GAN, with alternating steps of discriminator and generator.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from explorer.training.losses import l1
from explorer.training.objectives import Batch, Logs, Objective, minimise


def gan_loss(logits: torch.Tensor, real: bool) -> torch.Tensor:
    """Binary cross-entropy of a discriminator's logits, with the same target for all patches."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Half the sum of the losses on real and generated pairs; the half slows the discriminator (section 3.3)."""
    return 0.5 * (gan_loss(real, True) + gan_loss(fake, False))


@dataclass(frozen=True)
class AdversarialTraining:
    """Loss weights and learning rates of a pix2pix training."""

    generator_rate: float = 1e-4
    discriminator_rate: float = 5e-5
    betas: tuple[float, float] = (0.5, 0.999)
    l1_weight: float = 115.0


class AdversarialObjective(Objective):
    """pix2pix on pairs: one step of the discriminator, one of the generator (GAN loss plus weighted L1)."""

    def __init__(self, net: nn.Module, discriminator: nn.Module, how: AdversarialTraining | None = None) -> None:
        self.how = how or AdversarialTraining()
        super().__init__(
            {"net": net, "discriminator": discriminator},
            {
                "net": torch.optim.Adam(net.parameters(), lr=self.how.generator_rate, betas=self.how.betas),
                "discriminator": torch.optim.Adam(
                    discriminator.parameters(), lr=self.how.discriminator_rate, betas=self.how.betas
                ),
            },
        )

    def step(self, batch: Batch, step: int, total: int) -> Logs:
        low, high = batch["low"], batch["high"]
        discriminator = self.networks["discriminator"]
        fake = self.net(low)

        judged = discriminator_loss(discriminator(low, high).float(), discriminator(low, fake.detach()).float())
        minimise(judged, self.optimisers["discriminator"], discriminator.parameters(), None)

        # The generator's gradient flows through the discriminator, whose own parameters need none.
        discriminator.requires_grad_(False)
        fooled = gan_loss(discriminator(low, fake).float(), True)
        distance = l1(fake.float(), high)
        loss = fooled + self.how.l1_weight * distance
        minimise(loss, self.optimisers["net"], self.net.parameters(), None)
        discriminator.requires_grad_(True)
        return {
            "loss": loss.item(),
            "l1": distance.item(),
            "generator": fooled.item(),
            "discriminator": judged.item(),
        }

    def restored(self, net: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        return net(batch["low"]).float().clamp(0, 1), batch["high"]
