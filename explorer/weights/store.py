"""Folders of weights: `<name>/{model.safetensors, config.json, README.md}`, the same embedded, local or on the Hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import explorer
from explorer import atomic
from explorer.errors import ExplorerError, ModelNotFoundError, WeightsError
from explorer.machine import new_lock
from explorer.models import Architecture, architecture, architecture_of
from explorer.weights.config import WeightsConfig, default_conventions, read_config
from explorer.weights.keymaps import check_tensors
from explorer.weights.search_path import Settings, read_settings

if TYPE_CHECKING:  # torch takes seconds to import, and listing models does not need it
    import torch

    from explorer.models import RestorationNet
    from explorer.models.traits import Traits

MODEL_FILE = "model.safetensors"
UNTRAINED = "untrained"
"""The revision of a network that was built in memory, without weights."""
LARGEST_HEADER = 25_000_000
"""Largest header, in bytes; the networks here need a few thousand."""


@dataclass(frozen=True)
class WeightsIdentity:
    """Identity of the weights that made a picture."""

    name: str
    revision: str
    """"embedded", "local", a Hub commit, "built in" for classical methods, or `UNTRAINED`."""
    sha256: str
    """Checksum of `model.safetensors`; empty if there is none."""


@dataclass(frozen=True)
class LoadedModel:
    """A network in evaluation mode, with everything that `restore` needs to know about it."""

    name: str
    architecture: Architecture
    net: RestorationNet
    config: WeightsConfig
    identity: WeightsIdentity
    folder: Path | None = None
    """The folder of its weights; None for classical methods, and for networks that were not loaded."""
    lock: Lock = field(default_factory=new_lock, repr=False, compare=False)
    """Held while the network runs, so that one caller's hooks never see another's picture."""

    @property
    def traits(self) -> RestorationNet | Traits:
        """Facts about the network for the engine: the network itself, or a stand-in until it is loaded."""
        return self.net


def local_folders(settings: Settings) -> list[Path]:
    """Returns the user's folders of folders of weights; the first match wins."""
    return [*([settings.folder] if settings.folder else []), imported_folder()]


def embedded_folders() -> list[Path]:
    """Returns the paths of the included weights: in a checkout, then in the package."""
    package = Path(explorer.__file__).parent
    checkout = [package.parent / "weights"] if (package.parent / "pyproject.toml").is_file() else []
    return [*checkout, package / "_weights"]


def imported_folder() -> Path:
    """Returns the folder for imported weights, in the user's data directory."""
    from platformdirs import user_data_path

    return user_data_path("lowlight-explorer", appauthor=False) / "weights"


def available_weights() -> dict[str, tuple[Path, str]]:
    """Returns folders of weights by name, sorted, without the Hub's cache: (folder, "local" or "embedded").

    Raises:
        WeightsError: the user's settings cannot be read.
    """
    embedded = {name: (folder, "embedded") for name, folder in folders_in(embedded_folders()).items()}
    local = {name: (folder, "local") for name, folder in folders_in(local_folders(read_settings())).items()}
    return dict(sorted((embedded | local).items()))


def folders_in(places: Sequence[Path]) -> dict[str, Path]:
    """Returns folders of weights, sorted by name; of two with the same name, the first."""
    found: dict[str, Path] = {}
    for place in places:
        if place.is_dir():
            for folder in place.iterdir():
                if not folder.name.startswith(".") and (folder / "config.json").is_file():
                    found.setdefault(folder.name, folder)
    return dict(sorted(found.items()))


def check_safetensors(path: Path) -> None:
    """Checks a safetensors file's container: the length of its header and the ranges of its tensors.

    The header is read only after its length has been checked against the file's. The format: 8 bytes of header length,
    little endian, a JSON header, the tensors' bytes.

    Raises:
        WeightsError: the file is something else, is truncated, or claims more data than it has.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if start[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
                raise WeightsError(
                    f"{path} is a pickle, not a safetensors file; nothing in it was run; get the folder again."
                )
            if size < 10 or length > min(size - 8, LARGEST_HEADER):
                raise WeightsError(
                    f"{path} is not a complete safetensors file: its header claims {length:,} bytes but the file has "
                    f"{size:,}; get the folder again."
                )
            header = json.loads(file.read(length))
        ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); get the folder of weights again.") from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{path} is not a safetensors file: its header cannot be read; get the folder again."
        ) from error
    if max(ends, default=0) != size - 8 - length:
        raise WeightsError(code="error.safetensors_part", path=path)


def sha256_of(path: Path) -> str:
    """Returns the hex sha256 of a file.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); get the folder of weights again.") from error


