"""`lowlight export-onnx`: writes a network for programs that read ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.options import OverwriteOption, QuietOption, WeightsOption
from explorer.cli.outputs import check_folder, check_new
from explorer.cli.terminal import write_line
from explorer.saving import check_destination


def export_onnx(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A network; `lowlight models` lists them.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    weights: WeightsOption = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a network as an ONNX file for any height and width.

    The file says how to feed the network, and names the licence and the sha256 of
    its weights. It is written only if ONNX Runtime computes the same as the network.
    """
    from explorer import load_model
    from explorer.weights.onnx_file import write_onnx

    check_destination(out)
    check_folder(out.parent)
    check_new(out, overwrite)
    difference = write_onnx(load_model(name, weights), out)
    if not quiet:
        write_line(f"{name} -> {out}: at most {difference:.1g} from the network")
