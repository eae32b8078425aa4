"""Applies embedded colour profiles (ICC.1) with LittleCMS, at the samples' own depth.

LittleCMS computes in floating point here. Its integer transforms resample profiles on a coarse grid; in the dark tones
of a 16-bit picture, that is wrong by several steps of an 8-bit one.
"""

from __future__ import annotations

import struct
from functools import lru_cache

import numpy as np

from explorer.messages import say
from explorer.photo.files.color import ColorSpace, coded_space, is_hdr
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.values import FloatArray

UNUSABLE = say("note.profile_unusable")
_UNCHANGED = 1.5 / 255
"""Largest change of a colour for which a profile counts as sRGB itself, so that the samples are left unchanged."""
_SPACES = {b"RGB ": ("rgb", 3), b"GRAY": ("gray", 1), b"CMYK": ("cmyk", 4)}
_PQ_PROFILE = "ITUR_2100_PQ_FULL".encode("utf-16-be")
_MOST_BYTES = 16 * 2**20
"""Largest profile; those of printing presses have 3 MiB."""


def channels(profile: bytes) -> int:
    """Number of channels that the profile is for; 0 for another kind of profile."""
    return _SPACES.get(profile[16:20], ("", 0))[1]


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    import imagecodecs

    return bytes(imagecodecs.cms_profile("srgb"))


def _converted(samples: FloatArray, profile: bytes) -> FloatArray:
    """H x W (x 4) -> H x W x 3 in [0, 1]."""
    import imagecodecs

    if profile[16:20] == b"CMYK":
        samples = samples * np.float32(100)  # LittleCMS expects floating-point ink in per cent
    found = imagecodecs.cms_transform(
        samples, profile, _srgb(), colorspace=_SPACES[profile[16:20]][0], outcolorspace="rgb",
        intent=imagecodecs.CMS.INTENT.PERCEPTUAL, flags=imagecodecs.CMS.FLAGS.NOCACHE,
    )  # fmt: skip
    return np.clip(found, 0, 1)


def to_srgb(image: FloatArray, profile: bytes) -> tuple[FloatArray, str | None]:
    """Converts a picture from its embedded profile to sRGB.

    Args:
        image: H x W x 1 (grey), H x W x 3 (RGB) or H x W x 4 (CMYK, 1 is full ink), in [0, 1].
        profile: the ICC profile.

    Returns:
        H x W x 3 sRGB (H x W x 1 if nothing had to be done), and a note for the user if there is one. A profile that is
        damaged, or for another kind of picture, is ignored: the image is returned unchanged, with a note.
    """
    count = image.shape[2]
    try:
        if (hdr := _hdr_space(profile)) is not None and count == 3:
            return hdr.to_srgb(image)
        if channels(profile) != count or len(profile) > _MOST_BYTES:
            return image, UNUSABLE
        if count != 4 and _is_srgb(profile, count):
            return image, None
        out = np.empty((*image.shape[:2], 3), dtype=np.float32)

        def work(top: int, bottom: int) -> None:
            band = image[top:bottom, :, 0] if count == 1 else image[top:bottom]
            out[top:bottom] = _converted(np.ascontiguousarray(band), profile)

        in_bands(image.shape[0], rows_of_band(image.shape[1], 1), work)
    except (RuntimeError, ValueError, TypeError, struct.error):  # imagecodecs' CmsError is a RuntimeError
        return image, UNUSABLE
    return (out, None) if np.isfinite(out).all() else (image, UNUSABLE)


def _is_srgb(profile: bytes, count: int) -> bool:
    """True if the profile does not change a grid of colours."""
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    if count == 1:
        probe, same = steps[None], np.repeat(steps[None, :, None], 3, axis=2)
    else:
        probe = same = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
    return bool(np.abs(_converted(probe, profile) - same).max() < _UNCHANGED)


def _hdr_space(profile: bytes) -> ColorSpace | None:
    """PQ or HLG as stated by a profile: by its cicp tag (ICC.1:2022, 9.2.17), or by the profile name that the W3C
    recommends for PNG files. The profile's tables are for viewers that know neither."""
    count = struct.unpack(">I", profile[128:132])[0]
    for index in range(min(count, 100)):
        code, offset, size = struct.unpack(">4sII", profile[132 + 12 * index : 144 + 12 * index])
        if code == b"cicp" and size >= 12 and len(profile) >= offset + 12:
            primaries, transfer = profile[offset + 8], profile[offset + 9]
            return coded_space(primaries, transfer) if is_hdr(transfer) else None
    return coded_space(9, 16) if _PQ_PROFILE in profile[:4096] or b"ITUR_2100_PQ_FULL" in profile[:4096] else None
