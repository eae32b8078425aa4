"""Zero-DCE++ as published."""

from __future__ import annotations

from explorer.weights.checkpoint import Baseline, GitHubFolder, PublishedCheckpoint
from explorer.weights.keymaps import Layout

_PAGE = GitHubFolder(
    "Li-Chongyi/Zero-DCE_extension", "09f202b690f82da939b8e6ec8535960ae97ad8bd", "Zero-DCE++/snapshots_Zero_DCE++"
)
_PARTS = ("depth_conv", "point_conv")

ZERO_DCE_PP = PublishedCheckpoint(
    "zero_dce_pp",
    (
        _PAGE.file(
            "Epoch99.pth",
            "ca8855b90df9a80fa4195a831f33d3476b1964f787eb70602797c773067f3b84",
            Layout({f"e_conv{i + 1}.{part}": f"convs.{i}.{k}" for i in range(7) for k, part in enumerate(_PARTS)}),
            52395,
        ),
    ),
    architecture="zero_dce_pp",
    origin=_PAGE.page,
    licence="CC BY-NC 4.0",
    trained_on="SICE, part 1",
    saw_eval15=False,
    summary="Zero-DCE++ as published.",
    figures={"lol_eval15": Baseline("published Zero-DCE++", 15.36, 0.568, 20.33)},
)
