"""Inspection of networks: layers, feature maps, the effect of switching off channels, cost."""

from explorer.inspect.comparison import Compared, compare, sweep_ratios
from explorer.inspect.cost import Cost, cost
from explorer.inspect.features import FeatureMaps, captured, feature_maps, switched_off
from explorer.inspect.layers import Layer, layers
from explorer.inspect.retinex import Decomposition, Pair, decompose, decompose_pair, profile, recombined

__all__ = [
    "Compared",
    "Cost",
    "Decomposition",
    "FeatureMaps",
    "Layer",
    "Pair",
    "captured",
    "compare",
    "cost",
    "decompose",
    "decompose_pair",
    "feature_maps",
    "layers",
    "profile",
    "recombined",
    "sweep_ratios",
    "switched_off",
]
