"""HVI-CIDNet: its authors' weights on the Hugging Face Hub, one repository per training."""

from __future__ import annotations

from explorer.weights.checkpoint import Baseline, PublishedCheckpoint, PublishedFile
from explorer.weights.keymaps import Layout

_ATTENTION = {
    "q": "query",
    "q_dwconv": "query_depthwise",
    "kv": "both",
    "kv_dwconv": "both_depthwise",
    "project_out": "out",
}
_GATED = {
    "project_in": "expand",
    "dwconv": "depthwise",
    "dwconv1": "first",
    "dwconv2": "second",
    "project_out": "reduce",
}


def _branch(theirs: str, ours: str, blocks: tuple[int, ...]) -> dict[str, str]:
    """Maps one branch: "I" for the intensity, "HV" for the colours."""
    modules = {f"{theirs}E_block0.1": f"{ours}.first", f"{theirs}D_block0.1": f"{ours}.last"}
    for i in range(3):
        down, up = f"{theirs}E_block{i + 1}", f"{theirs}D_block{i + 1}"
        modules |= {f"{down}.down.0": f"{ours}.down.{i}.conv", f"{down}.prelu": f"{ours}.down.{i}.act"}
        modules |= {f"{up}.up_scale.0": f"{ours}.up.{i}.conv", f"{up}.prelu": f"{ours}.up.{i}.act"}
        modules |= {f"{up}.up": f"{ours}.up.{i}.join"}
    for n in blocks:
        block, cross = f"{theirs}_LCA{n}", f"{ours}.cross.{n}"
        modules |= {f"{block}.norm": f"{cross}.norm", f"{block}.ffn": f"{cross}.attention"}
        modules |= {f"{block}.ffn.{a}": f"{cross}.attention.{b}" for a, b in _ATTENTION.items()}
        modules |= {f"{block}.gdfn.{a}": f"{cross}.intensity.{b}" for a, b in _GATED.items()}
    return modules


_LAYOUT = Layout(
    {"trans": "transform"} | _branch("I", "intensity", (1, 2, 3, 4, 6)) | _branch("HV", "colour", (1, 2, 3, 4, 5, 6)),
    ignored=("I_LCA5",),  # computed by the published code, but not used
)


def _on_hub(
    name: str, repository: str, data: str, seen: bool | None, reported: Baseline | None = None,
    aliases: tuple[str, ...] = (),
) -> PublishedCheckpoint:  # fmt: skip
    return PublishedCheckpoint(
        f"hvi_cidnet_{name}",
        (PublishedFile("model.safetensors", None, _LAYOUT, hub=f"Fediory/HVI-CIDNet-{repository}"),),
        architecture="hvi_cidnet",
        origin=f"https://huggingface.co/Fediory/HVI-CIDNet-{repository}",
        licence="MIT",
        redistributable=True,
        summary=f"HVI-CIDNet as published, trained on {data}.",
        trained_on=data,
        saw_eval15=seen,
        aliases=aliases,
        reported={} if reported is None else {"lol_eval15": reported},
    )


LOL_V1 = _on_hub(
    "lolv1_wperc", "LOLv1-wperc", "LOL, with a perceptual loss", True,
    Baseline("HVI-CIDNet with perceptual loss, by its authors", 23.81, 0.857, 27.71), ("hvi_cidnet",),
)  # fmt: skip
LOL_V1_PLAIN = _on_hub(
    "lolv1_woperc", "LOLv1-woperc", "LOL, without a perceptual loss", True,
    Baseline("HVI-CIDNet without perceptual loss, by its authors", 23.50, 0.870, 28.14),
)  # fmt: skip
LOL_V2_REAL_PSNR = _on_hub("lolv2_real_bestpsnr", "LOLv2-real-bestPSNR", "LOL v2 (real), best by PSNR", None)
LOL_V2_REAL_SSIM = _on_hub("lolv2_real_bestssim", "LOLv2-real-bestSSIM", "LOL v2 (real), best by SSIM", None)
LOL_V2_SYN = _on_hub("lolv2_syn_wperc", "LOLv2-syn-wperc", "LOL v2 (synthetic), with a perceptual loss", False)
LOL_V2_SYN_PLAIN = _on_hub(
    "lolv2_syn_woperc", "LOLv2-syn-woperc", "LOL v2 (synthetic), without a perceptual loss", False
)
GENERALIZATION = _on_hub("generalization", "Generalization", "LOL v2 (synthetic), with random gammas", False)
LOL_BLUR = _on_hub("lol_blur", "LOL-Blur", "LOL-Blur", None)
SICE = _on_hub("sice", "SICE", "SICE", False)
SID = _on_hub("sony_total_dark", "Sony-Total-Dark", "Sony-Total-Dark, developed from SID", False)
FIVE_K = _on_hub("fivek", "FiveK", "MIT-Adobe FiveK", False)
