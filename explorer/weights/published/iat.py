"""IAT: the three published weights for pictures."""

from __future__ import annotations

from functools import partial

from explorer.weights.checkpoint import Baseline, GitHubFolder
from explorer.weights.keymaps import Layout

_BLOCK = {
    "": "", ".pos_embed": ".place", ".norm1": ".norm1", ".norm2": ".norm2", ".conv1": ".mix.0", ".attn": ".mix.1",
    ".conv2": ".mix.2", ".mlp.fc1": ".mlp.0", ".mlp.fc2": ".mlp.2",
}  # fmt: skip
_GLOBAL = {
    "": "", ".conv_large.proj.0": ".first", ".conv_large.proj.1": ".first_norm", ".conv_large.proj.3": ".second",
    ".conv_large.proj.4": ".second_norm", ".generator.pos_embed": ".place", ".generator.norm1": ".norm1",
    ".generator.norm2": ".norm2", ".generator.attn": ".attention", ".generator.attn.k": ".attention.k",
    ".generator.attn.v": ".attention.v", ".generator.attn.proj": ".attention.last", ".generator.mlp.fc1": ".mlp.0",
    ".generator.mlp.fc2": ".mlp.2", ".gamma_linear": ".gamma", ".color_linear": ".colour",
}  # fmt: skip
_LAYOUT = Layout(
    {"local_net.conv1": "local.first", "local_net.mul_end.0": "local.multiply_last"}
    | {"local_net.add_end.0": "local.add_last"}
    | {
        f"local_net.{theirs}_blocks.{i}{their}": f"local.{ours}.{i}{our}"
        for theirs, ours in (("mul", "multiply"), ("add", "add"))
        for i in range(3)
        for their, our in _BLOCK.items()
    }
    | {f"global_net{theirs}": f"whole{ours}" for theirs, ours in _GLOBAL.items()}
)
_PAGE = GitHubFolder(
    "cuiziteng/Illumination-Adaptive-Transformer", "c76472265247f47cea57649af28b15018bb64cb1", "IAT_enhance"
)
_trained = partial(
    _PAGE.trained, layout=_LAYOUT, size=427160, what="IAT as published", architecture="iat", licence="Apache-2.0",
    redistributable=True, options={"centred": False},
)  # fmt: skip
LOL_V1 = _trained(
    "iat_lol_v1",
    "best_Epoch_lol_v1.pth",
    "6fb32236152283d3f3633ea1b79601c7e819efbf9d87d6b4767e1db0f1f3435b",
    "LOL",
    True,
    Baseline("published IAT, LOL", 23.38, 0.809, 25.32),
    aliases=("iat",),
)
LOL_V2 = _trained(
    "iat_lol_v2",
    "best_Epoch_lol.pth",
    "9564b7e10882e688ac817ae6fd164544d05b9f74232de56c33ed7f9dabf7bdc4",
    "LOL v2 (real)",
    None,
    Baseline("published IAT, LOL v2 real", 18.43, 0.767, 23.70),
    options={"centred": True},
)
EXPOSURE = _trained(
    "iat_exposure",
    "best_Epoch_exposure.pth",
    "15a9494582f028bef996d4af7145860eaa5d67799d2b0625ed93ff8c546ea3ee",
    "wrongly exposed pictures (Afifi et al.)",
    False,
    Baseline("published IAT, exposure", 9.69, 0.241, 10.67),
)
