"""Weights from the Hugging Face Hub and back: pull, pin, publish, deploy. Nothing here reaches out when imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.hub.originals import download_original, licence_notice
    from explorer.hub.publishing import publish
    from explorer.hub.pulling import PulledWeights, pull, pull_many, remote_names
    from explorer.hub.references import HubReference, parse_reference
    from explorer.hub.resolver import Found, at_hand, find
    from explorer.hub.space import deploy

_HOME = {
    "HubReference": "references",
    "parse_reference": "references",
    "download_original": "originals",
    "licence_notice": "originals",
    "publish": "publishing",
    "PulledWeights": "pulling",
    "pull": "pulling",
    "pull_many": "pulling",
    "remote_names": "pulling",
    "Found": "resolver",
    "at_hand": "resolver",
    "find": "resolver",
    "deploy": "space",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"explorer.hub.{_HOME[name]}"), name)
    raise AttributeError(f"module 'explorer.hub' has no attribute {name!r}")
