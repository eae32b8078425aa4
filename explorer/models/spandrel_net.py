"""Size-preserving restoration networks of the library spandrel (MIT), which recognises a network by its tensors.

The library is an extra. It is imported when such a network is built, or for a checkpoint that no other reader
recognises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from explorer.errors import WeightsError
from explorer.models.base import RestorationNet
from explorer.models.registry import SizeRequirements

PREFIX = "net."
"""Prefix of the authors' tensor names."""
_OVERLAP = 64
"""Overlap of tiles, in samples, for networks that the library declares safe to tile."""
BRIGHTENING = frozenset({"HVICIDNet", "RetinexFormer"})
"""Networks that brighten by themselves; all others get the amplified picture."""
_PERMISSIVE = "permissive (MIT, Apache-2.0 or public domain: spandrel takes no other), see its folder in spandrel"
_LICENCES = {
    "DAT": "Apache-2.0",
    "DRUNet": "MIT",
    "DnCNN": "MIT",
    "ESRGAN": "Apache-2.0",
    "FBCNN": "Apache-2.0",
    "HAT": "Apache-2.0",
    "HVICIDNet": "MIT",
    "NAFNet": "MIT",
    "PLKSR": "MIT",
    "RGT": "Apache-2.0",
    "RetinexFormer": "MIT",
    "SCUNet": "Apache-2.0",
    "Swin2SR": "Apache-2.0",
    "SwinIR": "Apache-2.0",
    "Uformer": "MIT",
}


def licence_of(kind: str) -> str:
    """Returns the licence of the code of one of the library's architectures."""
    return _LICENCES.get(kind, _PERMISSIVE)


def library() -> Any:
    """Imports the library.

    Raises:
        WeightsError: it is not installed, or cannot be loaded because of torchvision, which it needs; the message says
            what to do.
    """
    try:
        import spandrel
    except ModuleNotFoundError as error:
        if error.name == "spandrel":
            raise WeightsError(
                "This network is one of the library spandrel; get that with pip install 'lowlight-explorer[spandrel]'."
            ) from error
        raise _in_the_way(error) from error
    except (ImportError, OSError, RuntimeError, AttributeError) as error:  # torchvision was built for another torch
        raise _in_the_way(error) from error
    return spandrel


def _in_the_way(error: Exception) -> WeightsError:
    reason = str(error).strip().split("\n")[0].rstrip(".")
    return WeightsError(
        f"spandrel needs a torchvision that fits torch {torch.__version__}, and finds none ({reason}); install both "
        "from the index that torch came from, with pip install --upgrade torch torchvision."
    )


def described(tensors: Mapping[str, torch.Tensor]) -> Any | None:
    """Returns the library's descriptor of the network built from a state dict; None if it does not recognise it.

    Raises:
        WeightsError: it is not a restoration network for RGB pictures that preserves their size, or its tensors do not
            fit; or as `library`.
    """
    spandrel = library()
    try:
        found = spandrel.MAIN_REGISTRY.load(dict(tensors))
    except spandrel.UnsupportedModelError:
        return None
    except Exception as error:  # each of forty architectures fails in its own way on foreign tensors
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise WeightsError(f"The library spandrel cannot build a network from these tensors: {reason}.") from error
    kind, channels = found.architecture.id, (found.input_channels, found.output_channels)
    if found.purpose != "Restoration" or found.scale != 1 or channels != (3, 3):
        raise WeightsError(
            f"The tensors are those of {kind}, for {found.purpose} at {found.scale} times the size and "
            f"{channels[0]} to {channels[1]} channels; only networks that restore RGB pictures at their size are taken."
        )
    return found


class SpandrelNet(RestorationNet):
    """One of the library's networks.

    Args:
        kind: the library's name of the architecture, e.g. "NAFNet".
        tensors: its tensors; names begin with `PREFIX`.

    Raises:
        WeightsError: as `described`; or the tensors are of another architecture.
    """

    exports = False  # its operations are not known here
    needs_float32 = True

    def __init__(self, kind: str, tensors: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        found = described({name.removeprefix(PREFIX): tensor.float() for name, tensor in tensors.items()})
        if found is None or found.architecture.id != kind:
            raise WeightsError(f"The tensors are not those of spandrel's {kind}; get the folder of weights again.")
        self.net = found.model
        self._described = found
        needs = found.size_requirements
        self.size = SizeRequirements(minimum=max(1, needs.minimum), multiple_of=needs.multiple_of)
        tiles = found.tiling is library().ModelTiling.SUPPORTED and not needs.square
        self.halo = _OVERLAP if tiles else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 3 x H x W to the same, in [0, 1]; the library pads to further size requirements and crops back."""
        return self._described(x)
