"""Damage that checksums reveal, and files without their end: either the right picture or a sentence."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from explorer.errors import PhotoError
from explorer.photo import RgbPhoto, open_photo

END_MISSING = "The end of the file is missing, but the picture is complete."
RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 256, (40, 56, 3)).astype(np.uint8)
SOFT = np.asarray(Image.fromarray(PIXELS).resize((75, 51)).resize((149, 101)))
FRAMES = [PIXELS, 255 - PIXELS, PIXELS[::-1]]


def opened(data: bytes) -> RgbPhoto:
    photo = open_photo(data, name="picture")
    assert isinstance(photo, RgbPhoto)
    return photo


def levels(photo: RgbPhoto) -> np.ndarray:
    return np.round(photo.image * 255)


def saved(images: list[np.ndarray], kind: str, **options: Any) -> bytes:
    first, *others = [Image.fromarray(each) for each in images]
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": others} if others else {}
    first.save(buffer, kind, **more, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks_of(data: bytes) -> list[tuple[bytes, int, int]]:
    """Kind, start and end of each PNG chunk's data."""
    found, place = [], 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        found.append((data[place + 4 : place + 8], place + 8, place + 8 + length))
        place += 12 + length
    return found


def png(depth: int, pieces: int = 3, level: int = 0, spoil: int = 0) -> bytes:
    """In several IDAT chunks, stored as they are so that a changed byte changes a pixel and nothing else; `spoil`
    changes the zlib stream before its chunks get their own checksums."""
    samples = PIXELS if depth == 8 else PIXELS.astype(">u2") * np.uint16(257)
    rows = b"".join(b"\0" + row.tobytes() for row in samples.astype(">u2" if depth == 16 else np.uint8))
    stream = bytearray(zlib.compress(rows, level))
    stream[-1] ^= spoil
    step = -(-(len(stream) - 4) // pieces)
    parts = [bytes(stream[place : place + step]) for place in range(0, len(stream) - 4, step)]
    parts += [bytes(stream[-4:])]  # zlib's checksum lies in a chunk of its own
    parts[-2] = parts[-2][: len(stream) - 4 - step * (len(parts) - 2)]
    head = struct.pack(">IIBBBBB", PIXELS.shape[1], PIXELS.shape[0], depth, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(chunk(b"IDAT", each) for each in parts)


END = chunk(b"IEND", b"")


@pytest.mark.parametrize("depth", [8, 16])
def test_png_with_damaged_pixels_is_refused(depth: int) -> None:
    whole = png(depth) + END
    np.testing.assert_array_equal(levels(opened(whole)), PIXELS)
    for kind, start, end in chunks_of(whole):
        if kind == b"IEND":
            continue
        for place in (min(start + 8, end), (start + end) // 2, end - 1, end, end + 3):
            damaged = bytearray(whole)
            damaged[place] ^= 8
            with pytest.raises(PhotoError, match="picture is a damaged PNG: the checksum .* wrong") as said:
                opened(bytes(damaged))
            assert kind.decode() in str(said.value) and str(said.value).count(".") == 1


@pytest.mark.parametrize("level", [0, 6])
@pytest.mark.parametrize("depth", [8, 16])
def test_zlibs_own_checksum_counts(depth: int, level: int) -> None:
    with pytest.raises(PhotoError, match="damaged"):
        opened(png(depth, level=level, spoil=1) + END)


def test_a_palette_with_a_wrong_checksum_is_refused() -> None:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).quantize(64).save(buffer, "PNG")
    whole = buffer.getvalue()
    start = next(start for kind, start, _ in chunks_of(whole) if kind == b"PLTE")
    with pytest.raises(PhotoError, match="PLTE"):
        opened(whole[:start] + bytes([whole[start] ^ 1]) + whole[start + 1 :])


@pytest.mark.parametrize("kind", [b"gAMA", b"tEXt", b"iCCP", b"juNk", b"fdAT", b"tRNS", b"IEND"])
def test_png_with_damage_beside_its_pixels_opens_with_a_note(kind: bytes) -> None:
    body = png(8)
    extra = bytearray(END if kind == b"IEND" else chunk(kind, b"\0\0\xff\xff\0\0"))
    extra[-1] ^= 1
    photo = opened(body + bytes(extra) if kind == b"IEND" else body[:33] + bytes(extra) + body[33:] + END)
    np.testing.assert_array_equal(levels(photo), PIXELS)
    (note,) = photo.notes
    assert "damaged" in note and kind.decode() in note


@pytest.mark.parametrize("compression", ["zlib", "lzma", "lerc"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_tiff_whose_compression_has_a_checksum(compression: str, tile: tuple[int, int] | None) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PIXELS, photometric="rgb", compression=compression, metadata=None, tile=tile)
    whole = buffer.getvalue()
    with tifffile.TiffFile(io.BytesIO(whole)) as read:
        spans = list(zip(read.pages.first.dataoffsets, read.pages.first.databytecounts, strict=True))
    for start, count in (spans[0], spans[-1]):
        for place in RNG.integers(start, start + count, 10):
            damaged = bytearray(whole)
            damaged[place] ^= 16
            try:
                np.testing.assert_array_equal(levels(opened(bytes(damaged))), PIXELS)
            except PhotoError as error:
                assert "damaged" in str(error)


# Without an end


def deep_jpeg(lossless: bool) -> bytes:
    samples = SOFT.astype(np.uint16) * 16
    options: dict[str, Any] = {"lossless": True} if lossless else {"level": 95}
    return bytes(imagecodecs.jpeg8_encode(samples, bitspersample=12, **options))


JPEGS: dict[str, bytes] = {
    "baseline": saved([SOFT], "JPEG", quality=90),
    "grey": saved([SOFT[..., 0]], "JPEG", quality=90),
    "progressive": saved([SOFT], "JPEG", quality=90, progressive=True),
    "restarts": saved([SOFT], "JPEG", quality=90, restart_marker_blocks=3),
    "progressive with restarts": saved([SOFT], "JPEG", quality=90, progressive=True, restart_marker_blocks=7),
    "12 bits": deep_jpeg(lossless=False),
}


@pytest.mark.parametrize("kind", JPEGS)
def test_a_whole_jpeg_without_its_last_marker(kind: str) -> None:
    """Cut off at any place: it opens only where every pixel is the whole file's."""
    whole = JPEGS[kind]
    expected = levels(opened(whole))
    for cut in (1, 2):
        photo = opened(whole[:-cut])
        np.testing.assert_array_equal(levels(photo), expected)
        assert photo.notes == (END_MISSING,)
    places = [len(whole) - cut for cut in range(3, 90, 3)]
    places += [place for number in range(8) for place in found(whole, bytes([0xFF, 0xD0 + number]))]
    places += [place for place in found(whole, b"\xff\xda") if place > 300]
    places += [place for place in found(whole, b"\xff\xc4") if place > 700]
    for place in places:
        try:
            photo = opened(whole[:place])
        except PhotoError as error:
            assert "truncated" in str(error) or "damaged" in str(error)
        else:
            assert place > len(whole) - 12 and np.abs(levels(photo) - expected).max() <= 1


def found(data: bytes, what: bytes) -> list[int]:
    """Places of the last few, before and behind them."""
    places, place = [], data.find(what)
    while place >= 0:
        places.append(place)
        place = data.find(what, place + 1)
    return [place + more for place in places[-4:] for more in (0, 2)]


@pytest.mark.parametrize("frames", [1, 3])
def test_gif_without_its_trailer(frames: int) -> None:
    whole = saved(FRAMES[:frames], "GIF")
    expected = np.asarray(Image.open(io.BytesIO(whole)).convert("RGB"))
    assert opened(whole[:-1]).notes == (END_MISSING,)
    seen = {"open": 0, "refused": 0}
    for place in range(len(whole) // (2 * frames), len(whole), 37):
        try:
            photo = opened(whole[:place])
        except PhotoError as error:
            assert "truncated" in str(error) or "damaged" in str(error)
            seen["refused"] += 1
        else:
            np.testing.assert_array_equal(levels(photo), expected)
            assert photo.notes == (END_MISSING,)
            seen["open"] += 1
    assert seen["refused"] and (frames == 1 or seen["open"])


def tiff(frames: list[np.ndarray], big: bool) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big) as writer:
        for frame in frames:
            writer.write(frame, photometric="rgb", metadata=None, compression="zlib")
    return buffer.getvalue()


ANIMATIONS = {
    "apng": lambda: saved(FRAMES, "PNG"),
    "webp": lambda: saved(FRAMES, "WEBP", lossless=True),
    "avif": lambda: saved(FRAMES, "AVIF", quality=95, subsampling="4:4:4"),
    "jpeg xl": lambda: bytes(imagecodecs.jpegxl_encode(np.stack(FRAMES), lossless=True)),
    "tiff": lambda: tiff(FRAMES, big=False),
    "bigtiff": lambda: tiff(FRAMES, big=True),
    "tiff of Pillow": lambda: saved(FRAMES, "TIFF"),
}


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_an_animation_that_is_cut_off_behind_its_first_picture(kind: str) -> None:
    whole = ANIMATIONS[kind]()
    expected = levels(opened(whole))
    assert np.abs(expected - PIXELS).mean() < 8
    seen = {"open": 0, "refused": 0}
    for share in (0.15, 0.25, 0.45, 0.6, 0.8, 0.95, 0.999):
        try:
            photo = opened(whole[: int(len(whole) * share)])
        except PhotoError as error:
            assert "truncated" in str(error) or "damaged" in str(error)
            seen["refused"] += 1
        else:
            np.testing.assert_array_equal(levels(photo), expected)
            assert photo.notes and (END_MISSING in photo.notes or kind == "jpeg xl")
            seen["open"] += 1
    assert seen["refused"] >= 2 and seen["open"] >= 4


@pytest.mark.parametrize("plain", [True, False])
def test_jpeg_2000_without_its_last_marker(plain: bool) -> None:
    whole = saved([SOFT], "JPEG2000", no_jp2=plain, tile_size=(64, 64))
    for cut in (1, 2):
        photo = opened(whole[:-cut])
        np.testing.assert_array_equal(levels(photo), SOFT)
        assert photo.notes == (END_MISSING,)
    last_tile = whole.rfind(b"\xff\x90\0\x0a")
    for place in (len(whole) - 3, len(whole) - 40, last_tile):
        with pytest.raises(PhotoError, match="truncated"):
            opened(whole[:place])


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_without_what_lies_behind_its_picture(lossless: bool) -> None:
    exif = Image.Exif()
    exif[272] = "X1"
    whole = saved([SOFT], "WEBP", lossless=lossless, exif=exif)
    photo = opened(whole[: whole.rindex(b"EXIF") + 6])
    np.testing.assert_array_equal(levels(photo), levels(opened(whole)))
    assert photo.notes == (END_MISSING,) and photo.camera is None
    with pytest.raises(PhotoError, match="truncated"):
        opened(whole[: whole.rindex(b"EXIF") - 8])


def test_a_sequence_of_avif_pictures_leaves_the_process_alive(tmp_path: Path) -> None:
    (tmp_path / "a.avif").write_bytes(saved([SOFT, SOFT[::-1], 255 - SOFT], "AVIF", quality=95))
    code = "import sys, explorer; photo = explorer.open_photo(sys.argv[1]); print(photo.size, *photo.notes)"
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "a.avif"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and ran.stdout.startswith("(149, 101) The file contains a sequence"), ran.stderr
