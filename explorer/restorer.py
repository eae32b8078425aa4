"""`restore`: turns a photo, a model and a ratio into a `Restoration`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer import steps
from explorer.engine import check_backend as check_backend
from explorer.engine import choose_backend, run_tiled
from explorer.engine import must_convert as must_convert
from explorer.engine import release_memory as release_memory
from explorer.engine.memory import budget_for
from explorer.engine.reduced import reduced_note, reduction, run_reduced
from explorer.engine.tiles import grid, tables_of
from explorer.loading import ModelInfo as ModelInfo
from explorer.loading import as_model as as_model
from explorer.loading import list_models as list_models
from explorer.loading import load_model as load_model
from explorer.messages import say
from explorer.models.traits import Traits
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
from explorer.photo.light.scene import Color, NetworkPicture, Scene, unfinished_and_scene
from explorer.photo.light.strength import FULL, check_strength
from explorer.photo.types import check_photo
from explorer.photo.values import FloatArray
from explorer.restoration import Restoration, frozen_maps
from explorer.weights.store import UNTRAINED, LoadedModel

if TYPE_CHECKING:
    from explorer.engine import Backend
    from explorer.models import RestorationNet
    from explorer.models.base import TilePosition


def suggested_ratio(photo: Photo, model: LoadedModel) -> tuple[float, str]:
    """Returns the value of `ratio="auto"`, by the rule that the model's weights were trained with, and its source."""
    convention = model.config.input
    if convention.ratio_rule == "none":
        return 1.0, say("source.own_brightening")
    if convention.ratio_rule == "fixed":
        return convention.ratio, say("source.authors")
    suggestion = suggest_ratio(photo, convention.ratio_rule, m=convention.ratio_m)
    return suggestion.ratio, suggestion.source


def prepared(photo: Photo, model: LoadedModel) -> Photo:
    """Matches a photo's bit depth and darkness to what a model's weights were trained with, without amplifying it."""
    convention = model.config.input
    if convention.bits is not None:
        photo = at_bit_depth(photo, convention.bits)
    return photo if convention.darkness is None else in_range(photo, *convention.darkness)


def network_input(photo: Photo, model: LoadedModel, ratio: float) -> ModelInput:
    """Prepares a network's input from a photo, following the conventions of its weights.

    Args:
        ratio: 1 to 300. A network that takes the ratio as its last input plane gets the picture unamplified.

    Returns:
        The input; its notes are the photo's, and those about the conversion.
    """
    convention = model.config.input
    photo = prepared(photo, model)
    given = model_input(
        photo,
        model.architecture.domain,
        1.0 if model.traits.takes_ratio else ratio,
        white_balance=convention.white_balance,
        clip=convention.clip,
        plane_order=convention.plane_order,
        highlights=convention.highlights,
    )
    if model.traits.takes_ratio:
        told = np.full((1, *given.planes.shape[1:]), check_ratio(ratio), dtype=np.float32)
        given = replace(given, planes=np.concatenate([given.planes, told]))
    return replace(given, notes=(*photo.notes, *given.notes))


_MOST_EXACT = 4_000_000
"""Largest image, in pixels, whose network output is also kept as floats."""
_NOTHING = np.empty((0, 0, 3), dtype=np.float32)
_MOST_PIXELS = 16_000_000
"""Largest image, in pixels, whose intermediates are kept by default."""


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
    progress: steps.Report = steps.unheard,
) -> Restoration:
    """Restores a photo.

    Args:
        photo: from `explorer.open_photo`; every photo works with every model, through one documented conversion.
        model: a name, a loaded model, or a network built by `create_model`, untrained or trained in memory.
        ratio: amplification in linear light, 1 (none) to 300; "auto" follows the rule of the weights' training.
        strength: 0 to 100 %: blends in linear light between the developed photo (0: exactly, no network runs) and the
            network's result (100); detail returns before noise does, see `explorer.photo.light.strength`.
        backend: "auto", "torch", "openvino" or "cuda"; see `explorer.engine.choose_backend`.
        intermediates: keep the model's intermediates. None keeps them for pictures of up to 16 megapixels.
        scene: also keep a RAW photo's restored light, from which DNGs and linear TIFFs are written.
        progress: called while it computes, with the share that is done; what it raises ends the restoration.
        max_side: reduce the photo first to about this many pixels on its longest side (a mosaic: at most 1.4 times).

    Raises:
        PhotoError: not an open photo, but its path, for example.
        RatioError: the ratio is neither "auto" nor a number from 1 to 300.
        ModelNotFoundError: an unknown model, or an architecture without weights.
        WeightsError: the weights cannot be used.
        SettingsError: the strength is not a number from 0 to 100.

    Examples:
        >>> import explorer
        >>> cat = explorer.open_photo(explorer.examples.examples()[2].path)
        >>> explorer.restore(cat, "gamma", 4, max_side=64).image.shape
        (43, 64, 3)
    """
    job = prepare(photo, model, ratio, max_side)
    if (strength := check_strength(strength)) == 0:
        return _developed(job, scene)
    return run(job, strength, backend, intermediates, scene, progress)[0]


