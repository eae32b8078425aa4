"""MobileIE: published weights for pictures, in the merged form after training."""

from __future__ import annotations

from functools import partial

from explorer.weights.checkpoint import (
    LOL_DARKNESS,
    Baseline,
    GitHubFolder,
)
from explorer.weights.config import InputConvention
from explorer.weights.keymaps import Layout, renumbered

_LAYOUT = Layout(
    {"head": "head", "body": "body", "body.block1": "body.features"}
    | renumbered("head.block1", "head.features", (0, 1, 2))
    | {"att.1": "channels", "att1.0": "places", "tail": "last"}
)
# A fork by the weights' author; the licence is that of the authors' own repository.
_PAGE = GitHubFolder("ndbao2002/MobileIE", "be82ace8d0f17c629faba47920a52233e331c493", "pretrain")
_trained = partial(
    _PAGE.trained, layout=_LAYOUT, size=21868, what="MobileIE as published", architecture="mobileie",
    licence="Apache-2.0", redistributable=True,
    input=InputConvention(clip=(0.0, 1.0), ratio_rule="none", darkness=LOL_DARKNESS),
)  # fmt: skip
LOL_V1 = _trained(
    "mobileie_lolv1",
    "lolv1_best_slim.pkl",
    "d40a930fbc0435f47ce08dda17b1c630b86a501be9423b8f48dab14722fb5548",
    "LOL",
    True,
    Baseline("published MobileIE, LOL", 23.62, 0.812, 26.12),
    aliases=("mobileie",),
)
LOL_V2_REAL = _trained(
    "mobileie_lolv2_real",
    "lolv2_real_best_slim.pkl",
    "477b0391a367bc174258ad5cdc5fefa3b96e483f10e2118210870fad86fcb27c",
    "LOL v2 (real)",
    None,
    Baseline("published MobileIE, LOL v2 real", 23.22, 0.809, 25.64),
)
