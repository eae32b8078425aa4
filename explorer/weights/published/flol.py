"""FLOL: the two published weights."""

from __future__ import annotations

from functools import partial

from explorer.weights.checkpoint import Baseline, GitHubFolder
from explorer.weights.keymaps import Layout, renumbered


def _fourier(theirs: str, ours: str) -> dict[str, str]:
    return (
        {f"{theirs}.fpre": f"{ours}.first"}
        | renumbered(f"{theirs}.process1", f"{ours}.amplitude", (0, 2))
        | renumbered(f"{theirs}.process2", f"{ours}.angle", (0, 2))
    )


_BLOCK = {
    "": "", ".conv1": ".widen.0", ".conv2": ".widen.1", ".sge.dwc": ".gate", ".conv3": ".narrow", ".conv4": ".second",
    ".conv5": ".last", ".norm1": ".norm1", ".norm2": ".norm2",
}  # fmt: skip
_RESIDUAL = {"feature_extraction.0": "features", "recon_trunk.0": "trunk"} | renumbered(
    "recon_trunk_light", "light", range(6)
)
_LAYOUT = Layout(
    {"AmpNet.0.conv_init": "amplitude.first", "AmpNet.0.conv_out": "amplitude.last"}
    | {
        theirs: ours
        for i in range(3)
        for theirs, ours in (
            {f"AmpNet.0.conv{i + 1}{their}": f"amplitude.blocks.{i}{our}" for their, our in _BLOCK.items()}
            | _fourier(f"AmpNet.0.conv{i + 1}.fatt", f"amplitude.blocks.{i}.fourier")
        ).items()
    }
    | {
        theirs: ours
        for i in range(4)
        for theirs, ours in (
            _fourier(f"transformer.block.{i}.frequency_process", f"steps.{i}.fourier")
            | {f"transformer.block.{i}.cat": f"steps.{i}.join"}
        ).items()
    }
    | {
        f"{theirs}.conv{i}": f"{ours}.{ordinal}"
        for theirs, ours in _RESIDUAL.items()
        for i, ordinal in ((1, "first"), (2, "second"))
    }
    | {f"conv_first_{i + 1}": f"down.{i}" for i in range(3)}
    | {"upconv1": "up.0", "upconv2": "up.1", "HRconv": "join", "conv_last": "last"}
)
_PAGE = GitHubFolder("cidautai/FLOL", "3a3675e1bb39bca21a5353c3907ec7457261d8ae", "weights")
_trained = partial(
    _PAGE.trained, layout=_LAYOUT, what="FLOL as published", architecture="flol", licence="MIT", redistributable=True,
)  # fmt: skip
LOL_V2_REAL = _trained(
    "flol_lolv2real",
    "flolv2_all_111439.pt",
    "1e43dbdfc5a8d1ea015f8038544dd96bb530b9918e9e542e93b06a504cc17231",
    "LOL v2 (real)",
    None,
    Baseline("published FLOL, LOL v2 real", 21.07, 0.817, 24.75),
    aliases=("flol",),
    size=443466,
)
UHD_LL = _trained(
    "flol_uhdll",
    "flolv2_UHDLL.pt",
    "4415a5e5fd44c96c2e7e7d8a78196cc76c83cfb28ab2ec3e87620f9ce8ef87bb",
    "UHD-LL",
    False,
    Baseline("published FLOL, UHD-LL", 19.91, 0.777, 23.54),
    size=442536,
)