@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """A network's output for a photo, from which results at other strengths follow without the network. It holds
    neither the photo nor a result."""

    picture: NetworkPicture
    result: Restoration = field(repr=False)
    """The result it was computed for, without image and scene."""

    def at(self, photo: Photo, strength: float, scene: bool = True) -> Restoration:
        """The result of `restore` at a strength.

        Args:
            photo: the restored photo, at the same size.
            strength: above 0. For photos above 4 megapixels, 100 gives the network's picture to within half a 16-bit
                code.
            scene: as for `restore`.
        """
        image: Any  # see `Restoration.image`
        image, light = self.picture.at(photo, self.result.ratio, check_strength(strength), scene)
        return replace(self.result, image=image, scene=light, strength=strength)


@dataclass(eq=False)
class LatestOutput:
    """Restores as `restore` does, but the network does not run again where only the strength has changed."""

    _kept: tuple[object, NetworkOutput] | None = None
    """One value, so that a thread never finds the output of one choice under the key of another."""

    @property
    def output(self) -> NetworkOutput | None:
        """The network's output for the last choice; None if there is none."""
        return None if self._kept is None else self._kept[1]

    def restored(
        self,
        key: object,
        job: Job,
        strength: float,
        intermediates: bool | None = False,
        scene: bool = True,
        progress: steps.Report = steps.unheard,
    ) -> Restoration:
        """Restores a photo.

        Args:
            key: equal for equal photos, models, ratios and sizes.
            job: from `prepare`; the others as of `restore`.
        """
        if not strength:
            return _developed(job, scene)
        kept = self._kept
        if kept is not None and kept[0] == key:
            return replace(kept[1].at(job.photo, strength, scene), ratio_source=job.ratio_source)
        self._kept = kept = None  # before more memory is needed
        result, output = run(job, strength, intermediates=intermediates, scene=scene, progress=progress, keep=True)
        self._kept = None if output is None else (key, output)
        return result


def run(
    job: Job,
    strength: float = FULL,
    backend: str = "auto",
    intermediates: bool | None = False,
    scene: bool = True,
    progress: steps.Report = steps.unheard,
    *,
    keep: bool = False,
    within: TilePosition | None = None,
) -> tuple[Restoration, NetworkOutput | None]:
    """Computes a result with the network.

    Args:
        strength: above 0, at most 100; the others as for `restore`.
        keep: also return the network's output.
        within: as for `compute`.
    """
    given, color, to_srgb, made = _run(job, backend, intermediates, progress, within)
    image: Any  # see `Restoration.image`
    exact = keep and job.pixels <= _MOST_EXACT
    picture = None
    if strength < FULL or exact:
        own = given.copy() if strength >= FULL else given
        picture = NetworkPicture.of(job.photo, own, color, to_srgb, exact)
    if strength < FULL and picture is not None:
        del given
        image, light = picture.at(job.photo, job.ratio, strength, scene)
    else:
        image, light = unfinished_and_scene(job.photo, given, color, to_srgb, scene or keep)
        if keep and picture is None:
            codes: Any = image.quantised(16) if light is None else light.codes
            picture = NetworkPicture(codes, to_srgb if light is not None and light.color == "camera" else None)
    result = job.result(image=image, scene=light if scene else None, strength=strength, **made)
    bare = replace(result, image=_NOTHING, scene=None)
    return result, None if picture is None else NetworkOutput(picture, bare)


def _run(
    job: Job,
    backend: str,
    intermediates: bool | None,
    progress: steps.Report,
    within: TilePosition | None,
) -> tuple[FloatArray, Color, FloatArray, dict[str, Any]]:
    """Runs a job's network.

    Returns:
        Its picture in sensor orientation, the picture's colours and the matrix to sRGB, for `unfinished_and_scene`; and
            the other fields of the result.
    """
    given = network_input(job.photo, job.model, job.ratio)
    placement, to_srgb, notes = given.placement, given.camera_to_srgb, (*given.notes, *job.notes)
    kept = job.pixels <= _MOST_PIXELS if intermediates is None else intermediates
    found = compute(job, given, backend, kept, progress, within)
    del given  # as large as the photo, and no longer needed
    progress(1.0)
    picture, tables = placement.lying(found.maps.pop("image"), job.photo), tables_of(job.model.traits)
    maps = frozen_maps({n: m if n in tables else placement.upright(m) for n, m in found.maps.items()})
    made = {"intermediates": maps, "described": job.model.architecture.intermediates}
    return picture, job.model.config.output.color, to_srgb, {**made, "notes": (*notes, *found.notes), **found.by}


