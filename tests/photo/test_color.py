"""Colour from what files state: profiles against LittleCMS as Pillow has it, numbers against their standards."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from saving import opened, saved

from explorer.photo import linear_to_srgb, srgb_to_linear
from explorer.photo.files.color import coded_space, matrix_to_srgb

Y, X = np.mgrid[0:40, 0:56]
PIXELS = np.stack([20 + X * 3, 30 + Y * 4, 60 + X + Y], axis=-1).astype(np.uint8)
DEEP = PIXELS.astype(np.uint16) * 257
P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples: np.ndarray, *chunks: bytes) -> bytes:
    deep = samples.dtype == np.uint16
    rows = b"".join(b"\0" + row.tobytes() for row in (samples.astype(">u2") if deep else samples))
    height, width = samples.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, 16 if deep else 8, 2 if samples.ndim == 3 else 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def by_littlecms(picture: Image.Image, profile: bytes) -> np.ndarray:
    """What Pillow's LittleCMS makes of an 8-bit picture."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    out = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return np.asarray(out).astype(float) / 255


def tagged(space: bytes, connection: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2."""
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79), b"cprt": b"text\0\0\0\0none\0",
            b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)} | tags  # fmt: skip
    table, body, offset = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for code, value in tags.items():
        table += struct.pack(">4sII", code, offset + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", offset + len(body), b"\0\0\0\0", 0x02100000, kind, space, connection)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def grey_profile(gamma: float) -> bytes:
    return tagged(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))})


def ink_profile() -> bytes:
    """A press of four inks as a lookup table (lut8Type) to Lab: two steps a channel."""
    ink = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    light = (1 - ink[:, :3] * 0.9) * (1 - ink[:, 3:])
    lab = np.stack([100 * light.mean(1), 60 * (light[:, 0] - light[:, 1]), 60 * (light[:, 1] - light[:, 2])], axis=-1)
    grid = np.clip(np.round(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], axis=-1)), 0, 255)
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + struct.pack(">9i", *(65536 * (i in (0, 4, 8)) for i in range(9)))
    lut = table + straight * 4 + grid.astype(np.uint8).tobytes() + straight * 3
    return tagged(b"CMYK", b"Lab ", b"prtr", {b"A2B0": lut})


def lookup_profile() -> bytes:
    """RGB as a lookup table to Lab, such as scanners have."""
    rgb = np.stack(np.meshgrid(*[np.linspace(0, 1, 5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = np.stack([100 * rgb.mean(1), 50 * (rgb[:, 0] - rgb[:, 1]), 50 * (rgb[:, 1] - rgb[:, 2])], axis=-1)
    grid = np.round(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], axis=-1))
    straight = bytes(range(256))
    head = b"mft1\0\0\0\0" + bytes([3, 3, 5, 0]) + struct.pack(">9i", *(65536 * (i in (0, 4, 8)) for i in range(9)))
    lut = head + straight * 3 + grid.astype(np.uint8).tobytes() + straight * 3
    return tagged(b"RGB ", b"Lab ", b"scnr", {b"A2B0": lut})


@pytest.mark.parametrize("profile", [lambda: bytes(imagecodecs.cms_profile("adobergb")), lookup_profile])
def test_profiles_of_color_agree_with_littlecms(profile: Callable[[], bytes]) -> None:
    muted = Image.fromarray((PIXELS // 2 + 60).astype(np.uint8))
    photo = opened(saved(muted, "PNG", icc_profile=profile()))
    assert np.abs(photo.image - by_littlecms(muted, profile())).max() * 255 < 1.1
    assert np.abs(photo.image * 255 - np.asarray(muted)).max() > 4


def test_profiles_of_ink_agree_with_littlecms() -> None:
    inks = Image.fromarray(PIXELS).convert("CMYK")
    expected = by_littlecms(inks, ink_profile())
    for data in (
        saved(inks, "TIFF", icc_profile=ink_profile()),
        saved(inks, "JPEG", icc_profile=ink_profile(), quality=100),
    ):
        photo = opened(data)
        assert not photo.notes
        assert np.abs(photo.image - expected).max() * 255 < (1.6 if data[:2] == b"II" else 6)


def test_a_lookup_table_keeps_16_bits() -> None:
    ramp = np.repeat(np.arange(0, 65536, 16, dtype=np.uint16)[None, :, None], 3, axis=2)
    photo = opened(png(ramp, chunk(b"iCCP", b"n\0\0" + zlib.compress(lookup_profile()))))
    assert photo.bits == 16
    assert len(np.unique(photo.image[0, :, 1])) > 3500


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_grey_profile_does_not_bend_color(kind: str) -> None:
    picture = Image.fromarray(PIXELS)
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    plain = opened(saved(picture, kind, **options))
    photo = opened(saved(picture, kind, icc_profile=grey_profile(1.2), **options))
    np.testing.assert_array_equal(photo.image, plain.image)
    assert any("profile" in note for note in photo.notes)


def test_a_grey_profile_is_applied_to_grey() -> None:
    grey = Image.fromarray(PIXELS[..., 1])
    photo = opened(saved(grey, "PNG", icc_profile=grey_profile(1.0)))
    expected = linear_to_srgb(PIXELS[..., 1:2].astype(np.float32) / 255)
    assert np.abs(photo.image - expected).max() < 2e-3
    assert not photo.notes


def test_a_color_profile_is_applied_to_grey() -> None:
    primaries = [0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1]
    linear = bytes(imagecodecs.cms_profile("rgb", whitepoint=[0.3127, 0.3290, 1], primaries=primaries, gamma=1.0))
    photo = opened(saved(Image.fromarray(PIXELS[..., 1]), "PNG", icc_profile=linear))
    assert np.abs(photo.image - linear_to_srgb(PIXELS[..., 1:2].astype(np.float32) / 255)).max() < 2e-3


@pytest.mark.parametrize("gamma", [100_000, 55_556])
@pytest.mark.parametrize("samples", [PIXELS, DEEP, DEEP[..., 0]])
def test_png_gamma(gamma: int, samples: np.ndarray) -> None:
    light = (samples / np.iinfo(samples.dtype).max) ** (100_000 / gamma)
    expected = linear_to_srgb(light.astype(np.float32))
    photo = opened(png(samples, chunk(b"gAMA", struct.pack(">I", gamma))))
    expected = expected if expected.ndim == 3 else expected[..., None]
    assert np.abs(photo.image - expected).max() < 1e-5


@pytest.mark.parametrize("gamma", [45_455, 45_000, 0, 1])
def test_png_gamma_of_srgb_or_of_nothing_changes_nothing(gamma: int) -> None:
    photo = opened(png(PIXELS, chunk(b"gAMA", struct.pack(">I", gamma))))
    np.testing.assert_array_equal(np.round(photo.image * 255), PIXELS)
    assert bool(photo.notes) == (gamma == 1)


def test_png_states_colors_by_precedence() -> None:
    linear = chunk(b"gAMA", struct.pack(">I", 100_000))
    profile = chunk(b"iCCP", b"n\0\0" + zlib.compress(bytes(imagecodecs.cms_profile("adobergb"))))
    srgb, coded = chunk(b"sRGB", b"\0"), chunk(b"cICP", bytes([1, 13, 0, 1]))
    plain = opened(png(DEEP))
    np.testing.assert_array_equal(opened(png(DEEP, linear, srgb)).image, plain.image)
    np.testing.assert_array_equal(opened(png(DEEP, linear, profile, srgb, coded)).image, plain.image)
    by_profile = opened(png(DEEP, profile)).image
    assert np.abs(by_profile - plain.image).max() > 0.02
    np.testing.assert_array_equal(opened(png(DEEP, linear, srgb, profile)).image, by_profile)


def test_primaries_by_numbers_agree_with_littlecms() -> None:
    """Display P3, said by cHRM, by cICP and by nclx, is what LittleCMS makes of a profile with these primaries."""
    primaries = [P3[0], P3[1], 1, P3[2], P3[3], 1, P3[4], P3[5], 1]
    curve = np.round(srgb_to_linear(np.linspace(0, 1, 4096, dtype=np.float32)) * 65535).astype(np.uint16)
    profile = imagecodecs.cms_profile(
        "rgb", whitepoint=[P3[6], P3[7], 1], primaries=primaries, transferfunction=np.stack([curve] * 3)
    )
    muted = (PIXELS // 4 + 90).astype(np.uint8)
    expected = by_littlecms(Image.fromarray(muted), bytes(profile))
    whole = [round(each * 100_000) for each in (*P3[6:], *P3[:6])]
    gamma = chunk(b"gAMA", struct.pack(">I", 45_455))
    photo = opened(png(muted, chunk(b"cHRM", struct.pack(">8I", *whole)), gamma))
    assert np.abs(photo.image - expected).max() * 255 < 1.1
    coded = opened(png(muted, chunk(b"cICP", bytes([12, 13, 0, 1]))))
    np.testing.assert_allclose(photo.image, coded.image, atol=1e-6)
    avif = opened(bytes(imagecodecs.avif_encode(muted, level=100, primaries=12, transfer=13)))
    np.testing.assert_allclose(avif.image, coded.image, atol=1e-6)


def test_matrix_of_bt_2020() -> None:
    """ITU-R BT.2087, equation for linear BT.2020 to BT.709."""
    expected = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    space = coded_space(9, 1)
    assert space is not None
    np.testing.assert_allclose(matrix_to_srgb(space.primaries), expected, atol=2e-4)


def pq_signal(light: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, equation 5: light in cd/m2 -> signal."""
    power = (np.asarray(light, dtype=np.float64) / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


@pytest.mark.parametrize("how", ["cICP", "nclx", "profile"])
def test_pq_keeps_light_in_proportion_up_to_reference_white(how: str) -> None:
    light = np.repeat(np.array([0.05, 1, 20, 100, 203, 1000.0])[None, :], 8, axis=0).repeat(8, axis=1)
    signal = np.repeat(np.round(pq_signal(light) * 1023)[..., None], 3, axis=2).astype(np.uint16)
    if how == "nclx":
        photo = opened(bytes(imagecodecs.avif_encode(signal, level=100, bitspersample=10, primaries=9, transfer=16)))
        assert photo.bits == 10
    else:
        samples = np.round(signal * (65535 / 1023)).astype(np.uint16)
        described = tagged(b"RGB ", b"XYZ ", b"mntr", {b"cicp": b"cicp\0\0\0\0" + bytes([9, 16, 0, 1])})
        stated = (
            chunk(b"cICP", bytes([9, 16, 0, 1]))
            if how == "cICP"
            else chunk(b"iCCP", b"n\0\0" + zlib.compress(described))
        )
        photo = opened(png(samples, stated))
    found = srgb_to_linear(photo.image)[4, 4::8, 1]
    np.testing.assert_allclose(found, np.minimum(light[0, ::8] / 203, 1), rtol=0.02, atol=2e-5)
    assert any("HDR (PQ)" in note and "203 cd/m2" in note for note in photo.notes)


def test_hlg_reference_white_is_white() -> None:
    """ITU-R BT.2408, table 1: diffuse white is at 75 % of HLG, middle grey (18 %, 26 cd/m2) at 38 %."""
    signal = np.zeros((8, 16, 3), np.uint16)
    signal[:, :8], signal[:, 8:] = round(0.75 * 65535), round(0.38 * 65535)
    photo = opened(png(signal, chunk(b"cICP", bytes([9, 18, 0, 1]))))
    assert photo.image[0, 0].min() > 0.99
    np.testing.assert_allclose(srgb_to_linear(photo.image)[0, 12] * 203, 26, rtol=0.05)
    assert any("HDR (HLG)" in note for note in photo.notes)


def test_narrow_range() -> None:
    samples = np.repeat(np.array([[16, 235, 126]], np.uint8)[..., None], 3, axis=2)
    photo = opened(png(samples, chunk(b"cICP", bytes([1, 13, 0, 0]))))
    np.testing.assert_allclose(photo.image[0, :, 0], [0, 1, 110 / 219], atol=1e-6)


@pytest.mark.parametrize("codes", [[99, 13, 0, 1], [1, 200, 0, 1], [1, 13, 9, 1]])
def test_reserved_codes_are_ignored_with_a_note(codes: list[int]) -> None:
    photo = opened(png(PIXELS, chunk(b"cICP", bytes(codes))))
    np.testing.assert_array_equal(np.round(photo.image * 255), PIXELS)
    assert any("colour space" in note for note in photo.notes)


@pytest.mark.parametrize("stated", ["color space", "interoperability"])
def test_exif_says_adobe_rgb(stated: str) -> None:
    exif = Image.Exif()
    if stated == "color space":
        exif.get_ifd(34665)[40961] = 2
    else:
        exif.get_ifd(34665)[40961] = 65535
        exif.get_ifd(34665)[40965] = {1: "R03"}
    muted = Image.fromarray((PIXELS // 2 + 60).astype(np.uint8))
    data = saved(muted, "JPEG", exif=exif, quality=100, subsampling=0)
    decoded = Image.open(io.BytesIO(data)).convert("RGB")
    expected = by_littlecms(decoded, bytes(imagecodecs.cms_profile("adobergb")))
    assert np.abs(opened(data).image - expected).max() * 255 < 1.5
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(muted, "JPEG", exif=exif, quality=100, subsampling=0, icc_profile=own)  # a profile says more
    np.testing.assert_array_equal(np.round(opened(data).image * 255), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("photometric", [8, 9])
def test_lab_agrees_with_littlecms(photometric: int, depth: int) -> None:
    muted = Image.fromarray((PIXELS // 2 + 60).astype(np.uint8))
    lab = ImageCms.profileToProfile(
        muted, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    raw = np.asarray(lab)
    light, ab = raw[..., :1].astype(int), raw[..., 1:].view(np.int8).astype(int)
    if depth == 16:
        light, ab = light * (257 if photometric == 8 else 256), ab * 256
    ab = ab if photometric == 8 else ab + 2 ** (depth - 1)
    samples = np.concatenate([light, ab], axis=-1).astype(f"i{depth // 4}").astype(f"u{depth // 8}")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, photometric=photometric, metadata=None)
    photo = opened(buffer.getvalue())
    assert np.abs(photo.image * 255 - np.asarray(muted)).max() < 3.5  # a step of 8-bit Lab
    assert photo.bits == depth
