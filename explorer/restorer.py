"""`restore`: a photo, a model and a ratio to a `Restoration`; and the models to choose from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.engine import check_backend as check_backend
from explorer.engine import choose_backend, run_tiled
from explorer.engine.memory import budget_for
from explorer.engine.reduced import reduced_note, reduction, run_reduced
from explorer.engine.tiles import grid, tables_of
from explorer.errors import WeightsError
from explorer.machine import new_lock
from explorer.messages import say
from explorer.models import Architecture, architectures
from explorer.photo import (
    ModelInput,
    Photo,
    RawPhoto,
    amplify,
    check_ratio,
    develop,
    model_input,
    suggest_ratio,
    upright,
)
from explorer.photo.light.bit_depth import at_bit_depth
from explorer.photo.light.darkness import in_range
from explorer.photo.light.reduce import reduced
from explorer.photo.light.scene import Scene, picture_and_scene
from explorer.photo.light.strength import check_strength
from explorer.photo.values import FloatArray
from explorer.restoration import Restoration, frozen_maps
from explorer.sources import installed, resolve
from explorer.weights.config import read_config
from explorer.weights.store import MODEL_FILE, UNTRAINED, LoadedModel, classical_model, load_weights, untrained_model

if TYPE_CHECKING:
    from explorer.engine import Backend
    from explorer.models import RestorationNet


@dataclass(frozen=True)
class ModelInfo:
    """One entry of `list_models`: what a picker shows."""

    name: str
    """What `load_model` and `restore` take."""
    architecture: str
    title: str
    summary: str
    domain: str
    paper: str
    licence: str
    parameters: int
    weights: Path | None
    """The folder of weights; None for classical methods."""
    intermediates: tuple[str, ...]


def list_models() -> list[ModelInfo]:
    """Every model that can be used at once: those with weights at hand, then the classical methods. Asks no server.

    Folders whose config cannot be read are left out here; `load_model` on their name says what is wrong.

    Examples:
        >>> import explorer
        >>> "clahe" in [info.name for info in explorer.list_models()]
        True
    """
    known = architectures(from_tensors=True)
    models = []
    for name, found in installed().items():
        try:
            config = read_config(found.folder)
        except WeightsError:
            continue
        if a := known.get(config.architecture):
            models.append(_info(a, name, config.summary or a.summary, config.licence, config.parameters, found.folder))
    methods = [a for a in known.values() if not a.needs_weights]
    return [*models, *(_info(a, a.name, a.summary, "Apache-2.0", 0, None) for a in methods)]


def _info(a: Architecture, name: str, summary: str, licence: str, parameters: int, folder: Path | None) -> ModelInfo:
    # A Decom-Net alone has no enhanced illumination to show, but decompose still names it.
    shown = tuple(each.name for each in a.intermediates)
    return ModelInfo(name, a.name, a.title, summary, a.domain, a.paper, licence, parameters, folder, shown)


def _stamp(path: Path) -> str:
    """What changes when a file does."""
    stat = path.stat() if path.is_file() else None
    return f"{stat.st_mtime_ns}/{stat.st_size}" if stat else ""


class _ModelCache:
    """Loaded models, the least recently used dropped first. Two threads asking for one model load it once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._models: OrderedDict[tuple[str, ...], LoadedModel] = OrderedDict()
        self._lock = new_lock()

    def get(self, folder: Path, revision: str) -> LoadedModel:
        key = (str(folder.resolve()), revision, *(_stamp(folder / name) for name in ("config.json", MODEL_FILE)))
        with self._lock:
            if key not in self._models:
                self._models[key] = load_weights(folder, revision)
                while len(self._models) > self._size:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]


_CACHE = _ModelCache(8)


def load_model(name: str, weights: str | Path | None = None, *, source: str | None = None) -> LoadedModel:
    """A model by its name: resolves where its weights are, and loads them once.

    Weights are looked for in the sources and the order of the user's settings (docs/hub.md). What was pulled once is
    used without a connection.

    Args:
        name: `architecture.recipe` ("lamba_m0.raw_synthetic"), a classical method ("clahe"), the path of a folder, or
            weights on the Hub: "hf:org/repo/lamba_m0.raw_synthetic@<commit>". A floating revision, or none, is resolved
            to its commit, which `identity.revision` names.
        weights: a folder of weights (or an `hf:` name) to take instead of the one that `name` has; its architecture
            must be `name`'s.
        source: look in this source only: "local", "embedded", "hub" or "authors".

    Raises:
        ModelNotFoundError: unknown name, or an architecture without weights; the message lists the known ones.
        HubError: weights of the Hub that are not available; the message says how to get them.
        WeightsError: the folder's contents cannot be used.

    Examples:
        >>> import explorer
        >>> explorer.load_model("sci.lol").config.parameters
        258
    """
    if weights is not None and not str(weights).startswith("hf:"):
        model = _CACHE.get(Path(weights), "local")
    elif weights is None and source is None and name in (known := architectures()) and not known[name].needs_weights:
        return classical_model(name)
    else:
        found = resolve(name if weights is None else str(weights), source=source)
        model = _CACHE.get(found.folder, found.revision)
    if weights is not None and model.architecture.name != name.split(".")[0]:
        raise WeightsError(
            f"{weights} holds weights of {model.architecture.name}, not of {name}; give its own architecture's name."
        )
    return model


