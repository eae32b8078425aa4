"""The app over HTTP: typed endpoints for programs, in addition to the page's private ones."""

from __future__ import annotations

import functools
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData

import explorer
from explorer.app import model_picker, opening, text, workspace
from explorer.app.features import layer_facts
from explorer.app.feedback import told
from explorer.app.open_photo import PREVIEW_SIDE
from explorer.app.sessions import Session, forget_page, keep_result, public_folder
from explorer.app.shared import LONG_WORK, PREVIEWS
from explorer.errors import ModelNotFoundError, PhotoError, RatioError
from explorer.inspect import layers as layers_of
from explorer.photo import check_ratio

MOST_COMPARED = 36
"""Maximum number of pictures in one `compare`."""


def _answered(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps an endpoint so that every failure becomes one sentence; failures that are not the caller's fault are
    logged."""

    @functools.wraps(endpoint)
    def answer(*arguments: Any, **named: Any) -> Any:
        try:
            return endpoint(*arguments, **named)
        except Exception as error:
            raise gr.Error(told(error), print_exception=False) from error
        finally:
            forget_page()

    return answer


def _path(photo: Any) -> str:
    """Path of an uploaded photo on this machine; clients may send anything instead."""
    path = photo.get("path") if isinstance(photo, dict) else getattr(photo, "path", None)
    if not isinstance(path, str) or not path:
        raise PhotoError("A photo must be an uploaded file; upload it and pass what the upload returned.")
    return path


def _photo(photo: FileData) -> explorer.Photo:
    return explorer.open_photo(_path(photo), isolated=True)


def _ratio(given: object) -> float | str:
    return "auto" if given == "auto" else check_ratio(given)  # type: ignore[arg-type]  # it refuses what it cannot take


@_answered
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


@_answered
def suggest_ratio(photo: FileData) -> dict[str, Any]:
    """The suggested amplification of a photo and where it came from.

    Args:
        photo: a RAW file or a picture.
    """
    found = explorer.suggest_ratio(_photo(photo))
    return {"ratio": found.ratio, "source": found.source}


@_answered
def compare(photo: FileData, models: list[str], ratios: list[str] = ["auto"]) -> list[dict[str, Any]]:  # noqa: B006
    """Seconds, amplification and cost of several models on a photo, at preview size.

    Args:
        photo: a RAW file or a picture.
        models: names that `models` lists, at most 36 together with the amplifications.
        ratios: auto, or numbers from 1 to 300.
    """
    if not isinstance(models, list):
        raise ModelNotFoundError(text.COMPARE_NONE)
    if not isinstance(ratios, list):
        raise RatioError(text.COMPARE_BAD_LIST.format(part=type(ratios).__name__))
    if len(models) * len(ratios) > MOST_COMPARED:
        raise RatioError(text.COMPARE_TOO_MANY.format(count=len(models) * len(ratios), most=MOST_COMPARED))
    names, wanted = [model_picker.known(name) for name in models], [_ratio(each) for each in ratios]
    opened = _photo(photo)
    side = PREVIEW_SIDE
    rows = [row for name in names for row in explorer.compare(opened, [model_picker.load(name)], wanted, max_side=side)]
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


@_answered
def layers(model: str) -> list[dict[str, Any]]:
    """The layers of a network: name, type, channels, reduction, receptive field in pixels, parameters.

    Args:
        model: a name that `models` lists.
    """
    return [layer_facts(layer) for layer in layers_of(model_picker.load(model))]


@_answered
def feature_maps(photo: FileData, model: str, layer: str, ratio: str = "auto") -> FileData:
    """The output of a layer for a photo, as a .npy file of height x width x channels, at a bounded preview size.

    Args:
        photo: a RAW file or a picture.
        model: a name that `models` lists.
        layer: a name that `layers` lists.
        ratio: auto, or a number from 1 to 300.
    """
    loaded, value = model_picker.load(model), _ratio(ratio)
    found = explorer.feature_maps(_photo(photo), loaded, layer, value)
    return _result(lambda folder: _saved(folder / "maps.npy", lambda file: np.save(file, found.maps)))


@_answered
def decompose(photo: FileData, model: str, ratio: str = "auto") -> FileData:
    """Reflectance, illumination and result of a photo at preview size, as an .npz file of named arrays.

    Args:
        photo: a RAW file or a picture.
        model: a name that `models` lists.
        ratio: auto, or a number from 1 to 300.
    """
    loaded, value = model_picker.load(model), _ratio(ratio)
    found = explorer.decompose(_photo(photo), loaded, value, max_side=PREVIEW_SIDE)
    arrays: dict[str, Any] = {"seen": found.seen, "image": found.image, **found.maps}
    return _result(lambda folder: _saved(folder / "decomposition.npz", lambda file: np.savez(file, **arrays)))


@_answered
def restore(photo: FileData, model: str, ratio: str = "auto", file_format: str = "png16") -> FileData:
    """Restores a photo at full resolution.

    Args:
        photo: a RAW file or a picture.
        model: a name that `models` lists.
        ratio: auto, or a number from 1 to 300.
        file_format: png8, png16, tiff16, jpeg8, dng (of RAW files), or settings, the JSON that makes the picture again.
    """
    name, value = model_picker.known(model), _ratio(ratio)

    def work(folder: Path) -> Path:
        session = Session(folder.name, folder)
        opening.take_photo(session, _photo(photo))
        return workspace.save(session, name, value, file_format)  # type: ignore[arg-type]

    return _result(work)


def _saved(path: Path, write: Callable[[IO[bytes]], None]) -> Path:
    with path.open("wb") as file:
        write(file)
    return path


def _result(work: Callable[[Path], Path]) -> FileData:
    """Writes a file into a private folder and returns its path.

    Only finished files wait there to be removed.
    """
    folder = public_folder() / secrets.token_urlsafe(24)
    folder.mkdir()
    try:
        path = work(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    keep_result(folder)
    return FileData(path=str(path))


def register_endpoints() -> None:
    """Adds the endpoints to the current `Blocks`."""
    for endpoint in (models, suggest_ratio, layers, feature_maps, decompose):
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_id=PREVIEWS, concurrency_limit=2)
    for endpoint in (compare, restore):
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_id=LONG_WORK, concurrency_limit=1)
