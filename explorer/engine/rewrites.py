"""Rewrites OpenVINO graphs to compute the same without copying maps. The caller has imported OpenVINO."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LANES = 4
"""Smallest number of a map's channels for a separate convolution: the number that CPUs multiply at once."""


def split_shuffled_convolutions(graph: Any) -> int:
    """Removes channel shuffles (Zhang et al., "ShuffleNet", CVPR 2018) before grouped convolutions.

    A grouped convolution of channels interleaved from n maps is the sum of n grouped convolutions of the maps
    themselves, each with every n-th slice of the kernel. So no copy for interleaving is needed.

    Args:
        graph: changed in place.

    Returns:
        Number of convolutions that were split.
    """
    return _split(graph, "GroupConvolution", _shuffled)


def split_concatenated_convolutions(graph: Any) -> int:
    """Removes concatenations that are only used by convolutions, as at the skips of U-Nets and before every layer of
    dense blocks (Huang et al., "Densely Connected Convolutional Networks", CVPR 2017).

    A convolution of concatenated maps is the sum of convolutions of each map with its slice of the kernel, and OpenVINO
    adds the second in place to the result of the first. An activation in between is applied to each map, once for all
    layers of a dense block. Peak memory falls by a fifth; U-Nets take the same time, dense blocks up to an eighth less.

    Args:
        graph: changed in place.

    Returns:
        Number of convolutions that were split.
    """
    return _split(graph, "Convolution", _Concatenated().pieces)


_Pieces = list[tuple[Any, NDArray[np.float32]]]
"""Maps and their slices of a kernel."""


def _split(graph: Any, kind: str, pieces_of: Callable[[Any, NDArray[np.float32]], _Pieces]) -> int:
    """Replaces convolutions of a type by the sum of the convolutions of their pieces.

    Args:
        pieces_of: maps a convolution's input and kernel to the pieces; empty if it is not to be split.
    """
    import openvino.opset13 as ops

    convolution = {"Convolution": ops.convolution, "GroupConvolution": ops.group_convolution}[kind]
    split = 0
    for node in graph.get_ordered_ops():
        if node.get_type_name() != kind or (kernel := node.input_value(1).get_node()).get_type_name() != "Constant":
            continue
        pieces = pieces_of(node.input_value(0), kernel.data)
        if not pieces:
            continue
        given = {name: list(node.get_attributes()[name]) for name in ("strides", "pads_begin", "pads_end", "dilations")}
        # The latest map first, so that its memory is free early (`lamba_m1`: 528 MiB, in the opposite order 573).
        parts = [convolution(each, ops.constant(np.ascontiguousarray(part)), **given) for each, part in pieces[::-1]]
        replaced = node
        if (biased := _bias_of(node)) is not None:  # added to the first part, where it is free
            replaced, bias = biased
            parts[0] = ops.add(parts[0], bias)
        replaced.output(0).replace(reduce(ops.add, parts).output(0))
        split += 1
    if split:
        graph.validate_nodes_and_infer_types()
    return split


def _shuffled(fed: Any, kernel: NDArray[np.float32]) -> _Pieces:
    maps = _interleaved(fed.get_node())
    if len(maps) < 2 or kernel.shape[2] % len(maps):
        return []
    return [(each, kernel[:, :, k :: len(maps)]) for k, each in enumerate(maps)]


def _interleaved(node: Any) -> list[Any]:
    """Returns the maps whose channels a node interleaves (torch.stack along axis 2, flatten of 1 and 2), else
    nothing."""
    if node.get_type_name() != "Reshape" or node.output(0).get_partial_shape().rank.get_length() != 4:
        return []
    stack = node.input_value(0).get_node()
    if stack.get_type_name() != "Concat" or stack.get_attributes()["axis"] != 2:
        return []
    maps = []
    for value in stack.input_values():
        lifted = value.get_node()
        if lifted.get_type_name() != "Unsqueeze" or list(np.ravel(lifted.input_value(1).get_node().data)) != [2]:
            return []
        maps.append(lifted.input_value(0))
    return maps


class _Concatenated:
    """Finds the maps that are concatenated for convolutions, in one graph."""

    def __init__(self) -> None:
        self._activated: dict[tuple[Any, ...], Any] = {}

    def pieces(self, fed: Any, kernel: NDArray[np.float32]) -> _Pieces:
        """Returns the pieces that feed a convolution."""
        maps = self._maps(fed)
        if len(maps) < 2:
            return []
        ends = np.cumsum([value.get_partial_shape()[1].get_length() for value in maps])
        return list(zip(maps, np.split(kernel, ends[:-1], axis=1), strict=True))

    def _maps(self, value: Any) -> list[Any]:
        node = value.get_node()
        if _is_activation(node):
            maps = self._maps(node.input_value(0))
            return [self._active(each, node) for each in maps] if len(maps) > 1 else [value]
        if _avoidable(node):
            return [each for part in node.input_values() for each in self._maps(part)]
        return [value]

    def _active(self, value: Any, activation: Any) -> Any:
        import openvino.opset13 as ops

        settings = activation.input_values()[1:]
        key = (
            value.get_node().get_name(), value.get_index(), activation.get_type_name(),
            *(each.get_node().data.item() for each in settings),
        )  # fmt: skip
        if key not in self._activated:
            made = {"PRelu": ops.prelu, "Relu": ops.relu}[activation.get_type_name()]
            self._activated[key] = made(value, *settings).output(0)
        return self._activated[key]


_ACTIVATIONS = ("PRelu", "Relu")
"""Operations that treat all channels the same."""


def _avoidable(node: Any) -> bool:
    """True if a node concatenates whole lanes of channels and is only used by convolutions: directly, activated, or as
    part of another such concatenation."""
    if node.get_type_name() != "Concat" or node.get_attributes()["axis"] != 1:
        return False
    channels = [value.get_partial_shape()[1] for value in node.input_values()]
    if any(n.is_dynamic or n.get_length() % _LANES for n in channels):
        return False
    return all(
        _is_convolution(user) or (_is_activation(user) and all(map(_is_convolution, _users(user)))) or _avoidable(user)
        for user in _users(node)
    )


def _users(node: Any) -> list[Any]:
    return [each.get_node() for each in node.output(0).get_target_inputs()]


def _is_convolution(node: Any) -> bool:
    return node.get_type_name() == "Convolution" and node.input_value(1).get_node().get_type_name() == "Constant"


def _is_activation(node: Any) -> bool:
    """True for an activation with one slope for all channels; a PRelu may have one for each."""
    settings = [value.get_node() for value in node.input_values()[1:]]
    return node.get_type_name() in _ACTIVATIONS and all(
        each.get_type_name() == "Constant" and each.data.size == 1 for each in settings
    )


def _bias_of(node: Any) -> tuple[Any, Any] | None:
    """Returns the addition of a convolution's bias, and the bias; None if there is none."""
    users = list(node.output(0).get_target_inputs())
    if len(users) != 1 or (added := users[0].get_node()).get_type_name() != "Add":
        return None
    constants = [value for value in added.input_values() if value.get_node().get_type_name() == "Constant"]
    return (added, constants[0]) if constants else None
