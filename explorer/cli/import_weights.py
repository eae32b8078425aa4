"""`lowlight import`: a published checkpoint becomes a folder of weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.terminal import print_table, write_line


def import_weights(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            help="A published checkpoint's name (--list shows them), or a file that tells by its tensors what it is."
        ),
    ] = None,
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="Its file or files.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="The folder to write; by default one that -m finds by the model's name."
        ),
    ] = None,
    allow_unknown_sha256: Annotated[
        bool,
        typer.Option("--allow-unknown-sha256", help="Take files other than the published ones, if their tensors fit."),
    ] = False,
    catalogue: Annotated[bool, typer.Option("--list", help="List the published checkpoints that are known.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Report errors alone.")] = False,
) -> None:
    """Import a published checkpoint: check its files and write them as model.safetensors, config.json and README.md."""
    if catalogue:
        _print_catalogue()
        return
    if name is not None and names_a_file(name):
        report_recognised([Path(name), *(files or [])], out, quiet)
        return
    if name is None or not files:
        context.fail("A name and its files are needed, or files alone, or --list alone.")

    from explorer.weights import CATALOGUE, convert_published
    from explorer.weights.store import imported_folder

    target = imported_folder() / name if out is None else out
    folder = convert_published(name, files, target, allow_unknown=allow_unknown_sha256)
    if quiet:
        return
    entry = CATALOGUE[name]
    write_line(f"{name} -> {folder}")
    write_line(f"Licence: {entry.licence}")
    if entry.origin:
        write_line(f"Origin:  {entry.origin}")
    if not entry.redistributable:
        write_line("These weights may not be passed on without their authors' leave.")
    write_line(f"Use it:  lowlight restore IN -m {name if out is None else _as_model(folder)} -o OUT")


def names_a_file(name: str) -> bool:
    """Whether what stands in a name's place is a file."""
    from explorer.weights import CATALOGUE

    return name not in CATALOGUE and os.path.exists(name)


def report_recognised(files: list[Path], out: Path | None, quiet: bool) -> None:
    """Imports files by their tensors and says what they were taken for."""
    from explorer.weights.published import import_recognised

    name, folder, known = import_recognised(files, out)
    if quiet:
        return
    what = f"published as {name}" if known is None else f"{known.architecture}, read like {known.name}"
    write_line(f"{files[0]}: {what} -> {folder}")
    if known is not None and known.also:
        write_line(
            f"Its tensors fit {', '.join(known.also)} as well; name one before the file to have it read like that."
        )
    write_line(f"Use it:  lowlight restore IN -m {name if out is None else _as_model(folder)} -o OUT")


def _as_model(folder: Path) -> str:
    # A name with a separator is read as a path.
    return str(folder) if folder.is_absolute() or len(folder.parts) > 1 else f"./{folder}"


def _print_catalogue() -> None:
    from explorer.weights import CATALOGUE

    rows = [
        (entry.name, ", ".join(file.name for file in entry.files), entry.licence, entry.origin or "-", entry.summary)
        for entry in CATALOGUE.values()
    ]
    print_table(("NAME", "FILES", "LICENCE", "ORIGIN", "WHAT IT IS"), rows)
