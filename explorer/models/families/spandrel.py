"""Networks that the library spandrel supports and this package does not."""

from __future__ import annotations

from explorer.models.registry import Architecture

SPANDREL = Architecture(
    "spandrel",
    network="spandrel_net:SpandrelNet",
    title="A network of spandrel",
    domain="rgb",
    summary="A restoration network that the library spandrel knows, built from its tensors.",
    from_tensors=True,
    german_title="Ein Netz von spandrel",
    german="Ein Restaurierungsnetz, das die Bibliothek spandrel kennt, aus seinen Tensoren gebaut.",
)
