"""Makes small, intact photos of every kind that `open_photo` reads, for the fuzzer to damage."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from explorer.photo.files.dng import write_dng

HEIGHT, WIDTH = 40, 56


def scene(channels: int = 3) -> NDArray[np.float64]:
    """Makes a smooth dark picture with an edge and noise, HEIGHT x WIDTH x channels in [0, 1]."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    light = 0.2 + 0.15 * np.sin(5 * x) * np.cos(3 * y) + 0.1 * (x > 0.5)
    picture = light[..., None] * np.linspace(1, 0.5, channels) + rng.normal(0, 0.01, (HEIGHT, WIDTH, channels))
    return np.clip(picture, 0, 1)


def _exif() -> bytes:
    exif = Image.Exif()
    exif[271], exif[272], exif[274] = "Acme", "Night 1", 6
    exif.get_ifd(34665).update({33434: 0.5, 33437: 1.8, 34855: 3200, 37386: 35.0, 36867: "2024:01:02 03:04:05"})
    exif.get_ifd(34853).update({1: "N", 2: (50.0, 10.0, 0.0)})
    return exif.tobytes()


def _pillow(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray((scene() * 255).astype(np.uint8)).convert(mode)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _tiff(samples: NDArray[Any], **options: Any) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **{"photometric": "rgb", "metadata": None, **options})
    return buffer.getvalue()


def _dng(folder: Path, **options: Any) -> bytes:
    mosaic = (scene(1)[..., 0] * 3000 + 64).astype(np.uint16)
    if options.get("phase") == "X-Trans":
        mosaic = mosaic[:36, :54]
    return write_dng(folder / "sample.dng", mosaic, white=4095, **{"black": 64, **options}).read_bytes()


def _packed_dng(folder: Path) -> bytes:
    """Makes a DNG whose mosaic is compressed in tiles of lossless JPEG, as written by cameras and converters."""
    import imagecodecs
    import tifffile

    with tifffile.TiffFile(io.BytesIO(_dng(folder))) as tiff:
        page = tiff.pages.first
        kept = (271, 272, 33421, 33422, 50706, 50707, 50708, 50713, 50714, 50717, 50728)
        tags = [(tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in page.tags if tag.code in kept]
        mosaic = np.pad(page.asarray(), ((0, 64 - HEIGHT), (0, 64 - WIDTH)))
    tiles = [
        bytes(imagecodecs.ljpeg_encode(np.ascontiguousarray(mosaic[y : y + 32, x : x + 32]), bitspersample=12))
        for y in (0, 32)
        for x in (0, 32)
    ]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, iter(tiles), shape=(HEIGHT, WIDTH), dtype=np.uint16, photometric="CFA", compression=7,
                     tile=(32, 32), extratags=tags, metadata=None)  # fmt: skip
    return buffer.getvalue()


def _stated_png() -> bytes:
    """Makes a PNG with colour-space chunks and text."""
    chunks = [(b"cICP", bytes([9, 18, 0, 1])), (b"gAMA", struct.pack(">I", 100_000)), (b"sRGB", b"\0"),
              (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
              (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5000)))]  # fmt: skip
    made = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    plain = _pillow("PNG")
    return plain[:33] + made + plain[33:]


def _fields_bmp(byte: np.ndarray) -> bytes:
    """Makes a 32-bit BMP with masks."""
    red, green, blue = (byte[::-1, :, channel].astype("<u4") for channel in range(3))
    body = (red << 24 | green << 16 | blue << 8 | np.uint32(255)).tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT, 1, 32, 3, len(body), 0, 0, 0, 0)
    head = (head + struct.pack("<4I", 0xFF000000, 0xFF0000, 0xFF00, 0xFF)).ljust(108, b"\0")
    return b"BM" + struct.pack("<IHHI", 122 + len(body), 0, 0, 122) + head + body


