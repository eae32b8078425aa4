"""Imports published checkpoints: checks files against the catalogue, unpickles without code, maps names strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import WeightsError
from explorer.identity import nearest_of
from explorer.models import architecture, create_model
from explorer.weights.catalogue import CATALOGUE, published
from explorer.weights.checkpoint import PublishedCheckpoint, PublishedFile
from explorer.weights.config import WeightsConfig
from explorer.weights.keymaps import Tensors, check_finite, check_tensors, fits, rename
from explorer.weights.recognising import Known, recognised, recognised_by_spandrel, recognised_model, write_recognised
from explorer.weights.store import LoadedModel, check_place, imported_folder, model_of_tensors, write_weights
from explorer.weights.unwrapping import state_dicts

if TYPE_CHECKING:  # the catalogue is also read without tensors, and torch takes seconds to import
    import torch

_LARGEST = 2 * 1024**3
"""Bytes; all known checkpoints are much smaller, and a larger file would fill the memory before it is refused."""


@dataclass(frozen=True)
class _Source:
    """A file's content: the bytes that are hashed are the bytes that are loaded."""

    path: Path
    data: bytes
    sha256: str


def import_published(name: str, *files: str | Path, allow_unknown: bool = False) -> LoadedModel:
    """Loads a published checkpoint as a model for `restore`.

    Args:
        name: name in the catalogue, e.g. "retinexnet_port".
        files: the checkpoint's files in any order; their sha256 identifies them.
        allow_unknown: accept files whose sha256 is not in the catalogue, if their tensors fit.

    Raises:
        ModelNotFoundError: the name is not in the catalogue.
        WeightsError: a wrong number of files, a file that cannot be read or has another sha256, a pickle that contains
            code, tensors with wrong names or shapes.
    """
    return _imported(published(name), files, allow_unknown)[0]


def convert_published(
    name: str, files: Sequence[str | Path], out_folder: str | Path, *, allow_unknown: bool = False, origin: str = ""
) -> Path:
    """Writes a published checkpoint as a folder of weights: model.safetensors (float32), config.json, README.md.

    Args:
        name, files, allow_unknown: as in `import_published`.
        out_folder: created with its parents; an existing folder of weights is replaced.
        origin: the page at the commit that the files came from, if known.

    Returns:
        The folder.

    Raises:
        ModelNotFoundError, WeightsError: as in `import_published`, or the folder cannot be written or contains anything
            but weights. Then nothing is written.
    """
    entry = published(name)
    entry = replace(entry, origin=origin or entry.origin)
    folder = Path(out_folder)
    _check_folder(folder, files)
    loaded, sources = _imported(entry, files, allow_unknown)
    write_weights(folder, loaded.net, loaded.config, _readme(entry, sources), half=False)
    return folder


def _imported(
    entry: PublishedCheckpoint, files: Sequence[str | Path], allow_unknown: bool
) -> tuple[LoadedModel, list[_Source]]:
    required = [file for file in entry.files if file.used]
    if not len(required) <= len(files) <= len(entry.files):
        raise WeightsError(_wrong_number(entry, len(files)))
    sources = [_read(Path(file)) for file in files]
    states: dict[str, Mapping[str, torch.Tensor]] = {}
    for source in sources:
        state: Tensors | None = None
        file = next((f for f in entry.files if f.sha256 == source.sha256), None)
        if file is None:
            _check_unknown(entry, source, allow_unknown)
            state = _state_dict(source, entry.files)
            file = _recognised(entry, state)
        if file.role in states:
            raise WeightsError(f"{source.path} is a second {file.role} file; give {_file_names(entry)}.")
        states[file.role] = _state_dict(source, [file]) if state is None else state
    if absent := [file for file in required if file.role not in states]:
        raise WeightsError(f"The {absent[0].role} file of {entry.name} is missing; give {_file_names(entry)}.")

    net = create_model(entry.architecture, **entry.options)
    tensors: Tensors = {}
    for file in entry.files:
        if file.role in states:
            renamed = rename(states[file.role], file.layout)
            if file.used:
                tensors |= renamed
    check_tensors(tensors, net.state_dict())
    check_finite(tensors)
    config = WeightsConfig(
        name=entry.name,
        architecture=entry.architecture,
        options=entry.options,
        domain=architecture(entry.architecture).domain,
        input=entry.input,
        output=entry.output,
        licence=entry.licence,
        origin=entry.origin,
        paper=entry.paper,
        summary=entry.summary,
    )
    return model_of_tensors(net, tensors, config, "published"), sources


def _read(path: Path) -> _Source:
    try:
        if path.stat().st_size > _LARGEST:
            raise WeightsError(f"{path} is larger than any known checkpoint; check that it is the right file.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path} does not exist; give the path of a checkpoint's file.") from None
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); give a checkpoint's file.") from error
    if not data:
        raise WeightsError(f"{path} is empty; download it again.")
    return _Source(path, data, hashlib.sha256(data).hexdigest())


