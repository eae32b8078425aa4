"""`lowlight info`: shows what a file says about how it was taken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.failures import Failures
from explorer.cli.options import BlackLevelOption
from explorer.cli.standard import opened
from explorer.cli.terminal import print_json, write_line


def info(
    photographs: Annotated[
        list[Path], typer.Argument(metavar="IN", help="RAW files or pictures; - for standard input.")
    ],
    black_level: BlackLevelOption = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: an object for one photo, a list for several.")
    ] = False,
) -> None:
    """Show the metadata of photos: camera, exposure, mosaic, levels, white balance."""
    from explorer.photo import describe

    panels: list[dict[str, object]] = []
    failures = Failures(len(photographs))
    for path in photographs:
        try:
            panel = {"file": str(path), **describe(opened(path, black_level))}
        except Exception as error:
            failures.add(path, error)
            continue
        panels.append(panel)
        if not as_json:
            if len(panels) > 1:
                write_line()
            _print_panel(panel)
    if as_json and panels:
        print_json(panels[0] if len(photographs) == 1 else panels)
    failures.leave()


def _print_panel(panel: dict[str, object]) -> None:
    from explorer.views.tables import readable

    # "file" says more than "Name", and a line without a value says nothing.
    shown = {
        label.capitalize() if label == "file" else label: value
        for label, value in panel.items()
        if label != "Name" and value not in ("", [], ())
    }
    width = max(len(label) for label in shown)
    for label, value in shown.items():
        write_line(f"{label.ljust(width)}  {readable(value)}")
