"""`lowlight weights`: weights on this machine, on the Hugging Face Hub, and from their authors' pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.failures import exit_code, leave, print_failure
from explorer.cli.import_weights import bytes_shown, import_weights, print_published
from explorer.cli.options import QuietOption
from explorer.cli.terminal import print_json, print_table, write_line, write_text
from explorer.errors import HubError, WeightsError

weights = typer.Typer(help="List, download, check, import and publish weights.", no_args_is_help=True)

Repo = Annotated[
    str | None,
    typer.Option(
        metavar="ORG/REPO[@REVISION]",
        help="The repository for names without one; by default EXPLORER_HUB_REPO or the settings.",
    ),
]


def look_in(context: typer.Context, order: str) -> str:
    """Sets where this command line looks for weights; called by the option `--weights-order`.

    Raises:
        WeightsError: a place that does not exist, one named twice, or none at all.
    """
    from explorer.sources import check_order

    if order:
        places = check_order([place.strip() for place in order.split(",")], "The option")
        before = os.environ.get(_ORDER)
        os.environ[_ORDER] = ",".join(places)

        def put_back() -> None:
            os.environ.pop(_ORDER, None)
            if before is not None:
                os.environ[_ORDER] = before

        context.find_root().call_on_close(put_back)
    return order


_ORDER = "EXPLORER_WEIGHTS_ORDER"

Order = Annotated[
    str,
    typer.Option(
        "--weights-order",
        metavar="PLACE,...",
        callback=look_in,
        help="Where to look for weights, in this order, e.g. local,hub; by default EXPLORER_WEIGHTS_ORDER "
        "or the settings.",
    ),
]


@weights.callback()
def _group(order: Order = "") -> None:
    """Holds the option of all commands about weights; its callback acts on it."""


@weights.command("list")
def list_(
    remote: Annotated[bool, typer.Option("--remote", help="List the contents of the repository on the Hub.")] = False,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="List what other authors have published and `lowlight weights import` takes, the best on LOL eval15 "
            "first: licence, size, training data.",
        ),
    ] = False,
    repo: Repo = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the weights on this machine, those of a repository on the Hub, or those that others have published."""
    if published:
        print_published(as_json)
        return
    from explorer.hub.pulling import remote_names
    from explorer.hub.references import parse_repo
    from explorer.sources import installed
    from explorer.weights.config import read_config

    rows: list[tuple[str, str, str, str, str]] = []
    if remote:
        where, revision = parse_repo(_repo(repo))
        commit, names = remote_names(where, revision)
        here = {name: str(found.folder) for name, found in installed().items()}
        rows = [(name, "hub", commit, "", here.get(name, "not on this machine")) for name in names]
    else:
        for each in installed().values():
            try:
                licence = read_config(each.folder).licence
            except WeightsError:
                licence = "config cannot be read; see `lowlight weights verify`"
            rows.append((each.name, each.place, each.revision, licence, str(each.folder)))
    if as_json:
        keys = ("name", "place", "revision", "licence", "folder")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table(("NAME", "PLACE", "REVISION", "LICENCE", "WHERE"), rows)


