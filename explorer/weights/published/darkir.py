"""DarkIR: the medium network, from its authors' repository on the Hugging Face Hub."""

from __future__ import annotations

from explorer.weights.checkpoint import PublishedCheckpoint, PublishedFile
from explorer.weights.keymaps import Layout

_SHARED = {"": "", ".conv1": ".expand", ".sca.1": ".weigh", ".conv3": ".mix", ".norm1": ".norm1", ".norm2": ".norm2"}
_ENCODER = _SHARED | {
    ".branches.0.branch.0": ".branches.0", ".extra_conv": ".depthwise",
    ".freq.process1.0": ".amplitude.0", ".freq.process1.2": ".amplitude.2",
}  # fmt: skip
_DECODER = (
    _SHARED
    | {f".branches.{i}.branch.0": f".branches.{i}" for i in range(3)}
    | {".extra_conv": ".grouped", ".conv4": ".gate", ".conv5": ".reduce"}
)


def _blocks(theirs: str, ours: str, names: dict[str, str], count: int) -> dict[str, str]:
    return {f"{theirs}.modules_list.{n}{a}": f"{ours}.{n}{b}" for n in range(count) for a, b in names.items()}


def _layout() -> Layout:
    modules = {"intro": "first", "ending": "last", "side_out": "side"}
    for i, (down, up) in enumerate(zip((1, 2, 3), (3, 1, 1), strict=True)):
        modules |= {f"downs.{i}": f"down.{i}", f"ups.{i}.0": f"up.{i}"}
        modules |= _blocks(f"encoders.{i}", f"encoder.{i}", _ENCODER, down)
        modules |= _blocks(f"decoders.{i}", f"decoder.{i}", _DECODER, up)
    modules |= _blocks("middle_blks_enc", "middle_encoder", _ENCODER, 2)
    return Layout(modules | _blocks("middle_blks_dec", "middle_decoder", _DECODER, 2))


M = PublishedCheckpoint(
    "darkir_m",
    (PublishedFile("DarkIR_384.pt", None, _layout(), size=13397397, hub="Cidaut/DarkIR"),),
    architecture="darkir",
    origin="https://huggingface.co/Cidaut/DarkIR",
    licence="CC BY 4.0",
    redistributable=True,
    summary="DarkIR-m as published, trained on LOL-Blur.",
    trained_on="LOL-Blur",
    aliases=("darkir",),
)
