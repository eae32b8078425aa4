"""`lowlight weights import`: a published checkpoint, or a file, becomes a folder of weights."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import QuietOption
from explorer.cli.terminal import bar_of, print_json, print_table, write_line
from explorer.errors import WeightsError

if TYPE_CHECKING:
    from explorer.hub.pulling import Progress


def import_weights(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A published checkpoint, such as lamba_mitra (--list shows them); or a file whose network its "
            "tensors reveal."
        ),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Its files, if you have them; otherwise they are downloaded."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="The folder to write; by default where -m finds it."),
    ] = None,
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="Licence of a file of your own, to be noted in its config.")
    ] = "",
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licence and agree; for scripts.")
    ] = False,
    allow_unknown_sha256: Annotated[
        bool,
        typer.Option(
            "--allow-unknown-sha256", help="Accept files other than the published ones, if their tensors fit."
        ),
    ] = False,
    catalogue: Annotated[bool, typer.Option("--list", help="List what can be imported, with its licence.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Import a checkpoint of a known network: download a published one after you agree to its licence, or convert your
    own file. Checks it, and writes model.safetensors, config.json and README.md."""
    from explorer.weights import CATALOGUE

    if catalogue:
        _print_catalogue()
    elif name is None:
        raise WeightsError(
            "Name a published checkpoint or a file; `lowlight weights import --list` shows what there is."
        )
    elif name not in CATALOGUE and os.path.exists(name):
        _import_file([Path(name), *(files or [])], out, licence, quiet)
    elif licence:
        raise WeightsError(f"{name} has a licence already, its authors'; leave --licence out.")
    else:
        _import_published(name, files or [], out, accept_licence, allow_unknown_sha256, quiet)


def _import_file(files: list[Path], out: Path | None, licence: str, quiet: bool) -> None:
    """Imports files by their tensors and says what they were taken for."""
    from explorer.weights.importing import import_recognised

    name, folder, known = import_recognised(files, out, licence)
    if quiet:
        return
    from explorer.weights.config import read_config

    what = f"published as {name}" if known is None else known.what
    write_line(f"{files[0]}: {what} -> {folder}")
    if known is not None and known.also:
        write_line(
            f"Its tensors fit {', '.join(known.also)} as well; name one before the file to have it treated like that."
        )
    stated = read_config(folder).licence or "not stated; import the file again with --licence TEXT to note it"
    write_line(f"Licence: {stated}")
    _say_how_to_use(name, folder, out)


def _import_published(
    name: str, files: list[Path], out: Path | None, accept_licence: bool, allow_unknown: bool, quiet: bool
) -> None:
    from explorer.hub.originals import download_original, licence_notice
    from explorer.weights.catalogue import published
    from explorer.weights.config import read_config
    from explorer.weights.importing import convert_published
    from explorer.weights.store import imported_folder

    entry = published(name)
    if files:
        folder = convert_published(
            entry.name, files, out or imported_folder() / entry.name, allow_unknown=allow_unknown
        )
    else:
        write_line(licence_notice(entry), err=True)
        if not accept_licence and entry.downloadable:
            if not sys.stdin.isatty():
                raise WeightsError(
                    f"{entry.name} comes under the licence {entry.licence!r}; read it at {entry.origin} and agree with "
                    "--accept-licence."
                )
            accept_licence = typer.confirm("Do you agree to this licence?", err=True)
            if not accept_licence:
                raise WeightsError(f"The licence of {entry.name} was not accepted; nothing was downloaded.")
        with bytes_shown(quiet) as progress:
            folder = download_original(entry.name, accept_licence=accept_licence, out=out, progress=progress)
    if quiet:
        return
    write_line(f"{entry.name} -> {folder}")
    write_line(f"Licence: {entry.licence}")
    if origin := read_config(folder).origin:
        write_line(f"Origin:  {origin}")
    if not entry.redistributable:
        write_line("Redistribution is limited: read the licence, or ask the authors.")
    _say_how_to_use(entry.name, folder, out)


def _say_how_to_use(name: str, folder: Path, out: Path | None) -> None:
    # A name with a separator is read as a path.
    path = str(folder) if folder.is_absolute() or len(folder.parts) > 1 else f"./{folder}"
    write_line(f"Use it:  lowlight restore IN -m {name if out is None else path} -o OUT")


def _print_catalogue() -> None:
    from explorer.weights import CATALOGUE

    rows = [
        (
            entry.name, f"{entry.size:,}" if entry.size else "-", ", ".join(file.name for file in entry.files),
            entry.licence, entry.origin or "-", entry.summary, entry.paper,
        )
        for entry in CATALOGUE.values()
    ]  # fmt: skip
    print_table(("NAME", "BYTES", "FILES", "LICENCE", "ORIGIN", "WHAT IT IS", "PAPER"), rows)


def print_published(as_json: bool) -> None:
    """The catalogue by quality: what `lowlight weights list --published` prints."""
    from explorer.evaluation.leaderboard import published_by_quality
    from explorer.sources import installed

    here, found = installed(), published_by_quality()
    if as_json:
        print_json(
            [
                {
                    "name": entry.name, "architecture": entry.architecture, "licence": entry.licence,
                    "redistributable": entry.redistributable, "bytes": entry.size, "trained_on": entry.trained_on,
                    "saw_eval15": entry.saw_eval15, "lol_eval15": figures,
                    "reported": {name: each.scores for name, each in entry.reported.items()},
                    "installed": entry.name in here, "origin": entry.origin, "paper": entry.paper,
                }
                for entry, figures in found
            ]
        )  # fmt: skip
        return
    rows = [
        (
            entry.name, f"{entry.size:,}" if entry.size else "-", entry.licence,
            "yes" if entry.redistributable else "no", entry.trained_on or "-",
            *(f"{figures[metric]:.2f}" if metric in figures else "-" for metric in ("psnr", "gt_mean_psnr")),
            {True: "yes", False: "no", None: "perhaps"}[entry.saw_eval15],
            "yes" if entry.name in here else "no",
        )
        for entry, figures in found
    ]  # fmt: skip
    headings = ("NAME", "BYTES", "LICENCE", "FREE", "TRAINED ON", "EVAL15 PSNR", "GT-MEAN PSNR", "SCENES SEEN", "HERE")
    print_table(headings, rows)


@contextmanager
def bytes_shown(quiet: bool) -> Iterator[Progress]:
    """A bar with bytes, speed and time for every file on a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _name, _done, _total: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with bar_of(*columns) as bar:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield show