@weights.command("pull")
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Names, or hf:org/repo/name, optionally with @REVISION.")
    ] = None,
    repo: Repo = None,
    everything: Annotated[bool, typer.Option("--all", help="Download all weights of the repository.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Download weights from the Hub, several at once. Interrupted downloads resume."""
    from explorer.hub.pulling import pull_many, remote_names
    from explorer.hub.references import HubReference, parse_reference, parse_repo

    if everything == bool(names):
        raise HubError("Name the weights to pull, or give only --all.")
    if everything:
        where, revision = parse_repo(_repo(repo))
        commit, found = remote_names(where, revision)
        references = [HubReference(where, name, revision) for name in found]
        if not references:
            raise HubError(f"{where} holds no weights at {revision} ({commit[:12]}); check the repository's name.")
    else:
        default = "" if all(name.startswith("hf:") for name in names or ()) else _repo(repo)
        references = [parse_reference(name, default) for name in dict.fromkeys(names or ())]
    with bytes_shown(quiet) as progress:
        results = pull_many(references, progress)
    failed: list[Exception] = []
    for reference, result in zip(references, results, strict=True):
        if isinstance(result, WeightsError):
            text = str(result)
            print_failure(result if reference.name in text else HubError(f"{reference}: {text}"))
            failed.append(result)
            continue
        if result.note:
            write_line(f"note: {result.note}", err=True)
        if not quiet:
            write_line(f"hf:{reference.repo}/{reference.name}@{result.commit} -> {result.folder}")
    leave([exit_code(each) for each in failed], len(references))


@weights.command("verify")
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="By default, all weights on this machine.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Check the weights on this machine: config, sha256, file format, and each tensor's name and shape."""
    from explorer.sources import installed, resolve
    from explorer.weights.store import load_weights

    failed: list[Exception] = []
    wanted = list(names) if names else list(installed())
    for name in wanted:
        try:
            found = resolve(name, download=False)
            model = load_weights(found.folder, found.revision)
            if not model.config.sha256:
                raise WeightsError(f"The config in {found.folder} states no sha256; get the folder again.")
        except WeightsError as error:
            text = str(error)
            print_failure(error if name in text else WeightsError(f"{name}: {text}"))
            failed.append(error)
            continue
        if not quiet:
            write_line(f"{name}: complete, sha256 {model.identity.sha256}, {found.place}, {found.revision}")
    if not wanted and not quiet:
        write_line("There are no weights on this machine.")
    leave([exit_code(each) for each in failed], len(wanted))


@weights.command("where")
def where(
    name: Annotated[str | None, typer.Argument(help="A name, or hf:org/repo/name.")] = None,
    repo: Repo = None,
    settings: Annotated[bool, typer.Option("--settings", help="Print the path of the settings file.")] = False,
) -> None:
    """Print the folder of some weights on this machine. Downloads nothing."""
    from explorer.sources import resolve
    from explorer.weights.search_path import settings_file

    if settings == (name is not None):
        raise WeightsError("Give one name, or only --settings.")
    write_line(str(settings_file() if name is None else resolve(name, repo=repo, download=False).folder))


@weights.command("publish")
def publish(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of weights on this machine, or folders.")],
    to: Annotated[str, typer.Option("--to", metavar="ORG/REPO", help="The repository; created if it does not exist.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and show files and card, but upload nothing.")
    ] = False,
    with_permission: Annotated[
        bool, typer.Option("--with-permission", help="You have the authors' permission to redistribute these weights.")
    ] = False,
    message: Annotated[str, typer.Option("--message", help="The commit's message.")] = "",
    quiet: QuietOption = False,
) -> None:
    """Publish weights on the Hub: their folders and a model card for the repository, in one commit."""
    from explorer.hub.publishing import publish as upload
    from explorer.hub.references import check_repo
    from explorer.sources import resolve

    check_repo(to)
    folders = [Path(n) if Path(n).is_dir() else resolve(n, download=False).folder for n in dict.fromkeys(names)]
    done = upload(folders, to, private=private, dry_run=dry_run, permitted=with_permission, message=message)
    if quiet:
        return
    if dry_run:
        print_table(("FILE", "BYTES"), [(file.path, f"{file.size:,}") for file in done.files])
        write_text(f"\nNothing was uploaded. The README.md of {to} would be:\n\n{done.card}")
        return
    for reference in done.references:
        write_line(str(reference))


weights.command("import")(import_weights)


def _repo(given: str | None) -> str:
    """The repository for bare names: the option's, or the settings'."""
    from explorer.weights.search_path import read_settings

    repo = given or read_settings().repo
    if not repo:
        raise HubError("No repository is set; give --repo org/repo, or set EXPLORER_HUB_REPO=org/repo.")
    return repo
