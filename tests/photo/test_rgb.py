"""Developed pictures: depth, alpha, orientation, colour profiles, EXIF."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from saving import saved

from explorer.photo import RgbPhoto, linear_to_srgb, open_photo
from explorer.photo.files.decoded import turned

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (24, 40, 3)).astype(np.uint8)
DEEP = RNG.integers(0, 65536, (24, 40, 3)).astype(np.uint16)


def rgb_photo(source: Path | bytes) -> RgbPhoto:
    photo = open_photo(source)
    assert isinstance(photo, RgbPhoto)
    assert photo.image.dtype == np.float32
    assert not photo.image.flags.writeable
    return photo


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True})],
)
def test_lossless_8_bit(kind: str, options: dict) -> None:
    photo = rgb_photo(saved(Image.fromarray(PIXELS), kind, **options))
    np.testing.assert_array_equal(np.round(photo.image * 255), PIXELS)
    assert photo.bits == 8


def test_jpeg_is_near() -> None:
    smooth = np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None].repeat(48, 0).repeat(3, 2)
    photo = rgb_photo(saved(Image.fromarray(smooth), "JPEG", quality=98))
    assert np.abs(photo.image * 255 - smooth).max() < 3


def test_16_bit_png_keeps_its_depth() -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = np.stack([ramp, ramp[::-1], ramp.T], axis=-1)
    photo = rgb_photo(imagecodecs.png_encode(picture))
    np.testing.assert_array_equal(np.round(photo.image.astype(np.float64) * 65535), picture)
    assert photo.bits == 16
    grey = rgb_photo(imagecodecs.png_encode(ramp))
    np.testing.assert_array_equal(np.round(grey.image.astype(np.float64) * 65535), ramp[..., None].repeat(3, 2))


@pytest.mark.parametrize("options", [{}, {"compression": "deflate", "predictor": True}, {"planarconfig": "separate"}])
def test_16_bit_tiff(tmp_path: Path, options: dict) -> None:
    samples = np.moveaxis(DEEP, -1, 0) if options.get("planarconfig") else DEEP
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", **options)
    photo = rgb_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(np.round(photo.image * 65535), DEEP)
    assert photo.bits == 16


def test_float_tiff(tmp_path: Path) -> None:
    image = RNG.uniform(-0.1, 1.1, (8, 9, 3)).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb")
    photo = rgb_photo(tmp_path / "a.tif")
    np.testing.assert_allclose(photo.image, np.clip(image, 0, 1))
    assert photo.bits == 32
    assert any("clipped" in note for note in photo.notes)


def test_tiff_kinds(tmp_path: Path) -> None:
    grey = PIXELS[..., 0]
    tifffile.imwrite(tmp_path / "white.tif", 255 - grey, photometric="miniswhite")
    np.testing.assert_array_equal(np.round(rgb_photo(tmp_path / "white.tif").image * 255), grey[..., None].repeat(3, 2))
    Image.fromarray(PIXELS).quantize(16).save(tmp_path / "palette.tif")
    expected = np.asarray(Image.open(tmp_path / "palette.tif").convert("RGB"))
    np.testing.assert_allclose(rgb_photo(tmp_path / "palette.tif").image * 255, expected, atol=0.51)
    tifffile.imwrite(tmp_path / "pages.tif", np.stack([PIXELS, PIXELS]), photometric="rgb")
    pages = rgb_photo(tmp_path / "pages.tif")
    np.testing.assert_array_equal(np.round(pages.image * 255), PIXELS)
    assert any("2 pages" in note for note in pages.notes)
    cmyk = Image.fromarray(PIXELS).convert("CMYK")
    cmyk.save(tmp_path / "cmyk.tif")
    np.testing.assert_array_equal(
        np.round(rgb_photo(tmp_path / "cmyk.tif").image * 255), np.asarray(cmyk.convert("RGB"))
    )


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_modes(mode: str, kind: str) -> None:
    picture = Image.fromarray(PIXELS).convert(mode)
    if mode in ("LA", "RGBA"):
        picture.putalpha(Image.fromarray(PIXELS[..., 1]))
    photo = rgb_photo(saved(picture, kind))
    expected = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    if mode in ("LA", "RGBA"):
        expected = expected * (PIXELS[..., 1:2] / np.float32(255))
    np.testing.assert_allclose(photo.image, expected, atol=1e-3)


def test_deep_alpha_is_composited_over_black() -> None:
    picture = np.dstack([DEEP, DEEP[..., 0]])
    photo = rgb_photo(imagecodecs.png_encode(picture))
    np.testing.assert_allclose(photo.image, DEEP / 65535 * (DEEP[..., :1] / 65535), atol=1e-5)


def test_palette_with_transparency() -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([255, 255, 255, 0, 255, 0])
    picture.putpixel((0, 0), 0)
    photo = rgb_photo(saved(picture, "PNG", transparency=0))
    np.testing.assert_array_equal(photo.image[0, 0], 0)
    np.testing.assert_array_equal(photo.image[1, 1], (0, 1, 0))


@pytest.mark.parametrize("code", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_orientation(code: int, kind: str) -> None:
    exif = Image.Exif()
    exif[274] = code
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(Image.fromarray(PIXELS), kind, exif=exif, **options)
    # Pillow's own transposition is the independent reference.
    from PIL import ImageOps

    reference = Image.fromarray(PIXELS)
    reference.getexif()[274] = code
    expected = np.asarray(ImageOps.exif_transpose(reference))
    photo = rgb_photo(data)
    np.testing.assert_array_equal(np.round(photo.image * 255), expected)
    np.testing.assert_array_equal(turned(PIXELS, code), expected)
    if photo.exif:
        kept = Image.Exif()
        kept.load(b"Exif\0\0" + photo.exif)
        assert 274 not in kept


def test_exif_is_carried_without_thumbnail() -> None:
    exif = Image.Exif()
    exif[271], exif[272], exif[274] = "Acme", "Acme X1", 6
    exif.get_ifd(34665).update({33434: 0.125, 33437: 2.8, 34855: 800, 37386: 35.0, 37500: b"maker note"})
    photo = rgb_photo(saved(Image.fromarray(PIXELS), "JPEG", exif=exif))
    assert photo.camera == "Acme X1"
    assert photo.exposure.seconds == pytest.approx(0.125)
    assert (photo.exposure.iso, photo.exposure.focal_length) == (800, 35)
    assert photo.exif is not None
    kept = Image.Exif()
    kept.load(b"Exif\0\0" + photo.exif)
    assert kept[272] == "Acme X1"
    assert 274 not in kept
    details = kept.get_ifd(34665)
    assert details[34855] == 800
    assert 37500 not in details


def profile_with(primaries: np.ndarray, gamma: float, space: bytes = b"RGB ") -> bytes:
    """An ICC v2 matrix-and-gamma profile; columns of `primaries` are D50 XYZ."""

    def xyz(values: np.ndarray) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78) + b"\0"
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": xyz(np.array([0.9642, 1, 0.8249]))}
    tags |= {code: xyz(column) for code, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T, strict=True)}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    table, body, offset = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for code, value in tags.items():
        value += bytes(-len(value) % 4)
        table += struct.pack(">4sII", code, offset + len(body), len(value))
        body += value
    head = struct.pack(">I4sI4s4s4s", offset + len(body), b"\0\0\0\0", 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + table + body


ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])


def test_profile_agrees_with_littlecms() -> None:
    profile = profile_with(ADOBE_RGB, 2.19921875)
    muted = (PIXELS // 3 + 80).astype(np.uint8)  # inside sRGB's gamut
    picture = Image.fromarray(muted)
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    expected = np.asarray(ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"))
    photo = rgb_photo(saved(picture, "PNG", icc_profile=profile))
    assert np.abs(photo.image * 255 - expected).max() < 1.1
    assert np.abs(photo.image * 255 - muted).max() > 5


def test_profile_keeps_16_bits() -> None:
    ramp = np.repeat(np.arange(0, 65536, 16, dtype=np.uint16)[None, :, None], 3, axis=2)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ramp, photometric="rgb", iccprofile=profile_with(ADOBE_RGB, 1.0))
    photo = rgb_photo(buffer.getvalue())
    # A neutral ramp in linear light becomes the sRGB curve, on every one of its steps.
    np.testing.assert_allclose(photo.image[0, :, 1], linear_to_srgb(ramp[0, :, 1] / np.float32(65535)), atol=2e-3)
    assert len(np.unique(photo.image[0, :, 1])) == ramp.shape[1]


def test_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = rgb_photo(saved(Image.fromarray(PIXELS), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(np.round(photo.image * 255), PIXELS)


def test_damaged_profile_is_ignored_with_a_note() -> None:
    photo = rgb_photo(saved(Image.fromarray(PIXELS), "PNG", icc_profile=b"nonsense" * 40))
    np.testing.assert_array_equal(np.round(photo.image * 255), PIXELS)
    assert any("profile" in note for note in photo.notes)


def test_kind_is_told_by_content(tmp_path: Path) -> None:
    (tmp_path / "wrong.jpg").write_bytes(saved(Image.fromarray(PIXELS), "PNG"))
    np.testing.assert_array_equal(np.round(rgb_photo(tmp_path / "wrong.jpg").image * 255), PIXELS)


def test_animation() -> None:
    frames = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    photo = rgb_photo(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    np.testing.assert_array_equal(np.round(photo.image * 255), PIXELS)
    assert any("2 pictures" in note for note in photo.notes)


def test_dark_photographs(shared: Path) -> None:
    paths = sorted(
        path for path in (shared / "data" / "dark").iterdir() if path.suffix.lower() in (".bmp", ".jpg", ".png")
    )
    assert paths
    for path in paths:
        expected = np.asarray(Image.open(path).convert("RGB"))
        assert np.abs(rgb_photo(path).image * 255 - expected).max() < 0.51


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_bigtiff(byteorder: str) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, DEEP, photometric="rgb", bigtiff=True, byteorder=byteorder)
    photo = rgb_photo(buffer.getvalue())
    assert photo.bits == 16
    np.testing.assert_allclose(photo.image, DEEP / 65535, atol=1e-6)


def test_odd_tags_leave_the_standard_error_alone(tmp_path: Path) -> None:
    """In a process of its own: the tests' own capture of log records would hide the line."""
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, PIXELS, photometric="rgb", extratags=[(274, 3, 1, 99, True)])
    code = "import sys, explorer.photo; print(explorer.photo.open_photo(sys.argv[1]).size)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("(40, 24)", "")
