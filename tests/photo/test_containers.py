"""AVIF, HEIC, JPEG XL and JPEG 2000: orientation, bit depth, recognition by content."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageOps, features
from saving import opened

from explorer.errors import PhotoError
from explorer.photo import Limits, linear_to_srgb

Y, X = np.mgrid[0:32, 0:48]
PIXELS = np.stack([20 + X * 4, 30 + Y * 5, 60 + X + Y], axis=-1).astype(np.uint8)


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def with_properties(data: bytes, *properties: bytes) -> bytes:
    """An AVIF or HEIC file of one picture with more properties behind its own. Boxes that hold them grow, and the
    places of the picture's data move along."""
    out, meta = bytearray(data), data.index(b"meta") - 4
    ipma, ipco, iprp, iloc = (data.index(kind) - 4 for kind in (b"ipma", b"ipco", b"iprp", b"iloc"))
    assert out[ipma + 8 : ipma + 12] == bytes(4), "associations of one byte, numbers of two"
    at, known = ipco + 8, 0
    while at < ipco + int.from_bytes(out[ipco : ipco + 4], "big"):
        known, at = known + 1, at + int.from_bytes(out[at : at + 4], "big")
    count = ipma + 18
    new, links = b"".join(properties), bytes(0x80 | (known + 1 + index) for index in range(len(properties)))
    assert ipma > ipco
    end = count + 1 + out[count]
    out[end:end] = links
    out[count] += len(properties)
    out[at:at] = new

    def grow(place: int, by: int) -> None:
        out[place : place + 4] = (int.from_bytes(out[place : place + 4], "big") + by).to_bytes(4, "big")

    grow(ipma + len(new), len(links))
    grow(ipco, len(new))
    for place in (iprp, meta):
        grow(place, len(new) + len(links))
    moved = len(new) + len(links)
    version, sizes = out[iloc + 8], out[iloc + 12]
    base = out[iloc + 13] >> 4
    assert version in (0, 1) and sizes == 0x44
    place = iloc + 16
    for _ in range(int.from_bytes(out[iloc + 14 : iloc + 16], "big")):
        place += 4 + (2 if version == 1 else 0) + base
        extents = int.from_bytes(out[place : place + 2], "big")
        for _ in range(extents):
            grow(place + 2, moved)
            place += 8
        place += 2
    return bytes(out)


def irot(quarters: int) -> bytes:
    return box(b"irot", bytes([quarters]))


def imir(axis: int) -> bytes:
    return box(b"imir", bytes([axis]))


def clap(width: int, height: int, across: int, down: int) -> bytes:
    """A clean aperture whose middle is off the picture's by so many halves."""
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, across, 2, down, 2))


def avif(samples: np.ndarray, **options: Any) -> bytes:
    return bytes(imagecodecs.avif_encode(samples, level=100, **options))


def heic(samples: np.ndarray, **options: Any) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    mode = {2: "L", 3: "RGB"}[samples.ndim] if samples.dtype == np.uint8 else {2: "I;16", 3: "RGB;16"}[samples.ndim]
    pillow_heif.encode(mode, samples.shape[1::-1], samples.tobytes(), buffer, quality=-1, chroma=444, **options)
    return buffer.getvalue()


TURNS: list[tuple[list[bytes], Callable[[np.ndarray], np.ndarray]]] = [
    (
        ([irot(quarters)] if quarters or axis is None else []) + ([imir(axis)] if axis is not None else []),
        lambda image, quarters=quarters, axis=axis: (
            np.rot90(image, quarters) if axis is None else np.flip(np.rot90(image, quarters), axis)
        ),
    )
    for quarters in range(4)
    for axis in (None, 0, 1)
]
"""ISO/IEC 23008-12, 6.5.10 and 6.5.12: irot turns counter-clockwise; imir exchanges top and bottom (0) or left and
right (1)."""


@pytest.mark.parametrize("number", range(len(TURNS)))
@pytest.mark.parametrize("encode", [avif, heic])
def test_turned_and_mirrored(encode: Callable[..., bytes], number: int) -> None:
    properties, turn = TURNS[number]
    # 64 wide and high: encoders of HEIC crop other sizes by a box of their own.
    across = np.mgrid[0:64, 0:64][1] * 3
    square = np.dstack([across, across.T, np.full((64, 64), 90)]).astype(np.uint8)
    photo = opened(with_properties(encode(square), *properties))
    assert np.abs(photo.image * 255 - turn(square)).max() < 3


