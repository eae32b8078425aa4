"""Opacity with every colour model, premultiplied or not: the result is the colour that Pillow and LittleCMS compute
without opacity, times the opacity."""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from explorer.photo import RgbPhoto, open_photo

Y, X = np.mgrid[0:32, 0:48]
PIXELS = np.stack([30 + X * 4, 40 + Y * 5, 60 + X + 2 * Y], axis=-1).astype(np.uint8)
OPACITY = np.where(X < 12, 0, np.where(X < 24, 0.25, np.where(X < 36, 0.6, 1.0)))
"""Nothing, a quarter, more, all."""
INKS = np.asarray(Image.fromarray(PIXELS).convert("CMYK")).copy()
INKS[..., 3] = 40 + Y
GREY = PIXELS[..., 0]
ADOBE = bytes(imagecodecs.cms_profile("adobergb"))


def lab_as_stored(offset: bool) -> np.ndarray:
    """L*, a*, b* of the picture by LittleCMS: L* from 0 to 255, a* and b* with LittleCMS's offset or signed."""
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    made = np.asarray(ImageCms.profileToProfile(Image.fromarray(PIXELS), srgb, lab, outputMode="LAB")).copy()
    # Pillow shows a* and b* as TIFF stores them: signed bytes.
    return (made ^ np.array([0, 128, 128], np.uint8)) if offset else made


def by_profile(picture: np.ndarray, profile: bytes) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return np.asarray(
        ImageCms.profileToProfile(Image.fromarray(picture), source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    )


def stored(samples: np.ndarray, premultiplied: bool, bits: int, signed: bool = False) -> np.ndarray:
    """Samples with the opacity behind them, each in 8 or 16 bits."""
    values = samples.astype(np.float64).reshape(*X.shape, -1)
    if signed:
        values[..., 1:] = values[..., 1:].astype(np.uint8).astype(np.int8)
    factor = 257 if bits == 16 and not signed else 256 if bits == 16 else 1
    opacity = np.round(OPACITY * (2**bits - 1))
    scaled = values * factor
    if signed and bits == 16:
        scaled[..., 0] = values[..., 0] * 257
    scaled = np.round(scaled * OPACITY[..., None]) if premultiplied else scaled
    return np.dstack([scaled, opacity]).astype(np.int64).astype(f"u{bits // 8}")


MODELS = {
    "grey": ("minisblack", GREY, np.repeat(GREY[..., None], 3, 2), None),
    "white is zero": ("miniswhite", 255 - GREY, np.repeat(GREY[..., None], 3, 2), None),
    "rgb": ("rgb", PIXELS, PIXELS, None),
    "rgb with a profile": ("rgb", PIXELS, by_profile(PIXELS, ADOBE), ADOBE),
    "cmyk": ("separated", INKS, np.asarray(Image.fromarray(INKS, "CMYK").convert("RGB")), None),
    "Lab": ("cielab", lab_as_stored(offset=False), PIXELS, None),
    "ICC Lab": ("icclab", lab_as_stored(offset=True), PIXELS, None),
}


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("premultiplied", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_tiff(model: str, premultiplied: bool, bits: int, planar: bool) -> None:
    photometric, samples, shown, profile = MODELS[model]
    signed = model == "Lab"
    data = stored(samples, premultiplied, bits, signed)
    if model == "ICC Lab" and bits == 16:  # whose 100 and whose offset are those of 8 bits, times 256
        data[..., :3] = np.round(samples * 256.0 * (OPACITY[..., None] if premultiplied else 1))
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, np.moveaxis(data, -1, 0) if planar else data, photometric=photometric, metadata=None,
        planarconfig="separate" if planar else "contig", extrasamples=["assocalpha" if premultiplied else "unassalpha"],
        iccprofile=profile,
    )  # fmt: skip
    photo = open_photo(buffer.getvalue())
    assert isinstance(photo, RgbPhoto)
    expected = shown / 255 * OPACITY[..., None]
    assert photo.image[:, :12].max() == 0
    # 8-bit samples of a quarter of the opacity have two bits less, and Lab's rounding is that of LittleCMS.
    tolerance = (0.025 if "Lab" in model or profile else 0.009) if bits == 8 else 0.013 if "Lab" in model else 0.004
    assert np.abs(photo.image - expected).max() < tolerance


def test_associated_rgb_is_what_pillow_composites() -> None:
    """With colours brighter than their opacity allows, too."""
    data = stored(PIXELS, True, 8)
    data[:4, :, 0] = 255
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, data, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    picture = Image.open(io.BytesIO(buffer.getvalue())).convert("RGBA")
    black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
    expected = np.asarray(Image.alpha_composite(black, picture).convert("RGB")) / 255
    photo = open_photo(buffer.getvalue())
    assert isinstance(photo, RgbPhoto)
    assert np.abs(photo.image - expected).max() < 1.5 / 255


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_floating_point(dtype: type) -> None:
    linear = (PIXELS / 255 * OPACITY[..., None]).astype(dtype)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, np.dstack([linear, OPACITY.astype(dtype)]), photometric="rgb", metadata=None,
        extrasamples=["assocalpha"], iccprofile=ADOBE,
    )  # fmt: skip
    photo = open_photo(buffer.getvalue())
    assert isinstance(photo, RgbPhoto)
    assert np.abs(photo.image - by_profile(PIXELS, ADOBE) / 255 * OPACITY[..., None]).max() < 0.009


@pytest.mark.parametrize("kind", [1, 2, 65535])
def test_jpeg_2000_says_what_its_fourth_channel_is(kind: int) -> None:
    """Opacity, opacity by which the colours are multiplied, or nothing that concerns the picture."""
    buffer = io.BytesIO()
    samples = stored(PIXELS, kind == 2, 8)
    Image.fromarray(samples, "RGBA").save(buffer, "JPEG2000", irreversible=False)
    data = buffer.getvalue()
    start = data.index(b"jp2h") - 4
    size = int.from_bytes(data[start : start + 4], "big")
    entries = [(0, 0, 1), (1, 0, 2), (2, 0, 3), (3, kind, 0)]
    box = struct.pack(">I4sH", 34, b"cdef", 4) + b"".join(struct.pack(">3H", *each) for each in entries)
    old = data.find(b"cdef", start, start + size)
    if old >= 0:
        head = data[start : old - 4] + box
        rest = data[start + size :]
        assert len(head) == size
    else:
        head, rest = data[start : start + size] + box, data[start + size :]
        head = struct.pack(">I", len(head)) + head[4:]
    photo = open_photo(data[:start] + head + rest)
    assert isinstance(photo, RgbPhoto)
    expected = PIXELS / 255 * (1 if kind == 65535 else OPACITY[..., None])
    assert np.abs(photo.image - expected).max() < 0.003
