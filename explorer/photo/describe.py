"""Describes a photo's file in an ordered table for people."""

from __future__ import annotations

from explorer.messages import say
from explorer.photo.light.amplify import suggest_ratio
from explorer.photo.types import Exposure, Photo, RawPhoto
from explorer.photo.values import Gains


def format_seconds(seconds: float) -> str:
    """Formats an exposure time as photographers write it: "1/30 s", "5 s"."""
    if seconds >= 0.3:
        return f"{seconds:.3g} s"
    return f"1/{round(1 / seconds)} s" if seconds > 0 else "0 s"


def _format_gains(gains: Gains) -> str:
    return "R {:.3f}, G {:.3f}, B {:.3f}".format(*gains)


def _exposure(exposure: Exposure) -> dict[str, object]:
    return {
        "Exposure time": None if exposure.seconds is None else format_seconds(exposure.seconds),
        "ISO": None if exposure.iso is None else round(exposure.iso),
        "Aperture": None if exposure.aperture is None else f"f/{exposure.aperture:.3g}",
        "Focal length": None if exposure.focal_length is None else f"{exposure.focal_length:.4g} mm",
    }


def _numbers(values: tuple[float, ...]) -> list[float]:
    return [int(value) if value == int(value) else round(value, 3) for value in values]


def describe(photo: Photo) -> dict[str, object]:
    """Returns the metadata panel: label -> value, in order.

    Values are strings, numbers, lists of them, or None if the file does not say. All can be written as JSON.
    """
    width, height = photo.size
    table: dict[str, object] = {
        "Name": photo.name,
        "Kind": "RAW" if isinstance(photo, RawPhoto) else "developed picture",
    }
    table["Camera"] = photo.camera
    table["Size"] = f"{width} x {height}"
    table["Megapixels"] = round(width * height / 1e6, 2)
    table["Bits"] = photo.bits
    if isinstance(photo, RawPhoto):
        pattern = {"xtrans": "X-Trans (6 x 6)", "bayer": f"Bayer, {photo.phase}", "none": say("source.no_pattern")}
        table["Sensor pattern"] = "none, monochrome" if photo.monochrome else pattern[photo.cfa]
        table["Black level"] = _numbers(photo.black_level)
        table["White level"] = _numbers((photo.white_level,))[0]
        table["Rotation"] = f"{photo.rotation}°, mirrored" if photo.mirrored else f"{photo.rotation}°"
    table["White balance"] = _format_gains(photo.white_balance.gains)
    table["White balance from"] = photo.white_balance.source
    if isinstance(photo, RawPhoto):
        table["As-shot gains"] = None if photo.as_shot is None else _format_gains(photo.as_shot)
        table["Daylight gains"] = None if photo.daylight is None else _format_gains(photo.daylight)
        table["Colour matrix from"] = photo.matrix_source
    table |= _exposure(photo.exposure)
    suggestion = suggest_ratio(photo)
    table["Suggested ratio"] = round(suggestion.ratio, 4)
    table["Suggested ratio from"] = suggestion.source
    table["Notes"] = list(photo.notes)
    return table
