"""The EXIF that results keep: the camera's data always, the GPS position only on request, no leftovers."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

import explorer
from explorer.encode import FORMATS, encode, quantise
from explorer.photo import open_photo, write_dng
from explorer.photo.files.exif_writer import add_exif_to_tiff
from explorer.photo.files.metadata import directories, exif_block, without_place
from explorer.photo.types import Exposure

EXIF, GPS = 34665, 34853
KINDS = [(suffix, bits) for suffix, depths in FORMATS.items() for bits in depths]


def tagged() -> Image.Exif:
    """Tags as a telephone writes them, with much that a result should not carry on."""
    exif = Image.Exif()
    exif.update({270: "a street", 271: "Acme", 272: "Acme X1", 274: 6, 282: 72.0, 306: "2024:05:06 23:01:02"})
    exif[315], exif[33432] = "A. Author", "CC BY"
    exif.get_ifd(EXIF).update(
        {
            33434: IFDRational(1, 8),
            33437: IFDRational(14, 5),
            34855: 800,
            36867: "2024:05:06 23:01:02",
            37386: IFDRational(35, 1),
            42036: "Lens 35 mm",
            37500: b"maker" * 50,
            40961: 65535,
            40962: 4000,
            40963: 3000,
            42032: "Owner",
            42033: "serial-0815",
        }  # fmt: skip
    )
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 12.0, 30.5), 3: "E", 4: (16.0, 22.0, 0.0)})
    return exif


def jpeg() -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 60, (40, 48, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", exif=tagged(), quality=95)
    return buffer.getvalue()


def tags_of(data: bytes) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    """The three directories of a file, read by Pillow; of a 16-bit TIFF, which it cannot open, from its structure."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        return directories(data)
    with Image.open(io.BytesIO(data)) as picture:
        exif = picture.getexif()
        return dict(exif), dict(exif.get_ifd(EXIF)), dict(exif.get_ifd(GPS))


@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_every_format_carries_the_camera_and_leaves_the_place_out(suffix: str, bits: int, tmp_path: Path) -> None:
    photo = open_photo(jpeg(), name="street.jpg")
    result = explorer.restore(photo, "identity", 2.0)
    path = result.save(tmp_path / f"out{suffix}", bits=bits)
    main, details, place = tags_of(path.read_bytes())
    assert (main[271], main[272], main[306], main[315]) == ("Acme", "Acme X1", "2024:05:06 23:01:02", "A. Author")
    assert (float(details[33434]), float(details[33437]), details[34855]) == (0.125, 2.8, 800)
    assert details[42036] == "Lens 35 mm"
    assert place == {}
    assert 274 not in main or main[274] == 1  # the result is upright
    assert not {37500, 40961, 40962, 40963, 42032, 42033} & set(details)
    assert b"serial-0815" not in path.read_bytes()
    kept = tags_of(result.save(tmp_path / f"kept{suffix}", bits=bits, keep_gps=True).read_bytes())
    assert [float(x) for x in kept[2][2]] == [48.0, 12.0, 30.5]
    assert kept[1].keys() == details.keys()


@pytest.mark.parametrize("bits", [8, 16])
def test_samples_are_what_they_are_without_tags(bits: int) -> None:
    image = np.random.default_rng(3).random((30, 41, 3), dtype=np.float32)
    block = open_photo(jpeg()).exif
    assert block is not None
    for suffix, read in ((".tif", lambda data: tifffile.imread(io.BytesIO(data))), (".png", imagecodecs.png_decode)):
        for keep_gps in (False, True):
            data = encode(image, suffix, bits, block, keep_gps=keep_gps)
            assert np.array_equal(read(data), quantise(image, bits)), suffix
    with tifffile.TiffFile(io.BytesIO(encode(image, ".tif", bits, block))) as tiff:
        codes = [tag.code for tag in tiff.pages.first.tags]
        assert codes == sorted(codes)
        assert tiff.pages.first.tags[272].value == "Acme X1"
        assert len(tiff.pages) == 1


def test_a_file_without_tags_gets_none() -> None:
    image = np.zeros((20, 20, 3), np.float32)
    for suffix, bits in KINDS:
        assert tags_of(encode(image, suffix, bits))[1:] == ({}, {})
    big = io.BytesIO(b"II+\0" + bytes(100))
    add_exif_to_tiff(big, exif_block("Acme", Exposure()) or b"")
    assert len(big.getvalue()) == 104  # a BigTIFF is left as it is


