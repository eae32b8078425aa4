"""Writes docs/formats.md from the table of formats: `python scripts/formats_page.py`."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from explorer.formats import FORMATS, Format  # noqa: E402

PAGE = PROJECT / "docs" / "formats.md"
_TOP = """# What is opened

<!-- Written by scripts/formats_page.py from explorer/formats.py. Change the table there, then run the script. -->

What a file is, its content says, whatever its name says. Folder and archive runs take the files whose suffix stands
here; everything else in a folder is left out.

## Pictures

{pictures}

## Camera RAW

{raw}

A headerless mosaic of little-endian 16-bit samples opens by its name: `rose_768x512_rggb.raw`, optionally with `_b600`
and `_w16383` (black and white level) before the suffix.

## How pictures become sRGB

- **Colours are converted from what the file states**, in floating point and at the depth that the file has. A profile
  is applied by LittleCMS. One that is damaged, or that belongs to another kind of picture (a grey profile in a colour
  picture), is left aside, and a note says so.
- **Numbers** (cICP, nclx, JPEG XL) name primaries and a transfer curve of ITU-T H.273. BT.709, BT.601 and BT.2020 name
  how a camera encodes; such pictures are shown with sRGB's curve, as browsers do it. A gAMA of 1/2.2 is sRGB's curve,
  too.
- **HDR.** PQ and HLG state light. Light up to the reference white of ITU-R BT.2408 (203 cd/m2; HLG on a display of
  1000 cd/m2) comes to sRGB in proportion, and what is brighter is clipped: amplification is a factor in linear light,
  and a tone curve would bend it. A note says so.
- **CMYK** without a usable profile is approximate, and a note says so.
- **Transparent parts** are composited over black: they send no light. Opacity that is multiplied into the samples is
  divided out before they become colours.
- **Floating-point TIFF** holds 0 to 1, or counts from 0 to 255 or to 65535: counts are told by whole numbers, by a
  sample above 16, or by more than half of the samples being above 1. A note says which. Samples beyond 65535, NaN and
  infinities are refused.
- **Several pictures.** Of animations and pages the first is shown. Of a TIFF it is the first picture that is marked
  neither as a preview nor as a mask, or a larger one of the same proportions, SubIFDs included.
- **Turning.** HEIC and AVIF are turned by their own boxes and not by EXIF, as their standard asks.

## Whole or not

A file whose samples are cut off is refused, because decoders fill the rest with grey. So is one whose checksums say
that its samples are damaged: PNG, and TIFF by deflate, LZMA or LERC. What pixels do not need may be missing or wrong:
text and unknown chunks of a PNG, bytes behind the end of a GIF, JPEG or PNG, damaged EXIF; a note names chunks whose
checksums are wrong. Where only the end is missing (the last marker of a JPEG or JPEG 2000, the trailer of a GIF, what
follows the first picture of an animation or a TIFF), the picture is whole and opens, with a note.
Limits of size and what a decoder may use: [security.md](security.md).
"""


def _row(each: Format) -> str:
    suffixes = " ".join(f".{suffix}" for suffix in each.suffixes)
    cells = [each.title, suffixes]
    if each.group == "picture":
        cells += [each.decoder, each.depth, each.orientation, each.colour, each.metadata, each.refused]
    return "| " + " | ".join(cells) + " |"


def page() -> str:
    """The page as a string."""
    raw = [each for each in FORMATS if each.group == "raw"]
    pictures = [each for each in FORMATS if each.group == "picture"]
    head = "| format | suffixes | decoder | bits a channel | turned by | colour | metadata | refused |\n|" + 8 * "---|"
    common = raw[0]
    raw_rows = [
        f"Decoded by {common.decoder} at the depth of the sensor; turned {common.orientation}; colour: "
        f"{common.colour}; metadata: {common.metadata}.",
        "",
        "| maker | suffixes |\n|---|---|",
        *map(_row, raw),
    ]
    return _TOP.format(pictures="\n".join([head, *map(_row, pictures)]), raw="\n".join(raw_rows))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
