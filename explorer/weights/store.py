"""Folders of weights: `<name>/{model.safetensors, config.json, README.md}`, the same embedded, local or on the Hub."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

import explorer
from explorer.errors import ExplorerError, ModelNotFoundError, WeightsError
from explorer.models import Architecture, RestorationNet, architecture
from explorer.weights.config import WeightsConfig, read_config

MODEL_FILE = "model.safetensors"


@dataclass(frozen=True)
class WeightsIdentity:
    """Which weights made a picture."""

    name: str
    revision: str
    """"embedded", "local", "built in" for classical methods, or a Hub commit."""
    sha256: str
    """Of `model.safetensors`; empty for classical methods."""


@dataclass(frozen=True)
class LoadedModel:
    """A network in evaluation mode with all that `restore` must know about it."""

    name: str
    architecture: Architecture
    net: RestorationNet
    config: WeightsConfig
    identity: WeightsIdentity
    lock: Lock = field(default_factory=Lock, repr=False, compare=False)
    """Held while the network runs, so that hooks of one caller never see another's picture."""


def weights_folders() -> list[tuple[Path, str]]:
    """Where weights are looked for, first match wins: (folder, revision word)."""
    places: list[tuple[Path, str]] = []
    if custom := os.environ.get("EXPLORER_WEIGHTS"):
        places.append((Path(custom), "local"))
    package = Path(explorer.__file__).parent
    if (package.parent / "pyproject.toml").is_file():
        places.append((package.parent / "weights", "embedded"))
    places.append((package / "_weights", "embedded"))
    places.append((imported_folder(), "local"))
    return places


def imported_folder() -> Path:
    """Where imported and pulled weights are kept: a folder in the user's data directory."""
    from platformdirs import user_data_path

    return user_data_path("lowlight-explorer", appauthor=False) / "weights"


def available_weights() -> dict[str, tuple[Path, str]]:
    """Every folder of weights at hand by name: (folder, revision word), sorted."""
    found: dict[str, tuple[Path, str]] = {}
    for place, revision in weights_folders():
        if place.is_dir():
            for folder in place.iterdir():
                if (folder / "config.json").is_file():
                    found.setdefault(folder.name, (folder, revision))
    return dict(sorted(found.items()))


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); get the folder of weights anew.") from error


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def load_weights(folder: Path, revision: str = "local") -> LoadedModel:
    """Loads a folder of weights strictly.

    Raises:
        WeightsError: bad config, sha256, file, keys or shapes; the message says which.
    """
    folder = Path(folder)
    config = read_config(folder)
    path = folder / MODEL_FILE
    sha256 = sha256_of(path)
    if config.sha256 and sha256 != config.sha256:
        raise WeightsError(
            f"{path} has sha256 {sha256[:12]}... but its config says {config.sha256[:12]}...; get the folder anew."
        )
    try:
        descriptor = architecture(config.architecture)
        net = descriptor.create(**config.options)
    except (ModelNotFoundError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{folder / 'config.json'} cannot be built: {error}") from error
    if config.domain != descriptor.domain:
        raise WeightsError(
            f"{folder / 'config.json'} says domain {config.domain!r} but {descriptor.name} takes {descriptor.domain!r}; "
            "correct it."
        )
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file ({error}); get the folder anew.") from error
    load_strictly(net, tensors, str(path))
    return LoadedModel(config.name, descriptor, net, config, WeightsIdentity(config.name, revision, sha256))


def load_strictly(net: torch.nn.Module, tensors: dict[str, torch.Tensor], source: str) -> None:
    """Puts tensors into a network: every name and shape must match; half precision is widened to float32.

    Raises:
        WeightsError: names the first missing, unexpected or misshapen tensors.
    """
    wanted = net.state_dict()
    missing = [k for k in wanted if k not in tensors]
    unexpected = [k for k in tensors if k not in wanted]
    misshapen = [k for k in wanted if k in tensors and tensors[k].shape != wanted[k].shape]
    problems = [
        f"{what} {len(names)} tensors ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (("lacks", missing), ("has unexpectedly", unexpected), ("has in another shape", misshapen))
        if names
    ]
    if problems:
        raise WeightsError(f"{source} does not fit the architecture: it {' and '.join(problems)}.")
    net.load_state_dict({k: v.to(wanted[k].dtype) for k, v in tensors.items()}, strict=True)


def write_weights(
    folder: Path, net: torch.nn.Module, config: WeightsConfig, readme: str, *, half: bool = True
) -> WeightsConfig:
    """Writes a folder of weights whole or not at all; replaces one of the same name.

    Args:
        half: store floating-point tensors as float16.

    Returns:
        The config as written, with the file's sha256 and the number of parameters.

    Raises:
        WeightsError: the folder cannot be written.
    """
    tensors = {}
    for key, value in net.state_dict().items():
        value = value.detach().cpu()
        tensors[key] = (value.half() if half and value.is_floating_point() else value).contiguous()
    folder = Path(folder)
    if folder.exists() and not (folder / "config.json").is_file() and (folder.is_file() or any(folder.iterdir())):
        raise WeightsError(f"{folder} holds something other than weights; choose an empty or new folder.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise WeightsError(f"{folder} cannot be written ({error.strerror}); choose another folder.") from error
    try:
        save_file(tensors, work / MODEL_FILE)
        config = config.model_copy(
            update={
                "sha256": sha256_of(work / MODEL_FILE),
                "parameters": sum(p.numel() for p in net.parameters()),
            }
        )
        (work / "config.json").write_text(config.to_json())
        (work / "README.md").write_text(readme)
        work.chmod(0o755)
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        work.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{folder} cannot be written ({error}); free some space or choose another folder.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return config


def classical_model(name: str) -> LoadedModel:
    """A method without weights, ready to use.

    Raises:
        ExplorerError: the architecture needs weights.
    """
    descriptor = architecture(name)
    if descriptor.needs_weights:
        raise ExplorerError(f"{name} needs weights.")
    config = WeightsConfig(
        name=name,
        architecture=name,
        domain=descriptor.domain,
        # A plain amplification has nothing else to brighten with; the other methods find their own brightness.
        input={"ratio_rule": "percentile" if name == "identity" else "none", "clip": (0.0, 1.0)},
        paper=descriptor.paper,
        summary=descriptor.summary,
        licence="Apache-2.0",
    )
    return LoadedModel(name, descriptor, descriptor.create(), config, WeightsIdentity(name, "built in", ""))