def suggested_ratio(photo: Photo, model: LoadedModel) -> tuple[float, str]:
    """What `ratio="auto"` gives: the rule that the model's weights were trained with, and where its value came from."""
    convention = model.config.input
    if convention.ratio_rule == "none":
        return 1.0, say("source.own_brightening")
    if convention.ratio_rule == "fixed":
        return convention.ratio, say("source.authors")
    suggestion = suggest_ratio(photo, convention.ratio_rule, m=convention.ratio_m)
    return suggestion.ratio, suggestion.source


def prepared(photo: Photo, model: LoadedModel) -> Photo:
    """A photo with the bits and the light that a model's weights were trained with, not amplified."""
    convention = model.config.input
    if convention.bits is not None:
        photo = at_bit_depth(photo, convention.bits)
    return photo if convention.darkness is None else in_range(photo, *convention.darkness)


def network_input(photo: Photo, model: LoadedModel, ratio: float) -> ModelInput:
    """What a model's network is given for a photo: by the conventions that its weights were trained with.

    Args:
        ratio: 1 to 300. A network that is told the ratio gets the picture as it is, and the ratio as its last plane.

    Returns:
        The input; its notes are the photo's and those of what was done with it.
    """
    convention = model.config.input
    photo = prepared(photo, model)
    given = model_input(
        photo,
        model.architecture.domain,
        1.0 if model.net.takes_ratio else ratio,
        white_balance=convention.white_balance,
        clip=convention.clip,
        plane_order=convention.plane_order,
        highlights=convention.highlights,
    )
    if model.net.takes_ratio:
        told = np.full((1, *given.planes.shape[1:]), check_ratio(ratio), dtype=np.float32)
        given = replace(given, planes=np.concatenate([given.planes, told]))
    return replace(given, notes=(*photo.notes, *given.notes))


def as_model(model: str | LoadedModel | RestorationNet) -> LoadedModel:
    """A model that `restore` can use, from its name or its network.

    Raises:
        ModelNotFoundError, HubError, WeightsError: as `load_model`; or a network of no known architecture.
    """
    if isinstance(model, str):
        return load_model(model)
    return model if isinstance(model, LoadedModel) else untrained_model(model)


_MOST_PIXELS = 16_000_000
"""Of pictures whose intermediates are kept unasked."""


def restore(
    photo: Photo,
    model: str | LoadedModel | RestorationNet,
    ratio: float | str = "auto",
    *,
    strength: float = 100,
    max_side: int | None = None,
    backend: str = "auto",
    intermediates: bool | None = None,
    scene: bool = True,
    progress: Callable[[float], None] = lambda done: None,
) -> Restoration:
    """Restores a photograph.

    Args:
        photo: from `explorer.open_photo`; any photo goes with any model, through one documented conversion.
        model: a name, a loaded model, or a network built by `create_model`, untrained or trained in memory.
        ratio: amplification in linear light, 1 (none) to 300; "auto" follows the rule of the weights' training.
        strength: 0 to 100 %, in linear light between the developed photo (0, bit for bit, and no network runs) and
            what the network gives (100); detail is given back before noise is, see `explorer.photo.light.strength`.
        backend: "auto", "torch", "openvino" or "cuda"; `explorer.engine.choose_backend` says more.
        intermediates: keep the model's intermediates. None keeps them for pictures of up to 16 megapixels.
        scene: keep a RAW photo's restored light too, which DNGs and linear TIFFs are written from.
        progress: called with the share done, after every tile of a large picture.
        max_side: reduce the photo first to about this many pixels on its longest side (a mosaic: at most 1.4 times).

    Raises:
        RatioError, ModelNotFoundError, WeightsError: see there.
        SettingsError: the strength is no number from 0 to 100.

    Examples:
        >>> import explorer
        >>> cat = explorer.open_photo(explorer.examples.examples()[2].path)
        >>> explorer.restore(cat, "gamma", 4, max_side=64).image.shape
        (43, 64, 3)
    """
    strength = check_strength(strength)
    job = prepare(photo, model, ratio, max_side)
    if strength == 0:
        return _developed(job, scene)
    given = network_input(job.photo, job.model, job.ratio)
    placement, to_srgb, notes = given.placement, given.camera_to_srgb, (*given.notes, *job.notes)
    if intermediates is None:
        intermediates = job.pixels <= _MOST_PIXELS
    found = compute(job, given, backend, intermediates, progress)
    del given  # as large as the photo, and not needed for what follows
    progress(1.0)
    picture, color = placement.lying(found.maps.pop("image"), job.photo), job.model.config.output.color
    amplified = 1.0 if job.model.net.takes_ratio else job.ratio
    image, light = picture_and_scene(job.photo, picture, color, to_srgb, amplified, strength, scene)
    tables = tables_of(job.model.net)
    return job.result(
        image=image,
        intermediates=frozen_maps({n: m if n in tables else placement.upright(m) for n, m in found.maps.items()}),
        described=job.model.architecture.intermediates,
        notes=(*notes, *found.notes),
        strength=strength,
        scene=light,
        **found.by,
    )


