"""Weights from the Hugging Face Hub and back: pull, pin, publish, deploy. Nothing here reaches out when imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.hub.names import HubReference, parse_reference
    from explorer.hub.originals import download_original, licence_notice
    from explorer.hub.publish import publish
    from explorer.hub.pull import PulledWeights, pull, pull_many, remote_names
    from explorer.hub.resolver import Found, at_hand, find
    from explorer.hub.space import deploy

_HOME = {
    "HubReference": "names",
    "parse_reference": "names",
    "download_original": "originals",
    "licence_notice": "originals",
    "publish": "publish",
    "PulledWeights": "pull",
    "pull": "pull",
    "pull_many": "pull",
    "remote_names": "pull",
    "Found": "resolver",
    "at_hand": "resolver",
    "find": "resolver",
    "deploy": "space",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # `pull` and `publish` are modules too: once imported, the module's name would hide the function's.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"explorer.hub.{_HOME[name]}"), name)
    raise AttributeError(f"module 'explorer.hub' has no attribute {name!r}")
