"""Small files that would fill memory, time or the page: opened within limits, with the right pixels."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.photo import Limits, RawPhoto, RgbPhoto, open_photo
from explorer.photo.files.directories import directory
from explorer.photo.files.dng import write_dng
from explorer.photo.limits import DecoderLimits
from explorer.sandbox.processes import DecoderPool

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited only on Linux")

ASCII, SHORT, LONG = 2, 3, 4


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderPool]:
    pool = DecoderPool(DecoderLimits(memory=512 * 2**20, seconds=30.0, processes=1))
    yield pool
    pool.close()


def tiff(**more: Any) -> bytes:
    """A grey TIFF of 8 x 8 pixels with further tags: name -> (number, type, values)."""
    tags = {256: (LONG, 8), 257: (LONG, 8), 258: (SHORT, 8), 259: (SHORT, 1), 262: (SHORT, 1), 273: (LONG, 8),
            277: (SHORT, 1), 278: (LONG, 8), 279: (LONG, 64)}  # fmt: skip
    tags |= {number: (kind, values) for number, kind, values in more.values()}
    return b"II*\0" + struct.pack("<I", 72) + bytes([51] * 64) + directory(tags, 72)


def with_tags(data: bytes, more: Mapping[int, tuple[int, int, bytes]]) -> bytes:
    """A TIFF structure whose first directory is replaced by one with further tags: number -> (type, count, bytes)."""
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    starts = range(first + 2, first + 2 + 12 * count, 12)
    entries = {struct.unpack_from("<H", data, at)[0]: data[at : at + 12] for at in starts}
    out = bytearray(data)
    for number, (kind, values, content) in more.items():
        entries[number] = struct.pack("<HHII", number, kind, values, len(out))
        out += content
    out[4:8] = struct.pack("<I", len(out))
    return bytes(out + struct.pack("<H", len(entries)) + b"".join(entries[each] for each in sorted(entries)) + bytes(4))


@pytest.fixture(scope="module")
def dng(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    mosaic = (np.arange(200 * 300) % 900 + 64).astype(np.uint16).reshape(200, 300)
    path = tmp_path_factory.mktemp("dng") / "a.dng"
    return write_dng(path, mosaic, black=64, white=1023, color_matrix=np.eye(3).tolist()).read_bytes()


@linux
def test_a_tiff_that_names_a_directory_sixty_thousand_times(decoders: DecoderPool) -> None:
    """Read whole, the inner directories of this file of 240 kB fill 4 GiB."""
    photo = decoders.open(tiff(inner=(330, LONG, [72] * 60_000)), "many.tif", Limits())
    assert isinstance(photo, RgbPhoto)
    np.testing.assert_allclose(photo.image, 0.2, atol=1e-6)


WHOLE = np.array([0, 0, 200, 300])


@linux
def test_masked_areas_without_number(dng: bytes, decoders: DecoderPool) -> None:
    """Each is as large as the picture: measuring them all took longer than a minute."""
    areas = np.tile(WHOLE, 100_000).astype("<u4").tobytes()
    photo = decoders.open(with_tags(dng, {50830: (LONG, 400_000, areas)}), "areas.dng", Limits())
    plain = open_photo(dng, name="plain.dng")
    assert isinstance(plain, RawPhoto) and isinstance(photo, RawPhoto)
    np.testing.assert_array_equal(photo.mosaic, plain.mosaic)


def test_a_list_of_more_bad_rectangles_than_cameras_have(dng: bytes) -> None:
    """Each may cover the whole picture."""
    rectangles = np.tile(WHOLE, 5000).astype(">u4").tobytes()
    opcodes = struct.pack(">8I", 1, 5, 0x01030000, 0, 12 + len(rectangles), 0, 0, 5000) + rectangles
    photo = open_photo(with_tags(dng, {51008: (7, len(opcodes), opcodes)}), name="a.dng")
    assert any("damaged" in note for note in photo.notes)


def test_names_that_a_file_gives_are_short() -> None:
    """What a file says of itself is in memory as long as the photo, and in every page that shows it."""
    photo = open_photo(tiff(make=(271, ASCII, "M" * 10**6), model=(272, ASCII, "N" * 10**6)), name="a.tif")
    assert photo.camera is not None and 100 <= len(photo.camera) <= 300 and len(photo.exif or b"") < 65536


def test_a_png_whose_many_kinds_of_chunks_are_damaged() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (51, 51, 51)).save(buffer, "PNG")
    whole = buffer.getvalue()
    kinds = (bytes([97 + n // 17576 % 26, 97 + n // 676 % 26, 97 + n // 26 % 26, 97 + n % 26]) for n in range(50_000))
    wrong = b"".join(bytes(4) + kind + struct.pack(">I", zlib.crc32(kind) ^ 1) for kind in kinds)
    photo = open_photo(whole[:33] + wrong + whole[33:], name="a.png")
    assert isinstance(photo, RgbPhoto)
    np.testing.assert_allclose(photo.image, 0.2, atol=1e-6)
    assert photo.notes and sum(map(len, photo.notes)) < 1000
