"""A short part of `make fuzz`, a check that the fuzzer notices faults, and its earlier findings."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from explorer.errors import PhotoError
from explorer.photo import Limits, RgbPhoto, open_photo
from explorer.sandbox.processes import UnexpectedDecodingError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import fuzz  # noqa: E402
from fuzz_samples import samples  # noqa: E402

SEED, COUNT = 1, 300


def test_a_seeded_slice_has_no_findings() -> None:
    report = fuzz.run(SEED, COUNT)
    assert report.count() == COUNT
    assert not report.findings, "\n".join(report.findings)
    assert not report.left_behind
    assert set(report.outcomes) == set(samples())
    for kind, outcomes in report.outcomes.items():
        assert outcomes["photo"] and outcomes["refused"], f"{kind}: the damage is too strong or too weak: {outcomes}"
    page = fuzz.markdown(report, 1.0)
    assert f"{COUNT} damaged files, seed {SEED}" in page and "None." in page


def test_a_case_depends_on_its_seed_and_number_alone() -> None:
    whole = samples()
    cases = list(fuzz.cases(5, 60, []))
    first = [fuzz.case(5, kind, number, whole) for kind, number in cases]
    assert first[::-1] == [fuzz.case(5, kind, number, whole) for kind, number in reversed(cases)]
    assert first != [fuzz.case(6, kind, number, whole) for kind, number in cases]
    originals = {data for each in whole.values() for _, data in each}
    assert len({data for _, data in first} - originals) > 45


@pytest.mark.parametrize(
    ("error", "found"),
    [
        ("cannot be decoded (KeyError).", "unexpected"),
        ("x could not be decoded within 20 s; open a smaller file.", "slow"),
        ("x crashes its decoder, so it is damaged.", "crash"),
        ("x needs more than the 2 MiB of memory that its decoder may use; open a smaller file.", "out of memory"),
        ("x is truncated; copy the file again.", "refused"),
        ("x is\ntwo lines.", "unexpected"),
    ],
)
def test_every_end_is_told_apart(error: str, found: str) -> None:
    def refuse(*_: object) -> None:
        raise PhotoError(error) from (UnexpectedDecodingError("trace") if "KeyError" in error else None)

    assert fuzz.outcome(SimpleNamespace(open=refuse), "x", b"x", Limits())[0] == found  # type: ignore[arg-type]


def test_a_photo_without_pixels_is_a_finding() -> None:
    empty = RgbPhoto(np.zeros((0, 3, 3), np.float32), 8)
    pool = SimpleNamespace(open=lambda *_: empty)
    assert fuzz.outcome(pool, "x", b"x", Limits())[0] == "unexpected"  # type: ignore[arg-type]


def test_what_was_left_behind_is_seen(tmp_path: Path) -> None:
    before = fuzz.traces()
    with (tmp_path / "open").open("w"):
        assert fuzz.traces() - before


def saved(**options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (12, 8), (90, 60, 30)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_an_orientation_that_is_a_text() -> None:
    """Found by seed 3, webp/4630."""
    entry = struct.pack("<HHII", 274, 2, 8, 26)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4) + b"Night 1\0"
    photo = open_photo(saved(exif=exif), name="a.png")
    assert photo.size == (12, 8)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((8, 12, 3), np.uint8), photometric="rgb", extratags=[(274, 2, 3, "abc", True)])
    assert open_photo(buffer.getvalue(), name="a.tif").size == (12, 8)


@pytest.mark.parametrize("count", [50, 2**31, 2**32 - 1])
def test_a_colour_profile_whose_curve_is_longer_than_the_file(count: int) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    curve = b"curv" + bytes(4) + struct.pack(">I", count)
    at = profile.find(b"para")
    photo = open_photo(saved(icc_profile=profile[:at] + curve + profile[at + len(curve) :]), name="a.png")
    assert np.array_equal(np.round(photo.image[0, 0] * 255), [90, 60, 30])
    assert "colour profile" in " ".join(photo.notes)


def test_a_tiff_whose_tile_or_samples_are_giant() -> None:
    whole = next(data for name, data in samples()["tiff"] if name == "big.tif")
    for code, value in ((322, 60_000), (323, 60_000), (277, 60_000)):  # tile width, tile length, samples a pixel
        changed = bytearray(whole)
        with tifffile.TiffFile(io.BytesIO(whole)) as tiff:
            tag = tiff.pages.first.tags[code]
            struct.pack_into(f"<{'H' if int(tag.dtype) == 3 else 'I'}", changed, tag.valueoffset, value)
        with pytest.raises(PhotoError) as caught:
            open_photo(bytes(changed), name="big.tif", limits=Limits(max_pixels=50_000))
        assert "The header of big.tif asks for" in str(caught.value)
