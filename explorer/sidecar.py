"""The settings of one restored picture, as a JSON file that reproduces it.

    lowlight restore night.dng --settings night.json -o night.png

A file of schema 1: {"schema": 1, "model", "weights_sha256", "ratio", "white_balance", "black_level", "backend",
"photo", "finish": {"exposure", "contrast", "shadows", "warmth", "tint"}, "strength"}.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from explorer.choices import BLACK_CHOICES, NAMED_BALANCES, BlackChoice
from explorer.errors import PhotoError, SettingsError
from explorer.photo import check_ratio, linear_to_srgb, srgb_to_linear
from explorer.photo.light.amplify import LUMINANCE
from explorer.photo.light.masked import checked_choice
from explorer.photo.light.strength import check_strength
from explorer.photo.values import WhiteBalanceChoice

if TYPE_CHECKING:
    from explorer.photo import Photo
    from explorer.restoration import Restoration

SCHEMA = 1
LARGEST_FILE = 65536
"""Bytes; a settings file has a few hundred."""


@dataclass(frozen=True)
class Finish:
    """Manual adjustments of a restored picture. All zeros leave it unchanged."""

    exposure: float = 0.0
    """Stops of linear light, -4 to 4."""
    contrast: float = 0.0
    """-1 to 1: an S-curve around the middle of the display range; black, middle and white do not change."""
    shadows: float = 0.0
    """-1 to 1: raises or lowers dark tones; black and white do not change."""
    warmth: float = 0.0
    """-1 (blue) to 1 (red): gains of linear red and blue that keep the luminance of grey."""
    tint: float = 0.0
    """-1 (green) to 1 (magenta), likewise."""


LIMITS = {"exposure": 4.0, "contrast": 1.0, "shadows": 1.0, "warmth": 1.0, "tint": 1.0}
"""Largest absolute value of each field of `Finish`."""


def check_finish(values: dict[str, Any]) -> Finish:
    """Makes a `Finish` from a mapping of its fields.

    Raises:
        SettingsError: an unknown field, or a value that is not a number in its range.
    """
    for name, value in values.items():
        if name not in LIMITS:
            raise SettingsError(f"There is no finishing step {name!r}; the known ones are {', '.join(LIMITS)}.")
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or abs(value) > LIMITS[name]:
            raise SettingsError(f"{name} must be a number from {-LIMITS[name]:g} to {LIMITS[name]:g}, not {value!r}.")
    return Finish(**{name: float(value) for name, value in values.items()})


def finished(image: NDArray[np.float32], finish: Finish) -> NDArray[np.float32]:
    """Applies exposure, white balance and tone to a restored picture.

    Args:
        image: H x W x 3 sRGB in [0, 1].

    Returns:
        H x W x 3 sRGB in [0, 1]; `image` itself if there is nothing to do.
    """
    if finish == Finish():
        return image
    if finish.exposure or finish.warmth or finish.tint:
        gains = np.exp2(np.array([finish.warmth, -finish.tint, -finish.warmth], np.float32) / 2)
        gains *= np.float32(2.0**finish.exposure) / (gains @ LUMINANCE)
        image = linear_to_srgb(np.clip(srgb_to_linear(image) * gains, 0, 1))
    if finish.shadows:
        image = image + np.float32(finish.shadows) * image * (1 - image) ** 3
    if finish.contrast:
        image = image + np.float32(2 * finish.contrast) * image * (1 - image) * (image - np.float32(0.5))
    return np.clip(image, 0, 1).astype(np.float32, copy=False)


@dataclass(frozen=True)
class RestoreSettings:
    """Everything that decides how a photo is restored."""

    model: str
    ratio: float
    """Amplification, 1 to 300: the number that was applied, even if it had been suggested."""
    white_balance: WhiteBalanceChoice = "as_shot"
    weights_sha256: str = ""
    """Checksum of the weights that made the picture; empty for classical methods, or to use whatever is installed."""
    backend: str = "auto"
    """The backend; if it is not available, another one is used, and the last bits may differ."""
    photo: str = ""
    """The photo's file name, for the reader."""
    finish: Finish = field(default_factory=Finish)
    black_level: BlackChoice = "auto"
    """Black level of a RAW file, for `explorer.open_photo`."""
    strength: float = 100.0
    """0 (the developed photo) to 100 (the network's picture)."""

    @classmethod
    def of(cls, result: Restoration, white_balance: WhiteBalanceChoice, **others: Any) -> RestoreSettings:
        """Returns the settings that made a result, which does not know its photo's white balance and black level."""
        model, sha256, strength = result.model, result.weights.sha256, result.strength
        return cls(
            model, result.ratio, white_balance, sha256, result.backend, result.photo_name, strength=strength, **others
        )