def test_raw_photos_carry_their_own_tags_and_what_the_decoder_knows(tmp_path: Path) -> None:
    night = write_dng(
        tmp_path / "a.dng", np.full((32, 32), 900, np.uint16), camera="Acme X1", iso=6400, exposure_seconds=0.5
    )
    main, details, _ = directories(open_photo(night).exif or b"")
    assert (main[271], main[272]) == ("Acme", "Acme X1")
    assert (details[34855], float(details[33434])) == (6400, 0.5)
    assert not {262, 273, 33421, 33422} & set(main)  # how the mosaic is stored


def test_the_place_is_taken_out_of_a_block() -> None:
    photo = open_photo(jpeg())
    assert directories(photo.exif or b"")[2]
    cleaned = without_place(photo.exif)
    assert cleaned is not None and directories(cleaned)[:2] == directories(photo.exif or b"")[:2]
    assert directories(cleaned)[2] == {}
    assert without_place(None) is None
    assert without_place(b"damaged") is None


def test_tags_that_are_too_long_for_a_jpeg_are_done_without() -> None:
    exif = tagged()
    exif.get_ifd(EXIF)[37510] = b"x" * 65_000
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "PNG", exif=exif)
    photo = open_photo(buffer.getvalue())
    result = replace(explorer.restore(photo, "identity", 1.0), exif=photo.exif)
    main, details, _ = tags_of(encode(result.image, ".jpg", 8, result.exif))
    assert main[272] == "Acme X1"
    assert 37510 not in details


def entries(data: bytes, tag: int | None = None) -> dict[int, tuple[int, bytes]]:
    """Type and bytes of each tag of a little-endian TIFF structure, read here: of its first directory, or of the one
    that a tag of it points to."""
    size = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8, 12: 8, 13: 4}
    (start,) = struct.unpack_from("<I", data, 4)
    if tag is not None:
        (start,) = struct.unpack("<I", entries(data)[tag][1])
    found = {}
    for k in range(struct.unpack_from("<H", data, start)[0]):
        code, kind, count, place = struct.unpack_from("<HHII", data, start + 2 + 12 * k)
        length = count * size[kind]
        found[code] = kind, data[start + 10 + 12 * k :][:4][:length] if length <= 4 else data[place : place + length]
    return found


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".dng"])
def test_names_stay_in_utf8_and_tags_have_the_types_of_the_standard(suffix: str, tmp_path: Path) -> None:
    texts = {270: "ulice \u00e9", 315: "Žofie Müller 夜", 33432: "© Žofie"}
    exif, original = Image.Exif(), io.BytesIO()
    exif.update({code: text.encode() for code, text in texts.items()})
    half = IFDRational(1, 2)
    exif.get_ifd(EXIF).update({37377: half, 37380: half, 37510: b"ASCII\0\0\0ulice", 41728: b"\3", 36867: "2024"})
    Image.new("RGB", (32, 24), (40, 30, 20)).save(original, "JPEG", exif=exif)
    known = Exposure(seconds=0.125, aperture=2.8, focal_length=35.0)  # as LibRaw states them, as plain numbers
    photo = open_photo(original.getvalue())
    result = replace(explorer.restore(photo, "gamma", 1.0), exif=exif_block("Acme X1", known, photo.exif))
    data = result.save(tmp_path / f"out{suffix}", force_linear=suffix == ".dng").read_bytes()
    if suffix not in (".tif", ".dng"):
        data = Image.open(io.BytesIO(data)).info["exif"].removeprefix(b"Exif\0\0")
    found = entries(data)
    assert {code: found[code][1].rstrip(b"\0").decode() for code in texts} == texts
    kinds = {code: kind for code, (kind, _) in entries(data, EXIF).items()}
    expected = {33434: 5, 33437: 5, 37386: 5, 37377: 10, 37380: 10, 37510: 7, 41728: 7, 36867: 2}
    assert {code: kinds.get(code) for code in expected} == expected
    assert struct.unpack("<ii", entries(data, EXIF)[37380][1]) == (1, 2)
