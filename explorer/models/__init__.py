"""The architectures, one file per family. Independent of files, the Hub and the user interface.

Importing this package reads only descriptors; torch is imported with the first network that is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.models.registry import (
    Architecture,
    Domain,
    Intermediate,
    SizeRequirements,
    architecture,
    architecture_of,
    architectures,
    create_model,
    register,
)

if TYPE_CHECKING:
    from explorer.models.base import RestorationNet

__all__ = [
    "Architecture",
    "Domain",
    "Intermediate",
    "RestorationNet",
    "SizeRequirements",
    "architecture",
    "architecture_of",
    "architectures",
    "create_model",
    "register",
]


def __getattr__(name: str) -> Any:
    if name == "RestorationNet":
        from explorer.models.base import RestorationNet

        return RestorationNet
    raise AttributeError(f"module 'explorer.models' has no attribute {name!r}")
