"""Files that cannot be read: each causes one sentence that names the file."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import raws
import tifffile
from PIL import Image

from explorer.errors import PhotoError
from explorer.photo import Limits, open_photo, write_dng

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 256, (96, 128, 3)).astype(np.uint8)


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind, **options)
    return buffer.getvalue()


def refused(source: str | Path | bytes, *words: str, name: str | None = None) -> str:
    with pytest.raises(PhotoError) as caught:
        open_photo(source, name=name)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert "b'" not in message
    for word in (name or "", *words):
        assert word in message
    return message


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "nothing.jpg").write_bytes(b"")
    refused(tmp_path / "nothing.jpg", "nothing.jpg is empty")


def test_text_named_dng(tmp_path: Path) -> None:
    (tmp_path / "letter.dng").write_text("Dear reader,\n" * 100)
    refused(tmp_path / "letter.dng", "letter.dng does not contain a photo")


@pytest.mark.parametrize("suffix", ["dng", "nef", "raf", "jpg", "tif"])
def test_random_bytes(suffix: str) -> None:
    refused(RNG.bytes(5000), name=f"noise.{suffix}")


def test_missing_and_folder(tmp_path: Path) -> None:
    refused(tmp_path / "absent.png", "absent.png does not exist")
    refused(tmp_path, "is a folder")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not hold for the superuser")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "locked.png"
    path.write_bytes(encoded("PNG"))
    path.chmod(0)
    refused(path, "is not readable")


def test_huge_png_header_is_refused_before_decoding() -> None:
    refused(png_header(50_000, 50_000), "50000 x 50000", "megapixels", name="huge.png")


def test_zero_sized_png() -> None:
    refused(png_header(0, 10), "0 x 10", name="zero.png")


def test_limits() -> None:
    with pytest.raises(PhotoError, match="megapixels"):
        open_photo(encoded("JPEG"), limits=Limits(max_pixels=96 * 128 - 1))
    with pytest.raises(PhotoError, match="MiB"):
        open_photo(encoded("JPEG"), limits=Limits(max_bytes=1000))
    assert open_photo(encoded("JPEG"), limits=Limits(max_pixels=96 * 128)).size == (128, 96)


def test_raw_pixel_limit(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", np.zeros((64, 64), dtype=np.uint16))
    with pytest.raises(PhotoError, match="64 x 64 pixels, more than the limit"):
        open_photo(path, limits=Limits(max_pixels=1000))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "progressive"])
def test_truncated_pictures(kind: str, share: float) -> None:
    whole = encoded("JPEG", progressive=True) if kind == "progressive" else encoded(kind)
    suffix = "jpeg" if kind == "progressive" else kind.lower()
    assert open_photo(whole, name=f"whole.{suffix}").size == (128, 96)
    refused(whole[: int(len(whole) * share)], name=f"cut.{suffix}")


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.9, 0.999])
def test_truncated_dng(tmp_path: Path, share: float) -> None:
    path = write_dng(tmp_path / "whole.dng", RNG.integers(0, 9999, (200, 300)).astype(np.uint16))
    whole = path.read_bytes()
    refused(whole[: int(len(whole) * share)], name="cut.dng")


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.95, 0.999])
def test_truncated_camera_files(shared: Path, share: float) -> None:
    for name in ("canon_d30_candlelight.crw", "canon_550d_dark_colorchart.dng"):
        whole = (shared / "data" / "raw" / name).read_bytes()
        refused(whole[: int(len(whole) * share)], name=name)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_tiff_that_is_not_finite(tmp_path: Path, value: float) -> None:
    image = np.full((8, 8, 3), 0.5, np.float32)
    image[3, 4, 1] = value
    tifffile.imwrite(tmp_path / "nan.tif", image, photometric="rgb")
    refused(tmp_path / "nan.tif", "nan.tif contains NaN or infinite values")


def test_signed_and_many_channelled_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "signed.tif", np.zeros((8, 8), np.int16))
    refused(tmp_path / "signed.tif", "int16")
    tifffile.imwrite(
        tmp_path / "cube.tif", np.zeros((8, 8, 9), np.uint8), photometric="minisblack", planarconfig="contig"
    )
    refused(tmp_path / "cube.tif", "not a grey or RGB picture")


def test_damaged_png_data() -> None:
    whole = bytearray(encoded("PNG"))
    whole[len(whole) // 2] ^= 0xFF
    refused(bytes(whole), name="flipped.png")


def test_damaged_deep_png() -> None:
    import imagecodecs

    whole = bytearray(imagecodecs.png_encode(RNG.integers(0, 65536, (64, 64, 3)).astype(np.uint16)))
    whole[len(whole) // 2] ^= 0xFF
    refused(bytes(whole), name="flipped16.png")


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_heic_without_its_decoder(brand: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    refused(b"\0\0\0\x18ftyp" + brand + bytes(100), "pip install pillow-heif", name="phone.heic")


def test_headerless_mosaics() -> None:
    refused(bytes(2000), "name it like rose_768x512_rggb.raw", name="scan.raw")
    refused(bytes(2000), "has 2000 bytes", name="scan_32x32_rggb.raw")
    refused(bytes(2), "smaller than one cell", name="scan_1x1_rggb.raw")


def test_a_dng_of_jpeg_xl_says_what_to_do() -> None:
    """Telephones write them; copying one from the camera again does not help."""
    data = raws.dng(np.zeros((32, 32, 3), np.uint16), None, tags={50706: (1, [1, 7, 0, 0]), 259: (3, 52546)})
    with pytest.raises(PhotoError, match=r"JPEG XL .* Adobe DNG Converter"):
        open_photo(data, name="a.dng")
