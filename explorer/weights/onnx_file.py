"""Writes a network as one ONNX file. Its metadata describe the input, and it is written only if ONNX Runtime computes
the same result with it as the network."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from explorer import __version__, atomic
from explorer.choices import PLANE_STEP
from explorer.errors import OutputError, WeightsError
from explorer.machine import cores

if TYPE_CHECKING:
    import torch

    from explorer.models import RestorationNet
    from explorer.weights.store import LoadedModel

SUFFIX = ".onnx"
CLOSE = 1e-4
"""Largest difference between the file's image and the network's, where white is 1."""
_OPSET = 17  # supported by the runtimes of the last three years
_PLANES = {
    "bayer": "one: the mosaic, whose first cell is R G / G B; linear light times the ratio, black 0, white 1",
    "packed": "{order}: each sample of the mosaic's 2 x 2 cell; linear light times the ratio, black 0, white 1",
    "xtrans": "R, G, B, R, B, G, G, G, G of 3 x 3 cells, packed as Chen et al. (CVPR 2018) do; linear light times the "
    "ratio, black 0, white 1",
    "rgb": "R, G, B: linear light times the ratio, under the sRGB curve, black 0, white 1",
}
_ORDERS = {"sid": "R, G (red's row), B, G (blue's row)", "s2d": "R, G (red's row), G (blue's row), B"}


def write_onnx(model: LoadedModel, path: Path) -> float:
    """Writes a network as an ONNX file, atomically. It maps "input", 1 x C x height x width float32, to "image", 1 x 3
    x height' x width', which the caller clips to [0, 1]. The metadata state which heights and widths are allowed.

    The metadata contain the config's input and output conventions under their names ("input.white_balance", ...);
    values other than text are JSON.

    Args:
        model: a network with weights.
        path: ends in ".onnx"; an existing file is replaced.

    Returns:
        The largest difference between the file's image and the network's, on noise in two sizes; at most `CLOSE`.

    Raises:
        WeightsError: onnx or onnxruntime is not installed, the model is a method without a network, or the network
            cannot be written as an ONNX file with the same results.
        OutputError: the path has another suffix, or the file cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise OutputError(f"'{path}' is no name of an ONNX file; end it in {SUFFIX}.")
    if not model.architecture.needs_weights:
        raise WeightsError(f"{model.name} is a method without a network; name a network of `lowlight models`.")
    try:
        import onnx
        import onnxruntime  # noqa: F401  # checked before the work
    except ImportError as error:
        raise WeightsError(
            f"ONNX files need {error.name}, which is not installed; run `pip install 'lowlight-explorer[onnx]'`."
        ) from error
    net = model.net  # loaded here, because bad weights are another error
    try:
        with model.lock:
            graph = onnx.load_model_from_string(_traced(net))
            describe(graph, model)
            data = graph.SerializeToString()
            difference = _difference(net, data)
    except Exception as error:  # an operation that ONNX or its runtime lacks; each has its own errors
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise WeightsError(f"{model.name} cannot be written as ONNX ({reason}); choose another network.") from error
    if not difference <= CLOSE:
        raise WeightsError(
            f"{model.name} cannot be written as ONNX: the file's image would be up to {difference:.2g} from the "
            "network's; choose another network."
        )
    try:
        with atomic.replacing(path) as work:
            work.write_bytes(data)
    except OSError as error:
        raise OutputError(code="error.not_written", path=path, reason=error.strerror or error) from error
    return difference


def _traced(net: RestorationNet) -> bytes:
    """Traces the network's image to an ONNX graph."""
    import torch

    class Image(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net.forward_intermediates(x)["image"]

    file: Any = io.BytesIO()  # torch's own annotation only allows paths
    # For an unknown operation, torch prints the whole graph to standard output.
    silent = patch.object(torch._C, "_jit_onnx_log", lambda *_: None)
    with silent, torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the comparison in other sizes detects values wrongly traced as constants
        torch.onnx.export(
            Image().eval(), (_noise(net, *_sizes(net)[0]),), file, input_names=["input"], output_names=["image"],
            dynamic_axes={"input": {2: "height", 3: "width"}, "image": {2: "image_height", 3: "image_width"}},
            opset_version=_OPSET, dynamo=False,
        )  # fmt: skip
    return file.getvalue()


def _sizes(net: RestorationNet) -> tuple[tuple[int, int], ...]:
    """Returns the size (height, width) to trace with, then two to compare in."""
    small = net.size.padded(max(64, net.size.minimum))
    large = net.size.padded(small + 1)
    return (small, small), (small, large), (large, small)


def _noise(net: RestorationNet, height: int, width: int) -> torch.Tensor:
    import torch

    noise = torch.rand(1, net.input_channels, height, width, generator=torch.Generator().manual_seed(0))
    if net.takes_ratio:
        noise[:, -1] = 4.0
    return noise


def _difference(net: RestorationNet, data: bytes) -> float:
    """Returns the largest difference between the images of the ONNX file and of the network, in two sizes."""
    import numpy as np
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    worst = []
    for size in _sizes(net)[1:]:
        planes = _noise(net, *size)
        with torch.inference_mode():
            wanted = net(planes).numpy()
        (found,) = session.run(["image"], {"input": planes.numpy()})
        worst.append(np.abs(found - wanted).max() if found.shape == wanted.shape else np.inf)
    return float(np.max(worst))  # NaN if one is NaN


def describe(graph: Any, model: LoadedModel) -> None:
    """Adds the network's name and its input and output conventions to an ONNX model."""
    import onnx

    net, config = model.net, model.config
    planes = _PLANES[config.domain].format(order=_ORDERS[config.input.plane_order])
    said: dict[str, object] = {
        **config.model_dump(include={"architecture", "domain", "licence", "origin", "paper", "summary"}),
        "name": model.name,
        "title": model.architecture.title,
        "weights_sha256": model.identity.sha256,
        "planes": planes + ("; then one that is the ratio" if net.takes_ratio else ""),
        "takes_ratio": net.takes_ratio,
        "size.minimum": net.size.minimum,
        "size.multiple_of": net.size.multiple_of,
        "size.offset": net.size.offset,
        "halo": None if net.needs_tile_position else net.halo,
        "output.scale": PLANE_STEP[config.domain],
    }
    for part, values in config.model_dump(mode="json", include={"input", "output"}).items():
        said |= {f"{part}.{name}": value for name, value in values.items()}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}
    onnx.helper.set_model_props(graph, dict(sorted(texts.items())))
    graph.producer_name, graph.producer_version = "lowlight-explorer", __version__
    graph.doc_string = f"{model.architecture.title}, {model.name}: {config.summary}"
    graph.graph.input[0].doc_string = texts["planes"]
    for axis, length in enumerate((1, 3)):  # some exporters leave a name there
        graph.graph.output[0].type.tensor_type.shape.dim[axis].dim_value = length
    graph.graph.output[0].doc_string = "R, G, B under the sRGB curve, to be clipped to [0, 1]"
