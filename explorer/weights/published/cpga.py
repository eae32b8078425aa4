"""CPGA-Net as published."""

from __future__ import annotations

from explorer.weights.checkpoint import (
    LOL_DARKNESS,
    Baseline,
    GitHubFolder,
    PublishedCheckpoint,
)
from explorer.weights.config import InputConvention
from explorer.weights.keymaps import Layout


def _residual(theirs: str, ours: str) -> dict[str, str]:
    return {f"{theirs}.body.0": f"{ours}.conv1", f"{theirs}.body.2": f"{ours}.conv2"}


def _attentive(theirs: str, ours: str) -> dict[str, str]:
    names = {"conv1": "conv1", "bn1": "norm1", "conv2": "conv2", "bn2": "norm2"}
    names |= {"ca.fc.0": "squeeze", "ca.fc.2": "excite", "sa.conv1": "where"}
    return {f"{theirs}.{a}": f"{ours}.{b}" for a, b in names.items()}


_LAYOUT = Layout(
    {f"ll.conv{i + 1}": f"scattering.convs.{i}" for i in range(4)}
    | {"ll.conv5": "scattering.transmission", "ll.conv1_A": "scattering.light.0", "ll.conv4_A": "scattering.light.4"}
    | _residual("ll.conv2_A", "scattering.light.1")
    | _residual("ll.conv3_A", "scattering.light.3")
    | {"conv1_g": "gamma.0", "conv4_g": "gamma.3", "conv1_post_g": "join.0", "conv3_post_g": "join.2"}
    | _attentive("conv2_g", "gamma.1")
    | _attentive("conv3_g", "gamma.2")
    | _residual("conv2_post_g", "join.1")
)
_PAGE = GitHubFolder("Shyandram/CPGA-Net-Pytorch", "8c535622100b6c3acf70cbfb221bb2430648d0b1", "weights")
_FILE = "enhance_color-llie-ResCBAM_g.pkl"

# Photos with a different mean light are scaled to LOL's. On SICE's validation pictures (mean light 0.048) this is 1.4
# dB better than without, and 3.3 dB in GT-mean PSNR; on six Kodak photos, darkened by 5, 3.3 and 3.2 dB.
CPGA = PublishedCheckpoint(
    "cpga",
    (_PAGE.file(_FILE, "facd2ff922191c7cba8a38a109c4535aeaf4e8b213eaaaf9244d87dfafd66cf0", _LAYOUT, 375017),),
    architecture="cpga",
    origin=_PAGE.page,
    licence="MIT",
    redistributable=True,
    summary="CPGA-Net as its authors give it; not the weights of their paper, they say.",
    input=InputConvention(clip=(0.0, 1.0), ratio_rule="none", darkness=LOL_DARKNESS),
    trained_on="LOL",
    saw_eval15=True,
    figures={"lol_eval15": Baseline("published CPGA-Net", 19.84, 0.716, 23.73)},
)