def identified(folder: Path) -> tuple[WeightsConfig, str]:
    """Returns the config of a folder of weights and the sha256 of its tensors, after checking that they match.

    Raises:
        WeightsError: bad config, or another file.
    """
    config = read_config(folder)
    path = folder / MODEL_FILE
    sha256 = sha256_of(path)
    if config.sha256 and sha256 != config.sha256:
        raise WeightsError(code="error.weights_sha256", path=path, sha256=sha256[:12], wanted=config.sha256[:12])
    return config, sha256


def load_weights(folder: Path, revision: str = "local") -> LoadedModel:
    """Loads a folder of weights strictly.

    Raises:
        WeightsError: bad config, sha256, file, keys or shapes, as the message says.
    """
    folder = Path(folder)
    config, sha256 = identified(folder)
    path = folder / MODEL_FILE
    try:
        descriptor = architecture(config.architecture)
        given = {"tensors": _tensors_of(path)} if descriptor.from_tensors else {}
        _check_options(descriptor, config, path)
        net = descriptor.create(**config.options, **given)
    except (ModelNotFoundError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).split("\n")[0]  # torch adds its own stack trace
        raise WeightsError(f"{folder / 'config.json'} cannot be built: {reason}") from error
    if config.domain != descriptor.domain:
        raise WeightsError(
            f"{folder / 'config.json'} says domain {config.domain!r} but {descriptor.name} takes "
            f"{descriptor.domain!r}; correct it."
        )
    load_strictly(net, given.get("tensors") or _tensors_of(path), str(path))
    return LoadedModel(config.name, descriptor, net, config, WeightsIdentity(config.name, revision, sha256), folder)


