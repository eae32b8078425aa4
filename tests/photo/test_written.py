"""Files written on all cores: valid, lossless, and hardly larger than those of the usual encoders."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from explorer.encode import encode, quantise
from explorer.photo import open_photo
from explorer.photo.files import written
from explorer.photo.files.exif_writer import srgb_profile
from explorer.photo.files.written import Samples, deflated, png_of, tiff_of
from explorer.photo.light.amplify import amplify
from explorer.photo.light.develop import load_rendering

RNG = np.random.default_rng(24)
SHAPES = [(1, 1, 3), (1, 700, 3), (613, 1, 3), (97, 241, 3), (301, 420, 3), (3, 30_011, 3), (211, 307)]


def picture(shape: tuple[int, ...], dtype: type) -> Samples:
    """Slopes, an edge and noise over all values of the type."""
    top = np.iinfo(dtype).max
    y, x = np.mgrid[: shape[0], : shape[1]]
    light = (x / max(1, shape[1]) + y / max(1, shape[0])) / 2 + 0.3 * (x > y)
    light = light if len(shape) == 2 else light[..., None] * np.array([1.0, 0.7, 0.4])
    return (np.clip(light + RNG.normal(0, 0.01, shape), 0, 1) * top).astype(dtype)


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Names and contents, checksums compared."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(name + content),)
        found.append((name, content))
        at += 12 + length
    return found


@pytest.mark.parametrize("worth", [0.0, 9.0], ids=["quick", "thorough"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_png_is_one_valid_stream_that_every_reader_takes(
    shape: tuple[int, ...], dtype: type, worth: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "_WORTH", worth)
    samples = picture(shape, dtype)
    data = png_of(samples)
    chunks = chunks_of(data)
    assert [chunks[0][0], chunks[-1]] == [b"IHDR", (b"IEND", b"")]
    stream = zlib.decompressobj()  # compares Adler-32 at the end
    rows = stream.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    assert stream.eof
    assert not stream.unused_data
    assert len(rows) == samples.nbytes + shape[0]
    assert np.array_equal(imagecodecs.png_decode(data), samples)
    with Image.open(io.BytesIO(data)) as image:
        opened = np.asarray(image)
    # Pillow has no colours of 16 bits: it reads the upper eight.
    assert np.array_equal(opened, samples >> 8 if dtype is np.uint16 and len(shape) == 3 else samples)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tiff_is_read_bit_for_bit_and_has_its_predictor(shape: tuple[int, ...], dtype: type) -> None:
    samples = picture(shape, dtype)
    data = tiff_of(samples).getvalue()
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages.first
        assert (page.compression, page.predictor, len(tiff.pages)) == (8, 2, 1)
        assert np.array_equal(page.asarray(), samples)
    if dtype is np.uint8 or len(shape) == 2:  # what Pillow, through libtiff, has a type for
        with Image.open(io.BytesIO(data)) as image:
            assert np.array_equal(np.asarray(image), samples)


def test_blocks_join_wherever_in_a_byte_they_end() -> None:
    parts = [
        RNG.integers(0, high, length, dtype=np.uint8).tobytes() for high in (2, 17, 256) for length in range(1, 90)
    ]
    parts += [bytes(length) for length in (1, 5, 32768)] + [RNG.bytes(32768), RNG.bytes(70_000), b"ab" * 60_000]
    ends = {len(deflated(part)) - len(imagecodecs.deflate_encode(part, 1, raw=True)) for part in parts}
    assert ends >= {4, 5}  # both ways of ending were met
    stream = b"".join(map(deflated, parts)) + b"\1\0\0\xff\xff"
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    assert inflater.decompress(stream) == b"".join(parts)
    assert inflater.eof


def test_a_block_that_libdeflate_splits_is_joined_as_well() -> None:
    """As other versions of it may do at any length: here, noise of changing kinds, far longer than we give it."""
    part = b"".join(RNG.integers(0, high, 40_000, dtype=np.uint8).tobytes() for high in (2, 200, 9))
    assert not imagecodecs.deflate_encode(part, 1, raw=True)[0] & 1
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    assert inflater.decompress(deflated(part) + deflated(b"end") + b"\1\0\0\xff\xff") == part + b"end"
    assert inflater.eof


@pytest.mark.parametrize("cores", [1, 3])
def test_threads_change_no_byte(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = picture((500, 700, 3), np.uint16)
    expected = png_of(samples), tiff_of(samples).getvalue()
    monkeypatch.setattr("explorer.photo.parallel.cores", lambda: cores)
    monkeypatch.setattr("explorer.photo.files.written.cores", lambda: cores)
    assert (png_of(samples), tiff_of(samples).getvalue()) == expected


def photographs(project: Path) -> dict[str, NDArray[np.float32]]:
    """A camera's noise under strong amplification, and a clean picture."""
    examples = project / "explorer" / "examples"
    noisy = amplify(load_rendering(open_photo(examples / "still_life.dng", isolated=False)), 20)
    clean = load_rendering(open_photo(examples / "still_life_reference.jpg", isolated=False))
    smooth = (clean[:-1, :-1] + clean[1:, :-1] + clean[:-1, 1:] + clean[1:, 1:]) / 4  # no longer of 256 levels
    y, x = np.mgrid[:600, :900].astype(np.float32)
    slope = ((x / 900 + y / 600) / 2)[..., None] * np.array([1, 0.7, 0.4], np.float32)
    return {"noisy": noisy, "clean": clean, "smooth": smooth, "slope": slope, "flat": np.full_like(slope, 0.3)}


@pytest.mark.parametrize("bits", [8, 16])
def test_files_are_hardly_larger_than_the_usual_encoders_make_them(bits: int, project: Path) -> None:
    """libpng's choice of filters at zlib's level 2, and strips at libdeflate's usual level."""
    for name, image in photographs(project).items():
        samples = quantise(image, bits)
        usual = io.BytesIO()
        tifffile.imwrite(usual, samples, photometric="rgb", compression="zlib", predictor=True, metadata=None)
        sizes = {".png": len(imagecodecs.png_encode(samples, level=2)), ".tif": len(usual.getvalue())}
        for suffix, size in sizes.items():
            assert len(encode(image, suffix, bits)) <= 1.05 * size + len(srgb_profile()), (name, suffix)


def test_the_work_is_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of ordinary size has many bands, and other threads than the caller's compress some of them."""
    import threading

    seen: set[str] = set()
    kept = written.deflated
    monkeypatch.setattr(
        written, "deflated", lambda *given: (seen.add(threading.current_thread().name), kept(*given))[1]
    )
    monkeypatch.setattr("explorer.photo.parallel.cores", lambda: 2)
    png_of(picture((1000, 1500, 3), np.uint16))
    assert seen - {threading.main_thread().name}
