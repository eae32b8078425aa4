"""Writes docs/formats.md from the table of formats: `python scripts/formats_page.py`."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from explorer.formats import FORMATS, Format  # noqa: E402

PAGE = PROJECT / "docs" / "formats.md"
_TOP = """# File formats

<!-- Written by scripts/formats_page.py from explorer/formats.py. Change the table there, then run the script. -->

A file's content, not its name, decides how it is opened. Folder and archive runs process files with the suffixes below
and skip everything else.

## Pictures

{pictures}

## Camera RAW

{raw}

The name of a headerless mosaic of little-endian 16-bit samples states its layout: `rose_768x512_rggb.raw`, optionally
with `_b600` and `_w16383` (black and white level) before the suffix.

## How pictures become sRGB

- **Colours are converted from the colour space in the file**, in floating point and at the file's own depth.
  LittleCMS applies ICC profiles. A damaged profile, or one for another kind of picture (a grey profile in a colour
  picture), is ignored, and a note says so.
- **Colour codes** (cICP, nclx, JPEG XL) name primaries and a transfer curve of ITU-T H.273. BT.709, BT.601 and BT.2020
  describe how a camera encodes; such pictures are shown with sRGB's curve, as browsers do. A gAMA of 1/2.2 is also
  read as sRGB's curve.
- **HDR.** PQ and HLG encode light. Light up to the reference white of ITU-R BT.2408 (203 cd/m2; HLG on a display of
  1000 cd/m2) is scaled to sRGB, and anything brighter is clipped. There is no tone curve, because amplification must
  remain a factor in linear light. A note says so.
- **CMYK** without a usable profile is approximate, and a note says so.
- **Transparent parts** are composited over black: they send no light. Premultiplied opacity is divided out first.
- **Floating-point TIFF** holds 0 to 1, or counts up to 255 or 65535. It is read as counts if the samples are whole
  numbers, if any is above 16, or if more than half are above 1. A note says which. Samples above 65535, NaN and
  infinities are refused.
- **Several pictures.** Animations and multi-page files show the first picture. A TIFF shows the first one that is
  marked neither as a preview nor as a mask, or a larger one of the same proportions, SubIFDs included.
- **Rotation.** HEIC and AVIF are rotated by their own boxes and not by EXIF, as their standard requires.

## Damaged files

- **Refused:** files with missing samples, because decoders fill the rest with grey; and files whose checksums show
  that samples are damaged (PNG, and TIFF with deflate, LZMA or LERC).
- **Opened:** files in which only things that pixels do not need are missing or wrong: text and unknown chunks of a PNG,
  bytes after the end of a GIF, JPEG or PNG, damaged EXIF. A note names chunks with wrong checksums.
- **Opened, with a note:** files that only lack their end (the last marker of a JPEG or JPEG 2000, the trailer of a
  GIF, everything after the first picture of an animation or a TIFF), because the picture is complete.

Size limits and decoder limits: [security.md](security.md).
"""


def _row(each: Format) -> str:
    suffixes = " ".join(f".{suffix}" for suffix in each.suffixes)
    cells = [each.title, suffixes]
    if each.group == "picture":
        cells += [each.decoder, each.depth, each.orientation, each.colour, each.metadata, each.refused]
    return "| " + " | ".join(cells) + " |"


def page() -> str:
    """Returns the page as a string."""
    raw = [each for each in FORMATS if each.group == "raw"]
    pictures = [each for each in FORMATS if each.group == "picture"]
    head = "| format | suffixes | decoder | bits/channel | rotated by | colour | metadata | refused |\n|" + 8 * "---|"
    common = raw[0]
    raw_rows = [
        f"Decoded by {common.decoder} at the sensor's bit depth; rotated {common.orientation}; colour: "
        f"{common.colour}; metadata: {common.metadata}.",
        "",
        "| maker | suffixes |\n|---|---|",
        *map(_row, raw),
        *(f"\nRefused: {each.title} with {each.refused}." for each in raw if each.refused),
    ]
    return _TOP.format(pictures="\n".join([head, *map(_row, pictures)]), raw="\n".join(raw_rows))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