@pytest.mark.skipif(not features.check("avif"), reason="this release of Pillow writes no AVIF")
@pytest.mark.parametrize("code", range(1, 9))
def test_avif_agrees_with_pillow_in_all_orientations(code: int) -> None:
    """Pillow writes irot and imir for an EXIF orientation, and says it again when it reads them."""
    exif = Image.Exif()
    exif[274], exif[272] = code, "X1"
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "AVIF", quality=100, subsampling="4:4:4", exif=exif)
    photo = opened(buffer.getvalue())
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(buffer.getvalue())))
    assert np.abs(photo.image * 255 - np.asarray(expected)).max() < 1
    turned = Image.fromarray(PIXELS)
    turned.getexif()[274] = code
    assert np.abs(photo.image * 255 - np.asarray(ImageOps.exif_transpose(turned))).max() < 4
    assert photo.camera == "X1"


def test_avif_is_cropped_before_it_is_turned() -> None:
    data = with_properties(avif(PIXELS), clap(20, 12, 2 * 4, 2 * 3), irot(1))
    expected = np.rot90(PIXELS[10 + 3 : 22 + 3, 14 + 4 : 34 + 4])
    np.testing.assert_array_equal(np.round(opened(data).image * 255), expected)


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_avif_keeps_its_depth(bits: int, channels: int) -> None:
    samples = PIXELS.astype(np.uint16) << (bits - 8) | (PIXELS.astype(np.uint16) & (2 ** (bits - 8) - 1))
    samples = samples[..., 0] if channels == 1 else samples if channels == 3 else np.dstack([samples, samples[..., 0]])
    photo = opened(avif(samples.astype(np.uint8) if bits == 8 else samples, bitspersample=bits))
    values = samples / (2.0**bits - 1)
    expected = values[..., None] if channels == 1 else values[..., :3] * (values[..., 3:] if channels == 4 else 1)
    assert photo.bits == bits
    assert np.abs(photo.image - expected).max() < 1e-5


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("color", [False, True])
def test_heic_keeps_its_depth(bits: int, color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", bits == 12)
    ramp = (np.arange(64, dtype=np.uint16)[None, :] * 1023).repeat(64, 0)
    samples = np.dstack([ramp, ramp.T, ramp]) if color else ramp
    photo = opened(heic(samples))
    assert photo.bits == bits
    assert np.abs(photo.image - (samples if color else samples[..., None]) / 65535).max() * 255 < (1 if color else 0.3)


def test_heic_of_pq_is_light() -> None:
    white = np.full((64, 64, 3), round(0.5807 * 65535), np.uint16)  # 203 cd/m2
    photo = opened(
        heic(white, color_primaries=9, transfer_characteristics=16, matrix_coefficients=9, full_range_flag=1)
    )
    assert np.abs(photo.image - 1).max() < 0.02
    assert any("HDR (PQ)" in note for note in photo.notes)


@pytest.mark.parametrize("major", [b"mif1", b"miaf", b"msf1", b"MA1B"])
def test_avif_by_its_compatible_brands(major: bytes) -> None:
    data = bytearray(avif(PIXELS))
    assert data[8:12] == b"avif"
    if b"avif" not in data[16 : int.from_bytes(data[:4], "big")]:
        data[16:20] = b"avif"
    data[8:12] = major
    np.testing.assert_array_equal(np.round(opened(bytes(data)).image * 255), PIXELS)


def test_a_damaged_avif_is_one_sentence() -> None:
    with pytest.raises(PhotoError, match="damaged or truncated AVIF"):
        opened(avif(PIXELS)[:-60])
    with pytest.raises(PhotoError, match="megapixels"):
        opened(avif(PIXELS), limits=Limits(max_pixels=1000))


JPEG_XL = [
    (PIXELS, 8, PIXELS / 255, {}),
    (PIXELS[..., 0], 8, PIXELS[..., :1] / 255, {}),
    (np.dstack([PIXELS, PIXELS[..., 0]]), 8, PIXELS / 255 * (PIXELS[..., :1] / 255), {}),
]


@pytest.mark.parametrize("number", range(len(JPEG_XL)))
def test_jpeg_xl(number: int) -> None:
    samples, bits, expected, options = JPEG_XL[number]
    photo = opened(imagecodecs.jpegxl_encode(samples, lossless=True, **options))
    assert photo.bits == bits
    assert np.abs(photo.image - expected).max() < 1e-5


@pytest.mark.parametrize(("dtype", "bits"), [(np.uint16, 10), (np.uint16, 16), (np.float32, 32)])
def test_jpeg_xl_says_that_it_is_linear(dtype: type, bits: int) -> None:
    """imagecodecs states linear light for every type but bytes."""
    light = PIXELS / 255
    samples = light.astype(np.float32) if bits == 32 else np.round(light * (2**bits - 1)).astype(dtype)
    options = {"bitspersample": bits} if bits == 10 else {}
    photo = opened(imagecodecs.jpegxl_encode(samples, lossless=True, **options))
    assert photo.bits == bits
    assert np.abs(photo.image - linear_to_srgb(light.astype(np.float32))).max() < (2e-3 if bits == 10 else 1e-4)


def lossy_or_not(samples: np.ndarray, form: str, bits: int | None) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(samples, codecformat=form, bitspersample=bits, reversible=True, level=0))


