"""Recognises a checkpoint's network by the names and shapes of its tensors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import WeightsError
from explorer.models import architecture, architectures, create_model
from explorer.weights.catalogue import CATALOGUE
from explorer.weights.checkpoint import PublishedCheckpoint
from explorer.weights.config import InputConvention, OutputConvention, WeightsConfig, default_conventions, read_config
from explorer.weights.keymaps import (
    Layout,
    Tensors,
    check_finite,
    check_tensors,
    first_few,
    fits,
    fold_weight_norm,
    rename,
)
from explorer.weights.store import LoadedModel, available_weights, imported_folder, model_of_tensors, write_weights

if TYPE_CHECKING:
    import torch

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Known:
    """A network with known tensor names and shapes."""

    name: str
    """Name of the weights whose tensor names and conventions it has."""
    architecture: str
    options: Mapping[str, Any]
    input: InputConvention
    output: OutputConvention = OutputConvention()
    layouts: tuple[Layout, ...] = ()
    """Layouts of its published files; empty for our own names."""
    licence: str = field(default="", compare=False)
    """What is known of it: only that of another library's code. Whoever made the file knows the file's."""
    also: tuple[str, ...] = field(default=(), compare=False)
    """Weights with the same names and shapes, which cannot be distinguished by their tensors."""

    @property
    def what(self) -> str:
        """Names the network, and the weights whose conventions it follows if they are not its own."""
        like = "" if self.name == self.architecture or self.architecture == "spandrel" else self.name
        return f"{self.architecture}, treated like {like}" if like else self.name

    @property
    def expected(self) -> Mapping[str, torch.Tensor]:
        """Our names, with tensors that only have shapes."""
        return _expected(self.architecture, tuple(sorted(self.options.items())))

    def theirs(self) -> Shapes:
        """The files' names, and shapes."""
        if not self.layouts:
            return _shapes(self.expected)
        back = {ours: their for layout in self.layouts for their, ours in layout.modules.items()}
        found: Shapes = {}
        for name, value in self.expected.items():
            module, _, leaf = name.rpartition(".")
            if module in back:
                found[f"{back[module]}.{leaf}"] = tuple(value.shape)
        return found

    def taken(self, candidates: Sequence[Sequence[Tensors]]) -> Tensors | None:
        """Returns the tensors under our names, from the candidates of each file; None if names or shapes differ."""
        if not self.layouts:
            states = candidates[0] if len(candidates) == 1 else ()
            return next((state for state in states if _shapes(state) == _shapes(self.expected)), None)
        if len(candidates) != len(self.layouts):
            return None
        tensors: Tensors = {}
        for layout in self.layouts:
            fitting = [state for states in candidates for state in states if fits(state, layout)]
            if not fitting:
                return None
            tensors |= rename(fitting[0], layout)
        return tensors if _shapes(tensors) == _shapes(self.expected) else None


def _shapes(tensors: Mapping[str, torch.Tensor]) -> Shapes:
    return {name: tuple(value.shape) for name, value in tensors.items()}


@cache
def _expected(name: str, options: tuple[tuple[str, Any], ...]) -> Mapping[str, torch.Tensor]:
    import torch

    with torch.device("meta"):
        return create_model(name, **dict(options)).state_dict()


def known_networks() -> Iterator[Known]:
    """Returns all networks with known tensors: published ones, then ours with the options of installed weights."""
    for entry in CATALOGUE.values():
        yield _published(entry)
    seen = []
    for folder, _ in available_weights().values():
        try:
            config = read_config(folder)
        except WeightsError:
            continue
        described = architecture(config.architecture)
        if described.needs_weights and not described.from_tensors:
            seen.append((config.architecture, config.options))
            yield Known(config.name, config.architecture, config.options, config.input, config.output)
    for name, each in architectures().items():
        if each.needs_weights and (name, {}) not in seen:
            yield Known(name, name, {}, *default_conventions(each.domain))


def _published(entry: PublishedCheckpoint) -> Known:
    layouts = tuple(file.layout for file in entry.files if file.used)
    return Known(entry.name, entry.architecture, entry.options, entry.input, entry.output, layouts)


def recognised(candidates: Sequence[Sequence[Tensors]], what: str) -> tuple[Known, Tensors]:
    """Returns the network that files belong to, and their tensors under our names.

    Args:
        candidates: for each file, its possible state dicts (`explorer.weights.unwrapping`).
        what: the files, for messages.

    Raises:
        WeightsError: no network has these names and shapes; the message lists missing and unexpected tensors of the
            nearest one.
    """
    networks = list(known_networks())
    found = [(known, tensors) for known in networks if (tensors := known.taken(candidates)) is not None]
    if not found:
        raise WeightsError(_nearest(networks, [state for states in candidates for state in states], what))
    known, tensors = found[0]
    check_tensors(tensors, known.expected)
    check_finite(tensors)
    also = tuple(other.name for other, _ in found[1:] if other.layouts == known.layouts)
    return replace(known, also=also), tensors


