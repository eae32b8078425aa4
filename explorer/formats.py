"""The one table of what is opened.

Everything that has to know formats asks here: the decoders, folder and archive runs, the app's upload, messages, and
docs/formats.md, which `scripts/formats_page.py` writes from this table. It imports nothing, so that asking is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Signature = tuple[int, bytes]
"""Bytes that a file of the format has at an offset."""

_AS_LIBRAW = "LibRaw (rawpy)"
_CAMERA_COLOUR = "the file's matrix, or LibRaw's for the camera; sRGB after the network"
_CAMERA_TAGS = "camera, exposure, date"
_EXIF = "EXIF"


@dataclass(frozen=True)
class Format:
    """A row of the table."""

    key: str
    """Its short name in the program."""
    title: str
    group: Literal["raw", "picture"]
    suffixes: tuple[str, ...]
    """In lower case, without the dot; the first is the usual one."""
    signatures: tuple[Signature, ...] = ()
    """Any of them tells the format; empty where only the tags inside tell it."""
    decoder: str = _AS_LIBRAW
    depth: str = "as the sensor gives it"
    """Bits a channel that reach the network."""
    orientation: str = "as the file says"
    colour: str = _CAMERA_COLOUR
    metadata: str = _CAMERA_TAGS


_TIFF_SIGNATURES: tuple[Signature, ...] = ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+"))

_PICTURES = (
    Format("jpeg", "JPEG", "picture", ("jpg", "jpeg", "jpe", "jfif", "jif", "mpo"), ((0, b"\xff\xd8"),), "Pillow"),
    Format("png", "PNG", "picture", ("png", "apng"), ((0, b"\x89PNG\r\n\x1a\n"),), "Pillow"),
    Format("tiff", "TIFF", "picture", ("tif", "tiff", "btf"), _TIFF_SIGNATURES, "tifffile"),
    Format("webp", "WebP", "picture", ("webp",), ((8, b"WEBP"),), "Pillow"),
    Format("gif", "GIF", "picture", ("gif",), ((0, b"GIF87a"), (0, b"GIF89a")), "Pillow"),
    Format("bmp", "BMP", "picture", ("bmp", "dib"), ((0, b"BM"),), "Pillow"),
    Format("heic", "HEIC", "picture", ("heic", "heif", "hif", "heics", "heifs"), (), "pillow-heif"),
    Format("avif", "AVIF", "picture", ("avif", "avifs"), (), "imagecodecs"),
    Format("jxl", "JPEG XL", "picture", ("jxl",), ((0, b"\xff\x0a"), (0, b"\0\0\0\x0cJXL \r\n\x87\n")), "imagecodecs"),
    Format("jp2", "JPEG 2000", "picture", ("jp2", "j2k", "jpf", "jpx", "j2c", "jpc", "jph", "jhc"),
           ((0, b"\0\0\0\x0cjP  \r\n\x87\n"), (0, b"\xff\x4f\xff\x51")), "imagecodecs"),
)  # fmt: skip

_RAW = (
    Format("dng", "Adobe DNG", "raw", ("dng", "gpr")),
    Format("canon", "Canon", "raw", ("cr2", "cr3", "crw"),
           ((0, b"II\x2a\x00\x10\x00\x00\x00CR"), (0, b"II\x1a\x00\x00\x00HEAPCCDR"), (4, b"ftypcrx"))),
    Format("nikon", "Nikon", "raw", ("nef", "nrw")),
    Format("sony", "Sony", "raw", ("arw", "sr2", "srf")),
    Format("fujifilm", "Fujifilm", "raw", ("raf",), ((0, b"FUJIFILMCCD-RAW"),)),
    Format("olympus", "Olympus and OM System", "raw", ("orf",), ((0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"))),
    Format("panasonic", "Panasonic and Leica", "raw", ("rw2", "raw", "rwl"), ((0, b"IIU\x00"),)),
    Format("pentax", "Pentax", "raw", ("pef", "ptx")),
    Format("samsung", "Samsung", "raw", ("srw",)),
    Format("sigma", "Sigma", "raw", ("x3f",), ((0, b"FOVb"),)),
    Format("minolta", "Minolta", "raw", ("mrw", "mdc"), ((0, b"\x00MRM"),)),
    Format("hasselblad", "Hasselblad and Imacon", "raw", ("3fr", "fff")),
    Format("phase_one", "Phase One, Leaf and Mamiya", "raw", ("iiq", "cap", "mos", "mef")),
    Format("kodak", "Kodak", "raw", ("dcr", "dcs", "k25", "kdc")),
    Format("others", "Casio, Epson and Logitech", "raw", ("bay", "erf", "pxn")),
)  # fmt: skip

FORMATS: tuple[Format, ...] = (*_PICTURES, *_RAW)
RAW_SUFFIXES = frozenset(suffix for each in _RAW for suffix in each.suffixes)
PICTURE_SUFFIXES = frozenset(suffix for each in _PICTURES for suffix in each.suffixes)
SUFFIXES = RAW_SUFFIXES | PICTURE_SUFFIXES
"""What folder runs take: suffixes in lower case, without the dot. What a file named by itself is, its content says."""


def suffix_of(name: str) -> str:
    """The suffix of a file's name, in lower case and without the dot; empty where it has none."""
    stem, dot, suffix = name.replace("\\", "/").rpartition("/")[2].rpartition(".")
    return suffix.lower() if dot and stem else ""


def is_photo_name(name: str) -> bool:
    """True if a folder run takes a file of this name."""
    return suffix_of(name) in SUFFIXES


def described() -> str:
    """What is opened, for messages: "camera RAW, JPEG, ... or AVIF"."""
    titles = ["camera RAW", *(each.title for each in _PICTURES)]
    return ", ".join(titles[:-1]) + f" or {titles[-1]}"
