"""RetinexNet: the published PyTorch port, and four published trainings of its variants."""

from __future__ import annotations

from explorer.weights.checkpoint import NO_LICENCE, RAW_FILES, Baseline, PublishedCheckpoint, PublishedFile
from explorer.weights.keymaps import Layout

_PORT_DECOM = Layout(
    {"net1_conv0": "decom.first", "net1_recon": "decom.last"}
    # The ReLUs between the convolutions have the odd numbers.
    | {f"net1_convs.{2 * i}": f"decom.body.{i}" for i in range(5)}
)
_PORT_RELIGHT = Layout(
    {"net2_conv0_1": "relight.down.0"}
    | {f"net2_conv1_{i}": f"relight.down.{i}" for i in (1, 2, 3)}
    | {f"net2_deconv1_{i + 1}": f"relight.up.{i}" for i in range(3)}
    | {"net2_fusion": "relight.fusion", "net2_output": "relight.last"}
)
_DECOM = Layout({"conv0": "decom.first", "conv6": "decom.last"} | {f"conv{i + 1}": f"decom.body.{i}" for i in range(5)})
_RELIGHT = Layout(
    {f"conv{i}": f"relight.down.{i}" for i in range(4)}
    | {f"deconv{i + 1}": f"relight.up.{i}" for i in range(3)}
    | {"convO": "relight.fusion", "convF": "relight.last"}
)
_EVAL15 = "lol_eval15"
_PORT_FILES = f"{RAW_FILES}/aasharma90/RetinexNet_PyTorch/d03dabc249166db4896c54aa2ea906f862959a8e/ckpts"
_VARIANTS = "DaniFojo/2022-image-enhancing-project"
_VARIANT_FILES = f"{RAW_FILES}/{_VARIANTS}/ab984297c490902b4aae7f407ae1a4ae90888933/checkpoints"

PORT = PublishedCheckpoint(
    "retinexnet_port",
    (
        PublishedFile(
            "decom_9200.tar",
            "40c090e3bb884e697f6b396fe7fddade67172b30b428daa316c68a0b9247d4b5",
            _PORT_DECOM,
            "decom",
            url=f"{_PORT_FILES}/Decom/9200.tar",
            size=833535,
        ),
        PublishedFile(
            "relight_9200.tar",
            "513ae3a0bf503b9a6ecce1a46112135aefcfeb393cf61531e18cc3356701efde",
            _PORT_RELIGHT,
            "relight",
            url=f"{_PORT_FILES}/Relight/9200.tar",
            size=1392856,
        ),
    ),
    architecture="retinexnet",
    options={"variant": "port", "relight": True},
    origin="https://github.com/aasharma90/RetinexNet_PyTorch",
    licence=NO_LICENCE,
    summary="RetinexNet's published PyTorch port.",
    aliases=("retinexnet",),
    figures={_EVAL15: Baseline("published PyTorch port", 17.61, 0.648, 20.25)},
)


def _variant(
    recipe: str, stem: str, digests: tuple[str, str], summary: str, figures: Baseline, variant: str = "resize",
    relight: bool = True,
) -> PublishedCheckpoint:  # fmt: skip
    folder = f"{_VARIANT_FILES}/{'split' if 'split' in stem else 'join'}"
    # Files of the same kind differ in size only by the tensors' names.
    sizes = (2277095, 2858243) if "split" in stem else (2277159, 2471003)
    parts = (("decom", _DECOM, True), ("relight", _RELIGHT, relight))
    files = tuple(
        PublishedFile(f"{stem}_{role}.pt", digest, layout, role, used, f"{folder}/{stem}_{role}.pt", size)
        for (role, layout, used), digest, size in zip(parts, digests, sizes, strict=True)
    )
    return PublishedCheckpoint(
        f"retinexnet_{recipe}",
        files,
        architecture="retinexnet",
        options={"variant": variant, "relight": relight},
        origin=f"https://github.com/{_VARIANTS}/tree/main/checkpoints",
        licence=NO_LICENCE,
        summary=summary,
        figures={_EVAL15: figures},
        compared_with=(f"retinexnet.{recipe}",),
    )


SPLIT_RESIZE = _variant(
    "split_resize",
    "2022_04_14_17_50_55_model_split",
    (
        "c18f018a06342ca81675917952ad16a26029c260767a28053c2910047b05529d",
        "a163d18f83b52586b232220b07df33bf544c26a2c40a676cab2815c1bd7779cb",
    ),
    "RetinexNet with the Decom-Net trained first, then the Relight-Net.",
    Baseline("published `split_resize`", 17.82, 0.573, 20.69),
)
SPLIT_TRANSPOSE = _variant(
    "split_transpose",
    "2022_04_15_18_47_52_model_split_conv_trans",
    (
        "03a9aa01c7737b03a635d0c069f09fb209d909875ca4029b32c8b2fa513d800e",
        "a92b5d6c612ca01b63d331a4ffda17887175035f52ecb636762f3b913d139dd1",
    ),
    "RetinexNet trained in two steps, with transposed convolutions.",
    Baseline("published `split_transpose`", 17.95, 0.553, 20.74),
    variant="transpose",
)
JOINT = _variant(
    "joint",
    "2022_04_13_17_46_58_model_join",
    (
        "948a866e37a10d8473b0cb23566d592a74a966e0a2ff9c2db2d0c52f432183d4",
        "804510616b53bbc0fc30791dda1c6b37f5c233040c40732e00a05f7188d9640b",
    ),
    "RetinexNet with both networks trained at once; its enhanced illumination collapsed, so the image is black.",
    Baseline("published `joint`, which collapsed to black", 6.38, 0.019, 6.32),
)
JOINT_DECOM_ONLY = _variant(
    "joint_decom_only",
    "2022_04_14_05_48_14_model_join_enh1",
    (
        "c5119f0abed5bec4765e37e48039eb55efdd125bd9ed7408626b47853ecded37",
        "460efb090ef618fcd3f8cfddcc94dac4061359f438f1970d8e58f3b5e6f5ef0c",
    ),
    "RetinexNet whose image is the reflectance: trained with an enhanced illumination of 1.",
    Baseline("published `joint_decom_only`", 18.32, 0.695, 21.47),
    relight=False,
)
