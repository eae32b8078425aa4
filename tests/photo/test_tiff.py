"""TIFF: which picture of a file is the photo, and samples of every kind that writers use."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from saving import opened

from explorer.errors import PhotoError
from explorer.photo import RgbPhoto

Y, X = np.mgrid[0:36, 0:52]
PIXELS = np.stack([10 + X * 4, 20 + Y * 5, 30 + X + 2 * Y], axis=-1).astype(np.uint8)
HEIGHT, WIDTH = PIXELS.shape[:2]
GREY = PIXELS[..., 0]
SIZES = {3: 2, 4: 4, 5: 8}


def tiff(photometric: int, bits: list[int], data: bytes, **tags: tuple[int, list[int]]) -> bytes:
    """One directory and one strip, little-endian, written here so that nothing is in the way of odd tags: t338=(3, [2])
    is tag 338 of shorts."""
    fields = {256: (4, [WIDTH]), 257: (4, [HEIGHT]), 258: (3, bits), 259: (3, [1]), 262: (3, [photometric])}
    fields |= {273: (4, [0]), 277: (3, [len(bits)]), 278: (4, [HEIGHT]), 279: (4, [len(data)]), 284: (3, [1])}
    fields |= {int(name[1:]): value for name, value in tags.items()}
    packed = {
        code: b"".join(
            struct.pack({3: "<H", 4: "<I", 5: "<II"}[kind], *((each, 1) if kind == 5 else (each,))) for each in values
        )
        for code, (kind, values) in fields.items()
    }
    start = 8 + 2 + 12 * len(fields) + 4
    places, tail = {}, b""
    for code in sorted(fields):
        if len(packed[code]) > 4:
            places[code] = start + len(tail)
            tail += packed[code] + bytes(len(packed[code]) % 2)
    packed[273] = struct.pack("<I", start + len(tail))
    out = b"II*\0" + struct.pack("<IH", 8, len(fields))
    for code in sorted(fields):
        value = struct.pack("<I", places[code]) if code in places else packed[code].ljust(4, b"\0")
        out += struct.pack("<HHI", code, fields[code][0], len(packed[code]) // SIZES[fields[code][0]]) + value
    return out + bytes(4) + tail + data


def packed(samples: np.ndarray, bits: int) -> bytes:
    """Rows of samples of so many bits, each row filled up to a byte; 16 bits little-endian."""
    if bits == 16:
        return samples.astype("<u2").tobytes()
    flat = samples.reshape(HEIGHT, -1, 1).astype(np.uint16)
    singles = (flat >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(singles.reshape(HEIGHT, -1).astype(np.uint8), axis=1).tobytes()


def shows(data: bytes, expected: np.ndarray, tolerance: float = 1e-5) -> RgbPhoto:
    photo = opened(data)
    expected = np.repeat(expected[..., None], 3, axis=2) if expected.ndim == 2 else expected
    assert photo.image.shape == expected.shape
    assert np.abs(photo.image - expected).max() <= tolerance
    return photo


@pytest.mark.parametrize("beside", [None, 0, 1, 2, "unstated"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_palettes(bits: int, beside: Any) -> None:
    """A palette that counts downwards, so that indices taken for brightness would show."""
    colors = 2**bits
    index = (X * colors // WIDTH).astype(np.uint16)
    ramp = (65535 - np.arange(colors) * 65535 // (colors - 1)).tolist()
    tags: dict[str, tuple[int, list[int]]] = {"t320": (3, ramp * 3)}
    samples = index if beside is None else np.stack([index, np.full_like(index, colors - 1)], axis=-1)
    if isinstance(beside, int):
        tags["t338"] = (3, [beside])
    photo = shows(
        tiff(3, [bits] * (1 if beside is None else 2), packed(samples, bits), **tags), 1 - index / (colors - 1)
    )
    assert photo.bits == (16 if bits == 16 else 8)


def test_a_palette_with_opacity_is_composited_over_black() -> None:
    index = (X * 4).astype(np.uint8)
    ramp = (np.arange(256) * 257).tolist()
    data = tiff(3, [8, 8], np.stack([index, np.full_like(index, 51)], -1).tobytes(), t320=(3, ramp * 3), t338=(3, [2]))
    shows(data, index / 255 * 0.2, 1 / 255)


def test_a_palette_that_is_too_short_is_refused() -> None:
    index = np.full((HEIGHT, WIDTH), 3, np.uint8)
    table = np.zeros((3, 2), np.uint16)
    from explorer.photo.files.tiff import _palette

    class Page:
        colormap, bitspersample = table, 8

    with pytest.raises(PhotoError, match="palette has fewer colours"):
        _palette(Page, index[..., None], "short.tif")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_grey_with_another_sample(photometric: int, bits: int, kind: int) -> None:
    grey, half = GREY.astype(np.uint16), np.full_like(GREY, 127, dtype=np.uint16)
    stored = 255 - grey if photometric == 0 else grey
    stored = np.round(stored * (127 / 255)).astype(np.uint16) if kind == 1 else stored
    samples = np.stack([stored, half], axis=-1) * (257 if bits == 16 else 1)
    data = tiff(photometric, [bits] * 2, packed(samples, bits), t338=(3, [kind]))
    shows(data, GREY / 255 * (127 / 255 if kind else 1), 0.5 / 255 + 1e-5 if kind == 1 else 1e-5)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("photometric", [0, 1])
def test_grey(photometric: int, bits: int) -> None:
    most = 2**bits - 1
    level = (X * (most + 1) // WIDTH).astype(np.uint16)
    stored = most - level if photometric == 0 else level
    shows(tiff(photometric, [bits], packed(stored, bits)), level / most)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_depths(bits: int) -> None:
    deep = PIXELS.astype(np.uint32) * (2**bits - 1) // 255
    shows(tiff(2, [bits] * 3, packed(deep, bits)), deep / (2**bits - 1))


@pytest.mark.parametrize("extra", [[0, 2], [2, 0], [0]])
def test_color_with_other_samples(extra: list[int]) -> None:
    beside = [np.full((HEIGHT, WIDTH), 102 if each == 2 else 7, np.uint8) for each in extra]
    data = tiff(2, [8] * (3 + len(extra)), np.dstack([PIXELS, *beside]).tobytes(), t338=(3, extra))
    shows(data, PIXELS / 255 * (0.4 if 2 in extra else 1))


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cmyk(dtype: type, alpha: bool, planar: bool) -> None:
    """Pillow's own formula: (1 - ink)(1 - black)."""
    inks = np.asarray(Image.fromarray(PIXELS).convert("CMYK")).copy()
    inks[..., 3] = 64
    expected = (1 - inks[..., :3] / 255) * (1 - 64 / 255)
    samples = np.dstack([inks, np.full(GREY.shape, 153, np.uint8)]) if alpha else inks
    samples = samples.astype(dtype) * (257 if dtype is np.uint16 else 1)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, np.moveaxis(samples, -1, 0) if planar else samples, photometric="separated", metadata=None,
        planarconfig="separate" if planar else "contig", extrasamples=["unassalpha"] if alpha else None,
        compression="lzw",
    )  # fmt: skip
    photo = shows(buffer.getvalue(), expected * (0.6 if alpha else 1))
    assert photo.bits == 8 * np.dtype(dtype).itemsize
    assert any("CMYK" in note for note in photo.notes)


