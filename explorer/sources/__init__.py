"""Sources of weights, one file each, found automatically. To add a source, add a file with a `WeightsSource`."""

from __future__ import annotations

from explorer.sources.interface import ResolvedWeights, WeightsSource
from explorer.sources.resolving import check_order, installed, order_of, resolve

__all__ = ["ResolvedWeights", "WeightsSource", "check_order", "installed", "order_of", "resolve"]
