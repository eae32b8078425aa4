"""`lamba_m2.raw_synthetic`: Lamba & Mitra's network, modification M2, on mosaics synthesised from clean photos.

It starts as M1: with M1's parts, and its own parts initialised so that it computes the same as M1. So training
concentrates on the new parts (Chen et al., "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016).
"""

import torch
from torch import nn

from explorer.training.recipe import Phase, WarmStart
from explorer.training.recipes._raw import as_mosaic, balanced, raw_recipe

_BLOCK = "scale8.chain.blocks.0"
"""The block with four dense layers in M1 and five in M2."""


def grow(net: nn.Module, m1: dict[str, torch.Tensor]) -> None:
    """Copies the tensors of an M1 into a new M2, so that it computes the same."""
    own = net.state_dict()
    own.update({name: value for name, value in m1.items() if name in own and own[name].shape == value.shape})
    # The new layer comes before the last of the block; its output is not used yet.
    last, fuse = m1[f"{_BLOCK}.dense.3.weight"], m1[f"{_BLOCK}.fuse.weight"]
    seen, growth = last.shape[1], last.shape[0]
    own[f"{_BLOCK}.dense.4.weight"] = torch.cat([last, torch.zeros_like(last[:, :growth])], 1)
    unseen = torch.zeros_like(fuse[:, :growth])
    own[f"{_BLOCK}.fuse.weight"] = torch.cat([fuse[:, :seen], unseen, fuse[:, seen:]], 1)
    for scale in (8, 16, 32):  # the residual blocks add nothing
        own[f"refine{scale}.fuse.weight"].zero_()
    # M1 fuses the scales in the order 8, 32, 16, M2 in the order 32, 16, 8; the mean of two equal ones is either.
    f8, f32, f16 = m1["fuse.weight"].chunk(3, 1)
    for name in ("fuse_refined", "fuse_direct"):
        own[f"{name}.weight"], own[f"{name}.bias"] = torch.cat([f32, f16, f8], 1), m1["fuse.bias"]
    mean = torch.zeros_like(own["fuse.weight"])
    channels = torch.arange(len(mean))
    for half in (channels, channels + len(mean)):
        mean[channels, half, 1, 1] = 0.5
    own["fuse.weight"], own["fuse.bias"] = mean, torch.zeros_like(own["fuse.bias"])
    net.load_state_dict(own)


RECIPE = raw_recipe(
    name="lamba_m2.raw_synthetic",
    architecture="lamba_m2",
    objective=balanced(as_mosaic, pace=0.2),
    warm_start=WarmStart("lamba_m1.raw_synthetic", grow),
    phases=(Phase(until=1.0, crop=192, batch=4, shrink=2),),
    steps=1_600,
    summary="M2 grown from M1, trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about five minutes on one core with AVX-512 BF16, after lamba_m1",
)
