"""PMRID as published."""

from __future__ import annotations

from explorer.weights.checkpoint import GitHubFolder, PublishedCheckpoint
from explorer.weights.config import InputConvention, OutputConvention
from explorer.weights.keymaps import Layout


def _separable(theirs: str, ours: str) -> dict[str, str]:
    return {f"{theirs}.{part}": f"{ours}.{part}" for part in ("depthwise", "pointwise")}


def _layout() -> Layout:
    modules = {"conv0.conv": "first", "out1.conv": "last"} | _separable("encdec", "middle")
    for i in range(2):
        modules |= _separable(f"out0.conv{i}", f"before.conv{i + 1}")
    for stage, blocks in enumerate((2, 2, 4, 4)):
        modules |= _separable(f"enc{stage + 1}.0.proj", f"down.{stage}.0.shortcut")
        for b in range(blocks):
            for i in (1, 2):
                modules |= _separable(f"enc{stage + 1}.{b}.conv{i}", f"down.{stage}.{b}.conv{i}")
    for stage in range(4):
        theirs = f"dec{stage + 1}"
        modules |= {f"{theirs}.upsample": f"up.{stage}"} | _separable(f"{theirs}.proj_conv", f"skip.{stage}")
        for i in range(2):
            modules |= _separable(f"{theirs}.decode_conv.conv{i}", f"blocks.{stage}.conv{i + 1}")
    return Layout(modules)


_PAGE = GitHubFolder("MegEngine/PMRID", "8ebb9e8e96559881dee957f34243933c5beb77dd", "models")
PMRID = PublishedCheckpoint(
    "pmrid",
    (
        _PAGE.file(
            "torch_pretrained.ckp",
            "9361614f3514d27351d81909f2215c0fdc38619c0288d936b7266485ac106c14",
            _layout(),
            4183200,
        ),
    ),
    architecture="pmrid",
    origin=_PAGE.page,
    licence="Apache-2.0",
    redistributable=True,
    summary="PMRID as published: a RAW denoiser made for an OPPO Reno 10x, which the noise of others is brought to.",
    input=InputConvention(clip=None, ratio_rule="learned", plane_order="s2d", margin=32),
    output=OutputConvention(color="camera"),
    trained_on="clean RAW of an OPPO Reno 10x with noise added",
    saw_eval15=False,
)
