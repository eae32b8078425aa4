"""FourLLIE: one of its published weights."""

from __future__ import annotations

from explorer.weights.checkpoint import NO_LICENCE, Baseline, GitHubFolder
from explorer.weights.keymaps import Layout, renumbered

_ORDER = ("first", "second")


def _frequency(theirs: str, ours: str, spatial: bool) -> dict[str, str]:
    fourier = f"{theirs}.frequency_process"
    modules = {f"{theirs}.cat": f"{ours}.join", f"{fourier}.fpre": f"{ours}.fourier.first"}
    modules |= renumbered(f"{fourier}.process1", f"{ours}.fourier.amplitude", (0, 2))
    modules |= renumbered(f"{fourier}.process2", f"{ours}.fourier.angle", (0, 2))
    if spatial:
        modules |= {f"{theirs}.spatial_process.block.{2 * i}": f"{ours}.spatial.{_ORDER[i]}" for i in range(2)}
    return modules


def _residual(theirs: str, ours: str) -> dict[str, str]:
    return {f"{theirs}.conv{i + 1}": f"{ours}.{_ORDER[i]}" for i in range(2)}


def _layout() -> Layout:
    net = "AmpNet.0"
    modules = {f"{net}.conv0.0": "amplitude.first"}
    for i, block in enumerate(("conv0.1", "conv1", "conv2", "conv3")):
        modules |= _frequency(f"{net}.{block}", f"amplitude.blocks.{i}", True)
    for i, block in enumerate(("conv4", "conv5", "convout")):
        modules |= _frequency(f"{net}.{block}.0", f"amplitude.joined.{i}", True)
        modules |= {f"{net}.{block}.1": f"amplitude.reduce.{i}"}
    for i in range(5):
        modules |= _frequency(f"transformer.conv{i + 1}", f"steps.{i}", False)
    for i in range(6):
        modules |= _residual(f"recon_trunk_light.{i}", f"light.{i}")
    modules |= _residual("feature_extraction.0", "features") | _residual("recon_trunk.0", "trunk")
    modules |= {f"conv_first_{i + 1}": f"down.{i}" for i in range(3)}
    return Layout(modules | {"upconv1": "up.0", "upconv2": "up.1", "HRconv": "join", "conv_last": "last"})


_PAGE = GitHubFolder("wangchx67/FourLLIE", "e8c7a9802185b6eda9e6756e383a3a3994125d01", "pre-trained")
LOL_V2_REAL = _PAGE.trained(
    "fourllie_lol2real",
    "lol2-real.pth",
    "eff41549274ce63e10cdece0f4e003a20d812141b9d75bc638e9db058cd34649",
    "LOL v2 (real)",
    None,
    Baseline("published FourLLIE, LOL v2 real", 20.03, 0.820, 25.05),
    layout=_layout(),
    size=562237,
    what="FourLLIE as published",
    architecture="fourllie",
    licence=NO_LICENCE,
    aliases=("fourllie",),
)
