"""`lowlight space deploy`: uploads the app as a Space of the Hugging Face Hub."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer.choices import Hardware
from explorer.cli.options import QuietOption
from explorer.cli.terminal import print_table, write_line, write_text

space = typer.Typer(help="Serve the app from a Space on the Hugging Face Hub.", no_args_is_help=True)


@space.callback()
def _group() -> None:
    """Keeps `deploy` a subcommand: typer would turn an only command into the group itself."""


@space.command("deploy")
def deploy(
    repo: Annotated[str, typer.Argument(metavar="ORG/NAME", help="The Space; created if it does not exist.")],
    hardware: Annotated[Hardware, typer.Option(help="cpu: 2 cores, 16 GB, free; zero: ZeroGPU.")] = "cpu",
    weights_from: Annotated[
        str,
        typer.Option(
            metavar="ORG/REPO[@REVISION]", help="Take the weights from this repository instead of uploading them."
        ),
    ] = "",
    private: Annotated[bool, typer.Option("--private", help="Make a new Space private.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be uploaded, and upload nothing.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Upload only what a Space needs, in one commit."""
    from explorer.hub.space import deploy as upload

    done = upload(repo, hardware=hardware, weights_from=weights_from, private=private, dry_run=dry_run)
    if quiet:
        return
    if dry_run:
        print_table(("FILE", "BYTES"), [(file.path, f"{file.size:,}") for file in done.files])
        total = sum(file.size for file in done.files)
        write_line(f"{len(done.files)} files, {total:,} bytes, would go to {done.url}; its README.md would be:")
        write_text(done.readme)
        return
    removed = f", {len(done.removed)} old ones removed" if done.removed else ""
    write_line(f"{len(done.files)} files -> {done.url} at {done.commit}{removed}")
    write_line("The Hub builds it now; its page shows how far it is.")