def write_settings(path: Path, settings: RestoreSettings) -> None:
    """Writes a settings file atomically.

    Raises:
        OutputError: the folder does not exist, may not be written, or the disk is full.
    """
    from explorer.encode import write_bytes

    write_bytes(path, as_json(settings).encode())


def as_json(settings: RestoreSettings) -> str:
    """Returns the text of a settings file."""
    return json.dumps({"schema": SCHEMA, **asdict(settings)}, indent=2, ensure_ascii=False) + "\n"


def read_settings(path: Path) -> RestoreSettings:
    """Reads a settings file.

    Raises:
        SettingsError: the file is missing, or does not contain settings of a known schema.
        RatioError: its ratio is not a number from 1 to 300.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SettingsError(f"{path} is too large for a settings file; give a JSON file written by the app.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The settings {path} cannot be read ({error.strerror}); check the path.") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON ({error}); give a file written by the app.") from error
    return _checked(data, path)


def _checked(data: Any, path: Path) -> RestoreSettings:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise SettingsError(f"{path} does not contain settings of schema {SCHEMA}; give a file written by the app.")
    known = {each.name for each in fields(RestoreSettings)}
    if unknown := sorted(set(data) - known - {"schema"}):
        raise SettingsError(f"{path} holds {', '.join(unknown)}, which settings do not have; remove that key.")
    for name in ("model", "weights_sha256", "backend", "photo"):
        if not isinstance(data.get(name, ""), str):
            raise SettingsError(f"{path}: {name} must be text; correct the file.")
    if not data.get("model"):
        raise SettingsError(f"{path} names no model; correct the file.")
    finish = data.get("finish", {})
    if not isinstance(finish, dict):
        raise SettingsError(f"{path}: finish must be an object of numbers; correct the file.")
    return RestoreSettings(
        model=data["model"],
        ratio=check_ratio(data.get("ratio")),
        white_balance=_checked_balance(data.get("white_balance", "as_shot"), path),
        weights_sha256=data.get("weights_sha256", ""),
        backend=data.get("backend", "auto"),
        photo=data.get("photo", ""),
        finish=check_finish(finish),
        black_level=_checked_black_level(data.get("black_level", "auto"), path),
        strength=check_strength(data.get("strength", 100.0)),
    )


def _checked_black_level(value: Any, path: Path) -> BlackChoice:
    try:
        return checked_choice(value)
    except PhotoError:
        raise SettingsError(
            f"{path}: black_level must be one of {', '.join(BLACK_CHOICES)}; correct the file."
        ) from None


def _checked_balance(value: Any, path: Path) -> WhiteBalanceChoice:
    if value in NAMED_BALANCES:
        return cast(WhiteBalanceChoice, value)
    if isinstance(value, list) and len(value) == 3 and all(isinstance(v, int | float) and v > 0 for v in value):
        red, green, blue = (float(v) for v in value)
        return red, green, blue
    raise SettingsError(f"{path}: white_balance must be {', '.join(NAMED_BALANCES)} or three gains; correct the file.")


def restore_with(
    photo: Photo,
    settings: RestoreSettings,
    *,
    backend: str | None = None,
    max_side: int | None = None,
    intermediates: bool | None = None,
    scene: bool = True,
) -> Restoration:
    """Restores a photo by settings: white balance, network, finishing.

    Args:
        photo: opened with the settings' `black_level`, if it is camera RAW.
        backend: overrides the backend of the settings.
        max_side: reduce the photo first; see `explorer.restore`.
        intermediates: keep the model's intermediates; see `explorer.restore`.
        scene: keep the light of a RAW photo's result; see `explorer.restore`.

    Raises:
        SettingsError: the installed weights are not those of the settings.
        RatioError, WhiteBalanceError, ModelNotFoundError, WeightsError: see `explorer.restore`.
    """
    import explorer
    from explorer.engine import available_backends

    loaded = explorer.load_model(settings.model)
    if settings.weights_sha256 and loaded.identity.sha256 != settings.weights_sha256:
        raise SettingsError(
            f"The settings were made with other weights of {settings.model} (sha256 {settings.weights_sha256[:12]}); "
            'get those, or empty "weights_sha256" in the file to use the installed ones.'
        )
    if settings.white_balance != "as_shot":
        photo = photo.with_white_balance(settings.white_balance)
    if backend is None:
        backend = settings.backend if settings.backend in available_backends() else "auto"
    result = explorer.restore(
        photo,
        loaded,
        settings.ratio,
        strength=settings.strength,
        backend=backend,
        max_side=max_side,
        intermediates=intermediates,
        scene=scene,
    )
    return with_finish(result, settings.finish)


def with_finish(restoration: Restoration, finish: Finish) -> Restoration:
    """Replaces the result's picture by a finished one, without other changes."""
    return replace(restoration, image=finished(restoration.image, finish))