def recognised_by_spandrel(candidates: Sequence[Tensors], what: str, otherwise: WeightsError) -> tuple[Known, Tensors]:
    """Like `recognised`, by the library spandrel, for a file that fits none of our own networks.

    Args:
        candidates: the file's possible state dicts.
        otherwise: the message if the library does not recognise it either.

    Raises:
        WeightsError: `otherwise`; or the library is not installed, or recognises a network that does not restore.
    """
    if find_spec("spandrel") is None:
        raise WeightsError(
            f"{str(otherwise).rstrip('.')}; to import networks of the library spandrel too, run "
            "pip install 'lowlight-explorer[spandrel]'."
        ) from otherwise
    from explorer.models.spandrel_net import BRIGHTENING, PREFIX, described, licence_of

    for state in candidates:
        try:
            found = described(state)
        except WeightsError as error:
            raise WeightsError(f"{what}: {error}") from error
        if found is not None:
            kind = found.architecture.id
            conventions = default_conventions("rgb", brightens=kind in BRIGHTENING)
            licence = f"the code of {kind}: {licence_of(kind)}"
            known = Known(f"spandrel's {kind}", "spandrel", {"kind": kind}, *conventions, licence=licence)
            return known, {f"{PREFIX}{name}": tensor for name, tensor in found.model.state_dict().items()}
    raise otherwise


def _nearest(networks: Sequence[Known], states: Sequence[Tensors], what: str) -> str:
    best: tuple[float, str, Shapes, Shapes] = (0.0, "", {}, {})
    for state in states:
        try:
            given = _shapes(fold_weight_norm(state))
        except WeightsError:
            continue
        for known in networks:
            wanted = known.theirs()
            alike = len(wanted.keys() & given.keys()) / max(1, len(wanted.keys() | given.keys()))
            if alike > best[0]:
                best = alike, known.name, wanted, given
    _, name, wanted, given = best
    if not name:
        called = first_few(sorted(states[0]))
        return f"{what} holds {called}, which no network that is known has; name a network that is here with its file."
    shaped = [each for each in wanted if each in given and wanted[each] != given[each]]
    parts = [
        f"{verb} {first_few(names)}"
        for verb, names in (
            ("lacks", [each for each in wanted if each not in given]),
            ("holds besides", [each for each in given if each not in wanted]),
            ("has in another shape", shaped),
        )
        if names
    ]
    return f"{what} fits no network that is known; against the nearest one, {name}, it {' and '.join(parts)}."


def recognised_model(known: Known, tensors: Tensors, files: Sequence[Path], licence: str = "") -> LoadedModel:
    """Builds a recognised network, named after itself and its file.

    Args:
        files: the first gives its name.
        licence: the file's, if the user states it.
    """
    described = architecture(known.architecture)
    given = {"tensors": tensors} if described.from_tensors else {}
    net = create_model(known.architecture, **known.options, **given)
    stem = re.sub(r"[^a-z0-9]+", "_", files[0].stem.lower()).strip("_")[:40] or "imported"
    stated = [licence or "not stated", known.licence] if known.licence else [licence]
    config = WeightsConfig(
        name=f"{known.architecture}.{stem}",
        architecture=known.architecture,
        options=dict(known.options),
        domain=described.domain,
        input=known.input,
        output=known.output,
        licence="; ".join(stated),
        paper=described.paper,
        summary=f"Your own weights from {files[0].name}: {known.what}.",
    )
    return model_of_tensors(net, tensors, config, "local")


def write_recognised(model: LoadedModel, files: Sequence[tuple[Path, str]], out: Path | None) -> tuple[str, Path]:
    """Writes a recognised network as a folder of weights.

    Args:
        files: each with its sha256.
        out: the folder; by default one of the model's name, where `-m` finds it.

    Returns:
        The weights' name, and the folder.

    Raises:
        WeightsError: the folder cannot be written, or contains something else.
    """
    config, name = model.config, model.name
    marked = "\n".join(f"- `{path.name}`, sha256 `{sha256}`" for path, sha256 in files)
    folder = imported_folder() / name if out is None else out
    readme = folder / "README.md"
    if out is None and folder.exists() and not (readme.is_file() and files[0][1] in readme.read_text()):
        digest = hashlib.sha256("".join(sha256 for _, sha256 in files).encode()).hexdigest()
        name = f"{name}_{digest[:8]}"  # weights of another file have this name already, and stay
        folder = imported_folder() / name
    paper = f"- Paper: {config.paper}\n" if config.paper else ""
    text = f"# {name}\n\n{config.summary}\n\n- Architecture: `{config.architecture}`\n{paper}\n{marked}\n"
    write_weights(folder, model.net, config.model_copy(update={"name": name}), text, half=False)
    return name, folder
