"""Retinexformer: its authors' files are on cloud drives from which programs cannot download."""

from __future__ import annotations

from explorer.weights.checkpoint import Baseline, PublishedCheckpoint, PublishedFile
from explorer.weights.keymaps import Layout, renumbered

_ATTENTION = {
    "to_q": "query",
    "to_k": "key",
    "to_v": "value",
    "proj": "out",
    "pos_emb.0": "position.0",
    "pos_emb.2": "position.2",
}


def _block(theirs: str, ours: str) -> dict[str, str]:
    return (
        {f"{theirs}.0": f"{ours}.attention", f"{theirs}.1.norm": f"{ours}.norm"}
        | {f"{theirs}.0.{a}": f"{ours}.attention.{b}" for a, b in _ATTENTION.items()}
        | renumbered(f"{theirs}.1.fn.net", f"{ours}.forwards", (0, 2, 4))
    )


def _layout() -> Layout:
    estimator, denoiser = "body.0.estimator", "body.0.denoiser"
    modules = {f"{denoiser}.embedding": "embedding", f"{denoiser}.mapping": "mapping"}
    parts = {"conv1": "first", "depth_conv": "grouped", "conv2": "last"}
    modules |= {f"{estimator}.{a}": f"estimator.{b}" for a, b in parts.items()}
    for level, blocks in enumerate((1, 2)):
        down, up = f"{denoiser}.encoder_layers.{level}", f"{denoiser}.decoder_layers.{1 - level}"
        ours = f"levels.{level}"
        modules |= {f"{down}.1": f"{ours}.down", f"{down}.2": f"{ours}.down_light"}
        modules |= {f"{up}.0": f"{ours}.up", f"{up}.1": f"{ours}.join"}
        for b in range(blocks):
            modules |= _block(f"{down}.0.blocks.{b}", f"{ours}.before.{b}")
            modules |= _block(f"{up}.2.blocks.{b}", f"{ours}.after.{b}")
    for b in range(2):
        modules |= _block(f"{denoiser}.bottleneck.blocks.{b}", f"bottleneck.{b}")
    return Layout(modules)


LOL_V1 = PublishedCheckpoint(
    "retinexformer_lol_v1",
    (PublishedFile("LOL_v1.pth", None, _layout()),),
    architecture="retinexformer",
    origin="https://github.com/caiyuanhao1998/Retinexformer",
    licence="MIT",
    redistributable=True,
    summary="Retinexformer as published, trained on LOL; download it yourself from the drives that its page links to.",
    trained_on="LOL",
    saw_eval15=True,
    aliases=("retinexformer",),
    reported={"lol_eval15": Baseline("Retinexformer, by its authors", 25.16, 0.845)},
)
