"""Table of the file formats that the explorer opens.

Everything that needs to know formats uses it: the decoders, folder and archive runs, file choosers, messages, and
docs/formats.md, which `scripts/formats_page.py` writes from it. It imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Signature = tuple[int, bytes]
"""Offset, and the bytes that files of the format have there."""


@dataclass(frozen=True)
class Format:
    """A row of the table."""

    key: str
    """Short name in the code."""
    title: str
    group: Literal["raw", "picture"]
    suffixes: tuple[str, ...]
    """In lower case, without the dot; the most common one first."""
    signatures: tuple[Signature, ...] = ()
    """Each identifies the format; empty if only tags or brands further into the file identify it."""
    decoder: str = "LibRaw (rawpy)"
    depth: str = "the sensor's"
    """Bits per channel that are kept."""
    orientation: str = "as the file says"
    colour: str = "the file's matrix, otherwise LibRaw's for the camera"
    metadata: str = "camera, exposure"
    refused: str = ""
    """Variants that are not opened, and what to do instead."""


_TIFF: tuple[Signature, ...] = ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+"))
_EXIF, _EXIF_BLOCK = "EXIF", "EXIF (camera, exposure, date)"

_PICTURES = (
    Format(
        "jpeg", "JPEG", "picture", ("jpg", "jpeg", "jpe", "jfif", "jif", "mpo"), ((0, b"\xff\xd8"),),
        "Pillow; imagecodecs for 12 bits, lossless JPEG and JPEG-LS", "8, 12; up to 16 if lossless", _EXIF,
        "ICC; else Adobe RGB if EXIF says so; CMYK", _EXIF_BLOCK, "hierarchical JPEG: save it as a plain one",
    ),
    Format(
        "png", "PNG", "picture", ("png", "apng"), ((0, b"\x89PNG\r\n\x1a\n"),), "Pillow; imagecodecs for 16 bits",
        "8, 16", _EXIF, "cICP; else iCCP; else sRGB; else gAMA and cHRM", _EXIF_BLOCK,
        "the variant inside iPhone apps (CgBI): convert it with Apple's tools",
    ),
    Format(
        "tiff", "TIFF and BigTIFF", "picture", ("tif", "tiff", "btf"), _TIFF, "tifffile; libtiff for YCbCr and LogLuv",
        "1 to 16, 32, float", "tag 274", "ICC; grey, palette, RGB, CMYK, Lab, YCbCr", _EXIF_BLOCK,
        "signed and complex samples, spectra, inks other than CMYK, fax Lab: export as RGB",
    ),
    Format("webp", "WebP", "picture", ("webp",), ((8, b"WEBP"),), "Pillow", "8", _EXIF, "ICC", _EXIF_BLOCK),
    Format("gif", "GIF", "picture", ("gif",), ((0, b"GIF87a"), (0, b"GIF89a")), "Pillow", "8", "none", "sRGB", "none"),
    Format(
        "bmp", "BMP", "picture", ("bmp", "dib"), ((0, b"BM"),), "Pillow; our own decoder for bit fields",
        "8; 16 if masks are wider", "rows", "embedded ICC", "none",
    ),
    Format(
        "heic", "HEIC", "picture", ("heic", "heif", "hif", "heics", "heifs"), (),
        "pillow-heif (libheif), with the extra `heif`", "8, 10, 12", "irot, imir, clap",
        "ICC; else nclx, PQ and HLG too", _EXIF_BLOCK,
        "without pillow-heif: convert it to JPEG, PNG or TIFF",
    ),
    Format(
        "avif", "AVIF", "picture", ("avif", "avifs"), (), "imagecodecs (libavif)", "8, 10, 12", "irot, imir, clap",
        "ICC; else nclx, PQ and HLG too", _EXIF_BLOCK,
    ),
    Format(
        "jxl", "JPEG XL", "picture", ("jxl",), ((0, b"\xff\x0a"), (0, b"\0\0\0\x0cJXL \r\n\x87\n")),
        "imagecodecs (libjxl)", "8 to 16, float", "codestream", "the codestream's numbers; not its ICC profile (a note "
        "says so)", _EXIF_BLOCK,
    ),
    Format(
        "jp2", "JPEG 2000", "picture", ("jp2", "j2k", "jpf", "jpx", "j2c", "jpc", "jph", "jhc"),
        ((0, b"\0\0\0\x0cjP  \r\n\x87\n"), (0, b"\xff\x4f\xff\x51")), "imagecodecs (OpenJPEG)", "8 to 16", _EXIF,
        "ICC; sRGB, grey, sYCC, CMYK", _EXIF_BLOCK, "other colour spaces: save as sRGB",
    ),
)  # fmt: skip

_RAW = (
    Format(
        "dng", "Adobe DNG", "raw", ("dng", "gpr"),
        refused="samples as JPEG XL (DNG 1.7): convert it to DNG 1.6 or earlier",
    ),
    Format(
        "canon", "Canon", "raw", ("cr2", "cr3", "crw"),
        ((0, b"II\x2a\x00\x10\x00\x00\x00CR"), (0, b"II\x1a\x00\x00\x00HEAPCCDR"), (4, b"ftypcrx")),
    ),
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

FORMATS: tuple[Format, ...] = (*_RAW, *_PICTURES)
"""RAW formats first, because their files may begin like a TIFF."""
RAW_SUFFIXES = frozenset(suffix for each in _RAW for suffix in each.suffixes)
PICTURE_SUFFIXES = frozenset(suffix for each in _PICTURES for suffix in each.suffixes)
DEVELOPED_SUFFIXES = PICTURE_SUFFIXES - {"tif", "tiff", "btf"}
"""Suffixes that no RAW file has; early cameras named theirs like TIFFs."""
SUFFIXES = RAW_SUFFIXES | PICTURE_SUFFIXES
"""Suffixes that folder runs take, in lower case, without the dot. For a single file, only its content counts."""


def suffix_of(name: str) -> str:
    """Returns a file name's suffix in lower case, without the dot; empty if it has none."""
    stem, dot, suffix = name.replace("\\", "/").rpartition("/")[2].rpartition(".")
    return suffix.lower() if dot and stem else ""


def is_photo_name(name: str) -> bool:
    """True if a folder run takes a file of this name."""
    return suffix_of(name) in SUFFIXES


def format_of(data: bytes) -> Format | None:
    """Returns the format whose signature a file begins with."""
    for each in FORMATS:
        if any(data.startswith(magic, at) for at, magic in each.signatures):
            return each
    return None


def titles() -> tuple[str, ...]:
    """Short names of the formats, in the table's order."""
    return tuple(each.title.split(" and ")[0] for each in _PICTURES)


def listed(first: str = "camera RAW") -> tuple[str, str]:
    """Returns all formats but the last, separated by commas, and the last one, for sentences that join the two."""
    *names, last = (first, *titles())
    return ", ".join(names), last


def described() -> str:
    """Lists the formats that can be opened, for messages: "camera RAW, JPEG, ... or JPEG 2000"."""
    return " or ".join(listed())


def accepted() -> str:
    """Lists the suffixes for a web page's file dialog, with their dots, separated by commas."""
    return ",".join(f".{suffix}" for each in FORMATS for suffix in each.suffixes)
