"""Lamba & Mitra: M0 as published, and the layouts of the modifications M1 and M2."""

from __future__ import annotations

from collections.abc import Iterable

from explorer.weights.checkpoint import MOSAIC, RAW_FILES, UNPUBLISHED, Baseline, PublishedCheckpoint, PublishedFile
from explorer.weights.keymaps import Layout


def _dense(theirs: str, ours: str, layers: int) -> dict[str, str]:
    """Maps a residual dense block: the first layer's conv is stored as `conv.0`, the others' as `conv.1`."""
    modules = {f"{theirs}.dense_layers.{i}.conv.{min(i, 1)}": f"{ours}.dense.{i}" for i in range(layers)}
    return modules | {f"{theirs}.conv_1x1.0": f"{ours}.fuse"}


def _chain(ours: str, stem: str, blocks: Iterable[tuple[str, int]], fuse: str, conv: str) -> dict[str, str]:
    """Maps a coarse scale: its stem, dense blocks with their layers, their fusion, and the conv after upsampling."""
    modules = {f"{stem}.{i}.0": f"{ours}.chain.stem.{i}" for i in range(2)}
    for i, (block, layers) in enumerate(blocks):
        modules |= _dense(block, f"{ours}.chain.blocks.{i}", layers)
    return modules | {f"{fuse}.0": f"{ours}.chain.fuse", f"{conv}.0": f"{ours}.conv"}


_SHARED = {
    "resblock8x.conv1.0": "residual8.conv1",
    "resblock8x.conv2.0": "residual8.conv2",
    "conv32_8_cat.0.0": "join1",
    "conv32_8_cat.1.0": "join2",
    "conv2x.0": "scale2",
    "conv_2_8_32.0": "tail",
}
_M0 = Layout(_SHARED | _chain("scale32", "conv32x", [("RDB1", 4), ("RDB2", 5), ("RDB3", 5)], "rdball", "conv_rdb8x"))
_M1 = Layout(
    _SHARED
    | _chain("scale8", "conv64x", [("RDB1", 4), ("RDB2", 5)], "rdball3", "conv_rdb8x0")
    | _chain("scale32", "conv32x", [("RDB3", 5), ("RDB4", 5)], "rdball1", "conv_rdb8x1")
    | _chain("scale16", "conv16x", [("RDB5", 5), ("RDB6", 5)], "rdball2", "conv_rdb8x2")
    | {"conv_rdb8x4.0": "fuse"},
    ignored=("conv_rdb8x3",),
)
_M2 = Layout(
    _SHARED
    | _chain("scale32", "conv32x", [("RDB1", 5), ("RDB2", 5)], "rdball2", "conv_rdb8x1")
    | _chain("scale16", "conv16x", [("RDB3", 5), ("RDB4", 5)], "rdball3", "conv_rdb8x2")
    | _chain("scale8", "conv4x", [("RDB5", 5), ("RDB6", 5)], "rdball4", "conv_rdb8x3")
    | _dense("RDB7", "refine32", 5)
    | _dense("RDB8", "refine16", 5)
    | _dense("RDB9", "refine8", 5)
    | {"conv_rdb8x4.0": "fuse_refined", "conv_rdb8x5.0": "fuse_direct", "conv_rdb8x6.0": "fuse"},
    ignored=("conv64x", "rdball1", "conv_rdb8x0"),
)
_REPOSITORY = "MohitLamba94/Restoring-Extremely-Dark-Images-In-Real-Time"

M0 = PublishedCheckpoint(
    "lamba_m0",
    (
        PublishedFile(
            "weights",
            "e7a4f76cf12b9f69ae35b2c2bab3356a36669660ab3128a0e65d6f4c82517163",
            _M0,
            url=f"{RAW_FILES}/{_REPOSITORY}/HEAD/demo_imgs/weights",
            size=3153787,
        ),
    ),
    architecture="lamba_m0",
    origin=f"https://github.com/{_REPOSITORY}/tree/main/demo_imgs",
    licence="non-commercial, patent pending",
    summary="Lamba & Mitra's network as published.",
    trained_on="SID, Sony",
    saw_eval15=False,
    input=MOSAIC,
    aliases=("lamba_mitra",),
    # `lowlight eval --synthetic-raw kodak24 --ratios 10,30,100,300 -m identity -m nlm -m lamba_m0`
    figures={
        "kodak24_base_iso_raw_10": Baseline("published M0", 20.95, 0.660),
        "kodak24_base_iso_raw_30": Baseline("published M0", 20.87, 0.656),
        "kodak24_base_iso_raw_100": Baseline("published M0", 20.70, 0.640),
        "kodak24_base_iso_raw_300": Baseline("published M0", 20.48, 0.607),
    },
    # No weights of M1, M2 and the U-Net are published in a form for all cameras; M0's are the comparison for all of
    # them.
    compared_with=(
        "lamba_m0.raw_synthetic", "lamba_m1.raw_synthetic", "lamba_m2.raw_synthetic", "sid_unet.raw_synthetic",
        "res_unet.raw_synthetic", "res_unet.raw_synthetic_8bit",
    ),
)  # fmt: skip
M1 = PublishedCheckpoint(
    "m1",
    (PublishedFile("a state dict of this layout", None, _M1),),
    architecture="lamba_m1",
    licence=UNPUBLISHED,
    summary="Lamba & Mitra's network in the modification M1.",
    input=MOSAIC,
)
M2 = PublishedCheckpoint(
    "m2",
    (PublishedFile("a state dict of this layout", None, _M2),),
    architecture="lamba_m2",
    licence=UNPUBLISHED,
    summary="Lamba & Mitra's network in the modification M2.",
    input=MOSAIC,
)
