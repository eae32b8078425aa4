"""LYT-Net: the paper's three weights, for TensorFlow, and one of the authors' PyTorch code."""

from __future__ import annotations

from functools import partial

from explorer.weights.checkpoint import Baseline, GitHubFolder, PublishedCheckpoint
from explorer.weights.keymaps import Layout

_REST = ("luminance", "blue", "red", "shortcut", "reference", "recombine", "last")
_ATTENTION = ("query", "key", "value", "out")


def _tensorflow() -> Layout:
    """Maps Keras's layers, numbered in order of creation: first and second denoiser, then the rest."""
    modules = {f"conv2d_{18 + i}": ours for i, ours in enumerate(_REST)}
    modules |= {f"dense_{12 + i}": f"attention.{ours}" for i, ours in enumerate(_ATTENTION)}
    modules |= {"dense_16": "fusion.squeeze", "dense_17": "fusion.excite"}
    modules |= {"layer_normalization": "fusion.norm", "depthwise_conv2d": "fusion.depthwise"}
    convolutions = ("first", "down.0", "down.1", "down.2", "last", "residual")
    for i, (conv, dense) in enumerate(((6, 4), (12, 8))):
        modules |= {f"conv2d_{conv + k}": f"denoisers.{i}.{ours}" for k, ours in enumerate(convolutions)}
        modules |= {f"dense_{dense + k}": f"denoisers.{i}.attention.{ours}" for k, ours in enumerate(_ATTENTION)}
    return Layout(modules)


def _torch() -> Layout:
    names = ("process_y.0", "process_cb.0", "process_cr.0", "lum_conv", "ref_conv", "recombine", "final_adjustments")
    parts = ("query_dense", "key_dense", "value_dense", "combine_heads")
    convolutions = {f"conv{k + 2}": f"down.{k}" for k in range(3)}
    convolutions |= {"conv1": "first", "output_layer": "last", "res_layer": "residual"}
    modules = dict(zip(names, _REST, strict=True))
    fusion = {
        "layer_norm.norm": "norm",
        "depthwise_conv": "depthwise",
        "se_attn.fc1": "squeeze",
        "se_attn.fc2": "excite",
    }
    modules |= {f"msef.{theirs}": f"fusion.{ours}" for theirs, ours in fusion.items()}
    for theirs, ours in (("denoiser_cb", "denoisers.0."), ("denoiser_cr", "denoisers.1."), ("", "")):
        attention = f"{theirs}.bottleneck" if theirs else "lum_mhsa"
        modules |= {f"{attention}.{a}": f"{ours}attention.{b}" for a, b in zip(parts, _ATTENTION, strict=True)}
        modules |= {f"{theirs}.{a}": f"{ours}{b}" for a, b in convolutions.items() if theirs}
    return Layout(modules)


_PAGE = GitHubFolder("albrateanu/LYT-Net", "91150b329d6d9aed67dcfa020cc396847cacf162", "pretrained_weights")
_FORK = GitHubFolder("TKgitmode/LYT-Net", "52d7921bac40578459e09a1541384a2dc40e1da6", "PyTorch")
_LAYOUT = _tensorflow()
_paper = partial(
    _PAGE.trained, layout=_LAYOUT, size=264864, what="LYT-Net as published (TensorFlow)", architecture="lyt_net",
    licence="none stated when the file was published; the repository is MIT since",
)  # fmt: skip
LOL_V1 = _paper(
    "lyt_net_tf_lolv1",
    "LOL_v1_weights.h5",
    "9e0aeeb2e1fe285aa2f28b33d0a3fa7f2e13420e1997f2d54c926368ebf8ac7e",
    "LOL",
    True,
    Baseline("published LYT-Net, LOL", 24.13, 0.844, 28.17),
    aliases=("lyt_net",),
)
LOL_V2_REAL = _paper(
    "lyt_net_tf_lolv2_real",
    "LOL_v2_real_weights.h5",
    "0deee4da2192ac9ed6f1daa69c05627a30ecf0c6c0c7af167bb19daaa9c07042",
    "LOL v2 (real)",
    None,
)
LOL_V2_SYNTHETIC = _paper(
    "lyt_net_tf_lolv2_synthetic",
    "LOL_v2_synthetic_weights.h5",
    "57e900f7d8f7f0de46de953c6bb347fb077ba4a772a7f1f1a2bd73524b12596b",
    "LOL v2 (synthetic)",
    False,
)
TORCH = PublishedCheckpoint(
    "lyt_net_torch",
    (
        _FORK.file(
            "best_model.pth", "e31335034d2ec7850ef628a049c0008fee25b3c99334d8d4fb6cfc19e3a627f8", _torch(), 204578
        ),
    ),
    architecture="lyt_net_torch",
    origin=_FORK.page,
    licence="MIT",
    redistributable=True,
    summary="LYT-Net's PyTorch code, trained on LOL by the owner of a fork.",
    trained_on="LOL",
    saw_eval15=True,
)
