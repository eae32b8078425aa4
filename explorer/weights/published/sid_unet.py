"""The SID U-Net: the layout of its PyTorch ports, which use one of two plane orders."""

from __future__ import annotations

from explorer.weights.checkpoint import UNPUBLISHED, PublishedCheckpoint, PublishedFile
from explorer.weights.config import InputConvention
from explorer.weights.keymaps import Layout

_LAYOUT = Layout(
    {f"conv{level + 1}_{i}": f"down.{level}.conv{i}" for level in range(5) for i in (1, 2)}
    | {f"upv{level + 6}": f"up.{level}" for level in range(4)}
    | {f"conv{level + 6}_{i}": f"merge.{level}.conv{i}" for level in range(4) for i in (1, 2)}
    | {"conv10_1": "last"}
)


def _port(name: str, order: str, planes: str) -> PublishedCheckpoint:
    return PublishedCheckpoint(
        name,
        (PublishedFile("a state dict of this layout", None, _LAYOUT),),
        architecture="sid_unet",
        licence=UNPUBLISHED,
        summary=f"A SID U-Net under the names that PyTorch ports give its tensors, planes in the order {planes}.",
        input=InputConvention.model_validate(
            {"white_balance": "none", "clip": (0.0, 1.0), "ratio_rule": "dark_bin", "plane_order": order}
        ),
    )


SID = _port("sid_unet", "sid", "R, G(r), B, G(b)")
S2D = _port("sid_unet_s2d", "s2d", "R, G(r), G(b), B")
