"""The architectures, one file a family. Nothing here knows files, the Hub or a user interface."""

from explorer.models.base import (
    Architecture,
    Domain,
    RestorationNet,
    SizeRequirements,
    architecture,
    architectures,
    create_model,
    register,
)

__all__ = [
    "Architecture",
    "Domain",
    "RestorationNet",
    "SizeRequirements",
    "architecture",
    "architectures",
    "create_model",
    "register",
]
