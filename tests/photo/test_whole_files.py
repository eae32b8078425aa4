"""Complete files that were once reported as damaged: data that pixels do not need may be large, wrong or missing."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from saving import opened, saved

from explorer.errors import PhotoError

Y, X = np.mgrid[0:36, 0:51]
PIXELS = np.stack([10 + X * 4, 20 + Y * 5, 30 + X + 2 * Y], axis=-1).astype(np.uint8)
HEIGHT, WIDTH = PIXELS.shape[:2]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(depth: int, before: bytes = b"", after: bytes = b"", end: bytes | None = None) -> bytes:
    samples = PIXELS if depth == 8 else PIXELS.astype(">u2") * np.uint16(257)
    rows = b"".join(b"\0" + row.tobytes() for row in samples.astype(">u2" if depth == 16 else np.uint8))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, 2, 0, 0, 0))
    end = chunk(b"IEND", b"") if end is None else end
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", zlib.compress(rows)) + after + end


LARGE = b"Comment\0\0" + zlib.compress(b"prompt " * 400_000)
CHUNKS = {
    "large text": chunk(b"zTXt", LARGE),
    "large international text": chunk(b"iTXt", b"Comment\0\1\0\0\0" + LARGE[9:]),
    "long plain text": chunk(b"tEXt", b"Comment\0" + b"prompt " * 400_000),
    "text that is no zlib": chunk(b"zTXt", b"Comment\0\0nothing"),
    "unknown": chunk(b"juNk", bytes(100_000)),
    "empty": b"".join(chunk(kind, b"") for kind in (b"tEXt", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"tIME", b"tRNS",
                                                    b"bKGD", b"hIST", b"sPLT", b"eXIf", b"cICP", b"sBIT", b"acTL")),
    "wrong length": chunk(b"tRNS", b"12345") + chunk(b"PLTE", b"1234567") + chunk(b"gAMA", b"1"),
    "damaged exif": chunk(b"eXIf", b"II*\0" + b"\xff" * 4),
    "time twice": chunk(b"tIME", bytes(7)) * 2,
}  # fmt: skip


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("what", CHUNKS)
def test_png_with_odd_ancillary_chunks(what: str, place: str, depth: int, recwarn: pytest.WarningsRecorder) -> None:
    photo = opened(png(depth, **{place: CHUNKS[what]}))
    np.testing.assert_array_equal(np.round(photo.image * 255), PIXELS)
    assert photo.bits == depth and not photo.notes
    assert not list(recwarn)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("profile", [b"n\0\0nothing", b"n\0\0" + zlib.compress(bytes(40_000_000)), b"n\0\0", b""])
def test_png_with_a_profile_that_cannot_be_read(depth: int, profile: bytes) -> None:
    photo = opened(png(depth, before=chunk(b"iCCP", profile)))
    np.testing.assert_array_equal(np.round(photo.image * 255), PIXELS)
    assert any("profile" in note for note in photo.notes)


@pytest.mark.parametrize("depth", [8, 16])
def test_png_without_its_end_but_with_all_its_pixels(depth: int) -> None:
    for data in (png(depth, end=b""), png(depth, after=CHUNKS["unknown"], end=b"")[:-50], png(depth) + b"\0\n"):
        np.testing.assert_array_equal(np.round(opened(data).image * 255), PIXELS)
    for cut in (4, 13, 200):
        with pytest.raises(PhotoError, match="truncated"):
            opened(png(depth, end=b"")[:-cut])


def test_png_of_iphone_apps_is_refused_for_what_it_is() -> None:
    data = png(8)
    with pytest.raises(PhotoError, match="iPhone apps"):
        opened(data[:8] + chunk(b"CgBI", bytes(4)) + data[8:])


@pytest.mark.parametrize("tail", [b"\n", b"\0", b"\0\0;", b"\r\n\x1a", b"<html>" * 50])
@pytest.mark.parametrize("frames", [1, 3])
def test_gif_with_bytes_behind_its_end(tail: bytes, frames: int) -> None:
    more: dict[str, Any] = {"save_all": True, "append_images": [Image.fromarray(PIXELS[::-1])] * (frames - 1)}
    data = saved(Image.fromarray(PIXELS), "GIF", comment=b"c" * 300, **(more if frames > 1 else {}))
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(np.round(opened(data + tail).image * 255), expected)


@pytest.mark.parametrize("precision", [12, 10, 16])
@pytest.mark.parametrize("grey", [False, True])
def test_jpeg_of_more_than_8_bits(precision: int, grey: bool) -> None:
    if precision != 12 and not imagecodecs.JPEG8.all_precisions:
        pytest.skip("this build of imagecodecs knows 8 and 12 bits")
    deep = np.ascontiguousarray((PIXELS.astype(np.uint32) * (2**precision - 1) // 255).astype(np.uint16))
    deep = np.ascontiguousarray(deep[..., 0]) if grey else deep
    options = {"level": 100, "subsampling": None if grey else "444"} if precision == 12 else {"lossless": True}
    photo = opened(imagecodecs.jpeg8_encode(deep, bitspersample=precision, **options))
    expected = (deep[..., None] if grey else deep) / (2**precision - 1)
    assert np.abs(photo.image - expected).max() < (0.004 if precision == 12 else 1e-5)
    assert photo.bits == precision


def test_jpeg_ls() -> None:
    np.testing.assert_array_equal(np.round(opened(imagecodecs.jpegls_encode(PIXELS)).image * 255), PIXELS)


def test_exif_and_profile_of_a_deep_jpeg() -> None:
    exif = Image.Exif()
    exif[272], exif[274] = "X1", 6
    plain = saved(Image.fromarray(PIXELS), "JPEG", exif=exif)
    segment = plain[plain.index(b"Exif\0\0") - 4 :]
    segment = segment[: 2 + int.from_bytes(segment[2:4], "big")]
    deep = bytes(imagecodecs.jpeg8_encode(PIXELS.astype(np.uint16) * 16, bitspersample=12, level=100))
    photo = opened(deep[:2] + segment + deep[2:])
    assert photo.camera == "X1" and photo.size == (HEIGHT, WIDTH)


def bmp(
    words: np.ndarray, masks: tuple[int, ...], size: int = 56, top_down: bool = False, compression: int = 3
) -> bytes:
    """A BMP of 16 or 32 bits by masks of red, green, blue and opacity."""
    rows = words if top_down else words[::-1]
    body = b"".join(row.tobytes() + bytes(-row.nbytes % 4) for row in rows)
    height = -HEIGHT if top_down else HEIGHT
    head = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, 8 * words.itemsize, compression, len(body), 0, 0, 0, 0)
    head += struct.pack("<4I", *masks)[: 16 if size >= 56 else 12 * (compression == 3)]
    start = 14 + max(len(head), size)
    head = head.ljust(size, b"\0")
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + body


def words(masks: tuple[int, ...], dtype: str, opacity: int = 255) -> tuple[np.ndarray, np.ndarray]:
    """Packed pixels, and what they show."""
    total, shown = np.zeros((HEIGHT, WIDTH), np.uint64), []
    for channel, mask in enumerate(masks):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            level = (PIXELS[..., channel] if channel < 3 else np.full((HEIGHT, WIDTH), opacity)).astype(np.uint64)
            level = level * (mask >> shift) // 255
            total |= level << np.uint64(shift)
            shown.append(level / (mask >> shift))
    return total.astype(dtype), np.stack(shown, axis=-1)


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize(
    ("masks", "dtype", "size"),
    [
        ((0xFF0000, 0xFF00, 0xFF, 0), "<u4", 40),
        ((0xFF0000, 0xFF00, 0xFF, 0), "<u4", 56),
        ((0xFF, 0xFF00, 0xFF0000, 0), "<u4", 108),
        ((0xFF000000, 0xFF0000, 0xFF00, 0xFF), "<u4", 124),
        ((0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000), "<u4", 124),
        ((0xF800, 0x7E0, 0x1F, 0), "<u2", 40),
        ((0x7C00, 0x3E0, 0x1F, 0x8000), "<u2", 108),
        ((0xF00, 0xF0, 0xF, 0xF000), "<u2", 56),
        ((0xE0, 0x1C, 0x3, 0), "<u2", 40),
    ],
)
def test_bmp_with_bit_fields(masks: tuple[int, ...], dtype: str, size: int, top_down: bool) -> None:
    packed, shown = words(masks, dtype)
    photo = opened(bmp(packed, masks, size, top_down), name="picture.jpg")
    assert np.abs(photo.image - shown[..., :3] * shown[..., 3:].min(axis=2, keepdims=True, initial=1)).max() < 1e-5
    assert photo.bits == (16 if masks[0].bit_count() > 8 else 8)


def test_bmp_with_an_alpha_mask_but_no_opacity_is_opaque() -> None:
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    packed, shown = words(masks, "<u4", opacity=0)
    assert np.abs(opened(bmp(packed, masks)).image - shown[..., :3]).max() < 1e-5


def test_bmp_that_is_cut_off() -> None:
    packed, _ = words((0xF800, 0x7E0, 0x1F, 0), "<u2")
    data = bmp(packed, (0xF800, 0x7E0, 0x1F, 0), 40)
    with pytest.raises(PhotoError, match="truncated"):
        opened(data[:-100])


def test_bmp_with_a_profile() -> None:
    profile = bytes(imagecodecs.cms_profile("adobergb"))
    masks = (0xFF0000, 0xFF00, 0xFF, 0)
    packed, _ = words(masks, "<u4")
    data = bytearray(bmp(packed, masks, 124))
    data[70:74] = struct.pack("<I", 0x4D424544)
    data[126:134] = struct.pack("<II", len(data) - 14, len(profile))
    found = opened(bytes(data) + profile).image
    png_like = opened(saved(Image.fromarray(PIXELS), "PNG", icc_profile=profile)).image
    np.testing.assert_allclose(found, png_like, atol=1e-6)
    assert np.abs(found - PIXELS / 255).max() > 0.02
