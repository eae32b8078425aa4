"""Random numbers from a given range, on the generator's device."""

from __future__ import annotations

import torch


def uniform(shape: tuple[int, ...], bounds: tuple[float, float], generator: torch.Generator) -> torch.Tensor:
    """Draws numbers uniformly between the two bounds."""
    low, high = bounds
    return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)


def log_uniform(shape: tuple[int, ...], bounds: tuple[float, float], generator: torch.Generator) -> torch.Tensor:
    """Draws positive numbers whose logarithms are uniform between those of the two bounds."""
    low, high = torch.log(torch.tensor(bounds)).tolist()
    return uniform(shape, (low, high), generator).exp()
