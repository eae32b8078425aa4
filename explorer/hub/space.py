"""Deploys the app as a Space on the Hub: collects the files, writes the README, uploads in one commit."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import explorer
from explorer.choices import Hardware
from explorer.errors import HubError
from explorer.hub.client import api, offline, page, translate_errors
from explorer.hub.publishing import Upload, commit_files
from explorer.hub.pulling import FILES, remote_names
from explorer.hub.references import check_repo, parse_repo

APP_FILE = "spaces_app.py"
PYTHON = "3.12"
"""A Python version that both CPU Spaces and ZeroGPU offer."""
TORCH_CPU = "https://download.pytorch.org/whl/cpu"
ZERO_TORCH = "torch>=2.8,<2.12"
"""The torch releases that ZeroGPU supports."""

_FOUND_BY_THEMSELVES = ("models", "models/families", "weights/published", "sources")
"""Subpackages whose files are discovered at run time, and so appear in no import."""
_SUFFIXES = {
    ".py", ".js", ".css", ".html", ".svg", ".json", ".md", ".jpg", ".png", ".dng", ".webp", ".safetensors", ".npz",
}  # fmt: skip


@dataclass(frozen=True)
class Deployment:
    """The result of `deploy`, or of its dry run."""

    repo: str
    files: tuple[Upload, ...]
    readme: str
    removed: tuple[str, ...]
    """Paths of an earlier deployment that are deleted."""
    commit: str
    """Empty for a dry run."""
    url: str


def front_matter(*, hardware: Hardware = "cpu", models: Sequence[str] = (), preload: Sequence[str] = ()) -> str:
    """Writes the YAML front matter of a Space's README, including the two `---`.

    Args:
        models: repositories that the Space uses.
        preload: `preload_from_hub` entries, `org/repo file,file <commit>`.
    """
    lines = [
        "title: Lowlight Explorer",
        "emoji: 🌒",
        "colorFrom: indigo",
        "colorTo: gray",
        "sdk: gradio",
        f"sdk_version: {gradio_version()}",
        f'python_version: "{PYTHON}"',
        f"app_file: {APP_FILE}",
        "pinned: false",
        "license: apache-2.0",
        "short_description: See what networks make of very dark photos",
    ]
    if hardware == "zero":
        lines.append("suggested_hardware: zero-a10g")
    for key, values in (("models", models), ("preload_from_hub", preload)):
        if values:
            lines += [f"{key}:", *(f"  - {value}" for value in values)]
    return "\n".join(["---", *lines, "---", ""])


def gradio_version() -> str:
    """Returns the gradio release that is installed, to which the Space is pinned."""
    try:
        return version("gradio")
    except PackageNotFoundError as error:
        raise HubError(
            "gradio is not installed, so the Space cannot be pinned to its version; install gradio."
        ) from error


def requirements(text: str, hardware: Hardware) -> str:
    """Derives the Space's requirements from requirements.txt: without gradio, which the SDK provides, and with a torch
    that fits the hardware."""
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    kept = [
        line
        for line in kept
        if re.split(r"[<>=!~\[ ;]", line)[0].lower() not in ("gradio", "torch", "ipywidgets", "spaces")
    ]
    if hardware == "zero":
        return "\n".join([ZERO_TORCH, "spaces", *(line for line in kept if not line.startswith("openvino"))]) + "\n"
    # PyPI's torch brings CUDA libraries of several GB, which a CPU Space does not need.
    return "\n".join([f"--extra-index-url {TORCH_CPU}", "torch>=2.8", *kept]) + "\n"


def space_files(hardware: Hardware = "cpu", weights_from: str = "") -> list[Upload]:
    """Collects all files of the Space except the README, sorted by path.

    Args:
        weights_from: `org/repo` whose weights the Space uses instead of the embedded ones.

    Raises:
        HubError: there is no checkout, as in an installation from a wheel.
    """
    package = Path(explorer.__file__).parent
    root = package.parent
    app, wanted = root / APP_FILE, root / "requirements.txt"
    if not app.is_file() or not wanted.is_file():
        raise HubError(
            f"A Space is deployed from a checkout, but {root} has no {APP_FILE}; clone the project and run the "
            f"command there."
        )
    paths = needed_modules(app, root)
    rooms = {path.parent for path in paths if package in path.parent.parents}
    beside = [*package.glob("*"), *(each for room in rooms for each in room.rglob("*"))]
    paths |= {p for p in beside if p.is_file() and p.suffix in _SUFFIXES and p.suffix != ".py"}
    paths |= {app, root / "pyproject.toml", root / "LICENSE"}
    # The embedded weights are found next to the package only if pyproject.toml marks the folder as a checkout.
    if not weights_from:
        paths |= {p for p in (root / "weights").glob("*/*") if p.name in FILES}
    uploads = [
        Upload(path.relative_to(root).as_posix(), path)
        for path in paths
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(root).parts)
    ]
    uploads.append(Upload("requirements.txt", requirements(wanted.read_text(), hardware).encode()))
    return sorted(uploads, key=lambda upload: upload.path)


def needed_modules(app: Path, root: Path) -> set[Path]:
    """Returns the package's files that a script imports, directly or indirectly, at any place in a file."""
    waiting = [app, *(path for room in _FOUND_BY_THEMSELVES for path in (root / "explorer" / room).glob("*.py"))]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for parts in (name.split(".") for name in names if name.split(".")[0] == "explorer"):
                for length in range(1, len(parts) + 1):
                    module = root.joinpath(*parts[:length])
                    waiting += [module / "__init__.py", module.with_suffix(".py")]
    return found


