"""URetinex-Net as published: three files, and a fourth that is only used in training."""

from __future__ import annotations

from explorer.weights.checkpoint import Baseline, GitHubFolder, PublishedCheckpoint
from explorer.weights.config import InputConvention
from explorer.weights.keymaps import Layout

_INIT = Layout({f"decom.{2 * i}": f"split.{2 * i}" for i in range(4)})
_UNFOLDING = Layout(
    {"model_R.conv1": "reflectance.reflectance", "model_R.conv2": "reflectance.illumination"}
    | {"model_R.se_layer.fc.0": "reflectance.squeeze", "model_R.se_layer.fc.2": "reflectance.excite"}
    | {f"model_R.conv{3 + i}": f"reflectance.body.{i}" for i in range(5)}
    | {"model_R.conv8": "reflectance.last"}
    | {f"model_L.conv{1 + i}": f"illumination.{2 * i}" for i in range(5)}
)
_ADJUST = Layout({f"conv{1 + i}": f"adjust.{2 * i}" for i in range(4)})
_PAGE = GitHubFolder("AndersonYong/URetinex-Net", "7ee2196e093b6a9ae5c20242e48f9d61021b6364", "ckpt")

URETINEX = PublishedCheckpoint(
    "uretinex",
    tuple(
        _PAGE.file(f"{role}.pth", digest, layout, size, role, role != "init_high")
        for role, digest, layout, size in (
            ("init_low", "00a8d28ecaff67a79e045b3324bfab57d8ef18236a96a94aa9bcecccbb1f7e2d", _INIT, 250453),
            ("unfolding", "65ec556a3bd673cc4571bdd937ad38e44a56cbb011b81ad933b7d6ebeb6d55b5", _UNFOLDING, 3207861),
            ("L_adjust", "6caba8b00e32758323294f3d49fcc0337e1884964cdebb85ae733ebd67442eda", _ADJUST, 1802447),
            ("init_high", "7d11c3269a7db61301700c2d425788ea970b9a1418c9d4b376b624ce0eed36ba", _INIT, 250437),
        )
    ),
    architecture="uretinex",
    origin=_PAGE.page,
    licence="non-commercial (its page says so; its licence file says MIT)",
    summary="URetinex-Net as published; the ratio says how much brighter, from 3 to 5 where its authors are asked.",
    input=InputConvention(clip=(0.0, 1.0), ratio_rule="fixed", ratio=5.0),
    trained_on="LOL",
    saw_eval15=True,
    figures={"lol_eval15": Baseline("published URetinex-Net, ratio 5", 19.88, 0.826, 24.63)},
)