@pytest.mark.parametrize("form", ["jp2", "j2k"])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("grey", [False, True])
def test_jpeg_2000(form: str, bits: int, grey: bool) -> None:
    samples = PIXELS if bits == 8 else (PIXELS.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    samples = np.ascontiguousarray(samples[..., 0]) if grey else samples
    photo = opened(lossy_or_not(samples, form, bits))
    assert photo.bits == bits
    expected = samples[..., None] if grey else samples
    assert np.abs(photo.image - expected / (2**bits - 1)).max() < 1e-5


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_jpeg_2000_of_pillow(mode: str) -> None:
    picture = Image.fromarray(PIXELS).convert(mode)
    if "A" in mode:
        picture.putalpha(Image.fromarray(PIXELS[..., 1]))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG2000", irreversible=False)
    opacity = PIXELS[..., 1:2] / 255 if "A" in mode else 1
    expected = np.asarray(picture.convert("RGB")) / 255 * opacity
    assert np.abs(opened(buffer.getvalue()).image - expected).max() < 1e-5


@pytest.mark.parametrize("encode", [lambda: imagecodecs.jpegxl_encode(PIXELS, lossless=True),
                                    lambda: lossy_or_not(PIXELS, "jp2", None)])  # fmt: skip
def test_new_formats_are_limited_and_refused_in_one_sentence(encode: Callable[[], bytes]) -> None:
    data = bytes(encode())
    with pytest.raises(PhotoError, match="megapixels"):
        opened(data, limits=Limits(max_pixels=1000))
    for share in (0.02, 0.3):
        with pytest.raises(PhotoError) as caught:
            opened(data[: int(len(data) * share)], name="cut.bin")
        assert str(caught.value).startswith("cut.bin is ") and str(caught.value).endswith(".")


class Bits:
    """Fields of a JPEG XL codestream, least significant bit first."""

    def __init__(self) -> None:
        self.value, self.count = 0, 0

    def put(self, value: int, count: int) -> None:
        self.value |= value << self.count
        self.count += count

    def enum(self, value: int) -> None:
        selector, offset, count = (value, value, 0) if value < 2 else (2, 2, 4) if value < 18 else (3, 18, 6)
        self.put(selector, 2)
        self.put(value - offset, count)


def jpeg_xl_header(primaries: int, transfer: int, orientation: int) -> bytes:
    """SizeHeader and ImageMetadata (ISO/IEC 18181-1, annex D) of 48 x 32 pixels of 3 x 8 bits, lossless."""
    bits = Bits()
    for value, count in ((1, 1), (32 // 8 - 1, 5), (0, 3), (48 // 8 - 1, 5)):
        bits.put(value, count)
    bits.put(0, 1)  # not all default
    for value, count in ((1, 1), (orientation - 1, 3), (0, 3)):
        bits.put(value, count)
    for value, count in ((0, 1), (0, 2), (1, 1), (0, 2), (0, 1)):  # 8 bits, 16-bit buffers, no extra channels, no XYB
        bits.put(value, count)
    bits.put(0b00, 2)  # colours are stated, by numbers
    for value in (0, 1, primaries):  # RGB, D65
        bits.enum(value)
    bits.put(0, 1)
    for value in (transfer, 1):
        bits.enum(value)
    for value, count in ((1, 1), (0, 2), (1, 1)):  # tone mapping, extensions, transform: default
        bits.put(value, count)
    return b"\xff\x0a" + bits.value.to_bytes((bits.count + 7) // 8, "little")


@pytest.mark.parametrize(("primaries", "transfer", "coded"), [(1, 13, None), (11, 13, (12, 13)), (9, 16, (9, 16)),
                                                              (9, 18, (9, 18)), (1, 8, (1, 8))])  # fmt: skip
@pytest.mark.parametrize("orientation", [1, 6])
def test_jpeg_xl_states_its_colors(
    primaries: int, transfer: int, coded: tuple[int, int] | None, orientation: int
) -> None:
    """The same numbers in an AVIF, whose boxes say them, give the same colours."""
    whole = bytes(imagecodecs.jpegxl_encode(PIXELS, lossless=True))
    head = jpeg_xl_header(primaries, transfer, orientation)
    for start in range(3, 16):  # frames begin at a byte; where, the encoder's own header decides
        data = head + whole[start:]
        try:
            decoded = imagecodecs.jpegxl_decode(data, keeporientation=True)
        except RuntimeError:  # JpegxlError is one, too
            continue
        if np.array_equal(decoded, PIXELS):
            break
    else:
        pytest.fail("no such file can be made")
    options = {} if coded is None else {"primaries": coded[0], "transfer": coded[1]}
    expected = opened(avif(PIXELS, **options))
    photo = opened(data)
    turned = expected.image if orientation == 1 else np.rot90(expected.image, -1)
    np.testing.assert_allclose(photo.image, turned, atol=1e-5)
    assert photo.notes == expected.notes
