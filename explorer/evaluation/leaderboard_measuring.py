"""Measures the leaderboard: lists the entrants, and measures one entrant on one set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from numpy.typing import NDArray

from explorer.evaluation.leaderboard import DARKENING, Kind, Row, merged
from explorer.evaluation.metrics import Scores, mean_scores, measure
from explorer.evaluation.pairs import UNCHANGED, Pair, opened
from explorer.evaluation.sets import list_set
from explorer.evaluation.synthetic import make_scene
from explorer.photo import Photo, load_rendering
from explorer.restorer import list_models, load_model, restore
from explorer.training.data import list_pictures, read_picture
from explorer.weights.catalogue import CATALOGUE
from explorer.weights.config import read_config
from explorer.weights.importing import import_published
from explorer.weights.store import LoadedModel, embedded_folders, folders_in

Taken = tuple[Photo, NDArray[np.float32]]
"""A dark photo and its H x W x 3 reference."""


def _taken(pairs: list[Pair]) -> Iterator[Taken]:
    for pair in pairs:
        photo, _, reference = opened(pair)
        yield photo, reference


def _darkened(data: Path, limit: int) -> Iterator[Taken]:
    for name, path in list(list_pictures(data / "kodak24").items())[:limit]:
        scene = make_scene(read_picture(path), DARKENING, name)
        yield scene.photo, scene.reference


PHOTOS: dict[str, Callable[[Path, int], Iterator[Taken]]] = {
    "lol_eval15": lambda data, limit: _taken(list_set("lol", data / "lol_eval15")[:limit]),
    "sice_val": lambda data, limit: _taken(list_set("sice", data / "sice", "val")[:limit]),
    "kodak24_dark": _darkened,
}
"""By set, yields the first photos of a data folder, each read only when needed."""


@dataclass(frozen=True)
class Entrant:
    """A model to measure."""

    name: str
    kind: Kind
    load: Callable[[], LoadedModel] | None
    """None for the unchanged input."""


def entrants(checkpoints: Sequence[Path] = ()) -> list[Entrant]:
    """Lists the project's own weights, installed published checkpoints, methods, and the unchanged input.

    Args:
        checkpoints: folders in which published files are searched, by their sha256.
    """
    own = folders_in(embedded_folders())
    found: dict[str, Entrant] = {}
    for info in list_models():
        kind: Kind = "method" if info.weights is None else "published" if info.name in CATALOGUE else "own"
        if kind != "own" or info.name in own:
            found[info.name] = Entrant(info.name, kind, lambda name=info.name: load_model(name))  # type: ignore[misc]
    for name, files in files_of(checkpoints).items():
        found[name] = Entrant(name, "published", lambda n=name, f=files: import_published(n, *f))  # type: ignore[misc]
    order = ("published", "own", "method")
    return [Entrant(UNCHANGED, "method", None), *sorted(found.values(), key=lambda each: order.index(each.kind))]


def recorded(rows: Sequence[Row]) -> list[Row]:
    """Fills missing eval15 metrics of a board from the weights' configs and the catalogue, measured by the same
    protocol. They have no seconds, and are kept until they are measured again."""
    known = {row.name: row.sha256 for row in rows if "lol_eval15" in row.figures}
    found = list(rows)
    for name, folder in folders_in(embedded_folders()).items():
        config = read_config(folder)
        figures = config.metrics.get("lol_eval15", {})
        if figures.get("pictures") == 15 and known.get(name) != config.sha256:
            new = Row(name, "own", config.architecture, domain=config.domain, sha256=config.sha256)
            data = str(config.training.get("data", ""))
            new = replace(new, parameters=config.parameters, trained_on=data, figures={"lol_eval15": figures})
            found = merged(found, new)
    for entry in CATALOGUE.values():
        if "lol_eval15" in entry.figures and entry.name not in known:
            figures = {"pictures": 15, **entry.figures["lol_eval15"].scores}
            found = merged(found, Row(entry.name, "published", entry.architecture, figures={"lol_eval15": figures}))
    return found


def files_of(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Returns the published checkpoints whose files are all in the folders, by name, in the catalogue's order."""
    files = {f.sha256 for entry in CATALOGUE.values() for f in entry.files if f.sha256}
    sizes = {f.size for entry in CATALOGUE.values() for f in entry.files if f.sha256}
    here: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and (path.stat().st_size in sizes or 0 in sizes):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                if digest in files:
                    here.setdefault(digest, path)
    return {
        entry.name: [here[f.sha256] for f in entry.files if f.used and f.sha256]
        for entry in CATALOGUE.values()
        if all(f.sha256 in here for f in entry.files if f.used)
    }


def described(entrant: Entrant, model: LoadedModel | None, gmac: float | None) -> Row:
    """Makes a row without measurements."""
    if model is None:
        return Row(entrant.name, entrant.kind, title="The dark picture itself")
    return Row(
        entrant.name,
        entrant.kind,
        model.architecture.name,
        model.architecture.title,
        model.architecture.domain,
        model.identity.sha256,
        sum(p.numel() for p in model.net.parameters()),
        None if gmac is None else float(f"{gmac:.4g}"),
        str(model.config.training.get("data", "")),
    )


def measured_on(model: LoadedModel | None, photos: Iterator[Taken]) -> dict[str, float]:
    """Measures a model on a set's photos, each restored at the model's own ratio; returns the mean of each metric."""
    scores: list[Scores] = []
    seconds: list[float] = []
    for photo, reference in photos:
        if model is None:
            scores.append(measure(load_rendering(photo), reference))
        else:
            begin = process_time()
            image = restore(photo, model, intermediates=False, scene=False).image
            seconds.append(process_time() - begin)
            scores.append(measure(image, reference))
    figures: dict[str, float] = {"pictures": len(scores)}
    figures |= {name: round(value, 4) for name, value in mean_scores(scores).items()}
    return figures | ({"seconds": float(f"{median(seconds):.3g}")} if seconds else {})
