"""SCI: the three published weights."""

from __future__ import annotations

from explorer.weights.checkpoint import RAW_FILES, Baseline, PublishedCheckpoint, PublishedFile
from explorer.weights.keymaps import Layout

_LAYOUT = Layout(
    {
        "enhance.in_conv.0": "first",
        "enhance.conv.0": "block",
        "enhance.conv.1": "norm",
        "enhance.out_conv.0": "last",
    },
    # The self-calibrating network is only used in training.
    ignored=("calibrate",),
    repeated={"enhance.blocks.0.0": "enhance.conv.0", "enhance.blocks.0.1": "enhance.conv.1"},
)


def _grade(grade: str, digest: str, figures: Baseline, aliases: tuple[str, ...] = ()) -> PublishedCheckpoint:
    url = f"{RAW_FILES}/vis-opt-group/SCI/HEAD/weights/{grade}.pt"
    return PublishedCheckpoint(
        f"sci_{grade}",
        (PublishedFile(f"{grade}.pt", digest, _LAYOUT, url=url, size=43967),),
        architecture="sci",
        origin="https://github.com/vis-opt-group/SCI/tree/main/weights",
        licence="MIT",
        redistributable=True,
        summary=f"SCI as published, trained for {grade} pictures.",
        aliases=aliases,
        figures={"lol_eval15": figures},
        compared_with=("sci.lol",),
    )


EASY = _grade(
    "easy",
    "b17326a26a93bf187ecbab217f9d3c57467a8b56020d4d9ff600ba257bbffb36",
    Baseline("published SCI, easy", 9.63, 0.375, 18.58),
)
MEDIUM = _grade(
    "medium",
    "4ff1e7e66e8f18114f790e5085ca4c936f0858e329e7ad1cb65b8aa09a9c6916",
    Baseline("published SCI, medium", 14.85, 0.524, 19.13),
    aliases=("sci",),
)
DIFFICULT = _grade(
    "difficult",
    "657fa1f280cae1035df0d5cbe628e91f2d0f28660df608a3fa3f7e9a71da5a13",
    Baseline("published SCI, difficult", 13.87, 0.529, 19.64),
)