@dataclass(frozen=True, eq=False)
class Job:
    """A restoration ready to be computed, with every choice made."""

    photo: Photo
    """At the size that is restored."""
    model: LoadedModel
    ratio: float
    ratio_source: str
    notes: tuple[str, ...] = ()
    whole: bool = True
    """False if the photo was reduced, so that it has less noise than its camera recorded."""

    @property
    def pixels(self) -> int:
        """Number of pixels of the photo."""
        return self.photo.size[0] * self.photo.size[1]

    def result(self, **made: Any) -> Restoration:
        """Makes the result, with its origin."""
        return Restoration(
            ratio=self.ratio, ratio_source=self.ratio_source, model=self.model.name, weights=self.model.identity,
            photo_name=self.photo.name, exif=self.photo.exif, developed=not isinstance(self.photo, RawPhoto), **made,
        )  # fmt: skip


def prepare(photo: Photo, model: str | LoadedModel | RestorationNet, ratio: float | str, max_side: int | None) -> Job:
    """Loads the model and decides ratio and size. The suggested ratio is computed from the photo at full size.

    Raises: as `restore`.
    """
    check_photo(photo)
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
    """The output of a network."""

    maps: dict[str, FloatArray]
    """"image" and, if wanted, the intermediates: H x W x C, in the orientation of the network's planes."""
    engine: Backend
    notes: tuple[str, ...] = ()

    @property
    def by(self) -> dict[str, Any]:
        """The hardware and backend that ran the network, and the seconds."""
        e = self.engine
        return {"seconds": e.clock[0], "device": e.device, "precision": e.precision, "backend": e.name}


def compute(
    job: Job,
    given: ModelInput,
    backend: str,
    intermediates: bool,
    progress: steps.Report,
    within: TilePosition | None = None,
) -> Computed:
    """Runs the network on its input: whole, in tiles, or on a smaller copy, as memory allows.

    Args:
        within: position of the input in that of a larger photo, to which the network was fitted; see `run_tiled`.
    """
    channels, height, width = given.planes.shape
    names = None if intermediates else ("image",)
    budget, model = budget_for(job.pixels), job.model
    with steps.part(0, 0, progress):
        fitted, notes = knowing(job, given) if within is None else (model.traits, ())
    if not isinstance(fitted, Traits) and fitted is not model.net:
        model = replace(model, net=fitted)
    factor = reduction(model.traits, height, width, budget)
    if factor > 1:
        engine = choose_backend(replace(model, net=model.net.at_scale(factor)), backend)
        with steps.part(0, 1, progress):
            maps = run_reduced(engine.run, model.net, given.planes, factor, names)
        return Computed(maps, engine, (*notes, reduced_note(factor)))
    traits, margin = model.traits, model.config.input.margin
    several = within or len(grid(height, width, traits, channels, budget, margin)) > 1
    tiled = bool(traits.needs_tile_position and several)
    engine = choose_backend(model, backend, image_only=not intermediates, tiled=tiled)
    how = engine.run, traits, given.planes, budget, progress, names, margin, given.region, engine.run_array, within
    return Computed(run_tiled(*how), engine, notes)


def knowing(job: Job, given: ModelInput) -> tuple[RestorationNet | Traits, tuple[str, ...]]:
    """Adjusts the network to the whole picture: by its camera's measured noise, or else by the network's own
    estimate."""
    net, photo = job.model.traits, job.photo
    if not isinstance(net, Traits) and net.takes_noise and job.whole and isinstance(photo, RawPhoto):
        from explorer.darkroom.planes import noise_of_mosaic
        from explorer.models.base import Noise

        balanced = job.model.config.input.white_balance == "before"
        red, green, blue = photo.white_balance.gains if balanced else (1.0, 1.0, 1.0)
        if known := noise_of_mosaic(photo, (red * job.ratio, green * job.ratio, blue * job.ratio)):
            note = say("note.noise_measured", camera=photo.camera, iso=f"{photo.exposure.iso:g}")
            return net.knowing(Noise(*known)), (note,)
    return net.fitted(given.planes), ()


def _developed(job: Job, scene: bool) -> Restoration:
    """Develops the photo without a network, for a strength of 0."""
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
