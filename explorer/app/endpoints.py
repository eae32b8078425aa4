"""The app over HTTP: typed endpoints for programs, beside the page's own private ones."""

from __future__ import annotations

import secrets
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData

import explorer
from explorer import inspect
from explorer.app import restoring, text
from explorer.app.features_tab import layer_facts
from explorer.app.feedback import sentence
from explorer.app.sessions import Session, public_folder
from explorer.app.shared import LONG_WORK, PREVIEWS
from explorer.errors import ExplorerError, PhotoError, RatioError
from explorer.photo import check_ratio

RESULTS_KEPT = 8
"""Results of `restore` that lie ready to be fetched; the oldest is removed when another is made."""

MOST_COMPARED = 36
"""Pictures of one `compare`."""

_RESULTS: deque[Path] = deque()


def _path(photo: Any) -> str:
    """Where an uploaded photo lies on this machine; clients may send anything in its place."""
    path = photo.get("path") if isinstance(photo, dict) else getattr(photo, "path", None)
    if not isinstance(path, str) or not path:
        raise PhotoError("A photo is given as a file that was uploaded; upload it and give what the upload returned.")
    return path


def _photo(photo: FileData) -> explorer.Photo:
    return explorer.open_photo(_path(photo), isolated=True)


def _refused(error: Exception) -> gr.Error:
    return gr.Error(sentence(error) if isinstance(error, ExplorerError) else text.UNEXPECTED, print_exception=False)


def models() -> list[dict[str, Any]]:
    """Every installed model: name, title, summary, domain, licence and parameters."""
    return [
        {
            "name": info.name,
            "title": info.title,
            "summary": info.summary,
            "domain": info.domain,
            "licence": info.licence,
            "parameters": info.parameters,
        }
        for info in explorer.list_models()
    ]


def suggest_ratio(photo: FileData) -> dict[str, Any]:
    """The suggested amplification of a photo and where it came from."""
    try:
        found = explorer.suggest_ratio(_photo(photo))
    except ExplorerError as error:
        raise _refused(error) from error
    return {"ratio": found.ratio, "source": found.source}


def compare(photo: FileData, models: list[str], ratios: list[str]) -> list[dict[str, Any]]:
    """Seconds, amplification and cost of several models on a photo, at preview size.

    Args:
        photo: a RAW file or a picture.
        models: names that `models` lists, at most 36 together with the amplifications.
        ratios: auto, or numbers from 1 to 300.
    """
    try:
        opened = _photo(photo)
        wanted: list[float | str] = ["auto" if each == "auto" else check_ratio(each) for each in ratios]
        if len(models) * len(wanted) > MOST_COMPARED:
            raise RatioError(text.COMPARE_TOO_MANY.format(count=len(models) * len(wanted), most=MOST_COMPARED))
        rows = list(explorer.compare(opened, models, wanted, max_side=restoring.PREVIEW_SIDE))
    except ExplorerError as error:
        raise _refused(error) from error
    return [
        {
            "model": row.model,
            "ratio": row.restoration.ratio,
            "seconds": row.restoration.seconds,
            "parameters": row.parameters,
            "gmac": row.cost.gmac if row.cost else None,
            "peak_bytes": row.cost.peak_bytes if row.cost else None,
            "mean": float(row.restoration.image.mean()),
        }
        for row in rows
    ]


def layers(model: str) -> list[dict[str, Any]]:
    """The layers of a network: name, type, channels, reduction, receptive field in pixels, parameters."""
    try:
        return [layer_facts(layer) for layer in inspect.layers(explorer.load_model(model))]
    except ExplorerError as error:
        raise _refused(error) from error


def feature_maps(photo: FileData, model: str, layer: str, ratio: str = "auto") -> FileData:
    """What a layer gives for a photo, as a .npy file of height x width x channels, at a bounded preview size."""
    try:
        found = explorer.feature_maps(_photo(photo), model, layer, "auto" if ratio == "auto" else check_ratio(ratio))
    except ExplorerError as error:
        raise _refused(error) from error
    return _saved("maps.npy", lambda file: np.save(file, found.maps))


def decompose(photo: FileData, model: str, ratio: str = "auto") -> FileData:
    """Reflectance, illumination and result of a photo at preview size, as an .npz file of named arrays."""
    try:
        value = "auto" if ratio == "auto" else check_ratio(ratio)
        found = explorer.decompose(_photo(photo), model, value, max_side=restoring.PREVIEW_SIDE)
    except ExplorerError as error:
        raise _refused(error) from error
    named = {
        "seen": found.seen,
        "image": found.image,
        "reflectance": found.reflectance,
        "illumination": found.illumination,
        "illumination_enhanced": found.enhanced,
        "curves": found.curves,
    }
    arrays: dict[str, Any] = {name: values for name, values in named.items() if values is not None}
    return _saved("decomposition.npz", lambda file: np.savez(file, **arrays))


def _result_folder() -> Path:
    """A fresh folder that results are served from; the oldest beyond `RESULTS_KEPT` are removed."""
    folder = public_folder() / secrets.token_urlsafe(24)
    folder.mkdir()
    _RESULTS.append(folder)
    while len(_RESULTS) > RESULTS_KEPT:
        shutil.rmtree(_RESULTS.popleft(), ignore_errors=True)
    return folder


def _saved(name: str, write: Callable[[IO[bytes]], None]) -> FileData:
    path = _result_folder() / name
    with path.open("wb") as file:
        write(file)
    return FileData(path=str(path))


def restore(photo: FileData, model: str, ratio: str = "auto", file_format: str = "png16") -> FileData:
    """Restores a photo at full resolution. `ratio` is auto or 1 to 300; `file_format` png8, png16, tiff16 or jpeg8."""
    folder = _result_folder()
    session = Session(folder.name, folder)
    try:
        restoring.open_file(session, _path(photo), isolated=True)
        path = restoring.save(session, model, "auto" if ratio == "auto" else check_ratio(ratio), file_format)
    except ExplorerError as error:
        raise _refused(error) from error
    return FileData(path=str(Path(path)))


def publish() -> None:
    """Adds the endpoints to the `Blocks` being built."""
    gr.api(models, api_name="models", concurrency_id=PREVIEWS, concurrency_limit=2)
    gr.api(suggest_ratio, api_name="suggest_ratio", concurrency_id=PREVIEWS, concurrency_limit=2)
    gr.api(layers, api_name="layers", concurrency_id=PREVIEWS, concurrency_limit=2)
    gr.api(feature_maps, api_name="feature_maps", concurrency_id=PREVIEWS, concurrency_limit=2)
    gr.api(decompose, api_name="decompose", concurrency_id=PREVIEWS, concurrency_limit=2)
    gr.api(compare, api_name="compare", concurrency_id=LONG_WORK, concurrency_limit=1)
    gr.api(restore, api_name="restore", concurrency_id=LONG_WORK, concurrency_limit=1)