def test_other_inks_are_refused_for_what_they_are() -> None:
    data = tiff(5, [8] * 4, np.dstack([PIXELS, GREY]).tobytes(), t332=(3, [2]))
    with pytest.raises(PhotoError, match="inks other than"):
        opened(data)


@pytest.mark.parametrize("code", range(1, 9))
@pytest.mark.parametrize("subsampling", [1, 2])
def test_ycbcr_in_all_orientations(subsampling: int, code: int) -> None:
    ycc = np.asarray(Image.fromarray(PIXELS).convert("YCbCr"))
    if subsampling == 2:  # four lights, then the two colours
        cells = (
            ycc[..., 0].reshape(HEIGHT // 2, 2, WIDTH // 2, 2).transpose(0, 2, 1, 3).reshape(HEIGHT // 2, WIDTH // 2, 4)
        )
        data = np.concatenate([cells, ycc[::2, ::2, 1:]], axis=-1).tobytes()
    else:
        data = ycc.tobytes()
    turned = Image.fromarray(PIXELS)
    turned.getexif()[274] = code
    expected = np.asarray(ImageOps.exif_transpose(turned)) / 255
    range_tags = {"t530": (3, [subsampling] * 2), "t532": (5, [0, 255, 128, 255, 128, 255]), "t274": (3, [code])}
    shows(tiff(6, [8] * 3, data, **range_tags), expected, 0.03)


PREVIEW = PIXELS[::4, ::4]


def pages(*written: tuple[np.ndarray, dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for samples, options in written:
            writer.write(samples, metadata=None, **({"photometric": "rgb"} | options))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([(PREVIEW, {"subfiletype": 1}), (PIXELS, {})], "preview"),
        ([(PREVIEW, {}), (PIXELS, {})], "preview"),
        ([(PREVIEW, {"subfiletype": 1, "subifds": 1}), (PIXELS, {})], "preview"),
        ([(PREVIEW, {"subifds": 1}), (PIXELS, {})], "preview"),
        ([(PIXELS, {"subifds": 2}), (PIXELS[::2, ::2], {"subfiletype": 1}), (PREVIEW, {"subfiletype": 1})], None),
        ([(PIXELS, {}), (PREVIEW, {"subfiletype": 1})], "2 pages; the first one"),
        ([(PIXELS, {}), (255 - PIXELS, {}), (255 - PIXELS, {})], "3 pages; the first one"),
        ([(PIXELS, {}), (np.zeros((200, 60, 3), np.uint8), {})], "2 pages; the first one"),
        ([(GREY > 90, {"subfiletype": 4, "photometric": "mask"}), (PIXELS, {})], "2 pages; page 2"),
        ([(PIXELS, {"subfiletype": 1})], None),
    ],
)
def test_the_photograph_is_found(written: list, words: str | None) -> None:
    photo = shows(pages(*written), PIXELS / 255)
    assert (words is None and not photo.notes) or any(words in note for note in photo.notes)


def test_the_older_mark_of_a_preview() -> None:
    data = pages((PREVIEW, {"extratags": [(255, 3, 1, 2, True)]}), (PIXELS, {}))
    shows(data, PIXELS / 255)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("peak", [1, 255, 65535])
def test_ranges_of_floating_point(peak: int, dtype: type) -> None:
    if dtype is np.float16 and peak == 65535:
        pytest.skip("beyond what 16 bits hold")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, (PIXELS / 255 * peak * 0.99).astype(dtype), photometric="rgb", metadata=None)
    photo = shows(buffer.getvalue(), PIXELS / 255 * 0.99, 1e-3 if dtype is np.float16 else 1e-5)
    assert any(("0 to 1." if peak == 1 else f"0 to {peak}.") in note for note in photo.notes)


def test_dark_counts_in_floating_point_are_counts() -> None:
    """A photograph so dark that its brightest count is 3 of 255."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, (PIXELS // 64).astype(np.float32), photometric="rgb", metadata=None)
    shows(buffer.getvalue(), (PIXELS // 64) / 255)


def test_opacity_beside_floating_point_counts() -> None:
    half = np.full((HEIGHT, WIDTH, 1), 0.5)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        np.dstack([PIXELS, half]).astype(np.float32),
        photometric="rgb",
        metadata=None,
        extrasamples=["unassalpha"],
    )
    shows(buffer.getvalue(), PIXELS / 255 / 2)


def test_floating_point_without_a_known_range_is_refused_with_the_range() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PIXELS.astype(np.float32) * 1e4, photometric="rgb", metadata=None)
    with pytest.raises(PhotoError, match=r"from 100000 to 2\.\d+e\+06"):
        opened(buffer.getvalue())