def deploy(
    repo: str,
    *,
    hardware: Hardware = "cpu",
    weights_from: str = "",
    private: bool = False,
    dry_run: bool = False,
) -> Deployment:
    """Uploads only what a Space needs, in one commit; the Hub then builds and starts it.

    Args:
        repo: the Space, `org/name`; created if it does not exist.
        hardware: "cpu" (2 cores, 16 GB, free) or "zero" (ZeroGPU).
        weights_from: `org/repo` or `org/repo@revision` on the Hub, whose weights the Space uses instead of the embedded
            ones, preloaded at that commit.
        private: make a new Space private.
        dry_run: only plan; the Hub is asked only for the contents of `weights_from`.

    Raises:
        HubError: bad names, no checkout, offline, or the Hub refuses.
    """
    check_repo(repo)
    models, preload, variables = [], [], []
    if weights_from:
        source, revision = parse_repo(weights_from)
        commit, names = remote_names(source, revision)
        if not names:
            raise HubError(f"{source} holds no weights at {revision}; publish some there first.")
        models = [source]
        preload = [f"{source} {','.join(f'{name}/{file}' for name in names for file in FILES[:2])} {commit}"]
        variables = [{"key": "EXPLORER_HUB_REPO", "value": f"{source}@{commit}"}]
    readme = front_matter(hardware=hardware, models=models, preload=preload) + _README
    files = [*space_files(hardware, weights_from), Upload("README.md", readme.encode())]
    url = page(repo, "space")
    if dry_run:
        return Deployment(repo, tuple(files), readme, (), "", url)
    if offline():
        raise HubError("Deploying needs the Hub, but HF_HUB_OFFLINE is set; unset it.")
    with translate_errors(f"The Space {repo}", repo):
        api().create_repo(
            repo,
            repo_type="space",
            space_sdk="gradio",
            private=private or None,
            exist_ok=True,
            space_variables=variables or None,
        )
        for variable in variables:  # for a Space that already existed
            api().add_space_variable(repo, variable["key"], variable["value"])
        info = api().space_info(repo)
    present = {sibling.rfilename for sibling in info.siblings or ()}
    removed = sorted(present - {upload.path for upload in files} - {".gitattributes"})
    commit = commit_files(repo, files, "The Lowlight Explorer", kind="space", prune=removed)
    return Deployment(repo, tuple(files), readme, tuple(removed), commit, url)


_README = """
# Lowlight Explorer

See what neural networks make of extremely dark photographs. Drop in a camera RAW file or a picture, choose a network,
move the amplification, and look at every step: the amplified light, the reflectance, the illumination, the result.

Photographs that you upload are processed on this Space's machine and deleted within the hour. Every network's weights
name their training data, licence and paper in the app.
"""