def _check_unknown(entry: PublishedCheckpoint, source: _Source, allow_unknown: bool) -> None:
    """Refuses a file that is not in the catalogue, unless the entry has no published file or the user allows it."""
    expected = [file for file in entry.files if file.sha256]
    if not expected or allow_unknown:
        return
    owners = [e.name for e in CATALOGUE.values() if any(f.sha256 == source.sha256 for f in e.files)]
    if owners:
        raise WeightsError(f"{source.path} belongs to {owners[0]}, not to {entry.name}; give the right model's name.")
    wanted = " or ".join(f"{file.sha256} ({file.name})" for file in expected)
    raise WeightsError(
        f"{source.path} has the sha256 {source.sha256}, but {entry.name} was published with {wanted}; download it "
        f"again from {entry.origin}, or import it anyway with allow_unknown=True (--allow-unknown-sha256)."
    )


def _recognised(entry: PublishedCheckpoint, state: Tensors) -> PublishedFile:
    """Identifies an entry's file from a state dict of unknown sha256, by its tensors' names."""
    if len(entry.files) > 1:
        for file in entry.files:
            if fits(state, file.layout):
                return file
    rename(state, entry.files[0].layout)  # raises with the mismatched names
    return entry.files[0]


def _state_dict(source: _Source, files: Sequence[PublishedFile]) -> Tensors:
    """Returns a checkpoint's state dict that fits one of the files' layouts, else the likeliest, for the message."""
    found = state_dicts(source.path, source.data)
    return next((state for file in files for state in found if fits(state, file.layout)), found[0])


def import_recognised(
    files: Sequence[str | Path], out: str | Path | None = None, licence: str = ""
) -> tuple[str, Path, Known | None]:
    """Writes a checkpoint of any known network as a folder of weights; see `load_recognised`.

    Args:
        files: one file, or the two halves of a network that is published that way.
        out: the folder; by default one where `-m` finds it.
        licence: of a file of one's own.

    Returns:
        The weights' name, the folder, and the recognised network, None for a published checkpoint.

    Raises:
        WeightsError: as `load_recognised`; or the folder cannot be written.
    """
    sources = [_read(Path(file)) for file in files]
    if entry := _published_as(sources):
        folder = convert_published(entry.name, files, out or imported_folder() / entry.name)
        return entry.name, folder, None
    if out is not None:
        _check_folder(Path(out), files)
    known, tensors = _recognise(sources)
    model = recognised_model(known, tensors, [source.path for source in sources], licence)
    named = [(source.path, source.sha256) for source in sources]
    return *write_recognised(model, named, None if out is None else Path(out)), known


def load_recognised(*files: str | Path) -> LoadedModel:
    """Loads a checkpoint of any known network: published ones are recognised by their sha256, others by their tensors'
    names and shapes.

    Raises:
        WeightsError: a file that cannot be read, or that fits no network; the message lists missing and unexpected
            tensors.
    """
    sources = [_read(Path(file)) for file in files]
    if entry := _published_as(sources):
        return import_published(entry.name, *files)
    return recognised_model(*_recognise(sources), [source.path for source in sources])


def _published_as(sources: Sequence[_Source]) -> PublishedCheckpoint | None:
    digests = {source.sha256 for source in sources}
    for entry in CATALOGUE.values():
        required = {file.sha256 for file in entry.files if file.used}
        if None not in required and required <= digests <= {file.sha256 for file in entry.files}:
            return entry
    return None


def _recognise(sources: Sequence[_Source]) -> tuple[Known, Tensors]:
    what = " and ".join(str(source.path) for source in sources)
    candidates = [state_dicts(source.path, source.data) for source in sources]
    try:
        return recognised(candidates, what)
    except WeightsError as error:
        if len(candidates) != 1:
            raise
        return recognised_by_spandrel(candidates[0], what, error)


def _check_folder(folder: Path, files: Sequence[str | Path]) -> None:
    """Raises WeightsError if a folder of weights may not be written there."""
    check_place(folder)
    for file in files:  # an existing folder of weights is replaced with all its contents
        if nearest_of(Path(file).parent, [folder]) is not None:
            raise WeightsError(f"{file} is in {folder}, which the weights would replace; choose another folder.")


def _wrong_number(entry: PublishedCheckpoint, given: int) -> str:
    count = sum(file.used for file in entry.files)
    files = "1 file" if count == 1 else f"{count} files"
    verb = "was" if given == 1 else "were"
    return f"{entry.name} takes {files}, but {given} {verb} given; give {_file_names(entry)}."


def _file_names(entry: PublishedCheckpoint) -> str:
    return " and ".join(file.name for file in entry.files if file.used)


def _readme(entry: PublishedCheckpoint, sources: Sequence[_Source]) -> str:
    rows = "\n".join(f"- `{source.path.name}`, sha256 `{source.sha256}`" for source in sources)
    origin = entry.origin or "not published; a file of the user's own"
    terms = "" if entry.redistributable else " Do not pass these weights on but under its terms."
    return (
        f"# {entry.name}\n\n{entry.summary}\n\n"
        f"- Architecture: `{entry.architecture}`\n- Paper: {entry.paper}\n- Origin: {origin}\n"
        f"- Licence: {entry.licence}.{terms}\n\n"
        f"Imported from\n\n{rows}\n\n"
        "The tensors are those of the published files in float32, under the names of lowlight-explorer; weight "
        "normalisation, where there was any, is folded.\n"
    )
