"""PairLIE as published."""

from __future__ import annotations

from explorer.weights.checkpoint import LOL_DARKNESS, NO_LICENCE, Baseline, GitHubFolder, PublishedCheckpoint
from explorer.weights.config import InputConvention
from explorer.weights.keymaps import Layout

_PARTS = {"N": "denoise", "L": "illumination", "R": "reflectance"}
# In the files, a reflection and a ReLU are between the convolutions; in ours, only a ReLU.
_LAYOUT = Layout({f"{n}_net.{n}_net.{1 + 3 * i}": f"{ours}.{2 * i}" for n, ours in _PARTS.items() for i in range(5)})
_PAGE = GitHubFolder("zhenqifu/PairLIE", "3fd5c1586aa5f8f0736382de36d5bf46a4e208c2", "weights")

PAIRLIE = PublishedCheckpoint(
    "pairlie",
    (_PAGE.file("PairLIE.pth", "e223ec9e66504550e69f65b631ce520be9b5c4e8e0aba882768d06af355b0631", _LAYOUT, 1377483),),
    architecture="pairlie",
    origin=_PAGE.page,
    licence=NO_LICENCE,
    summary="PairLIE as published, trained on pairs of dark pictures without bright ones.",
    # The exponent 0.14, which its authors use for LOL.
    input=InputConvention(clip=(0.0, 1.0), ratio_rule="fixed", ratio=106.0, darkness=LOL_DARKNESS),
    trained_on="dark pictures of LOL and SICE",
    saw_eval15=True,
    figures={"lol_eval15": Baseline("published PairLIE", 19.52, 0.736, 23.20)},
)