@dataclass(frozen=True, eq=False)
class Job:
    """A restoration that is about to be computed: every choice made."""

    photo: Photo
    """At the size that is restored."""
    model: LoadedModel
    ratio: float
    ratio_source: str
    notes: tuple[str, ...] = ()
    whole: bool = True
    """False for a photo that was reduced, and so has less noise than its camera gave it."""

    @property
    def pixels(self) -> int:
        """Of the photo."""
        return self.photo.size[0] * self.photo.size[1]

    def result(self, **made: Any) -> Restoration:
        """What was made, with what it was made of."""
        return Restoration(
            ratio=self.ratio, ratio_source=self.ratio_source, model=self.model.name, weights=self.model.identity,
            photo_name=self.photo.name, exif=self.photo.exif, developed=not isinstance(self.photo, RawPhoto), **made,
        )  # fmt: skip


def prepare(photo: Photo, model: str | LoadedModel | RestorationNet, ratio: float | str, max_side: int | None) -> Job:
    """Loads the model, decides the ratio and the size. The suggested ratio is that of the whole photo.

    Raises: as `restore`.
    """
    automatic = isinstance(ratio, str) and ratio.strip().lower() == "auto"
    value, source = (1.0 if automatic else check_ratio(ratio)), "given"
    loaded = as_model(model)
    if automatic:
        value, source = suggested_ratio(photo, loaded)
    untrained = loaded.identity.revision == UNTRAINED
    notes = (say("note.untrained", title=loaded.architecture.title),) if untrained else ()
    small = photo if max_side is None else reduced(photo, max_side)
    return Job(small, loaded, value, source, notes, small is photo)


@dataclass(frozen=True, eq=False)
class Computed:
    """What a network gave."""

    maps: dict[str, FloatArray]
    """"image" and, where they are wanted, the intermediates: H x W x C, as the network's planes lie."""
    engine: Backend
    notes: tuple[str, ...] = ()

    @property
    def by(self) -> dict[str, Any]:
        """What computed, and how long it took."""
        e = self.engine
        return {"seconds": e.clock[0], "device": e.device, "precision": e.precision, "backend": e.name}


def compute(
    job: Job, given: ModelInput, backend: str, intermediates: bool, progress: Callable[[float], None]
) -> Computed:
    """Runs the network on its input: whole, in tiles, or on a smaller copy, as memory allows."""
    channels, height, width = given.planes.shape
    names = None if intermediates else ("image",)
    budget, model = budget_for(job.pixels), job.model
    fitted, notes = _knowing(job, given)
    if fitted is not model.net:
        model = replace(model, net=fitted)
    factor = reduction(model.net, height, width, budget)
    if factor > 1:
        engine = choose_backend(replace(model, net=model.net.at_scale(factor)), backend)
        maps = run_reduced(engine.run, model.net, given.planes, factor, names)
        return Computed(maps, engine, (*notes, reduced_note(factor)))
    margin = model.config.input.margin
    tiled = model.net.placed and len(grid(height, width, model.net, channels, budget, margin)) > 1
    engine = choose_backend(model, backend, image_only=not intermediates, tiled=tiled)
    return Computed(
        run_tiled(engine.run, model.net, given.planes, budget, progress, names, margin, given.region), engine, notes
    )


def _knowing(job: Job, given: ModelInput) -> tuple[RestorationNet, tuple[str, ...]]:
    """The network knowing what it must of the whole picture: the measured noise of its camera, else what it finds."""
    net, photo = job.model.net, job.photo
    if net.takes_noise and job.whole and isinstance(photo, RawPhoto):
        from explorer.darkroom.planes import noise_of_mosaic
        from explorer.models.base import Noise

        balanced = job.model.config.input.white_balance == "before"
        red, green, blue = photo.white_balance.gains if balanced else (1.0, 1.0, 1.0)
        if known := noise_of_mosaic(photo, (red * job.ratio, green * job.ratio, blue * job.ratio)):
            note = say("note.noise_measured", camera=photo.camera, iso=f"{photo.exposure.iso:g}")
            return net.knowing(Noise(*known)), (note,)
    return net.fitted(given.planes), ()


def _developed(job: Job, scene: bool) -> Restoration:
    """The photo without a network: what a strength of 0 gives."""
    photo = job.photo
    image: FloatArray
    if isinstance(photo, RawPhoto):
        image = upright(develop(photo, job.ratio), photo.rotation, photo.mirrored)
    else:
        image = amplify(photo.image, job.ratio)
    image.setflags(write=False)
    return job.result(
        image=image,
        intermediates=frozen_maps({}),
        seconds=0.0,
        device="cpu",
        precision="float32",
        backend="torch",
        notes=(*photo.notes, say("note.strength_zero")),
        strength=0.0,
        scene=Scene(photo) if scene and isinstance(photo, RawPhoto) else None,
    )
