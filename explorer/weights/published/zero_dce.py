"""Zero-DCE as published."""

from __future__ import annotations

from explorer.weights.checkpoint import RAW_FILES, Baseline, PublishedCheckpoint, PublishedFile
from explorer.weights.keymaps import Layout

_FILES = f"{RAW_FILES}/Li-Chongyi/Zero-DCE/43f9da935d55758d93b54a47ce5872c96b342668/Zero-DCE_code/snapshots"

ZERO_DCE = PublishedCheckpoint(
    "zero_dce",
    (
        PublishedFile(
            "Epoch99.pth",
            "a4395acb874f320375d9704997cef874eaaaaa26a1777ceb29a92b70f74c3612",
            Layout({f"e_conv{i + 1}": f"convs.{i}" for i in range(7)}),
            url=f"{_FILES}/Epoch99.pth",
            size=320017,
        ),
    ),
    architecture="zero_dce",
    origin="https://github.com/Li-Chongyi/Zero-DCE/tree/master/Zero-DCE_code/snapshots",
    licence="CC BY-NC 4.0",
    trained_on="SICE, part 1",
    saw_eval15=False,
    summary="Zero-DCE as published.",
    figures={"lol_eval15": Baseline("published Zero-DCE", 14.86, 0.559, 20.95)},
    compared_with=("zero_dce.lol",),
)
