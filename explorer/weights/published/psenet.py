"""PSENet: the two published weights."""

from __future__ import annotations

from functools import partial

from explorer.weights.checkpoint import Baseline, GitHubFolder
from explorer.weights.keymaps import Layout

_BLOCKS = {
    "first_conv": "first", "conv1": "middle.0", "conv2": "middle.1", "conv3": "coarse.0", "conv5": "coarse.1",
    "conv6": "coarse.2", "conv7": "join.0", "conv8": "join.1", "last_conv": "last",
}  # fmt: skip
_LAYOUT = Layout(
    {
        f"{theirs}.conv.{i}": f"{ours}.{part}"
        for theirs, ours in _BLOCKS.items()
        for i, part in ((0, "widen"), (2, "place"), (5, "narrow"))
    }
    | {
        f"{theirs}.conv.3.fc.{i}": f"{_BLOCKS[theirs]}.excite.{part}"
        for theirs in ("first_conv", "last_conv")
        for i, part in ((0, "squeeze"), (2, "excite"))
    }
)
_PAGE = GitHubFolder("VinAIResearch/PSENet-Image-Enhancement", "d86321702e6b35b61c963cacc4cba5b84448c767", "pretrained")
_trained = partial(
    _PAGE.trained, layout=_LAYOUT, what="PSENet as published", architecture="psenet", licence="BSD-3-Clause",
    redistributable=True,
)  # fmt: skip
AFIFI = _trained(
    "psenet_afifi",
    "afifi.pth",
    "9be55fdb2350694d4b980e3cc158df74a931110503bd9c1aac96939371a76b36",
    "wrongly exposed pictures (Afifi et al.)",
    False,
    Baseline("published PSENet, Afifi", 17.11, 0.549, 19.69),
    size=244621,
    aliases=("psenet",),
)
SICE = _trained(
    "psenet_sice",
    "sice.pth",
    "d273ab7d9473af2012ddcc46e64288595ae3f91fe6de4d7b1e5ff07dfe1cce1a",
    "SICE",
    False,
    Baseline("published PSENet, SICE", 17.51, 0.542, 20.75),
    size=243597,
)
