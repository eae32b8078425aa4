"""JPEGs that paint over themselves thousands of times."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from explorer.errors import PhotoError
from explorer.photo import open_photo
from explorer.photo.files import scans
from explorer.photo.limits import Limits


def jpeg(width: int = 64, height: int = 48, **options: object) -> bytes:
    picture = np.random.default_rng(5).integers(0, 60, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def repeated(data: bytes, times: int) -> bytes:
    """A progressive JPEG with its last scan written again and again: a refinement, which may come any number of
    times."""
    begin, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:end] + data[begin:end] * times + data[end:]


def test_ordinary_jpegs_open() -> None:
    for options in ({}, {"progressive": True}, {"progressive": True, "quality": 100, "subsampling": 0},
                    {"comment": b"\xff\xda" * 300}, {"restart_marker_blocks": 1}):  # fmt: skip
        assert open_photo(jpeg(**options)).size == (64, 48)


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    progressive = jpeg(progressive=True)
    assert open_photo(repeated(progressive, 20)).size == (64, 48)
    monkeypatch.setattr(Image.Image, "load", None)
    for many in (repeated(progressive, 3000), repeated(progressive, scans.MOST_SCANS)):
        with pytest.raises(PhotoError, match="so many scans"):
            open_photo(many)


def test_the_larger_the_picture_the_fewer_scans() -> None:
    data = repeated(jpeg(progressive=True), 20)
    scans.check_scans(data, "x", Limits(2**20, 64 * 48 * 2))
    with pytest.raises(PhotoError, match="so many scans"):
        scans.check_scans(data, "x", Limits(2**20, 64 * 48))


def test_millions_of_segments_are_not_followed() -> None:
    data = b"\xff\xd8" + b"\xff\xfe\x00\x02" * 2_000_000
    with pytest.raises(PhotoError):
        scans.check_scans(data, "x", Limits())
    scans.check_scans(b"\xff\xd8" + b"\xff" * 5_000_000, "x", Limits())
