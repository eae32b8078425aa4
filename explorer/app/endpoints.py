"""The app over HTTP: typed endpoints for programs, beside the page's own private ones."""

from __future__ import annotations

import secrets
import shutil
from collections import deque
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

import explorer
from explorer.app import restoring, text
from explorer.app.feedback import sentence
from explorer.app.sessions import Session, public_folder
from explorer.app.shared import LONG_WORK, PREVIEWS
from explorer.errors import ExplorerError
from explorer.photo import check_ratio

RESULTS_KEPT = 8
"""Results of `restore` that lie ready to be fetched; the oldest is removed when another is made."""

_RESULTS: deque[Path] = deque()


def _photo(photo: FileData) -> explorer.Photo:
    return explorer.open_photo(photo["path"] if isinstance(photo, dict) else photo.path)


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


def suggest(photo: FileData) -> dict[str, Any]:
    """The suggested amplification of a photo and where it came from."""
    try:
        found = explorer.suggest_ratio(_photo(photo))
    except ExplorerError as error:
        raise _refused(error) from error
    return {"ratio": found.ratio, "source": found.source}


def restore(photo: FileData, model: str, ratio: str = "auto", file_format: str = "png16") -> FileData:
    """Restores a photo at full resolution. `ratio` is auto or 1 to 300; `file_format` png8, png16, tiff16 or jpeg8."""
    folder = public_folder() / secrets.token_urlsafe(24)
    folder.mkdir()
    _RESULTS.append(folder)
    while len(_RESULTS) > RESULTS_KEPT:
        shutil.rmtree(_RESULTS.popleft(), ignore_errors=True)
    session = Session(folder.name, folder)
    try:
        restoring.open_file(session, photo["path"] if isinstance(photo, dict) else photo.path)
        path = restoring.save(session, model, "auto" if ratio == "auto" else check_ratio(ratio), file_format)
    except ExplorerError as error:
        raise _refused(error) from error
    return FileData(path=str(Path(path)))


def publish() -> None:
    """Adds the endpoints to the `Blocks` being built."""
    gr.api(models, api_name="models", concurrency_id=PREVIEWS, concurrency_limit=2)
    gr.api(suggest, api_name="suggest_ratio", concurrency_id=PREVIEWS, concurrency_limit=2)
    gr.api(restore, api_name="restore", concurrency_id=LONG_WORK, concurrency_limit=1)
