"""FLIGHT-Net: the four published weights."""

from __future__ import annotations

from functools import partial

from explorer.weights.checkpoint import Baseline, GitHubFolder
from explorer.weights.keymaps import Layout, renumbered

_COLOUR, _GAIN, _TUNE, _DENOISE = "Color_Space_Linearization", "Gain_Correction", "FineTune", "Denoise"
_PASSES = ({"M_ResNet_init": "first", "L1_Split1": "wide", "L1_Split2": "narrow"},
           {"L2_init": "first", "L2_Split1": "wide", "L2_Split2": "narrow"})  # fmt: skip
_LAYOUT = Layout(
    renumbered(f"{_COLOUR}.enhance_feature", "colour.features", (0, 1, 3, 4))
    | renumbered(f"{_COLOUR}.Color_Feature", "colour.colours", (0, 1, 3))
    | renumbered(f"{_COLOUR}.gain_rate", "colour.rate", (0, 2))
    | {f"{_COLOUR}.tail.0": "colour.last"}
    | renumbered(f"{_GAIN}.enhance_feature", "gain.features", (0, 1, 3, 4))
    | renumbered(f"{_GAIN}.gain_rate", "gain.gain", (0, 2))
    | {f"{_TUNE}.init.0": "tune.first", f"{_TUNE}.convres": "tune.skip", f"{_TUNE}.tail": "tune.last"}
    | {
        theirs: ours
        for i in range(2)
        for theirs, ours in (
            renumbered(f"{_TUNE}.RC1_body.{i}.RC_init", f"tune.blocks.{i}.body", (0, 2))
            | renumbered(f"{_TUNE}.RC1_body.{i}.conv_du", f"tune.blocks.{i}.weights", (0, 2))
            | {f"{_TUNE}.RC1_body.{i}.convres": f"tune.blocks.{i}.skip"}
        ).items()
    }
    | {
        their: our
        for i, parts in enumerate(_PASSES)
        for theirs, ours in parts.items()
        for their, our in renumbered(f"{_DENOISE}.{theirs}", f"passes.{i}.{ours}", (0, 2, 4)).items()
    }
    | {f"{_DENOISE}.L{i + 1}_spxConv": f"passes.{i}.join" for i in range(2)}
    | renumbered(f"{_DENOISE}.M_ResNet_Tail", "last", (0, 2, 4))
)
_PAGE = GitHubFolder("aselsan-research-imaging-team/flight-net", "8222acb94b99c70b80caa1830775d073548105ba", "MODELS")
_trained = partial(
    _PAGE.trained, layout=_LAYOUT, size=135851, what="FLIGHT-Net as published", architecture="flight_net",
    licence="CC BY-NC-SA 4.0",
)  # fmt: skip
LOL = _trained(
    "flight_lol",
    "parameters_LOL.pth",
    "46cced06536997c8b10e2645ac7f6438e4b09eee15a1cce1c26bda8bc2280c2f",
    "LOL",
    True,
    Baseline("published FLIGHT-Net, LOL", 24.96, 0.851, 26.44),
    aliases=("flight_net",),
)
LOL_V2_REAL = _trained(
    "flight_lolv2_real",
    "parameters_LOLV2_Real.pth",
    "94469466ba9cf253ab13a611afcdfb2153d751fa356e784732bac9b972c6c79e",
    "LOL v2 (real)",
    None,
    Baseline("published FLIGHT-Net, LOL v2 real", 20.25, 0.809, 25.53),
)
LOL_V2_SYNTHETIC = _trained(
    "flight_lolv2_syn",
    "parameters_LOLV2_Syn.pth",
    "6f4d284e7ddce3f08ad2dd01f2d286e1c5ad82bccd530981b79fe8a203e8654d",
    "LOL v2 (synthetic)",
    False,
    Baseline("published FLIGHT-Net, LOL v2 synthetic", 14.66, 0.577, 21.28),
)
RELLISUR = _trained(
    "flight_rellisur",
    "parameters_Rellisur.pth",
    "cec9a4389d589fb9e697a454b543a86d3535fcf71c586b39efc6343246275efe",
    "RELLISUR",
    False,
    Baseline("published FLIGHT-Net, RELLISUR", 18.53, 0.729, 22.29),
)
