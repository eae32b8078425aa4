"""LYT-Net in two dialects."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

_PAPER = (
    "Brateanu, Balmez, Avram, Orhei and Ancuti, LYT-NET: Lightweight YUV Transformer-Based Network for Low-Light Image "
    "Enhancement, IEEE Signal Processing Letters 2025"
)
_SIZE = SizeRequirements(minimum=8, multiple_of=8)
_U = Intermediate("chroma_u", "Chrominance U, denoised", (-0.6, 0.6), "diverging", "Chrominanz U, entrauscht")
_V = Intermediate("chroma_v", "Chrominance V, denoised", (-0.6, 0.6), "diverging", "Chrominanz V, entrauscht")


def _luminance(least: float) -> Intermediate:
    return Intermediate("luminance", "Luminance Y of the input", (least, 1.0), german="Luminanz Y der Eingabe")


LYT_NET = Architecture(
    "lyt_net",
    network="lyt_net:LytNet",
    title="LYT-Net",
    domain="rgb",
    summary="Brightness and colour apart (YUV), with attention over the whole picture; 44,923 parameters.",
    paper=_PAPER,
    size=_SIZE,
    intermediates=(_luminance(-1.0), _U, _V),
    german="Helligkeit und Farbe getrennt (YUV), mit Aufmerksamkeit über das ganze Bild; 44.923 Parameter.",
)
LYT_NET_TORCH = Architecture(
    "lyt_net_torch",
    network="lyt_net:LytNetTorch",
    title="LYT-Net (PyTorch)",
    domain="rgb",
    summary="LYT-Net as its authors' PyTorch code has it, which differs in details that weights are bound to.",
    paper=_PAPER,
    size=_SIZE,
    intermediates=(_luminance(0.0), _U, _V),
    german="LYT-Net im PyTorch-Code der Autoren; er weicht in Einzelheiten ab, an die Gewichte gebunden sind.",
)