def _tensors_of(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_safetensors(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a complete safetensors file ({error}); get the folder again.") from error


def _check_options(descriptor: Architecture, config: WeightsConfig, path: Path) -> None:
    """Refuses options that need more parameters than the file can contain, before memory is allocated: otherwise a
    config of a kilobyte could ask for all of it.

    Raises:
        WeightsError: too many parameters, or the options cannot be used; then the message is that of building the
            network.
    """
    if not any(isinstance(value, int) and not isinstance(value, bool) for value in config.options.values()):
        return
    import torch

    with torch.device("meta"):  # only shapes
        state = descriptor.create(**config.options).state_dict()
    wanted = sum(value.numel() for value in state.values())
    if wanted > path.stat().st_size:
        raise WeightsError(
            f"{path.parent / 'config.json'} asks for {wanted:,} parameters, more than {path.name} can hold; get the "
            "folder again."
        )


def load_strictly(net: torch.nn.Module, tensors: dict[str, torch.Tensor], source: str) -> None:
    """Loads tensors into a network: every name and shape must match; half precision is converted to float32.

    Raises:
        WeightsError: the message lists the first missing, unexpected or misshapen tensors.
    """
    wanted = net.state_dict()
    check_tensors(tensors, wanted, source)
    net.load_state_dict({k: v.to(wanted[k].dtype) for k, v in tensors.items()}, strict=True)


def stored_tensors(net: torch.nn.Module, half: bool) -> dict[str, torch.Tensor]:
    """Returns a network's tensors as stored in `model.safetensors`; if `half`, floating-point ones as float16."""
    tensors = {}
    for key, value in net.state_dict().items():
        value = value.detach().cpu()
        tensors[key] = (value.half() if half and value.is_floating_point() else value).contiguous()
    return tensors


def check_place(folder: Path) -> None:
    """Raises WeightsError if there is anything but a folder of weights where one is to be written."""
    if folder.exists() and not folder.is_dir():
        raise WeightsError(f"{folder} is a file; name a folder to write the weights to.")
    if folder.is_dir() and not (folder / "config.json").is_file() and any(folder.iterdir()):
        raise WeightsError(f"{folder} holds files that are not weights; name a new or empty folder.")


def write_weights(
    folder: Path,
    net: torch.nn.Module,
    config: WeightsConfig,
    readme: str,
    *,
    half: bool = True,
    further: Mapping[str, bytes] | None = None,
) -> WeightsConfig:
    """Writes a folder of weights atomically, replacing one of the same name.

    Args:
        half: store floating-point tensors as float16.
        further: other files of the folder by their relative paths.

    Returns:
        The config as written, with the file's sha256 and the number of parameters.

    Raises:
        WeightsError: the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = stored_tensors(net, half)
    folder = Path(folder)
    check_place(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        atomic.clear_up(folder.parent)
        work = atomic.beside(folder)
        work.mkdir()
    except OSError as error:
        raise WeightsError(code="error.not_written", path=folder, reason=error.strerror) from error
    try:
        save_file(tensors, work / MODEL_FILE)
        (work / MODEL_FILE).chmod(0o644)  # safetensors makes it readable only by its owner
        for name, content in (further or {}).items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
        config = config.model_copy(
            update={
                "sha256": sha256_of(work / MODEL_FILE),
                "parameters": sum(p.numel() for p in net.parameters()),
            }
        )
        (work / "config.json").write_text(config.to_json())
        (work / "README.md").write_text(readme)
        atomic.replace_folder(work, folder)
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"{folder} cannot be written ({error}); free some space or choose another folder."
        ) from error
    finally:
        atomic.remove(work)
    return config


def model_of_tensors(
    net: RestorationNet, tensors: Mapping[str, torch.Tensor], config: WeightsConfig, revision: str
) -> LoadedModel:
    """Wraps tensors in memory as a model, with the identity that a folder of them would have.

    Args:
        tensors: all that the network has, in their shapes.
        config: without sha256 and number of parameters.
    """
    from safetensors.torch import save

    expected = net.state_dict()
    tensors = {name: tensors[name].to(expected[name].dtype).contiguous() for name in expected}
    net.load_state_dict(tensors, strict=True)
    sha256 = hashlib.sha256(save(tensors)).hexdigest()
    counted = {"sha256": sha256, "parameters": sum(p.numel() for p in net.parameters())}
    identity = WeightsIdentity(config.name, revision, sha256)
    known = architecture(config.architecture)
    return LoadedModel(config.name, known, net, config.model_copy(update=counted), identity)


def classical_model(name: str) -> LoadedModel:
    """Returns a method without weights, ready to use.

    Raises:
        ExplorerError: the architecture needs weights.
    """
    descriptor = architecture(name)
    if descriptor.needs_weights:
        raise ExplorerError(f"{name} needs weights.")
    return _without_weights(descriptor, descriptor.create(), "built in", "Apache-2.0")


def untrained_model(net: RestorationNet) -> LoadedModel:
    """Wraps a network built in memory, with its current parameters; puts it into evaluation mode.

    Raises:
        ModelNotFoundError: the network is of an unknown architecture.
    """
    descriptor = architecture_of(net)
    return _without_weights(descriptor, descriptor.complete(net.eval()), UNTRAINED, "")


def _without_weights(descriptor: Architecture, net: RestorationNet, revision: str, licence: str) -> LoadedModel:
    brightens = net.brightens and not descriptor.needs_weights
    given, output = default_conventions(descriptor.domain, brightens=brightens)
    config = WeightsConfig(
        name=descriptor.name,
        architecture=descriptor.name,
        domain=descriptor.domain,
        input=given,
        output=output,
        parameters=sum(p.numel() for p in net.parameters()),
        paper=descriptor.paper,
        summary=descriptor.summary,
        licence=licence,
    )
    return LoadedModel(descriptor.name, descriptor, net, config, WeightsIdentity(descriptor.name, revision, ""))