def samples() -> dict[str, list[tuple[str, bytes]]]:
    """Returns samples for each format: a name with the usual suffix, and the bytes."""
    import imagecodecs

    byte, deep = (scene() * 255).astype(np.uint8), (scene() * 65535).astype(np.uint16)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    exif = _exif()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        dng = [
            (f"{phase.lower()}.dng", _dng(folder, phase=phase)) for phase in ("RGGB", "BGGR", "GRBG", "GBRG", "X-Trans")
        ]
        dng += [
            ("levels.dng", _dng(folder, black=(64, 60, 66, 62), iso=3200, exposure_seconds=0.5, aperture=1.8)),
            ("turned.dng", _dng(folder, rotation=90, active_area=(2, 2, 38, 54), as_shot_neutral=(0.5, 1.0, 0.7),
                                color_matrix=((0.8, -0.2, -0.1), (-0.4, 1.2, 0.2), (-0.1, 0.2, 0.6)))),
            ("packed.dng", _packed_dng(folder)),
        ]  # fmt: skip
    tiff = [
        ("byte.tif", _tiff(byte, compression=None, rowsperstrip=16)),
        ("deep.tif", _tiff(deep, compression="zlib", predictor=True)),
        ("big.tif", _tiff(deep, bigtiff=True, tile=(16, 16), compression="lzw")),
        ("float.tif", _tiff(scene().astype(np.float32), byteorder=">")),
        ("grey.tif", _tiff(byte[..., 0], photometric="minisblack", compression="packbits")),
        ("alpha.tif", _tiff(np.dstack([byte, byte[..., :1]]), extrasamples=["unassalpha"], compression="zstd")),
        ("planes.tif", _tiff(np.moveaxis(byte, -1, 0), planarconfig="separate", iccprofile=profile)),
        ("pages.tif", _tiff(np.stack([byte, byte]), compression="lzma")),
        ("jpeg.tif", _tiff(byte, compression="jpeg")),
        ("palette.tif", _pillow("TIFF", "P")),
        ("cmyk.tif", _pillow("TIFF", "CMYK", compression="tiff_lzw")),
        ("bilevel.tif", _pillow("TIFF", "1", compression="group4")),
        ("lab.tif", _tiff(deep, photometric="cielab")),
        ("inks.tif", _tiff(np.dstack([deep, deep[..., :2]]), photometric="separated", extrasamples=["unassalpha"])),
        ("ycbcr.tif", _pillow("TIFF", "YCbCr")),
    ]
    png = [
        ("byte.png", _pillow("PNG", exif=exif, icc_profile=profile)),
        ("deep.png", bytes(imagecodecs.png_encode(deep))),
        ("grey16.png", bytes(imagecodecs.png_encode(deep[..., 0].copy()))),
        ("palette.png", _pillow("PNG", "P", transparency=3)),
        ("alpha.png", _pillow("PNG", "RGBA")),
        ("bilevel.png", _pillow("PNG", "1")),
        ("stated.png", _stated_png()),
    ]
    jpeg = [
        ("baseline.jpg", _pillow("JPEG", exif=exif, icc_profile=profile, quality=90)),
        ("progressive.jpg", _pillow("JPEG", progressive=True, subsampling=0, exif=exif)),
        ("cmyk.jpg", _pillow("JPEG", "CMYK", icc_profile=lab)),
        ("grey.jpg", _pillow("JPEG", "L", optimize=True)),
        ("deep.jpg", bytes(imagecodecs.jpeg8_encode(deep >> 4, bitspersample=12))),
        ("lossless.jpg", bytes(imagecodecs.jpeg8_encode(byte, lossless=True))),
        ("ls.jpg", bytes(imagecodecs.jpegls_encode(deep))),
    ]
    webp = [
        ("lossy.webp", _pillow("WEBP", exif=exif, icc_profile=profile)),
        ("lossless.webp", _pillow("WEBP", "RGBA", lossless=True)),
        ("animated.webp", _pillow("WEBP", save_all=True, append_images=[Image.fromarray(255 - byte)])),
    ]
    alpha = np.dstack([deep, deep[..., 0]])
    modern = [
        ("byte.avif", bytes(imagecodecs.avif_encode(byte, level=90))),
        ("deep.avif", bytes(imagecodecs.avif_encode(alpha >> 6, bitspersample=10, primaries=9, transfer=16))),
        ("byte.jxl", bytes(imagecodecs.jpegxl_encode(byte, lossless=True))),
        ("deep.jxl", bytes(imagecodecs.jpegxl_encode(alpha, lossless=False))),
        ("byte.jp2", bytes(imagecodecs.jpeg2k_encode(byte, level=0))),
        ("deep.j2k", bytes(imagecodecs.jpeg2k_encode(deep >> 4, bitspersample=12, codecformat="j2k"))),
    ]
    other = [("first.gif", _pillow("GIF")), ("plain.bmp", _pillow("BMP")), ("palette.bmp", _pillow("BMP", "P")),
             ("fields.bmp", _fields_bmp(byte))]  # fmt: skip
    mosaic = (scene(1)[..., 0] * 3000 + 64).astype("<u2").tobytes()
    other.append((f"bare_{WIDTH}x{HEIGHT}_grbg_b64_w4095.raw", mosaic))
    return {"dng": dng, "tiff": tiff, "png": png, "jpeg": jpeg, "webp": webp, "modern": modern, "other": other}


def camera_files(folder: Path) -> list[tuple[str, bytes]]:
    """Returns files of real cameras, if there are any."""
    kinds = (".dng", ".crw", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw")
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [(path.name, path.read_bytes()) for path in paths if path.suffix.lower() in kinds]
